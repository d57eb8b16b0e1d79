"""The server: `python -m byom.local.server --root DIR`. One loopback port that speaks to boto3 as AWS does.

By the service that a request is signed for, it goes to our SageMaker or to moto's S3, IAM, STS and CloudWatch Logs.
"""

import argparse
import errno
import fcntl
import json
import logging
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import uvicorn
from a2wsgi import WSGIMiddleware
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from . import lifecycle
from .cloudwatch import CloudWatch
from .control import ControlPlane
from .endpoints import Endpoints
from .hosting import Hosting
from .instances import Instances
from .leases import Leases
from .logs import Logs
from .neighbours import SERVICES, Neighbours
from .objects import Objects
from .page import page_file
from .resources import ENDPOINT, TRAINING_JOB, Resources
from .runtime import BODY_LIMIT, Runtime, too_large
from .store import Store, StoreError
from .training import TrainingJobs
from .wire import AwsError

DRAINED = 64 * 2**20  # bytes of a refused body that are still read, so that the client hears the refusal
CALL_LIMIT = 4 * 2**20  # bytes of a SageMaker call; its largest request, by SageMaker's own limits, is far smaller
OWN = "/_byom/"  # no bucket's name begins with "_"
FULL = {errno.ENOSPC, errno.EDQUOT}
CHECK = 0.5  # seconds between two looks at who needs the server
HELD, BAD = 3, 2  # exit codes: another server has the root; it can't start

_SCOPE = re.compile(r"/\d{8}/[\w-]*/([\w-]+)/aws4_request")
Headers = dict[str, str]  # names in lower case

log = logging.getLogger("byom.local")


class Server:
    """All of it behind one ASGI application, with its state in `root`."""

    def __init__(self, root: Path, url: str, leases: Leases) -> None:
        self.root, self.url, self.leases = root, url, leases
        scratch = root / "run"
        shutil.rmtree(scratch, ignore_errors=True)  # of jobs and endpoints that died with an earlier server
        self._store = Store(root / "state.sqlite")
        self._resources = Resources(self._store)
        objects = Objects(self._store, root / "s3")
        logs = Logs(root / "logs")
        self._training = TrainingJobs(self._resources, objects, logs, scratch / "jobs", url)
        self._endpoints = Endpoints(self._resources, Instances(objects, logs, scratch / "endpoints", url))
        hosting = Hosting(self._resources, objects, self._endpoints)
        self._control = ControlPlane(self._training, hosting, self._resources)
        self._runtime = Runtime(self._endpoints)
        self._cloudwatch = CloudWatch(self._resources, root / "logs")
        self._neighbours: Any = WSGIMiddleware(Neighbours(objects))  # a2wsgi types ASGI in its own way
        port = url.rpartition(":")[2]
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        # plain dicts: starlette's headers, and its request, would cost an invocation as much as the model does
        headers = {name.decode("latin1"): value.decode("latin1") for name, value in scope["headers"]}
        try:
            answer = await self._answer(scope, headers, receive, send)
        except AwsError as error:
            answer = _refusal(headers, scope["query_string"], error)
        except ClientDisconnect:
            return
        except Exception as error:
            if isinstance(error, OSError) and error.errno in FULL:
                # not a 500: clients would try again and again
                full = f"The disk of byom.local is full: {self.root} has no space left. Nothing was stored."
                answer = _refusal(headers, scope["query_string"], AwsError("InsufficientStorage", full, 507))
            else:
                log.exception("%s %s", scope["method"], scope["path"])
                ours = AwsError("InternalFailure", f"byom.local failed; {self.root / 'server.log'} says why.", 500)
                answer = _refusal(headers, scope["query_string"], ours)
        if isinstance(answer, Response):
            await answer(scope, receive, send)
        elif answer is not None:
            await _send(answer, send)

    async def _answer(
        self, scope: Scope, headers: Headers, receive: Receive, send: Send
    ) -> Response | tuple[int, Headers, bytes] | None:
        method, path = scope["method"], scope["path"]
        if refusal := self._foreign(method, path, headers):
            return PlainTextResponse(refusal, 403)
        if path.startswith(OWN):
            return await self._own(Request(scope, receive), path.removeprefix(OWN))
        service = _signed_for(headers, scope["query_string"])
        if service in (None, "sagemaker") and (route := self._runtime.route(method, path)):
            body = await _read(receive, headers, BODY_LIMIT, too_large())
            return await self._runtime.answer(*route, headers, body)
        if service in ("sagemaker", "monitoring"):
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            limit = AwsError("RequestEntityTooLargeException", f"A call has at most {CALL_LIMIT} bytes.", 413)
            body = await _read(receive, headers, CALL_LIMIT, limit)
            room = self._control if service == "sagemaker" else self._cloudwatch
            return await run_in_threadpool(room.answer, operation, body)
        if service not in (None, *SERVICES):
            raise AwsError(
                "UnsupportedOperation",
                f"byom.local does not support the service {service}; "
                f"it has sagemaker, monitoring, {', '.join(SERVICES)}.",
            )
        in_browser = "sec-fetch-mode" in headers
        if service is None and in_browser and (method, path) == ("GET", "/"):
            return RedirectResponse(OWN)
        scope.setdefault("state", {})["aws_service"] = service or "s3"
        # an object that is a web page must not act as if it were ours
        await self._neighbours(scope, receive, _sandboxed(send) if in_browser else send)
        return None

    def _foreign(self, method: str, path: str, headers: Headers) -> str | None:
        """Why a request comes from a web page of another site, or None. A browser must not be able to drive this."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self._hosts:
            return f"byom.local is not {host or 'a server without a name'}."
        if origin is not None and origin.removeprefix("http://") not in self._hosts:
            return f"byom.local does not answer pages of {origin}."
        site, mode = (headers.get(f"sec-fetch-{what}", "none") for what in ("site", "mode"))
        followed_a_link = (method, mode) == ("GET", "navigate") and path in ("/", OWN)
        if site not in ("none", "same-origin") and not followed_a_link:
            return "byom.local does not answer pages of other sites."
        return None

    async def _own(self, request: Request, path: str) -> Response:
        if request.method in ("GET", "HEAD") and (file := page_file(path)):
            return file
        if (request.method, path) == ("GET", "status"):
            return JSONResponse(await run_in_threadpool(self._status))
        if (request.method, path) == ("POST", "lease"):
            try:
                asked = await request.json()
                if asked.get("lasting"):
                    self.leases.make_lasting()
                else:
                    self.leases.add(int(asked["pid"]))
            except (ValueError, KeyError, TypeError, AttributeError, ProcessLookupError, OverflowError):
                return PlainTextResponse(
                    'A lease is {"lasting": true} or {"pid": the id of a process that lives}.', 400
                )
            return JSONResponse(await run_in_threadpool(self._status))
        return PlainTextResponse("byom.local has no such page.", 404)

    def _status(self) -> dict[str, Any]:
        jobs = [(name, job["TrainingJobStatus"]) for name, job in self._resources.all(TRAINING_JOB).items()]
        endpoints = [(name, endpoint["EndpointStatus"]) for name, endpoint in self._resources.all(ENDPOINT).items()]
        return {
            "url": self.url,
            "root": str(self.root),
            "pid": os.getpid(),
            "lasting": self.leases.lasting,
            "holders": self.leases.holders(),
            "training_jobs": jobs,
            "endpoints": endpoints,
        }

    def close(self) -> None:
        """End every job and endpoint process."""
        self._training.close()
        self._endpoints.close()
        self._store.close()


def _signed_for(headers: Headers, query: bytes) -> str | None:
    """The service in the request's credential scope, from its header or its presigned URL."""
    credential = headers.get("authorization") or unquote(query.decode("latin1"))
    match = _SCOPE.search(credential) if credential else None
    return match[1] if match else None


async def _read(receive: Receive, headers: Headers, limit: int, error: AwsError) -> bytes:
    """The body; `error` is raised where it is longer than the limit."""
    length = headers.get("content-length", "")
    refused = length.isdecimal() and int(length) > limit
    chunks: list[bytes] = []
    seen, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        seen += len(chunk)
        refused = refused or seen > limit
        if not refused:
            chunks.append(chunk)
        elif seen > DRAINED:
            break
    if refused:
        raise error
    return b"".join(chunks)


async def _send(answer: tuple[int, Headers, bytes], send: Send) -> None:
    status, headers, body = answer
    raw = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers.items()]
    raw.append((b"content-length", b"%d" % len(body)))
    raw.append((b"x-amzn-requestid", str(uuid.uuid4()).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _refusal(headers: Headers, query: bytes, error: AwsError) -> tuple[int, Headers, bytes]:
    """The error in the protocol that the client reads."""
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return error.xml() if form or _signed_for(headers, query) == "s3" else error.answer()


def _sandboxed(send: Send) -> Send:
    async def sandboxed(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"content-security-policy", b"sandbox")]}
        await send(message)

    return sandboxed


def bind(port: int | None) -> socket.socket:
    """A listening socket on loopback: at `port`, or else at the usual one or any free one.

    Raises OSError when a port that was asked for is in use.
    """
    for candidate in (lifecycle.DEFAULT_PORT, 0) if port is None else (port,):
        try:
            listener = socket.create_server(("127.0.0.1", candidate), backlog=128)
            # inherited by each connection; without it every answer waits 40 ms for the client's acknowledgement
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return listener
        except OSError:
            if candidate == 0 or port is not None:
                raise
    raise AssertionError("port 0 is always free")


def main() -> int:
    """Serve until told to end, or until nobody needs it."""
    parser = argparse.ArgumentParser(prog="python -m byom.local.server", description=__doc__)
    parser.add_argument("--root", type=Path, default=lifecycle.default_root(), help="the folder with all state")
    parser.add_argument("--port", type=int, help=f"default: {lifecycle.DEFAULT_PORT}, or any free one")
    parser.add_argument("--owner", type=int, help="end when this process has ended and nobody else needs the server")
    arguments = parser.parse_args()
    root = arguments.root.expanduser().resolve()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (root / "server.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(f"Another server has {root}.", file=sys.stderr)
        return HELD
    try:
        listener = bind(arguments.port)
    except OSError:
        print(
            f"Port {arguments.port} is in use: choose another one, or none and any free one is taken.", file=sys.stderr
        )
        return BAD
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    leases = Leases(lasting=arguments.owner is None)
    if arguments.owner is not None:
        leases.add(arguments.owner)
    try:
        app = Server(root, url, leases)
    except StoreError as error:
        print(error, file=sys.stderr)
        return BAD
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)

    def watch() -> None:
        while not leases.expired():
            time.sleep(CHECK)
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    lifecycle.announce(root, url)
    print(json.dumps({"url": url}), flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whoever started us reads no further line
    # uvicorn ends on SIGTERM and raises it again, which must not skip the end of the jobs and endpoints
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    try:
        server.run(sockets=[listener])
    finally:
        lifecycle.withdraw(root)
        app.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
