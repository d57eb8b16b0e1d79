"""S3 as the SDK and boto3 use it, and the other neighbours of SageMaker."""

import io

import pytest
from botocore.exceptions import ClientError


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
