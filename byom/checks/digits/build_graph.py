"""`build_graph`: the network as MXNet's symbols, judged by what it computes with weights that the check chooses."""

import itertools
import math
import os
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import BadEvidence, Evidence, Record, few
from byom.require import no_mxnet

NEAR = 1e-4
"""How far a probability, and a slope, may be from the one computed without MXNet."""

MOST_WEIGHTS = 2_000_000
MOST_LAYERS = 5

WIDTHS = [(128, 784), (64, 128), (10, 64)]

# each with its slope, given what it returned
ACTIVATIONS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = {
    "ReLU": (lambda z: np.maximum(z, 0), lambda a: (a > 0) * 1.0),
    "nothing": (lambda z: z, np.ones_like),
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
}

Layer = tuple[np.ndarray, np.ndarray | None]
"""Weights, shape (units, inputs), and biases, shape (units,)."""


class BuildGraph(Check):
    """`build_graph`: the network as MXNet's symbols."""

    name = "build_graph"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A few pictures of noise with labels, and what the weights are drawn from."""
        count = int(rng.integers(12, 20))
        return Challenge(
            {
                "pictures": rng.uniform(size=(count, 1, 28, 28)).astype("float32"),
                "labels": np.arange(count) % 10,
                "seed": int(rng.integers(2**31)),
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """What the graph computes with drawn weights, and the slope at its last layer."""
        record = Record()
        if reason := no_mxnet():
            record.fail(reason)
            return record
        with patch.dict(os.environ, MXNET_SUBGRAPH_VERBOSE="0"):  # or MXNet announces its backend at each step
            record.whole(lambda: _look(learner(), given, record))
        return record

    @criterion(
        1,
        "It makes ten probabilities of a picture",
        "Follow one picture through the graph: what shape has it after each line, and what comes out at the end?",
    )
    def probabilities(self, seen: Exhibits) -> Outcome:
        """Those that its layers give with the drawn weights, whatever stands between the layers."""
        layers = _layers(seen)
        found = _between(seen, layers)
        got = seen.evidence.array("probabilities")
        wanted = _computed(layers, ["ReLU"] * (len(layers) - 1) + ["nothing"], _pixels(seen))[-1]
        return expect(found is not None, f"probabilities {few(wanted[0])}", few(np.ravel(got)))

    @criterion(
        1,
        "The layers have 128, 64 and 10 units",
        "infer_shape tells the shapes of all weights. Does each layer read the one before it?",
        rests_on="probabilities",
    )
    def widths(self, seen: Exhibits) -> Outcome:
        """Weights and biases from 784 pixels over 128 and 64 units to 10."""
        layers = _layers(seen)
        met = [w.shape for w, _ in layers] == WIDTHS and all(bias is not None for _, bias in layers)
        told = " → ".join(str(n) for n in (layers[0][0].shape[1], *(len(w) for w, _ in layers)))
        bare = "" if all(bias is not None for _, bias in layers) else ", some without biases"
        return expect(met, "784 → 128 → 64 → 10", told + bare)

    @criterion(
        1,
        "ReLU stands between the layers, and only there",
        "Two layers with nothing between them are one layer. Which of yours are followed by an activation?",
        rests_on="probabilities",
    )
    def activations(self, seen: Exhibits) -> Outcome:
        """Found out from the probabilities: with another activation they would be others."""
        found = _between(seen, _layers(seen)) or []
        met = found[:-1] == ["ReLU"] * (len(found) - 1) and found[-1] == "nothing" and len(found) > 1
        return expect(met, "ReLU after all layers but the last", "after the layers: " + ", ".join(found))

    @criterion(
        1,
        "It learns from labels called softmax_label",
        "Training needs a loss as well. Which symbol brings it along, and where does the labels' name come from?",
        rests_on="probabilities",
    )
    def labels(self, seen: Exhibits) -> Outcome:
        """The slope of the cross entropy at the last layer, up to a factor, for labels under that name."""
        layers = _layers(seen)
        outputs = _computed(layers, _between(seen, layers) or [], _pixels(seen))
        at_score = outputs[-1] - np.eye(10)[seen.challenge.given["labels"]]
        at_score = at_score * ACTIVATIONS[(_between(seen, layers) or [])[-1]][1](outputs[-2])
        wanted = at_score.T @ outputs[-3]
        got = seen.evidence.array("slope", wanted.shape, "the slope of the cross entropy")
        factor = float((got * wanted).sum() / (wanted**2).sum())
        met = factor > 0 and np.abs(got / factor - wanted).max() < NEAR * max(1, np.abs(wanted).max())
        return expect(met, f"the slope of the cross entropy: {few(wanted[0])}", few(got[0]))

    @criterion(
        1,
        "The input is called data",
        "list_arguments tells the names. Which one will the container and Module look for?",
        rests_on="probabilities",
    )
    def data(self, seen: Exhibits) -> Outcome:
        """The name of what comes first."""
        name = seen.evidence.text("input")
        return expect(name == "data", "data", name)


def _look(graph: Any, given: Mapping[str, Any], record: Record) -> None:
    """Bind the graph to the pictures, fill it with drawn weights and compute."""
    import mxnet as mx

    if not isinstance(graph, mx.sym.Symbol):
        raise TypeError(f"build_graph returned {graph!r:.80}, and no Symbol")
    names = graph.list_arguments()
    record["input"] = names[0]
    sizes = {names[0]: given["pictures"].shape}
    shapes = dict(zip(names, graph.infer_shape(**sizes)[0], strict=True))
    weights = [name for name in names[1:] if not name.endswith("label")]
    wanted = [list(shapes[name]) for name in weights]
    if sum(math.prod(shape) for shape in wanted) > MOST_WEIGHTS:
        raise ValueError(f"the layers have more than {MOST_WEIGHTS:,} weights: shapes {wanted}")
    record["shapes"] = wanted
    bound = graph.simple_bind(mx.cpu(), grad_req="write", **sizes)
    bound.arg_dict[names[0]][:] = given["pictures"]
    for name, values in zip(weights, _drawn(given["seed"], record["shapes"]), strict=True):
        bound.arg_dict[name][:] = values

    def probabilities() -> np.ndarray:
        return bound.forward(is_train=False)[0].asnumpy()

    def slope() -> np.ndarray:
        if "softmax_label" not in names:
            raise LookupError(f"the graph's arguments are {', '.join(names)}")
        bound.arg_dict["softmax_label"][:] = given["labels"].astype("float32")
        bound.forward(is_train=True)
        bound.backward()
        last = [name for name, shape in zip(weights, record["shapes"], strict=True) if len(shape) > 1][-1]
        return bound.grad_dict[last].asnumpy()

    record.attempt("probabilities", probabilities)
    record.attempt("slope", slope)


def _drawn(seed: int, shapes: list[list[int]]) -> list[np.ndarray]:
    """Weights and biases of these shapes: such that all activations are at work."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=s) * (np.sqrt(2 / np.prod(s[1:])) if len(s) > 1 else 0.3)).astype("float32") for s in shapes
    ]


def _layers(seen: Exhibits) -> list[Layer]:
    """The layers that the graph's arguments tell of, with the drawn weights."""
    shapes = _shapes(seen.evidence)
    layers: list[Layer] = []
    for values in _drawn(seen.challenge.given["seed"], shapes):
        if values.ndim > 1:
            layers.append((values.reshape(len(values), -1), None))
        elif layers and layers[-1][1] is None and len(values) == len(layers[-1][0]):
            layers[-1] = (layers[-1][0], values)
        else:
            raise BadEvidence("weights and biases of fully connected layers", f"arguments of shapes {shapes}")
    chained = [784, *(len(weights) for weights, _ in layers)]
    if not 1 <= len(layers) <= MOST_LAYERS or [w.shape[1] for w, _ in layers] != chained[:-1] or chained[-1] != 10:
        raise BadEvidence("layers that lead from 784 pixels to ten scores", f"weights of shapes {shapes}")
    return layers


def _shapes(evidence: Evidence) -> list[list[int]]:
    shapes = evidence.items("shapes", "a graph whose shapes MXNet can infer")
    whole = all(isinstance(s, list) and s and all(type(n) is int and 0 < n <= MOST_WEIGHTS for n in s) for s in shapes)
    if not whole or sum(float(np.prod(s, dtype="float64")) for s in shapes) > MOST_WEIGHTS:
        raise BadEvidence("shapes of weights", "something else")
    return shapes


def _pixels(seen: Exhibits) -> np.ndarray:
    return seen.challenge.given["pictures"].reshape(len(seen.challenge.given["pictures"]), -1).astype("float64")


def _computed(layers: list[Layer], between: list[str], pixels: np.ndarray) -> list[np.ndarray]:
    """What each layer gives, the pixels first and the probabilities last; ``between`` stands after each layer."""
    outputs = [pixels]
    for (weights, biases), activation in zip(layers, between, strict=True):
        outputs.append(ACTIVATIONS[activation][0](outputs[-1] @ weights.T + (0 if biases is None else biases)))
    scores = np.exp(outputs[-1] - outputs[-1].max(axis=1, keepdims=True))
    return [*outputs, scores / scores.sum(axis=1, keepdims=True)]


def _between(seen: Exhibits, layers: list[Layer]) -> list[str] | None:
    """What stands after each layer, judged by the probabilities; None where nothing known gives them."""
    pixels = _pixels(seen)
    got = seen.evidence.array("probabilities", (len(pixels), 10), "ten probabilities for each picture")
    for last, *hidden in itertools.product(["nothing", "ReLU", "tanh", "sigmoid"], *[ACTIVATIONS] * (len(layers) - 1)):
        found = [*hidden, last]
        if np.abs(_computed(layers, found, pixels)[-1] - got).max() < NEAR:
            return found
    return None
