"""Handwritten digits in MNIST's own files: MNIST itself where it has been fetched, else a stand-in.

The stand-in is made of scikit-learn's 1,797 digits. They are real ones too, written by 13 people, but have 8 × 8 pixels
only. They were brought to MNIST's form and written into MNIST's four files, so that both are read by one code.
"""

import functools
from importlib.resources import files
from pathlib import Path

import numpy as np

from byom.data.catalogue import data_set
from byom.data.idx import read_idx

SIDE = 28
"""Rows, and columns, of a picture."""

FILES = {
    "train_data": "train-images-idx3-ubyte",
    "train_label": "train-labels-idx1-ubyte",
    "test_data": "t10k-images-idx3-ubyte",
    "test_label": "t10k-labels-idx1-ubyte",
}
"""MNIST's names of its files."""

STAND_IN = Path(str(files("byom.data"))) / "stand_in"
"""The stand-in comes with the course."""


def digits_folder() -> Path:
    """The folder with MNIST's four files: MNIST, where ``byom data fetch mnist`` has brought it, else the stand-in."""
    mnist = _mnist()
    return mnist if mnist.is_dir() else STAND_IN


def described(folder: Path) -> str:
    """What the digits in ``folder`` are, in the words of a figure's title."""
    if folder.resolve() == _mnist().resolve():
        return "MNIST"
    return "scikit-learn's digits in MNIST's format" if folder == STAND_IN else f"the digits in {folder.name}"


def load_digits(folder: Path) -> dict[str, np.ndarray]:
    """Read MNIST's four files, not compressed, from ``folder``.

    Returns:
        ``train_data`` and ``test_data``: float32, shape (n, 1, 28, 28), from 0 (paper) to 1 (ink);
        ``train_label`` and ``test_label``: int64, shape (n,), 0 to 9.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged, or pictures and labels don't fit together; names the file and the reason.
    """
    data = {}
    for part in ("train", "test"):
        pictures_file, labels_file = folder / FILES[f"{part}_data"], folder / FILES[f"{part}_label"]
        pictures, labels = read_idx(pictures_file, 3), read_idx(labels_file, 1)
        if pictures.shape[1:] != (SIDE, SIDE) or len(pictures) == 0:
            raise ValueError(f"{pictures_file} holds pictures of shape {pictures.shape}, and not (n, {SIDE}, {SIDE})")
        if len(pictures) != len(labels):
            raise ValueError(
                f"{pictures_file} holds {len(pictures):,} pictures, {labels_file.name} {len(labels):,} labels"
            )
        if labels.max() > 9:
            raise ValueError(f"{labels_file} holds the label {labels.max()}; a digit is 0 to 9")
        data[f"{part}_data"] = pictures[:, None].astype("float32") / 255
        data[f"{part}_label"] = labels.astype("int64")
    return data


@functools.cache
def stand_in() -> tuple[np.ndarray, np.ndarray]:
    """All digits of the stand-in: pictures, uint8, shape (1797, 28, 28), and labels, uint8, shape (1797,).

    The arrays are shared: they can't be written to.
    """
    arrays = []
    for kind, dimensions in (("data", 3), ("label", 1)):
        parts = [read_idx(STAND_IN / FILES[f"{part}_{kind}"], dimensions) for part in ("train", "test")]
        arrays.append(np.concatenate(parts))
        arrays[-1].setflags(write=False)
    return arrays[0], arrays[1]


def _mnist() -> Path:
    return data_set("mnist").folder / "MNIST" / "raw"
