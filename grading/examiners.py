"""Examining many submissions at once, each by a worker that keeps nothing between two."""

import contextlib
import importlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import nbformat

from grading.notes import Note
from grading.record import Record, examined
from grading.repair import repair
from grading.sandbox import Limits


@dataclass(frozen=True)
class Assignment:
    """What it takes to examine one submission: all a worker is told, and where it leaves the record.

    ``folder`` is the submission as intake left it, ``release`` the notebook that students got.
    """

    student: str
    key: str
    folder: Path
    release: Path
    record: Path
    notes: list[Note]
    missing: list[str]
    unit: str
    seed: int
    sandboxed: bool
    limits: Limits

    def is_examined(self) -> bool:
        """Whether a record under this key is on disk."""
        record = Record.load(self.record)
        return record is not None and record.key == self.key and not record.failure

    def examine(self) -> None:
        """Examine the submission and write its record."""
        book = nbformat.read(self.folder / f"{self.unit}.ipynb", as_version=4)
        notes = self.notes + repair(book, nbformat.read(self.release, as_version=4))
        done = examined(
            self.key, self.folder, book, notes, self.missing, self.unit, self.seed, self.limits, self.sandboxed
        )
        done.save(self.record)

    def give_up(self, why: str) -> None:
        """Write a record that says the grader failed."""
        book = nbformat.read(self.release, as_version=4)
        Record(self.key, book, self.notes, self.missing, {}, {}, 0.0, why[:500]).save(self.record)


@contextlib.contextmanager
def examiners(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes that get ready at once. When the block is left by an error, they end at once too."""
    others = multiprocessing.active_children()
    # spawned, not forked: a fork of this process would carry the gradebook and its locks along
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _leave_with, (os.getpid(),))
    try:
        for _ in range(workers):
            pool.submit(_get_ready)
        yield pool
    except BaseException:  # nobody waits for what is being examined: the next run takes it up
        for worker in set(multiprocessing.active_children()).difference(others):
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def examine_all(
    pool: ProcessPoolExecutor, assignments: list[Assignment], meanwhile: Callable[[], None] = lambda: None
) -> Iterator[Assignment]:
    """Examine ``assignments``; each is handed out when its record is on disk.

    Args:
        pool: workers, from `examiners`.
        assignments: what to examine.
        meanwhile: called once, while the first are being examined.
    """
    left = {each.record: each for each in assignments}
    for each in _examined(pool, assignments, meanwhile):
        del left[each.record]
        yield each
    # a worker died and took the pool with it; which submission did that shows when each has a worker of its own
    for each in list(left.values()):
        with examiners(1) as lone:
            if not any(_examined(lone, [each])):
                each.give_up("its worker process died")
        yield each


def _examined(
    pool: ProcessPoolExecutor, assignments: list[Assignment], meanwhile: Callable[[], None] = lambda: None
) -> Iterator[Assignment]:
    """Examine in one pool; stops short when a worker dies."""
    try:
        futures: dict[Future[None], Assignment] = {pool.submit(each.examine): each for each in assignments}
    except BrokenProcessPool:
        return
    meanwhile()
    for future in as_completed(futures):
        each = futures[future]
        try:
            future.result()
        except BrokenProcessPool:
            return
        except Exception as error:  # ours: an unreadable disk, say; the class goes on
            each.give_up(f"{type(error).__name__}: {error}")
        yield each


def _get_ready() -> None:
    """Import what examining takes, before there is something to examine."""
    importlib.import_module("grading.examination")


def _leave_with(parent: int) -> None:
    """Have this worker end when its parent is gone, even by SIGKILL; the sandbox ends with the worker."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
