"""The serving script ``source/serve.py``, asked through the MXNet toolkit's own handler."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from byom.checks import serving
from byom.checks.artifacts import SHAPES
from byom.checks.contract import handler
from byom.checks.contract.handler import FEW, MANY, ONE
from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion
from byom.checks.evidence import Record
from byom.checks.process import gather
from byom.checks.serving import CSV, JSON, NPY
from byom.require import no_mxnet


class Serve(Check):
    """The serving script ``source/serve.py``, asked through the MXNet toolkit's own handler."""

    name = "serve"
    answer = "source/serve.py"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Pictures, and a network of two hidden layers whose widths are of this run alone."""
        return Challenge(handler.draw(rng, hidden=rng.choice(np.arange(20, 32), size=2, replace=False).tolist()))

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """All requests, in a process of its own."""
        script, record = Path(learner), Record()
        if script.is_file() and (reason := no_mxnet()):
            record.fail(reason)
            return record
        return gather(probe_serve, script, given, seconds=60)

    @criterion(
        1,
        "It answers a list of rows with probabilities",
        "Follow one request through the four functions. What does each return, and which numbers did training see?",
    )
    def json(self, seen: Exhibits) -> Outcome:
        """The network's probabilities, in JSON."""
        return handler.answered(seen, [f"{JSON}, {FEW}"])

    @criterion(
        1, "It reads CSV", "A line for each row, and no header. Print what your function makes of it.", rests_on="json"
    )
    def csv(self, seen: Exhibits) -> Outcome:
        """The same pictures as text."""
        return handler.answered(seen, [f"{CSV}, {FEW}"])

    @criterion(
        1,
        "It reads NPY, whatever the type of its numbers",
        "The body is a whole file in memory. What lets NumPy read bytes as a file?",
        rests_on="json",
    )
    def npy(self, seen: Exhibits) -> Outcome:
        """The same pictures as arrays of three types."""
        return handler.answered(seen, [f"{NPY}, {FEW}", f"{NPY} of float64", f"{NPY} of uint8"])

    @criterion(
        1,
        "A batch keeps its rows, be it one or three hundred",
        "Ask about one picture, in each type. Which shape does your array of pixels have then?",
        rests_on="json",
    )
    def any_size(self, seen: Exhibits) -> Outcome:
        """One and many pictures, in the types that are answered at all."""
        return handler.answered(seen, [f"{kind}, {size}" for kind in handler.working(seen) for size in (ONE, MANY)])

    @criterion(
        1,
        "It answers in CSV and NPY where the client accepts those",
        "Who tells you what the client accepts, and does the answer's form follow it?",
        rests_on="json",
    )
    def accepts(self, seen: Exhibits) -> Outcome:
        """The same probabilities in two other forms."""
        return handler.answered(seen, [f"accept {kind}" for kind in (CSV, NPY)])

    @criterion(
        1,
        "Another content type is refused with 415",
        "An error that the toolkit doesn't know becomes a 500: the server's fault. Whose fault is it here?",
        rests_on="json",
    )
    def content_type(self, seen: Exhibits) -> Outcome:
        """Text, a picture, a pickle."""
        return handler.refused(seen, "type", 415)

    @criterion(
        1,
        "Rows that don't have 64 numbers are refused with 400",
        "64 rows of 63 numbers are as many as 63 rows of 64. Does your function notice?",
        rests_on="json",
    )
    def shape(self, seen: Exhibits) -> Outcome:
        """Too narrow and too wide, in the types that are answered at all."""
        return handler.refused(seen, "shape", 400)

    @criterion(
        1,
        "A body that can't be read is refused with 400",
        "Send half a body, words, a table with a hole. Which readers raise an error, and which make NaN of it?",
        rests_on="json",
    )
    def body(self, seen: Exhibits) -> Outcome:
        """Cut off, ragged, empty, words, NaN; in the types that are answered at all."""
        return handler.refused(seen, "body", 400)

    @criterion(
        1,
        "It never unpickles what it is sent",
        "An array of objects is stored as a pickle. Which argument of numpy.load decides, and who calls numpy.load?",
        rests_on="npy",
    )
    def no_pickle(self, seen: Exhibits) -> Outcome:
        """A pickle that says when it was opened."""
        return serving.unopened(seen)

    @criterion(
        1,
        "A type that it can't answer in is refused with 406",
        "What does your function return when nothing fits?",
        rests_on="json",
    )
    def other_answer(self, seen: Exhibits) -> Outcome:
        """A picture, a web page."""
        return handler.refused(seen, "accept", 406)


def probe_serve(given: Mapping[str, Any]) -> Record:
    """Evidence about ``serve``; runs where the learner's script can be imported."""
    from sagemaker_mxnet_serving_container.handler_service import HandlerService

    with tempfile.TemporaryDirectory() as folder:
        _write_model(Path(folder), given)
        good, hostile = handler.good_requests(given["pixels"]), handler.hostile_requests(given["pixels"])
        return serving.ask(HandlerService(), "serve.py", Path(folder), good, hostile)


def _write_model(folder: Path, given: Mapping[str, Any]) -> None:
    """The three default files of a Module with the challenge's weights, as the unit's training leaves them."""
    import mxnet as mx

    graph = mx.sym.Variable("data")
    weights: dict[str, Any] = {}
    *hidden, last = handler.layers(given)
    for i, (weight, bias) in enumerate([*hidden, last]):
        name = f"hidden{i}" if i < len(hidden) else "scores"
        weights |= {f"{name}_weight": mx.nd.array(weight), f"{name}_bias": mx.nd.array(bias)}
        graph = mx.sym.FullyConnected(graph, num_hidden=len(bias), name=name)
        if i < len(hidden):
            graph = mx.sym.Activation(graph, act_type="relu", name=f"relu{i}")
    mx.model.save_checkpoint(str(folder / "model"), 0, mx.sym.SoftmaxOutput(graph, name="softmax"), weights, {})
    shapes = [{"name": "data", "shape": [64, handler.PIXELS]}]
    folder.joinpath(SHAPES).write_text(json.dumps(shapes))
