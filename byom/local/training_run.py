"""The run of one training job: from the download of its data, through its hosts' processes, to the upload."""

import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import channels
from .archives import ArchiveError, pack
from .checkpoints import CONTAINER, Checkpoints
from .container import Container, ContainerEnded
from .entrypoints import entrypoint_of, move_drivers
from .frameworks import image_of, versions_used
from .hosts import Cluster, Host
from .log_files import TRAINING_GROUP
from .logs import Logs, LogStream
from .metrics import Metrics
from .objects import Objects, split_uri
from .pipes import Pipe
from .sources import advice, unpack_source
from .store import Document
from .wire import AwsError

REASON_LIMIT = 1024  # characters of a FailureReason
GRACE = 120  # seconds between SIGTERM and SIGKILL, as on AWS
TOOLKIT = Path(__file__).with_name("in_container") / "byom_toolkit.py"
_TICK = 0.05  # seconds
_METRICS_EVERY = 1.0  # seconds

Enter = Callable[[str, str], None]  # enters a secondary status, with its message
Record = Callable[..., Any]  # sets members of the job's record


class JobFailed(Exception):
    """A job can't go on; the text is its FailureReason."""


@dataclass
class Place:
    """One host of the job: its container, its log, and what feeds and follows it."""

    host: Host
    container: Container
    log: LogStream
    pipes: list[Pipe] = field(default_factory=list)
    checkpoints: Checkpoints | None = None
    status: int | None = None  # the exit status, once the host's processes have ended
    toolkit: bool = True  # whether a toolkit runs, and not the job's own entry point

    @property
    def failed(self) -> bool:
        """Whether the host has ended badly."""
        # the toolkit exits with 0 when it can't write output/failure, so its own mark of success is asked for too
        unmarked = self.toolkit and not (self.container.base / "output/success").exists()
        return self.status is not None and (self.status != 0 or unmarked)


class Run:
    """One job's run. `train` blocks; `stop` and `kill` end it from another thread."""

    def __init__(self, job: Document, objects: Objects, logs: Logs, scratch: Path, url: str) -> None:
        self._job, self._objects, self._url = job, objects, url
        self._image = image_of(job["AlgorithmSpecification"]["TrainingImage"])
        self._scratch = scratch
        self._stopping, self._killed = threading.Event(), threading.Event()
        self._cluster = Cluster(job)
        self._places = []
        first_line = versions_used(self._image.framework, job["AlgorithmSpecification"]["TrainingImage"])
        for host in self._cluster.hosts:
            log = logs.stream(TRAINING_GROUP, f"{job['TrainingJobName']}/{host.name}-{int(job['CreationTime'])}")
            log.append([first_line])
            self._places.append(Place(host, Container(scratch / host.name, url, log), log))
        self._metrics = Metrics(
            job["AlgorithmSpecification"].get("MetricDefinitions", []), [place.log for place in self._places]
        )

    def train(self, enter: Enter, record: Record) -> tuple[str, str]:
        """Run the job; returns its final secondary status and, for a failure, the reason.

        Raises JobFailed, and ContainerEnded after `kill`.
        """
        enter("Downloading", "Downloading input data")
        for place in self._places:
            self._fill(place)
        if self._stopping.is_set():
            return "Stopped", ""
        enter("Training", "Training image download completed. Training in progress.")
        record(TrainingStartTime=time.time())
        try:
            self._start()
            overran, culprit = self._wait(record)
        finally:
            for place in self._places:
                for pipe in place.pipes:
                    pipe.end()
        if self._killed.is_set():
            raise ContainerEnded
        enter("Uploading", "Uploading generated training model")
        self._metrics.read()
        record(FinalMetricDataList=self._metrics.latest())
        self._upload()
        if self._stopping.is_set():
            return "Stopped", ""
        if overran:
            return "MaxRuntimeExceeded", ""
        return ("Failed", self._reason(culprit)) if culprit else ("Completed", "")

    def stop(self) -> None:
        """End the hosts as StopTrainingJob does: SIGTERM now, SIGKILL after SageMaker's 120 s."""
        self._stopping.set()

    def kill(self) -> None:
        """End every process at once; the job ends without a status of its own."""
        self._killed.set()
        self._end_processes()

    def remove(self) -> None:
        """Throw the hosts away, with all that is on them."""
        for place in self._places:
            if place.checkpoints:
                place.checkpoints.end()
            place.container.remove()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._cluster.close()

    def _end_processes(self) -> None:
        for place in self._places:
            place.container.kill()

    def _fill(self, place: Place) -> None:
        """Bring to one host its channels, checkpoints, configuration and source code."""
        base = place.container.base
        hyperparameters = {k: _moved(v, base) for k, v in self._job.get("HyperParameters", {}).items()}
        inputs = {}
        try:
            for channel in self._job.get("InputDataConfig", []):
                files = channels.files_of(channel, self._objects, self._job["RoleArn"])
                share = channels.share_of(place.host, channel, files, self._cluster)
                if share is not None:
                    mode = channels.mode_of(channel, self._job)
                    inputs[channel["ChannelName"]] = channels.configuration(channel, mode)
                    self._bring(place, channel, share, mode)
            if config := self._job.get("CheckpointConfig"):
                place.checkpoints = Checkpoints(config, base, self._objects, place.log)
                place.checkpoints.restore()
            for name, content in {
                "hyperparameters": hyperparameters,
                "inputdataconfig": inputs,
                "resourceconfig": self._cluster.resource_config(place.host),
            }.items():
                (base / "input/config" / f"{name}.json").write_text(json.dumps(content))
            unpack_source(hyperparameters, base, self._objects)
            move_drivers(base)
        except AwsError as error:  # the objects were there when the job was created
            raise JobFailed(f"ClientError: Data download failed: {error.message}") from None
        except ArchiveError as error:
            raise JobFailed(f"ClientError: {error}") from None
        except OSError as error:
            raise JobFailed(f"ClientError: Data download failed: {error.strerror or error}") from None
        if told := advice(hyperparameters, base, self._image):
            place.log.append([told])

    def _bring(self, place: Place, channel: dict[str, Any], files: channels.Files, mode: str) -> None:
        base, name = place.container.base, channel["ChannelName"]
        if mode == "Pipe":
            channels.fill(base / "piped" / name, files)
            paths = [base / "piped" / name / file for file in files]
            place.pipes.append(Pipe(channel, base / "input/data", paths))
        else:
            channels.fill(base / "input/data" / name, files)

    def _start(self) -> None:
        settings = self._job.get("HyperParameters", {})
        if settings.get("sagemaker_parameter_server_enabled") == "true" or (
            self._image.has_train_function and len(self._places) > 1
        ):
            port = settings.get("_ps_port", "8000").strip('"')
            if port.isdigit() and not self._cluster.is_free(int(port)):  # its hosts would wait for ever
                raise JobFailed(
                    f"ClientError: The parameter server can't listen at port {port}, where another program of this "
                    "computer listens on every address. End that program, or give another port as the "
                    "hyperparameter _ps_port."
                )
        addresses = {place.host.name: place.host.address for place in self._places}
        for place in self._places:
            base = place.container.base
            environment = {
                "TRAINING_JOB_NAME": self._job["TrainingJobName"],
                "TRAINING_JOB_ARN": self._job["TrainingJobArn"],
                "S3_ENDPOINT_URL": self._url,
                "SAGEMAKER_TRAINING_MODULE": self._image.training,
                "BYOM_HOSTS": json.dumps(addresses),
                "BYOM_HOST": place.host.name,
                "DMLC_NODE_HOST": place.host.address,
                "GLOO_SOCKET_IFNAME": self._cluster.resource_config(place.host)["network_interface_name"],
            }
            if place.checkpoints:
                environment["SM_CHECKPOINT_DIR"] = str(place.checkpoints.folder)
                place.checkpoints.follow()
            given = {k: _moved(v, base) for k, v in self._job.get("Environment", {}).items()}
            own = entrypoint_of(self._job, base)
            place.toolkit = not own
            place.container.start(own or ["-W", "ignore", TOOLKIT], environment | given)
            for pipe in place.pipes:
                pipe.start()

    def _wait(self, record: Record) -> tuple[bool, Place | None]:
        """Wait for every host; whether the job overran its limit, and the host that failed.

        One failing host ends the others, as on AWS.
        """
        limit = self._job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86400)
        started = looked = time.monotonic()
        told, overran, culprit = None, False, None
        while running := [place for place in self._places if place.status is None]:
            for place in running:
                place.status = place.container.wait(_TICK / len(running))
            now = time.monotonic()
            if problem := next((pipe.problem for place in running for pipe in place.pipes if pipe.problem), ""):
                raise JobFailed(f"ClientError: Data download failed: {problem}")
            if told is None and culprit is None:
                culprit = next((place for place in self._places if place.failed), None)
                if culprit:
                    self._end_processes()
            if told is None and culprit is None:
                overran = now - started > limit
                if overran or self._stopping.is_set():
                    for place in running:
                        place.container.terminate()
                    told = now
            elif told is not None and now - told > GRACE:
                self._end_processes()
            if now - looked > _METRICS_EVERY:
                looked = now
                if self._metrics.read():
                    record(FinalMetricDataList=self._metrics.latest())
        return overran, culprit

    def _upload(self) -> None:
        """Bring the models, outputs and checkpoints of all hosts to S3."""
        model = self._job["ModelArtifacts"]["S3ModelArtifacts"]
        archive = self._places[0].container.base / "archive.tar.gz"
        try:
            for place in self._places:
                if place.checkpoints:
                    place.checkpoints.finish()
            output = model.removesuffix("model.tar.gz") + "output.tar.gz"
            for folder, uri in (("model", model), ("output/data", output)):
                if pack([place.container.base / folder for place in self._places], archive):
                    self._objects.put(*split_uri(uri), archive)
        except AwsError as error:
            raise JobFailed(f"ClientError: Artifact upload failed: {error.code}: {error.message}") from None
        except OSError as error:
            raise JobFailed(f"ClientError: Artifact upload failed: {error.strerror or error}") from None

    def _reason(self, place: Place) -> str:
        failure = place.container.base / "output/failure"
        if failure.is_file():
            with failure.open(errors="replace") as file:
                reason = file.read(REASON_LIMIT).strip()
        elif place.status == 137:
            reason = "the process was killed, most often because memory ran out"
        else:
            reason = "\n".join(["the script left no reason; the last lines of its log:", *place.log.tail(5)])
        if CONTAINER in reason:
            place.log.append(
                [
                    f"byom.local: the script seems to name {CONTAINER} itself. Here every job has a folder of its own: "
                    "take SM_MODEL_DIR, SM_CHANNEL_…, SM_OUTPUT_DATA_DIR, which hold on AWS too."
                ]
            )
        where = f"{place.host.name}: " if len(self._places) > 1 else ""
        # the exit code stands at the end, as on AWS, also when the reason fills the limit
        ending = f", exit code: {place.status}"
        return f"AlgorithmError: {where}{reason}"[: REASON_LIMIT - len(ending)] + ending


def _moved(value: str, base: Path) -> str:
    """A setting that names a folder of the container, with the place where that folder is."""
    bare = value.removeprefix('"')
    if bare.rstrip('"') != CONTAINER and not bare.startswith(f"{CONTAINER}/"):
        return value
    return value.replace(CONTAINER, str(base), 1)
