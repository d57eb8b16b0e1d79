"""What a SageMaker SDK object would send to AWS, without sending it.

A real `sagemaker.Session` on a real boto3 session; only the last step, the HTTP request, is answered here. So
an estimator is judged on its request, however it was written.
"""

import contextlib
import io
import json
import logging
import os
import tarfile
from collections.abc import Mapping
from typing import Any, Self
from unittest.mock import patch

REGION = "us-east-1"
ACCOUNT = "123456789012"
BUCKET = f"sagemaker-{REGION}-{ACCOUNT}"


class Recorder:
    """A SageMaker session that keeps every request and answers it as AWS would; use it in a ``with`` statement.

    Attributes:
        session: give it to an estimator or a model.
        calls: the parameters of each request to SageMaker, by operation; of several, the last.
        uploads: the names inside each archive put to S3, by "s3://bucket/key".
    """

    def __init__(self) -> None:
        for noisy in ("sagemaker", "sagemaker.config"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        import boto3
        import sagemaker

        self.calls: dict[str, Mapping[str, Any]] = {}
        self.uploads: dict[str, list[str]] = {}
        boto = boto3.Session(aws_access_key_id="check", aws_secret_access_key="check", region_name=REGION)
        events = boto.events
        events.register("before-parameter-build.sagemaker", self._keep_call)
        events.register("before-parameter-build.s3.PutObject", self._keep_upload)
        events.register("before-send", self._answer)
        settings = {
            "SchemaVersion": "1.0",
            "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
        }
        self.session = sagemaker.Session(boto_session=boto, default_bucket=BUCKET, sagemaker_config=settings)

    def __enter__(self) -> Self:
        """Keep the SDK from asking this machine for an account of its own, which takes time and gets no answer."""
        import sagemaker

        with contextlib.ExitStack() as until_exit:
            until_exit.enter_context(patch.dict(os.environ, AWS_EC2_METADATA_DISABLED="true"))
            # the session has validated its settings; the SDK would do so again at each of two dozen look-ups
            until_exit.enter_context(patch.object(sagemaker.utils, "validate_sagemaker_config", lambda settings: None))
            self._until_exit = until_exit.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._until_exit.close()

    def _keep_call(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        self.calls[model.name] = json.loads(json.dumps(params, default=str))

    def _keep_upload(self, params: Mapping[str, Any], **_: Any) -> None:
        body = params["Body"]
        content = body if isinstance(body, bytes) else body.read()
        if hasattr(body, "seek"):
            body.seek(0)
        try:
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                names = sorted(m.name.removeprefix("./") for m in archive.getmembers() if m.isfile())
        except tarfile.TarError:
            names = []
        self.uploads[f"s3://{params['Bucket']}/{params['Key']}"] = names

    def _answer(self, request: Any, event_name: str, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        operation = event_name.rsplit(".", 1)[-1]
        headers, body = {"Content-Type": "application/x-amz-json-1.1"}, b"{}"
        if operation in ("HeadObject", "GetObject"):
            body = _empty_archive()
            headers = {"Content-Length": str(len(body)), "ETag": '"check"'}
        elif operation in ("CreateTrainingJob", "CreateModel"):
            kind, member = {
                "CreateTrainingJob": ("training-job", "TrainingJobArn"),
                "CreateModel": ("model", "ModelArn"),
            }[operation]
            body = json.dumps({member: f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/check"}).encode()
        elif operation == "ListBuckets":
            body = (
                "<ListAllMyBucketsResult><Buckets><Bucket>"
                f"<Name>{BUCKET}</Name><CreationDate>2020-01-01T00:00:00.000Z</CreationDate>"
                "</Bucket></Buckets></ListAllMyBucketsResult>"
            ).encode()
        elif event_name.startswith("before-send.s3"):
            body = b""
        return AWSResponse(request.url, 200, headers, _Raw(b"" if operation == "HeadObject" else body))


class _Raw(io.BytesIO):
    """A response body as botocore reads it."""

    def stream(self, amount: int = 65536, **_: Any) -> Any:
        while chunk := self.read(amount):
            yield chunk


def _empty_archive() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz"):
        pass
    return content.getvalue()
