"""The student zip of the real course gives nothing away, and neither does the rest of the repository."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from authoring.answers import BEGIN, stub
from authoring.build import read
from authoring.course import Course
from authoring.privacy import leaks
from authoring.release import answers_of

COURSE = Course(Path(__file__).resolve().parents[2])


def _release(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "authoring", "release", "--out", str(out), *options]
    return subprocess.run(command, cwd=COURSE.root, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def material():
    """What every unit is made from."""
    return read(COURSE, [])


@pytest.fixture(scope="module")
def answers(material) -> dict[str, str]:
    """The pieces of all answers."""
    return answers_of(COURSE, material)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    """The student zip, made by the command and unpacked."""
    out = tmp_path_factory.mktemp("release")
    done = _release(out)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.iterdir()
    assert done.stdout.strip() == str(path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(out)
    return out / path.stem


def _files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_zip_holds_no_answer(unpacked, answers):
    files = _files(unpacked)
    assert len(files) > 20
    assert leaks(files.items(), answers) == []
    assert {name.split("/")[0] for name in files}.isdisjoint({"solutions", "grading", "authoring", "tests"})
    assert not any(path.is_symlink() for path in unpacked.rglob("*"))


def test_it_has_what_a_computer_without_mxnet_needs(unpacked):
    for name in (".devcontainer/devcontainer.json", ".devcontainer/Dockerfile", "docs/devcontainer.md"):
        assert (unpacked / name).read_bytes() == (COURSE.root / name).read_bytes()


def test_it_has_the_digits_that_stand_in_for_mnist(unpacked):
    here, there = COURSE.root / "byom" / "data" / "stand_in", unpacked / "byom" / "data" / "stand_in"
    assert {file.name: file.read_bytes() for file in there.iterdir()} == {
        f.name: f.read_bytes() for f in here.iterdir()
    }


@pytest.mark.parametrize("unit", COURSE.units())
def test_its_notebooks_are_whole(unpacked, unit):
    folder = unpacked / "notebooks" / unit
    notebook = nbformat.read(folder / f"{unit}.ipynb", as_version=4)
    nbformat.validate(notebook)
    marked = [cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata]
    graded = {facts.grade_id: facts.points for facts in marked if facts.grade}
    checks = COURSE.checks(unit)
    assert graded == {f"check-{check.name}": check.points for check in checks}
    for script in {check.answer for check in checks} - {"notebook"}:
        assert "raise NotImplementedError()" in (folder / script).read_text()


@pytest.mark.parametrize("unit", COURSE.units())
def test_its_package_works_on_its_own(unpacked, unit):
    program = (
        "import byom, pathlib, sys; from byom.checks.unit import unit; u = unit(sys.argv[1]);"
        "assert pathlib.Path(byom.__file__).is_relative_to(pathlib.Path.cwd()), byom.__file__;"
        "assert set(u.public_reference) == {c.name for c in u if c.needs_reference}"
    )
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    subprocess.run([sys.executable, "-c", program, unit], cwd=unpacked, env=environment, check=True)


def test_a_planted_answer_is_found_whichever_it_is(unpacked, material, answers):
    files = _files(unpacked)
    for one in material:
        for module in one.modules:
            for region in module.regions:
                answer = module.lines[region.begin : region.end - 1]
                for name, data in _planted(files, "\n".join(answer)).items():
                    assert leaks([(name, data)], answers), f"{module.path}:{region.begin} is not found in {name}"


def _planted(files: dict[str, bytes], answer: str) -> dict[str, bytes]:
    """An answer in a code cell, in an output and in a script."""
    name = next(name for name in files if name.endswith(".ipynb"))
    in_cell, in_output = json.loads(files[name]), json.loads(files[name])
    in_cell["cells"][-1]["source"] = answer
    in_output["cells"][-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": answer.splitlines(True)}]
    return {
        "cell.ipynb": json.dumps(in_cell).encode(),
        "output.ipynb": json.dumps(in_output).encode(),
        "script.py": f"def helper():\n{answer}\n".encode(),
    }


def test_a_forgotten_marker_is_found(unpacked, answers):
    notebook = next(data for name, data in _files(unpacked).items() if name.endswith(".ipynb"))
    changed = json.loads(notebook)
    changed["cells"][0]["source"] = f"x = 1\n    {BEGIN}\n"
    assert leaks([("a.ipynb", json.dumps(changed).encode())], answers)


def test_what_is_left_without_solutions_and_grading_gives_nothing_away(answers):
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=COURSE.root,
        check=True,
        capture_output=True,
        text=True,
    )
    names = [name for name in listing.stdout.split("\0") if name and not name.startswith(("solutions/", "grading/"))]
    files = {name: (COURSE.root / name).read_bytes() for name in names if (COURSE.root / name).is_file()}
    assert len(files) > 50
    assert leaks(files.items(), answers) == []


def test_worked_notebooks_are_added_after_their_deadline_and_only_then(tmp_path):
    *due, last = COURSE.units()
    done = _release(tmp_path, *(word for unit in due for word in ("--worked", unit)))
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(tmp_path.iterdir())) as archive:
        files = {name.split("/", 1)[1]: archive.read(name).decode(errors="ignore") for name in archive.namelist()}
    assert not any(name.startswith(f"notebooks/{last}/worked") for name in files)
    for unit in due:
        worked = nbformat.reads(files[f"notebooks/{unit}/worked/{unit}-worked.ipynb"], as_version=4)
        assert any(cell.get("outputs") for cell in worked.cells)
        for script in COURSE.solved_scripts(unit).glob("*.py"):
            solved, left = files[f"notebooks/{unit}/worked/source/{script.name}"], script.read_text()
            assert BEGIN not in solved
            assert (stub(left) == left) == (files[f"notebooks/{unit}/source/{script.name}"] == solved)


@pytest.mark.parametrize(
    ("options", "part"),
    [(["--worked", "mons"], "there is no unit 'mons'; there is moons"), ([], "can't be written to")],
)
def test_a_mistake_is_one_sentence(tmp_path, options, part):
    out = tmp_path / "file"
    out.write_text("")
    done = _release(out, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert part in done.stderr
    assert done.stderr.count("\n") == 1
