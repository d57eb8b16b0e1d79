"""Who needs the server: notebooks by their process, or somebody who asked for a lasting one."""

import threading
from dataclasses import dataclass, field

import psutil


@dataclass
class Leases:
    """The server goes on while one holder lives, or for ever when it is lasting.

    Holders are watched by process id and start time, not through a connection: a process that a notebook forked
    would keep a connection open after the notebook's end.
    """

    lasting: bool
    _holders: dict[int, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, pid: int) -> None:
        """Go on at least while this process lives. Raises ProcessLookupError when there is none."""
        try:
            started = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            raise ProcessLookupError(f"there is no process {pid}") from None
        with self._lock:
            self._holders[pid] = started

    def make_lasting(self) -> None:
        """Go on until somebody ends the server."""
        self.lasting = True

    def holders(self) -> list[int]:
        """The process ids of the holders that live; the others are forgotten."""
        with self._lock:
            self._holders = {pid: started for pid, started in self._holders.items() if _lives(pid, started)}
            return list(self._holders)

    def expired(self) -> bool:
        """Whether nobody needs the server any more."""
        return not self.lasting and not self.holders()


def _lives(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        # a killed kernel stays a zombie until Jupyter asks for it
        return process.create_time() == started and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
