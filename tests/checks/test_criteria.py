"""A check judges whatever evidence arrives, criterion by criterion, and never raises."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect, score
from byom.checks.evidence import Record
from byom.checks.table import Table


class Doubling(Check):
    """A check of a function that doubles."""

    name = "double"
    answer = "notebook"

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Three numbers."""
        return Challenge({"x": rng.normal(size=3)})

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """What comes out, and how fast the learner says it is."""
        record = Record(claim="fast")
        record.attempt("out", lambda: np.asarray(learner(given["x"])))
        return record

    @criterion(2, "It doubles", "What is twice x?")
    def doubles(self, seen: Exhibits) -> Outcome:
        """Against the challenge."""
        x = seen.challenge.given["x"]
        return expect(np.allclose(seen.evidence.array("out", x.shape), 2 * x), 2 * x, seen.evidence.array("out"))

    @criterion(1, "It says it is fast", "Say so.", rests_on="doubles")
    def fast(self, seen: Exhibits) -> Outcome:
        """Self-reported."""
        return expect(seen.evidence.text("claim") == "fast", "fast", seen.evidence.text("claim"))

    @criterion(1, "It is judged without trouble", "Nothing to do here.")
    def careless(self, seen: Exhibits) -> Outcome:
        """A criterion that trusts its evidence."""
        return expect(seen.evidence.mapping("claim")["no such key"], 1, 1)  # type: ignore[call-overload]


CHECK = Doubling()
CHALLENGE = CHECK.challenge(np.random.default_rng(1))


def judged(learner: Any) -> dict[str, bool]:
    findings = CHECK.judge(CHALLENGE, CHECK.probe(learner, CHALLENGE.given), {})
    return {f.criterion: f.met for f in findings}


def test_points_are_the_sum_of_the_criteria() -> None:
    assert CHECK.points == 4
    assert score(CHECK.judge(CHALLENGE, CHECK.probe(lambda x: 2 * x, CHALLENGE.given), {})) == 3


def test_what_is_only_claimed_counts_nothing_without_the_output_it_rests_on() -> None:
    assert judged(lambda x: 2 * x) == {"doubles": True, "fast": True, "careless": False}
    assert judged(lambda x: 3 * x) == {"doubles": False, "fast": False, "careless": False}
    findings = CHECK.judge(CHALLENGE, CHECK.probe(lambda x: 3 * x, CHALLENGE.given), {})
    assert findings[1].got == "counts once this is met: It doubles"


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"out": None},
        {"out": [2, 4]},
        {"out": np.zeros((2, 2))},
        {"out": np.full(3, np.nan)},
        {"out": {"raised": 7}},
        {"out": {"raised": "x" * 10_000}},
        {"*": {"raised": "gone"}},
        {"*": 3, "claim": {"no such key": {}}},
    ],
)
def test_hostile_evidence_is_not_met_with_a_short_reason(evidence: dict[str, Any]) -> None:
    findings = CHECK.judge(CHALLENGE, evidence, {})
    assert not any(f.met for f in findings)
    assert all(f.expected and f.got and len(f.got) <= 500 for f in findings)


def test_a_hint_is_given_only_where_it_is_needed() -> None:
    findings = CHECK.judge(CHALLENGE, CHECK.probe(lambda x: 2 * x, CHALLENGE.given), {})
    assert [f.hint for f in findings] == ["", "", "Nothing to do here."]


def test_a_criterion_rests_only_on_one_before_it() -> None:
    with pytest.raises(TypeError, match="rests on later"):

        class Wrong(Check):
            @criterion(1, "first", "hint", rests_on="later")
            def first(self, seen: Exhibits) -> Outcome:
                return expect(True, 1, 1)


def test_a_table_shows_all_of_it_and_no_markup_of_the_learner() -> None:
    findings = CHECK.judge(CHALLENGE, {"out": {"raised": "<script>alert(1)</script>"}}, {})
    table = Table("double", findings)
    assert "double: 0 of 4 points" in repr(table)
    for text in (repr(table), table._repr_html_()):
        for finding in findings:
            assert (finding.what in text and finding.hint.replace("'", "&#x27;") in text) or finding.hint in text
    assert "<script>" not in table._repr_html_()
    assert "&lt;script&gt;" in table._repr_html_()
