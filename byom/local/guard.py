"""Runs one command and outlives none of it: `python guard.py LIFELINE [FD,…] -- COMMAND …`.

The server holds the other end of the lifeline, a pipe. A byte through it asks everything to end (SIGTERM); its
closing, which is also what happens when the server is killed, kills the command and everything it ever started.
This file is run by its path and imports nothing of byom, and psutil only where something is left to end, so that a
container costs one small process.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time

GIVE_UP = 10  # seconds; a process of another user, say, can't be killed
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def prctl(option: int, value: int) -> None:
    """Linux's prctl; elsewhere nothing, and only the lifeline guards."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def has_children() -> bool:
    """Whether a child is left, orphans of the command among them. Those that have ended are reaped."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return False
    return True


def kill_descendants() -> None:
    """SIGKILL to every process below this one, also those that left their group, until none is left."""
    import psutil

    def is_alive(process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    me = psutil.Process()
    give_up = time.monotonic() + GIVE_UP
    while alive := [child for child in me.children(recursive=True) if is_alive(child)]:
        for child in alive:
            with contextlib.suppress(psutil.Error):
                child.kill()
        if time.monotonic() > give_up:
            print(f"byom.local: {len(alive)} processes can't be killed: {alive}", file=sys.stderr)
            return
        time.sleep(0.005)


def terminate_descendants() -> None:
    """SIGTERM to all of them: one that left the group could hold the output, for whose end the command may wait."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.terminate()


def main() -> int:
    """Run the command; return its exit status, 128 + n when signal n ended it."""
    lifeline = int(sys.argv[1])
    separator = sys.argv.index("--")
    passed = [int(fd) for fd in sys.argv[2:separator]]
    prctl(PR_SET_CHILD_SUBREAPER, 1)  # orphans of the command become ours, so that we find them
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = subprocess.Popen(
        sys.argv[separator + 1 :],
        pass_fds=passed,
        start_new_session=True,
        preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509 - one thread only
    )
    for fd in passed:
        os.close(fd)
    while child.poll() is None:
        ready, _, _ = select.select([lifeline, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
        if lifeline in ready:
            if not os.read(lifeline, 1):
                break
            terminate_descendants()
    if child.returncode is None or has_children():
        kill_descendants()
    status = child.wait()
    has_children()  # leave no zombies to whoever adopts them
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
