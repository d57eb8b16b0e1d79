"""The serving side of contract's checks, on what the bank can't say in one edit."""

import json
import tarfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from byom.checks.contract import UNIT, handler
from byom.checks.contract.handler import FEW
from byom.checks.criteria import Exhibits, Finding, score
from byom.checks.evidence import Evidence, decode
from byom.checks.serving import CSV, JSON, NPY
from grading.bank.probing import evidence
from grading.bank.work import Work, solved, stubs

WORK = solved("contract")
SEED = 4321
SERVING = ("serve", "transform_fn")
HOSTING = ("host_finished_job", "host_archive")


def judged(exercise: str, shown: Mapping[str, Any]) -> dict[str, Finding]:
    check = UNIT.checks[exercise]
    return {f.criterion: f for f in check.judge(UNIT.challenge(exercise, SEED), shown, {})}


def lost(findings: Mapping[str, Finding]) -> set[str]:
    return {key for key, finding in findings.items() if not finding.met}


def shown_by(work: Work, exercise: str) -> dict[str, Any]:
    return decode(evidence(work, exercise, SEED))


@pytest.mark.parametrize("exercise", [*SERVING, "pack_model", *HOSTING])
def test_the_same_seed_gives_the_same_challenge_and_another_another(exercise: str) -> None:
    def plain(seed: int) -> str:
        with np.printoptions(threshold=10**6):
            return repr(UNIT.challenge(exercise, seed))

    assert plain(1) == plain(1) != plain(2)


# ------------------------------------------------------------ requests and answers


@pytest.fixture
def pixels() -> np.ndarray:
    return UNIT.challenge("serve", SEED).given["pixels"]


def test_every_type_has_each_kind_of_good_and_hostile_request(pixels: np.ndarray) -> None:
    good, hostile = handler.good_requests(pixels), handler.hostile_requests(pixels)
    for kind in (JSON, CSV, NPY):
        assert {f"{kind}, {size}" for size in handler.ROWS} <= set(good)
        assert sum(name.startswith(f"shape {kind}") for name in hostile) == 2
        assert sum(name.startswith(f"body {kind}") for name in hostile) >= 2


def test_probabilities_are_neither_even_nor_certain(pixels: np.ndarray) -> None:
    for exercise in SERVING:
        right = handler.probabilities(UNIT.challenge(exercise, SEED).given)
        assert right.shape[1] == 10 and np.allclose(right.sum(axis=1), 1)
        assert 0.2 < right.max(axis=1).mean() < 0.95
        raw = handler.probabilities({**UNIT.challenge(exercise, SEED).given, "pixels": pixels * 16})
        assert (
            np.abs(raw - handler.probabilities({**UNIT.challenge(exercise, SEED).given, "pixels": pixels})).max() > 0.1
        )


def exhibits(**shown: Any) -> Exhibits:
    return Exhibits(UNIT.challenge("serve", SEED), Evidence(shown), Evidence({}))


def test_three_digits_are_enough_and_two_are_not() -> None:
    right = handler.probabilities(UNIT.challenge("serve", SEED).given)
    for digits, met in ((3, True), (2, False)):
        assert handler.answered(exhibits(**{f"{JSON}, {FEW}": right.round(digits)}), [f"{JSON}, {FEW}"]).met is met


def test_a_refusal_needs_its_status_and_a_message(pixels: np.ndarray) -> None:
    names = [name for name in handler.hostile_requests(pixels) if name.startswith("type")]
    for status, message, met in ((415, "no", True), (415, " ", False), (500, "no", False), ("415", "no", False)):
        shown = {name: {"status": status, "message": message} for name in names}
        assert handler.refused(exhibits(**shown), "type", 415).met is met


def test_nothing_is_said_of_the_bodies_of_a_type_that_is_not_read() -> None:
    right = handler.probabilities(UNIT.challenge("serve", SEED).given)
    names = handler.hostile_requests(UNIT.challenge("serve", SEED).given["pixels"])
    shown: dict[str, Any] = {f"{JSON}, {FEW}": right}
    shown |= {name: {"status": 400 if JSON in name else 415, "message": "no"} for name in names}
    assert handler.refused(exhibits(**shown), "body", 400).met
    assert not handler.refused(exhibits(**shown, **{f"{CSV}, {FEW}": right}), "body", 400).met


# ------------------------------------------------------------ serving scripts


@pytest.mark.parametrize(
    ("exercise", "said"), [("serve", "NotImplementedError"), ("transform_fn", "status 500: NotImplementedError")]
)
def test_an_untouched_script_says_what_is_missing(exercise: str, said: str) -> None:
    findings = judged(exercise, shown_by(stubs("contract"), exercise))
    assert score(findings.values()) == 0
    assert said in findings["json"].got


def test_what_a_serving_script_says_reaches_its_writer() -> None:
    text = WORK.text("source/serve.py").replace("data / 16", "data / sixteen")
    findings = judged("serve", shown_by(WORK.having("source/serve.py", text), "serve"))
    assert "status 500: NameError: name 'sixteen' is not defined" in findings["json"].got


def test_a_script_with_both_kinds_of_functions_is_told_why_it_does_not_start() -> None:
    text = WORK.text("source/transform.py") + "\n\ndef predict_fn(data, model):\n    return data\n"
    findings = judged("transform_fn", shown_by(WORK.having("source/transform.py", text), "transform_fn"))
    assert "Cannot use transform_fn implementation in conjunction with" in findings["json"].got


# ------------------------------------------------------------ pack_model


def test_an_archive_with_a_wrong_member_is_told_by_the_members_name() -> None:
    def links(model_dir: str, code_dir: str, archive: str) -> None:
        with tarfile.open(archive, "w:gz") as tar:
            member = tarfile.TarInfo("code")
            member.type, member.linkname = tarfile.SYMTYPE, code_dir
            tar.addfile(member)

    check = UNIT.checks["pack_model"]
    findings = judged("pack_model", check.probe(links, UNIT.challenge("pack_model", SEED).given))
    assert score(findings.values()) == 0
    assert '"code" is a link' in findings["scripts"].got


# ------------------------------------------------------------ host_finished_job and host_archive


@pytest.mark.parametrize("exercise", HOSTING)
def test_what_another_session_is_asked_reaches_nobody(exercise: str) -> None:
    def elsewhere(*_: object) -> None:
        import boto3

        boto3.Session().client("sagemaker").create_endpoint(EndpointName="mine", EndpointConfigName="mine")

    given = UNIT.challenge(exercise, SEED).given
    findings = judged(exercise, UNIT.checks[exercise].probe(elsewhere, given))
    assert score(findings.values()) == 0
    assert "the session that the function was given was asked for nothing" in findings["hosts"].got
    assert "127.0.0.1:9" in findings["hosts"].got


@pytest.mark.parametrize("exercise", HOSTING)
@pytest.mark.parametrize("returned", [None, 3, "an-endpoint"])
def test_what_hosts_nothing_scores_nothing(exercise: str, returned: object) -> None:
    given = UNIT.challenge(exercise, SEED).given
    findings = judged(exercise, UNIT.checks[exercise].probe(lambda *_: returned, given))
    assert score(findings.values()) == 0


def test_a_request_of_odd_types_convinces_nobody() -> None:
    given = UNIT.challenge("host_archive", SEED).given
    asked: dict[str, Any] = {
        "CreateModel": {
            "ExecutionRoleArn": given["role"],
            "PrimaryContainer": {"ModelDataUrl": given["model_data"], "Environment": [1], "Image": 3},
        },
        "CreateEndpointConfig": {"ProductionVariants": "one"},
        "uploads": {},
        "downloads": [],
    }
    findings = judged("host_archive", json.loads(json.dumps({"asked": asked})))
    assert lost(findings) == {"script", "endpoint"}
