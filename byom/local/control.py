"""SageMaker's control plane and runtime: which calls are answered, and by whom."""

import re
from collections.abc import Callable
from typing import Any

from botocore import xform_name
from botocore.model import OperationModel

from .endpoints import Endpoints
from .hosting import Hosting
from .resources import Request, Resources
from .training import TrainingJobs
from .wire import JSON_TYPE, AwsError, read_request, service_model, unsupported, write_answer

BODY_LIMIT = 6 * 2**20  # bytes of an invocation, SageMaker's own limit
Answer = tuple[int, dict[str, str], bytes]


class ControlPlane:
    """The `sagemaker` service. A call is answered if one of the rooms has a method of its name."""

    def __init__(self, training: TrainingJobs, hosting: Hosting, resources: Resources) -> None:
        self._model = service_model("sagemaker")
        self.operations: dict[str, Callable[[Request], dict[str, Any]]] = {
            name: getattr(room, xform_name(name))
            for name in self._model.operation_names
            for room in (training, hosting, resources)
            if hasattr(room, xform_name(name))
        }

    def answer(self, operation: str, body: bytes) -> Answer:
        """Answer one call. Raises AwsError."""
        if operation not in self._model.operation_names:
            raise AwsError("UnknownOperationException", f"SageMaker has no call named {operation}.")
        if operation not in self.operations:
            raise unsupported(operation)
        model = self._model.operation_model(operation)
        result = self.operations[operation](read_request(model, body))
        return 200, {"Content-Type": JSON_TYPE}, write_answer(model, result)


class Runtime:
    """The `sagemaker-runtime` service."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        model = service_model("sagemaker-runtime")
        self._invoke = model.operation_model("InvokeEndpoint")
        self._routes = [
            (re.compile(re.sub(r"{\w+}", "([^/]+)", operation.http["requestUri"])), operation)
            for operation in map(model.operation_model, model.operation_names)
        ]

    def route(self, method: str, path: str) -> tuple[OperationModel, str] | None:
        """The runtime's operation at a path, and the endpoint it names; None when it isn't one of the runtime's."""
        for pattern, operation in self._routes:
            if operation.http["method"] == method and (match := pattern.fullmatch(path)):
                return operation, match[1]
        return None

    async def answer(self, operation: OperationModel, endpoint: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one call; header names are in lower case. Raises AwsError."""
        if operation.name != self._invoke.name:
            raise unsupported(operation.name)
        request = {name: headers[at] for name, at in _headers(self._invoke.input_shape).items() if at in headers}
        for name in ("TargetModel", "TargetContainerHostname", "InferenceComponentName", "SessionId"):
            if name in request:
                raise AwsError("ValidationError", f"byom.local does not support {name}.")
        result = await self._endpoints.invoke(endpoint, request, body)
        sent = {at: result[name] for name, at in _headers(self._invoke.output_shape).items() if result.get(name)}
        return 200, sent, result["Body"]


def too_large() -> AwsError:
    """The answer to an invocation above the limit; AWS gives it no code of its own."""
    return AwsError("413", f"HTTP content length exceeded {BODY_LIMIT} bytes.", 413)


def _headers(shape: Any) -> dict[str, str]:
    """The header, in lower case, of each member that travels as one."""
    return {
        name: member.serialization["name"].lower()
        for name, member in shape.members.items()
        if member.serialization.get("location") == "header"
    }
