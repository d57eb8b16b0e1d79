"""Everything below the main guard, with a training loop written out, and noise on standard error."""

import argparse
import json
import os
import sys
import warnings

import mxnet as mx
import numpy as np
import pandas as pd


def net(hidden):
    layer = mx.sym.var("data")
    for number, width in enumerate(hidden):
        layer = mx.sym.FullyConnected(layer, num_hidden=width, name=f"hidden{number}")
        layer = mx.sym.relu(layer)
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(layer, num_hidden=10, name="scores"), name="softmax")


if __name__ == "__main__":
    warnings.warn("training")
    print("some noise", file=sys.stderr)
    cli = argparse.ArgumentParser()
    cli.add_argument("--epochs", type=int, default=5)
    cli.add_argument("--batch_size", type=int, default=64)
    cli.add_argument("--learning_rate", type=float, default=0.1)
    cli.add_argument("--hidden", type=str, default="[32]")
    cli.add_argument("--shuffle", type=str, default="True", choices=["True", "False"])
    cli.add_argument("--model_dir", default=os.environ.get("SM_MODEL_DIR", "./model"))
    a, _ = cli.parse_known_args()

    np.random.seed(1)
    mx.random.seed(1)

    def read(channel, shuffle):
        folder = os.environ.get("SM_CHANNEL_" + channel.upper(), "data/" + channel)
        table = pd.read_csv(os.path.join(folder, "digits.csv"), header=None).to_numpy(dtype="float32")
        return mx.io.NDArrayIter(
            data=table[:, 1:] / 16.0,
            label=table[:, 0],
            batch_size=a.batch_size,
            shuffle=shuffle,
            last_batch_handle="discard",
        )

    train, test = read("train", a.shuffle == "True"), read("test", False)
    model = mx.mod.Module(net(json.loads(a.hidden)))
    model.bind(train.provide_data, train.provide_label)
    model.init_params(mx.init.Xavier())
    model.init_optimizer(optimizer="sgd", optimizer_params=(("learning_rate", a.learning_rate),))
    for epoch in range(a.epochs):
        if epoch:
            train.reset()
        for batch in train:
            model.forward_backward(batch)
            model.update()
        print("epoch", epoch, dict(model.score(test, "acc")), flush=True)
    result = dict(model.score(test, ["acc", "ce"]))
    print("test", *(f"{name}={value:.5f}" for name, value in result.items()))

    os.makedirs(a.model_dir, exist_ok=True)
    model.symbol.save(a.model_dir + "/model-symbol.json")
    model.save_params(a.model_dir + "/model-0000.params")
    with open(a.model_dir + "/model-shapes.json", "w") as f:
        f.write(json.dumps([dict(name="data", shape=[a.batch_size, 64])]))
