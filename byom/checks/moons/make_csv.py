"""`make_csv`: features and labels in the file that SageMaker reads."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.evidence import BadEvidence, Evidence, Record, few


class MakeCsv(Check):
    """`make_csv`: features and labels in the file that SageMaker reads."""

    name = "make_csv"
    answer = "notebook"
    needs_reference = False

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Features that need all their digits, and labels that repeat in no simple pattern."""
        n = int(rng.integers(7, 12))
        x = rng.normal(size=(n, 2)) * 10.0 ** rng.integers(-3, 4, size=(n, 2))
        y = rng.permutation(np.arange(n) % 2 + 2)  # 2 and 3: no row number, no feature
        if np.array_equal(y, y[::-1]):
            y = np.sort(y)  # or it would not be seen that somebody turned them round
        return Challenge(
            {
                "x": x,
                "y": y,
                "order": rng.permutation(n),
                "filename": f"part-{rng.integers(1000)}.csv",
            }
        )

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Record:
        """The text of the file in five situations."""
        import pandas as pd

        x, y, filename = given["x"], given["y"], given["filename"]
        record = Record()

        def written(y: Any, folder: Path, before: str | None = None) -> str:
            if before is not None:
                (folder / filename).write_text(before)
            learner(x.copy(), y, filename, str(folder))
            return (folder / filename).read_text()[:100_000]

        with tempfile.TemporaryDirectory() as root:
            for situation in ("plain", "folders", "column", "series", "again"):
                (Path(root) / situation).mkdir()
            column = y.reshape(-1, 1).copy()
            series = pd.Series(y, index=given["order"])
            record.attempt("plain", lambda: written(y.copy(), Path(root) / "plain"))
            record.attempt("folders", lambda: written(y.copy(), Path(root) / "folders" / "new" / "deep"))
            record.attempt("column", lambda: written(column, Path(root) / "column"))
            record.attempt("series", lambda: written(series, Path(root) / "series"))
            record.attempt("again", lambda: written(y.copy(), Path(root) / "again", before="9,9,9\n"))
        return record

    @criterion(1, "Every example is one line of the file", "Read your file again. Are your features in it, row by row?")
    def rows(self, seen: Exhibits) -> Outcome:
        """Both features, row by row, in columns of their own; a few lost digits are another matter."""
        return self._features(seen, "plain", digits=2)

    @criterion(
        1, "No digit is lost", "Compare the file with your data, all digits of them. Who rounded?", rests_on="rows"
    )
    def round_trip(self, seen: Exhibits) -> Outcome:
        """Both features, to the last digits."""
        return self._features(seen, "plain", digits=12)

    @criterion(
        1,
        "The file has no header",
        "SageMaker reads the first line as data. What writes the names there?",
        rests_on="rows",
    )
    def no_header(self, seen: Exhibits) -> Outcome:
        """As many lines as examples."""
        lines, n = _lines(seen.evidence, "plain"), len(seen.challenge.given["y"])
        return expect(len(lines) == n, f"{n} lines for {n} examples", f"{len(lines)} lines, the first {lines[:1]}")

    @criterion(1, "The file has no index", "Count the columns. Which one did you not put there?", rests_on="rows")
    def no_index(self, seen: Exhibits) -> Outcome:
        """Three columns."""
        table = self._table(seen, "plain")
        return expect(table.shape[1] == 3, "3 columns", f"{table.shape[1]} columns")

    @criterion(
        2,
        "The label is the first column",
        "SageMaker's CSV convention puts the target before the features.",
        rests_on="rows",
    )
    def label_first(self, seen: Exhibits) -> Outcome:
        """Labels in the first column, an index aside."""
        table, y = self._table(seen, "plain"), seen.challenge.given["y"]
        columns = table if table.shape[1] <= 3 else table[:, 1:]
        return expect(_same(columns[:, 0], y), f"labels {few(y)}", f"first column {few(columns[:, 0])}")

    @criterion(
        1,
        "A missing folder is made, with the folders above it",
        "What does os.makedirs do that os.mkdir doesn't?",
        rests_on="rows",
    )
    def folders(self, seen: Exhibits) -> Outcome:
        """The same file as in a folder that exists."""
        return self._as_plain(seen, "folders")

    @criterion(
        1,
        "Labels may come as a column, shape (n, 1)",
        "Print y.shape for both kinds. What makes them alike?",
        rests_on="rows",
    )
    def column_vector(self, seen: Exhibits) -> Outcome:
        """The same file as from a flat array."""
        return self._as_plain(seen, "column")

    @criterion(
        1,
        "Labels may come as a Series with an index of its own",
        "pandas joins tables by index, not by position. What does the index of train_test_split's output look like?",
        rests_on="rows",
    )
    def shuffled_series(self, seen: Exhibits) -> Outcome:
        """The same file as from a flat array."""
        return self._as_plain(seen, "series")

    @criterion(1, "A second run replaces the file", "Which mode is the file opened in?", rests_on="rows")
    def replaces(self, seen: Exhibits) -> Outcome:
        """The same file, although an older one was there."""
        return self._as_plain(seen, "again")

    def _features(self, seen: Exhibits, situation: str, digits: int) -> Outcome:
        """Whether both features stand in some column, in their order, equal in so many digits."""
        table, x = self._table(seen, situation), seen.challenge.given["x"]
        where = [[i for i in range(table.shape[1]) if _same(table[:, i], x[:, j], digits)] for j in range(2)]
        missing = [f"x{j}" for j in range(2) if not where[j]]
        in_order = not missing and min(where[0]) < max(where[1])
        got = "both" if in_order else f"{', '.join(missing)} not found" if missing else "x1 before x0"
        return expect(in_order, f"both features, in order, to {digits} digits", got)

    def _table(self, seen: Exhibits, situation: str) -> np.ndarray:
        """The numbers of a written file, without the header that the plain one may have; shape (n, columns)."""
        n = len(seen.challenge.given["y"])
        header = len(_lines(seen.evidence, "plain")) == n + 1  # may be numbers too: pandas counts nameless columns
        rows = [_numbers(line) for line in _lines(seen.evidence, situation)[int(header) :]]
        if not rows or any(row is None for row in rows) or len({len(row or ()) for row in rows}) != 1:
            lines = _lines(seen.evidence, situation)[:2]
            raise BadEvidence("lines of numbers, all equally long", " / ".join(lines) or "an empty file")
        return np.array(rows, dtype="float64")

    def _as_plain(self, seen: Exhibits, situation: str) -> Outcome:
        """Judged against the file of the plain situation: other faults cost once, not five times."""
        plain, other = self._table(seen, "plain"), self._table(seen, situation)
        same = plain.shape == other.shape and np.array_equal(plain, other)
        return expect(
            same,
            f"the same {plain.shape[0]} rows as from a flat array",
            few(other[:, 0]) + f" in {len(other)} rows",
        )


def _lines(evidence: Evidence, situation: str) -> list[str]:
    return [line for line in evidence.text(situation, "a file").splitlines() if line.strip()]


def _numbers(line: str) -> list[float] | None:
    try:
        return [float(cell) for cell in line.split(",")]
    except ValueError:
        return None


def _same(a: np.ndarray, b: np.ndarray, digits: int = 12) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=10.0**-digits, atol=0)
