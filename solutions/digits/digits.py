"""Answers to the notebook's exercises of the digits unit."""

import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
from PIL import Image


def build_graph() -> mx.sym.Symbol:
    """Describe the network: which numbers become which, from the pixels to ten probabilities.

    The input is called ``data``: pictures, shape (n, 1, 28, 28). They are flattened; then come fully connected layers
    of 128, 64 and 10 units, with ReLU after the first and the second. At the end stands ``SoftmaxOutput``, called
    ``softmax``: it gives probabilities, shape (n, 10), and tells training how wrong they are. Its labels are
    therefore called ``softmax_label``.

    Returns:
        the graph alone: it holds no weights, and nothing is computed yet.
    """
    ### BEGIN SOLUTION
    pixels = mx.sym.flatten(mx.sym.Variable("data"))
    hidden = mx.sym.Activation(mx.sym.FullyConnected(pixels, num_hidden=128), act_type="relu")
    hidden = mx.sym.Activation(mx.sym.FullyConnected(hidden, num_hidden=64), act_type="relu")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(hidden, num_hidden=10), name="softmax")
    ### END SOLUTION


def train(
    graph: mx.sym.Symbol,
    data: Mapping[str, np.ndarray],
    epochs: int = 40,
    batch_size: int = 100,
    learning_rate: float = 0.2,
    seed: int = 0,
    ctx: mx.Context | None = None,
    eval_end_callback: Callable[[Any], None] | None = None,
) -> mx.mod.Module:
    """Train a graph with ``Module.fit``, and watch how it does on pictures that it is not trained on.

    A tenth of the training pictures, drawn at random, is kept for validation; each epoch goes through the others in a
    new order. The test pictures are for the end, and no business of training: ``train`` doesn't look at them, and
    they may be missing from ``data``.

    The first weights come from ``mx.init.Xavier()``, the steps from plain stochastic gradient descent ("sgd"). Equal
    arguments give equal weights, whatever was drawn at random before: weights in MXNet, orders in NumPy.

    Args:
        graph: inputs ``data`` and ``softmax_label``, as `build_graph` makes it.
        data: ``train_data``, float32, shape (n, 1, 28, 28), between 0 and 1; ``train_label``, shape (n,), 0 to 9;
            perhaps ``test_data`` and ``test_label``.
        epochs: how often training goes through the pictures.
        batch_size: pictures in one step.
        learning_rate: how far one step goes.
        seed: of all that is random here.
        ctx: the device; None is the CPU.
        eval_end_callback: `Module.fit` calls it after each epoch. What it is given has ``epoch``, from 0 on, and
            ``eval_metric``, whose ``get()`` is ("accuracy", the accuracy on the validation part).

    Returns:
        the Module with the weights after the last epoch.
    """
    ### BEGIN SOLUTION
    mx.random.seed(seed)
    np.random.seed(seed)
    pictures, labels = data["train_data"], data["train_label"]
    order = np.random.permutation(len(labels))
    valid, rest = np.split(order, [len(labels) // 10])
    train_iter = mx.io.NDArrayIter(pictures[rest], labels[rest], batch_size, shuffle=True)
    valid_iter = mx.io.NDArrayIter(pictures[valid], labels[valid], batch_size)
    module = mx.mod.Module(graph, context=ctx or mx.cpu())
    module.fit(
        train_iter,
        eval_data=valid_iter,
        eval_metric="accuracy",
        eval_end_callback=eval_end_callback,
        initializer=mx.init.Xavier(),
        optimizer="sgd",
        optimizer_params={"learning_rate": learning_rate},
        num_epoch=epochs,
    )
    return module
    ### END SOLUTION


def export_model(model: mx.mod.Module, folder: str | Path) -> Path:
    """Write a trained Module the way SageMaker's MXNet container wants it, and pack it.

    Three files are written into ``folder``: ``model-symbol.json``, the graph; ``model-0000.params``, the parameters;
    ``model-shapes.json``, the module's inputs as a JSON list, one object for each:
    ``{"name": "data", "shape": [100, 1, 28, 28]}``. Then they are packed into ``model.tar.gz`` in the same folder.
    The container unpacks that and looks for the files right there. So the archive holds these three under their bare
    names and nothing else: no folder, and no older archive.

    ``folder`` is made when it is missing. Files of an older export are replaced; other files in it stay, and stay
    out of the archive.

    Args:
        model: bound and trained.
        folder: the folder.

    Returns:
        the archive's path.
    """
    ### BEGIN SOLUTION
    folder = Path(folder)
    folder.mkdir(exist_ok=True, parents=True)
    model.save_checkpoint(str(folder / "model"), 0)
    shapes = [{"name": name, "shape": list(shape)} for name, shape in model.data_shapes]
    (folder / "model-shapes.json").write_text(json.dumps(shapes))
    with tarfile.open(folder / "model.tar.gz", "w:gz") as packed:
        for name in ("model-symbol.json", "model-0000.params", "model-shapes.json"):
            packed.add(folder / name, name)
    return folder / "model.tar.gz"
    ### END SOLUTION


def preprocess_drawing(pixels: np.ndarray) -> np.ndarray:
    """Bring a drawing into the form of MNIST's digits, the only form that the model knows.

    What is drawn is cut out and scaled, keeping its aspect, so that its longer side measures 20 pixels. It is put into
    an empty picture of 28 × 28 so that its centre of mass lies in the middle, as near as whole pixels allow. Each new
    pixel is the mean of the pixels that it stands for: edges stay soft.

    Args:
        pixels: a drawing of any size and aspect, shape (rows, columns): whole numbers or floats from 0 (empty)
            to 255 (ink).

    Returns:
        float32, shape (28, 28), from 0 (empty) to 1 (ink).

    Raises:
        ValueError: nothing is drawn, and it says so; the array is not two-dimensional; it holds NaN.
    """
    ### BEGIN SOLUTION
    pixels = np.asarray(pixels, dtype="float32")
    if pixels.ndim != 2:
        raise ValueError(f"a drawing has rows and columns; this array has shape {pixels.shape}")
    if np.isnan(pixels).any():
        raise ValueError("the drawing holds NaN")
    rows, columns = np.nonzero(pixels)
    if len(rows) == 0:
        raise ValueError("nothing is drawn: the picture is empty")
    ink = pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (max(1, round(20 * side / max(ink.shape))) for side in ink.shape)
    ink = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BOX)) / 255

    down = np.average(np.arange(height), weights=ink.sum(axis=1))
    across = np.average(np.arange(width), weights=ink.sum(axis=0))
    top = min(max(0, round(13.5 - down)), 28 - height)  # a very lopsided drawing stays whole
    left = min(max(0, round(13.5 - across)), 28 - width)
    picture = np.zeros((28, 28), dtype="float32")
    picture[top : top + height, left : left + width] = ink
    return picture
    ### END SOLUTION


def label_predictions(response: list[list[float]]) -> list[list[tuple[int, float]]]:
    """Name what the endpoint answers: each digit with its probability, most likely first.

    Args:
        response: the endpoint's answer, read from JSON: one row for each drawing, of ten probabilities, for the digits
            0 to 9 in this order.

    Returns:
        For each drawing ten pairs (digit, probability), an ``int`` and a ``float`` of Python's own: JSON can hold
        them again.

    Raises:
        ValueError: a row is not ten numbers.
    """
    ### BEGIN SOLUTION
    labelled = []
    for row in response:
        if np.shape(row) != (10,) or not all(isinstance(value, (int, float)) for value in row):
            raise ValueError(f"a row is ten probabilities, one for each digit; this one is {row}")
        pairs = [(digit, float(probability)) for digit, probability in enumerate(row)]
        labelled.append(sorted(pairs, key=lambda pair: -pair[1]))
    return labelled
    ### END SOLUTION
