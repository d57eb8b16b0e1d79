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
        return Challenge(
            {
                "x": rng.normal(size=(n, 2)) * 10.0 ** rng.integers(-3, 4, size=(n, 2)),
                "y": rng.permutation(np.arange(n) % 2 + 2),  # 2 and 3: no row number, no feature
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

    @criterion(1, "The file has no header", "SageMaker reads the first line as data. What writes the names there?")
    def no_header(self, seen: Exhibits) -> Outcome:
        """The first line is numbers."""
        first = seen.evidence.text("plain", "a file").split("\n", 1)[0]
        return expect(_numbers(first) is not None, "numbers in the first line", first)

    @criterion(1, "The file has no index", "Count the columns. Which one did you not put there?")
    def no_index(self, seen: Exhibits) -> Outcome:
        """Three columns."""
        table = _table(seen.evidence, "plain")
        return expect(table.shape[1] == 3, "3 columns", f"{table.shape[1]} columns")

    @criterion(2, "The label is the first column", "SageMaker's CSV convention puts the target before the features.")
    def label_first(self, seen: Exhibits) -> Outcome:
        """Labels in the first column, an index aside."""
        table, y = _table(seen.evidence, "plain"), seen.challenge.given["y"]
        columns = table if table.shape[1] <= 3 else table[:, 1:]
        return expect(_same(columns[:, 0], y), f"labels {few(y)}", f"first column {few(columns[:, 0])}")

    @criterion(
        2,
        "Every feature comes back as it went in",
        "Read your file again and compare: are digits lost, rows mixed?",
    )
    def round_trip(self, seen: Exhibits) -> Outcome:
        """Both features, row by row, in some column, to the last digits."""
        table, x = _table(seen.evidence, "plain"), seen.challenge.given["x"]
        where = [[i for i in range(table.shape[1]) if _same(table[:, i], x[:, j])] for j in range(2)]
        in_order = bool(where[0] and where[1] and min(where[0]) < max(where[1]))
        got = "both" if in_order else "changed: " + ", ".join(f"x{j}" for j in range(2) if not where[j]) + " not found"
        return expect(in_order, "both features, in order and to the last digit", got)

    @criterion(
        1,
        "A missing folder is made, with the folders above it",
        "What does os.makedirs do that os.mkdir doesn't?",
    )
    def folders(self, seen: Exhibits) -> Outcome:
        """The same file as in a folder that exists."""
        return self._as_plain(seen, "folders")

    @criterion(1, "Labels may come as a column, shape (n, 1)", "Print y.shape for both kinds. What makes them alike?")
    def column_vector(self, seen: Exhibits) -> Outcome:
        """The same file as from a flat array."""
        return self._as_plain(seen, "column")

    @criterion(
        1,
        "Labels may come as a Series with an index of its own",
        "pandas joins tables by index, not by position. What does the index of train_test_split's output look like?",
    )
    def shuffled_series(self, seen: Exhibits) -> Outcome:
        """The same file as from a flat array."""
        return self._as_plain(seen, "series")

    @criterion(1, "A second run replaces the file", "Which mode is the file opened in?")
    def replaces(self, seen: Exhibits) -> Outcome:
        """The same file, although an older one was there."""
        return self._as_plain(seen, "again")

    def _as_plain(self, seen: Exhibits, situation: str) -> Outcome:
        """Judged against the file of the plain situation: other faults cost once, not five times."""
        plain, other = _table(seen.evidence, "plain"), _table(seen.evidence, situation)
        same = plain.shape == other.shape and np.array_equal(plain, other)
        return expect(
            same,
            f"the same {plain.shape[0]} rows as from a flat array",
            few(other[:, 0]) + f" in {len(other)} rows",
        )


def _numbers(line: str) -> list[float] | None:
    try:
        return [float(cell) for cell in line.split(",")]
    except ValueError:
        return None


def _table(evidence: Evidence, situation: str) -> np.ndarray:
    """The numbers of a written file, without a header line if there is one; shape (n, columns)."""
    lines = [line for line in evidence.text(situation, "a file").splitlines() if line.strip()]
    rows = [_numbers(line) for line in lines]
    if rows and rows[0] is None:
        rows = rows[1:]
    if not rows or any(row is None for row in rows) or len({len(row or ()) for row in rows}) != 1:
        raise BadEvidence("lines of numbers, all equally long", repr("\n".join(lines[:2])))
    return np.array(rows, dtype="float64")


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=0)
