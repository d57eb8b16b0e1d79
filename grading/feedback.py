"""Feedback pages: what a student gets back.

A page shows, for each exercise, the criteria with what was expected and got and a hint, and then the student's
own code and outputs. There is no hidden code in a graded notebook, so none can leak.
"""

from typing import Any

from nbconvert.exporters import Exporter
from nbformat import NotebookNode

from grading.pages import render
from grading.verdict import Graded


class FeedbackExporter(Exporter):
    """nbgrader's generate_feedback writes pages through this exporter."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own HTMLExporter
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """The page of a graded notebook. nbgrader's GetGrades, run first, fetches scores and comments."""
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        marks = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader for cell in nb.cells if _marked(cell)}
        graded = Graded.of(nb)
        page = render(
            "feedback.html",
            unit=resources["nbgrader"]["assignment"],
            student=resources["nbgrader"]["student"],
            score=resources["nbgrader"]["score"],
            max_score=resources["nbgrader"]["max_score"],
            late_penalty=resources["nbgrader"]["late_penalty"],
            graded=graded,
            scores={name: marks[f"check-{name}"].score for name in graded.verdicts},
            comments={name: marks.get(name, {}).get("comment") for name in graded.verdicts},
            cells=[cell for cell in nb.cells if cell.cell_type == "code" and not cell.metadata.get("byom")],
        )
        return page, resources


def _marked(cell: NotebookNode) -> bool:
    return "grade_id" in cell.metadata.get("nbgrader", {})
