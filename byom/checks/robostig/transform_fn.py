"""`transform_fn`: views in, steering out, asked through AWS's own inference toolkit."""

import sys
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec
from itertools import product
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from byom.checks import serving
from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import BadEvidence, Record, few
from byom.checks.process import scratch
from byom.checks.robostig import driver
from byom.checks.serving import CSV, JSON, NPY, PICKLE, Request, packed
from byom.require import no_mxnet

VIEW = (66, 200, 3)
"""Rows, columns and channels, as a camera gives them."""

TYPES = (JSON, NPY)

CLOSE = 1e-3
"""How far steering may be off: an answer may round to three digits."""

ONE, ANOTHER, MANY = "one view", "another view", "a batch"
VIEWS = {ONE: slice(0, 1), ANOTHER: slice(1, 2), MANY: slice(None)}
"""Which of the challenge's views are sent."""

NUMBERS = ("uint8", "float32", "float64")

Way = tuple[str, str, str]
Step = Callable[[np.ndarray], np.ndarray]

LAYOUTS: dict[str, Step] = {
    "transposed": lambda views: views.transpose(0, 3, 1, 2),
    "reshaped": lambda views: views.reshape(-1, 3, 66, 200),
}
SCALES: dict[str, Step] = {"as sent": lambda views: views, "normalised twice": lambda views: views / 127.5 - 1}
ENDS: dict[str, Step] = {
    "as the network says": lambda steering: steering,
    "sigmoid": lambda steering: 1 / (1 + np.exp(-steering)),
    "tanh": np.tanh,
}
RIGHT = ("transposed", "as sent", "as the network says")
"""Of these ways to answer; the others are wrong. Who goes one of them loses a criterion, and not all of them."""


class TransformFn(Check):
    """`transform_fn`: views in, steering out, asked through AWS's own inference toolkit."""

    name = "transform_fn"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Views, and a network of this run alone."""
        views = rng.integers(0, 256, size=(3, *VIEW)).astype("uint8")
        return Challenge({"views": views, **driver.draw(rng, VIEW)})

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """All requests, to a script that has this ``transform_fn`` and a network of its own."""
        if reason := no_mxnet():
            record = Record()
            record.fail(reason)
            return record
        # what MXNet's handler service makes of a script with a transform_fn
        from sagemaker_inference.default_handler_service import DefaultHandlerService
        from sagemaker_inference.transformer import Transformer

        script = ModuleType("byom_asked")
        script.__spec__ = ModuleSpec(script.__name__, None)
        script.__dict__.update(model_fn=lambda model_dir: driver.network(given), transform_fn=learner)
        good, hostile = _good_requests(given["views"]), _hostile_requests(given["views"])
        with patch.dict(sys.modules, {script.__name__: script}), scratch() as folder:
            service = DefaultHandlerService(Transformer())
            return serving.ask(service, f"{script.__name__}.py", folder, good, hostile)

    @criterion(
        1,
        "It answers with a number that the network gave",
        "Print shape and dtype of what you hand to the network, and of what it returns. Which of it is in the answer?",
    )
    def answers(self, seen: Exhibits) -> Outcome:
        """In some type, for two views or for a batch: the network's steering, if need be of views treated wrongly."""
        wanted = _told(_expected(seen, RIGHT)[:, 0])
        if _way(seen) is not None:
            return expect(True, wanted, "numbers of the network")
        got = " and ".join(f"{name}: {_got(seen, name)}" for name in (f"{JSON}, {ONE}", f"{NPY}, {MANY}"))
        return expect(False, wanted, got)

    @criterion(
        2,
        "It is the network's steering, for views as training saw them",
        "A view is (row, column, channel). What did transform do in training, and what does the network do by itself?",
        rests_on="answers",
    )
    def steering(self, seen: Exhibits) -> Outcome:
        """Transposed, normalised once, and without anything after the network."""
        way = _way(seen)
        got = "numbers of the network" if way is None else _told(_expected(seen, way)[:, 0])
        return expect(way == RIGHT, _told(_expected(seen, RIGHT)[:, 0]), got)

    @criterion(
        1,
        "One view is a batch of one",
        "Send one view without the axis that counts views. Which number of axes does the network want?",
        rests_on="answers",
    )
    def single(self, seen: Exhibits) -> Outcome:
        """A view without an axis for the batch, in each type that is read."""
        return _all(seen, ONE, ANOTHER)

    @criterion(
        1,
        "A batch gets a row for each view",
        "Send three views and count the numbers in the answer. What does [0] do with the others?",
        rests_on="answers",
    )
    def batch(self, seen: Exhibits) -> Outcome:
        """All views, in each type that is read."""
        return _all(seen, MANY)

    @criterion(
        1,
        "It reads JSON and NPY, whatever the type of the numbers",
        "Print type(data) for both. What lets NumPy read bytes as a file, and what does your camera send: uint8?",
        rests_on="answers",
    )
    def reads(self, seen: Exhibits) -> Outcome:
        """Both types; in NPY bytes and floats of both sizes."""
        ways = _ways(seen)
        for kind in TYPES:
            if kind not in ways:
                return expect(False, f"answers to {' and '.join(TYPES)}", f"{kind}: {_got(seen, f'{kind}, {MANY}')}")
        # the first number: a batch that isn't answered whole is told above
        return _first(seen, {f"{NPY} of {numbers}": ways[NPY] for numbers in NUMBERS})

    @criterion(
        1,
        "It answers in JSON or NPY, as the client accepts",
        "The last argument says what the client accepts. The second thing to return says what you answer in.",
        rests_on="answers",
    )
    def accepts(self, seen: Exhibits) -> Outcome:
        """NPY for a request in either type that is read."""
        return _first(seen, {f"accept {NPY} of {kind}": way for kind, way in _ways(seen).items()})

    @criterion(
        1,
        "Types it can't read get 415, types it can't write get 406",
        "Two headers, two statuses. An error that the toolkit doesn't know becomes a 500.",
        rests_on="answers",
    )
    def types(self, seen: Exhibits) -> Outcome:
        """Content types and answers that nobody asked for."""
        unread = serving.refused(seen, _named("type"), 415)
        return serving.refused(seen, _named("accept"), 406) if unread.met else unread

    @criterion(
        1,
        "A body that is no views is refused with 400, and a pickle stays closed",
        "Send half a body, words, no view at all, another shape, NaN, an array of objects. How far does each get?",
        rests_on="answers",
    )
    def bodies(self, seen: Exhibits) -> Outcome:
        """What can't be read, has the wrong shape, or is a program; in the types that are read at all."""
        names = [name for kind in _ways(seen) for name in _named(f"body {kind}")]
        outcome = serving.refused(seen, names, 400)
        return serving.unopened(seen) if outcome.met else outcome


def _good_requests(views: np.ndarray) -> dict[str, Request]:
    asked: dict[str, Request] = {}
    for kind in TYPES:
        asked |= {f"{kind}, {size}": Request(packed(views[i], kind), kind) for i, size in enumerate((ONE, ANOTHER))}
        asked |= {f"{kind}, {MANY}": Request(packed(views, kind), kind)}
        asked |= {f"accept {NPY} of {kind}": Request(packed(views[:1], kind), kind, NPY)}
    return asked | {f"{NPY} of {kind}": Request(packed(views.astype(kind), NPY), NPY) for kind in NUMBERS}


def _hostile_requests(views: np.ndarray) -> dict[str, Request]:
    npy, text = packed(views, NPY), packed(views[:1], JSON)
    asked = {f"type {kind}": Request(text, kind) for kind in (CSV, "text/plain", "image/png")}
    asked |= {f"type {PICKLE}": Request(serving.pickled(), PICKLE)}
    asked |= {f"accept {kind}": Request(npy, NPY, kind) for kind in (CSV, "image/png", "text/html")}
    shapes = {
        "planes first": views.transpose(0, 3, 1, 2),
        "one plane": views[0, :, :, 0],
        "rows of pixels": views.reshape(len(views), -1),
        "a row too many": np.concatenate([views[:1], views[:1, :1]], axis=1),
        "films of views": views[None],
        "no views": views[:0],
    }
    bodies = {f"{NPY} with {name}": (packed(part, NPY), NPY) for name, part in shapes.items()}
    bodies |= {f"{JSON} with {name}": (packed(shapes[name], JSON), JSON) for name in ("one plane", "a row too many")}
    holes = views[:1].astype("float32")
    holes[0, 1, 1, 1] = np.nan
    endless = np.where(np.isnan(holes), np.inf, holes)
    bodies |= {
        f"{JSON} with NaN": (packed(holes, JSON), JSON),
        f"{JSON} without views": (b"[]", JSON),
        f"{JSON} of words": (b'["dark", "light"]', JSON),
        f"{JSON} of an object": (b'{"views": "all"}', JSON),
        f"{JSON} ragged": (b"[[[1, 2, 3], [1, 2]]]", JSON),
        f"{JSON} cut off": (text[:-9], JSON),
        f"{JSON} empty": (b"", JSON),
        f"{NPY} with NaN": (packed(holes, NPY), NPY),
        f"{NPY} with infinity": (packed(endless, NPY), NPY),
        f"{NPY} of words": (packed(np.array(["dark", "light"]), NPY), NPY),
        f"{NPY} of pickles": (serving.of_pickles(1, 2, 2, 3), NPY),
        f"{NPY} cut off": (npy[:-9], NPY),
        f"{NPY} empty": (b"", NPY),
    }
    return asked | {f"body {name}": Request(body, kind) for name, (body, kind) in bodies.items()}


# ------------------------------------------------------------ judging


def _expected(seen: Exhibits, way: Way) -> np.ndarray:
    """What the network says to the views if they are treated in this way; shape (n, 1)."""
    given, (layout, scale, end) = seen.challenge.given, way
    return ENDS[end](driver.steering(given, SCALES[scale](LAYOUTS[layout](given["views"].astype("float64")))))


def _numbers(seen: Exhibits, name: str) -> np.ndarray | None:
    """The numbers in the answer to a good request; None where there is none."""
    try:
        return seen.evidence.array(name).reshape(-1).astype("float64")
    except BadEvidence:
        return None


def _follows(seen: Exhibits, kind: str, way: Way) -> bool:
    """Whether views in this type are answered in this way: two single ones, or a batch."""
    wanted = _expected(seen, way)[:, 0]
    one, another, many = (_numbers(seen, f"{kind}, {size}") for size in (ONE, ANOTHER, MANY))
    return _alike(many, wanted) or (_alike(one, wanted[:1]) and _alike(another, wanted[1:2]))


def _alike(got: np.ndarray | None, wanted: np.ndarray) -> bool:
    return got is not None and len(got) == len(wanted) and np.allclose(got, wanted, atol=CLOSE)


def _ways(seen: Exhibits) -> dict[str, Way]:
    """The types that are answered, and the way in which each is: the right one where there is any doubt."""
    every = sorted(product(LAYOUTS, SCALES, ENDS), key=RIGHT.__ne__)
    found = {kind: next((way for way in every if _follows(seen, kind, way)), None) for kind in TYPES}
    return {kind: way for kind, way in found.items() if way is not None}


def _way(seen: Exhibits) -> Way | None:
    """The way in which all types are answered that are answered at all: the right one only if no other is gone."""
    ways = list(_ways(seen).values())
    return next((way for way in ways if way != RIGHT), RIGHT if ways else None)


def _all(seen: Exhibits, *sizes: str) -> Outcome:
    """Whether requests of these sizes are answered with a number for each view, in each type that is answered at all.

    Who treats the views wrongly loses that criterion, and not this one.
    """
    for kind, way in _ways(seen).items():
        for size in sizes:
            name, wanted = f"{kind}, {size}", _expected(seen, way)[VIEWS[size], 0]
            if not _alike(_numbers(seen, name), wanted):
                return expect(False, f"{name}: {_told(wanted)}", _got(seen, name))
    return expect(True, "a number for each view", "so it is")


def _first(seen: Exhibits, names: Mapping[str, Way]) -> Outcome:
    """Whether the first number of each of these answers is what that way of treating views gives."""
    for name, way in names.items():
        got, wanted = _numbers(seen, name), _expected(seen, way)[:1, 0]
        if got is None or not _alike(got[:1], wanted):
            return expect(False, f"{name}: {_told(wanted)}", _got(seen, name))
    return expect(True, "numbers of the network", "so they are")


def _named(prefix: str) -> list[str]:
    """The names of hostile requests; they are alike for all views."""
    return [name for name in _hostile_requests(np.zeros((2, 2, 2, 3), "uint8")) if name.startswith(prefix)]


def _got(seen: Exhibits, name: str) -> str:
    try:
        return _told(seen.evidence.array(name).reshape(-1))
    except BadEvidence as bad:
        return bad.got


def _told(steering: np.ndarray) -> str:
    return few(steering.round(4)) or "no number"
