"""The drawing pad, the kernel's side: pixels of strokes, the stored sample, and what a page may send."""

import math

import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel
from traitlets import TraitError

from byom.pad import DrawingPad
from byom.pad.ink import MOST_POINTS, PEN, SIDE

SECONDS = 60  # until a kernel is given up
DIGIT = np.zeros((28, 28), "uint8")
DIGIT[4:24, 13:16] = 255


def pad_with(*strokes) -> DrawingPad:
    pad = DrawingPad()
    pad.strokes = strokes
    return pad


def test_a_line_is_as_wide_as_the_pen_and_lies_where_it_was_drawn():
    pixels = pad_with([(40, 100), (200, 100)]).pixels()
    assert (pixels.shape, pixels.dtype) == ((SIDE, SIDE), np.uint8)
    assert np.all(pixels[:, 120].nonzero()[0] == np.arange(100 - PEN // 2, 100 + PEN // 2))
    assert pixels[100, 40 - PEN // 2 : 200 + PEN // 2].min() > 250
    assert pixels[100, : 40 - PEN // 2].max() == pixels[100, 200 + PEN // 2 :].max() == 0


def test_ink_is_the_area_that_the_pen_went_over():
    round_pen = math.pi * PEN**2 / 4
    ink = [pad_with(*strokes).pixels().sum() / 255 for strokes in ([[(140, 140)]], [[(60, 90), (180, 200)]])]
    assert ink == pytest.approx([round_pen, round_pen + PEN * math.hypot(120, 110)], rel=0.005)
    turned = pad_with([(140.3, 139.6)], [(30, 40), (250, 40), (250, 200)]).pixels()
    parts = [pad_with(s).pixels() for s in ([(140.3, 139.6)], [(30, 40), (250, 40)], [(250, 40), (250, 200)])]
    assert np.array_equal(turned, np.max(parts, axis=0))


def test_a_stroke_along_the_edge_is_cut_off_there():
    pixels = pad_with([(0, 0), (SIDE, 0), (SIDE, SIDE)]).pixels()
    assert pixels[0].min() == pixels[:, -1].min() == 255
    assert pixels[PEN:, : -PEN // 2 - 1].max() == 0


def test_an_empty_pad_has_no_pixels():
    pad = DrawingPad()
    assert pad.empty and not pad.is_sample
    with pytest.raises(ValueError, match="nothing is drawn on the pad"):
        pad.pixels()


def test_a_stored_sample_stands_in_until_something_is_drawn():
    pad = DrawingPad(sample=DIGIT)
    assert pad.empty and pad.is_sample
    pixels = pad.pixels()
    assert np.array_equal(pixels.reshape(28, 10, 28, 10).mean(axis=(1, 3)), DIGIT)
    pixels[:] = 7
    assert pad.pixels().max() == 255
    pad.strokes = [[(10, 10)]]
    assert not pad.empty and not pad.is_sample
    assert pad.pixels()[100:].max() == 0
    pad.strokes = []
    assert pad.is_sample


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        (np.zeros((28, 20)), "square array"),
        (np.full((1, 28, 28), 255), "shape \\(1, 28, 28\\)"),
        (np.zeros((0, 0)), "square array"),
        (np.full((SIDE + 1, SIDE + 1), 9), "at most 280 rows"),
        (np.full((28, 28), 256), "from 0 \\(empty\\) to 255"),
        (np.full((28, 28), np.nan), "from 0 \\(empty\\) to 255"),
        ([["ink"]], "numbers"),
        (DIGIT / 255, "the largest of this one is 1.0"),
    ],
)
def test_a_sample_that_can_not_be_shown_is_refused(sample, says):
    with pytest.raises(ValueError, match=says):
        DrawingPad(sample=sample)


def test_its_text_is_the_same_in_every_run():
    texts = [repr(DrawingPad()), repr(DrawingPad(sample=DIGIT)), repr(pad_with([(1, 2)], [(3, 4)]))]
    assert texts == [
        "<DrawingPad: nothing drawn>",
        "<DrawingPad: a stored sample, nothing drawn>",
        "<DrawingPad: strokes drawn: 2>",
    ]


HOSTILE = {
    "nothing": (None, "a list of strokes"),
    "text": ("strokes", "a list of strokes"),
    "an object": ({"0": [[1, 2]]}, "a list of strokes"),
    "a stroke without points": ([[[1, 2]], []], "stroke 2 is not a list of points"),
    "a number for a stroke": ([7], "stroke 1 is not a list of points"),
    "half a point": ([[[1]]], "stroke 1 has a point"),
    "a point of words": ([[["1", "2"]]], "stroke 1 has a point"),
    "a point beside the pad": ([[[1, 2], [1, SIDE + 0.1]]], "stroke 1 has a point"),
    "no number": ([[[1, math.nan]]], "stroke 1 has a point"),
    "a number without end": ([[[-math.inf, 1]]], "stroke 1 has a point"),
    "a long number": ([[[10**400, 1]]], "stroke 1 has a point"),
    "too many points": ([[[1, 2]] * (MOST_POINTS + 1)], "at most 4000 points"),
    "too many strokes": ([[[1, 2]]] * (MOST_POINTS + 1), "at most 4000 points"),
}


@pytest.mark.parametrize("drawing", HOSTILE)
def test_what_is_no_drawing_is_refused(drawing):
    pad = pad_with([(1, 2)])
    strokes, says = HOSTILE[drawing]
    with pytest.raises(TraitError, match=says):
        pad.strokes = strokes
    assert pad.strokes == (((1, 2),),)


@pytest.fixture(scope="module")
def kernel():
    """A kernel with a pad in it."""
    manager, client = start_new_kernel()
    yield Kernel(client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


class Kernel:
    """A page's connection to a kernel: it runs cells, and sends messages to the pad."""

    def __init__(self, client) -> None:
        self.client = client
        shown, opened = [], []
        self.run("from byom.pad import DrawingPad\npad = DrawingPad()\npad", shown, opened)
        (self.shown,) = shown
        (self.comm,) = (o["comm_id"] for o in opened if o["data"]["state"].get("_model_module") == "anywidget")

    def send(self, data) -> list[dict]:
        """Send what a page would, and return what the kernel sends back to the page."""
        message = self.client.session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        self.client.shell_channel.send(message)
        return [c["data"] for kind, c in self._answers(message["header"]["msg_id"]) if kind == "comm_msg"]

    def run(self, code, shown=None, opened=None) -> str:
        """Run a cell and return what it prints."""
        printed = ""
        for kind, content in self._answers(self.client.execute(code)):
            if kind == "stream":
                printed += content["text"]
            elif kind == "execute_result":
                shown.append(content["data"])
            elif kind == "comm_open":
                opened.append(content)
            assert kind != "error", content
        return printed.strip()

    def _answers(self, request: str):
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") == request:
                if kind == "status" and content["execution_state"] == "idle":
                    return
                yield kind, content


def test_a_page_sends_strokes_and_the_next_cell_has_them(kernel):
    assert kernel.shown["text/plain"] == "<DrawingPad: nothing drawn>"
    kernel.run("pad.strokes = []")
    answers = kernel.send({"method": "custom", "content": {"strokes": [[[10, 20.5], [30, 40]], [[5, 5]]]}})
    assert answers == []  # an answer would come late, over strokes drawn since
    assert kernel.run("print(pad.strokes)") == "(((10, 20.5), (30, 40)), ((5, 5),))"


@pytest.mark.filterwarnings("ignore:Message serialization failed")  # NaN, which Python alone would send
def test_a_page_can_do_no_harm(kernel):
    kernel.run("pad.strokes = [[(1, 2)]]; code = pad._esm")
    for strokes, says in HOSTILE.values():
        shown, told = kernel.send({"method": "custom", "content": {"strokes": strokes}})
        assert shown["state"] == {"strokes": [[[1, 2]]]}
        assert says in told["content"]["refused"]
    for content in (None, [], "strokes", {}, {"strokes": [[[1, 2]]], "kind": "anywidget-command", "name": "close"}):
        kernel.send({"method": "custom", "content": content})
    for state in ({"strokes": "all"}, {"strokes": []}, {"_esm": "alert(1)"}, {"_paper": {}}, "strokes", None):
        kernel.send({"method": "update", "state": state, "buffer_paths": [["strokes"], []]})
        kernel.send({"method": "update", "state": state})
    for data in ({}, {"method": "no such method"}, {"method": None}, []):
        kernel.send(data)
    assert kernel.run("print(pad.strokes, pad._esm == code, pad._paper['side'])") == "(((1, 2),),) True 280"
    kernel.send({"method": "custom", "content": {"strokes": []}})
    assert kernel.run("print(pad.empty)") == "True"
