"""One execution environment of a Lambda function: `python environment.py FD FILE FUNCTION ARN`.

It imports the handler once, and answers one invocation after the other through the socket FD until that is closed.
What the handler prints goes to standard output. This file is run by its path and imports nothing of byom: the handler
finds what it would find in Lambda, the standard library and what is installed.
"""

import importlib.util
import json
import logging
import os
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

INVOCATION = struct.Struct("!Id36s")  # length of the event, deadline in seconds since the epoch, request id
OUTCOME = struct.Struct("!?I")  # whether it succeeded, length of the JSON that follows


class Context:
    """What a handler gets as its second argument; the names are those of Lambda's own runtime for Python."""

    def __init__(self, arn: str, request_id: str, deadline: float) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = None
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends this invocation."""
        return max(0, int((self._deadline - time.time()) * 1000))


class _Request:
    """The id of the invocation that runs, for lines of `logging`."""

    id = ""

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self.id
        return True


def load(file: Path, function: str) -> Callable[[Any, Context], Any]:
    """Import the handler from its file. Raises whatever the import raises."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    handler = getattr(module, function, None)
    if not callable(handler):
        raise AttributeError(f"{file.name} has no function {function}")
    return handler


def described(error: BaseException, frame: TracebackType | None) -> bytes:
    """Lambda's JSON of an error; its traceback, from `frame` on, goes to the log."""
    lines = traceback.format_exception(type(error), error, frame)
    print(f"[ERROR] {''.join(lines)}", end="", flush=True)
    return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error), "stackTrace": lines}).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):  # as Lambda does
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def main() -> int:
    """Serve until the gateway closes the socket."""
    fd, file, function, arn = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    os.set_inheritable(fd, False)  # what the handler starts must not keep it open
    channel = socket.socket(fileno=fd)
    incoming = channel.makefile("rb")
    sys.stdout.reconfigure(line_buffering=True, errors="replace")  # type: ignore[union-attr]
    sys.path.insert(0, str(file.parent))
    sys.argv = [str(file)]
    request = _Request()
    logged = logging.StreamHandler(sys.stdout)
    logged.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s\t%(aws_request_id)s\t%(message)s"))
    logged.addFilter(request)
    logging.getLogger().addHandler(logged)

    def tell(succeeded: bool, what: bytes) -> None:
        channel.sendall(OUTCOME.pack(succeeded, len(what)) + what)

    try:
        handler = load(file, function)
    except BaseException as error:
        # the frames of this file and of the import's machinery say nothing
        frame = error.__traceback__
        while frame is not None and frame.tb_frame.f_code.co_filename != str(file):
            frame = frame.tb_next
        tell(False, described(error, frame))
        return 1
    tell(True, b"null")
    while head := incoming.read(INVOCATION.size):
        length, deadline, request_id = INVOCATION.unpack(head)
        request.id = request_id.decode()
        event = json.loads(incoming.read(length))
        try:
            answer = handler(event, Context(arn, request.id, deadline))
            said = True, json.dumps(answer, default=_plain).encode()
        except Exception as error:
            said = False, described(error, error.__traceback__ and error.__traceback__.tb_next)
        del event
        sys.stdout.flush()
        tell(*said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
