"""`load_data`: the driving data, read from its files and looked at before anything is trained with it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record, few
from byom.checks.process import scratch
from byom.checks.robostig.transform import channels_first, numbers

FILES = ("train_X.npy", "train_Y.npy", "valid_X.npy", "valid_Y.npy")
NAMES = tuple(name.removesuffix(".npy") for name in FILES)


class LoadData(Check):
    """`load_data`: the driving data, read from its files and looked at before anything is trained with it."""

    name = "load_data"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Views of noise, and steering; more of them for training."""
        count = {"train": 3, "valid": 2}
        given = {f"{part}_X": rng.integers(0, 256, (n, 66, 200, 3), dtype="uint8") for part, n in count.items()}
        return Challenge(given | {f"{part}_Y": rng.uniform(-1, 1, n).astype("float32") for part, n in count.items()})

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """What is read from good files; and what is said of each file that isn't good."""
        record = Record()
        with scratch() as folder, _right_transform(learner, given):
            _write(folder, given, *NAMES)
            arrays = record.whole(lambda: list(learner(str(folder))))
            if arrays is None:
                return record
            for place, array in enumerate(arrays[: len(NAMES)]):
                record.attempt(f"array {place}", partial(numbers, array))
            for fault, (spoil, files) in FAULTS.items():
                record[fault] = {}
                for file in files:
                    spoil(folder / file)
                    record[fault][file] = _said(learner, folder)
                    _write(folder, given, file.removesuffix(".npy"))
            record["ran"] = (folder / "ran").exists()
        return record

    @criterion(
        1,
        "The numbers of all four files come back",
        "It returns four arrays. Are the views among them, and the steering as it was driven?",
    )
    def reads(self, seen: Exhibits) -> Outcome:
        """The same numbers as in the files; their shapes and their order are another matter."""
        got = [np.sort(seen.evidence.array(f"array {place}", expected="four arrays"), None) for place in range(4)]
        wanted = [np.sort(seen.challenge.given[name].astype("float32"), None) for name in NAMES]
        missing = [name for name, w in zip(NAMES, wanted, strict=True) if not any(map(partial(_same, w), got))]
        return expect(not missing, "all numbers of four files", f"without those of {', '.join(missing)}")

    @criterion(
        1,
        "They come in the promised order, as transform makes them",
        "Print their shapes. Which of the four belongs where, and has each pair been through transform?",
        rests_on="reads",
    )
    def transformed(self, seen: Exhibits) -> Outcome:
        """Views with the channels first, steering as columns; training first."""
        for place, name in enumerate(NAMES):
            wanted = _transformed(seen.challenge.given, name)
            got = seen.evidence.array(f"array {place}", wanted.shape)
            if not _same(got, wanted):
                return expect(False, f"{name}, beginning {few(wanted.ravel())}", few(got.ravel()))
        return expect(True, "train_X, train_Y, valid_X, valid_Y", "train_X, train_Y, valid_X, valid_Y")

    @criterion(
        1,
        "A missing file is a FileNotFoundError that names it",
        "What does numpy say about a file that isn't there, and does it get through your own except?",
        rests_on="reads",
    )
    def missing(self, seen: Exhibits) -> Outcome:
        """Each of the four."""
        return _refused(seen, "missing", kind="FileNotFoundError")

    @criterion(
        1,
        "A damaged file is a ValueError that names it",
        "Cut one file in half and read it. Which of the four does numpy's message mean?",
        rests_on="reads",
    )
    def damaged(self, seen: Exhibits) -> Outcome:
        """Cut off, empty, no NPY file."""
        return _refused(seen, "cut off", "empty", "no NPY file")

    @criterion(
        1,
        "Pickled objects are never opened",
        "A pickle is a program, and loading runs it. Which argument of numpy.load decides?",
        rests_on="reads",
    )
    def pickled(self, seen: Exhibits) -> Outcome:
        """Files with objects are refused, and the program in them did not run."""
        if seen.evidence.flag("ran", "files with objects left alone"):
            return expect(False, "files with objects left alone", "the program inside one ran")
        return _refused(seen, "pickled")

    @criterion(
        1,
        "Arrays of another shape are refused",
        "Views lie on disk as (n, 66, 200, 3), steering as (n,). Which of the axes do you compare?",
        rests_on="reads",
    )
    def shapes(self, seen: Exhibits) -> Outcome:
        """Channels first, no channels, another size, a single view; steering with throttle."""
        return _refused(seen, "channels first", "grey", "another size", "one view", "two columns")

    @criterion(
        1,
        "Arrays of another type are refused",
        "Bytes would be scaled as pixels are, but what comes out of a float64 in MXNet? Where can you see the type?",
        rests_on="reads",
    )
    def types(self, seen: Exhibits) -> Outcome:
        """Bytes and float64, for views and for steering."""
        return _refused(seen, "float64", "bytes")

    @criterion(
        1,
        "Views and steering that are not equally many are refused",
        "Which view belongs to which number, when one is missing in the middle?",
        rests_on="reads",
    )
    def lengths(self, seen: Exhibits) -> Outcome:
        """One number or one view less; either file may be named."""
        return _refused(seen, "one less", pairs=True)

    @criterion(
        1,
        "A NaN among the steering is refused",
        "One NaN makes every loss NaN from its batch on. When would you rather know?",
        rests_on="reads",
    )
    def numbers(self, seen: Exhibits) -> Outcome:
        """NaN in one place."""
        return _refused(seen, "NaN")


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=0)


def _spoil(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Replaces the array in a file by what ``change`` makes of it."""
    return lambda path: np.save(path, change(np.load(path)))


class _Program:
    """Leaves a file where it was run."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path, "w")


def _pickle(path: Path) -> None:
    array = np.empty(3, dtype=object)
    array[:] = [_Program(str(path.parent / "ran"))] * 3
    np.save(path, array)


def _with_nan(array: np.ndarray) -> np.ndarray:
    array[-1] = np.nan
    return array


VIEWS, STEERING = FILES[::2], FILES[1::2]
FAULTS: Mapping[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "missing": (Path.unlink, FILES),
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-5]), FILES),
    "empty": (lambda path: path.write_bytes(b""), FILES),
    "no NPY file": (lambda path: path.write_text("0.1,0.2\n0.3,0.4\n"), FILES),
    "pickled": (_pickle, FILES),
    "channels first": (_spoil(channels_first), VIEWS),
    "grey": (_spoil(lambda x: x[..., 0]), VIEWS),
    "another size": (_spoil(lambda x: x[:, :64]), VIEWS),
    "one view": (_spoil(lambda x: x[0]), VIEWS),
    "two columns": (_spoil(lambda y: np.stack([y, y], axis=1)), STEERING),
    "float64": (_spoil(lambda array: array.astype("float64")), FILES),
    "bytes": (_spoil(lambda array: array.astype("uint8")), FILES),
    "one less": (_spoil(lambda array: array[:-1]), FILES),
    "NaN": (_spoil(_with_nan), STEERING),
}
"""What is done to a file, and which files have that done to them, one at a time."""


def _write(folder: Path, given: Mapping[str, Any], *names: str) -> None:
    for name in names:
        np.save(folder / f"{name}.npy", given[name].astype("float32"))


def _said(learner: Any, folder: Path) -> list[Any]:
    """Which kinds of error were raised, which files the message names, and its beginning."""
    try:
        learner(str(folder))
    except (Exception, SystemExit) as error:
        said = str(error)
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return [kinds, [file for file in FILES if file in said], f"{type(error).__name__}: {said}"[:200]]
    return [[], [], "arrays, as if nothing were wrong"]


def _refused(seen: Exhibits, *faults: str, kind: str = "ValueError", pairs: bool = False) -> Outcome:
    """Whether each file with one of the faults was refused by its name."""
    for fault in faults:
        found = seen.evidence.mapping(fault, f"files that are refused: {fault}")
        for file in FAULTS[fault][1]:
            kinds, named, said = found[file]
            either = {file, file.translate(str.maketrans("XY", "YX"))} if pairs else {file}
            if kind not in kinds or not either & set(named):
                return expect(False, f"a {kind} that names {file} ({fault})", said)
    return expect(True, "each refused by its name", "each refused by its name")


def _transformed(given: Mapping[str, Any], name: str) -> np.ndarray:
    """An array of the challenge as a right transform gives it."""
    array = given[name].astype("float32")
    return channels_first(array) if array.ndim == 4 else array[:, None]


@contextlib.contextmanager
def _right_transform(learner: Any, given: Mapping[str, Any]) -> Iterator[None]:
    """Have ``learner`` call a transform that is right, as long as the notebook's own isn't: that has its own check."""
    names: dict[str, Any] = getattr(learner, "__globals__", {})
    own: Any = names.get("transform")
    x, y = given["train_X"].astype("float32"), given["train_Y"]
    wanted = [_transformed(given, name) for name in NAMES[:2]]
    try:
        right = all(map(np.array_equal, own(x, y), wanted))
    except Exception:  # no transform yet, or one that can't do it
        right = False
    if not right:
        names["transform"] = lambda x, y: (channels_first(x), y.reshape(-1, 1))
    try:
        yield
    finally:
        if not right:
            names.pop("transform", None)
            names.update({} if own is None else {"transform": own})
