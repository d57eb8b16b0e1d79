"""The kernel of one submission, as Jupyter's kernel provisioner starts and ends it."""

import dataclasses
import json
import os
import secrets
import signal
import socket
import subprocess
from contextlib import ExitStack
from typing import Any

import zmq.asyncio
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerBase

from grading.launcher import EXIT_FILES, EXIT_PROCESSES, EXIT_SUBMISSION
from grading.sandbox import Sandbox
from grading.warden import Warden

_PORTS = {"shell": 1, "iopub": 2, "stdin": 3, "control": 4}


class SandboxProvisioner(KernelProvisionerBase):
    """Starts a kernel in ``sandbox``, on Unix sockets that are opened out here and handed in.

    So no folder is shared with the kernel, and nothing it does to a path is followed by anyone out here.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self.sandbox = sandbox
        self._process: subprocess.Popen[bytes] | None = None
        self._warden: Warden | None = None
        self._code: int | None = None
        self._said = b""

    @property
    def has_process(self) -> bool:
        """Whether a kernel was started and has not been waited for."""
        return self._process is not None

    @property
    def obituary(self) -> str:
        """How the kernel ended, in words that complete "the kernel …"."""
        if self._warden is not None and self._warden.reason:
            return self._warden.reason
        code = self._code or 0
        if code == 0:
            return "was ended by the notebook (exit code 0)"
        if code == EXIT_PROCESSES:
            return f"was stopped: it started more than {self.sandbox.limits.processes} processes"
        if code == EXIT_FILES:
            return f"was stopped: it made more than {self.sandbox.limits.files} files"
        number = -code if code < 0 else code - 128  # bubblewrap reports a signal as a shell does
        if number == signal.SIGSEGV:
            return "crashed (segmentation fault)"
        if 0 < number < signal.NSIG:
            return f"was killed by {signal.Signals(number).name}"
        return f"died (exit code {code})"

    @property
    def refusal(self) -> str | None:
        """Why the submission's own files prevented a start, else None."""
        if self._code != EXIT_SUBMISSION:
            return None
        return self._said.decode(errors="replace").strip().rsplit("\n", 1)[-1][:300]

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """There is nothing to prepare: the sandbox knows its command and its environment."""
        return {"cmd": []}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel; returns how to connect to it."""
        key, address = secrets.token_hex(32), str(self.sandbox.sockets / "k")
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in _PORTS]
            for listening, port in zip(sockets, _PORTS.values(), strict=True):
                listening.bind(f"{address}-{port}")
                listening.listen(16)
            descriptors = [s.fileno() for s in sockets]
            command, inherited = stack.enter_context(self.sandbox.command())
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[*descriptors, *inherited],
                env=self.sandbox.environment,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for us
            )
        self._warden = Warden(self._process.pid, self.sandbox)
        self._warden.start()
        assert self._process.stdin is not None and self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)
        task = {
            "address": address,
            "key": key,
            "ports": _PORTS,
            "listening": descriptors,
            "submission": str(self.sandbox.submission),
            "home": str(self.sandbox.home),
            "parent": os.getpid(),
            "confined": self.sandbox.confined,
            "limits": dataclasses.asdict(self.sandbox.limits),
        }
        try:
            with self._process.stdin as stdin:
                stdin.write(json.dumps(task).encode())
        except BrokenPipeError:
            pass  # it is gone already; its exit code says the rest
        self.connection_info = {
            "transport": "ipc",
            "ip": address,
            "key": key.encode(),
            "signature_scheme": "hmac-sha256",
            "hb_port": 5,  # nobody listens there
            **{f"{channel}_port": port for channel, port in _PORTS.items()},  # type: ignore[typeddict-item]
        }
        return self.connection_info

    async def poll(self) -> int | None:
        """The kernel's exit code, or None while it runs."""
        self._drain()
        if self._process is not None:
            self._code = self._process.poll()
        return self._code

    async def wait(self) -> int | None:
        """Wait for the kernel's end; it must have been asked for."""
        if self._process is not None:
            self._code = self._process.wait()
            self._drain()
            if self._process.stderr is not None:
                self._process.stderr.close()
            self._process = None
        return self._code

    async def send_signal(self, signum: int) -> None:
        """Interrupts go through the kernel's control channel; every other signal ends the kernel."""
        if signum not in (0, signal.SIGINT):
            self.end()

    async def kill(self, restart: bool = False) -> None:
        """End the kernel and every process it started."""
        self.end()

    async def terminate(self, restart: bool = False) -> None:
        """The same: a kernel under examination is given no last words."""
        self.end()

    async def cleanup(self, restart: bool = False) -> None:
        """End what is left and let go of it."""
        self.end()
        await self.wait()

    def end(self, reason: str | None = None) -> None:
        """Kill the kernel and every process it started; ``reason`` completes "the kernel …"."""
        if self._warden is not None:
            self._warden.end(reason)

    def _drain(self) -> None:
        """Read what came on standard error, so that nobody blocks on it; its start is kept."""
        if self._process is None or self._process.stderr is None or self._process.stderr.closed:
            return
        try:
            said = os.read(self._process.stderr.fileno(), 65536)
        except BlockingIOError:
            return
        self._said = (self._said + said)[:4096]


class _Specs(KernelSpecManager):
    """The one kernel there is; no kernelspec needs to be installed for it."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(display_name="Python 3 (sandbox)", language="python", interrupt_mode="message")


def kernel_manager(provisioner: SandboxProvisioner, context: zmq.asyncio.Context) -> AsyncKernelManager:
    """A Jupyter kernel manager of the kernel that ``provisioner`` starts."""
    manager = AsyncKernelManager(
        kernel_name="sandbox",
        kernel_spec_manager=_Specs(),
        connection_file=str(provisioner.sandbox.room / "connection.json"),
        context=context,
    )
    manager.provisioner = provisioner
    return manager
