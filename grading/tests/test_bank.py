"""Grading the graders, and what must hold of the bank itself and of every check in it."""

import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byom.checks.criteria import score
from byom.checks.evidence import decode
from byom.checks.unit import available_units, unit
from grading import bank, sandbox
from grading.autograders import autograder
from grading.bank import cases as entries
from grading.bank import demonstration, probing
from grading.bank.attacks import Attack, attacks, attacks_on_all, own_attacks
from grading.bank.cases import BadBank, Case, alternatives, cases, mutants
from grading.bank.classes import grade_all
from grading.bank.demonstration import demonstration_class
from grading.bank.probing import Judged, evidence, judge_all, judged
from grading.bank.work import solved, stubs
from grading.run import InstructorError

UNITS = available_units()
EXERCISES = [(name, check.name) for name in UNITS for check in unit(name)]

in_one_process = pytest.mark.xdist_group("bank")


@pytest.fixture(scope="module")
def seed() -> int:
    """The private seed of this run; shown when a test fails."""
    seed = secrets.randbits(31)
    print(f"private seed {seed}")
    return seed


# ------------------------------------------------------------ the graders on the bank


@in_one_process
@pytest.mark.parametrize("name", UNITS)
def test_wrong_answers_lose_exactly_what_they_should_and_right_ones_nothing(name: str, seed: int) -> None:
    every = cases(name)
    wrong = [case for case in every if case.kind == "mutant"]
    drawn = np.random.default_rng(seed).permutation(len(wrong))[: len(wrong) // 2]
    _are_judged_rightly([case for case in every if case.kind != "mutant"] + [wrong[i] for i in drawn], seed)


@pytest.mark.nightly
@in_one_process
@pytest.mark.parametrize("name", UNITS)
def test_every_wrong_answer_loses_exactly_what_it_should(name: str, seed: int) -> None:
    _are_judged_rightly(mutants(name), seed)


def _are_judged_rightly(chosen: list[Case], seed: int) -> None:
    offences = [judged.offence for judged in judge_all(chosen, seed, 2) if not judged.right]
    assert not offences, "\n".join(offences)


@in_one_process
@pytest.mark.parametrize("name", UNITS)
def test_attacks_gain_nothing_and_mishaps_cost_nothing(name: str, seed: int) -> None:
    _withstands(name, [*_dealt(attacks_on_all(), name, seed), *own_attacks(name)], seed)


@pytest.mark.nightly
@in_one_process
@pytest.mark.parametrize("name", UNITS)
def test_every_attack_on_every_unit(name: str, seed: int) -> None:
    _withstands(name, attacks(name), seed)


def _dealt(cards: list[Attack], name: str, seed: int) -> list[Attack]:
    """The unit's share: each attack goes to one unit, to another one in another run."""
    shuffled = np.random.default_rng(seed).permutation(len(cards))
    return [cards[i] for i in sorted(shuffled[UNITS.index(name) :: len(UNITS)])]


def _withstands(name: str, made: list[Attack], seed: int) -> None:
    if why := sandbox.missing():
        pytest.skip(why)
    wrong = [(g.attack.name, *g.wrong) for g in grade_all(made, name, seed, 2) if not g.right]
    assert not wrong, "\n".join(map(str, wrong))


# ------------------------------------------------------------ the bank itself


@pytest.mark.parametrize("name", UNITS)
def test_every_criterion_has_a_mutant_that_it_alone_catches(name: str) -> None:
    alone = {(case.exercise, *case.roots) for case in mutants(name) if len(case.roots) == 1 and not case.may_lose}
    missing = [(check.name, c.key) for check in unit(name) for c in check.criteria if (check.name, c.key) not in alone]
    assert not missing


@pytest.mark.parametrize("name", UNITS)
def test_the_bank_is_not_small(name: str) -> None:
    assert len(mutants(name)) >= 24
    assert len({case.name for case in alternatives(name)}) - 1 >= 8
    assert {case.exercise for case in alternatives(name) if case.name != "the solution"} == set(unit(name).checks)


@pytest.mark.parametrize("name", UNITS)
def test_no_two_wrong_answers_are_alike_and_none_is_the_solution(name: str) -> None:
    works = [(case.exercise, str(case.work)) for case in mutants(name)]
    assert len(set(works)) == len(works)
    assert str(solved(name)) not in {work for _, work in works}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"edits": [["no such text", ""]], "loses": ["rows"]}, "stands 0 times"),
        ({"edits": [["import", ""]], "loses": ["rows"], "file": "source/train.py"}, "times in source/train.py"),
        ({"edits": [["index=False", ""]], "loses": ["nothing"]}, "loses ['nothing']"),
        ({"edits": [["index=False", ""]], "loses": []}, "loses []"),
    ],
)
def test_an_entry_that_says_something_impossible_is_refused(
    entry: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"name": "odd", **entry}.items()]
    (tmp_path / "moons").mkdir()
    (tmp_path / "moons" / "mutants.toml").write_text("\n".join(["[[make_csv]]", *lines]))
    monkeypatch.setattr(entries, "HERE", tmp_path)
    with pytest.raises(BadBank) as refused:
        mutants("moons")
    assert said in str(refused.value) and "odd" in str(refused.value)


def test_a_grader_that_errs_is_told_by_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    right = Case("moons", "make_csv", "alternative", "the solution", solved("moons"))
    called_wrong = Case("moons", "make_csv", "mutant", "fine", solved("moons"), frozenset({"rows"}))
    called_right = Case("moons", "make_csv", "alternative", "nothing done", stubs("moons"))

    def judge_here(chosen: list[Case], seed: int, workers: int) -> Iterator[Judged]:
        return (judged(case, evidence(case.work, case.exercise, seed), seed, {}) for case in chosen)

    monkeypatch.setattr(probing, "judge_all", judge_here)  # without worker processes
    monkeypatch.setattr(entries, "cases", lambda name: [right, called_wrong, called_right])
    assert bank.run("moons", attacks=False) == 1
    printed = capsys.readouterr().out
    assert f"✗ {called_wrong}: should lose" in printed and f"✗ {called_right}: should lose nothing" in printed
    assert "true positives   0.0%   0 of 1" in printed and "true negatives  50.0%   1 of 2" in printed
    monkeypatch.setattr(entries, "cases", lambda name: [right])
    assert bank.run("moons", attacks=False) == 0
    assert "✗" not in capsys.readouterr().out


# ------------------------------------------------------------ what no evidence may do


@pytest.fixture(scope="module", params=UNITS)
def two_runs(request: pytest.FixtureRequest) -> tuple[str, dict[int, Mapping[str, str]]]:
    """A unit, and the evidence of its solutions under two private seeds."""
    name = request.param
    return name, {s: {c.name: evidence(solved(name), c.name, s) for c in unit(name)} for s in (101, 202)}


@in_one_process
def test_the_solution_scores_full_under_its_own_challenge(two_runs) -> None:
    name, shown = two_runs
    findings = autograder(name).judge(101, shown[101], {})
    assert {e: score(f) for e, f in findings.items()} == {c.name: c.points for c in unit(name)}


@in_one_process
def test_evidence_of_another_challenge_scores_nothing(two_runs) -> None:
    name, shown = two_runs
    findings = autograder(name).judge(101, shown[202], {})
    assert {exercise: score(found) for exercise, found in findings.items()} == dict.fromkeys(unit(name).checks, 0.0)


@in_one_process
@pytest.mark.parametrize("value", [0.0, 1.0, float("nan"), -1e30])
def test_constant_evidence_scores_nothing(two_runs, value: float) -> None:
    name, shown = two_runs
    for check in unit(name):
        given = unit(name).challenge(check.name, 101)
        forged = {
            key: np.full(v.shape, value, v.dtype if v.dtype.kind == "f" else "float64")
            if isinstance(v, np.ndarray)
            else "1,2,3\n" * 8
            if isinstance(v, str) and "\n" in v
            else v
            for key, v in decode(shown[202][check.name]).items()
        }
        found = check.judge(given, forged, autograder(name).references(101).get(check.name, {}))
        assert score(found) == 0, check.name


@in_one_process
def test_no_evidence_makes_a_judge_raise(two_runs) -> None:
    name, shown = two_runs
    junk: list[Any] = [
        None,
        True,
        -1,
        1e308,
        "x",
        "1,2\n3",
        [],
        [[]],
        [None],
        {},
        {"raised": 3},
        np.zeros(0),
        np.zeros((2, 3, 4)),
    ]
    for check in unit(name):
        given = unit(name).challenge(check.name, 101)
        keys = [*decode(shown[101][check.name]), "*", "nonsense"]
        for value in junk:
            found = check.judge(given, dict.fromkeys(keys, value), autograder(name).references(101).get(check.name, {}))
            assert [f.criterion for f in found] == [c.key for c in check.criteria]
            assert score(found) == 0
            assert all(isinstance(f.got, str) and len(f.got) < 1000 for f in found)


# ------------------------------------------------------------ the demonstration class


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", UNITS)
def test_the_demonstration_class_is_a_class_and_always_the_same(name: str, tmp_path: Path) -> None:
    demonstration_class(name, tmp_path / "one")
    demonstration_class(name, tmp_path / "two")
    assert _files(tmp_path / "one") == _files(tmp_path / "two")
    students = sorted(path.name for path in (tmp_path / "one").iterdir() if path.is_dir())
    assert students == sorted(demonstration.NAMES)
    assert any(" " in student for student in students) and any(not student.isascii() for student in students)
    assert len({str(_files(tmp_path / "one" / student)) for student in students}) > 8


def test_a_class_of_any_size(tmp_path: Path) -> None:
    demonstration_class("moons", tmp_path / "class", size=15)
    assert len([path for path in (tmp_path / "class").iterdir() if path.is_dir()]) == 15
    demonstration_class("moons", tmp_path / "class", size=2)
    assert len([path for path in (tmp_path / "class").iterdir() if path.is_dir()]) == 2


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InstructorError, match="holds something else"):
        demonstration_class("moons", tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
