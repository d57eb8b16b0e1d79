"""CloudWatch, as far as `estimator.training_job_analytics` needs it: the metrics of jobs, read from their logs."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .log_files import TRAINING_GROUP, log_files, read_lines
from .resources import TRAINING_JOB, Request, Resources
from .wire import JSON_TYPE, AwsError, read_request, service_model, unsupported, write_answer

NAMESPACE = TRAINING_GROUP  # of the metrics, as of the logs
_STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "SampleCount": len,
    "Sum": sum,
    "Minimum": min,
    "Maximum": max,
    "Average": lambda values: sum(values) / len(values),
}


class CloudWatch:
    """The `monitoring` service; it answers GetMetricStatistics."""

    def __init__(self, resources: Resources, logs: Path) -> None:
        self._resources, self._logs = resources, logs
        self._call = service_model("cloudwatch").operation_model("GetMetricStatistics")

    def answer(self, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Answer one call. Raises AwsError."""
        if operation != self._call.name:
            raise unsupported(f"CloudWatch's {operation}" if operation else "this client's way to call CloudWatch")
        request = read_request(self._call, body)
        datapoints = self._datapoints(request) if request["Namespace"] == NAMESPACE else []
        result = {"Label": request["MetricName"], "Datapoints": datapoints}
        return 200, {"Content-Type": JSON_TYPE}, write_answer(self._call, result)

    def _datapoints(self, request: Request) -> list[dict[str, Any]]:
        """The statistics of each period that has a value, by the period's beginning."""
        if "ExtendedStatistics" in request:
            raise AwsError("InvalidParameterValue", "byom.local does not support ExtendedStatistics.")
        period = request["Period"]
        periods: defaultdict[float, list[float]] = defaultdict(list)
        for moment, value in self._values(request):
            if request["StartTime"] // period * period <= moment < request["EndTime"]:
                periods[moment // period * period].append(value)
        return [
            {"Timestamp": start, "Unit": "None"}
            | {name: float(_STATISTICS[name](values)) for name in request.get("Statistics", [])}
            for start, values in periods.items()
        ]

    def _values(self, request: Request) -> Iterator[tuple[float, float]]:
        """Every value that the job's definition of the metric finds, with its moment."""
        names = {each["Name"]: each["Value"] for each in request.get("Dimensions", [])}
        job = self._resources.store.get(TRAINING_JOB.arn, names.get("TrainingJobName", ""))
        if job is None:
            return
        definitions = job["AlgorithmSpecification"].get("MetricDefinitions", [])
        patterns = [each["Regex"] for each in definitions if each["Name"] == request["MetricName"]]
        for group, stream, path in log_files(self._logs) if patterns else []:
            if group != TRAINING_GROUP or not stream.startswith(f"{job['TrainingJobName']}/"):
                continue
            for moment, line in read_lines(path.read_text(encoding="utf-8", errors="replace")):
                yield from ((moment, value) for value in _found(patterns[0], line))


def _found(pattern: str, line: str) -> list[float]:
    try:
        values = [float(hit[1]) for hit in re.finditer(pattern, line)]
    except (re.error, IndexError, TypeError, ValueError):  # the job's log says so
        return []
    return [value for value in values if math.isfinite(value)]
