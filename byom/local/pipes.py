"""Pipe mode: a channel's content through named pipes, one for each epoch (`train_0`, `train_1`, …)."""

import contextlib
import errno
import gzip
import io
import os
import random
import select
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_LOOK = 0.02  # seconds between two looks for a reader
_CHUNK = 2**20  # bytes
_RECORD_MAGIC, _RECORD_LIMIT = 0xCED7230A, 2**29 - 1  # of MXNet's RecordIO
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)  # a record's place among the parts of an object


class Pipe:
    """One channel of one host. The pipe of an epoch is there from when the one before is opened, and gone when done.

    Nobody has to read: a script that opens no pipe, or closes one early, doesn't hold anything up.
    """

    def __init__(self, channel: dict[str, Any], folder: Path, files: Sequence[Path]) -> None:
        self._name, self._folder, self._files = channel["ChannelName"], folder, list(files)
        self._gzip = channel.get("CompressionType") == "Gzip"
        self._record = channel.get("RecordWrapperType") == "RecordIO"
        self._seed = channel.get("ShuffleConfig", {}).get("Seed")
        self.problem = ""  # why the content can't be read, once that is so
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)
        os.mkfifo(self._path(0))

    def start(self) -> None:
        """Feed whoever reads, until `end`."""
        self._thread.start()

    def end(self) -> None:
        """Feed no longer."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _path(self, epoch: int) -> Path:
        return self._folder / f"{self._name}_{epoch}"

    def _feed(self) -> None:
        epoch = 0
        while (pipe := self._opened(self._path(epoch))) is not None:
            try:
                os.mkfifo(self._path(epoch + 1))
                for chunk in self._content(epoch):
                    self._write(pipe, chunk)
                    if self._ended.is_set():
                        return
            except BrokenPipeError:  # the script has read enough
                pass
            except (OSError, EOFError, zlib.error) as error:
                self.problem = str(error)
                return
            finally:
                os.close(pipe)
            self._path(epoch).unlink(missing_ok=True)
            epoch += 1

    def _opened(self, path: Path) -> int | None:
        """The pipe's writing end, once somebody reads; None when the job is over."""
        while not self._ended.wait(_LOOK):
            try:
                return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # the script removed the pipe, say
                    return None
        return None

    def _write(self, pipe: int, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest and not self._ended.is_set():
            if select.select([], [pipe], [], _LOOK)[1]:
                with contextlib.suppress(BlockingIOError):
                    rest = rest[os.write(pipe, rest) :]

    def _content(self, epoch: int) -> Iterator[bytes]:
        """The objects one after the other, in the order of this epoch."""
        files = list(self._files)
        if self._seed is not None:
            random.Random(self._seed + epoch).shuffle(files)
        for path in files:
            if self._record:
                yield from _records(path, self._gzip)
            else:
                with _reading(path, self._gzip) as file:
                    while chunk := file.read(_CHUNK):
                        yield chunk


def _reading(path: Path, compressed: bool) -> io.BufferedIOBase | gzip.GzipFile:
    return gzip.open(path) if compressed else path.open("rb")


def _records(path: Path, compressed: bool) -> Iterator[bytes]:
    """An object as one RecordIO record, in parts where it is longer than a record can be."""
    with _reading(path, compressed) as file:
        part, is_first = file.read(_RECORD_LIMIT), True
        while True:
            following = file.read(_RECORD_LIMIT)
            if following:
                place = _FIRST if is_first else _MIDDLE
            else:
                place = _WHOLE if is_first else _LAST
            yield struct.pack("<II", _RECORD_MAGIC, place << 29 | len(part))
            yield part
            yield bytes(-len(part) % 4)
            if not following:
                return
            part, is_first = following, False
