"""The SDK's session with waits that don't sleep: jobs and endpoints here are ready in seconds, not minutes."""

import functools
import time
from typing import Any

import sagemaker
from sagemaker import session as sdk
from sagemaker import utils

POLL = 0.1  # seconds; each look costs this computer, which also runs the job
_JOB_ENDED = ("Completed", "Failed", "Stopped")

# The SDK checks its configuration when it loads it, and again at each of the 20 values that a fit asks it for: 80 ms
# each, most of what a fit costs in the notebook. The first check is enough.
utils.validate_sagemaker_config = lambda config=None: None
# And it reads botocore's file of all endpoints anew for each image that it names.
utils._botocore_resolver = functools.cache(utils._botocore_resolver)


class LocalSession(sagemaker.Session):
    """`sagemaker.Session`, but for its three waits. The SDK's own sleep 5, 10 and 30 s between two looks."""

    def wait_for_job(self, job: str, poll: float = POLL) -> dict[str, Any]:
        """Wait for a training job without its logs, and show its states."""
        shown = None
        while True:
            description = self.describe_training_job(job)
            print(_news(description, shown), end="")
            if description["TrainingJobStatus"] in _JOB_ENDED:
                break
            shown = description
            time.sleep(POLL)
        sdk._check_job_status(job, description, "TrainingJobStatus")
        return description

    def wait_for_endpoint(self, endpoint: str, poll: float = POLL, live_logging: bool = False) -> dict[str, Any]:
        """Wait for an endpoint."""
        while self.describe_endpoint(endpoint)["EndpointStatus"] in ("Creating", "Updating"):
            time.sleep(POLL)
        return super().wait_for_endpoint(endpoint, poll=0, live_logging=False)

    def logs_for_job(
        self, job_name: str, wait: bool = False, poll: float = POLL, log_type: str = "All", timeout: int | None = None
    ) -> dict[str, Any]:
        """Show a training job's log, and with `wait` follow it to the job's end; the SDK's own, but for the sleeps."""
        description = self.describe_training_job(job_name)
        if not wait or description["TrainingJobStatus"] in _JOB_ENDED:
            return super().logs_for_job(job_name, wait, 0, log_type, timeout)
        deadline = time.monotonic() + timeout if timeout else float("inf")
        hosts, streams, positions, client, group, dot, colour = sdk._logs_init(
            self.boto_session, description, "Training"
        )
        shown = None
        while True:
            ended = description["TrainingJobStatus"] in _JOB_ENDED
            news = _news(description, shown)
            shown = description
            if not ended:
                print(news, end="")
            # the log is read after the status, so that the last look has every line
            if len(streams) < hosts:
                streams[:] = _streams_of(client, group, job_name)
                for name in streams:
                    positions.setdefault(name, sdk.sagemaker.logs.Position(timestamp=0, skip=0))
            if streams:  # until there is one, the SDK prints a dot at each look
                sdk._flush_log_streams(streams, len(streams), client, group, job_name, positions, dot, colour)
            if ended:
                print(news, end="")
            if ended or time.monotonic() > deadline:
                break
            time.sleep(POLL)
            description = self.describe_training_job(job_name)
        if ended:
            sdk._check_job_status(job_name, description, "TrainingJobStatus")
            seconds = description.get("TrainingTimeInSeconds", 0) * hosts
            print(f"Training seconds: {seconds}\nBillable seconds: {seconds}")
            if description.get("EnableManagedSpotTraining"):
                print("Managed Spot Training savings: 0.0%")
        else:
            print(f"Timeout Exceeded. {timeout} seconds elapsed.")
        return description


def _news(description: dict[str, Any], shown: dict[str, Any] | None) -> str:
    """The lines for the states that a job has entered since it was shown last; empty when there is none."""
    if not sdk.secondary_training_status_changed(description, shown):
        return ""
    return f"{sdk.secondary_training_status_message(description, shown)}\n"


def _streams_of(client: Any, group: str, job: str) -> list[str]:
    """The names of the job's log streams; none before it has written anything."""
    try:
        found = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")
    except client.exceptions.ResourceNotFoundException:
        return []
    return [stream["logStreamName"] for stream in found["logStreams"]]
