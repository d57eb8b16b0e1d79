"""A learner's work on one unit: what stands in the answer cells of the notebook, and in the scripts."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from authoring.answers import read_answers, stub, unmarked
from byom.checks.criteria import Check
from byom.checks.unit import unit
from grading.run import ROOT


@dataclass(frozen=True)
class Work:
    """The answers of one learner.

    ``cells`` holds the code of each answer cell by exercise, ``scripts`` the text of each script by its path,
    ``source/model.py`` say.
    """

    unit: str
    cells: Mapping[str, str]
    scripts: Mapping[str, str]

    def text(self, place: str) -> str:
        """What stands in ``place``: an exercise's name for its cell, or a script's path.

        Raises:
            KeyError: there is no such place.
        """
        return self.scripts[place] if place in self.scripts else self.cells[place]

    def having(self, place: str, text: str) -> "Work":
        """The same work with another text in ``place``."""
        if place in self.scripts:
            return replace(self, scripts={**self.scripts, place: text})
        return replace(self, cells={**self.cells, place: text})

    def write_scripts(self, folder: Path) -> None:
        """Write the scripts below ``folder``."""
        for name, text in self.scripts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def place(check: Check) -> str:
    """Where the answer to ``check`` stands in a learner's work."""
    return check.name if check.answer == "notebook" else check.answer


def solved(name: str) -> Work:
    """The reference's own work on the unit ``name``."""
    return _work(name, unmarked)


def stubs(name: str) -> Work:
    """The unit ``name`` as students get it, with nothing done."""
    return _work(name, stub)


@cache
def preamble(name: str) -> str:
    """What the solution module of the unit ``name`` imports, as the lesson's cells do in a notebook."""
    answers = read_answers(ROOT / "solutions" / name / f"{name}.py")
    assert answers.tree is not None
    return "\n".join(ast.unparse(node) for node in answers.tree.body if isinstance(node, ast.Import | ast.ImportFrom))


@cache
def _work(name: str, form: Callable[[str], str]) -> Work:
    folder = ROOT / "solutions" / name
    answers = read_answers(folder / f"{name}.py")
    cells = {
        check.name: form(answers.source(answers.definitions[check.name]))
        for check in unit(name)
        if check.answer == "notebook"
    }
    scripts = {
        path.relative_to(folder).as_posix(): form(path.read_text(encoding="utf-8"))
        for path in sorted((folder / "source").rglob("*.py"))
    }
    return Work(name, cells, scripts)
