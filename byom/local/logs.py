"""CloudWatch log streams: written to files as lines arrive, and held in moto for the calls that read them."""

import contextlib
import datetime
import json
import re
import threading
import time
from pathlib import Path
from urllib.parse import quote, unquote

from moto.logs.models import LogGroup, logs_backends

from .account import ACCOUNT_ID, REGION

TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"
STREAM_LIMIT = 16 * 2**20  # bytes; a script that prints for ever must not fill disk and memory
EVENT_LIMIT = 256 * 1024  # bytes; CloudWatch's own limit for one event
_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.*)")


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


def endpoint_group(endpoint: str) -> str:
    """The log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


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
            stamp = datetime.datetime.fromtimestamp(now, datetime.UTC).isoformat(timespec="milliseconds")[:23] + "Z"
            # a full disk must not hold up whoever writes: the lines are still shown while the server runs
            with contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as file:
                file.writelines(f"{stamp} {line}\n" for line in kept)
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
        events = []
        # only "\n" ends a line here: str.splitlines would also split at a learner's form feed
        for line in self.path.read_text(encoding="utf-8", errors="replace").split("\n"):
            if match := _LINE.fullmatch(line):
                moment = datetime.datetime.fromisoformat(match[1])
                events.append((int(moment.timestamp() * 1000), match[2]))
        self._hold(events)

    def _hold(self, events: list[tuple[int, str]]) -> None:
        self._stream.put_log_events([{"timestamp": moment, "message": text} for moment, text in events])


class Logs:
    """Every stream of the account, in `directory`: a folder for each group, a file for each stream."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._backend = logs_backends[ACCOUNT_ID][REGION]
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        for path in sorted(directory.glob("*/*.log")):
            self._open(unquote(path.parent.name), unquote(path.stem), path).load()

    def stream(self, group: str, name: str) -> LogStream:
        """A new stream."""
        path = self._directory / quote(group, safe="") / f"{quote(name, safe='')}.log"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        return self._open(group, name, path)

    def _open(self, group: str, name: str, path: Path) -> LogStream:
        with self._lock:
            if group not in self._backend.groups:
                self._backend.create_log_group(group, {})
            return LogStream(self._backend.groups[group], name, path)
