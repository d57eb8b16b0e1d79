"""What builds wrote: how a build tells its own files from a learner's work, and from what nothing makes any more."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from authoring.course import write_whole


class Record:
    """The files that builds wrote for students, and those that are committed, by their git blobs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / "build" / "written.json"
        try:
            self._written: dict[str, str] = json.loads(self._path.read_text())
        except (OSError, ValueError):  # a first build, or one after a clean-up
            self._written = {}
        self._committed = _at_head(root)

    def holds_work(self, path: Path, data: bytes) -> bool:
        """Whether writing ``data`` to ``path`` would lose what neither a build wrote nor git holds."""
        return path.is_file() and path.read_bytes() != data and not self._is_ours(path)

    def left_over(self, unit: str, made: Mapping[Path, bytes]) -> list[Path]:
        """The unit's scripts that an earlier build wrote, and that are not among what is ``made`` now."""
        folder = f"source/{unit}/"
        known = {*self._written, *self._committed}
        paths = [self._root / name for name in sorted(known) if name.startswith(folder)]
        return [path for path in paths if path not in made and path.is_file() and self._is_ours(path)]

    def note(self, made: Mapping[Path, bytes]) -> None:
        """Remember what was written."""
        self._written |= {self._name(path): _blob(data) for path, data in made.items()}

    def save(self) -> None:
        """Keep the record for the next build."""
        write_whole(self._path, (json.dumps(self._written, indent=1, sort_keys=True) + "\n").encode())

    def _is_ours(self, path: Path) -> bool:
        name = self._name(path)
        return _blob(path.read_bytes()) in (self._written.get(name), self._committed.get(name))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _at_head(root: Path) -> dict[str, str]:
    """The blobs of git's HEAD, by path; none where there is no git or no commit."""
    command = ["git", "ls-tree", "-r", "-z", "HEAD", "--", "notebooks", "source"]
    try:
        listing = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    entries = [entry.split("\t", 1) for entry in listing.split("\0") if entry]
    return {path: facts.split()[2] for facts, path in entries}
