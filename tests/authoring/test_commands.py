"""The commands' exit codes and what they say."""

import pytest
from typer.testing import CliRunner

from authoring import __main__ as commands
from authoring.answers import BEGIN


@pytest.fixture
def run(course, monkeypatch):
    """Run a command on the toy course, with its worked notebook taken as it is."""
    monkeypatch.setattr(commands, "COURSE", course)
    monkeypatch.setattr("authoring.worked.execute", lambda notebook, scripts, progress: notebook)
    return lambda *arguments: CliRunner().invoke(commands.app, arguments)


def test_build_then_check(run, course):
    first = run("build")
    assert first.exit_code == 0
    assert first.stdout.splitlines()[-1] == "toy: solutions/toy/toy.ipynb written"
    assert run("build", "--check").stdout == "everything is as a build makes it\n"
    (course.stub_scripts("toy") / "model.py").write_text("")
    stale = run("build", "--check")
    assert stale.exit_code == 1
    assert stale.stderr.startswith("source/toy/model.py: is out of date\n--- committed\n+++ built\n")
    assert stale.stderr.endswith("1 out of date: run python -m authoring build\n")


def test_violations_are_listed_with_file_and_line(run, edit):
    edit("lesson.md", "That was it.", BEGIN)
    edit("toy.py", "x: np.ndarray", "x")
    refused = run("build")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.splitlines() == [
        "solutions/toy/lesson.md:35: a solution marker: answers live in the solution modules",
        "solutions/toy/toy.py:6: no type hint: double(x)",
        "2 to mend",
    ]
    assert run("release", "--out", "unused").exit_code == 1


def test_no_lesson_and_an_unknown_unit(run, course):
    unknown = run("build", "tyo")
    assert (unknown.exit_code, unknown.stderr) == (2, "there is no lesson for 'tyo'; there is toy\n")
    course.lesson("toy").unlink()
    none = run("build", "--check")
    assert none.exit_code == 1
    assert none.stderr.startswith("no lesson was found under")
