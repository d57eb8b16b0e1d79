"""`save` and `model_fn`: a network that steers, written by one program and read by another."""

import os
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from byom.checks.artifacts import PARAMS, SYMBOL, imported
from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record, few
from byom.checks.process import scratch
from byom.checks.robostig import driver
from byom.checks.saving import NEAR, saved
from byom.require import no_mxnet

VIEW = (3, 12, 20)
"""Channels, rows and columns of the views that these networks see."""


def _challenge(rng: np.random.Generator) -> Challenge:
    """A network, and views to which it answers left and right."""
    views = rng.integers(0, 256, size=(9, *VIEW)).astype("float32")
    return Challenge({"views": views, **driver.draw(rng, VIEW)})


def _network(given: Mapping[str, Any]) -> Any:
    """The network, as training leaves it: it has been called."""
    import mxnet as mx

    net = driver.network(given)
    net(mx.nd.array(given["views"]))
    return net


def _steering(seen: Exhibits) -> np.ndarray:
    return driver.steering(seen.challenge.given, seen.challenge.given["views"])


def _other(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same network with other weights."""
    return {**given, "weight": -given["weight"], "bias": given["bias"] + 1}


def _as_the_network(seen: Exhibits, *keys: str) -> Outcome:
    """Whether the answers under all of these keys are the network's."""
    wanted = _steering(seen)
    expected = f"steering {few(wanted[:, 0].round(4))}"
    answers = [seen.evidence.array(key, wanted.shape, expected) for key in keys]
    wrong = [got for got in answers if not np.allclose(got, wanted, atol=10 * NEAR)]
    return expect(not wrong, expected, few([*wrong, *answers][0][:, 0].round(4)))


class Save(Check):
    """`save`: files that load without the code that built the network."""

    name = "save"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A network of this run alone."""
        return _challenge(rng)

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The answers of what was saved, as a program that knows only the files gets them."""
        return saved(learner, lambda older: _network(_other(given) if older else given), given["views"], imported)

    @criterion(
        1,
        "The files make the network again, without its Python class",
        "Parameters alone are not enough. What else does a network consist of, and which method writes both?",
    )
    def loads(self, seen: Exhibits) -> Outcome:
        """The network's steering from a graph and parameters, whatever their names are."""
        return _as_the_network(seen, "somehow")

    @criterion(
        1,
        "They have the names that the docstring tells",
        "List the folder. Which part of the names did you choose, and which the method?",
        rests_on="loads",
    )
    def names(self, seen: Exhibits) -> Outcome:
        """The network's steering from ``model-symbol.json`` and ``model-0000.params``."""
        return _as_the_network(seen, "once")

    @criterion(
        1,
        "Missing folders are made, and older files replaced",
        "Call it twice, the first time with a folder that isn't there.",
        rests_on="loads",
    )
    def again(self, seen: Exhibits) -> Outcome:
        """The network's steering from a new folder, and from one with another network in it."""
        return _as_the_network(seen, "new", "again")


class ModelFn(Check):
    """`model_fn`: the network from its files, in a program that has nothing else of it."""

    name = "model_fn"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A network of this run alone."""
        return _challenge(rng)

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """What is loaded from two folders, asked for all views at once and for one; and from folders with a gap."""
        record = Record()
        if reason := no_mxnet():
            record.fail(reason)
            return record
        import mxnet as mx

        views = mx.nd.array(given["views"])

        def incomplete(folder: Path, name: str) -> str:
            kept = (folder / name).rename(folder / "elsewhere")
            try:
                learner(str(folder))
            except Exception as error:
                return f"{type(error).__name__}: {error}"[:300]
            finally:
                kept.rename(folder / name)
            return "no error"

        with scratch() as root, patch.dict(os.environ, MXNET_SUBGRAPH_VERBOSE="0"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an exported graph doesn't say of which type its input is
            for name, parts in {"one": given, "other": _other(given)}.items():
                (root / name).mkdir()
                _network(parts).export(str(root / name / "model"))
            net = record.whole(lambda: learner(str(root / "one")))
            if net is None:
                record.setdefault("*", {"raised": "model_fn returned None"})
                return record
            record.whole(lambda: learner(str(root / "other")))  # what is loaded later leaves the first one alone
            record.attempt("all", lambda: net(views).asnumpy())
            record.attempt("each", lambda: np.concatenate([net(view.expand_dims(0)).asnumpy() for view in views]))
            for name in (PARAMS, SYMBOL):
                record.attempt(f"without {name}", partial(incomplete, root / "other", name))
        return record

    @criterion(
        1,
        "The files load, and the network answers",
        "Which block is made from a graph, without a class? What is the graph's input called?",
    )
    def loads(self, seen: Exhibits) -> Outcome:
        """For each view a number; larger ones where the network steers more to the right."""
        wanted = _steering(seen)[:, 0]
        got = seen.evidence.array("all", (len(wanted), 1), f"{len(wanted)} numbers, shape ({len(wanted)}, 1)")[:, 0]
        order = " ".join(map(str, np.argsort(wanted)))
        return expect(order == " ".join(map(str, np.argsort(got))), f"views from left to right: {order}", few(got))

    @criterion(
        2,
        "It steers as the network that was saved",
        "Compare a few answers before and after, negative ones too. What stands between the last layer and the answer?",
        rests_on="loads",
    )
    def steers(self, seen: Exhibits) -> Outcome:
        """The network's steering for all views at once, and for one after the other."""
        return _as_the_network(seen, "all", "each")

    @criterion(
        1,
        "A missing file is an error that names it",
        "Call it with a folder that has only one of the files. Would the message help you to find the other?",
        rests_on="loads",
    )
    def missing(self, seen: Exhibits) -> Outcome:
        """The errors for folders in which a file is missing."""
        for name in (PARAMS, SYMBOL):
            said = seen.evidence.text(f"without {name}", "an error")
            if not (said.startswith("FileNotFoundError: ") and name in said):
                return expect(False, f"a FileNotFoundError that names {name}", said)
        return expect(True, "a FileNotFoundError that names the file", "it does")
