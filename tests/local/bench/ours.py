"""Local SageMaker with the same model behind an endpoint."""

import contextlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from byom.local import lifecycle
from tests.local.clients import Clients

PROGRAM = {"SAGEMAKER_PROGRAM": "predict.py"}


@contextlib.contextmanager
def serving(source: Path, model: Path, scratch: Path) -> Iterator[str]:
    """Serve a model that `predict.py` of `source` loads, with two workers; gives the InvokeEndpoint URL."""
    root = scratch / "root"
    server, _ = lifecycle.ensure(root)
    try:
        aws = Clients(server.url)
        aws.create_endpoint(
            "moons", aws.put("model.tar.gz", _archive(source, model)), SAGEMAKER_MODEL_SERVER_WORKERS="2", **PROGRAM
        )
        endpoint = aws.wait_for_endpoint("moons")
        if endpoint["EndpointStatus"] != "InService":
            raise RuntimeError(endpoint["FailureReason"])
        yield f"{server.url}/endpoints/moons/invocations"
    finally:
        lifecycle.stop(root)


def _archive(source: Path, model: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path in sorted(model.iterdir()):
            tar.add(path, path.name)
        for path in sorted(source.glob("*.py")):
            tar.add(path, f"code/{path.name}")
    return buffer.getvalue()
