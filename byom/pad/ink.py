"""The picture on the pad: strokes of a round pen, or a stored sample, as pixels."""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

SIDE = 280
"""Rows, and columns, of the pad: ten for each of MNIST's 28."""

PEN = 24
"""The width of a stroke, in pixels of the pad."""

MOST_POINTS = 4000
"""The most points that a drawing may have, all strokes together. A digit drawn with care has some hundreds."""

Stroke = tuple[tuple[float, float], ...]
"""Points (x, y), in pixels of the pad: x from 0 at the left edge to `SIDE`, y from 0 at the upper edge."""


def checked(drawing: Any) -> tuple[Stroke, ...]:
    """The strokes of a drawing that comes from elsewhere.

    Args:
        drawing: a list of strokes, each a list of points, each a pair of numbers.

    Raises:
        ValueError: what is wrong with it, in a sentence.
    """
    if not isinstance(drawing, list | tuple):
        raise ValueError("a drawing is a list of strokes")
    strokes: list[Stroke] = []
    points = 0
    for number, stroke in enumerate(drawing, 1):
        if not isinstance(stroke, list | tuple) or not stroke:
            raise ValueError(f"stroke {number} is not a list of points")
        points += len(stroke)
        if points > MOST_POINTS:
            raise ValueError(f"a drawing has at most {MOST_POINTS} points")
        if not all(map(_is_point, stroke)):
            raise ValueError(f"stroke {number} has a point that is not a pair of numbers from 0 to {SIDE}")
        strokes.append(tuple((x, y) for x, y in stroke))
    return tuple(strokes)


def _is_point(point: Any) -> bool:
    if not isinstance(point, list | tuple) or len(point) != 2:
        return False
    return all(isinstance(value, int | float) and 0 <= value <= SIDE for value in point)  # NaN is in no range


def drawn(strokes: Iterable[Stroke]) -> np.ndarray:
    """The pixels of a drawing.

    Returns:
        uint8, shape (`SIDE`, `SIDE`): 0 is empty, 255 is ink, the edges of a stroke lie between.
    """
    ink = np.zeros((SIDE, SIDE))
    for stroke in strokes:
        for start, end in pairwise(stroke if len(stroke) > 1 else stroke * 2):  # a single point is a dot
            _draw(ink, start, end)
    return np.rint(255 * ink).astype("uint8")


def _draw(ink: np.ndarray, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Add a straight line with round ends: the points at most half a pen's width away from it."""
    (x, y), (to_x, to_y) = start, end
    reach = PEN / 2 + 1
    rows = slice(max(0, math.floor(min(y, to_y) - reach)), math.ceil(max(y, to_y) + reach))
    columns = slice(max(0, math.floor(min(x, to_x) - reach)), math.ceil(max(x, to_x) + reach))
    part = ink[rows, columns]
    # a pixel's middle stands half a pixel from its edges
    down = np.arange(part.shape[0])[:, None] + rows.start + 0.5 - y
    across = np.arange(part.shape[1])[None, :] + columns.start + 0.5 - x
    dx, dy = to_x - x, to_y - y
    way = np.clip((across * dx + down * dy) / (dx * dx + dy * dy or 1), 0, 1)
    distance = np.hypot(across - way * dx, down - way * dy)
    np.maximum(part, np.clip(PEN / 2 + 0.5 - distance, 0, 1), out=part)


def enlarged(sample: Any) -> np.ndarray:
    """A stored sample, at the size of the pad: each of its pixels becomes a square.

    Args:
        sample: numbers from 0 (empty) to 255 (ink), shape (n, n) with n at most `SIDE`.

    Returns:
        uint8, shape (`SIDE`, `SIDE`).

    Raises:
        ValueError: ``sample`` is no such array.
    """
    values = np.asarray(sample)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not 1 <= len(values) <= SIDE:
        raise ValueError(f"a sample is a square array with at most {SIDE} rows; this one has shape {values.shape}")
    if values.dtype.kind not in "iuf" or not np.all((values >= 0) & (values <= 255)):
        raise ValueError("a sample holds numbers from 0 (empty) to 255 (ink)")
    if values.max() <= 1:
        raise ValueError(f"a sample holds numbers from 0 to 255; the largest of this one is {values.max()}")
    nearest = np.arange(SIDE) * len(values) // SIDE
    return np.rint(values[np.ix_(nearest, nearest)]).astype("uint8")
