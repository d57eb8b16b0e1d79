"""The digits that stand in for MNIST are what their program makes."""

from pathlib import Path

import numpy as np

from byom.data.digits import FILES, STAND_IN
from byom.data.idx import read_idx
from solutions.digits.stand_in import make


def test_the_shipped_digits_are_those_that_are_made(tmp_path: Path) -> None:
    make(tmp_path)
    for key, name in FILES.items():
        dimensions = 3 if key.endswith("data") else 1
        shipped, made = (read_idx(folder / name, dimensions).astype(int) for folder in (STAND_IN, tmp_path))
        assert shipped.shape == made.shape
        assert np.abs(shipped - made).max() <= 1  # another Pillow may round otherwise
