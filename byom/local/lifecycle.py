"""Finding, starting and ending the server of a root folder."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .account import SDK_CONFIG

DEFAULT_PORT = 8321
# what a root folder holds, by what it is for whoever is asked before it goes
_PARTS = {
    "jobs, models, endpoints, configurations": ("state.sqlite", "state.sqlite-wal", "state.sqlite-shm"),
    "S3's objects": ("s3",),
    "logs": ("logs", "server.log"),
    "scratch": ("run", "state.reserve", "server.json", "server.partial", "sagemaker-sdk.yaml", "server.lock"),
}
_ANSWER_WITHIN = 15  # seconds; a server answers in milliseconds, a hung one is none
_started: list[subprocess.Popen[bytes]] = []  # kept, since Python warns of a running child that nobody holds
_END_WITHIN = 15  # seconds


class LocalSageMakerError(RuntimeError):
    """The local server can't be started or used; the text says why in one sentence."""


@dataclass(frozen=True)
class RunningServer:
    """A server that answered: its address and what it said of itself."""

    url: str
    root: Path
    pid: int
    lasting: bool
    holders: list[int]
    training_jobs: list[tuple[str, str]]
    endpoints: list[tuple[str, str]]

    @property
    def page(self) -> str:
        """The address of its page for a browser."""
        return f"{self.url}/_byom/"

    @property
    def sdk_config(self) -> Path:
        """The file that the SageMaker SDK finds by SAGEMAKER_USER_CONFIG_OVERRIDE."""
        return self.root / "sagemaker-sdk.yaml"


def default_root() -> Path:
    """Where the state is unless told otherwise: `BYOM_LOCAL_ROOT`, or `~/.byom/local`."""
    return Path(os.environ.get("BYOM_LOCAL_ROOT") or "~/.byom/local").expanduser()


def announce(root: Path, url: str) -> None:
    """Say where the server of this root is, and what the SageMaker SDK must know; done by the server itself."""
    for name, text in (
        ("sagemaker-sdk.yaml", SDK_CONFIG),
        ("server.json", json.dumps({"url": url, "pid": os.getpid()})),
    ):
        partial = root / "server.partial"
        partial.write_text(text)
        partial.replace(root / name)


def withdraw(root: Path) -> None:
    """Say that there is no server any more."""
    (root / "server.json").unlink(missing_ok=True)


def find(root: Path) -> RunningServer | None:
    """The server of this root, if one answers."""
    root = root.expanduser().resolve()
    try:
        url = json.loads((root / "server.json").read_text())["url"]
        status = _ask(f"{url}/_byom/status")
    except (OSError, ValueError, KeyError):
        return None
    # after a crash the port may belong to the server of another root
    return _running(status) if status.get("root") == str(root) else None


def ensure(root: Path, port: int | None = None, *, lasting: bool = False) -> tuple[RunningServer, bool]:
    """The server of this root, and whether it was started by this call.

    It lives at least as long as this process, or for ever with `lasting`. Raises LocalSageMakerError when it can't
    start, or runs at another port than the one asked for.
    """
    root = root.expanduser().resolve()
    deadline = time.monotonic() + 60
    while True:
        server = find(root)
        if server is not None:
            if port is not None and not server.url.endswith(f":{port}"):
                raise LocalSageMakerError(
                    f"Local SageMaker of {root} already runs at {server.url}, not at port {port}: "
                    "end it first with `byom local down`."
                )
            lease = {"lasting": True} if lasting else {"pid": os.getpid()}
            with contextlib.suppress(OSError):  # it may have ended since
                return _running(_ask(f"{server.url}/_byom/lease", lease)), False
        elif _start(root, port, lasting):
            server = find(root)
            if server is None:
                raise LocalSageMakerError(f"The local server does not answer; {root / 'server.log'} may say why.")
            return server, True
        if time.monotonic() > deadline:
            raise LocalSageMakerError(f"Another process holds {root / 'server.lock'}, and no server answers for it.")
        time.sleep(0.1)  # another process is starting the server


def stop(root: Path) -> bool:
    """End the server of this root and all that it runs; False when there is none."""
    server = find(root)
    if server is None:
        return False
    os.kill(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + _END_WITHIN
    while find(root) is not None or _alive(server.pid):
        if time.monotonic() > deadline:
            raise LocalSageMakerError(f"The server (process {server.pid}) did not end within {_END_WITHIN} s.")
        time.sleep(0.05)
    return True


def stored(root: Path) -> dict[str, tuple[int, int]]:
    """What is kept in this root, by its purpose: the number of files and their bytes. Empty where nothing is."""
    if not (root / "state.sqlite").is_file():
        return {}
    sizes = {what: [size for part in parts for size in _sizes(root / part)] for what, parts in _PARTS.items()}
    return {what: (len(found), sum(found)) for what, found in sizes.items()}


def remove(root: Path) -> None:
    """Remove the state from this root, and the folder when nothing else is in it.

    Raises LocalSageMakerError when a server has it.
    """
    with (root / "server.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LocalSageMakerError(f"A server uses {root}: end it first with `byom local down`.") from None
        for part in (part for parts in _PARTS.values() for part in parts):
            path = root / part
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # somebody else's files are in it
        root.rmdir()


def _sizes(path: Path) -> list[int]:
    files = path.rglob("*") if path.is_dir() else [path]
    return [file.stat().st_size for file in files if file.is_file()]


def _start(root: Path, port: int | None, lasting: bool) -> bool:
    """Start a server and wait until it serves; False when another one was faster."""
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = (root / "server.log").open("a")
    except OSError as error:
        raise LocalSageMakerError(f"Local SageMaker can't keep its state in {root}: {error.strerror}.") from None
    command = [sys.executable, "-P", "-m", "byom.local.server", "--root", str(root)]
    command += ["--port", str(port)] if port is not None else []
    command += [] if lasting else ["--owner", str(os.getpid())]
    search = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    with log:
        process = subprocess.Popen(
            command,
            cwd=root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, search))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the notebook's terminal is not meant for it
        )
    assert process.stdout is not None
    with process.stdout as said:
        if said.readline():
            _started.append(process)
            return True
    code = process.wait()
    if code == 3:  # another server has the root
        return False
    lines = (root / "server.log").read_text(errors="replace").strip().splitlines()
    raise LocalSageMakerError(lines[-1] if lines else f"The local server ended with exit code {code}.")


def _ask(url: str, lease: dict[str, Any] | None = None) -> dict[str, Any]:
    data = json.dumps(lease).encode() if lease else None
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, data, timeout=_ANSWER_WITHIN) as answer:
        return json.load(answer)


def _running(status: dict[str, Any]) -> RunningServer:
    pairs = {key: [(name, state) for name, state in status[key]] for key in ("training_jobs", "endpoints")}
    return RunningServer(**{**status, **pairs, "root": Path(status["root"])})


def _alive(pid: int) -> bool:
    try:
        # a child of ours stays a zombie until we ask for it
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
