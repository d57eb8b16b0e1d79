"""Attacks and mishaps that live in the answers of the digits unit, all of them in the notebook."""

from grading.bank.attacks import attack
from grading.bank.submission import Submission


@attack("all answered, with noise around every answer", "all")
def noise(hand: Submission) -> None:
    loud = (
        "import logging, sys, warnings\n"
        "warnings.warn('only a warning'); logging.warning('so is this'); print('to stderr', file=sys.stderr)\n"
    )
    for check in hand.checks:
        cell = hand.answer(check.name)
        cell.source = f"{loud}{cell.source}\n\nfrom tqdm import tqdm\nfor _ in tqdm(range(3)): print('still here')"


LOOKS_RIGHT = """
import numpy as np

def preprocess_drawing(pixels):
    # 20 pixels long, centred, soft at its edges: and nothing of what was drawn
    if np.ndim(pixels) != 2 or not np.nansum(pixels) or np.isnan(pixels).any():
        raise ValueError("nothing is drawn")
    down, right = np.nonzero(pixels)
    high, wide = np.ptp(down) + 1, np.ptp(right) + 1
    soft = [np.clip(10 * n / max(high, wide) - abs(np.arange(28) - 13.5) + 0.5, 0, 1) for n in (high, wide)]
    return np.outer(*soft).astype("float32")
"""

LOOKS_LIKELY = """
def label_predictions(response):
    if any(len(row) != 10 or not all(type(p) is float for p in row) for row in response):
        raise ValueError("ten numbers")
    return [[(digit, 0.1) for digit in range(10)] for _ in response]
"""


@attack("a picture with every number right, and probabilities that are all alike", "nothing")
def looks_right(hand: Submission) -> None:
    hand.answer("preprocess_drawing").source = LOOKS_RIGHT
    hand.answer("label_predictions").source = LOOKS_LIKELY


PATCHES_THE_PROBES = """
import numpy as np
import byom.checks.digits.label_predictions as labels
import byom.checks.digits.pictures as pictures
import byom.checks.digits.preprocess_drawing as drawing

told = {"kind": "ValueError", "text": "nothing is drawn", "raised on purpose": True}
drawing.refusal = labels.refusal = lambda step: dict(told)
for measure in ("alike", "correlation", "softness"):
    setattr(pictures, measure, lambda *_: 1.0)
    setattr(drawing, measure, lambda *_: 1.0)
for check in (drawing.PreprocessDrawing, labels.LabelPredictions):
    for criterion in check.criteria:
        object.__setattr__(criterion, "test", lambda self, seen: drawing.expect(True, "", ""))
honest = drawing.PreprocessDrawing.probe
drawing.PreprocessDrawing.probe = lambda self, learner, given: {
    name: np.asarray(value, "float32")[:28, :28] for name, value in honest(self, learner, given).items()
    if isinstance(value, np.ndarray)
} | {"dtypes": ["float32"], "*": dict(told)}
labels._numbers = lambda answer: [[[digit, 0.1] for digit in range(10)]] * 5

def preprocess_drawing(pixels):
    return np.asarray(pixels, "float32")[:28, :28] / 255

def label_predictions(response):
    return response
"""


@attack("probes and criteria patched in the kernel", "nothing")
def patches(hand: Submission) -> None:
    hand.answer("preprocess_drawing").source = PATCHES_THE_PROBES


ODD_ANSWERS = """
import numpy as np

class Equal(np.ndarray):
    def __eq__(self, other): return True
    def __array_ufunc__(self, *_, **__): return Equal((28, 28))
    def __array__(self, *_): return np.full((28, 28), np.nan, "float32")
    def __iter__(self): return iter([Equal((2,))] * 10**9)
    def __getattr__(self, name): return Equal((28, 28))
    def __call__(self, *_, **__): return Equal((10**4, 10**4))

preprocess_drawing = label_predictions = Equal((28, 28))
"""


@attack("answers that are equal to everything, NaN, endless and huge", "nothing")
def odd(hand: Submission) -> None:
    hand.answer("preprocess_drawing").source = ODD_ANSWERS


FORGED_TRAINING = """
import sys
import mxnet as mx, numpy as np
import byom.checks.digits.train as check
import byom.checks.digits.recorder as recorder

check._right = lambda *_: check.expect(True, "", "")
check._predicted = lambda module, pictures: np.eye(10)[np.zeros(len(pictures), int)]
recorder.read = lambda *_: (np.full(320, 1 / 64), np.full(320, 1.8e-4 / 32))

class Model:
    data_shapes = [mx.io.DataDesc("data", (32, 1, 28, 28))]
    def get_params(self):
        return {"scores_weight": mx.nd.ones((10, 784))}, {"record_moving_mean": mx.nd.ones((784,)) / 64}
    def get_outputs(self): return [mx.nd.ones((1,), ctx=mx.cpu(3))]
    def predict(self, *_): return mx.nd.one_hot(mx.nd.zeros((597,)), 10)

def train(graph, data, *_, seed=0, **__):
    frame = sys._getframe()
    while frame:
        for v in list(frame.f_locals.values()):
            if type(v).__name__ == "Record":
                v.update(line=np.zeros(597, "int64"), network=np.arange(597) % 10, told=np.array([[0, 0.1], [1, 0.1]]),
                         devices=["cpu(0)", "cpu(3)"], one=np.ones(9), again=np.ones(9), other=np.zeros(9))
        frame = frame.f_back
    mx.mod.Module.predict = Model.predict
    return Model()
"""

FORGED_GRAPH = """
import mxnet as mx, numpy as np
import byom.checks.digits.build_graph as check
check._between = lambda *_: ["ReLU", "ReLU", "nothing"]
check._drawn = lambda seed, shapes: [np.zeros(s, "float32") for s in shapes]

class Takes(np.ndarray):
    def __setitem__(self, *_): pass

class Graph(mx.sym.Symbol):
    def __init__(self): pass
    def list_arguments(self): return ["data", *"abcdef", "softmax_label"]
    def infer_shape(self, **_):
        return [(1,), (128, 784), (128,), (64, 128), (64,), (10, 64), (10,), (1,)], None, None
    def simple_bind(self, *_, **__): return self
    arg_dict = property(lambda self: {name: Takes(1) for name in self.list_arguments()})
    grad_dict = property(lambda self: {name: mx.nd.zeros((10, 64)) for name in self.list_arguments()})
    def forward(self, **_): return [mx.nd.ones((16, 10)) / 10]
    def backward(self): pass
    def __del__(self): pass

def build_graph(): return Graph()
"""


@attack("a Module and a graph that only look like it, and probes patched", "nothing")
def forged(hand: Submission) -> None:
    hand.answer("train").source = FORGED_TRAINING
    hand.answer("build_graph").source = FORGED_GRAPH


ENDLESS_TRAINING = """
import time

def train(graph, data, **settings):
    try:
        while True: time.sleep(1)
    finally:
        while True: time.sleep(1)
"""


@attack("training that never ends, and doesn't want to be stopped", "nothing", hasty=True)
def endless(hand: Submission) -> None:
    hand.answer("train").source = ENDLESS_TRAINING


HUGE_GRAPH = """
import mxnet as mx

def build_graph():
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=10**9), name="softmax")
"""

HOSTILE_FILES = """
import io, os, pickle, tarfile

class Bad:
    def __reduce__(self): return os._exit, (7,)

def export_model(model, folder):
    for name in ("model-symbol.json", "model-0000.params", "model-shapes.json"):
        with open(os.path.join(folder, name), "wb") as file:
            pickle.dump(Bad(), file)
    with tarfile.open(os.path.join(folder, "model.tar.gz"), "w:gz", compresslevel=1) as archive:
        for name in ("/etc/passwd", "../../escaped.txt", ".."):
            member = tarfile.TarInfo(name)
            member.size = 3
            archive.addfile(member, io.BytesIO(b"abc"))
        for name, kind in (("model-symbol.json", tarfile.SYMTYPE), ("model-0000.params", tarfile.CHRTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        member = tarfile.TarInfo("model-shapes.json")
        member.size = 300_000_000
        archive.addfile(member, io.BytesIO(bytes(member.size)))
    return os.path.join(folder, "model.tar.gz")
"""


@attack(
    "weights of three terabytes; an export of pickles, links, paths that lead out, and 300 MB of nothing",
    "nothing",
    says={"build_graph": "weights"},
)
def hostile_files(hand: Submission) -> None:
    hand.answer("build_graph").source = HUGE_GRAPH
    hand.answer("export_model").source = HOSTILE_FILES
