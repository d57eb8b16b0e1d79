"""What a submission can see and use, tried from inside by submissions that try."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

import grading
from grading.examination import examine
from grading.sandbox import Limits, missing, room
from grading.syscalls import program

ROOT = Path(grading.__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def said(notebook: NotebookNode) -> str:
    return "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))


def run(folder: Path, *sources: str, limits: Limits | None = None, sandboxed: bool = True):
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    return examine(folder, notebook, {}, limits or Limits(cell_seconds=20), sandboxed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A submission with a space and Unicode in its name, beside things it must not reach."""
    course = tmp_path_factory.mktemp("course")
    (course / "gradebook.db").write_text("planted-7c1f9e")
    (course / "Zoë B").mkdir()
    (course / "Zoë B" / "moons.ipynb").write_text("planted-7c1f9e")
    folder = course / "Søren Ø" / "moons"
    (folder / "source").mkdir(parents=True)
    (folder / "source" / "träin.py").write_text("answer = 42\n")
    (folder / "link.db").symlink_to(course / "gradebook.db")
    (folder / "others").symlink_to(course)
    os.mkfifo(folder / "pipe")
    return folder


def test_only_the_submission_and_the_system_are_visible(folder):
    places = [
        str(ROOT / "solutions"),
        str(ROOT / "grading"),
        str(ROOT / "tests"),
        str(ROOT / ".git"),
        str(Path.home() / ".bashrc"),
        str(folder.parent.parent),
        "../../gradebook.db",
        "link.db",
        "others",
        "pipe",
        "/etc/shadow",
        "/proc/1/root/home",
        f"/proc/{os.getpid()}",
    ]
    looking = (
        "import os, pathlib, subprocess\n"
        "print(sorted(str(p) for p in pathlib.Path('.').rglob('*')))\n"
        f"print('visible:', [p for p in {places!r} if os.path.lexists(p)])\n"
        "def grep(top):\n"
        # the environment is there to be seen, and may lie below one of these
        f"    words = ['grep', '-rlIs', '--exclude-dir={Path(sys.prefix).name}', 'planted-' + '7c1f9e', top]\n"
        "    return subprocess.run(words, capture_output=True, text=True).stdout\n"
        "print('found:', grep('/tmp') + grep('/run') + grep('/mnt') + grep('/home'))\n"
        "os.symlink('/proc/1/root/etc/shadow', 'shadow'); print('shadow:', os.path.exists('shadow'))\n"
        "import sys; sys.path.insert(0, 'source')\n"
        "print('imported', __import__('träin').answer)\n"
        "try:\n    import grading\nexcept ImportError as error: print(error)\n"
    )
    text = said(run(folder, looking).notebook)
    assert "['moons.ipynb'" not in text
    assert "['source', 'source/träin.py']" in text
    assert "visible: []" in text
    assert "found: \n" in text
    assert "shadow: False" in text
    assert "imported 42" in text
    assert "No module named 'grading'" in text


def test_what_is_outside_cannot_be_written_to(folder):
    places = [
        sys.prefix,
        str(Path(sys.prefix, "lib")),
        str(ROOT / "byom"),
        "/",
        "/usr",
        "/etc",
        "/dev",
        "/run",
        "/run/submission",
        str(ROOT),
    ]
    writing = (
        f"import os, glob\nfor place in {places!r} + glob.glob('/tmp/byom-room-*/*'):\n"
        "    try:\n        open(place + '/planted', 'w').close(); print('WROTE', place)\n"
        "    except OSError as error: print(error.strerror)\n"
        "open('/tmp/mine', 'w').write('x'); open('mine', 'w').write('x'); print('home', os.path.expanduser('~'))\n"
    )
    text = said(run(folder, writing).notebook)
    # what lies below /tmp can be written to inside, where /tmp is the sandbox's own
    assert all(line.startswith("WROTE /tmp/") for line in text.splitlines() if "WROTE" in line)
    assert not any(Path(place, "planted").exists() for place in places)
    assert "home /tmp/home" in text
    assert not (folder / "mine").exists()


def test_no_network_no_other_process_and_no_credentials(folder, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-7c1f9e")
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0byom-test-{os.getpid()}")
    abstract.listen()
    with socket.create_server(("127.0.0.1", 0)) as server, abstract:
        reaching = (
            "import os, socket, signal, subprocess\n"
            f"for family, address in ((socket.AF_INET, ('127.0.0.1', {server.getsockname()[1]})), "
            "(socket.AF_INET, ('1.1.1.1', 53)), (socket.AF_INET6, ('2606:4700:4700::1111', 53)), "
            f"(socket.AF_UNIX, '\\0byom-test-{os.getpid()}')):\n"
            "    s = socket.socket(family, socket.SOCK_STREAM); s.settimeout(2)\n"
            "    try: s.connect(address); print('REACHED', address)\n"
            "    except OSError as error: print(error.strerror)\n"
            f"try: os.kill({os.getpid()}, signal.SIGKILL); print('KILLED')\n"
            "except OSError as error: print(error.strerror)\n"
            "print('env', dict(os.environ))\n"
            "print(subprocess.run('cat /proc/[0-9]*/environ', shell=True, capture_output=True).stdout)\n"
            "print(subprocess.run(['unshare', '-Ur', 'true'], capture_output=True, text=True).stderr)\n"
            "server = socket.create_server(('localhost', 0))\n"
            "print('own server:', socket.create_connection(server.getsockname()))\n"
        )
        text = said(run(folder, reaching).notebook)
    assert "REACHED" not in text and "KILLED" not in text
    assert "planted-7c1f9e" not in text and "env {" in text
    assert "unshare failed" in text
    assert "own server: <socket" in text


@pytest.mark.parametrize(
    ("source", "ending"),
    [
        ("import os\nwhile True: os.fork()", "more than 96 processes"),
        ("n = 0\nwhile True:\n    open(f'/tmp/{n}', 'w').close(); n += 1", "more than 2000 files"),
        (
            "import threading, time\nthreading.stack_size(2**16)\n"
            "for _ in range(5000): threading.Thread(target=time.sleep, args=(60,)).start()\ntime.sleep(9)",
            "more than 1536 threads",
        ),
        (
            "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
            "        hoard = b'x' * 2**27; time.sleep(60)\ntime.sleep(60)",
            "more than 0.5 GiB of memory",
        ),
    ],
    ids=["fork bomb", "empty files", "threads", "memory of many processes"],
)
def test_the_warden_ends_a_bomb_and_says_why(folder, source, ending):
    limits = Limits(cell_seconds=20, memory_bytes=2**29, files=2000)
    examination = run(folder, "print('before')", source, "print('after')", limits=limits)
    assert ending in examination.notes[0]
    assert "before" in said(examination.notebook)
    assert "after" not in said(examination.notebook)


def test_memory_that_nobody_would_count_cannot_be_had(folder):
    trying = (
        "import ctypes, os\n"
        "try: os.memfd_create('hoard')\nexcept OSError as error: print(error.strerror)\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "print(libc.shmget(0, 4096, 0o1600), os.strerror(ctypes.get_errno()))\n"
        "from multiprocessing.shared_memory import SharedMemory\n"
        "SharedMemory(create=True, size=9).unlink(); print('shared')"
    )
    text = said(run(folder, trying).notebook)
    assert text == "Function not implemented\n-1 Function not implemented\nshared\n"


def test_memory_disk_and_descriptors_end_in_an_exception_and_the_run_goes_on(folder):
    """One process that asks for too much is told so by Python, and loses only that cell."""
    limits = Limits(cell_seconds=20, memory_bytes=2**29, disk_bytes=2**25, open_files=200)
    examination = run(
        folder,
        "import numpy; numpy.ones(10**9)",
        "with open('big', 'wb') as file:\n    while True: file.write(b'x' * 2**20)",
        "!rm big",
        "for n in range(9):\n    open(f'/tmp/{n}', 'wb').write(b'x' * 2**23)",
        "!rm /tmp/?",
        "for n in range(9):\n    open(f'/dev/shm/{n}', 'wb').write(b'x' * 2**23)",
        "files = [open('/dev/null') for _ in range(300)]",
        "print('still here')",
        limits=limits,
    )
    errors = [o.ename for cell in examination.notebook.cells for o in cell.outputs if o.output_type == "error"]
    assert errors[0] in ("MemoryError", "_ArrayMemoryError")
    assert errors[1:] == ["OSError"] * 4
    assert "still here" in said(examination.notebook)
    assert examination.notes == []


@pytest.fixture
def rooms(monkeypatch):
    """A temporary folder of this test's own, with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="byom-", dir="/tmp") as place:
        monkeypatch.setattr(tempfile, "tempdir", place)
        monkeypatch.setenv("TMPDIR", place)
        yield Path(place)


@pytest.mark.parametrize("sandboxed", [True, False])
def test_nothing_is_left_behind(folder, rooms, sandboxed):
    mark = f"byom-left-{os.getpid()}-{sandboxed}"
    leaving = (
        "import os, subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', {mark!r}], start_new_session=True)\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        f"        os.execl(sys.executable, 'python', '-c', 'import time; time.sleep(60)', {mark!r})\n"
        "    os._exit(0)\n"
        "os.makedirs('locked/in'); os.chmod('locked', 0o500)"
    )
    before = {p.name: p.stat().st_mtime for p in folder.rglob("*") if not p.is_symlink()}
    examination = run(folder, leaving, "import time; time.sleep(0.5); print('done')", sandboxed=sandboxed)
    assert "done" in said(examination.notebook)
    assert [p.pid for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])] == []
    assert list(rooms.iterdir()) == []
    assert {p.name: p.stat().st_mtime for p in folder.rglob("*") if not p.is_symlink()} == before


def test_killing_the_grader_ends_the_sandbox_and_the_next_run_sweeps_its_room(folder, rooms):
    mark = f"byom-orphan-{os.getpid()}"
    program = (
        f"from pathlib import Path\nfrom nbformat.v4 import *\nfrom grading.examination import examine\n"
        f'source = \'import time, subprocess, sys; subprocess.Popen([sys.executable, "-c", '
        f'"import time; time.sleep(60)", "{mark}"]); time.sleep(60)\'\n'
        f"examine(Path({str(folder)!r}), new_notebook(cells=[new_code_cell(source)]), {{}})"
    )
    grader = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)

    def running() -> list[int]:
        return [p.pid for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])]

    try:
        await_(running)
    finally:
        grader.kill()
        grader.wait()
    await_(lambda: not running())
    lock = next(rooms.glob("*/lock"))
    os.utime(lock, (time.time() - 100,) * 2)
    with room():
        pass
    assert not lock.parent.exists()


def await_(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_submission_that_can_only_be_read(folder, tmp_path):
    (tmp_path / "moons" / "source").mkdir(parents=True)
    (tmp_path / "moons" / "source" / "train.py").write_text("x = 1\n")
    for path in (tmp_path / "moons" / "source" / "train.py", tmp_path / "moons" / "source", tmp_path / "moons"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        source = "open('source/train.py', 'a').write('y = 2'); open('source/new.py', 'w'); print('written')"
        examination = run(tmp_path / "moons", source)
    finally:
        (tmp_path / "moons").chmod(0o755)
        (tmp_path / "moons" / "source").chmod(0o755)
    assert "written" in said(examination.notebook)
    assert (tmp_path / "moons" / "source" / "train.py").read_text() == "x = 1\n"


def test_a_submission_too_big_for_the_sandbox_is_told_so(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"x" * 2**22)
    notebook = new_notebook(cells=[new_code_cell("1")])
    examination = examine(tmp_path, notebook, {"x": "{}"}, Limits(disk_bytes=2**20))
    assert "its files can't be copied" in examination.reasons["x"]
    assert examination.notes


def test_a_file_that_hides_a_standard_module_loses_only_its_own_submission(tmp_path):
    for name in ("random", "types", "json", "asyncio"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)\n")
    examination = examine(tmp_path, new_notebook(cells=[new_code_cell("import random")]), {"x": "{}"})
    assert examination.reasons["x"]


def test_the_filter_knows_the_machines_that_have_mxnet():
    for machine in ("x86_64", "aarch64"):
        assert len(program(machine)) % 8 == 0
    with pytest.raises(LookupError, match="riscv64"):
        program("riscv64")


def test_without_bubblewrap_one_sentence_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no bwrap on PATH" in (missing() or "")
    with pytest.raises(RuntimeError, match="no bwrap on PATH"):
        examine(tmp_path, new_notebook(), {})


def test_a_bubblewrap_that_is_refused_is_named(monkeypatch, tmp_path):
    bwrap = tmp_path / "bwrap"
    bwrap.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    bwrap.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "No permissions to create new namespace" in (missing() or "")
    with pytest.raises(RuntimeError, match="No permissions"):
        examine(tmp_path, new_notebook(cells=[new_code_cell("1")]), {})


def test_an_examination_is_the_same_without_the_sandbox(folder):
    source = "import os, json; print(json.dumps([sorted(os.environ), os.listdir('source')]))"
    inside, outside = (json.loads(said(run(folder, source, sandboxed=s).notebook)) for s in (True, False))
    assert inside[1] == outside[1] == ["träin.py"]
    assert set(outside[0]) == set(inside[0]) - {"PWD"} | ({"PWD"} & set(outside[0]))


@pytest.mark.skipif(find_spec("mxnet") is None, reason="mxnet has no wheel for this machine")
def test_a_grading_kernel_can_import_torchvision_and_mxnet(folder):
    importing = "import mxnet, torchvision\nprint('both', torchvision.models.resnet18.__name__, mxnet.nd.ones(2).shape)"
    assert "both resnet18 (2,)" in said(run(folder, importing, limits=Limits(cell_seconds=60)).notebook)
