"""A training script for MXNet 1.2 and older, as it was found.

The container of those days imported it, called ``train``, and saved the Module that came back.
"""

import logging
import os

import mxnet as mx
import numpy as np

SEED = 1


def build_graph(hidden):
    """Return the network: fully connected layers with ReLU between them, and ten classes."""
    x = mx.sym.Variable("data")
    for i, width in enumerate(hidden):
        x = mx.sym.FullyConnected(x, num_hidden=width, name="hidden{}".format(i))
        x = mx.sym.Activation(x, act_type="relu", name="relu{}".format(i))
    x = mx.sym.FullyConnected(x, num_hidden=10, name="scores")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def load_data(folder, batch_size, shuffle):
    """Read digits.csv: the label first, then 64 pixels from 0 to 16."""
    table = np.loadtxt(os.path.join(folder, "digits.csv"), delimiter=",", dtype="float32")
    pixels, labels = table[:, 1:] / 16, table[:, 0]
    return mx.io.NDArrayIter(pixels, labels, batch_size, shuffle=shuffle, last_batch_handle="discard")


def train(hyperparameters, channel_input_dirs, num_gpus, hosts, **kwargs):
    """Train and return the Module; the container saves it."""
    logging.getLogger().setLevel(logging.INFO)
    np.random.seed(SEED)
    mx.random.seed(SEED)
    batch_size = hyperparameters.get("batch_size", 64)
    training = load_data(channel_input_dirs["train"], batch_size, hyperparameters.get("shuffle", True))
    test = load_data(channel_input_dirs["test"], batch_size, False)
    contexts = [mx.gpu(i) for i in range(num_gpus)] if num_gpus > 0 else [mx.cpu()]
    module = mx.mod.Module(build_graph(hyperparameters.get("hidden", [32])), context=contexts)
    module.fit(
        training,
        eval_data=test,
        initializer=mx.init.Xavier(),
        optimizer="sgd",
        optimizer_params={"learning_rate": hyperparameters.get("learning_rate", 0.1)},
        kvstore="local" if len(hosts) == 1 else "dist_sync",
        num_epoch=hyperparameters.get("epochs", 5),
    )
    accuracy, loss = (value for _, value in module.score(test, ["acc", "ce"]))
    print("test accuracy={:.4f} cross-entropy={:.5f}".format(accuracy, loss))
    return module
