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


@attack("train.py: a syntax error", "all", loses={"train": "SyntaxError"})
def syntax_error(hand: Submission) -> None:
    hand.files["source/train.py"] = str(hand.files["source/train.py"]).replace("def main() -> None:", "def main() -> None")


def _only_scripts(hand: Submission, **scripts: str) -> None:
    """Scripts without a notebook to speak of: what is answered there is quick to examine."""
    hand.files = {f"source/{name}.py": text for name, text in scripts.items()}


@attack("train.py: waits for ever", "nothing", says={"train": "was stopped"}, hasty=True)
def endless(hand: Submission) -> None:
    _only_scripts(hand, train="import time\nwhile True: time.sleep(1)")


@attack("train.py: two gigabytes of output", "nothing", says={"train": "more than 10 MB"})
def flood(hand: Submission) -> None:
    _only_scripts(hand, train="while True: print('x' * 100_000)")


@attack("train.py: input()", "nothing", says={"train": "EOFError"})
def asks(hand: Submission) -> None:
    _only_scripts(hand, train="epochs = input('epochs? ')")


@attack("train.py: os._exit(0) after writing nonsense", "nothing", says={"train": "model"})
def exits(hand: Submission) -> None:
    _only_scripts(
        hand,
        train="import os\n"
        "for n in ('model.pth', 'model_info.pth'):\n"
        "    open(os.path.join(os.environ.get('SM_MODEL_DIR', '.'), n), 'wb').write(b'\\x80\\x04.')\n"
        "print('epoch 0 loss 0.6931')\nprint('epoch 90 loss 0.1000', flush=True)\nos._exit(0)",
    )


@attack("train.py: a pickle that runs code", "nothing", says={"train": "exit code 7"})
def pickle(hand: Submission) -> None:
    _only_scripts(
        hand,
        model="class SimpleNet: pass",
        train="import os, pickle\n"
        "class Bad:\n    def __reduce__(self): return os._exit, (7,)\n"
        "for n in ('model.pth', 'model_info.pth'):\n"
        "    pickle.dump(Bad(), open(os.path.join(os.environ.get('SM_MODEL_DIR', '.'), n), 'wb'))",
    )


@attack("scripts that are missing", "nothing", says={"train": "not handed in", "predict_fn": "not handed in"})
def missing(hand: Submission) -> None:
    _only_scripts(hand, model="x = 1")


@attack("model.py and predict.py: end the process on import", "nothing", says={"SimpleNet": "exit code 5"})
def exits_on_import(hand: Submission) -> None:
    _only_scripts(hand, model="import os; os._exit(5)", predict="raise SystemExit('no')")


@attack("predict.py: equal to everything, closed to everything", "nothing")
def equal(hand: Submission) -> None:
    _only_scripts(
        hand,
        predict="class Equal(list):\n"
        "    def __eq__(self, other): return True\n"
        "    def __array__(self, *_): return self\n"
        "    def __getattr__(self, name): return Equal()\n"
        "def predict_fn(*_): return Equal()",
    )


@attack("predict.py: NaN for everything", "nothing", says={"predict_fn": "NaN"})
def nan(hand: Submission) -> None:
    _only_scripts(
        hand,
        predict="import numpy as np\ndef predict_fn(x, model): return np.full((len(x), 1), float('nan'))",
    )


@attack("model.py: reads the check that runs it", "nothing")
def reads_the_frame(hand: Submission) -> None:
    _only_scripts(
        hand,
        model="import gc, sys, numpy as np\n"
        "def steal():\n"
        "    frame = sys._getframe()\n"
        "    while frame:\n"
        "        for v in list(frame.f_locals.values()):\n"
        "            if type(v).__name__ == 'Record': v.update({'side': np.ones(1000), 'squares': np.ones(1000)})\n"
        "        frame = frame.f_back\n"
        "steal()\n"
        "class SimpleNet:\n    def __init__(self, *_): steal(); raise SystemExit",
    )
