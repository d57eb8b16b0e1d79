"""The warden: counts from outside what the processes of a sandbox use, and ends them all.

Resource limits alone do not hold here: none of them adds up memory over several processes, and root is exempt
from the limit on processes. A fork bomb is quicker than any look from outside; that one the launcher ends.
"""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from grading.sandbox import Sandbox

_INTERVAL = 0.1  # seconds
_OWN_GROWTH = 2**30  # bytes; what a kernel sends is bounded message by message, this bounds the rest


class Warden(threading.Thread):
    """Watches the process ``pid`` and its descendants until they end or are ended.

    ``reason`` says why the warden ended them, in words that complete "the kernel …"; None while all is well.
    """

    def __init__(self, pid: int, sandbox: Sandbox) -> None:
        super().__init__(name="warden", daemon=True)
        self.reason: str | None = None
        self._sandbox = sandbox
        self._herd = _Namespace(pid) if sandbox.confined else _Tree(pid, str(sandbox.home))
        self._over = threading.Event()
        self._own = psutil.Process()
        self._before = self._own.memory_info().rss

    def run(self) -> None:
        """Count and compare until `end`."""
        while not self._over.wait(_INTERVAL):
            reason = self._excess()
            if reason:
                self.end(f"was stopped: it {reason}")

    def end(self, reason: str | None = None) -> None:
        """Kill every process of the sandbox and wait until all are gone. Can be called more than once."""
        self.reason = self.reason or reason
        self._over.set()
        self._herd.end()

    def _excess(self) -> str | None:
        limits, sandbox = self._sandbox.limits, self._sandbox
        # look no further than the limit, and at nothing else before: there may be thousands, taking all the time
        members = list(itertools.islice(self._herd.members(), limits.processes + 1))
        if len(members) > limits.processes:
            return f"started more than {limits.processes} processes"
        threads = resident = 0
        for pid in members:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                threads += process.num_threads()
                resident += process.memory_info().rss
        if threads > limits.threads:
            return f"started more than {limits.threads} threads"
        # resident memory counts shared pages once per process: look closer only when that is already too much
        if resident > limits.memory_bytes and sum(map(_proportional, members)) > limits.memory_bytes:
            return f"used more than {limits.memory_bytes / 2**30:.3g} GiB of memory"
        if not sandbox.confined and _size(sandbox.scratch, limits.disk_bytes) > limits.disk_bytes:
            return f"wrote more than {limits.disk_bytes / 2**20:.3g} MiB of files"
        if self._own.memory_info().rss - self._before > _OWN_GROWTH:
            return "sent more than can be taken in"
        return None


class _Namespace:
    """The processes of a bubblewrap sandbox: bwrap itself, its one child, and all that live in that child's
    pid namespace."""

    def __init__(self, bwrap: int) -> None:
        self._bwrap = psutil.Process(bwrap)
        self._first: psutil.Process | None = None

    def members(self) -> Iterator[int]:
        """Process ids, each found only when asked for."""
        waiting = [self._bwrap.pid]
        while waiting:
            pid = waiting.pop()
            yield pid
            waiting += _children(pid)

    def end(self) -> None:
        """End the namespace. Its first process is gone only after all the others are: the system sees to it."""
        first = self._find_first()
        if first is not None:
            _kill(first)
            _await(lambda: not _alive(first))
        _kill(self._bwrap)

    def _find_first(self) -> psutil.Process | None:
        if self._first is None:
            with contextlib.suppress(psutil.Error, IndexError):
                self._first = psutil.Process(_children(self._bwrap.pid)[0])
        return self._first


class _Tree:
    """The processes that descend from one, without a namespace to hold them."""

    def __init__(self, pid: int, home: str) -> None:
        self._root = psutil.Process(pid)
        self._home = home

    def members(self) -> Iterator[int]:
        """Process ids."""
        with contextlib.suppress(psutil.Error):
            yield from (p.pid for p in [self._root, *self._root.children(recursive=True)])

    def end(self) -> None:
        """Kill the tree, and what has left it: that is known by its home folder."""
        with contextlib.suppress(psutil.Error):
            for process in [self._root, *self._root.children(recursive=True)]:
                _kill(process)
        strays = [p for p in psutil.process_iter(["environ"]) if (p.info["environ"] or {}).get("HOME") == self._home]
        for process in strays:
            _kill(process)
        _await(lambda: not any(map(_alive, strays)))


def _children(pid: int) -> list[int]:
    """The processes that threads of ``pid`` started, as the system lists them."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        process.kill()


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def _proportional(pid: int) -> int:
    """The memory of a process; a page that several share counts in parts."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        try:
            return process.memory_full_info().pss
        except (psutil.AccessDenied, AttributeError):  # not ours to look into, or a system that doesn't count it
            return process.memory_info().rss
    return 0


def _size(folder: Path, enough: int) -> int:
    """The bytes of the files under ``folder``, counted no further than ``enough``."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
        if total > enough:
            break
    return total
