"""One call of an API, as it came in: what both kinds of API make their events of, and what they answer with."""

import base64
import binascii
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response

from byom.local.account import ACCOUNT_ID

from .routes import Route

API_ID = "local"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
HOP_BY_HOP = {"keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}


class MalformedAnswer(ValueError):
    """The handler's answer is none that API Gateway understands; the text says why."""


@dataclass(frozen=True)
class Call:
    """A request with its route. Header names are in lower case, in the order they came."""

    method: str
    raw_path: str  # percent-encoded
    path: str  # decoded
    query: str  # as it came, without the question mark
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str
    request_id: str
    route: Route
    path_parameters: dict[str, str]
    time: float = field(default_factory=time.time)  # seconds since the epoch

    def header(self, name: str) -> str:
        """The last value of a header, or the empty string."""
        return next((value for key, value in reversed(self.headers) if key == name), "")

    def media_type(self) -> str:
        """The type of the body without its parameters, in lower case; empty where none is named."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def parameters(self) -> dict[str, list[str]]:
        """The query's parameters with all their values, decoded."""
        return grouped(parse_qsl(self.query, keep_blank_values=True))

    def encoded_body(self, *, binary: bool) -> tuple[str | None, bool]:
        """The body as an event has it, and whether it is base64; None when there is none.

        What is taken for text but is none loses its bytes, on AWS too.
        """
        if not self.body:
            return None, False
        if binary:
            return base64.b64encode(self.body).decode(), True
        return self.body.decode("utf-8", "replace"), False

    def context(self) -> dict[str, Any]:
        """What the request contexts of both formats share."""
        host = re.sub(r":\d+$", "", self.header("host"))
        return {
            "accountId": ACCOUNT_ID,
            "apiId": API_ID,
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "requestId": self.request_id,
        }

    def clock(self) -> tuple[str, int]:
        """When it came: in the form of access logs, and in milliseconds since the epoch."""
        return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(self.time)), int(self.time * 1000)


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """All values of each name, in their order."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def status_of(answer: dict[str, Any]) -> int:
    """The answer's `statusCode`; a number, or its digits. Raises MalformedAnswer."""
    code = answer.get("statusCode", 200)
    if isinstance(code, str) and code.isascii() and code.isdigit():
        code = int(code)
    if isinstance(code, bool) or not isinstance(code, int) or not 200 <= code <= 599:
        raise MalformedAnswer(f"statusCode must be a number from 200 to 599, not {code!r}")
    return code


def body_of(answer: dict[str, Any]) -> tuple[str, bool]:
    """The answer's body as text, and whether it says that this is base64. Raises MalformedAnswer."""
    body, encoded = answer.get("body"), answer.get("isBase64Encoded", False)
    if body is not None and not isinstance(body, str):
        raise MalformedAnswer(f"body must be a string, not {type(body).__name__}: json.dumps makes one")
    if not isinstance(encoded, bool | None):
        raise MalformedAnswer(f"isBase64Encoded must be true or false, not {encoded!r}")
    return body or "", bool(encoded)


def decoded(body: str) -> bytes:
    """The bytes of a base64 body. Raises MalformedAnswer."""
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedAnswer("isBase64Encoded is true, but body is not base64") from None


def utf8(text: str) -> bytes:
    """Text as it is sent. Raises MalformedAnswer for half a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise MalformedAnswer("the body holds characters that are none in UTF-8") from None


def header_value(name: str, value: Any) -> str:
    """A header's value as text; numbers and truth values become text. Raises MalformedAnswer."""
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        raise MalformedAnswer(f"the header {name} must be a string, not {type(value).__name__}")
    if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
        raise MalformedAnswer(f"the header {name!r}: {value!r} can't be sent")
    return value


def response(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Response:
    """A response with exactly these headers, and its length."""
    answer = Response(status_code=status)
    answer.body = b"" if status in (204, 304) else body
    answer.raw_headers = [(name.encode("latin1"), value.encode("latin1")) for name, value in headers]
    if status != 204:
        answer.raw_headers.append((b"content-length", b"%d" % len(answer.body)))
    return answer
