"""Answers to the notebook's exercises of the robostig unit."""

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
        if not isinstance(array, np.ndarray) or array.dtype != np.float32 or array.shape[1:] != shape or not array.ndim:
            found = f"{array.dtype}, shape {array.shape}" if isinstance(array, np.ndarray) else "an archive"
            raise ValueError(f"{path} should hold float32 of shape {('n', *shape)}, not {found}".replace("'", ""))
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
        "mae": float(np.mean(np.abs(errors))),
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
    """Train a network to steer, and keep the parameters of its best epoch.

    The first parameters are drawn by Xavier's rule. In each epoch every training sample is used once, in an order
    that is drawn anew; the last batch may be smaller. The loss is ``gluon.loss.L2Loss``. Each epoch's validation
    figures are printed; the epoch with the smallest validation MSE is the best one.

    Args:
        net: the network, without values yet.
        data: train_X, train_Y, valid_X, valid_Y, as ``load_data`` returns them.
        hyperparameters: any of "epochs" (default 5), "batch_size" (64), "optimizer" ("adam"), "learning_rate"
            (0.0001) and "seed" (0). The same seed gives the same network.
        ctx: where to train; the CPU by default.
        kvstore: how gradients are brought together; passed to the ``gluon.Trainer``.

    Returns:
        one dict for each epoch: "epoch", from 0 on; "loss", the mean training loss; "mse", "mae" and "r2" on the
        validation data, as ``evaluate`` gives them.

    Raises:
        ValueError: ``hyperparameters`` has a key of another name; the message names it.
    """
    ### BEGIN SOLUTION
    raise NotImplementedError
    ### END SOLUTION


def save(net: gluon.HybridBlock, model_dir: str) -> None:
    """Save a trained network so that it can be loaded without this code.

    ``model-symbol.json`` holds the graph, ``model-0000.params`` all parameters. ``model_dir`` is made when it is
    missing; older files are replaced.

    Args:
        net: trained, hybridized, and called at least once since.
        model_dir: the folder.
    """
    ### BEGIN SOLUTION
    raise NotImplementedError
    ### END SOLUTION


def model_fn(model_dir: str) -> gluon.SymbolBlock:
    """Load the network that ``save`` wrote. The container calls this once, when it starts.

    Args:
        model_dir: the folder.

    Returns:
        the network, on the CPU: the same views give the same steering as before it was saved.
    """
    ### BEGIN SOLUTION
    raise NotImplementedError
    ### END SOLUTION


def transform_fn(net: gluon.Block, data: str | bytearray, content_type: str, accept: str) -> tuple[str | bytes, str]:
    """Answer a request: read the views, ask the network, write the steering.

    Args:
        net: what ``model_fn`` returned.
        data: views as a camera gives them, values from 0 to 255, whole numbers or not: one, shape (66, 200, 3), or
            many, shape (n, 66, 200, 3). The network was trained with what ``transform`` makes of them.
        content_type: "application/x-npy", an array as ``numpy.save`` writes it; or "application/json", lists of
            numbers. Never unpickle what somebody sends you: a pickle is a program.
        accept: the type to answer in, one of the same two.

    Returns:
        the body and its type. The body holds one row with one number for each view, shape (n, 1); one view is a
        batch of one.

    Raises:
        BaseInferenceToolkitError: 415 for another content type; 406 for another type in ``accept``; 400 for a body
            that can't be read, for another shape, and for numbers that are none (NaN, infinity). Each with a message
            that would help you, were you the one who sent it.
    """
    ### BEGIN SOLUTION
    raise NotImplementedError
    ### END SOLUTION
