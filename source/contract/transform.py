"""A serving script in PyTorch, with one function for the whole request.

    transform_fn(model, body, content_type, accept)

does what ``input_fn``, ``predict_fn`` and ``output_fn`` do one after the other. A script has either the one or the
three: beside a ``transform_fn`` the container would never call the others, so it refuses to start with both.
"""

import io
import json
import os

import numpy as np
import torch
from sagemaker_inference.errors import BaseInferenceToolkitError
from torch import nn

PIXELS = 64
"""Numbers in a picture: 8 rows of 8."""


def refusal(status: int, message: str) -> BaseInferenceToolkitError:
    """Make the error that ends a request: ``raise refusal(415, "…")`` answers it with this status and message."""
    return BaseInferenceToolkitError(status, message, message)


def build_net() -> nn.Module:
    """Return the network: 64 pixels, divided by 16, → 32 → 10 scores, one for each class."""
    return nn.Sequential(nn.Linear(PIXELS, 32), nn.ReLU(), nn.Linear(32, 10))


def model_fn(model_dir: str) -> nn.Module:
    """Load the network from ``model.pth``, its ``state_dict``. The container calls this once, when it starts."""
    net = build_net()
    net.load_state_dict(torch.load(os.path.join(model_dir, "model.pth"), map_location="cpu", weights_only=True))
    return net.eval()


def transform_fn(model: nn.Module, body: str | bytearray, content_type: str, accept: str) -> str | bytes:
    """Answer a request: read the pictures, classify them, write the probabilities.

    Args:
        model: what ``model_fn`` returned. It takes pixels divided by 16, float32, and gives scores, which are no
            probabilities yet: ``softmax`` makes them add up to 1 for each picture.
        body: one row of 64 pixels, from 0 to 16, for each picture: text for JSON and CSV, bytes for all other types.
        content_type: "application/json", a list of rows; "text/csv", a line for each row, without a header; or
            "application/x-npy", an array as ``numpy.save`` writes it, of any type of number. Never unpickle what
            somebody sends you: a pickle is a program.
        accept: the type to answer in, one of the same three.

    Returns:
        n rows of 10 probabilities: text for JSON and CSV, bytes for NPY. One picture is a batch of one.

    Raises:
        BaseInferenceToolkitError: 415 for another content type; 406 for another type in ``accept``; 400 for a body
            that can't be read, for rows that don't have 64 numbers, and for numbers that are none (NaN, infinity).
            Each with a message that would help you, were you the one who sent it.
    """
    # YOUR CODE HERE
    raise NotImplementedError()
