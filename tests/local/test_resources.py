"""What models, configurations, endpoints and jobs share: names, ARNs, listing, pages and tags."""

import time

import pytest
from botocore.exceptions import ClientError

from byom.local.account import ROLE_ARN

from .clients import IMAGE

KINDS = {
    "model": ("Models", "ModelName"),
    "endpoint_config": ("EndpointConfigs", "EndpointConfigName"),
    "endpoint": ("Endpoints", "EndpointName"),
    "training_job": ("TrainingJobSummaries", "TrainingJobName"),
}
NAMES = [f"listed-{letter}" for letter in "badce"]  # in the order in which they are made


@pytest.fixture(scope="module")
def made(aws):
    """Five of each kind, oldest first; the moments between them. Their archives are bad, so that none runs."""
    moments = []
    container = {"Image": IMAGE.format("inference"), "ModelDataUrl": aws.put("listed.tar.gz", b"no archive")}
    variant = {"VariantName": "AllTraffic", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    for name in NAMES:
        tags = [{"Key": "name", "Value": name}]
        aws.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE_ARN, PrimaryContainer=container, Tags=tags)
        aws.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{**variant, "ModelName": name}], Tags=tags
        )
        aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=tags)
        request = aws.job_request(name, "")
        aws.put(f"{name}/sourcedir.tar.gz", b"no archive")
        aws.sagemaker.create_training_job(**request, Tags=tags)
        time.sleep(0.002)
        moments.append(time.time())
        time.sleep(0.002)
    for name in NAMES:
        aws.wait_for_job(name, "Failed")
        aws.wait_for_endpoint(name)
    return moments


def listed(aws, kind, **asked):
    members, name = KINDS[kind]
    answer = getattr(aws.sagemaker, f"list_{kind}s")(NameContains="listed-", **asked)
    return [found[name] for found in answer[members]], answer.get("NextToken")


@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_sorted_filtered_and_paged(aws, made, kind):
    assert listed(aws, kind) == (NAMES[::-1], None)
    assert listed(aws, kind, SortOrder="Ascending") == (NAMES, None)
    assert listed(aws, kind, SortBy="Name", SortOrder="Ascending") == (sorted(NAMES), None)
    assert listed(aws, kind, CreationTimeAfter=made[1], CreationTimeBefore=made[3]) == (NAMES[3:1:-1], None)
    pages, token = [], None
    while token is not None or not pages:
        page, token = listed(aws, kind, MaxResults=2, SortBy="Name", **({"NextToken": token} if token else {}))
        pages.append(page)
    assert pages == [["listed-e", "listed-d"], ["listed-c", "listed-b"], ["listed-a"]]
    with pytest.raises(ClientError, match="Invalid pagination token"):
        listed(aws, kind, NextToken="made up")
    with pytest.raises(
        ClientError, match=r"at 'nameContains' failed to satisfy constraint: Member must satisfy regular"
    ):
        getattr(aws.sagemaker, f"list_{kind}s")(NameContains="a_b")


@pytest.mark.parametrize("kind", ["endpoint", "training_job"])
def test_lists_are_filtered_by_status(aws, made, kind):
    assert listed(aws, kind, StatusEquals="Failed") == (NAMES[::-1], None)
    nothing = {"endpoint": "Deleting", "training_job": "Completed"}[kind]
    assert listed(aws, kind, StatusEquals=nothing)[0] == []
    page, token = listed(aws, kind, StatusEquals=nothing, MaxResults=2)
    # AWS cuts the page of a list of jobs before it looks at their status
    assert (page, token is None) == ([], kind == "endpoint")


def test_a_filter_that_is_not_there_is_refused_by_name(aws):
    with pytest.raises(ClientError, match="does not support WarmPoolStatusEquals"):
        aws.sagemaker.list_training_jobs(WarmPoolStatusEquals="Available")


@pytest.mark.parametrize("kind", KINDS)
def test_names_arns_and_tags(aws, made, kind):
    name, member = "listed-a", KINDS[kind][1]
    describe = getattr(aws.sagemaker, f"describe_{kind}")
    arn = describe(**{member: name})[member.replace("Name", "Arn")]
    assert arn == f"arn:aws:sagemaker:us-east-1:123456789012:{kind.replace('_', '-')}/{name}"
    tags = aws.sagemaker
    assert tags.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "name", "Value": name}]
    added = tags.add_tags(ResourceArn=arn, Tags=[{"Key": "name", "Value": "new"}, {"Key": "b", "Value": ""}])["Tags"]
    assert added == [{"Key": "name", "Value": "new"}, {"Key": "b", "Value": ""}]
    with pytest.raises(ClientError, match="ResourceLimitExceeded"):
        tags.add_tags(ResourceArn=arn, Tags=[{"Key": str(i), "Value": ""} for i in range(49)])
    tags.delete_tags(ResourceArn=arn, TagKeys=["name", "not there"])
    assert tags.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": ""}]
    with pytest.raises(ClientError, match=r"\(ValidationException\)"):
        describe(**{member: "listed-z"})
    for other in (f"{arn}z", arn.replace("us-east-1", "eu-west-1"), arn.replace(kind.replace("_", "-"), "algorithm")):
        with pytest.raises(ClientError, match=r"\(ValidationException\)"):
            tags.list_tags(ResourceArn=other)
