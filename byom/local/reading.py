"""Reading the log of a job or an endpoint from its files, once or while it grows; no server is needed."""

import heapq
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .log_files import TRAINING_GROUP, endpoint_group, log_files, read_lines

_LOOK = 0.2  # seconds between two looks at the files
_ASK = 1.0  # seconds between two questions whether more will come


def streams_of(directory: Path, name: str) -> dict[str, Path]:
    """The streams of the training job and of the endpoint of this name: a host's or a variant's each."""
    return {
        stream.removeprefix(f"{name}/"): path
        for group, stream, path in log_files(directory)
        if group == endpoint_group(name) or (group == TRAINING_GROUP and stream.startswith(f"{name}/"))
    }


def lines_of(directory: Path, name: str) -> Iterator[str]:
    """Every line, in the order of time; with several streams each line names its own."""
    streams = streams_of(directory, name)
    texts = {stream: path.read_text(encoding="utf-8", errors="replace") for stream, path in streams.items()}
    dated = [[(moment, stream, line) for moment, line in read_lines(text)] for stream, text in texts.items()]
    for _, stream, line in heapq.merge(*dated, key=lambda entry: entry[0]):
        yield f"[{stream}] {line}" if len(streams) > 1 else line


def follow(directory: Path, name: str, goes_on: Callable[[], bool]) -> Iterator[str]:
    """Every line, and then each that is added, as long as `goes_on()`. The stream is named where it changes."""
    read: dict[str, int] = {}
    shown, asked, more = None, 0.0, True
    while True:
        if time.monotonic() - asked > _ASK:
            more, asked = goes_on(), time.monotonic()  # asked before the last look, which then has every line
        streams = streams_of(directory, name)
        for stream, path in streams.items():
            for line in _added(path, stream, read):
                if shown != stream and len(streams) > 1:
                    yield f"[{stream}]"
                shown = stream
                yield line
        if not more:
            return
        time.sleep(_LOOK)


def _added(path: Path, stream: str, read: dict[str, int]) -> list[str]:
    with path.open("rb") as file:
        start = read.setdefault(stream, 0)
        file.seek(0, os.SEEK_END)
        if file.tell() == start:
            return []
        file.seek(start)
        whole = file.read().rpartition(b"\n")[0]  # the last line may not be complete yet
    read[stream] = start + len(whole) + 1 if whole else start
    return [line for _, line in read_lines(whole.decode(errors="replace"))]
