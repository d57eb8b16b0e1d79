"""Units: public and private challenges, the `check` cell both ways, and `byom check`."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from byom.checks import unit as units
from byom.checks.evidence import MIME, decode, encode
from byom.checks.unit import PUBLIC_SEED, available_units, pose, unit

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", available_units())
def test_a_seed_gives_one_challenge_and_another_seed_another(name: str) -> None:
    for check in unit(name):
        one, same, other = (encode(unit(name).challenge(check.name, seed).given) for seed in (7, 7, 8))
        assert one == same
        assert one != other
        assert encode(unit(name).public_challenge(check.name).given) != one


@pytest.mark.parametrize("name", available_units())
def test_challenges_reach_the_learner_whole_and_what_is_withheld_does_not(name: str) -> None:
    for check in unit(name):
        challenge = unit(name).challenge(check.name, PUBLIC_SEED)
        assert set(decode(encode(challenge.given))) == set(challenge.given)
        for answers in challenge.withheld.values():
            assert not any(np.array_equal(answers, given) for given in challenge.given.values())


def test_an_unknown_unit_or_exercise_is_named_with_those_that_exist() -> None:
    with pytest.raises(LookupError, match="no unit 'mars'; there is moons"):
        unit("mars")
    with pytest.raises(KeyError, match="moons has no exercise 'make_tea'; it has make_csv"):
        unit("moons").check("make_tea", None)


def test_a_check_shows_a_table_and_once_posed_only_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[object, bool]] = []
    monkeypatch.setattr("IPython.display.display", lambda what, raw=False: shown.append((what, raw)))
    monkeypatch.setattr(units, "_posed", {})

    def make_csv(x: np.ndarray, y: np.ndarray, filename: str, data_dir: str) -> None:
        raise NotImplementedError

    unit("moons").check("make_csv", make_csv)
    assert "0 of 10 points" in repr(shown[0][0])
    pose("make_csv", encode(unit("moons").challenge("make_csv", 5).given))
    unit("moons").check("make_csv", make_csv)
    data, raw = shown[1]
    assert raw and isinstance(data, dict) and list(data) == [MIME]
    assert "NotImplementedError" in str(decode(data[MIME])["plain"])


def byom_check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from byom.cli import app; app()", "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work") / "my moons"
    shutil.copytree(ROOT / "notebooks" / "moons", folder)
    return folder


def test_byom_check_goes_through_a_unit_and_tells_each_exercise(folder: Path) -> None:
    path = folder / "moons.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "make_csv":
            cell.source = (
                "def make_csv(x, y, filename, data_dir):\n"
                "    __import__('pathlib').Path(data_dir).mkdir(parents=True, exist_ok=True)\n"
                "    rows = zip(np.asarray(y).reshape(-1), np.asarray(x))\n"
                "    with open(os.path.join(data_dir, filename), 'w') as file:\n"
                "        file.writelines(f'{label},{a!r},{b!r}\\n' for label, (a, b) in rows)\n"
            )
    nbformat.write(notebook, path)
    before = path.read_bytes()
    done = byom_check("moons", str(folder))
    assert done.returncode == 1, done.stderr
    assert "make_csv: 10 of 10 points" in done.stdout
    assert "SimpleNet: 0 of " in done.stdout
    assert "NotImplementedError" in done.stdout
    assert "moons: 10 of 44 points" in done.stdout
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mars"], "there is no unit 'mars'"),
        (["moons", "/nowhere"], "there is no notebook /nowhere/moons.ipynb"),
    ],
)
def test_byom_check_says_in_one_sentence_what_there_is_not(arguments: list[str], message: str) -> None:
    done = byom_check(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"cells": 3}'])
def test_byom_check_says_when_a_file_is_no_notebook(tmp_path: Path, content: str) -> None:
    (tmp_path / "moons.ipynb").write_text(content)
    done = byom_check("moons", str(tmp_path))
    assert done.returncode == 2
    assert "is not a notebook" in done.stderr
    assert "Traceback" not in done.stderr
