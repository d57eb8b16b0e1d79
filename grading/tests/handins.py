"""Submissions to moons for tests of the pipeline, made from the master notebook and the solved scripts."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from grading.run import MASTERS, ROOT

SOLVED_SCRIPTS = ROOT / "solutions" / "moons" / "source"


def master() -> NotebookNode:
    """The master notebook, cut down to imports, answers and checks: lessons take time to run."""
    path = MASTERS / "moons" / "moons.ipynb"
    if not path.is_file():
        pytest.fail("grading/source/moons is missing: run `make build` first")
    book = nbformat.read(path, as_version=4)
    lines = [line for cell in book.cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    imports = dict.fromkeys(line for line in lines if line.startswith(("import ", "from ")))
    answers = [cell for cell in book.cells if "nbgrader" in cell.metadata]
    book.cells = [new_code_cell("\n".join(imports), id="imports"), *answers]
    return book


def hand_in(folder: Path, book: NotebookNode | None = None, scripts: bool = True) -> Path:
    """Make the submission ``folder``: ``book``, or the answers, and the solved scripts."""
    folder.mkdir(parents=True)
    nbformat.write(book if book is not None else master(), folder / "moons.ipynb")
    if scripts:
        shutil.copytree(SOLVED_SCRIPTS, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    return folder
