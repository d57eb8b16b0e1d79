"""`train`: a network that learns to steer, and the steps that lead there."""

import gc
from collections.abc import Mapping
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Evidence, Record, few
from byom.checks.robostig import steps, views
from byom.checks.robostig.steps import Steps
from byom.require import no_mxnet

LEARNT = 0.53
"""Least R² on views of roads that nobody trained on. Worst of 20 runs of what should pass, the parameters of the first
epoch: 0.661; of 20 reference runs: 0.875. Best of 20 runs of the nearest wrong answer, plain descent where adam
is asked for: 0.401; with the steering of other views: 0.379."""

RATE = 0.0001
DEFAULTS = {"epochs": 5, "batch_size": 64, "optimizer": "adam", "learning_rate": RATE}
"""As the exercise's docstring says."""

MISSPELT = ("optmizer", "learningrate", "learnig_rate", "n_epochs", "batchsize", "batch-size", "Seed", "lr")

KVSTORE = "device"
"""Another store than the one that is used when none is named."""

NEAR = 1e-4


class Train(Check):
    """`train`: a network that learns to steer, and the steps that lead there."""

    name = "train"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Views of invented roads, and numbers for a network that is simple enough to be worked out by hand."""
        names = ("train", "valid", "fresh")
        roads = dict(zip(names, (views.draw(rng, *size) for size in ((16, 24), (4, 12), (8, 16))), strict=True))
        given: dict[str, Any] = {f"{name}_views": seen for name, (seen, _) in roads.items()}
        given |= {f"{name}_steering": roads[name][1] for name in ("train", "valid")}
        given["settings"] = {
            "epochs": 5,
            "batch_size": 24,
            "optimizer": "adam",
            "learning_rate": 0.003,
            "seed": int(rng.integers(1, 10_000)),
        }
        given |= {"misspelt": str(rng.choice(MISSPELT)), **steps.draw(rng)}
        return Challenge(given, withheld={"steering": roads["fresh"][1]})

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """A small network trained on views; a linear one, watched; and how hyperparameters and seeds are taken."""
        record = Record()
        if reason := no_mxnet():
            record.fail(reason)
            return record
        gc.freeze()  # a DataLoader collects garbage when it is made: 0.1 s and more among a notebook's many objects
        try:
            self._gather(learner, given, record)
        finally:
            gc.unfreeze()
        return record

    def _gather(self, learner: Any, given: Mapping[str, Any], record: Record) -> None:
        import mxnet as mx

        record.whole(lambda: record.update(_on_views(learner, given)))
        if "steering" not in record:
            return
        settings = given["steps"]

        def watched() -> bool:
            net = steps.linear()
            record.update(steps.watch(learner, net, given, settings, ctx=mx.cpu(1), kvstore=KVSTORE).evidence(net))
            return True

        def by_default() -> dict[str, Any]:
            seen = steps.watch(learner, steps.linear(), given, {})
            used = seen.trainers[0] if seen.trainers else {}
            return used | {"epochs": len(seen.history), "batch_size": max(map(len, seen.rows), default=0)}

        def seeded(net: Any, seed: int) -> np.ndarray:
            steps.watch(learner, net, given, settings | {"seed": seed, "epochs": 1})
            return steps.weights_of(net)

        def seeds() -> np.ndarray:
            one, other = settings["seed"], settings["seed"] + 1
            return np.array([seeded(steps.linear(), seed) for seed in (one, one, other)])

        def twice() -> np.ndarray:
            net = steps.linear()
            end, again = seeded(net, settings["seed"]), settings | {"seed": settings["seed"] + 1, "epochs": 1}
            return np.array([end, steps.watch(learner, net, given, again).weights[0]])

        def misspelt() -> str:
            try:
                steps.watch(learner, steps.linear(), given, {"epochs": 1, given["misspelt"]: 1})
            except Exception as error:
                return f"{type(error).__name__}: {error}"[:300]
            return "no error"

        if record.attempt("watched", watched) is None:
            record["*"] = record["watched"]
        record.attempt("defaults", by_default)
        record.attempt("seeds", seeds)
        record.attempt("twice", twice)
        record.attempt("misspelt", misspelt)

    @criterion(
        2,
        "The network learns to steer on roads it has never seen",
        "Does the loss fall? Compare the shapes of answers and labels, and look whether each batch ends in a step.",
    )
    def learns(self, seen: Exhibits) -> Outcome:
        """R² on views of fresh roads, whose steering the learner's side does not know."""
        right = seen.challenge.withheld["steering"].astype("float64")
        answers = seen.evidence.array("steering", right.shape, f"{len(right)} numbers, one for each view")
        r2 = 1 - float(np.mean((answers - right) ** 2)) / float(np.var(right))
        return expect(r2 >= LEARNT, f"R² of at least {LEARNT:.2f} on fresh roads", f"{r2:.3f}")

    @criterion(
        1,
        "Every sample is used once an epoch, also those of the last, smaller batch",
        "Count the rows that pass through the network in an epoch. What does DataLoader do with the rest?",
        rests_on="learns",
    )
    def samples(self, seen: Exhibits) -> Outcome:
        """The rows of each epoch, sorted."""
        trained = _steps(seen)
        everything = np.arange(len(trained.y))
        for epoch, rows in enumerate(trained.epoch_rows()):
            if not np.array_equal(np.sort(rows), everything):
                once = len(np.intersect1d(rows, everything))
                got = f"epoch {epoch}: {len(rows)} rows, {once} different ones of the training data"
                return expect(False, f"each of {len(everything)} rows once an epoch", got)
        return expect(True, f"each of {len(everything)} rows once an epoch", "so it is")

    @criterion(
        1,
        "The order is drawn anew for each epoch",
        "Neighbouring frames are nearly alike. What does a batch look like that is cut from the film as it is?",
        rests_on="learns",
    )
    def shuffled(self, seen: Exhibits) -> Outcome:
        """Another order than that of the data, and another one in each epoch."""
        trained = _steps(seen)
        orders = [tuple(rows.tolist()) for rows in trained.epoch_rows()]
        as_filmed = any(order == tuple(sorted(order)) for order in orders)
        met = not as_filmed and len(set(orders)) == len(orders)
        got = "the order of the data" if as_filmed else f"{len(set(orders))} orders in {len(orders)} epochs"
        return expect(met, "an order of its own in each epoch", got)

    @criterion(
        1,
        "Gradients are those of the squared error",
        "Work out one step by hand: how does the loss of one sample change with its error?",
        rests_on="learns",
    )
    def loss(self, seen: Exhibits) -> Outcome:
        """The direction of each step's gradient."""
        trained = _steps(seen)
        wanted, got = trained.mean_gradients(), trained.gradients()
        lengths = np.linalg.norm(wanted, axis=1) * np.linalg.norm(got, axis=1)
        alike = (wanted * got).sum(axis=1) / np.where(lengths > 0, lengths, np.inf)
        worst = int(alike.argmin())
        expected = f"step {worst}: a gradient along {few(wanted[worst].round(4))}"
        return expect(alike[worst] > 0.999, expected, few(got[worst].round(4)))

    @criterion(
        1,
        "A step goes by the mean over its batch, also over the last, smaller one",
        "Trainer.step divides by the number it is given. What has been divided before, and by how many?",
        rests_on="loss",
    )
    def mean(self, seen: Exhibits) -> Outcome:
        """How long each gradient is that the optimizer works with."""
        trained = _steps(seen)
        wanted, got = trained.mean_gradients(), trained.gradients() * trained.settings("rescale")[:, None]
        times = np.linalg.norm(got, axis=1) / np.linalg.norm(wanted, axis=1)
        worst = int(np.abs(np.log(np.clip(times, 1e-9, None))).argmax())
        got_there = f"{times[worst]:.3g} times as long, at a batch of {trained.sizes[worst]}"
        return expect(abs(times[worst] - 1) < 0.02, "the gradient of the mean of L2Loss over the batch", got_there)

    @criterion(
        1,
        "Optimizer and learning rate are those asked for",
        "Ask for sgd and for adam, and print type(trainer.optimizer) and trainer.learning_rate.",
        rests_on="learns",
    )
    def optimizer(self, seen: Exhibits) -> Outcome:
        """The trainer's settings in two trainings; and for plain descent that the steps follow from them."""
        given, trained = seen.challenge.given, _steps(seen)
        for asked, used in ((given["settings"], seen.evidence.mapping("on_views")), (given["steps"], trained.trainer)):
            name, rate = used.get("optimizer"), _number(used, "learning_rate")
            if name != asked["optimizer"] or abs(rate / asked["learning_rate"] - 1) > NEAR:
                expected = f"{asked['optimizer']}, learning rate {asked['learning_rate']:g}"
                return expect(False, expected, f"{name}, learning rate {rate:g}")
        wanted = -given["steps"]["learning_rate"] * trained.gradients() * trained.settings("rescale")[:, None]
        first = slice(trained.ends[0] - 1)
        met = np.allclose(np.diff(trained.weights, axis=0)[first], wanted[first], rtol=0.01, atol=NEAR)
        return expect(met, "by plain sgd, steps of -learning rate × gradient", "so they are" if met else "other steps")

    @criterion(
        1,
        "Hyperparameters that aren't given have the documented defaults",
        "Call it with an empty dict. Which values does the docstring promise?",
        rests_on="learns",
    )
    def defaults(self, seen: Exhibits) -> Outcome:
        """What an empty dict leads to."""
        used = seen.evidence.mapping("defaults", f"{DEFAULTS}")
        got = {key: used.get(key) for key in DEFAULTS}
        met = abs(_number(used, "learning_rate") / RATE - 1) < NEAR and got | {"learning_rate": RATE} == DEFAULTS
        return expect(met, DEFAULTS, got)

    @criterion(
        1,
        "A misspelt hyperparameter is an error that names it",
        "hyperparameters.get(…) is silent about a key that it doesn't look for. Who would notice?",
        rests_on="learns",
    )
    def misspelt(self, seen: Exhibits) -> Outcome:
        """The error for a key that doesn't exist."""
        key, said = seen.challenge.given["misspelt"], seen.evidence.text("misspelt", "an error")
        met = said.startswith("ValueError: ") and key in said
        return expect(met, f"a ValueError that names {key!r}", said)

    @criterion(
        1,
        "The trainer works through the kvstore that was passed",
        "A store that nobody hands on does nothing. Which argument of gluon.Trainer takes it?",
        rests_on="learns",
    )
    def kvstore(self, seen: Exhibits) -> Outcome:
        """The trainer's store, where one is named and where none is."""
        stores = [seen.evidence.mapping("on_views").get("kvstore"), _steps(seen).trainer.get("kvstore")]
        return expect(stores == ["local", KVSTORE], f"local, then {KVSTORE}", ", then ".join(map(str, stores)))

    @criterion(
        1,
        "Parameters and batches are where ctx says",
        "mx.cpu(1) is a place of its own, without a second processor. Try it: what stays on mx.cpu(0)?",
        rests_on="learns",
    )
    def context(self, seen: Exhibits) -> Outcome:
        """The contexts of the parameters, and of each training batch."""
        places = seen.evidence.items("places", "places")
        return expect(places == ["cpu(1)"], "all on cpu(1)", ", ".join(map(str, places)) or "nowhere")

    @criterion(
        1,
        "The first weights are drawn by Xavier's rule",
        "How far do a layer's first weights spread, and how many inputs and outputs does it have?",
        rests_on="learns",
    )
    def xavier(self, seen: Exhibits) -> Outcome:
        """How far the first weights spread: Xavier's rule has other factors and distributions as well."""
        spread = float(_steps(seen).weights[0, :-1].std())
        wanted = float(np.sqrt(2 / (steps.INPUTS + 1)))
        met = 0.6 < spread / wanted < 2
        return expect(met, f"a standard deviation of about {wanted:.2f}", f"{spread:.3f}")

    @criterion(
        1,
        "The same seed gives the same network, another seed another",
        "Two things are drawn: first weights and order. Which libraries draw them?",
        rests_on="learns",
    )
    def seed(self, seen: Exhibits) -> Outcome:
        """The weights after three trainings, two of them with one seed."""
        one, same, other = seen.evidence.array("seeds", (3, steps.INPUTS + 1), "weights of three trainings")
        if not np.allclose(one, same, atol=NEAR):
            return expect(False, "the same seed: the same weights", f"{few(one)} and {few(same)}")
        return expect(np.abs(one - other).max() > 0.01, "another seed: other weights", "the same weights")

    @criterion(
        1,
        "Training a network for the second time starts afresh",
        "Run the cell twice. What does initialize do with a network that has values already?",
        rests_on="learns",
    )
    def afresh(self, seen: Exhibits) -> Outcome:
        """The first weights of a second training, other than the last ones of the first."""
        end, start = seen.evidence.array("twice", (2, steps.INPUTS + 1), "weights of two trainings")
        met = np.abs(start - end).max() > 0.1
        return expect(met, "fresh weights", "fresh weights" if met else "those that the first training ended with")

    @criterion(
        1,
        "There is a dict for each epoch, with the validation figures after it",
        "Which keys does the docstring promise? Evaluate on the validation data, after the epoch's last step.",
        rests_on="learns",
    )
    def history(self, seen: Exhibits) -> Outcome:
        """The figures of all epochs but the last, worked out from the weights at their ends."""
        trained = _steps(seen)
        history = trained.history()
        for epoch, weights in enumerate(trained.after_epochs()):
            wanted = {"epoch": epoch, **trained.validated(weights)}
            got = {key: _number(history[epoch], key) for key in wanted}
            if not all(abs(got[key] - value) < 1e-3 * max(1, abs(value)) for key, value in wanted.items()):
                return expect(False, _told(wanted), _told(got))
        return expect(True, f"{trained.epochs} epochs, each with its figures", f"{len(history)} epochs")

    @criterion(
        1,
        "The loss of an epoch is the mean over its samples",
        "The last batch is smaller. What does the mean of all batches' means make of it?",
        rests_on="loss",
    )
    def losses(self, seen: Exhibits) -> Outcome:
        """The mean of half the squared errors, each when its batch was trained."""
        trained = _steps(seen)
        history = trained.history()
        wanted = trained.losses()
        got = np.array([_number(entry, "loss") for entry in history])
        return expect(np.allclose(got, wanted, rtol=2e-3), few(wanted.round(4)), few(got.round(4)))

    @criterion(
        2,
        "The network ends with the parameters of its best epoch",
        "Here validation is best in the middle. What must be kept when an epoch is the best so far: values, or names?",
        rests_on="learns",
    )
    def best(self, seen: Exhibits) -> Outcome:
        """The final weights: those at the end of the epoch with the smallest validation MSE."""
        trained = _steps(seen)
        final = seen.evidence.array("final", (steps.INPUTS + 1,), "the weights after training")
        ends = trained.after_epochs()
        figures = [trained.validated(weights)["mse"] for weights in ends]
        epoch = int(np.argmin(figures))
        mse = trained.validated(final)["mse"]
        met = np.allclose(final, ends[epoch], atol=NEAR) or mse < figures[epoch]  # then the last epoch was the best
        wanted = f"the weights after epoch {epoch}, with a validation MSE of {figures[epoch]:.3f}"
        return expect(met, wanted, f"weights with a validation MSE of {mse:.3f}")


def _on_views(learner: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a network that ``learner`` trained answers to fresh views, and how its trainer was set."""
    import mxnet as mx

    net = views.network()
    trainers: list[dict[str, Any]] = []
    data = [
        part
        for name in ("train", "valid")
        for part in (views.planes(given[f"{name}_views"]), given[f"{name}_steering"].reshape(-1, 1).copy())
    ]
    with steps.told_of_trainers(trainers, lambda _: None), steps.quiet():
        learner(net, tuple(data), given["settings"].copy())
    place = next(iter(net.collect_params().values())).list_ctx()[0]
    steering = net(mx.nd.array(views.planes(given["fresh_views"]), place)).asnumpy().reshape(-1)
    return {"steering": steering, "on_views": trainers[0] if trainers else {}}


def _steps(seen: Exhibits) -> Steps:
    return Steps(seen.challenge.given, seen.evidence)


def _number(mapping: Mapping[str, Any], key: str) -> float:
    return Evidence(mapping).number(key, f"a number for {key!r}")


def _told(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
