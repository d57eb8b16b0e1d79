"""What is wrong with a lesson or its answers: found all at once, each with its file and line."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Violation:
    """One broken rule, and where."""

    file: Path
    line: int
    what: str


class Violations(Exception):
    """A build that was refused, with every reason."""

    def __init__(self, found: Iterable[Violation]) -> None:
        self.found = sorted(set(found))
        super().__init__("\n".join(f"{v.file}:{v.line}: {v.what}" for v in self.found))
