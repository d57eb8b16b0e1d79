"""The serving script, for MXNet. The container calls ``model_fn`` once; then, for each request, the other three.

    input_fn(body, content_type) -> predict_fn(data, model) -> output_fn(prediction, accept)

What ``input_fn`` returns goes to ``predict_fn``, what that returns goes to ``output_fn``: how pictures and
probabilities travel between them is up to you. An error of the kind that ``refusal`` makes is answered with its own
status; any other becomes a 500. The MXNet container has Python 3.8.
"""

import io
import json
import os
from typing import Union

import mxnet as mx
import numpy as np
from sagemaker_inference.errors import BaseInferenceToolkitError

PIXELS = 64
"""Numbers in a picture: 8 rows of 8."""


def refusal(status: int, message: str) -> BaseInferenceToolkitError:
    """Make the error that ends a request: ``raise refusal(415, "…")`` answers it with this status and message."""
    return BaseInferenceToolkitError(status, message, message)


def model_fn(model_dir: str) -> mx.gluon.Block:
    """Load the network that training saved. The container calls this once, when it starts.

    The files are the default ones of the MXNet container: ``model-symbol.json`` (the graph), ``model-0000.params``
    (its weights) and ``model-shapes.json`` (the shape of a training batch). How many layers there are, and how wide
    they are, is said by the graph alone, because ``hidden`` is a hyperparameter. The graph has two inputs: ``data``,
    and ``softmax_label``, which only training needs; its output is a probability for each class.

    Args:
        model_dir: the folder of the unpacked ``model.tar.gz``.

    Returns:
        a Gluon block or a Module: with anything else the MXNet container doesn't start.
    """
    ### BEGIN SOLUTION
    graph, weights = (os.path.join(model_dir, name) for name in ("model-symbol.json", "model-0000.params"))
    return mx.gluon.SymbolBlock.imports(graph, ["data", "softmax_label"], weights)
    ### END SOLUTION


def input_fn(body: Union[str, bytearray], content_type: str) -> np.ndarray:
    """Read the pictures in a request: one row of 64 pixels, from 0 to 16, for each.

    Args:
        body: what was sent: text for JSON and CSV, bytes for all other types.
        content_type: "application/json", a list of rows; "text/csv", a line for each row, without a header; or
            "application/x-npy", an array as ``numpy.save`` writes it, of any type of number. Never unpickle what
            somebody sends you: a pickle is a program.

    Returns:
        the pictures, as ``predict_fn`` wants them. One picture is a batch of one.

    Raises:
        BaseInferenceToolkitError: 415 for another content type; 400 for a body that can't be read, for rows that
            don't have 64 numbers, and for numbers that are none (NaN, infinity). Each with a message that would
            help you, were you the one who sent it.
    """
    ### BEGIN SOLUTION
    try:
        if content_type == "application/json":
            rows = np.array(json.loads(body), dtype="float32")
        elif content_type == "text/csv":
            rows = np.loadtxt(io.StringIO(body), delimiter=",", ndmin=2, dtype="float32")
        elif content_type == "application/x-npy":
            rows = np.load(io.BytesIO(body), allow_pickle=False).astype("float32")
        else:
            raise refusal(415, f"can't read {content_type}: send application/json, text/csv or application/x-npy")
    except BaseInferenceToolkitError:
        raise
    except Exception as error:  # whatever goes wrong while reading a body, the body is wrong
        raise refusal(400, f"this is not readable as {content_type}: {error}") from error
    if rows.ndim != 2 or rows.shape[1] != PIXELS:
        raise refusal(400, f"rows of {PIXELS} pixels are expected, got an array of shape {rows.shape}")
    if not np.isfinite(rows).all():
        raise refusal(400, "a pixel is NaN or infinite")
    return rows
    ### END SOLUTION


def predict_fn(data: np.ndarray, model: mx.gluon.Block) -> np.ndarray:
    """Classify pictures. Training divided the pixels by 16, so this has to as well.

    Args:
        data: what ``input_fn`` returned.
        model: what ``model_fn`` returned.

    Returns:
        a probability for each picture and class, n × 10, as ``output_fn`` wants them.
    """
    ### BEGIN SOLUTION
    pixels = mx.nd.array(data / 16)
    no_labels = mx.nd.zeros(len(data))
    return model(pixels, no_labels).asnumpy()
    ### END SOLUTION


def output_fn(prediction: np.ndarray, accept: str) -> Union[str, bytes]:
    """Write the answer, n rows of 10 probabilities, in the type that the client accepts.

    Args:
        prediction: what ``predict_fn`` returned.
        accept: "application/json", "text/csv" or "application/x-npy", each as in ``input_fn``. Where the client
            doesn't care, the container says "application/json".

    Raises:
        BaseInferenceToolkitError: 406 for another type, with a message.
    """
    ### BEGIN SOLUTION
    if accept == "application/json":
        return json.dumps(prediction.tolist())
    if accept == "text/csv":
        text = io.StringIO()
        np.savetxt(text, prediction, delimiter=",", fmt="%.8g")
        return text.getvalue()
    if accept == "application/x-npy":
        npy = io.BytesIO()
        np.save(npy, prediction)
        return npy.getvalue()
    raise refusal(406, f"can't write {accept}: accept application/json, text/csv or application/x-npy")
    ### END SOLUTION
