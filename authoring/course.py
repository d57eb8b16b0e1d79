"""Where each thing of the course stands, and who knows its checks."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byom.checks.unit import UNITS, Unit, unit

Evidence = Mapping[str, Mapping[str, Any]]


def _reference_evidence(name: str, seed: int) -> Evidence:
    from grading.autograders.autograder import reference_evidence  # imports the unit's frameworks

    return reference_evidence(name, seed)


@dataclass(frozen=True)
class Course:
    """The repository, by what its files are for."""

    root: Path
    checks: Callable[[str], Unit] = unit
    """The checks of a unit; raises LookupError where it has none."""

    reference_evidence: Callable[[str, int], Evidence] = _reference_evidence
    """The evidence of a unit's own answers, by exercise, for the challenges drawn under a seed."""

    def units(self) -> list[str]:
        """The units that have a lesson, in teaching order."""
        found = {path.parent.name for path in (self.root / "solutions").glob("*/lesson.md")}
        return sorted(found, key=lambda name: (UNITS.index(name) if name in UNITS else len(UNITS), name))

    def pages(self) -> list[str]:
        """The pages that belong to no unit, such as the index."""
        return sorted(path.stem for path in (self.root / "solutions").glob("*.md"))

    def lesson(self, name: str) -> Path:
        """The text a unit or page is written in."""
        folder = self.root / "solutions"
        return folder / name / "lesson.md" if name in self.units() else folder / f"{name}.md"

    def answers(self, name: str) -> Path:
        """The answers to the exercises of a unit's notebook."""
        return self.root / "solutions" / name / f"{name}.py"

    def solved_scripts(self, name: str) -> Path:
        """The folder of a unit's scripts with their answers."""
        return self.root / "solutions" / name / "source"

    def worked(self, name: str) -> Path:
        """The worked notebook: answers and outputs."""
        return self.root / "solutions" / name / f"{name}.ipynb"

    def notebook(self, name: str) -> Path:
        """What students open."""
        folder = self.root / "notebooks"
        return folder / name / f"{name}.ipynb" if name in self.units() else folder / f"{name}.ipynb"

    def stub_scripts(self, name: str) -> Path:
        """The folder of the scripts students complete."""
        return self.root / "source" / name

    def master(self, name: str) -> Path:
        """nbgrader's source folder of a unit: its notebook with answers, and stub scripts."""
        return self.root / "grading" / "source" / name

    def public_evidence(self, name: str) -> Path:
        """The reference evidence that a student's own checks are judged against."""
        return self.root / "byom" / "checks" / "public" / f"{name}.json"

    def check_sources(self, name: str) -> dict[str, bytes]:
        """The modules whose words and thresholds a worked notebook shows, by path."""
        checks = self.root / "byom" / "checks"
        return {self.shown(path): path.read_bytes() for path in (*checks.glob("*.py"), *checks.glob(f"{name}/*.py"))}

    def shown(self, path: Path) -> str:
        """``path`` as messages name it."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


class UnknownUnit(LookupError):
    """A name on the command line that is neither a unit nor a page."""


def chosen(course: Course, names: Iterable[str]) -> list[str]:
    """The units and pages to build: ``names``, or all there are.

    Raises:
        UnknownUnit: a name is neither.
    """
    known = [*course.units(), *course.pages()]
    for name in (names := list(names)):
        if name not in known:
            there = ", ".join(known) or "no lesson at all"
            raise UnknownUnit(f"there is no lesson for {name!r}; there is {there}")
    return [name for name in known if name in names] if names else known


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name and move it in place: it is there whole, or as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
