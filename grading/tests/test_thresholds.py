"""Thresholds on trained results lie between the worst reference run and the best run of the nearest wrong answer.

`make test` measures two seeds each, `make nightly` the twenty whose figures stand beside the thresholds:
``pytest grading/tests/test_thresholds.py -k twenty -s`` prints them.
"""

import math
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from byom.checks.evidence import Evidence, decode
from byom.checks.moons import simple_net, train
from byom.checks.robostig import train as robostig_train
from byom.checks.unit import unit
from grading.bank.probing import begin, evidence
from grading.bank.work import Work, solved

pytestmark = pytest.mark.xdist_group("bank")

SEEDS = range(100, 120)
MOONS, ROBOSTIG = solved("moons"), solved("robostig")


def changed(right: Work, place: str, *edits: tuple[str, str]) -> Work:
    """A solution with each first text in ``place`` replaced by the second."""
    text = right.text(place)
    for find, by in edits:
        assert text.count(find) == 1, find
        text = text.replace(find, by)
    return right.having(place, text)


WITHOUT_ACTIVATION = changed(
    MOONS,
    "source/model.py",
    ("torch.relu(self.hidden1(x))", "self.hidden1(x)"),
    ("torch.relu(self.hidden2(x))", "self.hidden2(x)"),
)
NO_STEP = changed(MOONS, "source/train.py", ("optimizer.step()", "pass"))
LOGITS = changed(MOONS, "source/train.py", ("nn.BCELoss()", "nn.BCEWithLogitsLoss()"))
NO_WAY_BACK = changed(
    MOONS, "source/model.py", ("torch.sigmoid(self.score(x))", "torch.round(torch.sigmoid(self.score(x)))")
)
FIRST_EPOCH = changed(
    ROBOSTIG, "train", ('if epoch == 0 or history[epoch]["mse"] < history[best]["mse"]', "if epoch == 0")
)
PLAIN_DESCENT = changed(ROBOSTIG, "train", ('settings["optimizer"], options', '"sgd", options'))

Shown = tuple[dict[str, Any], Any]


def share(key: str, withheld: str) -> Callable[[Shown], float]:
    """How many of the fresh points are on the right side of one half."""
    return lambda shown: float(((shown[0][key].reshape(-1) > 0.5) == shown[1].withheld[withheld]).mean())


def r2(shown: Shown) -> float:
    """The share of the steering's variance that the answers explain."""
    right = shown[1].withheld["steering"]
    return 1 - float(((shown[0]["steering"] - right) ** 2).mean() / right.var())


def loss(epoch: int, distance_from: float = 0.0) -> Callable[[Shown], float]:
    """The loss that the log tells, by its place in the log; or how far it is from some number."""
    return lambda shown: abs(train._losses(Evidence(shown[0]))[epoch][1] - distance_from)


# threshold, exercise, what is measured, whether more is better, what must pass, what must fail
THRESHOLDS = {
    "LINE_ACCURACY": (simple_net.LINE_ACCURACY, "SimpleNet", share("side", "side"), True, MOONS, NO_WAY_BACK),
    "XOR_ACCURACY": (
        simple_net.XOR_ACCURACY, "SimpleNet", share("squares", "squares"), True, MOONS, WITHOUT_ACTIVATION,
    ),
    "LEARNT": (train.LEARNT, "train", share("scores", "labels"), True, WITHOUT_ACTIVATION, NO_STEP),
    "ACCURACY": (train.ACCURACY, "train", share("scores", "labels"), True, MOONS, WITHOUT_ACTIVATION),
    "FIRST": (train.FIRST, "train", loss(0, math.log(2)), False, MOONS, None),
    "FALLEN": (train.FALLEN, "train", loss(-1), False, MOONS, LOGITS),
    "R2": (robostig_train.LEARNT, "train", r2, True, FIRST_EPOCH, PLAIN_DESCENT),
}  # fmt: skip


def probe(work: Work, exercise: str, seed: int) -> dict[str, Any]:
    """The evidence of ``work``; runs in a worker."""
    return decode(evidence(work, exercise, seed))


@pytest.fixture(scope="module")
def shown() -> Any:
    """Evidence by work, exercise and seed, each gathered once."""
    found: dict[tuple[int, str, int], dict[str, Any]] = {}
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), begin) as pool:

        def gather(work: Work, exercise: str, seeds: list[int]) -> list[Shown]:
            missing = [seed for seed in seeds if (id(work), exercise, seed) not in found]
            runs = pool.map(probe, [work] * len(missing), [exercise] * len(missing), missing)
            found.update({(id(work), exercise, seed): run for seed, run in zip(missing, runs, strict=True)})
            return [(found[id(work), exercise, seed], unit(work.unit).challenge(exercise, seed)) for seed in seeds]

        yield gather


def measured(name: str, seeds: list[int], shown: Any) -> tuple[float, float]:
    """The worst run of what must pass and the best of what must fail, both as "more is better"."""
    _, exercise, figure, more, passes, fails = THRESHOLDS[name]
    sign = 1 if more else -1
    good = [sign * figure(each) for each in shown(passes, exercise, seeds)]
    if fails is None:  # a log that begins after the first epoch: the same log, read one line later
        bad = [sign * loss(1, math.log(2))(each) for each in shown(passes, exercise, seeds)]
    else:
        bad = [sign * figure(each) for each in shown(fails, exercise, seeds)]
    return min(good), max(bad)


def check(name: str, seeds: list[int], shown: Any) -> None:
    threshold, _, _, more, _, _ = THRESHOLDS[name]
    limit = threshold if more else -threshold
    worst, best = measured(name, seeds, shown)
    print(f"{name} {threshold}: worst of what must pass {abs(worst):.3f}, best of what must fail {abs(best):.3f}")
    assert best < limit < worst


@pytest.mark.parametrize("name", THRESHOLDS)
def test_two_runs_lie_on_their_sides(name: str, shown: Any) -> None:
    check(name, [1, 2], shown)


@pytest.mark.nightly
@pytest.mark.parametrize("name", THRESHOLDS)
def test_twenty_runs_lie_on_their_sides(name: str, shown: Any) -> None:
    check(name, list(SEEDS), shown)
