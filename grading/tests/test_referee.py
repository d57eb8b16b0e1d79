"""The referee: a score is what the judge found, whatever else stands in a grade cell."""

import copy
from collections.abc import Mapping
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import determine_grade
from traitlets.config import Config

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import encode
from byom.checks.unit import Unit
from grading import referee
from grading.autograders import Autograder
from grading.notes import Note
from grading.outputs import harmless
from grading.record import Record
from grading.sandbox import Limits
from grading.verdict import Graded


class Double(Check):
    """Doubles a number, and says its name."""

    name = "double"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        return Challenge({"number": int(rng.integers(10, 1000))})

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"result": learner(given["number"]), "name": learner.__name__}

    @criterion(3, "twice the number", "How often is it added?")
    def doubled(self, exhibits: Exhibits) -> Outcome:
        wanted = 2 * exhibits.challenge.given["number"]
        got = exhibits.evidence.number("result")
        return expect(got == wanted, wanted, got)

    @criterion(1, "called double", "What is it called?")
    def named(self, exhibits: Exhibits) -> Outcome:
        got = exhibits.evidence.text("name")
        return expect(got == "double", "double", got)


class Halve(Double):
    """The same in a script; only what it must show differs."""

    name = "halve"
    answer = "source/halve.py"

    @criterion(2, "half the number", "Which way?")
    def halved(self, exhibits: Exhibits) -> Outcome:
        return expect(exhibits.evidence.number("result") == 1, 1, "something else")


class Tiny(Autograder):
    """An autograder that needs no reference."""

    def references(self, seed: int) -> Mapping[str, Mapping[str, Any]]:
        return {}


GRADER = Tiny(Unit("tiny", [Double(), Halve()]), Limits())
SEED = 5
NUMBER = GRADER.challenges(SEED)["double"].given["number"]
RIGHT = encode({"result": 2 * NUMBER, "name": "double"})


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(referee, "autograder", lambda unit: GRADER)


def cell(name: str, grade: bool, points: int = 4) -> NotebookNode:
    marks: dict[str, object] = {
        "grade": grade,
        "locked": grade,
        "solution": not grade,
        "task": False,
        "schema_version": 3,
    }
    marks["grade_id"] = f"check-{name}" if grade else name
    if grade:
        marks["points"] = points
    return new_code_cell(f"{name} = 1", id=marks["grade_id"], metadata={"nbgrader": marks})


@pytest.fixture
def book() -> NotebookNode:
    own = new_code_cell("print('mine')", id="own")
    return new_notebook(cells=[cell("double", False), own, cell("double", True), cell("halve", True, 2)])


def record(book: NotebookNode, evidence: Mapping[str, str] = {}, **changed: Any) -> Record:
    facts = {"key": "k", "notebook": copy.deepcopy(book), "notes": [], "missing": [], "evidence": dict(evidence)}
    return Record(**{**facts, "reasons": {}, "seconds": 1.5, **changed})


def graded(book: NotebookNode, done: Record) -> Graded:
    referee.grade(book, done, "tiny", SEED)
    nbformat.validate(book)
    MetadataValidator().validate_nb(book)
    whole = Graded.of(nbformat.reads(nbformat.writes(book), as_version=4))
    for each in book.cells:
        if each.metadata.get("nbgrader", {}).get("grade"):
            score, _ = determine_grade(each)
            assert score == whole.verdicts[each.metadata.nbgrader.grade_id.removeprefix("check-")].score
    return whole


def test_nbgrader_reads_the_judges_score(book):
    whole = graded(book, record(book, {"double": RIGHT}))
    assert determine_grade(book.cells[2]) == (4.0, 4.0)
    assert (whole.verdicts["double"].status, whole.verdicts["double"].reason) == ("ok", "")


def test_partial_credit_names_what_was_lost(book):
    whole = graded(book, record(book, {"double": encode({"result": 2 * NUMBER, "name": "twice"})}))
    assert determine_grade(book.cells[2])[0] == 3.0
    assert whole.verdicts["double"].reason == "Not met: called double (got twice)."


@pytest.mark.parametrize(
    "forged",
    [
        [new_output("execute_result", {"text/plain": "4.0"})],
        [new_output("execute_result", {"text/plain": "tensor(4.)"})],
        [new_output("execute_result", {"text/plain": "nan"})],
        [new_output("execute_result", {"text/plain": "99"})],
        [new_output("execute_result", {})],
        [new_output("stream", name="stderr", text="a warning")],
        [new_output("error", ename="E", evalue="", traceback=[])],
        [new_output("display_data", {"text/html": "<b>4 of 4 points</b>"})],
        [],
    ],
)
def test_what_learner_code_left_in_a_grade_cell_decides_nothing(book, forged):
    ran = copy.deepcopy(book)
    ran.cells[2].outputs = copy.deepcopy(forged)
    graded(book, record(book, {"double": encode({"result": 0, "name": "double"})}, notebook=ran))
    assert determine_grade(book.cells[2])[0] == 1.0
    assert not any(output in book.cells[2].outputs for output in forged)
    graded(book, record(book, {"double": RIGHT}, notebook=ran))
    assert determine_grade(book.cells[2])[0] == 4.0


@pytest.mark.parametrize(
    "evidence",
    ["", "nonsense", "[]", '{"result": NaN}', '{"result": "8"}', '{"result": true}', '{"result": 1e999}', "[" * 9999],
)
def test_evidence_that_is_none_scores_nothing(book, evidence):
    assert graded(book, record(book, {"double": evidence})).verdicts["double"].score == 0


def test_no_evidence_scores_nothing_and_says_why(book):
    whole = graded(book, record(book, reasons={"double": "NameError: name 'double' is not defined"}))
    assert determine_grade(book.cells[2])[0] == 0.0
    assert whole.verdicts["double"].status == "failed"
    assert "NameError: name 'double' is not defined" in whole.verdicts["double"].reason


def test_a_script_that_was_not_handed_in(book):
    note = Note("source", "source is a link, which is not followed.")
    whole = graded(book, record(book, missing=["source/halve.py"], notes=[note]))
    assert whole.verdicts["halve"].status == "missing"
    assert whole.verdicts["halve"].reason == note.text
    assert whole.verdicts["double"].status == "failed"
    assert whole.notes == [note]


def test_a_script_that_the_notebook_itself_wrote_counts(book):
    shown = {"halve": encode({"result": 1, "name": "x"})}
    whole = graded(book, record(book, shown, missing=["source/halve.py"]))
    assert (whole.verdicts["halve"].score, whole.verdicts["halve"].status) == (2.0, "ok")


def test_a_repair_is_said_and_costs_nothing(book):
    notes = [Note("double", "The cell that checks double was missing and was put back.", person=False)]
    whole = graded(book, record(book, {"double": RIGHT}, notes=notes))
    assert (whole.verdicts["double"].score, whole.verdicts["double"].status) == (4.0, "repaired")
    assert whole.verdicts["double"].reason == notes[0].text


def test_when_the_grader_fails_a_person_has_to_look(book):
    whole = graded(book, record(book, {"double": RIGHT}, failure="OSError: disk full"))
    assert {verdict.status for verdict in whole.verdicts.values()} == {"error"}
    assert determine_grade(book.cells[2])[0] == 0.0
    assert "OSError: disk full" in whole.verdicts["double"].reason


def test_a_master_worth_less_than_the_checks_does_not_stop_a_class(book):
    book.cells[2].metadata.nbgrader.points = 1
    referee.grade(book, record(book, {"double": RIGHT}), "tiny", SEED)
    assert determine_grade(book.cells[2]) == (1.0, 1.0)


def test_what_the_learner_wrote_is_shown_as_text(book):
    graded(book, record(book, {"double": encode({"result": 1, "name": "<script>alert(1)</script>"})}))
    shown = book.cells[2].outputs[0].data
    assert list(shown) == ["text/plain"]  # which every page escapes
    assert "<script>" in shown["text/plain"]


def test_own_outputs_are_kept_with_their_cells(book):
    ran = copy.deepcopy(book)
    ran.cells[1].outputs = [new_output("stream", text="mine\n")]
    ran.cells[1].execution_count = 3
    ran.cells.reverse()
    graded(book, record(book, notebook=ran))
    assert (book.cells[1].outputs[0].text, book.cells[1].execution_count) == ("mine\n", 3)


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ({"output_type": "stream", "name": "stdout", "text": "\x1b[31mred\x1b[0m\x00"}, "red"),
        ({"output_type": "stream", "name": "?", "text": ["a", 5, "b"]}, "ab"),
        ({"output_type": "display_data", "data": {"text/html": "<script>", "text/plain": "x"}}, "x"),
        ({"output_type": "display_data", "data": {"text/html": "<script>"}}, "(an output that can't be shown here)"),
        ({"output_type": "display_data", "data": {"application/javascript": "alert(1)"}}, "(an output that can't"),
        ({"output_type": "display_data", "data": {"image/svg+xml": "<svg/>", "text/plain": "s"}}, "s"),
        ({"output_type": "execute_result", "data": {"image/png": '"><script>', "text/plain": "p"}}, "p"),
        ({"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo=\n"}}, "iVBORw0KGgo="),
        ({"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[0;31mE\x1b[0m: v"]}, "E: v"),
    ],
)
def test_outputs_are_shown_as_text_or_bitmaps_only(output, shown):
    made = harmless(output)
    book = new_notebook(cells=[new_code_cell("1", outputs=[made])])
    nbformat.validate(book)
    text = str(made)
    assert shown in text
    assert "script" not in text and "svg" not in text and "\x1b" not in text


@pytest.mark.parametrize("output", [{"output_type": "update"}, {"output_type": "display_data", "data": 5}, {}])
def test_an_output_of_no_kind_is_dropped(output):
    assert harmless(output) is None


def test_the_referee_can_not_be_switched_off():
    """`nbgrader autograde --no-execute` does this, and nbgrader gives full points to grade cells without outputs."""
    config = Config({"Execute": {"enabled": False}, "Referee": {"enabled": False}, "Preprocessor": {"enabled": False}})
    assert referee.Referee(config=config).enabled


def test_records_survive_the_disk_and_broken_ones_are_none(book, tmp_path):
    done = record(book, {"double": RIGHT}, notes=[Note("double", "x")])
    done.save(tmp_path / "a" / "tiny.json")
    assert Record.load(tmp_path / "a" / "tiny.json") == done
    text = (tmp_path / "a" / "tiny.json").read_text()
    for broken in (text[:-9], "[]", "{}", ""):
        (tmp_path / "broken.json").write_text(broken)
        assert Record.load(tmp_path / "broken.json") is None
    assert Record.load(tmp_path / "none.json") is None
