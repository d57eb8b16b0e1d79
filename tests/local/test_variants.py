"""Endpoints with several variants: shares by weight, targets, and what is told about them."""

from collections import Counter

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from byom.local.account import ROLE_ARN

from .clients import IMAGE, targz

HANDLER = """
def model_fn(model_dir):
    return "{}"
def transform_fn(model, body, content_type, accept):
    if bytes(body) == b"exit":
        import os
        os.kill(os.getppid(), 9)
        os._exit(1)
    return model, "text/plain"
"""


def variant(name, weight):
    return {
        "VariantName": name,
        "ModelName": f"variant-{name}",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": weight,
    }


@pytest.fixture(scope="module")
def endpoint(aws):
    for name in ("red", "blue"):
        data = aws.put(f"{name}/model.tar.gz", targz({"code/inference.py": HANDLER.format(name).encode()}))
        container = {"Image": IMAGE.format("inference"), "ModelDataUrl": data, "Environment": {}}
        aws.sagemaker.create_model(ModelName=f"variant-{name}", ExecutionRoleArn=ROLE_ARN, PrimaryContainer=container)
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName="two", ProductionVariants=[variant("red", 3), variant("blue", 1)]
    )
    aws.sagemaker.create_endpoint(EndpointName="two", EndpointConfigName="two")
    assert aws.wait_for_endpoint("two")["EndpointStatus"] == "InService"
    return "two"


def ask(aws, body=b"who", **more):
    answer = aws.sagemaker_runtime.invoke_endpoint(EndpointName="two", Body=body, ContentType="text/plain", **more)
    who = answer["Body"].read().decode()
    assert answer["InvokedProductionVariant"] == who
    return who


def test_requests_are_shared_by_weight_unless_they_name_a_variant(aws, endpoint):
    shares = Counter(ask(aws) for _ in range(400))
    assert 240 < shares["red"] < 360  # 300 expected; less likely than 1 in 10 million to fall outside
    assert {ask(aws, TargetVariant="blue") for _ in range(20)} == {"blue"}
    with pytest.raises(ClientError, match=r"\(ValidationError\).*Variant green not found"):
        ask(aws, TargetVariant="green")


def test_weights_change_at_once_and_are_described(aws, endpoint):
    def weigh(**weights):
        aws.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=endpoint,
            DesiredWeightsAndCapacities=[
                {"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()
            ],
        )
        described = aws.sagemaker.describe_endpoint(EndpointName=endpoint)
        assert described["EndpointStatus"] == "InService"
        variants = {each["VariantName"]: each for each in described["ProductionVariants"]}
        assert all(variants[name]["CurrentWeight"] == weight for name, weight in weights.items())
        assert variants["red"]["DeployedImages"][0]["SpecifiedImage"] == IMAGE.format("inference")

    weigh(red=0)
    assert {ask(aws) for _ in range(30)} == {"blue"}
    weigh(red=1, blue=0)
    assert {ask(aws) for _ in range(30)} == {"red"}
    weigh(red=0)
    with pytest.raises(ClientError, match="No variant has a weight above 0"):
        ask(aws)
    assert ask(aws, TargetVariant="red") == "red"
    with pytest.raises(ClientError, match="has no variant named green"):
        weigh(green=1)
    weigh(red=3, blue=1)


def test_a_variant_whose_container_ends_is_started_again_and_the_other_serves_on(aws, endpoint):
    with pytest.raises(ClientError, match="The model's process ended"):
        ask(aws, b"exit", TargetVariant="red")
    assert ask(aws, TargetVariant="blue") == "blue"
    assert ask(aws, TargetVariant="red") == "red"


def test_logs_are_told_apart_by_variant(aws, endpoint):
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    names = [s["logStreamName"] for s in aws.logs.describe_log_streams(logGroupName=group)["logStreams"]]
    assert {name.partition("/")[0] for name in names} == {"red", "blue"}


def test_one_variant_that_cannot_serve_fails_the_endpoint_and_leaves_nothing_running(aws, endpoint, root):
    before = len(list((root / "run/endpoints").iterdir()))
    data = aws.put("broken/model.tar.gz", targz({"code/inference.py": b"raise OSError('no green today')"}))
    container = {"Image": IMAGE.format("inference"), "ModelDataUrl": data}
    aws.sagemaker.create_model(ModelName="variant-green", ExecutionRoleArn=ROLE_ARN, PrimaryContainer=container)
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName="half", ProductionVariants=[variant("red", 1), variant("green", 1)]
    )
    aws.sagemaker.create_endpoint(EndpointName="half", EndpointConfigName="half")
    failed = aws.wait_for_endpoint("half")
    assert failed["EndpointStatus"] == "Failed"
    assert "production variant green" in failed["FailureReason"]
    assert "no green today" in failed["FailureReason"]
    assert len(list((root / "run/endpoints").iterdir())) == before


def test_configurations_that_cannot_be(aws, endpoint):
    for variants, text in (
        ([variant("red", 1), variant("red", 2)], "Two production variants have the name red"),
        ([{**variant("red", 1), "ModelName": "none"}], "Could not find model"),
        (
            [{**variant("red", 1), "InitialVariantWeight": -1.0}],
            "InitialVariantWeight, value: -1.0, valid min value: 0",
        ),
    ):
        with pytest.raises((ClientError, ParamValidationError), match=text):
            aws.sagemaker.create_endpoint_config(EndpointConfigName="cannot", ProductionVariants=variants)
