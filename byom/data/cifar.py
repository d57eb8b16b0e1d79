"""Pictures of ten kinds of things in CIFAR-10's own files: CIFAR-10 where it has been fetched, else drawn ones.

The drawn pictures (`byom.data.drawings`) are a stand-in: the same ten kinds of things drawn from shapes, in varied
poses, colours and places. They are written into CIFAR-10's files, so that both are read by one code. An accuracy on
them says nothing about photographs.
"""

from pathlib import Path

import numpy as np

from byom.data.batches import read_batch, read_meta
from byom.data.catalogue import data_set
from byom.data.drawings import CLASSES
from byom.data.drawings.collection import BATCHES, INNER, META, TEST_BATCH, CannotMake, Recipe, drawn_folder

__all__ = ["CLASSES", "CannotMake", "Recipe", "cifar_folder", "described", "load_cifar"]


def cifar_folder() -> Path:
    """The folder with CIFAR-10's files: CIFAR-10, where ``byom data fetch cifar10`` has brought it, else drawn ones.

    The first call without CIFAR-10 draws 12,000 pictures on all cores, with a progress bar; they are kept.

    Raises:
        CannotMake: the pictures could not be drawn or kept.
    """
    cifar10 = _cifar10()
    return cifar10 if cifar10.is_dir() else drawn_folder()


def described(folder: Path) -> str:
    """What the pictures in ``folder`` are, in the words of a figure's title."""
    if folder.resolve() == _cifar10().resolve():
        return "CIFAR-10"
    drawn = data_set("cifar10").folder.with_name("drawings")
    if drawn.resolve() in folder.resolve().parents:
        return "drawn pictures in CIFAR-10's format"
    return f"the pictures in {folder.name}"


def load_cifar(folder: Path, train: bool) -> tuple[np.ndarray, np.ndarray]:
    """Read the pictures for training, or those for the test, from ``folder``.

    Returns:
        pictures, RGB, uint8, shape (n, 32, 32, 3); labels, int64, shape (n,), 0 to 9, see ``CLASSES``.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged, holds no such pictures, or is refused because reading it would run code; names
            the file and the reason.
    """
    if (names := read_meta(folder / META)) != CLASSES:
        raise ValueError(f"{folder / META} names other classes: {', '.join(names)[:200]}")
    parts = [read_batch(folder / name, len(CLASSES)) for name in (BATCHES if train else (TEST_BATCH,))]
    return np.concatenate([pictures for pictures, _ in parts]), np.concatenate([labels for _, labels in parts])


def _cifar10() -> Path:
    return data_set("cifar10").folder / INNER
