"""The catalogue of data sets, fetched from a mirror on this machine that holds small files in the same formats."""

import gzip
import hashlib
import http.server
import io
import pickle
import struct
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from byom.data import catalogue
from byom.data.catalogue import CATALOGUE, CannotFetch, File, data_set, fetch
from byom.data.cli import app
from byom.data.digits import described, digits_folder, load_digits


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves ``files`` with byte ranges; cuts an answer short after ``cut`` bytes."""

    files: dict[str, bytes]
    asked: list[tuple[str, str | None]]
    cut: int | None

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        type(self).asked.append((self.path, span))
        if self.path not in self.files:
            self.send_error(404)
            return
        body = self.files[self.path]
        start = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        if start >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if span else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start:][: self.cut])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror on the loopback interface, and an empty folder for data."""
    monkeypatch.setenv("BYOM_DATA_ROOT", str(tmp_path / "data"))
    handler = type("Handler", (Mirror,), {"files": {}, "asked": [], "cut": None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_port}/"
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def idx(array: np.ndarray) -> bytes:
    """An array as MNIST's files hold it."""
    return gzip.compress(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture
def mnist(mirror, monkeypatch):
    """A small MNIST on the mirror: 5 training and 3 test pictures."""
    from torchvision.datasets import MNIST

    rng = np.random.default_rng(0)
    resources = []
    for part, n in (("train", 5), ("t10k", 3)):
        pictures, labels = rng.integers(256, size=(n, 28, 28), dtype="uint8"), np.arange(n, dtype="uint8")
        for name, array in ((f"{part}-images-idx3-ubyte.gz", pictures), (f"{part}-labels-idx1-ubyte.gz", labels)):
            mirror.files[f"/{name}"] = idx(array)
            resources.append((name, md5(mirror.files[f"/{name}"])))
    monkeypatch.setattr(MNIST, "resources", resources)
    monkeypatch.setattr(MNIST, "mirrors", [mirror.url])
    return mirror


def parts(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file()) if folder.exists() else []


def test_mnist_is_fetched_checked_and_loads(mnist):
    from torchvision.datasets import MNIST

    entry = data_set("mnist")
    assert entry.state == "absent"
    folder = fetch(entry)
    assert entry.state == "present"
    assert len(MNIST(folder, train=True)) == 5
    assert MNIST(folder, train=False)[2][1] == 2
    digits = load_digits(digits_folder())
    assert digits["test_label"].tolist() == [0, 1, 2] and described(digits_folder()) == "MNIST"
    assert (digits["train_data"][:, 0] * 255).round().tolist() == MNIST(folder).data.tolist()
    assert [p.name for p in folder.parent.iterdir()] == ["mnist"]


def test_cifar10_is_fetched_checked_and_loads(mirror, monkeypatch):
    from torchvision.datasets import CIFAR10

    def batch(n: int) -> bytes:
        return pickle.dumps({"data": np.zeros((n, 3072), dtype="uint8"), "labels": list(range(n))})

    members = {name: batch(2) for name, _ in CIFAR10.train_list} | {"test_batch": batch(3)}
    members["batches.meta"] = pickle.dumps({"label_names": list("abcdefghij")})
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(f"{CIFAR10.base_folder}/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    mirror.files["/cifar.tar.gz"] = packed.getvalue()
    monkeypatch.setattr(CIFAR10, "url", mirror.url + "cifar.tar.gz")
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(packed.getvalue()))
    monkeypatch.setattr(CIFAR10, "train_list", [[n, md5(members[n])] for n, _ in CIFAR10.train_list])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5(members["test_batch"])]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": md5(members["batches.meta"])})
    folder = fetch(data_set("cifar10"))
    assert len(CIFAR10(folder, train=True)) == 10
    assert len(CIFAR10(folder, train=False)) == 3


def test_a_second_fetch_asks_nobody(mnist):
    fetch(data_set("mnist"))
    asked = len(mnist.asked)
    fetch(data_set("mnist"))
    assert len(mnist.asked) == asked


def test_an_interrupted_download_goes_on_where_it_stopped(mnist):
    entry = data_set("mnist")
    mnist.cut = 100
    with pytest.raises(CannotFetch, match=r"train-images-idx3-ubyte\.gz"):
        fetch(entry)
    assert entry.state == "absent"
    assert "train-images-idx3-ubyte.gz.part" in parts(entry.folder.parent)
    mnist.cut = None
    mnist.asked.clear()
    fetch(entry)
    assert mnist.asked[0] == ("/train-images-idx3-ubyte.gz", "bytes=100-")
    assert entry.state == "present"


def test_a_server_without_ranges_sends_the_whole_file_again(mnist, monkeypatch):
    entry = data_set("mnist")
    mnist.cut = 100
    with pytest.raises(CannotFetch):
        fetch(entry)
    mnist.cut = None
    plain = mnist.do_GET

    def without_ranges(self: Mirror) -> None:
        del self.headers["Range"]
        plain(self)

    monkeypatch.setattr(mnist, "do_GET", without_ranges)
    fetch(entry)
    assert entry.state == "present"


def test_a_complete_part_is_used_as_it_is(mnist):
    entry = data_set("mnist")
    name, _ = _first_resource()
    part = entry.folder.with_name(".mnist-arriving") / "MNIST" / "raw" / f"{name}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(mnist.files[f"/{name}"])
    fetch(entry)
    assert entry.state == "present"


def test_an_unpacking_that_was_killed_is_done_again(mnist):
    from torchvision.datasets import MNIST

    entry = data_set("mnist")
    raw = entry.folder.with_name(".mnist-arriving") / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, _ in MNIST.resources:
        (raw / name).write_bytes(mnist.files[f"/{name}"])
        whole = gzip.decompress(mnist.files[f"/{name}"])
        (raw / name).with_suffix("").write_bytes(whole[:9] if name.startswith("t10k-labels") else whole)
    assert MNIST(fetch(entry), train=False).targets.tolist() == [0, 1, 2]


def _first_resource() -> tuple[str, str]:
    from torchvision.datasets import MNIST

    return MNIST.resources[0]


def test_a_wrong_checksum_is_refused_and_thrown_away(mnist):
    name, _ = _first_resource()
    mnist.files[f"/{name}"] = b"something else"
    with pytest.raises(CannotFetch, match="another checksum"):
        fetch(data_set("mnist"))
    assert parts(catalogue.root()) == []


def test_the_next_mirror_is_tried(mnist, monkeypatch):
    from torchvision.datasets import MNIST

    monkeypatch.setattr(MNIST, "mirrors", [mnist.url + "gone/", mnist.url])
    assert fetch(data_set("mnist")).is_dir()


def test_without_a_network_there_is_one_sentence_and_no_file(mnist, monkeypatch):
    from torchvision.datasets import MNIST

    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])  # the discard port: nobody listens
    result = CliRunner().invoke(app, ["fetch", "mnist"])
    assert result.exit_code == 1
    assert result.stderr.strip().count("\n") == 0
    assert "can't be reached" in result.stderr
    assert list(catalogue.root().iterdir()) == []


def test_what_can_not_be_unpacked_is_thrown_away(mnist, monkeypatch):
    from torchvision.datasets import MNIST

    bad = gzip.compress(b"not an IDX file")
    name, _ = MNIST.resources[0]
    mnist.files[f"/{name}"] = bad
    monkeypatch.setattr(MNIST, "resources", [(name, md5(bad)), *MNIST.resources[1:]])
    with pytest.raises(CannotFetch, match="unpacked"):
        fetch(data_set("mnist"))
    assert parts(catalogue.root()) == []


def test_a_folder_that_can_not_be_made_gets_one_sentence(mnist, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BYOM_DATA_ROOT", str(tmp_path / "file" / "data"))
    with pytest.raises(CannotFetch, match="can't be kept"):
        fetch(data_set("mnist"))


def test_two_fetches_at_once_do_not_mix(mnist):
    entry = data_set("mnist")
    arriving = entry.folder.with_name(".mnist-arriving")
    with catalogue._alone(arriving), pytest.raises(CannotFetch, match="another process"):
        fetch(entry)


def test_list_names_every_data_set_with_its_state(mnist):
    fetch(data_set("mnist"))
    result = CliRunner().invoke(app, ["list"], env={"COLUMNS": "300"})
    assert result.exit_code == 0
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert "present" in rows["mnist"]
    assert "absent" in rows["cifar10"]
    assert "made on the spot" in rows["moons"]


def test_moons_is_made_on_the_spot():
    result = CliRunner().invoke(app, ["fetch", "moons"])
    assert result.exit_code == 0
    assert "made on the spot" in result.stdout


def test_an_unknown_name_gets_the_names_there_are():
    result = CliRunner().invoke(app, ["fetch", "mnits"])
    assert result.exit_code == 2
    assert all(entry.name in result.stderr for entry in CATALOGUE)


def test_torchvision_still_says_where_its_files_are():
    """The real addresses and checksums, which the other tests replace."""
    for name in ("mnist", "cifar10"):
        for file in data_set(name).files():
            assert isinstance(file, File)
            assert file.urls and all(url.startswith("http") for url in file.urls)
            assert len(file.md5) == 32
