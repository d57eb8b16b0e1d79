"""IDX, the file format of MNIST: a header of a few numbers, then the pixels or labels, one byte each."""

import math
import struct
from pathlib import Path

import numpy as np

_BYTES = 8  # the only type that MNIST's files use
_KINDS = {9: "16-bit numbers", 11: "16-bit numbers", 12: "32-bit numbers", 13: "floats", 14: "floats"}


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write ``array``, uint8, to ``path``."""
    if array.dtype != np.uint8:
        raise TypeError(f"bytes are written, no {array.dtype}")
    path.write_bytes(struct.pack(f">BBBB{array.ndim}I", 0, 0, _BYTES, array.ndim, *array.shape) + array.tobytes())


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Read the array in ``path``: uint8, with so many ``dimensions``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not in this format, or not whole; names the file and the reason.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is missing in {path.parent}")
    with path.open("rb") as file:
        shape = _header(file.read(4 + 4 * dimensions), path, dimensions)
        there, told = path.stat().st_size - 4 - 4 * dimensions, math.prod(shape)
        if there != told:  # asked before anything is read: a damaged header may tell of terabytes
            how = "is cut off" if there < told else "is too long"
            sizes = " × ".join(f"{n:,}" for n in shape)
            raise ValueError(f"{path} {how}: its header tells of {sizes} bytes, and {there:,} follow")
        return np.frombuffer(file.read(), dtype="uint8").reshape(shape).copy()


def _header(header: bytes, path: Path, dimensions: int) -> tuple[int, ...]:
    """The shape that the header tells of."""
    if header.startswith(b"\x1f\x8b"):
        raise ValueError(f"{path} is compressed: unpack it with gunzip first")
    if len(header) < 4 or header[:2] != b"\0\0":
        raise ValueError(f"{path} is not an IDX file: it begins with {header[:4]!r}")
    kind, told = header[2], header[3]
    if kind != _BYTES:
        raise ValueError(f"{path} holds {_KINDS.get(kind, f'values of an unknown kind ({kind})')}, and not bytes")
    if told != dimensions:
        raise ValueError(f"{path} has {told} dimensions, and not {dimensions}: are pictures and labels swapped?")
    if len(header) < 4 + 4 * dimensions:
        raise ValueError(f"{path} is cut off in its header")
    return struct.unpack(f">{dimensions}I", header[4:])
