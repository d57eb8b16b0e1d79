"""The way of a notebook, with the unmodified SDK: upload, fit, deploy, predict, errors, clean-up."""

import io
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from botocore.exceptions import ClientError

TRAIN = """
import argparse, json, os, sys, tempfile
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--name", type=str)
args = parser.parse_args()
assert os.path.dirname(sys.executable) == os.environ["PATH"].split(os.pathsep)[0]
with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "sub", "numbers.csv")) as file:
    total = sum(map(float, file.read().split(",")))
for epoch in range(args.epochs):
    print(f"epoch {epoch} loss={1 / (epoch + 1):.3f};")
print("a bar 0%\\ra bar 100%")
with open(os.path.join(os.environ["SM_MODEL_DIR"], "total.json"), "w") as file:
    json.dump({"total": total, "name": args.name}, file)
with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "note.txt"), "w") as file:
    file.write("kept")
"""

PREDICT = """
import json, os
def model_fn(model_dir):
    return json.load(open(os.path.join(model_dir, "total.json")))
def predict_fn(data, model):
    return data + model["total"]
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    (folder / "train.py").write_text(TRAIN)
    (folder / "predict.py").write_text(PREDICT)
    return folder


@pytest.fixture(scope="module")
def fitted(sdk, source, tmp_path_factory):
    """An estimator whose job has ended, and what fit printed."""
    from contextlib import redirect_stdout

    from sagemaker.pytorch import PyTorch

    session, role = sdk
    data = tmp_path_factory.mktemp("data")
    (data / "sub").mkdir()
    (data / "sub" / "numbers.csv").write_text("1,2,3.5")
    estimator = PyTorch(
        entry_point="train.py",
        source_dir=str(source),
        role=role,
        framework_version="2.6.0",
        py_version="py312",
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
        hyperparameters={"epochs": 3, "name": "moons"},
        metric_definitions=[{"Name": "loss", "Regex": "loss=(.*?);"}],
        tags=[{"Key": "unit", "Value": "moons"}],
    )
    printed = io.StringIO()
    with redirect_stdout(printed):
        estimator.fit({"train": session.upload_data(str(data), key_prefix="moons/train")})
    return estimator, printed.getvalue()


def test_fit_streams_the_log_and_the_states(fitted):
    _, printed = fitted
    lines = printed.splitlines()
    assert "epoch 2 loss=0.333;" in lines
    assert "a bar 100%" in lines
    states = [
        word for word in ("Starting", "Downloading", "Training", "Uploading", "Completed") if f" {word} - " in printed
    ]
    assert states == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert any(line.startswith("Billable seconds: ") for line in lines)


def test_the_first_line_of_the_log_names_the_versions_really_used(fitted, aws):
    from importlib.metadata import version

    first = aws.messages("/aws/sagemaker/TrainingJobs", fitted[0].latest_training_job.name)[0]
    assert f"torch {version('torch')}" in first
    assert "pytorch-training:2.6.0-cpu-py312" in first


def test_artefacts_are_flat_archives(fitted, sdk, aws):
    bucket, key = fitted[0].model_data.removeprefix("s3://").split("/", 1)

    def names(at):
        data = aws.s3.get_object(Bucket=bucket, Key=at)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return tar.getnames()

    assert names(key) == ["total.json"]
    assert names(key.replace("model.tar.gz", "output.tar.gz")) == ["note.txt"]


def test_the_job_describes_itself(fitted, aws):
    name = fitted[0].latest_training_job.name
    job = aws.sagemaker.describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    assert job["OutputDataConfig"]["KmsKeyId"] == ""
    metric = job["FinalMetricDataList"][0]
    assert (metric["MetricName"], round(metric["Value"], 3)) == ("loss", 0.333)
    assert job["TrainingTimeInSeconds"] >= 1
    ends = [transition["EndTime"] for transition in job["SecondaryStatusTransitions"]]
    assert ends == sorted(ends)
    tags = aws.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert {"Key": "unit", "Value": "moons"} in tags


def test_the_metrics_can_be_had_as_a_table(fitted, sdk):
    from sagemaker.analytics import TrainingJobAnalytics

    name = fitted[0].latest_training_job.name
    seen = TrainingJobAnalytics(name, ["loss"], sagemaker_session=sdk[0]).dataframe()
    # one row a minute, as CloudWatch has it: the mean of 1, 0.5 and 0.333, unless a minute ended between them
    assert list(seen.columns) == ["timestamp", "metric_name", "value"]
    assert set(seen["metric_name"]) == {"loss"}
    cloudwatch = sdk[0].boto_session.client("cloudwatch")
    asked = {
        "Namespace": "/aws/sagemaker/TrainingJobs",
        "Dimensions": [{"Name": "TrainingJobName", "Value": name}],
        "StartTime": 0,
        "EndTime": 2_000_000_000,
        "Period": 86_400_000,
        "Statistics": ["Average", "Minimum", "Maximum", "Sum", "SampleCount"],
    }
    (all_at_once,) = cloudwatch.get_metric_statistics(MetricName="loss", **asked)["Datapoints"]
    assert (all_at_once["Minimum"], all_at_once["Maximum"], all_at_once["SampleCount"]) == (0.333, 1, 3)
    assert (round(all_at_once["Sum"], 3), round(all_at_once["Average"], 3)) == (1.833, 0.611)
    assert cloudwatch.get_metric_statistics(MetricName="accuracy", **asked)["Datapoints"] == []
    with pytest.raises(ClientError, match=r"UnsupportedOperation.*does not support CloudWatch's ListMetrics"):
        cloudwatch.list_metrics()


def test_attach_finds_the_finished_job(fitted, sdk):
    from sagemaker.pytorch import PyTorch

    again = PyTorch.attach(fitted[0].latest_training_job.name, sagemaker_session=sdk[0])
    assert again.model_data == fitted[0].model_data
    assert again.hyperparameters()["epochs"] == "3"  # as the SDK reads it back


def test_deploy_predict_errors_and_clean_up(fitted, sdk, source, aws, capsys):
    from sagemaker.pytorch import PyTorchModel

    session, role = sdk
    model = PyTorchModel(
        model_data=fitted[0].model_data,
        role=role,
        entry_point="predict.py",
        source_dir=str(source),
        framework_version="2.6.0",
        py_version="py312",
        sagemaker_session=session,
    )
    predictor = model.deploy(initial_instance_count=1, instance_type="ml.m5.large")
    name = predictor.endpoint_name
    assert aws.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"
    np.testing.assert_allclose(predictor.predict(np.float32([[1, 2], [3, 4]])), [[7.5, 8.5], [9.5, 10.5]])

    with pytest.raises(ClientError) as caught:
        aws.sagemaker_runtime.invoke_endpoint(EndpointName=name, Body=b"{", ContentType="application/json")
    error = caught.value.response
    assert error["Error"]["Code"] == "ModelError"
    assert error["OriginalStatusCode"] == 500
    assert 'Received server error (500) from primary with message "' in error["Error"]["Message"]
    log = re.search(r"See (\S+) for more information", error["Error"]["Message"])[1]
    assert "JSONDecodeError" in Path(log).read_text()

    predictor.delete_endpoint(delete_endpoint_config=True)
    model.delete_model()
    assert aws.sagemaker.list_endpoints(NameContains=name)["Endpoints"] == []
    assert aws.sagemaker.list_models(NameContains=model.name)["Models"] == []
    with pytest.raises(
        ClientError, match=f'Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/{name}"'
    ):
        aws.sagemaker.describe_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match=rf"\(ValidationError\).*Endpoint {name} of account 123456789012 not found."):
        predictor.predict(np.float32([[1, 2]]))


def test_what_the_sdk_does_beside_jobs_and_endpoints(sdk, tmp_path, capsys):
    from sagemaker.processing import ScriptProcessor
    from sagemaker.s3 import S3Downloader, S3Uploader

    session, role = sdk
    (tmp_path / "up/sub").mkdir(parents=True)
    (tmp_path / "up/sub/a.txt").write_text("one")
    where = S3Uploader.upload(
        str(tmp_path / "up"), f"s3://{session.default_bucket()}/beside", sagemaker_session=session
    )
    S3Uploader.upload_string_as_file_body("two", f"{where}/b.txt", sagemaker_session=session)
    assert sorted(S3Downloader.list(where, sagemaker_session=session)) == [f"{where}/b.txt", f"{where}/sub/a.txt"]
    assert S3Downloader.read_file(f"{where}/b.txt", sagemaker_session=session) == "two"
    S3Downloader.download(where, str(tmp_path / "down"), sagemaker_session=session)
    assert (tmp_path / "down/sub/a.txt").read_text() == "one"
    assert session.list_s3_files(session.default_bucket(), "beside") == ["beside/b.txt", "beside/sub/a.txt"]
    (tmp_path / "work.py").write_text("")
    processor = ScriptProcessor(
        image_uri="1.ecr/x:1",
        command=["python3"],
        role=role,
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
    )
    with pytest.raises(ClientError, match=r"UnsupportedOperation.*byom\.local does not support CreateProcessingJob"):
        processor.run(code=str(tmp_path / "work.py"))


def test_a_failing_script_fails_fit_with_its_reason(sdk, tmp_path):
    from sagemaker.exceptions import UnexpectedStatusException
    from sagemaker.pytorch import PyTorch

    (tmp_path / "train.py").write_text("raise ValueError('no such colour ' + 'x' * 3000)")
    session, role = sdk
    estimator = PyTorch(
        entry_point="train.py",
        source_dir=str(tmp_path),
        role=role,
        framework_version="2.6.0",
        py_version="py312",
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
    )
    with pytest.raises(UnexpectedStatusException, match="AlgorithmError: ExecuteUserScriptError"):
        estimator.fit()
    job = estimator.latest_training_job.describe()
    assert "ValueError: no such colour" in job["FailureReason"]
    assert job["FailureReason"].endswith("exit code: 1")
    assert len(job["FailureReason"]) == 1024
