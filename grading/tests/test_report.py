"""The report and the grade sheet: right, whole, and harmless whatever students are called and write."""

import csv
import io
import re
from html.parser import HTMLParser

import pytest

from byom.checks.criteria import Finding
from byom.checks.unit import unit
from grading import atomic
from grading.gradesheet import COLUMNS, Entry, sheet
from grading.notes import Note
from grading.report import report
from grading.verdict import ERROR, FAILED, OK, Graded, Verdict

MOONS = unit("moons")
WHOLE = sum(check.points for check in MOONS)


def entry(student: str, missed: int = 0, status: str = OK, reason: str = "", notes=(), late: float = 0.0) -> Entry:
    """A student who missed the first ``missed`` criteria of each exercise."""
    verdicts = {}
    for check in MOONS:
        findings = [
            Finding(c.key, c.points, i >= missed, c.what, "<i>expected</i>", "<script>got()</script>", c.hint)
            for i, c in enumerate(check.criteria)
        ]
        verdicts[check.name] = Verdict(check.name, check.points, status, reason, findings)
    scores = {name: verdict.score for name, verdict in verdicts.items()}
    return Entry(student, Graded("k", verdicts, list(notes), 2.5), scores, late)


class Page(HTMLParser):
    """A page's tags with attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def check_static(html: str) -> Page:
    """A page that runs nothing, loads nothing, and fits a phone."""
    page = Page(html)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "form", "base"}
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert all((attributes.get(name) or "#").startswith(("data:image/", "#")) for name in ("src", "href"))
    policy = next(a["content"] or "" for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy and "script-src" not in policy
    assert any(a.get("name") == "viewport" for _, a in page.tags)
    assert "url(" not in html and "@import" not in html
    return page


HOSTILE = ["<script>alert(1)<", "=cmd|' /C calc'!A0", "Zoë \"q\" 'a' & b", "a,b\nc", "@x", "-1+1", "\tx", "{{ 7*7 }}"]


def test_the_report_is_static_and_escapes_everything():
    note = Note("", "<img src=x onerror=alert(1)> was left out.")
    page = check_static(report(MOONS, [entry(name, i, notes=[note]) for i, name in enumerate(HOSTILE)], 12.0))
    for name in HOSTILE:
        assert name in page.text
    assert note.text in page.text


def test_the_map_shows_each_student_and_criterion():
    marks = [entry("ana"), entry("ben", 1), entry("eve", 99, FAILED, "Nothing could be judged: it stopped.")]
    html = report(MOONS, marks, 3.0)
    criteria = sum(len(check.criteria) for check in MOONS)
    exercises = len(list(MOONS))
    assert html.count('class="cell yes"') == criteria + criteria - exercises
    assert html.count('class="cell no"') == exercises
    assert html.count('class="cell none"') == criteria
    assert html.count("✗") == exercises + 1 and "✓" in html  # signs, for those who can't tell the colours


def test_the_most_missed_criteria_come_first_with_their_hints():
    html = report(MOONS, [entry("ana"), entry("ben", 1), entry("cyd", 1), entry("dan", 2)], 3.0)
    section = html.split("Criteria most often missed")[1].split("</section>")[0]
    counts = [int(n) for n in re.findall(r"(\d+) \(\d+ %\)", section)]
    assert counts == sorted(counts, reverse=True) and counts[0] == 3
    first = next(iter(MOONS)).criteria[0]
    assert Page(section).text.count(first.hint) == 1


def test_scores_are_counted_into_bins():
    html = report(MOONS, [entry("ana"), entry("ben"), entry("eve", 99)], 3.0)
    rows = re.findall(r"(\d+–\d+ %).*?<td class=\"number\">(\d+)</td></tr>", html, re.S)
    assert dict(rows)["90–100 %"] == "2" and dict(rows)["0–10 %"] == "1"
    assert sum(int(count) for _, count in rows) == 3


def test_submissions_that_need_a_person_are_named_and_repairs_are_not():
    marks = [
        entry("ana", notes=[Note("make_csv", "A cell was moved.", person=False)]),
        entry("ben", notes=[Note("source", "source is a link.")]),
        entry("eve", 99, ERROR, "The grader could not grade this."),
    ]
    section = report(MOONS, marks, 3.0).split("Submissions that need a person")[1].split("</section>")[0]
    assert "ana" not in section
    assert "ben" in section and "source is a link." in section
    assert section.count("The grader could not grade this.") == 1


def rows(marks: list[Entry]) -> list[dict[str, str]]:
    text = sheet(MOONS, marks)
    assert text.splitlines()[0] == ",".join(COLUMNS)
    return list(csv.DictReader(io.StringIO(text)))


def test_the_sheet_has_a_row_for_each_exercise():
    found = rows([entry("ana"), entry("ben", 1)])
    assert [row["exercise"] for row in found if row["student_id"] == "ana"] == [check.name for check in MOONS]
    assert sum(float(row["score"]) for row in found if row["student_id"] == "ana") == WHOLE
    assert {row["status"] for row in found} == {"ok"}
    assert {float(row["max_score"]) for row in found if row["exercise"] == "make_csv"} == {
        MOONS.checks["make_csv"].points
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_no_cell_is_a_formula(name):
    (row, *_) = rows([entry(name, reason=name)])
    assert row["student_id"] in (name, f"'{name}") and row["reason"] in (name, f"'{name}")
    assert not row["student_id"].startswith(("=", "+", "-", "@", "\t"))
    assert not row["reason"].startswith(("=", "+", "-", "@", "\t"))


def test_what_lateness_cost_is_a_row_of_its_own():
    late = entry("ana", late=3.5)
    (row,) = [row for row in rows([late]) if row["exercise"] == "late penalty"]
    assert (row["score"], row["max_score"], row["status"]) == ("-3.5", "0", "late")
    assert late.total == WHOLE - 3.5
    assert f">{WHOLE - 3.5:g}<" in report(MOONS, [late], 1.0)


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    atomic.write(tmp_path / "new" / "a.csv", "old")
    with pytest.raises(TypeError):
        atomic.write(tmp_path / "new" / "a.csv", 5)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.csv"]
    assert (tmp_path / "new" / "a.csv").read_text() == "old"
    atomic.write(tmp_path / "new" / "a.csv", "lone \ud800 surrogate")
    assert "lone" in (tmp_path / "new" / "a.csv").read_text(encoding="utf-8")
