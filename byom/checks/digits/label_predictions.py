"""`label_predictions`: the endpoint's answer, in words."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.digits.refusal import refusal
from byom.checks.evidence import BadEvidence, Record, shown

MALFORMED = ("nine", "eleven", "text", "null")


class LabelPredictions(Check):
    """`label_predictions`: the endpoint's answer, in words."""

    name = "label_predictions"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Answers for one drawing and for several; no two probabilities of a row are alike."""
        rows = [_row(rng) for _ in range(int(rng.integers(4, 8)))]
        one, *many = rows
        nine, eleven = many[0][:9], [*many[0], float(rng.uniform())]
        text, null = [*many[0][:4], "likely", *many[0][5:]], [*many[0][:7], None, *many[0][8:]]
        malformed = zip(MALFORMED, (nine, eleven, text, null), strict=True)
        return Challenge({"one": [one], "many": many, **{name: [many[1], row] for name, row in malformed}})

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The pairs, their types, and what becomes of rows that are no ten numbers."""
        record = Record()
        for name in ("one", "many"):
            answer = record.attempt(name, lambda name=name: learner(_copy(given[name])))  # type: ignore[misc]
            if answer is not None:
                record.attempt(f"types of {name}", lambda answer=answer: _types(answer))  # type: ignore[misc]
                record.attempt(name, lambda answer=answer: _numbers(answer))  # type: ignore[misc]
        for name in MALFORMED:
            record[name] = refusal(lambda name=name: learner(_copy(given[name])))  # type: ignore[misc]
        return record

    @criterion(
        1,
        "Each digit comes with its probability",
        "The first number of a row belongs to the digit 0. Print the pairs of one row.",
    )
    def pairs(self, seen: Exhibits) -> Outcome:
        """Ten pairs for the one drawing, in any order."""
        return _same(seen, "one")

    @criterion(
        1,
        "Each drawing has a list of its own",
        "The answer for five drawings has five rows. What do you return for them?",
        rests_on="pairs",
    )
    def many(self, seen: Exhibits) -> Outcome:
        """Ten pairs for each of several drawings, in any order, drawing after drawing."""
        return _same(seen, "many")

    @criterion(
        1,
        "The most likely digit comes first",
        "By what are the pairs sorted, and in which direction?",
        rests_on="pairs",
    )
    def order(self, seen: Exhibits) -> Outcome:
        """Probabilities that fall from pair to pair."""
        found = [probability for _, probability in _pairs(seen, "one")[0]]
        return expect(found == sorted(found, reverse=True), "probabilities that fall", _told(found))

    @criterion(
        1,
        "Digits are int and probabilities float, as in Python",
        "Look at type(…) of both. Would json.dumps take them?",
        rests_on="pairs",
    )
    def plain(self, seen: Exhibits) -> Outcome:
        """The types of all numbers; numpy's float64 is a float of Python's as well."""
        found = {kind for name in ("one", "many") for kind in seen.evidence.items(f"types of {name}")}
        return expect(found == {"int, float"}, "int, float", "; ".join(sorted(map(str, found))))

    @criterion(
        1,
        "A row that is too short or too long is a ValueError",
        "Which digit would be missing, and who would notice?",
        rests_on="pairs",
    )
    def ten(self, seen: Exhibits) -> Outcome:
        """An answer with a second row of nine numbers, and one of eleven."""
        return _all_refused(seen, {"nine": "a row of nine numbers", "eleven": "a row of eleven numbers"})

    @criterion(
        1,
        "A row that holds something else than numbers is a ValueError",
        "An answer may come from another model than you think. What can JSON hold beside numbers?",
        rests_on="pairs",
    )
    def numbers(self, seen: Exhibits) -> Outcome:
        """An answer with a text in its second row, and one with a null."""
        return _all_refused(seen, {"text": "a row with a text in it", "null": "a row with a None in it"})


def _row(rng: np.random.Generator) -> list[float]:
    """Ten probabilities, as a model gives them: some large, most small, no two alike."""
    powers = np.exp(rng.normal(scale=2, size=10))
    return [round(float(p), 9) for p in powers / powers.sum()]


def _copy(response: Any) -> Any:
    return [list(row) for row in response]


def _numbers(answer: Any) -> list[list[list[float]]]:
    """The answer's pairs as JSON, whatever kinds of numbers and sequences they are."""
    found = [[[int(digit), float(probability)] for digit, probability in pairs] for pairs in answer]
    if not all(math.isfinite(probability) for pairs in found for _, probability in pairs):
        raise ValueError("NaN or infinity among the probabilities")
    return found


def _types(answer: Any) -> list[str]:
    """Which types its pairs have."""
    kinds = (
        (type(digit).__name__, "float" if isinstance(probability, float) else type(probability).__name__)
        for pairs in answer
        for digit, probability in pairs
    )
    return sorted({", ".join(kind) for kind in kinds})


def _pairs(seen: Exhibits, name: str) -> list[list[tuple[int, float]]]:
    """The pairs of each drawing, as they were returned."""
    wanted = f"a list of ten pairs for each of {len(seen.challenge.given[name])}"
    found = seen.evidence.items(name, wanted)
    try:
        return [[(int(digit), float(probability)) for digit, probability in pairs] for pairs in found]
    except (TypeError, ValueError):
        raise BadEvidence(wanted, shown(found)) from None


def _same(seen: Exhibits, name: str) -> Outcome:
    """Whether each drawing has its ten pairs, in any order."""
    wanted, found = seen.challenge.given[name], _pairs(seen, name)
    if len(found) != len(wanted):
        return expect(False, f"{len(wanted)} lists of pairs", f"{len(found)}")
    for row, pairs in zip(wanted, found, strict=True):
        met = [digit for digit, _ in sorted(pairs)] == list(range(10))
        if not met or not np.allclose([probability for _, probability in sorted(pairs)], row, rtol=0, atol=1e-4):
            return expect(False, _told(list(enumerate(row))), _told(pairs))
    return expect(True, "ten pairs", "ten pairs")


def _all_refused(seen: Exhibits, rows: Mapping[str, str]) -> Outcome:
    for name, words in rows.items():
        kind = seen.evidence.mapping(name).get("kind")
        if kind != "ValueError":
            return expect(False, f"a ValueError for {words}", str(kind) if kind else "no error")
    return expect(True, "a ValueError for each", "a ValueError for each")


def _told(values: list[Any]) -> str:
    """The first few, for a table."""
    told = (f"({v[0]}, {v[1]:.4f})" if isinstance(v, tuple) else f"{v:.4f}" for v in values[:4])
    return ", ".join(told) + (" …" if len(values) > 4 else "")
