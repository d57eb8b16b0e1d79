"""Making notebooks: the master with its answers, and what nbgrader and publication leave of it."""

import hashlib
import json
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring.answers import unmarked
from authoring.lesson import Code, Exercise, Prose
from authoring.material import Material

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""What every notebook says of itself."""


def grade_id(exercise: str) -> str:
    """The ``grade_id`` of an exercise's grade cell; its solution cell's is the exercise's name."""
    return f"check-{exercise}"


def master(material: Material) -> tuple[NotebookNode, dict[str, int]]:
    """nbgrader's source notebook of a unit that breaks no rule.

    Returns:
        The notebook with its answers, and the lesson's line for each cell id.
    """
    cells: list[NotebookNode] = []
    lines: dict[str, int] = {}
    for block in material.lesson.blocks:
        for cell in _cells(material, block):
            cell["id"] = _stable_id(cell, len(cells))
            lines[cell["id"]] = block.line
            cells.append(cell)
    notebook = new_notebook(cells=cells, metadata=nbformat.from_dict(METADATA))
    nbformat.validate(notebook)
    return notebook, lines


def _cells(material: Material, block: Prose | Code | Exercise) -> list[NotebookNode]:
    if isinstance(block, Prose):
        return [new_markdown_cell(block.source)]
    if isinstance(block, Code):
        return [new_code_cell(block.source, metadata={"tags": list(block.tags)} if block.tags else {})]
    if block.answer == "notebook":
        assert material.answers is not None
        answer = material.answers.source(material.answers.definitions[block.name])
        first = new_code_cell(answer, metadata=_nbgrader(block.name, solution=True))
        argument = block.name
    else:
        first = new_markdown_cell(_invitation(block.answer))
        argument = f'"{block.answer}"'
    assert material.checks is not None
    points = material.checks.checks[block.name].points
    check = new_code_cell(
        f'check("{block.name}", {argument})',
        metadata=_nbgrader(grade_id(block.name), grade=True, locked=True, points=points),
    )
    return [first, check]


def _invitation(script: str) -> str:
    return f"✏️ Open [`{script}`]({script}), complete it and save it. Then run the next cell."


def _nbgrader(name: str, **facts: Any) -> dict[str, Any]:
    kept = {"grade": False, "solution": False, "locked": False, "task": False, **facts}
    return {"nbgrader": {"grade_id": name, "schema_version": 3, **kept}}


def _stable_id(cell: NotebookNode, index: int) -> str:
    if "nbgrader" in cell.metadata:
        return cell.metadata["nbgrader"]["grade_id"]
    return f"{index:03d}-{hashlib.sha256(cell.source.encode()).hexdigest()[:12]}"


def student(source: NotebookNode) -> NotebookNode:
    """The notebook students get: what ``nbgrader generate_assignment`` makes of its source."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.preprocessors import SaveCells

    released: NotebookNode = nbformat.from_dict(json.loads(json.dumps(source)))
    resources: dict[str, Any] = {}
    for preprocessor in GenerateAssignment().preprocessors:
        if preprocessor is not SaveCells:  # it writes to the gradebook, and nothing into the notebook
            released, resources = preprocessor().preprocess(released, resources)
    return released


def unexecuted(source: NotebookNode, scripts: dict[str, str]) -> NotebookNode:
    """The worked notebook before it runs: answers in, nbgrader's marks and metadata out, scripts shown.

    Args:
        source: the master.
        scripts: the solved scripts, by path.
    """
    worked: NotebookNode = nbformat.from_dict(json.loads(json.dumps(source)))
    shown = {_invitation(path): _listing(path, text) for path, text in scripts.items()}
    for cell in worked.cells:
        facts = cell.metadata.pop("nbgrader", {})
        if facts.get("grade"):
            cell.metadata["tags"] = ["trained"]  # a table may tell what training gave; its verdicts are words
        if cell.cell_type == "code":
            cell.source = unmarked(cell.source)
        elif cell.source in shown:
            invitation, cell.source = cell.source, shown[cell.source]
            shown[invitation] = "The same script, shown above."
    return worked


def _listing(path: str, script: str) -> str:
    return f"[`{path}`]({path}):\n\n```python\n{unmarked(script).rstrip()}\n```"


def written(notebook: NotebookNode) -> bytes:
    """A notebook as the bytes of its file."""
    nbformat.validate(notebook)
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()
