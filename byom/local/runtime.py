"""SageMaker's runtime: what an invocation brings and gets over the wire."""

import re

from botocore.model import OperationModel, StructureShape

from .endpoints import Endpoints
from .wire import AwsError, service_model, unsupported

BODY_LIMIT = 6 * 2**20  # bytes of an invocation, SageMaker's own limit
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
ATTRIBUTES_LIMIT = 1024  # characters
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e\x80-\xff]")
Answer = tuple[int, dict[str, str], bytes]


class Runtime:
    """The `sagemaker-runtime` service."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        model = service_model("sagemaker-runtime")
        self._invoke = model.operation_model("InvokeEndpoint")
        shape = self._invoke.input_shape
        assert isinstance(shape, StructureShape)
        unsupported_members = ("TargetModel", "TargetContainerHostname", "InferenceComponentName", "SessionId")
        self._refused = {shape.members[name].serialization["name"].lower(): name for name in unsupported_members}
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
        for header, name in self._refused.items():
            if header in headers:
                raise AwsError("ValidationError", f"byom.local does not support {name}.")
        given = {
            "Content-Type": headers.get("content-type", "application/octet-stream"),
            "Accept": headers.get("accept", "*/*"),
        }
        attributes = headers.get(ATTRIBUTES.lower())
        if attributes is not None:
            if not attributes.isascii() or len(attributes) > ATTRIBUTES_LIMIT:
                raise AwsError(
                    "ValidationError",
                    f"Custom attributes must be ASCII, and at most {ATTRIBUTES_LIMIT} characters.",
                )
            given[ATTRIBUTES] = attributes
        target = headers.get("x-amzn-sagemaker-target-variant")
        variant, answer = await self._endpoints.invoke(endpoint, target, given, body)
        told = {name: answer.headers[name] for name in ("content-type", ATTRIBUTES.lower()) if name in answer.headers}
        told["x-amzn-invoked-production-variant"] = variant
        return 200, {name: _NOT_PRINTABLE.sub("?", value) for name, value in told.items()}, answer.body


def too_large() -> AwsError:
    """The answer to an invocation above the limit; AWS gives it no code of its own."""
    return AwsError("413", f"HTTP content length exceeded {BODY_LIMIT} bytes.", 413)
