"""Checkpoints: a folder of each host that is kept equal to a place in S3 while the job runs."""

import threading
from pathlib import Path, PurePosixPath
from typing import Any

from .logs import LogStream
from .objects import Objects, split_uri
from .wire import AwsError, invalid

CONTAINER = "/opt/ml"  # what scripts written for AWS call the container's folder
_USUAL = f"{CONTAINER}/checkpoints"
_EVERY = 1.0  # seconds


def check(config: dict[str, Any], objects: Objects) -> None:
    """Raise AwsError when a CheckpointConfig can't be honoured."""
    path = PurePosixPath(config.get("LocalPath", _USUAL))
    if CONTAINER not in map(str, path.parents) or ".." in path.parts:
        raise invalid(
            f"byom.local does not support the LocalPath {path} of CheckpointConfig: it must be below /opt/ml."
        )
    bucket = split_uri(config["S3Uri"])[0]
    if not objects.bucket_exists(bucket):
        raise invalid(f"The bucket {bucket} of CheckpointConfig.S3Uri: the specified bucket does not exist")


class Checkpoints:
    """The checkpoints of one host. What is new or changed is uploaded; nothing is ever deleted in S3."""

    def __init__(self, config: dict[str, Any], base: Path, objects: Objects, log: LogStream) -> None:
        self.folder = base / PurePosixPath(config.get("LocalPath", _USUAL)).relative_to(CONTAINER)
        self._bucket, prefix = split_uri(config["S3Uri"])
        self._prefix = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
        self._objects, self._log = objects, log
        self._uploaded: dict[Path, tuple[int, int]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def restore(self) -> None:
        """Download what earlier jobs left. Raises AwsError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for key in self._objects.keys(self._bucket, self._prefix):
            name = PurePosixPath(key.removeprefix(self._prefix))
            if not key.endswith("/") and ".." not in name.parts and not name.is_absolute():
                path = self.folder / name
                self._objects.copy_to(self._bucket, key, path)
                self._uploaded[path] = _look(path)

    def follow(self) -> None:
        """Upload from now on what is written, until `finish`."""
        self._thread.start()

    def finish(self) -> None:
        """Upload what is not yet in S3, for the last time. Raises AwsError or OSError."""
        self.end()
        self._upload()

    def end(self) -> None:
        """Upload nothing more."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _follow(self) -> None:
        problem = ""
        while not self._ended.wait(_EVERY):
            try:
                self._upload()
            except (AwsError, OSError) as error:  # it may pass; the last upload decides
                if str(error) != problem:
                    problem = str(error)
                    self._log.append([f"byom.local: checkpoints can't be uploaded: {problem}"])

    def _upload(self) -> None:
        for path in sorted(self.folder.rglob("*")):
            try:
                if path.is_symlink() or not path.is_file() or self._uploaded.get(path) == (look := _look(path)):
                    continue
                self._objects.put(self._bucket, self._prefix + path.relative_to(self.folder).as_posix(), path)
                self._uploaded[path] = look
            except FileNotFoundError:  # the script has removed or renamed it
                continue


def _look(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
