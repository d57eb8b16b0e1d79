"""`predict_fn`: what ``source/predict.py`` answers a request with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record, few
from byom.checks.process import gather


class PredictFn(Check):
    """`predict_fn` of ``source/predict.py``, with a network of the check's own."""

    name = "predict_fn"
    answer = "source/predict.py"

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Batches, and the weights of a network that acts otherwise while training."""
        return Challenge(
            {
                "x": rng.normal(size=(37, 2)),
                "weights": rng.normal(size=(2, 1)).astype("float32"),
                "shift": float(rng.normal()),
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call it in a process of its own."""
        return gather(probe_predict, Path(learner), given, seconds=30)

    @criterion(
        2,
        "It scores a float32 batch in evaluation mode",
        "In training, dropout is at work. Which mode is the network in when it arrives here?",
    )
    def float32(self, seen: Exhibits) -> Outcome:
        """The reference's scores."""
        return _as_reference(seen, "float32")

    @criterion(1, "It scores float64 as well", "JSON and CSV arrive as float64. What do the network's weights have?")
    def float64(self, seen: Exhibits) -> Outcome:
        """The reference's scores."""
        return _as_reference(seen, "float64")

    @criterion(
        1,
        "It scores a batch of any size",
        "Try one row, and three hundred. Does the answer keep a row for each?",
    )
    def any_size(self, seen: Exhibits) -> Outcome:
        """The reference's scores for one row and for many."""
        one = _as_reference(seen, "one")
        return one if not one.met else _as_reference(seen, "many")

    @criterion(
        1,
        "It keeps no gradients",
        "A request never goes back through the network. How do you tell torch so?",
        rests_on="float32",
    )
    def no_gradients(self, seen: Exhibits) -> Outcome:
        """Whether gradients were switched on while the network ran."""
        on = seen.evidence.flag("gradients_on")
        return expect(not on, "gradients switched off", "switched on" if on else "switched off")


def probe_predict(given: Mapping[str, Any]) -> Record:
    """Evidence about `predict.predict_fn`; runs where the learner's modules can be imported."""
    import torch

    record = Record()
    watched: list[bool] = []

    class Watched(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = torch.nn.Parameter(torch.from_numpy(given["weights"].copy()))
            self.dropout = torch.nn.Dropout(0.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            watched.append(torch.is_grad_enabled() and not torch.is_inference_mode_enabled())
            return torch.sigmoid(self.dropout(x) @ self.weights + given["shift"])

    def scored(x: np.ndarray, training: bool = False) -> np.ndarray:
        from predict import predict_fn  # type: ignore[import-not-found]

        torch.manual_seed(0)
        out = predict_fn(x, Watched().train(training))
        return np.asarray(out.detach() if isinstance(out, torch.Tensor) else out).astype("float64")

    x = given["x"]
    # as model_fn leaves it, in training mode; only here, so that a forgotten eval() costs once
    record.attempt("float32", lambda: scored(x.astype("float32"), training=True))
    if watched:
        record["gradients_on"] = any(watched)
    record.attempt("float64", lambda: scored(x.copy()))
    record.attempt("one", lambda: scored(x[:1].astype("float32")))
    record.attempt("many", lambda: scored(np.tile(x, (9, 1)).astype("float32")))
    return record


def _as_reference(seen: Exhibits, key: str) -> Outcome:
    """Whether scores are the reference's, in value and in shape; shape (n, 1)."""
    reference = seen.reference.array(key)
    got = seen.evidence.array(key, reference.shape, f"scores of shape {reference.shape}")
    met = np.allclose(got, reference, atol=1e-5)
    return expect(met, f"scores {few(reference[:, 0])}", few(got[:, 0]))
