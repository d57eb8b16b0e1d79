"""A student's whole unit checked at once, from a terminal."""

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from byom.checks.evidence import MIME, BadEvidence, decode, encode
from byom.checks.table import Table
from byom.checks.unit import Unit, unit
from byom.require import MissingMXNet

CELL_SECONDS = 120


class CannotCheck(Exception):
    """There is nothing to check, with the reason in one sentence."""


def check_unit(name: str, folder: Path) -> list[Table]:
    """Run the notebook of the unit ``name`` in ``folder`` and judge each exercise by its public challenge.

    Cells tagged ``sagemaker`` are left out. A cell that raises stops nothing.

    Raises:
        CannotCheck: no such unit, no notebook there, a file that is none, or a notebook that says by itself that it
            can't run here.
    """
    try:
        checks = unit(name)
    except LookupError as error:
        raise CannotCheck(str(error)) from None
    path = folder / f"{name}.ipynb"
    if not path.is_file():
        raise CannotCheck(f"there is no notebook {path}")
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds for a file that is no notebook
        raise CannotCheck(f"{path} is not a notebook: {type(error).__name__}: {error}"[:300]) from None
    client = _Client(
        notebook, timeout=CELL_SECONDS, allow_errors=True, resources={"metadata": {"path": str(folder)}}, checks=checks
    )
    try:
        client.execute()
    except (CellTimeoutError, DeadKernelError) as error:
        client.stopped = str(error).strip().split("\n", 1)[0]
    for output in (output for cell in client.nb.cells for output in cell.get("outputs", [])):
        if output.output_type == "error" and output.ename == MissingMXNet.__name__:
            raise CannotCheck(output.evalue)
    return [client.table(exercise) for exercise in checks.checks]


class _Client(NotebookClient):
    """Runs a notebook whose check cells hand out evidence for the public challenges."""

    def __init__(self, notebook: NotebookNode, checks: Unit, **settings: Any) -> None:
        super().__init__(notebook, **settings)
        self.checks = checks
        self.stopped: str | None = None

    async def async_execute_cell(self, cell: NotebookNode, *args: Any, **kwargs: Any) -> NotebookNode:
        """Run a cell, unless it is tagged ``sagemaker``."""
        if "sagemaker" in cell.metadata.get("tags", []):
            return cell
        exercise = self._exercise(cell)
        if exercise is not None:
            given = encode(self.checks.public_challenge(exercise).given)
            posing = nbformat.v4.new_code_cell(
                f"__import__('byom.checks.unit').checks.unit.pose({exercise!r}, {given!r})"
            )
            self.nb.cells.append(posing)  # nbclient only runs cells of its notebook
            await super().async_execute_cell(posing, len(self.nb.cells) - 1)
            self.nb.cells.pop()
        return await super().async_execute_cell(cell, *args, **kwargs)

    def _exercise(self, cell: NotebookNode) -> str | None:
        exercise = cell.metadata.get("nbgrader", {}).get("grade_id", "").removeprefix("check-")
        graded = cell.metadata.get("nbgrader", {}).get("grade", False)
        return exercise if graded and exercise in self.checks.checks else None

    def table(self, exercise: str) -> Table:
        """The findings of ``exercise``, once the notebook has run."""
        check, challenge = self.checks.checks[exercise], self.checks.public_challenge(exercise)
        outputs = [o for cell in self.nb.cells if self._exercise(cell) == exercise for o in cell.get("outputs", [])]
        shown = [o.data[MIME] for o in outputs if o.output_type == "display_data" and MIME in o.data]
        raised = [f"{o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"]
        if not shown:
            return Table(exercise, check.nothing_shown((raised or [self.stopped or "its check cell was not run"])[0]))
        try:
            evidence = decode(shown[-1])
        except BadEvidence as bad:
            return Table(exercise, check.nothing_shown(str(bad)))
        return Table(exercise, check.judge(challenge, evidence, self.checks.public_reference.get(exercise, {})))
