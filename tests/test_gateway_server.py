"""The local API gateway as a server: who may ask, static files, HTTPS, starting and ending."""

import httpx
import pytest

from . import gateway
from .gateway import answered, raw

folder, http_gateway, rest_gateway = gateway.folder, gateway.http_gateway, gateway.rest_gateway


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),  # a name that leads here by DNS rebinding
        ({"Host": "localhost:1234"}, 200),  # a phone's own port, through adb reverse
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:5000"}, 200),  # another page of this computer: CORS is for the handler to say
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_pages_of_other_sites_are_refused(http_gateway, headers, status):
    assert raw(http_gateway.url, "GET", "/x", list(headers.items()))[0] == status


def test_a_preflight_is_a_request_like_any_other(http_gateway, rest_gateway):
    preflight = {"Origin": "http://localhost:5000", "Access-Control-Request-Method": "POST"}
    event = httpx.options(f"{http_gateway.url}/classify", headers=preflight).json()
    assert event["requestContext"]["http"]["method"] == "OPTIONS"
    assert event["headers"]["access-control-request-method"] == "POST"
    refused = httpx.options(f"{rest_gateway.url}/answer", headers=preflight)  # there is only POST
    assert (refused.status_code, refused.json()) == (403, {"message": "Missing Authentication Token"})
    assert "access-control-allow-origin" not in refused.headers
    cors = {"statusCode": 204, "headers": {"Access-Control-Allow-Origin": "*"}}
    assert answered(rest_gateway, cors).headers["access-control-allow-origin"] == "*"
