"""The checks of drawings and labels in the digits unit, on what the bank can't say in one edit."""

import statistics
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image

from byom.checks.criteria import Finding, score
from byom.checks.digits import UNIT
from byom.checks.digits.pictures import alike, box, correlation, laid_over, measured, sides, softness
from byom.checks.digits.preprocess_drawing import PLAIN
from byom.checks.digits.refusal import refusal
from byom.checks.evidence import decode, encode
from grading.bank.probing import evidence
from grading.bank.work import Work, solved

WORK = solved("digits")
SEED = 4321
DRAWING, LABELS = UNIT.checks["preprocess_drawing"], UNIT.checks["label_predictions"]
SEEDS = range(100, 110)


def judged(exercise: str, shown: Mapping[str, Any], seed: int = SEED) -> dict[str, Finding]:
    check = UNIT.checks[exercise]
    return {f.criterion: f for f in check.judge(UNIT.challenge(exercise, seed), shown, {})}


def lost(findings: Mapping[str, Finding]) -> set[str]:
    return {key for key, finding in findings.items() if not finding.met}


def lost_by(function: Callable[..., Any], exercise: str, seed: int = SEED) -> set[str]:
    given = UNIT.challenge(exercise, seed).given
    return lost(judged(exercise, decode(encode(UNIT.checks[exercise].probe(function, given))), seed))


def answered(exercise: str) -> Callable[..., Any]:
    namespace: dict[str, Any] = {"np": np, "Image": Image}
    exec(WORK.text(exercise), namespace)
    return namespace[exercise]


def edited(exercise: str, find: str, by: str) -> Work:
    assert WORK.text(exercise).count(find) == 1
    return WORK.having(exercise, WORK.text(exercise).replace(find, by))


@pytest.mark.parametrize("exercise", ["preprocess_drawing", "label_predictions"])
def test_a_seed_gives_one_challenge_that_fits_through_the_codec(exercise: str) -> None:
    first, again, other = (encode(UNIT.challenge(exercise, seed).given) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) < 2_000_000


# ------------------------------------------------------------ drawings


@pytest.mark.parametrize("seed", SEEDS)
def test_drawings_are_out_of_balance_and_still_fit_the_picture(seed: int) -> None:
    """The middle of the box is not good enough, and the box of 20 has room where its mass belongs."""
    given = UNIT.challenge("preprocess_drawing", seed).given
    offs = []
    for name in PLAIN:
        ink = box(given[name])
        middle, _ = measured(ink)
        off = (middle - (np.array(ink.shape) - 1) / 2) * 20 / max(ink.shape)
        assert np.abs(off).max() < 4  # of the margin of 4 pixels
        offs.append(np.abs(off).max())
    assert max(offs) > 2.4
    assert {(len(box(given[n])) > box(given[n]).shape[1]) for n in PLAIN} == {True, False}
    assert max(box(given["small 3"]).shape) < 15 and max(box(given["large 2"]).shape) > 280


@pytest.mark.parametrize("filter_", ["BOX", "BILINEAR", "HAMMING", "BICUBIC", "LANCZOS"])
def test_every_filter_that_averages_will_do(filter_: str) -> None:
    work = edited("preprocess_drawing", "Resampling.BOX", f"Resampling.{filter_}")
    for seed in SEEDS:
        assert not lost(judged("preprocess_drawing", decode(evidence(work, "preprocess_drawing", seed)), seed)), seed


@pytest.mark.parametrize("middle", ["14", "13.75"])
def test_the_middle_may_be_between_two_pixels_or_on_one(middle: str) -> None:
    text = WORK.text("preprocess_drawing").replace("13.5", middle)
    work = WORK.having("preprocess_drawing", text)
    for seed in SEEDS:
        assert not lost(judged("preprocess_drawing", decode(evidence(work, "preprocess_drawing", seed)), seed)), seed


def test_the_measures_tell_place_and_size_to_parts_of_a_pixel() -> None:
    drawing = np.zeros((100, 60), "uint8")
    drawing[10:90, 20:40] = 255
    picture = np.zeros((28, 28))
    picture[3:23, 5:10] = 1
    (row, column), _ = measured(picture)
    assert (row, column) == (12.5, 7)
    assert sides(drawing, picture) == pytest.approx([20, 5], rel=0.02)
    assert correlation(laid_over(drawing, picture), picture) > 0.99
    assert alike(picture, np.roll(picture, (1, -1), (0, 1))) == pytest.approx(1)
    assert alike(picture, np.roll(picture, (3, 0), (0, 1))) < 0.9
    assert softness(picture) == 0 and softness(picture / 2 + np.roll(picture, 1, 0) / 2) > 0


def blob(pixels: np.ndarray) -> np.ndarray:
    """A picture that looks right by every number and shows nothing of the drawing."""
    if np.ndim(pixels) != 2 or not np.nansum(pixels) or np.isnan(pixels).any():
        raise ValueError("not this one")
    high, wide = box(pixels).shape
    rows, columns = (np.clip(10 * n / max(high, wide) - abs(np.arange(28) - 13.5) + 0.5, 0, 1) for n in (high, wide))
    return np.outer(rows, columns).astype("float32")


@pytest.mark.parametrize(
    "forged",
    [
        blob,
        lambda pixels: np.full((28, 28), np.nan, "float32"),
        lambda pixels: np.zeros((28, 28), "float32"),
        lambda pixels: np.random.default_rng(0).uniform(size=(28, 28)).astype("float32"),
        lambda pixels: np.zeros(10**7, "float32"),
        lambda pixels: np.array(["ink"] * 784, dtype=object).reshape(28, 28),
        lambda pixels: "a picture",
        lambda pixels: None,
    ],
    ids=["blob", "NaN", "nothing", "noise", "huge", "objects", "text", "None"],
)
def test_what_shows_nothing_of_the_drawing_scores_nothing(forged: Callable[..., Any]) -> None:
    given = UNIT.challenge("preprocess_drawing", SEED).given
    shown = decode(encode(DRAWING.probe(forged, given)))
    assert score(judged("preprocess_drawing", shown).values()) == 0


def test_lists_and_tensors_are_pictures_too() -> None:
    right = answered("preprocess_drawing")
    assert lost_by(lambda pixels: right(pixels).tolist(), "preprocess_drawing") == {"kind"}  # of float64
    torch = pytest.importorskip("torch")
    assert not lost_by(lambda pixels: torch.tensor(right(pixels)), "preprocess_drawing")


def test_a_drawing_changed_in_place_harms_nobody() -> None:
    right = answered("preprocess_drawing")

    def careless(pixels: np.ndarray) -> np.ndarray:
        picture = right(pixels)
        pixels[...] = 0
        return picture

    assert not lost_by(careless, "preprocess_drawing")


# ------------------------------------------------------------ refusals


def test_an_error_counts_as_meant_when_the_learner_raised_it() -> None:
    def own() -> None:
        raise ValueError("nothing is drawn")

    class Own(ValueError):
        pass

    def of_a_kind() -> None:
        try:
            np.zeros(0).min()
        except ValueError:
            raise Own("nichts gezeichnet") from None

    for step in (own, of_a_kind):
        assert refusal(step)["kind"] == "ValueError" and refusal(step)["raised on purpose"]
    accidents: list[Callable[[], Any]] = [
        lambda: np.zeros(0).min(),
        lambda: max([]),
        lambda: statistics.mean([]),
        lambda: int(float("nan")),
        lambda: Image.new("L", (3, 3)).resize((0, 3)),
    ]
    for step in accidents:
        assert refusal(step)["kind"] == "ValueError" and not refusal(step)["raised on purpose"]
    assert refusal(lambda: None) == {"kind": None}
    assert refusal(lambda: next(iter([])))["kind"] == "StopIteration"


# ------------------------------------------------------------ labels


@pytest.mark.parametrize(
    "unusual",
    [
        lambda right, response: tuple(tuple(pairs) for pairs in right(response)),
        lambda right, response: [[[d, p] for d, p in pairs] for pairs in right(response)],
        lambda right, response: [[(d, round(p, 6)) for d, p in pairs] for pairs in right(response)],
        lambda right, response: [[(d, np.float64(p)) for d, p in pairs] for pairs in right(response)],
    ],
)
def test_labels_may_be_lists_or_tuples_rounded_or_numpy_s_float64(unusual: Callable[..., Any]) -> None:
    right = answered("label_predictions")
    assert not lost_by(lambda response: unusual(right, response), "label_predictions")


@pytest.mark.parametrize(
    "forged",
    [
        lambda response: [[(d, 0.1) for d in range(10)] for _ in response],
        lambda response: [[(d, float("nan")) for d in range(10)] for _ in response],
        lambda response: response,
        lambda response: [["ab"] * 10 for _ in response],
        lambda response: [[(d, 10**400) for d in range(10)] for _ in response],
        lambda response: {},
        lambda response: 3,
    ],
)
def test_what_tells_nothing_of_the_answer_scores_nothing(forged: Callable[..., Any]) -> None:
    shown = decode(encode(LABELS.probe(forged, UNIT.challenge("label_predictions", SEED).given)))
    assert score(judged("label_predictions", shown).values()) == 0


def test_an_answer_whose_rows_are_changed_in_place_harms_nobody() -> None:
    right = answered("label_predictions")

    def careless(response: list[list[float]]) -> Any:
        labelled = right(response)
        for row in response:
            row.sort()
        return labelled

    assert not lost_by(careless, "label_predictions")


def test_the_answer_refuses_a_lone_row_and_takes_arrays_for_lists() -> None:
    right, row = answered("label_predictions"), [0.1] * 10
    with pytest.raises(ValueError, match="ten probabilities"):
        right(row)
    assert right(np.array([row])) == right([row])
    assert right([]) == []
