"""Scripts in processes of their own: whatever they do, the check goes on and nothing is left."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from byom.checks.evidence import Record
from byom.checks.process import OUTPUT_LIMIT, Ended, gather, run_script, scratch

Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run some code as a script."""

    def run(code: str, *arguments: str, seconds: float = 20, **environment: str) -> Ended:
        script = tmp_path / "script.py"
        script.write_text(code)
        return run_script(script, arguments, environment, tmp_path, seconds)

    return run


def test_a_script_gets_its_arguments_variables_and_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("name = 'next door'")
    code = """
import os, sys, neighbour
print(__name__, sys.argv[1:], os.environ["SM_MODEL_DIR"], os.getcwd(), neighbour.name)
"""
    ended = run(code, "--epochs", "3", SM_MODEL_DIR="/somewhere")
    assert ended.trouble is None
    assert ended.output == f"__main__ ['--epochs', '3'] /somewhere {tmp_path} next door\n"


def test_variables_of_a_container_around_us_do_not_reach_a_script(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SM_CHANNEL_TRAIN", "/elsewhere")
    assert run("import os; print(os.environ.get('SM_CHANNEL_TRAIN'))").output == "None\n"


def test_two_scripts_share_no_module(run: Run, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("n = []")
    code = "import model; model.n.append(1); print(len(model.n))"
    assert [run(code).output, run(code).output] == ["1\n", "1\n"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('no such thing')", "exit code 1; its last line: ValueError: no such thing"),
        ("import sys; sys.exit(3)", "exit code 3"),
        ("import os; print('so far', flush=True); os._exit(7)", "exit code 7; its last line: so far"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed by signal 11"),
        ("x = = 1", "SyntaxError"),
        ("input('your name?')", "EOFError"),
        ("import sys; sys.argv.missing", "AttributeError"),
    ],
)
def test_a_script_that_ends_badly_says_how(run: Run, code: str, said: str) -> None:
    assert said in (run(code).trouble or "")


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time\nwhile True: time.sleep(1)",
        "import time\nwhile True: print('still here', flush=True); time.sleep(0.01)",
        "from signal import *\nsignal(SIGTERM, SIG_IGN)\nsignal(SIGINT, SIG_IGN)\nwhile True: pass",
        "import os, time\nos.close(1); os.close(2)\ntime.sleep(60)",
    ],
    ids=["busy", "asleep", "talking", "deaf to signals", "silent"],
)
def test_a_script_that_never_ends_is_stopped(run: Run, code: str) -> None:
    before = time.monotonic()
    ended = run(code, seconds=1)
    assert ended.stopped == "stopped after 1 s"
    assert time.monotonic() - before < 20  # a bound far from the limit, so that a busy machine passes


def test_a_script_that_floods_is_stopped(run: Run) -> None:
    ended = run("while True: print('x' * 10_000)")
    assert ended.stopped == f"stopped after printing more than {OUTPUT_LIMIT // 10**6} MB"
    assert len(ended.output) < OUTPUT_LIMIT / 10


@pytest.mark.parametrize(
    "leave",
    [
        "subprocess.Popen(sleeper)",
        "subprocess.Popen(sleeper, start_new_session=True)",
        "os.fork() or (os.setsid(), os.fork() or os.execvp(sleeper[0], sleeper))",
    ],
    ids=["a child", "a child in its own session", "a daemon"],
)
@pytest.mark.parametrize("end", ["", "time.sleep(60)"], ids=["ends", "is stopped"])
def test_what_a_script_started_ends_with_it(run: Run, leave: str, end: str) -> None:
    mark = f"{os.getpid()}{time.monotonic_ns()}"
    sleeper = ["python3", "-c", "import time; time.sleep(600)", mark]
    run(f"import os, subprocess, time\nsleeper = {sleeper!r}\n{leave}\ntime.sleep(0.3)\n{end}", seconds=3)
    left = [p.pid for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])]
    assert not left


def test_names_with_spaces_and_letters_of_any_alphabet(tmp_path: Path) -> None:
    folder = tmp_path / "Jürgen Müller's Ordner 文件"
    folder.mkdir()
    script = folder / "train é.py"
    script.write_text("import pathlib; print(pathlib.Path.cwd().name, __file__.endswith('é.py'))")
    ended = run_script(script, [], {}, folder, 20)
    assert ended.output == f"{folder.name} True\n"


def shout(given: Mapping[str, Any]) -> Record:
    """A probe, as checks have them."""
    record = Record()

    def said() -> str:
        from voice import say  # type: ignore[import-not-found]

        return say(given["word"])

    record.attempt("said", said)
    return record


@pytest.mark.parametrize(
    ("code", "evidence"),
    [
        ("def say(word): return word.upper()", {"said": "HELLO"}),
        ("def say(word): raise ValueError(word)", {"said": {"raised": "ValueError: hello"}}),
        ("import sys; sys.exit('not today')", {"said": {"raised": "SystemExit: not today"}}),
        ("import os; os._exit(4)", {"*": {"raised": "the process ended with exit code 4"}}),
        ("import time; time.sleep(60)", {"*": {"raised": "stopped after 2 s"}}),
    ],
)
def test_evidence_comes_back_or_the_reason_does(tmp_path: Path, code: str, evidence: dict[str, Any]) -> None:
    script = tmp_path / "voice.py"
    script.write_text(code)
    assert gather(shout, script, {"word": "hello"}, seconds=2) == evidence


def test_evidence_that_is_too_long_is_refused_with_a_reason(tmp_path: Path) -> None:
    script = tmp_path / "voice.py"
    script.write_text("def say(word): return word * 2_000_000")
    assert "more than 4,000,000 characters" in gather(shout, script, {"word": "hello"}, seconds=20)["*"]["raised"]


def test_what_a_unit_names_is_there_before_its_scripts_run(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import sys; print('wave' in sys.modules, 'torch' in sys.modules)")
    code = """
from pathlib import Path
from byom.checks.process import preload, run_script
if __name__ == "__main__":
    preload("no_such_module", "wave")
    print(run_script(Path("script.py").resolve(), [], {}, Path.cwd(), 60).output)
"""
    (tmp_path / "notebook.py").write_text(code)
    done = subprocess.run([sys.executable, "notebook.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    evidence = gather(shout, tmp_path / "source" / "voice.py", {"word": "hello"}, seconds=2)
    assert evidence == {"*": {"raised": "there is no file source/voice.py"}}


def test_a_scratch_folder_goes_with_what_is_in_it() -> None:
    with scratch() as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").touch()
    assert not folder.exists()
