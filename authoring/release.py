"""The student zip: made from an allow-list, searched for answers, and the same bytes each time."""

import os
import re
import tomllib
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from authoring.answers import squeezed, unmarked
from authoring.build import differences, products, read
from authoring.course import Course, write_whole
from authoring.material import Material
from authoring.privacy import Leak, leaks

_FILES = {
    "README.md": ("docs/student-README.md", "README.md"),
    "LICENSE": ("LICENSE",),
    "LICENSE-lessons": ("LICENSE-lessons",),
    "pyproject.toml": ("pyproject.toml",),
    "environment.yml": ("environment.yml",),
    ".devcontainer/devcontainer.json": (".devcontainer/devcontainer.json",),
    ".devcontainer/Dockerfile": (".devcontainer/Dockerfile",),
}
"""Single files: the name in the zip, and where it comes from; the first of them that exists."""

_NAMED = re.compile(rb"\bdocs/[\w/-]+\.(?:md|png|svg)")
"""How a file for students names a document: what is named goes along."""

_PACKAGE = {".py", ".pth", ".json", ".js", ".css", ".html", ".svg", ".png", ".webmanifest", ".csv", ".typed", ""}
"""The kinds of files that belong to the package; MNIST's have no ending."""

_WHEN = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the zip: the same files make the same bytes."""


class ReleaseError(Exception):
    """A release that can't be made, in one sentence."""


class Leaky(Exception):
    """A release that would give answers away."""

    def __init__(self, found: list[Leak]) -> None:
        super().__init__("\n".join(f"{leak.file}: {leak.what}" for leak in found))
        self.found = found


def release(course: Course, out: Path, worked: list[str]) -> Path:
    """Make the student zip.

    Args:
        course: the repository.
        out: the folder for the zip; made when it is missing.
        worked: units whose worked notebook goes in as well, now that their deadline has passed.

    Returns:
        The zip's path.

    Raises:
        ReleaseError: a unit is unknown, a file is missing, the build is out of date, or ``out`` can't be written to.
        Leaky: the zip would hold an answer; none is written.
        NothingToBuild, Violations: as a build raises them.
    """
    for name in worked:
        if name not in course.units():
            raise ReleaseError(f"there is no unit {name!r}; there is {', '.join(course.units()) or 'none'}")
    if not _writable(out):
        raise ReleaseError(f"{out} can't be written to")
    if stale := differences(course, []):
        first = stale[0].splitlines()[0]
        raise ReleaseError(f"the build is out of date ({first}): run python -m authoring build first")
    material = read(course, [])
    open_to_all = _for_students(course, material)
    published = {path: data for name in worked for path, data in _worked(course, name).items()}
    if found := leaks(open_to_all.items(), answers_of(course, material)) + leaks(_unexecuted(published).items(), {}):
        raise Leaky(found)
    name = f"byom-course-{_version(course)}"
    path = out / f"{name}.zip"
    try:
        write_whole(path, _zipped(name, {**open_to_all, **published}))
    except OSError as error:
        raise ReleaseError(f"{out} can't be written to: {error.strerror}") from None
    return path


def _writable(out: Path) -> bool:
    """Whether files can be made in a folder, or it in the nearest one that exists."""
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    return there.is_dir() and os.access(there, os.W_OK)


def answers_of(course: Course, material: list[Material]) -> dict[str, str]:
    """The pieces of all units' answers that nothing for students may hold, and where each comes from.

    What one unit asks for may be given in a script of another: that is no secret.
    """
    given = squeezed("".join(text for one in material for text in one.stubs.values()))
    return {
        piece: f"{course.shown(module.path)}:{line}"
        for one in material
        for piece, (module, line) in one.distinctive.items()
        if piece not in given
    }


def _for_students(course: Course, material: list[Material]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, origins in _FILES.items():
        origin = next((course.root / o for o in origins if (course.root / o).is_file()), None)
        if origin is None:
            raise ReleaseError(f"{name} is missing")
        found[name] = origin.read_bytes()
    for path in sorted((course.root / "byom").rglob("*")):
        if path.is_file() and not path.is_symlink() and path.suffix in _PACKAGE:
            found[path.relative_to(course.root).as_posix()] = path.read_bytes()
    for one in material:
        made = products(course, one)
        scripts = course.stub_scripts(made.name)
        folder = course.notebook(made.name).parent
        for path, data in made.files.items():
            # a zip has no links: the scripts stand where the notebook's link points to
            there = folder / "source" / path.relative_to(scripts) if path.is_relative_to(scripts) else path
            found[there.relative_to(course.root).as_posix()] = data
    return found | _documents(course, found)


def _documents(course: Course, found: Mapping[str, bytes]) -> dict[str, bytes]:
    """The documents that the files ``found`` name, and those that they name in turn."""
    documents: dict[str, bytes] = {}
    waiting = sorted(found.items())
    while waiting:
        origin, data = waiting.pop()
        for name in sorted({match.decode() for match in _NAMED.findall(data)} - documents.keys()):
            if not (course.root / name).is_file():
                raise ReleaseError(f"{name} is missing, and {origin} names it")
            documents[name] = (course.root / name).read_bytes()
            waiting.append((name, documents[name]))
    return documents


def _worked(course: Course, name: str) -> dict[str, bytes]:
    """A unit's worked notebook beside its solved scripts, so that it runs where it stands."""
    folder = course.notebook(name).parent.relative_to(course.root) / "worked"
    found = {f"{folder.as_posix()}/{name}-worked.ipynb": course.worked(name).read_bytes()}
    solved = course.solved_scripts(name)
    for path in sorted(solved.rglob("*.py")):
        text = unmarked(path.read_text(encoding="utf-8"))
        found[f"{folder.as_posix()}/source/{path.relative_to(solved).as_posix()}"] = text.encode()
    return found


def _unexecuted(published: Mapping[str, bytes]) -> dict[str, bytes]:
    """What is published, with the outputs that a worked notebook is there to show taken out for the search."""
    import nbformat

    from authoring.notebook import written
    from authoring.worked import without_outputs

    return {
        name: written(without_outputs(nbformat.reads(data.decode(), as_version=4))) if name.endswith(".ipynb") else data
        for name, data in published.items()
    }


def _version(course: Course) -> str:
    return tomllib.loads((course.root / "pyproject.toml").read_text())["project"]["version"]


def _zipped(folder: str, files: Mapping[str, bytes]) -> bytes:
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{folder}/{name}", _WHEN)
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3  # Unix, wherever it is made
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return whole.getvalue()
