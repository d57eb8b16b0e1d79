"""Honest work that looks odd: warnings, noise, magics, plots. None of it costs a point."""

from grading.bank.attacks import FIRST, attack
from grading.bank.submission import Submission

NOISE = """
import warnings, logging, sys
from tqdm import tqdm
warnings.warn("this is only a warning")
logging.warning("so is this")
print("this goes to stderr", file=sys.stderr)
for _ in tqdm(range(3)): pass
"""


def _indented(code: str) -> str:
    return "\n".join("    " + line for line in code.strip().splitlines())


@attack("noise of all kinds", "first")
def noise(hand: Submission) -> None:
    hand.begin(NOISE)
    cell = hand.answer(hand.exercise)
    cell.source += (
        f"\n\n_quiet = {hand.exercise}\n"
        f"def {hand.exercise}(*arguments, **named):\n{_indented(NOISE)}\n    return _quiet(*arguments, **named)\n"
    )


@attack("magics, shell commands, plots, async cells and widgets", "first")
def magics(hand: Submission) -> None:
    check = hand.check(hand.exercise)
    for code in (
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()",
        "!ls -la; echo done",
        "%%time\nx = sum(range(1000))",
        "%%bash\npwd",
        "import asyncio\nawait asyncio.sleep(0.01)",
        "import ipywidgets\nipywidgets.IntSlider()",
        "%config InlineBackend.figure_format = 'svg'\n%load_ext autoreload\n%autoreload 2",
        "print('z' * 200_000)",
        "import threading\nthreading.Thread(target=lambda: [print(n) for n in range(5)]).start()",
    ):
        hand.before(check, code)


@attack("input() in the answer", "first", loses={FIRST: "StdinNotImplementedError"})
def asks_in_answer(hand: Submission) -> None:
    hand.answer(hand.exercise).source = f"def {hand.exercise}(*_):\n    return input('What? ')"
