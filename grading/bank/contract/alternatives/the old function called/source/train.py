"""The old function, with a main guard below it."""

import argparse
import json
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
    """As it was found."""
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


def save(module, folder):
    os.path.isdir(folder) or os.makedirs(folder)
    module.save_checkpoint(os.path.join(folder, "model"), 0)
    with open(os.path.join(folder, "model-shapes.json"), "w") as file:
        json.dump([{"name": d.name, "shape": d.shape} for d in module.data_shapes], file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name, kind in (("batch_size", int), ("epochs", int), ("learning_rate", float), ("hidden", json.loads)):
        parser.add_argument("--" + name, type=kind)
    parser.add_argument("--shuffle", type=lambda text: json.loads(text.lower()))
    known, _ = parser.parse_known_args()
    hyperparameters = {name: value for name, value in vars(known).items() if value is not None}
    channels = {
        "train": os.environ.get("SM_CHANNEL_TRAIN", os.path.join("data", "train")),
        "test": os.environ.get("SM_CHANNEL_TEST", os.path.join("data", "test")),
    }
    hosts = json.loads(os.environ.get("SM_HOSTS", "[null]"))
    trained = train(hyperparameters, channels, int(os.environ.get("SM_NUM_GPUS", 0)), hosts)
    save(trained, os.environ.get("SM_MODEL_DIR", "model"))
