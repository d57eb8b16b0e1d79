"""What is left after the server was killed with `kill -9` and started again."""

import os
import signal

import pytest

from byom.local import lifecycle

from .clients import Clients, free_port, processes_below, targz, wait


@pytest.fixture
def root(tmp_path):
    yield tmp_path / "root"
    lifecycle.stop(tmp_path / "root")


def test_everything_that_was_answered_survives_kill_9(root):
    server, started = lifecycle.ensure(root, free_port())
    assert started
    aws = Clients(server.url)
    aws.s3.create_bucket(Bucket="kept-bucket")
    aws.s3.put_object(Bucket="kept-bucket", Key="a/ü", Body=b"one", ContentType="text/x", Metadata={"k_1": "v"})
    aws.s3.put_object(Bucket="kept-bucket", Key="changed", Body=b"old")
    aws.s3.put_object(Bucket="kept-bucket", Key="changed", Body=b"new")
    aws.s3.put_object(Bucket="kept-bucket", Key="gone", Body=b"gone")
    aws.s3.delete_objects(Bucket="kept-bucket", Delete={"Objects": [{"Key": "gone"}]})
    aws.s3.create_bucket(Bucket="gone-bucket")
    aws.s3.delete_bucket(Bucket="gone-bucket")
    before = aws.s3.head_object(Bucket="kept-bucket", Key="a/ü")
    code = b"def model_fn(d):\n    return None\ndef predict_fn(x, m):\n    return x * 2\n"
    aws.create_endpoint("kept", aws.put("kept/model.tar.gz", targz({"code/inference.py": code})))
    aws.sagemaker.create_training_job(**aws.job_request("done", "print('line one')"))
    assert aws.wait_for_endpoint("kept")["EndpointStatus"] == "InService"
    aws.sagemaker.create_training_job(
        **aws.job_request("running", "import time\nprint('begun', flush=True)\ntime.sleep(600)")
    )
    arn = aws.sagemaker.describe_model(ModelName="kept")["ModelArn"]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "kept", "Value": "too"}])
    described = [_described(aws, kind) for kind in ("model", "endpoint_config", "endpoint")]
    wait(lambda: _has(aws, "running/", "begun"), "the running job's first line")
    aws.wait_for_job("done", "Completed")
    lines = aws.messages("/aws/sagemaker/TrainingJobs", "done/")

    os.kill(server.pid, signal.SIGKILL)
    wait(lambda: not processes_below(root), "every process to end", 30)

    aws = Clients(lifecycle.ensure(root)[0].url)
    got = aws.s3.get_object(Bucket="kept-bucket", Key="a/ü")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"one", "text/x", {"k_1": "v"})
    assert (got["ETag"], got["LastModified"]) == (before["ETag"], before["LastModified"])
    keys = [o["Key"] for o in aws.s3.list_objects_v2(Bucket="kept-bucket")["Contents"]]
    assert keys == ["a/ü", "changed"]
    assert aws.s3.get_object(Bucket="kept-bucket", Key="changed")["Body"].read() == b"new"
    assert "gone-bucket" not in [b["Name"] for b in aws.s3.list_buckets()["Buckets"]]
    assert aws.sagemaker.describe_training_job(TrainingJobName="done")["TrainingJobStatus"] == "Completed"
    assert aws.messages("/aws/sagemaker/TrainingJobs", "done/") == lines
    assert [_described(aws, kind) for kind in ("model", "endpoint_config", "endpoint")] == described
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "kept", "Value": "too"}]
    lost = aws.sagemaker.describe_training_job(TrainingJobName="running")
    assert lost["TrainingJobStatus"] == "Failed"
    assert "the local server ended while the job was running" in lost["FailureReason"]
    assert aws.sagemaker.describe_endpoint(EndpointName="kept")["EndpointStatus"] == "InService"
    answer = aws.sagemaker_runtime.invoke_endpoint(EndpointName="kept", Body=b"[2]", ContentType="application/json")
    assert answer["Body"].read() == b"[4.0]"
    buckets = [bucket["Name"] for bucket in aws.s3.list_buckets()["Buckets"]]
    objects = sum(len(aws.s3.list_objects_v2(Bucket=bucket).get("Contents", [])) for bucket in buckets)
    assert len(list((root / "s3").iterdir())) == objects  # no file is left of what was replaced or deleted


def _described(aws, kind):
    name = f"{''.join(word.capitalize() for word in kind.split('_'))}Name"
    answer = getattr(aws.sagemaker, f"describe_{kind}")(**{name: "kept"})
    return {member: value for member, value in answer.items() if member != "ResponseMetadata"}


def _has(aws, prefix, text):
    return text in aws.messages("/aws/sagemaker/TrainingJobs", prefix)


def test_a_state_that_cannot_be_read_is_one_clear_sentence(tmp_path):
    (tmp_path / "state.sqlite").write_bytes(b"this is no database, however long it may be" * 100)
    with pytest.raises(lifecycle.LocalSageMakerError, match="can't be read as local SageMaker's state"):
        lifecycle.ensure(tmp_path)
