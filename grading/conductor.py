"""The conductor of an examination: cell after cell, within the limits, whatever the kernel does."""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_client.channels import AsyncZMQSocketChannel
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_output

from byom.checks.evidence import LIMIT, MIME
from grading.inbox import Message, context, receive
from grading.provisioner import SandboxProvisioner, kernel_manager
from grading.sandbox import Sandbox, missing

_START = 60.0  # seconds for a kernel to become ready
_GRACE = 3.0  # seconds to stop when interrupted
_STRAGGLERS = 4.0  # seconds for output to arrive after a cell's reply, as in nbclient
_FLOODS = 3  # cells that may be stopped for their output, before the kernel is
_SKIPPED = "sagemaker"  # the tag of cells that talk to SageMaker

_log = logging.getLogger(__name__)


class _Request:
    """A request under way: what was heard of it so far. ``cell`` is None for one that leaves no trace."""

    def __init__(self, number: str, cell: NotebookNode | None = None, index: int = -1, exercise: str | None = None):
        self.number, self.cell, self.index, self.exercise = number, cell, index, exercise
        self.reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.idle = asyncio.Event()
        self.flooded = asyncio.Event()
        self.traffic = 0  # bytes that arrived meanwhile
        self.kept = 0  # bytes of output that the cell holds
        self.dropped = 0  # bytes of output that it does not
        self.unusable: str | None = None  # why evidence that arrived was not taken

    async def answered(self) -> None:
        """Wait for the reply, and for the outputs that were still on their way."""
        await self.reply
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.idle.wait(), _STRAGGLERS)


class Conductor(NotebookClient):
    """Executes ``nb`` in ``sandbox``, posing ``challenges`` on the way.

    nbclient gives outputs their form (display ids, ``clear_output``, widgets). Time, death, floods and malformed
    messages are dealt with here. After `conduct`, what was found is in `evidence`, `reasons` and `notes`.
    """

    def __init__(self, nb: NotebookNode, sandbox: Sandbox, challenges: Mapping[str, str], unit: str | None) -> None:
        super().__init__(nb, kernel_manager(sandbox), record_timing=False)
        self.evidence: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self.notes: list[str] = []
        self._sandbox, self._challenges, self._unit = sandbox, challenges, unit
        self._limits = sandbox.limits
        self._received = 0  # bytes, of whatever kind
        self._kept = 0  # bytes of output in the notebook
        self._floods = 0
        self._current: _Request | None = None

    @property
    def provisioner(self) -> SandboxProvisioner:
        """What started the kernel, and ends it."""
        return self.km.provisioner

    async def conduct(self) -> None:
        """Start a kernel, run all cells, end the kernel.

        Raises:
            RuntimeError: the sandbox can't be used on this machine.
        """
        sockets = self.km.context = context()
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self.km.start_kernel()
            self.kc = self.km.client(context=sockets)
            self.kc.start_channels(hb=False, stdin=False)
            self._death = asyncio.create_task(self._watch())
            tasks = [
                self._death,
                asyncio.create_task(self._listen(self.kc.shell_channel, self._on_reply)),
                asyncio.create_task(self._listen(self.kc.iopub_channel, self._on_output)),
            ]
            cut_short = await self._start() or await self._run_cells()
            for exercise in self._challenges:
                if exercise not in self.evidence:
                    self.reasons.setdefault(exercise, cut_short or "the notebook has no check of this exercise")
        finally:
            for task in tasks:
                task.cancel()
            await self.km.cleanup_resources()
            sockets.destroy(linger=0)
        with contextlib.suppress(Exception):  # the state of widgets is whatever the kernel said it is
            self.set_widgets_metadata()

    async def _start(self) -> str | None:
        """Wait until the kernel answers and its outputs arrive; or say why there will be no run."""
        deadline = time.monotonic() + _START
        while time.monotonic() < deadline and not self._death.done():
            self._current = request = _Request(self.kc.kernel_info())
            ready = asyncio.create_task(request.idle.wait())
            await asyncio.wait({ready, self._death}, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            if request.idle.is_set():
                return None
        if self._sandbox.confined and (fault := missing()):
            raise RuntimeError(fault)
        why = self.provisioner.refusal
        if why is None:
            why = f"the kernel {self.provisioner.obituary}" if self._death.done() else f"not ready after {_START:g} s"
        self.notes.append(f"The notebook could not be started: {why}.")
        return f"the notebook could not be started: {why}"

    async def _run_cells(self) -> str | None:
        """Run all cells. When the end of the notebook is not reached, say why."""
        deadline, number = time.monotonic() + self._limits.submission_seconds, 0
        for index, cell in enumerate(self.nb.cells):
            if cell.cell_type != "code":
                continue
            number += 1
            if not cell.source.strip() or _SKIPPED in cell.metadata.get("tags", []):
                continue
            exercise = _exercise(cell)
            if exercise in self._challenges:
                await self._pose(exercise, deadline)
            overstep = await self._run_cell(cell, index, exercise, deadline)
            if self._death.done():
                ending = f"the kernel {self.provisioner.obituary}"
                self.notes.append(f"In code cell {number}, {ending}.")
                return f"not reached: in code cell {number}, {ending}"
            if overstep:
                self.notes.append(f"Code cell {number} {overstep} and was stopped.")
            if time.monotonic() >= deadline:
                spent = f"the {self._limits.submission_seconds:g} s for the whole notebook were used up"
                self.notes.append(f"After code cell {number}, {spent}.")
                return f"not reached: {spent}"
        return None

    async def _pose(self, exercise: str, deadline: float) -> None:
        code = f"__import__('byom.checks.unit', fromlist=['pose']).pose({exercise!r}, {self._challenges[exercise]!r})"
        if self._unit is not None:
            code += f"\nfrom byom.checks.{self._unit} import check"
        await self._complete(_Request(self._execute(code, silent=True, store_history=False)), deadline)

    async def _run_cell(self, cell: NotebookNode, index: int, exercise: str | None, deadline: float) -> str | None:
        """Run one cell; returns what made it necessary to stop it, if anything did."""
        if self._death.done():
            return None
        self.clear_before_next_output = False
        self.code_cells_executed += 1
        cell.execution_count = self.code_cells_executed
        request = _Request(self._execute(cell.source), cell, index, exercise)
        overstep = await self._complete(request, deadline)
        for output in cell.outputs:
            if output.output_type == "stream":
                output.text = _overwritten(output.text)
        if request.dropped:
            _remark(cell, f"{request.dropped:,} more bytes of output are not shown")
        if overstep:
            _remark(cell, f"this cell {overstep} and was stopped")
        if exercise in self._challenges and exercise not in self.evidence:
            self.reasons[exercise] = self._why_nothing(request, overstep)
        return overstep

    def _why_nothing(self, request: _Request, overstep: str | None) -> str:
        if self._death.done():
            return f"the kernel {self.provisioner.obituary}"
        if overstep:
            return f"its check {overstep} and was stopped"
        if request.unusable:
            return request.unusable
        return _error(request.reply) or "its check ran but handed in nothing"

    async def _complete(self, request: _Request, deadline: float) -> str | None:
        """Wait for the end of ``request``; stop it when it oversteps, and say how it did."""
        if self._death.done():
            return None
        self._current = request
        left, limits = deadline - time.monotonic(), self._limits
        finished = asyncio.create_task(request.answered())
        flooded = asyncio.create_task(request.flooded.wait())
        try:
            await asyncio.wait(
                {finished, flooded, self._death},
                timeout=max(0.0, min(limits.cell_seconds, left)),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if finished.done() or self._death.done():
                return None
            if flooded.done():
                self._floods += 1
                overstep = f"wrote more than {limits.flood_bytes / 1e6:g} MB of output"
            elif left < limits.cell_seconds:
                overstep = f"ran until the {limits.submission_seconds:g} s for the whole notebook were used up"
            else:
                overstep = f"ran for more than {limits.cell_seconds:g} s"
            await self.km.interrupt_kernel()
            await asyncio.wait({finished, self._death}, timeout=_GRACE, return_when=asyncio.FIRST_COMPLETED)
            if self._death.done():
                return overstep
            if not finished.done():
                await self._end(f"was stopped: a cell {overstep} and could not be interrupted")
            elif self._floods > _FLOODS:
                await self._end("was stopped: it went on writing output")
            else:
                await asyncio.sleep(0.1)  # the interrupt may come late; it must not hit the next cell
            return overstep
        finally:
            finished.cancel()
            flooded.cancel()

    def _execute(self, code: str, **options: Any) -> str:
        return self.kc.execute(code, allow_stdin=False, stop_on_error=False, **options)

    async def _end(self, reason: str) -> None:
        await asyncio.to_thread(self.provisioner.end, reason)
        await self._death

    async def _watch(self) -> None:
        """Return when the kernel has ended and everything it sent has arrived."""
        while await self.provisioner.poll() is None:
            await asyncio.sleep(0.05)
        for _ in range(20):
            before = self._received
            await asyncio.sleep(0.1)
            if self._received == before:
                break

    async def _listen(self, channel: AsyncZMQSocketChannel, heed: Callable[[Message], None]) -> None:
        """Hand on the messages that belong to the current request, and count all the others too."""
        while True:
            message, traffic = await receive(channel)
            self._received += traffic
            if self._current is not None:
                self._current.traffic += traffic
                if self._current.traffic > self._limits.flood_bytes:
                    self._current.flooded.set()
                if message is not None and message.parent == self._current.number:
                    try:
                        heed(message)
                    except Exception as error:  # a message of a known type can still hold anything
                        _log.debug("a message was dropped: %r", error)
            await asyncio.sleep(0)  # a flood must not keep the clock from being looked at

    def _on_reply(self, message: Message) -> None:
        assert self._current is not None
        if not self._current.reply.done():
            self._current.reply.set_result(message.content)

    def _on_output(self, message: Message) -> None:
        request = self._current
        assert request is not None
        if message.kind == "status" and message.content.get("execution_state") == "idle":
            request.idle.set()
        if request.cell is None or message.kind in ("status", "execute_input"):
            return
        content, size = message.content, message.size
        if message.kind in ("display_data", "update_display_data", "execute_result") and MIME in content["data"]:
            encoded = content["data"].pop(MIME)
            if message.kind == "display_data":
                self._take(request, encoded)
            if not content["data"]:
                return
            size = len(str(content["data"]))
        if message.kind == "clear_output":
            self._kept -= request.kept
            request.kept = 0
        elif size > (space := max(0, self._limits.output_bytes - self._kept)):
            if message.kind != "stream" or not space:
                request.dropped += size
                return
            content["text"] = content["text"][:space]
            request.dropped += size - space
            size = space
        self._kept += size
        request.kept += size
        content.pop("execution_count", None) if message.kind != "execute_result" else None
        self.process_message(message.whole, request.cell, request.index)
        _join(request.cell.outputs)

    def _take(self, request: _Request, encoded: Any) -> None:
        if request.exercise not in self._challenges:
            return
        if not isinstance(encoded, str) or len(encoded) > LIMIT:
            request.unusable = f"what its check handed in is longer than {LIMIT / 1e6:g} MB, or no text"
        else:
            self.evidence[request.exercise] = encoded.encode(errors="replace").decode()


def _exercise(cell: NotebookNode) -> str | None:
    """The exercise of which ``cell`` is the grade cell, else None."""
    nbgrader = cell.metadata.get("nbgrader", {})
    name = str(nbgrader.get("grade_id", ""))
    return name.removeprefix("check-") if nbgrader.get("grade") and name.startswith("check-") else None


def _error(reply: "asyncio.Future[dict[str, Any]]") -> str | None:
    if not reply.done() or reply.result().get("status") != "error":
        return None
    text = f"{reply.result().get('ename')}: {reply.result().get('evalue')}"[:2000]
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
