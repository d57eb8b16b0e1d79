"""The checks of robostig's training and serving, on what the bank can't say in one edit."""

import ast
import gc
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from authoring.answers import unmarked
from byom.checks.contract.cluster import on_hosts
from byom.checks.criteria import Finding, score
from byom.checks.evidence import decode, encode
from byom.checks.process import gather
from byom.checks.robostig import UNIT, driver, steps, views
from byom.checks.serving import JSON, NPY, Request, ask, packed
from grading.bank.probing import evidence
from grading.bank.work import Work, solved, stubs

WORK = solved("robostig")
SEED = 4321
EXERCISES = ("train", "save", "model_fn", "transform_fn")


def judged(exercise: str, shown: Mapping[str, Any]) -> dict[str, Finding]:
    check = UNIT.checks[exercise]
    return {f.criterion: f for f in check.judge(UNIT.challenge(exercise, SEED), shown, {})}


def lost(findings: Mapping[str, Finding]) -> set[str]:
    return {key for key, finding in findings.items() if not finding.met}


def shown_by(work: Work, exercise: str) -> dict[str, Any]:
    return decode(evidence(work, exercise, SEED))


def changed(exercise: str, *edits: tuple[str, str]) -> Work:
    text = WORK.text(exercise)
    for find, by in edits:
        assert text.count(find) == 1, find
        text = text.replace(find, by)
    return WORK.having(exercise, text)


HEADER = """
from __future__ import annotations
import io, json, os
import mxnet as mx
import numpy as np
from mxnet import gluon
"""


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_same_seed_gives_the_same_challenge_and_another_another(exercise: str) -> None:
    def plain(seed: int) -> str:
        return encode(UNIT.challenge(exercise, seed).given)

    assert plain(1) == plain(1) != plain(2)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_untouched_answer_says_what_is_missing(exercise: str) -> None:
    findings = judged(exercise, shown_by(stubs("robostig"), exercise))
    assert score(findings.values()) == 0
    assert "NotImplementedError" in next(iter(findings.values())).got


def test_functions_that_go_into_a_job_parse_in_its_container() -> None:
    for exercise in EXERCISES:
        ast.parse(WORK.text(exercise), feature_version=(3, 8))


# ------------------------------------------------------------ train: what it trains on


def test_roads_are_seen_as_they_go() -> None:
    seen, steering = views.draw(np.random.default_rng(1), tracks=20, frames=10)
    assert seen.shape == (200, views.ROWS, views.COLUMNS, 3) and seen.dtype == np.uint8
    assert steering.dtype == np.float32 and np.abs(steering).max() <= 1 and 0.2 < steering.std() < 0.8
    grey = np.abs(seen[:, 4:9, :, 1].astype("float64") - 128) < 24  # grass is far from it
    middle = (grey * np.arange(views.COLUMNS)).sum(axis=(1, 2)) / np.maximum(1, grey.sum(axis=(1, 2)))
    assert np.corrcoef(middle, steering)[0, 1] > 0.8
    again, _ = views.draw(np.random.default_rng(1), tracks=20, frames=10)
    assert np.array_equal(seen, again)


@pytest.mark.parametrize("seed", range(30))
def test_the_best_epoch_is_neither_the_first_nor_the_last(seed: int) -> None:
    rng = np.random.default_rng(seed)
    given = steps.draw(rng)
    x, y, valid_x, valid_y = (part.reshape(len(part), -1).astype("float64") for part in steps.arrays(given))
    weights, settings, figures = rng.uniform(-0.5, 0.5, size=(steps.INPUTS, 1)), given["steps"], []
    for _ in range(settings["epochs"]):
        for rows in np.split(rng.permutation(len(x)), range(0, len(x), settings["batch_size"])[1:]):
            weights -= settings["learning_rate"] * x[rows].T @ (x[rows] @ weights - y[rows]) / len(rows)
        figures.append(np.mean((valid_x @ weights - valid_y) ** 2))
    assert min(figures[0], figures[-1]) > 1.3 * min(figures)
    assert len(x) % settings["batch_size"] and len(valid_x) % settings["batch_size"] == 0


def test_steps_are_worked_out_as_mxnet_takes_them() -> None:
    findings = judged("train", shown_by(WORK, "train"))
    assert not lost(findings)
    assert score(findings.values()) == UNIT.checks["train"].points


# ------------------------------------------------------------ train: what it makes of odd answers


def test_epochs_end_where_the_network_was_evaluated_or_are_alike() -> None:
    shown = shown_by(WORK, "train")
    count = len(shown["sizes"])
    for pauses in ([], [count], list(range(1, count + 1)), [0.5] * len(shown["pauses"])):
        assert not lost(judged("train", {**shown, "pauses": pauses}))
    assert "samples" in lost(judged("train", {**shown, "pauses": "often"}))
    one_more = {"sizes": [*shown["sizes"], 0], "weights": np.vstack([shown["weights"], shown["weights"][:1]])}
    assert "steps in" in judged("train", {**shown, **one_more, "pauses": []})["samples"].got


def test_training_without_a_trainer_is_told_of() -> None:
    own = (
        "            for p in net.collect_params().values():\n"
        '                p.set_data(p.data(ctx) - settings["learning_rate"] * 20 * p.grad(ctx))\n'
    )
    line = (
        "            trainer.step(1)  # the mean is taken already; a dist kvstore refuses a batch size that changes\n"
    )
    findings = judged("train", shown_by(changed("train", (line, own)), "train"))
    assert "a gluon.Trainer" in findings["loss"].expected or "a gluon.Trainer" in findings["optimizer"].expected
    assert {"optimizer", "kvstore"} <= lost(findings)


@pytest.mark.parametrize("returned", ["None", "3", "[1, 2]", "net", "[{'loss': 'low'}]"])
def test_a_history_that_is_none_costs_what_it_should(returned: str) -> None:
    shown = shown_by(changed("train", ("    return history\n", f"    return {returned}\n")), "train")
    missing = lost(judged("train", shown))
    assert {"history", "losses"} <= missing
    assert "learns" not in missing


def test_what_history_holds_becomes_plain_numbers() -> None:
    entry = {"epoch": np.int64(0), "loss": mx.nd.array([0.5]), "mse": np.float32("nan"), "note": "good", 3: True}
    assert steps.plain((entry,)) == [{"epoch": 0.0, "loss": 0.5, "3": 1.0}]
    with pytest.raises(TypeError, match="a list of dicts, not int"):
        steps.plain(3)


def test_the_check_of_training_is_quiet_and_leaves_nothing_behind(capsys: pytest.CaptureFixture) -> None:
    def train(net: Any, data: Any, hyperparameters: Any, ctx: Any = None, kvstore: str = "local") -> None:
        print("epoch 0: fine")
        raise RuntimeError("no fuel")

    step = mx.gluon.Trainer._check_and_rescale_grad
    shown = UNIT.checks["train"].probe(train, UNIT.challenge("train", SEED).given)
    assert "no fuel" in judged("train", shown)["learns"].got
    assert capsys.readouterr().out == ""
    assert mx.gluon.Trainer._check_and_rescale_grad is step
    assert gc.get_freeze_count() == 0


def test_two_hosts_train_through_a_kvstore_that_is_spread_over_them(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(HEADER + unmarked(WORK.text("evaluate")) + "\n" + unmarked(WORK.text("train")))
    shown = gather(_trained_on_two_hosts, tmp_path / "model.py", steps.draw(np.random.default_rng(6)), seconds=60)
    assert np.array_equal(shown["weights 0"], shown["weights 1"]), shown
    assert [entry["epoch"] for entry in shown["history 0"]] == [0, 1]


def _trained_on_two_hosts(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What each of two hosts ends with; runs where only the script's functions are, and MXNet has done nothing yet."""
    import model  # type: ignore[import-not-found]

    def host(_: int) -> dict[str, Any]:
        net = steps.linear()
        history = model.train(net, steps.arrays(given), given["steps"] | {"epochs": 2}, kvstore="dist_sync")
        return {"weights": steps.weights_of(net), "history": history}

    return on_hosts(2, host)


# ------------------------------------------------------------ save, model_fn, transform_fn


def test_what_the_network_says_is_worked_out_as_mxnet_does() -> None:
    given = driver.draw(np.random.default_rng(3), (3, 12, 20))
    seen = np.random.default_rng(4).integers(0, 256, size=(50, 3, 12, 20)).astype("float32")
    wanted = driver.steering(given, seen)
    assert np.allclose(driver.network(given)(mx.nd.array(seen)).asnumpy(), wanted, atol=1e-4)
    assert (wanted < -0.2).any() and (wanted > 0.2).any()


def test_two_faults_of_a_service_cost_two_criteria() -> None:
    work = changed(
        "transform_fn",
        ("views.transpose(0, 3, 1, 2)", "views.reshape(-1, 3, 66, 200)"),
        ("return json.dumps(steering.tolist())", "return json.dumps(steering.tolist()[0])"),
    )
    assert lost(judged("transform_fn", shown_by(work, "transform_fn"))) == {"steering", "batch"}


def test_what_a_service_says_reaches_its_writer_and_nothing_stays_behind() -> None:
    before = dict(os.environ)
    work = changed("transform_fn", ("views.transpose(0, 3, 1, 2)", "views.transposed"))
    findings = judged("transform_fn", shown_by(work, "transform_fn"))
    assert score(findings.values()) == 0
    assert "status 500: AttributeError" in findings["answers"].got
    assert dict(os.environ) == before and "byom_asked" not in sys.modules


def test_a_network_that_was_trained_steers_alike_behind_the_real_handler(tmp_path: Path) -> None:
    space: dict[str, Any] = {}
    text = HEADER + "\n".join(unmarked(WORK.text(name)) for name in UNIT.checks)
    exec(compile(text, "model", "exec"), space)
    rng = np.random.default_rng(5)
    seen = rng.integers(0, 256, size=(6, 66, 200, 3)).astype("float32")
    data = space["transform"](seen, rng.uniform(-1, 1, size=6).astype("float32"))
    net = space["build_model"]()
    space["train"](net, (*data, *data), {"epochs": 1, "batch_size": 4})
    space["save"](net, str(tmp_path / "model"))
    (tmp_path / "model.py").write_text(
        HEADER + "\n".join(unmarked(WORK.text(name)) for name in ("model_fn", "transform_fn"))
    )
    given = {"model_dir": str(tmp_path / "model"), "views": seen.astype("uint8")}
    shown = gather(_served, tmp_path / "model.py", given, seconds=60)
    wanted = net(mx.nd.array(data[0])).asnumpy()
    assert np.allclose(shown["many"], wanted, atol=1e-5), shown
    assert np.allclose(shown["one"], wanted[:1], atol=1e-5)
    assert shown["picture"]["status"] == 415


def _served(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answers of the toolkit's own handler service; runs where only the script's functions and the files are."""
    from sagemaker_mxnet_serving_container.handler_service import HandlerService

    good = {
        "many": Request(packed(given["views"], NPY), NPY),
        "one": Request(json.dumps(given["views"][0].tolist()).encode(), JSON, NPY),
    }
    hostile = {"picture": Request(packed(given["views"], NPY), "image/png")}
    return ask(HandlerService(), "model.py", Path(given["model_dir"]), good, hostile)
