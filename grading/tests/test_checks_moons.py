"""The checks of moons on what the bank can't say in one edit: numbers of a header, foreign sessions, slow scripts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byom.checks.criteria import Finding, score
from byom.checks.evidence import Evidence, Record, decode, encode
from byom.checks.moons import UNIT, requests, train
from byom.checks.process import run_script
from grading.bank.probing import evidence
from grading.bank.work import solved, stubs

WORK = solved("moons")
SEED = 4321


def judged(exercise: str, evidence: Mapping[str, Any]) -> dict[str, Finding]:
    check = UNIT.checks[exercise]
    return {f.criterion: f for f in check.judge(UNIT.challenge(exercise, SEED), evidence, {})}


def lost(findings: Mapping[str, Finding]) -> set[str]:
    return {key for key, finding in findings.items() if not finding.met}


@pytest.fixture
def in_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The solved scripts, below the working directory."""
    WORK.write_scripts(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("exercise", list(UNIT.checks))
def test_the_same_seed_gives_the_same_challenge_and_another_another(exercise: str) -> None:
    def plain(seed: int) -> str:
        with np.printoptions(threshold=10**6):
            return repr(UNIT.challenge(exercise, seed))

    assert plain(1) == plain(1) != plain(2)


@pytest.mark.parametrize("exercise", list(UNIT.checks))
def test_a_challenge_holds_no_answers(exercise: str) -> None:
    challenge = UNIT.challenge(exercise, SEED)
    for answer in challenge.withheld.values():
        assert not any(np.array_equal(answer, given) for given in challenge.given.values())
    if exercise == "train":
        assert challenge.withheld["labels"].mean() == pytest.approx(0.5)


# ------------------------------------------------------------ make_csv


def csv_evidence(lines: list[str], **others: str) -> dict[str, str]:
    text = "\n".join(lines)
    return {**dict.fromkeys(("plain", "folders", "column", "series", "again"), text), **others}


@pytest.fixture
def lines() -> list[str]:
    """The file as it should be."""
    given = UNIT.challenge("make_csv", SEED).given
    return [f"{label},{a!r},{b!r}" for label, (a, b) in zip(given["y"].tolist(), given["x"].tolist(), strict=True)]


def test_labels_in_reverse_are_other_labels() -> None:
    for seed in range(100):
        labels = UNIT.challenge("make_csv", seed).given["y"]
        assert (labels != labels[::-1]).any()


def test_a_file_as_it_should_be(lines: list[str]) -> None:
    assert not lost(judged("make_csv", csv_evidence(lines)))
    assert not lost(judged("make_csv", csv_evidence([line.replace(",", ".0,", 1) for line in lines])))
    assert not lost(judged("make_csv", csv_evidence([*lines, "", ""])))


@pytest.mark.parametrize("header", ["0,0,1", "label,x0,x1", "2,0.5,0.5"])
def test_a_header_of_numbers_is_a_header(lines: list[str], header: str) -> None:
    assert lost(judged("make_csv", csv_evidence([header, *lines]))) == {"no_header"}


def test_an_older_file_appended_to_is_no_header(lines: list[str]) -> None:
    assert lost(judged("make_csv", csv_evidence(lines, again="\n".join(["9,9,9", *lines])))) == {"replaces"}


def test_values_that_pandas_left_out(lines: list[str]) -> None:
    holes = "\n".join([lines[0].replace(lines[0].split(",")[0], "", 1), *lines[1:]])
    assert lost(judged("make_csv", csv_evidence(lines, series=holes))) == {"shuffled_series"}


def test_some_fault_in_an_unusual_situation_only(lines: list[str]) -> None:
    assert lost(judged("make_csv", {**csv_evidence(lines), "column": {"raised": "ValueError: no"}})) == {
        "column_vector"
    }


# ------------------------------------------------------------ train


def test_a_log_is_read_line_by_line() -> None:
    said = ["hello", "epoch 0 loss 0.6931", "Epoch 1 loss 0.1", "epoch 2 loss nan", " epoch 3 loss 0.2", "epoch 4 loss"]
    log = "\n".join([*said, "epoch 10 loss 2.5e-05\r", ""])
    assert train._losses(Evidence({"log": log})) == [(0, 0.6931), (10, 2.5e-05)]


def test_a_script_that_is_not_there_is_named_and_costs_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "run_script", lambda *_: pytest.fail("nothing to run"))
    findings = judged("train", UNIT.checks["train"].probe("source/train.py", UNIT.challenge("train", SEED).given))
    assert {finding.got for finding in findings.values()} == {"there is no file source/train.py"}


def test_a_script_that_never_ends_is_not_run_twice(in_scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []

    def impatient(script: Path, arguments: list[str], variables: dict[str, str], folder: Path, seconds: float) -> Any:
        runs.append(arguments)
        return run_script(script, arguments, variables, folder, seconds=1)

    monkeypatch.setattr(train, "run_script", impatient)
    (in_scripts / "source" / "train.py").write_text("import time\ntime.sleep(100)")
    shown = UNIT.checks["train"].probe("source/train.py", UNIT.challenge("train", SEED).given)
    assert len(runs) == 1
    findings = judged("train", decode(encode(shown)))
    assert score(findings.values()) == 0
    assert findings["learnt"].got == "stopped after 1 s"


def test_a_csv_with_nan_stops_training_with_its_line(in_scripts: Path) -> None:
    (in_scripts / "data").mkdir()
    (in_scripts / "data" / "train.csv").write_text("1,0.5,0.5\n0,nan,0.1\n")
    ended = run_script(in_scripts / "source" / "train.py", ["--epochs", "1"], {}, in_scripts, seconds=30)
    assert ended.code == 1
    assert "data/train.csv, line 2 holds something that is not a number" in (ended.trouble or "")


def test_an_untouched_script_says_what_is_missing() -> None:
    findings = judged("train", decode(evidence(stubs("moons"), "train", SEED)))
    assert score(findings.values()) == 0
    assert "NotImplementedError" in findings["learnt"].got


# ------------------------------------------------------------ SimpleNet and predict_fn


def test_challenges_turn_with_the_seed() -> None:
    one, two = (UNIT.challenge("SimpleNet", seed).withheld for seed in (1, 2))
    for key in ("side", "squares"):
        assert 0.3 < one[key].mean() < 0.7
        assert 0.3 < (one[key] == two[key]).mean() < 0.7


def test_the_network_that_predict_fn_gets_drops_out_in_training_mode() -> None:
    given = UNIT.challenge("predict_fn", SEED).given
    right = decode(evidence(WORK, "predict_fn", SEED))
    wrong = WORK.having("source/predict.py", WORK.text("source/predict.py").replace("model.eval()", "model.train()"))
    other = decode(evidence(wrong, "predict_fn", SEED))
    assert right["float32"].shape == (len(given["x"]), 1)
    assert np.abs(right["float32"] - other["float32"]).max() > 0.1


# ------------------------------------------------------------ make_estimator and make_model


def test_a_job_for_another_session_is_never_asked_for(in_scripts: Path) -> None:
    class Described:
        """Describes itself with a session of its own, that somebody pays for."""

        sagemaker_session = object()
        model_data = "s3://bucket/model.tar.gz"

        def fit(self, *_: object, **__: object) -> None:
            pytest.fail("a job was started in somebody's account")

        create = fit

    for exercise in ("make_estimator", "make_model"):
        given = UNIT.challenge(exercise, SEED).given
        shown = UNIT.checks[exercise].probe(lambda *_: Described(), given)
        findings = judged(exercise, shown)
        assert score(findings.values()) == 0
        assert "does not use the session" in findings["asks"].got


@pytest.mark.parametrize("exercise", ["make_estimator", "make_model"])
@pytest.mark.parametrize("returned", [None, 3, "a string"])
def test_what_describes_nothing_scores_nothing(exercise: str, returned: object) -> None:
    shown = UNIT.checks[exercise].probe(lambda *_: returned, UNIT.challenge(exercise, SEED).given)
    findings = judged(exercise, shown)
    assert score(findings.values()) == 0
    assert "AttributeError" in findings["asks"].got


def test_a_hyperparameter_that_is_no_text_convinces_nobody() -> None:
    given = UNIT.challenge("make_estimator", SEED).given
    sent = {"RoleArn": given["role"], "HyperParameters": {"epochs": [1], "hidden_dim": {}, "input_dim": None}}
    findings = judged("make_estimator", Record(request=sent))
    assert findings["asks"].met and not findings["hyperparameters"].met


def test_either_kind_of_machine_has_the_right_container() -> None:
    for uri, right in {
        "763.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6.0-cpu-py312": True,
        "763.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6.0-gpu-py312-cu126": True,
        "763.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6.0-cpu-py311": False,
        "763.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0-cpu-py312": False,
        "": False,
    }.items():
        assert requests._image("training", uri) is right
