"""A computer without MXNet: what a notebook, a check and `byom check` say there."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel
from nbformat.v4 import new_code_cell, new_notebook

from byom import require

ROOT = Path(__file__).parents[1]

HIDES = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name.split(".")[0] == "mxnet" else find(name, *rest)
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """Variables under which every Python finds all that is installed here, but for MXNet."""
    (tmp_path / "sitecustomize.py").write_text(HIDES)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}


def python(code: str, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_notebook_shows_one_paragraph_and_no_traceback(elsewhere: dict[str, str]) -> None:
    manager, client = start_new_kernel(env=elsewhere)
    messages: list[dict] = []
    client.execute_interactive("from byom import require\n\nrequire.mxnet()", output_hook=messages.append, timeout=60)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    (error,) = (message["content"] for message in messages if message["msg_type"] == "error")
    shown = " ".join(error["traceback"])
    assert shown.startswith("This unit needs MXNet, but MXNet is not installed in the Python that runs here")
    assert "pip install" in shown
    assert "Traceback" not in shown and "byom/require.py" not in shown
    assert error["ename"] == "MissingMXNet" and error["evalue"] in shown


def test_elsewhere_it_is_an_error_of_one_sentence(elsewhere: dict[str, str]) -> None:
    done = python("from byom import require; require.mxnet()", elsewhere)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("byom.require.MissingMXNet: MXNet is not installed")


def test_the_checks_of_every_unit_can_be_imported(elsewhere: dict[str, str]) -> None:
    code = "from byom.checks.unit import *; print([unit(n).name for n in available_units()]); import mxnet"
    done = python(code, elsewhere)
    assert "moons" in done.stdout and "contract" in done.stdout
    assert "No module named 'mxnet'" in done.stderr


def test_byom_check_says_it_once(elsewhere: dict[str, str], tmp_path: Path) -> None:
    first = new_code_cell("from byom import require\nrequire.mxnet()\nfrom byom.checks.contract import check")
    check = new_code_cell("check('pack_model', None)", metadata={"nbgrader": {"grade": True, "grade_id": "check-x"}})
    nbformat.write(new_notebook(cells=[first, check]), tmp_path / "contract.ipynb")
    done = python("from byom.cli import app; app()", elsewhere, "check", "contract", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    sentence = done.stderr.splitlines()[-1]  # the kernel has words of its own before it
    assert sentence.startswith("MXNet is not installed in the Python that runs here")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("system", "machine", "why", "way"),
    [
        ("darwin", "arm64", "no build for Macs with Apple silicon", "Reopen in Container"),
        ("win32", "AMD64", "no build for Windows", "WSL2"),
        ("linux", "riscv64", "no build for ", "Reopen in Container"),
        ("linux", "x86_64", "not installed in the Python that runs here", "pip install"),
        ("linux", "aarch64", "not installed in the Python that runs here", "pip install"),
        ("darwin", "x86_64", "not installed in the Python that runs here", "pip install"),
    ],
)
def test_each_computer_gets_the_way_that_works_there(
    system: str, machine: str, why: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(require.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(require.MissingMXNet, match=why) as missing:
        require.mxnet()
    assert str(missing.value) == require.no_mxnet()
    paragraph = " ".join(missing.value._render_traceback_())
    assert way in paragraph and paragraph.count("MXNet has no build") <= 1
    for document in {word.strip(".,;)") for word in paragraph.split() if word.startswith("docs/")}:
        assert (ROOT / document).is_file()


@pytest.mark.parametrize(
    ("numpy_version", "why"),
    [(np.__version__, "OSError: libgomp.so.1: cannot"), ("1.26.4", "a numpy before 1.24")],
)
def test_a_broken_installation_is_told_with_its_reason(
    numpy_version: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mxnet.py").write_text("raise OSError('libgomp.so.1: cannot open shared object file')")
    for module in [name for name in sys.modules if name.split(".")[0] == "mxnet"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(np, "__version__", numpy_version)
    with pytest.raises(require.MissingMXNet, match=why) as missing:
        require.mxnet()
    assert "Install the course" in " ".join(missing.value._render_traceback_())


@pytest.mark.skipif(require.no_mxnet() is not None, reason="MXNet is not installed here")
def test_where_mxnet_is_there_nothing_is_said() -> None:
    done = python("from byom import require; require.mxnet()", dict(os.environ))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
