"""What comes out of an examination: evidence and reasons, from honest, clumsy and hostile notebooks."""

import asyncio
import json

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from byom.checks.evidence import LIMIT, MIME, decode, encode
from grading.examination import Examination, examine
from grading.sandbox import Limits, missing

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

QUICK = Limits(cell_seconds=10, submission_seconds=60, grace_seconds=1)

HAND_IN = f"""\
from IPython.display import display as _display
import byom.checks.evidence as _e, byom.checks.unit as _u
_display({{{MIME!r}: _e.encode({{"posed": _u._posed.get(%r)}})}}, raw=True)
"""


def grade(exercise: str, source: str | None = None) -> NotebookNode:
    """A grade cell; by default one that hands in what was posed."""
    nbgrader: dict[str, object] = {
        "grade": True,
        "solution": False,
        "locked": True,
        "points": 1,
        "schema_version": 3,
        "task": False,
    }
    nbgrader["grade_id"] = f"check-{exercise}"
    return new_code_cell(HAND_IN % exercise if source is None else source, metadata={"nbgrader": nbgrader})


def run(folder, *cells: NotebookNode | str, limits: Limits = QUICK, **options) -> Examination:
    notebook = new_notebook(cells=[c if isinstance(c, NotebookNode) else new_code_cell(c) for c in cells])
    exercises = [
        c.metadata.nbgrader.grade_id.removeprefix("check-") for c in notebook.cells if "nbgrader" in c.metadata
    ]
    challenges = {exercise: encode({"secret of": exercise}) for exercise in exercises}
    examination = examine(folder, notebook, challenges, limits, **options)
    nbformat.validate(examination.notebook)
    json.dumps(examination.notebook, ensure_ascii=False).encode()
    assert not any(MIME in o.get("data", {}) for c in examination.notebook.cells for o in c.get("outputs", []))
    assert set(examination.evidence) | set(examination.reasons) == set(challenges)
    assert not set(examination.evidence) & set(examination.reasons)
    return examination


def posed(examination: Examination, exercise: str) -> dict:
    """The challenge that the grade cell of ``exercise`` found posed."""
    return decode(decode(examination.evidence[exercise])["posed"])


def text(cell: NotebookNode) -> str:
    return "".join(o.get("text", "") for o in cell.outputs)


@pytest.mark.parametrize("sandboxed", [True, False])
def test_an_honest_notebook(tmp_path, sandboxed):
    (tmp_path / "helper.py").write_text("value = 7\n")
    cells = [
        new_markdown_cell("# Text"),
        "import byom.checks.unit as u, helper\nprint(u._posed, helper.value)",
        "import asyncio\nawait asyncio.sleep(0.01)\nprint('awaited')",
        "%time x = 1\n!ls\n%env HOME",
        "import ipywidgets\nipywidgets.IntSlider(description='knob')",
        "import sys, warnings\nwarnings.warn('beware'); print('noise', file=sys.stderr)\n"
        "for n in range(3): print('\\r', n, end='', file=sys.stderr)",
        grade("first", HAND_IN % "first" + "print('among', sorted(_u._posed))\n1 + 1"),
        "1 / 0",
        new_code_cell("raise SystemError('not run')", metadata={"tags": ["sagemaker"]}),
        grade(
            "second", HAND_IN % "second" + "print(len(In), '.pose(' in str(In[:-1]), [n for n in dir() if 'pose' in n])"
        ),
        "from IPython.display import clear_output\nprint('gone'); clear_output(); print('kept')",
    ]
    examination = run(tmp_path, *cells, sandboxed=sandboxed)
    out = examination.notebook.cells
    assert posed(examination, "first") == {"secret of": "first"}
    assert posed(examination, "second") == {"secret of": "second"}
    assert text(out[1]) == "{} 7\n"
    assert text(out[2]) == "awaited\n"
    assert "helper.py" in text(out[3])
    assert "knob" in json.dumps(examination.notebook.metadata.widgets)
    assert "beware" in text(out[5]) and text(out[5]).endswith(" 2")
    assert text(out[6]) == "among ['first']\n" and out[6].outputs[-1].data["text/plain"] == "2"
    assert out[7].outputs[0].ename == "ZeroDivisionError"
    assert out[8].outputs == []
    assert text(out[9]) == "9 False []\n"
    assert text(out[10]) == "kept\n"
    assert examination.notes == []


def test_plots_and_the_scientific_stack(tmp_path):
    source = (
        "%matplotlib inline\nimport torch, pandas, matplotlib.pyplot as plt\n"
        "from tqdm.auto import tqdm\n_ = list(tqdm(range(10)))\nplt.plot([1, 2]); plt.show()\ntorch.ones(3)"
    )
    examination = run(tmp_path, source, grade("x"))
    kinds = [kind for o in examination.notebook.cells[0].outputs for kind in o.get("data", {})]
    assert "image/png" in kinds
    assert examination.notebook.cells[0].outputs[-1].data["text/plain"] == "tensor([1., 1., 1.])"
    assert "x" in examination.evidence


def test_a_shadowed_check_is_the_units_again(tmp_path):
    source = "check = 5\ndef make_csv(x, y, filename, data_dir):\n    pass"
    cell = grade("make_csv", 'check("make_csv", make_csv)')
    assert "not callable" in run(tmp_path, source, cell).reasons["make_csv"]
    from byom.checks.unit import unit

    challenge = encode(unit("moons").challenge("make_csv", 1).given)
    notebook = new_notebook(cells=[new_code_cell(source), cell])
    assert examine(tmp_path, notebook, {"make_csv": challenge}, QUICK, unit="moons").evidence


def test_reasons_are_sentences_a_student_understands(tmp_path):
    examination = run(
        tmp_path,
        grade("name", "undefined"),
        grade("input", "x = input()"),
        grade("nothing", "pass"),
        grade("syntax", "def f(:"),
        grade("colours", "raise ValueError('\\x1b[31mred\\x1b[0m\\n\\nand ' + 'long ' * 1000)"),
        grade(
            "too_long",
            f"_display({{{MIME!r}: 'x' * {LIMIT + 1}}}, raw=True)".join(
                ["from IPython.display import display as _display\n", ""]
            ),
        ),
        grade("number", f"_display({{{MIME!r}: 5}}, raw=True)"),
        grade("last", f"for text in 'first', 'last': _display({{{MIME!r}: text}}, raw=True)"),
        grade("before_error", f"_display({{{MIME!r}: 'shown'}}, raw=True)\n1 / 0"),
        grade("as_result", f"class R:\n    def _repr_mimebundle_(self, **_): return {{{MIME!r}: 'x'}}\nR()"),
    )
    assert examination.reasons.pop("colours").startswith("ValueError: red and long")
    assert examination.reasons.pop("syntax").startswith("SyntaxError: invalid syntax")
    assert examination.reasons.pop("input").startswith("StdinNotImplementedError: raw_input was called")
    assert examination.reasons == {
        "name": "NameError: name 'undefined' is not defined",
        "nothing": "its check ran but handed in nothing",
        "too_long": "what its check handed in is longer than 4 MB, or no text",
        "number": "what its check handed in is longer than 4 MB, or no text",
        "as_result": "its check ran but handed in nothing",
    }
    assert examination.evidence == {"last": "last", "before_error": "shown"}


@pytest.mark.parametrize(
    ("source", "ending"),
    [
        ("import os; os._exit(1)", "died (exit code 1)"),
        ("import sys; sys.exit = None; __import__('os').abort()", "was killed by SIGABRT"),
        ("exit()", "was ended by the notebook (exit code 0)"),
        ("import ctypes; ctypes.string_at(0)", "crashed (segmentation fault)"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL"),
    ],
)
def test_the_kernel_dies(tmp_path, source, ending):
    limits = Limits(cell_seconds=30)
    sandboxed = "_exit" not in source  # without the sandbox the exit code comes another way, to the same effect
    cells = [grade("before"), grade("during", source), grade("after")]
    examination = run(tmp_path, *cells, limits=limits, sandboxed=sandboxed)
    assert posed(examination, "before") == {"secret of": "before"}
    assert examination.reasons["during"] == f"the kernel {ending}"
    assert examination.reasons["after"] == f"not reached: in code cell 2, the kernel {ending}"
    assert examination.notes == [f"In code cell 2, the kernel {ending}."]
    assert examination.seconds < limits.cell_seconds  # noticed, not timed out


def test_an_endless_loop_costs_its_own_cell_only(tmp_path):
    limits = Limits(cell_seconds=1)
    examination = run(tmp_path, "while True: pass", grade("slow", "!sleep 99"), grade("next"), limits=limits)
    assert examination.reasons == {"slow": "its check ran for more than 1 s and was stopped"}
    assert "next" in examination.evidence
    assert examination.notes == [f"Code cell {n} ran for more than 1 s and was stopped." for n in (1, 2)]
    assert "[this cell ran for more than 1 s and was stopped]" in text(examination.notebook.cells[0])


def test_a_loop_that_cannot_be_interrupted_ends_the_run(tmp_path):
    stubborn = """
import signal
while True:
    try:
        while True: signal.signal(signal.SIGINT, signal.SIG_IGN)
    except BaseException: pass
"""
    limits = Limits(cell_seconds=1, grace_seconds=1)
    examination = run(tmp_path, grade("before"), stubborn, grade("after"), limits=limits)
    assert "before" in examination.evidence
    assert examination.reasons["after"] == (
        "not reached: in code cell 2, the kernel was stopped: a cell ran for more than 1 s and could not be interrupted"
    )


def test_the_time_for_all_cells_is_bounded(tmp_path):
    limits = Limits(cell_seconds=1, submission_seconds=2)
    examination = run(tmp_path, *["import time\nwhile True: time.sleep(1)"] * 5, grade("x"), limits=limits)
    assert examination.reasons["x"] == "not reached: the 2 s for the whole notebook were used up"
    assert len(examination.notes) == 3


FLOODS = {
    "print": "while True: print('x' * 10000)",
    "descriptor": "import os\nwhile True: os.write(1, b'x' * 65536)",
    "too long to be read": "from IPython.display import HTML, display\nwhile True: display(HTML('x' * 30_000_000))",
    "far too long": "from IPython.display import HTML, display\nwhile True: display(HTML('x' * 70_000_000))",
    "comm": "import comm\nc = comm.create_comm(target_name='t')\nwhile True: c.send({'state': 'x' * 100000})",
    "evidence": f"from IPython.display import display\nwhile True: display({{{MIME!r}: 'x' * 4_000_000}}, raw=True)",
}


@pytest.mark.parametrize("source", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_is_stopped_and_the_run_goes_on(tmp_path, source):
    limits = Limits(cell_seconds=4, grace_seconds=30, flood_bytes=10_000_000)  # a busy machine yields late
    examination = run(tmp_path, "print('before')", source, grade("after"), limits=limits)
    assert "after" in examination.evidence
    assert text(examination.notebook.cells[0]) == "before\n"
    assert "and was stopped" in examination.notes[0]
    assert len(json.dumps(examination.notebook)) < 1.2 * limits.output_bytes


def test_a_flood_from_the_background_ends_the_run(tmp_path):
    source = """
import threading, time
def flood():
    while True:
        print('x' * 100000)
        time.sleep(0.001)  # leaves the kernel able to answer: it is the output that must end this, not the time
threading.Thread(target=flood).start()
"""
    limits = Limits(cell_seconds=30, submission_seconds=120, flood_bytes=5_000_000)
    examination = run(tmp_path, source, *["import time; time.sleep(60)"] * 5, grade("after"), limits=limits)
    assert "the kernel was stopped: " in examination.reasons["after"]
    assert "output" in examination.reasons["after"]


def test_much_output_is_cut_and_costs_nothing(tmp_path):
    limits = Limits(cell_seconds=20, output_bytes=100_000)
    examination = run(tmp_path, "for n in range(50000): print(n)", "print('later')", grade("x"), limits=limits)
    assert text(examination.notebook.cells[0]).startswith("0\n1\n2\n")
    assert "more bytes of output are not shown]" in text(examination.notebook.cells[0])
    assert examination.notes == [] and "x" in examination.evidence


ATTACKS = {
    "do_execute": (
        "async def do_execute(*args, **kwargs): return {'status': 'ok', 'execution_count': 1}\n"
        "get_ipython().kernel.do_execute = do_execute"
    ),
    "input transformer": "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])",
    "_posed": (
        "import byom.checks.unit as u\nclass Deaf(dict):\n    def __setitem__(self, *_): pass\n"
        '    def get(self, *_): return \'{"secret of": "forged"}\'\nu._posed = Deaf()\nu.pose = lambda *_: None'
    ),
    "import": "import builtins\ndef no(*_, **__): raise ImportError('no')\nbuiltins.__import__ = no",
    "unsigned": ("s = get_ipython().kernel.session\nimport types\ns.sign = lambda parts: b'0' * 64"),
    "closed socket": "get_ipython().kernel.iopub_thread.stop(); get_ipython().kernel.iopub_socket.close()",
    "pre_run_cell": "def stop(*_): raise SystemExit\nget_ipython().events.register('pre_run_cell', stop)",
    "closed descriptors": "import os; os.closerange(0, 200)",
}


@pytest.mark.parametrize("source", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_kernel_that_was_tampered_with_gains_nothing(tmp_path, source):
    limits = Limits(cell_seconds=1, submission_seconds=2, grace_seconds=0.5)
    examination = run(tmp_path, source, grade("x"), limits=limits)
    if "x" in examination.evidence:
        assert decode(examination.evidence["x"])["posed"] in (encode({"secret of": "x"}), '{"secret of": "forged"}')
    else:
        assert examination.reasons["x"]


STRANGE = """
kernel = get_ipython().kernel
session, socket, parent = kernel.session, kernel.iopub_socket, kernel.get_parent()
evidence, widget = "application/x-byom-evidence+json", "@jupyter-widgets/output"
nested = "leaf"
for _ in range(300): nested = [nested]
contents = [
    None, 5, [], "text", {},
    {"data": 5}, {"data": []}, {"data": {"text/plain": 5}}, {"data": {"text/html": nested}},
    {"data": {evidence: {"a": 1}}}, {"data": {evidence: None}}, {"data": {"text/plain": "\\ud800"}, "metadata": {}},
    {"data": {"text/plain": float("nan")}, "metadata": 7, "transient": {"display_id": []}},
    {"data": {}, "transient": {"display_id": "d"}}, {"data": {"state": 5}, "comm_id": []},
    {"comm_id": {}, "data": {"state": {}}}, {"comm_id": "c", "data": {"state": {"_model_name": []}}},
    {"comm_id": "c", "data": {"state": {"_model_module": widget, "_model_name": "OutputModel"}},
     "target_name": "jupyter.widget"},
    {"name": 5, "text": []}, {"name": "stdout"}, {"name": "stdout", "text": 5}, {"text": {}}, {"name": [], "text": "x"},
    {"execution_count": "many", "data": {}, "metadata": {}}, {"execution_state": []},
    {"ename": 1, "evalue": [], "traceback": 5}, {"traceback": [5]}, {"wait": []},
]
kinds = ["stream", "display_data", "execute_result", "update_display_data", "error", "clear_output", "comm_open",
         "comm_msg", "comm_close", "status", "execute_input", "no_such_type", "\\ud800", "input_request"]
for kind in kinds:
    for content in contents:
        for inside in (parent, {"msg_id": []}, {}, 5):
            try: session.send(socket, kind, content, parent=inside)
            except Exception: pass
deep = [b"[" * 100000] * 4
for parts in ([b"x"], [b"<IDS|MSG>"], [b"<IDS|MSG>", b"bad", b"{}", b"{}", b"{}", b"{}"], [b""] * 1000,
              [b"<IDS|MSG>", session.sign(deep), *deep]):
    socket.send_multipart(parts)
"""


def test_messages_of_strange_forms_are_survived(tmp_path):
    examination = run(tmp_path, STRANGE, grade("x"))
    assert posed(examination, "x") == {"secret of": "x"}


def test_a_forged_reply_and_an_early_idle_confuse_only_themselves(tmp_path):
    forging = """
kernel = get_ipython().kernel
parent = kernel.get_parent()
kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=parent)
for status in (5, "ok"):
    kernel.session.send(kernel.shell_stream.socket, "execute_reply", {"status": status, "payload": 5}, parent=parent,
                        ident=kernel.session.bsession)
"""
    assert "x" in run(tmp_path, forging, grade("x")).evidence


def test_examine_can_be_called_from_an_event_loop(tmp_path):
    async def formgrader() -> Examination:
        return run(tmp_path, grade("x"))

    assert "x" in asyncio.run(formgrader()).evidence


def test_the_notebook_that_was_given_is_not_changed(tmp_path):
    notebook = new_notebook(cells=[new_code_cell("print(1)"), grade("x")])
    before = json.dumps(notebook)
    examine(tmp_path, notebook, {"x": "{}", "absent": "{}"})
    assert json.dumps(notebook) == before
