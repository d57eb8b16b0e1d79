"""Notebooks that are open in a real browser, in JupyterLab or Notebook 7, without a network: fixtures and actions.

A test module takes the fixtures over by their names: ``chromium = browser.chromium``.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from byom.local import guard
from byom.pad.ink import SIDE
from tests.local.clients import free_port

SECONDS = 30  # until something is given up; a busy computer may need them
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATHS = {"lab": "/lab/tree/{}?reset", "notebook": "/notebooks/{}"}
"""The front ends, and where they open a notebook."""


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium's own sandbox can't be had by root, nor in many containers; the page here is our own
        flags = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the notebooks lie, and their kernels run."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def jupyter(folder, tmp_path_factory):
    """A Jupyter server with both front ends; settings, data and local SageMaker of its own.

    It would also end with this process.
    """
    home = tmp_path_factory.mktemp("home")
    url = f"http://127.0.0.1:{(port := free_port())}"
    jupyter_s = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    own = {name: str(home / name) for name in (*jupyter_s, "BYOM_LOCAL_ROOT", "BYOM_DATA_ROOT")}
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.root_dir": folder,
        "ServerApp.allow_root": True,
        "ServerApp.open_browser": False,
        "IdentityProvider.token": "",
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.expose_app_in_browser": True,
        "JupyterNotebookApp.expose_app_in_browser": True,
    }
    command = [sys.executable, "-m", "jupyter", "lab", *(f"--{name}={value}" for name, value in options.items())]
    end, lifeline = os.pipe()
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, guard.__file__, str(end), "--", *command],
            env={**os.environ, **own},
            pass_fds=[end],
            stdout=log,
            stderr=log,
        )
    os.close(end)
    give_up = time.monotonic() + SECONDS
    while not answers(url):
        assert server.poll() is None and time.monotonic() < give_up, (home / "log").read_text()
        time.sleep(0.1)
    yield url
    os.close(lifeline)
    server.wait(SECONDS)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/status", trust_env=False).is_success
    except httpx.TransportError:
        return False


class Notebook:
    """A notebook that is open in a front end, with a drawing pad among the outputs of its cells.

    Args:
        page: the browser's page.
        folder: where the notebook lies, and its kernel runs.
        cells: the code of its cells by their names, in their order.
    """

    def __init__(self, page: Page, folder: Path, cells: Mapping[str, str]) -> None:
        self.page, self.folder = page, folder
        self._names = list(cells)
        self.paper = page.get_by_role("application", name="Drawing pad")
        self.status = page.get_by_role("status").and_(page.locator(".byom-pad-status"))

    def cell(self, name: str) -> Locator:
        """A cell by its name."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(self._names.index(name))

    def output(self, name: str) -> Locator:
        """What a cell has shown, output by output."""
        return self.cell(name).locator(".jp-OutputArea-output")

    def run(self, name: str) -> None:
        """Run a cell as people do; the cell below it becomes the active one."""
        self.cell(name).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the pad is on the page."""
        box = self.paper.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"] / SIDE, box["y"] + y * box["height"] / SIDE

    def draw(self, *points: tuple[float, float]) -> None:
        """Draw a stroke with the mouse."""
        self.paper.scroll_into_view_if_needed()
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=5)
        self.page.mouse.up()


@contextlib.contextmanager
def opened(front_end: str, cells: Mapping[str, str], chromium: Browser, jupyter: str, folder: Path) -> Iterator[Page]:
    """The page of a notebook with these cells in ``front_end``; its kernel is idle. The pad's script must not fail."""
    expect.set_options(timeout=1000 * SECONDS)
    name = f"{front_end}.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = new_notebook(cells=[new_code_cell(code) for code in cells.values()], metadata={"kernelspec": kernel})
    nbformat.write(book, folder / name)
    context = chromium.new_context(base_url=jupyter, has_touch=True, viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.set_default_timeout(1000 * SECONDS)
    faults: list[str] = []
    # the pad's own script comes from a blob; Notebook 7 has errors of its own
    page.on("pageerror", lambda error: faults.append(str(error)) if "blob:" in (error.stack or "") else None)
    page.goto(PATHS[front_end].format(name))
    # JupyterLab loses what is run while the kernel starts
    page.wait_for_function(
        "window.jupyterapp?.shell.currentWidget?.context?.sessionContext.session?.kernel?.status === 'idle'"
    )
    yield page
    context.close()
    assert faults == []
