"""`save_module` and `save_block`: what is left of a network once its program has ended."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from byom.checks.artifacts import computed, imported, served_by_default
from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion
from byom.checks.evidence import Record
from byom.checks.saving import same_answers, saved


def _challenge(rng: np.random.Generator) -> Challenge:
    """Weights of a network with one hidden layer, normalised, the name of its input, and rows for it.

    The mean and variance of the normalisation are auxiliary parameters: training doesn't reach them by gradients.
    """
    inputs, width, outputs = (int(n) for n in (rng.integers(6, 12), rng.integers(5, 9), rng.integers(3, 6)))

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype("float32")

    return Challenge(
        {
            "data": f"pixels{rng.integers(10**6)}",
            "batch": int(rng.integers(2, 9)),
            "hidden_weight": drawn(width, inputs),
            "hidden_bias": drawn(width),
            "norm_gamma": np.abs(drawn(width)) + 1,
            "norm_beta": drawn(width),
            "norm_running_mean": drawn(width),
            "norm_running_var": np.abs(drawn(width)) + 1,
            "scores_weight": drawn(outputs, width),
            "scores_bias": drawn(outputs),
            "rows": drawn(11, inputs),
        }
    )


class SaveModule(Check):
    """`save_module`: the three default files of MXNet's containers."""

    name = "save_module"
    answer = "notebook"

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A network of this run alone."""
        return _challenge(rng)

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The answers of what was saved, as a program that knows only the files gets them."""
        return saved(
            learner,
            lambda older: _module(_other(given) if older else given),
            given["rows"],
            computed,
            served=served_by_default,
        )

    @criterion(
        1,
        "Graph and parameters make the network again",
        "Two of the files hold them. Are all parameters in, those that training doesn't change by gradients too?",
    )
    def weights(self, seen: Exhibits) -> Outcome:
        """The network's answers from ``model-symbol.json`` and ``model-0000.params``."""
        return same_answers(seen, "once")

    @criterion(
        1,
        "The container's default handler serves it",
        "The third file tells which inputs the network wants. Which are they, and what are they called?",
        rests_on="weights",
    )
    def served(self, seen: Exhibits) -> Outcome:
        """The same answers from the container's own handler, which reads ``model-shapes.json`` as well."""
        return same_answers(seen, "served")

    @criterion(
        1,
        "Missing folders are made, and older files replaced",
        "Call it twice, the first time with a folder that isn't there.",
        rests_on="weights",
    )
    def again(self, seen: Exhibits) -> Outcome:
        """The network's answers from a new folder, and from one with another network in it."""
        return same_answers(seen, "new", "again")


class SaveBlock(Check):
    """`save_block`: files that load without the Python class."""

    name = "save_block"
    answer = "notebook"

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A network of this run alone."""
        return _challenge(rng)

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The answers of what was saved, as a program that knows only the files gets them."""
        return saved(learner, lambda older: _block(_other(given) if older else given), given["rows"], imported)

    @criterion(
        1,
        "The files make the network again, without its Python class",
        "Parameters alone are not enough. What else does a network consist of, and which method writes both?",
    )
    def loads(self, seen: Exhibits) -> Outcome:
        """The network's answers from a graph and parameters, whatever their names are."""
        return same_answers(seen, "somehow")

    @criterion(
        1,
        "They have the names that a container looks for",
        "List the folder. Which part of the names did you choose, and which the method?",
        rests_on="loads",
    )
    def names(self, seen: Exhibits) -> Outcome:
        """The network's answers from ``model-symbol.json`` and ``model-0000.params``."""
        return same_answers(seen, "once")

    @criterion(
        1,
        "Missing folders are made, and older files replaced",
        "Call it twice, the first time with a folder that isn't there.",
        rests_on="loads",
    )
    def again(self, seen: Exhibits) -> Outcome:
        """The network's answers from a new folder, and from one with another network in it."""
        return same_answers(seen, "new", "again")


def _other(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same network with other weights."""
    return {**given, "scores_bias": given["scores_bias"] + 1, "scores_weight": -given["scores_weight"]}


def _module(given: Mapping[str, Any]) -> Any:
    """A Module with the weights in ``given``, as training leaves it."""
    import mxnet as mx

    width, inputs = given["hidden_weight"].shape
    x = mx.sym.FullyConnected(mx.sym.Variable(given["data"]), num_hidden=width, name="hidden")
    x = mx.sym.relu(mx.sym.BatchNorm(x, fix_gamma=False, name="norm"))
    x = mx.sym.FullyConnected(x, num_hidden=len(given["scores_bias"]), name="scores")
    module = mx.mod.Module(mx.sym.SoftmaxOutput(x, name="softmax"), data_names=[given["data"]])
    module.bind([(given["data"], (given["batch"], inputs))], [("softmax_label", (given["batch"],))])
    kept = {name: mx.nd.array(given[name]) for name in given if name.startswith(("hidden", "norm", "scores"))}
    auxiliary = {f"norm_moving_{what}": kept.pop(f"norm_running_{what}") for what in ("mean", "var")}
    module.init_params(arg_params=kept, aux_params=auxiliary)
    return module


def _block(given: Mapping[str, Any]) -> Any:
    """A Gluon network with the weights in ``given``, hybridized and called."""
    import mxnet as mx

    width, inputs = given["hidden_weight"].shape
    net = mx.gluon.nn.HybridSequential()
    hidden, norm = mx.gluon.nn.Dense(width, in_units=inputs), mx.gluon.nn.BatchNorm(in_channels=width)
    scores = mx.gluon.nn.Dense(len(given["scores_bias"]), in_units=width)
    net.add(hidden, norm, mx.gluon.nn.Activation("relu"), scores)
    net.initialize()
    for name, layer in {"hidden": hidden, "norm": norm, "scores": scores}.items():
        for key in given:
            if key.startswith(name):
                getattr(layer, key.removeprefix(f"{name}_")).set_data(mx.nd.array(given[key]))
    net.hybridize()
    net(mx.nd.array(given["rows"]))
    return net
