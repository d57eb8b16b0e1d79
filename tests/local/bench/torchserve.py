"""TorchServe 0.12 with two workers and a plain handler, in a virtual environment of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.local.clients import free_port

HOME = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "byom/torchserve-0.12.0"
PACKAGES = ("torchserve==0.12.0", "torch-model-archiver==0.12.0", "pyyaml==6.0.3")
START_WITHIN = 120  # seconds
HANDLER = '''
import sys

import torch


class Handler:
    """Nothing but the model: a list of points in, a list of scores out."""

    def initialize(self, context):
        sys.path.insert(0, {source!r})
        import predict

        self.predict = predict
        self.model = predict.model_fn({model!r})

    def handle(self, data, context):
        points = torch.tensor(data[0]["body"], dtype=torch.float32)
        return [self.predict.predict_fn(points, self.model).tolist()]
'''
CONFIGURATION = """
inference_address=http://127.0.0.1:{}
management_address=http://127.0.0.1:{}
metrics_address=http://127.0.0.1:{}
default_workers_per_model=2
disable_token_authorization=true
disable_system_metrics=true
model_store={store}
load_models=moons.mar
"""


class Missing(Exception):
    """Something that the comparison needs is not there; the text says what to do."""


def install() -> Path:
    """The folder of TorchServe's programs; the virtual environment is made when it is missing. Raises Missing."""
    for program, package in (("java", "openjdk-17-jre-headless"), ("wrk", "wrk")):
        if shutil.which(program) is None:
            raise Missing(f"The comparison with TorchServe needs {program}: apt-get install {package}")
    if not (HOME / "complete").exists():
        shutil.rmtree(HOME, ignore_errors=True)
        print(f"Installing TorchServe into {HOME}, once", flush=True)
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
        python = HOME / "bin/python"
        installed = subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=False)
        if installed.returncode:
            raise Missing("TorchServe can't be installed: pip install " + " ".join(PACKAGES) + " failed.")
        # torch is lent, so that both sides run the same
        site = subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
        (Path(site.decode().strip()) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
        (HOME / "complete").touch()
    return HOME / "bin"


@contextlib.contextmanager
def serving(source: Path, model: Path, scratch: Path) -> Iterator[str]:
    """Serve a model that `predict.py` of `source` loads; gives the URL of its predictions. Raises Missing."""
    programs = install()
    ports = [free_port() for _ in range(3)]
    store = scratch / "store"
    store.mkdir()
    (scratch / "handler.py").write_text(HANDLER.format(source=str(source), model=str(model)))
    archive = [programs / "torch-model-archiver", "--model-name", "moons", "--version", "1", "--export-path", store]
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "TEMP": str(scratch)}
    subprocess.run([*archive, "--handler", scratch / "handler.py"], check=True, env=environment)
    (scratch / "config.properties").write_text(CONFIGURATION.format(*ports, store=store))
    with (scratch / "torchserve.log").open("w") as log:
        process = subprocess.Popen(
            [programs / "torchserve", "--start", "--foreground", "--ts-config", scratch / "config.properties"],
            cwd=scratch,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{ports[1]}/models/moons", process, scratch / "torchserve.log")
        yield f"http://127.0.0.1:{ports[0]}/predictions/moons"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until both workers are ready."""
    deadline = time.monotonic() + START_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.read().count(b'"READY"') == 2:
                return
        time.sleep(0.2)
    last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise Missing(f"TorchServe did not start within {START_WITHIN} s. The end of its log:\n{last}")
