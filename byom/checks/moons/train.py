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

ACCURACY = 0.90
"""Least share of 10,000 fresh points to classify rightly.

Worst of 20 reference runs: 0.927. Best of 20 runs of the nearest wrong answer, a network without an activation
between its layers: 0.866.
"""

FALLEN = 0.30
"""Highest loss after the last epoch. Worst of 20 reference runs: 0.156. Best of 20 runs of the nearest wrong
answer, BCEWithLogitsLoss on scores that are already between 0 and 1: 0.514."""


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
                "epochs": int(rng.integers(50, 70)),
                "seed": int(rng.integers(1, 10_000)),
            },
            withheld={"labels": labels},
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """Run the script twice: with SM_ variables and arguments, and with neither."""
        script, record = Path(learner).resolve(), Record()
        with scratch() as root:
            channel, model_dir, home = root / "input" / "data" / "train", root / "model", root / "home"
            for folder in (channel, model_dir, home / "data"):
                folder.mkdir(parents=True)
            (channel / "train.csv").write_text(given["csv"])
            (home / "data" / "train.csv").write_text(given["csv"][: given["csv"].index("\n", 4000) + 1])
            settings = {k: str(given[k]) for k in ("epochs", "hidden_dim", "seed")}
            arguments = [word for key in sorted(settings) for word in (f"--{key}", settings[key])]
            variables = {"SM_CHANNEL_TRAIN": str(channel), "SM_MODEL_DIR": str(model_dir)}
            job = run_script(script, arguments, variables, root, seconds=60)
            record["job"] = {"raised": job.trouble} if job.trouble else "ended well"
            record["log"] = job.output[:20_000]
            record["files"] = sorted(p.name for p in model_dir.iterdir())
            saved = {"model_dir": str(model_dir), "fresh": given["fresh"]}
            record.update(gather(probe_saved, script, saved, seconds=30))
            local = run_script(script, ["--epochs", "1"], {}, home, seconds=60)
            record["local"] = {"raised": local.trouble} if local.trouble else "ended well"
            record["local_files"] = (
                sorted(p.name for p in (home / "model").iterdir()) if (home / "model").is_dir() else []
            )
        return record

    @criterion(
        3,
        "The trained model classifies fresh points",
        "A straight line gets 0.86: what lets a network bend? Are gradients reset at each step?",
    )
    def accuracy(self, seen: Exhibits) -> Outcome:
        """Accuracy on 10,000 points nobody has seen."""
        _ended_well(seen.evidence)
        scores = seen.evidence.array("scores", (10_000, 1), "a score for each of 10,000 fresh points")
        share = float(((scores[:, 0] > 0.5) == seen.challenge.withheld["labels"]).mean())
        return expect(share >= ACCURACY, f"accuracy of at least {ACCURACY:.2f}", f"{share:.3f}")

    @criterion(
        1,
        "The saved files build the network again",
        "The endpoint knows only these two files. Which numbers does it need to build your network, and from where?",
    )
    def saved(self, seen: Exhibits) -> Outcome:
        """`model_info.pth` and `model.pth`, loaded as ``predict.py`` loads them."""
        files = seen.evidence.items("files")
        missing = [f for f in ("model.pth", "model_info.pth") if f not in files]
        if missing:
            return expect(False, "model.pth and model_info.pth in SM_MODEL_DIR", f"{files or 'an empty folder'}")
        seen.evidence.array("scores", None, "a network built from the two files")
        return expect(True, "a network built from the two files", "it scores")

    @criterion(
        1,
        "Hyperparameters come from the command line",
        "They arrive as --name value. Are all of them read, with the type they need, and used?",
    )
    def arguments(self, seen: Exhibits) -> Outcome:
        """The asked width, in the saved weights; the asked number of epochs, in the log."""
        given = seen.challenge.given
        _ended_well(seen.evidence)
        widths = {n for shape in seen.evidence.items("shapes") if isinstance(shape, list) for n in shape}
        epochs = max((epoch for epoch, _ in _losses(seen.evidence)), default=0)
        met = given["hidden_dim"] in widths and epochs == given["epochs"]
        expected = f"hidden_dim {given['hidden_dim']} and {given['epochs']} epochs"
        return expect(met, expected, f"weights with sizes {sorted(map(int, widths))}; last epoch in the log: {epochs}")

    @criterion(
        1,
        "The script runs on your own machine too",
        "Outside a container nobody sets SM_ variables. What does os.environ['…'] do then?",
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
        rests_on="accuracy",
    )
    def first_loss(self, seen: Exhibits) -> Outcome:
        """The loss that the log tells for epoch 0."""
        first = dict(_losses(seen.evidence)).get(0)
        if first is None:
            return expect(False, "a line 'epoch 0 loss …' in the log", "none")
        return expect(abs(first - math.log(2)) < 0.12, f"about {math.log(2):.2f}", f"{first:.3f}")

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

    Unpickling is left to torch's restricted loader, and happens only here.
    """
    import torch

    record = Record()

    def scores() -> np.ndarray:
        from model import SimpleNet as Net  # type: ignore[import-not-found]

        folder = Path(given["model_dir"])
        info = torch.load(folder / "model_info.pth", weights_only=True)
        weights = torch.load(folder / "model.pth", weights_only=True, map_location="cpu")
        record["shapes"] = [list(w.shape) for w in weights.values()]
        net = Net(info["input_dim"], info["hidden_dim"], info["output_dim"])
        net.load_state_dict(weights)
        net.eval()
        with torch.no_grad():
            return net(torch.from_numpy(given["fresh"].copy())).numpy().astype("float64")

    record.attempt("scores", scores)
    return record


def _losses(evidence: Evidence) -> list[tuple[int, float]]:
    """Epochs and losses that a training log tells of."""
    lines = re.findall(r"^epoch (\d+) loss (\d+\.\d+(?:e-?\d+)?)\s*$", evidence.text("log"), re.MULTILINE)
    return [(int(epoch), float(loss)) for epoch, loss in lines]


def _ended_well(evidence: Evidence) -> None:
    evidence.text("job", "a script that ends well")
