"""The grader's commands: ``python -m grading grade`` and ``python -m grading bank``."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from grading.run import InstructorError

if TYPE_CHECKING:
    from grading.classroom import Progress

app = typer.Typer(add_completion=False, help="Grade submissions, and test the graders.")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@app.command()
def grade(
    unit: Annotated[str, typer.Argument(help="The unit to grade, moons say.")],
    submissions: Annotated[Path, typer.Option(help="A folder in nbgrader's layout <student>/<unit>/…")],
    out: Annotated[Path, typer.Option(help="Where grades.csv, feedback/, report.html and course/ go.")],
    workers: Annotated[int, typer.Option(min=1, help="Submissions examined at once; default: the cores.")] = _cores(),
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="The private seed; default: drawn once, then kept.")
    ] = None,
    unsafe_no_sandbox: Annotated[
        bool, typer.Option("--unsafe-no-sandbox", help="Run learners' code without a sandbox.")
    ] = False,
) -> None:
    """Grade a class. Run again after an interruption: what was graded is kept."""
    from grading.classroom import grade as grade_class

    with _Display() as display:
        summary = grade_class(unit, submissions, out, workers, seed, not unsafe_no_sandbox, display.tell)
    each = f" ({summary.seconds / summary.graded:.1f} s each)" if summary.graded else ""
    kept = summary.submissions - summary.graded
    typer.echo(
        f"{summary.submissions} submissions, {summary.graded} graded now and {kept} kept, "
        f"in {summary.seconds:.1f} s{each}; {summary.failures} with something that could not be judged. "
        f"See {summary.report}"
    )


@app.command()
def bank(unit: Annotated[str | None, typer.Argument(help="The unit; default: all.")] = None) -> None:
    """Test the graders against the bank of wrong, unusual and hostile submissions."""
    from byom.checks.unit import available_units
    from grading.bank import run

    if unit is not None and unit not in available_units():
        raise InstructorError(f"there is no unit {unit!r}; there is {', '.join(available_units())}")
    raise typer.Exit(max(run(name) for name in ([unit] if unit else available_units())))


class _Display:
    """A progress bar on a terminal, a line a submission elsewhere."""

    def __enter__(self) -> "_Display":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.bar: Bar | None = None
        if sys.stderr.isatty():
            columns = (
                TextColumn("graded"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[failures]} failures"),
            )
            self.bar = Bar(*columns, console=Console(stderr=True))
            self.bar.start()
            self.task = self.bar.add_task("graded", total=None, failures=0)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def tell(self, progress: "Progress") -> None:
        from grading.notes import plain

        if self.bar:
            self.bar.update(self.task, total=progress.students, completed=progress.done, failures=progress.failures)
            return
        how = "kept" if progress.kept else "graded"
        score = f"{progress.score:g} of {progress.whole}"
        line = f"[{progress.done}/{progress.students}] {plain(progress.student)}: {score} ({how})"
        print(line, file=sys.stderr, flush=True)


def _stop(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def main() -> None:
    """Run a command. An instructor's mistake ends with status 2 and one sentence."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        status = app(standalone_mode=False)
    except typer.TyperException as mistake:
        print(f"grading: {' '.join(mistake.format_message().split())}", file=sys.stderr)
        status = 2
    except InstructorError as mistake:
        print(f"grading: {mistake}", file=sys.stderr)
        status = 2
    except OSError as error:  # a full disk, say
        print(f"grading: {error}", file=sys.stderr)
        status = 2
    except (KeyboardInterrupt, typer.Abort):
        print("grading: stopped; run it again to go on from here", file=sys.stderr)
        status = 130
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
