"""A check: challenge, probe, judge, and the criteria a judge goes through.

A check is defined once and used twice. A student's ``check(...)`` cell poses a fixed public challenge and shows
a table at once. When a class is graded, the same cell gets a fresh private challenge and only hands out
evidence; the verdict is reached elsewhere, where no learner code runs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from byom.checks.evidence import BadEvidence, Evidence, shown


@dataclass(frozen=True)
class Challenge:
    """What an exercise is asked.

    ``given`` goes to the learner's side. ``withheld`` stays with the judge (the labels of points to classify,
    say), so that nothing beside the learner's code knows them.
    """

    given: Mapping[str, Any]
    withheld: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How one criterion came out: met or not, what was expected and what arrived."""

    met: bool
    expected: str
    got: str


@dataclass(frozen=True)
class Finding:
    """One judged criterion, as students and instructors see it."""

    criterion: str
    points: int
    met: bool
    what: str
    expected: str
    got: str
    hint: str


@dataclass(frozen=True)
class Exhibits:
    """What a criterion looks at: the challenge, the learner's evidence and the reference's."""

    challenge: Challenge
    evidence: Evidence
    reference: Evidence


@dataclass(frozen=True)
class Criterion:
    """One thing an exercise must show. ``rests_on`` names the criterion without which this one counts nothing."""

    key: str
    points: int
    what: str
    hint: str
    rests_on: str | None
    test: Callable[[Any, Exhibits], Outcome]


def criterion(points: int, what: str, hint: str, rests_on: str | None = None) -> Callable[..., Any]:
    """Mark a method of a check as a criterion; its name is the criterion's key.

    Args:
        points: what it is worth, a whole number.
        what: what must hold, in the words a student reads.
        hint: where to look when it doesn't; points at the idea, never at the answer.
        rests_on: an output criterion of the same check. Evidence that the learner's side reports about itself,
            or that is alike for every challenge, counts only when that criterion is met: to forge it, one has
            to do the exercise.
    """

    def mark(method: Callable[[Any, Exhibits], Outcome]) -> Callable[[Any, Exhibits], Outcome]:
        method.criterion = Criterion(method.__name__, points, what, hint, rests_on, method)  # type: ignore[attr-defined]
        return method

    return mark


def expect(met: bool, expected: Any, got: Any) -> Outcome:
    """An outcome from a plain comparison."""
    return Outcome(bool(met), shown(expected), shown(got))


class Check:
    """One exercise's challenge, probe and criteria. Subclasses define all three."""

    name: ClassVar[str]
    """The exercise's name: of its function, class or script."""

    answer: ClassVar[str]
    """Where the answer is written: ``notebook``, or a script such as ``source/model.py``."""

    needs_reference: ClassVar[bool] = True
    """False where the judge knows all it needs from the challenge."""

    criteria: ClassVar[tuple[Criterion, ...]]

    def __init_subclass__(cls) -> None:
        cls.criteria = tuple(v.criterion for v in vars(cls).values() if hasattr(v, "criterion"))
        known: set[str] = set()
        for c in cls.criteria:
            if c.rests_on is not None and c.rests_on not in known:
                raise TypeError(f"{cls.__name__}.{c.key} rests on {c.rests_on}, which must stand before it")
            known.add(c.key)

    @property
    def points(self) -> int:
        """The most this exercise can score."""
        return sum(c.points for c in self.criteria)

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Draw a challenge. It contains no answers."""
        raise NotImplementedError

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Gather evidence about ``learner``: an object of the notebook, or the path of a script."""
        raise NotImplementedError

    def judge(self, challenge: Challenge, evidence: Mapping[str, Any], reference: Mapping[str, Any]) -> list[Finding]:
        """Judge evidence, criterion by criterion. Runs no learner code and never raises."""
        exhibits = Exhibits(challenge, Evidence(evidence), Evidence(reference))
        findings: dict[str, Finding] = {}
        for c in self.criteria:
            outcome = self._outcome(c, exhibits)
            if outcome.met and c.rests_on is not None and not findings[c.rests_on].met:
                outcome = Outcome(False, outcome.expected, f"counts once this is met: {findings[c.rests_on].what}")
            findings[c.key] = Finding(
                c.key,
                c.points,
                outcome.met,
                c.what,
                outcome.expected,
                outcome.got,
                "" if outcome.met else c.hint,
            )
        return list(findings.values())

    def _outcome(self, c: Criterion, exhibits: Exhibits) -> Outcome:
        try:
            return c.test(self, exhibits)
        except BadEvidence as bad:
            return Outcome(False, bad.expected, bad.got)
        except Exception as error:  # hostile evidence must not stop a class; it only fails to convince
            return Outcome(False, c.what, f"evidence that can't be judged ({type(error).__name__})")

    def nothing_shown(self, reason: str) -> list[Finding]:
        """The findings when no evidence arrived at all."""
        return [Finding(c.key, c.points, False, c.what, c.what, reason, c.hint) for c in self.criteria]


def score(findings: Iterable[Finding]) -> float:
    """The points of the criteria that were met."""
    return float(sum(f.points for f in findings if f.met))
