"""The conductor of an examination: cell after cell, with the challenges posed on the way."""

import contextlib
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_output

from byom.checks.evidence import LIMIT, MIME
from grading.dialogue import Dialogue
from grading.inbox import Message
from grading.sandbox import Sandbox, missing

_START = 60.0  # seconds for a kernel to become ready
_SKIPPED = "sagemaker"  # the tag of cells that talk to SageMaker
_RICH = {"display_data", "update_display_data", "execute_result"}
_OUTPUTS = {"stream", "error", "clear_output", "comm_open", "comm_msg", "comm_close", *_RICH}

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # what a submission provokes is not news on the instructor's terminal


@dataclass
class _Run:
    """One cell's run: what it has shown so far."""

    cell: NotebookNode
    index: int
    exercise: str | None
    kept: int = 0
    """Bytes of output in the cell."""

    dropped: int = 0
    """Bytes of output that are not."""

    unusable: str | None = None
    """Why evidence that arrived was not taken."""


class Conductor(NotebookClient):
    """Executes ``nb`` in ``sandbox``, posing ``challenges`` on the way.

    nbclient gives outputs their form (display ids, ``clear_output``, widgets); it is fed by a `Dialogue`, which
    bounds time and survives whatever the kernel does. After `conduct`, what was found is in `evidence`, `reasons`
    and `notes`.
    """

    def __init__(self, nb: NotebookNode, sandbox: Sandbox, challenges: Mapping[str, str], unit: str | None) -> None:
        super().__init__(nb, record_timing=False, log=_log)
        self.dialogue = Dialogue(sandbox)
        self.evidence: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self.notes: list[str] = []
        self._sandbox, self._challenges, self._unit = sandbox, challenges, unit
        self._kept = 0  # bytes of output in the notebook

    async def conduct(self) -> None:
        """Start a kernel, run all cells, end the kernel.

        Raises:
            RuntimeError: the sandbox can't be used on this machine.
        """
        async with self.dialogue:
            self.kc = self.dialogue.client
            cut_short = await self._start() or await self._run_cells()
        for exercise in self._challenges:
            if exercise not in self.evidence:
                self.reasons.setdefault(exercise, cut_short or "the notebook has no check of this exercise")
        with contextlib.suppress(Exception):  # the state of widgets is whatever the kernel said it is
            self.set_widgets_metadata()

    async def _start(self) -> str | None:
        """Wait until the kernel is ready; or say why there will be no run."""
        if await self.dialogue.ready(_START):
            return None
        if self._sandbox.confined and (fault := missing()):
            raise RuntimeError(fault)
        why = self.dialogue.refusal
        if why is None:
            obituary = self.dialogue.obituary
            why = f"the kernel {obituary}" if obituary else f"the kernel was not ready after {_START:g} s"
        self.notes.append(f"The notebook could not be started: {why}.")
        return f"the notebook could not be started: {why}"

    async def _run_cells(self) -> str | None:
        """Run all cells. When the end of the notebook is not reached, say why."""
        seconds = self._sandbox.limits.submission_seconds
        deadline, number = time.monotonic() + seconds, 0
        for index, cell in enumerate(self.nb.cells):
            if cell.cell_type != "code":
                continue
            number += 1
            if not cell.source.strip() or _SKIPPED in cell.metadata.get("tags", []):
                continue
            overstep = await self._run_cell(_Run(cell, index, self._exercise(cell)), deadline)
            if self.dialogue.obituary:
                ending = f"the kernel {self.dialogue.obituary}"
                self.notes.append(f"In code cell {number}, {ending}.")
                return f"not reached: in code cell {number}, {ending}"
            if overstep:
                self.notes.append(f"Code cell {number} {overstep} and was stopped.")
            if time.monotonic() >= deadline:
                spent = f"the {seconds:g} s for the whole notebook were used up"
                self.notes.append(f"After code cell {number}, {spent}.")
                return f"not reached: {spent}"
        return None

    def _exercise(self, cell: NotebookNode) -> str | None:
        """The exercise that is challenged in ``cell``, else None."""
        nbgrader = cell.metadata.get("nbgrader", {})
        name = str(nbgrader.get("grade_id", "")).removeprefix("check-")
        return name if nbgrader.get("grade") and name in self._challenges else None

    async def _run_cell(self, run: _Run, deadline: float) -> str | None:
        """Run one cell; returns what made it necessary to stop it, if anything did."""
        cell, exercise = run.cell, run.exercise
        if exercise is not None:
            await self.dialogue.ask(self._pose(exercise), deadline, silent=True, store_history=False)
        self.clear_before_next_output = False
        self.code_cells_executed += 1
        cell.execution_count = self.code_cells_executed
        answer = await self.dialogue.ask(cell.source, deadline, partial(self._show, run))
        for output in cell.outputs:
            if output.output_type == "stream":
                output.text = _overwritten(output.text)
        if run.dropped:
            _remark(cell, f"{run.dropped:,} more bytes of output are not shown")
        if answer.overstep:
            _remark(cell, f"this cell {answer.overstep} and was stopped")
        if exercise is not None and exercise not in self.evidence:
            if self.dialogue.obituary:
                self.reasons[exercise] = f"the kernel {self.dialogue.obituary}"
            elif answer.overstep:
                self.reasons[exercise] = f"its check {answer.overstep} and was stopped"
            else:
                why = run.unusable or _error(answer.content) or "its check ran but handed in nothing"
                self.reasons[exercise] = why
        return answer.overstep

    def _pose(self, exercise: str) -> str:
        """What the kernel is told just before a grade cell. It leaves no name behind but ``check``."""
        challenge = self._challenges[exercise]
        code = f"__import__('byom.checks.unit', fromlist=['pose']).pose({exercise!r}, {challenge!r})"
        return code if self._unit is None else f"{code}\nfrom byom.checks.{self._unit} import check"

    def _show(self, run: _Run, message: Message) -> None:
        """Take what ``message`` shows into the cell, as far as there is room."""
        if message.kind in _OUTPUTS:
            try:
                self._take_in(run, message)
            except Exception as error:  # a message of a known type can still hold anything
                _log.debug("a message was dropped: %r", error)

    def _take_in(self, run: _Run, message: Message) -> None:
        content, size = message.content, message.size
        if message.kind in _RICH and MIME in content["data"]:
            self._take_evidence(run, message.kind, content["data"].pop(MIME))
            if not content["data"]:
                return
            size = len(str(content["data"]))
        if message.kind == "stream" and not (content["name"] in ("stdout", "stderr") and type(content["text"]) is str):
            return
        if message.kind == "clear_output":
            self._kept -= run.kept
            run.kept = 0
        elif size > (space := max(0, self._sandbox.limits.output_bytes - self._kept)):
            if message.kind != "stream" or not space:
                run.dropped += size
                return
            content["text"] = content["text"][:space]
            run.dropped += size - space
            size = space
        self._kept += size
        run.kept += size
        if message.kind == "execute_result":
            content["execution_count"] = run.cell.execution_count
        else:
            content.pop("execution_count", None)  # nbclient would believe it
        self.process_message(message.whole, run.cell, run.index)
        _join(run.cell.outputs)

    def _take_evidence(self, run: _Run, kind: str, encoded: Any) -> None:
        if run.exercise is None or kind != "display_data":
            return
        if not isinstance(encoded, str) or len(encoded) > LIMIT:
            run.unusable = f"what its check handed in is longer than {LIMIT / 1e6:g} MB, or no text"
        else:
            self.evidence[run.exercise] = encoded.encode(errors="replace").decode()


def _error(reply: dict[str, Any]) -> str | None:
    """The exception that ended a cell, in one line; None when there was none."""
    if reply.get("status") != "error":
        return None
    text = f"{reply.get('ename')}: {reply.get('evalue')}"[:2000]
    return " ".join(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).split())[:300]


def _join(outputs: list[NotebookNode]) -> None:
    """Join the last two outputs when they continue one stream."""
    if len(outputs) > 1:
        before, last = outputs[-2:]
        if before.output_type == last.output_type == "stream" and before.name == last.name:
            before.text += last.text
            outputs.pop()


def _overwritten(text: str) -> str:
    """``text`` as a terminal leaves it, where a carriage return starts the line again."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))


def _remark(cell: NotebookNode, text: str) -> None:
    cell.outputs.append(new_output("stream", name="stderr", text=f"[{text}]\n"))
