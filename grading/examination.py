"""The examination of one submission: run its notebook in the sandbox, pose the challenges, collect the evidence.

Nothing is judged here, and nothing that learner code does can raise here: whatever goes wrong becomes one plain
sentence for the exercise it concerns.
"""

import asyncio
import copy
import json
import shutil
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from grading.conductor import Conductor
from grading.sandbox import Limits, Sandbox, missing, room


@dataclass
class Examination:
    """What an examination brought to light."""

    notebook: NotebookNode
    """The executed notebook, its outputs bounded and without evidence."""

    evidence: dict[str, str] = field(default_factory=dict)
    """Encoded evidence by exercise: the last one displayed in that exercise's grade cell."""

    reasons: dict[str, str] = field(default_factory=dict)
    """Why there is no evidence, by exercise; one sentence for the student."""

    notes: list[str] = field(default_factory=list)
    """What happened to the submission as a whole."""

    seconds: float = 0.0
    """Wall time, starting the kernel included."""


def examine(
    folder: Path,
    notebook: NotebookNode,
    challenges: Mapping[str, str],
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    sandboxed: bool = True,
    unit: str | None = None,
) -> Examination:
    """Run ``notebook`` as a submission and collect its evidence.

    Args:
        folder: the submission's folder, with its scripts; never written to.
        notebook: the notebook, repaired; it is not changed.
        challenges: encoded challenges by exercise; each is posed just before the cell ``check-<exercise>``.
        limits: what the submission may use.
        sandboxed: False runs it without bubblewrap. Only for submissions you trust.
        unit: the unit whose ``check`` the grade cells call, whatever the notebook has made of that name; None
            leaves the name alone.

    Raises:
        RuntimeError: the sandbox can't be used on this machine.
    """
    started = time.monotonic()
    if sandboxed and shutil.which("bwrap") is None:
        raise RuntimeError(missing())
    executed = copy.deepcopy(notebook)
    executed.metadata.pop("widgets", None)
    for cell in executed.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with room() as place:
        sandbox = Sandbox(folder, place, limits, sandboxed)
        conductor = Conductor(executed, sandbox, challenges, unit)
        try:
            _wait(conductor.conduct())
        finally:
            conductor.dialogue.end()
    return Examination(
        _presentable(executed), conductor.evidence, conductor.reasons, conductor.notes, time.monotonic() - started
    )


def _wait(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` to its end, also when the caller is itself called from an event loop (formgrader's)."""
    if asyncio._get_running_loop() is None:
        asyncio.run(work)
        return
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def _presentable(notebook: NotebookNode) -> NotebookNode:
    """A notebook that every tool can write and read: text that UTF-8 can hold, outputs of the known kinds."""
    text = json.dumps(notebook, ensure_ascii=False).encode(errors="replace")
    clean = nbformat.from_dict(json.loads(text))
    if not _valid(clean):
        clean.metadata.pop("widgets", None)
        for cell in clean.cells:
            if cell.cell_type == "code":
                cell.outputs = [o for o in cell.outputs if _valid(new_notebook(cells=[new_code_cell(outputs=[o])]))]
    return clean


def _valid(notebook: NotebookNode) -> bool:
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError:
        return False
    return True
