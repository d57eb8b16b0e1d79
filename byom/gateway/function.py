"""A Lambda function on this computer: its execution environments, its time limit, and its code when that changes.

Each environment is a process that handles one invocation at a time, as in Lambda: invocations share no variables, one
that takes too long can be ended, and one that crashes takes nothing with it.
"""

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byom.local import guard
from byom.local.account import ACCOUNT_ID, REGION

from .environment import INVOCATION, OUTCOME

ENVIRONMENTS = 4  # at most so many invocations at a time; the next ones wait
PAYLOAD_LIMIT = 6 * 2**20  # bytes of an event, and of an answer
START_LIMIT = 60.0  # seconds that importing the handler may take; Lambda has 10, and quicker disks
MEMORY = "128"  # MB that the function is told; not enforced
_PROGRAM = Path(__file__).with_name("environment.py")
# Lambda hands a function nothing of whoever deployed it: neither does this, but for what programs need to run at all,
# and AWS's own variables, which stand for the function's role
_INHERITED = {"HOME", "LANG", "LD_LIBRARY_PATH", "LOGNAME", "OMP_NUM_THREADS", "PATH", "PYTHONPATH", "TMPDIR", "USER"}
_INHERITED_KINDS = ("AWS_", "LC_", "NO_PROXY", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")

log = logging.getLogger("byom.gateway")


class HandlerError(Exception):
    """The handler can't be found or imported, or is not named rightly; the text says why in one sentence."""


class FunctionError(Exception):
    """An invocation that brought no answer: the handler raised, ended its process, or took too long."""


@dataclass(frozen=True)
class Handler:
    """A handler by its file and the name of its function."""

    file: Path
    function: str

    @classmethod
    def named(cls, name: str) -> "Handler":
        """The handler of a name such as `source/handler.py:lambda_handler`. Raises HandlerError."""
        path, _, function = name.rpartition(":")
        if not path.endswith(".py") or not function.isidentifier():
            raise HandlerError(
                f"{name!r} names no handler: write its file and function, as in handler.py:lambda_handler."
            )
        file = Path(path).expanduser().resolve()
        if not file.is_file():
            raise HandlerError(f"There is no file {file}.")
        return cls(file, function)

    def __str__(self) -> str:
        return f"{self.file.stem}.{self.function}"

    @property
    def arn(self) -> str:
        """The ARN that Lambda would have given it."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self.file.stem}"

    def version(self) -> frozenset[tuple[str, int, int, int]]:
        """What tells one state of its code from another: the Python files of its folder."""
        with os.scandir(self.file.parent) as entries:
            files = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".py")]
        return frozenset((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in files)

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """The environment that the handler finds, with what it was given."""
        inherited = {
            name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith(_INHERITED_KINDS)
        }
        region = inherited.get("AWS_REGION") or inherited.get("AWS_DEFAULT_REGION") or REGION
        return {
            **inherited,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "TZ": ":UTC",
            **given,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_NAME": self.file.stem,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": MEMORY,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.file.stem}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "LAMBDA_TASK_ROOT": str(self.file.parent),
            "_HANDLER": str(self),
            # a compiled file is told from its source by whole seconds: an edit right after another would be missed
            "PYTHONDONTWRITEBYTECODE": "1",
        }


class _Environment:
    """A process with the handler in it, and everything that it ever started."""

    def __init__(self, handler: Handler, variables: dict[str, str]) -> None:
        self._writer: asyncio.StreamWriter | None = None
        self.version = handler.version()  # before the import: an edit meanwhile counts as a change
        self._ours, theirs = socket.socketpair()
        reading, self._lifeline = os.pipe()
        guarded = [sys.executable, "-P", guard.__file__, reading, theirs.fileno(), "--"]
        program = [sys.executable, "-P", _PROGRAM, theirs.fileno(), handler.file, handler.function, handler.arn]
        try:
            self._process = subprocess.Popen(
                [str(part) for part in guarded + program],
                cwd=handler.file.parent,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),  # the gateway's log
                stderr=sys.stderr.fileno(),
                pass_fds=[reading, theirs.fileno()],
                start_new_session=True,
            )
        except BaseException:
            os.close(self._lifeline)
            self._ours.close()
            raise
        finally:
            os.close(reading)
            theirs.close()

    async def ready(self) -> None:
        """Wait until the handler is imported. Raises FunctionError."""
        self._reader, self._writer = await asyncio.open_unix_connection(sock=self._ours)
        try:
            async with asyncio.timeout(START_LIMIT):
                await self._outcome()
        except TimeoutError:
            raise FunctionError(f"its import takes longer than {START_LIMIT:g} seconds") from None

    async def run(self, request_id: str, deadline: float, event: bytes) -> bytes:
        """The handler's answer to an event, as JSON. Raises FunctionError."""
        assert self._writer is not None, "ready first"
        self._writer.write(INVOCATION.pack(len(event), deadline, request_id.encode()) + event)
        return await self._outcome()

    async def _outcome(self) -> bytes:
        try:
            succeeded, length = OUTCOME.unpack(await self._reader.readexactly(OUTCOME.size))
            if succeeded and length > PAYLOAD_LIMIT:
                raise _Ended(f"the answer has {length} bytes, and Lambda takes {PAYLOAD_LIMIT} at most")
            told = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            status = await asyncio.to_thread(self._process.wait)
            raise _Ended(f"its process ended with exit status {status}") from None
        if not succeeded:
            error = json.loads(told)
            raise FunctionError(f"{error['errorType']}: {error['errorMessage']}")
        return told

    def kill(self) -> None:
        """End it at once, with everything that it started; may be called again."""
        if self._lifeline != -1:
            os.close(self._lifeline)
            self._lifeline = -1
            (self._writer or self._ours).close()

    def wait(self) -> None:
        """Wait until nothing of it is left."""
        self._process.wait()


class _Ended(FunctionError):
    """As above, and its environment can't be used again."""


class Function:
    """A Lambda function.

    Args:
        handler: its code.
        given: the environment variables of its configuration.
        timeout: seconds that an invocation may take.
    """

    def __init__(self, handler: Handler, given: Mapping[str, str], timeout: float) -> None:
        self.handler, self.timeout = handler, timeout
        self._variables = handler.variables(given)
        self._places = asyncio.Semaphore(ENVIRONMENTS)
        self._idle: list[_Environment] = []
        self._all: set[_Environment] = set()
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Make the first environment. Raises HandlerError when the handler can't be imported."""
        try:
            self._idle.append(await self._new())
        except FunctionError as error:
            raise HandlerError(f"{self.handler.file} can't be used: {error}.") from None

    async def invoke(self, request_id: str, event: bytes) -> Any:
        """The handler's answer to an event, both JSON. Raises FunctionError."""
        async with self._places:
            environment = self._take() or await self._new()
            whole = False
            began = time.monotonic()
            try:
                async with asyncio.timeout(self.timeout):
                    told = await environment.run(request_id, time.time() + self.timeout, event)
                whole = True
            except _Ended:
                raise
            except FunctionError:
                whole = True
                raise
            except TimeoutError:
                raise FunctionError(f"Task timed out after {self.timeout:.2f} seconds") from None
            finally:
                if whole:
                    self._idle.append(environment)
                else:
                    self._end(environment)
                log.info("REPORT RequestId: %s Duration: %.2f ms", request_id, (time.monotonic() - began) * 1000)
        try:
            return json.loads(told, parse_constant=_no_json)
        except (ValueError, RecursionError) as error:
            raise FunctionError(f"the answer is no JSON: {error}") from None

    async def close(self) -> None:
        """End every environment, busy or not, and wait until nothing of them is left."""
        for environment in list(self._all):
            self._end(environment)
        await asyncio.gather(*self._ending)

    def _take(self) -> _Environment | None:
        """An idle environment with today's code; those with older code are ended."""
        if not self._idle:
            return None
        try:
            version = self.handler.version()
        except OSError:  # the folder went away
            version = frozenset()
        while self._idle:
            environment = self._idle.pop()
            if environment.version == version:
                return environment
            self._end(environment)
        log.info("The code of %s has changed: it is imported again.", self.handler)
        return None

    async def _new(self) -> _Environment:
        try:
            environment = _Environment(self.handler, self._variables)
        except OSError as error:
            raise FunctionError(f"no process can be started: {error.strerror}") from None
        self._all.add(environment)
        ready = False
        try:
            await environment.ready()
            ready = True
        finally:
            if not ready:
                self._end(environment)
        return environment

    def _end(self, environment: _Environment) -> None:
        environment.kill()
        if environment in self._all:
            self._all.discard(environment)
            ending = asyncio.create_task(asyncio.to_thread(environment.wait))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
