"""Repair: however a notebook was cut up, each answer is checked once, by the cell that was released."""

import copy
from collections.abc import Callable

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import ComputeChecksums

from grading.repair import repair


def solution(name: str) -> NotebookNode:
    marks: dict[str, object] = {
        "grade": False,
        "locked": False,
        "solution": True,
        "task": False,
        "schema_version": 3,
        "grade_id": name,
    }
    return new_code_cell(f"def {name}():\n    raise NotImplementedError()", id=name, metadata={"nbgrader": marks})


def grade_cell(name: str, argument: str) -> NotebookNode:
    marks: dict[str, object] = {
        "grade": True,
        "locked": True,
        "solution": False,
        "task": False,
        "schema_version": 3,
        "points": 4,
    }
    marks["grade_id"] = f"check-{name}"
    return new_code_cell(f'check("{name}", {argument})', id=f"check-{name}", metadata={"nbgrader": marks})


@pytest.fixture(scope="module")
def release() -> NotebookNode:
    """Two exercises answered in the notebook, one in a script, and a cell that is not run when grading."""
    cells = [
        new_markdown_cell("# A <b>lesson</b>", id="title"),
        new_code_cell("import numpy as np\nfrom byom.checks.moons import check", id="imports"),
        solution("first"),
        grade_cell("first", "first"),
        new_code_cell("estimator.fit()", id="fit", metadata={"tags": ["sagemaker"]}),
        solution("second"),
        grade_cell("second", "second"),
        grade_cell("third", '"source/third.py"'),
    ]
    book = new_notebook(cells=cells)
    return ComputeChecksums().preprocess(book, {})[0]


@pytest.fixture
def book(release: NotebookNode) -> NotebookNode:
    """The release with its two answers written."""
    book = copy.deepcopy(release)
    for cell in book.cells:
        if cell.id in ("first", "second"):
            cell.source = f"def {cell.id}():\n    return 1"
    return book


def at(book: NotebookNode, grade_id: str) -> int:
    (found,) = [i for i, cell in enumerate(book.cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id]
    return found


def ids(book: NotebookNode) -> list[str]:
    return [cell.metadata.get("nbgrader", {}).get("grade_id") or cell.id for cell in book.cells]


def check_sound(book: NotebookNode, release: NotebookNode) -> None:
    """What must hold after every repair."""
    nbformat.validate(book)
    MetadataValidator().validate_nb(book)
    released = {cell.metadata.nbgrader.grade_id: cell for cell in release.cells if "nbgrader" in cell.metadata}
    for grade_id, original in released.items():
        if original.metadata.nbgrader.grade:
            cell = book.cells[at(book, grade_id)]
            assert (cell.source, cell.metadata, cell.cell_type) == (original.source, original.metadata, "code")
            assert cell.outputs == []
            answer = grade_id.removeprefix("check-")
            if answer in ids(book):
                assert at(book, answer) < at(book, grade_id)
        elif grade_id in ids(book):
            assert book.cells[at(book, grade_id)].metadata.nbgrader == original.metadata.nbgrader


def test_a_notebook_as_it_should_be_is_left_alone(book, release):
    before = copy.deepcopy(book)
    assert repair(book, release) == []
    assert book == before


def test_honest_additions_are_left_alone(book, release):
    book.cells.insert(3, new_code_cell("def helper():\n    return 1"))
    book.cells.insert(0, new_markdown_cell("My notes"))
    book.cells.append(new_code_cell("first()"))
    before = copy.deepcopy(book)
    assert repair(book, release) == []
    assert book == before


def test_a_helper_between_an_answer_and_its_check_still_runs_before_the_check(book, release):
    book.cells.insert(at(book, "first") + 1, new_code_cell("def helper(): ...", id="helper"))
    repair(book, release)
    assert ids(book)[2:5] == ["first", "helper", "check-first"]


def delete_check(book):
    del book.cells[at(book, "check-first")]


def delete_all_checks(book):
    book.cells = [cell for cell in book.cells if not cell.id.startswith("check-")]


def delete_everything(book):
    book.cells = []


def duplicate_check(book):
    book.cells.append(copy.deepcopy(book.cells[at(book, "check-first")]))
    book.cells[-1].id = "copied"


def duplicate_every_cell(book):
    for cell in list(book.cells):
        twin = copy.deepcopy(cell)
        twin.id = f"twin-{cell.id}"
        book.cells.append(twin)


def reverse(book):
    book.cells.reverse()


def checks_first(book):
    book.cells.sort(key=lambda cell: not cell.id.startswith("check-"))


def edit_check(book):
    book.cells[at(book, "check-first")].source = "5.0"


def edit_points(book):
    book.cells[at(book, "check-first")].metadata.nbgrader.points = 4000


def rename_ids(book):
    for cell in book.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.grade_id = "first"


def strip_metadata(book):
    for cell in book.cells:
        cell.metadata = nbformat.NotebookNode()


def strip_metadata_and_ids(book):
    for i, cell in enumerate(book.cells):
        cell.metadata, cell.id = nbformat.NotebookNode(), f"new-{i}"


def nonsense_metadata(book):
    for cell in book.cells:
        cell.metadata["nbgrader"] = nbformat.from_dict({"grade": "yes", "schema_version": 99, "grade_id": 7})


def grade_own_cells(book):
    marks: dict[str, object] = {
        "grade": True,
        "locked": False,
        "solution": False,
        "schema_version": 3,
        "points": 100,
        "grade_id": "bonus",
    }
    book.cells.append(new_code_cell("100.0", metadata={"nbgrader": marks}))


def answers_as_markdown(book):
    for cell in book.cells:
        if cell.id == "first":
            cell.cell_type = "markdown"
            del cell["outputs"], cell["execution_count"]


@pytest.mark.parametrize(
    "spoil",
    [
        delete_check,
        delete_all_checks,
        delete_everything,
        duplicate_check,
        duplicate_every_cell,
        reverse,
        checks_first,
        edit_check,
        edit_points,
        rename_ids,
        strip_metadata,
        strip_metadata_and_ids,
        nonsense_metadata,
        grade_own_cells,
        answers_as_markdown,
    ],
)
def test_every_check_is_there_once_after_its_answer(book, release, spoil: Callable[[NotebookNode], None]):
    spoil(book)
    repair(book, release)
    check_sound(book, release)
    again = copy.deepcopy(book)
    assert repair(again, release) == []
    assert again == book


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (delete_check, "was missing and was put back"),
        (duplicate_check, "was there 2 times"),
        (reverse, "stood before its answer and was moved after it"),
        (edit_check, "was edited and was put back as it was"),
        (edit_points, "was edited and was put back as it was"),
    ],
)
def test_what_was_mended_is_said_of_its_exercise(book, release, spoil, what):
    spoil(book)
    notes = repair(book, release)
    assert {f"The cell that checks first {what}."} == {note.text for note in notes if note.about == "first"}
    assert not any(note.person for note in notes)


@pytest.mark.parametrize(
    "spoil", [reverse, strip_metadata, strip_metadata_and_ids, duplicate_every_cell, answers_as_markdown]
)
def test_answers_are_never_lost(book, release, spoil):
    spoil(book)
    repair(book, release)
    for answer in ("first", "second"):
        assert book.cells[at(book, answer)].source == f"def {answer}():\n    return 1"
        assert book.cells[at(book, answer)].cell_type == "code"


def test_an_answer_moved_to_a_cell_of_its_authors_own_is_found(book, release):
    answer = book.cells.pop(at(book, "first"))
    book.cells.append(new_code_cell("%matplotlib inline\n" + answer.source, id="own"))
    notes = repair(book, release)
    assert at(book, "check-first") == at(book, "first") + 1
    assert book.cells[at(book, "first")].id == "own"
    assert "the one that defines first was used" in notes[0].text


def test_a_missing_answer_is_said_and_its_stub_put_back_to_be_commented_on(book, release):
    del book.cells[at(book, "first")]
    (note,) = repair(book, release)
    assert (note.about, note.text) == ("first", "The cell for first is missing.")
    assert book.cells == [release.cells[2] if cell.id == "first" else cell for cell in book.cells]
    assert at(book, "first") + 1 == at(book, "check-first")


def test_a_stub_never_undoes_what_is_defined_in_some_other_way(book, release):
    del book.cells[at(book, "first")]
    book.cells.insert(1, new_code_cell("from helpers import first", id="own"))
    repair(book, release)
    assert "first" not in ids(book) and at(book, "check-first") > 1


@pytest.mark.parametrize("stub_last", [True, False])
def test_of_two_copies_the_one_worked_on_counts(book, release, stub_last):
    stub = copy.deepcopy(release.cells[2])
    stub.id = "stub"
    book.cells.insert(at(book, "first") + stub_last, stub)
    notes = repair(book, release)
    assert book.cells[at(book, "first")].source.endswith("return 1")
    assert at(book, "check-first") == at(book, "first") + 1
    assert all(cell.id != "stub" for cell in book.cells)
    assert "the last that was worked on counts" in notes[0].text


def test_of_two_answers_the_last_counts_and_both_run(book, release):
    later = copy.deepcopy(book.cells[2])
    later.update(id="later", source="def first():\n    return 2")
    book.cells.append(later)
    repair(book, release)
    assert [cell.id for cell in book.cells][-2:] == ["later", "check-first"]
    assert book.cells[at(book, "first")].source.endswith("return 2")
    assert book.cells[2].source.endswith("return 1") and "nbgrader" not in book.cells[2].metadata


def test_the_same_notebook_is_repaired_alike_each_time(book, release):
    duplicate_every_cell(book)
    twin = copy.deepcopy(book)
    repair(book, release)
    repair(twin, release)
    assert book == twin


def test_cells_are_skipped_as_they_were_released(book, release):
    for cell in book.cells:
        cell.metadata["tags"] = [] if cell.id == "fit" else ["sagemaker", "mine"]
    repair(book, release)
    assert [cell.id for cell in book.cells if "sagemaker" in cell.metadata.get("tags", [])] == ["fit"]
    assert "mine" in book.cells[1].metadata.tags


def test_a_missing_check_of_a_script_goes_where_it_was(book, release):
    del book.cells[at(book, "check-third")]
    book.cells.append(new_code_cell("while True: pass", id="endless"))
    repair(book, release)
    assert ids(book)[-3:] == ["check-second", "check-third", "endless"]


def test_html_of_the_learner_loses_its_tags_and_the_lessons_own_stays(book, release):
    book.cells.append(new_markdown_cell("<script>alert(1)</script> a < b"))
    repair(book, release)
    assert book.cells[0].source == "# A <b>lesson</b>"
    assert book.cells[-1].source == "&lt;script>alert(1)&lt;/script> a &lt; b"
