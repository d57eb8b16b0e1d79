"""What a job may do wrong, and what is left after it: a reason in one sentence, no process, and the server."""

import io
import os
import shutil
import subprocess
import tarfile
import textwrap

import psutil
import pytest

from byom.local import lifecycle
from byom.local.account import DEFAULT_BUCKET
from byom.local.container import Container
from byom.local.logs import Logs

from .clients import Clients, free_port, processes_below, targz, wait

FINAL = ("Completed", "Failed", "Stopped")
GROUP = "/aws/sagemaker/TrainingJobs"


def ended(aws, name, script, **changes):
    """The description of a job that has run `script` to its end."""
    aws.sagemaker.create_training_job(**aws.job_request(name, script, **changes))
    return aws.wait_for_job(name, *FINAL)


def archive(**attributes):
    """A source archive with one more member, whose attributes are given."""
    buffer = io.BytesIO(targz({"train.py": b"print('ran')"}))
    with tarfile.open(fileobj=buffer) as tar:
        script = tar.extractfile("train.py").read()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("train.py")
        member.size = len(script)
        tar.addfile(member, io.BytesIO(script))
        extra = tarfile.TarInfo("extra")
        for name, value in attributes.items():
            setattr(extra, name, value)
        tar.addfile(extra)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("absolute", archive(name="/tmp/outside"), 'member "/tmp/outside" has an absolute path'),
        ("above", archive(name="lib/../../outside"), 'member "lib/../../outside" leaves the folder'),
        ("link", archive(type=tarfile.SYMTYPE, linkname="/etc/passwd"), 'member "extra" is a link'),
        ("device", archive(type=tarfile.CHRTYPE), 'member "extra" is no plain file'),
        ("bomb", archive(size=2**50), "the archive is larger than the free disk allows"),
        ("nonsense", b"this is no archive", "it is not a readable .tar.gz archive"),
    ],
)
def test_a_bad_source_archive_fails_the_job_before_anything_is_unpacked(aws, name, data, problem):
    request = aws.job_request(f"source-{name}", "")
    aws.put(f"source-{name}/sourcedir.tar.gz", data)
    aws.sagemaker.create_training_job(**request)
    job = aws.wait_for_job(f"source-{name}", *FINAL)
    assert job["TrainingJobStatus"] == "Failed"
    uri = f"s3://{DEFAULT_BUCKET}/source-{name}/sourcedir.tar.gz"
    assert job["FailureReason"].startswith(f"ClientError: The source archive {uri} can't be used: {problem}")
    assert aws.messages(GROUP, f"source-{name}/")[1:] == []  # the toolkit never started


def test_source_code_that_is_gone_fails_as_on_aws(aws):
    request = aws.job_request("source-gone", "")
    aws.s3.delete_object(Bucket=DEFAULT_BUCKET, Key="source-gone/sourcedir.tar.gz")
    aws.sagemaker.create_training_job(**request)
    job = aws.wait_for_job("source-gone", *FINAL)
    assert "in s3_download" in job["FailureReason"]
    text = "An error occurred (404) when calling the HeadObject operation: Not Found"
    assert text in "\n".join(aws.messages(GROUP, "source-gone/"))


def test_a_script_that_floods_its_output_ends_with_its_log_cut(aws):
    script = """
    line = "x" * 1000
    for _ in range(20_000):
        print(line)
    print("y" * 5_000_000)
    """
    job = ended(aws, "flood", script)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    stream = aws.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="flood/")["logStreams"][0]
    last = aws.logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], limit=1)["events"]
    assert last[0]["message"].startswith("byom.local: the log reached 16 MiB")


def test_a_script_that_leaves_without_a_word_fails_with_what_it_said_last(aws):
    quiet = ended(aws, "no-reason", "import os\nprint('so far so good', flush=True)\nos._exit(7)")
    assert quiet["TrainingJobStatus"] == "Failed"
    assert "ExitCode 7" in quiet["FailureReason"]
    # the toolkit itself killed: it writes no reason, and the log has to do
    script = "import os, signal\nprint('so far so good', flush=True)\nos.kill(os.getppid(), signal.SIGKILL)"
    killed = ended(aws, "no-toolkit", script)
    assert killed["FailureReason"].startswith("AlgorithmError: the process was killed")
    # and one that stops the toolkit from writing down that it failed, after which the toolkit exits with 0
    unwritten = ended(
        aws,
        "no-failure-file",
        """
        import os, shutil, sys
        shutil.rmtree(os.environ["SM_OUTPUT_DIR"])
        sys.exit(3)
        """,
    )
    assert unwritten["TrainingJobStatus"] == "Failed"
    assert "the script left no reason; the last lines of its log:" in unwritten["FailureReason"]


def test_a_script_that_ignores_sigterm_is_killed(tmp_path):
    """With the container itself, since a job gives a script two minutes."""
    container = Container(tmp_path / "ml", "http://127.0.0.1:9", Logs(tmp_path / "logs").stream("/stubborn", "one"))
    script = tmp_path / "stubborn.py"
    script.write_text(
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "os.fork()\n"
        "open(sys.argv[1] + str(os.getpid()), 'w')\n"
        "time.sleep(600)\n"
    )
    container.start([script, f"{tmp_path}/pid-"], {})
    wait(lambda: len(list(tmp_path.glob("pid-*"))) == 2, "the script and its child")
    container.terminate()
    assert container.wait(0.5) is None
    container.kill()
    assert container.wait(5) == 137
    assert not any(psutil.pid_exists(int(path.name.removeprefix("pid-"))) for path in tmp_path.glob("pid-*"))
    container.remove()


@pytest.mark.nightly
def test_a_job_that_ignores_sigterm_has_two_minutes(aws):
    script = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)"
    )
    aws.sagemaker.create_training_job(**aws.job_request("stubborn", script))
    wait(lambda: "up" in aws.messages(GROUP, "stubborn/"), "the script")
    aws.sagemaker.stop_training_job(TrainingJobName="stubborn")
    job = wait(lambda: _final(aws, "stubborn"), "the end", 180)
    assert job["TrainingJobStatus"] == "Stopped"
    stopping = [t for t in job["SecondaryStatusTransitions"] if t["Status"] == "Stopping"]
    assert 119 < (job["TrainingEndTime"] - stopping[0]["StartTime"]).total_seconds() < 150


def _final(aws, name):
    job = aws.sagemaker.describe_training_job(TrainingJobName=name)
    return job if job["TrainingJobStatus"] in FINAL else None


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="only root can mount a small disk")
def test_a_full_disk_fails_the_job_and_nothing_else(tmp_path):
    root = tmp_path / "small"
    root.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", root]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:  # as root of a container, say
        pytest.skip(f"no small disk: {mounted.stderr.strip()}")
    try:
        aws = Clients(lifecycle.ensure(root, free_port())[0].url)
        kept = aws.put("kept", b"kept" * 1000)
        script = """
        import os
        with open(os.environ["SM_MODEL_DIR"] + "/big", "wb") as file:
            file.write(os.urandom(11 * 2**20))
        print("written")
        """
        failed = ended(aws, "too-big", textwrap.dedent(script))
        assert failed["TrainingJobStatus"] == "Failed"
        assert failed["FailureReason"] == "ClientError: Artifact upload failed: No space left on device"
        assert "written" in aws.messages(GROUP, "too-big/")
        assert ended(aws, "after", "print('ran')")["TrainingJobStatus"] == "Completed"
        assert aws.s3.get_object(Bucket=DEFAULT_BUCKET, Key=kept.rpartition("/")[2])["Body"].read() == b"kept" * 1000
        lifecycle.stop(root)
        assert not processes_below(root)
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)
