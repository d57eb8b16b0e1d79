"""The workers of one model, seen from the server: started, asked one request at a time each, and replaced when they
end or hang. `serving.py` is their other end.
"""

import asyncio
import json
import logging
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .container import Container
from .serving import END, FORK, ORDER, READY, SIZES, frame

SERVING = Path(__file__).with_name("serving.py")
PAUSE = 1  # seconds before another worker is tried after one that could not load the model
_NOBODY = 0  # the process id of a worker that never told it

log = logging.getLogger(__name__)


class WorkerEnded(Exception):
    """A worker's process ended with a request in hand, or before it had loaded the model."""

    def __init__(self, pid: int = _NOBODY) -> None:
        super().__init__(f"worker {pid} ended")
        self.pid = pid


class WorkerHangs(Exception):
    """A worker did not answer in time, and was ended."""


class NoWorkers(Exception):
    """The container has ended. The request was given to no worker, so it can be asked again elsewhere."""


@dataclass(slots=True)
class Answer:
    """What a handler answered; the headers' names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Link(asyncio.Protocol):
    """The server's end of the socket to one worker. All but the constructor belongs to the event loop."""

    def __init__(self, pid: int, link: socket.socket) -> None:
        self.pid, self.lost = pid, False
        self._socket = link
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._answer: asyncio.Future[Answer] | None = None
        self._owner: Workers | None = None

    async def attach(self, owner: "Workers") -> None:
        """Join the running event loop; `owner` is told when the worker ends while it has nothing to do."""
        self._owner = owner
        loop = asyncio.get_running_loop()
        self._transport = (await loop.create_unix_connection(lambda: self, sock=self._socket))[0]

    async def ask(self, request: bytes, seconds: float) -> Answer:
        """The answer to one request. Raises WorkerEnded and WorkerHangs; either way this worker is of no more use."""
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        alarm = loop.call_later(seconds, self._expire)
        try:
            self._transport.write(request)
            return await self._answer
        finally:
            alarm.cancel()
            self._answer = None

    def close(self) -> None:
        """Let go of the worker."""
        self.lost = True
        if self._transport is None:
            self._socket.close()
        else:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Collect an answer."""
        self._received += data
        if len(self._received) < SIZES.size:
            return
        head, body = SIZES.unpack_from(self._received)
        if len(self._received) < SIZES.size + head + body:
            return
        whole = bytes(self._received)
        self._received.clear()
        status, headers = json.loads(whole[SIZES.size : SIZES.size + head].decode())
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(status, headers, whole[SIZES.size + head :]))

    def connection_lost(self, error: Exception | None) -> None:
        """The worker ended, or was let go of."""
        self.lost = True
        if self._answer is not None:
            if not self._answer.done():
                self._answer.set_exception(WorkerEnded(self.pid))
        elif self._owner is not None:
            self._owner.drop(self)

    def _expire(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WorkerHangs())


class Workers:
    """The workers of one container. Started by any thread, asked by the one event loop."""

    def __init__(self, container: Container, *, timeout: float, memory: int) -> None:
        """Args: timeout: seconds a worker has to answer; memory: bytes it may use."""
        self.in_hand = 0  # requests that wait or are with a worker
        self.ended = False
        self._container, self._timeout, self._memory = container, timeout, memory
        self._load_within = 0.0
        self._control: socket.socket | None = None
        self._lock = threading.Lock()  # of orders
        self._fresh: list[Link] = []  # not yet in the event loop
        self._idle: list[Link] = []
        self._waiting: deque[asyncio.Future[Link]] = deque()
        self._joining: set[asyncio.Task[None]] = set()
        self._living = 0

    def start(self, handler: str, environment: dict[str, str], count: int, within: float) -> None:
        """Start the container and wait until each worker has loaded the model.

        Raises WorkerEnded when one can't, TimeoutError when it takes longer than `within` seconds, and ContainerEnded.
        """
        self._load_within = within
        self._control, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            self._container.start([SERVING, handler, fd, self._memory], environment, inherit=[fd])
        deadline = time.monotonic() + within
        links = [self._fork() for _ in range(count)]
        self._fresh = [_loaded(link, deadline - time.monotonic()) for link in links]
        self._living = count

    async def ask(self, headers: dict[str, str], body: bytes | bytearray) -> Answer:
        """A worker's answer. Raises WorkerEnded, WorkerHangs, and NoWorkers when the container has ended."""
        self.in_hand += 1
        link = None
        try:
            link = await self._take()
            answer = await link.ask(frame(headers, body), self._timeout)
        except BaseException as error:
            if link is not None:
                if not isinstance(error, WorkerEnded):
                    self._order(END, link.pid)
                self._replace(link)
            raise
        else:
            self._give(link)
            return answer
        finally:
            self.in_hand -= 1

    def close(self) -> None:
        """End all of it and delete the container's folder."""
        self.ended = True
        self._container.remove()
        if self._control is not None:
            self._control.close()

    def drop(self, link: Link) -> None:
        """An idle worker ended."""
        if link in self._idle:
            self._idle.remove(link)
            self._replace(link)

    async def _take(self) -> Link:
        while True:
            while self._fresh:
                await self._join(self._fresh.pop())
            if self._idle:
                link = self._idle.pop()
            elif self.ended:
                raise NoWorkers
            else:
                turn: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                try:
                    link = await turn
                except asyncio.CancelledError:
                    if turn.done() and not turn.cancelled() and turn.exception() is None:
                        self._give(turn.result())
                    raise
            if not link.lost:
                return link
            self._replace(link)

    async def _join(self, link: Link) -> None:
        await link.attach(self)
        await asyncio.sleep(0)  # one that has ended meanwhile is noticed here
        self._give(link)

    def _give(self, link: Link) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(link)
                return
        self._idle.append(link)

    def _replace(self, link: Link) -> None:
        link.close()
        self._living -= 1
        if self.ended:
            self._give_up()
            return
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._renew, args=(loop,), name="worker's replacement", daemon=True).start()

    def _renew(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the server ends, and its loop was faster
            while True:
                try:
                    link = _loaded(self._fork(), self._load_within)
                except (WorkerEnded, TimeoutError):
                    # others serve on; the last one takes the container with it, whose log says why
                    if self._living == 0 or not self._container.running:
                        self._container.kill()
                        loop.call_soon_threadsafe(self._give_up)
                        return
                    time.sleep(PAUSE)
                else:
                    loop.call_soon_threadsafe(self._welcome, link)
                    return

    def _welcome(self, link: Link) -> None:
        self._living += 1
        joining = asyncio.get_running_loop().create_task(self._join(link))
        self._joining.add(joining)  # the loop itself would let go of it
        joining.add_done_callback(self._joining.discard)

    def _give_up(self) -> None:
        self.ended = True
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(NoWorkers())

    def _fork(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._order(FORK, _NOBODY, theirs)
        return ours

    def _order(self, kind: bytes, pid: int, link: socket.socket | None = None) -> None:
        assert self._control is not None
        with self._lock, suppress(OSError):  # a container that has ended is noticed at the worker's socket
            socket.send_fds(self._control, [ORDER.pack(kind, pid)], [link.fileno()] if link else [])


def _loaded(link: socket.socket, within: float) -> Link:
    """Wait for a worker's first bytes. Raises WorkerEnded and TimeoutError."""
    try:
        link.settimeout(max(within, 0.001))
        told = link.recv(READY.size, socket.MSG_WAITALL)
        if len(told) < READY.size:
            raise WorkerEnded
    except TimeoutError:
        link.close()
        raise
    except (OSError, WorkerEnded):
        link.close()
        raise WorkerEnded from None
    link.setblocking(False)
    return Link(READY.unpack(told)[0], link)
