"""The driving data: four arrays that are the same however they were made, and never half there."""

import fcntl
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from byom.driving import CLOSED_LOOP, CannotMake, Recipe, driving_data
from byom.driving.recording import record, recording_of, save

SMALL = Recipe(train_tracks=2, valid_tracks=1, frames=5)
ARRAYS = ("train_X.npy", "train_Y.npy", "valid_X.npy", "valid_Y.npy")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BYOM_DATA_ROOT", str(tmp_path_factory.mktemp("data")))
        return driving_data(SMALL, workers=2)


@pytest.fixture(autouse=True)
def own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BYOM_DATA_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def kept(made: Path) -> Path:
    """A copy of the data, where it is looked for."""
    return Path(shutil.copytree(made, SMALL.folder))


@pytest.fixture
def arriving() -> Path:
    """Where recordings are kept until all are there."""
    folder = SMALL.folder.with_name(f".{SMALL.folder.name}-arriving")
    folder.mkdir(parents=True)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_arrays_are_as_promised(made: Path) -> None:
    arrays = {name: np.load(made / name, allow_pickle=False) for name in ARRAYS}
    assert {name: (a.shape, a.dtype.name) for name, a in arrays.items()} == {
        "train_X.npy": ((10, 66, 200, 3), "float32"),
        "train_Y.npy": ((10,), "float32"),
        "valid_X.npy": ((5, 66, 200, 3), "float32"),
        "valid_Y.npy": ((5,), "float32"),
    }
    x, y = arrays["train_X.npy"], arrays["train_Y.npy"]
    assert 0 <= x.min() < 100 and 150 < x.max() <= 255  # not scaled to [0, 1]
    assert len(np.unique(y)) > 5 and np.abs(y).max() <= 1
    views, steering = record(SMALL.tracks["valid"][0], 5, seed=0)
    assert np.array_equal(arrays["valid_X.npy"], views) and np.array_equal(arrays["valid_Y.npy"], steering)
    assert sorted(path.name for path in made.iterdir()) == ["about.json", *ARRAYS]
    assert [path.name for path in made.parent.iterdir()] == [made.name]  # nothing else is left


def test_no_track_is_in_both_parts_nor_driven_afterwards() -> None:
    tracks = Recipe(500, 100).tracks
    assert len({*tracks["train"], *tracks["valid"]}) == 600
    assert min(*tracks["train"], *tracks["valid"]) >= len(CLOSED_LOOP)
    assert Recipe(500, 100, seed=1).tracks["train"] != tracks["train"]


def test_one_worker_makes_the_same_bytes(made: Path) -> None:
    assert contents(driving_data(SMALL, workers=1)) == contents(made)


def test_disturbances_depend_on_the_seed_and_never_show_in_the_labels() -> None:
    views, steering = record(12345, 40, seed=0)
    other_views, other_steering = record(12345, 40, seed=1)
    assert np.array_equal(views[0], other_views[0]) and steering[0] == other_steering[0]
    assert not np.array_equal(views[-1], other_views[-1])
    # frames that show a turned car ask for steering against it: much more than the track alone would
    assert max(np.abs(steering).max(), np.abs(other_steering).max()) > 0.4


def test_every_view_shows_where_the_road_goes() -> None:
    # pulled aside, the car leaves the road after a second on this track, and sees nothing but grass for another
    views, _ = record(1566584599, 12, seed=0)
    grey = np.abs(views[..., 1:].astype(int) - 128).max(axis=3) < 12  # the road is grey, grass and kerbs are not
    assert grey.mean(axis=(1, 2)).min() > 0.1


def test_what_is_there_is_found_again(kept: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert driving_data(SMALL) == kept
    assert {path: path.stat().st_mtime_ns for path in kept.iterdir()} == before


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("train_X.npy", flip, "train_X.npy is not what was written"),
        ("valid_X.npy", lambda path: os.truncate(path, 1000), "valid_X.npy is not what was written"),
        ("train_Y.npy", Path.unlink, "train_Y.npy is missing"),
        ("about.json", lambda path: path.write_text("{"), "about.json can't be read"),
        ("about.json", lambda path: path.write_text("[]"), "about.json can't be read"),
        ("about.json", lambda path: path.write_text('{"sha256": 1}'), "about.json can't be read"),
    ],
)
def test_damaged_data_is_made_again(
    kept: Path, made: Path, name: str, damage, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(kept / name)
    assert contents(driving_data(SMALL)) == contents(made)
    assert f"is damaged ({said}): it is made again." in capsys.readouterr().err


def test_recordings_of_an_interrupted_run_are_used_and_damaged_ones_driven_again(
    arriving: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = SMALL.tracks["train"]
    views, steering = record(first, 5, seed=0)
    save(arriving, first, views[::-1], steering)  # recognisable
    save(arriving, second, views, steering)
    os.truncate(recording_of(arriving, second), 30_000)
    (arriving / "whole").mkdir()  # it was interrupted while it joined them
    folder = driving_data(SMALL)
    x, right = np.load(folder / "train_X.npy"), np.load(made / "train_X.npy")
    assert np.array_equal(x[:5], right[:5][::-1]) and np.array_equal(x[5:], right[5:])
    assert " 5/15 " in capsys.readouterr().err  # progress begins with what is there
    assert not arriving.exists()


def test_killed_it_leaves_no_worker_and_no_half_data_and_goes_on(own_root: Path, made: Path) -> None:
    code = "from byom.driving import *; driving_data(Recipe(2, 1, 5), workers=1)"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as maker:
        while not (done := list(own_root.rglob("*.npz"))):
            assert maker.poll() is None
            time.sleep(0.01)
        workers = psutil.Process(maker.pid).children()
        maker.send_signal(signal.SIGKILL)
    assert workers
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive
    assert not SMALL.folder.exists()
    assert done[0].is_file()
    assert contents(driving_data(SMALL)) == contents(made)


def test_a_worker_that_ends_is_told_of(arriving: Path, own_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_root / "gymnasium.py").write_text("raise MemoryError('no memory is left')\n")
    monkeypatch.setenv("PYTHONPATH", str(own_root))
    first = SMALL.tracks["train"][0]
    save(arriving, first, *record(first, 5, seed=0))
    with pytest.raises(CannotMake, match=r"a worker ended while it drove track \d+: MemoryError: no memory is left"):
        driving_data(SMALL, workers=2)
    assert recording_of(arriving, first).is_file() and not SMALL.folder.exists()
    monkeypatch.delenv("PYTHONPATH")
    assert driving_data(SMALL).is_dir()


def test_one_process_at_a_time_makes_the_data(arriving: Path) -> None:
    with arriving.with_name(arriving.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CannotMake, match="another process is making the driving data"):
            driving_data(SMALL)


def test_a_disk_without_room_is_told_of_before_anything_is_driven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**9))
    with pytest.raises(CannotMake, match=r"has 1\.0 GB free, the driving data needs 1\.4 GB"):
        driving_data(Recipe(60, 12, 100))


def test_a_disk_that_fills_up_meanwhile_is_told_of(own_root: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # a drive takes twice as much
    try:
        with pytest.raises(CannotMake, match=r"while it drove track \d+: OSError: \[Errno 27\] File too large"):
            driving_data(SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in own_root.rglob("*.*") if path.suffix in (".part", ".npz", ".npy")] == []


def test_a_folder_that_cant_be_made_is_told_of(own_root: Path) -> None:
    (own_root / "driving").write_text("a file")
    with pytest.raises(CannotMake, match="the driving data can't be kept in"):
        driving_data(SMALL)


@pytest.mark.parametrize(
    "wrong", [{"train_tracks": 0}, {"valid_tracks": -1}, {"frames": 0}, {"seed": -1}], ids=lambda w: next(iter(w))
)
def test_a_recipe_that_makes_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one track each, one frame and a seed from 0 on"):
        Recipe(**wrong)


def test_other_recipes_are_kept_elsewhere(made: Path) -> None:
    assert len({Recipe(2, 1, 5).folder, Recipe(2, 1, 5, 1).folder, Recipe(1, 2, 5).folder, Recipe(2, 1, 6).folder}) == 4
    assert json.loads((made / "about.json").read_text())["tracks"] == SMALL.tracks
