"""Judging: what a criterion rests on, what hostile evidence does, and what the table shows of it."""

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from byom.checks.criteria import Challenge, Check, Exhibits, Finding, Outcome, criterion, expect, score
from byom.checks.table import Table


class Doubling(Check):
    """Doubles a number."""

    name = "double"
    answer = "notebook"

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A number."""
        return Challenge({"n": int(rng.integers(100))})

    @criterion(3, "It doubles", "Add it to itself.")
    def doubles(self, seen: Exhibits) -> Outcome:
        """The double."""
        return expect(seen.evidence.number("twice") == 2 * seen.challenge.given["n"], "twice as much", "other")

    @criterion(1, "It says so", "Print it.", rests_on="doubles")
    def says(self, seen: Exhibits) -> Outcome:
        """A flag."""
        return expect(seen.evidence.flag("said"), "said", "not said")

    @criterion(1, "It says so twice", "Print it again.", rests_on="says")
    def says_again(self, seen: Exhibits) -> Outcome:
        """A flag."""
        return expect(seen.evidence.flag("again"), "said again", "not said")

    @criterion(2, "It is clever", "Think.")
    def breaks(self, seen: Exhibits) -> Outcome:
        """A judge with a fault."""
        return expect(seen.evidence.mapping("clever")["deep"]["deeper"] > 1, "more", "less")


CHECK = Doubling()
ASKED = Challenge({"n": 4})
RIGHT = {"twice": 8, "said": True, "again": True, "clever": {"deep": {"deeper": 2}}}


def judge(**changes: Any) -> dict[str, Finding]:
    return {f.criterion: f for f in CHECK.judge(ASKED, {**RIGHT, **changes}, {})}


def test_all_met() -> None:
    findings = judge()
    assert all(f.met for f in findings.values())
    assert score(findings.values()) == CHECK.points == 7
    assert not any(f.hint for f in findings.values())


def test_what_rests_on_a_lost_criterion_counts_nothing_and_says_why() -> None:
    findings = judge(twice=9)
    assert {key for key, f in findings.items() if f.met} == {"breaks"}
    assert findings["says"].got == "counts once this is met: It doubles"
    assert findings["says_again"].got == "counts once this is met: It says so"
    assert score(findings.values()) == 2


def test_only_what_rests_on_it_is_carried_along() -> None:
    assert [key for key, f in judge(said=False).items() if not f.met] == ["says", "says_again"]
    assert [key for key, f in judge(again=False).items() if not f.met] == ["says_again"]


def test_missing_evidence_is_explained() -> None:
    findings = {f.criterion: f for f in CHECK.judge(ASKED, {"*": {"raised": "ValueError: no"}}, {})}
    assert {f.got for f in findings.values()} == {"ValueError: no"}
    assert score(findings.values()) == 0


@pytest.mark.parametrize("value", [None, 1, [], {}, {"deep": 3}, {"deep": {"deeper": "x"}}, np.zeros(2), {"raised": 1}])
def test_evidence_that_makes_a_judge_stumble_only_fails_to_convince(value: Any) -> None:
    findings = judge(clever=value)
    assert not findings["breaks"].met
    assert score(findings.values()) == 5


def test_nothing_shown() -> None:
    findings = CHECK.nothing_shown("the kernel died")
    assert [f.criterion for f in findings] == ["doubles", "says", "says_again", "breaks"]
    assert score(findings) == 0
    assert {f.got for f in findings} == {"the kernel died"}


def test_a_criterion_rests_on_an_earlier_one() -> None:
    with pytest.raises(TypeError, match="must stand before it"):

        class Wrong(Check):
            @criterion(1, "a", "b", rests_on="later")
            def sooner(self, seen: Exhibits) -> Outcome:
                return expect(True, "", "")

            @criterion(1, "a", "b")
            def later(self, seen: Exhibits) -> Outcome:
                return expect(True, "", "")


# ------------------------------------------------------------ the table


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


BAD = "<script>alert('1')</script><img src=x onerror=\"alert(2)\">&amp;"


def test_a_table_escapes_all_that_it_shows() -> None:
    table = Table(BAD, [Finding("c", 1, False, BAD, BAD, BAD, BAD)])
    page = Tags(table._repr_html_())
    assert set(page.tags) == {"table", "caption", "thead", "tbody", "tr", "th", "td", "span"}
    assert page.words.count(BAD) == 5


def test_a_table_shows_points_and_hints() -> None:
    table = Table("double", list(judge(twice=1).values()))
    assert table.headline == "double: 2 of 7 points"
    text, page = repr(table), Tags(table._repr_html_()).words
    for shown in (text, page):
        assert "double: 2 of 7 points" in shown
        assert "Add it to itself." in shown and "Think." not in shown
    assert text.count("✗") == 3 and text.count("✓") == 1
