"""Serves one model through AWS's own inference toolkit: `python serving.py HANDLER FD MEMORY`.

It plays the model server of AWS's containers. HANDLER names a toolkit's handler service as `module:class`. This
process imports the framework once; for every socket that arrives through FD it forks a worker, which loads the model
and answers the requests that come through that socket, one at a time. A worker that grows beyond MEMORY bytes is ended.
This file is run by its path and imports nothing of byom; the server imports it for the frames that both ends speak.
"""

import contextlib
import importlib
import inspect
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

import psutil

ORDER = struct.Struct("!cI")  # from the server: FORK comes with a socket, END with the worker's process id
FORK, END = b"F", b"E"
READY = struct.Struct("!I")  # a worker's first bytes, when its model is loaded: its process id
SIZES = struct.Struct("!II")  # a request or an answer: bytes of its head, bytes of its body; then the two
LOOK = 0.25  # seconds between two looks at how much memory the workers use


def frame(head: Any, body: bytes | bytearray) -> bytes:
    """A request, whose head is a dict of headers, or an answer, whose head is `[status, headers]`, in lower case."""
    packed = json.dumps(head).encode()
    return b"".join((SIZES.pack(len(packed), len(body)), packed, body))


def ended(pid: int | str) -> str:
    """How the log's line about the end of a worker begins."""
    return f"byom.local: worker {pid} ended"


class Context:
    """What handlers see of the model server: the members of `mms.context.Context` that the toolkits use."""

    def __init__(self, model_dir: Path) -> None:
        self.system_properties = {"model_dir": str(model_dir), "gpu_id": None, "batch_size": 1}
        self.manifest: dict[str, Any] = {}
        self.request_processor = [self]
        self.begin({})

    def begin(self, headers: dict[str, str]) -> None:
        """Be the context of the next request. As in the model server, one object serves all of them."""
        self._headers = headers
        self.status, self.phrase, self.content_type = 200, "OK", "text/plain"
        self.answer_headers: dict[str, str] = {}

    def get_request_properties(self) -> dict[str, str]:
        """The request's headers."""
        return self._headers

    def get_request_header(self, index: int, key: str) -> str | None:
        """One header of the request; case doesn't matter."""
        return {name.lower(): value for name, value in self._headers.items()}.get(key.lower())

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        """The status to answer with."""
        self.status, self.phrase = int(code), phrase

    def set_response_content_type(self, request_id: int, value: str) -> None:
        """The content type to answer with."""
        self.content_type = value

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """A header to answer with, such as the custom attributes."""
        self.answer_headers[key] = value


def remember_signatures() -> None:
    """Make the toolkit look at each function once. It does so for each request, four times, and a small model answers
    in less time than that takes.
    """
    from sagemaker_inference import transformer

    seen: dict[
        int, tuple[Any, Any]
    ] = {}  # by identity, as not every callable has a hash; kept, so that it stays its own

    def signature(function: Any) -> Any:
        if id(function) not in seen:
            seen[id(function)] = (function, inspect.signature(function))
        return seen[id(function)][1]

    transformer.signature = signature


class Worker:
    """A forked process: the model, and one socket to the server."""

    def __init__(self, link: socket.socket, service: Any, model_dir: Path) -> None:
        self._link, self._service = link, service
        self._context = Context(model_dir)

    def load(self) -> None:
        """Load the model as the toolkit does."""
        start = time.perf_counter()
        self._service.initialize(self._context)
        print(f"byom.local: worker {os.getpid()} loaded the model in {time.perf_counter() - start:.2f} s")

    def serve(self) -> None:
        """Answer requests until the server lets go of the socket."""
        self._link.sendall(READY.pack(os.getpid()))
        with self._link.makefile("rb") as requests:
            while sizes := requests.read(SIZES.size):
                head, body = SIZES.unpack(sizes)
                headers = json.loads(requests.read(head))
                self._link.sendall(self._answer(headers, bytearray(requests.read(body))))

    def _answer(self, headers: dict[str, str], body: bytearray) -> bytes:
        context = self._context
        context.begin(headers)
        try:
            answer = self._service.handle([{"body": body}], context)[0]
            if isinstance(answer, str):
                answer = answer.encode()
            elif not isinstance(answer, bytes | bytearray):
                answer = json.dumps(answer).encode()
            told = {"Content-Type": context.content_type, **context.answer_headers}
            told = {name.lower(): str(value) for name, value in told.items() if value is not None}
            return frame([context.status, told], answer)
        except Exception:  # the toolkit catches what handlers raise, not what they return
            return frame([500, {}], traceback.format_exc().encode())


class Nursery:
    """Forks workers on the server's orders, tells of their end, and ends those that hang or grow too large."""

    def __init__(self, handler: str, model_dir: Path, memory: int) -> None:
        module, _, name = handler.partition(":")
        start = time.perf_counter()
        self._service = getattr(importlib.import_module(module), name)
        remember_signatures()
        print(f"byom.local: imported {module} in {time.perf_counter() - start:.2f} s")
        self._model_dir, self._memory = model_dir, memory
        self._workers: set[int] = set()
        self._condemned: set[int] = set()
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._woken, False)

    def run(self, control: socket.socket) -> None:
        """Follow the orders that come through `control` until the server closes it."""
        signal.set_wakeup_fd(self._woken)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([control.fileno(), self._wake], [], [], LOOK if self._workers else None)
            if self._wake in ready:
                os.read(self._wake, 4096)
            self._tell_of_the_ended()
            self._end_the_large()
            if control.fileno() in ready:
                order, sockets, _, _ = socket.recv_fds(control, ORDER.size, 1)
                if not order:
                    return
                kind, pid = ORDER.unpack(order)
                if kind == FORK:
                    with socket.socket(fileno=sockets[0]) as link:
                        link.set_inheritable(False)
                        self._fork(link, control)
                elif pid in self._workers:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGKILL)

    def _fork(self, link: socket.socket, control: socket.socket) -> None:
        sys.stdout.flush()
        if pid := os.fork():
            with contextlib.suppress(OSError):  # the child does it as well, whoever comes first
                os.setpgid(pid, pid)
            self._workers.add(pid)
            return
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        control.close()
        self._work(link)

    def _work(self, link: socket.socket) -> NoReturn:
        status = 0
        try:
            worker = Worker(link, self._service(), self._model_dir)
            worker.load()
            worker.serve()
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
            print(f"SystemExit: {error.code}")
        except BaseException:
            status = 1
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _tell_of_the_ended(self) -> None:
        for worker in list(self._workers):
            pid, status = os.waitpid(worker, os.WNOHANG)
            if pid:
                self._workers.remove(pid)
                self._condemned.discard(pid)
                with contextlib.suppress(OSError):  # what it had started
                    os.killpg(pid, signal.SIGKILL)
                code = os.waitstatus_to_exitcode(status)
                print(f"{ended(pid)} {f'with exit code {code}' if code >= 0 else f'by {signal.Signals(-code).name}'}")

    def _end_the_large(self) -> None:
        for pid in self._workers - self._condemned:
            with contextlib.suppress(psutil.Error, ProcessLookupError):  # it may end at this moment
                size = psutil.Process(pid).memory_info().rss
                if size > self._memory:
                    print(
                        f"byom.local: worker {pid} uses {size >> 20} MiB of memory; it may use "
                        f"{self._memory >> 20} MiB, so it is ended"
                    )
                    self._condemned.add(pid)
                    os.killpg(pid, signal.SIGKILL)


def main(handler: str, fd: int, memory: int) -> None:
    """Install what the code asks for, import the framework, and fork workers until the server lets go."""
    model_dir = Path(os.environ["SAGEMAKER_BASE_DIR"]) / "model"
    code_dir = model_dir / "code"
    requirements = code_dir / "requirements.txt"
    if requirements.exists():
        if subprocess.run([sys.executable, "-m", "pip", "install", "-r", requirements], check=False).returncode:
            sys.exit("byom.local: requirements.txt can't be installed")
        importlib.invalidate_caches()
    sys.path.insert(0, str(code_dir))
    with socket.socket(fileno=fd) as control:
        Nursery(handler, model_dir, memory).run(control)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
