"""`transform_fn` of ``source/transform.py``, asked through the PyTorch toolkit's own handler."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from byom.checks import serving
from byom.checks.contract import handler
from byom.checks.contract.handler import FEW, ROWS, TYPES
from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion
from byom.checks.evidence import Record
from byom.checks.process import gather
from byom.checks.serving import CSV, JSON, NPY


class TransformFn(Check):
    """`transform_fn` of ``source/transform.py``, asked through the PyTorch toolkit's own handler."""

    name = "transform_fn"
    answer = "source/transform.py"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Pictures, and the weights of the script's network."""
        return Challenge(handler.draw(rng, hidden=[32]))

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """All requests, in a process of its own."""
        return gather(probe_transform, Path(learner), given, seconds=60)

    @criterion(
        1,
        "It answers a list of rows with probabilities",
        "Do the answer's rows add up to 1? Which numbers did training see: the pixels as they were sent?",
    )
    def json(self, seen: Exhibits) -> Outcome:
        """The network's probabilities, in JSON."""
        return handler.answered(seen, [f"{JSON}, {FEW}"])

    @criterion(
        1,
        "It reads CSV and NPY, and one picture like many",
        "Try each type with one row and with many, and NPY with float64. Print shape and dtype before the network.",
        rests_on="json",
    )
    def reads(self, seen: Exhibits) -> Outcome:
        """All types, sizes and kinds of numbers."""
        batches = [f"{kind}, {size}" for kind in TYPES for size in ROWS]
        return handler.answered(seen, [*batches, f"{NPY} of float64", f"{NPY} of uint8"])

    @criterion(
        1,
        "It answers in CSV and NPY where the client accepts those",
        "The last argument says what the client accepts.",
        rests_on="json",
    )
    def accepts(self, seen: Exhibits) -> Outcome:
        """The same probabilities in two other forms."""
        return handler.answered(seen, [f"accept {kind}" for kind in (CSV, NPY)])

    @criterion(
        1,
        "Types it can't read get 415, types it can't write get 406",
        "Two headers, two statuses. An error that the toolkit doesn't know becomes a 500.",
        rests_on="json",
    )
    def types(self, seen: Exhibits) -> Outcome:
        """Content types and answers that nobody asked for."""
        unread = handler.refused(seen, "type", 415)
        return handler.refused(seen, "accept", 406) if unread.met else unread

    @criterion(
        1,
        "A body that is no rows of 64 numbers is refused with 400, and a pickle stays closed",
        "Send half a body, words, a hole, 63 numbers, an array of objects. Which of them get through, and how far?",
        rests_on="json",
    )
    def bodies(self, seen: Exhibits) -> Outcome:
        """What can't be read, has the wrong shape, or is a program; in the types that are answered at all."""
        outcomes = [handler.refused(seen, "shape", 400), handler.refused(seen, "body", 400), serving.unopened(seen)]
        return next((outcome for outcome in outcomes if not outcome.met), outcomes[0])


def probe_transform(given: Mapping[str, Any]) -> Record:
    """Evidence about ``transform``; runs where the learner's script can be imported."""
    import torch
    from sagemaker_pytorch_serving_container.handler_service import HandlerService

    weights: dict[str, Any] = {}
    for i, (weight, bias) in enumerate(handler.layers(given)):
        weights |= {f"{2 * i}.weight": torch.from_numpy(weight.copy()), f"{2 * i}.bias": torch.from_numpy(bias.copy())}
    with tempfile.TemporaryDirectory() as folder:
        torch.save(weights, Path(folder) / "model.pth")
        good, hostile = handler.good_requests(given["pixels"]), handler.hostile_requests(given["pixels"])
        return serving.ask(HandlerService(), "transform.py", Path(folder), good, hostile)
