"""The recorder: what an SDK object would send is kept, and nothing is sent."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sagemaker")

from byom.checks.aws import ACCOUNT, BUCKET, REGION, Recorder

ROLE = f"arn:aws:iam::{ACCOUNT}:role/Somebody"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection fails the test, and nothing of this machine's AWS settings is there."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of scripts."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("train.py", "model.py"):
        (folder / name).write_text("pass")
    return folder


def test_a_training_job_is_kept(source: Path, recorder: Recorder) -> None:
    from sagemaker.pytorch import PyTorch

    estimator = PyTorch(
        entry_point="train.py",
        source_dir=str(source),
        framework_version="2.5.1",
        py_version="py311",
        instance_type="ml.m5.large",
        instance_count=3,
        role=ROLE,
        hyperparameters={"epochs": 7},
        sagemaker_session=recorder.session,
    )
    estimator.fit({"train": f"s3://{BUCKET}/train"}, wait=False)
    asked = recorder.calls["CreateTrainingJob"]
    assert asked["RoleArn"] == ROLE
    assert asked["ResourceConfig"]["InstanceCount"] == 3
    assert asked["HyperParameters"]["epochs"] == "7"
    assert list(recorder.uploads.values()) == [["model.py", "train.py"]]
    assert asked["HyperParameters"]["sagemaker_submit_directory"].strip('"') in recorder.uploads


def test_a_model_is_kept(source: Path, recorder: Recorder) -> None:
    from sagemaker.pytorch import PyTorchModel

    model = PyTorchModel(
        model_data=f"s3://{BUCKET}/model.tar.gz",
        entry_point="train.py",
        source_dir=str(source),
        framework_version="2.5.1",
        py_version="py311",
        role=ROLE,
        sagemaker_session=recorder.session,
    )
    model.create(instance_type="ml.m5.large")
    asked = recorder.calls["CreateModel"]
    assert asked["ExecutionRoleArn"] == ROLE
    assert "code/model.py" in next(iter(recorder.uploads.values()))


JOB = {
    "TrainingJobName": "yesterday",
    "TrainingJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/yesterday",
    "TrainingJobStatus": "Completed",
    "SecondaryStatus": "Completed",
    "ModelArtifacts": {"S3ModelArtifacts": f"s3://{BUCKET}/yesterday/output/model.tar.gz"},
    "AlgorithmSpecification": {
        "TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5.1-cpu-py311",
        "TrainingInputMode": "File",
    },
    "HyperParameters": {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"s3://code/source.tar.gz"',
        "sagemaker_container_log_level": "20",
        "sagemaker_job_name": '"yesterday"',
    },
    "RoleArn": ROLE,
    "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/", "KmsKeyId": ""},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "CreationTime": 1587000000,
}


def test_a_job_that_has_ended_is_found_and_hosted(source: Path) -> None:
    from sagemaker.pytorch import PyTorch

    with Recorder(jobs=[JOB], archive={"model.pth": "weights"}) as recorder:
        estimator = PyTorch.attach("yesterday", sagemaker_session=recorder.session)
        predictor = estimator.deploy(
            initial_instance_count=1, instance_type="ml.m5.large", entry_point="train.py", source_dir=str(source)
        )
    assert recorder.downloads == {JOB["ModelArtifacts"]["S3ModelArtifacts"]}
    packed = recorder.calls["CreateModel"]["PrimaryContainer"]["ModelDataUrl"]
    assert recorder.uploads == {packed: ["code/model.py", "code/train.py", "model.pth"]}
    assert recorder.calls["CreateEndpoint"]["EndpointName"] == predictor.endpoint_name


def test_a_job_of_another_name_is_not_found() -> None:
    with Recorder(jobs=[JOB]) as recorder, pytest.raises(Exception, match="Requested resource not found"):
        recorder.session.describe_training_job("tomorrow")


def test_another_session_reaches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from botocore.exceptions import EndpointConnectionError

    monkeypatch.undo()  # connections are refused by this machine, not by the test
    with Recorder() as recorder, pytest.raises(EndpointConnectionError, match=r"127\.0\.0\.1:9"):
        boto3.Session().client("sagemaker").create_endpoint(EndpointName="mine", EndpointConfigName="mine")
    assert not recorder.calls


def test_a_request_that_sagemaker_would_refuse_raises_here(recorder: Recorder) -> None:
    from botocore.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        recorder.session.sagemaker_client.create_model(ModelName=3)


def test_two_recorders_keep_apart(source: Path) -> None:
    one, two = Recorder(), Recorder()
    one.session.upload_data(str(source / "train.py"), bucket=BUCKET)
    assert one.uploads and not two.uploads
    assert one.session.boto_region_name == REGION


def test_settings_of_the_process_are_as_they_were_afterwards() -> None:
    import sagemaker

    before = dict(os.environ), sagemaker.utils.validate_sagemaker_config
    with Recorder():
        assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
    assert (dict(os.environ), sagemaker.utils.validate_sagemaker_config) == before
