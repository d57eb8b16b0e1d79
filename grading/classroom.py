"""Grading a class: examine in parallel, record with one writer, and leave a sheet, feedback and a report.

A course directory of nbgrader's own layout grows under ``<out>/course``; its gradebook, formgrader and commands work
there as anywhere. A run that was stopped is taken up again: what has been examined or recorded under the same
key is kept, and every submission ends with exactly one score.
"""

import contextlib
import copy
import fcntl
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from traitlets.config import PyFileConfigLoader

from byom.checks.unit import Unit
from grading import atomic, gradesheet, sandbox
from grading.autograders import autograder
from grading.examiners import Assignment, examine_all, examiners
from grading.intake import receive
from grading.report import report
from grading.run import MASTERS, ROOT, InstructorError, Run, fingerprint
from grading.sandbox import Limits
from grading.verdict import ERROR, FAILED, MISSING


@dataclass(frozen=True)
class Progress:
    """How far a run is, after one more submission."""

    student: str
    score: float
    whole: int
    done: int
    students: int
    failures: int
    kept: bool


@dataclass(frozen=True)
class Summary:
    """How a run ended."""

    submissions: int
    graded: int
    failures: int
    seconds: float
    report: Path


def grade(
    unit: str,
    submissions: Path,
    out: Path,
    workers: int,
    seed: int | None = None,
    sandboxed: bool = True,
    tell: Callable[[Progress], None] = lambda progress: None,
    limits: Limits | None = None,
) -> Summary:
    """Grade all of ``submissions``, in nbgrader's layout ``<student>/<unit>/…``, into ``out``.

    Args:
        unit: the unit's name.
        submissions: the folder of students' folders; it is only read.
        out: where ``grades.csv``, ``feedback/``, ``report.html`` and ``course/`` go.
        workers: how many submissions are examined at once.
        seed: the private seed; None takes the run's recorded one, or draws one.
        sandboxed: False runs learners' code without a sandbox.
        tell: called after each submission.
        limits: what a submission may use; None takes the unit's own.

    Raises:
        InstructorError: something the caller has to put right.
    """
    started = time.monotonic()
    try:
        checks = autograder(unit).unit
    except LookupError as unknown:
        raise InstructorError(str(unknown.args[0])) from None
    if sandboxed and (why := sandbox.missing()):
        raise InstructorError(f"{why} --unsafe-no-sandbox runs learners' code without one")
    handed_in = find(submissions, unit)
    with _claimed(out, submissions):
        room = Classroom(out.resolve(), checks, seed, sandboxed, limits or autograder(unit).limits)
        failures = graded = 0
        for done, student in enumerate(room.grade(handed_in, workers), 1):
            mark = gradesheet.entries(room.course, checks, [student.name])[0]
            failures += any(v.status in (FAILED, MISSING, ERROR) for v in mark.graded.verdicts.values())
            graded += not student.kept
            whole = sum(check.points for check in checks)
            tell(Progress(student.name, mark.total, whole, done, len(handed_in), failures, student.kept))
        marks = gradesheet.entries(room.course, checks, sorted(handed_in))
        atomic.write(out / "grades.csv", gradesheet.sheet(checks, marks))
        seconds = time.monotonic() - started
        atomic.write(out / "report.html", report(checks, marks, seconds))
    return Summary(len(handed_in), graded, failures, seconds, out / "report.html")


def find(submissions: Path, unit: str) -> dict[str, Path]:
    """The submissions of ``unit`` by student.

    Raises:
        InstructorError: there is no such folder, or nothing of that unit in it.
    """
    if not submissions.is_dir():
        raise InstructorError(f"there is no folder {submissions}")
    try:
        students = sorted(path for path in submissions.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InstructorError(f"{submissions} can't be read ({error.strerror})") from None
    if not students:
        raise InstructorError(f"{submissions} is empty: it should hold <student>/{unit}/{unit}.ipynb")
    found = {path.name: path / unit for path in students if _is_handed_in(path / unit)}
    if not found:
        raise InstructorError(f"nothing in {submissions} has the layout <student>/{unit}/{unit}.ipynb")
    return found


def _is_handed_in(path: Path) -> bool:
    try:
        return path.is_symlink() or path.is_dir()
    except OSError:  # it can't be looked into: intake will say so
        return True


@contextlib.contextmanager
def _claimed(out: Path, submissions: Path) -> Iterator[None]:
    """Hold ``out`` for one run at a time."""
    course = out / "course"
    if submissions.resolve().is_relative_to(out.resolve()) or out.resolve().is_relative_to(submissions.resolve()):
        raise InstructorError("--out must not lie inside --submissions, nor the other way round")
    try:
        course.mkdir(parents=True, exist_ok=True)
        lock = (course / ".lock").open("w")
    except OSError as error:
        raise InstructorError(f"{out} can't be written to ({error.strerror})") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InstructorError(f"another run is grading into {out}") from None
        yield


@dataclass(frozen=True)
class Done:
    """A student whose submission is recorded; ``kept`` from an earlier run."""

    name: str
    kept: bool


class Classroom:
    """A class's course directory, and the one writer to its gradebook.

    Raises:
        InstructorError: the master notebook was not built, or ``out`` holds a run that this one does not continue.
    """

    def __init__(self, out: Path, checks: Unit, seed: int | None, sandboxed: bool, limits: Limits) -> None:
        self.out, self.checks, self.sandboxed, self.limits = out, checks, sandboxed, limits
        self.unit = checks.name
        self.course = out / "course"
        if not (MASTERS / self.unit / f"{self.unit}.ipynb").is_file():
            raise InstructorError(f"{MASTERS / self.unit} has no master notebook: run `make build` first")
        if others := [unit for unit in Run.units(self.course) if unit != self.unit]:
            raise InstructorError(f"{out} holds a run of {others[0]}: choose another folder for {self.unit}")
        self.run = Run.open(self.course, self.unit, seed)
        self.version = fingerprint(self.unit)
        self.config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT / "grading")).load_config()
        self.log = _log(self.course / "nbgrader.log")

    def grade(self, handed_in: dict[str, Path], workers: int) -> Iterator[Done]:
        """Grade each submission that is not recorded yet; one student at a time as they are done."""
        assignments = [self._receive(student, path) for student, path in handed_in.items()]
        kept = [each for each in assignments if self._is_recorded(each)]
        examined = [each for each in assignments if each not in kept and each.is_examined()]
        waiting = [each for each in assignments if each not in kept and each not in examined]
        with examiners(min(workers, len(waiting))) if waiting else contextlib.nullcontext() as pool:
            self._release()
            for each in kept:
                self._feedback(each.student)
                yield Done(each.student, kept=True)
            for each in examined:
                self._record(each)
                yield Done(each.student, kept=False)
            for each in examine_all(pool, waiting, meanwhile=self._references) if pool else ():
                self._record(each)
                yield Done(each.student, kept=False)

    def _is_recorded(self, each: Assignment) -> bool:
        graded = gradesheet.graded(self.course, each.student, self.unit)
        if graded is None or graded.key != each.key:
            return False
        return all(verdict.status != ERROR for verdict in graded.verdicts.values())

    def _references(self) -> None:
        try:
            autograder(self.unit).references(self.run.seed)
        except RuntimeError as error:
            raise InstructorError(" ".join(str(error).split())[:500]) from None

    def _release(self) -> None:
        """nbgrader's generate_assignment, from the built master."""
        from nbgrader.converters import GenerateAssignment, NbGraderException

        source = self.course / "source" / self.unit
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(MASTERS / self.unit, source)
        config = f"# As in the course itself.\nload_subconfig({str(ROOT / 'grading/nbgrader_config.py')!r})\n"
        atomic.write(self.course / "nbgrader_config.py", config)
        try:
            self._convert(GenerateAssignment)
        except NbGraderException:
            raise InstructorError(
                f"nbgrader refused the {self.unit} notebook (see {self.course / 'nbgrader.log'}); "
                f"marks of another version of it need an --out of their own"
            ) from None

    def _receive(self, student: str, path: Path) -> Assignment:
        """Take in one submission. Its key stands for all that its mark depends on."""
        target = self.course / "submitted" / student / self.unit
        incoming = self.course / "submitted" / f".{self.unit}.incoming"
        shutil.rmtree(incoming, ignore_errors=True)
        received = receive(path, self.checks, incoming)
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        incoming.rename(target)
        parts = (received.digest, self.unit, self.run.seed, self.version, self.sandboxed, asdict(self.limits))
        return Assignment(
            student=student,
            key=hashlib.sha256(json.dumps(parts).encode()).hexdigest(),
            folder=target,
            release=self.course / "release" / self.unit / f"{self.unit}.ipynb",
            record=self.course / "examinations" / student / f"{self.unit}.json",
            notes=received.notes,
            missing=received.missing,
            unit=self.unit,
            seed=self.run.seed,
            sandboxed=self.sandboxed,
            limits=self.limits,
        )

    def _record(self, done: Assignment) -> None:
        """Put one examined submission into the gradebook, and write its feedback page."""
        from nbgrader.converters import Autograde, NbGraderException

        try:
            self._convert(Autograde, done.student)
        except NbGraderException:
            self.log.error("no marks were recorded for %s", done.student)
            return
        self._feedback(done.student)

    def _feedback(self, student: str) -> None:
        """Write the feedback page, unless one is there that is newer than the marks."""
        from nbgrader.converters import GenerateFeedback, NbGraderException

        page = self.out / "feedback" / student / f"{self.unit}.html"
        marked = self.course / "autograded" / student / self.unit / f"{self.unit}.ipynb"
        if page.is_file() and page.stat().st_mtime >= marked.stat().st_mtime:
            return
        try:
            self._convert(GenerateFeedback, student)
        except NbGraderException:
            self.log.error("no feedback was written for %s", student)
            return
        made = self.course / "feedback" / student / self.unit / f"{self.unit}.html"
        atomic.write(page, made.read_bytes())

    def _convert(self, converter: type, student: str = ".") -> None:
        """Run one of nbgrader's converters over one student's folder.

        nbgrader finds folders by globbing; a student may be called ``[a]``, so the folder is named here.
        """
        from nbgrader.coursedir import CourseDirectory

        config = copy.deepcopy(self.config)
        config.CourseDirectory.root = str(self.course)
        config.Referee.examinations = str(self.course / "examinations")
        config.Referee.sandboxed = self.sandboxed

        class Converter(converter):
            def init_notebooks(self) -> None:
                folder = self._format_source(self.coursedir.assignment_id, student)
                self.assignments = {folder: [f"{folder}/{self.coursedir.assignment_id}.ipynb"]}

        course = CourseDirectory(config=config, assignment_id=self.unit, log=self.log)
        Converter(coursedir=course, config=config, log=self.log, force=True).start()


def _log(path: Path) -> logging.Logger:
    log = logging.Logger("nbgrader", logging.INFO)
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    return log
