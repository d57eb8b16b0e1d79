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
    rows, columns = np.nonzero(pixels)
    high, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
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
