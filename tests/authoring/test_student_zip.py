"""The student zip: only what is allowed, the same bytes each time, and no answer in it."""

import json
import zipfile
from pathlib import Path

import nbformat
import pytest

from authoring.answers import BEGIN, squeezed
from authoring.build import build
from authoring.course import Course
from authoring.privacy import Leak, leaks
from authoring.release import Leaky, ReleaseError, release


@pytest.fixture
def published(course: Course, monkeypatch) -> Course:
    """The toy course, built, with what else a release needs."""
    monkeypatch.setattr("authoring.worked.execute", _as_if_executed)
    (course.root / "solutions" / "index.md").write_text("# Contents\n\nSee `docs/a.md`.\n")
    for name, text in {
        "README.md": "# For all",
        "docs/student-README.md": "# For students",
        "docs/a.md": "More in docs/b.md.",
        "docs/b.md": "And back to docs/a.md.",
        "docs/for-authors.md": "Nobody's business.",
        "LICENSE": "",
        "LICENSE-lessons": "",
        "environment.yml": "name: byom",
        ".devcontainer/devcontainer.json": "{}",
        ".devcontainer/Dockerfile": "FROM python",
        ".devcontainer/notes.txt": "Nobody's business.",
        "pyproject.toml": '[project]\nversion = "1.2.3"\n',
        "byom/__init__.py": "",
        "byom/page.html": "<p>",
        "byom/gradebook.db": "secret",
        "byom/__pycache__/x.pyc": "secret",
        "authoring/x.py": "secret",
        "notebooks/toy/data/train.csv": "left by a learner",
    }.items():
        path = course.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    build(course, [], say=lambda line: None)
    return course


def _as_if_executed(notebook, scripts, progress):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = 1, [nbformat.v4.new_output("stream", text="printed\n")]
    return notebook


STUDENTS = [
    ".devcontainer/Dockerfile",
    ".devcontainer/devcontainer.json",
    "LICENSE",
    "LICENSE-lessons",
    "README.md",
    "byom/__init__.py",
    "byom/checks/public/toy.json",
    "byom/page.html",
    "docs/a.md",
    "docs/b.md",
    "environment.yml",
    "notebooks/index.ipynb",
    "notebooks/toy/source/model.py",
    "notebooks/toy/toy.ipynb",
    "pyproject.toml",
]


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


def test_it_holds_what_is_allowed_and_nothing_else(published, tmp_path):
    path = release(published, tmp_path / "new" / "folder", [])
    assert path == tmp_path / "new" / "folder" / "byom-course-1.2.3.zip"
    assert {name.split("/")[0] for name in zipfile.ZipFile(path).namelist()} == {"byom-course-1.2.3"}
    files = contents(path)
    assert sorted(files) == STUDENTS
    assert files["README.md"] == b"# For students"
    assert files["notebooks/toy/source/model.py"] == (published.stub_scripts("toy") / "model.py").read_bytes()
    assert files["notebooks/toy/toy.ipynb"] == published.notebook("toy").read_bytes()
    assert list(path.parent.iterdir()) == [path]


def test_it_is_the_same_bytes_each_time(published, tmp_path):
    first = release(published, tmp_path / "a", []).read_bytes()
    (published.root / "byom" / "__init__.py").touch()
    assert release(published, tmp_path / "b", []).read_bytes() == first


def test_a_worked_notebook_goes_in_when_asked(published, tmp_path):
    files = contents(release(published, tmp_path, ["toy"]))
    added = sorted(set(files) - set(STUDENTS))
    assert added == ["notebooks/toy/worked/source/model.py", "notebooks/toy/worked/toy-worked.ipynb"]
    assert b"printed" in files[added[1]]
    assert b"the_constant_to_add = float(constant)" in files[added[0]]
    assert BEGIN.encode() not in b"".join(files.values())


@pytest.mark.parametrize(
    ("break_it", "part"),
    [
        (lambda root: (root / "environment.yml").unlink(), "environment.yml is missing"),
        (lambda root: (root / "docs" / "b.md").unlink(), "docs/b.md is missing, and docs/a.md names it"),
        (lambda root: (root / "source" / "toy" / "model.py").write_text(""), "the build is out of date"),
    ],
)
def test_what_is_missing_or_out_of_date_is_one_sentence(published, tmp_path, break_it, part):
    break_it(published.root)
    with pytest.raises(ReleaseError, match=part) as refused:
        release(published, tmp_path / "out", [])
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_an_unknown_unit_and_a_folder_that_is_none(published, tmp_path):
    with pytest.raises(ReleaseError, match="no unit 'index'; there is toy"):
        release(published, tmp_path, ["index"])
    (tmp_path / "file").write_text("")
    with pytest.raises(ReleaseError, match="can't be written to"):
        release(published, tmp_path / "file", [])


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        (
            "byom/helper.py",
            "y = self.the_constant_to_add  =  float( constant )",
            "holds the answer on solutions/toy/source/",
        ),
        ("byom/page.html", f"    {BEGIN}\n", "holds the marker '### BEGIN SOLUTION'"),
    ],
)
def test_a_planted_answer_stops_it(published, tmp_path, name, text, part):
    (published.root / name).write_text(text)
    with pytest.raises(Leaky, match=part) as refused:
        release(published, tmp_path / "out", [])
    assert refused.value.found[0].file == name
    assert not (tmp_path / "out").exists()


def _notebook(**changes) -> bytes:
    cell = {"cell_type": "code", "source": ["x = 1"], "outputs": [], "execution_count": None, "metadata": {}}
    return json.dumps({"cells": [{**cell, **changes}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("a.ipynb", _notebook(source=["x =\n", "  an_answer('quoted', 2)"]), "holds the answer on here"),
        ("a.ipynb", _notebook(outputs=[{"text": ["x = an_answer('quoted', 2)"]}]), "holds the answer on here"),
        ("a.ipynb", _notebook(outputs=[{"text": "x"}]), "holds outputs"),
        ("a.ipynb", _notebook(execution_count=3), "holds outputs"),
        ("a.ipynb", _notebook(metadata={"jupytext": {}}), "holds metadata of jupytext"),
        ("a.ipynb", _notebook(source="```{exercise} toy.double\n```"), "holds a directive of the lesson's source"),
        ("a.ipynb", _notebook(source="  ### BEGIN HIDDEN TESTS\n"), "holds the marker '### BEGIN HIDDEN TESTS'"),
        ("a.ipynb", b'{"cells": []}', "is a notebook without cells"),
        ("a.ipynb", b"[]", "is a notebook without cells"),
        ("a.ipynb", b"{", "is no notebook"),
        ("a.py", b"x = an_answer(\n    'quoted',\n    2)", "holds the answer on here"),
        ("a.py", b"\xff\xfe x = an_answer('quoted', 2)", "holds the answer on here"),
        ("a.py", b"x = 1\n# END SOLUTION", "holds the marker '# END SOLUTION'"),
    ],
)
def test_the_search_finds(name, data, what):
    answers = {squeezed("x = an_answer('quoted', 2)"): "here"}
    assert Leak(name, what) in leaks([(name, data)], answers)


def test_the_search_is_content_with_what_is_clean():
    clean = {
        "a.ipynb": _notebook(),
        "a.py": b"MARK = '### BEGIN SOLUTION'",
        "a.md": b"    ### BEGIN SOLUTION",
        "a.png": b"\x89PNG",
    }
    assert leaks(clean.items(), {"y": "z"}) == []
