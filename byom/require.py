"""What a unit needs beside the course itself: said in one paragraph where it is missing, before anything fails."""

import importlib.util
import platform
import sys
import textwrap

_WHEELS = {("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "x86_64")}
"""Where pip finds a build of MXNet 1.9.1; pyproject.toml installs it there."""

_CONTAINER = (
    "The PyTorch units work here. The container is a small Linux with all of the course in it: (1) install Docker "
    "Desktop and Visual Studio Code with its extension Dev Containers; (2) open the course's folder there and choose "
    "“Reopen in Container”; (3) open the notebook in it. docs/devcontainer.md tells each step."
)
_WINDOWS = (
    "The course needs Linux. Under Windows there are two: (1) WSL2, where you install the course as on any Linux; or "
    "(2) the development container, with Docker Desktop and Visual Studio Code, where everything is installed for you. "
    "docs/devcontainer.md tells each step of both."
)
_INSTALL = (
    "Install the course, in an environment of its own with Python 3.11: in its folder, run “python -m pip install .”. "
    "Then restart this kernel, and see that it is the kernel of that environment."
)


class MissingMXNet(ImportError):
    """MXNet can't be used here. As text it is one sentence; a notebook shows that and a way out, and no traceback."""

    def __init__(self, reason: str, way_out: str) -> None:
        super().__init__(reason)
        self._way_out = way_out

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return textwrap.wrap(f"This unit needs MXNet, but {self}. {self._way_out}", width=80)


def mxnet() -> None:
    """Return where MXNet can be imported.

    Raises:
        MissingMXNet: it can't; says why, and what can be done.
    """
    if reason := no_mxnet():
        raise MissingMXNet(reason, _INSTALL if _has_wheel() else _WINDOWS if sys.platform == "win32" else _CONTAINER)
    try:
        importlib.import_module("mxnet")
    except Exception as error:  # numpy without np.bool, or a shared library that the system lacks
        import numpy as np

        said = " ".join(f"{type(error).__name__}: {error}".split())[:200].rstrip(".")
        too_new = tuple(int(part) for part in np.__version__.split(".")[:2]) >= (1, 24)
        why = f"it needs a numpy before 1.24, and {np.__version__} is installed" if too_new else said
        raise MissingMXNet(f"MXNet is installed and can't be imported ({why})", _INSTALL) from None


def no_mxnet() -> str | None:
    """Why MXNet is not there, in a sentence; None where it is installed. Imports nothing."""
    try:
        if importlib.util.find_spec("mxnet") is not None:
            return None
    except (ImportError, ValueError):  # what stands in its way may raise
        pass
    if not _has_wheel():
        return f"MXNet has no build for {_computer()}; the course's development container has one"
    python = f"Python {platform.python_version()}, {sys.executable}"
    return f"MXNet is not installed in the Python that runs here ({python})"


def _has_wheel() -> bool:
    return (sys.platform, platform.machine()) in _WHEELS


def _computer() -> str:
    if (sys.platform, platform.machine()) == ("darwin", "arm64"):
        return "Macs with Apple silicon"
    return "Windows" if sys.platform == "win32" else f"{platform.system()} on {platform.machine()}"
