"""A unit's checks together: what `check(...)` in a notebook calls, posed publicly or by the grader."""

import importlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Finding
from byom.checks.evidence import MIME, decode, encode

UNITS = ("moons", "digits", "contract", "robostig", "cifar10")
"""The units in teaching order; those whose checks exist are `available_units()`."""

PUBLIC_SEED = 20200416

_posed: dict[str, str] = {}
"""Encoded private challenges by exercise; empty when a student runs the notebook."""


class Unit:
    """The checks of one unit, in the order of its notebook."""

    def __init__(self, name: str, checks: list[Check]) -> None:
        self.name = name
        self.checks: Mapping[str, Check] = {check.name: check for check in checks}

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks.values())

    def challenge(self, exercise: str, seed: int) -> Challenge:
        """The challenge of ``exercise`` under ``seed``; the same seed gives the same challenge."""
        return self.checks[exercise].challenge(np.random.default_rng([seed, *exercise.encode()]))

    def public_challenge(self, exercise: str) -> Challenge:
        """The fixed challenge that students meet."""
        return self.challenge(exercise, PUBLIC_SEED)

    @cached_property
    def public_reference(self) -> Mapping[str, Mapping[str, Any]]:
        """Reference evidence for the public challenges, by exercise, as `make build` wrote it."""
        text = (files("byom.checks") / "public" / f"{self.name}.json").read_text()
        return {exercise: decode(json.dumps(packed)) for exercise, packed in json.loads(text).items()}

    def judge_publicly(self, exercise: str, learner: Any) -> list[Finding]:
        """Pose the public challenge to ``learner`` and judge what comes back, here and now."""
        check, challenge = self.checks[exercise], self.public_challenge(exercise)
        evidence = check.probe(learner, challenge.given)
        return check.judge(challenge, evidence, self.public_reference.get(exercise, {}))

    def check(self, exercise: str, learner: Any) -> None:
        """Check ``learner``'s answer to ``exercise`` and show a table of its criteria.

        Args:
            exercise: the exercise's name.
            learner: the function you wrote, or the path of the script you wrote.

        Raises:
            KeyError: this unit has no such exercise.
        """
        from IPython.display import display

        from byom.checks.table import Table

        if exercise not in self.checks:
            raise KeyError(f"{self.name} has no exercise {exercise!r}; it has {', '.join(self.checks)}")
        posed = _posed.get(exercise)
        if posed is None:
            display(Table(exercise, self.judge_publicly(exercise, learner)))
        else:
            evidence = self.checks[exercise].probe(learner, decode(posed))
            display({MIME: encode(evidence)}, raw=True)


def pose(exercise: str, encoded: str) -> None:
    """Have the next ``check(exercise, …)`` answer this challenge with evidence instead of a table."""
    _posed[exercise] = encoded


def unit(name: str) -> Unit:
    """The checks of the unit called ``name``.

    Raises:
        LookupError: there is no such unit.
    """
    if name not in available_units():
        raise LookupError(f"there is no unit {name!r}; there is {', '.join(available_units())}")
    return importlib.import_module(f"byom.checks.{name}").UNIT


def available_units() -> list[str]:
    """The names of the units that have checks, in teaching order."""
    return [name for name in UNITS if (files("byom.checks") / name).is_dir()]
