"""The bank's attacks and mishaps as a class of students, graded as any class is."""

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from byom.checks.criteria import Check
from grading.autograders import autograder
from grading.bank.attacks import Attack
from grading.bank.work import Work, place, solved, stubs
from grading.classroom import Progress, grade
from grading.sandbox import Limits


@dataclass(frozen=True)
class Graded:
    """An attack and what is wrong with its marks; nothing, when they are as they should be."""

    attack: Attack
    wrong: Sequence[str]

    @property
    def right(self) -> bool:
        """Whether the marks are as they should be."""
        return not self.wrong


def grade_all(
    chosen: Sequence[Attack],
    name: str,
    seed: int,
    workers: int,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Iterator[Graded]:
    """Grade ``chosen``, each a student of a class of the unit ``name``, under the private ``seed``.

    Those that are there to be stopped make a class of their own, graded with little patience.
    """
    limits = autograder(name).limits
    hasty = replace(limits, cell_seconds=4, submission_seconds=10)
    with tempfile.TemporaryDirectory(prefix="byom-bank-") as folder:
        for kind in (False, True):
            class_ = [attack for attack in chosen if attack.hasty is kind]
            if class_:
                room = Path(folder, "hasty" if kind else "patient")
                yield from _grade(class_, name, room, seed, workers, tell, hasty if kind else limits)


def _grade(
    class_: Sequence[Attack],
    name: str,
    room: Path,
    seed: int,
    workers: int,
    tell: Callable[[Progress], None],
    limits: Limits,
) -> list[Graded]:
    for attack in class_:
        attack.write(name, room / "submissions" / attack.name / name)
    grade(name, room / "submissions", room / "out", workers, seed, tell=tell, limits=limits)
    sheet: dict[str, dict[str, dict[str, str]]] = {}
    with (room / "out" / "grades.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            sheet.setdefault(row["student_id"], {})[row["exercise"]] = row
    return [Graded(attack, _wrong(attack, name, sheet.get(attack.name, {}), room / "out")) for attack in class_]


def _wrong(attack: Attack, name: str, marks: dict[str, dict[str, str]], out: Path) -> list[str]:
    """What is not as it should be, sentence by sentence."""
    said, full = [], attack.full(name)
    for check in autograder(name).unit:
        row = marks.get(check.name)
        if row is None:
            said.append(f"{check.name} has no mark")
            continue
        should = check.points if check.name in full else 0
        if float(row["score"]) != should:
            said.append(f"{check.name} got {row['score']} instead of {should} ({row['reason']})")
        if row["status"] == "error":
            said.append(f"{check.name}: the grader failed ({row['reason']})")
        if float(row["score"]) < check.points and not row["reason"]:
            said.append(f"{check.name} lost points without a reason")
        piece = attack.reasons(name).get(check.name, "")
        if piece not in row["reason"]:
            said.append(f"{check.name} was explained by {row['reason']!r}, without {piece!r}")
    page = out / "feedback" / attack.name / f"{name}.html"
    text = page.read_text() if page.is_file() else ""
    if not text:
        said.append("there is no feedback")
    secrets = (*attack.hides, *_answers(attack, name), "<script>alert", "<img src=x")
    return said + [f"the feedback holds {secret!r}" for secret in secrets if secret in text]


def _answers(attack: Attack, name: str) -> list[str]:
    """Lines that only the answers hold, as a page shows them; none of what the attack itself answers."""
    work, given = solved(name), stubs(name)
    answered = attack.answered(name)
    hidden = [check for check in autograder(name).unit if check.name not in answered]
    own = {line.strip() for check in autograder(name).unit if check.name in answered for line in _lines(work, check)}
    return [
        escape(line.strip())
        for check in hidden
        for line in _lines(work, check)
        if len(line.strip()) > 30 and line not in given.text(place(check)) and line.strip() not in own
    ]


def _lines(work: Work, check: Check) -> list[str]:
    return work.text(place(check)).splitlines()
