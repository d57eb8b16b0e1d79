"""The sandbox: what a submission's kernel sees of this machine, and how much of it it may use.

Bubblewrap gives the kernel namespaces of its own: no network, no other process, and a file system made of the
system's and Python's read-only files, the `byom` package, one submission and a bounded scratch space. Nothing
of the machine can be written to: not even the sockets through which the kernel is spoken to, which are made
outside and handed in open.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import byom
from grading import syscalls

_LAUNCHER = Path(__file__).with_name("launcher.py")
_ETC = {
    "hosts": "127.0.0.1 localhost byom\n::1 localhost\n",
    "passwd": "student:x:1000:1000:student:/tmp/home:/bin/bash\n",
    "group": "student:x:1000:\n",
}
_PRIVATE = (Path(__file__).parent, Path(__file__).parent.with_name("solutions"))


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Chosen for `moons`, several times what an honest submission needs."""

    cell_seconds: float = 60
    """Wall time of one cell."""

    submission_seconds: float = 240
    """Wall time of all cells together, counted from when the kernel is ready."""

    grace_seconds: float = 3
    """Wall time in which an interrupted cell must end, or the kernel is ended."""

    memory_bytes: int = 3 * 2**30
    """Memory of all processes together, and address space that one of them can fill."""

    processes: int = 96
    """Processes at once, the sandbox's own among them."""

    threads: int = 1536
    """Threads at once, in all processes together."""

    output_bytes: int = 1_000_000
    """Output kept of the whole submission; what comes after is dropped and costs nothing."""

    flood_bytes: int = 50_000_000
    """Output at which a single cell is stopped."""

    disk_bytes: int = 512 * 2**20
    """Scratch files, and as much again of shared memory. Both live in memory."""

    files: int = 100_000
    """Scratch files, empty ones too; likewise in shared memory."""

    open_files: int = 1024
    """File descriptors of one process."""


class Sandbox:
    """The sandbox of one submission.

    Args:
        folder: the submission's folder; read, never written to.
        room: a folder of our own, from `room()`.
        limits: what the submission may use.
        confined: False leaves bubblewrap out: same steps, same limits, but everything the grader can read
            and do, the submission can too.
    """

    def __init__(self, folder: Path, room: Path, limits: Limits, confined: bool = True) -> None:
        self.folder, self.room, self.limits, self.confined = folder.resolve(), room, limits, confined
        self.sockets = room / "sockets"
        self.scratch = Path("/tmp") if confined else room / "scratch"
        self.home = self.scratch / "home"
        for path in (self.sockets,) if confined else (self.sockets, self.scratch):
            path.mkdir(mode=0o700, exist_ok=True)
        for name, text in _ETC.items() if confined else ():
            (room / name).write_text(text)

    @contextlib.contextmanager
    def command(self) -> Iterator[tuple[list[str], list[int]]]:
        """The command that runs the launcher, in the sandbox or, unconfined, as it is, and the file descriptors that
        it must inherit. Both are good for one start."""
        if not self.confined:
            yield [sys.executable, str(_LAUNCHER)], []
            return
        with syscalls.opened() as filtering:
            yield [*_bubblewrap(self.limits, filtering), *self._command()], [filtering]

    def _command(self) -> list[str]:
        return [
            *("--ro-bind", str(self.sockets), str(self.sockets)),
            *("--ro-bind", str(self.folder), "/run/submission"),
            *("--ro-bind", str(_LAUNCHER), "/run/launcher.py"),
            *(part for name in _ETC for part in ("--ro-bind", str(self.room / name), f"/etc/{name}")),
            *("--remount-ro", "/", "--", sys.executable, "/run/launcher.py"),
        ]

    @property
    def submission(self) -> Path:
        """Where the launcher finds the submission's files, to copy them."""
        return Path("/run/submission") if self.confined else self.folder

    @property
    def environment(self) -> dict[str, str]:
        """The kernel's environment variables: no credentials, one core for everybody."""
        return {
            "HOME": str(self.home),
            "TMPDIR": str(self.scratch),
            "USER": "student",
            "LOGNAME": "student",
            "PATH": os.pathsep.join([str(Path(sys.prefix, "bin")), "/usr/local/bin", "/usr/bin", "/bin"]),
            "LANG": "C.UTF-8",
            "MPLCONFIGDIR": str(self.home / ".matplotlib"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",  # a regrade iterates sets in the same order
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # the debugger's warnings about frozen modules
            "AWS_EC2_METADATA_DISABLED": "true",
            **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")},
        }


def missing() -> str | None:
    """One sentence when the sandbox can't be used on this machine, else None. Tries it, in about 0.1 s."""
    if not sys.platform.startswith("linux"):
        return f"The sandbox needs Linux (namespaces); this is {sys.platform}."
    if shutil.which("bwrap") is None:
        return "The sandbox needs bubblewrap 0.8 or newer; there is no bwrap on PATH (Debian: apt install bubblewrap)."
    try:
        with syscalls.opened() as filtering:
            command = [*_bubblewrap(Limits(), filtering), "--", sys.executable, "-c", "import byom"]
            tried = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=60,
                env={},
                pass_fds=[filtering],
                check=False,
            )
    except LookupError as error:
        return f"The sandbox can't be used on this kind of machine: {error.args[0]}."
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"The sandbox needs bubblewrap, and bwrap did not run here ({type(error).__name__})."
    if tried.returncode == 0:
        return None
    said = tried.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1][:300]
    if "unknown option" in said.lower():
        return f"The sandbox needs bubblewrap 0.8 or newer; the one here is older ({said})."
    return f"Bubblewrap can't make a sandbox here ({said}); are unprivileged user namespaces allowed?"


@contextlib.contextmanager
def room() -> Iterator[Path]:
    """A temporary folder of our own for one examination, removed afterwards with all that is in it.

    Rooms of examinations that were killed are removed on the way.
    """
    place = Path(tempfile.gettempdir())
    if len(str(place)) > 60:
        place = Path("/tmp")  # a Unix socket's path has at most 107 bytes
    _sweep(place)
    path = Path(tempfile.mkdtemp(prefix="byom-room-", dir=place))
    try:
        with (path / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    for folder, _, _ in os.walk(path):
        with contextlib.suppress(OSError):
            Path(folder).chmod(0o700)  # whatever a submission made of it
    shutil.rmtree(path, ignore_errors=True)


def _sweep(place: Path) -> None:
    for lock in place.glob("byom-room-*/lock"):
        with contextlib.suppress(OSError), lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held for as long as its examination lives
            if time.time() - lock.stat().st_mtime > 60:  # not one that is just being made
                _remove(lock.parent)


def _bubblewrap(limits: Limits, filtering: int) -> list[str]:
    """bwrap and the options that all sandboxes share; the root is still writable for mount points."""
    size = str(limits.disk_bytes)
    options = [shutil.which("bwrap") or "bwrap"]
    options += ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]
    options += ["--cap-drop", "ALL", "--hostname", "byom", "--die-with-parent", "--new-session", "--as-pid-1"]
    options += ["--seccomp", str(filtering)]
    options += ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = Path("/", name)
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    for name in ("ld.so.cache", "alternatives", "fonts", "localtime", "mime.types", "nsswitch.conf"):
        options += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    options += ["--proc", "/proc", "--dev", "/dev", "--ro-bind-try", *["/sys/devices/system/cpu"] * 2]
    options += ["--size", size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev", "--size", size, "--tmpfs", "/tmp"]
    python = _python()
    for private in _PRIVATE:  # when Python lives above the repository
        if any(private.is_relative_to(folder) for folder in (Path("/usr"), *python)):
            options += ["--tmpfs", str(private)]
    for folder in python:
        options += ["--ro-bind", str(folder), str(folder)]
    package = Path(byom.__file__).parent
    return [*options, "--ro-bind", str(package), str(package)]


def _python() -> list[Path]:
    """The folders that hold this Python: the environment, what it is based on, and where links lead."""
    prefixes = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent]
    folders = dict.fromkeys([*prefixes, *(p.resolve() for p in prefixes)])
    return [f for f in folders if not f.is_relative_to("/usr")]
