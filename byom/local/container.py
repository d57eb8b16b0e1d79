"""What stands for a container: a private `/opt/ml`, a clean environment, and processes that can't outlive it."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from .account import client_environment
from .logs import LogStream

GUARD = Path(__file__).with_name("guard.py")
IN_CONTAINER = Path(__file__).with_name("in_container")
FOLDERS = ("input/config", "input/data", "model", "output/data", "code")
# PORT: every MXNet process of a host would take it for its own
_NOT_INHERITED = ("SM_", "SAGEMAKER_", "DMLC_", "JPY_", "PYTEST_", "AWS_", "BYOM_", "MPLBACKEND", "PYTHON", "PORT")
_LONGEST_LINE = 64 * 1024  # bytes


class ContainerEnded(Exception):
    """The container was ended before its command started."""


class Container:
    """A private `/opt/ml` at `base`, and the one command that runs in it."""

    def __init__(self, base: Path, url: str, log: LogStream) -> None:
        self.base = base
        self._url = url
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None
        self._ended = False
        self._lock = threading.Lock()
        for folder in FOLDERS:
            (base / folder).mkdir(parents=True)

    def start(
        self, command: Sequence[str | Path | int], environment: dict[str, str], inherit: Sequence[int] = ()
    ) -> None:
        """Run a Python program: `command` follows the interpreter's name. `inherit` are file descriptors it gets.

        Raises ContainerEnded when `kill` came first.
        """
        reading, writing = os.pipe()
        guard = [sys.executable, "-P", GUARD, reading, *inherit, "--", sys.executable, "-P", *command]
        try:
            with self._lock:
                if self._ended:
                    raise ContainerEnded
                self._process = subprocess.Popen(
                    [str(part) for part in guard],
                    cwd=self.base,
                    env=self._environment(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=[reading, *inherit],
                    start_new_session=True,
                )
                self._lifeline, writing = writing, -1
        finally:
            os.close(reading)
            if writing != -1:
                os.close(writing)
        self._pump = threading.Thread(target=self._keep_log, daemon=True)
        self._pump.start()

    @property
    def running(self) -> bool:
        """Whether the command still runs."""
        return self._process is not None and self._process.poll() is None

    def wait(self, seconds: float) -> int | None:
        """The exit status, once every process ended and its log is whole; None while it runs."""
        assert self._process is not None, "nothing was started"
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._pump.join(5)  # a process that escaped the guard could hold the pipe for ever
        return status

    def terminate(self) -> None:
        """Ask the command to end, as SageMaker's SIGTERM does."""
        with self._lock, contextlib.suppress(BrokenPipeError):
            if self._lifeline is not None:
                os.write(self._lifeline, b"T")

    def kill(self) -> None:
        """End every process at once, and wait until they have."""
        with self._lock:
            self._ended = True
            if self._lifeline is not None:
                os.close(self._lifeline)
                self._lifeline = None
        if self._process is not None:
            self._process.wait()

    def remove(self) -> None:
        """Kill what runs and delete the folder, as an instance is thrown away."""
        self.kill()
        shutil.rmtree(self.base, ignore_errors=True)

    def _environment(self, given: dict[str, str]) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
        site = self.base / "site"
        return (
            # idle OpenMP threads sleep: on a busy laptop spinning ones make a small model train six times slower
            {"OMP_WAIT_POLICY": "PASSIVE"}
            | inherited
            | client_environment(self._url)
            | {
                "SAGEMAKER_BASE_DIR": str(self.base),
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
                # requirements.txt is installed here, and never into the learner's own environment
                "PIP_TARGET": str(site),
                "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            }
            | given
            | {"PYTHONPATH": os.pathsep.join(filter(None, [given.get("PYTHONPATH"), str(site), str(IN_CONTAINER)]))}
        )

    def _keep_log(self) -> None:
        assert self._process is not None and isinstance(self._process.stdout, io.BufferedReader)
        rest = b""
        with self._process.stdout as pipe:
            while chunk := pipe.read1(_LONGEST_LINE):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) >= _LONGEST_LINE:
                    lines, rest = [*lines, rest], b""
                self._log.append([_text(line) for line in lines])
        if rest:
            self._log.append([_text(rest)])


def _text(line: bytes) -> str:
    # a progress bar rewrites its line with "\r": keep what would stand there in the end
    return line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]
