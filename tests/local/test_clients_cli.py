"""The AWS CLI as a client: S3 with its transfers, SageMaker from a job to an invocation, and its errors."""

import json
import os
import subprocess
import sys

import httpx
import pytest

from byom.local.account import DEFAULT_BUCKET, ROLE_ARN, client_environment

from .clients import IMAGE, targz

SCRIPT = """
import os
print("from the command line")
open(os.path.join(os.environ["SM_MODEL_DIR"], "weights"), "w").write("w")
"""
HANDLER = b"def model_fn(folder):\n    return None\ndef predict_fn(data, model):\n    return data + 1\n"


@pytest.fixture(scope="module")
def cli(server, tmp_path_factory):
    """Run `aws` with the arguments; what it printed, or the process when it has to fail."""
    folder = tmp_path_factory.mktemp("cli")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {**client_environment(server.url), "AWS_PAGER": "", "AWS_RETRY_MODE": "standard"}

    def run(*arguments, fails=False):
        command = [sys.executable, "-m", "awscli", *map(str, arguments)]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=False)
        assert (done.returncode != 0) == fails, done.stderr.decode()
        return done.stderr.decode() if fails else done.stdout.decode()

    run.folder = folder
    return run


def test_s3_transfers(cli):
    big = bytes(range(256)) * 80_000  # 20 MB: sent in parts
    (cli.folder / "big").write_bytes(big)
    cli("s3", "cp", "big", "s3://cli-bucket/x", "--quiet", fails=True)
    assert cli("s3", "mb", "s3://cli-bucket") == "make_bucket: cli-bucket\n"
    cli("s3", "cp", "big", "s3://cli-bucket/deep/big", "--no-progress")
    cli("s3", "cp", "s3://cli-bucket/deep/big", "again", "--no-progress")
    assert (cli.folder / "again").read_bytes() == big
    bucket = ["--bucket", "cli-bucket", "--key", "deep/big"]
    part = json.loads(cli("s3api", "get-object", *bucket, "--range", "bytes=8388600-8388619", "part"))
    assert (part["ContentLength"], part["ContentRange"]) == (20, "bytes 8388600-8388619/20480000")
    assert (cli.folder / "part").read_bytes() == big[8388600:8388620]
    assert json.loads(cli("s3api", "head-object", *bucket))["ETag"].endswith('-3"')
    url = cli("s3", "presign", "s3://cli-bucket/deep/big").strip()
    assert httpx.get(url, trust_env=False).content == big

    (cli.folder / "tree/a").mkdir(parents=True)
    (cli.folder / "tree/x.csv").write_text("1")
    (cli.folder / "tree/a/y ü.csv").write_text("22")
    for file in ("tree/x.csv", "tree/a/y ü.csv"):  # S3 keeps whole seconds: what is as new as its copy may look newer
        os.utime(cli.folder / file, (1_700_000_000, 1_700_000_000))
    assert cli("s3", "sync", "tree", "s3://cli-bucket/tree").count("upload: ") == 2
    assert cli("s3", "sync", "tree", "s3://cli-bucket/tree") == ""  # nothing is new
    (cli.folder / "tree/x.csv").unlink()
    assert "delete: s3://cli-bucket/tree/x.csv" in cli("s3", "sync", "tree", "s3://cli-bucket/tree", "--delete")
    assert "move: " in cli("s3", "mv", "s3://cli-bucket/deep/big", "s3://cli-bucket/moved", "--no-progress")
    listed = [line.split(maxsplit=2)[2] for line in cli("s3", "ls", "s3://cli-bucket", "--recursive").splitlines()]
    assert listed == ["20480000 moved", "2 tree/a/y ü.csv"]
    assert cli("s3", "ls", "s3://cli-bucket/").split()[:2] == ["PRE", "tree/"]
    assert "BucketNotEmpty" in cli("s3", "rb", "s3://cli-bucket", fails=True)
    assert cli("s3", "rm", "s3://cli-bucket", "--recursive").count("delete: ") == 2
    assert cli("s3", "rb", "s3://cli-bucket") == "remove_bucket: cli-bucket\n"
    assert "NoSuchBucket" in cli("s3", "ls", "s3://cli-bucket", fails=True)


def test_a_job_from_its_request_to_its_log(cli, aws):
    tags = [{"Key": "made", "Value": "by hand"}]
    (cli.folder / "job.json").write_text(json.dumps({**aws.job_request("cli-job", SCRIPT), "Tags": tags}))
    arn = json.loads(cli("sagemaker", "create-training-job", "--cli-input-json", "file://job.json"))["TrainingJobArn"]
    assert arn == "arn:aws:sagemaker:us-east-1:123456789012:training-job/cli-job"
    again = cli("sagemaker", "create-training-job", "--cli-input-json", "file://job.json", fails=True)
    assert "(ResourceInUse) when calling the CreateTrainingJob operation: Training job names must be unique" in again
    aws.wait_for_job("cli-job", "Completed", "Failed")
    cli("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "cli-job")
    query = ["--query", "[TrainingJobStatus, ModelArtifacts.S3ModelArtifacts]", "--output", "text"]
    status, model = cli("sagemaker", "describe-training-job", "--training-job-name", "cli-job", *query).split()
    assert (status, model) == ("Completed", f"s3://{DEFAULT_BUCKET}/out/cli-job/output/model.tar.gz")
    assert "model.tar.gz" in cli("s3", "ls", model)
    names = ["--query", "TrainingJobSummaries[].TrainingJobName", "--output", "text"]
    assert cli("sagemaker", "list-training-jobs", "--name-contains", "CLI-job", *names).split() == ["cli-job"]
    stopped = cli("sagemaker", "stop-training-job", "--training-job-name", "cli-job", fails=True)
    assert (
        "(ValidationException) when calling the StopTrainingJob operation: The request was rejected because" in stopped
    )
    cli("sagemaker", "add-tags", "--resource-arn", arn, "--tags", "Key=made,Value=twice", "Key=b,Value=2")
    cli("sagemaker", "delete-tags", "--resource-arn", arn, "--tag-keys", "b")
    assert json.loads(cli("sagemaker", "list-tags", "--resource-arn", arn))["Tags"] == [
        {"Key": "made", "Value": "twice"}
    ]
    group = ["--log-group-name", "/aws/sagemaker/TrainingJobs", "--log-stream-name-prefix", "cli-job/"]
    text = cli("logs", "filter-log-events", *group, "--query", "events[].message", "--output", "text")
    assert "from the command line" in text.split("\t")


def test_an_endpoint_from_its_model_to_its_end(cli, aws):
    archive = aws.put("cli/model.tar.gz", targz({"code/inference.py": HANDLER}))
    container = (
        f"Image={IMAGE.format('inference')},ModelDataUrl={archive},Environment={{SAGEMAKER_PROGRAM=inference.py}}"
    )
    cli(
        "sagemaker",
        "create-model",
        "--model-name",
        "cli",
        "--execution-role-arn",
        ROLE_ARN,
        "--primary-container",
        container,
    )
    variant = "VariantName=AllTraffic,ModelName=cli,InitialInstanceCount=1,InstanceType=ml.m5.large"
    cli("sagemaker", "create-endpoint-config", "--endpoint-config-name", "cli", "--production-variants", variant)
    cli("sagemaker", "create-endpoint", "--endpoint-name", "cli", "--endpoint-config-name", "cli")
    aws.wait_for_endpoint("cli")
    cli("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", "cli")
    (cli.folder / "body").write_text("[[1, 2]]")
    invoke = ["sagemaker-runtime", "invoke-endpoint", "--endpoint-name", "cli", "--body", "fileb://body", "answer"]
    answer = json.loads(cli(*invoke, "--content-type", "application/json"))
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("application/json", "AllTraffic")
    assert json.loads((cli.folder / "answer").read_text()) == [[2, 3]]
    assert "(ModelError) when calling the InvokeEndpoint operation: Received " in cli(
        *invoke, "--content-type", "image/png", fails=True
    )
    for kind in ("endpoint", "endpoint-config", "model"):
        assert '"cli"' in cli("sagemaker", f"list-{kind}s", "--name-contains", "cli")
        cli("sagemaker", f"delete-{kind}", f"--{kind}-name", "cli")
        missing = cli("sagemaker", f"describe-{kind}", f"--{kind}-name", "cli", fails=True)
        assert "(ValidationException)" in missing and "Could not find " in missing
    cli("sagemaker", "wait", "endpoint-deleted", "--endpoint-name", "cli")


def test_what_is_refused_is_named(cli):
    assert "(UnsupportedOperation) when calling the ListProcessingJobs operation: byom.local does not support" in cli(
        "sagemaker", "list-processing-jobs", fails=True
    )
    long = cli("sagemaker", "describe-model", "--model-name", "a_b", fails=True)
    assert "1 validation error detected: Value 'a_b' at 'modelName' failed to satisfy constraint" in long
    assert "at 'maxResults' failed" in cli(
        "sagemaker", "list-models", "--no-paginate", "--max-results", 101, fails=True
    )
