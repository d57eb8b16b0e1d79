"""The whole way once, as a notebook goes it: fit, deploy, 100 predictions, clean-up."""

import contextlib
import io
import os
import re
import shutil
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import byom.local
from byom.local import lifecycle
from tests.local.clients import Clients

from . import model

PREDICTIONS = 100
# from the start of the script's process to its end: a process that has imported torch needs a while to end, too
_TIMED = """
import subprocess, sys, time
start = time.perf_counter()
subprocess.run([sys.executable, "train.py", *sys.argv[1:]], check=True)
print(f"the script took {time.perf_counter() - start:.3f} s")
"""
_SCRIPT = r"the script took ([\d.]+) s"
_IMPORT, _LOADING = (
    r"byom\.local: imported \S+ in ([\d.]+) s",
    r"byom\.local: worker \d+ loaded the model in ([\d.]+) s",
)


@dataclass
class Journey:
    """Seconds of one way, and of what it had to wait for in any case."""

    steps: dict[str, float] = field(default_factory=dict)
    training: float = 0.0  # the script's process
    serving: float = 0.0  # the framework's import and the model's loading

    @property
    def total(self) -> float:
        """All steps."""
        return sum(self.steps.values())

    @property
    def overhead(self) -> float:
        """What is neither the learner's script nor a framework's import."""
        return self.total - self.training - self.serving


def travel(scratch: Path) -> Journey:
    """Go the whole way against a new server. The script and the endpoint's log tell how long they took of it."""
    data, source, root = scratch / "data", scratch / "source", scratch / "root"
    data.mkdir()
    model.write_data(data)
    shutil.copytree(model.scripts(), source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "timed.py").write_text(_TIMED)
    journey, before = Journey(), dict(os.environ)
    try:
        session, role = byom.local.activate(root)
        _steps(journey, session, role, data, source)
    finally:
        os.environ.clear()
        os.environ.update(before)
        lifecycle.stop(root)
    return journey


def _steps(journey: Journey, session: Any, role: str, data: Path, source: Path) -> None:
    from sagemaker.deserializers import JSONDeserializer
    from sagemaker.pytorch import PyTorch, PyTorchModel
    from sagemaker.serializers import JSONSerializer

    common = {
        "role": role,
        "source_dir": str(source),
        "framework_version": "2.6.0",
        "py_version": "py312",
        "sagemaker_session": session,
    }
    machine = {"instance_type": "ml.m5.large"}
    printed = io.StringIO()
    with _timed(journey, "fit"), contextlib.redirect_stdout(printed):
        estimator = PyTorch(
            "timed.py", instance_count=1, hyperparameters=dict(model.HYPERPARAMETERS), **machine, **common
        )
        estimator.fit({"train": session.upload_data(str(data), key_prefix="moons")})
    with _timed(journey, "deploy"), contextlib.redirect_stdout(io.StringIO()):
        hosted = PyTorchModel(model_data=estimator.model_data, entry_point="predict.py", **common)
        json_both_ways = {"serializer": JSONSerializer(), "deserializer": JSONDeserializer()}
        predictor = hosted.deploy(initial_instance_count=1, **machine, **json_both_ways)
    with _timed(journey, f"{PREDICTIONS} predictions"):
        answers = [predictor.predict(model.POINTS) for _ in range(PREDICTIONS)]
    log = "\n".join(
        Clients(session.sagemaker_client.meta.endpoint_url).messages(
            f"/aws/sagemaker/Endpoints/{predictor.endpoint_name}", "AllTraffic/"
        )
    )
    with _timed(journey, "clean-up"):
        predictor.delete_model()
        predictor.delete_endpoint()
    journey.training = _told(_SCRIPT, printed.getvalue())
    journey.serving = _told(_IMPORT, log) + _told(_LOADING, log)
    expected = model.scores(_unpacked(session, estimator.model_data, source.parent))
    if not all(np.allclose(answer, expected, atol=1e-5) for answer in answers):
        raise RuntimeError(f"the endpoint answered {answers[0]}, and the model says {expected}")


def _unpacked(session: Any, archive: str, scratch: Path) -> Path:
    """The trained model's folder."""
    from sagemaker.s3 import S3Downloader

    S3Downloader.download(archive, str(scratch), sagemaker_session=session)
    with tarfile.open(scratch / "model.tar.gz") as tar:
        tar.extractall(scratch / "model", filter="data")
    return scratch / "model"


def _told(pattern: str, log: str) -> float:
    found = re.search(pattern, log)
    if found is None:
        raise RuntimeError(f"{pattern} is not in the log:\n{log}")
    return float(found[1])


@contextlib.contextmanager
def _timed(journey: Journey, step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    journey.steps[step] = time.perf_counter() - start
