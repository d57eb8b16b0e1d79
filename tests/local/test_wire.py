"""The wire itself: who may speak to the server, and what it makes of requests that no SDK would send."""

import re
import socket
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from byom.local.wire import service_model


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
        ("DescribeTrainingJob", b"{", "SerializationException: The request body is not JSON: Expecting"),
        ("DescribeTrainingJob", b"[]", "SerializationException: The request body is not a JSON object"),
        ("DescribeTrainingJob", b"\xff", "SerializationException: The request body is not JSON"),
        ("DescribeTrainingJob", b"[" * 100_000, "SerializationException: The request body is not JSON"),
        ("ListTrainingJobs", b'{"CreationTimeAfter": NaN}', "SerializationException: The request body is not JSON"),
        ("ListTrainingJobs", b'{"CreationTimeAfter": 1e999}', "SerializationException: The number is out of range"),
        (
            "DescribeTrainingJob",
            b'{"TrainingJobName": 3}',
            "SerializationException: NUMBER_VALUE can not be converted to a String",
        ),
        (
            "DescribeTrainingJob",
            b'{"TrainingJobName": null}',
            "ValidationException: 1 validation error detected: Value null at 'trainingJobName' failed to satisfy "
            "constraint: Member must not be null",
        ),
        (
            "DescribeTrainingJob",
            b'{"TrainingJobName": "../a", "Surplus": 1}',
            "ValidationException: 2 validation errors detected: Value '../a' at 'trainingJobName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}; Unknown",
        ),
        (
            "ListTrainingJobs",
            b'{"MaxResults": 1000}',
            "ValidationException: 1 validation error detected: Value '1000' at 'maxResults' failed to satisfy "
            "constraint: Member must have value less than or equal to 100",
        ),
        (
            "ListTrainingJobs",
            b'{"MaxResults": 0}',
            "ValidationException: 1 validation error detected: Value '0' at 'maxResults' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1",
        ),
        (
            "AddTags",
            b'{"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:model/m", "Tags": [{"Value": "x"}]}',
            "ValidationException: 1 validation error detected: Value null at 'tags.1.member.key' failed",
        ),
        (
            "DeleteTags",
            b'{"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:model/m", "TagKeys": [""]}',
            "ValidationException: 1 validation error detected: Value '[]' at 'tagKeys' failed to satisfy constraint: "
            "Member must satisfy constraint: [Member must have length less than or equal to 128, Member must",
        ),
        ("CreateEverything", b"{}", "UnknownOperationException: SageMaker has no call named CreateEverything"),
        ("", b"{}", "UnknownOperationException: SageMaker has no call named ."),
    ],
)
def test_a_malformed_call_gets_aws_error(raw, operation, body, code):
    answer = raw.post("/", headers={**SIGNED, "X-Amz-Target": f"SageMaker.{operation}"}, content=body)
    assert answer.status_code == 400
    assert f"{answer.json()['__type']}: {answer.json()['message']}".startswith(code)


def test_a_call_of_a_wrong_size_or_length_is_refused(raw):
    headers = {**SIGNED, "X-Amz-Target": "SageMaker.ListModels"}
    answer = raw.post("/", headers=headers, content=b" " * (5 * 2**20))
    assert (answer.status_code, answer.json()["__type"]) == (413, "RequestEntityTooLargeException")
    answer = raw.post("/", headers=headers, content=iter([b" " * 2**20] * 5))  # without a Content-Length
    assert (answer.status_code, answer.json()["__type"]) == (413, "RequestEntityTooLargeException")
    assert raw.post("/", headers=headers, content=b"{}").status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"pid": "x"}', b'{"pid": -1}', b'{"pid": 4194305}', b"\xff"])
def test_a_lease_for_nothing_is_refused(raw, body):
    answer = raw.post("/_byom/lease", content=body)
    assert (answer.status_code, answer.text[:12]) == (400, "A lease is {")


@pytest.mark.parametrize(
    ("service", "call"), [("dynamodb", "list_tables"), ("ec2", "describe_vpcs"), ("sns", "list_topics")]
)
def test_another_service_is_refused_by_name_in_its_own_protocol(aws, service, call):
    with pytest.raises(ClientError, match=f"does not support the service {service}") as caught:
        getattr(getattr(aws, service), call)()
    assert caught.value.response["Error"]["Code"] == "UnsupportedOperation"


def test_only_the_real_time_invocation_is_supported(aws):
    with pytest.raises(ClientError, match=r"byom\.local does not support InvokeEndpointAsync"):
        aws.sagemaker_runtime.invoke_endpoint_async(EndpointName="e", InputLocation="s3://b/k")


def test_every_answer_has_an_id_of_its_own(aws):
    ids = [aws.sagemaker.list_models()["ResponseMetadata"]["RequestId"] for _ in range(2)]
    for call in (
        lambda: aws.sagemaker.describe_model(ModelName="none"),
        lambda: aws.sagemaker_runtime.invoke_endpoint(EndpointName="none", Body=b""),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        ids.append(caught.value.response["ResponseMetadata"]["RequestId"])
    assert all(re.fullmatch(r"[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}", each) for each in ids)
    assert len(set(ids)) == 4


def documented(state):
    """The calls of a state in the table of docs/local-sagemaker.md."""
    text = (Path(__file__).parents[2] / "docs/local-sagemaker.md").read_text()
    table = text.partition("## SageMaker calls")[2].partition("\n### ")[0]
    return set(re.findall(r"`([A-Z]\w+)`", "".join(re.findall(rf"^\| ([^|]*) \| {state}", table, re.M))))


def test_the_documentation_lists_exactly_the_calls_that_are_answered(raw):
    """Every call that SageMaker has is made, with nothing in it: it is refused by name, or answered in some way."""
    control, runtime = service_model("sagemaker"), service_model("sagemaker-runtime")
    answered = set()
    for name in control.operation_names:
        said = raw.post("/", headers={**SIGNED, "X-Amz-Target": f"SageMaker.{name}"}, content=b"{}").json()
        if said.get("__type") != "UnsupportedOperation":
            answered.add(name)
        else:
            assert f"does not support {name};" in said["message"]
    for name in runtime.operation_names:
        path = runtime.operation_model(name).http["requestUri"].replace("{EndpointName}", "none")
        said = raw.post(path, content=b"").json()
        if said["__type"] != "UnsupportedOperation":
            answered.add(name)
    assert documented("supported") == answered
    absent = documented("absent")
    assert absent and not absent & answered
    assert absent <= {*control.operation_names, *runtime.operation_names}
