"""The driving data: four arrays, split by track, made once and kept.

Nothing is downloaded. Tracks are driven by as many workers as there are cores; each track's drive depends on the seed
and the track alone, so the arrays are the same, byte for byte, however many workers there were.
"""

import contextlib
import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from byom.data.catalogue import root
from byom.driving.recording import recording_of
from byom.driving.view import COLUMNS, ROWS

CLOSED_LOOP = range(10_000)
"""Tracks that are in no data set: they are for driving afterwards."""

_ABOUT = "about.json"


class CannotMake(Exception):
    """The driving data could not be made, with the reason in one sentence. What was recorded so far is kept."""


@dataclass(frozen=True)
class Recipe:
    """What driving data is made from.

    Attributes:
        train_tracks: how many tracks for training.
        valid_tracks: how many others for validation.
        frames: frames of each track, at least 0.16 s from one to the next; a lap has about 100.
        seed: which tracks, and which disturbances.
    """

    train_tracks: int = 60
    valid_tracks: int = 12
    frames: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what nothing can be made from."""
        if min(self.train_tracks, self.valid_tracks, self.frames) < 1 or self.seed < 0:
            raise ValueError(f"driving data needs at least one track each, one frame and a seed from 0 on, not {self}")

    @property
    def tracks(self) -> dict[str, list[int]]:
        """The tracks of ``train`` and of ``valid``; no track is in both."""
        count, first = self.train_tracks + self.valid_tracks, len(CLOSED_LOOP)
        chosen = np.random.default_rng(self.seed).choice(2**31 - first, count, replace=False) + first
        return {"train": chosen[: self.train_tracks].tolist(), "valid": chosen[self.train_tracks :].tolist()}

    @property
    def folder(self) -> Path:
        """Where the data is kept: made by other code or other versions of the game, it lies elsewhere."""
        name = f"{self.train_tracks}+{self.valid_tracks}-tracks-{self.frames}-frames-seed-{self.seed}"
        return root() / "driving" / f"{name}-{_makers()}"


def driving_data(recipe: Recipe | None = None, workers: int | None = None) -> Path:
    """Make the driving data, or find what was made before.

    Args:
        recipe: what to make; the default is meant for a full training.
        workers: how many processes drive; by default one for each core.

    Returns:
        a folder with ``train_X.npy`` and ``valid_X.npy`` (front-camera views, YUV, values 0 to 255, float32, shape
        (n, 66, 200, 3)) and ``train_Y.npy`` and ``valid_Y.npy`` (steering in [-1, 1], float32, shape (n,)). Frames of
        one track follow each other.

    Raises:
        CannotMake: the disk is full, another process is making the same, or a worker ended.
    """
    recipe = recipe or Recipe()
    folder = recipe.folder
    if folder.exists():
        fault = _fault(folder)
        if fault is None:
            return folder
        print(f"The driving data in {folder} is damaged ({fault}): it is made again.", file=sys.stderr)
        shutil.rmtree(folder)
    arriving = folder.with_name(f".{folder.name}-arriving")
    try:
        with _alone(arriving):
            if not folder.exists():  # another process may have made it meanwhile
                _check_room(recipe, arriving)
                _record(recipe, arriving, workers or _cores())
                _assemble(recipe, arriving, folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotMake(f"the driving data can't be kept in {folder.parent}: {reason}") from None
    return folder


def _makers() -> str:
    """A fingerprint of all that decides about the frames: the code of this package and the libraries under it."""
    digest = hashlib.sha256()
    for module in ("road", "controller", "view", "recording", "dataset"):
        digest.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    for library in ("gymnasium", "Box2D", "pygame-ce", "pillow", "numpy"):
        digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()[:8]


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(folder.name + ".lock")
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotMake(f"another process is making the driving data in {folder.parent}: wait for it") from None
        yield
        lock.unlink()


def _check_room(recipe: Recipe, folder: Path) -> None:
    frames = (recipe.train_tracks + recipe.valid_tracks) * recipe.frames
    needed = frames * ROWS * COLUMNS * 3 * (1 + 4)  # recordings are bytes, the arrays float32
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise CannotMake(f"{folder.parent} has {free / 1e9:.1f} GB free, the driving data needs {needed / 1e9:.1f} GB")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _record(recipe: Recipe, folder: Path, count: int) -> None:
    """Have every track driven that isn't recorded yet."""
    from tqdm import tqdm

    tracks = [*recipe.tracks["train"], *recipe.tracks["valid"]]
    missing = [track for track in tracks if _recording(folder, track, recipe.frames) is None]
    have = len(tracks) - len(missing)
    if not missing:
        return
    bar = tqdm(total=len(tracks) * recipe.frames, initial=have * recipe.frames, unit="frame", desc="driving")
    command = [sys.executable, "-m", "byom.driving.worker", str(folder), str(recipe.frames), str(recipe.seed)]
    idle: queue.SimpleQueue[tuple[subprocess.Popen[str], Path]] = queue.SimpleQueue()

    def have_driven(track: int) -> None:
        worker, log = idle.get()
        assert worker.stdin is not None and worker.stdout is not None
        try:
            worker.stdin.write(f"{track}\n")
            worker.stdin.flush()
            answer = worker.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            idle.put((worker, log))
        if answer.strip() != str(track):
            last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
            raise CannotMake(f"a worker ended while it drove track {track}: {last}")

    with bar, contextlib.ExitStack() as workers, ThreadPoolExecutor(count) as pool:
        try:
            for number in range(min(count, len(missing))):
                log = folder / f"worker-{number}.log"
                with log.open("w") as errors:
                    worker = subprocess.Popen(
                        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
                    )
                workers.callback(worker.wait)
                workers.callback(worker.kill)
                idle.put((worker, log))
            for drive in as_completed([pool.submit(have_driven, track) for track in missing]):
                drive.result()
                bar.update(recipe.frames)
        except BaseException:
            workers.close()  # threads that wait for an answer get none, and end
            pool.shutdown(cancel_futures=True)
            raise


def _recording(folder: Path, track: int, frames: int) -> tuple[np.ndarray, np.ndarray] | None:
    """A track's drive, or None where it isn't there whole."""
    try:
        with np.load(recording_of(folder, track), allow_pickle=False) as drive:
            views, steering = drive["views"], drive["steering"]
    except Exception:  # a damaged archive fails in many ways; it is simply made again
        return None
    return (views, steering) if views.shape == (frames, ROWS, COLUMNS, 3) and steering.shape == (frames,) else None


def _assemble(recipe: Recipe, arriving: Path, folder: Path) -> None:
    """Join the recordings to four arrays in a folder that gets its name when it is complete."""
    whole = arriving / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    whole.mkdir()
    for part, tracks in recipe.tracks.items():
        count = len(tracks) * recipe.frames
        header = {"descr": "<f4", "fortran_order": False}
        # written as a file, not mapped into memory: a full disk is then an error and not the end of the process
        with (whole / f"{part}_X.npy").open("wb") as x, (whole / f"{part}_Y.npy").open("wb") as y:
            np.lib.format.write_array_header_1_0(x, header | {"shape": (count, ROWS, COLUMNS, 3)})
            np.lib.format.write_array_header_1_0(y, header | {"shape": (count,)})
            for track in tracks:
                drive = _recording(arriving, track, recipe.frames)
                if drive is None:
                    raise CannotMake(f"the recording of track {track} can't be read back: start again to drive it anew")
                views, steering = drive
                x.write(views.astype("<f4").tobytes())
                y.write(steering.astype("<f4").tobytes())
    sums = {path.name: _checksum(path) for path in sorted(whole.glob("*.npy"))}
    about = {"recipe": asdict(recipe), "tracks": recipe.tracks, "sha256": sums}
    (whole / _ABOUT).write_text(json.dumps(about, indent=1) + "\n")
    whole.rename(folder)
    shutil.rmtree(arriving)


def _fault(folder: Path) -> str | None:
    """What is wrong with data that was made before."""
    try:
        sums = dict(json.loads((folder / _ABOUT).read_text())["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{_ABOUT} can't be read"
    for part in ("train_X", "train_Y", "valid_X", "valid_Y"):
        path = folder / f"{part}.npy"
        if not path.is_file():
            return f"{path.name} is missing"
        if _checksum(path) != sums.get(path.name):
            return f"{path.name} is not what was written"
    return None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
