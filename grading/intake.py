"""Intake: a copy of what was handed in that is safe to open, and notes on all that was left out or mended.

Learners hand in folders: with links, pipes, huge files, misnamed or broken notebooks. What comes out is a folder of
plain files with a readable notebook of the right name. Links are never followed: a link to a solution would
be copied with its content.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.utils import parse_utc

from byom.checks.unit import Unit, unit
from grading import notebook
from grading.notes import Note, plain

FILE = 50_000_000
"""A file longer than this, in bytes, is left out."""

FOLDER = 200_000_000
"""When this many bytes have been copied, the rest is left out."""

FILES = 2_000
"""When this many files have been copied, the rest is left out."""

_DEPTH = 12
_JUNK = {"__pycache__", ".ipynb_checkpoints", ".git", ".DS_Store", "__MACOSX", "feedback"}


@dataclass(frozen=True)
class Received:
    """What intake made of a submission.

    ``missing`` names the files that an answer should be in and that were not handed in, or can't be read. ``digest``
    is the same for the same work.
    """

    notes: list[Note]
    missing: list[str]
    digest: str


def scripts(checks: Unit) -> list[str]:
    """The scripts that a unit's exercises are answered in, as paths within a submission."""
    return sorted({check.answer for check in checks if check.answer != "notebook"})


def receive(submission: Path, checks: Unit, into: Path) -> Received:
    """Copy ``submission`` to the new folder ``into``, as plain files with a readable ``<unit>.ipynb``.

    A notebook that is missing or can't be read becomes an empty one, with a note that says so.

    Args:
        submission: the folder ``<student>/<unit>``; it is only read.
        checks: the unit's checks.
        into: where the copy goes; it must not exist.

    Raises:
        OSError: ``into`` can't be written.
    """
    copying = _Copying(submission, into)
    into.mkdir(parents=True)
    if submission.parent.is_symlink() or submission.is_symlink():
        copying.note("", "The submission is a link, which is not followed: nothing was handed in.")
    else:
        copying.folder(PurePosixPath("."))
    for script in scripts(checks):
        copying.find_misplaced(script)
    name = f"{checks.name}.ipynb"
    book = copying.notebook(name)
    nbformat.write(book, into / name)
    missing = [script for script in scripts(checks) if script not in copying.copied] + [name] * (not book.cells)
    return Received(copying.notes, missing, copying.digest(book))


class _Copying:
    """One submission on its way in."""

    def __init__(self, source: Path, into: Path) -> None:
        self.source, self.into = source, into
        self.notes: list[Note] = []
        self.copied: dict[str, bytes] = {}  # path → digest of content
        self.books: list[str] = []
        self.bytes = 0

    def note(self, about: str, text: str, person: bool = True) -> None:
        self.notes.append(Note(about, text, person))

    def folder(self, path: PurePosixPath) -> None:
        try:
            with os.scandir(self.source / path) as found:
                entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            self.note(_about(path), f"The folder {_shown(path)} can't be read ({error.strerror}).")
            return
        for entry in entries:
            if entry.name not in _JUNK:
                self.entry(entry, path / entry.name)

    def entry(self, entry: os.DirEntry[str], path: PurePosixPath) -> None:
        about, shown = _about(path), _shown(path)
        if "\N{REPLACEMENT CHARACTER}" in about:
            self.note(about, f"The name of {shown} is not text in UTF-8; it was left out.")
            return
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            self.note(about, f"{shown} can't be read ({error.strerror}).")
            return
        if stat.S_ISLNK(status.st_mode):
            self.note(about, f"{shown} is a link, which is not followed: hand in the file or folder itself.")
        elif stat.S_ISDIR(status.st_mode):
            if len(path.parts) > _DEPTH:
                self.note(about, f"The folder {shown} is nested too deep and was left out.")
            else:
                self.folder(path)
        elif not stat.S_ISREG(status.st_mode):
            self.note(about, f"{shown} is not a file and was left out.")
        elif path.suffix == ".ipynb":
            if len(path.parts) == 1:
                self.books.append(entry.name)
        elif status.st_size > FILE:
            self.note(about, f"{shown} has {status.st_size / 1e6:.0f} MB and was left out.")
        elif self.bytes + status.st_size > FOLDER or len(self.copied) >= FILES:
            if not any(note.text.startswith("The submission is too large") for note in self.notes):
                self.note("", f"The submission is too large: {shown} and what follows it was left out.")
        else:
            self.file(path)

    def file(self, path: PurePosixPath) -> None:
        target = self.into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        try:
            with self.open(path) as source, target.open("wb") as copy:
                while block := source.read(1 << 20):
                    digest.update(block)
                    copy.write(block)
                    self.bytes += len(block)
        except OSError as error:
            target.unlink(missing_ok=True)
            self.note(_about(path), f"{_shown(path)} can't be read ({error.strerror}).")
            return
        self.copied[_about(path)] = digest.digest()
        if _about(path) == "timestamp.txt":
            self.timestamp(target)

    def timestamp(self, file: Path) -> None:
        """nbgrader stops at a time of submission that is none."""
        try:
            parse_utc(file.read_text().strip())
        except Exception:  # whatever a learner's text makes the parser of dates do
            file.unlink()
            self.note("timestamp.txt", "timestamp.txt holds no time; it was left out, so lateness is not known.")

    def open(self, path: PurePosixPath | str) -> BinaryIO:
        """Open a file to read; one that was swapped for a link or a pipe since it was looked at raises OSError."""
        return os.fdopen(os.open(self.source / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")

    def find_misplaced(self, script: str) -> None:
        """Upload forms flatten folders: a script that is missing, but lies elsewhere under its name, is used."""
        if script in self.copied:
            return
        others = [path for path in self.copied if PurePosixPath(path).name == PurePosixPath(script).name]
        if len(others) == 1:
            target = self.into / script
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.into / others[0], target)
            self.copied[script] = self.copied[others[0]]
            self.note(script, f"{script} was handed in as {plain(others[0])}, which was used.", person=False)

    def notebook(self, name: str) -> nbformat.NotebookNode:
        chosen = self.chosen(name)
        if chosen is None:
            return notebook.notebook()
        try:
            with self.open(chosen) as file:
                book, notes = notebook.read(file.read(notebook.ACCEPTED + 1))
        except OSError as error:
            self.note(name, f"{plain(chosen)} can't be read ({error.strerror}).")
        except notebook.Unreadable as why:
            self.note(name, f"{plain(chosen)} can't be read as a notebook: {why}.")
        else:
            for text in notes:
                self.note(name, text, person=False)
            return book
        return notebook.notebook()

    def chosen(self, name: str) -> str | None:
        if name in self.books:
            return name
        if not self.books:
            self.note(name, f"No notebook was handed in ({name} is missing).")
            return None
        stem = PurePosixPath(name).stem
        named = [book for book in self.books if book.lower().startswith(stem)]
        alike = named if len(named) == 1 else self.books
        if len(alike) > 1:
            shown = ", ".join(plain(book, 40) for book in self.books[:5])
            self.note(name, f"{name} is missing, and which other notebook is meant is not clear ({shown}).")
            return None
        self.note(name, f"The notebook was handed in as {plain(alike[0])}, which was used.", person=False)
        return alike[0]

    def digest(self, book: nbformat.NotebookNode) -> str:
        whole = hashlib.sha256()
        for path, content in sorted(self.copied.items()):
            whole.update(f"{path}\0".encode("utf-8", "replace") + content)
        for cell in book.cells:
            whole.update(repr((cell.cell_type, cell.source, sorted(cell.metadata.items()))).encode())
        whole.update(repr(self.notes).encode("utf-8", "replace"))
        return whole.hexdigest()


def _about(path: PurePosixPath) -> str:
    text = path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "" if text == "." else text


def _shown(path: PurePosixPath) -> str:
    return plain(_about(path) or "of the submission")


class IntakeExporter(NotebookExporter):
    """nbgrader's autograde reads submissions through this exporter, so that intake comes before all else.

    The converter has copied the submission by then, through links too; that copy is replaced by what intake lets in.
    The instructor's own files, which nbgrader has put there, stay.
    """

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[nbformat.NotebookNode, dict[str, Any]]:
        """Read a notebook as `receive` does; one that nbgrader itself wrote is read as it is."""
        autograde: Any = self.parent  # nbgrader's converter
        if resources is None or not autograde._sanitizing:
            return super().from_filename(filename, resources=resources, **kw)
        names = resources["nbgrader"]
        checks = unit(names["assignment"])
        course = autograde.coursedir
        kept = set(autograde.exclude_overwriting.get(checks.name, []))
        master = Path(course.format_path(course.source_directory, ".", checks.name))
        theirs = {path for path in _files(master) if path not in kept and not path.endswith(".ipynb")}
        copy = Path(course.format_path(course.autograded_directory, names["student"], checks.name))
        with tempfile.TemporaryDirectory(prefix="byom-intake-") as scratch:
            into = Path(scratch, "received")
            received = receive(Path(filename).parent, checks, into)
            for path in set(_files(copy)) - theirs:
                (copy / path).unlink()
            for path in set(_files(into)) - theirs - {f"{checks.name}.ipynb"}:
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(into / path, copy / path)
            book = nbformat.read(into / f"{checks.name}.ipynb", as_version=4)
        book.metadata["byom"] = {"notes": [note.packed() for note in received.notes], "missing": received.missing}
        return self.from_notebook_node(book, resources=resources, **kw)


def _files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if not path.is_dir():
            yield path.relative_to(folder).as_posix()
