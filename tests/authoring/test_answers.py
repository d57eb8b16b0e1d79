"""Solution modules: regions, stubs, and what gives an answer away."""

from pathlib import Path

import pytest

from authoring.answers import BEGIN, END, Answers, distinctive, read_answers, squeezed, stub, unmarked


def read(folder: Path, text: str) -> Answers:
    path = folder / "answers.py"
    path.write_text(text)
    return read_answers(path)


def test_an_answer_is_the_whole_function_with_its_last_marker(tmp_path):
    text = f"@staticmethod\ndef f():\n    {BEGIN}\n    return 1\n    {END}\n\n\n# about g\ndef g():\n    pass\n"
    answers = read(tmp_path, text)
    assert answers.source(answers.definitions["f"]) == text[: text.index("\n\n\n")]
    assert answers.source(answers.definitions["g"]) == "def g():\n    pass"


def test_a_stub_is_what_nbgrader_leaves(tmp_path):
    text = f"class A:\n    x = 1\n    {BEGIN}\n    y = 2\n    z = 3\n    {END}\n"
    assert stub(text) == "class A:\n    x = 1\n    # YOUR CODE HERE\n    raise NotImplementedError()\n"
    assert unmarked(text) == "class A:\n    x = 1\n    y = 2\n    z = 3\n"
    assert stub("given = 1\n") == "given = 1\n"


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("def f(:\n    pass\n", 1, "not Python"),
        (f"{BEGIN}\nx = 1\n", 1, "without its"),
        (f"x = 1\n{END}\n", 2, "without a beginning"),
        (f"{BEGIN}\nx = 1\n{BEGIN}\ny = 1\n{END}\n", 3, "inside the one begun on line 1"),
        ("# BEGIN SOLUTION\nx = 1\n", 1, "stands alone"),
        (f"def f():\n    pass\n    {BEGIN}\n\n    {END}\n", 3, "nothing in it"),
        (f"def f():\n    '''Doc.'''\n{BEGIN}\n    return 1\n{END}\n", 3, "indented like the code"),
    ],
)
def test_bad_markers_are_named_with_their_line(tmp_path, text, line, part):
    found = read(tmp_path, text).violations
    assert (line, True) in [(v.line, part in v.what) for v in found], found


def test_long_lines_and_runs_of_lines_give_an_answer_away(tmp_path):
    body = [
        "# a comment that is long enough to be found",
        "import something_long.enough.to_be_found",
        "short = 1",
        "given_in_the_stub_as_well = 1234567",
        "return Estimator(",
        '    framework_version="1.2.3.4.5",',
        "    hyperparameters=hyperparameters,",
        "    an_expression=that(is_long_enough),",
        ")",
    ]
    text = f"given_in_the_stub_as_well = 1234567\n{BEGIN}\n" + "\n".join(body) + f"\n{END}\n"
    found = distinctive(read(tmp_path, text))
    alone = [piece for piece in found if piece in map(squeezed, body)]
    assert alone == [squeezed(body[7])]
    assert squeezed("".join(body[4:7])) in found
    assert found[squeezed(body[7])] == 10
