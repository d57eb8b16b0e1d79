"""What runs inside the sandbox: copy the submission, take on the limits, become a Jupyter kernel.

It stands alone: of this package the sandbox sees this file only. What it needs arrives as JSON on standard
input, and the kernel's sockets arrive as open file descriptors.
"""

import json
import os
import resource
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

EXIT_SUBMISSION = 65
"""Exit code when the submission's own files prevent a start; the reason is the last line on standard error."""


def _limit(limits: dict[str, int], confined: bool) -> None:
    most_of = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: limits["disk_bytes"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_DATA: limits["memory_bytes"],  # one process gets a MemoryError; the warden adds all up
    }
    if confined:  # counts threads; outside a sandbox also those of the user's other programs
        most_of[resource.RLIMIT_NPROC] = limits["threads"]
    for what, most in most_of.items():
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _copy(source: Path, target: Path) -> None:
    """Copy folders and plain files, writable; links, sockets and pipes stay behind."""
    target.mkdir(parents=True)
    for entry in os.scandir(source):
        if entry.is_dir(follow_symlinks=False):
            _copy(Path(entry.path), target / entry.name)
        elif entry.is_file(follow_symlinks=False):
            shutil.copyfile(entry.path, target / entry.name)
            (target / entry.name).chmod(stat.S_IMODE(entry.stat().st_mode) | 0o600)


def _become_kernel(task: dict[str, Any]) -> None:
    import zmq
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    class Kernel(IPKernelApp):
        """An IPython kernel on listening sockets that were opened for it."""

        def _try_bind_socket(self, s: Any, port: int) -> int:
            s.setsockopt(zmq.USE_FD, task["listening"][port - 1])
            return super()._try_bind_socket(s, port)

        def init_heartbeat(self) -> None:
            """There is none: whoever waits for this kernel watches its process."""

    sys.argv = ["ipykernel_launcher.py"]
    kernel = Kernel.instance(
        transport="ipc",
        ip=task["address"],
        **{f"{channel}_port": port for channel, port in task["ports"].items()},
        connection_file=str(Path(task["home"], ".kernel.json")),
        parent_handle=0 if task["confined"] else task["parent"],
        config=Config(HistoryManager={"hist_file": ":memory:"}),
    )
    kernel.session.key = task["key"].encode()
    kernel.initialize([])
    kernel.start()


def _main() -> None:
    task = json.load(sys.stdin)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    _limit(task["limits"], task["confined"])
    work = Path(task["home"], "work")
    try:
        _copy(Path(task["submission"]), work)
    except OSError as error:
        print(f"its files can't be copied ({error.strerror or error})", file=sys.stderr)
        sys.exit(EXIT_SUBMISSION)
    os.chdir(work)
    _become_kernel(task)


if __name__ == "__main__":
    _main()
