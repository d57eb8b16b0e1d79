"""A training of a linear network, watched step by step, and what its steps must have been.

A network of one dense layer is simple enough for a judge to work out by hand: from the weights before a step and the
rows in the batch follow the gradient, the step, and how well the network does on the validation data.
"""

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from byom.checks.evidence import BadEvidence, Evidence

SHAPE = (3, 2, 4)
"""Of an input: channels, rows, columns."""

INPUTS = 24

SHARE = 0.6
"""The steering that validates is this share of the one that is trained. Weights that start near 0 and run towards what
training asks for pass the best of validation on half their way, and then leave it behind."""


def draw(rng: np.random.Generator) -> dict[str, Any]:
    """Draw inputs, steering and hyperparameters for a training that is best on its validation data half way.

    The last batch is smaller than the others, validation's batches are all alike.
    """
    batch, count = int(rng.integers(14, 19)), int(rng.integers(5, 7))
    rows, valid_rows = batch * count + int(rng.integers(3, 6)), batch * 3
    right = rng.choice((-1, 1), size=INPUTS) * rng.uniform(1, 2, size=INPUTS)

    def part(n: int, share: float) -> tuple[np.ndarray, np.ndarray]:
        # columns that have nothing to do with each other: every weight runs to its end at the same pace
        x = np.linalg.qr(rng.normal(size=(n, INPUTS)))[0] * math.sqrt(n)
        y = share * x @ right + rng.normal(scale=0.1, size=n)
        return x.astype("float32").reshape(n, *SHAPE), y.astype("float32").reshape(-1, 1)

    return dict(zip(("x", "y", "valid_x", "valid_y"), (*part(rows, 1), *part(valid_rows, SHARE)), strict=True)) | {
        "steps": {
            "epochs": int(rng.integers(6, 8)),
            "batch_size": batch,
            "optimizer": "sgd",
            "learning_rate": round(float(rng.uniform(0.28, 0.32)) / (count + 1), 4),
            "seed": int(rng.integers(1, 10_000)),
        }
    }


def arrays(given: Mapping[str, Any]) -> tuple[np.ndarray, ...]:
    """What ``train`` is given as data: fresh copies, which belong to the learner."""
    return tuple(given[name].copy() for name in ("x", "y", "valid_x", "valid_y"))


def linear() -> Any:
    """A fresh network for `draw`'s inputs, without values."""
    import mxnet as mx

    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(1, in_units=INPUTS))
    net.hybridize()
    return net


def weights_of(net: Any) -> np.ndarray:
    """The parameters of `linear`'s network: its weights, then its bias; shape (25,)."""
    return np.concatenate([p.list_data()[0].asnumpy().reshape(-1) for p in (net[0].weight, net[0].bias)])


@dataclass
class Watched:
    """What a training went through. The lists have an entry for each step, but for ``pauses`` and ``history``.

    ``pauses`` tells after how many steps the network was asked without being trained: that is when epochs end.
    """

    rows: list[np.ndarray] = field(default_factory=list)
    weights: list[np.ndarray] = field(default_factory=list)
    gradients: list[np.ndarray] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    trainers: list[dict[str, Any]] = field(default_factory=list)
    pauses: list[int] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)

    def evidence(self, net: Any) -> dict[str, Any]:
        """All of it in arrays and lists; the rows by their first number."""
        return {
            "rows": np.concatenate([*self.rows, np.zeros(0, "float32")]),
            "sizes": [len(rows) for rows in self.rows],
            "pauses": sorted({pause for pause in self.pauses if pause}),
            "weights": np.array(self.weights),
            "gradients": np.array(self.gradients),
            "places": sorted({*self.places, *(str(c) for p in net.collect_params().values() for c in p.list_ctx())}),
            "trainers": self.trainers,
            "history": self.history,
            "final": weights_of(net),
        }


def watch(learner: Callable[..., Any], net: Any, given: Mapping[str, Any], settings: Any, **where: Any) -> Watched:
    """Have ``learner`` train `linear`'s network, and watch each step."""
    import mxnet as mx

    seen = Watched()

    def before_forward(_: Any, inputs: tuple[Any, ...]) -> None:
        if mx.autograd.is_recording():
            seen.rows.append(inputs[0].asnumpy().reshape(len(inputs[0]), -1)[:, 0])
            seen.weights.append(weights_of(net))
            seen.places.append(str(inputs[0].context))
        else:
            seen.pauses.append(len(seen.rows))

    def before_step(trainer: Any) -> None:
        seen.gradients.append(
            np.concatenate([p.list_grad()[0].asnumpy().reshape(-1) for p in (net[0].weight, net[0].bias)])
        )

    hook = net.register_forward_pre_hook(before_forward)
    try:
        with told_of_trainers(seen.trainers, before_step), quiet():
            seen.history = plain(learner(net, arrays(given), dict(settings), **where))
    finally:
        hook.detach()
    return seen


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what is printed from the notebook: a check trains many times."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


@contextlib.contextmanager
def told_of_trainers(trainers: list[dict[str, Any]], before_step: Callable[[Any], None]) -> Iterator[None]:
    """While this lasts, tell what each trainer is set to at each of its steps, gradients being ready."""
    import mxnet as mx

    scale = mx.gluon.Trainer._check_and_rescale_grad

    def watched(trainer: Any, rescale: float) -> None:  # what step and update both begin with
        store = trainer._kvstore_params["kvstore"]
        trainers.append(
            {
                "optimizer": type(trainer.optimizer).__name__.lower(),
                "learning_rate": float(np.nan_to_num(trainer.learning_rate)),
                "kvstore": str(getattr(store, "type", store)),
                "rescale": float(np.nan_to_num(rescale)),
            }
        )
        before_step(trainer)
        scale(trainer, rescale)

    with patch.object(mx.gluon.Trainer, "_check_and_rescale_grad", watched):
        yield


def plain(history: Any) -> list[dict[str, float]]:
    """A history as JSON; what is no number is left out.

    Raises:
        TypeError: it is no list of dicts.
    """
    if not isinstance(history, list | tuple) or not all(isinstance(entry, Mapping) for entry in history):
        raise TypeError(f"train should return a list of dicts, not {type(history).__name__}: {history!r}"[:200])
    found: list[dict[str, float]] = []
    for entry in history:
        numbers = {}
        for key, value in entry.items():
            with contextlib.suppress(TypeError, ValueError):
                numbers[str(key)] = float(value.asscalar() if hasattr(value, "asscalar") else value)
        found.append({key: value for key, value in numbers.items() if np.isfinite(value)})
    return found


# ------------------------------------------------------------ judging


class Steps:
    """The steps that evidence tells of, worked out anew from the challenge."""

    def __init__(self, given: Mapping[str, Any], evidence: Evidence) -> None:
        """Read what `Watched.evidence` wrote.

        Raises:
            BadEvidence: it is not there, not of that form, or it can't be told where epochs end.
        """
        self._given, self._evidence = given, evidence
        self.epochs = int(given["steps"]["epochs"])
        self.x = given["x"].reshape(len(given["x"]), -1).astype("float64")
        self.y = given["y"].reshape(-1).astype("float64")
        self.sizes = [int(size) for size in evidence.items("sizes", "batches")]
        self.rows = evidence.array("rows", (sum(self.sizes),), "rows of the training data")
        self.weights = evidence.array("weights", (len(self.sizes), INPUTS + 1), "weights at each step")
        self.ends = self._ends()
        """After how many steps each epoch ended."""

    def _ends(self) -> list[int]:
        pauses, count = self._evidence.items("pauses", "epochs"), len(self.sizes)
        if len(pauses) == self.epochs and pauses[-1] == count and all(type(pause) is int for pause in pauses):
            return pauses  # sorted, or what follows finds epochs without rows
        each, rest = divmod(count, self.epochs)  # evaluated at other times as well, or never
        if rest or not each:
            raise BadEvidence("as many steps in each epoch", f"{count} steps in {self.epochs} epochs")
        return [each * (epoch + 1) for epoch in range(self.epochs)]

    def _by_epoch(self, of_steps: list[np.ndarray]) -> list[np.ndarray]:
        """What there is for each step, joined to one array for each epoch."""
        return [np.concatenate(of_steps[a:b]) for a, b in pairwise([0, *self.ends])]

    @property
    def trainer(self) -> dict[str, Any]:
        """What the trainer was set to at the first step."""
        return self._trainers()[0]

    def settings(self, key: str) -> np.ndarray:
        """A number that the trainer was set to, at each step; shape (steps,)."""
        return np.array([Evidence(used).number(key) for used in self._trainers()])

    def _trainers(self) -> list[dict[str, Any]]:
        trainers = self._evidence.items("trainers", "a gluon.Trainer")
        if len(trainers) != len(self.sizes) or not all(isinstance(used, dict) for used in trainers):
            raise BadEvidence("a gluon.Trainer that makes every step", f"{len(trainers)} of {len(self.sizes)} steps")
        return trainers

    def gradients(self) -> np.ndarray:
        """The gradients that the trainer was given; shape (steps, 25)."""
        return self._evidence.array("gradients", self.weights.shape, "a gluon.Trainer that makes every step")

    def history(self) -> list[dict[str, Any]]:
        """What ``train`` returned."""
        history = self._evidence.items("history", "a list of dicts")
        if len(history) != self.epochs or not all(isinstance(entry, dict) for entry in history):
            raise BadEvidence(f"{self.epochs} dicts, one for each epoch", f"{len(history)} of them")
        return history

    def batches(self) -> list[np.ndarray]:
        """For each step the indices of its rows in the training data, -1 for rows that are not from there."""
        keys = self._given["x"].reshape(len(self.x), -1)[:, 0]
        order = np.argsort(keys)
        at = np.clip(np.searchsorted(keys[order], self.rows), 0, len(keys) - 1)
        indices = np.where(keys[order][at] == self.rows, order[at], -1)
        return np.split(indices, np.cumsum(self.sizes)[:-1])

    def epoch_rows(self) -> list[np.ndarray]:
        """For each epoch the indices of the rows that it went through, in their order."""
        return self._by_epoch(self.batches())

    def errors(self, step: int, indices: np.ndarray) -> np.ndarray:
        """What the network answers too much for training rows, at a step."""
        return _answers(self.weights[step], self.x[indices]) - self.y[indices]

    def mean_gradients(self) -> np.ndarray:
        """The gradients of the mean of half the squared errors of each batch; shape (steps, 25)."""
        found = []
        for step, indices in enumerate(self.batches()):
            errors = self.errors(step, indices)
            found.append(np.append(errors @ self.x[indices], errors.sum()) / len(indices))
        return np.array(found)

    def losses(self) -> np.ndarray:
        """The mean of half the squared errors, each at its own step; shape (epochs,)."""
        squares = [0.5 * self.errors(step, indices) ** 2 for step, indices in enumerate(self.batches())]
        return np.array([each.mean() for each in self._by_epoch(squares)])

    def after_epochs(self) -> np.ndarray:
        """The weights at the end of each epoch but the last; shape (epochs - 1, 25)."""
        return self.weights[self.ends[:-1]]

    def validated(self, weights: np.ndarray) -> dict[str, float]:
        """The figures of a network with these weights on the validation data."""
        x, y = (self._given[name].reshape(len(self._given["valid_x"]), -1) for name in ("valid_x", "valid_y"))
        errors = _answers(weights, x) - y[:, 0]
        mse = float(np.mean(errors**2))
        return {"mse": mse, "mae": float(np.mean(np.abs(errors))), "r2": 1 - mse / float(np.var(y))}


def _answers(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    return x.astype("float64") @ weights[:-1] + weights[-1]
