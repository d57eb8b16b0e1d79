"""A training script for one host or several.

SageMaker runs the same script on every host. All hosts read the same data; each works on its share of every batch,
and a kvstore adds their gradients up. Complete it so that several hosts end with the same network as one host does.
"""

from __future__ import annotations

import os
import sys

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

SEED = 1


def kvstore_for(hosts: list[str], num_gpus: int) -> str:
    """Name the kvstore through which gradients are added up.

    Args:
        hosts: the names of all hosts.
        num_gpus: the number of GPUs of each host.

    Returns:
        "local" on one host without GPUs, "device" where its GPUs add them up; on several hosts "dist_sync", or
        "dist_device_sync" where GPUs do it.
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def train(
    net: gluon.HybridBlock,
    pixels: np.ndarray,
    labels: np.ndarray,
    hosts: list[str],
    current_host: str,
    num_gpus: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
) -> None:
    """Train ``net`` in place by stochastic gradient descent, together with the other hosts.

    An epoch goes through the data once, in their order: batch k is made of the rows from ``k * batch_size`` on. Rows
    that fill no batch are left out. With n hosts, each takes ``batch_size // n`` rows of every batch, other rows than
    the others do. The step is that of one host with the whole batch: by the mean gradient of ``batch_size`` rows.

    Args:
        net: initialised on ``devices(num_gpus)``; gives ten scores a row, without softmax.
        pixels: float32, shape (n, 64).
        labels: 0 to 9, shape (n,).
        hosts: the names of all hosts.
        current_host: the name of this one.
        num_gpus: the number of GPUs of each host.
        epochs: how often to go through the data.
        batch_size: the rows of all hosts' shares together; a multiple of the number of hosts.
        learning_rate: the size of a step.
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def devices(num_gpus: int) -> list[mx.Context]:
    """The GPUs, or the CPU where there are none."""
    return [mx.gpu(i) for i in range(num_gpus)] or [mx.cpu()]


def build_net(hidden: list[int], num_gpus: int) -> gluon.HybridBlock:
    """Return the network with its first weights: layers with ReLU between them, and ten scores."""
    mx.random.seed(SEED)
    net = gluon.nn.HybridSequential(prefix="")
    with net.name_scope():
        for width in hidden:
            net.add(gluon.nn.Dense(width, activation="relu"))
        net.add(gluon.nn.Dense(10))
    net.initialize(mx.init.Xavier(), ctx=devices(num_gpus))
    net.hybridize()
    return net


def load_data(folder: str) -> tuple[np.ndarray, np.ndarray]:
    """Read digits.csv: pixels from 0 to 1, float32, shape (n, 64), and labels, float32, shape (n,)."""
    table = np.loadtxt(os.path.join(folder, "digits.csv"), delimiter=",", dtype="float32")
    return table[:, 1:] / 16, table[:, 0]


def main() -> None:
    """Train with what the container says; the first host saves."""
    from train import parse_args  # the script of one host tells the same from a container; importing it trains nothing

    args = parse_args(sys.argv[1:], os.environ)
    net = build_net(args.hidden, args.num_gpus)
    settings = args.epochs, args.batch_size, args.learning_rate
    train(net, *load_data(args.train), args.hosts, args.current_host, args.num_gpus, *settings)

    pixels, labels = load_data(args.test)
    scores = net(mx.nd.array(pixels, devices(args.num_gpus)[0])).asnumpy()
    print(f"{args.current_host}: test accuracy={np.mean(scores.argmax(axis=1) == labels):.4f}")
    if args.current_host == args.hosts[0]:
        os.makedirs(args.model_dir, exist_ok=True)
        net.export(os.path.join(args.model_dir, "model"))


if __name__ == "__main__":
    main()
