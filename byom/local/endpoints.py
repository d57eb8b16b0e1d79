"""The processes behind endpoints: starting one from a model's archive, asking it, and ending it."""

import asyncio
import logging
import socket
import threading
import uuid
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from .account import ACCOUNT_ID
from .archives import ArchiveError, unpack
from .container import Container, ContainerEnded
from .frameworks import framework_of, versions_used
from .logs import Logs, LogStream, endpoint_group
from .objects import Objects, split_uri
from .resources import ENDPOINT, Request, Resources
from .store import Document
from .wire import AwsError

SERVING = Path(__file__).with_name("serving.py")
HEALTH_TIMEOUT = 600  # seconds a model may take to load, unless the endpoint's configuration says otherwise
MODEL_TIMEOUT = 60  # seconds a model may take to answer
REASON_LIMIT = 1024  # characters of a FailureReason
TAIL = 8  # lines of a log that a FailureReason quotes

log = logging.getLogger(__name__)


class EndpointFailed(Exception):
    """An endpoint can't serve; the text is its FailureReason."""


@dataclass
class Serving:
    """A container that answers, its variant's name and its log."""

    container: Container
    address: str
    variant: str
    stream: LogStream
    timeout: float


class Endpoints:
    """The endpoints that have a process. One without is given it by the next request: after a crash of the model,
    and after a restart of the server.
    """

    def __init__(self, resources: Resources, objects: Objects, logs: Logs, scratch: Path, url: str) -> None:
        self._resources, self._objects, self._logs = resources, objects, logs
        self._scratch, self._url = scratch, url
        self._serving: dict[str, Serving] = {}
        self._starting: dict[str, Container] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._client = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=None))
        for name, endpoint in resources.all(ENDPOINT).items():
            if endpoint["EndpointStatus"] == "Creating":
                self._fail(name, "The local server ended while the endpoint was being created.")

    def launch(self, name: str) -> None:
        """Bring an endpoint into service, or record why it can't be. Returns when either is done."""
        try:
            with self._locks[name]:
                if name not in self._serving:
                    self._serving[name] = self._start(name)
            if self._resources.update(ENDPOINT, name, EndpointStatus="InService") is None:
                self.end(name)  # deleted while it started
        except ContainerEnded:
            pass  # deleted before it started
        except (EndpointFailed, AwsError) as error:
            self._fail(name, str(error))
        except Exception as error:  # an endpoint must not stay Creating, whatever is wrong with us
            log.exception("endpoint %s", name)
            self._fail(name, f"{type(error).__name__}: {error}")

    def end(self, name: str) -> None:
        """End the endpoint's processes, also those that are only starting."""
        if container := self._starting.get(name):
            container.kill()
        with self._locks[name]:
            if serving := self._serving.pop(name, None):
                serving.container.remove()

    def close(self) -> None:
        """End all processes."""
        for container in [*self._starting.values(), *(serving.container for serving in self._serving.values())]:
            container.kill()

    async def invoke(self, name: str, request: Request, body: bytes) -> dict[str, Any]:
        """Answer InvokeEndpoint. Raises ValidationError for no such endpoint, ModelError for what the model did."""
        serving = self._serving.get(name)
        if serving is None or not serving.container.running:
            serving = await asyncio.to_thread(self._revive, name)
        variant = request.get("TargetVariant", serving.variant)
        if variant != serving.variant:
            raise AwsError("ValidationError", f"Variant {variant} not found for Request")
        headers = {
            "Content-Type": request.get("ContentType", "application/octet-stream"),
            "Accept": request.get("Accept", "*/*"),
        }
        if "CustomAttributes" in request:
            headers["X-Amzn-SageMaker-Custom-Attributes"] = request["CustomAttributes"]
        try:
            answer = await self._client.post(
                f"{serving.address}/invocations", content=body, headers=headers, timeout=serving.timeout
            )
        except httpx.TimeoutException:
            # as the model servers do with a worker that hangs; the next request starts another
            await asyncio.to_thread(serving.container.kill)
            raise _model_error(
                serving,
                0,
                "Your invocation timed out while waiting for a response from container primary. Review the latency "
                "metrics for each container in Amazon CloudWatch, resolve the issue, and try again.",
            ) from None
        except httpx.TransportError:
            await asyncio.to_thread(serving.container.kill)
            await asyncio.to_thread(serving.container.wait, 5)
            last = "\n".join(serving.stream.tail(TAIL))
            raise _model_error(serving, 500, f"The model's process ended. The last lines of its log:\n{last}") from None
        if answer.status_code >= 400:
            raise _model_error(serving, answer.status_code, answer.text)
        return {
            "Body": answer.content,
            "ContentType": answer.headers.get("Content-Type"),
            "InvokedProductionVariant": serving.variant,
            "CustomAttributes": answer.headers.get("X-Amzn-SageMaker-Custom-Attributes"),
        }

    def _revive(self, name: str) -> Serving:
        record = self._resources.store.get(ENDPOINT.arn, name)
        if record is None or record["EndpointStatus"] != "InService":
            raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT_ID} not found.")
        try:
            with self._locks[name]:
                serving = self._serving.get(name)
                if serving is None or not serving.container.running:
                    if serving is not None:
                        self._serving.pop(name).container.remove()
                    serving = self._serving[name] = self._start(name)
                return serving
        except (EndpointFailed, AwsError) as error:
            self._fail(name, str(error))
            raise AwsError("ValidationError", f"Endpoint {name} can't be served again: {error}") from None

    def _start(self, name: str) -> Serving:
        plan = self._resources.find(ENDPOINT, name)["Plan"]
        variant, model = plan["variant"], plan["model"]
        stream = self._logs.stream(endpoint_group(name), f"{variant['VariantName']}/i-{uuid.uuid4().hex[:17]}")
        container = Container(self._scratch / uuid.uuid4().hex, self._url, stream)
        self._starting[name] = container
        try:
            address = self._serve(container, model, variant, stream)
        except BaseException:
            container.remove()
            raise
        finally:
            del self._starting[name]
        asked = (model.get("Environment") or {}).get("SAGEMAKER_MODEL_SERVER_TIMEOUT", MODEL_TIMEOUT)
        return Serving(container, address, variant["VariantName"], stream, min(float(asked), MODEL_TIMEOUT))

    def _serve(self, container: Container, model: Document, variant: Document, stream: LogStream) -> str:
        """Unpack the model, start its process and wait until it answers; returns its address."""
        environment = dict(model.get("Environment") or {})
        code = container.base / "model/code"
        if "ModelDataUrl" in model:
            self._unpack(model["ModelDataUrl"], container, container.base / "model")
        submitted = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
        if submitted.startswith("s3://"):  # frameworks whose archives the SDK doesn't repack
            code.mkdir(exist_ok=True)
            self._unpack(submitted, container, code)
        environment["SAGEMAKER_SUBMIT_DIRECTORY"] = str(code)
        framework = framework_of(model["Image"])
        stream.append([versions_used(framework, model["Image"])])
        with socket.create_server(("127.0.0.1", 0)) as listener:
            # inherited by each connection; without it every answer waits 40 ms for the client's acknowledgement
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            port = listener.getsockname()[1]
            fd = listener.fileno()
            container.start([SERVING, framework.serving, fd], environment, inherit=[fd])
        # our end of the socket is closed, so a connection waits for the process, and breaks when that ends
        address = f"http://127.0.0.1:{port}"
        timeout = variant.get("ContainerStartupHealthCheckTimeoutInSeconds", HEALTH_TIMEOUT)
        try:
            httpx.get(f"{address}/ping", timeout=timeout, trust_env=False).raise_for_status()
        except httpx.HTTPError as error:
            container.kill()
            container.wait(5)
            why = f" within {timeout} s" if isinstance(error, httpx.TimeoutException) else ""
            reason = (
                f"The primary container for production variant {variant['VariantName']} did not pass the ping health "
                f"check{why}. Please check CloudWatch logs for this endpoint. The last lines of its log "
                f"({stream.path}):\n"
            )
            # the very last line says most, so a long log is cut at its beginning
            raise EndpointFailed(reason + "\n".join(stream.tail(TAIL))[-(REASON_LIMIT - len(reason)) :]) from None
        return address

    def _unpack(self, uri: str, container: Container, folder: Path) -> None:
        archive = container.base / "archive.tar.gz"
        self._objects.copy_to(*split_uri(uri), archive)
        try:
            unpack(archive, folder)
        except ArchiveError as error:
            raise EndpointFailed(f"Failed to extract model data archive from {uri}: {error}.") from None
        finally:
            archive.unlink()

    def _fail(self, name: str, reason: str) -> None:
        self._resources.update(ENDPOINT, name, EndpointStatus="Failed", FailureReason=reason[:REASON_LIMIT])


def _model_error(serving: Serving, status: int, message: str) -> AwsError:
    blame = "client" if 400 <= status < 500 else "server"
    return AwsError(
        "ModelError",
        f'Received {blame} error ({status}) from primary with message "{message}". '
        f"See {serving.stream.path} for more information.",
        424,
        OriginalStatusCode=status,
        OriginalMessage=message,
    )
