"""A training job's metrics: what its definitions find in the lines of its logs."""

import math
import re
import time
from collections.abc import Sequence
from typing import Any

from .logs import LogStream

Metric = dict[str, Any]


class Metrics:
    """The last value of each metric definition. A bad definition is told of in the first log, once."""

    def __init__(self, definitions: Sequence[dict[str, str]], streams: Sequence[LogStream]) -> None:
        self._streams = dict.fromkeys(streams, 0)  # how many lines of each were read
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._found: dict[str, Metric] = {}
        for definition in definitions:
            try:
                self._patterns[definition["Name"]] = re.compile(definition["Regex"])
            except re.error as error:
                self._tell(definition["Name"], f"its regular expression is wrong: {error}")

    def read(self) -> bool:
        """Look at the lines that came since the last time; whether a value changed."""
        changed = False
        for stream, count in self._streams.items():
            lines = stream.since(count)
            self._streams[stream] = count + len(lines)
            for name, pattern in list(self._patterns.items()):
                for hit in (hit for line in lines for hit in pattern.finditer(line)):
                    changed |= self._take(name, hit)
        return changed

    def latest(self) -> list[Metric]:
        """The `FinalMetricDataList` of the job's description."""
        return list(self._found.values())

    def _take(self, name: str, hit: re.Match[str]) -> bool:
        try:
            value = float(hit[1])
        except (IndexError, TypeError, ValueError) as error:
            self._patterns.pop(name, None)
            self._tell(name, str(error))
            return False
        if not math.isfinite(value):  # CloudWatch takes none either
            return False
        self._found[name] = {"MetricName": name, "Value": value, "Timestamp": time.time()}
        return True

    def _tell(self, name: str, problem: str) -> None:
        next(iter(self._streams)).append([f"byom.local: the metric {name} can't be read from the log: {problem}"])
