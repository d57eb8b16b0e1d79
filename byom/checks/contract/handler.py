"""A serving script, asked as a model server asks it: through AWS's own handler service."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from byom.checks import serving
from byom.checks.criteria import Exhibits, Outcome, expect
from byom.checks.evidence import BadEvidence, few
from byom.checks.serving import CSV, JSON, NPY, PICKLE, Request, packed

TYPES = (JSON, CSV, NPY)
PIXELS, CLASSES = 64, 10

CLOSE = 1e-3
"""How far a probability may be off: an answer may round to three digits."""

ROWS = {"a few rows": None, "one row": 1, "300 rows": 300}
"""Sizes of batches; the first is that of the challenge's pictures."""

FEW, ONE, MANY = ROWS

OTHER_TYPES = ("text/plain", "image/png")
"""Content types to refuse."""

OTHER_ANSWERS = ("image/png", "text/html")
"""Types to accept that must be refused."""


def draw(rng: np.random.Generator, hidden: Sequence[int]) -> dict[str, Any]:
    """A network's fresh weights, and a few pictures that it tells apart.

    ``weight0`` (width, 64), ``bias0`` (width,), and so on for each layer; ``pixels`` (n, 64), from 0 to 16.
    """
    given: dict[str, Any] = {"pixels": rng.integers(0, 17, size=(int(rng.integers(5, 9)), PIXELS))}
    widths = [PIXELS, *hidden, CLASSES]
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        # scores of a few units' difference: probabilities that are neither all alike nor all 0 and 1
        given[f"weight{i}"] = rng.normal(scale=2.0 / np.sqrt(inputs), size=(outputs, inputs)).astype("float32")
        given[f"bias{i}"] = rng.normal(scale=0.3, size=outputs).astype("float32")
    return given


def layers(given: Mapping[str, Any]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of the layers in their order."""
    for i in range(sum(key.startswith("weight") for key in given)):
        yield given[f"weight{i}"], given[f"bias{i}"]


def probabilities(given: Mapping[str, Any]) -> np.ndarray:
    """What the network says about the pictures; shape (n, 10)."""
    x = given["pixels"] / 16
    *hidden, last = layers(given)
    for weight, bias in hidden:
        x = np.maximum(x @ weight.T + bias, 0)
    scores = x @ last[0].T + last[1]
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def good_requests(pixels: np.ndarray) -> dict[str, Request]:
    """Requests that are to be answered, by name: batches and single pictures, in every type."""
    batches = {size: np.resize(pixels, (n or len(pixels), PIXELS)) for size, n in ROWS.items()}
    asked = {f"{kind}, {size}": Request(packed(rows, kind), kind) for kind in TYPES for size, rows in batches.items()}
    asked |= {f"{NPY} of {kind}": Request(packed(pixels.astype(kind), NPY), NPY) for kind in ("float64", "uint8")}
    return asked | {f"accept {kind}": Request(packed(pixels, JSON), JSON, kind) for kind in (CSV, NPY)}


def hostile_requests(pixels: np.ndarray) -> dict[str, Request]:
    """Requests that are to be refused, by name."""
    good = packed(pixels, JSON)
    asked = {f"type {kind}": Request(good, kind) for kind in OTHER_TYPES}
    asked |= {f"type {PICKLE}": Request(serving.pickled(), PICKLE)}
    asked |= {f"accept {kind}": Request(good, JSON, kind) for kind in OTHER_ANSWERS}
    # 64 rows of 63 have as many numbers as 63 rows of 64
    narrow, wide = np.resize(pixels, (64, 63)), np.resize(pixels, (3, 65))
    for kind in TYPES:
        asked |= {f"shape {kind} {rows.shape}": Request(packed(rows, kind), kind) for rows in (narrow, wide)}
    holes = pixels[:2].astype("float64")
    holes[1, 7] = np.nan
    bodies = {f"body {kind} empty": (b"", kind) for kind in (JSON, NPY)}  # of CSV it has the wrong shape
    bodies |= {
        f"body {JSON} cut off": (good[:-9], JSON),
        f"body {JSON} without rows": (b"[]", JSON),
        f"body {JSON} ragged": (json.dumps([pixels[0].tolist(), [1, 2]]).encode(), JSON),
        f"body {JSON} words": (json.dumps([["dark"] * PIXELS]).encode(), JSON),
        f"body {JSON} of an object": (json.dumps({"pixels": "all"}).encode(), JSON),
        f"body {JSON} with NaN": (packed(holes, JSON), JSON),
        f"body {CSV} words": (_csv_beginning_with("dark", pixels), CSV),
        f"body {CSV} with a hole": (_csv_beginning_with("", pixels), CSV),
        f"body {NPY} cut off": (packed(pixels, NPY)[:-9], NPY),
        f"body {NPY} with NaN": (packed(holes, NPY), NPY),
        f"body {NPY} of pickles": (serving.of_pickles(1, PIXELS), NPY),
    }
    return asked | {name: Request(body, kind) for name, (body, kind) in bodies.items()}


def _csv_beginning_with(cell: str, pixels: np.ndarray) -> bytes:
    return "\n".join(",".join([cell, *map(str, row[1:])]) for row in pixels.tolist()).encode()


# ------------------------------------------------------------ judging


def answered(seen: Exhibits, names: Sequence[str]) -> Outcome:
    """Whether all of these requests are answered with the network's probabilities."""
    outcome = Outcome(False, "a request that is answered rightly", "none is")
    for name in names:
        outcome = _as_the_network(seen, name)
        if not outcome.met:
            return Outcome(False, f"{name}: {outcome.expected}", outcome.got)
    return outcome


def working(seen: Exhibits) -> list[str]:
    """The content types in which a batch is answered rightly: a fault in reading one costs its own criterion only."""
    return [kind for kind in TYPES if _as_the_network(seen, f"{kind}, {FEW}").met]


def _as_the_network(seen: Exhibits, name: str) -> Outcome:
    few_rows = probabilities(seen.challenge.given)
    right = np.resize(few_rows, (ROWS.get(name.partition(", ")[2]) or len(few_rows), CLASSES))
    try:
        got = seen.evidence.array(name, right.shape, f"{len(right)} × {CLASSES} probabilities")
    except BadEvidence as bad:
        return Outcome(False, bad.expected, bad.got)
    worst = int(np.abs(got - right).max(axis=1).argmax())
    met = np.allclose(got, right, atol=CLOSE)
    return expect(met, f"probabilities {few(right[worst].round(4))}", few(got[worst].round(4)))


def refused(seen: Exhibits, prefix: str, status: int) -> Outcome:
    """Whether the hostile requests of a kind are refused with ``status`` and some message.

    Where a type can't be read at all, or not rightly, nothing is said about bodies of that type: that costs once.
    """
    spared = set(TYPES) - set(working(seen)) if prefix in ("shape", "body") else set()
    asked = hostile_requests(seen.challenge.given["pixels"]).items()
    names = [name for name, request in asked if name.startswith(prefix) and request.content_type not in spared]
    return serving.refused(seen, names, status)
