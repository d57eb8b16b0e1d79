"""What is committed is what a build makes of the lessons and their answers."""

import subprocess
import sys
from pathlib import Path

import pytest

from authoring.course import Course
from authoring.material import read_material

COURSE = Course(Path(__file__).resolve().parents[2])


def authoring(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an authors' command."""
    command = [sys.executable, "-m", "authoring", *arguments]
    return subprocess.run(command, cwd=COURSE.root, check=False, capture_output=True, text=True)


def test_everything_committed_is_as_a_build_makes_it():
    done = authoring("build", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "everything is as a build makes it\n"


def test_an_unknown_unit_is_one_sentence():
    done = authoring("build", "mons")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("there is no lesson for 'mons'; there is moons")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("unit", COURSE.units())
def test_every_check_is_an_exercise_worth_points(unit):
    material = read_material(COURSE, unit)
    checks = material.checks
    assert checks is not None
    assert [exercise.name for exercise in material.lesson.exercises] == list(checks.checks)
    assert all(check.points > 0 for check in checks)


@pytest.mark.parametrize("unit", COURSE.units())
def test_nothing_distinctive_is_missing_to_search_for(unit):
    """The search for answers is worth nothing for an exercise of which it knows no piece."""
    material = read_material(COURSE, unit)
    places = list(material.distinctive.values())
    for module in material.modules:
        for region in module.regions:
            known = [line for found, line in places if found is module and region.begin < line < region.end]
            assert known, f"{module.path}:{region.begin}: no piece of this answer is distinctive"
