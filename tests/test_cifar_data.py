"""Drawn pictures in CIFAR-10's files: the same however they were made, never half there, and read without harm."""

import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import psutil
import pytest

from byom.data.batches import read_batch, write_batch, write_meta
from byom.data.cifar import CLASSES, CannotMake, Recipe, cifar_folder, described, load_cifar
from byom.data.drawings import draw
from byom.data.drawings.collection import drawn_folder

SMALL = Recipe(train=100, test=20)
FILES = (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BYOM_DATA_ROOT", str(tmp_path_factory.mktemp("data")))
        return drawn_folder(SMALL, workers=2)


@pytest.fixture(autouse=True)
def own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BYOM_DATA_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def kept(made: Path) -> Path:
    """A copy of the pictures, where they are looked for."""
    return Path(shutil.copytree(made.parent, SMALL.folder)) / made.name


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_pictures_are_as_promised(made: Path) -> None:
    train, train_labels = load_cifar(made, train=True)
    test, test_labels = load_cifar(made, train=False)
    assert (train.shape, train.dtype, test.shape) == ((100, 32, 32, 3), np.uint8, (20, 32, 32, 3))
    assert train_labels.dtype == np.int64
    assert np.bincount(train_labels).tolist() == [10] * 10 and np.bincount(test_labels).tolist() == [2] * 10
    assert train_labels.tolist() != sorted(train_labels)
    assert len(np.unique(np.concatenate([train, test]).reshape(120, -1), axis=0)) == 120  # each is another
    expected = draw(int(test_labels[7]), np.random.default_rng([SMALL.seed, 1, 7]))
    assert np.array_equal(test[7], expected)
    assert sorted(contents(made)) == sorted(FILES)
    left = {path.name for path in made.parent.parent.iterdir()}
    assert left == {made.parent.name, ".lock"}  # nothing half made


def test_torchvision_reads_the_same(made: Path) -> None:
    from torchvision.datasets import CIFAR10

    class Unchecked(CIFAR10):  # its checksums are those of the photographs
        train_list: ClassVar = [[name, None] for name, _ in CIFAR10.train_list]
        test_list: ClassVar = [[name, None] for name, _ in CIFAR10.test_list]
        meta: ClassVar = CIFAR10.meta | {"md5": None}

    for train in (True, False):
        theirs = Unchecked(made.parent, train=train)
        pictures, labels = load_cifar(made, train)
        assert np.array_equal(theirs.data, pictures) and theirs.targets == labels.tolist()
        assert tuple(theirs.classes) == CLASSES
    # and the reading that CIFAR-10's page shows
    with (made / "data_batch_2").open("rb") as file:
        content = pickle.load(file, encoding="bytes")
    assert content[b"batch_label"] == b"drawn training batch 2 of 5" and content[b"data"].shape == (20, 3072)
    assert len(content[b"filenames"]) == 20


def test_one_worker_draws_the_same_bytes_and_another_seed_others(made: Path) -> None:
    assert contents(drawn_folder(SMALL, workers=1)) == contents(made)
    other, _ = load_cifar(drawn_folder(Recipe(5, 1, seed=1), workers=9), train=True)
    mine, _ = load_cifar(made, train=True)
    assert not (other[:, None] == mine).all(axis=(2, 3, 4)).any()


def test_what_is_there_is_found_again(kept: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert drawn_folder(SMALL) == kept
    assert {path: path.stat().st_mtime_ns for path in kept.iterdir()} == before


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("data_batch_3", flip, "data_batch_3 is not what was written"),
        ("test_batch", Path.unlink, "test_batch is missing"),
        ("../about.json", lambda path: path.write_text("[]"), "about.json can't be read"),
    ],
)
def test_damaged_pictures_are_drawn_again(
    kept: Path, made: Path, name: str, damage, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(kept / name)
    assert contents(drawn_folder(SMALL)) == contents(made)
    assert f"are damaged ({said}): they are drawn again." in capsys.readouterr().err


def test_killed_it_leaves_no_worker_and_the_next_one_that_waits_draws_all(own_root: Path, made: Path) -> None:
    def start(recipe: str) -> subprocess.Popen[str]:
        code = f"from byom.data.drawings.collection import *; print(drawn_folder({recipe}, workers=2))"
        return subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        )

    with start("Recipe(50_000, 20)") as killed:
        try:
            children: list[psutil.Process] = []
            deadline = time.monotonic() + 60
            while len(children) < 2 and time.monotonic() < deadline:
                children = psutil.Process(killed.pid).children()
                time.sleep(0.02)
            with start("Recipe(100, 20)") as waiting:
                assert waiting.stderr is not None
                assert waiting.stderr.readline() == "Another process is drawing: waiting for it.\n"
                killed.kill()
                folder = waiting.communicate(timeout=60)[0].strip()
        finally:
            killed.kill()
    assert len(children) == 2
    assert contents(Path(folder)) == contents(made)
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
    left = {path.name for path in (own_root / "drawings").iterdir()}
    assert left == {SMALL.folder.name, ".lock"}


def test_a_worker_that_ends_is_an_error_and_leaves_nothing(own_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(CannotMake, match="a worker ended at picture 0: it said nothing"):
        drawn_folder(SMALL)
    assert [path.name for path in (own_root / "drawings").iterdir()] == [".lock"]


def test_a_full_disk_is_an_error_and_leaves_nothing(own_root: Path) -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "from byom.data.drawings.collection import *\n"
        "try: drawn_folder(Recipe(100, 20))\n"
        "except CannotMake as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == f"drawn pictures can't be kept in {own_root / 'drawings'}: File too large\n"
    assert [path.name for path in (own_root / "drawings").iterdir()] == [".lock"]


@pytest.mark.parametrize("wrong", [{"train": 0}, {"train": 12}, {"test": 0}, {"seed": -1}, {"train": 200_000}])
def test_a_recipe_that_makes_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="batch"):
        Recipe(**wrong)


def test_photographs_are_preferred_and_named(own_root: Path, made: Path, kept: Path) -> None:
    assert described(kept) == "drawn pictures in CIFAR-10's format"
    assert described(own_root) == f"the pictures in {own_root.name}"
    shutil.copytree(made, own_root / "cifar10" / made.name)  # as fetching leaves it
    assert cifar_folder() == own_root / "cifar10" / made.name
    assert described(cifar_folder()) == "CIFAR-10"


def by_python_2(labels: bytes, pixels: bytes) -> bytes:
    """A batch of two pictures in the opcodes that CIFAR-10's own files have."""
    return (
        b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03U\x06labelsq\x04]q\x05(" + labels + b"eU"
        b"\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\t(K\x01K\x02"
        b"M\x00\x0c\x86cnumpy\ndtype\nq\nU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T" + len(pixels).to_bytes(4, "little") + pixels + b"tbu."
    )


def test_a_batch_as_python_2_wrote_it(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), dtype="uint8")
    content = by_python_2(b"K\x06K\x09", rows.tobytes())
    assert np.array_equal(pickle.loads(content, encoding="bytes")[b"data"], rows.reshape(2, -1))  # numpy agrees
    (tmp_path / "data_batch_1").write_bytes(content)
    pictures, labels = read_batch(tmp_path / "data_batch_1", 10)
    assert np.array_equal(pictures.transpose(0, 3, 1, 2), rows) and labels.tolist() == [6, 9]


GOOD = by_python_2(b"K\x06K\x09", bytes(6144))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is damaged, or no batch"),
        (b"\x89PNG\r\n", "is damaged, or no batch"),
        (GOOD[:5000], "is damaged, or no batch"),
        (pickle.dumps([1, 2], 2), "it holds a list"),
        (pickle.dumps({"data": 1}, 2), "it has no data and labels"),
        (GOOD.replace(b"M\x00\x0c\x86", b"M\x00\x0d\x86"), "its data is no array of bytes"),
        (GOOD.replace(b"K\x02M\x00\x0c\x86", b"K\x04M\x00\x06\x86"), r"shape \(4, 1536\), and not \(n, 3072\)"),
        (GOOD.replace(b"U\x02u1", b"U\x02i1"), "its data is no array of bytes"),
        (by_python_2(b"K\x06", bytes(6144)), "2 pictures and 1 labels"),
        (by_python_2(b"K\x06K\x0a", bytes(6144)), "the label 10; labels are 0 to 9"),
        (by_python_2(b"K\x06J\xff\xff\xff\xff", bytes(6144)), "the label -1"),
        (by_python_2(b"K\x06\x88", bytes(6144)), "the label True"),
        (by_python_2(b"K\x06U\x01x", bytes(6144)), "the label b'x'"),
    ],
    ids=["empty", "png", "cut", "list", "other", "size", "shape", "kind", "fewer", "ten", "negative", "bool", "text"],
)
def test_a_damaged_batch_is_an_error_that_names_it(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "data_batch_1"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said) as error:
        read_batch(path, 10)
    assert str(path) in str(error.value)


class Touch:
    """A pickle of this makes a file where it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path, made: Path) -> None:
    folder, mark = Path(shutil.copytree(made, tmp_path / "from-elsewhere")), tmp_path / "it-ran"
    for name, key in (("test_batch", "data"), ("batches.meta", "label_names")):
        (folder / name).write_bytes(pickle.dumps({key: Touch(mark)}, 2))
        with pytest.raises(ValueError, match=rf"{name} is refused: it asks for (posix|nt)\.mkdir"):
            load_cifar(folder, train=False)
        assert not mark.exists()
    pickle.loads((folder / "test_batch").read_bytes())
    assert mark.exists()  # it would have


def test_missing_too_large_and_foreign_files_are_errors(tmp_path: Path, made: Path) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "copy"))
    os.truncate(folder / "data_batch_5", 10**10)  # takes no room
    with pytest.raises(ValueError, match="data_batch_5 is too large"):
        load_cifar(folder, train=True)
    (folder / "data_batch_4").unlink()
    with pytest.raises(FileNotFoundError, match="data_batch_4 is missing in"):
        load_cifar(folder, train=True)
    write_meta(folder / "batches.meta", ("apple", "pear"), 20)
    with pytest.raises(ValueError, match="names other classes: apple, pear"):
        load_cifar(folder, train=False)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures, labels = rng.integers(0, 256, (7, 32, 32, 3), dtype="uint8"), rng.integers(0, 10, 7)
    write_batch(tmp_path / "batch", pictures, labels, "seven")
    back = read_batch(tmp_path / "batch", 10)
    assert np.array_equal(back[0], pictures) and np.array_equal(back[1], labels)


@pytest.mark.nightly
def test_convolutions_tell_the_classes_apart_and_a_line_does_not() -> None:
    import torch
    from torch import nn

    torch.manual_seed(0)
    (train, train_labels), (test, test_labels) = (load_cifar(cifar_folder(), part) for part in (True, False))
    x, test_x = (torch.from_numpy(p).permute(0, 3, 1, 2).float() / 127.5 - 1 for p in (train, test))
    y = torch.from_numpy(train_labels)

    def accuracy(model: nn.Module, epochs: int) -> float:
        batches = (len(x) + 63) // 64
        optimizer = torch.optim.Adam(model.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * batches)
        for _ in range(epochs):
            for batch in torch.randperm(len(x)).split(64):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
                schedule.step()
        model.eval()
        with torch.no_grad():
            answers = torch.cat([model(part).argmax(1) for part in test_x.split(500)])
        return float(np.mean(answers.numpy() == test_labels))

    layers: list[nn.Module] = []
    for before, after in ((3, 24), (24, 48), (48, 96)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    assert accuracy(nn.Sequential(*layers, nn.Flatten(), nn.Linear(96 * 16, 10)), 8) >= 0.85
    assert accuracy(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)), 15) <= 0.60
