"""The AWS wire: requests and answers of a service, held against botocore's own model of it."""

import json
from typing import Any
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

from .constraints import Unreadable, violations

JSON_TYPE = "application/x-amz-json-1.1"


class AwsError(Exception):
    """An error as a service answers it: a code, a text, and what else that error carries."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.members = code, message, status, members

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body, right for both of AWS's JSON protocols."""
        body = {"__type": self.code, "message": self.message, "Message": self.message, **self.members}
        headers = {"Content-Type": JSON_TYPE, "x-amzn-ErrorType": self.code}
        return self.status, headers, json.dumps(body).encode()

    def xml(self) -> tuple[int, dict[str, str], bytes]:
        """The same for AWS's XML protocols: S3 and a query service each find their own part of it."""
        error = f"<Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message>"
        body = f"<Error>{error}<Error>{error}</Error><Errors><Error>{error}</Error></Errors></Error>"
        return self.status, {"Content-Type": "application/xml"}, body.encode()


def invalid(message: str) -> AwsError:
    """SageMaker's `ValidationException`."""
    return AwsError("ValidationException", message)


def unsupported(operation: str) -> AwsError:
    """The refusal of a call that local SageMaker doesn't answer."""
    return AwsError(
        "UnsupportedOperation",
        f"byom.local does not support {operation}; docs/local-sagemaker.md lists the calls it answers.",
    )


def service_model(service: str) -> ServiceModel:
    """botocore's model of a service."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def read_request(operation: OperationModel, body: bytes) -> dict[str, Any]:
    """A JSON request as checked parameters.

    Raises AwsError as SageMaker does: SerializationException for what isn't JSON, ValidationException for the rest.
    """
    try:
        parameters = json.loads(body or b"{}", object_hook=_without_nulls, parse_constant=_no_json)
    except (ValueError, RecursionError) as error:
        raise AwsError("SerializationException", f"The request body is not JSON: {error}") from None
    if not isinstance(parameters, dict):
        raise AwsError("SerializationException", "The request body is not a JSON object")
    shape = operation.input_shape
    if shape is None:
        return {}
    try:
        found = list(violations(shape, parameters))
    except Unreadable as error:
        raise AwsError("SerializationException", str(error)) from None
    if found:
        raise invalid(f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: {'; '.join(found)}")
    return parameters


def _without_nulls(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")


def write_answer(operation: OperationModel, result: dict[str, Any]) -> bytes:
    """An answer as JSON: the members that the operation's output has, each checked against the model.

    Times are seconds since 1970, as this protocol has them. A ValueError here is a fault of ours, never a caller's.
    """
    shape = operation.output_shape
    if shape is None:
        return b"{}"
    answer = _project(shape, result)
    report = ParamValidator().validate(answer, shape)
    if report.has_errors():
        raise ValueError(f"{operation.name} answered outside its model: {report.generate_report()}")
    return json.dumps(answer).encode()


def _project(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {k: _project(shape.members[k], v) for k, v in value.items() if k in shape.members and v is not None}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_project(shape.member, v) for v in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {k: _project(shape.value, v) for k, v in value.items()}
    return value
