"""Reading lessons: blocks, directives and their lines."""

from pathlib import Path

import pytest

from authoring.lesson import Code, Exercise, Lesson, Prose, read_lesson


def read(folder: Path, text: str) -> Lesson:
    path = folder / "lesson.md"
    path.write_text(text)
    return read_lesson("toy", path)


def test_blocks_in_order_with_their_lines(course):
    lesson = read_lesson("toy", course.lesson("toy"))
    assert lesson.violations == []
    assert [type(block) for block in lesson.blocks] == [Prose, Code, Prose, Exercise, Prose, Exercise, Code, Prose]
    text = course.lesson("toy").read_text().splitlines()
    for block in lesson.blocks:
        if not isinstance(block, Exercise):
            assert text[block.line - 1] == block.source.splitlines()[0]
    assert [(e.name, e.answer, text[e.line - 1]) for e in lesson.exercises] == [
        ("double", "notebook", "```{exercise} toy.double"),
        ("Net", "source/model.py", "```{exercise} source/model.py Net"),
    ]


def test_tags_and_options(tmp_path):
    lesson = read(tmp_path, "```{code-cell} ipython3\n---\ntags: [sagemaker, trained]\n---\nprint(1)\n```\n")
    assert lesson.blocks == [Code("print(1)", 5, ("sagemaker", "trained"))]
    assert lesson.violations == []


def test_a_cell_that_holds_the_same_text_twice_keeps_its_own_line(tmp_path):
    cell = "```{code-cell} ipython3\nprint(1)\n```\n"
    assert [block.line for block in read(tmp_path, f"{cell}\n{cell}").blocks] == [2, 6]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("# A\n\n```{exercise} elsewhere.double\n```\n", 3, "write toy.double"),
        ("# A\n\n```{exercise} double\n```\n", 3, "names its answer"),
        ("# A\n\n```{exercise}\n```\n", 3, "names its answer"),
        ("# A\n\n```{exercise} toy.double\nand text\n```\n", 3, "close it on the next line"),
        ("# A\n\n  ```{exercise} toy.double\n  ```\n", 3, "start of its line"),
        ("```{code-cell} ipython3\nx = 1\n'''\n~~~{exercise} toy.double\n'''\n```\n", 4, "inside a code cell"),
        ("```{code-cell} ipython3\n:tags: [sagmaker]\n\nx = 1\n```\n", 4, "unknown tag 'sagmaker'"),
        ("```{code-cell} ipython3\n:tags: [trained]\n:name: x\n\nx = 1\n```\n", 5, "unknown cell option 'name'"),
        ("# A\n\n```{code-cell} ipython3\n:tags: trained\n\nx = 1\n```\n", 4, "not of type 'array'"),
        ("```{code-cell} ipython3\n:tags: [a\n\nx = 1\n```\n", 1, "can't be read"),
        ("```{raw-cell}\nx\n```\n", 2, "raw cell"),
    ],
)
def test_what_is_malformed_is_named_with_its_line(tmp_path, text, line, part):
    found = read(tmp_path, text).violations
    assert [(v.line, part in v.what) for v in found] == [(line, True)], found
