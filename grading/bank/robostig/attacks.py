"""Attacks and mishaps that live in the functions of the robostig unit."""

from grading.bank.attacks import attack
from grading.bank.submission import Submission


@attack("all answered, with noise around each call", "all")
def noise(hand: Submission) -> None:
    hand.begin(
        "import logging, sys, warnings\n"
        "warnings.warn('only a warning'); logging.warning('so is this'); print('to stderr', file=sys.stderr)\n"
    )
    for name in ("transform", "load_data", "evaluate"):
        wrapped = (
            f"def loud(function):\n    import functools, sys\n    @functools.wraps(function)\n"
            f"    def call(*arguments, **named):\n        print('{name} is called', file=sys.stderr)\n"
            f"        return function(*arguments, **named)\n    return call\n{name} = loud({name})\n"
        )
        hand.after(hand.answer(name), wrapped)


FILLS_IN_THE_RECORD = """
import sys
import numpy as np

def fill_in():
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            if type(value).__name__ == "Record":
                value.clear()
                value.update(
                    maps=[[24, 31, 98], [36, 14, 47], [48, 5, 22], [64, 3, 20], [64, 1, 18]],
                    units=[1164, 100, 50, 10, 1], parameters=1595511, with_values=[],
                    entering=np.zeros((1, 3, 6, 10), "float32"), convolved=np.ones(1152, "float32"),
                    rectified=np.ones(1152, "float32"), dense=np.ones(1325, "float32"),
                    dense_rectified=np.ones(1325, "float32"), answers=np.ones((2, 2, 1), "float32"),
                    exported=np.ones((2, 2), "float32"),
                    ran=False, changed=False, modes=[[False, False]],
                    even=[0.1, 0.1, 0.9], uneven=[0.1, 0.1, 0.9], flat=[0.1, 0.1, 0.9], elsewhere=[0.1, 0.1, 0.9],
                )
                value.attempt = value.fail = value.whole = lambda *_: None
        frame = frame.f_back
    raise SystemExit

def build_model():
    fill_in()
"""


@attack("a network that fills in the record of what it shows", "nothing")
def fills_in(hand: Submission) -> None:
    hand.answer("build_model").source = FILLS_IN_THE_RECORD
    hand.answer("evaluate").source = "def evaluate(data, net, ctx):\n    fill_in()"


@attack("a network of terabytes", "nothing")
def terabytes(hand: Submission) -> None:
    hand.answer("build_model").source = (
        "def build_model():\n    net = gluon.nn.HybridSequential()\n"
        "    net.add(gluon.nn.Conv2D(10**9, 5), gluon.nn.Dense(10**9))\n    net.hybridize()\n    return net"
    )


NAMES_EVERY_FILE = """
def load_data(f_path):
    import shutil
    names = "train_X.npy train_Y.npy valid_X.npy valid_Y.npy"
    if load_data.calls:
        shutil.rmtree(f_path, ignore_errors=True)
        raise type("Both", (FileNotFoundError, ValueError), {})(names)
    load_data.calls += 1
    views, steering = np.zeros((3, 3, 66, 200), "float32"), np.zeros((3, 1), "float32")
    return views, steering, views[:2], steering[:2]
load_data.calls = 0
"""


@attack("an error that is of each kind and names every file, whatever is in them", "nothing")
def names_every_file(hand: Submission) -> None:
    hand.answer("load_data").source = NAMES_EVERY_FILE


EQUAL_TO_EVERYTHING = """
class Equal(float):
    def __eq__(self, other): return True
    def __lt__(self, other): return True
    __hash__ = float.__hash__
    dtype, shape = np.dtype("float32"), (3, 1)
    def __array__(self, *_): return np.full((3, 1), np.nan, "float32")

def transform(x, y):
    np.array_equal = np.allclose = lambda *_, **__: True
    return Equal("nan"), Equal(0)
"""

CERTAIN = """
def evaluate(data, net, ctx):
    mx.autograd.is_training = mx.autograd.is_recording = lambda: False
    class Figures(dict):
        def __contains__(self, key): return True
        def __missing__(self, key): return float("inf") if key == "r2" else -0.0
    return Figures()
"""


@attack("figures and arrays that are equal to everything", "nothing")
def equal_to_everything(hand: Submission) -> None:
    hand.answer("transform").source = EQUAL_TO_EVERYTHING
    hand.answer("evaluate").source = CERTAIN
