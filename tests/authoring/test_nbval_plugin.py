"""A worked notebook that no longer agrees is red, also where nbval alone would be green."""

import re
from dataclasses import dataclass, field

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from authoring.nbval_plugin import TRAINED, alike
from authoring.notebook import METADATA, written
from authoring.worked import compare


@dataclass
class Case:
    """A cell as it is stored, and whether it should pass when it runs again."""

    what: str
    passes: bool
    source: str
    stored: str | None = None
    tags: list[str] = field(default_factory=list)
    executed: bool = True


CASES = [
    Case("the same number", True, "print(6 * 7)", "42\n"),
    Case("a number that differs in its last digit", False, "print(0.1234567)", "0.1234568\n"),
    Case("a trained number within the tolerance", True, "print('score: 0.925')", "score: 0.93\n", ["trained"]),
    Case("a trained number beyond it", False, "print('score: 0.80')", "score: 0.93\n", ["trained"]),
    Case("trained numbers that became NaN", False, "print('score: nan')", "score: 0.93\n", ["trained"]),
    Case("other words in a trained cell", False, "print('loss: 0.93')", "score: 0.93\n", ["trained"]),
    Case("one trained number more", False, "print('score: 0.93 0.93')", "score: 0.93\n", ["trained"]),
    Case("an output that was not stored", False, "print('new')"),
    Case("an output that no longer comes", False, "pass", "old\n"),
    Case("a cell that was never executed", False, "x = 1", executed=False),
    Case("an error", False, "1 / 0"),
    Case("an error on purpose that no longer comes", False, "pass", "before\n", ["raises-exception"]),
    Case(
        "another time and name", True, "print('job-2026-11-21-10-00-00-123 3.5 s')", "job-2025-01-01-00-00-00-000 9 s\n"
    ),
    Case("what is marked as different each time", True, "print(1)", "2\n", ["nbval-ignore-output"]),
    Case("a value that a semicolon hides", True, "42;"),
    Case("the SDK, with its own tracebacks", True, "import sagemaker", None, ["nbval-ignore-output"]),
    Case("an error drawn by the SDK's tracebacks", False, "1 / 0", None, ["nbval-ignore-output"]),
    Case("local SageMaker", True, "import byom.local\nbyom.local.activate();"),
    Case("an error after activation", False, "1 / 0"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    """What pytest said of a notebook with all the cases in it, and one picture."""
    cells = []
    for case in CASES:
        cell = new_code_cell(case.source, metadata={"tags": case.tags} if case.tags else {})
        if case.executed:
            cell.execution_count = len(cells) + 1
        if case.stored is not None:
            cell.outputs = [new_output("stream", name="stdout", text=case.stored)]
        cells.append(cell)
    path = tmp_path_factory.mktemp("worked") / "cases.ipynb"
    path.write_bytes(written(new_notebook(cells=cells, metadata=nbformat.from_dict(METADATA))))
    done = compare(path, {})
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("index", range(len(CASES)), ids=[case.what for case in CASES])
def test_each_cell_is_judged_rightly(report, index):
    verdicts = dict(re.findall(r"::Cell (\d+) (PASSED|FAILED)", report))
    assert verdicts[str(index)] == ("PASSED" if CASES[index].passes else "FAILED"), report


def test_the_error_that_nbval_alone_would_not_see_is_seen(report):
    assert "Cell 16: Cell execution caused an exception that is not shown as one" in report, report


def test_a_notebook_that_agrees_is_green(tmp_path):
    cell = new_code_cell("print(1)", execution_count=1, outputs=[new_output("stream", name="stdout", text="1\n")])
    path = tmp_path / "agrees.ipynb"
    path.write_bytes(written(new_notebook(cells=[cell], metadata=nbformat.from_dict(METADATA))))
    done = compare(path, {})
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_to_compare_is_no_success(tmp_path):
    path = tmp_path / "empty.ipynb"
    path.write_bytes(written(new_notebook(metadata=nbformat.from_dict(METADATA))))
    assert compare(path, {}).returncode != 0


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("2026-11-21 10:00:00,123 INFO", "2025-01-02 03:04:05,999 INFO"),
        ("moons-2026-11-21-10-00-00-123", "moons-2025-11-21-10-00-00-456"),
        ("took 1.25 s", "took 9 s"),
        ("took 88ms", "took 9.5ms"),
        ("http://127.0.0.1:8321/x", "http://127.0.0.1:40001/x"),
        ("in /tmp/abc/model", "in …/notebook/model"),
        ('<img src="data:image/png;base64,AAAA+/=">', '<img src="data:image/png;base64,BBBB">'),
        ("<f at 0x7f00aa>", "<f at 0x10>"),
    ],
)
def test_what_no_two_runs_share_counts_as_alike(a, b):
    assert alike(a) == alike(b) != a


@pytest.mark.parametrize(
    "text", ["0.927", "precision 0.936", "SVC with C = 100", "(64, 1)", "a/b", "50 % sure", "3 steps"]
)
def test_numbers_and_words_stay(text):
    assert alike(text) == text


@pytest.mark.parametrize(
    ("reference", "now", "allowed"),
    [
        ("0.93", "0.945", True),
        ("0.93", "0.87", False),
        ("71", "73", True),
        ("4", "9", False),
        ("1000", "1040", True),
        ("-0.01", "0.01", True),
        ("0.5", "nan", False),
        ("nan", "nan", False),
        ("inf", "inf", False),
    ],
)
def test_the_tolerance_of_trained_numbers(reference, now, allowed):
    assert TRAINED.allows(reference, now) is allowed
