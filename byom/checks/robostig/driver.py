"""A network of one layer that steers: what it says to a view can be worked out by hand."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def draw(rng: np.random.Generator, view: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Weights with which views of this shape (channels, rows, columns) get steering to both sides of 0."""
    inputs = int(np.prod(view))
    weight = rng.normal(scale=2 / np.sqrt(inputs), size=(1, inputs))
    weight -= weight.mean()  # or the light of a whole view would say more than its pixels
    return {"weight": weight.astype("float32"), "bias": rng.normal(scale=0.1, size=1).astype("float32")}


def steering(given: Mapping[str, Any], views: np.ndarray) -> np.ndarray:
    """What the network says to views, shape (n, channels, rows, columns); shape (n, 1)."""
    x = (views.reshape(len(views), -1).astype("float64") - 120) * 0.01
    return x @ given["weight"].T.astype("float64") + given["bias"]


def network(given: Mapping[str, Any]) -> Any:
    """The network with these weights, hybridized. Its class is nowhere but here."""
    import mxnet as mx

    class Driver(mx.gluon.HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            with self.name_scope():
                self.dense = mx.gluon.nn.Dense(1, in_units=given["weight"].size)

        def hybrid_forward(self, F: Any, views: Any) -> Any:
            return self.dense((views - 120) * 0.01)

    net = Driver()
    net.initialize()
    net.dense.weight.set_data(mx.nd.array(given["weight"]))
    net.dense.bias.set_data(mx.nd.array(given["bias"]))
    net.hybridize()
    return net
