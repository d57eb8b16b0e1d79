"""The digits' data: MNIST's files read, damaged ones refused, and the stand-in that is used where MNIST is absent."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits as small_digits

from byom.data.digits import STAND_IN, described, digits_folder, load_digits, stand_in
from byom.data.idx import read_idx, write_idx

TRAIN, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
FILES = (TRAIN, LABELS, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.fixture
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for data."""
    monkeypatch.setenv("BYOM_DATA_ROOT", str(tmp_path / "data"))
    return tmp_path / "data"


def write_mnist(folder: Path, train: int = 5, test: int = 3) -> Path:
    """A small MNIST in ``folder``."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, n in (("train", train), ("t10k", test)):
        write_idx(folder / f"{part}-images-idx3-ubyte", rng.integers(256, size=(n, 28, 28), dtype="uint8"))
        write_idx(folder / f"{part}-labels-idx1-ubyte", (np.arange(n) % 10).astype("uint8"))
    return folder


# ------------------------------------------------------------ MNIST's files


def test_the_arrays_are_those_that_mxnet_would_give(tmp_path: Path) -> None:
    folder = write_mnist(tmp_path / "mnist", train=12)
    data = load_digits(folder)
    assert data["train_data"].shape == (12, 1, 28, 28) and data["train_data"].dtype == np.float32
    assert data["test_data"].shape == (3, 1, 28, 28) and data["test_label"].dtype == np.int64
    assert data["train_label"].tolist() == [*range(10), 0, 1]
    there = read_idx(folder / TRAIN, 3)
    assert np.array_equal(np.rint(data["train_data"][:, 0] * 255), there) and there.max() == 255
    assert data["train_data"].min() >= 0 and data["train_data"].max() == 1


def _cut(content: bytes) -> bytes:
    return content[:-1]


def _header(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


@pytest.mark.parametrize(
    ("name", "damaged", "said"),
    [
        (TRAIN, gzip.compress, "is compressed"),
        (TRAIN, lambda c: b"<!doctype html>", "is not an IDX file"),
        (TRAIN, lambda c: b"", "is not an IDX file"),
        (TRAIN, lambda c: c[:11], "is cut off in its header"),
        (TRAIN, _cut, r"is cut off: its header tells of 5 × 28 × 28 bytes, and 3,919 follow"),
        (TRAIN, lambda c: c + b"x", "is too long"),
        (TRAIN, lambda c: _header(0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1) + c[16:], "is cut off"),
        (TRAIN, lambda c: _header(0xD03, 5, 28, 28) + c[16:] * 4, "holds floats, and not bytes"),
        (TRAIN, lambda c: _header(0x803, 5, 14, 56) + c[16:], "and not \\(n, 28, 28\\)"),
        (TRAIN, lambda c: _header(0x803, 0, 28, 28), "and not \\(n, 28, 28\\)"),
        (TRAIN, lambda c: _header(0x801, 5) + bytes(5), "are pictures and labels swapped"),
        (TRAIN, lambda c: _header(0x803, 4, 28, 28) + c[16:-784], "4 pictures, .* 5 labels"),
        (LABELS, _cut, "is cut off"),
        (LABELS, lambda c: c[:-1] + b"\x0a", "holds the label 10"),
    ],
)
def test_a_damaged_file_is_named_with_the_reason(name: str, damaged, said: str, tmp_path: Path) -> None:
    folder = write_mnist(tmp_path / "mnist")
    (folder / name).write_bytes(damaged((folder / name).read_bytes()))
    with pytest.raises(ValueError, match=said) as refused:
        load_digits(folder)
    assert str(folder / name) in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    folder = write_mnist(tmp_path / "mnist")
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
        load_digits(folder)


# ------------------------------------------------------------ which digits


def test_mnist_is_used_where_it_was_fetched(data_root: Path) -> None:
    before = digits_folder()
    raw = write_mnist(data_root / "mnist" / "MNIST" / "raw")
    assert described(before) == "scikit-learn's digits in MNIST's format"
    assert digits_folder() == raw and described(raw) == "MNIST"
    assert described(write_mnist(data_root / "my digits")) == "the digits in my digits"


def test_the_stand_in_has_each_of_scikit_learns_digits_once() -> None:
    data = load_digits(STAND_IN)
    assert len(data["train_label"]) == 1347 and len(data["test_label"]) == 450
    assert (np.bincount(data["test_label"], minlength=10) > 40).all()
    pictures, labels = stand_in()
    assert np.array_equal(np.rint(255 * np.concatenate([data["train_data"], data["test_data"]])[:, 0]), pictures)
    assert np.array_equal(np.bincount(labels), np.bincount(small_digits().target))
    assert len({picture.tobytes() for picture in pictures}) == len({d.tobytes() for d in small_digits().images})


def test_the_stand_in_keeps_mnists_convention() -> None:
    pictures, labels = stand_in()
    assert pictures.shape == (1797, 28, 28) and pictures.dtype == np.uint8 and labels.max() == 9
    for picture in pictures.astype("float64"):
        rows, columns = np.nonzero(picture)
        sides = (np.ptp(rows) + 1, np.ptp(columns) + 1)
        assert 18 <= max(sides) <= 20  # at its edge the ink may be too pale to be seen
        centre = [np.average(np.arange(28), weights=picture.sum(axis=axis)) for axis in (1, 0)]
        assert np.abs(np.array(centre) - 13.5).max() <= 1
        assert picture.max() > 200
