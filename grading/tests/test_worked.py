"""The worked notebooks print today what they printed when they were committed."""

from pathlib import Path

import pytest

from authoring.course import Course
from authoring.worked import compare

COURSE = Course(Path(__file__).resolve().parents[2])


def test_there_is_something_to_compare():
    assert COURSE.units()


@pytest.mark.parametrize("unit", COURSE.units())
def test_a_worked_notebook_agrees_and_leaves_nothing(unit):
    folder = COURSE.worked(unit).parent
    before = sorted(folder.rglob("*"))
    solved = COURSE.solved_scripts(unit)
    scripts = {f"source/{path.relative_to(solved).as_posix()}": path.read_bytes() for path in solved.rglob("*.py")}
    done = compare(COURSE.worked(unit), scripts)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert sorted(folder.rglob("*")) == before
