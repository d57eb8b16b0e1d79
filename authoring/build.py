"""The build: from each unit's material to the files that are made of it, and a comparison with those committed."""

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nbformat import NotebookNode
from tqdm import tqdm

from authoring import notebook as notebooks
from authoring import worked
from authoring.course import Course, chosen, write_whole
from authoring.material import Material, read_material
from authoring.record import Record
from authoring.rules import violations
from authoring.violations import Violation, Violations
from byom.checks.evidence import decode, encode
from byom.checks.unit import PUBLIC_SEED

TOLERANCE = 1e-6
"""How far a number of the public evidence may lie from the committed one: another machine's rounding."""


class NothingToBuild(Exception):
    """There is no lesson."""


@dataclass
class Products:
    """What is made of one unit or page; a page is only a notebook."""

    name: str
    files: dict[Path, bytes]
    """The files students get."""

    links: dict[Path, str] = field(default_factory=dict)
    """The links among them, and where each points."""

    master: dict[Path, bytes] = field(default_factory=dict)
    """nbgrader's source."""

    evidence: dict[Path, bytes] = field(default_factory=dict)
    """The public reference evidence."""

    worked: NotebookNode | None = None
    """The worked notebook, not yet executed."""

    solved: dict[str, bytes] = field(default_factory=dict)
    """The solved scripts beside it, by path."""

    lines: dict[str, int] = field(default_factory=dict)
    """The lesson's line for each cell id."""


def read(course: Course, names: list[str]) -> list[Material]:
    """Read units and pages, and hold them to the rules.

    Raises:
        UnknownUnit: a name is no unit and no page.
        NothingToBuild: there is no lesson at all.
        Violations: rules are broken; all of them.
    """
    names = chosen(course, names)
    if not names:
        raise NothingToBuild(f"no lesson was found under {course.root / 'solutions'}")
    material = [read_material(course, name) for name in names]
    if found := [v for one in material for v in violations(one)]:
        raise Violations(found)
    return material


def products(course: Course, material: Material) -> Products:
    """Make what one unit or page becomes, all but the execution of its worked notebook."""
    name = material.lesson.name
    master, lines = notebooks.master(material)
    made = Products(name, {course.notebook(name): notebooks.written(notebooks.student(master))}, lines=lines)
    if name not in course.units():
        return made
    stubs = {path: text.encode() for path, text in material.stubs.items()}
    for path, data in stubs.items():
        made.files[course.stub_scripts(name) / Path(path).relative_to("source")] = data
        made.master[course.master(name) / path] = data
    if stubs:
        made.links[course.notebook(name).parent / "source"] = f"../../source/{name}"
    made.master[course.master(name) / f"{name}.ipynb"] = notebooks.written(master)
    evidence = _evidence(course, material)
    made.evidence[course.public_evidence(name)] = evidence
    made.solved = {path: script.text.encode() for path, script in material.scripts.items()}
    made.worked = notebooks.unexecuted(master, {path: script.text for path, script in material.scripts.items()})
    checks = course.check_sources(name)
    parts = {"notebook": notebooks.written(made.worked), "evidence": evidence, **made.solved, **checks}
    made.worked.metadata["byom"] = {worked.BUILT_FROM: worked.digest(parts)}
    return made


def _evidence(course: Course, material: Material) -> bytes:
    """The public evidence of a unit; the committed bytes where they say the same but for rounding."""
    name = material.lesson.name
    wanted = [check.name for check in material.checks or () if check.needs_reference]
    try:
        gathered = course.reference_evidence(name, PUBLIC_SEED) if wanted else {}
    except RuntimeError as error:
        raise Violations([Violation(course.answers(name), 1, str(error))]) from None
    fresh = {exercise: json.loads(encode(gathered[exercise])) for exercise in wanted}
    if found := list(_unconvincing(material, fresh)):
        raise Violations(found)
    path = course.public_evidence(name)
    if path.is_file() and _same_evidence(path.read_bytes(), fresh):
        return path.read_bytes()
    return (json.dumps(fresh, indent=1, sort_keys=True) + "\n").encode()


def _unconvincing(material: Material, fresh: Mapping[str, Any]) -> Iterator[Violation]:
    """The criteria that the unit's own answers miss."""
    assert material.checks is not None
    for exercise in material.lesson.exercises:
        if exercise.name in fresh:
            check, evidence = material.checks.checks[exercise.name], decode(json.dumps(fresh[exercise.name]))
            for finding in check.judge(material.checks.public_challenge(exercise.name), evidence, evidence):
                if not finding.met:
                    gap = f"expected {finding.expected}, got {finding.got}"
                    what = f"the answer itself misses {finding.criterion!r}: {gap}"
                    yield Violation(material.lesson.path, exercise.line, what)


def _same_evidence(committed: bytes, fresh: Mapping[str, Any]) -> bool:
    try:
        old = {exercise: decode(json.dumps(packed)) for exercise, packed in json.loads(committed).items()}
    except (ValueError, AttributeError):
        return False
    return _close(old, {exercise: decode(json.dumps(packed)) for exercise, packed in fresh.items()})


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        alike = a.dtype == b.dtype and a.shape == b.shape
        return alike and bool(np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= TOLERANCE * max(1.0, abs(a), abs(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_close(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_close, a, b))
    return type(a) is type(b) and a == b


def build(
    course: Course,
    names: list[str],
    execute: bool = False,
    force: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Make everything and write what changed.

    Args:
        course: where the lessons are and the products go.
        names: units and pages; all of them when empty.
        execute: run the worked notebooks even where nothing they are made from changed.
        force: overwrite files that hold somebody's work, instead of keeping them.
        say: takes a line on the progress.

    Raises:
        UnknownUnit, NothingToBuild, Violations: as `read` does; nothing was written.
    """
    made = [products(course, material) for material in read(course, names)]
    record = Record(course.root)
    for one in made:
        kept = [] if force else [path for path, data in one.files.items() if record.holds_work(path, data)]
        for path in kept:
            say(f"{course.shown(path)}: kept, because somebody worked in it; --force overwrites it")
            del one.files[path]
        for link in [link for link in one.links if link.is_dir() and not link.is_symlink()]:
            say(f"{course.shown(link)}: kept, because it is a folder and no link")
            del one.links[link]
        changed = _write(one, record)
        say(f"{one.name}: {f'{changed} files written' if changed else 'nothing changed'}")
        if one.worked is not None and (execute or _is_stale(course, one)):
            path = course.worked(one.name)
            write_whole(path, notebooks.written(_executed(course, one, say)))
            say(f"{one.name}: {course.shown(path)} written")


def _write(made: Products, record: Record) -> int:
    changed = 0
    for path, data in {**made.files, **made.master, **made.evidence}.items():
        if not path.is_file() or path.read_bytes() != data:
            write_whole(path, data)
            changed += 1
    for link, target in made.links.items():
        if not link.is_symlink() or link.readlink() != Path(target):
            link.unlink(missing_ok=True)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)
            changed += 1
    for path in record.left_over(made.name, made.files):
        path.unlink()
        changed += 1
    record.note(made.files)
    record.save()
    return changed


def _is_stale(course: Course, made: Products) -> bool:
    assert made.worked is not None
    return worked.built_from(course.worked(made.name)) != made.worked.metadata["byom"][worked.BUILT_FROM]


def _executed(course: Course, made: Products, say: Callable[[str], None]) -> NotebookNode:
    assert made.worked is not None
    say(f"{made.name}: executing the worked notebook")
    bar = tqdm(total=len(made.worked.cells), unit="cell", leave=False, disable=None)
    try:
        with bar:
            return worked.execute(made.worked, made.solved, bar.update)
    except worked.CellFailed as failed:
        what = f"this cell of the worked notebook failed:\n\n{failed.cell.source}\n\n{failed.reason}"
        raise Violations([Violation(course.lesson(made.name), made.lines[failed.cell.id], what)]) from None


def differences(course: Course, names: list[str]) -> list[str]:
    """How what is committed differs from what a build would make; a message with a short diff for each file.

    Raises:
        UnknownUnit, NothingToBuild, Violations: as `read` does.
    """
    found = []
    record = Record(course.root)
    for one in (products(course, material) for material in read(course, names)):
        for path, data in {**one.files, **one.evidence}.items():
            found += _difference(course, path, data.decode())
        for link, target in one.links.items():
            if not link.is_symlink() or link.readlink() != Path(target):
                found.append(f"{course.shown(link)}: is no link to {target}")
        found += [f"{course.shown(path)}: is left over" for path in record.left_over(one.name, one.files)]
        if one.worked is not None:
            found += _worked_difference(course, one)
    return found


def _worked_difference(course: Course, made: Products) -> list[str]:
    assert made.worked is not None
    path = course.worked(made.name)
    try:
        committed = notebooks.written(worked.without_outputs(worked.read_notebook(path))).decode()
    except FileNotFoundError:
        return [f"{course.shown(path)}: is missing"]
    except ValueError as error:
        return [f"{course.shown(path)}: is no notebook ({error})"]
    return _difference(course, path, notebooks.written(made.worked).decode(), committed)


def _difference(course: Course, path: Path, fresh: str, committed: str | None = None) -> list[str]:
    shown = course.shown(path)
    if committed is None:
        if not path.is_file():
            return [f"{shown}: is missing"]
        committed = path.read_bytes().decode(errors="replace")
    if committed == fresh:
        return []
    diff = list(
        difflib.unified_diff(committed.splitlines(), fresh.splitlines(), "committed", "built", lineterm="", n=1)
    )
    short = [line[:160] for line in diff[:20]] + [f"… {len(diff) - 20} lines more"] * (len(diff) > 20)
    return ["\n".join([f"{shown}: is out of date", *short])]
