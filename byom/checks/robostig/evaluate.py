"""`evaluate`: how far a network's steering is from the right one."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import BadEvidence, Record
from byom.require import no_mxnet

KEYS = ("mse", "mae", "r2")
BATCH = 8
SHAPE = (3, 4, 6)
NEAR = 1e-4


class Evaluate(Check):
    """`evaluate`: how far a network's steering is from the right one."""

    name = "evaluate"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """A network of one layer, and two and a bit batches, of which each has a mean and errors of its own."""
        inputs, last = math.prod(SHAPE), int(rng.integers(2, 5))
        batches = np.repeat([0, 1, 2], [BATCH, BATCH, last])
        weight = rng.normal(size=inputs) / inputs
        x = rng.normal(size=(len(batches), inputs)) + np.outer(np.array([0, 0.5, 0.2])[batches], weight * inputs)
        bias = float(rng.uniform(0.1, 0.2))
        errors = (
            rng.choice([-1, 1], len(batches)) * rng.uniform(0.5, 1.5, len(batches)) * np.array([0.1, 0.2, 0.5])[batches]
        )
        return Challenge(
            {
                "x": x.reshape(-1, *SHAPE).astype("float32"),
                "y": np.clip(x @ weight + bias + errors, -0.99, 0.99).astype("float32"),
                "weight": weight.astype("float32"),
                "bias": bias,
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The three figures in four situations, and what the network noticed."""
        record = Record()
        if reason := no_mxnet():
            record.fail(reason)
            return record
        import mxnet as mx

        x, y, even = given["x"].copy(), given["y"].reshape(-1, 1).copy(), 2 * BATCH
        here, elsewhere = mx.cpu(0), mx.cpu(1)  # to MXNet two places

        def figures(x: np.ndarray, y: np.ndarray, ctx: Any = here, net: Any = None) -> list[float | None]:
            # what a DataLoader gives; to make one takes a tenth of a second of collecting garbage
            data = [[mx.nd.array(a[i : i + BATCH]) for a in (x, y)] for i in range(0, len(x), BATCH)]
            answer = learner(data, _network(given, ctx) if net is None else net, ctx)
            return [_finite(answer[key]) if key in answer else None for key in KEYS]

        record.attempt("even", lambda: figures(x[:even], y[:even]))
        record.attempt("uneven", lambda: figures(x, y))
        record.attempt("flat", lambda: figures(x[:even], y[:even, 0]))
        record.attempt("elsewhere", lambda: figures(x[:even], y[:even], elsewhere))

        def noticed() -> dict[str, Any]:
            """In which modes the network was called, and whether it has other parameters afterwards."""
            net, modes = _network(given, here), []
            mode = (mx.autograd.is_training, mx.autograd.is_recording)
            net.register_forward_pre_hook(lambda *_: modes.append([is_so() for is_so in mode]))
            before = [p.data().asnumpy() for p in net.collect_params().values()]
            figures(x[:even], y[:even], net=net)
            after = [p.data().asnumpy() for p in net.collect_params().values()]
            return {"modes": modes[:100], "changed": not all(map(np.array_equal, before, after))}

        record.attempt("noticed", noticed)
        return record

    @criterion(
        1,
        "Answers are compared with the right steering, as numbers",
        "Steering is a number, not a class. What do argmax and whole numbers make of 0.3?",
    )
    def compares(self, seen: Exhibits) -> Outcome:
        """At least one of the three figures is right, for batches of the same size."""
        figures, wanted = _shown(seen, "even"), _right(seen, 2 * BATCH)
        tell = [f"{key} {figure:.5f}" for key, figure in zip(KEYS, wanted, strict=True)]
        got = [f"{key} {f:.5f}" if isinstance(f, float) else f"no {key}" for key, f in zip(KEYS, figures, strict=True)]
        return expect(any(map(_near, figures, wanted)), ", ".join(tell), ", ".join(got))

    @criterion(
        1,
        "The MSE is the mean of the squared errors",
        "Work it out for three samples with pencil and paper. Is there a root, a half or a sum too many?",
        rests_on="compares",
    )
    def mse(self, seen: Exhibits) -> Outcome:
        """For batches of the same size."""
        return _figure(seen, "mse")

    @criterion(
        1,
        "The MAE is the mean of the absolute errors",
        "An error to the left and one to the right must not cancel.",
        rests_on="compares",
    )
    def mae(self, seen: Exhibits) -> Outcome:
        """For batches of the same size."""
        return _figure(seen, "mae")

    @criterion(
        1,
        "R² compares with always answering the mean",
        "Which R² should a network get that always answers the mean of all right steerings? Does yours give it that?",
        rests_on="compares",
    )
    def r2(self, seen: Exhibits) -> Outcome:
        """For batches of the same size and different means."""
        return _figure(seen, "r2")

    @criterion(
        1,
        "Every sample counts alike",
        "The last batch is smaller than the others. What does the mean of the batches' means make of its samples?",
        rests_on="compares",
    )
    def by_sample(self, seen: Exhibits) -> Outcome:
        """The figures that are right for even batches, with a last one that is small."""
        return _as_even(seen, "uneven")

    @criterion(
        1,
        "Labels may be flat, shape (n,)",
        "Print the shape of the errors. How many are there for 8 samples?",
        rests_on="compares",
    )
    def flat_labels(self, seen: Exhibits) -> Outcome:
        """The figures that are right for a column."""
        return _as_even(seen, "flat")

    @criterion(
        1,
        "Batches are brought to where the network is",
        "A DataLoader gives arrays of the main memory. What has to happen to them when the network is on a GPU?",
        rests_on="compares",
    )
    def context(self, seen: Exhibits) -> Outcome:
        """The figures that are right where the data is."""
        return _as_even(seen, "elsewhere")

    @criterion(
        1,
        "The network is asked, not trained",
        "In which mode do dropout and batch normalisation act? Who needs gradients here?",
        rests_on="compares",
    )
    def only_asked(self, seen: Exhibits) -> Outcome:
        """Neither training mode nor recording at any call, and the same parameters afterwards."""
        noticed = seen.evidence.mapping("noticed", "a network that is called")
        modes = noticed["modes"]
        if not modes or noticed["changed"] is not False:
            got = "changed parameters" if modes else "no call of it"
            return expect(False, "a network that is asked and stays as it is", got)
        training, recording = (any(mode[i] is not False for mode in modes) for i in range(2))
        got = " and ".join(["training mode"] * training + ["recording"] * recording) or "neither"
        return expect(got == "neither", "neither training mode nor recording", got)


def _network(given: Mapping[str, Any], ctx: Any) -> Any:
    """The challenge's network on ``ctx``: one number for each sample, shape (n, 1)."""
    import mxnet as mx

    layer = mx.gluon.nn.Dense(1, in_units=given["weight"].size)
    layer.initialize(ctx=ctx)
    layer.weight.set_data(mx.nd.array(given["weight"].reshape(1, -1)))
    layer.bias.set_data(mx.nd.array([given["bias"]]))
    return layer


def _finite(value: Any) -> float | None:
    number = float(value.asscalar() if hasattr(value, "asscalar") else value)
    return number if math.isfinite(number) else None


def _right(seen: Exhibits, count: int | None) -> list[float]:
    """The three figures of the first samples, or of all."""
    given = seen.challenge.given
    x, y = (given[key][:count].astype("float64") for key in "xy")
    errors = x.reshape(len(x), -1) @ given["weight"] + given["bias"] - y
    mse = float(np.mean(errors**2))
    return [mse, float(np.mean(np.abs(errors))), 1 - mse / float(np.var(y))]


def _shown(seen: Exhibits, situation: str) -> list[Any]:
    figures = seen.evidence.items(situation, "a dict of three numbers")
    if len(figures) != len(KEYS):
        raise BadEvidence("a dict of three numbers", f"{len(figures)} numbers")
    return figures


def _near(got: Any, wanted: float) -> bool:
    return isinstance(got, float) and abs(got - wanted) < NEAR * abs(wanted)


def _figure(seen: Exhibits, key: str) -> Outcome:
    place = KEYS.index(key)
    wanted, got = _right(seen, 2 * BATCH)[place], _shown(seen, "even")[place]
    return expect(_near(got, wanted), f"{wanted:.5f}", f"{got:.5f}" if isinstance(got, float) else "no finite number")


def _as_even(seen: Exhibits, situation: str) -> Outcome:
    """Whether the figures that are right for even batches are right here as well: a fault costs once."""
    wanted, even = _right(seen, None if situation == "uneven" else 2 * BATCH), _right(seen, 2 * BATCH)
    right = [i for i, got in enumerate(_shown(seen, "even")) if _near(got, even[i])]
    found = _shown(seen, situation)
    tell = [f"{KEYS[i]} {wanted[i]:.5f}" for i in right]
    got = [f"{KEYS[i]} {found[i]:.5f}" if isinstance(found[i], float) else f"no {KEYS[i]}" for i in right]
    return expect(bool(right) and all(_near(found[i], wanted[i]) for i in right), ", ".join(tell), ", ".join(got))
