"""Instances: what runs a variant's model behind an endpoint. Starting one from an archive, asking it, and ending it."""

import asyncio
import re
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import psutil

from .archives import ArchiveError, unpack
from .container import Container
from .frameworks import framework_of, versions_used
from .log_files import endpoint_group
from .logs import Logs, LogStream
from .objects import Objects, split_uri
from .serving import ended
from .store import Document
from .wire import AwsError
from .workers import Answer, WorkerEnded, WorkerHangs, Workers

HEALTH_TIMEOUT = 600  # seconds a model may take to load, unless the endpoint's configuration says otherwise
MODEL_TIMEOUT = 60  # seconds a model may take to answer
MEMORY_SHARE = 0.5  # of this computer's memory that one worker may use
REASON_LIMIT = 1024  # characters of a FailureReason
TAIL = 8  # lines of a log that an error quotes
LOG_WITHIN = 2  # seconds that an error waits for the end of a worker's log
LOG_EVERY = 0.25  # seconds; the requests of this time are written to the log at once


class CannotServe(Exception):
    """An instance can't serve; the text is the endpoint's FailureReason."""


def model_error(status: int, message: str, where: str = "") -> AwsError:
    """The answer to an invocation that the model could not answer."""
    blame = "client" if 400 <= status < 500 else "server"
    text = f'Received {blame} error ({status}) from primary with message "{message}".{where}'
    return AwsError("ModelError", text, 424, OriginalStatusCode=status, OriginalMessage=message)


class Instance:
    """One variant's model in service, with its workers and its log."""

    def __init__(self, variant: str, workers: Workers, stream: LogStream) -> None:
        self.variant, self.workers = variant, workers
        self._stream = stream
        self._unwritten: list[str] = []

    async def ask(self, headers: dict[str, str], body: bytes | bytearray) -> Answer:
        """The handler's answer. Raises ModelError for what the model did, and NoWorkers."""
        start = time.perf_counter()
        try:
            answer = await self.workers.ask(headers, body)
        except WorkerHangs:
            raise self._error(
                0,
                "Your invocation timed out while waiting for a response from container primary. Review the latency "
                "metrics for each container in Amazon CloudWatch, resolve the issue, and try again.",
            ) from None
        except WorkerEnded as error:
            last = await asyncio.to_thread(_last_lines, self._stream, error.pid)
            raise self._error(500, f"The model's process ended. The last lines of its log:\n{last}") from None
        took = (time.perf_counter() - start) * 1000
        self._note(f"POST /invocations {len(body)} bytes -> {answer.status} {len(answer.body)} bytes in {took:.1f} ms")
        if answer.status >= 400:
            text = answer.body.decode("utf-8", "replace")
            self._unwritten += text.split("\n")
            await self._write()  # the error names the log as the place to look
            raise self._error(answer.status, text)
        return answer

    def _error(self, status: int, message: str) -> AwsError:
        return model_error(status, message, f" See {self._stream.path} for more information.")

    def _note(self, line: str) -> None:
        if not self._unwritten:
            asyncio.get_running_loop().call_later(LOG_EVERY, self._write)
        self._unwritten.append(line)

    def _write(self) -> asyncio.Future[None]:
        lines, self._unwritten = self._unwritten, []
        return asyncio.get_running_loop().run_in_executor(None, self._stream.append, lines)


class Instances:
    """Starts instances, each in a folder of `scratch`, and knows those that are only starting."""

    def __init__(self, objects: Objects, logs: Logs, scratch: Path, url: str) -> None:
        self._objects, self._logs, self._scratch, self._url = objects, logs, scratch, url
        self._memory = int(psutil.virtual_memory().total * MEMORY_SHARE)
        self._starting: defaultdict[str, set[Container]] = defaultdict(set)
        self._lock = threading.Lock()

    def start(self, endpoint: str, variant: Document, model: Document) -> Instance:
        """Bring a model into service. Raises CannotServe, AwsError, and ContainerEnded when `end_starting` came."""
        stream = self._logs.stream(endpoint_group(endpoint), f"{variant['VariantName']}/i-{uuid.uuid4().hex[:17]}")
        container = Container(self._scratch / uuid.uuid4().hex, self._url, stream)
        with self._lock:
            self._starting[endpoint].add(container)
        try:
            workers = self._serve(container, variant, model, stream)
        except BaseException:
            container.remove()
            raise
        finally:
            with self._lock:
                self._starting[endpoint].discard(container)
        return Instance(variant["VariantName"], workers, stream)

    def end_starting(self, endpoint: str) -> None:
        """End the instances of an endpoint that are starting."""
        with self._lock:
            containers = list(self._starting[endpoint])
        for container in containers:
            container.kill()

    def _serve(self, container: Container, variant: Document, model: Document, stream: LogStream) -> Workers:
        """Unpack the model and start its workers."""
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
        count = _number(environment, "SAGEMAKER_MODEL_SERVER_WORKERS", 1)
        timeout = min(_number(environment, "SAGEMAKER_MODEL_SERVER_TIMEOUT", MODEL_TIMEOUT), MODEL_TIMEOUT)
        within = variant.get("ContainerStartupHealthCheckTimeoutInSeconds", HEALTH_TIMEOUT)
        workers = Workers(container, timeout=timeout, memory=self._memory)
        try:
            workers.start(framework.serving, environment, count, within)
        except (WorkerEnded, TimeoutError) as error:
            last = _last_lines(stream, None, container)
            container.kill()
            why = f" within {within} s" if isinstance(error, TimeoutError) else ""
            reason = (
                f"The primary container for production variant {variant['VariantName']} did not pass the ping health "
                f"check{why}. Please check CloudWatch logs for this endpoint. The last lines of its log "
                f"({stream.path}):\n"
            )
            # the very last line says most, so a long log is cut at its beginning
            raise CannotServe(reason + last[-(REASON_LIMIT - len(reason)) :]) from None
        return workers

    def _unpack(self, uri: str, container: Container, folder: Path) -> None:
        archive = container.base / "archive.tar.gz"
        self._objects.copy_to(*split_uri(uri), archive)
        try:
            unpack(archive, folder)
        except ArchiveError as error:
            raise CannotServe(f"Failed to extract model data archive from {uri}: {error}.") from None
        finally:
            archive.unlink()


def _last_lines(stream: LogStream, pid: int | None, container: Container | None = None) -> str:
    """The end of a log, once it tells of the end of this worker, or of any, or once the container has ended."""
    whose = re.compile(ended(pid or r"\d+"))
    deadline = time.monotonic() + LOG_WITHIN
    while time.monotonic() < deadline:
        lines = stream.tail(4 * TAIL)
        for at, line in enumerate(lines):
            if whose.match(line):
                return "\n".join(lines[max(0, at + 1 - TAIL) : at + 1])
        if container is not None and not container.running:
            container.wait(LOG_WITHIN)
            break
        time.sleep(0.01)
    return "\n".join(stream.tail(TAIL))


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    try:
        number = int(environment.get(name, default))
    except ValueError:
        number = 0
    if number < 1:
        raise CannotServe(f"{name} must be a whole number above 0, not {environment[name]!r}.")
    return number
