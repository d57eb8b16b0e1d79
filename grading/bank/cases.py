"""The bank's cases for one exercise: wrong answers, unusual right ones, and the untouched stub.

Mutants stand in ``<unit>/mutants.toml``; alternatives in ``<unit>/alternatives/<name>/``, where ``<exercise>.py`` is
the code of that exercise's cell and ``source/<script>.py`` replaces that script.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from byom.checks.criteria import Check
from byom.checks.unit import unit
from grading.bank.work import Work, place, solved, stubs

HERE = Path(__file__).parent


class BadBank(Exception):
    """An entry of the bank that says something impossible; names it."""


@dataclass(frozen=True)
class Case:
    """One exercise of one piece of work, and what it must lose."""

    unit: str
    exercise: str
    kind: Literal["mutant", "alternative", "stub"]
    name: str
    work: Work
    roots: frozenset[str] = frozenset()
    """The criteria that it must lose; those that rest on them go along."""

    may_lose: frozenset[str] = frozenset()
    """The criteria that chance may take as well."""

    @property
    def check(self) -> Check:
        """The exercise's check."""
        return unit(self.unit).checks[self.exercise]

    @property
    def lost(self) -> frozenset[str]:
        """Every criterion that must be lost."""
        return carried(self.check, self.roots)

    @property
    def right_answer(self) -> bool:
        """Whether nothing may be lost."""
        return not self.roots

    def __str__(self) -> str:
        return f"{self.unit} {self.exercise}: {self.kind} '{self.name}'"


def cases(name: str) -> list[Case]:
    """All cases of the unit ``name``.

    Raises:
        BadBank: an entry names an exercise, a criterion or a text that does not exist.
    """
    return [*_stubs(name), *alternatives(name), *mutants(name)]


def _stubs(name: str) -> Iterator[Case]:
    for check in unit(name):
        yield Case(name, check.name, "stub", "untouched", stubs(name), frozenset(c.key for c in check.criteria))


def mutants(name: str) -> list[Case]:
    """The wrong answers of the unit ``name``."""
    checks = unit(name).checks
    text = (HERE / name / "mutants.toml").read_text(encoding="utf-8")
    made, wrong, seen = [], [], set()
    for exercise, entry in ((exercise, entry) for exercise, each in tomllib.loads(text).items() for entry in each):
        title = f"{exercise}: mutant {entry['name']!r}"
        try:
            if title in seen:
                raise BadBank("there is another of that name")
            made.append(_mutant(name, checks[exercise], entry))
        except (KeyError, BadBank) as error:
            wrong.append(f"{name} {title}: {error}")
        seen.add(title)
    if wrong:
        raise BadBank("\n".join(wrong))
    return made


def _mutant(name: str, check: Check, entry: dict) -> Case:
    work, where = solved(name), entry.get("file", place(check))
    for find, by in entry["edits"]:
        if (times := work.text(where).count(find)) != 1:
            raise BadBank(f"{find!r} stands {times} times in {where}")
        work = work.having(where, work.text(where).replace(find, by))
    roots, may_lose = frozenset(entry["loses"]), frozenset(entry.get("may_lose", ()))
    known = {c.key for c in check.criteria}
    if not roots or not roots | may_lose <= known:
        raise BadBank(f"loses {sorted(roots | may_lose)}; there is {sorted(known)}")
    return Case(name, check.name, "mutant", entry["name"], work, roots, may_lose)


def carried(check: Check, roots: frozenset[str]) -> frozenset[str]:
    """``roots`` and the criteria that rest on them, directly or through others."""
    lost = set(roots)
    for c in check.criteria:  # what a criterion rests on stands before it
        if c.rests_on in lost:
            lost.add(c.key)
    return frozenset(lost)


def alternatives(name: str) -> list[Case]:
    """The right answers of the unit ``name``: the reference's own, and the unusual ones.

    A script is judged in the exercises of the scripts that import it as well: what one answers must fit the others.
    """
    checks = list(unit(name))
    found = [Case(name, check.name, "alternative", "the solution", solved(name)) for check in checks]
    for folder in sorted(path for path in (HERE / name / "alternatives").iterdir() if path.is_dir()):
        work, touched = solved(name), set()
        for path in sorted(folder.rglob("*.py")):
            where = path.relative_to(folder).as_posix()
            where = where if where in work.scripts else path.stem
            if where not in work.scripts and where not in work.cells:
                raise BadBank(f"{path} is neither an exercise nor a script of {name}")
            work = work.having(where, path.read_text(encoding="utf-8"))
            touched.add(where)
        if not touched:
            raise BadBank(f"{folder} holds no answer")
        stems = "|".join(re.escape(Path(where).stem) for where in touched)
        imports = re.compile(rf"^\s*(?:from|import)\s+(?:{stems})\b", re.MULTILINE)
        found += [
            Case(name, check.name, "alternative", folder.name, work)
            for check in checks
            if place(check) in touched or (check.answer != "notebook" and imports.search(work.text(check.answer)))
        ]
    return found
