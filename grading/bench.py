"""How fast a class is graded, against what one would use instead: ``make bench``.

The same honest submissions are graded twice on this machine, one after the other: by ``python -m grading grade``, and
by stock ``nbgrader autograde`` on the same notebook, whose check cells are plain asserts there. What counts is the
ratio; times change from machine to machine and from hour to hour.
"""

import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from byom.checks.unit import unit
from grading.bank.submission import Submission
from grading.bank.work import solved
from grading.run import MASTERS, ROOT

SUBMISSIONS = 6


def main() -> None:
    """Grade the same class both ways, compare the marks, and print seconds and ratio."""
    name = sys.argv[1] if len(sys.argv) > 1 else "moons"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else SUBMISSIONS
    with tempfile.TemporaryDirectory(prefix="byom-bench-") as folder:
        ours, our_marks = _ours(name, count, Path(folder, "ours"))
        print(f"byom:  {ours:6.1f} s for {count} submissions of {name}, {ours / count:.2f} s each", flush=True)
        stock, stock_marks = _stock(name, count, Path(folder, "stock"))
        print(f"stock: {stock:6.1f} s for {count} submissions of {name}, {stock / count:.2f} s each", flush=True)
    if our_marks != stock_marks:
        sys.exit(f"the marks differ: {our_marks} by byom, {stock_marks} by stock nbgrader")
    print(f"ratio: stock nbgrader autograde takes {stock / ours:.2f} times as long, with equal marks {our_marks}")


def _students(count: int) -> list[str]:
    return [f"student-{number:03d}" for number in range(1, count + 1)]


def _ours(name: str, count: int, folder: Path) -> tuple[float, list[float]]:
    """Seconds and marks, starting from nothing: reference, sandbox, feedback and report included."""
    for student in _students(count):
        Submission(solved(name), set(unit(name).checks), brief=False).write(folder / "class" / student / name)
    grade = [sys.executable, "-m", "grading", "grade", name, "--submissions", folder / "class", "--out", folder / "out"]
    seconds = _timed(grade, ROOT)
    marks = dict.fromkeys(_students(count), 0.0)
    with (folder / "out" / "grades.csv").open(newline="") as sheet:
        for row in csv.DictReader(sheet):
            marks[row["student_id"]] += float(row["score"])
    return seconds, list(marks.values())


def _stock(name: str, count: int, folder: Path) -> tuple[float, list[float]]:
    """Seconds and marks of ``nbgrader autograde`` as it comes; generating and exporting are not counted."""
    work, nbgrader = solved(name), Path(sys.executable).with_name("nbgrader")
    source = folder / "source" / name
    source.mkdir(parents=True)
    book = nbformat.read(MASTERS / name / f"{name}.ipynb", as_version=4)
    book.cells = [_asserting(cell, name) for cell in book.cells if "sagemaker" not in cell.metadata.get("tags", [])]
    nbformat.write(book, source / f"{name}.ipynb")
    scripts = ", ".join(repr(path) for path in work.scripts)
    (folder / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "stock"\nc.Execute.timeout = 300\n'
        f"c.Autograde.exclude_overwriting = {{{name!r}: [{scripts}]}}\n"
    )
    _timed([nbgrader, "generate_assignment", name], folder)
    for student in _students(count):
        handed_in = folder / "submitted" / student / name
        (handed_in / "source").mkdir(parents=True)
        nbformat.write(book, handed_in / f"{name}.ipynb")  # the master is the solved notebook
        for path, text in work.scripts.items():
            (handed_in / path).write_text(text)
    seconds = _timed([nbgrader, "autograde", name], folder)
    _timed([nbgrader, "export"], folder)
    with (folder / "grades.csv").open(newline="") as sheet:
        return seconds, [float(row["score"]) for row in csv.DictReader(sheet)]


def _asserting(cell: NotebookNode, name: str) -> NotebookNode:
    """A check cell as plain nbgrader would have it: the same criteria, asserted in the kernel."""
    marks = cell.metadata.get("nbgrader", {})
    if marks.get("grade"):
        exercise = marks["grade_id"].removeprefix("check-")
        answer = unit(name).checks[exercise].answer
        learner = exercise if answer == "notebook" else repr(answer)
        cell.source = (
            f"from byom.checks.unit import unit\n"
            f"assert all(f.met for f in unit({name!r}).judge_publicly({exercise!r}, {learner}))"
        )
    return cell


def _timed(command: list[object], folder: Path) -> float:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # nbgrader looks for alembic there
    words = [str(part) for part in command]
    started = time.perf_counter()
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed:\n{done.stderr[-3000:]}")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
