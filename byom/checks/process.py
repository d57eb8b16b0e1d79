"""Learner scripts, each in a process of its own, as a training container would run them.

A warm server process imports a unit's frameworks once; every script is forked from it. Two scripts, or a
learner's and the reference's, never share modules: all of them are called ``model`` and ``train``. Between the
server and a script stands a keeper, which ends whatever the script started and left behind.
"""

import contextlib
import ctypes
import importlib
import multiprocessing
import os
import selectors
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import psutil

from byom.checks.evidence import LIMIT, BadEvidence, Record, decode, encode

OUTPUT_LIMIT = 10_000_000
"""Bytes a script may print before it is stopped."""

_KEPT = 100_000  # of them, those that a check reads

_context: Any = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
_warm = ["psutil"]


@dataclass(frozen=True)
class Ended:
    """A process that ended: its exit code, the start of what it printed, what it sent, and why it was stopped."""

    code: int | None
    output: str
    message: bytes | None
    stopped: str | None

    @property
    def trouble(self) -> str | None:
        """One sentence when it did not end well, with the last line it printed; else None."""
        last = self.output.strip().rsplit("\n", 1)[-1][-300:]
        if self.stopped:
            return self.stopped + (f"; its last line: {last}" if last else "")
        if self.code != 0:
            how = (
                f"was killed by signal {-self.code}"
                if self.code and self.code < 0
                else f"ended with exit code {self.code}"
            )
            return f"the process {how}" + (f"; its last line: {last}" if last else "")
        return None


def preload(*modules: str) -> None:
    """Have the server import these when it starts, so that no script has to wait for them.

    A unit names the frameworks of its scripts. What this machine doesn't have is left out.
    """
    if sys.platform != "win32":
        _warm.extend(module for module in modules if module not in _warm)
        _context.set_forkserver_preload(list(_warm))


def run_script(
    script: Path, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, seconds: float
) -> Ended:
    """Run ``script`` as a main program in ``folder``, with arguments and these variables added.

    Args:
        script: the script's path; its folder comes first on ``sys.path``, as for ``python script.py``.
        arguments: what follows the script's name on the command line.
        environment: variables to set; an SM_ variable that is not among them is removed.
        folder: the working directory.
        seconds: the time it may take.
    """
    return _run(_script, (str(script), list(arguments), dict(environment)), folder, seconds)


def gather(
    function: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    script: Path,
    given: Mapping[str, Any],
    seconds: float,
) -> Record:
    """Call ``function(given)`` where ``script`` and the modules beside it can be imported; return its evidence.

    When the process ends before it has any, the record says why.
    """
    record = Record()
    if not script.is_file():
        record.fail(f"there is no file {script.parent.name}/{script.name}")
        return record
    with scratch() as folder:
        task = (function.__module__, function.__qualname__, str(script.resolve().parent), encode(given))
        ended = _run(_gather, task, folder, seconds)
    if ended.message is None:
        record.fail(ended.trouble or "the process ended before it was done")
        return record
    try:
        record.update(decode(ended.message.decode(errors="replace")))
    except BadEvidence as bad:
        record.fail(str(bad))
    return record


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder, removed with all that a script left in it."""
    folder = Path(tempfile.mkdtemp(prefix="byom-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(target: Callable[..., None], task: tuple[Any, ...], folder: Path, seconds: float) -> Ended:
    said, saying = os.pipe()
    answer, answering = _context.Pipe(duplex=False)
    with contextlib.closing(answer), os.fdopen(said, "rb", buffering=0) as log:
        process = _context.Process(target=_child, args=(target, task, str(folder), _Descriptor(saying), answering))
        process.start()
        os.close(saying)
        answering.close()
        output, stopped, message = _listen(process, log, answer, seconds)
        if stopped:
            process.terminate()
        process.join(10)
        process.kill()  # a keeper that is stuck; else it has ended
        process.join()
    return Ended(process.exitcode, output.decode(errors="replace"), message, stopped)


def _listen(process: Any, log: Any, answer: Connection, seconds: float) -> tuple[bytes, str | None, bytes | None]:
    """Read what the process prints and sends until it ends, or until it has had its time or its output."""
    output, printed, message, deadline = bytearray(), 0, None, time.monotonic() + seconds
    with selectors.DefaultSelector() as waiting:
        waiting.register(log, selectors.EVENT_READ)
        waiting.register(answer, selectors.EVENT_READ)
        waiting.register(process.sentinel, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in waiting.select(max(0.0, deadline - time.monotonic()))}
            if not ready:
                return bytes(output), f"stopped after {seconds:g} s", message
            if log in ready:
                chunk = log.read(65536)
                printed += len(chunk)
                output += chunk[: max(0, _KEPT - len(output))]
                if not chunk:
                    waiting.unregister(log)
                if printed > OUTPUT_LIMIT:
                    return (
                        bytes(output),
                        f"stopped after printing more than {OUTPUT_LIMIT // 10**6} MB",
                        message,
                    )
            if answer in ready:
                try:
                    message = answer.recv_bytes(LIMIT)
                except EOFError:
                    waiting.unregister(answer)
                except OSError:  # longer than that
                    return bytes(output), f"stopped: its evidence has more than {LIMIT:,} characters", None
            if process.sentinel in ready and not ({log, answer} & ready):
                return bytes(output), None, message


class _Descriptor:
    """A file descriptor that reaches the other process as a duplicate."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        from multiprocessing.reduction import DupFd

        return _Descriptor._detach, (DupFd(self.number),)

    @staticmethod
    def _detach(duplicate: Any) -> "_Descriptor":
        return _Descriptor(duplicate.detach())


def _child(
    target: Callable[..., None], task: tuple[Any, ...], folder: str, log: _Descriptor, answer: Connection
) -> None:
    os.setsid()
    _process_control(_ADOPT_ORPHANS, 1)
    _process_control(_END_WITH_PARENT, signal.SIGKILL)
    script = os.fork()
    if script:
        answer.close()
        os.close(log.number)
        _keep(script)
    _process_control(_END_WITH_PARENT, signal.SIGKILL)
    os.dup2(log.number, 1)
    os.dup2(log.number, 2)
    os.close(log.number)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # input() fails at once instead of waiting for ever
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, m, closefd=False) for n, m in ((0, "r"), (1, "w"), (2, "w")))
    os.chdir(folder)
    for fault in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE):
        signal.signal(fault, signal.SIG_DFL)  # MXNet's handler would make an exit code of it
    for name in [n for n in os.environ if n.startswith("SM_")]:
        del os.environ[name]
    _on_one_core()
    target(answer, *task)
    sys.stdout.flush()


def _on_one_core() -> None:
    """Have the frameworks use one thread: fair and repeatable when several scripts are checked side by side."""
    os.environ["OMP_NUM_THREADS"] = "1"  # for those that are imported later
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    if mxnet := sys.modules.get("mxnet"):
        mxnet.base._LIB.MXSetNumOMPThreads(1)


def _keep(script: int) -> NoReturn:
    """Wait for the process ``script``, end all that it leaves, and exit as it did. SIGTERM ends it early."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(script, signal.SIGKILL))
    _, status = os.waitpid(script, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        for left in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


_END_WITH_PARENT, _ADOPT_ORPHANS = 1, 36  # PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER of <linux/prctl.h>


def _process_control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _script(_answer: Connection, script: str, arguments: list[str], environment: dict[str, str]) -> None:
    import runpy

    os.environ.update(environment)
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name="__main__")


def _gather(answer: Connection, module: str, function: str, source: str, given: str) -> None:
    sys.path.insert(0, source)
    evidence = getattr(importlib.import_module(module), function)(decode(given))
    answer.send_bytes(encode(evidence).encode())
