"""What a build makes, that it makes it once, and that it takes nobody's work away."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest

from authoring import worked
from authoring.answers import BEGIN, END
from authoring.build import build, differences
from authoring.violations import Violations


@pytest.fixture
def built(course):
    """The toy course, built without running its notebook: most tests don't need its outputs."""
    build_only(course)
    return course


def build_only(course, **options) -> list[str]:
    """Build with the worked notebook taken as it is."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("authoring.worked.execute", lambda notebook, scripts, progress: notebook)
        build(course, [], say=said.append, **options)
    return said


def snapshot(course) -> dict[str, bytes]:
    return {
        course.shown(path): path.read_bytes()
        for path in sorted(course.root.rglob("*"))
        if path.is_file() and "build" not in path.parts
    }


def test_students_get_stubs_and_locked_checks(built):
    notebook = nbformat.read(built.notebook("toy"), as_version=4)
    nbformat.validate(notebook)
    solution, check, invitation, script_check = (notebook.cells[i] for i in (3, 4, 6, 7))
    assert solution.source.endswith('"""\n    # YOUR CODE HERE\n    raise NotImplementedError()')
    assert solution.metadata.nbgrader.grade_id == solution.id == "double"
    assert (check.source, check.id) == ('check("double", double)', "check-double")
    facts = check.metadata.nbgrader
    assert (facts.grade, facts.locked, facts.points) == (True, True, 2)
    assert check.metadata.editable is False
    assert "[`source/model.py`](source/model.py)" in invitation.source
    assert script_check.source == 'check("Net", "source/model.py")'
    assert [c.get("metadata") for c in notebook.cells if "nbgrader" not in c.metadata] == [{}] * 5 + [
        {"tags": ["trained"]},
        {},
    ]
    assert "jupytext" not in notebook.metadata
    assert all(not c.get("outputs") for c in notebook.cells)
    link = built.notebook("toy").parent / "source"
    assert link.readlink() == Path("../../source/toy")
    stub = (link / "model.py").read_text()
    assert stub.count("raise NotImplementedError()") == 2
    assert "the_constant_to_add" not in stub


def test_nbgrader_gets_answers_and_stub_scripts(built):
    folder = built.master("toy")
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*")) == ["source/model.py", "toy.ipynb"]
    master = nbformat.read(folder / "toy.ipynb", as_version=4)
    assert BEGIN in master.cells[3].source
    assert "NotImplementedError" in (folder / "source" / "model.py").read_text()


def test_a_script_that_is_given_reaches_students_whole(course):
    given = '"""A script to start from."""\n\nWIDTH = 3\n'
    (course.solved_scripts("toy") / "given.py").write_text(given)
    build_only(course)
    link = course.notebook("toy").parent / "source"
    assert (link / "given.py").read_text() == (course.master("toy") / "source" / "given.py").read_text() == given


def test_nbgraders_own_release_is_the_students_notebook(built, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "nbgrader",
            "generate_assignment",
            "toy",
            f"--CourseDirectory.root={built.root / 'grading'}",
        ],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},  # for alembic
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    released = built.root / "grading" / "release" / "toy"
    assert json.loads((released / "toy.ipynb").read_text()) == json.loads(built.notebook("toy").read_text())
    assert (released / "source" / "model.py").read_bytes() == (built.stub_scripts("toy") / "model.py").read_bytes()


def test_the_worked_notebook_shows_answers_and_scripts_without_marks(built):
    worked = nbformat.read(built.worked("toy"), as_version=4)
    text = nbformat.writes(worked)
    assert "twice_the_values" in worked.cells[3].source
    assert [cell.metadata.get("tags") for cell in worked.cells[3:5]] == [None, ["trained"]]
    assert "self.the_constant_to_add = float(constant)" in worked.cells[6].source
    assert all(word not in text for word in (BEGIN, END, "nbgrader", "✏️"))


def test_a_second_build_changes_no_byte(built):
    before = snapshot(built)
    assert build_only(built) == ["toy: nothing changed"]
    assert snapshot(built) == before


def test_a_build_elsewhere_makes_the_same_bytes(built, course, tmp_path):
    before = snapshot(built)
    for name in before:
        if not name.startswith("solutions") or name.endswith(".ipynb"):
            (built.root / name).unlink()
    (built.root / "build" / "written.json").unlink()
    build_only(built)
    assert snapshot(built) == before


def test_check_is_content_with_what_a_build_made(built):
    assert differences(built, []) == []


def test_check_names_every_difference_with_a_short_diff(built, edit):
    edit("lesson.md", "That was it.", "That is it.")
    (built.stub_scripts("toy") / "model.py").unlink()
    (built.notebook("toy").parent / "source").unlink()
    built.public_evidence("toy").write_text("{}\n")
    before = snapshot(built)
    found = differences(built, [])
    assert [message.splitlines()[0] for message in found] == [
        "notebooks/toy/toy.ipynb: is out of date",
        "source/toy/model.py: is missing",
        "byom/checks/public/toy.json: is out of date",
        "notebooks/toy/source: is no link to ../../source/toy",
        "solutions/toy/toy.ipynb: is out of date",
    ]
    assert '-    "That was it."' in found[0].replace('"source": "That', '"That') or '-   "source"' in found[0]
    assert snapshot(built) == before


@pytest.mark.parametrize(
    "damage",
    ["", "not JSON", "[]", '{"cells": 1}', '{"cells": [1], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'],
)
def test_check_says_when_the_worked_notebook_is_none(built, damage):
    built.worked("toy").write_text(damage)
    assert any(m.startswith("solutions/toy/toy.ipynb: is") for m in differences(built, []))
    build_only(built)
    assert differences(built, []) == []


def test_a_check_that_speaks_otherwise_makes_the_worked_notebook_stale(built):
    words = built.root / "byom" / "checks" / "toy" / "double.py"
    words.parent.mkdir(parents=True, exist_ok=True)
    words.write_text("WHAT = 'It doubles'")
    assert any("toy.ipynb" in difference for difference in differences(built, ["toy"]))
    words.unlink()
    assert differences(built, ["toy"]) == []


def test_rounding_keeps_the_committed_evidence_and_more_replaces_it(built):
    path = built.public_evidence("toy")
    committed = path.read_bytes()
    nudged = type(built)(
        built.root, built.checks, lambda unit, seed: _nudge(built.reference_evidence(unit, seed), 1e-9)
    )
    build_only(nudged)
    assert path.read_bytes() == committed
    far = type(built)(built.root, built.checks, lambda unit, seed: _nudge(built.reference_evidence(unit, seed), 5e-6))
    assert any("byom/checks/public/toy.json" in message for message in differences(far, []))
    build_only(far)
    assert path.read_bytes() != committed


def _nudge(evidence, by):
    return {"double": {"y": evidence["double"]["y"] + by}}


def test_answers_that_miss_their_own_criteria_stop_the_build(course):
    wrong = type(course)(
        course.root, course.checks, lambda unit, seed: _nudge(course.reference_evidence(unit, seed), 1.0)
    )
    with pytest.raises(Violations, match=r"lesson.md:21: the answer itself misses 'doubled': expected twice"):
        build_only(wrong)
    assert not wrong.notebook("toy").exists()


def test_answers_that_cannot_be_probed_stop_the_build(course):
    def broken(unit, seed):
        raise RuntimeError("the solutions of toy can't be probed:\nNameError: x")

    with pytest.raises(Violations, match=r"toy.py:1: the solutions of toy can't be probed"):
        build_only(type(course)(course.root, course.checks, broken))


def test_a_learners_work_is_kept(built, edit):
    notebook, script = built.notebook("toy"), built.stub_scripts("toy") / "model.py"
    notebook.write_text(notebook.read_text().replace("raise NotImplementedError()", "return x + x"))
    script.write_text("my own work\n")
    edit("lesson.md", "That was it.", "That is it.")
    mine = notebook.read_bytes()
    said = build_only(built)
    assert [line for line in said if "kept" in line] == [
        "notebooks/toy/toy.ipynb: kept, because somebody worked in it; --force overwrites it",
        "source/toy/model.py: kept, because somebody worked in it; --force overwrites it",
    ]
    assert notebook.read_bytes() == mine
    assert script.read_text() == "my own work\n"
    build_only(built, force=True)
    assert b"That is it." in notebook.read_bytes()
    assert differences(built, []) == []


def test_what_git_holds_is_nobodys_work(built, edit):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "built"]):
        subprocess.run([*git, *command], cwd=built.root, check=True, capture_output=True)
    (built.root / "build" / "written.json").unlink()
    edit("lesson.md", "That was it.", "That is it.")
    assert not any("kept" in line for line in build_only(built))
    assert differences(built, []) == []


def test_a_script_that_is_gone_is_removed_unless_somebody_worked_in_it(built, edit):
    extra = built.solved_scripts("toy") / "given.py"
    extra.write_text('"""Given."""\n')
    build_only(built)
    given = built.stub_scripts("toy") / "given.py"
    assert given.read_text() == '"""Given."""\n'
    extra.unlink()
    assert "source/toy/given.py: is left over" in differences(built, [])
    build_only(built)
    assert not given.exists()
    given.write_text("mine\n")
    build_only(built)
    assert given.exists()


def test_a_page_becomes_a_notebook(course):
    (course.root / "solutions" / "index.md").write_text("# Contents\n\n```{code-cell} ipython3\nprint(1)\n```\n")
    assert "index: 1 files written" in build_only(course)
    page = nbformat.read(course.root / "notebooks" / "index.ipynb", as_version=4)
    assert [cell.cell_type for cell in page.cells] == ["markdown", "code"]
    assert differences(course, []) == []


def test_the_worked_notebook_is_executed_once_and_leaves_nothing(course, edit):
    edit(
        "lesson.md",
        "That was it.",
        "```{code-cell} ipython3\n"
        "import os, pathlib, subprocess, sys\n"
        "from tqdm.auto import tqdm\n"
        "pathlib.Path('left').write_text('x')\n"
        "print(os.getcwd(), sys.prefix, os.path.exists('source/model.py'))\n"
        "child = subprocess.Popen(['sleep', '987654'], start_new_session=True)\n"
        "print('local', pathlib.Path(os.environ['BYOM_LOCAL_ROOT']).name)\n"
        "```\n\n"
        "```{code-cell} ipython3\n:tags: [raises-exception]\n\n1 / 0\n```\n",
    )
    said: list[str] = []
    build(course, [], say=said.append)
    assert "toy: solutions/toy/toy.ipynb written" in said
    worked = nbformat.read(course.worked("toy"), as_version=4)
    nbformat.validate(worked)
    outputs = [o for cell in worked.cells for o in cell.get("outputs", [])]
    assert outputs[0].text == "checked double\n"
    assert outputs[2].text == "[3. 5.]\n"
    assert outputs[3].text == "…/notebook … True\nlocal local\n"
    assert outputs[4].ename == "ZeroDivisionError"
    assert all(cell.execution_count for cell in worked.cells if cell.cell_type == "code")
    assert not any("execution" in cell.metadata for cell in worked.cells)
    assert not any(p.info["cmdline"] == ["sleep", "987654"] for p in psutil.process_iter(["cmdline"]))
    assert sorted(p.name for p in (course.root / "solutions" / "toy").iterdir()) == [
        "lesson.md",
        "source",
        "toy.ipynb",
        "toy.py",
    ]
    before = course.worked("toy").stat().st_mtime_ns
    build(course, [], say=said.append)
    assert course.worked("toy").stat().st_mtime_ns == before
    edit("source/model.py", "return x + self", "return self.the_constant_to_add + x  # self")
    assert any("solutions/toy/toy.ipynb: is out of date" in message for message in differences(course, []))


def test_a_cell_that_fails_stops_the_build_and_is_shown(course, edit):
    edit("lesson.md", "print(double(np.array([1.5, 2.5])))", "print(double('x') + 1)")
    with pytest.raises(Violations) as refused:
        build(course, [], say=lambda line: None)
    (failed,) = refused.value.found
    assert (failed.file, failed.line) == (course.lesson("toy"), 32)
    assert "print(double('x') + 1)" in failed.what
    assert "UFuncTypeError" in failed.what or "TypeError" in failed.what
    assert "\x1b" not in failed.what
    assert not course.worked("toy").exists()


def test_a_path_at_the_end_of_a_coloured_line_does_not_stay(tmp_path):
    text = f"\x1b[34mPYTHONPATH={tmp_path}/code:{tmp_path}\x1b[0m {tmp_path}-other"
    assert worked._without_paths(text, tmp_path) == f"\x1b[34mPYTHONPATH=…/code:…\x1b[0m {tmp_path}-other"
