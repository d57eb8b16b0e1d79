"""The AWS wire: requests and answers of a service, held against botocore's own model of it."""

import json
import re
from collections.abc import Iterator
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

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
        parameters = json.loads(body or b"{}")
    except ValueError as error:
        raise AwsError("SerializationException", f"The request body is not JSON: {error}") from None
    if not isinstance(parameters, dict):
        raise AwsError("SerializationException", "The request body is not a JSON object")
    shape = operation.input_shape
    if shape is None:
        return {}
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        raise invalid(report.generate_report())
    violations = list(_violations(shape, parameters, ""))
    if violations:
        count = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''} detected: "
        raise invalid(count + "; ".join(violations))
    return parameters


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


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """What SageMaker itself would reject and botocore's validator lets pass: patterns, lengths, enumerations."""
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            at = name[0].lower() + name[1:]
            yield from _violations(shape.members[name], member, f"{path}.{at}" if path else at)
        return
    if isinstance(shape, ListShape):
        for i, member in enumerate(value, 1):
            yield from _violations(shape.member, member, f"{path}.{i}.member")
    elif isinstance(shape, MapShape):
        for name, member in value.items():
            yield from _violations(shape.key, name, path)
            yield from _violations(shape.value, member, f"{path}.{name}.member")
    rule = _broken_rule(shape, value)
    if rule:
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {rule}"


def _broken_rule(shape: Shape, value: Any) -> str | None:
    rules = shape.metadata
    if isinstance(value, str):
        # file:// in place of s3:// is our own extension, for data that needn't be copied to S3 first
        local_file = value.startswith("file://") and "s3" in rules.get("pattern", "")
        if "enum" in rules and value not in rules["enum"]:
            return f"satisfy enum value set: [{', '.join(rules['enum'])}]"
        if "pattern" in rules and not local_file and not _matches(rules["pattern"], value):
            return f"satisfy regular expression pattern: {rules['pattern']}"
    if isinstance(value, str | list | dict) and "max" in rules and len(value) > rules["max"]:
        return f"have length less than or equal to {rules['max']}"
    if isinstance(value, int | float) and "max" in rules and value > rules["max"]:
        return f"have value less than or equal to {rules['max']}"
    return None


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:  # Java's dialect has classes that Python's lacks
        return True
