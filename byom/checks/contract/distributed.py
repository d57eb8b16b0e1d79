"""``source/distributed.py``: one training on one host or several."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from byom.checks.contract.cluster import on_hosts
from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import Record, few
from byom.checks.process import gather
from byom.require import no_mxnet

NEAR = 1e-4

ALONE, TOGETHER = 20, 40  # seconds

HOSTS = ["algo-1", "algo-2"]
LAYERS = ("hidden_weight", "hidden_bias", "scores_weight", "scores_bias")
STORES = ["local", "device", "dist_sync", "dist_device_sync"]


class Distributed(Check):
    """``source/distributed.py``: one training on one host or several."""

    name = "distributed"
    answer = "source/distributed.py"

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Pictures that are known by their first pixel, and the first weights of a small network."""
        batch, width = 2 * int(rng.integers(6, 12)), int(rng.integers(6, 10))
        rows = batch * int(rng.integers(3, 5)) + int(rng.integers(1, batch))
        kinds, labels = rng.uniform(size=(10, 64)), rng.integers(0, 10, size=rows)
        pixels = np.clip(kinds[labels] + rng.normal(scale=0.2, size=(rows, 64)), 0, 1)
        pixels[:, 0] = rng.permutation(rows) / rows
        shapes = (width, 64), (width,), (10, width), (10,)
        weights = {name: rng.normal(scale=0.2, size=shape) for name, shape in zip(LAYERS, shapes, strict=True)}
        return Challenge(
            {
                "pixels": pixels.astype("float32"),
                "labels": labels.astype("float32"),
                "epochs": int(rng.integers(2, 4)),
                "batch_size": batch,
                "learning_rate": float(rng.integers(30, 60)) / 100,
                "gpus": int(rng.integers(2, 9)),
                **{name: values.astype("float32") for name, values in weights.items()},
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """Train on one host, and then on two."""
        script, record = Path(learner).resolve(), Record()
        if reason := no_mxnet() if script.is_file() else f"there is no file {learner}":
            record.fail(reason)
            return record
        record.update(gather(probe_alone, script, given, ALONE))
        if isinstance(record.get("one"), np.ndarray):  # what fails on one host would keep two waiting
            record.update(gather(probe_together, script, given, TOGETHER))
        return record

    @criterion(
        1,
        "One host trains as the docstring says",
        "Work one step out by hand. Which rows are in the batch, and by how many is the gradient divided?",
    )
    def one_host(self, seen: Exhibits) -> Outcome:
        """The network's weights after training on one host."""
        return _same_weights(seen, "one")

    @criterion(
        1,
        "kvstore_for knows all four cases",
        "Two questions decide: is there another host, and are there GPUs?",
        rests_on="one_host",
    )
    def stores(self, seen: Exhibits) -> Outcome:
        """One host and several, without GPUs and with."""
        names = seen.evidence.items("stores", f"{STORES}")
        return expect(names == STORES, STORES, names)

    @criterion(
        1,
        "The trainer works through that kvstore",
        "A store that is only made does nothing. Who has to know of it?",
        rests_on="one_host",
    )
    def passed(self, seen: Exhibits) -> Outcome:
        """The type of the store of each host's trainer."""
        used = [seen.evidence.items(f"used {i}", "dist_sync on each host") for i in range(len(HOSTS))]
        return expect(used == [["dist_sync"]] * len(HOSTS), "dist_sync on each host", used)

    @criterion(
        1,
        "Each host works on its share of every batch",
        "Print the rows that each host trains on. Does a row turn up twice, or never?",
        rests_on="one_host",
    )
    def shares(self, seen: Exhibits) -> Outcome:
        """Every row of a full batch on one host or the other, once an epoch; as many on each."""
        given = seen.challenge.given
        trained = len(given["pixels"]) // given["batch_size"] * given["batch_size"]
        wanted = np.sort(np.repeat(given["pixels"][:trained, 0], given["epochs"]))
        each = len(wanted) // len(HOSTS)
        rows = [seen.evidence.array(f"rows {i}", None, f"{each} rows on each host") for i in range(len(HOSTS))]
        if any(r.ndim != 1 or len(r) != each for r in rows):
            return expect(False, f"{each} rows on each host", " and ".join(str(r.size) for r in rows))
        missed = int((np.sort(np.concatenate(rows)) != wanted).sum())
        got = f"{missed} of {len(wanted)} missed or twice" if missed else "every row once an epoch"
        return expect(not missed, "every row once an epoch", got)

    @criterion(
        1,
        "Two hosts end with the same network, that of one host",
        "The store adds up the gradients of all hosts. By how many rows is the sum to be divided?",
        rests_on="passed",
    )
    def as_one(self, seen: Exhibits) -> Outcome:
        """The weights on both hosts, and those that one host ends with."""
        outcomes = [_same_weights(seen, f"weights {i}") for i in range(len(HOSTS))]
        return next((outcome for outcome in outcomes if not outcome.met), outcomes[0])


def probe_alone(given: Mapping[str, Any]) -> Record:
    """Evidence about one host; runs where the learner's module can be imported."""
    record = Record()
    record.attempt("one", lambda: _trained(given, HOSTS[:1], HOSTS[0])["weights"])

    def stores() -> list[str]:
        kvstore_for = importlib.import_module("distributed").kvstore_for
        return [str(kvstore_for(list(hosts), n)) for hosts in (HOSTS[:1], HOSTS) for n in (0, given["gpus"])]

    record.attempt("stores", stores)
    return record


def probe_together(given: Mapping[str, Any]) -> Record:
    """Evidence about two hosts; runs where the learner's module can be imported, and MXNet has done nothing yet."""
    return on_hosts(len(HOSTS), lambda i: _trained(given, HOSTS, HOSTS[i]))


def _trained(given: Mapping[str, Any], hosts: list[str], current_host: str) -> dict[str, Any]:
    """The weights after training on this host, the rows that it trained on, and what its trainer went through."""
    import mxnet as mx

    used: list[str] = []
    make_store = mx.gluon.Trainer._init_kvstore

    def watched(trainer: Any) -> None:
        make_store(trainer)
        used.append(trainer._kvstore.type if trainer._kvstore else "no store")

    mx.gluon.Trainer._init_kvstore = watched
    train = importlib.import_module("distributed").train

    net, rows = mx.gluon.nn.HybridSequential(), []
    net.add(mx.gluon.nn.Dense(len(given["hidden_bias"]), activation="relu", in_units=64))
    net.add(mx.gluon.nn.Dense(10, in_units=len(given["hidden_bias"])))
    net.initialize()
    parameters = [layer_part for layer in net for layer_part in (layer.weight, layer.bias)]
    for parameter, name in zip(parameters, LAYERS, strict=True):
        parameter.set_data(mx.nd.array(given[name]))
    net.hybridize()
    net.register_forward_pre_hook(
        lambda _, inputs: rows.append(inputs[0].asnumpy()[:, 0]) if mx.autograd.is_recording() else None
    )
    settings = given["epochs"], given["batch_size"], given["learning_rate"]
    train(net, given["pixels"].copy(), given["labels"].copy(), list(hosts), current_host, 0, *settings)
    weights = np.concatenate([p.data().asnumpy().reshape(-1) for p in parameters])
    return {"weights": weights, "rows": np.concatenate([*rows, np.zeros(0, "float32")]), "used": used}


def _same_weights(seen: Exhibits, key: str) -> Outcome:
    wanted = seen.reference.array("one")
    got = seen.evidence.array(key, wanted.shape, f"weights {few(wanted)}")
    return expect(np.allclose(got, wanted, atol=NEAR), f"weights {few(wanted)}", few(got))
