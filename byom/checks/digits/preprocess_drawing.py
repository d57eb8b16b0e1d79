"""`preprocess_drawing`: a drawing in the form of MNIST's digits."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.digits.pictures import alike, box, correlation, laid_over, measured, sides, softness
from byom.checks.digits.refusal import refusal
from byom.checks.evidence import BadEvidence, Record
from byom.pad.ink import SIDE, drawn

SHAPES = ((140, 60), (60, 140), (140, 100), (100, 140))
"""Heights and widths of the drawings, in pixels of the pad, a pen's width left out."""

PLAIN = tuple(f"drawing {n}" for n in range(len(SHAPES)))

MANY = 10_000
"""No picture has more numbers."""

# Each measured on 20 challenges with eleven right answers: six filters of PIL's, two of torch's, scipy, an affine map,
# numpy.

LIKENESS = 0.85
"""The least correlation with the same drawing, put in the same place and stretched to the same size.

Right answers: 0.98 and more. Another drawing, or one mirrored or transposed: at most 0.62.
"""

SOFTNESS = 0.6
"""The least softness of the edges, over all four drawings, in parts of that of an area average.

Right answers: 0.97 and more. The nearest pixel of the drawing, or a line between the two nearest: at most 0.27.
"""

SAME = 0.8
"""The least correlation between two pictures of one drawing, a pixel's shift aside.

Right answers: 0.91 and more. A small drawing left small: at most 0.65.
"""


class PreprocessDrawing(Check):
    """`preprocess_drawing`: a drawing in the form of MNIST's digits."""

    name = "preprocess_drawing"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Four drawings, whose mass lies far from the middle of their boxes; some again, in other sizes and places."""
        drawings = [_drawing(rng, height, width) for height, width in SHAPES]
        down, across = (int(n) for n in rng.integers(30, 60, size=2))
        large = box(drawings[2]).repeat(3, axis=0).repeat(3, axis=1)
        line = np.full((1, int(rng.integers(100, 160))), 255, "uint8")
        return Challenge(
            {
                **dict(zip(PLAIN, drawings, strict=True)),
                "corner 0": np.pad(box(drawings[0]), ((down, 0), (0, across // 2))),
                "corner 1": np.pad(box(drawings[1]), ((0, down // 2), (across, 0))),
                "large 2": _put(large, 560, down, across),
                "small 3": _reduced(_put(box(drawings[3]), 28 * 14, 42, 84), 14),
                "line": _put(line, SIDE, down, across),
                "dot": drawn([((down, 3 * across),)]),
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The pictures, and what becomes of arrays that are no drawings."""
        record, dtypes = Record(), set()

        def picture(drawing: np.ndarray) -> np.ndarray:
            found = np.asarray(learner(drawing.copy()))
            if found.dtype.kind not in "fiub" or found.size > MANY:
                raise TypeError(f"no picture, but an array of {found.dtype}, shape {found.shape}")
            return found

        drawing = given[PLAIN[0]]
        same = {"float64": drawing.astype("float64"), "float32": drawing.astype("float32")}
        for name, array in {**given, **same}.items():
            found = record.attempt(name, lambda array=array: picture(array))  # type: ignore[misc]
            if found is not None:
                record[name] = found.astype("float32")
            if found is not None and name in PLAIN:
                dtypes.add(found.dtype.name)
        record["dtypes"] = sorted(dtypes)
        hole = drawing.astype("float32")
        hole[0, 0] = np.nan
        hostile = {
            "empty": np.zeros_like(drawing),
            "empty floats": np.zeros((28, 28)),
            "flat": drawing.reshape(-1),
            "colours": np.dstack([drawing] * 3),
            "NaN": hole,
        }
        for name, array in hostile.items():
            record[name] = refusal(lambda array=array: picture(array))  # type: ignore[misc]
        return record

    @criterion(
        1,
        "The drawing is on the picture, the right way round",
        "Show what you return beside what was drawn, with plt.imshow. Which is row, which is column?",
    )
    def drawing(self, seen: Exhibits) -> Outcome:
        """Each picture beside its drawing, put in the same place and stretched to the same size."""
        likeness = min(correlation(*self._pair(seen, name)) for name in PLAIN)
        return expect(likeness >= LIKENESS, f"a correlation of {LIKENESS} or more with each drawing", f"{likeness:.2f}")

    @criterion(
        1,
        "It is float32, of shape (28, 28), from 0 to 1",
        "Print shape, dtype, smallest and largest value of what you return.",
        rests_on="drawing",
    )
    def kind(self, seen: Exhibits) -> Outcome:
        """Shape, dtype and range; a filter may overshoot a little."""
        pictures = [seen.evidence.array(name) for name in PLAIN]
        shapes, dtypes = {picture.shape for picture in pictures}, seen.evidence.items("dtypes")
        low, high = min(p.min() for p in pictures), [p.max() for p in pictures]
        fits = low >= -0.25 and min(high) >= 0.7 and max(high) <= 1.25
        got = f"{', '.join(map(str, dtypes))}, {', '.join(map(str, sorted(shapes)))}, {low:.2f} to {max(high):.2f}"
        return expect(
            fits and shapes == {(28, 28)} and dtypes == ["float32"], "float32, (28, 28), 0.00 to 1.00 or nearly", got
        )

    @criterion(
        1,
        "Its longer side measures 20 pixels",
        "The digit is scaled, not the paper around it. Which rows and columns hold ink?",
        rests_on="drawing",
    )
    def size(self, seen: Exhibits) -> Outcome:
        """The longer side, told from how far the ink spreads: soft edges don't change that."""
        longer = [max(_sides(seen, name)) for name in PLAIN]
        off = max(longer, key=lambda side: abs(side - 20))
        return expect(abs(off - 20) <= 1.3, "20 pixels, give or take 1", f"{off:.1f} pixels")

    @criterion(
        1,
        "It is not distorted",
        "A tall one stays as slender as it was drawn. How many factors do you scale with?",
        rests_on="drawing",
    )
    def aspect(self, seen: Exhibits) -> Outcome:
        """The shorter side, compared with the longer one."""
        off, words = 0.0, ("", "")
        for name in PLAIN:
            before, after = np.array(box(seen.challenge.given[name]).shape), _sides(seen, name)
            long = int(np.argmax(before))
            wanted = after[long] * before[1 - long] / before[long]
            if abs(after[1 - long] - wanted) >= off:
                off = abs(after[1 - long] - wanted)
                words = (
                    f"{after[long]:.1f} × {wanted:.1f} pixels",
                    f"{after[long]:.1f} × {after[1 - long]:.1f} pixels",
                )
        return expect(off <= 1.5, *words)

    @criterion(
        1,
        "Its centre of mass is in the middle",
        "A seven has most of its ink at the top. Is the middle of its box where its mass is?",
        rests_on="drawing",
    )
    def centred(self, seen: Exhibits) -> Outcome:
        """The centre of mass between pixels 13 and 14, or on pixel 14, within whole pixels."""
        centres = [measured(_picture(seen, name))[0] for name in PLAIN]
        row, column = max(centres, key=lambda centre: np.abs(centre - 13.75).max())
        met = max(abs(row - 13.75), abs(column - 13.75)) <= 1.75
        return expect(met, "row and column 13.5 or 14, give or take 1", f"row {row:.1f}, column {column:.1f}")

    @criterion(
        1,
        "Its edges are soft",
        "One pixel of 28 stands for a square of the paper. What if the pen covers half of that square?",
        rests_on="drawing",
    )
    def soft(self, seen: Exhibits) -> Outcome:
        """How much of the ink is grey, in parts of an area average's."""
        got, wanted = (sum(map(softness, p)) for p in zip(*[self._pair(seen, n) for n in PLAIN], strict=True))
        return expect(got >= SOFTNESS * wanted, "edges in greys", f"{100 * got / wanted:.0f} % of the greys expected")

    @criterion(
        1,
        "It does not matter where on the paper it is drawn",
        "Try a canvas that is not square, with the ink in a corner.",
        rests_on="drawing",
    )
    def anywhere(self, seen: Exhibits) -> Outcome:
        """The same pictures from corners of papers of other shapes."""
        return self._as_plain(seen, {"corner 0": PLAIN[0], "corner 1": PLAIN[1]})

    @criterion(
        1,
        "It does not matter how large it is drawn",
        "Try a digit of 10 pixels, and one of 500.",
        rests_on="drawing",
    )
    def any_size(self, seen: Exhibits) -> Outcome:
        """The same pictures from a drawing three times as large, and from a small one."""
        return self._as_plain(seen, {"large 2": PLAIN[2], "small 3": PLAIN[3]})

    @criterion(
        1,
        "A line and a dot are drawings, too",
        "How many pixels high is a thin line, once it is scaled? A picture has at least one row.",
        rests_on="drawing",
    )
    def thin(self, seen: Exhibits) -> Outcome:
        """A line of one pixel's height, and a dot of the pen's."""
        wanted = max(_sides(seen, PLAIN[0]))  # another size than 20 costs once
        off = max(*_sides(seen, "dot"), _sides(seen, "line")[1], key=lambda side: abs(side - wanted))
        return expect(abs(off - wanted) <= 2, f"{wanted:.0f} pixels long, as the others", f"{off:.1f} pixels")

    @criterion(
        1,
        "Floats from 0 to 255 are taken as well",
        "The same drawing as whole numbers and as floats is the same picture. What depends on the dtype?",
        rests_on="drawing",
    )
    def floats(self, seen: Exhibits) -> Outcome:
        """The same numbers as from uint8."""
        plain = _picture(seen, PLAIN[0])
        off = max(np.abs(_picture(seen, dtype) - plain).mean() for dtype in ("float32", "float64"))
        return expect(off < 0.02, "the same picture as from uint8", f"values that are {off:.2f} off on average")

    @criterion(
        1,
        "An empty drawing is a ValueError that says so",
        "Who called it wants to read that nothing is drawn, not that a mean of nothing has no value.",
        rests_on="drawing",
    )
    def empty(self, seen: Exhibits) -> Outcome:
        """A ValueError raised on purpose, with a sentence."""
        for name in ("empty", "empty floats"):
            error = seen.evidence.mapping(name)
            said = f"{error.get('kind')}: {error.get('text')}"
            met = error.get("kind") == "ValueError" and error.get("raised on purpose") is True
            if not met or len(str(error.get("text")).split()) < 2:
                return expect(False, "a ValueError of your own, in words", said if error.get("kind") else "no error")
        return expect(True, "a ValueError of your own, in words", said)

    @criterion(
        1,
        "What is no drawing is a ValueError",
        "An array of one or of three dimensions, or one that holds NaN, is a mistake of the caller's.",
        rests_on="drawing",
    )
    def refused(self, seen: Exhibits) -> Outcome:
        """A flat array, one with colours, and one that holds NaN."""
        for name in ("flat", "colours", "NaN"):
            error = seen.evidence.mapping(name).get("kind")
            if error != "ValueError":
                what = {"flat": "an array of one dimension", "colours": "one of three"}.get(name, "an array with NaN")
                return expect(False, f"a ValueError for {what}", str(error) if error else "no error")
        return expect(True, "a ValueError for each", "a ValueError for each")

    def _pair(self, seen: Exhibits, name: str) -> tuple[np.ndarray, np.ndarray]:
        """A picture, and what should be at its place."""
        picture = _picture(seen, name)
        return picture, laid_over(seen.challenge.given[name], picture)

    def _as_plain(self, seen: Exhibits, pairs: Mapping[str, str]) -> Outcome:
        """Judged against the pictures of the plain drawings: other faults cost once."""
        likeness = min(alike(*(_picture(seen, n) for n in pair)) for pair in pairs.items())
        return expect(likeness >= SAME, "the same picture", f"one with a correlation of {likeness:.2f}")


def _picture(seen: Exhibits, name: str) -> np.ndarray:
    """A picture as it was returned, in any shape of 784 numbers; float64, shape (28, 28)."""
    found = seen.evidence.array(name, expected="a picture of 28 × 28 pixels")
    if found.size != 28 * 28:
        raise BadEvidence("a picture of 28 × 28 pixels", f"an array of shape {found.shape}")
    picture = found.reshape(28, 28).astype("float64")
    if np.clip(picture, 0, None).sum() <= 0:
        raise BadEvidence("a picture of a drawing", "one without ink")
    return picture


def _sides(seen: Exhibits, name: str) -> np.ndarray:
    return sides(seen.challenge.given[name], _picture(seen, name))


def _drawing(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A line from one end of a box to the other, and a scribble at one end: far from balanced, but not beyond help."""
    size = np.array([width, height])
    along = int(np.argmax(size))
    while True:
        stem, head = rng.uniform(size=(3, 2)), rng.uniform(size=(7, 2))
        stem[:, along] = 0, 0.5, 1
        head[:, along] *= 0.3
        head[:2, 1 - along] = 0, 1
        if rng.integers(2):
            head[:, along] = 1 - head[:, along]
        at = rng.uniform(24, SIDE - 24 - size)
        drawing = drawn([tuple((x, y) for x, y in stroke * size + at) for stroke in (stem, head)])
        (row, column), _ = measured(box(drawing))
        high, wide = box(drawing).shape
        off = np.abs([row - (high - 1) / 2, column - (wide - 1) / 2]) * 20 / max(high, wide)
        # further off, and the box of 20 would stick out of the picture
        if (1.8 if min(size) < 80 else 2.5) < off.max() < 3.3:
            return drawing


def _put(ink: np.ndarray, side: int, top: int, left: int) -> np.ndarray:
    """A square paper with a drawing on it."""
    paper = np.zeros((side, side), "uint8")
    paper[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return paper


def _reduced(paper: np.ndarray, times: int) -> np.ndarray:
    """A square paper so many times smaller, each pixel the mean of a square."""
    side = len(paper) // times
    return np.rint(paper.reshape(side, times, side, times).mean(axis=(1, 3))).astype("uint8")
