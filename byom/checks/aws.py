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
from collections.abc import Mapping, Sequence
from typing import Any, Self
from unittest.mock import patch

REGION = "us-east-1"
ACCOUNT = "123456789012"
BUCKET = f"sagemaker-{REGION}-{ACCOUNT}"

NOBODY = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "check",
    "AWS_SECRET_ACCESS_KEY": "check",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_MAX_ATTEMPTS": "1",
}
"""Variables with which a session reaches no account, and says so at once."""


class Recorder:
    """A SageMaker session that keeps every request and answers it as AWS would; use it in a ``with`` statement.

    What is asked of any other session meanwhile reaches nobody: behind it may be an account that pays.

    Args:
        jobs: training jobs that have ended, as DescribeTrainingJob tells of them.
        archive: what every object in S3 holds, by the names of files.

    Attributes:
        session: give it to an estimator or a model.
        calls: the parameters of each request to SageMaker, by operation; of several, the last.
        uploads: the names inside each archive put to S3, by "s3://bucket/key".
        downloads: the objects of S3 that were read, "s3://bucket/key".
    """

    def __init__(self, jobs: Sequence[Mapping[str, Any]] = (), archive: Mapping[str, str] | None = None) -> None:
        for noisy in ("sagemaker", "sagemaker.config"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        import boto3

        self.calls: dict[str, Mapping[str, Any]] = {}
        self.uploads: dict[str, list[str]] = {}
        self.downloads: set[str] = set()
        self._jobs = {job["TrainingJobName"]: job for job in jobs}
        self._archive = _archive(archive or {})
        boto = boto3.Session(aws_access_key_id="check", aws_secret_access_key="check", region_name=REGION)
        events = boto.events
        events.register("before-parameter-build.sagemaker", self._keep_call)
        events.register("before-parameter-build.s3.PutObject", self._keep_upload)
        events.register("before-parameter-build.s3.GetObject", self._keep_download)
        events.register("before-send", self._answer)
        settings = {
            "SchemaVersion": "1.0",
            "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
        }
        self.session = _session_without_waits(boto_session=boto, default_bucket=BUCKET, sagemaker_config=settings)

    def __enter__(self) -> Self:
        """Keep the SDK from asking this machine for an account of its own, which takes time and gets no answer."""
        import sagemaker

        with contextlib.ExitStack() as until_exit:
            until_exit.enter_context(patch.dict(os.environ, NOBODY))
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

    def _keep_download(self, params: Mapping[str, Any], **_: Any) -> None:
        self.downloads.add(f"s3://{params['Bucket']}/{params['Key']}")

    def _answer(self, request: Any, event_name: str, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        service, operation = event_name.split(".")[-2:]
        if service == "sagemaker":
            status, answer = self._sagemaker(operation)
            headers, body = {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()
        else:
            status, headers, body = 200, {}, b""
            if operation in ("HeadObject", "GetObject"):
                headers = {"Content-Length": str(len(self._archive)), "ETag": '"check"'}
                body = self._archive if operation == "GetObject" else b""
            elif operation == "ListBuckets":
                body = (
                    "<ListAllMyBucketsResult><Buckets><Bucket>"
                    f"<Name>{BUCKET}</Name><CreationDate>2020-01-01T00:00:00.000Z</CreationDate>"
                    "</Bucket></Buckets></ListAllMyBucketsResult>"
                ).encode()
        return AWSResponse(request.url, status, headers, _Raw(body))

    def _sagemaker(self, operation: str) -> tuple[int, Mapping[str, Any]]:
        """Status and answer of a call to SageMaker: whatever is made is there at once."""
        asked = self.calls[operation]
        if operation == "DescribeTrainingJob":
            job = self._jobs.get(asked["TrainingJobName"])
            missing = {"__type": "ValidationException", "message": "Requested resource not found."}
            return (200, job) if job else (400, missing)
        if operation == "DescribeEndpoint":
            return 200, {"EndpointName": asked["EndpointName"], "EndpointStatus": "InService"}
        if kind := _MADE.get(operation):
            return 200, {f"{operation.removeprefix('Create')}Arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/check"}
        return 200, {"Tags": []} if operation == "ListTags" else {}


_MADE = {
    "CreateTrainingJob": "training-job",
    "CreateModel": "model",
    "CreateEndpointConfig": "endpoint-config",
    "CreateEndpoint": "endpoint",
}


def _session_without_waits(**settings: Any) -> Any:
    """A session of the SDK that looks at once whether a job or an endpoint is ready; here they are."""
    import sagemaker

    class Session(sagemaker.Session):
        def wait_for_job(self, job: str, poll: int = 0) -> Any:
            return super().wait_for_job(job, 0)

        def wait_for_endpoint(self, endpoint: str, poll: int = 0, live_logging: bool = False) -> Any:
            return super().wait_for_endpoint(endpoint, 0, live_logging)

    return Session(**settings)


class _Raw(io.BytesIO):
    """A response body as botocore reads it."""

    def stream(self, amount: int = 65536, **_: Any) -> Any:
        while chunk := self.read(amount):
            yield chunk


def _archive(files: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()
