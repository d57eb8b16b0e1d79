"""The training job's program: it fetches what SageMaker says, and leaves the rest to your functions in ``model.py``.

SageMaker puts ``model.py`` beside this file. The container has Python 3.8.
"""

import json
import os
from typing import Tuple

import mxnet as mx
import numpy as np
from model import build_model, load_data, save, train


def with_mirror_images(x: np.ndarray, y: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Add to each view its mirror image, and to each steering its opposite.

    A lap leads round to the left, so most of its bends do. Seen in a mirror it leads to the right. This is for the
    training part alone: what a model is judged by stays as it was driven.

    Args:
        x: views, shape (n, 3, 66, 200).
        y: steering, shape (n, 1).

    Returns:
        views of shape (2n, 3, 66, 200) and steering of shape (2n, 1).
    """
    return np.concatenate([x, x[:, :, :, ::-1]]), np.concatenate([y, -y])


def main() -> None:
    """Train with the hyperparameters of the job on its channel ``train``; leave the model and the epochs' record."""
    # not by argparse, which would drop a misspelt name in silence: train() is to see and refuse it
    hyperparameters = json.loads(os.environ.get("SM_HPS", "{}"))
    train_X, train_Y, valid_X, valid_Y = load_data(os.environ.get("SM_CHANNEL_TRAIN", "data"))
    train_X, train_Y = with_mirror_images(train_X, train_Y)
    gpus = int(os.environ.get("SM_NUM_GPUS", "0"))
    print(f"{len(train_X)} views to train with, {len(valid_X)} to judge by, on the {'GPU' if gpus else 'CPU'}")

    net = build_model()
    history = train(
        net,
        (train_X, train_Y, valid_X, valid_Y),
        hyperparameters,
        ctx=mx.gpu() if gpus else mx.cpu(),
        kvstore="device" if gpus else "local",
    )
    save(net, os.environ.get("SM_MODEL_DIR", "model"))
    record = os.environ.get("SM_OUTPUT_DATA_DIR", "output")
    os.makedirs(record, exist_ok=True)
    with open(os.path.join(record, "history.json"), "w") as file:
        json.dump(history, file, default=float)  # your numbers may be NumPy's


if __name__ == "__main__":
    main()
