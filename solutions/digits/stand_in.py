"""Make the digits that stand in for MNIST: ``python -m solutions.digits.stand_in``.

They come with the course ready made: whoever reads how they are made has read the answer to an exercise.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from byom.data.digits import FILES, SIDE, STAND_IN
from byom.data.idx import write_idx

BOX = 20
"""Pixels of a digit's longer side."""


def make(folder: Path) -> None:
    """Write MNIST's four files into ``folder``; a quarter of the digits is the test part."""
    digits = load_digits()
    pictures, labels = np.stack([_in_mnist_form(small) for small in digits.images]), digits.target.astype("uint8")
    split = train_test_split(pictures, labels, test_size=0.25, stratify=labels, random_state=0)
    for key, array in zip(("train_data", "test_data", "train_label", "test_label"), split, strict=True):
        write_idx(folder / FILES[key], array)


def _in_mnist_form(small: np.ndarray) -> np.ndarray:
    """A picture of 8 × 8 values from 0 to 16 as MNIST shows it; uint8, shape (28, 28).

    What is drawn fills a box of 20 × 20 pixels, keeping its aspect, and its centre of mass lies in the picture's
    middle. Made larger by cubic curves, edges run over from grey to grey, as MNIST's do.
    """
    rows, columns = np.nonzero(small)
    ink = small[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype("float32")
    height, width = (max(1, round(BOX * side / max(ink.shape))) for side in ink.shape)
    ink = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BICUBIC))
    ink = np.clip(ink * (255 / 16), 0, 255)
    picture = np.zeros((SIDE, SIDE))
    top, left = (
        min(max(0, round((SIDE - 1) / 2 - np.average(np.arange(len(mass)), weights=mass))), SIDE - len(mass))
        for mass in (ink.sum(axis=1), ink.sum(axis=0))
    )
    picture[top : top + height, left : left + width] = ink
    return np.rint(picture).astype("uint8")


if __name__ == "__main__":
    make(STAND_IN)
