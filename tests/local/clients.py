"""Clients of the server under test, and what the tests give it: scripts, archives, endpoints."""

import io
import os
import socket
import tarfile
import textwrap
import time
from pathlib import Path

import boto3
import psutil

from byom.local.account import DEFAULT_BUCKET, REGION, ROLE_ARN

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-{}:2.6.0-cpu-py312"


class Clients:
    """boto3 clients by service, made when first asked for."""

    def __init__(self, url, connections=10):
        """`connections` is how many threads may use one client at once."""
        self.url, self._connections = url, connections

    def __getattr__(self, service):
        client = boto3.client(
            service.replace("_", "-"),
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=boto3.session.Config(retries={"max_attempts": 0}, max_pool_connections=self._connections),
        )
        setattr(self, service, client)
        return client

    def wait_for_job(self, name, *statuses):
        return wait(lambda: self._described(name, statuses), f"{name} to be {statuses}")

    def _described(self, name, statuses):
        job = self.sagemaker.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in statuses else None

    def wait_for_endpoint(self, name):
        def settled():
            endpoint = self.sagemaker.describe_endpoint(EndpointName=name)
            return endpoint if endpoint["EndpointStatus"] != "Creating" else None

        return wait(settled, f"endpoint {name}")

    def put(self, key, data, bucket=DEFAULT_BUCKET):
        """Store an object; returns its URI."""
        self.s3.put_object(Bucket=bucket, Key=key, Body=data)
        return f"s3://{bucket}/{key}"

    def job_request(self, name, script, **changes):
        """A CreateTrainingJob request that runs `script`, without the SDK."""
        source = self.put(f"{name}/sourcedir.tar.gz", targz({"train.py": textwrap.dedent(script).encode()}))
        return {
            "TrainingJobName": name,
            "RoleArn": ROLE_ARN,
            "AlgorithmSpecification": {"TrainingImage": IMAGE.format("training"), "TrainingInputMode": "File"},
            "HyperParameters": {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": f'"{source}"'},
            "OutputDataConfig": {"S3OutputPath": f"s3://{DEFAULT_BUCKET}/out"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **changes,
        }

    def create_endpoint(self, name, model_data, **environment):
        """Model, configuration and endpoint of one name."""
        variables = {"SAGEMAKER_PROGRAM": "inference.py", **environment}
        container = {"Image": IMAGE.format("inference"), "ModelDataUrl": model_data, "Environment": variables}
        variant = {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE_ARN, PrimaryContainer=container)
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}]
        )
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def messages(self, group, prefix):
        """The messages of the streams of a log group."""
        streams = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
        return [
            event["message"]
            for stream in streams
            for event in self.logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]


def targz(files):
    """A .tar.gz of name → bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def wait(look, what, seconds=60):
    """The first true answer of `look`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.05)
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def processes_below(root: Path):
    """Every process that has anything of this root on its command line or as its folder."""
    found = []
    for process in psutil.process_iter():
        try:
            where = [*process.cmdline(), process.cwd(), process.environ().get("SAGEMAKER_BASE_DIR", "")]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if process.pid != os.getpid() and any(str(root) in part for part in where):
            found.append(process)
    return found
