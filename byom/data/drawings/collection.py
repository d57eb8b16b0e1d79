"""Many drawn pictures in CIFAR-10's own files, made once and kept."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from byom.data.batches import SIDE, write_batch, write_meta
from byom.data.catalogue import root
from byom.data.drawings.picture import CLASSES

BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5")
"""CIFAR-10's names of its files for training."""

TEST_BATCH = "test_batch"
META = "batches.meta"
INNER = "cifar-10-batches-py"
"""CIFAR-10's name of the folder its files lie in."""

_ABOUT = "about.json"
_PICTURE = SIDE * SIDE * 3


class CannotMake(Exception):
    """The pictures could not be drawn or kept, with the reason in one sentence. Nothing half made is left."""


@dataclass(frozen=True)
class Recipe:
    """What drawn pictures are made from.

    With the default, measured once each: a linear model on raw pixels is right on 0.459 of the test pictures after 15
    epochs, 0.442 after 60. The wide LeNet reaches 0.874 in nine epochs (79 s of CPU; flips, Adam, one cycle of
    learning rates up to 0.002). Before the flying birds got other wings it reached 0.896 in twelve, and VGG11 0.909
    after three epochs of five (342 s of CPU).

    Attributes:
        train: how many pictures for training; they fill five batches of equal size, so it is a multiple of 5.
        test: how many others for the test.
        seed: which pictures.
    """

    train: int = 10_000
    test: int = 2_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what nothing can be made from."""
        if self.train < 5 or self.train % 5 or self.test < 1 or not 0 <= self.seed < 2**63:
            raise ValueError(f"pictures for training fill five equal batches, and one is for the test, not {self}")
        if max(self.train // 5, self.test) > 20_000:
            raise ValueError(f"a batch holds 20,000 pictures at most: {self} is too many")

    @property
    def folder(self) -> Path:
        """Where the pictures are kept: drawn by other code or another Pillow, they lie elsewhere."""
        return root() / "drawings" / f"{self.train}+{self.test}-pictures-seed-{self.seed}-{_makers()}"

    def labels(self, part: int) -> np.ndarray:
        """The labels of part 0, training, or 1, test: each class as often as any other, shuffled; int64."""
        count = (self.train, self.test)[part]
        return np.random.default_rng([self.seed, part]).permutation(np.arange(count) % len(CLASSES))


def drawn_folder(recipe: Recipe | None = None, workers: int | None = None) -> Path:
    """Draw the pictures, or find what was drawn before.

    What each picture shows depends on seed and number alone: the files are the same, byte for byte, however many
    workers there were.

    Args:
        recipe: what to draw; the default takes a core about 12 s.
        workers: how many processes draw; by default one for each core.

    Returns:
        the folder with CIFAR-10's files.

    Raises:
        CannotMake: the disk is full, or a worker ended.
    """
    recipe = recipe or Recipe()
    folder = recipe.folder
    try:
        if folder.exists():
            fault = _fault(folder)
            if fault is None:
                return folder / INNER
            print(f"The drawn pictures in {folder} are damaged ({fault}): they are drawn again.", file=sys.stderr)
        with _alone(folder.parent) as arriving:
            if _fault(folder) is not None:  # another process may have drawn them meanwhile
                shutil.rmtree(folder, ignore_errors=True)
                _make(recipe, arriving, workers or _cores())
                arriving.rename(folder)
    except OSError as error:
        raise CannotMake(f"drawn pictures can't be kept in {folder.parent}: {error.strerror or error}") from None
    return folder / INNER


def _makers() -> str:
    """A fingerprint of all that decides about the files: the code that draws and writes, the libraries under it."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for module in (*sorted(here.glob("*.py")), here.with_name("batches.py")):
        digest.update(module.read_bytes())
    for library in ("pillow", "numpy"):
        digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()[:8]


@contextlib.contextmanager
def _alone(kept: Path) -> Iterator[Path]:
    """Wait until no other process draws; then give a folder in ``kept`` that is gone afterwards."""
    import fcntl

    kept.mkdir(parents=True, exist_ok=True)
    arriving = kept / ".arriving"
    with (kept / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another process is drawing: waiting for it.", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(arriving, ignore_errors=True)  # of a process that was killed
        try:
            yield arriving
        finally:
            shutil.rmtree(arriving, ignore_errors=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _make(recipe: Recipe, folder: Path, workers: int) -> None:
    """Draw all pictures and write the files."""
    from tqdm import tqdm

    inner = folder / INNER
    inner.mkdir(parents=True)
    with tqdm(total=recipe.train + recipe.test, unit="picture", desc="drawing") as bar:
        train, test = (_drawn(recipe, part, workers, bar) for part in (0, 1))
    labels = np.split(recipe.labels(0), len(BATCHES))
    for number, (name, pictures) in enumerate(zip(BATCHES, np.split(train, len(BATCHES)), strict=True)):
        write_batch(inner / name, pictures, labels[number], f"drawn training batch {number + 1} of {len(BATCHES)}")
    write_batch(inner / TEST_BATCH, test, recipe.labels(1), "drawn testing batch 1 of 1")
    write_meta(inner / META, CLASSES, recipe.train // len(BATCHES))
    sums = {path.name: _checksum(path) for path in sorted(inner.iterdir())}
    (folder / _ABOUT).write_text(json.dumps({"sha256": sums}, indent=1) + "\n")


def _drawn(recipe: Recipe, part: int, count: int, bar: Any) -> np.ndarray:
    """All pictures of a part, shape (n, 32, 32, 3), each worker drawing one stretch of them."""
    labels = recipe.labels(part)
    pictures = np.empty((len(labels), SIDE, SIDE, 3), dtype="uint8")
    stretches = [s for s in np.array_split(np.arange(len(labels)), count) if len(s)]
    workers: list[subprocess.Popen[bytes]] = []

    def receive(worker: subprocess.Popen[bytes], numbers: np.ndarray) -> None:
        assert worker.stdout is not None and worker.stderr is not None
        for number in numbers:
            picture = worker.stdout.read(_PICTURE)
            if len(picture) < _PICTURE:
                said = worker.stderr.read().decode(errors="replace").strip().splitlines()
                raise CannotMake(f"a worker ended at picture {number}: {said[-1] if said else 'it said nothing'}")
            pictures[number] = np.frombuffer(picture, dtype="uint8").reshape(SIDE, SIDE, 3)
            bar.update()

    command = [sys.executable, "-m", "byom.data.drawings.worker", str(recipe.seed), str(part)]
    with ThreadPoolExecutor(len(stretches)) as pool:
        try:
            for numbers in stretches:
                what = "".join(map(str, labels[numbers]))
                workers.append(
                    subprocess.Popen(
                        [*command, str(numbers[0]), what],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE,
                    )
                )
            received = [pool.submit(receive, *pair) for pair in zip(workers, stretches, strict=True)]
            for one in received:
                one.result()
        finally:
            for worker in workers:
                worker.kill()  # the threads that read from it get nothing more, and end
            for worker in workers:
                worker.communicate()  # reads what is left, closes the pipes and waits
    return pictures


def _fault(folder: Path) -> str | None:
    """What is wrong with pictures that were drawn before, if anything."""
    try:
        sums = dict(json.loads((folder / _ABOUT).read_text())["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{_ABOUT} can't be read"
    for name in (*BATCHES, TEST_BATCH, META):
        path = folder / INNER / name
        if not path.is_file():
            return f"{name} is missing"
        if _checksum(path) != sums.get(name):
            return f"{name} is not what was written"
    return None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
