"""Handwritten digits in MNIST's own files: MNIST itself where it has been fetched, else a stand-in.

The stand-in is made of scikit-learn's 1,797 digits. They are real ones too, written by 43 people, but have 8 × 8 pixels
only. They are brought to MNIST's form and written into MNIST's four files, once, so that both are read by one code.
"""

import functools
import hashlib
import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

from byom.data.catalogue import data_set, root
from byom.data.idx import read_idx, write_idx

SIDE = 28
"""Rows, and columns, of a picture."""

BOX = 20
"""Pixels of a digit's longer side."""

_FILES = {
    "train_data": "train-images-idx3-ubyte",
    "train_label": "train-labels-idx1-ubyte",
    "test_data": "t10k-images-idx3-ubyte",
    "test_label": "t10k-labels-idx1-ubyte",
}
_ABOUT = "about.json"
_TEST_SHARE = 0.25


class CannotMake(Exception):
    """The stand-in could not be written, with the reason in one sentence."""


def digits_folder() -> Path:
    """The folder with MNIST's four files: MNIST, where ``byom data fetch mnist`` has brought it, else the stand-in.

    The stand-in is made at the first call, in less than a second, and found again later. One that was damaged is made
    again, and a line on stderr says so.

    Raises:
        CannotMake: the stand-in can't be written.
    """
    mnist = _mnist()
    return mnist if mnist.is_dir() else _stand_in_folder()


def described(folder: Path) -> str:
    """What the digits in ``folder`` are, in the words of a figure's title."""
    if folder.resolve() == _mnist().resolve():
        return "MNIST"
    return "scikit-learn's digits in MNIST's format" if (folder / _ABOUT).is_file() else f"the digits in {folder.name}"


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
        pictures_file, labels_file = folder / _FILES[f"{part}_data"], folder / _FILES[f"{part}_label"]
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
    """All of scikit-learn's digits in MNIST's form, on no disk: pictures, uint8, shape (1797, 28, 28), and labels.

    The arrays are shared: they can't be written to.
    """
    from sklearn.datasets import load_digits as small_digits

    small = small_digits()
    pictures, labels = np.stack([_in_mnist_form(picture) for picture in small.images]), small.target.astype("uint8")
    for array in (pictures, labels):
        array.setflags(write=False)
    return pictures, labels


def _in_mnist_form(small: np.ndarray) -> np.ndarray:
    """A picture of 8 × 8 values from 0 to 16 as MNIST shows it; uint8, shape (28, 28).

    What is drawn fills a box of 20 × 20 pixels, keeping its aspect, and its centre of mass lies in the picture's
    middle. Made larger by cubic curves, edges run over from grey to grey, as MNIST's do.
    """
    from PIL import Image

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


def _mnist() -> Path:
    return data_set("mnist").folder / "MNIST" / "raw"


def _stand_in_folder() -> Path:
    """Where the stand-in is, sound and whole: made by other code or other versions, it lies elsewhere."""
    import fcntl

    folder = root() / f"digits-{_makers()}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(f".{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be making it: that takes no second
            if folder.exists():
                fault = _fault(folder)
                if fault is None:
                    return folder
                print(f"The digits in {folder} are damaged ({fault}): they are made again.", file=sys.stderr)
                shutil.rmtree(folder)
            _make(folder)
    except OSError as error:
        raise CannotMake(f"the digits can't be kept in {folder.parent}: {error.strerror or error}") from None
    return folder


def _make(folder: Path) -> None:
    """Write the four files into a folder that gets its name when it is complete."""
    from sklearn.model_selection import train_test_split

    pictures, labels = stand_in()
    split = train_test_split(pictures, labels, test_size=_TEST_SHARE, stratify=labels, random_state=0)
    arriving = folder.with_name(f".{folder.name}-arriving")
    shutil.rmtree(arriving, ignore_errors=True)
    arriving.mkdir()
    for key, array in zip(("train_data", "test_data", "train_label", "test_label"), split, strict=True):
        write_idx(arriving / _FILES[key], array)
    sums = {name: _checksum(arriving / name) for name in _FILES.values()}
    about = {"source": "scikit-learn's load_digits, in MNIST's form", "sha256": sums}
    (arriving / _ABOUT).write_text(json.dumps(about, indent=1) + "\n")
    arriving.rename(folder)


def _fault(folder: Path) -> str | None:
    """What is wrong with a stand-in that was made before."""
    try:
        sums = dict(json.loads((folder / _ABOUT).read_text())["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{_ABOUT} can't be read"
    for name in _FILES.values():
        if not (folder / name).is_file():
            return f"{name} is missing"
        if _checksum(folder / name) != sums.get(name):
            return f"{name} is not what was written"
    return None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _makers() -> str:
    """A fingerprint of all that decides about the stand-in: this code and the libraries under it."""
    digest = hashlib.sha256()
    for module in ("digits", "idx"):
        digest.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    for library in ("scikit-learn", "pillow", "numpy"):
        digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()[:8]
