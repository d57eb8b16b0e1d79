"""Every rule a unit keeps, broken once; and all at once."""

import pytest

from authoring.answers import BEGIN, END
from authoring.build import NothingToBuild, build, read
from authoring.course import UnknownUnit
from authoring.violations import Violations


def found(course) -> list[str]:
    with pytest.raises(Violations) as refused:
        read(course, [])
    return [f"{course.shown(v.file)}:{v.line}: {v.what}" for v in refused.value.found]


def test_the_toy_unit_breaks_none(course):
    assert [material.lesson.name for material in read(course, [])] == ["toy"]


LESSON, ANSWERS, MODEL = "lesson.md", "toy.py", "source/model.py"


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (LESSON, "```{exercise} toy.double\n```\n", "", "lesson.md:1: the check 'double' has no exercise"),
        (LESSON, "```{exercise} toy.double\n```\n", "", "toy.py:6: double answers no exercise"),
        (LESSON, "toy.double", "toy.treble", "lesson.md:21: no check is called 'treble'"),
        (LESSON, "toy.double", "toy.treble", "lesson.md:21: toy.py defines no 'treble'"),
        (LESSON, "source/model.py Net", "toy.double", "lesson.md:26: a second exercise 'double': line 21"),
        (
            LESSON,
            "source/model.py Net",
            "source/other.py Net",
            "lesson.md:26: the unit's solutions have no source/other.py",
        ),
        (LESSON, "source/model.py Net", "source/other.py Net", "but its check looks in source/model.py"),
        (
            LESSON,
            "```{exercise} source/model.py Net\n```\n",
            "",
            "source/model.py:8: a solution region, but no exercise",
        ),
        (LESSON, "That was it.", f"That was {BEGIN}", "lesson.md:35: a solution marker"),
        (LESSON, "That was it.", "Say `np.asarray(x) + np.asarray( x)`", None),
        (
            LESSON,
            "That was it.",
            "It is\n`twice_the_values = np.asarray(x)\n + np.asarray( x)`",
            "lesson.md:36: gives away the answer on toy.py:13",
        ),
        (LESSON, "import numpy as np", f"import numpy as np  # {'x' * 100}", "lesson.md:12: 122 characters"),
        (
            ANSWERS,
            '    """Twice the values.\n\n    Args:\n        x: any shape.\n    """\n',
            "",
            "toy.py:6: double has no docstring",
        ),
        (ANSWERS, "x: np.ndarray", "x", "toy.py:6: no type hint: double(x)"),
        (ANSWERS, " -> np.ndarray", "", "toy.py:6: no type hint: what double returns"),
        (ANSWERS, f"    {BEGIN}\n", "", "without a beginning"),
        (ANSWERS, '"""Answers', f'{BEGIN}\nx = 1\n{END}\n"""Answers', "toy.py:1: a solution region outside a function"),
        (ANSWERS, f"    {END}\n", f"    {END}\n\n\ndef helper():\n    pass\n", "toy.py:18: helper answers no exercise"),
        (
            ANSWERS,
            f"    {BEGIN}\n    twice_the_values = np.asarray(x) + np.asarray(x)",
            f"    y = (\n        {BEGIN}\n        np.asarray(x) + x\n        {END}\n    )\n    {BEGIN}",
            "toy.py:13: without this region the rest isn't Python: it cuts through a statement",
        ),
        (
            ANSWERS,
            f'    """Twice the values.\n\n    Args:\n        x: any shape.\n    """\n    {BEGIN}\n',
            f'    {BEGIN}\n    """Twice the values.\n    """\n',
            "toy.py:7: a region takes away the signature or docstring of double",
        ),
        (MODEL, '    """Adds a constant."""\n\n', "", "source/model.py:4: Net has no docstring"),
        (MODEL, "constant: float", "constant", "source/model.py:4: no type hint: Net.__init__(constant)"),
        (MODEL, "self.the_constant_to_add = float(constant)", "self. = 1", "source/model.py:9: not Python"),
    ],
)
def test_a_broken_rule_is_named_with_file_and_line(course, edit, file, old, new, expected):
    edit(file, old, new)
    if expected is None:
        read(course, [])
    else:
        assert any(expected in line for line in found(course)), found(course)


def test_an_answer_without_a_region_leaves_nothing_to_do(course, edit):
    edit(ANSWERS, f"    {BEGIN}\n", "")
    edit(ANSWERS, f"    {END}\n", "")
    assert any("toy.py:6: double has no solution region" in line for line in found(course))


def test_a_script_without_a_function_of_its_exercises_name_needs_a_region_and_a_docstring(course, edit):
    edit(MODEL, '"""The model."""\n', "")
    edit(MODEL, "class Net:", "class Network:")
    assert any("source/model.py:1: source/model.py has no docstring" in line for line in found(course))
    (course.solved_scripts("toy") / "model.py").write_text('"""Nothing to do."""\n')
    assert any("source/model.py:1: source/model.py has no solution region" in line for line in found(course))


def test_a_page_has_no_exercises(course):
    (course.root / "solutions" / "index.md").write_text("# Index\n\n```{exercise} index.double\n```\n")
    assert any("solutions/index.md:3: the exercise 'double' in a lesson that has no checks" in v for v in found(course))


def test_all_are_reported_at_once_and_nothing_is_written(course, edit):
    edit(LESSON, "toy.double", "toy.treble")
    edit(LESSON, "That was it.", f"{BEGIN}")
    edit(ANSWERS, "x: np.ndarray", "x")
    edit(MODEL, f"        {END}\n", "")
    before = sorted(course.root.rglob("*"))
    with pytest.raises(Violations) as refused:
        build(course, [])
    assert {v.file.name for v in refused.value.found} == {"lesson.md", "toy.py", "model.py"}
    assert len(refused.value.found) >= 5
    assert sorted(course.root.rglob("*")) == before


def test_no_lesson_is_a_failure_and_no_success(course):
    course.lesson("toy").unlink()
    with pytest.raises(NothingToBuild):
        read(course, [])


def test_an_unknown_unit_is_named(course):
    with pytest.raises(UnknownUnit, match="no lesson for 'tyo'; there is toy"):
        read(course, ["tyo"])
