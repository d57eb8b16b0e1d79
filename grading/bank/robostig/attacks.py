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
                    ran=False, noticed=dict(changed=False, modes=[[False, False]]),
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


@attack("a network of terabytes", "nothing", says={"build_model": "1000000000 units"})
def terabytes(hand: Submission) -> None:
    hand.answer("build_model").source = (
        "from mxnet.gluon import nn\ndef build_model():\n    net = nn.HybridSequential()\n"
        "    net.add(nn.Conv2D(10**9, 5), nn.Dense(10**9))\n    net.hybridize()\n    return net"
    )


NAMES_EVERY_FILE = """
import numpy as np
def load_data(f_path):
    names = "train_X.npy train_Y.npy valid_X.npy valid_Y.npy"
    if load_data.calls:
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
import numpy as np
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
import mxnet as mx
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


FORGES_STEPS = """
import sys

def train(net, data, hyperparameters, ctx=None, kvstore="local"):
    import byom.checks.robostig.train as judge
    judge.LEARNT = float("-inf")
    judge.Train.judge = lambda *_: []
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            if type(value).__name__ == "Record":
                value.update(
                    steering=np.zeros(128), on_views={"optimizer": "adam", "learning_rate": 0.003, "kvstore": "local"},
                    defaults={"epochs": 5, "batch_size": 64, "optimizer": "adam", "learning_rate": 0.0001},
                    misspelt="ValueError: optmizer", places=["cpu(1)"], seeds=np.ones((3, 25)), history=[{}] * 7,
                )
                value.whole = lambda step: None
        frame = frame.f_back
    net.initialize(mx.init.Zero())
    return [{"epoch": e, "loss": 0.0, "mse": 0.0, "mae": 0.0, "r2": 1.0} for e in range(hyperparameters.get("epochs", 5))]
"""


@attack("a training that only tells of one", "nothing")
def forges_steps(hand: Submission) -> None:
    hand.answer("train").source = FORGES_STEPS


@attack("a training without an end", "nothing", hasty=True)
def endless_training(hand: Submission) -> None:
    hand.answer("train").source = (
        "def train(net, data, hyperparameters, ctx=None, kvstore='local'):\n"
        "    import itertools, time\n"
        "    for epoch in itertools.count():\n"
        "        try:\n            time.sleep(1)\n        except BaseException:\n            pass"
    )


DAMAGED_FILES = """
def save(net, model_dir):
    os.makedirs(model_dir, 0o755, True)
    for name in ("model-symbol.json", "model-0000.params"):
        path = os.path.join(model_dir, name)
        if not os.path.lexists(path):
            os.symlink("/dev/zero" if name.endswith("json") else "/etc/passwd", path + ".link")
            with open(path, "wb") as file:
                file.write(b"\\x12\\x01\\0\\0\\0\\0\\0\\0" + b"\\xff" * 1000 if "params" in name else b"[" * 100_000)
"""

NEITHER_HERE_NOR_THERE = """
class Nowhere:
    def __call__(self, views): return self
    def asnumpy(self): return np.full((9, 1), np.nan, "float32")
    def __array__(self, *_): return self.asnumpy()

def model_fn(model_dir):
    import pathlib
    for path in pathlib.Path(model_dir).glob("*"):
        path.unlink()
    return Nowhere()
"""


@attack("files that hold nothing, and a network that answers NaN", "nothing")
def damaged_files(hand: Submission) -> None:
    hand.answer("save").source = DAMAGED_FILES
    hand.answer("model_fn").source = NEITHER_HERE_NOR_THERE


ALWAYS_REFUSES = """
def transform_fn(net, data, content_type, accept):
    import pickle, sys
    import byom.checks.serving as asking
    from sagemaker_inference.errors import BaseInferenceToolkitError
    asking.refused = asking.unopened = lambda *_: True
    asking._unpickled = type("Closed", (list,), {"__bool__": lambda self: False})()
    if not content_type.startswith("application/"):
        raise BaseInferenceToolkitError(415, "no", "no")
    if not accept.startswith("application/"):
        raise BaseInferenceToolkitError(406, "no", "no")
    raise BaseInferenceToolkitError(400, "no", "no")
"""


@attack("a service that refuses everything, each time with the right status", "nothing")
def always_refuses(hand: Submission) -> None:
    hand.answer("transform_fn").source = ALWAYS_REFUSES
