"""Repair: bring a learner's notebook back to the form that was released, without touching an answer.

Cells get deleted, copied, moved, edited and retagged. Each grade cell ends up once, as it was released, after the
answer that it checks; each answer stays as its author left it.
"""

import copy
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from grading.notes import Note
from grading.outputs import without_html

SKIPPED = "sagemaker"
"""The tag of cells that are not run when grading."""


def repair(book: NotebookNode, release: NotebookNode) -> list[Note]:
    """Mend ``book`` in place, by comparison with ``release``.

    Returns:
        what was mended, by exercise.
    """
    return _Repairing(book, release).run()


def _graded(cell: NotebookNode) -> dict[str, Any]:
    """A cell's nbgrader metadata; empty when it has none."""
    return cell.metadata.get("nbgrader", {})


def _exercise(grade_id: str) -> str:
    return grade_id.removeprefix("check-")


class _Repairing:
    def __init__(self, book: NotebookNode, release: NotebookNode) -> None:
        self.book = book
        self.release = release
        self.notes: list[Note] = []
        self.known = {_graded(cell)["grade_id"]: cell for cell in release.cells if _graded(cell)}
        self.submitted = list(book.cells)  # kept alive: cells are told apart by id()
        self.role: dict[int, str] = {}  # id() of a submitted cell → its grade_id
        self.place: dict[int, NotebookNode] = {}  # id() of a released cell → the submitted cell in its place

    def note(self, grade_id: str, text: str) -> None:
        self.notes.append(Note(_exercise(grade_id), text, person=False))

    def run(self) -> list[Note]:
        self.recognise()
        for grade_id, cell in self.known.items():
            if not _graded(cell)["locked"]:
                self.answer(grade_id, cell)
        for grade_id, cell in self.known.items():
            if _graded(cell)["locked"]:
                self.locked(grade_id, cell)
        lesson = {cell.source for cell in self.release.cells}
        for cell in self.book.cells:
            if id(cell) not in self.role:
                cell.metadata.pop("nbgrader", None)
            if cell.cell_type != "code" and cell.source not in lesson:
                cell.source = without_html(cell.source)
        return self.notes

    def recognise(self) -> None:
        """Tell which submitted cell stands for which released one: by cell id, grade_id, then unchanged source."""
        by_id = {cell.id: cell for cell in self.release.cells}
        by_source = {cell.source: cell for cell in self.release.cells if cell.source.strip()}
        for cell in self.book.cells:
            original = by_id.get(cell.id) or self.known.get(_graded(cell).get("grade_id")) or by_source.get(cell.source)
            if original is None:
                continue
            self.place[id(original)] = cell
            if _graded(original):
                self.role[id(cell)] = _graded(original)["grade_id"]
            self.retag(cell, original)

    def retag(self, cell: NotebookNode, original: NotebookNode) -> None:
        """A released cell is skipped when grading exactly if it was released so."""
        tags = cell.metadata.get("tags", [])
        skipped = SKIPPED in original.metadata.get("tags", [])
        if skipped != (SKIPPED in tags):
            tags = [tag for tag in tags if tag != SKIPPED] + [SKIPPED] * skipped
            cell.metadata["tags"] = tags

    def standing_for(self, grade_id: str) -> list[NotebookNode]:
        return [cell for cell in self.book.cells if self.role.get(id(cell)) == grade_id]

    def answer(self, grade_id: str, original: NotebookNode) -> None:
        """Leave one cell with the answer's id: the last that its author worked on."""
        cells = self.standing_for(grade_id)
        if not cells:
            defines = re.compile(
                rf"^(?:(?:async\s+)?def|class)\s+{re.escape(grade_id)}\b|^{re.escape(grade_id)}\s*=", re.M
            )
            cells = [
                cell
                for cell in self.book.cells
                if id(cell) not in self.role and cell.cell_type == "code" and defines.search(cell.source)
            ]
            if not cells:
                self.missing_answer(grade_id, original)
                return
            self.note(grade_id, f"The cell for {grade_id} had lost its mark; the one that defines {grade_id} was used.")
        elif len(cells) > 1:
            worked_on = [cell for cell in cells if cell.source != original.source]
            if worked_on:
                self.drop([cell for cell in cells if cell.source == original.source])
                cells = worked_on
            self.note(grade_id, f"There were copies of the cell for {grade_id}; the last that was worked on counts.")
        for cell in cells[:-1]:
            self.role.pop(id(cell), None)
            cell.id = self.free_id(cell.id, [])
        kept = cells[-1]
        if kept.cell_type != original.cell_type:
            self.note(grade_id, f"The cell for {grade_id} had become {kept.cell_type}; it was run as code.")
            kept.update(nbformat.v4.new_code_cell(kept.source, id=kept.id, metadata=kept.metadata))
        self.role[id(kept)] = grade_id
        self.place[id(original)] = kept
        kept.metadata["nbgrader"] = copy.deepcopy(_graded(original))

    def missing_answer(self, grade_id: str, original: NotebookNode) -> None:
        """Put the stub back, to be commented on; but not where it could undo another definition."""
        self.note(grade_id, f"The cell for {grade_id} is missing.")
        mentions = re.compile(rf"\b{re.escape(grade_id)}\b")
        if any(id(cell) not in self.role and mentions.search(cell.source) for cell in self.book.cells):
            return
        stub = copy.deepcopy(original)
        stub.id = self.free_id(original.id, [])
        checks = self.standing_for(f"check-{grade_id}")
        self.book.cells.insert(self.index(checks[0]) if checks else self.successor(original), stub)
        self.role[id(stub)] = grade_id
        self.place[id(original)] = stub

    def locked(self, grade_id: str, original: NotebookNode) -> None:
        """Leave one cell of this id, as it was released, after the answer that it checks."""
        cells = self.standing_for(grade_id)
        solution = self.known.get(_exercise(grade_id))
        answers = self.standing_for(_exercise(grade_id)) if solution is not None and solution is not original else []
        after = self.index(answers[-1]) if answers else -1
        kept = next((cell for cell in cells if self.index(cell) > after), None)
        if kept is None:
            kept = NotebookNode(cell_type=original.cell_type, id=self.free_id(original.id, cells))
            at = after + 1 if answers else self.successor(original)
            self.book.cells.insert(at, kept)
            self.role[id(kept)] = grade_id
            moved = "stood before its answer and was moved after it" if cells else "was missing and was put back"
            self.note(grade_id, f"The cell that checks {_exercise(grade_id)} {moved}.")
        else:
            if kept.source != original.source or not _same_marks(kept, original):
                self.note(
                    grade_id, f"The cell that checks {_exercise(grade_id)} was edited and was put back as it was."
                )
            if len(cells) > 1:
                self.note(grade_id, f"The cell that checks {_exercise(grade_id)} was there {len(cells)} times.")
        self.drop([cell for cell in cells if cell is not kept])
        fresh = copy.deepcopy(original)
        fresh.id = kept.id
        kept.clear()
        kept.update(fresh)
        self.place[id(original)] = kept

    def index(self, cell: NotebookNode) -> int:
        return next(i for i, other in enumerate(self.book.cells) if other is cell)

    def drop(self, cells: list[NotebookNode]) -> None:
        gone = {id(cell) for cell in cells}
        self.book.cells = [cell for cell in self.book.cells if id(cell) not in gone]

    def successor(self, original: NotebookNode) -> int:
        """Where a missing released cell belongs: after the nearest cell before it that is there, else at the end."""
        at = next(i for i, cell in enumerate(self.release.cells) if cell is original)
        for earlier in reversed(self.release.cells[:at]):
            there = self.place.get(id(earlier))
            if there is not None and any(there is cell for cell in self.book.cells):
                return self.index(there) + 1
        return len(self.book.cells)

    def free_id(self, wanted: str, leaving: list[NotebookNode]) -> str:
        """An id that no other cell has; the same for the same notebook, so that outputs find their cell again."""
        gone = {id(cell) for cell in leaving}
        taken = {cell.get("id") for cell in self.book.cells if id(cell) not in gone}
        candidates = (wanted, *(f"{wanted[:56]}-{n}" for n in range(1, len(taken) + 2)))
        return next(candidate for candidate in candidates if candidate not in taken)


def _same_marks(cell: NotebookNode, original: NotebookNode) -> bool:
    """Whether nbgrader's metadata is as released; what nbgrader added when it released it may be missing."""
    return all(
        _graded(cell).get(key) == value
        for key, value in _graded(original).items()
        if key not in ("checksum", "cell_type")
    )


class Repair(NbGraderPreprocessor):
    """`repair` as nbgrader's first step of sanitizing, so that its own steps find nothing left to stumble over."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Repair ``nb`` against the released notebook; notes go into its metadata, where intake's are.

        Raises:
            FileNotFoundError: the assignment was not generated in this course directory.
        """
        course = self.parent.parent.coursedir
        names = resources["nbgrader"]
        folder = Path(course.format_path(course.release_directory, ".", names["assignment"]))
        release = nbformat.read(folder / f"{names['notebook']}.ipynb", as_version=4)
        nb.metadata["byom"]["notes"] += [note.packed() for note in repair(nb, release)]
        return nb, resources
