"""Submissions as learners hand them in: the released notebook with answers in it, and scripts beside it."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from byom.checks.unit import unit
from grading.bank.work import Work
from grading.run import ROOT


class Submission:
    """One submission in the making.

    Attributes:
        book: the notebook.
        files: the other files, by their path within the submission.
    """

    def __init__(self, work: Work, answered: set[str], brief: bool = True) -> None:
        """Answer some exercises as ``work`` does.

        Args:
            work: the answers.
            answered: the exercises to answer; the others stay as they were released, and their scripts are missing.
            brief: leave out the lesson: imports, answers and checks only; what no answer needs is not imported.
        """
        self.unit = work.unit
        self.checks = unit(work.unit)
        self.book: NotebookNode = nbformat.read(ROOT / "notebooks" / work.unit / f"{work.unit}.ipynb", as_version=4)
        self.files: dict[str, str | bytes] = {}
        self._added = 0
        for check in self.checks:
            if check.name in answered and check.answer == "notebook":
                self.answer(check.name).source = work.cells[check.name]
        if any(self.checks.checks[name].answer != "notebook" for name in answered):
            self.files = dict(work.scripts)
        if brief:
            self.book.cells = [self._new(self._imports(answered)), *self._marked()]

    def _new(self, code: str) -> NotebookNode:
        """A code cell with an id that is the same every time."""
        self._added += 1
        return new_code_cell(code, id=f"added-{self._added}")

    def _marked(self) -> list[NotebookNode]:
        return [cell for cell in self.book.cells if "nbgrader" in cell.metadata]

    def _imports(self, answered: set[str]) -> str:
        """Those of the lesson's imports whose names the answers use, or the checks."""
        lines = [line for cell in self.book.cells if cell.cell_type == "code" for line in cell.source.splitlines()]
        imports = dict.fromkeys(line for line in lines if line.startswith(("import ", "from ")))
        marks = ((cell, cell.metadata.nbgrader) for cell in self._marked())
        code = "\n".join(cell.source for cell, mark in marks if mark.grade or mark.grade_id in answered)
        return "\n".join(line for line in imports if _brings(line, code))

    @property
    def exercise(self) -> str:
        """The first exercise that is answered in the notebook."""
        return first(self.unit)

    def answer(self, exercise: str) -> NotebookNode:
        """The cell that ``exercise`` is answered in."""
        return self._cell(exercise)

    def check(self, exercise: str) -> NotebookNode:
        """The cell that checks ``exercise``."""
        return self._cell(f"check-{exercise}")

    def _cell(self, grade_id: str) -> NotebookNode:
        return next(cell for cell in self._marked() if cell.metadata.nbgrader.grade_id == grade_id)

    def before(self, cell: NotebookNode, code: str) -> None:
        """Put a new code cell before ``cell``."""
        self.book.cells.insert(self._index(cell), self._new(code))

    def after(self, cell: NotebookNode, code: str) -> None:
        """Put a new code cell after ``cell``."""
        self.book.cells.insert(self._index(cell) + 1, self._new(code))

    def begin(self, code: str) -> None:
        """Put a new code cell first."""
        self.book.cells.insert(0, self._new(code))

    def move(self, cell: NotebookNode, to: int) -> None:
        """Move ``cell`` to an index."""
        self.book.cells.remove(cell)
        self.book.cells.insert(to, cell)

    def _index(self, cell: NotebookNode) -> int:
        return next(i for i, other in enumerate(self.book.cells) if other is cell)

    @property
    def notebook(self) -> str:
        """The notebook's file name."""
        return f"{self.unit}.ipynb"

    def write(self, folder: Path) -> None:
        """Write the submission to ``folder``. A file of the notebook's name takes its place."""
        # not nbformat.writes: it would mend what is damaged on purpose
        book = json.dumps(self.book, indent=1, ensure_ascii=False) + "\n"
        files: dict[str, Any] = {self.notebook: book, **self.files}
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def _brings(line: str, code: str) -> bool:
    """Whether ``code`` uses a name that the import ``line`` brings."""
    names = re.split(r"\bimport\b", line)[-1].split(",")
    return any(re.search(rf"(?<!\.)\b{name.split()[-1]}\b", code) for name in names)


def first(name: str) -> str:
    """The first exercise of the unit ``name`` that is answered in the notebook."""
    return next(check.name for check in unit(name) if check.answer == "notebook")
