"""The local API gateway: events as AWS documents them, answers as AWS reads them."""

import base64
import json
from pathlib import Path

import httpx
import pytest

from byom.gateway import http_api, rest_api

from . import gateway
from .gateway import answered, raw

folder, http_gateway, rest_gateway = gateway.folder, gateway.http_gateway, gateway.rest_gateway

DOCUMENTED = Path(__file__).with_name("api_gateway_events")
NOT_MODELLED = {"authentication", "authorizer", "clientCert", "stageVariables"}
ITS_OWN = {  # each request, and each API, has its own
    *("apiId", "domainName", "domainPrefix", "requestId", "extendedRequestId", "resourceId", "sourceIp"),
    *("time", "timeEpoch", "requestTime", "requestTimeEpoch"),
}


SENT_MORE = {  # by the test's client, or by the gateway
    *("host", "accept-encoding", "content-length", "content-type", "user-agent"),
    *("x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"),
}


def differences(documented, ours, where=""):
    """Where our event is not as the documented one; some headers more are sent."""
    for name in documented.keys() ^ ours.keys():
        sent_more = where.lower().endswith("headers") and name.lower() in SENT_MORE
        if name not in NOT_MODELLED and not sent_more:
            yield f"{where}.{name} is only in {'ours' if name in ours else 'the documented one'}"
    for name in documented.keys() & ours.keys() - NOT_MODELLED:
        theirs, mine, here = documented[name], ours[name], f"{where}.{name}"
        if isinstance(theirs, dict) and isinstance(mine, dict):
            yield from differences(theirs, mine, here)
        elif name in ITS_OWN:
            if theirs is not None and type(theirs) is not type(mine):
                yield f"{here} is {mine!r}, documented as {theirs!r}"
        elif theirs != mine:
            yield f"{here} is {mine!r}, documented as {theirs!r}"


@pytest.mark.parametrize("kind", ["http-2.0", "rest-1.0"])
def test_the_event_is_as_aws_documents_it(http_gateway, rest_gateway, kind):
    documented = json.loads((DOCUMENTED / f"{kind}.json").read_text())
    asked = http_gateway if kind == "http-2.0" else rest_gateway
    context = documented["requestContext"]
    agent = (context.get("http") or context["identity"])["userAgent"]
    headers = [("Content-Type", "text/plain"), ("User-Agent", agent), ("Header1", "value1")]
    headers += [("Header2", "value1"), ("Header2", "value2")]
    headers += [("Cookie", "; ".join(documented["cookies"]))] if "cookies" in documented else []
    method = documented.get("httpMethod") or context["http"]["method"]
    path = "/my/path?parameter1=value1&parameter1=value2&parameter2=value"
    status, answer = raw(asked.url, method, path, headers, documented["body"].encode())
    assert status == 200, asked.log
    assert list(differences(documented, json.loads(answer))) == []


BODIES = [
    ("image/png", b"\x89PNG\r\n\xff", True, True),
    ("application/json", '{"ä": 1}'.encode(), False, False),
    ("text/plain; charset=utf-8", "ä".encode(), False, False),
    ("application/x-npy", b"\x93NUMPY", True, True),
    # an HTTP API takes for text what it knows as text; a REST API takes for binary what it was told is binary
    ("application/x-www-form-urlencoded", b"a=b", True, False),
]


@pytest.mark.parametrize(("media_type", "body", "in_http", "in_rest"), BODIES)
def test_a_body_is_base64_where_aws_has_it_so(http_gateway, rest_gateway, media_type, body, in_http, in_rest):
    for asked, encoded in ((http_gateway, in_http), (rest_gateway, in_rest)):
        event = httpx.post(f"{asked.url}/echo/it", content=body, headers={"content-type": media_type}).json()
        assert event["isBase64Encoded"] is encoded
        assert (base64.b64decode(event["body"]) if encoded else event["body"].encode()) == body


def test_a_rest_api_that_takes_bytes_for_text_loses_them(rest_gateway):
    event = httpx.post(f"{rest_gateway.url}/echo/it", content=b"\xff\x00", headers={"content-type": "x/unknown"}).json()
    assert event["body"] == "�\x00" and event["isBase64Encoded"] is False


def test_what_a_request_does_not_have(http_gateway, rest_gateway):
    event = httpx.get(f"{http_gateway.url}/").json()
    assert event["rawQueryString"] == ""
    assert {"body", "cookies", "queryStringParameters", "pathParameters"}.isdisjoint(event)
    event = httpx.get(f"{rest_gateway.url}/echo/it").json()
    assert event["body"] is event["queryStringParameters"] is event["multiValueQueryStringParameters"] is None
    assert event["pathParameters"] == {"proxy": "it"}


def test_an_encoded_path_stays_so_in_a_rest_api_only(http_gateway, rest_gateway):
    path = "/echo/a%2Fb%20%C3%A4?x=%26&empty"
    event = json.loads(raw(rest_gateway.url, "GET", path)[1])
    assert event["path"] == "/echo/a%2Fb%20%C3%A4" and event["queryStringParameters"] == {"x": "&", "empty": ""}
    event = json.loads(raw(http_gateway.url, "GET", path)[1])
    assert event["rawPath"] == "/echo/a/b ä" and event["rawQueryString"] == "x=%26&empty"


def test_the_client_does_not_say_where_it_comes_from(http_gateway):
    claimed = {"x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "ftp"}
    event = httpx.get(f"{http_gateway.url}/x", headers=claimed).json()
    assert event["headers"]["x-forwarded-for"] == "1.2.3.4, 127.0.0.1"
    assert event["headers"]["x-forwarded-proto"] == "http"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ("Hello from Lambda!", b"Hello from Lambda!"),
        ({"message": "Hello from Lambda!"}, b'{"message": "Hello from Lambda!"}'),
        ([1, None], b"[1, null]"),
        (None, b"null"),
        (0.5, b"0.5"),
    ],
)
def test_an_http_api_infers_what_is_left_out(http_gateway, answer, body):
    response = answered(http_gateway, answer)
    assert (response.status_code, response.content) == (200, body)
    assert response.headers["content-type"] == "application/json"


def test_an_answer_in_full_of_format_2(http_gateway):
    picture = bytes(range(256))
    response = answered(
        http_gateway,
        {
            "statusCode": "201",
            "headers": {"Content-Type": "image/png", "X-Count": 3, "X-Warm": True, "Content-Length": "1", "Date": "x"},
            "cookies": ["a=1; Path=/", "b=2"],
            "body": base64.b64encode(picture).decode(),
            "isBase64Encoded": True,
        },
    )
    assert (response.status_code, response.content) == (201, picture)
    assert response.headers["content-type"] == "image/png"
    assert (response.headers["x-count"], response.headers["x-warm"]) == ("3", "true")
    assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
    assert response.headers["content-length"] == "256" and response.headers["date"] != "x"
    text = answered(http_gateway, {"statusCode": 200, "body": "ä"})
    assert text.headers["content-type"] == "text/plain;charset=UTF-8" and text.text == "ä"
    assert answered(http_gateway, {"statusCode": 204}).content == b""


def test_an_answer_in_full_of_format_1(rest_gateway):
    response = answered(
        rest_gateway,
        {
            "statusCode": 404,
            "headers": {"X-One": "1", "X-Both": "lost", "Server": "mine", "WWW-Authenticate": "Basic"},
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "x-both": ["kept"]},
            "body": '{"message": "ä"}',
        },
    )
    assert (response.status_code, response.json()) == (404, {"message": "ä"})
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert response.headers.get_list("x-both") == ["kept"] and response.headers["x-one"] == "1"
    assert response.headers["x-amzn-remapped-server"] == "mine" and "server" not in response.headers
    assert response.headers["x-amzn-remapped-www-authenticate"] == "Basic"
    assert response.headers["content-type"] == "application/json"
    assert answered(rest_gateway, {}).status_code == 200


def test_a_rest_api_decodes_base64_for_clients_that_ask_for_bytes(rest_gateway):
    answer = {"statusCode": 200, "body": base64.b64encode(b"\x89PNG").decode(), "isBase64Encoded": True}
    assert answered(rest_gateway, answer, accept="image/png").content == b"\x89PNG"
    assert answered(rest_gateway, answer, accept="text/html, image/png").content == answer["body"].encode()


MALFORMED = [
    ({"statusCode": 200, "body": {"label": "ship"}}, "body must be a string, not dict"),
    ({"statusCode": "OK", "body": ""}, "statusCode must be a number"),
    ({"statusCode": 42, "body": ""}, "statusCode must be a number"),
    ({"statusCode": True, "body": ""}, "statusCode must be a number"),
    ({"statusCode": 200, "body": "!", "isBase64Encoded": True}, "body is not base64"),
    ({"statusCode": 200, "body": "", "isBase64Encoded": "no"}, "isBase64Encoded must be true or false"),
    ({"statusCode": 200, "headers": [], "body": "", "cookies": 1}, None),
    ({"statusCode": 200, "headers": {"X": ["a"]}}, "the header X must be a string"),
    ({"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b=c"}}, "can't be sent"),
    ({"statusCode": 200, "headers": {"X Y": "a"}}, "can't be sent"),
    ({"statusCode": 200, "body": "\ud800"}, "none in UTF-8"),
]


@pytest.mark.parametrize(("answer", "why"), MALFORMED)
def test_a_malformed_answer_is_the_gateways_error(http_gateway, rest_gateway, answer, why):
    for asked, expected in ((http_gateway, http_api.FAILED), (rest_gateway, rest_api.FAILED)):
        before = len(asked.log)
        response = answered(asked, answer, accept="image/png")
        assert (response.status_code, response.json()) == (expected[0], {"message": expected[1]})
        assert "malformed Lambda proxy response" in asked.log[before:]
        assert why is None or why in asked.log[before:]


@pytest.mark.parametrize(
    "answer", [None, "text", [], {"statusCode": 200, "message": "?"}, {"multiValueHeaders": {"a": "b"}}]
)
def test_a_rest_api_infers_nothing(rest_gateway, answer):
    assert answered(rest_gateway, answer).status_code == 502
