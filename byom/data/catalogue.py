"""The data sets of the course: name, origin, and whether they are here.

What is fetched, from where and with which checksums is torchvision's own knowledge; so is unpacking. What is added
here is that an interrupted download goes on where it stopped, and that a data set is either there whole or not at
all.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT = 30.0
"""Seconds without an answer after which a server is given up."""


@dataclass(frozen=True)
class File:
    """A file to download: its path inside torchvision's folder, where it may be found, its MD5 checksum."""

    path: str
    urls: tuple[str, ...]
    md5: str


@dataclass(frozen=True)
class DataSet:
    """An entry of the catalogue.

    A data set whose ``files`` is None is made on the spot and never fetched.
    """

    name: str
    what: str
    size: str
    source: str
    units: tuple[str, ...]
    files: Callable[[], list[File]] | None = None
    unpack: Callable[[Path], Any] | None = None

    @property
    def folder(self) -> Path:
        """Where it is once it has been fetched: the ``root`` that torchvision's classes ask for."""
        return root() / self.name

    @property
    def state(self) -> str:
        """``made on the spot``, ``present`` or ``absent``."""
        if self.files is None:
            return "made on the spot"
        return "present" if self.folder.is_dir() else "absent"


class CannotFetch(Exception):
    """A data set could not be fetched, with the reason in one sentence."""


def root() -> Path:
    """The folder of all data sets: ``BYOM_DATA_ROOT``, or ``~/.byom/data``."""
    return Path(os.environ.get("BYOM_DATA_ROOT") or "~/.byom/data").expanduser()


def data_set(name: str) -> DataSet:
    """The entry called ``name``.

    Raises:
        LookupError: there is no such data set.
    """
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    raise LookupError(f"there is no data set {name!r}; there is {', '.join(e.name for e in CATALOGUE)}")


def fetch(entry: DataSet) -> Path:
    """Fetch a data set and unpack it, unless it is here already.

    Files arrive in a hidden folder beside the final one and are moved when all of them are checked and unpacked. A
    download that was interrupted goes on where it stopped.

    Returns:
        the data set's folder.

    Raises:
        CannotFetch: no server answered, or what came is not what was asked for.
        ValueError: this data set is made on the spot.
    """
    if entry.files is None or entry.unpack is None:
        raise ValueError(f"{entry.name} is made on the spot: there is nothing to fetch")
    if entry.folder.is_dir():
        return entry.folder
    arriving = entry.folder.with_name(f".{entry.name}-arriving")
    try:
        with _alone(arriving):
            if entry.folder.is_dir():  # another process fetched it meanwhile
                return entry.folder
            for file in entry.files():
                _download(file, arriving / file.path)
            _unpack(entry, arriving)
            (arriving / _LOCK).unlink()
            arriving.rename(entry.folder)
    except OSError as error:
        raise CannotFetch(f"{entry.name} can't be kept in {entry.folder.parent}: {error.strerror or error}") from None
    finally:
        _remove_if_empty(arriving)
    return entry.folder


_LOCK = ".lock"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make ``folder`` and keep other processes out of it."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotFetch(f"another process is fetching into {folder}: wait for it") from None
        yield


def _unpack(entry: DataSet, folder: Path) -> None:
    assert entry.unpack is not None
    try:
        entry.unpack(folder)
    except Exception as error:  # archives break in many ways
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault: what was fetched is kept
        shutil.rmtree(folder, ignore_errors=True)
        raise CannotFetch(
            f"{entry.name} can't be unpacked ({type(error).__name__}: {error}), and was thrown away"
        ) from None


def _download(file: File, path: Path) -> None:
    if path.is_file():
        return  # it was checked before it got its name
    import httpx

    path.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    for url in file.urls:
        part = path.with_name(path.name + ".part")
        try:
            _append(url, part)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reasons.append(f"{httpx.URL(url).host}: {_reason(error)}")
            continue
        if _md5(part) == file.md5:
            part.rename(path)
            return
        part.unlink()
        reasons.append(f"{httpx.URL(url).host}: what it sent has another checksum, and was thrown away")
    raise CannotFetch(f"{path.name} could not be fetched ({'; '.join(reasons)})")


def _append(url: str, part: Path) -> None:
    """Download ``url`` to ``part``, or what of it isn't there yet."""
    import httpx
    from tqdm import tqdm

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is there; the checksum tells whether it is right
        answer.raise_for_status()
        if answer.status_code != httpx.codes.PARTIAL_CONTENT:
            have = 0  # the server sends the whole file
        left = int(answer.headers.get("Content-Length", 0))
        with (
            part.open("ab" if have else "wb") as out,
            tqdm(total=have + left or None, initial=have, unit="B", unit_scale=True, desc=part.stem) as bar,
        ):
            for chunk in answer.iter_raw():
                out.write(chunk)
                bar.update(len(chunk))


def _reason(error: Exception) -> str:
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return f"answered {error.response.status_code}"
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, httpx.ConnectError):
        return "can't be reached"
    return str(error) or type(error).__name__


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _remove_if_empty(folder: Path) -> None:
    """Remove a folder in which nothing has arrived."""
    kept = [p for p in folder.rglob("*") if p.is_file() and p.name != _LOCK and p.stat().st_size]
    if not kept:
        shutil.rmtree(folder, ignore_errors=True)


def _mnist_files() -> list[File]:
    from torchvision.datasets import MNIST

    return [
        File(f"MNIST/raw/{name}", tuple(f"{mirror}{name}" for mirror in MNIST.mirrors), md5)
        for name, md5 in MNIST.resources
    ]


def _unpack_mnist(folder: Path) -> None:
    from torchvision.datasets import MNIST

    for name, _ in MNIST.resources:  # of an unpacking that was killed; torchvision would take it for complete
        (folder / "MNIST" / "raw" / name).with_suffix("").unlink(missing_ok=True)
    MNIST(folder, download=True)  # finds the files, checks them again, unpacks and reads them


def _cifar10_files() -> list[File]:
    from torchvision.datasets import CIFAR10

    return [File(CIFAR10.filename, (CIFAR10.url,), CIFAR10.tgz_md5)]


def _unpack_cifar10(folder: Path) -> None:
    from torchvision.datasets import CIFAR10

    CIFAR10(folder, download=True)


CATALOGUE = (
    DataSet(
        "moons",
        "two classes of points in the shape of half moons",
        "600 points",
        "scikit-learn's make_moons",
        ("moons",),
    ),
    DataSet(
        "digits",
        "handwritten digits, 8 × 8 pixels, grey; in MNIST's form they stand in for it",
        "1,797 pictures",
        "scikit-learn's load_digits",
        ("digits", "contract"),
    ),
    DataSet(
        "driving",
        "what a camera on a car sees, and how a controller steers",
        "1.1 GB in full",
        "Gymnasium's CarRacing-v3, driven by byom.driving",
        ("robostig",),
    ),
    DataSet(
        "drawings",
        "ten kinds of things drawn from shapes, in CIFAR-10's form, a stand-in for it as long as it is absent",
        "12,000 pictures",
        "drawn by byom.data.drawings",
        ("cifar10",),
    ),
    DataSet(
        "mnist",
        "70,000 handwritten digits, 28 × 28 pixels, grey",
        "12 MB",
        "Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0",
        ("digits",),
        _mnist_files,
        _unpack_mnist,
    ),
    DataSet(
        "cifar10",
        "60,000 photographs of ten kinds of things, 32 × 32 pixels, colour",
        "170 MB",
        "A. Krizhevsky, V. Nair, G. Hinton; no licence stated, cite the 2009 report",
        ("cifar10",),
        _cifar10_files,
        _unpack_cifar10,
    ),
)
"""All data sets, in teaching order."""
