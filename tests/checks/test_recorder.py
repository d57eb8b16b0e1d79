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
