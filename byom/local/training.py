"""Training jobs: SageMaker's calls about them, and their records from start to end."""

import logging
import sqlite3
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from . import channels, checkpoints
from .container import ContainerEnded
from .frameworks import framework_of
from .hosts import HOST_LIMIT, groups_of
from .logs import Logs
from .objects import Objects, split_uri
from .resources import TRAINING_JOB, Request, Resources
from .store import Document
from .training_run import REASON_LIMIT, JobFailed, Run
from .wire import AwsError, invalid

FINAL = ("Completed", "Failed", "Stopped")
_LAUNCHERS = {  # what the SDK's `distribution` becomes, where it needs programs that AWS's images have
    "sagemaker_mpi_enabled": "mpi",
    "sagemaker_distributed_dataparallel_enabled": "smdistributed",
    "sagemaker_pytorch_ddp_enabled": "pytorchddp",
    "sagemaker_pytorch_xla_multi_worker_enabled": "pytorchxla",
}

log = logging.getLogger(__name__)


class TrainingJobs:
    """The account's training jobs. Methods named like API calls answer them."""

    def __init__(self, resources: Resources, objects: Objects, logs: Logs, scratch: Path, url: str) -> None:
        self._resources, self._objects, self._logs = resources, objects, logs
        self._scratch, self._url = scratch, url
        self._runs: dict[str, Run] = {}
        self._lock = threading.RLock()
        self._closing = False
        for name, job in resources.all(TRAINING_JOB).items():
            if job["TrainingJobStatus"] not in FINAL:
                self._end(name, "Failed", "InternalServerError: the local server ended while the job was running.")

    def create_training_job(self, request: Request) -> dict[str, Any]:
        """Answer CreateTrainingJob: check what can be checked, and start."""
        _check(request)
        framework_of(request["AlgorithmSpecification"].get("TrainingImage", ""))
        for channel in request.get("InputDataConfig", []):
            channels.files_of(channel, self._objects, request["RoleArn"])
        if "CheckpointConfig" in request:
            checkpoints.check(request["CheckpointConfig"], self._objects)
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
            EnableManagedSpotTraining=request.get("EnableManagedSpotTraining", False),
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
                if run := self._runs.get(name):
                    run.stop()
        return {}

    def close(self) -> None:
        """Kill what runs; the next start of the server records those jobs as failed."""
        self._closing = True
        for run in list(self._runs.values()):
            run.kill()

    def _run(self, name: str, job: Document) -> None:
        """Run one job, in a thread of its own."""
        try:
            run = self._runs[name] = Run(job, self._objects, self._logs, self._scratch / name, self._url)
            try:
                if self._resources.find(TRAINING_JOB, name)["TrainingJobStatus"] == "Stopping":
                    run.stop()
                status, reason = run.train(
                    partial(self._enter, name), partial(self._resources.update, TRAINING_JOB, name)
                )
            finally:
                run.remove()
        except ContainerEnded:  # the server ends; the next start records the job's end
            return
        except JobFailed as error:
            status, reason = "Failed", str(error)
        except Exception as error:  # a job must end with a status, whatever is wrong with us
            log.exception("training job %s", name)
            status, reason = "Failed", f"InternalServerError: {type(error).__name__}: {error}"
        self._runs.pop(name, None)
        while not self._closing:
            try:
                self._end(name, status, reason)
                return
            except sqlite3.Error:  # the disk is full: whoever makes room finds the job's end recorded
                log.exception("training job %s", name)
                time.sleep(1)

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


def _check(request: Request) -> None:
    """Refuse what SageMaker refuses, and by name what would otherwise be ignored in silence."""
    resources, algorithm = request["ResourceConfig"], request["AlgorithmSpecification"]
    refused = ["AlgorithmName in AlgorithmSpecification"] if "AlgorithmName" in algorithm else []
    settings = request.get("HyperParameters", {})
    refused += [f"distribution by {name}" for key, name in _LAUNCHERS.items() if settings.get(key) == "true"]
    inputs = request.get("InputDataConfig", [])
    for channel in inputs:
        refused += channels.unsupported_features(channel)
    if refused:
        raise invalid(f"byom.local does not support {', nor '.join(refused)}.")
    alone = [member for member in ("InstanceType", "InstanceCount") if member in resources]
    if ("InstanceGroups" in resources) == bool(alone) or (alone and len(alone) < 2):
        raise invalid("ResourceConfig needs either InstanceType and InstanceCount, or InstanceGroups.")
    hosts = sum(group["InstanceCount"] for group in groups_of(request))
    if hosts > HOST_LIMIT:
        raise AwsError(
            "ResourceLimitExceeded",
            f"The account-level service limit for training job usage is {HOST_LIMIT} Instances, with a request delta "
            f"of {hosts} Instances. byom.local runs every host on this computer.",
        )
    names = [channel["ChannelName"] for channel in inputs]
    if len(names) != len(set(names)):
        raise invalid(f"Channel names must be unique: {', '.join(names)}")
    stopping = request.get("StoppingCondition", {})
    longest = stopping.get("MaxWaitTimeInSeconds")
    if request.get("EnableManagedSpotTraining"):
        if longest is None or longest < stopping.get("MaxRuntimeInSeconds", 86400):
            raise invalid(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
            )
    elif longest is not None:
        raise invalid("MaxWaitTimeInSeconds can only be specified when EnableManagedSpotTraining is set to true")
