"""Training jobs over the wire: refusals, ends other than success, and what a job may not touch."""

import importlib.util
import json
import time
import zipfile

import psutil
import pytest
from botocore.exceptions import ClientError

from byom.local.account import DEFAULT_BUCKET

from .clients import targz, wait


def refused(call, code):
    """The text of the error with this code that `call` raises."""
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


def channel(uri, S3DataType="S3Prefix", **more):
    source = {"S3DataType": S3DataType, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": source}, **more}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"TrainingJobName": "my_job"}, "Value 'my_job' at 'trainingJobName' failed to satisfy constraint"),
        (
            {"ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.none.large", "VolumeSizeInGB": 1}},
            "at 'resourceConfig.instanceType' failed to satisfy constraint: Member must satisfy enum value set",
        ),
        ({"InputDataConfig": [channel("s3://no-such-bucket-here/x")]}, "The specified bucket does not exist"),
        ({"InputDataConfig": [channel("file:///no/such/file")]}, "There is no file at file:///no/such/file"),
        (
            {"InputDataConfig": [channel("s3://b/x", S3DataType="AugmentedManifestFile")]},
            "does not support S3DataType AugmentedManifestFile of channel train",
        ),
        ({"InputDataConfig": [channel(f"file://{__file__}")] * 2}, "Channel names must be unique: train, train"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://no-such-bucket-here/x"}}, "no-such-bucket-here"),
        (
            {"AlgorithmSpecification": {"TrainingImage": "1.ecr/xgboost:1.7-1", "TrainingInputMode": "File"}},
            "does not run the image 1.ecr/xgboost:1.7-1",
        ),
        ({"CheckpointConfig": {"S3Uri": "s3://no-such-bucket-here/c"}}, "no-such-bucket-here"),
        (
            {"CheckpointConfig": {"S3Uri": f"s3://{DEFAULT_BUCKET}/c", "LocalPath": "/tmp/c"}},
            "does not support the LocalPath /tmp/c of CheckpointConfig",
        ),
        ({"HyperParameters": {"sagemaker_mpi_enabled": "true"}}, "does not support distribution by mpi"),
        ({"EnableManagedSpotTraining": True}, "Invalid MaxWaitTimeInSeconds"),
        ({"StoppingCondition": {"MaxWaitTimeInSeconds": 60}}, "can only be specified when EnableManagedSpotTraining"),
        (
            {"ResourceConfig": {"InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
            "ResourceConfig needs either InstanceType and InstanceCount, or InstanceGroups",
        ),
    ],
)
def test_a_bad_request_is_refused_by_name(aws, changes, text):
    request = {**aws.job_request("refused-job", ""), **changes}
    assert text in refused(lambda: aws.sagemaker.create_training_job(**request), "ValidationException")
    assert not aws.sagemaker.list_training_jobs(NameContains="refused-job")["TrainingJobSummaries"]


def test_an_unknown_job_and_an_unsupported_call(aws):
    missing = refused(lambda: aws.sagemaker.describe_training_job(TrainingJobName="none"), "ValidationException")
    assert missing == "Requested resource not found."
    text = refused(aws.sagemaker.list_hyper_parameter_tuning_jobs, "UnsupportedOperation")
    assert "byom.local does not support ListHyperParameterTuningJobs" in text
    text = refused(aws.dynamodb.list_tables, "UnsupportedOperation")
    assert "byom.local does not support the service dynamodb" in text


def test_a_name_is_used_once_and_a_job_is_stopped_with_all_it_started(aws, tmp_path):
    mark = tmp_path / "pid"
    script = f"""
    import subprocess, sys, time, pathlib
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    pathlib.Path({str(mark)!r}).write_text(str(child.pid))
    time.sleep(600)
    """
    request = aws.job_request("stopped-job", script)
    aws.sagemaker.create_training_job(**request)
    text = refused(lambda: aws.sagemaker.create_training_job(**request), "ResourceInUse")
    assert text == "Training job names must be unique within an AWS account and Region"
    wait(lambda: mark.exists() and mark.read_text(), "the script to start a process")
    aws.sagemaker.stop_training_job(TrainingJobName="stopped-job")
    job = aws.wait_for_job("stopped-job", "Stopped", "Failed", "Completed")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert not psutil.pid_exists(int(mark.read_text()))
    text = refused(lambda: aws.sagemaker.stop_training_job(TrainingJobName="stopped-job"), "ValidationException")
    assert text == "The request was rejected because the training job is in status Stopped."


def test_a_job_that_overruns_is_stopped(aws):
    request = aws.job_request("long-job", "import time\ntime.sleep(600)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    aws.sagemaker.create_training_job(**request)
    job = aws.wait_for_job("long-job", "Stopped", "Failed", "Completed")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_killed_script_and_a_missing_script_say_why(aws):
    for name, script in (("killed-job", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"), ("no-script", "")):
        request = aws.job_request(name, script)
        if name == "no-script":
            request["HyperParameters"]["sagemaker_program"] = '"other.py"'
        aws.sagemaker.create_training_job(**request)
    killed = aws.wait_for_job("killed-job", "Stopped", "Failed", "Completed")
    missing = aws.wait_for_job("no-script", "Stopped", "Failed", "Completed")
    assert killed["FailureReason"].startswith("AlgorithmError: ") and missing["FailureReason"].startswith(
        "AlgorithmError: "
    )
    assert "other.py" in missing["FailureReason"]


def test_what_a_script_sees_of_its_channels_its_environment_and_its_requirements(aws, tmp_path):
    """A wheel made here stands for a package of an index: the job imports it, and this environment can't."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "on-disk.csv").write_text("4")
    aws.put("chan/train/a.csv", b"1")
    aws.put("chan/train/deep/b.csv", b"2")
    aws.put("chan/train.csv", b"3")
    script = b"""
import glob, json, os
import only_in_the_job
root = os.environ["SM_INPUT_DIR"] + "/data/"
names = filter(os.path.isfile, glob.glob(root + "**", recursive=True))
seen = {name.removeprefix(root): open(name).read() for name in names}
print("SEEN", json.dumps(seen))  # two writes, which must stay one line of the log
print("LEFT", [k for k in os.environ if k.startswith(("PYTEST_", "JPY_"))], os.environ["MODE"])
print("ANSWER", only_in_the_job.answer)
"""
    channels = [
        {**channel("s3://sagemaker-us-east-1-123456789012/chan/train"), "ChannelName": "folder"},
        {**channel("s3://sagemaker-us-east-1-123456789012/chan/train.csv"), "ChannelName": "one"},
        {**channel(f"file://{tmp_path}/disk"), "ChannelName": "disk"},
    ]
    request = aws.job_request("seeing-job", "", InputDataConfig=channels, Environment={"MODE": "test"})
    files = {"train.py": script, "requirements.txt": str(wheel(tmp_path)).encode()}
    aws.put("seeing-job/sourcedir.tar.gz", targz(files))
    aws.sagemaker.create_training_job(**request)
    job = aws.wait_for_job("seeing-job", "Stopped", "Failed", "Completed")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = aws.messages("/aws/sagemaker/TrainingJobs", "seeing-job/")
    (seen,) = [line for line in lines if line.startswith("SEEN")]
    assert json.loads(seen.removeprefix("SEEN ")) == {
        "folder/a.csv": "1",
        "folder/deep/b.csv": "2",
        "folder/chan/train.csv": "3",
        "one/train.csv": "3",
        "disk/on-disk.csv": "4",
    }
    assert "LEFT [] test" in lines
    assert "ANSWER 42" in lines
    assert importlib.util.find_spec("only_in_the_job") is None


def wheel(folder):
    """A package with one module."""
    path = folder / "only_in_the_job-1.0-py3-none-any.whl"
    info = "only_in_the_job-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("only_in_the_job.py", "answer = 42")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: only-in-the-job\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_listing_is_filtered_sorted_and_paged(aws):
    script = "print(1)"
    for i in range(3):
        request = aws.job_request(f"paged-job-{i}", script)
        aws.sagemaker.create_training_job(**request)
        aws.sagemaker.stop_training_job(TrainingJobName=f"paged-job-{i}")
        time.sleep(0.01)
    first = aws.sagemaker.list_training_jobs(NameContains="PAGED", MaxResults=2, SortBy="Name", SortOrder="Ascending")
    assert [job["TrainingJobName"] for job in first["TrainingJobSummaries"]] == ["paged-job-0", "paged-job-1"]
    pages = aws.sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="paged", PaginationConfig={"PageSize": 2}
    )
    names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
    assert names == ["paged-job-2", "paged-job-1", "paged-job-0"]
    text = refused(lambda: aws.sagemaker.list_training_jobs(NextToken="nonsense"), "ValidationException")
    assert "NextToken" in text
    for i in range(3):
        aws.wait_for_job(f"paged-job-{i}", "Stopped", "Failed", "Completed")


def test_tags_are_added_replaced_and_deleted(aws):
    arn = aws.sagemaker.list_training_jobs(NameContains="paged-job-0")["TrainingJobSummaries"][0]["TrainingJobArn"]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])
    aws.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["b"])
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]
    text = refused(
        lambda: aws.sagemaker.list_tags(ResourceArn=arn.replace("training-job", "algorithm")), "ValidationException"
    )
    assert "Invalid ARN" in text


@pytest.mark.skipif(importlib.util.find_spec("mxnet") is None, reason="mxnet has no wheel for this machine")
def test_a_job_can_import_torchvision_and_mxnet(aws):
    script = "import mxnet, torchvision\nprint('both', torchvision.models.resnet18.__name__, mxnet.nd.ones(2).shape)"
    aws.sagemaker.create_training_job(**aws.job_request("imports-both", script))
    job = aws.wait_for_job("imports-both", "Completed", "Failed")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "both resnet18 (2,)" in aws.messages("/aws/sagemaker/TrainingJobs", "imports-both")


def test_a_job_may_name_its_own_entry_point(aws):
    """As SDK v3 does, whose programs come as a channel and name the folder of AWS."""
    driver = 'echo "channel $(ls /opt/ml/input/data/code)"\necho "$1" > /opt/ml/model/weights\nexit "$2"\n'
    aws.put("drivers/run.sh", driver.encode())
    aws.put("drivers-code/train.py", b"")
    inputs = [
        {**channel(f"s3://{DEFAULT_BUCKET}/drivers/"), "ChannelName": "sm_drivers"},
        {**channel(f"s3://{DEFAULT_BUCKET}/drivers-code"), "ChannelName": "code"},
    ]
    for name, code in (("own-entry", 0), ("own-entry-fails", 3)):
        request = aws.job_request(name, "", InputDataConfig=inputs)
        request["AlgorithmSpecification"] |= {
            "ContainerEntrypoint": ["/bin/bash"],
            "ContainerArguments": ["/opt/ml/input/data/sm_drivers/run.sh", "two words", str(code)],
        }
        aws.sagemaker.create_training_job(**request)
        job = aws.wait_for_job(name, "Stopped", "Failed", "Completed")
        assert job["TrainingJobStatus"] == ("Failed" if code else "Completed"), job.get("FailureReason")
        assert "channel train.py" in aws.messages("/aws/sagemaker/TrainingJobs", f"{name}/")
    assert job["FailureReason"].endswith(", exit code: 3")
