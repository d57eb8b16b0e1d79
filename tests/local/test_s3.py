"""S3 as the SDK and boto3 use it, and the other neighbours of SageMaker."""

import io

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from byom.local.account import DEFAULT_BUCKET


def test_a_bucket_that_does_not_exist(aws, sdk, tmp_path):
    with pytest.raises(ClientError) as caught:
        aws.s3.put_object(Bucket="no-such-bucket-here", Key="k", Body=b"")
    assert caught.value.response["Error"]["Code"] == "NoSuchBucket"
    (tmp_path / "a.csv").write_text("1")
    with pytest.raises(Exception, match="NoSuchBucket"):
        sdk[0].upload_data(str(tmp_path), bucket="no-such-bucket-here")
    with pytest.raises(ClientError) as caught:
        aws.s3.get_object(Bucket="sagemaker-us-east-1-123456789012", Key="no/such/key")
    assert caught.value.response["Error"]["Code"] == "NoSuchKey"


def test_odd_keys_metadata_and_large_objects(aws):
    aws.s3.create_bucket(Bucket="odd-things")
    for key in ("a b/ü+%2F&.csv", "x/../y", "=", "trailing/"):
        aws.s3.put_object(
            Bucket="odd-things",
            Key=key,
            Body=key.encode(),
            ContentType="text/csv",
            Metadata={"my_key": "1"},
        )
        got = aws.s3.get_object(Bucket="odd-things", Key=key)
        assert got["Body"].read() == key.encode()
        assert (got["ContentType"], got["Metadata"]) == ("text/csv", {"my_key": "1"})
    aws.s3.upload_fileobj(io.BytesIO(b"z" * (9 * 2**20)), "odd-things", "large")  # in parts
    assert aws.s3.head_object(Bucket="odd-things", Key="large")["ContentLength"] == 9 * 2**20
    aws.s3.copy_object(Bucket="odd-things", Key="copy", CopySource={"Bucket": "odd-things", "Key": "="})
    assert aws.s3.get_object(Bucket="odd-things", Key="copy")["Body"].read() == b"="


def test_the_role_is_there_and_the_caller_is_the_account(aws, sdk):
    assert aws.iam.get_role(RoleName="SageMakerRole")["Role"]["Arn"] == sdk[1]
    assert aws.sts.get_caller_identity()["Account"] == "123456789012"
    assert sdk[0].default_bucket() == "sagemaker-us-east-1-123456789012"


def test_parts_ranges_and_copies(aws):
    aws.s3.create_bucket(Bucket="in-parts")
    body = bytes(range(256)) * 50_000  # 12.8 MB
    upload = aws.s3.create_multipart_upload(Bucket="in-parts", Key="k", ContentType="text/x", Metadata={"a": "1"})
    which = {"Bucket": "in-parts", "Key": "k", "UploadId": upload["UploadId"]}
    parts = []
    for number, start in enumerate(range(0, len(body), 6_000_000), 1):
        made = aws.s3.upload_part(**which, PartNumber=number, Body=body[start : start + 6_000_000])
        parts.append({"PartNumber": number, "ETag": made["ETag"]})
    assert "Contents" not in aws.s3.list_objects_v2(Bucket="in-parts")
    aws.s3.complete_multipart_upload(**which, MultipartUpload={"Parts": parts})
    got = aws.s3.get_object(Bucket="in-parts", Key="k")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (body, "text/x", {"a": "1"})
    for asked, start, end in (
        ("bytes=10-19", 10, 20),
        ("bytes=-5", len(body) - 5, None),
        ("bytes=12799990-", -10, None),
    ):
        got = aws.s3.get_object(Bucket="in-parts", Key="k", Range=asked)
        assert (got["Body"].read(), got["ResponseMetadata"]["HTTPStatusCode"]) == (body[start:end], 206)
    with pytest.raises(ClientError, match="InvalidRange"):
        aws.s3.get_object(Bucket="in-parts", Key="k", Range="bytes=12800000-")
    source = {"Bucket": "in-parts", "Key": "k"}
    aws.s3.copy_object(Bucket="in-parts", Key="k", CopySource=source, Metadata={"b": "2"}, MetadataDirective="REPLACE")
    aws.s3.copy_object(Bucket="in-parts", Key="copy", CopySource=source)
    got = aws.s3.get_object(Bucket="in-parts", Key="copy")
    assert (got["Body"].read(), got["Metadata"]) == (body, {"b": "2"})
    aborted = aws.s3.create_multipart_upload(Bucket="in-parts", Key="never")
    aws.s3.abort_multipart_upload(Bucket="in-parts", Key="never", UploadId=aborted["UploadId"])
    deleted = aws.s3.delete_objects(
        Bucket="in-parts", Delete={"Objects": [{"Key": key} for key in ("k", "copy", "no")]}
    )
    assert len(deleted["Deleted"]) == 3
    aws.s3.delete_bucket(Bucket="in-parts")


def test_presigned_urls_read_and_write_without_a_client(aws):
    for version in ("s3", "s3v4"):
        client = boto3.client(
            "s3",
            endpoint_url=aws.url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=boto3.session.Config(signature_version=version),
        )
        where = {"Bucket": DEFAULT_BUCKET, "Key": f"presigned {version}"}
        with httpx.Client(trust_env=False) as raw:
            answer = raw.put(client.generate_presigned_url("put_object", where), content=b"by a URL")
            assert answer.status_code == 200, answer.text
            assert raw.get(client.generate_presigned_url("get_object", where)).content == b"by a URL"
            assert raw.get(f"{aws.url}/{DEFAULT_BUCKET}/presigned%20{version}").status_code == 403  # unsigned


def test_versions_of_an_object_can_be_read_while_the_server_runs(aws, root):
    aws.s3.create_bucket(Bucket="versions")
    aws.s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    old, new = (aws.s3.put_object(Bucket="versions", Key="k", Body=body)["VersionId"] for body in (b"old", b"new"))
    files = len(list((root / "s3").iterdir()))
    for version, body in ((old, b"old"), (new, b"new")):
        assert aws.s3.get_object(Bucket="versions", Key="k", VersionId=version)["Body"].read() == body
    aws.s3.delete_object(Bucket="versions", Key="k")
    with pytest.raises(ClientError, match="NoSuchKey"):
        aws.s3.get_object(Bucket="versions", Key="k")
    assert aws.s3.get_object(Bucket="versions", Key="k", VersionId=old)["Body"].read() == b"old"
    for version in aws.s3.list_object_versions(Bucket="versions")["Versions"]:
        aws.s3.delete_object(Bucket="versions", Key="k", VersionId=version["VersionId"])
    assert len(list((root / "s3").iterdir())) <= files - 2


def test_what_is_saved_is_not_held_in_memory(tmp_path):
    """moto reads an object's bytes from its file when they are asked for, and a save looks only at what changed."""
    import subprocess
    import sys

    script = """
import sys
from pathlib import Path
from byom.local.objects import Objects
from byom.local.store import Store
root = Path(sys.argv[1])
objects = Objects(Store(root / "state.sqlite"), root / "s3")
objects.create_bucket("big")
(root / "file").write_bytes(bytes(1000) * 100_000)
written = []
write, objects._write = objects._write, lambda path, key: (written.append(path), write(path, key))
for name in "abc":
    objects.put("big", name, root / "file")
assert written == ["big/a", "big/b", "big/c"], written
key = objects._backend.buckets["big"].keys["b"]
assert len(key.value) == 100_000_000
# not getrusage: that begins with the size of whoever started this process
status = Path("/proc/self/status")
peak = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")] if status.exists() else ["_ 0"]
print(int(peak[0].split()[1]) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 400  # MiB; three objects of 95 MiB, one of which was read once


def test_a_call_that_moto_lacks_is_refused_by_its_name(aws):
    with pytest.raises(ClientError, match=r"\(UnsupportedOperation\).*does not support iam's ChangePassword"):
        aws.iam.change_password(OldPassword="old-password", NewPassword="new-password")
    with pytest.raises(
        ClientError, match=r"\(UnsupportedOperation\).*does not support sts's DecodeAuthorizationMessage"
    ):
        aws.sts.decode_authorization_message(EncodedMessage="x")


def test_nothing_is_forbidden(aws, sdk):
    actions = ["sagemaker:CreateTrainingJob", "s3:GetObject"]
    found = aws.iam.simulate_principal_policy(PolicySourceArn=sdk[1], ActionNames=actions)["EvaluationResults"]
    assert [(result["EvalActionName"], result["EvalDecision"]) for result in found] == [(a, "allowed") for a in actions]
