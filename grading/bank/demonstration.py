"""A class to try the grader on: ``python -m grading.bank.demonstration UNIT DIR``, made from the unit's bank.

The same bank gives the same class. It has what a class has: right answers, usual and unusual, wrong ones, an untouched
notebook, mishaps and an attack.
"""

import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from byom.checks.unit import available_units, unit
from grading.bank.attacks import Attack, attacks
from grading.bank.cases import Case, alternatives, mutants
from grading.bank.submission import Submission
from grading.bank.work import Work, solved, stubs
from grading.run import InstructorError

NAMES = (
    *("ada", "Björn Ångström", "chloé", "dmitri", "el-hadji", "fatima"),
    *("Grace O'Neil", "hong", "ines", "jun", "kwame", "李娜"),
)

_MISHAPS = ("solution moved below its check", "checks deleted", "noise of all kinds")
_ATTACK = "fake results shown"


def demonstration_class(name: str, folder: Path, size: int = 12) -> None:
    """Write ``size`` submissions to the unit ``name`` into ``folder``, in nbgrader's layout.

    Raises:
        InstructorError: ``folder`` holds something else.
    """
    mark = folder / ".made-by-byom"
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise InstructorError(f"{folder} holds something else: name another folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch()
    for number, submission in zip(range(size), _submissions(name), strict=False):
        student = NAMES[number % len(NAMES)] + (f" {number // len(NAMES) + 1}" if number >= len(NAMES) else "")
        submission.write(folder / student / name)


def _submissions(name: str) -> Iterator[Submission]:
    """One submission after another, for ever."""
    chance = random.Random(name)
    right = [case for case in alternatives(name) if case.work is not solved(name)]
    strange = {attack.name: attack for attack in attacks(name)}
    wrong = mutants(name)
    turn = 0
    while True:
        yield _handed_in(solved(name), None)
        yield _handed_in(_mixed(name, chance.sample(wrong, 2)), None)
        yield _handed_in(chance.choice(right).work, None)
        yield _handed_in(_mixed(name, chance.sample(wrong, 4)), None)
        yield _handed_in(stubs(name), None if turn % 2 == 0 else strange[_ATTACK])
        yield _handed_in(solved(name), strange[_MISHAPS[turn % len(_MISHAPS)]])
        turn += 1


def _handed_in(work: Work, attack: Attack | None) -> Submission:
    """A whole submission, lesson and all, to which ``attack`` was done; the bank's own are as short as can be."""
    made = Submission(work, {check.name for check in unit(work.unit)}, brief=False)
    if attack is not None:
        attack.change(made)
    return made


def _mixed(name: str, chosen: list[Case]) -> Work:
    """The solution with several wrong answers in it; of two in one place, the last."""
    work = right = solved(name)
    for case in chosen:
        for where in (*right.cells, *right.scripts):
            if case.work.text(where) != right.text(where):
                work = work.having(where, case.work.text(where))
    return work


def main() -> None:
    """Write the class that the command line asks for."""
    try:
        name, folder = sys.argv[1:]
    except ValueError:
        sys.exit("usage: python -m grading.bank.demonstration UNIT DIR")
    if name not in available_units():
        print(f"there is no unit {name!r}; there is {', '.join(available_units())}", file=sys.stderr)
        sys.exit(2)
    try:
        demonstration_class(name, Path(folder))
    except (InstructorError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
