"""The grade sheet: every exercise of every submission of a class, from nbgrader's gradebook and graded notebooks."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry

from byom.checks.unit import Unit
from grading.verdict import Graded, failure

COLUMNS = ("student_id", "unit", "exercise", "score", "max_score", "status", "reason")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Entry:
    """One student's marks: ``scores`` by exercise as the gradebook has them, manual ones included."""

    student: str
    graded: Graded
    scores: dict[str, float]
    late_penalty: float = 0.0

    @property
    def total(self) -> float:
        """The sum of the scores, less what lateness cost."""
        return sum(self.scores.values()) - self.late_penalty


def graded(course: Path, student: str, unit: str) -> Graded | None:
    """What was graded for ``student``; None when nothing whole is there."""
    path = course / "autograded" / student / unit / f"{unit}.ipynb"
    try:
        return Graded.of(nbformat.read(path, as_version=4))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def entries(course: Path, checks: Unit, students: Iterable[str], course_id: str = "byom") -> list[Entry]:
    """The marks of ``students`` in ``course``, in their order. One who could not be recorded has an `error`."""
    found = []
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", course_id) as gradebook:
        for student in students:
            whole = graded(course, student, checks.name)
            try:
                notebook = gradebook.find_submission_notebook(checks.name, checks.name, student)
            except (MissingEntry, UnicodeError):  # a folder's name need not be text
                whole = None
            if whole is None:
                lost = {
                    check.name: failure(check, "nbgrader could not record it; see nbgrader.log") for check in checks
                }
                found.append(Entry(student, Graded("", lost, [], 0.0), dict.fromkeys(lost, 0.0)))
                continue
            scores = {grade.name.removeprefix("check-"): grade.score for grade in notebook.grades}
            in_order = {check.name: scores[check.name] for check in checks}
            found.append(Entry(student, whole, in_order, notebook.late_submission_penalty or 0.0))
    return found


def sheet(checks: Unit, marks: Iterable[Entry]) -> str:
    """The grade sheet as CSV, one row an exercise.

    A late penalty is a row of its own, with a negative score. Text that a spreadsheet would run as a formula
    (it begins with =, +, -, @, a tab or a return) gets an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in marks:
        student = _no_formula(entry.student)
        for check in checks:
            reached = entry.graded.verdicts[check.name]
            score, reason = f"{entry.scores[check.name]:g}", _no_formula(reached.reason)
            writer.writerow((student, checks.name, check.name, score, check.points, reached.status, reason))
        if entry.late_penalty:
            late = (f"{-entry.late_penalty:g}", 0, "late", "Handed in after the deadline.")
            writer.writerow((student, checks.name, "late penalty", *late))
    return text.getvalue()


def _no_formula(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
