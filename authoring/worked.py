"""Executing a unit's notebook with its answers, in a folder of its own that leaves no trace."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import nbformat
import psutil
from nbformat import NotebookNode

BUILT_FROM = "built_from"
"""The key, under a worked notebook's ``byom`` metadata, of the digest of what it was executed from."""

CELL_SECONDS = 600
"""The longest that a cell may take."""

COURSE = Path(__file__).resolve().parents[1]
"""The repository this runs from."""

_WIDGET = "application/vnd.jupyter.widget-view+json"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class CellFailed(Exception):
    """A cell of a worked notebook raised, hung or killed its kernel."""

    def __init__(self, cell: NotebookNode, reason: str) -> None:
        super().__init__(reason)
        self.cell = cell
        self.reason = reason


def digest(parts: Mapping[str, bytes]) -> str:
    """A digest of the inputs of an execution, by name."""
    whole = hashlib.sha256()
    for name, data in sorted(parts.items()):
        whole.update(f"{name}\0{len(data)}\0".encode() + data)
    return whole.hexdigest()[:16]


def read_notebook(path: Path) -> NotebookNode:
    """Read a worked notebook.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is no valid notebook.
    """
    try:
        notebook = nbformat.from_dict(json.loads(path.read_bytes()))
        nbformat.validate(notebook)
    except (ValueError, nbformat.ValidationError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {str(error).splitlines()[0]}") from None
    return notebook


def built_from(path: Path) -> str | None:
    """The digest a committed worked notebook was executed from; None where there is none to trust."""
    try:
        return read_notebook(path).metadata.get("byom", {}).get(BUILT_FROM)
    except (FileNotFoundError, ValueError):
        return None


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """A worked notebook as it was before it ran; changes ``notebook`` itself."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


@contextlib.contextmanager
def laptop(scripts: Mapping[str, bytes]) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with a unit's scripts and an environment with a local SageMaker of its own.

    Whatever process carries that environment ends with the block, and the folder goes.

    Yields:
        The folder to run the notebook in, and the environment to run it with.
    """
    with tempfile.TemporaryDirectory(prefix="byom-worked-") as name:
        scratch = Path(name).resolve()
        folder, local = scratch / "notebook", scratch / "local"
        for script, data in scripts.items():
            path = folder / script
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        folder.mkdir(exist_ok=True)
        try:
            yield folder, os.environ | {"BYOM_LOCAL_ROOT": str(local)}
        finally:
            _end_processes("BYOM_LOCAL_ROOT", str(local))


def _end_processes(key: str, value: str) -> None:
    ours = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(key) == value:
                ours.append(process)
    for process in ours:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(ours, timeout=5)[1]:
        with contextlib.suppress(psutil.Error):
            process.kill()


def execute(notebook: NotebookNode, scripts: Mapping[str, bytes], progress: Callable[[], object]) -> NotebookNode:
    """Run every cell and keep the outputs; changes ``notebook`` itself.

    Args:
        notebook: the worked notebook without outputs.
        scripts: the solved scripts to put beside it, by path.
        progress: called as each cell begins.

    Raises:
        CellFailed: a cell raised that isn't tagged ``raises-exception``, took too long or killed the kernel.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    at = 0

    def started(cell: NotebookNode, cell_index: int) -> None:
        nonlocal at
        at = cell_index
        progress()

    with laptop(scripts) as (folder, environment):
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            startup_timeout=CELL_SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,
            extra_arguments=["--log-level=ERROR"],  # no word on each start that loopback is not encrypted
            on_cell_start=started,
        )
        metadata = dict(notebook.metadata)
        try:
            client.execute(env=environment)
        except CellExecutionError as error:
            raise CellFailed(notebook.cells[at], _ANSI.sub("", error.traceback)) from None
        except CellTimeoutError:
            raise CellFailed(notebook.cells[at], f"it took longer than {CELL_SECONDS} s") from None
        except DeadKernelError:
            raise CellFailed(notebook.cells[at], "the kernel died") from None
        notebook.metadata = nbformat.from_dict(metadata)
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
            for output in cell.get("outputs", []):
                _clean(output, folder.parent)
    return notebook


def compare(notebook: Path, scripts: Mapping[str, bytes]) -> subprocess.CompletedProcess[str]:
    """Run a worked notebook again under nbval, and compare what it prints now with what it printed.

    Args:
        notebook: the worked notebook; a copy of it runs.
        scripts: the solved scripts to put beside it, by path.

    Returns:
        The finished pytest, with its report in ``stdout``: exit status 0 when all cells agree.
    """
    with laptop(scripts) as (folder, environment):
        copy = shutil.copy(notebook, folder)
        options = ["--nbval", f"--nbval-cell-timeout={CELL_SECONDS}", "-p", "authoring.nbval_plugin"]
        quiet = ["-p", "no:cacheprovider", "-vv", "--color=no", f"--rootdir={folder}"]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *options, *quiet, copy],
            cwd=COURSE,
            env={name: value for name, value in environment.items() if not name.startswith("PYTEST_")},
            check=False,
            capture_output=True,
            text=True,
        )


def _clean(output: NotebookNode, scratch: Path) -> None:
    """Take from an output what belongs to the machine it was made on."""
    if "data" in output:
        output.data.pop(_WIDGET, None)
        for mime, value in output.data.items():
            if mime.startswith("text/") and isinstance(value, str):
                output.data[mime] = _without_paths(value, scratch)
    if "text" in output:
        output.text = _without_paths(output.text, scratch)
    if "traceback" in output:
        output.traceback = [_without_paths(line, scratch) for line in output.traceback]


def _without_paths(text: str, scratch: Path) -> str:
    for folder in (scratch, Path(sys.prefix), COURSE, Path.home()):
        if folder == Path(folder.anchor):  # a home of /, in some containers
            continue
        text = re.sub(rf"{re.escape(str(folder))}(?![\w.-])", "…", text)
    return text
