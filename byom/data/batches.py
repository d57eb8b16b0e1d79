"""The batches of CIFAR-10, "python version": pickles by Python 2 of pictures, one row each, and their labels.

A pickle is a program that the reader runs. These files are read by an unpickler that knows no more than they need, so
that one from elsewhere can do no harm.
"""

import io
import pickle
import pickletools
import struct
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 32
"""Rows, and columns, of a picture."""

_ROW = 3 * SIDE * SIDE  # all of red, then green, then blue
_LARGEST = 64_000_000  # bytes; CIFAR-10's own batches have 31 million


def write_batch(path: Path, pictures: np.ndarray, labels: np.ndarray, about: str) -> None:
    """Write pictures, uint8, shape (n, 32, 32, 3), and their labels, shape (n,), to ``path``.

    ``about`` is the batch's name for itself; CIFAR-10 has "training batch 1 of 5" there.
    """
    rows = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)).reshape(len(pictures), _ROW)
    names = [f"drawn_{number}.png" for number in range(len(rows))]
    _write(path, {"batch_label": about, "labels": labels.tolist(), "data": rows, "filenames": names})


def write_meta(path: Path, classes: tuple[str, ...], pictures_per_batch: int) -> None:
    """Write the names of the classes, the file ``batches.meta``."""
    _write(path, {"num_cases_per_batch": pictures_per_batch, "label_names": list(classes), "num_vis": _ROW})


def read_batch(path: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the pictures and labels in ``path``.

    Returns:
        pictures, RGB, uint8, shape (n, 32, 32, 3), and labels, int64, shape (n,), below ``classes``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such batch, is damaged, or would do more than hold data; names the file and the reason.
    """
    content = _read(path)
    rows, labels = content.get(b"data"), content.get(b"labels")
    if not isinstance(rows, _Array) or not isinstance(labels, list):
        raise ValueError(f"{path} is no batch of CIFAR-10: it has no data and labels")
    array = rows.array(path)
    if array.ndim != 2 or array.shape[1] != _ROW or len(array) == 0:
        raise ValueError(f"{path} holds data of shape {array.shape}, and not (n, {_ROW})")
    if len(labels) != len(array):
        raise ValueError(f"{path} holds {len(array):,} pictures and {len(labels):,} labels")
    for label in labels:
        if type(label) is not int or not 0 <= label < classes:
            raise ValueError(f"{path} holds the label {str(label)[:40]}; labels are 0 to {classes - 1}")
    pictures = array.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pictures), np.array(labels, dtype="int64")


def read_meta(path: Path) -> tuple[str, ...]:
    """Read the names of the classes from ``batches.meta``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no such names; names the file and the reason.
    """
    names = _read(path).get(b"label_names")
    if not isinstance(names, list) or not names or not all(isinstance(name, bytes) for name in names):
        raise ValueError(f"{path} holds no names of classes")
    return tuple(name.decode("latin1") for name in names)


def _read(path: Path) -> dict[Any, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is missing in {path.parent}")
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path} is too large: a batch of CIFAR-10 has 31 MB")
    try:
        content = _Unpickler(io.BytesIO(path.read_bytes()), encoding="bytes").load()
    except _Refused as refused:
        raise ValueError(f"{path} is refused: {refused}") from None
    except (MemoryError, RecursionError):
        raise ValueError(f"{path} is damaged: it tells of more than it holds") from None
    except OSError:
        raise
    except Exception as error:  # damaged pickles fail in many ways
        raise ValueError(f"{path} is damaged, or no batch of CIFAR-10 ({str(error) or type(error).__name__})") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} is no batch of CIFAR-10: it holds a {type(content).__name__}")
    return content


class _Refused(Exception):
    """A file asks for what it doesn't need."""


class _Array:
    """Takes what a pickle tells of an array, without any of it being done."""

    def __init__(self, *_: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def array(self, path: Path) -> np.ndarray:
        """The array, uint8, if that is what the pickle tells of."""
        try:
            _, shape, kind, by_columns, content = self.state
            fits = isinstance(content, bytes) and kind.name == b"u1"
            if not fits or by_columns or not all(type(n) is int and n >= 0 for n in shape):
                raise ValueError
            return np.frombuffer(content, dtype="uint8").reshape(shape)
        except (TypeError, ValueError, AttributeError):
            raise ValueError(f"{path} is damaged: its data is no array of bytes") from None


class _Kind:
    """Takes what a pickle tells of an array's type."""

    def __init__(self, name: Any = None, *_: Any) -> None:
        self.name = name

    def __setstate__(self, _: Any) -> None:
        pass  # byte order and the like: a byte has none


_KNOWN = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
}


class _Unpickler(pickle.Unpickler):
    """Puts harmless things in the place of numpy's, and admits nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """What stands for a name that the pickle asks for."""
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise _Refused(f"it asks for {module}.{name}, which pictures and labels don't need") from None


_CODES = {code.name: code.code.encode("latin1") for code in pickletools.opcodes}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_bytes(_CODES["PROTO"] + b"\x02" + _pickled(content) + _CODES["STOP"])


def _pickled(value: Any) -> bytes:
    """A value in the opcodes that Python 2 used, whose strings are bytes today: Python 3 would write others."""
    if isinstance(value, str):
        text = value.encode("latin1")
        return _CODES["BINSTRING"] + struct.pack("<i", len(text)) + text
    if isinstance(value, bytes):
        return _CODES["BINSTRING"] + struct.pack("<i", len(value)) + value
    if isinstance(value, bool):
        return _CODES["NEWTRUE" if value else "NEWFALSE"]
    if isinstance(value, int):
        return _CODES["BININT"] + struct.pack("<i", value)
    if value is None:
        return _CODES["NONE"]
    if isinstance(value, tuple):
        return _CODES["MARK"] + b"".join(map(_pickled, value)) + _CODES["TUPLE"]
    if isinstance(value, list):
        return _CODES["EMPTY_LIST"] + _CODES["MARK"] + b"".join(map(_pickled, value)) + _CODES["APPENDS"]
    if isinstance(value, dict):
        items = b"".join(_pickled(key) + _pickled(item) for key, item in value.items())
        return _CODES["EMPTY_DICT"] + _CODES["MARK"] + items + _CODES["SETITEMS"]
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        array = _named("numpy.core.multiarray", "_reconstruct")
        array += _CODES["MARK"] + _named("numpy", "ndarray") + _pickled((0,)) + _pickled("b") + _CODES["TUPLE"]
        kind = _named("numpy", "dtype") + _pickled(("u1", 0, 1)) + _CODES["REDUCE"]
        kind += _pickled((3, "|", None, None, None, -1, -1, 0)) + _CODES["BUILD"]
        state = _CODES["MARK"] + _pickled(1) + _pickled(value.shape) + kind + _pickled(False)
        state += _pickled(value.tobytes()) + _CODES["TUPLE"]
        return array + _CODES["REDUCE"] + state + _CODES["BUILD"]
    raise TypeError(f"batches of CIFAR-10 hold no {type(value).__name__}")


def _named(module: str, name: str) -> bytes:
    return _CODES["GLOBAL"] + f"{module}\n{name}\n".encode()
