"""Reading answers: solution modules, the regions in them that learners write, and the stubs left without."""

import ast
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from authoring.violations import Violation

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"

_LONE_KEYWORD = re.compile(r"\w+=[^()]*,")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Region:
    """A solution region, by the lines (from 1) of its two markers."""

    begin: int
    end: int


@dataclass
class Answers:
    """One solution module: its text, its regions, and what is wrong with them."""

    path: Path
    text: str
    regions: list[Region] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    @cached_property
    def lines(self) -> list[str]:
        """The module's lines."""
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module | None:
        """The module parsed; None where Python can't."""
        try:
            return ast.parse(self.text)
        except SyntaxError:
            return None

    @cached_property
    def definitions(self) -> dict[str, Definition]:
        """The functions and classes at the module's top level."""
        body = self.tree.body if self.tree else []
        return {node.name: node for node in body if isinstance(node, Definition)}

    def extent(self, node: Definition) -> tuple[int, int]:
        """The first and last line of a definition, decorators and the comments that end its body included."""
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        last = node.end_lineno or node.lineno
        for number in range(last + 1, len(self.lines) + 1):
            line = self.lines[number - 1]
            if line.strip() and not line[0].isspace():
                break
            last = number if line.strip() else last
        return first, last

    def source(self, node: Definition) -> str:
        """A definition's text with its answer."""
        first, last = self.extent(node)
        return "\n".join(self.lines[first - 1 : last])

    def regions_in(self, node: Definition) -> list[Region]:
        """The regions inside a definition."""
        first, last = self.extent(node)
        return [region for region in self.regions if first <= region.begin and region.end <= last]

    def object(self, line: int, what: str) -> None:
        """Note a violation in the module."""
        self.violations.append(Violation(self.path, line, what))


def read_answers(path: Path) -> Answers:
    """Read a solution module. What is malformed is noted in its ``violations``."""
    answers = Answers(path, path.read_text(encoding="utf-8"))
    try:
        ast.parse(answers.text)
    except SyntaxError as error:
        answers.object(error.lineno or 1, f"not Python: {error.msg}")
    begun = 0
    for number, line in enumerate(answers.lines, 1):
        if "BEGIN SOLUTION" not in line and "END SOLUTION" not in line:
            continue
        if line.strip() == BEGIN:
            if begun:
                answers.object(number, f"a solution region inside the one begun on line {begun}")
            begun = number
        elif line.strip() == END:
            if not begun:
                answers.object(number, f"{END!r} without a beginning")
            else:
                answers.regions.append(Region(begun, number))
            begun = 0
        else:
            answers.object(number, f"a marker stands alone on its line, as {BEGIN!r} or {END!r}")
    if begun:
        answers.object(begun, f"a solution region without its {END!r}")
    for region in answers.regions:
        _object_to_shape(answers, region)
    return answers


def _object_to_shape(answers: Answers, region: Region) -> None:
    inside = [line for line in answers.lines[region.begin : region.end - 1] if line.strip()]
    if not inside:
        answers.object(region.begin, "a solution region with nothing in it")
    elif _indent(inside[0]) != _indent(answers.lines[region.begin - 1]):
        answers.object(region.begin, "a marker is indented like the code of its region")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def stub(text: str) -> str:
    """``text`` as learners get it: nbgrader's own ``ClearSolutions`` applied to it."""
    if BEGIN not in text:
        return text
    from nbformat.v4 import new_code_cell, new_notebook
    from nbgrader.preprocessors import ClearSolutions

    # without the cell metadata that marks an answer: it would clear a whole script that has no region
    cell = new_code_cell(text)
    ClearSolutions(enforce_metadata=False).preprocess(new_notebook(cells=[cell]), {})
    return cell.source


def unmarked(text: str) -> str:
    """``text`` with its answers and without the lines that mark them."""
    return re.sub(rf"^[ \t]*(?:{BEGIN}|{END})[ \t]*\n?", "", text, flags=re.MULTILINE)


def squeezed(line: str) -> str:
    """``line`` without white space: how an answer is looked for, however it was indented or wrapped."""
    return re.sub(r"\s+", "", line)


def distinctive(answers: Answers) -> dict[str, int]:
    """The pieces of the answers that would give them away, squeezed, each with its line number.

    A piece is a long line, or three lines in a row: a lone keyword argument is no secret, but their list is one.
    Imports and comments are left out, and so is what the stub gives as well.
    """
    given = squeezed(stub(answers.text)) if answers.regions else ""
    found: dict[str, int] = {}
    for region in answers.regions:
        inside = [(number, answers.lines[number - 1].strip()) for number in range(region.begin + 1, region.end)]
        telling = [(n, squeezed(line)) for n, line in inside if not line.startswith(("#", "import ", "from ", '"""'))]
        telling = [(number, line) for number, line in telling if line]
        pieces = [(n, line) for n, line in telling if len(line) >= 24 and not _LONE_KEYWORD.fullmatch(line)]
        pieces += [
            (telling[i][0], run)
            for i in range(len(telling) - 2)
            if len(run := "".join(line for _, line in telling[i : i + 3])) >= 40
        ]
        for number, piece in pieces:
            if piece not in given:
                found.setdefault(piece, number)
    return found


def signatures(node: Definition) -> dict[str, tuple[str, str | None]]:
    """Signature and docstring of a definition and of the methods in it, by qualified name."""
    if isinstance(node, ast.ClassDef):
        found = {node.name: (", ".join(map(ast.unparse, node.bases)), ast.get_docstring(node))}
        for inner in node.body:
            if isinstance(inner, Definition):
                found |= {f"{node.name}.{name}": value for name, value in signatures(inner).items()}
        return found
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return {node.name: (f"({ast.unparse(node.args)}){returns}", ast.get_docstring(node))}


def without_hints(node: Definition) -> list[str]:
    """The parameters and results of a definition and its methods that have no type hint."""
    if isinstance(node, ast.ClassDef):
        return [
            f"{node.name}.{missing}"
            for inner in node.body
            if isinstance(inner, Definition)
            for missing in without_hints(inner)
        ]
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    bare = [a.arg for a in every if a is not None and a.annotation is None and a.arg not in ("self", "cls")]
    missing = [f"{node.name}({name})" for name in bare]
    if node.returns is None and node.name != "__init__":
        missing.append(f"what {node.name} returns")
    return missing
