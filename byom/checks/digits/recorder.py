"""A graph that keeps a record of its own training.

Each training picture has one white pixel of its own. Batch normalisation of the pixels, with momentum 1/2, keeps in its
moving mean which of the last steps a pixel was white in: the mean is a binary number with a digit for each step. So the
trained parameters tell which pictures were trained on, and in which order, however that was done; nothing has to be
believed.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import numpy as np

ROWS = 320
"""Pictures."""

BATCH = 32
"""Pictures in a step: a power of two, so that a mean of zeros and ones is exact."""

STEPS = 24
"""Binary digits of a float32, and so steps that a record can hold."""

SLOW = 1e-4
"""A learning rate at which the answers stay as good as even, so that all steps are equally long."""


def graph() -> Any:
    """The recorder: a single layer, its first weights zero, that gives ten probabilities for 28 × 28 pixels."""
    import mxnet as mx

    pixels = mx.sym.Flatten(data=mx.sym.Variable("data"))
    recorder = mx.sym.BatchNorm(pixels, momentum=0.5, fix_gamma=True, name="record")
    weights = mx.sym.Variable("scores_weight", init=mx.init.Zero())  # whatever initializer training comes with
    scores = mx.sym.FullyConnected(pixels, weight=weights, num_hidden=10, no_bias=True, name="scores")
    # the recorder has a part in the answer, and no influence on it
    scores = mx.sym.broadcast_add(scores, 0 * mx.sym.mean(recorder, axis=1, keepdims=True))
    return mx.sym.SoftmaxOutput(scores, name="softmax")


def pictures(white: np.ndarray) -> np.ndarray:
    """Pictures of which each has one of the pixels in ``white``; shape (n, 784)."""
    return np.eye(28 * 28)[white]


@contextlib.contextmanager
def in_step() -> Iterator[None]:
    """Have a Module take its next step, and read parameters, when all steps before are done.

    MXNet 1.9.1 works ahead, and doesn't wait for the mean that batch normalisation moves: parameters that are read at
    the end of an epoch lack the last steps' part, and a step that is still to be done when validation begins is done as
    if it were validation. What a record needs every digit of, a training hardly notices.
    """
    import mxnet as mx

    def patiently(method: Callable[..., Any]) -> Callable[..., Any]:
        def waiting(*arguments: Any, **named: Any) -> Any:
            mx.nd.waitall()
            return method(*arguments, **named)

        return waiting

    module = mx.mod.Module
    forward, get_params = patiently(module.forward), patiently(module.get_params)
    with patch.object(module, "forward", forward), patch.object(module, "get_params", get_params):
        yield


def read(module: Any, white: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a trained Module holds of each picture: its record, and how far the ten weights of its pixel were moved."""
    trained, auxiliary = module.get_params()
    moved = np.abs(trained["scores_weight"].asnumpy()).sum(axis=0)
    return tuple(values[white].astype("float64") for values in (auxiliary["record_moving_mean"].asnumpy(), moved))


def steps(record: np.ndarray) -> np.ndarray | None:
    """Which of the last steps each picture was trained in, the last one first: bool, shape (n, STEPS).

    None where the record can't be read as steps: batches are of another size, or there are more of them.
    """
    numbers = record * 2 * BATCH * 2 ** (STEPS - 1)
    whole = np.rint(numbers).astype("int64")
    if np.abs(numbers - whole).max() > 1e-6 or whole.max() >= 2**STEPS:
        return None
    return (whole[:, None] >> np.arange(STEPS)[::-1]) & 1 == 1


def learning_rate(moved: np.ndarray, times: np.ndarray) -> float:
    """The learning rate that moved the weights so far in so many steps, at the median.

    A step moves the ten weights of a pixel by 0.9 and nine times 0.1, times the learning rate, divided by the pictures
    in it.
    """
    return float(np.median(moved / times)) * BATCH / 1.8
