"""`SimpleNet`: the network in ``source/model.py``."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record
from byom.checks.process import gather

LINE_ACCURACY = 0.95
"""Least share of points to put on the right side of a line after the check's own training. Worst of 20 reference
runs: 0.989. Best of 20 runs of the nearest wrong answer, scores that let no gradient back: 0.886."""

XOR_ACCURACY = 0.85
"""Least share of points in four checkered squares to classify rightly after the check's own training. Worst of
20 reference runs: 0.970. Best of 20 runs of the nearest wrong answer, a network without an activation: 0.593."""


class SimpleNet(Check):
    """`SimpleNet`: the network in ``source/model.py``."""

    name = "SimpleNet"
    answer = "source/model.py"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Sizes nobody would write down by chance, a batch, and points on a checkered board."""
        sizes = [int(n) for n in (rng.integers(3, 7), rng.integers(23, 47), 1)]
        points, fresh = rng.uniform(-1, 1, size=(400, 2)), rng.uniform(-1, 1, size=(1000, 2))
        line, board = rng.uniform(0, 2 * np.pi, size=2)
        return Challenge(
            {
                "sizes": sizes,
                "x": rng.normal(size=(64, sizes[0])).astype("float32") * 3,
                "points": points.astype("float32"),
                "side": _side(points, line).astype("float32"),
                "squares": _squares(points, board).astype("float32"),
                "fresh": fresh.astype("float32"),
                "seed": int(rng.integers(2**31)),
            },
            withheld={"side": _side(fresh, line), "squares": _squares(fresh, board)},
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Build the network in a process of its own and look at it."""
        return gather(probe_net, Path(learner), given, seconds=30)

    @criterion(
        1,
        "It learns on which side of a line a point lies",
        "Do your layers reach the score, and can training reach your layers? Run one batch through it by hand.",
    )
    def trains(self, seen: Exhibits) -> Outcome:
        """Fresh points beside a line, after a short training by the check."""
        return _right(seen, "side", LINE_ACCURACY)

    @criterion(
        2,
        "It learns what no straight line can",
        "Layers without something between them are one layer. What stands between yours?",
        rests_on="trains",
    )
    def learns(self, seen: Exhibits) -> Outcome:
        """Fresh points of a checkered board, after a short training by the check."""
        return _right(seen, "squares", XOR_ACCURACY)

    @criterion(1, "One score for each row", "What shape comes out for 64 rows? For one row?", rests_on="trains")
    def one_score(self, seen: Exhibits) -> Outcome:
        """Shapes (64, 1) and (1, 1)."""
        seen.evidence.array("single", (1, 1))
        out = seen.evidence.array("out", (64, 1))
        return expect(True, "shape (64, 1)", f"shape {out.shape}")

    @criterion(1, "Scores lie between 0 and 1", "Which function brings any number into that range?", rests_on="trains")
    def in_range(self, seen: Exhibits) -> Outcome:
        """No score outside, even for inputs far from 0."""
        far = np.concatenate([seen.evidence.array("out"), seen.evidence.array("far")])
        return expect(far.min() >= 0 and far.max() <= 1, "0 to 1", f"{far.min():.3g} to {far.max():.3g}")

    @criterion(
        1,
        "Hidden layers have the size that was asked for",
        "The constructor's arguments say the sizes. Do all layers use them?",
        rests_on="trains",
    )
    def sizes(self, seen: Exhibits) -> Outcome:
        """From the features to hidden_dim, from there to hidden_dim, at last to one score."""
        inputs, hidden, outputs = seen.challenge.given["sizes"]
        shapes = [s for s in seen.evidence.items("shapes") if isinstance(s, list) and len(s) == 2]
        between = all(
            sorted(s) in ([hidden, hidden], sorted([inputs, hidden]), sorted([hidden, outputs])) for s in shapes
        )
        ends = [sorted([inputs, hidden]), sorted([hidden, outputs])]
        met = between and len(shapes) >= 2 and all(e in [sorted(s) for s in shapes] for e in ends)
        return expect(met, f"weights from {inputs} features over {hidden} to {outputs}", f"weights of shapes {shapes}")

    @criterion(
        1,
        "In evaluation mode the same input gives the same score",
        "Which layers act only while training? Who tells them?",
        rests_on="trains",
    )
    def deterministic(self, seen: Exhibits) -> Outcome:
        """Two passes agree."""
        one, two = seen.evidence.array("out"), seen.evidence.array("again")
        met = one.shape == two.shape and np.array_equal(one, two)
        return expect(met, "twice the same scores", "different scores" if not met else "the same")

    @criterion(
        1,
        "Gradients reach every parameter",
        "A parameter without a gradient is never trained. Is each layer you make also used, and by torch alone?",
        rests_on="trains",
    )
    def gradients(self, seen: Exhibits) -> Outcome:
        """No parameter without one."""
        missing = seen.evidence.items("without_gradient")
        return expect(not missing, "a gradient in every parameter", f"none in {', '.join(map(str, missing))}")


def probe_net(given: Mapping[str, Any]) -> Record:
    """Evidence about `model.SimpleNet`; runs where the learner's modules can be imported."""
    import torch

    record = Record()
    torch.manual_seed(given["seed"])

    def build() -> Any:
        from model import SimpleNet as Net  # type: ignore[import-not-found]

        return Net, Net(*given["sizes"])

    built = record.whole(build)
    if built is None:
        return record
    net_class, net = built
    x = torch.from_numpy(given["x"].copy())

    def scores(x: Any) -> np.ndarray:
        net.eval()
        with torch.no_grad():
            return net(x).detach().numpy().astype("float64")

    record.attempt("out", lambda: scores(x))
    record.attempt("again", lambda: scores(x))
    record.attempt("single", lambda: scores(x[:1]))
    record.attempt("far", lambda: scores(x * 100))
    record.attempt("shapes", lambda: [list(p.shape) for p in net.parameters()])

    def without_gradient() -> list[str]:
        net.train()
        # both labels, so that a score at the end of its range can't hide the way back
        target = (torch.arange(len(x)) % 2).float()
        ((net(x).reshape(-1) - target) ** 2).mean().backward()
        return [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]

    record.attempt("without_gradient", without_gradient)

    def taught(what: str) -> np.ndarray:
        points, target = (torch.from_numpy(given[k].copy()) for k in ("points", what))
        torch.manual_seed(given["seed"])
        pupil = net_class(2, 32, 1)
        optimizer = torch.optim.Adam(pupil.parameters(), lr=0.02)
        pupil.train()
        for _ in range(300):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(pupil(points).reshape(-1), target).backward()
            optimizer.step()
        pupil.eval()
        with torch.no_grad():
            return pupil(torch.from_numpy(given["fresh"].copy())).reshape(-1).numpy().astype("float64")

    for what in ("side", "squares"):
        record.attempt(what, partial(taught, what))
    return record


def _right(seen: Exhibits, what: str, least: float) -> Outcome:
    """Whether enough fresh points got a score on the right side of one half. A score's shape is another matter."""
    scores = seen.evidence.array(what, (1000,), "a score for each of 1,000 points")
    share = float(((scores > 0.5) == seen.challenge.withheld[what]).mean())
    return expect(share >= least, f"at least {least:.0%} of fresh points right", f"{share:.0%}")


def _along(points: np.ndarray, angle: float) -> np.ndarray:
    """How far points lie in a direction; shape (n,)."""
    return points @ np.array([np.cos(angle), np.sin(angle)])


def _side(points: np.ndarray, angle: float) -> np.ndarray:
    """Which points lie beyond a line near the middle; shape (n,), bool."""
    return _along(points, angle) > 0.1


def _squares(points: np.ndarray, angle: float) -> np.ndarray:
    """Which points lie on the dark squares of a 2 × 2 board, turned by an angle; shape (n,), bool."""
    return _along(points, angle) * _along(points, angle + np.pi / 2) > 0
