"""A verdict: what an exercise of one submission scored, and why. It travels in the graded notebook.

The gradebook keeps scores, as nbgrader knows them; the notebook's cells keep the findings behind them. Grade sheet,
feedback and report read both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nbformat import NotebookNode

from byom.checks.criteria import Check, Finding, score
from grading.notes import Note

OK = "ok"
"""Judged as it was handed in."""

REPAIRED = "repaired"
"""Judged, after something about it was mended; the reason says what."""

FAILED = "failed"
"""Nothing could be judged: the learner's code raised, was stopped, or showed nothing."""

MISSING = "missing"
"""What should be judged was not handed in, or can't be read."""

ERROR = "error"
"""The grader failed, not the learner: a person has to look."""


@dataclass(frozen=True)
class Verdict:
    """One exercise of one submission."""

    exercise: str
    points: int
    status: str
    reason: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def score(self) -> float:
        """The points of the criteria that were met."""
        return score(self.findings)

    def packed(self) -> dict[str, Any]:
        """As JSON, for a cell's metadata."""
        return asdict(self)

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any]) -> "Verdict":
        """Back from JSON that the grader wrote."""
        return cls(**{**packed, "findings": [Finding(**finding) for finding in packed["findings"]]})


@dataclass(frozen=True)
class Graded:
    """A graded notebook, read back: its verdicts by exercise, and what was noted about the submission."""

    key: str
    verdicts: dict[str, Verdict]
    notes: list[Note]
    seconds: float

    @classmethod
    def of(cls, book: NotebookNode) -> "Graded":
        """Read a notebook that the referee graded.

        Raises:
            KeyError: it did not.
        """
        whole = book.metadata["byom"]
        verdicts = [Verdict.unpacked(cell.metadata["byom"]) for cell in book.cells if "byom" in cell.metadata]
        notes = [Note(**note) for note in whole["notes"]]
        return cls(whole["key"], {verdict.exercise: verdict for verdict in verdicts}, notes, whole["seconds"])


def verdict(
    check: Check, answer: str, findings: list[Finding], notes: Sequence[Note], shown: bool, there: bool
) -> Verdict:
    """The verdict on one exercise.

    Args:
        check: the exercise's check.
        answer: the file its answer is in.
        findings: what the judge found.
        notes: all notes on the submission.
        shown: whether any evidence arrived.
        there: whether ``answer`` was handed in.
    """
    said = [note.text for note in notes if note.concerns(check.name, answer)]
    if not there and score(findings) == 0:
        status = MISSING
        if not any(note.about and note.concerns("", answer) for note in notes):
            said.insert(0, f"{answer} was not handed in.")
    elif not shown:
        status = FAILED
        said.append(f"Nothing could be judged: {findings[0].got}." if findings else "Nothing could be judged.")
    else:
        status = REPAIRED if said else OK
        said += _lost(findings)
    return Verdict(check.name, check.points, status, " ".join(said), findings)


def failure(check: Check, what: str) -> Verdict:
    """The verdict when the grader itself failed."""
    reason = f"The grader could not grade this: {what}. A person has to look."
    return Verdict(check.name, check.points, ERROR, reason, check.nothing_shown("not graded yet"))


def _lost(findings: list[Finding]) -> list[str]:
    unmet = [finding for finding in findings if not finding.met]
    if not unmet:
        return []
    first = "; ".join(f"{finding.what} (got {finding.got})" for finding in unmet[:2])
    more = f"; and {len(unmet) - 2} more" if len(unmet) > 2 else ""
    return [f"Not met: {first}{more}."]
