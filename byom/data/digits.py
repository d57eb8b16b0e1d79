"""Handwritten digits, 8 × 8 pixels: scikit-learn's 1,797, in the files that the contract unit trains on."""

import os
from pathlib import Path

TEST_SHARE = 0.2
"""The share of the digits that is put aside."""


def write_channels(folder: Path | str = "data") -> dict[str, Path]:
    """Write the digits to ``train/digits.csv`` and ``test/digits.csv`` below ``folder``, as SageMaker reads CSV.

    One line for each picture: the label first, then 64 pixels from 0 to 16, row by row; no header. Each digit has its
    share in both files, and who is in which is always the same. Older files are replaced.

    Returns:
        the folder of each channel, ``train`` and ``test``.
    """
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    table = np.column_stack([labels, pixels]).astype("int64")
    parts = train_test_split(table, test_size=TEST_SHARE, stratify=labels, random_state=1)
    channels = {name: Path(folder) / name for name in ("train", "test")}
    for channel, rows in zip(channels.values(), parts, strict=True):
        channel.mkdir(parents=True, exist_ok=True)
        temporary = channel / f".digits.csv.{os.getpid()}"
        try:
            np.savetxt(temporary, rows, fmt="%d", delimiter=",")
            temporary.replace(channel / "digits.csv")
        finally:
            temporary.unlink(missing_ok=True)
    return channels
