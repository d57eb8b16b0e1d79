"""Starting, finding and ending the server; and that nothing outlives whoever needed it."""

import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import byom.local
from byom.local import lifecycle, reading
from byom.local.cli import NOT_RUNNING, app
from byom.local.log_files import TRAINING_GROUP, log_file, write_lines

from .clients import Clients, free_port, processes_below, wait

NOTEBOOK = """
import sys, time
from pathlib import Path
from byom.local import lifecycle
server, started = lifecycle.ensure(Path(sys.argv[1]))
print(server.url, started, flush=True)
time.sleep(600)
"""


def notebook(root):
    """A process that uses the server of `root`, as a notebook does; with the first words it says."""
    process = subprocess.Popen([sys.executable, "-c", NOTEBOOK, str(root)], stdout=subprocess.PIPE, text=True)
    url, started = process.stdout.readline().split()
    return process, url, started == "True"


def test_a_server_and_its_job_end_with_the_last_notebook_that_needs_them(tmp_path):
    first, url, started = notebook(tmp_path)
    second, same, again = notebook(tmp_path)
    assert (started, again, same) == (True, False, url)
    aws = Clients(url)
    script = """
    import os, subprocess, sys, time
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    print("begun", flush=True)
    time.sleep(600)
    """
    aws.sagemaker.create_training_job(**aws.job_request("orphan", script))
    wait(lambda: "begun" in aws.messages("/aws/sagemaker/TrainingJobs", "orphan/"), "the job")
    first.kill()
    first.wait()
    assert lifecycle.find(tmp_path).holders == [second.pid]
    os.kill(second.pid, signal.SIGKILL)
    second.wait()
    wait(lambda: not processes_below(tmp_path), "every process to end", 30)
    assert lifecycle.find(tmp_path) is None


def test_a_port_in_use(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(lifecycle.LocalSageMakerError) as caught:
            lifecycle.ensure(tmp_path, port)
        assert str(caught.value) == f"Port {port} is in use: choose another one, or none and any free one is taken."
        result = CliRunner().invoke(app, ["up", "--root", str(tmp_path), "--port", str(port)])
        assert result.exit_code == 2
        assert result.stderr.strip() == str(caught.value)
    assert lifecycle.find(tmp_path) is None


def test_the_usual_port_in_use_gives_way_to_a_free_one(tmp_path):
    from byom.local.server import bind

    try:
        usual = socket.create_server(("127.0.0.1", lifecycle.DEFAULT_PORT))
    except OSError:
        usual = None  # somebody else's, which serves as well
    with bind(None) as listener:
        assert listener.getsockname()[1] != lifecycle.DEFAULT_PORT
    if usual:
        usual.close()


def test_up_status_and_down(tmp_path, monkeypatch):
    monkeypatch.setenv("BYOM_LOCAL_ROOT", str(tmp_path / "with a space"))
    monkeypatch.setenv("COLUMNS", "200")
    run = CliRunner().invoke
    result = run(app, ["status"])
    assert (result.exit_code, "does not run" in result.stdout) == (NOT_RUNNING, True)
    assert "does not run" in run(app, ["down"]).stdout
    port = str(free_port())
    result = run(app, ["up", "--port", port])
    assert (result.exit_code, f"runs at http://127.0.0.1:{port}" in result.stdout) == (0, True)
    again = run(app, ["up"]).stdout
    assert "already runs" in again
    words = shlex.split(again[again.index("export ") :])  # the path in it has a space
    variables = dict(word.split("=", 1) for word in words if word != "export")
    assert variables["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{port}"
    assert "DefaultS3Bucket" in Path(variables["SAGEMAKER_USER_CONFIG_OVERRIDE"]).read_text()
    other = run(app, ["up", "--port", "1"])
    assert (other.exit_code, "not at port 1" in other.stderr) == (2, True)
    result = run(app, ["status"])
    assert result.exit_code == 0
    for text in (
        f"http://127.0.0.1:{port}",
        f"http://127.0.0.1:{port}/_byom/",
        "with a space",
        "byom local down",
        "no training jobs",
        "no endpoints",
    ):
        assert text in result.stdout
    assert "has ended" in run(app, ["down"]).stdout
    assert not processes_below(tmp_path)


def test_logs_are_read_with_and_without_a_server_and_clean_removes_everything(tmp_path):
    root = tmp_path / "root"
    run, at = CliRunner().invoke, ["--root", str(root)]
    result = run(app, ["clean", *at])
    assert (result.exit_code, "There is no state" in result.stdout) == (0, True)
    activate = "import byom.local, sys; byom.local.activate(sys.argv[1])"
    subprocess.run([sys.executable, "-c", activate, str(root)], check=True)
    server, _ = lifecycle.ensure(root)
    aws = Clients(server.url)
    script = "import time\nprint('begun', flush=True)\ntime.sleep(1)\nprint('ended')"
    aws.sagemaker.create_training_job(**aws.job_request("read-me", script))
    result = run(app, ["logs", "read-me", "--follow", *at])
    lines = result.stdout.splitlines()
    assert (result.exit_code, lines.index("begun") < lines.index("ended")) == (0, True)
    assert lines == aws.messages("/aws/sagemaker/TrainingJobs", "read-me/")
    assert run(app, ["logs", "read-me", *at]).stdout.splitlines() == lines
    result = run(app, ["clean", *at], input="n\n")
    assert (result.exit_code, "Nothing was removed" in result.stdout) == (1, True)
    assert f"end the server at {server.url}" in result.stdout
    with pytest.raises(lifecycle.LocalSageMakerError, match="A server uses"):
        lifecycle.remove(root)
    run(app, ["down", *at])
    assert run(app, ["logs", "read-me", *at]).stdout.splitlines() == lines
    result = run(app, ["logs", "read", *at])
    assert (result.exit_code, result.stderr.strip()) == (1, f"There is no log of read in {root}.")
    (root / "mine.txt").write_text("not of local SageMaker")
    result = run(app, ["clean", "--yes", *at])
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "Removed.")
    assert [path.name for path in root.iterdir()] == ["mine.txt"]


def test_the_lines_of_several_hosts_name_them_in_the_order_of_time(tmp_path):
    for host, lines in (("algo-1-7", {10: "one", 30: "three"}), ("algo-2-7", {20: "two"})):
        file = log_file(tmp_path, TRAINING_GROUP, f"job/{host}")
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(write_lines(moment, [line]) for moment, line in lines.items()))
    (log_file(tmp_path, TRAINING_GROUP, "job-2/algo-1-7")).write_text(write_lines(15, ["another job's"]))
    assert list(reading.lines_of(tmp_path, "job")) == ["[algo-1-7] one", "[algo-2-7] two", "[algo-1-7] three"]
    with log_file(tmp_path, TRAINING_GROUP, "job/algo-2-7").open("a") as file:
        file.write(write_lines(40, ["four"]) + "not a whole li")
    said = ["[algo-1-7]", "one", "three", "[algo-2-7]", "two", "four"]
    assert list(reading.follow(tmp_path, "job", lambda: False)) == said


def test_a_lasting_server_outlives_the_notebook_and_its_root_has_no_other(tmp_path):
    server, _ = lifecycle.ensure(tmp_path, free_port(), lasting=True)
    process, url, started = notebook(tmp_path)
    assert (url, started) == (server.url, False)
    process.kill()
    process.wait()
    command = [sys.executable, "-m", "byom.local.server", "--root", str(tmp_path)]
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (other.returncode, other.stderr.strip()) == (3, f"Another server has {tmp_path}.")
    assert lifecycle.find(tmp_path).pid == server.pid
    assert lifecycle.stop(tmp_path)
    assert not processes_below(tmp_path)


def test_a_folder_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(lifecycle.LocalSageMakerError, match="can't keep its state in"):
        lifecycle.ensure(tmp_path / "file" / "root")


def test_activate_twice_and_importing_is_cheap(server, sdk):
    session, role = byom.local.activate(server.root)
    assert role == sdk[1]
    assert session.default_bucket() == sdk[0].default_bucket()
    check = "import byom.local, sys; sys.exit(any(m in sys.modules for m in ('sagemaker', 'boto3', 'moto', 'torch')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_a_failing_cell_still_fails(server):
    """The SDK installs tracebacks that turn errors into displays, which a notebook's test would take for success."""
    import nbclient
    import nbformat

    activate = f"import byom.local\nsession, role = byom.local.activate({str(server.root)!r})"
    imported_before = f"import rich.traceback\nrich.traceback.install()\n{activate}"
    cells = [activate, "1 / 0", imported_before, "1 / 0", "1 /"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, allow_errors=True).execute()
    outputs = [[(output.output_type, output.get("ename")) for output in cell.outputs] for cell in notebook.cells]
    assert outputs == [
        [],
        [("error", "ZeroDivisionError")],
        [],
        [("error", "ZeroDivisionError")],
        [("error", "SyntaxError")],
    ]
