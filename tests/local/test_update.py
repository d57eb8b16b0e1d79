"""An endpoint that changes while requests arrive: updates, updates that fail, and a server killed meanwhile."""

import itertools
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from byom.local import lifecycle
from byom.local.account import ROLE_ARN

from .clients import IMAGE, Clients, free_port, processes_below, targz, wait

HANDLER = """
import json, os, time
def model_fn(model_dir):
    time.sleep({pause})
    {load}
    return {number}
def transform_fn(model, body, content_type, accept):
    return json.dumps([model, json.loads(body)]), "application/json"
"""
REQUESTS, CLIENTS = 1000, 32
BROKEN = 'raise OSError("the new weights are missing")'


def configure(aws, name, number, load="pass", pause=0, **variant):
    """A model that answers with its number, and a configuration of it."""
    code = HANDLER.format(number=number, load=load, pause=pause).encode()
    container = {
        "Image": IMAGE.format("inference"),
        "ModelDataUrl": aws.put(f"{name}/model.tar.gz", targz({"code/inference.py": code})),
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_MODEL_SERVER_WORKERS": "2"},
    }
    aws.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE_ARN, PrimaryContainer=container)
    one = {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    aws.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[{**one, **variant}])


def ask(aws, endpoint, question):
    answer = aws.sagemaker_runtime.invoke_endpoint(
        EndpointName=endpoint, Body=json.dumps(question), ContentType="application/json"
    )
    return json.loads(answer["Body"].read())


def settled(aws, name):
    def look():
        endpoint = aws.sagemaker.describe_endpoint(EndpointName=name)
        return endpoint if endpoint["EndpointStatus"] not in ("Creating", "Updating") else None

    return wait(look, f"endpoint {name} to settle")


@pytest.fixture(scope="module")
def endpoint(aws):
    configure(aws, "first", 1)
    aws.sagemaker.create_endpoint(EndpointName="changing", EndpointConfigName="first")
    assert settled(aws, "changing")["EndpointStatus"] == "InService"
    return "changing"


def test_no_request_is_lost_or_wrong_while_an_endpoint_is_updated_twice(aws, endpoint, root):
    names = ["second", "third"]
    for number, name in enumerate(names, 2):
        configure(aws, name, number)
    instances = root / "run/endpoints"
    before = len(list(instances.iterdir()))
    questions, lock = itertools.count(), threading.Lock()
    answers, stop = {}, threading.Event()
    shared = Clients(aws.url, connections=CLIENTS)

    def client():
        while not (stop.is_set() and len(answers) >= REQUESTS):
            with lock:
                question = next(questions)
            answers[question] = ask(shared, endpoint, question)

    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(client) for _ in range(CLIENTS)]
        for name in names:
            enough = len(answers) + REQUESTS // 4
            wait(lambda: len(answers) >= enough or any(r.done() for r in running), "answers")  # noqa: B023
            aws.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=name)
            assert settled(aws, endpoint)["EndpointConfigName"] == name
        stop.set()
        for each in running:
            each.result()  # raises what the client raised
    assert len(answers) >= REQUESTS
    assert all(question == echoed for question, (_, echoed) in answers.items())
    assert {model for model, _ in answers.values()} >= {2, 3}
    assert ask(aws, endpoint, "now") == [3, "now"]
    wait(lambda: len(list(instances.iterdir())) == before, "the old instances to end")


def test_an_update_that_fails_leaves_the_old_model_in_service_and_says_why(aws, endpoint):
    configure(aws, "bad", 9, load=BROKEN)
    before = aws.sagemaker.describe_endpoint(EndpointName=endpoint)
    answer = ask(aws, endpoint, 0)
    aws.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName="bad")
    during = aws.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert during["EndpointStatus"] == "Updating"
    assert during["EndpointConfigName"] == before["EndpointConfigName"]
    assert during["PendingDeploymentSummary"]["EndpointConfigName"] == "bad"
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        aws.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName="first")
    assert ask(aws, endpoint, 0) == answer
    after = settled(aws, endpoint)
    assert after["EndpointStatus"] == "InService"
    assert "the new weights are missing" in after["FailureReason"]
    assert after["EndpointConfigName"] == before["EndpointConfigName"]
    assert "PendingDeploymentSummary" not in after
    assert ask(aws, endpoint, 0) == answer


def test_what_an_update_keeps_and_refuses(aws, endpoint):
    configure(aws, "kept", 4, InitialVariantWeight=7, InitialInstanceCount=3)
    aws.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[
            {"VariantName": "AllTraffic", "DesiredWeight": 0.5, "DesiredInstanceCount": 2},
        ],
    )
    aws.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName="kept",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredInstanceCount"}],
    )
    after = settled(aws, endpoint)
    assert "FailureReason" not in after
    (variant,) = after["ProductionVariants"]
    assert (variant["DesiredWeight"], variant["CurrentWeight"]) == (0.5, 0.5)
    assert (variant["DesiredInstanceCount"], variant["CurrentInstanceCount"]) == (3, 3)
    for changes, text in (
        ({"EndpointName": "none"}, "Could not find endpoint"),
        ({"EndpointConfigName": "none"}, "Could not find endpoint configuration"),
        (
            {
                "DeploymentConfig": {
                    "BlueGreenUpdatePolicy": {
                        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
                    }
                }
            },
            "does not support DeploymentConfig",
        ),
    ):
        with pytest.raises(ClientError, match=text):
            aws.sagemaker.update_endpoint(**{"EndpointName": endpoint, "EndpointConfigName": "kept", **changes})


def test_a_failed_endpoint_can_only_be_deleted(aws):
    configure(aws, "failing", 1, load=BROKEN)
    aws.sagemaker.create_endpoint(EndpointName="failing", EndpointConfigName="failing")
    with pytest.raises(ClientError, match="Endpoint failing of account 123456789012 not found"):
        ask(aws, "failing", "too early")
    assert settled(aws, "failing")["EndpointStatus"] == "Failed"
    with pytest.raises(ClientError, match="Endpoint failing of account 123456789012 not found"):
        ask(aws, "failing", "too late")
    with pytest.raises(ClientError, match="Cannot update failed endpoint"):
        aws.sagemaker.update_endpoint(EndpointName="failing", EndpointConfigName="failing")
    aws.sagemaker.delete_endpoint(EndpointName="failing")


def test_deleting_during_an_update_ends_both_models(aws, endpoint, root):
    configure(aws, "never", 5, pause=600)
    instances = root / "run/endpoints"
    before = len(list(instances.iterdir()))
    aws.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName="never")
    wait(lambda: len(list(instances.iterdir())) > before, "the new instance")
    aws.sagemaker.delete_endpoint(EndpointName=endpoint)
    wait(lambda: len(list(instances.iterdir())) == before - 1, "both instances to end")
    with pytest.raises(ClientError, match=f"Endpoint {endpoint} of account 123456789012 not found"):
        ask(aws, endpoint, 0)


def test_a_server_killed_during_creation_and_update_says_what_became_of_them(tmp_path):
    root = tmp_path / "root"
    server, _ = lifecycle.ensure(root, free_port())
    try:
        aws = Clients(server.url)
        configure(aws, "old", 1)
        configure(aws, "slow", 2, pause=600)
        aws.sagemaker.create_endpoint(EndpointName="updated", EndpointConfigName="old")
        settled(aws, "updated")
        aws.sagemaker.create_endpoint(EndpointName="created", EndpointConfigName="slow")
        aws.sagemaker.update_endpoint(EndpointName="updated", EndpointConfigName="slow")
        os.kill(server.pid, signal.SIGKILL)
        wait(lambda: not processes_below(root), "every process to end", 30)

        aws = Clients(lifecycle.ensure(root)[0].url)
        created = aws.sagemaker.describe_endpoint(EndpointName="created")
        assert created["EndpointStatus"] == "Failed"
        assert "ended while the endpoint was being created" in created["FailureReason"]
        updated = aws.sagemaker.describe_endpoint(EndpointName="updated")
        assert (updated["EndpointStatus"], updated["EndpointConfigName"]) == ("InService", "old")
        assert "ended while the endpoint was being updated" in updated["FailureReason"]
        assert ask(aws, "updated", "again") == [1, "again"]
    finally:
        lifecycle.stop(root)
