"""Plain nbgrader: its own commands, in a course directory that has our configuration."""

import asyncio
import csv
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from handins import hand_in, master
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import determine_grade
from test_report import check_static
from traitlets.config import PyFileConfigLoader

from byom.checks.unit import unit
from grading import sandbox
from grading.run import MASTERS, ROOT

MOONS = unit("moons")
WHOLE = float(sum(check.points for check in MOONS))


def nbgrader(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One nbgrader command, started without the virtual environment on PATH, as from a desktop."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(course)}
    return subprocess.run(command, cwd=course, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that was generated and autograded."""
    if why := sandbox.missing():
        pytest.skip(why)
    course = tmp_path_factory.mktemp("course")
    master()  # fails with a sentence where the master was not built
    (course / "nbgrader_config.py").write_text(f"load_subconfig({str(ROOT / 'grading' / 'nbgrader_config.py')!r})\n")
    (course / "source").symlink_to(MASTERS)
    made = nbgrader(course, "generate_assignment", "moons")
    assert made.returncode == 0, made.stderr
    # right, with a duplicated check: this used to stop the whole class
    book = master()
    book.cells.append(next(cell for cell in master().cells if cell.metadata.get("nbgrader", {}).get("grade")))
    book.cells[-1].id = "copied"
    hand_in(course / "submitted" / "ana" / "moons", book)
    # late, without answers, of an old format; a link to an answer, and a notebook of nothing
    for student in ("linked", "empty"):
        (course / "submitted" / student / "moons" / "source").mkdir(parents=True)
        (course / "submitted" / student / "moons" / "moons.ipynb").write_text("")
    (course / "submitted" / "linked" / "moons" / "timestamp.txt").write_text("2026-11-03 00:00:00 UTC")
    link = course / "submitted" / "linked" / "moons" / "source" / "model.py"
    link.symlink_to(ROOT / "solutions" / "moons" / "source" / "model.py")
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "byom") as gradebook:
        gradebook.update_or_create_assignment("moons", duedate="2026-11-02 00:00:00 UTC")
    graded = nbgrader(course, "autograde", "moons")
    assert graded.returncode == 0, graded.stderr
    return course


def marks(course: Path, student: str) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "byom") as gradebook:
        notebook = gradebook.find_submission_notebook("moons", "moons", student)
        return {grade.name.removeprefix("check-"): grade.auto_score for grade in notebook.grades}


def test_the_release_has_stubs_and_no_answers(course):
    book = nbformat.read(course / "release" / "moons" / "moons.ipynb", as_version=4)
    assert not [cell for cell in book.cells if "BEGIN SOLUTION" in cell.source]
    released = {path.relative_to(course / "release" / "moons") for path in (course / "release").rglob("*.py")}
    assert {str(path) for path in released} == {check.answer for check in MOONS if check.answer != "notebook"}
    assert "BEGIN SOLUTION" not in "".join(path.read_text() for path in (course / "release").rglob("*.py"))


def test_each_gets_what_is_due(course):
    assert marks(course, "ana") == {check.name: check.points for check in MOONS}
    assert sum(marks(course, "linked").values()) == sum(marks(course, "empty").values()) == 0
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "byom") as gradebook:
        assert not any(s.needs_manual_grade for s in gradebook.assignment_submissions("moons"))
        assert gradebook.find_submission("moons", "linked").total_seconds_late == 86400


def test_scripts_of_students_are_kept_and_linked_ones_are_gone(course):
    solved = (ROOT / "solutions" / "moons" / "source" / "model.py").read_text()
    assert (course / "autograded" / "ana" / "moons" / "source" / "model.py").read_text() == solved
    assert not list((course / "autograded" / "linked").rglob("*.py"))
    book = nbformat.read(course / "autograded" / "linked" / "moons" / "moons.ipynb", as_version=4)
    assert "source/model.py is a link" in str(book.metadata.byom.notes)


def test_the_graded_notebook_is_the_released_one_mended(course):
    release = nbformat.read(course / "release" / "moons" / "moons.ipynb", as_version=4)
    checks = [cell.source for cell in release.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    for student in ("ana", "empty"):
        book = nbformat.read(course / "autograded" / student / "moons" / "moons.ipynb", as_version=4)
        cells = [cell for cell in book.cells if cell.metadata.get("nbgrader", {}).get("grade")]
        assert sorted(cell.source for cell in cells) == sorted(checks)
        scores = [determine_grade(cell)[0] for cell in cells]
        assert sum(scores) == (WHOLE if student == "ana" else 0)


def test_a_regrade_gives_the_same_marks(course):
    seed = (course / "run.json").read_text()
    again = nbgrader(course, "autograde", "moons", "--student", "empty", "--force")
    assert again.returncode == 0, again.stderr
    assert (course / "run.json").read_text() == seed
    assert sum(marks(course, "empty").values()) == 0


def test_feedback_and_export(course):
    made = nbgrader(course, "generate_feedback", "moons")
    assert made.returncode == 0, made.stderr
    for student in ("ana", "linked", "empty"):
        page = check_static((course / "feedback" / student / "moons" / "moons.html").read_text())
        assert all(check.name in page.text for check in MOONS)
    exported = nbgrader(course, "export")
    assert exported.returncode == 0, exported.stderr
    with (course / "grades.csv").open(newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {"ana": WHOLE, "linked": 0.0, "empty": 0.0}


def test_formgraders_own_calls_use_the_pipeline(course, monkeypatch):
    """Its buttons call nbgrader's API from inside a running event loop, and an instructor's comment is shown."""
    monkeypatch.chdir(course)
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "byom") as gradebook:
        gradebook.find_comment("make_csv", "moons", "moons", "empty").manual_comment = "Come and <b>see</b> me."
        gradebook.find_grade("check-make_csv", "moons", "moons", "empty").manual_score = 2.5
        gradebook.db.commit()
    api = NbGraderAPI(CourseDirectory(config=config, root=str(course)), config=config)

    async def press() -> list[dict[str, object]]:
        return [api.autograde("moons", "empty"), api.generate_feedback("moons", "empty")]

    for result in asyncio.run(press()):
        assert result["success"], result.get("log") or result.get("error")
    html = (course / "feedback" / "empty" / "moons" / "moons.html").read_text()
    assert "Come and &lt;b&gt;see&lt;/b&gt; me." in html
    assert f"2.5 / {MOONS.checks['make_csv'].points}" in html


def test_one_broken_submission_does_not_stop_the_others(course):
    """A notebook of another name is skipped by nbgrader itself; `python -m grading grade` takes it."""
    hand_in(course / "submitted" / "misnamed" / "moons", scripts=False)
    notebook = course / "submitted" / "misnamed" / "moons" / "moons.ipynb"
    notebook.rename(notebook.with_name("homework.ipynb"))
    book = nbformat.v4.new_notebook(cells=[new_code_cell("import os; os._exit(1)")])
    hand_in(course / "submitted" / "zed" / "moons", book, scripts=False)
    graded = nbgrader(course, "autograde", "moons")
    assert graded.returncode == 1 and "misnamed" in graded.stderr
    assert sum(marks(course, "zed").values()) == 0
