"""How nbval compares a worked notebook with what it prints now: ``pytest --nbval -p authoring.nbval_plugin``.

Numbers are compared exactly, those in cells tagged ``trained`` within `TRAINED`. Times, generated names and folders
count as alike. Pictures are run and not compared. A cell that was never executed or whose code raises fails, even
where nbval itself would let it pass.
"""

import contextlib
import html
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell


@dataclass(frozen=True)
class Tolerance:
    """How far apart two numbers may be that training gave: either bound is enough."""

    relative: float
    decimal: float
    """The absolute bound for numbers with decimals: losses, scores, shares."""
    whole: float
    """The absolute bound for whole numbers: counts."""

    def allows(self, reference: str, now: str) -> bool:
        """Whether two numbers, as they were printed, are close enough."""
        a, b = float(reference), float(now)
        if math.isnan(a) or math.isnan(b):
            return False
        absolute = self.whole if a.is_integer() and b.is_integer() and "." not in reference else self.decimal
        return abs(a - b) <= max(absolute, self.relative * max(abs(a), abs(b)))


TRAINED = Tolerance(relative=0.05, decimal=0.02, whole=3)
"""Other processors and library builds round differently, and training carries that on."""

_ALIKE = [
    (re.compile(pattern, re.MULTILINE), stand_in)
    for pattern, stand_in in (
        (r"data:image/\w+;base64,[\w+/=]+", "<picture>"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|\+00:00)?", "<time>"),
        (r"\b\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d(?:-\d{3})?\b", "<time>"),  # as in the names the SDK makes
        (r"\b\d\d:\d\d(?::\d\d)?\b", "<time>"),
        (r"\b\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|min|seconds?|minutes?|it/s|s/it)(?![\w/])", "<duration>"),
        (r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "<uuid>"),
        (r"\b0x[0-9a-f]+\b", "<address>"),
        (r"\b127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
        (r"(?<![\w.:/])(?:/[\w.+@-]+){2,}|…(?:/[\w.+@-]+)+|…", "<path>"),
    )
]

_NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w])|\bnan\b|\binf\b")


class Printed(str):
    """An output's text, that compares as the cell it came from says."""

    tolerance: Tolerance | None = None

    __hash__ = str.__hash__

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __eq__(self, other: object) -> bool:
        if self.tolerance is None or not isinstance(other, str):
            return str.__eq__(self, other)
        mine, theirs = _numbers(self), _numbers(other)
        return _skeleton(self) == _skeleton(other) and all(map(self.tolerance.allows, mine, theirs))


def _numbers(text: str) -> list[str]:
    return [number.replace(",", "").replace("−", "-") for number in _NUMBER.findall(text)]


def _skeleton(text: str) -> str:
    """What is left beside the numbers; a number's width moves the blanks around it."""
    return " ".join(_NUMBER.sub("<number>", text).split())


def alike(text: Any) -> Any:
    """``text`` with stand-ins for what no two runs have in common."""
    if not isinstance(text, str):
        return text
    if text.lstrip().startswith(("<table", "<div")):
        text = _visible(text)
    for pattern, stand_in in _ALIKE:
        text = pattern.sub(stand_in, text)
    return text


def _visible(table: str) -> str:
    """An HTML table as a reader sees it, a line for each row: so a difference can be read."""
    rows = re.sub(r"</(?:tr|caption)>", "\n", re.sub(r"<style.*?</style>", "", table, flags=re.DOTALL))
    lines = html.unescape(re.sub(r"<[^>]*>", " ", rows)).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines if line.strip())


def _compared(text: Any, tolerance: Tolerance | None) -> Any:
    if not isinstance(text, str):
        return text
    printed = Printed(alike(text))
    printed.tolerance = tolerance
    return printed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each cell compare its outputs as its tags say."""
    for item in items:
        if isinstance(item, IPyNbCell):
            tolerance = TRAINED if "trained" in item.cell.metadata.get("tags", []) else None
            item.sanitize = lambda text, tolerance=tolerance: _compared(text, tolerance)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a cell that was never executed, or whose code raised without nbval seeing it."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    if item.cell.execution_count is None:
        item.raise_cell_error("This cell has no stored outputs to compare with: execute the worked notebook")
    statuses: list[str] = []
    with _watched(item.parent.kernel, statuses):
        result = yield
    # a library that draws its own tracebacks hides the error from nbval, which looks at outputs alone
    if "error" in statuses and not item.options["check_exception"]:
        item.raise_cell_error("Cell execution caused an exception that is not shown as one")
    return result


@contextlib.contextmanager
def _watched(kernel: RunningKernel, statuses: list[str]) -> Iterator[None]:
    """Run cells as a front end does, and note how the kernel says that each one ended."""
    receive, run = kernel.get_message, kernel.execute_cell_input

    def get_message(stream: str, timeout: float | None = None) -> Any:
        message = receive(stream, timeout=timeout)
        if stream == "shell" and message["msg_type"] == "execute_reply":
            statuses.append(message["content"]["status"])
        return message

    def execute_cell_input(source: str, allow_stdin: bool | None = None) -> str:
        # nbval keeps no history, and then a semicolon at a cell's end no longer hides its value
        return kernel.kc.execute(source, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)

    kernel.get_message, kernel.execute_cell_input = get_message, execute_cell_input
    try:
        yield
    finally:
        kernel.get_message, kernel.execute_cell_input = receive, run
