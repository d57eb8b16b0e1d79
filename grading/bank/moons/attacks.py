"""Attacks and mishaps that live in the scripts of the moons unit."""

from grading.bank.attacks import attack
from grading.bank.submission import Submission


@attack("all answered, with noise in notebook and scripts", "all")
def noise(hand: Submission) -> None:
    loud = (
        "import logging, sys, warnings\n"
        "warnings.warn('only a warning'); logging.warning('so is this'); print('to stderr', file=sys.stderr)\n"
    )
    hand.begin(loud)
    for name in ("source/model.py", "source/train.py", "source/predict.py"):
        text = str(hand.files[name])
        after_docstring = text.index('"""\n', 3) + 4
        hand.files[name] = text[:after_docstring] + loud + text[after_docstring:]


def _only_scripts(hand: Submission, **scripts: str) -> None:
    """Scripts without a notebook to speak of: what is answered there is quick to examine."""
    hand.files = {f"source/{name}.py": text for name, text in scripts.items()}


@attack("train.py: waits for ever", "nothing", says={"train": "was stopped"}, hasty=True)
def endless(hand: Submission) -> None:
    _only_scripts(hand, train="import time\nwhile True: time.sleep(1)")


FORGED_FILES = """
import os
for n in ("model.pth", "model_info.pth"):
    open(os.path.join(os.environ.get("SM_MODEL_DIR", "."), n), "wb").write(b"\\x80\\x04.")
print("epoch 0 loss 0.6931\\nepoch 90 loss 0.1000", flush=True)
os._exit(0)
"""

PICKLE = """
import os, pickle
class Bad:
    def __reduce__(self): return os._exit, (7,)
for n in ("model.pth", "model_info.pth"):
    pickle.dump(Bad(), open(os.path.join(os.environ.get("SM_MODEL_DIR", "."), n), "wb"))
"""

EQUAL_TO_EVERYTHING = """
class Equal(list):
    def __eq__(self, other): return True
    def __array__(self, *_): return self
    def __getattr__(self, name): return Equal()
def predict_fn(*_): return Equal()
"""

NAN_FOR_EVERYTHING = """
import numpy as np
def predict_fn(x, model): return np.full((len(x), 1), float("nan"))
"""

READS_THE_CHECK_THAT_RUNS_IT = """
import sys, numpy as np
def steal():
    frame = sys._getframe()
    while frame:
        for v in list(frame.f_locals.values()):
            if type(v).__name__ == "Record": v.update({"side": np.ones(1000), "squares": np.ones(1000)})
        frame = frame.f_back
steal()
class SimpleNet:
    def __init__(self, *_): steal(); raise SystemExit
"""


@attack(
    "scripts that end on import, print two gigabytes, and answer NaN",
    "nothing",
    says={"SimpleNet": "exit code 5", "train": "more than 10 MB", "predict_fn": "NaN"},
)
def floods(hand: Submission) -> None:
    _only_scripts(
        hand,
        model="import os; os._exit(5)",
        train="while True: print('x' * 100_000)",
        predict=NAN_FOR_EVERYTHING,
    )


@attack("scripts that forge files and evidence", "nothing", says={"train": "model"})
def forges(hand: Submission) -> None:
    _only_scripts(hand, model=READS_THE_CHECK_THAT_RUNS_IT, train=FORGED_FILES, predict=EQUAL_TO_EVERYTHING)


@attack("a model file that runs code", "nothing", says={"train": "exit code 7", "predict_fn": "not handed in"})
def pickle(hand: Submission) -> None:
    _only_scripts(hand, model="class SimpleNet: pass", train=PICKLE)


@attack(
    "scripts that ask, and that are no Python",
    "nothing",
    says={"train": "EOFError", "SimpleNet": "not handed in", "predict_fn": "SyntaxError"},
)
def asks(hand: Submission) -> None:
    _only_scripts(hand, train="epochs = input('epochs? ')", predict="def predict_fn(x, model)\n    return x")
