"""The referee: nbgrader's Execute step, with the verdict reached outside the kernel.

A submission is examined in a sandbox, and judged here on the evidence that came out. What nbgrader then reads from a
grade cell is written here: a table of findings, and the score. Nothing that learner code printed, displayed
or raised is left in a grade cell.
"""

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute
from traitlets import Bool, Unicode

from byom.checks.criteria import Check
from byom.checks.table import Table
from grading import sandbox
from grading.autograders import autograder
from grading.notes import Note
from grading.outputs import harmless
from grading.record import Record, examined
from grading.run import InstructorError, Run
from grading.verdict import Verdict, failure, verdict


class Referee(Execute):
    """Examines and judges a submission, and writes scores into its grade cells."""

    # not configurable, as it is in Execute: where nothing was judged, nbgrader would give full points
    enabled = Bool(True)

    sandboxed = Bool(True, help="False runs learners' code without a sandbox: only for code you wrote.").tag(
        config=True
    )

    examinations = Unicode(
        "", help="A folder of finished examinations, `<student>/<unit>.json`; a submission found there is only judged."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any], km: Any = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Grade ``nb`` in place.

        Raises:
            InstructorError: there is no sandbox here, or the run's record can't be read.
        """
        names = resources["nbgrader"]
        student, unit = names["student"], names["assignment"]
        course = self.parent.parent.coursedir
        seed = Run.open(Path(course.root), unit).seed
        record = Record.load(Path(self.examinations, student, f"{unit}.json")) if self.examinations else None
        if record is None:
            if self.sandboxed and (why := sandbox.missing()):
                raise InstructorError(why)
            before = nb.metadata["byom"]
            folder = Path(course.format_path(course.autograded_directory, student, unit))
            notes = [Note(**note) for note in before["notes"]]
            limits = autograder(unit).limits
            record = examined("", folder, nb, notes, before["missing"], unit, seed, limits, self.sandboxed)
        grade(nb, record, unit, seed)
        return nb, resources


def grade(nb: NotebookNode, record: Record, unit: str, seed: int) -> None:
    """Write the outputs that ``record`` holds into ``nb``, and into its grade cells the verdicts and scores."""
    verdicts = judge(record, unit, seed)
    ran = {cell.id: cell for cell in record.notebook.cells}
    for cell in nb.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade"):
            reached = verdicts.get(marks["grade_id"].removeprefix("check-"))
            score = min(reached.score, float(marks["points"])) if reached else 0.0
            cell.outputs = _announced(reached, score)
            if reached:
                cell.metadata["byom"] = reached.packed()
        elif cell.cell_type == "code":
            outputs = ran[cell.id].outputs if cell.id in ran else []
            cell.outputs = [shown for output in outputs if (shown := harmless(output)) is not None]
            cell.execution_count = ran[cell.id].execution_count if cell.id in ran else None
    notes = [note.packed() for note in record.notes]
    nb.metadata["byom"] = {"key": record.key, "notes": notes, "seconds": record.seconds}


def judge(record: Record, unit: str, seed: int) -> dict[str, Verdict]:
    """The verdicts on an examined submission, by exercise. Runs no learner code."""
    grader = autograder(unit)
    if record.failure:
        return {check.name: failure(check, record.failure) for check in grader.unit}
    findings = grader.judge(seed, record.evidence, record.reasons)

    def reached(check: Check) -> Verdict:
        answer = f"{unit}.ipynb" if check.answer == "notebook" else check.answer
        there, shown = answer not in record.missing, check.name in record.evidence
        return verdict(check, answer, findings[check.name], record.notes, shown, there)

    return {check.name: reached(check) for check in grader.unit}


def _announced(reached: Verdict | None, score: float) -> list[NotebookNode]:
    """A grade cell's outputs. nbgrader takes the first `execute_result` for the score."""
    outputs = [new_output("execute_result", {"text/plain": repr(score)})]
    if reached:
        table = Table(reached.exercise, reached.findings)
        # as text: what cleans formgrader's pages lets no table with a heading through
        outputs.insert(0, new_output("display_data", {"text/plain": repr(table)}))
        if reached.reason:
            outputs.insert(1, new_output("display_data", {"text/plain": reached.reason}))
    return outputs
