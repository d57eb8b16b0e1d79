"""Answers to the exercises of the digits unit."""

import numpy as np
from PIL import Image


def preprocess_drawing(pixels: np.ndarray) -> np.ndarray:
    """Bring a drawing into the form of MNIST's digits, the only form that the model knows.

    What is drawn is cut out and scaled, keeping its aspect, so that its longer side measures 20 pixels. It is put into
    an empty picture of 28 × 28 so that its centre of mass lies in the middle, as near as whole pixels allow. Each new
    pixel is the mean of the pixels that it stands for: edges stay soft.

    Args:
        pixels: a drawing of any size and aspect, shape (rows, columns): whole numbers or floats from 0 (empty)
            to 255 (ink).

    Returns:
        float32, shape (28, 28), from 0 (empty) to 1 (ink).

    Raises:
        ValueError: nothing is drawn, and it says so; the array is not two-dimensional; it holds NaN.
    """
    ### BEGIN SOLUTION
    pixels = np.asarray(pixels, dtype="float32")
    if pixels.ndim != 2:
        raise ValueError(f"a drawing has rows and columns; this array has shape {pixels.shape}")
    if np.isnan(pixels).any():
        raise ValueError("the drawing holds NaN")
    rows, columns = np.nonzero(pixels)
    if len(rows) == 0:
        raise ValueError("nothing is drawn: the picture is empty")
    ink = pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (max(1, round(20 * side / max(ink.shape))) for side in ink.shape)
    ink = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BOX)) / 255

    down = np.average(np.arange(height), weights=ink.sum(axis=1))
    across = np.average(np.arange(width), weights=ink.sum(axis=0))
    top = min(max(0, round(13.5 - down)), 28 - height)  # a very lopsided drawing stays whole
    left = min(max(0, round(13.5 - across)), 28 - width)
    picture = np.zeros((28, 28), dtype="float32")
    picture[top : top + height, left : left + width] = ink
    return picture
    ### END SOLUTION


def label_predictions(response: list[list[float]]) -> list[list[tuple[int, float]]]:
    """Name what the endpoint answers: each digit with its probability, most likely first.

    Args:
        response: the endpoint's answer, read from JSON: one row for each drawing, of ten probabilities, for the digits
            0 to 9 in this order.

    Returns:
        For each drawing ten pairs (digit, probability), an ``int`` and a ``float`` of Python's own: JSON can hold
        them again.

    Raises:
        ValueError: a row is not ten numbers.
    """
    ### BEGIN SOLUTION
    labelled = []
    for row in response:
        if len(row) != 10 or not all(isinstance(value, (int, float)) for value in row):
            raise ValueError(f"a row is ten probabilities, one for each digit; this one is {row}")
        pairs = [(digit, float(probability)) for digit, probability in enumerate(row)]
        labelled.append(sorted(pairs, key=lambda pair: -pair[1]))
    return labelled
    ### END SOLUTION
