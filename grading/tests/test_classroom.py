"""A class through `python -m grading grade`: every submission ends with exactly one right, explained score."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import nbgrader
import psutil
import pytest
from deadly import Deadly, Quick, Raising
from handins import hand_in, master
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook
from test_report import check_static
from traitlets.config import PyFileConfigLoader

from byom.checks.unit import unit
from grading import __main__ as cli
from grading import classroom, sandbox
from grading.examiners import examine_all, examiners
from grading.notes import Note
from grading.record import Record
from grading.run import ROOT, Run
from grading.sandbox import Limits

MOONS = unit("moons")
WHOLE = float(sum(check.points for check in MOONS))
SCRIPTS = {check.name for check in MOONS if check.answer != "notebook"}
ACCENTED, GLOBBED, FORMULA = "Zoë <script>alert(1)<", "[x] *", "=cmd"


def run(submissions: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grading", "grade", "moons", "--submissions", str(submissions), "--out", str(out)]
    return subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)


def rows(out: Path) -> dict[str, dict[str, dict[str, str]]]:
    """The grade sheet, by student and exercise; no row is there twice."""
    with (out / "grades.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    sheet: dict[str, dict[str, dict[str, str]]] = {}
    for row in found:
        exercises = sheet.setdefault(row["student_id"], {})
        assert row["exercise"] not in exercises
        exercises[row["exercise"]] = row
    return sheet


def total(exercises: dict[str, dict[str, str]]) -> float:
    return sum(float(row["score"]) for row in exercises.values())


@pytest.fixture(scope="module")
def class_of_six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a class")
    hand_in(folder / "ana" / "moons")
    # no answer in the notebook, but all scripts; and outputs that would act in somebody's browser
    own = new_code_cell(
        "from IPython.display import HTML, Javascript, display\n"
        "display(HTML('<script>alert(2)</script>'), Javascript('alert(3)'))\n"
        "print('<script>alert(4)</script>')"
    )
    book = nbformat.read(ROOT / "notebooks" / "moons" / "moons.ipynb", as_version=4)
    book.cells = [cell for cell in book.cells if "nbgrader" in cell.metadata]
    book.cells[:0] = [master().cells[0], own, nbformat.v4.new_markdown_cell("<script>alert(5)</script>")]
    stubs = hand_in(folder / ACCENTED / "moons", book)
    (stubs / "timestamp.txt").write_text("2026-11-01 12:00:00 UTC")
    # right, but misnamed, cut up and read-only
    book = master()
    book.cells.sort(key=lambda cell: not cell.metadata.get("nbgrader", {}).get("grade"))
    book.cells = [cell for cell in book.cells if cell.id != "check-train"]
    cut = hand_in(folder / GLOBBED / "moons", book)
    (cut / "moons.ipynb").rename(cut / "Moons (1).ipynb")
    for path in (*cut.rglob("*"), cut):
        path.chmod(0o555 if path.is_dir() else 0o444)
    # nothing that can be read
    (folder / FORMULA / "moons" / "source").mkdir(parents=True)
    (folder / FORMULA / "moons" / "moons.ipynb").write_text("print('hello')")
    os.mkfifo(folder / FORMULA / "moons" / "source" / "model.py")
    # links to the answers
    (folder / "linked" / "moons").mkdir(parents=True)
    (folder / "linked" / "moons" / "source").symlink_to(ROOT / "solutions" / "moons" / "source")
    (folder / "linked" / "moons" / "moons.ipynb").symlink_to(ROOT / "solutions" / "moons" / "moons.ipynb")
    # a kernel that ends itself
    book = master()
    book.cells.insert(0, new_code_cell("import os; os._exit(3)"))
    hand_in(folder / "crash" / "moons", book, scripts=False)
    (folder / "not a submission").mkdir()
    return folder


@pytest.fixture(scope="module")
def out(class_of_six: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What grading the class left. Tests that change it grade again."""
    if why := sandbox.missing():
        pytest.skip(why)
    out = tmp_path_factory.mktemp("out") / "of a run"
    done = run(class_of_six, out, "--seed", "11")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "6 submissions, 6 graded now and 0 kept" in done.stdout
    assert str(out / "report.html") in done.stdout
    assert [line.split("]")[0] for line in done.stderr.splitlines()] == [f"[{n}/6" for n in range(1, 7)]
    return out


def test_a_right_submission_scores_full(out):
    (ana,) = (row for student, row in rows(out).items() if student == "ana")
    assert total(ana) == WHOLE
    assert {(row["status"], row["reason"]) for row in ana.values()} == {("ok", "")}


def test_unanswered_exercises_score_nothing_and_answered_ones_full(out):
    marks = rows(out)[ACCENTED]
    for name, row in marks.items():
        assert float(row["score"]) == (float(row["max_score"]) if name in SCRIPTS else 0)
        assert row["status"] == "ok"
        assert name in SCRIPTS or row["reason"].startswith("Not met: ")


def test_a_notebook_that_was_cut_up_loses_nothing(out):
    marks = rows(out)[GLOBBED]
    assert total(marks) == WHOLE
    assert {name for name, row in marks.items() if row["status"] == "repaired"} == set(MOONS.checks) - SCRIPTS | {
        "train"
    }
    assert {row["status"] for row in marks.values()} == {"ok", "repaired"}
    assert "was missing and was put back" in marks["train"]["reason"]
    assert "handed in as Moons (1).ipynb" in marks["make_csv"]["reason"]
    assert "stood before its answer" in marks["make_csv"]["reason"]


@pytest.mark.parametrize(
    ("student", "exercise", "status", "reason"),
    [
        (f"'{FORMULA}", "make_csv", "missing", "moons.ipynb can't be read as a notebook: it is not JSON."),
        (f"'{FORMULA}", "SimpleNet", "missing", "source/model.py is not a file and was left out."),
        (f"'{FORMULA}", "train", "missing", "source/train.py was not handed in."),
        ("linked", "SimpleNet", "missing", "source is a link, which is not followed"),
        ("linked", "make_csv", "missing", "moons.ipynb is a link, which is not followed"),
        ("crash", "make_csv", "failed", "Nothing could be judged: "),
        ("crash", "train", "missing", "source/train.py was not handed in."),
    ],
)
def test_what_can_not_be_judged_scores_nothing_with_a_reason(out, student, exercise, status, reason):
    row = rows(out)[student][exercise]
    assert (float(row["score"]), row["status"]) == (0.0, status)
    assert reason in row["reason"]
    assert total(rows(out)[student]) == 0


def test_the_gradebook_says_the_same(out):
    with Gradebook(f"sqlite:///{out / 'course' / 'gradebook.db'}", "byom") as gradebook:
        stored = {s.student_id: s for s in gradebook.assignment_submissions("moons")}
        for student, exercises in rows(out).items():
            submission = stored[student.removeprefix("'")]
            assert (submission.score, submission.max_score) == (total(exercises), WHOLE)
            assert not submission.needs_manual_grade
        assert len(stored) == len(rows(out)) == 6
        assert stored[ACCENTED].timestamp.year == 2026


def test_feedback_shows_criteria_and_nothing_that_acts(out):
    for student in ("ana", ACCENTED, GLOBBED, FORMULA, "linked", "crash"):
        page = check_static((out / "feedback" / student / "moons.html").read_text())
        for check in MOONS:
            assert check.name in page.text
            assert all(c.what in page.text for c in check.criteria)
        assert student in page.text
    hint = MOONS.checks["make_csv"].criteria[0].hint
    assert hint in check_static((out / "feedback" / ACCENTED / "moons.html").read_text()).text
    assert hint not in check_static((out / "feedback" / "ana" / "moons.html").read_text()).text
    assert "alert(4)" in check_static((out / "feedback" / ACCENTED / "moons.html").read_text()).text


def test_feedback_holds_no_answer_to_those_who_had_none(out):
    answer = (ROOT / "solutions" / "moons" / "moons.py").read_text()
    lines = {line.strip() for line in answer.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0].splitlines()}
    long = [line for line in lines if len(line) > 25]
    assert long
    for student in (ACCENTED, FORMULA, "linked"):
        text = check_static((out / "feedback" / student / "moons.html").read_text()).text
        assert not [line for line in long if line in text]


def test_the_report_names_who_needs_a_person(out):
    html = (out / "report.html").read_text()
    check_static(html)
    needed = html.split("Submissions that need a person")[1].split("</section>")[0]
    assert "linked" in needed and "=cmd" in needed
    assert "ana" not in needed and "[x] *" not in needed


def test_formgrader_shows_nothing_that_acts(out, monkeypatch):
    """Its pages are served beside Jupyter: a script of a student's there could do what the instructor can."""
    monkeypatch.chdir(out / "course")
    config = PyFileConfigLoader("nbgrader_config.py", path=str(out / "course")).load_config()
    config.HTMLExporter.template_name = "formgrade"
    templates = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"
    config.HTMLExporter.extra_template_basedirs = [str(templates)]
    resources = dict.fromkeys(["submission_id", "base_url", "last_name", "first_name", "notebook_path"], "x")
    resources |= {"assignment_id": "moons", "notebook_id": "moons", "student": "z", "index": 0, "total": 1}
    notebook = out / "course" / "autograded" / ACCENTED / "moons" / "moons.ipynb"
    html, _ = HTMLExporter(config=config).from_filename(str(notebook), resources=resources)
    for n in range(1, 6):
        assert f"<script>alert({n})" not in html and f"\nalert({n})" not in html
    assert "make_csv: 0 of 10 points" in html
    assert "alert(4)" in html  # as text


def test_a_second_run_keeps_everything(out, class_of_six):
    before = {path: path.stat().st_mtime_ns for path in (out / "course" / "examinations").rglob("*.json")}
    sheet = (out / "grades.csv").read_text()
    shutil.rmtree(out / "feedback" / "ana")
    (out / "report.html").unlink()
    done = run(class_of_six, out)
    assert done.returncode == 0 and "6 submissions, 0 graded now and 6 kept" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (out / "grades.csv").read_text() == sheet
    assert (out / "feedback" / "ana" / "moons.html").is_file() and (out / "report.html").is_file()


def test_what_an_interruption_spoiled_is_done_again_and_only_that(out, class_of_six):
    sheet, seed = (out / "grades.csv").read_text(), (out / "course" / "run.json").read_text()
    course = out / "course"
    record = course / "examinations" / "ana" / "moons.json"
    examined = record.stat().st_mtime_ns
    graded = course / "autograded" / "ana" / "moons" / "moons.ipynb"
    whole = graded.read_text()
    graded.chmod(0o644)
    graded.write_text(whole[: len(whole) // 2])  # stopped while nbgrader wrote
    lost = course / "examinations" / FORMULA / "moons.json"
    lost.write_text(lost.read_text()[:100])  # can't happen to what is moved into place; a disk may still fail
    shutil.rmtree(course / "autograded" / FORMULA)
    done = run(class_of_six, out, "--seed", "11")
    assert done.returncode == 0 and "2 graded now and 4 kept" in done.stdout, done.stderr
    assert record.stat().st_mtime_ns == examined  # recorded again from the examination that was there
    assert graded.read_text() == whole
    assert (out / "grades.csv").read_text() == sheet
    assert (course / "run.json").read_text() == seed


def test_changed_work_is_graded_again(out, class_of_six, tmp_path):
    again = tmp_path / "class"
    for student in ("linked", "crash"):
        shutil.copytree(class_of_six / student, again / student, symlinks=True)
    (again / "linked" / "moons" / "moons.ipynb").unlink()
    done = run(again, out)
    assert "2 submissions, 1 graded now and 1 kept" in done.stdout, done.stderr
    assert "No notebook was handed in" in rows(out)["linked"]["make_csv"]["reason"]


def test_a_run_that_was_killed_is_taken_up_again(tmp_path):
    submissions, out = tmp_path / "class", tmp_path / "out"
    for student in ("a", "c"):
        (submissions / student / "moons").mkdir(parents=True)
    sleeper = nbformat.v4.new_notebook(cells=[new_code_cell("import time; time.sleep(5)")])
    hand_in(submissions / "b" / "moons", sleeper, scripts=False)
    command = [sys.executable, "-m", "grading", "grade", "moons", "--workers", "1"]
    command += ["--submissions", str(submissions), "--out", str(out)]
    with (tmp_path / "errors").open("w") as errors:
        first = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors)
        deadline = time.monotonic() + 120
        while not list(out.glob("course/examinations/*/moons.json")):
            assert first.poll() is None and time.monotonic() < deadline, (tmp_path / "errors").read_text()
            time.sleep(0.05)
        while not [p for p in psutil.Process(first.pid).children(recursive=True) if p.name() == "bwrap"]:
            assert first.poll() is None and time.monotonic() < deadline, (tmp_path / "errors").read_text()
        children = psutil.Process(first.pid).children(recursive=True)
        first.send_signal(signal.SIGKILL)
        first.wait()
    _, left = psutil.wait_procs(children, timeout=20)
    assert not left
    done = run(submissions, out)
    assert done.returncode == 0, done.stderr
    assert set(rows(out)) == {"a", "b", "c"}
    with Gradebook(f"sqlite:///{out / 'course' / 'gradebook.db'}", "byom") as gradebook:
        assert sorted(s.student_id for s in gradebook.assignment_submissions("moons")) == ["a", "b", "c"]


def test_folders_of_any_name_are_graded_or_said(tmp_path):
    names = ["two\nlines", "\x1b[31mred", "Zoe\N{COMBINING DIAERESIS} ", "{{x}}", "100%", "a,b;'\"", ".hidden"]
    for name in names:
        (tmp_path / "class" / name / "moons").mkdir(parents=True)
    (tmp_path / "class" / os.fsdecode(b"\xff") / "moons").mkdir(parents=True)
    classroom.grade("moons", tmp_path / "class", tmp_path / "out", workers=1, sandboxed=sandbox.missing() is None)
    marks = rows(tmp_path / "out")
    assert set(marks) == {*names, "\\udcff"} - {".hidden"}
    statuses = {student: {row["status"] for row in exercises.values()} for student, exercises in marks.items()}
    assert {student for student, found in statuses.items() if found == {"error"}} == {"two\nlines", "\\udcff"}
    assert all(found in ({"missing"}, {"error"}) for found in statuses.values())
    assert "nbgrader could not record it" in marks["two\nlines"]["make_csv"]["reason"]


def test_where_the_grader_failed_the_next_run_tries_again(tmp_path):
    (tmp_path / "class" / "ana" / "moons").mkdir(parents=True)
    out, isolated = tmp_path / "out", sandbox.missing() is None
    assert classroom.grade("moons", tmp_path / "class", out, workers=1, sandboxed=isolated).graded == 1
    path = out / "course" / "autograded" / "ana" / "moons" / "moons.ipynb"
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"status": "missing"', '"status": "error"'))
    assert classroom.grade("moons", tmp_path / "class", out, workers=1, sandboxed=isolated).graded == 1
    assert classroom.grade("moons", tmp_path / "class", out, workers=1, sandboxed=isolated).graded == 0


def test_a_run_that_is_stopped_ends_at_once_and_leaves_nothing_running(tmp_path):
    endless = nbformat.v4.new_notebook(cells=[new_code_cell("while True: pass")])
    hand_in(tmp_path / "class" / "a" / "moons", endless, scripts=False)
    command = [sys.executable, "-m", "grading", "grade", "moons", "--submissions", str(tmp_path / "class")]
    started = subprocess.Popen([*command, "--out", str(tmp_path / "out")], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not [p for p in psutil.Process(started.pid).children(recursive=True) if p.name() == "bwrap"]:
        assert started.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    children = psutil.Process(started.pid).children(recursive=True)
    started.send_signal(signal.SIGTERM)
    _, said = started.communicate(timeout=30)
    _, left = psutil.wait_procs(children, timeout=20)
    assert not left and "Traceback" not in said


def test_a_worker_that_dies_costs_one_submission_only(tmp_path):
    release = tmp_path / "moons.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), release)

    def assignment(kind, student):
        path = tmp_path / student / "moons.json"
        return kind(student, "k", tmp_path, release, path, [Note("x", "noted")], [], "moons", 1, True, Limits())

    class_ = [assignment(kind, f"{kind.__name__}-{n}") for n, kind in enumerate((Quick, Deadly, Raising, Quick))]
    with examiners(2) as pool:
        done = [each.student for each in examine_all(pool, class_)]
    assert sorted(done) == sorted(each.student for each in class_)
    why = {"Quick": "examined", "Deadly": "its worker process died", "Raising": "OSError: disk full"}
    for each in class_:
        record = Record.load(each.record)
        assert record.failure == why[each.student.split("-")[0]]
        assert record.notes == [Note("x", "noted")]
        assert not each.is_examined()  # the next run tries again


@pytest.fixture
def mistake(tmp_path, monkeypatch, capsys):
    """Run the command in this process, and return its one sentence."""
    (tmp_path / "class" / "ana" / "moons").mkdir(parents=True)

    def mistake(*arguments: str) -> str:
        options = {"--submissions": str(tmp_path / "class"), "--out": str(tmp_path / "out")}
        given = [part for name, value in options.items() if name not in arguments for part in (name, value)]
        monkeypatch.setattr(sys, "argv", ["grading", "grade", *arguments, *given])
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2
        said = capsys.readouterr().err.strip()
        assert "\n" not in said and "Traceback" not in said
        return said

    return mistake


def test_mistakes_of_an_instructor_get_one_sentence(mistake, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other" / "ana" / "digits").mkdir(parents=True)
    (tmp_path / "file").write_text("x")
    assert "there is no unit 'moon'; there is moons" in mistake("moon")
    assert "there is no folder" in mistake("moons", "--submissions", str(tmp_path / "nowhere"))
    assert "is empty" in mistake("moons", "--submissions", str(tmp_path / "empty"))
    assert "has the layout <student>/moons" in mistake("moons", "--submissions", str(tmp_path / "other"))
    assert "can't be written to" in mistake("moons", "--out", str(tmp_path / "file" / "out"))
    assert "must not lie inside" in mistake("moons", "--out", str(tmp_path / "class" / "out"))
    assert "for '--seed': Input should be a valid integer" in mistake("moons", "--seed", "ten")
    assert "--workers" in mistake("moons", "--workers", "0")
    assert "--seed" in mistake("moons", "--seed", "-1")
    assert not (tmp_path / "out" / "grades.csv").exists()


def test_without_a_sandbox_nothing_runs(mistake, monkeypatch):
    monkeypatch.setattr(sandbox, "missing", lambda: "There is no bubblewrap here.")
    assert "There is no bubblewrap here. --unsafe-no-sandbox" in mistake("moons")


def test_another_run_in_the_same_folder_is_refused(mistake, tmp_path):
    Run.open(tmp_path / "out" / "course", "moons", 5)
    assert "seed 5" in mistake("moons", "--seed", "6")
    (tmp_path / "out" / "course" / "run.json").write_text("{}")
    Run.open(tmp_path / "out" / "course", "digits", 5)
    assert "holds a run of digits" in mistake("moons")
    (tmp_path / "out" / "course" / "run.json").write_text("{")
    assert "can't be read" in mistake("moons")


def test_two_runs_at_once_are_refused(mistake, tmp_path):
    with classroom._claimed(tmp_path / "out", tmp_path / "class"):
        assert "another run is grading" in mistake("moons")


def test_a_master_that_was_not_built_is_said(mistake, monkeypatch, tmp_path):
    monkeypatch.setattr(classroom, "MASTERS", tmp_path)
    assert "run `make build` first" in mistake("moons")


def test_the_seed_is_drawn_once_and_kept_private(tmp_path):
    first = Run.open(tmp_path, "moons")
    assert Run.open(tmp_path, "moons") == first == Run.open(tmp_path, "moons", first.seed)
    assert (tmp_path / "run.json").stat().st_mode & 0o077 == 0
    assert json.loads((tmp_path / "run.json").read_text())["moons"]["seed"] == first.seed
    assert Run.open(tmp_path / "other", "moons").seed != first.seed
