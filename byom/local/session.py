"""The SDK's session with waits that don't sleep: jobs and endpoints here are ready in seconds, not minutes."""

import time
from typing import Any

import sagemaker
from sagemaker import session as sdk

POLL = 0.2  # seconds; each look costs this computer, which also runs the job
_JOB_ENDED = ("Completed", "Failed", "Stopped")


class LocalSession(sagemaker.Session):
    """`sagemaker.Session`, but for its three waits. The SDK's own sleep 5, 10 and 30 s between two looks."""

    def wait_for_job(self, job: str, poll: float = POLL) -> dict[str, Any]:
        """Wait for a training job without its logs."""
        while self.describe_training_job(job)["TrainingJobStatus"] not in _JOB_ENDED:
            time.sleep(POLL)
        return super().wait_for_job(job, poll=0)

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
        _, streams, positions, client, group, dot, colour = sdk._logs_init(self.boto_session, description, "Training")
        hosts = description["ResourceConfig"]["InstanceCount"]
        shown = None
        while True:
            ended = description["TrainingJobStatus"] in _JOB_ENDED
            changed = sdk.secondary_training_status_changed(description, shown)
            news = sdk.secondary_training_status_message(description, shown) if changed else ""
            shown = description
            if news and not ended:
                print(news)
            # the log is read after the status, so that the last look has every line
            if not streams:
                streams += _streams_of(client, group, job_name)
                positions.update({name: sdk.sagemaker.logs.Position(timestamp=0, skip=0) for name in streams})
            if streams:  # until there is one, the SDK prints a dot at each look
                sdk._flush_log_streams(streams, hosts, client, group, job_name, positions, dot, colour)
            if news and ended:
                print(news)
            if ended or time.monotonic() > deadline:
                break
            time.sleep(POLL)
            description = self.describe_training_job(job_name)
        if ended:
            sdk._check_job_status(job_name, description, "TrainingJobStatus")
            seconds = description.get("TrainingTimeInSeconds", 0) * hosts
            print(f"Training seconds: {seconds}\nBillable seconds: {seconds}")
        else:
            print(f"Timeout Exceeded. {timeout} seconds elapsed.")
        return description


def _streams_of(client: Any, group: str, job: str) -> list[str]:
    """The names of the job's log streams; none before it has written anything."""
    try:
        found = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")
    except client.exceptions.ResourceNotFoundException:
        return []
    return [stream["logStreamName"] for stream in found["logStreams"]]
