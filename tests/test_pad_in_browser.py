"""The drawing pad in a real browser, in JupyterLab and in Notebook 7, without a network: mouse, finger, keyboard."""

import json

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from byom.pad.ink import PEN, SIDE
from tests import browser

chromium, jupyter, folder = browser.chromium, browser.jupyter, browser.folder

CELLS = {
    "start": """import json, time
from pathlib import Path
import numpy as np
from byom.pad import DrawingPad
runs = 0
print("ready")""",
    "pad": "pad = DrawingPad()\npad",
    "report": """runs += 1
try:
    pixels = pad.pixels()
    np.save("pixels.npy", pixels)
    ink = round(float(pixels.sum()) / 255)
except ValueError as error:
    ink = str(error)
print(json.dumps({"run": runs, "ink": ink, "strokes": pad.strokes, "sample": pad.is_sample}))""",
    "wait": """print("the kernel is busy")
while not Path("go-on").exists():
    time.sleep(0.02)""",
    "sample": "pad = DrawingPad(sample=np.kron(np.eye(2), np.full((14, 14), 255)))\npad",
}


class PadNotebook(browser.Notebook):
    """The notebook under test."""

    runs = 0

    def fresh_pad(self, name: str = "pad") -> None:
        for pad in ("pad", "sample"):  # one pad at a time on the page
            if self.cell(pad).locator(".byom-pad").count():
                self.cell(pad).locator(".jp-InputPrompt").click()
                self.page.evaluate("jupyterapp.commands.execute('notebook:clear-cell-output')")
        expect(self.paper).to_have_count(0)
        self.run(name)
        expect(self.paper).to_be_visible()
        self.paper.scroll_into_view_if_needed()

    def report(self, run: bool = True) -> dict:
        """What the cell below the pad prints."""
        if run:
            self.run("report")
        self.runs += 1
        expect(self.output("report")).to_contain_text(f'{{"run": {self.runs},')
        return json.loads(self.output("report").inner_text())


@pytest.fixture(scope="module", params=browser.PATHS)
def notebook(request, chromium, jupyter, folder):
    """The notebook in each front end. Every test begins with a fresh pad."""
    with browser.opened(request.param, CELLS, chromium, jupyter, folder) as page:
        notebook = PadNotebook(page, folder, CELLS)
        notebook.run("start")
        expect(notebook.output("start")).to_have_text("ready")
        yield notebook


def test_what_is_drawn_is_there_when_the_next_cell_runs(notebook):
    notebook.fresh_pad()
    expect(notebook.status).to_have_text("Draw a digit here.")
    notebook.draw((60, 50), (220, 50), (110, 250))
    expect(notebook.status).to_have_text("Your drawing: 1 stroke.")
    shown = ink_on_the_page(notebook)
    notebook.page.keyboard.press("Shift+Enter")  # the next cell is the active one still
    report = notebook.report(run=False)
    assert (len(report["strokes"]), report["sample"]) == (1, False)
    assert report["strokes"][0][0] == pytest.approx([60, 50], abs=1)
    pixels = np.load(notebook.folder / "pixels.npy")
    assert abs(shown - pixels).mean() < 3 < abs(shown - pixels.T).mean()  # of 255: what the page shows is it
    assert report["ink"] == pytest.approx(shown.sum() / 255, rel=0.02)


def ink_on_the_page(notebook: PadNotebook) -> np.ndarray:
    """The picture on the page, as numbers like those of `pixels`; up to a pixel away from its place."""
    notebook.paper.screenshot(path=notebook.folder / "paper.png")
    with Image.open(notebook.folder / "paper.png") as picture:
        shown = 255.0 - np.asarray(picture.convert("L"), dtype=float)
    return shown[:SIDE, :SIDE]


def test_strokes_drawn_while_the_kernel_is_busy_come_before_the_next_cell(notebook):
    (notebook.folder / "go-on").unlink(missing_ok=True)
    notebook.fresh_pad()
    notebook.run("wait")
    expect(notebook.output("wait")).to_contain_text("busy")
    for row in (50, 100, 150, 200):
        notebook.draw((60, row), (200, row))
    expect(notebook.status).to_have_text("Your drawing: 4 strokes.")
    notebook.run("report")
    (notebook.folder / "go-on").touch()
    assert len(notebook.report(run=False)["strokes"]) == 4


def test_a_finger_draws_and_does_not_scroll(notebook):
    notebook.fresh_pad()
    before = notebook.paper.bounding_box()
    touch = notebook.page.context.new_cdp_session(notebook.page)

    def fingers(kind: str, *points: tuple[float, float]) -> None:
        places = [dict(zip("xy", notebook.at(*point), strict=True), id=n) for n, point in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    fingers("touchStart", (140, 40))
    for y in range(60, 260, 20):
        fingers("touchMove", (140, y))
    fingers("touchMove", (140, 240), (40, 40))  # a second finger draws nothing
    fingers("touchMove", (140, 240), (60, 60))
    fingers("touchEnd")
    expect(notebook.status).to_have_text("Your drawing: 1 stroke.")
    assert notebook.paper.bounding_box() == before
    report = notebook.report()
    assert report["ink"] == pytest.approx(200 * PEN + np.pi * PEN**2 / 4, rel=0.02)
    assert len(report["strokes"]) == 1


def test_the_keyboard_draws_and_no_shortcut_of_the_notebook_interferes(notebook):
    notebook.fresh_pad()
    cells = notebook.page.locator(".jp-Notebook .jp-Cell").count()
    expect(notebook.page.locator(".byom-pad-keys")).to_be_hidden()
    notebook.paper.focus()
    expect(notebook.page.locator(".byom-pad-keys")).to_be_visible()
    press = notebook.page.keyboard.press
    for _ in range(10):
        press("ArrowUp")
    expect(notebook.status).to_have_text("Pen lifted: column 140, row 40.")
    press("Space")
    for _ in range(20):
        press("ArrowDown")
    expect(notebook.status).to_have_text("Pen down: column 140, row 240.")
    press("Space")
    press("ArrowLeft")
    expect(notebook.status).to_have_text("Pen lifted: column 130, row 240.")
    expect(notebook.paper).to_be_focused()
    for key in ("a", "Shift+Enter", "Control+Enter"):
        press(key)
    assert notebook.page.locator(".jp-Notebook .jp-Cell").count() == cells
    report = notebook.report()
    assert [stroke[i] for stroke in report["strokes"] for i in (0, -1)] == [[140, 40], [140, 240]]
    assert report["ink"] == pytest.approx(200 * PEN + np.pi * PEN**2 / 4, rel=0.01)
    notebook.paper.focus()
    press("Delete")
    expect(notebook.status).to_have_text("Draw a digit here.")
    assert "nothing is drawn" in notebook.report()["ink"]
    notebook.paper.focus()
    for key in ("Space", "Tab", "Enter"):  # a dot, and the button that takes the last stroke away
        press(key)
    assert notebook.report()["strokes"] == []


def test_a_stored_sample_is_labelled_and_gives_way_to_a_drawing(notebook):
    notebook.fresh_pad("sample")
    expect(notebook.status).to_have_text("A stored sample. Draw to replace it.")
    shown = ink_on_the_page(notebook)
    report = notebook.report()
    assert (report["sample"], report["ink"]) == (True, SIDE**2 / 2)
    assert abs(shown - np.load(notebook.folder / "pixels.npy")).mean() < 3
    notebook.draw((200, 40), (240, 80))
    notebook.draw((40, 200), (80, 240))
    expect(notebook.status).to_have_text("Your drawing: 2 strokes.")
    assert ink_on_the_page(notebook)[140, 160] == 0
    notebook.page.get_by_role("button", name="Undo").click()
    expect(notebook.status).to_have_text("Your drawing: 1 stroke.")
    report = notebook.report()
    assert (report["sample"], len(report["strokes"])) == (False, 1)
    assert report["strokes"][0][0] == pytest.approx([200, 40], abs=1)
    notebook.page.get_by_role("button", name="Clear").click()
    expect(notebook.status).to_have_text("A stored sample. Draw to replace it.")
    assert notebook.report()["sample"]


def test_a_drawing_that_the_kernel_refuses_is_taken_back_on_the_page(notebook):
    notebook.fresh_pad()
    notebook.draw((60, 50), (220, 50))
    notebook.page.evaluate(
        """() => {
            const { session } = jupyterapp.shell.currentWidget.context.sessionContext;
            for (const comm of session.kernel._comms.values())
              if (comm.targetName === "jupyter.widget")
                comm.send({ method: "custom", content: { strokes: [[[1, 1000]]] } });
        }"""
    )
    expect(notebook.status).to_contain_text("The drawing was not taken: stroke 1 has a point")
    notebook.draw((60, 150), (220, 150))
    notebook.draw((60, 250), (220, 250))
    expect(notebook.status).to_have_text("Your drawing: 3 strokes.")
    assert len(notebook.report()["strokes"]) == 3


def test_a_pad_whose_kernel_was_restarted_says_so(notebook):
    """The last test: the next front end has a kernel of its own."""
    notebook.fresh_pad()
    notebook.page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()")
    notebook.draw((60, 50), (220, 50))
    expect(notebook.status).to_have_text("The kernel no longer knows this pad. Run its cell again.")
