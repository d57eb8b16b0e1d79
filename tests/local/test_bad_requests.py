"""What nobody should send, and disks that nobody should have: the server says what is wrong, and loses nothing."""

import contextlib
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from botocore.exceptions import ClientError

from byom.local import lifecycle
from byom.local.account import DEFAULT_BUCKET, ROLE_ARN

from .clients import IMAGE, Clients, free_port, processes_below, targz, wait

CONTAINER = {"Image": IMAGE.format("inference")}


def error_of(call):
    """Code and text of the error that a call raises."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def test_one_name_is_given_once_however_many_ask(aws):
    def create(_):
        try:
            aws.sagemaker.create_model(ModelName="wanted", ExecutionRoleArn=ROLE_ARN, PrimaryContainer=CONTAINER)
        except ClientError as error:
            return str(error)
        return "made"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(create, range(24)))
    assert said.count("made") == 1
    refusals = {text for text in said if text != "made"}
    assert len(refusals) == 1 and "Cannot create already existing model" in refusals.pop()
    aws.sagemaker.delete_model(ModelName="wanted")


def test_parallel_writes_of_one_object_leave_one_of_them_whole(aws, root):
    bodies = [bytes([i]) * 200_000 for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda body: aws.put("contended", body), bodies * 2))
    assert aws.s3.get_object(Bucket=DEFAULT_BUCKET, Key="contended")["Body"].read() in bodies
    assert not list((root / "s3").glob("*.partial"))


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///key",
        f"s3://{DEFAULT_BUCKET}",
        f"s3://{DEFAULT_BUCKET}/",
        f"s3://{DEFAULT_BUCKET}/no/such/key",
        "s3://no-such-bucket-here/model.tar.gz",
        f"https://s3.amazonaws.com/{DEFAULT_BUCKET}/model.tar.gz",
        "file:///etc/passwd",
        "s3://..%2f..%2fetc/passwd",
        "model.tar.gz",
    ],
)
def test_a_uri_that_leads_nowhere_is_refused(aws, url):
    def create():
        aws.sagemaker.create_model(
            ModelName="nowhere", ExecutionRoleArn=ROLE_ARN, PrimaryContainer={**CONTAINER, "ModelDataUrl": url}
        )

    said = error_of(create)
    assert said.startswith("ValidationException: ")
    assert url in said


def test_names_that_look_like_paths_stay_names(aws, server, root):
    for key in ("../../outside", "/outside", "a/../../outside", "..", "s3/../../outside\\..\\x"):
        aws.put(key, b"inside")
        assert aws.s3.get_object(Bucket=DEFAULT_BUCKET, Key=key)["Body"].read() == b"inside"
        aws.s3.delete_object(Bucket=DEFAULT_BUCKET, Key=key)
    assert not [path for folder in (root, root.parent) for path in folder.glob("**/outside*")]
    with httpx.Client(base_url=server.url, trust_env=False) as raw:
        for name in ("..%2f..%2fetc%2fpasswd", "%2e%2e", "a%00b", "a" * 5000):
            answer = raw.post(f"/endpoints/{name}/invocations", content=b"")
            assert 400 <= answer.status_code < 500
            assert "root:" not in answer.text


def test_bodies_that_are_not_what_their_headers_say(server):
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/{}/aws4_request, Signature=0"}
    with httpx.Client(base_url=server.url, trust_env=False) as raw:
        for service, target in (("sagemaker", "SageMaker.ListModels"), ("logs", "Logs_20140328.DescribeLogGroups")):
            headers = {name: value.format(service) for name, value in signed.items()} | {"X-Amz-Target": target}
            for body in (b"\x00\xff", b'{"a": ' * 5000, b"<xml/>", b'"text"'):
                answer = raw.post("/", headers=headers, content=body)
                assert answer.status_code == 400 or service == "logs"  # moto reads some of them as nothing
            assert raw.post("/", headers=headers, content=b"{}").status_code == 200
        headers = {name: value.format("s3") for name, value in signed.items()}
        answer = raw.post(f"/{DEFAULT_BUCKET}?delete", headers=headers, content=b"<not xml")
        assert 400 <= answer.status_code <= 500
        assert raw.get("/_byom/status").status_code == 200


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 24 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(tmp_path)]
    if os.getuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can make a small disk, and not everywhere")
    yield tmp_path
    lifecycle.stop(tmp_path / "root")
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_a_full_disk(small_disk):
    root = small_disk / "root"
    server, _ = lifecycle.ensure(root, free_port())
    aws = Clients(server.url)
    aws.put("old", b"old" * 1000)
    request = aws.job_request(
        "full", "import os\nopen(os.environ['SM_MODEL_DIR'] + '/w', 'wb').write(os.urandom(3_000_000))"
    )
    archive = aws.put("model.tar.gz", targz({"code/inference.py": b"", "weights": os.urandom(500_000)}))
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))

    full = f"InsufficientStorage: The disk of byom.local is full: {root} has no space left. Nothing was stored."
    copied = {"Bucket": DEFAULT_BUCKET, "Key": "copy", "CopySource": {"Bucket": DEFAULT_BUCKET, "Key": "model.tar.gz"}}
    for call in (
        lambda: aws.put("new", b"n" * 100_000),
        lambda: aws.put("old", b"n" * 100_000),
        lambda: aws.s3.copy_object(**copied),
    ):
        assert error_of(call) == full
    assert aws.s3.get_object(Bucket=DEFAULT_BUCKET, Key="old")["Body"].read() == b"old" * 1000
    keys = [found["Key"] for found in aws.s3.list_objects_v2(Bucket=DEFAULT_BUCKET)["Contents"]]
    assert keys == ["full/sourcedir.tar.gz", "model.tar.gz", "old"]
    # a reserve is kept for the records, so that a job and an endpoint can still tell how they ended
    aws.sagemaker.create_training_job(**request)
    assert "No space left on device" in aws.wait_for_job("full", "Failed", "Completed")["FailureReason"]
    aws.create_endpoint("full", archive)
    reason = aws.wait_for_endpoint("full")["FailureReason"]
    assert "No space left on device" in reason or "larger than the free disk" in reason

    def create(i):
        container = {**CONTAINER, "Environment": {"LONG": "x" * 1024}}
        aws.sagemaker.create_model(ModelName=f"model-{i}", ExecutionRoleArn=ROLE_ARN, PrimaryContainer=container)

    made = 0
    with pytest.raises(ClientError) as caught:
        for made in range(2000):
            create(made)
    assert full.partition(": ")[2] in str(caught.value)

    (small_disk / "filler").unlink()
    create(made)  # the same name: what was refused was not stored
    aws.put("new", b"new")
    os.kill(server.pid, signal.SIGKILL)
    wait(lambda: not processes_below(root), "every process to end", 30)
    aws = Clients(lifecycle.ensure(root)[0].url)
    assert aws.s3.get_object(Bucket=DEFAULT_BUCKET, Key="old")["Body"].read() == b"old" * 1000
    pages = aws.sagemaker.get_paginator("list_models").paginate(NameContains="model-")
    assert sum(len(page["Models"]) for page in pages) == made + 1


def test_a_disk_that_cannot_be_written(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(lifecycle.LocalSageMakerError, match=r"can't keep its state in .*: Read-only file system"):
        lifecycle.ensure(small_disk / "root", free_port())
