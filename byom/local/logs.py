"""CloudWatch log streams: written to files as lines arrive, and held in moto for the calls that read them."""

import contextlib
import json
import threading
import time
from pathlib import Path

from moto.logs.models import LogGroup, logs_backends

from .account import ACCOUNT_ID, REGION
from .log_files import log_file, log_files, read_lines, write_lines

STREAM_LIMIT = 16 * 2**20  # bytes; a script that prints for ever must not fill disk and memory
EVENT_LIMIT = 256 * 1024  # bytes; CloudWatch's own limit for one event


def with_stream_names(body: bytes) -> bytes:
    """The body of a FilterLogEvents request, with its streams named one by one: moto ignores their prefix."""
    request = json.loads(body or b"{}")
    prefix = request.pop("logStreamNamePrefix", None)
    if prefix is None:
        return body
    group = logs_backends[ACCOUNT_ID][REGION].groups.get(request.get("logGroupName"))
    names = [name for name in group.streams if name.startswith(prefix)] if group else []
    # an empty list would mean every stream; no stream's name holds a colon
    return json.dumps({**request, "logStreamNames": names or [":"]}).encode()


class LogStream:
    """One stream: a file whose lines begin with their time, and the same events in moto."""

    def __init__(self, group: LogGroup, name: str, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._size = path.stat().st_size if path.exists() else 0
        group.create_log_stream(name)
        self._stream = group.streams[name]

    def append(self, lines: list[str]) -> None:
        """Add lines, all at this moment. Past the limit one line says so, and the rest is dropped."""
        with self._lock:
            if self._size > STREAM_LIMIT or not lines:
                return
            kept = []
            for line in lines:
                kept.append(line[: EVENT_LIMIT // 4])
                self._size += len(kept[-1].encode()) + 26
                if self._size > STREAM_LIMIT:
                    kept.append(f"byom.local: the log reached {STREAM_LIMIT >> 20} MiB; the rest is not kept")
                    break
            now = time.time()
            # a full disk must not hold up whoever writes: the lines are still shown while the server runs
            with contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as file:
                file.write(write_lines(now, kept))
            self._hold([(int(now * 1000), line) for line in kept])

    def tail(self, count: int) -> list[str]:
        """The last lines, without their times."""
        with self._lock:
            return [event.message for event in self._stream.events[-count:]]

    def since(self, count: int) -> list[str]:
        """All lines but the first `count`, without their times."""
        with self._lock:
            return [event.message for event in self._stream.events[count:]]

    def load(self) -> None:
        """Give moto what the file holds."""
        text = self.path.read_text(encoding="utf-8", errors="replace")
        self._hold([(round(moment * 1000), line) for moment, line in read_lines(text)])

    def _hold(self, events: list[tuple[int, str]]) -> None:
        self._stream.put_log_events([{"timestamp": moment, "message": text} for moment, text in events])


class Logs:
    """Every stream of the account, in `directory`: a folder for each group, a file for each stream."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._backend = logs_backends[ACCOUNT_ID][REGION]
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        for group, name, path in log_files(directory):
            self._open(group, name, path).load()

    def stream(self, group: str, name: str) -> LogStream:
        """A new stream."""
        path = log_file(self._directory, group, name)
        path.parent.mkdir(exist_ok=True)
        path.touch()
        return self._open(group, name, path)

    def _open(self, group: str, name: str, path: Path) -> LogStream:
        with self._lock:
            if group not in self._backend.groups:
                self._backend.create_log_group(group, {})
            return LogStream(self._backend.groups[group], name, path)
