"""All that one unit is made from, read together."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from authoring.answers import Answers, distinctive, read_answers, squeezed, stub
from authoring.course import Course
from authoring.lesson import Lesson, read_lesson
from byom.checks.unit import Unit


@dataclass
class Material:
    """A unit's lesson, answers and checks; a page has a lesson only."""

    lesson: Lesson
    answers: Answers | None
    """The answers to the exercises of the notebook."""

    scripts: dict[str, Answers]
    """The solved scripts, by the path learners know them under: ``source/model.py``."""

    checks: Unit | None

    @property
    def modules(self) -> Iterator[Answers]:
        """The unit's solution modules."""
        if self.answers is not None:
            yield self.answers
        yield from self.scripts.values()

    @cached_property
    def stubs(self) -> dict[str, str]:
        """The scripts as learners get them; those that are malformed are left out."""
        return {name: stub(script.text) for name, script in self.scripts.items() if not script.violations}

    @cached_property
    def distinctive(self) -> dict[str, tuple[Answers, int]]:
        """The squeezed pieces that would give an answer away, and where each is answered."""
        given = squeezed("".join(self.stubs.values()))
        return {
            text: (module, line)
            for module in self.modules
            if not module.violations
            for text, line in distinctive(module).items()
            if text not in given
        }


def read_material(course: Course, name: str) -> Material:
    """Read what the unit or page ``name`` is made from."""
    lesson = read_lesson(name, course.lesson(name))
    if name not in course.units():
        return Material(lesson, None, {}, None)
    path, folder = course.answers(name), course.solved_scripts(name)
    scripts = {
        f"source/{script.relative_to(folder).as_posix()}": read_answers(script)
        for script in sorted(folder.rglob("*.py"))
        if "__pycache__" not in script.parts
    }
    try:
        checks = course.checks(name)
    except LookupError:
        checks = None
    return Material(lesson, read_answers(path) if path.is_file() else None, scripts, checks)
