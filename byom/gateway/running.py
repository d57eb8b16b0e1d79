"""A gateway for a notebook or a program: a process of its own, that ends with whoever started it."""

import json
import os
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self


class GatewayError(RuntimeError):
    """A gateway can't start; the text says why."""


class Gateway:
    """A running API gateway; also a context manager.

    Args:
        handler: the Lambda handler, by file and function: `source/handler.py:lambda_handler`.
        static: a folder of files to serve beside the API, such as a page at `/`.
        environment: the variables that the handler finds, beside the `AWS_` ones of this process.
        api: `http` for an HTTP API with payload format 2.0, `rest` for a REST API with 1.0.
        routes: what the API passes on, as in `["POST /classify"]`; every request by default.
        timeout: seconds that the handler may take, at most 900.
        port: 0 takes any free one.
        host: another host than 127.0.0.1 is served with HTTPS.
        certificate: a PEM file for HTTPS, with its `key`; with another host, one is made where none is given.

    Raises:
        GatewayError: the handler can't be imported, the port is in use, or another argument can't be right.
    """

    def __init__(
        self,
        handler: str | Path,
        *,
        static: str | Path | None = None,
        environment: Mapping[str, str] | None = None,
        api: Literal["http", "rest"] = "http",
        routes: Sequence[str] = (),
        timeout: float = 10.0,
        port: int = 0,
        host: str = "127.0.0.1",
        certificate: str | Path | None = None,
        key: str | Path | None = None,
    ) -> None:
        variables = dict(environment or {})
        options = {"static": static, "api": api, "timeout": timeout, "port": port, "host": host}
        options |= {"certificate": certificate, "key": key, "owner": os.getpid()}
        command = [sys.executable, "-P", "-m", "byom.gateway", str(handler)]
        command += [f"--{name}={value}" for name, value in options.items() if value is not None]
        command += [f"--route={route}" for route in routes] + [f"--env={name}" for name in variables]
        search = [str(Path(__file__).parents[2]), variables.get("PYTHONPATH") or os.environ.get("PYTHONPATH")]
        path = os.pathsep.join(filter(None, search))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - without a name: nothing is left of it, whoever is killed
        try:
            self._process = subprocess.Popen(
                command,
                # values go where no list of processes shows them
                env={**os.environ, **variables, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._log,
                start_new_session=True,  # Ctrl+C in the notebook's terminal is not meant for it
            )
        except (ValueError, TypeError) as error:
            raise GatewayError(f"The handler's environment must be text: {error}.") from None
        # also when nobody holds the gateway any more: a cell that is run again leaves none behind
        self._end = weakref.finalize(self, _ended, self._process)
        self._end.atexit = False  # a fork of this process must not end it; and without its owner it ends anyway
        assert self._process.stdout is not None
        with self._process.stdout as said:
            line = said.readline()
        if not line:
            self._end()
            raise GatewayError(self.log.strip() or f"The gateway ended with exit code {self._process.returncode}.")
        self.url: str = json.loads(line)["url"]

    @property
    def log(self) -> str:
        """What the gateway and the handler have said so far: prints, requests, and each error with its traceback."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode("utf-8", "replace")

    def close(self) -> None:
        """End the gateway and the handler's processes; may be called again. The log stays."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Gateway {self.url}{'' if self._process.poll() is None else ', ended'}>"


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()
