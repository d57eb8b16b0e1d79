"""A run: one unit, graded under one private seed, in one course directory.

The seed decides the private challenges. It is drawn once, kept beside the gradebook, and used again for every
regrade, so that the same work gets the same marks.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import byom
from grading import atomic

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""

MASTERS = ROOT / "grading" / "source"
"""nbgrader's source folder: the master notebook and stub scripts of each unit."""


class InstructorError(Exception):
    """Something the person who grades has to put right, said in one sentence."""


@dataclass(frozen=True)
class Run:
    """The unit and private seed of the run that lives in the course directory ``course``."""

    course: Path
    unit: str
    seed: int

    @classmethod
    def open(cls, course: Path, unit: str, seed: int | None = None) -> "Run":
        """The run of ``unit`` in ``course``: the one that was begun there, or a new one.

        Args:
            course: nbgrader's course directory.
            unit: the unit's name.
            seed: the private seed; None takes the recorded one, or draws one for a new run.

        Raises:
            InstructorError: the run begun there has another seed, or its record can't be read.
        """
        path = course / "run.json"
        runs = _read(path)
        recorded = runs.get(unit, {}).get("seed")
        if recorded is not None and seed is not None and seed != recorded:
            raise InstructorError(
                f"{course} holds a run of {unit} with seed {recorded}: leave --seed out, or choose another folder"
            )
        run = cls(course, unit, recorded if recorded is not None else secrets.randbits(62) if seed is None else seed)
        if recorded is None:
            runs[unit] = {"seed": run.seed, "byom": byom.__version__}
            atomic.write(path, json.dumps(runs, indent=1) + "\n", mode=0o600)
        return run

    @staticmethod
    def units(course: Path) -> list[str]:
        """The units of which ``course`` holds a run."""
        return list(_read(course / "run.json"))


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        runs = json.loads(path.read_text())
        if not isinstance(runs, dict) or not all(isinstance(r["seed"], int) for r in runs.values()):
            raise ValueError
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError):
        raise InstructorError(f"{path} can't be read; it holds the run's seed: mend it, or start afresh") from None
    return runs


def fingerprint(unit: str) -> str:
    """A digest of everything but the submission that a mark depends on: checks, answers, master, grader."""
    digest = hashlib.sha256()
    for folder, pattern in (
        ("byom/checks", "**/*.py"),
        ("byom/checks/public", f"{unit}.json"),
        (f"solutions/{unit}", "**/*.py"),
        (f"grading/source/{unit}", "**/*"),
        ("grading", "*.py"),
        ("grading/autograders", "**/*.py"),
    ):
        for path in sorted((ROOT / folder).glob(pattern)):
            if path.is_file():
                digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
