"""`build_model`: NVIDIA's network, seen through its graph.

Whatever classes a network is made of, called with a symbol it tells the graph that it computes. There each convolution
and each dense layer is a node of its own, which the check computes with parameters of its own. So every criterion can
be judged by numbers, and a fault in one part of the network doesn't hide what the others do.
"""

import contextlib
import json
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from byom.checks.artifacts import PARAMS, SYMBOL, imported
from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record, few
from byom.checks.process import scratch
from byom.require import no_mxnet

VIEW = (3, 66, 200)
NEAR = 1e-3  # machines differ by less than 1e-5
MAPS = [[24, 31, 98], [36, 14, 47], [48, 5, 22], [64, 3, 20], [64, 1, 18]]
UNITS = [1164, 100, 50, 10, 1]
PARAMETERS = 1_595_511
ENOUGH = 4000
"""Numbers of a part that are shown: more than a right one has, so that a wrong size is seen."""

MOST = 10_000_000
"""Parameters of the largest network that is tried out: without strides it would have hundreds of millions."""


class BuildModel(Check):
    """`build_model`: NVIDIA's network, seen through its graph."""

    name = "build_model"
    answer = "notebook"

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Three views, and the seed of all parameters."""
        patches = rng.integers(0, 256, size=(3, 3, 6, 10), dtype="uint8")  # of noise, averages are all that remains
        views = patches.repeat(11, axis=2).repeat(20, axis=3)
        return Challenge({"views": views, "seed": int(rng.integers(2**31))})

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """What flows through the parts of the graph, and whether the network outlives its Python class."""
        record = Record()
        if reason := no_mxnet():
            record.fail(reason)
            return record
        net = record.whole(learner)
        if "*" not in record:
            record.attempt("with_values", lambda: _with_values(net))
            record.whole(lambda: _look_inside(_Graph(net), given, record))
        if "*" not in record:
            record.attempt("exported", lambda: _exported(net, given["views"], record["parameters"]))
        return record

    @criterion(
        2,
        "Five convolutions without padding give the feature maps of the paper",
        "Print each layer's output shape beside the shapes in the docstring. Which argument sets the first one apart?",
    )
    def convolutions(self, seen: Exhibits) -> Outcome:
        """What leaves the last convolution, with parameters that leave a ReLU nothing to do."""
        found, wanted = seen.evidence.items("maps", "a network"), "feature maps " + ", ".join(_map(m) for m in MAPS)
        if found != MAPS:
            return expect(False, wanted, "feature maps " + (", ".join(map(_map, found))))
        return _same(seen, "convolved")

    @criterion(
        2,
        "Dense layers of 1164, 100, 50, 10 and 1 units follow",
        "Count the parameters by summary or by hand. Which layer holds most of them?",
    )
    def dense(self, seen: Exhibits) -> Outcome:
        """What leaves each dense layer, with parameters that leave a ReLU nothing to do."""
        found, count = seen.evidence.items("units", "a network"), seen.evidence.number("parameters")
        if found != UNITS:
            wanted = f"layers of {', '.join(map(str, UNITS))} units ({PARAMETERS:,} parameters in all)"
            return expect(False, wanted, f"{', '.join(map(str, found))} units ({count:,.0f} parameters)")
        return _same(seen, "dense")

    @criterion(
        1,
        "The network itself brings pixels from 0…255 to -1…1",
        "Send a white and a black view through it. What does the first convolution get to see?",
    )
    def normalises(self, seen: Exhibits) -> Outcome:
        """What enters the first convolution."""
        return _same(seen, "entering")

    @criterion(
        1,
        "A ReLU follows each convolution",
        "Two layers with nothing between them are one layer. What stands between yours?",
        rests_on="convolutions",
    )
    def relu_after_convolutions(self, seen: Exhibits) -> Outcome:
        """What enters the dense layers, with parameters of both signs."""
        return _same(seen, "rectified")

    @criterion(
        1,
        "A ReLU follows each dense layer but the last",
        "Dense takes an argument for it. Which of yours have it?",
        rests_on="dense",
    )
    def relu_after_dense(self, seen: Exhibits) -> Outcome:
        """What leaves each dense layer, with parameters of both signs."""
        return _same(seen, "dense_rectified")

    @criterion(
        1,
        "The answer is one number for each view, of either sign and any size",
        "Steering is no probability and no class. Which numbers can your last layer give, and in which shape?",
        rests_on="dense",
    )
    def linear(self, seen: Exhibits) -> Outcome:
        """The answers of the whole network, far below 0 and far above 1."""
        return _same(seen, "answers")

    @criterion(
        1,
        "It can be exported, and loads without its Python class",
        "Call it once, then export it. What in it can't be written down as a graph, or is it not hybridized?",
        rests_on="dense",
    )
    def exports(self, seen: Exhibits) -> Outcome:
        """The same answers before export and after import."""
        shown = seen.evidence.array("exported", (2, 2), "the same answers of two views after export and import")
        return expect(np.allclose(shown[0], shown[1], rtol=NEAR, atol=1e-6), few(shown[0]), few(shown[1]))

    @criterion(
        1,
        "Its parameters are left for training to draw",
        "Training draws them by Xavier's rule. What does initialize do with parameters that have values already?",
        rests_on="convolutions",
    )
    def without_values(self, seen: Exhibits) -> Outcome:
        """No parameter that has values."""
        found = seen.evidence.items("with_values", "parameters without values")
        return expect(not found, "parameters without values", f"values in {', '.join(map(str, found))}")


Key = tuple[int, int, int]
"""Which parameter: of a convolution (0), a dense layer (1) or something else (2); of which one; weight (0) or bias."""

WANTED: Key = (3, 0, 0)
"""Draws what the first dense layer is made to give."""

Draw = Callable[[Key, tuple[int, ...]], np.ndarray]
"""Gives the values of a parameter of some shape."""


class _Graph:
    """What a network computes, as a graph, and the layers in it that have weights."""

    def __init__(self, net: Any) -> None:
        import mxnet as mx

        if not isinstance(net, mx.gluon.Block):
            raise TypeError(f"build_model should return a network, not {type(net).__name__}")
        try:
            self.answer = net(mx.sym.var("data"))
        except Exception as error:
            raise TypeError(f"this network is no graph; called with a symbol, it says: {error}") from error
        if not isinstance(self.answer, mx.sym.Symbol) or len(self.answer.list_outputs()) != 1:
            raise TypeError("the network should take one batch of views and give one array")
        inner = self.answer.get_internals()
        nodes = [inner[i] for i in range(len(inner.list_outputs()))]
        self.convolutions = [node for node in nodes if _operator(node) == "Convolution"]
        self.dense = [node for node in nodes if _operator(node) == "FullyConnected"]
        if not self.convolutions or not self.dense:
            raise ValueError("the network has no convolution, or no dense layer")
        self._keys = {
            name: (part, number, kind)
            for part, layers in enumerate((self.convolutions, self.dense))
            for number, node in enumerate(layers)
            for kind, name in enumerate(node.get_children().list_outputs()[1:])
        }

    def shape(self, node: Any) -> list[int]:
        """The shape of what leaves a node for one view, without the batch."""
        return list(node.infer_shape(data=(1, *VIEW))[1][0][1:])

    @property
    def parameters(self) -> int:
        """How many numbers the network learns."""
        shapes = dict(zip(self.answer.list_arguments(), self.answer.infer_shape(data=(1, *VIEW))[0], strict=True))
        return sum(math.prod(shape) for name, shape in shapes.items() if name != "data")

    def run(self, leaving: list[Any], views: np.ndarray, draw: Draw) -> list[np.ndarray]:
        """What leaves some nodes for ``views``, with the parameters that ``draw`` gives."""
        import mxnet as mx

        group = mx.sym.Group(leaving)
        arguments, _, auxiliary = group.infer_shape(data=views.shape)
        names = [*group.list_arguments(), *group.list_auxiliary_states()]
        shapes = dict(zip(names, [*arguments, *auxiliary], strict=True))
        _bounded(sum(math.prod(shape) for name, shape in shapes.items() if name != "data"))

        def value(name: str) -> Any:
            return mx.nd.array(views if name == "data" else draw(self._keys.get(name, (2, 0, 0)), shapes[name]))

        # not by bind: its optimizer forgets a ReLU where the numbers before it are asked for as well
        out = mx.nd.CachedOp(group)(*[value(name) for name in group.list_inputs()])
        return [array.asnumpy() for array in (out if isinstance(out, list) else [out])]


def _bounded(parameters: int) -> None:
    if parameters > MOST:
        raise ValueError(f"a network of {parameters:,} parameters, too many to try out")


def _operator(node: Any) -> str:
    graph = json.loads(node.tojson())
    return graph["nodes"][graph["heads"][0][0]]["op"]


def _fed(node: Any) -> Any:
    """What enters a layer."""
    return node.get_children()[0]


def _drawing(seed: int, positive: bool) -> Draw:
    """Parameters of both signs, or all positive, so that a ReLU has nothing to do.

    Each has a seed of its own, so that the parameters of a layer don't depend on what the others are.
    """

    def draw(key: Key, shape: tuple[int, ...]) -> np.ndarray:
        part, _, kind = key
        rng = np.random.default_rng([seed, *key, positive])
        if part == 2 or kind == 1:
            return rng.uniform(0.2 if positive or part == 2 else -0.8, 0.8, size=shape)
        inputs = math.prod(shape[1:])
        if positive:  # uneven, so that it matters which input meets which weight
            return rng.exponential(size=shape) ** 4 / (24 * inputs)
        return rng.normal(size=shape) * math.sqrt(2 / inputs)

    return draw


def _look_inside(graph: _Graph, given: Mapping[str, Any], record: Record) -> None:
    """Numbers from the parts of a graph. Each part gets what it would get if the parts before it were right."""
    pixels, seed = given["views"].astype("float32"), given["seed"]
    signed, positive = _drawing(seed, False), _drawing(seed, True)
    head = _fed(graph.dense[0])
    record.attempt("maps", lambda: [graph.shape(node) for node in graph.convolutions])
    record.attempt("units", lambda: [graph.shape(node)[-1] for node in graph.dense])
    record.attempt("parameters", lambda: graph.parameters)

    @cache
    def entering() -> np.ndarray:
        """What enters the first convolution for the first view."""
        return graph.run([_fed(graph.convolutions[0])], pixels[:1], positive)[0]

    @cache
    def features() -> np.ndarray:
        """What enters the first dense layer for the first view."""
        return graph.run([head], pixels[:1], positive)[0].ravel().astype("float64")

    def convolutions(leaving: Any, wanted: np.ndarray, draw: Draw) -> np.ndarray:
        """What leaves a node when ``wanted`` enters the first convolution, whatever the network does to pixels."""
        slope, offset = np.polyfit(pixels[0].ravel(), entering().ravel(), 1)
        return graph.run([leaving], ((wanted - offset) / slope)[None], draw)[0].ravel()[:ENOUGH]

    def dense(leaving: list[Any], draw: Draw) -> list[np.ndarray]:
        """What leaves some nodes when the first dense layer gives drawn numbers, whatever enters it."""
        units = graph.shape(graph.dense[0])[-1]
        _bounded(units * features().size)
        numbers = draw(WANTED, (units, 1))[:, 0]
        weight = np.outer(numbers, features() / (features() @ features()))
        two = np.repeat(pixels[:1], 2, axis=0)

        def drawn(key: Key, shape: tuple[int, ...]) -> np.ndarray:
            return weight if key == (1, 0, 0) else positive(key, shape) if key[0] == 0 else draw(key, shape)

        return graph.run(leaving, two, drawn)

    def through_dense(draw: Draw) -> np.ndarray:
        """What leaves all dense layers, one after the other."""
        return np.concatenate([out[0].ravel() for out in dense(graph.dense, draw)])[:ENOUGH]

    def steered(factor: float) -> np.ndarray:
        """The answers when the parameters of the last layer are multiplied by ``factor``."""
        last = (1, len(graph.dense) - 1)
        return dense([graph.answer], lambda key, shape: positive(key, shape) * (factor if key[:2] == last else 1))[0]

    record.attempt("entering", lambda: entering()[..., ::11, ::20])  # one pixel of each patch
    record.attempt("convolved", lambda: convolutions(graph.convolutions[-1], pixels[1] / 255, positive))
    record.attempt("rectified", lambda: convolutions(head, pixels[2] / 127.5 - 1, signed))
    record.attempt("dense", lambda: through_dense(positive))
    record.attempt("dense_rectified", lambda: through_dense(signed))
    record.attempt("answers", lambda: np.stack([steered(-8), steered(8)]))


def _with_values(net: Any) -> list[str]:
    """The names of parameters that have values."""
    names = []
    for name, parameter in net.collect_params().items():
        with contextlib.suppress(Exception):  # raised where there are none
            parameter.data()
            names.append(name)
    return names


def _exported(net: Any, views: np.ndarray, parameters: int) -> np.ndarray:
    """The answers of two views before export and after import; shape (2, 2)."""
    import mxnet as mx

    _bounded(parameters)
    pixels = views[:2].astype("float32")
    net.initialize(mx.init.Normal(0.05), force_reinit=True)
    before = net(mx.nd.array(pixels)).asnumpy()
    with scratch() as folder:
        net.export(str(folder / "model"))
        after = imported(folder / SYMBOL, folder / PARAMS, pixels)
    return np.stack([before.ravel(), after.ravel()])


def _same(seen: Exhibits, key: str) -> Outcome:
    """Whether the numbers under ``key`` are the reference's."""
    wanted = seen.reference.array(key)
    got = seen.evidence.array(key, expected=_numbers(wanted))
    near = got.shape == wanted.shape and np.allclose(got, wanted, rtol=NEAR, atol=NEAR * float(np.abs(wanted).mean()))
    return expect(near, _numbers(wanted), _numbers(got))


def _numbers(array: np.ndarray) -> str:
    return f"shape {array.shape}, numbers such as {few(array.ravel())}"


def _map(shape: list[int]) -> str:
    return " × ".join(map(str, shape))
