"""What the notebooks give to learners: it runs before they have written a line, and it is right."""

import ast
import warnings
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
UNITS = sorted(path.stem for path in NOTEBOOKS.glob("*/*.ipynb") if path.stem == path.parent.name)


def cells(unit: str) -> list:
    return nbformat.read(NOTEBOOKS / unit / f"{unit}.ipynb", as_version=4).cells


def given(unit: str, name: str) -> dict:
    """The names that the cell defining ``name`` makes, imports of the whole cell included."""
    for cell in cells(unit):
        if cell.cell_type == "code" and "sagemaker" not in cell.metadata.get("tags", []):
            defined = [n.name for n in ast.parse(cell.source).body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
            if name in defined:
                names: dict = {"np": np}
                exec(cell.source, names)
                return names
    raise AssertionError(f"no cell of {unit} defines {name}")


def test_there_are_notebooks():
    assert "moons" in UNITS


@pytest.mark.parametrize("unit", UNITS)
def test_a_learner_who_has_written_nothing_meets_no_error_that_is_not_announced(unit):
    """Cells that upload, train or deploy need answers and say so; all others run as they are."""
    notebook = nbformat.v4.new_notebook(
        cells=[cell for cell in cells(unit) if "sagemaker" not in cell.metadata.get("tags", [])],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    failed = set()
    NotebookClient(
        notebook,
        timeout=120,
        allow_errors=True,
        resources={"metadata": {"path": str(NOTEBOOKS / unit)}},
        # not from the outputs: the SageMaker SDK draws its own tracebacks, which are displays
        on_cell_error=lambda cell, **_: failed.add(cell.source),
    ).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert failed == {cell.source for cell in code if "raises-exception" in cell.metadata.get("tags", [])}


class Answers:
    """A predictor with fixed scores."""

    def __init__(self, *scores: float) -> None:
        self.scores = np.array(scores, dtype="float32")[:, None]

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.scores[: len(x)]


@pytest.fixture(scope="module")
def evaluate():
    return given("moons", "evaluate")["evaluate"]


def test_evaluate_counts(evaluate):
    x, y = np.zeros((5, 2)), np.array([0, 0, 1, 1, 1])
    result = evaluate(Answers(0.1, 0.9, 0.8, 0.7, 0.2), x, y)
    assert result["accuracy"] == pytest.approx(3 / 5)
    assert result["precision"] == pytest.approx(2 / 3)
    assert result["recall"] == pytest.approx(2 / 3)
    np.testing.assert_array_equal(result["counts"], [[1, 1], [1, 2]])


@pytest.mark.parametrize("score", [0.0, 1.0])
@pytest.mark.parametrize("label", [0, 1])
def test_evaluate_bears_a_class_that_never_occurs(evaluate, score, label):
    x, y = np.zeros((3, 2)), np.full(3, label)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = evaluate(Answers(score, score, score), x, y)
    assert result["accuracy"] == (score == label)
    assert result["precision"] == (score == label == 1)
    assert result["counts"].shape == (2, 2)
    assert result["counts"][label, int(score)] == 3
