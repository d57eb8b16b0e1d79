"""The gateway as an ASGI application: static files, and an API in front of a Lambda function."""

import asyncio
import json
import logging
import re
import time
import uuid
from types import ModuleType

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from .call import Call, MalformedAnswer
from .function import PAYLOAD_LIMIT, Function, FunctionError
from .routes import Routes
from .static import StaticFolder

BODY_LIMIT = 10 * 2**20  # bytes of a request
DRAINED = 64 * 2**20  # bytes of a refused body that are still read, so that the client hears the refusal
LOOPBACK = "127.0.0.1"

log = logging.getLogger("byom.gateway")


class Server:
    """One ASGI application: static files first, then the API.

    Args:
        api: the kind of API, `http_api` or `rest_api`.
        routes: what the API passes on.
        function: what it passes it on to.
        static: the folder of static files, or None.
        host: the host it listens on.
    """

    def __init__(
        self, api: ModuleType, routes: Routes, function: Function, static: StaticFolder | None, host: str
    ) -> None:
        self._api, self._routes, self._function, self._static = api, routes, function, static
        self._names = {LOOPBACK, "localhost", "[::1]", f"[{host}]" if ":" in host else host.lower()}
        self._running: set[asyncio.Task[object]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began, request_id = time.perf_counter(), str(uuid.uuid4())
        headers = [(name.decode("latin1"), value.decode("latin1")) for name, value in scope["headers"]]
        try:
            answer = await self._answer(scope, headers, receive, request_id)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("%s: the gateway itself failed", request_id)
            answer = _refusal(self._api.FAILED, request_id)
        await answer(scope, receive, send)
        took = (time.perf_counter() - began) * 1000
        log.info("%s %s %d %.1f ms", scope["method"], _raw_path(scope), answer.status_code, took)

    async def _answer(
        self, scope: Scope, headers: list[tuple[str, str]], receive: Receive, request_id: str
    ) -> Response:
        method, known = scope["method"], dict(headers)
        file = await self._static.find(scope) if self._static and method in ("GET", "HEAD") else None
        if refusal := self._foreign(
            known, followed_a_link=file is not None and known.get("sec-fetch-mode") == "navigate"
        ):
            return PlainTextResponse(refusal, 403)
        if file:
            return file
        found = self._routes.match(method, _raw_path(scope))
        if found is None:
            return _refusal(self._api.NO_ROUTE, request_id)
        body = await _read(receive, known)
        if body is None:
            return _refusal(self._api.TOO_LARGE, request_id)
        source_ip = scope["client"][0]
        call = Call(
            method=method,
            raw_path=_raw_path(scope),
            path=scope["path"],
            query=scope["query_string"].decode("latin1"),
            headers=_forwarded(scope, headers),
            body=body,
            source_ip=source_ip,
            protocol=f"HTTP/{scope['http_version']}",
            request_id=request_id,
            route=found[0],
            path_parameters=found[1],
        )
        return await self._invoked(call)

    async def _invoked(self, call: Call) -> Response:
        """The function's answer to a call, or why there is none; what went wrong goes to the log, not to the client."""
        api = self._api
        event = json.dumps(api.event(call), ensure_ascii=False).encode("utf-8", "replace")
        if len(event) > PAYLOAD_LIMIT:
            log.error("%s: the event has %d bytes, Lambda takes %d at most", call.request_id, len(event), PAYLOAD_LIMIT)
            return _refusal(api.TOO_LARGE, call.request_id)
        task = asyncio.create_task(self._function.invoke(call.request_id, event))
        # nobody ends an invocation whose client went away, or for whom the gateway waits no longer: Lambda's limit does
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=api.TIMEOUT)
        if not task.done():
            log.error("%s: no answer within %g s", call.request_id, api.TIMEOUT)
            task.add_done_callback(lambda late: late.cancelled() or late.exception())
            return _refusal(api.TIMED_OUT, call.request_id)
        try:
            return api.answer(call, task.result())
        except FunctionError as error:
            log.error("%s: %s", call.request_id, error)
        except MalformedAnswer as error:
            log.error("%s: malformed Lambda proxy response: %s", call.request_id, error)
        return _refusal(api.FAILED, call.request_id)

    def _foreign(self, headers: dict[str, str], *, followed_a_link: bool) -> str | None:
        """Why a request comes from a page of another site, or None.

        Pages of other servers on this computer may ask: whether they may read the answer is for the handler's CORS
        headers to say, as on AWS.
        """
        host, origin = headers.get("host", ""), headers.get("origin")
        if _name_of(host) not in self._names:
            return f"This gateway is not {host or 'a server without a name'}."
        if origin is not None:
            if _name_of(origin.partition("://")[2]) not in self._names:
                return f"This gateway does not answer pages of {origin}."
        elif headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not followed_a_link:
            return "This gateway does not answer pages of other sites."
        return None


def _forwarded(scope: Scope, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers of a request with those that API Gateway adds, or puts in the place of the client's."""
    added = {
        "x-forwarded-for": scope["client"][0],
        "x-forwarded-port": str(scope["server"][1]),
        "x-forwarded-proto": scope["scheme"],
        "x-amzn-trace-id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
    }
    if earlier := dict(headers).get("x-forwarded-for"):
        added["x-forwarded-for"] = f"{earlier}, {added['x-forwarded-for']}"
    return [(name, value) for name, value in headers if name not in added] + list(added.items())


def _raw_path(scope: Scope) -> str:
    return scope["raw_path"].decode("latin1").partition("?")[0]


def _name_of(host: str) -> str:
    return re.sub(r":\d+$", "", host).lower()


def _refusal(kind: tuple[int, str], request_id: str) -> Response:
    status, message = kind
    return JSONResponse({"message": message}, status, {"x-amzn-requestid": request_id})


async def _read(receive: Receive, headers: dict[str, str]) -> bytes | None:
    """The body, or None where it is longer than the limit."""
    length = headers.get("content-length", "")
    refused = length.isdecimal() and int(length) > BODY_LIMIT
    chunks: list[bytes] = []
    seen, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        seen += len(chunk)
        refused = refused or seen > BODY_LIMIT
        if not refused:
            chunks.append(chunk)
        elif seen > DRAINED:
            break
    return None if refused else b"".join(chunks)
