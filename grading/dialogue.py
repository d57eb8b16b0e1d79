"""A dialogue with one kernel: ask it to run code, within the limits, and notice at once when it has died."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.manager import AsyncKernelManager

from grading.inbox import Message, context, lost, receive, reconnect
from grading.provisioner import SandboxProvisioner, kernel_manager
from grading.sandbox import Sandbox

_STRAGGLERS = 4.0  # seconds for output to arrive after a cell's reply, as in nbclient
_FLOODS = 3  # cells that may be stopped for their output, before the kernel is


@dataclass(frozen=True)
class Answer:
    """What became of a request."""

    content: dict[str, Any]
    """The reply's content, whatever the kernel put there; empty when there was none."""

    overstep: str | None
    """What it did that made it necessary to stop it, in words that complete "the cell …"."""


class _Request:
    """A request under way: what was heard of it so far."""

    def __init__(self, number: str, heed: Callable[[Message], None] | None = None) -> None:
        self.number, self.heed = number, heed
        self.reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.idle = asyncio.Event()
        self.flooded = asyncio.Event()
        self.traffic = 0  # bytes that arrived meanwhile


class Dialogue:
    """An asynchronous context manager: starts a kernel in ``sandbox``, and ends it with all that it started."""

    manager: AsyncKernelManager
    client: AsyncKernelClient

    def __init__(self, sandbox: Sandbox) -> None:
        self._limits = sandbox.limits
        self._provisioner = SandboxProvisioner(sandbox)
        self._received = 0  # bytes, of whatever kind
        self._floods = 0
        self._patience = _STRAGGLERS
        self._current: _Request | None = None

    async def __aenter__(self) -> "Dialogue":
        self._sockets = context()
        self.manager = kernel_manager(self._provisioner, self._sockets)
        try:
            await self.manager.start_kernel()
            self.client = self.manager.client(context=self._sockets)
            self.client.start_channels(hb=False, stdin=False)
        except BaseException:
            await self._close()
            raise
        self._death = asyncio.create_task(self._watch())
        self._lost = asyncio.create_task(lost(self.client.iopub_channel))
        self._listening = [
            asyncio.create_task(self._listen(self.client.shell_channel, self._on_reply)),
            asyncio.create_task(self._listen(self.client.iopub_channel, self._on_output)),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [self._death, self._lost, *self._listening]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._close()

    async def _close(self) -> None:
        await self.manager.cleanup_resources()
        self._sockets.destroy(linger=0)

    def end(self) -> None:
        """End the kernel when the context manager had no chance to; harmless at any other time."""
        self._provisioner.end()

    @property
    def obituary(self) -> str | None:
        """How the kernel ended, in words that complete "the kernel …"; None while it lives."""
        return self._provisioner.obituary if self._death.done() else None

    @property
    def refusal(self) -> str | None:
        """Why the submission's own files prevented a start, else None."""
        return self._provisioner.refusal

    async def ready(self, seconds: float) -> bool:
        """Wait until the kernel answers and its outputs arrive."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._death.done():
            self._current = request = _Request(self.client.kernel_info())
            if await self._first(request.idle.wait(), timeout=0.5):
                return True
        return False

    async def ask(
        self, code: str, deadline: float, heed: Callable[[Message], None] | None = None, **options: Any
    ) -> Answer:
        """Have the kernel run ``code`` and wait until it is done; stop it when it oversteps a limit.

        Args:
            code: the source of a cell.
            deadline: when it must be done, on the monotonic clock, however little of a cell's time that leaves.
            heed: called with every message on iopub that belongs to this request; what it raises is ignored.
            options: those of Jupyter's ``execute``.
        """
        if self._death.done():
            return Answer({}, None)
        number = self.client.execute(code, allow_stdin=False, stop_on_error=False, **options)
        self._current = request = _Request(number, heed)
        overstep = await self._overstep(request, deadline)
        if overstep:
            await self._interrupt(request, overstep)
        await self._await_stragglers(request)
        content = request.reply.result() if request.reply.done() else {}
        if _asks_to_exit(content):
            await self._first(timeout=self._limits.grace_seconds)
        return Answer(content, overstep)

    async def _overstep(self, request: _Request, deadline: float) -> str | None:
        """Wait for the reply to ``request``; returns what went too far before it came, if anything did."""
        left, limits = deadline - time.monotonic(), self._limits
        within = max(0.0, min(limits.cell_seconds, left))
        await self._first(request.reply, request.flooded.wait(), self._lost, timeout=within)
        if self._lost.done():
            await self._first(timeout=0.5)  # is it the kernel's death?
        if self._death.done():
            return None
        if request.flooded.is_set() or self._lost.done():
            self._floods += 1
            return f"wrote more than {limits.flood_bytes / 1e6:g} MB of output"
        if request.reply.done():
            return None
        if left < limits.cell_seconds:
            return f"ran until the {limits.submission_seconds:g} s for the whole notebook were used up"
        return f"ran for more than {limits.cell_seconds:g} s"

    async def _interrupt(self, request: _Request, overstep: str) -> None:
        await self.manager.interrupt_kernel()
        stopped = await self._first(request.reply, timeout=self._limits.grace_seconds)
        if self._death.done():
            return
        if not stopped:
            await self._kill(f"was stopped: a cell {overstep} and could not be interrupted")
        elif self._floods > _FLOODS:
            await self._kill("was stopped: it went on writing output")
        else:
            await asyncio.sleep(0.1)  # the interrupt may come late; it must not hit the next cell

    async def _await_stragglers(self, request: _Request) -> None:
        """Wait for the outputs that were still on their way when the reply came."""
        if self._lost.done():
            reconnect(self.client.iopub_channel)
            self._lost = asyncio.create_task(lost(self.client.iopub_channel))
            await self.ready(_STRAGGLERS)
        elif await self._first(request.idle.wait(), timeout=self._patience):
            self._patience = _STRAGGLERS
        else:
            self._patience /= 2  # a kernel whose outputs are cut off must not cost the whole wait at every cell

    async def _kill(self, reason: str) -> None:
        await asyncio.to_thread(self._provisioner.end, reason)
        await self._death

    async def _first(self, *events: Awaitable[Any], timeout: float) -> bool:
        """Wait until one of ``events`` has come (True), the kernel has died, or ``timeout`` seconds are over."""
        awaited = [asyncio.ensure_future(event) for event in events]
        await asyncio.wait({self._death, *awaited}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        come = any(task.done() for task in awaited)
        for task, event in zip(awaited, events, strict=True):
            if task is not event:  # made here for this wait only
                task.cancel()
        return come

    async def _watch(self) -> None:
        """Return when the kernel has ended and everything it sent has arrived."""
        while await self._provisioner.poll() is None:
            await asyncio.sleep(0.05)
        for _ in range(20):
            before = self._received
            await asyncio.sleep(0.1)
            if self._received == before:
                break

    async def _listen(self, channel: AsyncZMQSocketChannel, on: Callable[[_Request, Message], None]) -> None:
        """Hand on the messages that belong to the current request, and count all the others too."""
        while True:
            message, traffic = await receive(channel)
            self._received += traffic
            request = self._current
            if request is not None:
                request.traffic += traffic
                if request.traffic > self._limits.flood_bytes:
                    request.flooded.set()
                if message is not None and message.parent == request.number:
                    on(request, message)
            await asyncio.sleep(0)  # a flood must not keep the clock from being looked at

    def _on_reply(self, request: _Request, message: Message) -> None:
        if not request.reply.done():
            request.reply.set_result(message.content)

    def _on_output(self, request: _Request, message: Message) -> None:
        if message.kind == "status":
            if message.content.get("execution_state") == "idle":
                request.idle.set()
        elif request.heed is not None:
            request.heed(message)


def _asks_to_exit(content: dict[str, Any]) -> bool:
    payload = content.get("payload")
    return isinstance(payload, list) and any(isinstance(p, dict) and p.get("source") == "ask_exit" for p in payload)
