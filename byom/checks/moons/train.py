"""The training script ``source/train.py``, run as a training container runs it."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Evidence, Record
from byom.checks.process import gather, run_script, scratch

LEARNT = 0.75
"""Least share of 10,000 fresh points for a model that learnt anything. Worst of 20 runs of what should pass, a network
without an activation: 0.854. Best of 20 runs of the nearest wrong answer, a network that takes no step: 0.592."""

ACCURACY = 0.90
"""Least share of 10,000 fresh points to classify rightly. Worst of 20 reference runs: 0.930. Best of 20 runs of the
nearest wrong answer, a network without an activation between its layers: 0.867."""

FIRST = 0.15
"""How far from ln 2 the loss may be before the first step. Worst of 20 reference runs: 0.059. Best of 20 runs of the
nearest wrong answer, a log that begins after the first epoch: 0.229."""

FALLEN = 0.35
"""Highest loss after the last epoch. Worst of 20 reference runs: 0.187. Best of 20 runs of the nearest wrong
answer, BCEWithLogitsLoss on scores that are already between 0 and 1: 0.517."""


def moons(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``n`` points of the unit's data: features (n, 2), float64, and labels (n,), int64."""
    from sklearn.datasets import make_moons

    return make_moons(n, noise=0.25, random_state=int(rng.integers(2**31)))


class Train(Check):
    """The training script ``source/train.py``, run as a training container runs it."""

    name = "train"
    answer = "source/train.py"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Fresh training data, fresh points to classify, and hyperparameters other than the defaults."""
        x, y = moons(rng, 450)
        fresh, labels = moons(rng, 10_000)
        return Challenge(
            {
                "csv": "".join(f"{label},{a!r},{b!r}\n" for label, (a, b) in zip(y.tolist(), x.tolist(), strict=True)),
                "fresh": fresh.astype("float32"),
                "hidden_dim": int(rng.integers(21, 40)),
                "epochs": int(rng.integers(80, 100)),
                "seed": int(rng.integers(1, 10_000)),
            },
            withheld={"labels": labels},
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """Run the script twice: with SM_ variables and arguments, and with neither."""
        script, record = Path(learner).resolve(), Record()
        if not script.is_file():
            record.fail(f"there is no file {learner}")
            return record
        with scratch() as root:
            channel, model_dir, home = root / "input" / "data" / "train", root / "model", root / "home"
            for folder in (channel, model_dir, home / "data"):
                folder.mkdir(parents=True)
            (channel / "train.csv").write_text(given["csv"])
            (home / "data" / "train.csv").write_text(given["csv"][: given["csv"].index("\n", 4000) + 1])
            settings = {k: str(given[k]) for k in ("epochs", "hidden_dim", "seed")}
            arguments = [word for key in sorted(settings) for word in (f"--{key}", settings[key])]
            variables = {"SM_CHANNEL_TRAIN": str(channel), "SM_MODEL_DIR": str(model_dir)}
            job = run_script(script, arguments, variables, root, seconds=30)
            record["job"] = {"raised": job.trouble} if job.trouble else "ended well"
            record["log"] = job.output[:20_000]
            record["files"] = sorted(p.name for p in model_dir.iterdir())
            saved = {"model_dir": str(model_dir), "fresh": given["fresh"]}
            record.update(gather(probe_saved, script, saved, seconds=10))
            # a script that never ends would not end here either
            local = job if job.stopped else run_script(script, ["--epochs", "1"], {}, home, seconds=10)
            record["local"] = {"raised": local.trouble} if local.trouble else "ended well"
            record["local_files"] = (
                sorted(p.name for p in (home / "model").iterdir()) if (home / "model").is_dir() else []
            )
        return record

    @criterion(
        1,
        "Training left a model that learnt something",
        "Read the log to its end. Did the script finish, and does each step change the weights that are saved?",
    )
    def learnt(self, seen: Exhibits) -> Outcome:
        """Better than chance on 10,000 points nobody has seen."""
        return _right(seen, LEARNT)

    @criterion(
        2,
        "The trained model classifies fresh points well",
        "A straight line gets 0.86: what lets a network bend? Are gradients reset at each step?",
        rests_on="learnt",
    )
    def accuracy(self, seen: Exhibits) -> Outcome:
        """Accuracy on 10,000 points nobody has seen."""
        return _right(seen, ACCURACY)

    @criterion(
        1,
        "The saved files build the network again",
        "The endpoint knows only these two files. Which numbers does it need to build your network, and from where?",
        rests_on="learnt",
    )
    def saved(self, seen: Exhibits) -> Outcome:
        """`model_info.pth` and `model.pth`, loaded as ``predict.py`` loads them, and by nothing else."""
        files = seen.evidence.items("files")
        missing = [f for f in ("model.pth", "model_info.pth") if f not in files]
        if missing:
            return expect(False, "model.pth and model_info.pth in SM_MODEL_DIR", f"{files or 'an empty folder'}")
        served = seen.evidence.flag("served", "a network built from the two files")
        return expect(served, "a network built from the two files", "it scores" if served else "another network")

    @criterion(
        1,
        "Hyperparameters come from the command line",
        "They arrive as --name value. Are all of them read, with the type they need, and used?",
        rests_on="learnt",
    )
    def arguments(self, seen: Exhibits) -> Outcome:
        """The asked width, in the saved weights; the asked number of epochs, in the log."""
        given = seen.challenge.given
        widths = {n for shape in seen.evidence.items("shapes") if isinstance(shape, list) for n in shape}
        # a log without losses is judged below
        epochs = max((epoch for epoch, _ in _losses(seen.evidence)), default=given["epochs"])
        met = given["hidden_dim"] in widths and epochs == given["epochs"]
        expected = f"hidden_dim {given['hidden_dim']} and {given['epochs']} epochs"
        return expect(met, expected, f"weights with sizes {sorted(map(int, widths))}; last epoch in the log: {epochs}")

    @criterion(
        1,
        "The script runs on your own machine too",
        "Outside a container nobody sets SM_ variables. What does os.environ['…'] do then?",
        rests_on="learnt",
    )
    def local(self, seen: Exhibits) -> Outcome:
        """Without SM_ variables it reads ``data`` and writes ``model``."""
        seen.evidence.text("local", "a run without SM_ variables")
        files = seen.evidence.items("local_files")
        return expect("model.pth" in files, "model.pth in the folder model", f"{files or 'nothing there'}")

    @criterion(
        1,
        "The first loss is near ln 2",
        "An untrained network says 0.5 to everything. What is the cross entropy of that?",
        rests_on="learnt",
    )
    def first_loss(self, seen: Exhibits) -> Outcome:
        """The loss that the log tells for epoch 0."""
        first = dict(_losses(seen.evidence)).get(0)
        if first is None:
            return expect(False, "a line 'epoch 0 loss …' in the log", "none")
        return expect(abs(first - math.log(2)) < FIRST, f"about {math.log(2):.2f}", f"{first:.3f}")

    @criterion(
        1,
        "The loss falls",
        "Plot it. Is the loss the right one for scores between 0 and 1? Does every step use its own gradients?",
        rests_on="accuracy",
    )
    def falls(self, seen: Exhibits) -> Outcome:
        """The loss that the log tells for the last epoch."""
        losses = _losses(seen.evidence)
        last = losses[-1][1] if losses else math.inf
        return expect(last <= FALLEN, f"at most {FALLEN:.2f} after the last epoch", f"{last:.3f}")


def probe_saved(given: Mapping[str, Any]) -> Record:
    """Evidence about saved files; runs where the learner's modules can be imported, in no other process.

    The network is built from what was saved, as the endpoint builds it. Where that fails, it is built from
    ``model.pth`` alone, whatever that holds: what was learnt counts, although it was saved wrongly.
    """
    import torch

    record, folder = Record(), Path(given["model_dir"])
    fresh = torch.from_numpy(given["fresh"].copy())

    def scores(sizes: list[int], weights: Mapping[str, Any]) -> np.ndarray:
        from model import SimpleNet as Net  # type: ignore[import-not-found]

        record["shapes"] = [list(w.shape) for w in weights.values()]
        net = Net(*sizes)
        net.load_state_dict(weights)
        net.eval()
        with torch.no_grad():
            return net(fresh).reshape(-1).numpy().astype("float64")

    def as_served() -> bool:
        info = torch.load(folder / "model_info.pth", weights_only=True)
        weights = torch.load(folder / "model.pth", weights_only=True, map_location="cpu")
        record["scores"] = scores([info[n] for n in ("input_dim", "hidden_dim", "output_dim")], weights)
        return True

    def somehow() -> np.ndarray:
        # the learner's own file, in a process that runs the learner's own code already
        content = torch.load(folder / "model.pth", weights_only=False, map_location="cpu")
        weights = content.state_dict() if isinstance(content, torch.nn.Module) else content
        return scores([2, max(n for w in weights.values() for n in w.shape), 1], weights)

    if record.attempt("served", as_served) is None:
        record.attempt("scores", somehow)
    return record


def _right(seen: Exhibits, least: float) -> Outcome:
    """Whether enough fresh points got a score on the right side of one half."""
    seen.evidence.text("job", "a script that ends well")
    scores = seen.evidence.array("scores", (10_000,), "a score for each of 10,000 fresh points")
    share = float(((scores > 0.5) == seen.challenge.withheld["labels"]).mean())
    return expect(share >= least, f"accuracy of at least {least:.2f}", f"{share:.3f}")


def _losses(evidence: Evidence) -> list[tuple[int, float]]:
    """Epochs and losses that a training log tells of."""
    lines = re.findall(r"^epoch (\d+) loss (\d+\.\d+(?:e-?\d+)?)\s*$", evidence.text("log"), re.MULTILINE)
    return [(int(epoch), float(loss)) for epoch, loss in lines]
