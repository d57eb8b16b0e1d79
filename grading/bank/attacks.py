"""Attacks and mishaps: submissions that go through the whole pipeline, and what each must score.

Those here are for every unit, in the families ``hostile``, ``accidents`` and ``oddities``; what concerns the scripts of
one unit stands in ``<unit>/attacks.py``.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from byom.checks.unit import unit
from grading.bank.submission import Submission, first
from grading.bank.work import solved

FIRST = "the first exercise in the notebook"
"""Stands for that exercise's name where an attack is for every unit."""

Change = Callable[[Submission], None]
Start = Literal["nothing", "first", "all"]


@dataclass(frozen=True)
class Attack:
    """A submission with something wrong or hostile about it.

    Every exercise that was answered at the start and is not among ``loses`` must get full marks; every other, none.
    """

    name: str
    start: Start
    """What is answered before ``change``: nothing, the first exercise of the notebook, or all."""

    change: Change
    loses: Mapping[str, str] = field(default_factory=dict)
    """Exercises that must score nothing all the same, and a piece of the reason that must be given."""

    says: Mapping[str, str] = field(default_factory=dict)
    """A piece of the reason that must be given for other exercises."""

    hides: tuple[str, ...] = ()
    """What must not stand in the feedback page."""

    hasty: bool = False
    """Whether it is there to be stopped, so that it is graded with little patience."""

    on_disk: Callable[[Path], None] | None = None
    """What is done to the folder that was handed in: links, permissions."""

    def submission(self, name: str) -> Submission:
        """The submission to the unit ``name``."""
        made = Submission(solved(name), self.answered(name))
        self.change(made)
        return made

    def write(self, name: str, folder: Path) -> None:
        """Write the submission to the unit ``name``."""
        self.submission(name).write(folder)
        if self.on_disk:
            self.on_disk(folder)

    @property
    def wrong_work(self) -> bool:
        """Whether there is something that must not score."""
        return self.start == "nothing" or bool(self.loses)

    def answered(self, name: str) -> set[str]:
        """The exercises that are answered at the start."""
        every = [check.name for check in unit(name)]
        return {"nothing": set(), "first": {first(name)}, "all": set(every)}[self.start]

    def full(self, name: str) -> set[str]:
        """The exercises that must get full marks; all others must get none."""
        return self.answered(name) - set(_named(name, self.loses))

    def reasons(self, name: str) -> dict[str, str]:
        """What must be said of which exercise of the unit ``name``."""
        return _named(name, {**self.loses, **self.says})


def _named(name: str, by_exercise: Mapping[str, str]) -> dict[str, str]:
    return {first(name) if exercise == FIRST else exercise: text for exercise, text in by_exercise.items()}


def attack(name: str, start: Start, **rest: object) -> Callable[[Change], Attack]:
    """Make an `Attack` of a function that changes a submission."""
    return lambda change: Attack(name, start, change, **rest)  # type: ignore[arg-type]


def attacks(name: str) -> list[Attack]:
    """All attacks and mishaps for the unit ``name``.

    Raises:
        ValueError: two have one name.
    """
    found = [*attacks_on_all(), *own_attacks(name)]
    names = [each.name for each in found]
    if len(set(names)) < len(names):
        raise ValueError(f"two attacks of one name: {sorted({n for n in names if names.count(n) > 1})}")
    return found


def attacks_on_all() -> list[Attack]:
    """Those that are for every unit."""
    return [each for family in ("hostile", "accidents", "oddities") for each in _of(f"grading.bank.{family}")]


def own_attacks(name: str) -> list[Attack]:
    """Those that concern what the unit ``name`` asks for, and no other."""
    return _of(f"grading.bank.{name}.attacks")


def _of(module: str) -> list[Attack]:
    return [each for each in vars(importlib.import_module(module)).values() if isinstance(each, Attack)]
