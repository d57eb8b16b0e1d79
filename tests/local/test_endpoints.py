"""Endpoints over the wire: what a handler may do, what an archive may hold, and what is left afterwards."""

import gzip
import io
import socket
import tarfile

import httpx
import pytest
from botocore.exceptions import ClientError

from byom.local.account import ROLE_ARN

from .clients import IMAGE, processes_below, targz, wait

HANDLER = b"""
import os, time
from sagemaker_inference.errors import BaseInferenceToolkitError

def model_fn(model_dir):
    return sorted(os.listdir(model_dir))

def input_fn(body, content_type):
    if content_type != "text/plain":
        raise BaseInferenceToolkitError(415, "Unsupported Media Type", f"{content_type} is not served here")
    return bytes(body).decode()

def predict_fn(data, model):
    if data == "exit":
        os._exit(3)
    if data == "hang":
        time.sleep(600)
    if data == "raise":
        raise RuntimeError("no such colour")
    return {"size": len(data), "model": model, "pid": os.getpid()}

def output_fn(prediction, accept, context):
    attributes = context.get_request_header(0, "X-Amzn-SageMaker-Custom-Attributes")
    if prediction["size"] == 5:
        context.set_response_header(0, "X-Amzn-SageMaker-Custom-Attributes", "a\\r\\nInjected: yes \\u20ac")
    if attributes:
        context.set_response_header(0, "x-amzn-sagemaker-custom-attributes", attributes.upper())
    import json
    return json.dumps(prediction), None if accept == "untyped" else accept
"""


@pytest.fixture(scope="module")
def endpoint(aws):
    """An endpoint in service."""
    data = aws.put("handler/model.tar.gz", targz({"weights": b"w", "code/inference.py": HANDLER}))
    aws.create_endpoint("handler", data, SAGEMAKER_MODEL_SERVER_TIMEOUT="2")
    assert aws.wait_for_endpoint("handler")["EndpointStatus"] == "InService"
    return "handler"


@pytest.fixture
def invoke(aws, endpoint):
    def call(body, content_type="text/plain", **more):
        return aws.sagemaker_runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType=content_type, **more)

    return call


def model_error(call):
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == "ModelError"
    return caught.value.response


def test_an_answer_has_its_type_variant_and_attributes(invoke):
    answer = invoke(b"four", Accept="application/json", CustomAttributes="trace=7")
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["CustomAttributes"] == "TRACE=7"
    assert "CustomAttributes" not in invoke(b"four")
    assert "ContentType" not in invoke(b"four", Accept="untyped")
    import json

    prediction = json.loads(answer["Body"].read())
    assert (prediction["size"], prediction["model"]) == (4, ["code", "weights"])


def test_errors_of_the_handler_keep_their_status(invoke):
    response = model_error(lambda: invoke(b"x", "image/png"))
    assert response["OriginalStatusCode"] == 415
    assert "image/png is not served here" in response["OriginalMessage"]
    assert response["Error"]["Message"].startswith('Received client error (415) from primary with message "')
    response = model_error(lambda: invoke(b"raise"))
    assert response["OriginalStatusCode"] == 500
    assert "no such colour" in response["Error"]["Message"]
    assert invoke(b"still there")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_six_megabytes_and_no_more(invoke):
    assert b'"size": 6291456' in invoke(b"x" * 6291456)["Body"].read()
    with pytest.raises(ClientError) as caught:
        invoke(b"x" * 6291457)
    assert caught.value.response["Error"]["Code"] == "413"
    assert "HTTP content length exceeded 6291456 bytes" in str(caught.value)
    assert invoke(b"")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_ten_megabytes_are_refused_with_and_without_a_length(server, endpoint):
    url, body = f"{server.url}/endpoints/{endpoint}/invocations", b"x" * (10 * 2**20)
    for content in (body, (body[i : i + 2**16] for i in range(0, len(body), 2**16))):
        answer = httpx.post(url, content=content, headers={"Content-Type": "text/plain"}, trust_env=False, timeout=60)
        assert answer.status_code == 413
        assert "HTTP content length exceeded 6291456 bytes" in answer.json()["message"]


def test_headers_that_no_sdk_would_send(server, endpoint):
    url = f"{server.url}/endpoints/{endpoint}/invocations"
    for headers, status, text in (
        ({"X-Amzn-SageMaker-Custom-Attributes": "café".encode()}, 400, "Custom attributes must be ASCII"),
        ({"X-Amzn-SageMaker-Custom-Attributes": b"a" * 1025}, 400, "at most 1024 characters"),
        ({"Content-Type": "text/plän".encode()}, 424, "is not served here"),
        ({"Accept": "tëxt/plain; x".encode()}, 200, '"size": 2'),
        ({"Content-Type": b""}, 424, "is not served here"),
        ({}, 424, "application/octet-stream is not served here"),
    ):
        given = {} if not headers or "Content-Type" in headers else {"Content-Type": b"text/plain"}
        answer = httpx.post(url, content=b"ok", headers={**given, **headers}, trust_env=False)
        assert answer.status_code == status, (headers, answer.text)
        assert text in answer.text
    answer = httpx.post(url, content=b"split", headers={"Content-Type": "text/plain"}, trust_env=False)
    assert "injected" not in answer.headers
    assert answer.headers["X-Amzn-SageMaker-Custom-Attributes"] == "a??Injected: yes ?"


def test_a_client_that_leaves_early_harms_nobody(server, endpoint, invoke):
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    head = f"POST /endpoints/{endpoint}/invocations HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\n"
    for rest in ("Content-Length: 100\r\n\r\nhalf", "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nall"):
        with socket.create_connection(address) as connection:
            connection.sendall((head + rest).encode())
    assert b'"size": 2' in invoke(b"ok")["Body"].read()


def test_a_handler_that_exits_or_hangs_is_reported_and_started_again(invoke):
    response = model_error(lambda: invoke(b"exit"))
    assert "process ended" in response["OriginalMessage"]
    assert b'"size": 2' in invoke(b"ok")["Body"].read()
    response = model_error(lambda: invoke(b"hang"))
    assert response["OriginalMessage"].startswith("Your invocation timed out while waiting for a response")
    assert b'"size": 2' in invoke(b"ok")["Body"].read()


def test_its_log_is_in_cloudwatch(aws, invoke):
    with pytest.raises(ClientError):
        invoke(b"raise")
    wait(
        lambda: "no such colour" in "\n".join(aws.messages("/aws/sagemaker/Endpoints/handler", "AllTraffic/")),
        "the log",
    )


def test_requests_that_name_nothing(aws, invoke):
    for call, text in (
        (lambda: invoke(b"x", TargetVariant="other"), r"\(ValidationError\).*Variant other not found"),
        (lambda: invoke(b"x", TargetModel="m.tar.gz"), r"does not support TargetModel"),
        (
            lambda: aws.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="none"),
            'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/none"',
        ),
        (
            lambda: aws.create_endpoint("nothing", "s3://no-such-bucket-here/model.tar.gz"),
            "Could not find model data at s3://no-such-bucket-here/model.tar.gz",
        ),
        (
            lambda: aws.sagemaker.create_endpoint(EndpointName="handler", EndpointConfigName="handler"),
            "Cannot create already existing endpoint",
        ),
    ):
        with pytest.raises(ClientError, match=text):
            call()


def evil(**changes):
    """An archive with one member that `changes` makes bad, after a good one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for attributes in ({"name": "code/inference.py"}, changes):
            member = tarfile.TarInfo()
            for key, value in attributes.items():
                setattr(member, key, value)
            tar.addfile(member)
    return buffer.getvalue()


def bomb():
    """An archive whose one member claims a petabyte."""
    member = tarfile.TarInfo("bomb")
    member.size = 2**50
    return gzip.compress(member.tobuf() + bytes(10240))


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (evil(name="../outside"), 'member "../outside" leaves the folder'),
        (evil(name="code/../../outside"), 'member "code/../../outside" leaves'),
        (evil(name="/tmp/outside"), 'member "/tmp/outside" has an absolute path'),
        (evil(name="link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), 'member "link" is a link'),
        (evil(name="hard", type=tarfile.LNKTYPE, linkname="code/inference.py"), 'member "hard" is a link'),
        (evil(name="pipe", type=tarfile.FIFOTYPE), 'member "pipe" is no plain file'),
        (evil(name="tty", type=tarfile.CHRTYPE), 'member "tty" is no plain file'),
        (bomb(), 'the archive is larger than the free disk allows, at member "bomb"'),
        (b"not an archive", "it is not a readable .tar.gz archive"),
        (targz({"a": b"x" * 5000})[:-20], "it is not a readable .tar.gz archive"),
    ],
    # an archive holds its time, and pytest-xdist needs the same names in every process
    ids=["up", "up-inside", "absolute", "link", "hard-link", "pipe", "device", "bomb", "text", "truncated"],
)
def test_a_bad_archive_fails_the_endpoint_and_names_the_member(aws, root, archive, reason, request):
    name = f"evil-{abs(hash(request.node.name))}"
    aws.create_endpoint(name, aws.put(f"{name}/model.tar.gz", archive))
    endpoint = aws.wait_for_endpoint(name)
    assert endpoint["EndpointStatus"] == "Failed"
    assert "Failed to extract model data archive from s3://" in endpoint["FailureReason"]
    assert reason in endpoint["FailureReason"]
    assert not list(root.rglob("outside"))
    with pytest.raises(ClientError, match=f"Endpoint {name} of account 123456789012 not found"):
        aws.sagemaker_runtime.invoke_endpoint(EndpointName=name, Body=b"")
    aws.sagemaker.delete_endpoint(EndpointName=name)


def test_a_model_that_does_not_load_fails_the_endpoint_with_the_end_of_its_log(aws):
    code = b"def model_fn(model_dir):\n    raise OSError('weights.pt is missing ' + 'y' * 3000 + ' END')\n"
    aws.create_endpoint("broken", aws.put("broken/model.tar.gz", targz({"code/inference.py": code})))
    endpoint = aws.wait_for_endpoint("broken")
    assert endpoint["EndpointStatus"] == "Failed"
    assert endpoint["FailureReason"].startswith(
        "The primary container for production variant AllTraffic did not pass the ping health check"
    )
    assert "yyy END\nbyom.local: worker " in endpoint["FailureReason"]
    assert endpoint["FailureReason"].endswith(" ended with exit code 1")
    assert len(endpoint["FailureReason"]) <= 1024


def test_a_setting_that_is_no_number_fails_the_endpoint_by_name(aws, endpoint):
    data = "s3://sagemaker-us-east-1-123456789012/handler/model.tar.gz"
    for name, value in (("SAGEMAKER_MODEL_SERVER_WORKERS", "many"), ("SAGEMAKER_MODEL_SERVER_TIMEOUT", "0")):
        aws.create_endpoint(name.replace("_", "-"), data, **{name: value})
        failed = aws.wait_for_endpoint(name.replace("_", "-"))
        assert failed["FailureReason"] == f"{name} must be a whole number above 0, not '{value}'."


def test_deleting_ends_the_process_also_while_it_starts(aws, root):
    code = b"import time\ndef model_fn(model_dir):\n    time.sleep(600)\n"
    aws.create_endpoint("slow", aws.put("slow/model.tar.gz", targz({"code/inference.py": code})))
    folder = root / "run" / "endpoints"
    wait(lambda: [p for p in processes_below(folder) if "serving.py" in " ".join(p.cmdline())], "the process")
    before = len(processes_below(folder))
    aws.sagemaker.delete_endpoint(EndpointName="slow")
    wait(lambda: len(processes_below(folder)) < before, "the process to end")


def test_an_endpoint_outlives_its_model_and_configuration(aws, endpoint, invoke):
    data = "s3://sagemaker-us-east-1-123456789012/handler/model.tar.gz"
    aws.sagemaker.delete_model(ModelName=endpoint)
    aws.sagemaker.delete_endpoint_config(EndpointConfigName=endpoint)
    model_error(lambda: invoke(b"exit"))
    assert b'"size": 2' in invoke(b"ok")["Body"].read()
    aws.sagemaker.create_model(
        ModelName=endpoint,
        ExecutionRoleArn=ROLE_ARN,
        PrimaryContainer={"Image": IMAGE.format("inference"), "ModelDataUrl": data},
    )
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        aws.sagemaker.create_model(
            ModelName=endpoint, ExecutionRoleArn=ROLE_ARN, PrimaryContainer={"Image": IMAGE.format("inference")}
        )
