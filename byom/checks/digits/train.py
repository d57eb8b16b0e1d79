"""`train`: a graph trained with ``Module.fit``, judged by graphs that the check hands over."""

import os
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.digits import recorder
from byom.checks.digits.recorder import BATCH, ROWS, SLOW
from byom.checks.evidence import BadEvidence, Record
from byom.data.digits import stand_in
from byom.require import no_mxnet

LEARNT = 0.3
"""Least share of fresh digits for a single layer that learnt anything. Worst of 20 runs of what should pass, the
learning rate left at MXNet's default: 0.434. Best of 20 runs of the nearest wrong answer, the first weights: 0.193."""

ACCURACY = 0.92
"""Least share of fresh digits for a network of three layers. Worst of 20 reference runs: 0.951. Best of 20 runs of the
nearest wrong answer, the first weights of MXNet's default: 0.668. An honest baseline, the nearest mean picture of a
digit, gets 0.915 at best."""

TRAINED, FRESH = 1200, 597
"""Real digits for training, and others to be told."""

LINE_EPOCHS, EPOCHS, RATE = 4, 30, 0.2
"""Of the trainings on digits, of a single layer and of three."""

TWICE = 2
"""Epochs of the training that is recorded."""

ALIKE = 0.5
"""Correlation of two orders that are no accident. Between two orders of about 290 pictures drawn at random it is 0.06,
give or take."""

NEAR = 1e-4
"""How far weights of equal seeds may be from each other."""


class Train(Check):
    """`train`: a graph trained with ``Module.fit``."""

    name = "train"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Real digits, others to be told, and in which pixels the record is kept."""
        pictures, labels = stand_in()
        chosen, fresh = np.split(rng.permutation(len(labels)), [TRAINED])
        return Challenge(
            {
                "pictures": pictures[chosen],
                "labels": labels[chosen],
                "fresh": pictures[fresh],
                "white": rng.permutation(28 * 28)[:ROWS],
                "kinds": np.sort(rng.integers(0, 10, size=ROWS)),
                "seeds": rng.choice(10_000, size=2, replace=False),
                "device": int(rng.integers(1, 100)),
            },
            withheld={"labels": labels[fresh]},
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """One training on digits, one that keeps a record, and short ones with other seeds, devices and data."""
        record = Record()
        if reason := no_mxnet():
            record.fail(reason)
            return record
        with patch.dict(os.environ, MXNET_SUBGRAPH_VERBOSE="0"):  # or MXNet announces its backend at each training
            record.attempt("line", lambda: _answers(learner, given, (), LINE_EPOCHS))
            record.attempt("network", lambda: _answers(learner, given, (128, 64), EPOCHS))
            record.attempt("record", lambda: _record(learner, given, record))
            one, other = (int(seed) for seed in given["seeds"])
            record.attempt("one", lambda: _weights(learner, given, one))
            record.attempt("again", lambda: _weights(learner, given, one))
            record.attempt("other", lambda: _weights(learner, given, other))
            record.attempt("untested", lambda: _weights(learner, given, one, test=False))
            record.attempt("devices", lambda: _devices(learner, given))
        return record

    @criterion(
        1,
        "The trained Module tells more digits than chance does",
        "Does fit get the pictures with their own labels, and do you return the Module that it trained?",
    )
    def learnt(self, seen: Exhibits) -> Outcome:
        """Digits that nobody has seen, told by a single layer: it learns from any first weights."""
        return _right(seen, "line", LEARNT)

    @criterion(
        1,
        "A network of three layers tells digits well",
        "Have a look at the accuracy after each epoch: does it rise from the start? What were the first weights?",
        rests_on="learnt",
    )
    def accuracy(self, seen: Exhibits) -> Outcome:
        """Digits that nobody has seen, told by a network of three layers."""
        return _right(seen, "network", ACCURACY)

    @criterion(
        1,
        "A tenth of the training pictures, drawn at random, is kept out of training",
        "Which pictures does fit go through, and which does it only look at? How were they chosen?",
        rests_on="learnt",
    )
    def validation(self, seen: Exhibits) -> Outcome:
        """Pictures that left no trace in the trained parameters."""
        kept = np.flatnonzero(_trace(seen) == 0)
        together = len(kept) > 1 and len(kept) == np.ptp(kept) + 1
        met = abs(len(kept) - ROWS / 10) <= 2 and not together
        told = f"{len(kept)} of {ROWS}" + (", which follow each other" if together else "")
        return expect(met, f"{ROWS // 10} of {ROWS}, from all over", told)

    @criterion(
        1,
        "Each epoch ends with the accuracy on those pictures",
        "fit looks at them when it is given them. What does it call when it has, and who gets to know?",
        rests_on="learnt",
    )
    def told(self, seen: Exhibits) -> Outcome:
        """What the callback was told of the record's training, compared with the trained Module's answers."""
        told = seen.evidence.array("told", (TWICE, 2), f"a call after each of {TWICE} epochs")
        kept, right = _trace(seen) == 0, seen.evidence.array("right", (ROWS,), "answers to the training pictures")
        accuracy = float(right[kept].mean()) if kept.any() else 0.0
        # a last batch that isn't full is filled up, and what fills it is counted
        met = told[:, 0].tolist() == [*range(TWICE)] and abs(told[-1, 1] - accuracy) < 0.2
        expected = f"epochs {[*range(TWICE)]}, at last an accuracy of about {accuracy:.2f}"
        return expect(met, expected, f"epochs {told[:, 0].astype(int).tolist()}, at last {told[-1, 1]:.2f}")

    @criterion(
        1,
        "The test pictures are left alone",
        "A test that training has looked at is no test any more. Where does yours use them?",
        rests_on="learnt",
    )
    def test(self, seen: Exhibits) -> Outcome:
        """The same weights without a test set, where equal seeds give equal weights."""
        expected = "the same weights when there is no test set"
        untested = seen.evidence.array("untested", expected=expected)
        one, again = (seen.evidence.array(key, untested.shape) for key in ("one", "again"))
        met = _same(one, untested) or not _same(one, again)
        return expect(met, expected, expected if met else "other weights")

    @criterion(
        1,
        "Each epoch goes through the pictures in a new order",
        "Who mixes the pictures, and when: once, or before each epoch?",
        rests_on="learnt",
    )
    def order(self, seen: Exhibits) -> Outcome:
        """The steps at which the pictures were trained on, in the first epoch and in the last."""
        trace = _trace(seen)
        rows = np.flatnonzero(trace)
        if len(rows) < ROWS / 2:
            raise BadEvidence("most pictures trained on", f"{len(rows)} of {ROWS}")
        if _correlation(np.log2(trace[rows]), rows) > ALIKE:
            return expect(False, "a new order each time", "the order of the data")
        steps = recorder.steps(trace)
        if steps is None:  # with batches of another size only the end of the record can be read
            return expect(True, "a new order each time", "a new order")
        often = steps[steps.sum(axis=1) > 1]
        met = len(often) < 2 or _correlation(often.argmax(axis=1), often[:, ::-1].argmax(axis=1)) < ALIKE
        return expect(met, "a new order each time", "a new order each time" if met else "each time the same order")

    @criterion(
        1,
        "Epochs, batch size and learning rate are those asked for",
        "Each is an argument. Where does it go?",
        rests_on="learnt",
    )
    def settings(self, seen: Exhibits) -> Outcome:
        """How often a picture was trained on, with how many others, and how far a step went."""
        expected = f"{TWICE} epochs, batches of {BATCH}, learning rate {SLOW:g}"
        trace = _trace(seen)
        steps = recorder.steps(trace)
        if steps is None or steps.sum(axis=0).max() != BATCH or not steps[:, 0].any():
            return expect(False, expected, "batches of another size, or more of them")
        times = steps.sum(axis=1)[trace > 0]
        moved = seen.evidence.array("moved", (ROWS,), "weights that have moved")[trace > 0]
        rate = recorder.learning_rate(moved, times)
        # a last batch that isn't full is filled up with pictures that had their turn
        met = np.median(times) == TWICE and abs(rate / SLOW - 1) < 0.05
        return expect(met, expected, f"{np.median(times):.0f} epochs, batches of {BATCH}, learning rate {rate:.2g}")

    @criterion(
        1,
        "Equal seeds give equal weights, and other seeds others",
        "First weights and orders are drawn at random, by MXNet and by NumPy. Which of them know your seed?",
        rests_on="learnt",
    )
    def seed(self, seen: Exhibits) -> Outcome:
        """Two trainings with one seed, whatever was drawn at random before, and a third with another."""
        one = seen.evidence.array("one", expected="trained weights")
        again, other = (seen.evidence.array(key, one.shape, "trained weights") for key in ("again", "other"))
        told = "other weights with the same seed" if not _same(one, again) else "as it should be"
        told = "the same weights with every seed" if _same(one, other) else told
        return expect(told == "as it should be", "the same weights with the same seed only", told)

    @criterion(
        1,
        "It trains on the CPU, or on the device that is asked for",
        "Not everybody has a graphics card. Which context does the Module get when ctx is None, and when it isn't?",
        rests_on="learnt",
    )
    def device(self, seen: Exhibits) -> Outcome:
        """Where the outputs of the last step are."""
        wanted = ["cpu(0)", f"cpu({seen.challenge.given['device']})"]
        found = seen.evidence.items("devices")
        return expect(found == wanted, " and ".join(wanted), " and ".join(map(str, found)))


def _data(trained: tuple[np.ndarray, np.ndarray], tested: tuple[np.ndarray, np.ndarray] | None) -> dict[str, Any]:
    """Pictures and labels as `byom.data.digits.load_digits` gives them, in arrays of their own."""
    data = {}
    for part, content in (("train", trained), ("test", tested)):
        if content is not None:
            data[f"{part}_data"] = content[0].reshape(-1, 1, 28, 28).astype("float32")
            data[f"{part}_label"] = content[1].astype("int64")
    return data


def _answers(learner: Any, given: Mapping[str, Any], widths: tuple[int, ...], epochs: int) -> np.ndarray:
    """The digits that a network with these hidden layers, trained on the pictures, sees in fresh ones."""
    import mxnet as mx

    last = mx.sym.flatten(mx.sym.Variable("data"))
    for width in widths:
        last = mx.sym.relu(mx.sym.FullyConnected(last, num_hidden=width))
    graph = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(last, num_hidden=10), name="softmax")
    digits, seed = (given["pictures"] / 255, given["labels"]), int(given["seeds"][0])
    data = _data(digits, digits)
    module = learner(graph, data, epochs=epochs, batch_size=100, learning_rate=RATE, seed=seed, ctx=mx.cpu())
    return _predicted(module, given["fresh"] / 255).argmax(axis=1)


def _record(learner: Any, given: Mapping[str, Any], record: Record) -> np.ndarray:
    """The record of a short training; and what the callback was told, and which pictures are answered rightly then.

    The test set is the training set. So the accuracy on it, as on what is trained on, is far better than on pictures
    that are kept out: of those every pixel is new.
    """
    import mxnet as mx

    pictures, told = recorder.pictures(given["white"]), []

    def callback(at: Any) -> None:
        told.append([float(at.epoch), float(dict(at.eval_metric.get_name_value()).get("accuracy", -1))])

    with recorder.in_step():
        module = learner(
            recorder.graph(),
            _data((pictures, given["kinds"]), (pictures, given["kinds"])),
            epochs=TWICE,
            batch_size=BATCH,
            learning_rate=SLOW,
            seed=int(given["seeds"][1]),
            ctx=mx.cpu(),
            eval_end_callback=callback,
        )
        kept, record["moved"] = recorder.read(module, given["white"])
    record["told"] = np.array(told)
    record["right"] = _predicted(module, pictures).argmax(axis=1) == given["kinds"]
    return kept


def _short(learner: Any, given: Mapping[str, Any], test: bool = True, **arguments: Any) -> Any:
    """A Module that went once through a few pictures, with what was drawn at random before being anybody's guess."""
    import mxnet as mx

    graph = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=10), name="softmax")
    some = (given["pictures"][:300] / 255, given["labels"][:300])
    data = _data(some, some if test else None)
    mx.random.seed(int.from_bytes(os.urandom(3), "big"))
    np.random.seed(int.from_bytes(os.urandom(3), "big"))
    return learner(graph, data, epochs=1, batch_size=50, learning_rate=RATE, **arguments)


def _weights(learner: Any, given: Mapping[str, Any], seed: int, test: bool = True) -> np.ndarray:
    import mxnet as mx

    module = _short(learner, given, test, seed=seed, ctx=mx.cpu())
    return np.concatenate([values.asnumpy().ravel() for _, values in sorted(module.get_params()[0].items())])


def _devices(learner: Any, given: Mapping[str, Any]) -> list[str]:
    import mxnet as mx

    found = []
    for arguments in ({}, {"ctx": mx.cpu(given["device"])}):
        module = _short(learner, given, seed=0, **arguments)
        _predicted(module, given["fresh"][:50])
        found.append(str(module.get_outputs()[0].context))
    return found


def _predicted(module: Any, pictures: np.ndarray) -> np.ndarray:
    """What a Module gives for pictures, however many it takes at once."""
    import mxnet as mx

    size = module.data_shapes[0].shape[0]
    rows = pictures.reshape(-1, 1, 28, 28).astype("float32")
    return module.predict(mx.io.NDArrayIter(rows, np.zeros(len(rows)), size)).asnumpy()


def _right(seen: Exhibits, key: str, least: float) -> Outcome:
    answers = seen.evidence.array(key, (FRESH,), f"answers to {FRESH} fresh pictures")
    share = float((answers == seen.challenge.withheld["labels"]).mean())
    return expect(share >= least, f"at least {least:.0%} of fresh digits right", f"{share:.0%}")


def _trace(seen: Exhibits) -> np.ndarray:
    """What each picture of the record left; 0 where it was not trained on."""
    trace = seen.evidence.array("record", (ROWS,), "a trained Module")
    if trace.min() < 0 or trace.max() > 1:
        raise BadEvidence("means of zeros and ones", "other numbers")
    return trace


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return 1.0 if np.ptp(one) == 0 or np.ptp(other) == 0 else abs(float(np.corrcoef(one, other)[0, 1]))


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.allclose(one, other, atol=NEAR, rtol=NEAR)
