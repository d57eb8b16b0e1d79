"""Serves one model through AWS's own inference toolkit: `python serving.py HANDLER FD`.

HANDLER names a toolkit's handler service as `module:class`, FD is a listening socket. `/ping` answers once the model
is loaded, `/invocations` as the handler does. It plays the Java model server of AWS's containers, with one worker.
This file is run by its path and imports nothing of byom.
"""

import asyncio
import importlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn

NAMES = {
    b"content-type": "Content-Type",
    b"accept": "Accept",
    b"x-amzn-sagemaker-custom-attributes": "X-Amzn-SageMaker-Custom-Attributes",
}


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


class App:
    """The two routes, as ASGI. The handler runs in the event loop itself: one request at a time, no thread to cross."""

    def __init__(self, service: Any, context: Context) -> None:
        self._service, self._context = service, context

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one request."""
        body = bytearray()
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message.get("body", b"")
        route = (scope["method"], scope["path"])
        headers: dict[str, str]
        if route == ("GET", "/ping"):
            status, headers, answer = 200, {}, b""
        elif route == ("POST", "/invocations"):
            status, headers, answer = self.invoke(scope["headers"], body)
        else:
            status, headers, answer = 404, {}, b""
        raw = [(name.lower().encode("latin1"), value.encode("latin1", "replace")) for name, value in headers.items()]
        raw.append((b"content-length", b"%d" % len(answer)))
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": answer})

    def invoke(self, raw: list[tuple[bytes, bytes]], body: bytearray) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the handler's answer."""
        start = time.perf_counter()
        context = self._context
        context.begin({NAMES.get(name, name.decode("latin1")): value.decode("latin1") for name, value in raw})
        answer = self._service.handle([{"body": body}], context)[0]
        if isinstance(answer, str):
            answer = answer.encode()
        elif not isinstance(answer, bytes | bytearray):
            answer = json.dumps(answer).encode()
        took = (time.perf_counter() - start) * 1000
        print(f"POST /invocations {len(body)} bytes -> {context.status} {len(answer)} bytes in {took:.1f} ms")
        if context.status >= 400:
            print(bytes(answer).decode("utf-8", "replace"))
        return context.status, {"content-type": context.content_type, **context.answer_headers}, bytes(answer)


def main(handler: str, fd: int) -> None:
    """Install what the code asks for, load the model and serve it until killed."""
    model_dir = Path(os.environ["SAGEMAKER_BASE_DIR"]) / "model"
    code_dir = model_dir / "code"
    requirements = code_dir / "requirements.txt"
    if requirements.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-r", requirements], check=True)
        importlib.invalidate_caches()
    sys.path.insert(0, str(code_dir))
    start = time.perf_counter()
    module, _, name = handler.partition(":")
    service = getattr(importlib.import_module(module), name)()
    context = Context(model_dir)
    service.initialize(context)
    print(f"{module} loaded the model in {time.perf_counter() - start:.2f} s")
    config = uvicorn.Config(App(service, context), log_level="warning", access_log=False, lifespan="off")
    asyncio.run(uvicorn.Server(config).serve(sockets=[socket.socket(fileno=fd)]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
