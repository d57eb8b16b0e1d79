"""An HTTP API with Lambda proxy integration: its events (payload format 2.0), its answers, its refusals.

After AWS's "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway".
"""

import json
from typing import Any

from starlette.responses import Response

from .call import (
    HOP_BY_HOP,
    Call,
    MalformedAnswer,
    body_of,
    decoded,
    grouped,
    header_value,
    response,
    status_of,
    utf8,
)

STAGE = "$default"
TIMEOUT = 30.0  # seconds
NO_ROUTE = (404, "Not Found")
TOO_LARGE = (413, "Request Entity Too Large")
FAILED = (500, "Internal Server Error")
TIMED_OUT = (503, "Service Unavailable")

_TEXT = {"application/json", "application/xml", "application/javascript"}
_GATEWAYS_OWN = {"connection", "content-length", "date", "server"} | HOP_BY_HOP


def event(call: Call) -> dict[str, Any]:
    """The proxy event of a call. What a request doesn't have, the event doesn't either."""
    media_type = call.media_type()
    is_text = media_type in _TEXT or media_type.startswith("text/")
    body, encoded = call.encoded_body(binary=not is_text or bool(call.header("content-encoding")))
    clock, epoch = call.clock()
    headers = grouped(call.headers)
    cookies = [cookie.strip() for line in headers.pop("cookie", []) for cookie in line.split(";")]
    parameters = {name: ",".join(values) for name, values in call.parameters().items()}
    # AWS decodes the path here, in spite of its name
    optional = {
        "cookies": [cookie for cookie in cookies if cookie],
        "queryStringParameters": parameters,
        "pathParameters": call.path_parameters,
        "body": body,
    }
    return {
        "version": "2.0",
        "routeKey": call.route.key,
        "rawPath": call.path,
        "rawQueryString": call.query,
        "headers": {name: ",".join(values) for name, values in headers.items()},
        "requestContext": {
            **call.context(),
            "http": {
                "method": call.method,
                "path": call.path,
                "protocol": call.protocol,
                "sourceIp": call.source_ip,
                "userAgent": call.header("user-agent"),
            },
            "routeKey": call.route.key,
            "stage": STAGE,
            "time": clock,
            "timeEpoch": epoch,
        },
        "isBase64Encoded": encoded,
        **{name: value for name, value in optional.items() if value},
    }


def answer(call: Call, given: Any) -> Response:
    """The response that a handler's answer stands for. Raises MalformedAnswer.

    Without a `statusCode` the answer itself is the body, and the rest is inferred.
    """
    own = [("apigw-requestid", call.request_id)]
    if not isinstance(given, dict) or "statusCode" not in given:
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        return response(200, [("content-type", "application/json"), *own], utf8(text))
    status = status_of(given)
    text, encoded = body_of(given)
    headers = given.get("headers") or {}
    if not isinstance(headers, dict):
        raise MalformedAnswer("headers must be a dict")
    cookies = given.get("cookies") or []
    if not isinstance(cookies, list) or not all(isinstance(cookie, str) for cookie in cookies):
        raise MalformedAnswer("cookies must be a list of strings")
    pairs = [(name, header_value(name, value)) for name, value in headers.items()]
    pairs = [(name, value) for name, value in pairs if name.lower() not in _GATEWAYS_OWN]
    if not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("content-type", "text/plain;charset=UTF-8"))
    pairs += [("set-cookie", header_value("set-cookie", cookie)) for cookie in cookies]
    return response(status, [*pairs, *own], decoded(text) if encoded else utf8(text))
