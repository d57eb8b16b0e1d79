"""Drawings and the pictures made of them: where their ink is, how far it spreads, how alike two are."""

import numpy as np


def box(drawing: np.ndarray) -> np.ndarray:
    """The rows and columns that hold ink, and those between them."""
    rows, columns = np.nonzero(drawing)
    return drawing[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def measured(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the middle of the ink is, (row, column), and how far the ink spreads from it, as a standard deviation."""
    ink = np.clip(picture.astype("float64"), 0, None)
    middle, spread = np.zeros(2), np.zeros(2)
    for axis in (0, 1):
        mass, at = ink.sum(axis=1 - axis), np.arange(ink.shape[axis])
        middle[axis] = np.average(at, weights=mass)
        spread[axis] = np.sqrt(np.average((at - middle[axis]) ** 2, weights=mass))
    return middle, spread


def sides(drawing: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Height and width of a drawing on its picture, in pixels: those of its box, scaled as the spread of its ink is.

    Soft edges, and more or less of them, don't change that.
    """
    ink = box(drawing)
    return np.array(ink.shape) * measured(picture)[1] / np.maximum(measured(ink)[1], 1e-9)


def laid_over(drawing: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """A drawing at the place, and of the height and width, that it has on its picture, shape (28, 28), from 0 to 1.

    Each pixel is the mean of an area, at whatever fraction of a pixel it begins.
    """
    ink = box(drawing) / 255.0
    (middle, spread), (at, wide) = measured(ink), measured(picture)
    fine = 8  # points a pixel, in each direction
    points = (np.arange(28 * fine) + 0.5) / fine - 0.5
    rows, columns = (np.rint((points - at[i]) * spread[i] / max(wide[i], 1e-9) + middle[i]) for i in (0, 1))
    inside = [(where >= 0) & (where < size) for where, size in zip((rows, columns), ink.shape, strict=True)]
    found = np.zeros((28 * fine, 28 * fine))
    found[np.ix_(*inside)] = ink[np.ix_(rows[inside[0]].astype(int), columns[inside[1]].astype(int))]
    return found.reshape(28, fine, 28, fine).mean(axis=(1, 3))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Between -1 and 1; 0 where one is the same everywhere."""
    a, b = one - one.mean(), other - other.mean()
    return float((a * b).sum() / max(np.sqrt((a**2).sum() * (b**2).sum()), 1e-12))


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two pictures, one of them moved by a pixel at most."""
    steps = [(down, across) for down in (-1, 0, 1) for across in (-1, 0, 1)]
    return max(correlation(one, np.roll(other, step, axis=(0, 1))) for step in steps)


def softness(picture: np.ndarray) -> float:
    """How much of a picture lies between empty and full."""
    ink = np.clip(picture / picture.max(), 0, 1)
    return float((ink * (1 - ink)).sum() / ink.sum())
