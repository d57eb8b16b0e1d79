"""A REST API with Lambda proxy integration: its events (payload format 1.0), its answers, its refusals.

After AWS's "Lambda proxy integrations in API Gateway" and "Gateway response types".
"""

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

STAGE = "prod"
TIMEOUT = 29.0  # seconds
BINARY_MEDIA_TYPES = ("image/*", "application/octet-stream", "application/x-npy")
NO_ROUTE = (403, "Missing Authentication Token")
TOO_LARGE = (413, "Request Too Long")
FAILED = (502, "Internal server error")
TIMED_OUT = (504, "Endpoint request timed out")

_KEYS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
# what a handler says of these is shown under another name, since they are the gateway's own to set
_REMAPPED = {"authorization", "connection", "content-length", "date", "server", "www-authenticate"}
_NOBODY = (
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "user",
    "userArn",
)


def event(call: Call) -> dict[str, Any]:
    """The proxy event of a call."""
    headers = {_cased(name): values for name, values in grouped(call.headers).items()}
    parameters = call.parameters()
    body, encoded = call.encoded_body(binary=_is_binary(call.media_type()))
    clock, epoch = call.clock()
    return {
        "resource": call.route.path,
        "path": call.raw_path,
        "httpMethod": call.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": call.path_parameters or None,
        "stageVariables": None,
        "requestContext": {
            **call.context(),
            "resourceId": "local",
            "resourcePath": call.route.path,
            "httpMethod": call.method,
            "extendedRequestId": call.request_id,
            "requestTime": clock,
            "requestTimeEpoch": epoch,
            "path": call.raw_path,
            "protocol": call.protocol,
            "stage": STAGE,
            "identity": {
                **dict.fromkeys(_NOBODY),
                "sourceIp": call.source_ip,
                "userAgent": call.header("user-agent") or None,
            },
        },
        "body": body,
        "isBase64Encoded": encoded,
    }


def answer(call: Call, given: Any) -> Response:
    """The response that a handler's answer stands for. Raises MalformedAnswer."""
    if not isinstance(given, dict):
        raise MalformedAnswer(f"the answer must be a dict with statusCode and body, not {_json_type(given)}")
    if unknown := sorted(set(given) - _KEYS):
        raise MalformedAnswer(f"the answer has keys that API Gateway doesn't know: {', '.join(unknown)}")
    status = status_of(given)
    text, encoded = body_of(given)
    # the client's first choice decides, not the handler: an API whose types don't have it sends base64 as text
    accepted = call.header("accept").partition(",")[0].partition(";")[0].strip().lower()
    body = decoded(text) if encoded and _is_binary(accepted) else utf8(text)
    headers = [
        (f"x-amzn-Remapped-{_cased(name)}" if name.lower() in _REMAPPED else name, value)
        for name, value in _headers(given)
        if name.lower() not in HOP_BY_HOP
    ]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/json"))
    return response(status, [*headers, ("x-amzn-RequestId", call.request_id)], body)


def _headers(given: dict[str, Any]) -> list[tuple[str, str]]:
    """Both kinds of headers; where both name one, the values of `multiValueHeaders` are taken."""
    single, multiple = given.get("headers") or {}, given.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        raise MalformedAnswer("headers and multiValueHeaders must be dicts")
    if wrong := next((name for name, values in multiple.items() if not isinstance(values, list)), None):
        raise MalformedAnswer(f"multiValueHeaders must hold lists; {wrong} is none")
    named = {name.lower() for name in multiple}
    pairs = [(name, value) for name, value in single.items() if name.lower() not in named]
    pairs += [(name, value) for name, values in multiple.items() for value in values]
    return [(name, header_value(name, value)) for name, value in pairs]


def _is_binary(media_type: str) -> bool:
    return media_type in BINARY_MEDIA_TYPES or f"{media_type.partition('/')[0]}/*" in BINARY_MEDIA_TYPES


def _cased(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _json_type(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
