"""The wire itself: who may speak to the server, and what it makes of requests that no SDK would send."""

import socket

import httpx
import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def raw(server):
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sagemaker/aws4_request, Signature=0"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8321"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_is_refused(raw, headers):
    for method, path in (("GET", "/"), ("GET", "/_byom/status"), ("POST", "/_byom/lease"), ("PUT", "/bucket-of-evil")):
        answer = raw.request(method, path, headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert raw.get("/_byom/status").status_code == 200
    assert raw.get("/_byom/status", headers={"Origin": str(raw.base_url).rstrip("/")}).status_code == 200


def test_only_loopback_listens(server):
    import psutil

    listening = [c for c in psutil.Process(server.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert {c.laddr.ip for c in listening} == {"127.0.0.1"}
    assert any(c.laddr.port == int(server.url.rpartition(":")[2]) for c in listening)
    with socket.socket(socket.AF_INET6) as six, pytest.raises(OSError):
        six.connect(("::1", int(server.url.rpartition(":")[2])))


@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("DescribeTrainingJob", b"{", "SerializationException"),
        ("DescribeTrainingJob", b"[]", "SerializationException"),
        ("DescribeTrainingJob", b"{}", "ValidationException"),
        ("DescribeTrainingJob", b'{"TrainingJobName": 3}', "ValidationException"),
        ("DescribeTrainingJob", b'{"TrainingJobName": "a", "Surplus": 1}', "ValidationException"),
        ("ListTrainingJobs", b'{"MaxResults": 1000}', "ValidationException"),
        ("CreateEverything", b"{}", "UnknownOperationException"),
        ("", b"{}", "UnknownOperationException"),
    ],
)
def test_a_malformed_call_gets_aws_error(raw, operation, body, code):
    answer = raw.post("/", headers={**SIGNED, "X-Amz-Target": f"SageMaker.{operation}"}, content=body)
    assert answer.status_code == 400
    assert answer.json()["__type"] == code
    assert answer.json()["message"]


def test_only_the_real_time_invocation_is_supported(aws):
    with pytest.raises(ClientError, match=r"byom\.local does not support InvokeEndpointAsync"):
        aws.sagemaker_runtime.invoke_endpoint_async(EndpointName="e", InputLocation="s3://b/k")


def test_every_supported_call_is_in_the_documentation(server):
    """The table of docs/local-sagemaker.md and the server agree."""
    import re
    from pathlib import Path

    from botocore import xform_name

    from byom.local.hosting import Hosting
    from byom.local.resources import Resources
    from byom.local.training import TrainingJobs
    from byom.local.wire import service_model

    rooms = (TrainingJobs, Hosting, Resources)
    answered = {
        name for name in service_model("sagemaker").operation_names if any(hasattr(r, xform_name(name)) for r in rooms)
    }
    text = (Path(__file__).parents[2] / "docs/local-sagemaker.md").read_text()
    table = text.partition("## SageMaker calls")[2].partition("\n## ")[0]
    documented = set(re.findall(r"`([A-Z]\w+)`", "".join(re.findall(r"^\| ([^|]*) \| supported", table, re.M))))
    assert documented == answered | {"InvokeEndpoint"}
