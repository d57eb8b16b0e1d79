"""SageMaker's control plane: which calls are answered, and by whom."""

from collections.abc import Callable
from typing import Any

from botocore import xform_name

from .hosting import Hosting
from .resources import Request, Resources
from .training import TrainingJobs
from .wire import JSON_TYPE, AwsError, read_request, service_model, unsupported, write_answer

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
