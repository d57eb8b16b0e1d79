"""The local API gateway's Lambda function: what goes wrong in it, its limits, its surroundings, its code."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from byom.gateway import Gateway, http_api, rest_api
from byom.gateway.routes import EVERYTHING, Routes
from byom.gateway.server import Server

from . import gateway
from .gateway import commands_below
from .local.clients import wait

folder, http_gateway, rest_gateway = gateway.folder, gateway.http_gateway, gateway.rest_gateway


def test_an_error_is_in_the_log_and_not_in_the_answer(http_gateway, rest_gateway):
    for asked, expected in ((http_gateway, http_api.FAILED), (rest_gateway, rest_api.FAILED)):
        response = httpx.post(f"{asked.url}/raise")
        assert (response.status_code, response.json()) == (expected[0], {"message": expected[1]})
        assert 'raise ValueError("a secret reason")' in asked.log
        assert "ValueError: a secret reason" in asked.log
        assert "environment.py" not in asked.log  # the traceback begins with the handler


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("exit", "exit status 3"),
        ("set", "set is not JSON serializable"),
        ("nan", "NaN is not JSON"),
        ("large", "the answer has"),
    ],
)
def test_an_invocation_that_brings_no_answer_costs_no_other_one(http_gateway, what, why):
    assert httpx.post(f"{http_gateway.url}/{what}").status_code == 500
    assert why in http_gateway.log
    assert httpx.get(f"{http_gateway.url}/decimal").json() == {"share": 0.25}


def test_an_invocation_that_takes_too_long_is_ended_with_all_that_it_started(folder, http_gateway, rest_gateway):
    with ThreadPoolExecutor(2) as pool:
        said = pool.map(lambda asked: httpx.post(f"{asked.url}/loop", timeout=30), (http_gateway, rest_gateway))
    assert [response.status_code for response in said] == [500, 502]
    assert "Task timed out after 2.00 seconds" in http_gateway.log
    wait(lambda: not [line for line in commands_below(folder).values() if "987.654" in line], "its processes to end")


@pytest.mark.parametrize(
    ("api", "seconds", "status", "message"),
    [(rest_api, 29, 504, "Endpoint request timed out"), (http_api, 30, 503, "Service Unavailable")],
)
def test_the_gateway_waits_no_longer_than_aws(monkeypatch, api, seconds, status, message):
    """What the server does at its limit is tried with a shorter one."""

    class Slow:
        async def invoke(self, request_id, event):
            await asyncio.Event().wait()

    async def ask():
        transport = httpx.ASGITransport(Server(api, Routes(EVERYTHING), Slow(), None, "gateway"))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.get("/")

    assert seconds == api.TIMEOUT
    monkeypatch.setattr(api, "TIMEOUT", 0.01)
    response = asyncio.run(ask())
    assert (response.status_code, response.json()) == (status, {"message": message})


@pytest.mark.parametrize(
    ("size", "http_status"),
    [
        (10 * 2**20 + 1, 413),  # above the gateway's own limit
        (5 * 2**20, 413),  # below it, but not once it is base64, for Lambda
        (4 * 2**20, 200),
    ],
)
def test_payload_limits(http_gateway, size, http_status):
    answer = {"content-type": "image/png"}
    response = httpx.post(f"{http_gateway.url}/alone", content=bytes(size), headers=answer, timeout=60)
    assert response.status_code == http_status
    if http_status == 413:
        assert response.json() == {"message": "Request Entity Too Large"}


def test_requests_in_parallel_are_not_mixed_up_and_share_nothing(http_gateway):
    def ask(number):
        response = client.post(f"{http_gateway.url}/alone", content=str(number), headers={"content-type": "text/plain"})
        return response.status_code, response.json()

    limits = httpx.Limits(max_connections=200)
    with httpx.Client(timeout=60, limits=limits) as client, ThreadPoolExecutor(50) as pool:
        said = list(pool.map(ask, range(200)))
    assert said == [(200, [1, str(number)]) for number in range(200)]


def test_context_environment_and_log_are_those_of_lambda(http_gateway, folder):
    seen = httpx.get(f"{http_gateway.url}/context").json()
    assert 0 < seen["left"] <= 2000
    assert seen["named"] == {
        "aws_request_id": seen["named"]["aws_request_id"],
        "function_name": "handler",
        "function_version": "$LATEST",
        "invoked_function_arn": "arn:aws:lambda:us-east-1:123456789012:function:handler",
        "memory_limit_in_mb": "128",
        "log_group_name": "/aws/lambda/handler",
        "log_stream_name": "local",
    }
    variables = seen["environment"]
    assert variables["ENDPOINT_NAME"] == "cifar10" and variables["_HANDLER"] == "handler.lambda_handler"
    assert seen["folder"] == variables["LAMBDA_TASK_ROOT"] == str(folder)
    assert not [name for name in variables if name.startswith("PYTEST")]  # nothing of whoever started it
    assert "printed by the handler" in http_gateway.log
    assert f"{seen['named']['aws_request_id']}\tlogged by the handler" in http_gateway.log


def test_an_edit_counts_at_the_next_request(tmp_path):
    file = tmp_path / "handler.py"
    other = tmp_path / "labels.py"
    other.write_text("LABEL = 'one'")
    file.write_text("from labels import LABEL\ndef lambda_handler(event, context):\n    return LABEL\n")
    with Gateway(f"{file}:lambda_handler") as gateway:
        assert httpx.get(gateway.url).text == "one"
        other.write_text("LABEL = 'two'")
        assert httpx.get(gateway.url).text == "two"
        file.write_text("def lambda_handler(event, context)\n")
        assert httpx.get(gateway.url).status_code == 500
        assert "SyntaxError: expected ':'" in gateway.log
        file.write_text("def lambda_handler(event, context):\n    return 'three'\n")
        assert httpx.get(gateway.url).text == "three"


def test_the_handler_reaches_local_sagemaker_through_boto3(tmp_path):
    from byom.local import lifecycle
    from byom.local.account import client_environment

    (tmp_path / "handler.py").write_text(
        "import os, boto3\n"
        "runtime = boto3.client('sagemaker-runtime')\n"
        "def lambda_handler(event, context):\n"
        "    try:\n"
        "        runtime.invoke_endpoint(EndpointName=os.environ['ENDPOINT_NAME'], Body=b'')\n"
        "    except runtime.exceptions.ClientError as error:\n"
        "        return str(error)\n"
    )
    server, _ = lifecycle.ensure(tmp_path / "root", None)
    try:
        environment = {**client_environment(server.url), "ENDPOINT_NAME": "cifar10"}
        with Gateway(tmp_path / "handler.py:lambda_handler", environment=environment, timeout=60) as gateway:
            said = httpx.get(gateway.url, timeout=60).text
    finally:
        lifecycle.stop(tmp_path / "root")
    assert "ValidationError" in said and "cifar10" in said


def test_the_handler_is_imported_once_in_a_process_of_its_own(http_gateway):
    pids = {httpx.get(f"{http_gateway.url}/context").json()["pid"] for _ in range(3)}
    assert len(pids) == 1 and os.getpid() not in pids
