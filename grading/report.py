"""The report: a class at a glance, as one static page."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from byom.checks.criteria import Criterion
from byom.checks.unit import Unit
from grading.gradesheet import Entry
from grading.pages import render
from grading.verdict import ERROR, OK, REPAIRED

_BINS = 10
_MISSED = 10


@dataclass(frozen=True)
class Missed:
    """A criterion and how many submissions did not meet it."""

    exercise: str
    criterion: Criterion
    count: int


def report(checks: Unit, marks: Sequence[Entry], seconds: float) -> str:
    """The page for one class.

    Args:
        checks: the unit's checks.
        marks: the class's marks; at least one entry.
        seconds: how long the run took.
    """
    whole = sum(check.points for check in checks)
    met = {entry.student: _met(entry) for entry in marks}
    columns = [(check.name, criterion) for check in checks for criterion in check.criteria]
    missed = [
        Missed(name, criterion, sum(met[entry.student].get((name, criterion.key)) is not True for entry in marks))
        for name, criterion in columns
    ]
    times = [entry.graded.seconds for entry in marks]
    return render(
        "report.html",
        unit=checks.name,
        marks=sorted(marks, key=lambda entry: (-entry.total, entry.student)),
        whole=whole,
        checks=list(checks),
        columns=columns,
        met=met,
        bins=_distribution([entry.total / whole for entry in marks]),
        missed=sorted((m for m in missed if m.count), key=lambda m: -m.count)[:_MISSED],
        attention=[(entry.student, why) for entry in marks if (why := _attention(entry))],
        mean=statistics.mean(entry.total for entry in marks),
        median=statistics.median(entry.total for entry in marks),
        median_seconds=statistics.median(times),
        longest_seconds=max(times),
        seconds=seconds,
    )


def _met(entry: Entry) -> dict[tuple[str, str], bool]:
    """By exercise and criterion, whether it was met; without those of which nothing was shown."""
    return {
        (name, finding.criterion): finding.met
        for name, reached in entry.graded.verdicts.items()
        if reached.status in (OK, REPAIRED) or reached.score
        for finding in reached.findings
    }


def _distribution(shares: Sequence[float]) -> list[tuple[str, int, float]]:
    """Bins of 10 %: label, count, and the count as a share of the fullest bin."""
    counts = [0] * _BINS
    for share in shares:
        counts[max(0, min(int(share * _BINS), _BINS - 1))] += 1
    labels = [f"{i * 100 // _BINS}–{(i + 1) * 100 // _BINS} %" for i in range(_BINS)]
    return [(label, count, count / max(counts)) for label, count in zip(labels, counts, strict=True)]


def _attention(entry: Entry) -> list[str]:
    """Why a person should look at this submission."""
    notes = [note.text for note in entry.graded.notes if note.person]
    failed = [reached.reason for reached in entry.graded.verdicts.values() if reached.status == ERROR]
    return list(dict.fromkeys(notes + failed))
