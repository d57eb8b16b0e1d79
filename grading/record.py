"""The record of an examination: what the referee needs to reach its verdict, without examining again."""

import json
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grading import atomic
from grading.autograders import autograder
from grading.intake import scripts
from grading.notes import Note
from grading.sandbox import Limits


@dataclass(frozen=True)
class Record:
    """One submission, examined.

    ``key`` says of what: work, unit, seed, and version of checks and answers. ``missing`` names the answers' files
    that were not handed in. ``failure`` says why the grader itself could not examine it.
    """

    key: str
    notebook: NotebookNode
    notes: list[Note]
    missing: list[str]
    evidence: dict[str, str]
    reasons: dict[str, str]
    seconds: float
    failure: str = ""

    def save(self, path: Path) -> None:
        """Write the record to ``path``, whole or not at all."""
        data = {**vars(self), "notes": [note.packed() for note in self.notes]}
        atomic.write(path, json.dumps(data), mode=0o600)

    @classmethod
    def load(cls, path: Path) -> "Record | None":
        """The record in ``path``; None when there is none that is whole."""
        try:
            data = json.loads(path.read_text())
            data["notebook"] = nbformat.from_dict(data["notebook"])
            data["notes"] = [Note(**note) for note in data["notes"]]
            return cls(**data)
        except (OSError, ValueError, TypeError, KeyError):
            return None


def examined(
    key: str,
    folder: Path,
    book: NotebookNode,
    notes: list[Note],
    missing: list[str],
    unit: str,
    seed: int,
    limits: Limits,
    sandboxed: bool = True,
) -> Record:
    """Examine one submission and record it. Whatever goes wrong on our side becomes the record's ``failure``.

    Args:
        key: the record's key.
        folder: the submission, as intake left it.
        book: its notebook, repaired.
        notes: what intake and repair noted.
        missing: what intake found missing.
        unit: the unit's name.
        seed: the run's private seed.
        limits: what the submission may use.
        sandboxed: False runs learner code without a sandbox.
    """
    from grading.examination import examine

    grader = autograder(unit)
    if {f"{unit}.ipynb", *scripts(grader.unit)} <= set(missing):
        return Record(key, book, notes, missing, {}, {}, 0.0)  # there is nothing to run
    try:
        done = examine(folder, book, grader.posed(seed), limits, sandboxed, unit)
    except Exception as error:  # ours, not the learner's: one submission must not stop a class
        failure = f"{type(error).__name__}: {error}"[:500]
        return Record(key, book, notes, missing, {}, {}, 0.0, failure)
    notes = notes + [Note("", text) for text in done.notes]
    return Record(key, done.notebook, notes, missing, done.evidence, done.reasons, done.seconds)
