"""Answers to the notebook's exercises of the robostig unit."""

from __future__ import annotations  # as `job/model.py` the file runs in a container with Python 3.8

import io
import json
import os

import mxnet as mx
import numpy as np
from mxnet import gluon


def build_model() -> gluon.nn.HybridSequential:
    """Return NVIDIA's network: it looks at the road and says how to steer.

    It takes a batch of views, shape (n, 3, 66, 200), values from 0 to 255, and gives one number for each, shape
    (n, 1). In this order it consists of

    - the normalisation x / 127.5 - 1, which is part of the network, so that whoever asks it can't forget it;
    - five convolutions without padding, ReLU after each: 24, 36 and 48 channels with 5 × 5 kernels that move by 2,
      then 64 and 64 channels with 3 × 3 kernels that move by 1;
    - dense layers of 1164, 100, 50 and 10 units, ReLU after each, and one of a single unit with nothing after it.

    The feature maps are 31 × 98, 14 × 47, 5 × 22, 3 × 20 and 1 × 18, the parameters 1,595,511.

    Returns:
        the network, hybridized, so that it can be exported once it was called. Its parameters have no values yet:
        training gives them theirs.
    """
    ### BEGIN SOLUTION
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.HybridLambda(lambda F, x: x / 127.5 - 1))
    for channels, size, stride in ((24, 5, 2), (36, 5, 2), (48, 5, 2), (64, 3, 1), (64, 3, 1)):
        net.add(gluon.nn.Conv2D(channels, kernel_size=size, strides=stride, activation="relu"))
    for units in (1164, 100, 50, 10):
        net.add(gluon.nn.Dense(units, activation="relu"))
    net.add(gluon.nn.Dense(1))
    net.hybridize()
    return net
    ### END SOLUTION


def transform(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring views and steering into the form that the network is trained with.

    Values stay what they are, and float32: the network itself normalises them.

    Args:
        x: views as they lie on disk, float32, shape (n, 66, 200, 3): row, column, channel.
        y: steering, float32, shape (n,).

    Returns:
        the views, shape (n, 3, 66, 200): channel, row, column; and the steering as a column, shape (n, 1).
    """
    ### BEGIN SOLUTION
    return x.transpose(0, 3, 1, 2), y.reshape(-1, 1)
    ### END SOLUTION


def load_data(f_path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read the driving data and bring it into the form that the network is trained with.

    The folder holds ``train_X.npy`` and ``valid_X.npy``, views of float32, shape (n, 66, 200, 3), and ``train_Y.npy``
    and ``valid_Y.npy``, steering of float32, shape (n,): one number for each view.

    Args:
        f_path: the folder.

    Returns:
        train_X, train_Y, valid_X, valid_Y, as ``transform`` gives them.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged, is no NPY file, or holds objects (those are pickled, and a pickle is a program:
            it is never opened); an array has another type or shape; views and steering are not equally many; a
            steering is NaN. Either error names the file, ``train_X.npy`` say.
    """
    ### BEGIN SOLUTION

    def read(name: str, shape: tuple[int, ...]) -> np.ndarray:
        path = os.path.join(f_path, name)
        if not os.path.exists(path):
            raise FileNotFoundError(f"there is no file {path}")
        try:
            array = np.load(path, allow_pickle=False)
        except Exception as error:  # a damaged file fails in many ways
            raise ValueError(f"{path} can't be read as an NPY file: {error}") from error
        if array.dtype != np.float32 or array.ndim != 1 + len(shape) or array.shape[1:] != shape:
            wanted = ", ".join(["n", *map(str, shape)])
            raise ValueError(f"{path} should hold float32 ({wanted}), not {array.dtype} {array.shape}")
        return array

    arrays: list[np.ndarray] = []
    for part in ("train", "valid"):
        x, y = read(f"{part}_X.npy", (66, 200, 3)), read(f"{part}_Y.npy", ())
        if len(x) != len(y):
            raise ValueError(f"{part}_X.npy has {len(x)} views, but {part}_Y.npy has {len(y)} numbers")
        if np.isnan(y).any():
            raise ValueError(f"{part}_Y.npy has NaN in {int(np.isnan(y).sum())} places")
        arrays += transform(x, y)
    return arrays[0], arrays[1], arrays[2], arrays[3]
    ### END SOLUTION


def evaluate(data: gluon.data.DataLoader, net: gluon.Block, ctx: mx.Context) -> dict[str, float]:
    """Measure how far a network's steering is from the right one.

    Every sample counts alike, also where the last batch is smaller than the others. The network is only asked:
    nothing is recorded for gradients, and layers that act in training alone don't act.

    Args:
        data: batches (x, y): views, and the right steering as a column, shape (n, 1), or flat, shape (n,).
        net: the network, on ``ctx``. It gives one number for each view, shape (n, 1).
        ctx: where to compute. The batches may lie elsewhere, and are brought there.

    Returns:
        "mse", the mean of the squared errors; "mae", the mean of the absolute errors; "r2", the share of the
        steering's variance that the network explains: 1 is perfect, 0 is no better than always answering the mean of
        all right steerings, and below 0 is worse. NaN where these are all alike.
    """
    ### BEGIN SOLUTION
    answers, labels = [], []
    for x, y in data:
        answers.append(net(x.as_in_context(ctx)).asnumpy().reshape(-1))
        labels.append(y.asnumpy().reshape(-1))
    right = np.concatenate(labels).astype("float64")
    errors = np.concatenate(answers) - right
    mse, variance = float(np.mean(errors**2)), float(np.var(right))
    return {
        "mse": mse,
        "mae": float(np.abs(errors).mean()),
        "r2": 1 - mse / variance if variance else float("nan"),
    }
    ### END SOLUTION


def train(
    net: gluon.HybridBlock,
    data: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    hyperparameters: dict,
    ctx: mx.Context | None = None,
    kvstore: str = "local",
) -> list[dict]:
    """Train a network to steer, in place; it ends with the parameters of its best epoch.

    Training starts from fresh parameters, drawn by ``mx.init.Xavier()``, also where the network has some already. In
    each epoch every training sample is used once, in an order that is drawn anew; the last batch may be smaller than
    the others. A ``gluon.Trainer`` with the named optimizer, learning rate and kvstore, and otherwise its defaults,
    makes a step after each batch: by the mean of ``gluon.loss.L2Loss`` over the samples of that batch. After each
    epoch the validation data are evaluated, and a line is printed. The epoch with the smallest validation MSE is the
    best one.

    Args:
        net: one number for each view. It need not have parameters yet, and it need not know its input's shape.
        data: train_X, train_Y, valid_X, valid_Y, as ``load_data`` returns them.
        hyperparameters: any of "epochs" (default 5), "batch_size" (64), "optimizer" ("adam"), "learning_rate"
            (0.0001) and "seed" (0). The same seed gives the same network.
        ctx: where to train; None means the CPU, ``mx.cpu()``.
        kvstore: how gradients of several devices or hosts are brought together.

    Returns:
        one dict for each epoch: "epoch", from 0 on; "loss", the mean of ``L2Loss`` over all training samples, each as
        it was when its batch was trained; "mse", "mae" and "r2" on the validation data, as ``evaluate`` gives them.

    Raises:
        ValueError: ``hyperparameters`` has a key that is none of these; the message names it.
    """
    ### BEGIN SOLUTION
    settings = {"epochs": 5, "batch_size": 64, "optimizer": "adam", "learning_rate": 0.0001, "seed": 0}
    unknown = [key for key in hyperparameters if key not in settings]
    if unknown:
        raise ValueError(f"there is no hyperparameter {', '.join(map(repr, unknown))}, only {', '.join(settings)}")
    settings.update(hyperparameters)
    ctx = mx.cpu() if ctx is None else ctx
    mx.random.seed(settings["seed"])  # of the first parameters
    np.random.seed(settings["seed"])  # of the order: DataLoader shuffles with NumPy
    train_X, train_Y, valid_X, valid_Y = data
    size = settings["batch_size"]
    batches = gluon.data.DataLoader(gluon.data.ArrayDataset(train_X, train_Y), size, shuffle=True)
    validation = gluon.data.DataLoader(gluon.data.ArrayDataset(valid_X, valid_Y), size)

    net.initialize(mx.init.Xavier(), ctx=ctx, force_reinit=True)
    options = {"learning_rate": settings["learning_rate"]}
    trainer = gluon.Trainer(net.collect_params(), settings["optimizer"], options, kvstore=kvstore)
    squared_error = gluon.loss.L2Loss()

    history: list[dict] = []
    best, kept = 0, {}
    for epoch in range(settings["epochs"]):
        total = 0.0
        for x, y in batches:
            x, y = x.as_in_context(ctx), y.as_in_context(ctx)
            with mx.autograd.record():
                loss = squared_error(net(x), y).mean()
            loss.backward()
            trainer.step(1)  # the mean is taken already; a dist kvstore refuses a batch size that changes
            total += loss.asscalar() * len(x)
        history.append({"epoch": epoch, "loss": total / len(train_X), **evaluate(validation, net, ctx)})
        print(" ".join(f"{k}={v:.5f}" if k != "epoch" else f"epoch {v}:" for k, v in history[-1].items()))
        if epoch == 0 or history[epoch]["mse"] < history[best]["mse"]:
            best, kept = epoch, {name: p.data(ctx).copy() for name, p in net.collect_params().items()}
    for name, values in kept.items():
        net.collect_params()[name].data(ctx)[:] = values  # not set_data: a dist kvstore refuses that
    return history
    ### END SOLUTION


def save(net: gluon.HybridBlock, model_dir: str) -> None:
    """Save a trained network so that it can be loaded without the code that built it.

    ``model-symbol.json`` holds the graph, ``model-0000.params`` all parameters. ``model_dir`` is made when it is
    missing; older files are replaced.

    Args:
        net: trained, hybridized, and called at least once since.
        model_dir: the folder.
    """
    ### BEGIN SOLUTION
    os.makedirs(model_dir, exist_ok=True)
    net.export(os.path.join(model_dir, "model"))
    ### END SOLUTION


def model_fn(model_dir: str) -> gluon.SymbolBlock:
    """Load the network from the two files that ``save`` wrote. The container calls this once, when it starts.

    Args:
        model_dir: the folder.

    Returns:
        the network, on the CPU wherever it was trained. The same views, shape (n, 3, 66, 200), get the same steering
        as before it was saved, shape (n, 1): positive and negative numbers. Its input is called "data".

    Raises:
        FileNotFoundError: one of the files is missing; the message names it.
    """
    ### BEGIN SOLUTION
    symbol, params = (os.path.join(model_dir, name) for name in ("model-symbol.json", "model-0000.params"))
    for path in (symbol, params):
        if not os.path.exists(path):
            raise FileNotFoundError(f"there is no file {path}")
    return gluon.SymbolBlock.imports(symbol, ["data"], params, ctx=mx.cpu())
    ### END SOLUTION


def transform_fn(net: gluon.Block, data: str | bytearray, content_type: str, accept: str) -> tuple[str | bytes, str]:
    """Answer a request: read the views, ask the network, write the steering.

    Args:
        net: what ``model_fn`` returned.
        data: views as a camera gives them, values from 0 to 255, whole numbers or not: one, shape (66, 200, 3), or
            many, shape (n, 66, 200, 3). The network was trained with what ``transform`` makes of them. Text for
            JSON, bytes for all other types.
        content_type: "application/x-npy", an array as ``numpy.save`` writes it, of any type of number; or
            "application/json", lists of numbers. Never unpickle what somebody sends you: a pickle is a program.
        accept: the type to answer in, one of the same two.

    Returns:
        the body and its type. The body holds one row with one number for each view, shape (n, 1): the steering as the
        network says it. One view is a batch of one.

    Raises:
        BaseInferenceToolkitError: 415 for another content type; 406 for another type in ``accept``; 400 for a body
            that can't be read, for another shape, for no view at all, and for numbers that are none (NaN, infinity).
            Each with a message that would help you, were you the one who sent it.
    """
    from sagemaker_inference.errors import BaseInferenceToolkitError  # here, as training containers don't have it

    def refusal(status: int, message: str) -> BaseInferenceToolkitError:  # raise refusal(415, "…")
        return BaseInferenceToolkitError(status, message, message)

    ### BEGIN SOLUTION
    readers = {
        "application/json": lambda: np.array(json.loads(data), dtype="float32"),
        "application/x-npy": lambda: np.load(io.BytesIO(data), allow_pickle=False).astype("float32"),
    }
    if content_type not in readers:
        raise refusal(415, f"can't read {content_type}: send one of {', '.join(readers)}")
    if accept not in readers:
        raise refusal(406, f"can't write {accept}: accept one of {', '.join(readers)}")
    try:
        views = readers[content_type]()
    except Exception as error:  # whatever goes wrong while reading a body, the body is wrong
        raise refusal(400, f"this is not readable as {content_type}: {error}") from error
    views = views[None] if views.ndim == 3 else views
    if views.shape[1:] != (66, 200, 3) or len(views) == 0:
        raise refusal(400, f"views of shape (66, 200, 3) or (n, 66, 200, 3) are expected, got {views.shape}")
    if not np.isfinite(views).all():
        raise refusal(400, "views hold finite numbers, and among these are NaN or infinity")
    steering = net(mx.nd.array(views.transpose(0, 3, 1, 2))).asnumpy()
    if accept == "application/json":
        return json.dumps(steering.tolist()), accept
    answer = io.BytesIO()
    np.save(answer, steering)
    return answer.getvalue(), accept
    ### END SOLUTION
