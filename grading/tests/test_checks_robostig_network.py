"""The first four checks of robostig on what one edit of the bank says too little about."""

import ast
import importlib.util
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byom.checks.criteria import Finding, score
from byom.checks.evidence import LIMIT, decode, encode
from byom.checks.robostig import UNIT, build_model, load_data
from byom.require import no_mxnet
from grading.bank.probing import evidence
from grading.bank.work import preamble, solved, stubs
from grading.run import ROOT

WORK = solved("robostig")
SEED = 4321
EXERCISES = ["build_model", "transform", "load_data", "evaluate"]

needs_mxnet = pytest.mark.skipif(no_mxnet() is not None, reason="MXNet has no build for this machine")


def answer(exercise: str, *edits: tuple[str, str], **others: Any) -> Callable[..., Any]:
    """The solution's function with each first text replaced by the second, in a notebook with ``others`` in it."""
    text = WORK.text(exercise)
    for find, by in edits:
        assert text.count(find) == 1, find
        text = text.replace(find, by)
    notebook: dict[str, Any] = {"__name__": "__main__"}
    exec(preamble("robostig"), notebook)
    notebook |= others
    exec(text, notebook)
    return notebook[exercise]


def shown(exercise: str, learner: Any) -> dict[str, Any]:
    """The evidence of ``learner``, as it travels."""
    encoded = encode(UNIT.checks[exercise].probe(learner, UNIT.challenge(exercise, SEED).given))
    assert len(encoded) < LIMIT
    return decode(encoded)


def judged(exercise: str, seen: Any, references: Any = None) -> dict[str, Finding]:
    """The findings on evidence for the challenge under `SEED`, by criterion."""
    challenge = UNIT.challenge(exercise, SEED)
    return {f.criterion: f for f in UNIT.checks[exercise].judge(challenge, seen, references or {})}


def lost(findings: dict[str, Finding]) -> set[str]:
    return {key for key, finding in findings.items() if not finding.met}


# ------------------------------------------------------------ all


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_challenge_repeats_and_travels(exercise: str) -> None:
    one, again, other = (encode(UNIT.challenge(exercise, seed).given) for seed in (1, 1, 2))
    assert one == again != other
    assert len(one) < LIMIT


@needs_mxnet
@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_untouched_cell_says_what_is_missing(exercise: str) -> None:
    reference = decode(evidence(WORK, exercise, SEED))
    findings = judged(exercise, decode(evidence(stubs("robostig"), exercise, SEED)), reference)
    assert score(findings.values()) == 0
    assert {finding.got for finding in findings.values()} == {"NotImplementedError"}


@pytest.mark.parametrize("exercise", ["build_model", "evaluate"])
def test_a_machine_without_mxnet_says_so_in_one_sentence(exercise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert shown(exercise, lambda *_: None) == {"*": {"raised": no_mxnet()}}


def test_what_goes_into_a_job_is_python_3_8() -> None:
    text = (ROOT / "solutions" / "robostig" / "robostig.py").read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 8))
    newer = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "zip"]
    assert not [call.lineno for call in newer if call.keywords]  # strict= came later
    assert "removeprefix" not in text and "removesuffix" not in text


# ------------------------------------------------------------ build_model


@pytest.fixture(scope="module")
def network() -> dict[str, Any]:
    """The evidence of the solution."""
    return decode(evidence(WORK, "build_model", SEED))


@needs_mxnet
@pytest.mark.parametrize(
    ("edit", "criterion", "told"),
    [
        (("strides=stride,", "strides=stride, padding=1 if stride == 2 else 0,"), "convolutions", "24 × 32 × 99"),
        (("(1164, 100, 50, 10)", "(100, 50, 10)"), "dense", "252,219 parameters"),
        (("strides=stride, ", ""), "dense", "a network of 685,363,200 parameters, too many to try out"),
        (("(24, 5, 2), (36, 5, 2), (48, 5, 2), (64, 3, 1), (64, 3, 1)", ""), "dense", "no convolution"),
        (("F, x: x / 127.5 - 1", "F, x: F.array(x.asnumpy()) / 127.5 - 1"), "dense", "this network is no graph"),
        (("    return net", "    return net.collect_params()"), "dense", "not ParameterDict"),
        (("    return net", ""), "dense", "not NoneType"),
    ],
)  # fmt: skip
def test_a_network_of_another_size_is_told_of(network: Any, edit: tuple[str, str], criterion: str, told: str) -> None:
    findings = judged("build_model", shown("build_model", answer("build_model", edit)), network)
    assert not findings[criterion].met
    assert told in findings[criterion].got


@needs_mxnet
def test_the_paddings_of_old_make_three_times_the_parameters(network: Any) -> None:
    old = answer("build_model", ("strides=stride,", "strides=stride, padding=1 if stride == 2 else 0,"))
    assert network["parameters"] == build_model.PARAMETERS
    assert shown("build_model", old)["parameters"] == 4_724_343


@needs_mxnet
def test_the_numbers_between_the_layers_are_those_of_the_network(network: Any) -> None:
    """Worked out by numpy: MXNet's own executor forgets a ReLU in a graph that is asked for what is before it."""
    given = UNIT.challenge("build_model", SEED).given
    draw, signed = build_model._drawing(given["seed"], False), network["dense_rectified"]
    sizes = np.cumsum([0, *build_model.UNITS])
    layers = [signed[a:b] for a, b in pairwise(sizes)]
    for number, (before, after) in enumerate(pairwise(layers), start=1):
        weight, bias = draw((1, number, 0), (len(after), len(before))), draw((1, number, 1), (len(after),))
        np.testing.assert_allclose(after, weight @ np.maximum(before, 0) + bias, rtol=1e-3, atol=1e-4)
    assert (layers[0] < 0).any() and (layers[0] > 0).any()
    assert network["rectified"].min() == 0 < network["rectified"].max()
    assert network["convolved"].min() > 0 and network["dense"].min() > 0  # a ReLU has nothing to do


@needs_mxnet
def test_both_faults_of_a_network_cost_their_own_criteria(network: Any) -> None:
    tanh = ("gluon.nn.Dense(1)", "gluon.nn.Dense(1, activation='tanh')")
    unlike = answer("build_model", ("F, x: x / 127.5 - 1", "F, x: x / 255"), tanh)
    assert lost(judged("build_model", shown("build_model", unlike), network)) == {"normalises", "linear"}


# ------------------------------------------------------------ load_data


def backwards(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x[::-1], y


def of_old(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x.reshape(-1, 3, 66, 200), y.reshape(-1, 1)


@needs_mxnet
@pytest.mark.parametrize("transform", [None, backwards, of_old, lambda x: x, "not even a function"])
def test_a_wrong_transform_costs_nothing_here_and_is_the_notebooks_own_afterwards(transform: Any) -> None:
    others = {} if transform is None else {"transform": transform}
    learner = answer("load_data", **others)
    assert not lost(judged("load_data", shown("load_data", learner)))
    assert learner.__globals__.get("transform") is transform


@needs_mxnet
def test_a_right_transform_is_called() -> None:
    calls = []

    def transform(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        calls.append(len(x))
        return x.transpose(0, 3, 1, 2), y[:, None]

    assert not lost(judged("load_data", shown("load_data", answer("load_data", transform=transform))))
    assert {2, 3} <= set(calls)


def test_errors_that_name_every_file_are_worth_nothing_without_the_numbers() -> None:
    calls: list[str] = []

    def refuses(f_path: str) -> Any:
        raise type("Both", (FileNotFoundError, ValueError), {})(" ".join(load_data.FILES))

    def reads_zeros(f_path: str) -> Any:
        if calls:
            refuses(f_path)
        calls.append(f_path)
        return np.zeros((3, 3, 66, 200)), np.zeros((3, 1)), np.zeros((2, 3, 66, 200)), np.zeros((2, 1))

    for learner in (refuses, reads_zeros):
        assert score(judged("load_data", shown("load_data", learner)).values()) == 0


@needs_mxnet
def test_each_kind_of_damage_is_refused_in_a_sentence_that_says_what_is_wrong(tmp_path: Path) -> None:
    given = UNIT.challenge("load_data", SEED).given
    right, says = answer("load_data", transform=of_old), {}
    for fault, (spoil, files) in load_data.FAULTS.items():
        for file in files:
            load_data._write(tmp_path, given, *load_data.NAMES)
            spoil(tmp_path / file)
            with pytest.raises((FileNotFoundError, ValueError)) as refused:
                right(str(tmp_path))
            assert file.removesuffix("_X.npy").removesuffix("_Y.npy") in str(refused.value)
            says[fault] = str(refused.value)
    assert not (tmp_path / "ran").exists()
    assert "valid_Y.npy should hold float32 (n), not float64 (2,)" in says["float64"]
    assert says["NaN"] == "valid_Y.npy has NaN in 1 places"
    assert says["one less"] == "valid_X.npy has 2 views, but valid_Y.npy has 1 numbers"


# ------------------------------------------------------------ evaluate


@needs_mxnet
def test_the_figures_of_a_network_that_drops_out_and_normalises() -> None:
    import mxnet as mx

    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(21, 3, 6, 8)).astype("float32"), rng.uniform(-1, 1, (21, 1)).astype("float32")
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Conv2D(4, 3), mx.gluon.nn.BatchNorm(), mx.gluon.nn.Dropout(0.5), mx.gluon.nn.Dense(1))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    right = net(mx.nd.array(x)).asnumpy()
    before = {name: p.data().asnumpy() for name, p in net.collect_params().items()}
    loader = mx.gluon.data.DataLoader(mx.gluon.data.ArrayDataset(x, y), batch_size=4, shuffle=True)
    figures = answer("evaluate")(loader, net, mx.cpu())
    mse = float(np.mean((right - y) ** 2))
    assert figures == pytest.approx(
        {"mse": mse, "mae": float(np.mean(np.abs(right - y))), "r2": 1 - mse / float(np.var(y))}
    )
    assert all(type(figure) is float for figure in figures.values())
    for name, p in net.collect_params().items():
        np.testing.assert_array_equal(p.data().asnumpy(), before[name])


@needs_mxnet
def test_nothing_is_explained_where_all_labels_are_alike() -> None:
    import mxnet as mx

    figures = answer("evaluate")([(mx.nd.ones((4, 1)), mx.nd.zeros((4, 1)))], lambda x: x, mx.cpu())
    assert (figures["mse"], figures["mae"]) == (1, 1)
    assert np.isnan(figures["r2"])


@needs_mxnet
def test_one_wrong_figure_costs_once() -> None:
    for find, by, costs in (
        ('"mse": mse,', '"mse": mse * 2,', {"mse"}),
        ("np.abs(errors).mean()", "np.max(np.abs(errors))", {"mae"}),
        ("float(np.var(right))", "float(np.var(right, ddof=1))", {"r2"}),
    ):
        assert lost(judged("evaluate", shown("evaluate", answer("evaluate", (find, by))))) == costs


@needs_mxnet
@pytest.mark.parametrize(
    "returned", [None, 0.5, {}, {"mse": "0.1"}, {"mse": float("nan"), "mae": float("inf"), "r2": None}]
)
def test_what_is_no_dict_of_three_numbers_scores_nothing(returned: Any) -> None:
    assert score(judged("evaluate", shown("evaluate", lambda data, net, ctx: returned)).values()) == 0
