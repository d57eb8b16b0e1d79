"""AWS's handler service for MXNet, mended: its default `model_fn` loads again what the default `save` wrote.

That function has a second argument, with a default. Newer inference toolkits than those of AWS's MXNet images take any
second argument for the request's context, and so give it a context for a batch size.
"""

from typing import Any

from sagemaker_mxnet_serving_container.default_inference_handler import DefaultMXNetInferenceHandler
from sagemaker_mxnet_serving_container.handler_service import HandlerService

__all__ = ["HandlerService"]

_load = DefaultMXNetInferenceHandler.default_model_fn


def _default_model_fn(self: DefaultMXNetInferenceHandler, model_dir: str) -> Any:
    return _load(self, model_dir)


DefaultMXNetInferenceHandler.default_model_fn = _default_model_fn
