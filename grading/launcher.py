"""What runs inside the sandbox: copy the submission, take on the limits, guard a Jupyter kernel.

It stands alone: of this package the sandbox sees this file only. What it needs arrives as JSON on standard
input, and the kernel's sockets arrive as open file descriptors.
"""

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import stat
import sys
from pathlib import Path
from typing import Any

EXIT_SUBMISSION = 65
"""Exit code when the submission's own files prevent a start; the reason is the last line on standard error."""

EXIT_PROCESSES = 66
"""Exit code when there were too many processes."""

EXIT_FILES = 67
"""Exit code when there were too many files; a file system bounds what is in them, not how many there are."""


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


def _guard(kernel: int, limits: dict[str, int]) -> int:
    """Be the first process of a pid namespace: bury the dead, and end everybody when there are too many.

    When this process ends, with the kernel or before it, the system ends all the others. They can't end this one.
    Counting here takes so little that even a fork bomb leaves the time for it.
    """
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: nobody looks into this process or steers it
    while True:
        signal.sigtimedwait({signal.SIGCHLD}, 0.05)
        with contextlib.suppress(ChildProcessError):
            while (died := os.waitpid(-1, os.WNOHANG))[0]:
                if died[0] == kernel:
                    code = os.waitstatus_to_exitcode(died[1])
                    return code if code >= 0 else 128 - code
        if sum(entry.name.isdigit() for entry in os.scandir("/proc")) > limits["processes"]:
            return EXIT_PROCESSES
        for place in "/tmp", "/dev/shm":
            counts = os.statvfs(place)
            if counts.f_files - counts.f_ffree > limits["files"]:
                return EXIT_FILES


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
    del sys.path[0]  # this file's folder
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
    if os.getpid() == 1:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        kernel = os.fork()
        if kernel:
            os._exit(_guard(kernel, task["limits"]))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # an interrupt is for the kernel and the programs it runs
    _become_kernel(task)


if __name__ == "__main__":
    _main()
