"""Submissions that try to get points without an answer, to harm others or to learn what is private.

Whoever starts with nothing must end with nothing.
"""

import json

from byom.checks.unit import PUBLIC_SEED
from grading.bank.attacks import FIRST, attack
from grading.bank.probing import evidence
from grading.bank.submission import Submission
from grading.bank.work import solved

MIME = "application/x-byom-evidence+json"


@attack("fake results shown", "nothing")
def fake_results(hand: Submission) -> None:
    hand.begin(
        "import sys, builtins\n"
        "from IPython.display import display, HTML\n"
        "shell = get_ipython()\n"
        "sys.displayhook(5.0); shell.displayhook(10.0); display(10.0); display(HTML('✓ met 10 / 10'))\n"
        "def check(*_):\n    sys.displayhook(10.0); return 10.0\n"
        "builtins.check = check\n"
        "import byom.checks.unit\n"
        "byom.checks.unit.Unit.check = lambda *_: check()"
    )


@attack("grade cells replaced by numbers, and worth a thousand points", "nothing", says={FIRST: "put back as it was"})
def replaced_checks(hand: Submission) -> None:
    values = ["float('nan')", "__import__('numpy').float64(100)", "10.0", "1e9", "'10'", "-0.0", "float('inf')"]
    for number, check in enumerate(hand.checks):
        cell = hand.check(check.name)
        cell.source = values[number % len(values)]
        cell.metadata.nbgrader.points, cell.metadata.nbgrader.locked = 1000, False


@attack("answers that are NaN or a numpy number", "nothing")
def nan(hand: Submission) -> None:
    hand.answer(hand.exercise).source = (
        f"import numpy as np\nclass Nan(float):\n    def __call__(self, *_, **__): return np.float64('nan')\n"
        f"{hand.exercise} = Nan('nan')"
    )


@attack("later cells blanked by an input transformer", "nothing")
def input_transformer(hand: Submission) -> None:
    hand.begin("get_ipython().input_transformers_post.append(lambda lines: ['10.0\\n'])")


@attack("kernel.do_execute patched", "nothing")
def do_execute(hand: Submission) -> None:
    hand.begin(
        "kernel = get_ipython().kernel\n"
        "async def do_execute(code, silent, *_, **__):\n"
        "    content = {'data': {'text/plain': '10.0'}, 'metadata': {}, 'execution_count': 1}\n"
        "    kernel.send_response(kernel.iopub_socket, 'execute_result', content)\n"
        "    return {'status': 'ok', 'execution_count': 1, 'payload': [], 'user_expressions': {}}\n"
        "kernel.do_execute = do_execute"
    )


@attack("answers looked for in the file system", "nothing")
def reads_solutions(hand: Submission) -> None:
    hand.begin(
        "import os, glob\n"
        "places = ['../../../source', '../..', '/', os.path.expanduser('~'), '/proc/1/root', '/proc/1/cwd']\n"
        f"names = ('{hand.unit}.py', '{hand.unit}.ipynb', 'train.py', 'predict.py', 'mutants.toml', 'run.json')\n"
        "found = []\n"
        "for place in places:\n"
        "    for folder, folders, files in os.walk(place):\n"
        "        folders[:] = [f for f in folders if f not in ('proc', 'sys', 'usr', 'lib', 'site-packages')]\n"
        "        found += [os.path.join(folder, f) for f in files if f in names]\n"
        "for path in found:\n"
        "    text = open(path).read()\n"
        "    if 'BEGIN SOLUTION' in text or 'os.makedirs' in text:\n"
        "        print(text); exec(text, globals())\n"
        f"import sys\nsys.path += ['../../../solutions/{hand.unit}', '../../..', '/']\n"
        f"try:\n    from solutions.{hand.unit}.{hand.unit} import *\nexcept Exception as e: print(e)"
    )


@attack("the reference imported", "nothing")
def imports_grading(hand: Submission) -> None:
    hand.begin(
        "def grab():\n"
        "    from grading.autograders.autograder import reference_evidence\n"
        f"    return reference_evidence('{hand.unit}', 1)\n"
        "try:\n    shown = grab()\nexcept BaseException as e: print(type(e).__name__)"
    )


@attack("the gradebook updated", "first")
def gradebook(hand: Submission) -> None:
    hand.begin(
        "import os, sqlite3\n"
        "places = [os.path.join(d, f) for top in ('/', '../..', '../../..') for d, ds, fs in os.walk(top)\n"
        "          if not d.startswith(('/proc', '/sys', '/usr')) for f in fs if f.endswith('.db')]\n"
        "for path in [*places, '../../../gradebook.db', '../../gradebook.db']:\n"
        "    try:\n"
        "        with sqlite3.connect(path) as book:\n"
        "            book.execute('UPDATE grade SET auto_score = 25, manual_score = 25')\n"
        "    except Exception as e: print(e)"
    )


@attack("equal to everything", "nothing")
def equal(hand: Submission) -> None:
    hand.answer(hand.exercise).source = (
        "import numpy as np\n"
        "class Equal(str):\n"
        "    def __eq__(self, other): return True\n"
        "    def __ne__(self, other): return False\n"
        "    __hash__ = str.__hash__\n"
        "    def __getattr__(self, name): return Equal()\n"
        "    def __call__(self, *_, **__): return Equal()\n"
        f"{hand.exercise} = Equal()\n"
        "np.allclose = np.array_equal = lambda *_, **__: True"
    )


@attack("an AST transformer that drops checks and asserts", "nothing")
def ast_transformer(hand: Submission) -> None:
    hand.begin(
        "import ast\n"
        "class Drop(ast.NodeTransformer):\n"
        "    def visit_Assert(self, node): return ast.Pass()\n"
        "    def visit_Expr(self, node):\n"
        "        called = isinstance(node.value, ast.Call) and getattr(node.value.func, 'id', '') == 'check'\n"
        "        return ast.parse('10.0').body[0] if called else node\n"
        "get_ipython().ast_transformers.append(Drop())"
    )


@attack("the judge patched", "nothing")
def judge_patched(hand: Submission) -> None:
    hand.begin(
        "import byom.checks.criteria as c, byom.checks.unit as u, byom.checks.evidence as e\n"
        "met = lambda self, criterion, exhibits: c.Outcome(True, 'this', 'this')\n"
        "c.Check._outcome = met\n"
        "c.expect = lambda *_: c.Outcome(True, '', '')\n"
        "e.Evidence.array = e.Evidence.text = e.Evidence.flag = lambda *_, **__: 1"
    )


@attack("check patched to pose the public challenge", "nothing")
def pose_patched(hand: Submission) -> None:
    hand.begin(
        "import byom.checks.unit as u\n"
        "u.pose = lambda *_: None\n"
        "class Empty(dict):\n    def get(self, *_): return None\n    def __setitem__(self, *_): pass\n"
        "u._posed = Empty()"
    )


def _forged(hand: Submission, said: dict[str, str]) -> None:
    """Have every check hand in what was prepared, whatever is asked."""
    hand.begin(
        "import byom.checks.unit as u\n"
        "from IPython.display import display\n"
        f"said = {said!r}\n"
        f"u.Unit.check = lambda self, exercise, learner: display({{'{MIME}': said[exercise]}}, raw=True)\n"
        f"import byom.checks.{hand.unit} as m\n"
        "m.check = lambda exercise, learner: u.Unit.check(None, exercise, learner)"
    )


@attack("the evidence of the public challenge replayed", "nothing")
def replayed(hand: Submission) -> None:
    work = solved(hand.unit)
    _forged(hand, {check.name: evidence(work, check.name, PUBLIC_SEED) for check in hand.checks})


@attack("evidence that is no evidence", "nothing")
def junk(hand: Submission) -> None:
    array = '{"*": {"array": "%s", "dtype": "%s", "shape": %s}}'
    kinds = [
        "[" * 100_000,
        '{"*": NaN}',
        array % ("AAAAAAAA+H8=", "float64", "[1]"),
        array % ("AAAA", "object", "[1]"),
        array % ("gASVAgAAAAAAAACMAFQu", "float64", "[2, 3]"),
        '{"*": true}',
        json.dumps({"*": {"raised": "<script>alert(1)</script>" * 9}}),
    ]
    _forged(hand, {check.name: kinds[number % len(kinds)] for number, check in enumerate(hand.checks)})


@attack("evidence shown in other cells and other ways", "nothing")
def elsewhere(hand: Submission) -> None:
    said = {check.name: '{"*": true}' for check in hand.checks}
    hand.begin(
        "from IPython.display import display, publish_display_data\n"
        f"for exercise, text in {said!r}.items():\n"
        f"    display({{'{MIME}': text}}, raw=True, display_id=exercise)\n"
        f"    display({{'{MIME}': text}}, raw=True, display_id=exercise, update=True)\n"
        "kernel = get_ipython().kernel\n"
        "for number in range(9):\n"
        f"    content = {{'data': {{'{MIME}': [number]}}, 'metadata': {{}}, 'transient': {{}}}}\n"
        "    kernel.session.send(kernel.iopub_socket, 'display_data', content, parent={'msg_id': 'x', 'header': {}})\n"
        "    kernel.session.send(kernel.iopub_socket, '\\x00strange', {'data': number})\n"
        "    kernel.iopub_socket.send_multipart([b'no', b'message'])"
    )


@attack("printed its own input and the challenges", "first", hides=("fromlist=[", "&quot;array&quot;"))
def prints_input(hand: Submission) -> None:
    hand.answer(hand.exercise).source += "\n\nprint(In[-1])"
    hand.after(hand.check(hand.exercise), "print(In); print(_ih); %history")


@attack("the kernel ended at once", "first", loses={FIRST: "the kernel"})
def exits_before(hand: Submission) -> None:
    hand.begin("import os; os._exit(0)")


@attack("the kernel ended after the first answer", "first")
def exits_after(hand: Submission) -> None:
    hand.after(hand.check(hand.exercise), "import os; os._exit(1)")


@attack("exit() and quit()", "first")
def leaves(hand: Submission) -> None:
    hand.after(hand.check(hand.exercise), "exit()")
    hand.after(hand.check(hand.exercise), "quit()")


@attack("SystemExit in the answer", "first", loses={FIRST: "SystemExit"})
def system_exit(hand: Submission) -> None:
    hand.answer(hand.exercise).source = f"def {hand.exercise}(*_):\n    raise SystemExit('bye')"


@attack("five cells that never end", "first", hasty=True)
def loops(hand: Submission) -> None:
    for code in ("while True: pass", *4 * ["import time\nwhile True: time.sleep(1)"]):
        hand.after(hand.check(hand.exercise), code)


@attack("an answer that never ends", "first", loses={FIRST: "was stopped"}, hasty=True)
def endless_answer(hand: Submission) -> None:
    hand.answer(hand.exercise).source = f"import time\ndef {hand.exercise}(*_):\n    while True: time.sleep(1)"


@attack("a loop that hears no signal", "first", hasty=True)
def deaf(hand: Submission) -> None:
    hand.after(
        hand.check(hand.exercise),
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "while True:\n    try:\n        while True: time.sleep(1)\n    except BaseException: pass",
    )


@attack("two gigabytes of output", "first")
def flood(hand: Submission) -> None:
    hand.after(hand.check(hand.exercise), "for _ in range(2_000): print('x' * 1_000_000)")


@attack("an answer that floods", "first", says={FIRST: ""})
def flooding_answer(hand: Submission) -> None:
    hand.answer(hand.exercise).source += "\n\nprint('y' * 3_000_000)"


@attack("the words of other students", "nothing")
def markup(hand: Submission) -> None:
    page = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    hand.answer(hand.exercise).source = f"def {hand.exercise}(*_):\n    raise ValueError({page!r})"
