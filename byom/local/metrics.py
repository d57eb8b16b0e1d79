"""A training job's metrics: what its definitions find in the lines of its logs."""

import math
import re
import time
from collections.abc import Sequence
from typing import Any

from .logs import LogStream

Metric = dict[str, Any]


class Metrics:
    """The last value of each metric definition. What can't be read is told of in the first log, once."""

    def __init__(self, definitions: Sequence[dict[str, str]], streams: Sequence[LogStream]) -> None:
        self._streams = dict.fromkeys(streams, 0)  # how many lines of each were read
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._found: dict[str, Metric] = {}
        self._told: set[str] = set()
        for definition in definitions:
            name = definition["Name"]
            try:
                pattern = re.compile(definition["Regex"])
            except re.error as error:
                self._tell(name, f"its regular expression is wrong: {error}")
                continue
            if pattern.groups:
                self._patterns[name] = pattern
            else:
                self._tell(name, "its regular expression has no group (…) for the value")

    def read(self) -> bool:
        """Look at the lines that came since the last time; whether a value came with them."""
        changed = False
        for stream, count in self._streams.items():
            lines = stream.since(count)
            self._streams[stream] = count + len(lines)
            for name, pattern in self._patterns.items():
                for hit in (hit for line in lines for hit in pattern.finditer(line)):
                    changed |= self._take(name, hit[1])
        return changed

    def latest(self) -> list[Metric]:
        """The `FinalMetricDataList` of the job's description."""
        return list(self._found.values())

    def _take(self, name: str, text: str | None) -> bool:
        try:
            value = float(text or "")
        except ValueError:
            self._tell(name, f"{text!r} is no number")
            return False
        if not math.isfinite(value):  # CloudWatch takes none either
            return False
        self._found[name] = {"MetricName": name, "Value": value, "Timestamp": time.time()}
        return True

    def _tell(self, name: str, problem: str) -> None:
        if name not in self._told:
            self._told.add(name)
            next(iter(self._streams)).append([f"byom.local: the metric {name} can't be read from the log: {problem}"])
