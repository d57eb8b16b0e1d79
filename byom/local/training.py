"""Training jobs: SageMaker's calls about them, and the run of each through AWS's own training toolkit."""

import json
import logging
import re
import threading
import time
from pathlib import Path
from typing import Any

from . import channels
from .archives import pack
from .container import Container
from .frameworks import framework_of, versions_used
from .logs import TRAINING_GROUP, Logs, LogStream
from .objects import Objects, split_uri
from .resources import TRAINING_JOB, Request, Resources
from .store import Document
from .wire import AwsError, invalid

FINAL = ("Completed", "Failed", "Stopped")
REASON_LIMIT = 1024  # characters of a FailureReason
GRACE = 120  # seconds between SIGTERM and SIGKILL, as on AWS
HOST = "algo-1"
_TICK = 0.05  # seconds

log = logging.getLogger(__name__)


class JobFailed(Exception):
    """A job can't go on; the text is its FailureReason."""


class TrainingJobs:
    """The account's training jobs. Methods named like API calls answer them."""

    def __init__(self, resources: Resources, objects: Objects, logs: Logs, scratch: Path, url: str) -> None:
        self._resources, self._objects, self._logs = resources, objects, logs
        self._scratch, self._url = scratch, url
        self._containers: dict[str, Container] = {}
        self._stopping: set[str] = set()
        self._lock = threading.RLock()
        self._closing = False
        for name, job in resources.all(TRAINING_JOB).items():
            if job["TrainingJobStatus"] not in FINAL:
                self._end(name, "Failed", "InternalServerError: the local server ended while the job was running.")

    def create_training_job(self, request: Request) -> dict[str, Any]:
        """Answer CreateTrainingJob: check what can be checked, and start."""
        _refuse_unsupported(request)
        framework_of(request["AlgorithmSpecification"].get("TrainingImage", ""))
        names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
        if len(names) != len(set(names)):
            raise invalid(f"Channel names must be unique: {', '.join(names)}")
        for channel in request.get("InputDataConfig", []):
            channels.files_of(channel, self._objects, request["RoleArn"])
        bucket = split_uri(request["OutputDataConfig"]["S3OutputPath"])[0]
        if not self._objects.bucket_exists(bucket):
            raise invalid(f"The bucket {bucket} of OutputDataConfig.S3OutputPath: the specified bucket does not exist")
        name, now = request["TrainingJobName"], time.time()
        output = request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        record = self._resources.create(
            TRAINING_JOB,
            request,
            TrainingJobStatus="InProgress",
            SecondaryStatus="Starting",
            SecondaryStatusTransitions=[
                {"Status": "Starting", "StartTime": now, "StatusMessage": "Starting the training job"}
            ],
            ModelArtifacts={"S3ModelArtifacts": f"{output}/{name}/output/model.tar.gz"},
            # the SDK's attach reads KmsKeyId without asking whether it is there
            OutputDataConfig={"KmsKeyId": "", **request["OutputDataConfig"]},
            EnableNetworkIsolation=request.get("EnableNetworkIsolation", False),
            EnableInterContainerTrafficEncryption=request.get("EnableInterContainerTrafficEncryption", False),
            EnableManagedSpotTraining=False,
        )
        threading.Thread(target=self._run, args=(name, record), name=f"job {name}", daemon=True).start()
        return {"TrainingJobArn": record["TrainingJobArn"]}

    def describe_training_job(self, request: Request) -> dict[str, Any]:
        """Answer DescribeTrainingJob."""
        return self._resources.find(TRAINING_JOB, request["TrainingJobName"])

    def list_training_jobs(self, request: Request) -> dict[str, Any]:
        """Answer ListTrainingJobs."""
        return self._resources.page(TRAINING_JOB, request, "TrainingJobSummaries")

    def stop_training_job(self, request: Request) -> dict[str, Any]:
        """Answer StopTrainingJob: SIGTERM now, SIGKILL after SageMaker's 120 s."""
        name = request["TrainingJobName"]
        with self._lock:
            status = self._resources.find(TRAINING_JOB, name)["TrainingJobStatus"]
            if status in FINAL:
                raise invalid(f"The request was rejected because the training job is in status {status}.")
            if status != "Stopping":
                self._enter(name, "Stopping", "Stopping the training job", TrainingJobStatus="Stopping")
                self._stopping.add(name)
        return {}

    def close(self) -> None:
        """Kill what runs; the next start of the server records those jobs as failed."""
        self._closing = True
        for container in list(self._containers.values()):
            container.kill()

    # the run of one job, in a thread of its own

    def _run(self, name: str, job: Document) -> None:
        try:
            stream = self._logs.stream(TRAINING_GROUP, f"{name}/{HOST}-{int(job['CreationTime'])}")
            container = self._containers[name] = Container(self._scratch / name, self._url, stream)
            try:
                status, reason = self._train(name, job, container, stream)
            finally:
                container.remove()
        except JobFailed as error:
            status, reason = "Failed", str(error)
        except Exception as error:  # a job must end with a status, whatever is wrong with us
            log.exception("training job %s", name)
            status, reason = "Failed", f"InternalServerError: {type(error).__name__}: {error}"
        if not self._closing:
            self._end(name, status, reason)
        self._containers.pop(name, None)
        self._stopping.discard(name)

    def _train(self, name: str, job: Document, container: Container, stream: LogStream) -> tuple[str, str]:
        """Run the job; returns its final status with, for a failure, the reason."""
        self._enter(name, "Downloading", "Downloading input data")
        self._fill(job, container.base)
        self._enter(name, "Training", "Training image download completed. Training in progress.")
        self._resources.update(TRAINING_JOB, name, TrainingStartTime=time.time())
        image = job["AlgorithmSpecification"]["TrainingImage"]
        framework = framework_of(image)
        stream.append([versions_used(framework, image)])
        container.start(
            ["-W", "ignore", "-m", "sagemaker_training.cli.train"],
            {
                "TRAINING_JOB_NAME": name,
                "TRAINING_JOB_ARN": job["TrainingJobArn"],
                "S3_ENDPOINT_URL": self._url,
                "SAGEMAKER_TRAINING_MODULE": framework.training,
                # without it the toolkit asks DNS for algo-1 for 15 minutes
                "SM_STUDIO_LOCAL_MODE": "true",
                **job.get("Environment", {}),
            },
        )
        limit = job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86400)
        exit_code, overran = self._wait(name, container, limit)
        if self._closing:
            raise JobFailed("InternalServerError: the local server ended")
        self._enter(name, "Uploading", "Uploading generated training model")
        self._upload(job, container.base)
        metrics = _final_metrics(job, stream)
        self._resources.update(TRAINING_JOB, name, FinalMetricDataList=metrics)
        if name in self._stopping:
            return "Stopped", ""
        if overran:
            return "MaxRuntimeExceeded", ""
        # the toolkit exits with 0 when it can't write output/failure, so its own mark of success is asked for too
        if exit_code == 0 and (container.base / "output/success").exists():
            return "Completed", ""
        return "Failed", _failure(container.base, exit_code, stream)

    def _wait(self, name: str, container: Container, limit: float) -> tuple[int, bool]:
        """The exit status of the job, and whether it overran its limit in seconds."""
        started, told = time.monotonic(), None
        overran = False
        while (status := container.wait(_TICK)) is None:
            now = time.monotonic()
            if told is None:
                overran = now - started > limit
                if overran or name in self._stopping:
                    container.terminate()
                    told = now
            elif now - told > GRACE:
                container.kill()
        return status, overran

    def _fill(self, job: Document, base: Path) -> None:
        """Download the channels and write the three files of `input/config`."""
        inputs = job.get("InputDataConfig", [])
        for channel in inputs:
            try:
                files = channels.files_of(channel, self._objects, job["RoleArn"])
                channels.fill(base / "input/data" / channel["ChannelName"], files)
            except AwsError as error:  # the objects were there when the job was created
                raise JobFailed(f"ClientError: Data download failed: {error.message}") from None
        instance_type = job["ResourceConfig"]["InstanceType"]
        group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": [HOST]}
        config = {
            "hyperparameters": job.get("HyperParameters", {}),
            "inputdataconfig": {channel["ChannelName"]: channels.configuration(channel) for channel in inputs},
            "resourceconfig": {
                "current_host": HOST,
                "current_instance_type": instance_type,
                "current_group_name": group["instance_group_name"],
                "hosts": [HOST],
                "instance_groups": [group],
                "network_interface_name": "lo",
            },
        }
        for name, content in config.items():
            (base / "input/config" / f"{name}.json").write_text(json.dumps(content))

    def _upload(self, job: Document, base: Path) -> None:
        model = job["ModelArtifacts"]["S3ModelArtifacts"]
        for folder, uri in (
            (base / "model", model),
            (base / "output/data", model.removesuffix("model.tar.gz") + "output.tar.gz"),
        ):
            archive = base / "archive.tar.gz"
            if pack(folder, archive):
                try:
                    self._objects.put(*split_uri(uri), archive)
                except AwsError as error:
                    raise JobFailed(f"ClientError: Artifact upload failed: {error.code}: {error.message}") from None

    def _enter(self, name: str, secondary: str, message: str, **changes: Any) -> None:
        """Go on to the next secondary status."""
        now = time.time()
        with self._lock:
            transitions = self._resources.find(TRAINING_JOB, name)["SecondaryStatusTransitions"]
            transitions[-1].setdefault("EndTime", now)
            transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
            if "TrainingEndTime" in changes:
                transitions[-1]["EndTime"] = now
            self._resources.update(
                TRAINING_JOB, name, SecondaryStatus=secondary, SecondaryStatusTransitions=transitions, **changes
            )

    def _end(self, name: str, secondary: str, reason: str) -> None:
        message = {
            "Completed": "Training job completed",
            "Stopped": "Training job stopped",
            "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
            "Failed": "Training job failed",
        }[secondary]
        now = time.time()
        job = self._resources.find(TRAINING_JOB, name)
        changes: dict[str, Any] = {
            "TrainingJobStatus": "Stopped" if secondary == "MaxRuntimeExceeded" else secondary,
            "TrainingEndTime": now,
        }
        if "TrainingStartTime" in job:
            seconds = max(1, round(now - job["TrainingStartTime"]))
            changes |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        if reason:
            changes["FailureReason"] = reason[:REASON_LIMIT]
        self._enter(name, secondary, message, **changes)


def _refuse_unsupported(request: Request) -> None:
    """Refuse by name what would otherwise be ignored in silence."""
    resources, algorithm = request["ResourceConfig"], request["AlgorithmSpecification"]
    hosts = resources.get("InstanceCount", 1)
    refused = [
        f"{name} in AlgorithmSpecification" for name in ("AlgorithmName", "ContainerEntrypoint") if name in algorithm
    ]
    if hosts != 1 or "InstanceGroups" in resources:
        refused.append(f"{hosts} hosts (ResourceConfig asks for them); it runs one")
    if "CheckpointConfig" in request:
        refused.append("CheckpointConfig")
    if request.get("EnableManagedSpotTraining"):
        refused.append("EnableManagedSpotTraining")
    for channel in request.get("InputDataConfig", []):
        refused += channels.unsupported_features(channel, algorithm["TrainingInputMode"])
    if refused:
        raise invalid(f"byom.local does not support {', nor '.join(refused)}.")
    if "InstanceType" not in resources:
        raise invalid("ResourceConfig needs an InstanceType.")


def _final_metrics(job: Document, stream: LogStream) -> list[dict[str, Any]]:
    """The last value that each metric definition finds in the log."""
    found = {}
    for definition in job["AlgorithmSpecification"].get("MetricDefinitions", []):
        try:
            for hit in re.finditer(definition["Regex"], stream.text()):
                found[definition["Name"]] = float(hit[1])
        except (re.error, IndexError, ValueError) as error:
            stream.append([f"byom.local: the metric {definition['Name']} can't be read from the log: {error}"])
    now = time.time()
    return [{"MetricName": name, "Value": value, "Timestamp": now} for name, value in found.items()]


def _failure(base: Path, exit_code: int, stream: LogStream) -> str:
    failure = base / "output/failure"
    if failure.exists():
        reason = failure.read_text(errors="replace").strip()
    elif exit_code == 137:
        reason = "the process was killed, most often because memory ran out"
    else:
        reason = "\n".join(["the script left no reason; the last lines of its log:", *stream.tail(5)])
    # the exit code stands at the end, as on AWS, also when the reason fills the limit
    ending = f", exit code: {exit_code}"
    return f"AlgorithmError: {reason}"[: REASON_LIMIT - len(ending)] + ending
