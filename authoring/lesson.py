"""Reading a lesson: MyST Markdown whose exercises are directives.

An exercise is one fenced directive in the text. It names its answer, either in the unit's module or in a
script::

    ```{exercise} moons.make_csv
    ```

    ```{exercise} source/model.py SimpleNet
    ```
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jupytext.myst import MystMetadataParsingError, myst_to_notebook
from nbformat.validator import NotebookValidationError

from authoring.violations import Violation

TAGS = {
    "sagemaker": "uploads, trains or deploys; skipped when a class is graded",
    "raises-exception": "shows an error on purpose",
    "trained": "prints numbers that training gave; compared within a tolerance",
    "nbval-ignore-output": "prints what differs from run to run; runs, but isn't compared",
}
"""The tags a code cell may carry, and what each says about it."""

_DIRECTIVE = re.compile(r"^(\s*)(?:`{3,}|~{3,})\{exercise\}\s*(.*?)\s*$")
_IN_NOTEBOOK = re.compile(r"^(\w+)\.([A-Za-z_]\w*)$")
_IN_SCRIPT = re.compile(r"^(source/[\w/]+\.py)\s+([A-Za-z_]\w*)$")


@dataclass(frozen=True)
class Prose:
    """A stretch of Markdown."""

    source: str
    line: int


@dataclass(frozen=True)
class Code:
    """A code cell that is given to the learner."""

    source: str
    line: int
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Exercise:
    """A directive: the exercise's name, and where its answer is written."""

    name: str
    answer: str
    """``notebook``, or a script such as ``source/model.py``."""

    line: int


@dataclass
class Lesson:
    """A lesson's blocks in order, each with its line, and what is wrong with its form."""

    name: str
    path: Path
    blocks: list[Prose | Code | Exercise] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    @property
    def exercises(self) -> list[Exercise]:
        """The exercises in the order of the text."""
        return [block for block in self.blocks if isinstance(block, Exercise)]

    def object(self, line: int, what: str) -> None:
        """Note a violation in the lesson."""
        self.violations.append(Violation(self.path, line, what))


def read_lesson(name: str, path: Path) -> Lesson:
    """Read the lesson of unit ``name``. What is malformed is noted in its ``violations``."""
    lesson = Lesson(name, path)
    text = path.read_text(encoding="utf-8")
    try:
        notebook = myst_to_notebook(text, add_source_map=True)
    except MystMetadataParsingError as error:
        told = re.search(r"at line (\d+)", str(error))
        lesson.object(int(told[1]) if told else 1, f"the cell options can't be read: {error}")
        return lesson
    except NotebookValidationError as error:
        at = next((n for n, line in enumerate(text.splitlines(), 1) if str(error.instance) in line), 1)
        lesson.object(at, f"cell options that no notebook may have: {error.message}")
        return lesson
    lines = text.splitlines()
    for cell, start in zip(notebook.cells, notebook.metadata["source_map"], strict=True):
        line = _first_line(lines, cell.source, start)
        _object_to_metadata(lesson, cell, line)
        if cell.cell_type == "markdown":
            lesson.blocks.extend(_blocks(lesson, cell.source, line))
        elif cell.cell_type == "code":
            _object_to_directives(lesson, cell.source, line)
            lesson.blocks.append(Code(cell.source, line, tuple(cell.metadata.get("tags", ()))))
        else:
            lesson.object(line, "a raw cell: nothing reads it")
    return lesson


def _first_line(lines: list[str], source: str, start: int) -> int:
    """The line (from 1) on which a cell's source begins; jupytext tells where its options or blank lines do."""
    wanted = [line.rstrip() for line in source.splitlines()]
    for at in range(start, len(lines) - len(wanted) + 1):
        if [line.rstrip() for line in lines[at : at + len(wanted)]] == wanted:
            return at + 1
    return start + 1


def _object_to_metadata(lesson: Lesson, cell: dict, line: int) -> None:
    for key in cell["metadata"]:
        if key != "tags":
            lesson.object(line, f"unknown cell option {key!r}: only tags are used")
    tags = cell["metadata"].get("tags", [])
    known = TAGS if cell["cell_type"] == "code" else {}
    for tag in tags if isinstance(tags, list) else [tags]:
        if tag not in known:
            lesson.object(line, f"unknown tag {tag!r}: there is {', '.join(TAGS)} for code cells")


def _object_to_directives(lesson: Lesson, source: str, line: int) -> None:
    for number, text in enumerate(source.splitlines(), line):
        if _DIRECTIVE.match(text):
            lesson.object(number, "an exercise directive inside a code cell: it belongs to the text")


def _blocks(lesson: Lesson, source: str, first: int) -> Iterator[Prose | Exercise]:
    """Split Markdown at its exercise directives."""
    lines = source.splitlines()
    at = start = 0
    while at < len(lines):
        directive = _DIRECTIVE.match(lines[at])
        if directive is None:
            at += 1
            continue
        yield from _prose(lines[start:at], first + start)
        exercise = _exercise(lesson, directive, first + at)
        if exercise is not None:
            yield exercise
        fence = lines[at].strip()[:3]
        closed = at + 1 < len(lines) and lines[at + 1].strip().startswith(fence)
        if not closed:
            lesson.object(first + at, "an exercise directive holds nothing: close it on the next line")
        at = start = at + 2 if closed else at + 1
    yield from _prose(lines[start:], first + start)


def _prose(lines: list[str], first: int) -> Iterator[Prose]:
    while lines and not lines[0].strip():
        lines, first = lines[1:], first + 1
    source = "\n".join(lines).rstrip()
    if source:
        yield Prose(source, first)


def _exercise(lesson: Lesson, directive: re.Match[str], line: int) -> Exercise | None:
    indent, argument = directive.groups()
    if indent:
        lesson.object(line, "an exercise directive stands at the start of its line")
        return None
    if script := _IN_SCRIPT.match(argument):
        return Exercise(script[2], script[1], line)
    if answer := _IN_NOTEBOOK.match(argument):
        if answer[1] != lesson.name:
            lesson.object(line, f"{argument} is no answer of this unit: write {lesson.name}.{answer[2]}")
            return None
        return Exercise(answer[2], "notebook", line)
    lesson.object(
        line, f"an exercise names its answer, as in {lesson.name}.name or source/model.py Name; not {argument!r}"
    )
    return None
