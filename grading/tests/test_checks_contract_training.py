"""The training side of the contract unit: what one edit of the bank says too little about."""

import argparse
import ast
import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byom.checks import artifacts
from byom.checks.contract import UNIT, train
from byom.checks.criteria import Finding, score
from byom.checks.evidence import Record, decode, encode
from byom.checks.process import run_script
from byom.require import no_mxnet
from grading.bank.probing import evidence
from grading.bank.work import Work, solved, stubs
from grading.run import ROOT

SEED = 77
SCRIPTS = [
    path
    for path in sorted((ROOT / "solutions" / "contract" / "source").glob("*.py"))
    if "import torch" not in path.read_text(encoding="utf-8")  # PyTorch's container has Python 3.12
]

needs_mxnet = pytest.mark.skipif(no_mxnet() is not None, reason="MXNet has no build for this machine")


def judged(exercise: str, shown: Any, references: Any = None) -> dict[str, Finding]:
    """The findings on evidence for the challenge under `SEED`, by criterion."""
    challenge = UNIT.challenge(exercise, SEED)
    return {f.criterion: f for f in UNIT.checks[exercise].judge(challenge, shown, references or {})}


@pytest.fixture
def in_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the solved scripts."""
    solved("contract").write_scripts(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ------------------------------------------------------------ scripts


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_for_mxnets_container_is_python_3_8(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 8))
    hints = [
        node.annotation for node in ast.walk(tree) if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation
    ]
    hints += [node.returns for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.returns]
    too_new = [
        h for h in map(ast.unparse, hints) if "|" in h or any(f"{kind}[" in h for kind in ("list", "dict", "tuple"))
    ]
    assert not too_new or "from __future__ import annotations" in script.read_text()
    zips = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "zip"]
    assert not [zip_.lineno for zip_ in zips if zip_.keywords]  # strict= came later


OF_OLD = """
import json, sys
import old_train
from sagemaker_mxnet_container.training_utils import save
folder, settings = sys.argv[1], json.loads(sys.argv[2])
channels = {name: f"{folder}/data/{name}" for name in ("train", "test")}
module = old_train.train(settings, channel_input_dirs=channels, num_gpus=0, hosts=["a"], current_host="a")
save(f"{folder}/old", module, "a", ["a"])
"""


@needs_mxnet
@pytest.mark.parametrize("tuned", [False, True])
def test_the_old_script_and_todays_train_the_same_network(in_scripts: Path, tuned: bool) -> None:
    given = UNIT.challenge("train", SEED).given
    for channel in ("train", "test"):
        (in_scripts / "data" / channel).mkdir(parents=True)
        np.savetxt(in_scripts / "data" / channel / "digits.csv", given[channel], fmt="%d", delimiter=",")
    (in_scripts / "old").mkdir()
    (in_scripts / "source" / "of_old.py").write_text(OF_OLD)
    settings = given["hyperparameters"] if tuned else {}
    arguments = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
    old = run_script(in_scripts / "source" / "of_old.py", [str(in_scripts), json.dumps(settings)], {}, in_scripts, 60)
    new = run_script(in_scripts / "source" / "train.py", arguments, {}, in_scripts, 60)
    assert (old.trouble, new.trouble) == (None, None)
    last = [ended.output.strip().rsplit("\n", 1)[-1] for ended in (old, new)]
    assert last[0] == last[1] and last[0].startswith("test accuracy=")
    for name in (artifacts.SYMBOL, artifacts.PARAMS, artifacts.SHAPES):
        assert (in_scripts / "old" / name).read_bytes() == (in_scripts / "model" / name).read_bytes(), name


# ------------------------------------------------------------ parse_args


def test_values_of_the_right_kind_only() -> None:
    given = UNIT.challenge("parse_args", SEED).given
    right = given["numbers"]
    for wrong in ({"epochs": float(right["epochs"])}, {"batch_size": str(right["batch_size"])}, {"epochs": True}):
        assert judged("parse_args", Record(numbers=right))["numbers"].met
        assert not judged("parse_args", Record(numbers={**right, **wrong}))["numbers"].met
    for wrong_widths in (
        str(given["hidden"]),
        [str(n) for n in given["hidden"]],
        given["hidden"][:2],
        [given["hidden"]],
    ):
        assert judged("parse_args", Record(hidden={"hidden": given["hidden"]}))["hidden"].met
        assert not judged("parse_args", Record(hidden={"hidden": wrong_widths}))["hidden"].met


def test_what_is_no_json_is_told_by_its_type() -> None:
    def parse_args(argv: list[str], env: dict[str, str]) -> argparse.Namespace:
        return argparse.Namespace(epochs=np.int64(5), hidden=(1, np.int32(2)), train=Path("data"), shuffle=object())

    shown = UNIT.checks["parse_args"].probe(parse_args, UNIT.challenge("parse_args", SEED).given)
    assert decode(encode(shown))["nothing"] == {"epochs": 5, "hidden": [1, 2], "train": "data", "shuffle": "a object"}


# ------------------------------------------------------------ train and distributed


@needs_mxnet
def test_a_script_that_never_ends_is_not_run_again(in_scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reference, runs = decode(evidence(solved("contract"), "train", SEED)), []

    def counted(*arguments: Any) -> Any:
        runs.append(arguments)
        return run_script(*arguments)

    monkeypatch.setattr(train, "run_script", counted)
    monkeypatch.setattr(train, "SECONDS", 2)
    (in_scripts / "source" / "train.py").write_text("import time\ntime.sleep(100)")
    shown = decode(encode(UNIT.checks["train"].probe("source/train.py", UNIT.challenge("train", SEED).given)))
    assert len(runs) == 1
    findings = judged("train", shown, reference)
    assert score(findings.values()) == 0
    assert findings["learnt"].got == "stopped after 2 s"


@needs_mxnet
@pytest.mark.parametrize("exercise", ["train", "distributed"])
def test_an_untouched_script_says_what_is_missing(exercise: str) -> None:
    shown, reference = (decode(evidence(form("contract"), exercise, SEED)) for form in (stubs, solved))
    findings = judged(exercise, shown, reference)
    assert score(findings.values()) == 0
    assert "NotImplementedError" in next(iter(findings.values())).got


@needs_mxnet
def test_a_host_that_never_ends_is_stopped(in_scripts: Path) -> None:
    script = in_scripts / "source" / "distributed.py"
    waits = "\n    if len(hosts) > 1:\n        import time\n        time.sleep(600)\n"
    marker = "    store = mx.kv.create("
    assert script.read_text().count(marker) == 1
    script.write_text(script.read_text().replace(marker, waits + marker))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("byom.checks.contract.distributed.TOGETHER", 4)
        shown = UNIT.checks["distributed"].probe("source/distributed.py", UNIT.challenge("distributed", SEED).given)
    assert isinstance(shown["one"], np.ndarray)
    assert shown["*"] == {"raised": "stopped after 4 s"}


def test_a_machine_without_mxnet_says_so_in_one_sentence(in_scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    reason = no_mxnet()
    assert reason is not None and "MXNet is not installed" in reason
    for exercise, learner in {
        "train": "source/train.py",
        "distributed": "source/distributed.py",
        "save_module": lambda module, model_dir: None,
        "save_block": lambda net, model_dir: None,
    }.items():
        shown = UNIT.checks[exercise].probe(learner, UNIT.challenge(exercise, SEED).given)
        assert shown == {"*": {"raised": reason}}, exercise


# ------------------------------------------------------------ thresholds


def changed(find: str, by: str) -> Work:
    """The solution with one text of its training script replaced."""
    right = solved("contract")
    text = right.text("source/train.py")
    assert text.count(find) == 1, find
    return right.having("source/train.py", text.replace(find, by))


FORGETS = changed(
    "    save(args.model_dir,", "    module.init_params(mx.init.Xavier(), force_init=True)\n    save(args.model_dir,"
)
NEAREST = changed("build_graph(args.hidden)", "build_graph([32])")


def check_thresholds(seeds: Iterable[int]) -> None:
    right, wrong, apart = [], [], []
    for seed in seeds:
        labels = UNIT.challenge("train", seed).withheld["labels"]
        shown, forgets, nearest = (
            decode(evidence(work, "train", seed)) for work in (solved("contract"), FORGETS, NEAREST)
        )
        right.append((shown["computed"].argmax(axis=1) == labels).mean())
        wrong.append((forgets["computed"].argmax(axis=1) == labels).mean())
        apart.append(abs(nearest["tuned"] - shown["tuned"]))
    print(
        f"LEARNT: worst that must pass {min(right):.3f}, best that must fail {max(wrong):.3f}; NEAR: {min(apart):.5f}"
    )
    assert max(wrong) < train.LEARNT < min(right)
    assert min(apart) > train.NEAR


@needs_mxnet
def test_two_runs_lie_on_their_sides() -> None:
    check_thresholds([1, 2])


@needs_mxnet
@pytest.mark.nightly
def test_twenty_runs_lie_on_their_sides() -> None:
    check_thresholds(range(20))
