"""The rules a unit keeps, so that what students get is complete and gives nothing away."""

import ast
from collections.abc import Iterator

from authoring.answers import Answers, Definition, Region, signatures, squeezed, stub, without_hints
from authoring.lesson import Code, Exercise
from authoring.material import Material
from authoring.violations import Violation

WIDTH = 110
"""The longest line of a code cell."""


def violations(material: Material) -> list[Violation]:
    """Every rule that a unit breaks."""
    found = list(material.lesson.violations)
    for module in material.modules:
        found += module.violations
        if not module.violations:
            found += _stub_keeps_shape(module)
    found += _exercises_match_checks(material)
    found += _exercises_have_answers(material)
    found += _answers_have_exercises(material)
    found += _text_gives_nothing_away(material)
    found += _lines_fit(material)
    return found


def _exercises_match_checks(material: Material) -> Iterator[Violation]:
    lesson, checks = material.lesson, material.checks
    first: dict[str, Exercise] = {}
    for exercise in lesson.exercises:
        at = Violation(lesson.path, exercise.line, "")
        if exercise.name in first:
            line = first[exercise.name].line
            yield _at(at, f"a second exercise {exercise.name!r}: line {line} has the same grade_id")
            continue
        first[exercise.name] = exercise
        if checks is None:
            yield _at(at, f"the exercise {exercise.name!r} in a lesson that has no checks")
        elif exercise.name not in checks.checks:
            yield _at(at, f"no check is called {exercise.name!r}")
        elif checks.checks[exercise.name].answer != exercise.answer:
            wanted = checks.checks[exercise.name].answer
            yield _at(at, f"{exercise.name!r} is answered in {exercise.answer}, but its check looks in {wanted}")
    for check in checks or ():
        if check.name not in first:
            yield Violation(lesson.path, 1, f"the check {check.name!r} has no exercise in the lesson")


def _at(place: Violation, what: str) -> Violation:
    return Violation(place.file, place.line, what)


def _module(material: Material, exercise: Exercise) -> Answers | None:
    return material.answers if exercise.answer == "notebook" else material.scripts.get(exercise.answer)


def _exercises_have_answers(material: Material) -> Iterator[Violation]:
    for exercise in material.lesson.exercises:
        module = _module(material, exercise)
        node = module.definitions.get(exercise.name) if module else None
        if module is None:
            where = "a module of answers" if exercise.answer == "notebook" else exercise.answer
            yield Violation(material.lesson.path, exercise.line, f"the unit's solutions have no {where}")
        elif module.tree is None:
            continue  # said already
        elif node is not None:
            yield from _definition_is_complete(module, node)
        elif exercise.answer == "notebook":
            yield Violation(
                material.lesson.path, exercise.line, f"{module.path.name} defines no {exercise.name!r} to answer with"
            )
        elif not module.regions:
            yield Violation(module.path, 1, f"{exercise.answer} has no solution region: nothing is left to do")
        elif not ast.get_docstring(module.tree):
            yield Violation(module.path, 1, f"{exercise.answer} has no docstring that says what to do")


def _definition_is_complete(module: Answers, node: Definition) -> Iterator[Violation]:
    if not module.regions_in(node):
        yield Violation(module.path, node.lineno, f"{node.name} has no solution region: nothing is left to do")
    if not ast.get_docstring(node):
        yield Violation(module.path, node.lineno, f"{node.name} has no docstring")
    if missing := without_hints(node):
        yield Violation(module.path, node.lineno, f"no type hint: {', '.join(missing)}")


def _stub_keeps_shape(module: Answers) -> Iterator[Violation]:
    """What is left without the answers is still Python, with every signature, and says what is missing."""
    broken = [region for region in module.regions if not _parses_without(module, region)]
    for region in broken:
        yield Violation(
            module.path, region.begin, "without this region the rest isn't Python: it cuts through a statement"
        )
    if broken or not module.regions:
        return
    stubs = {n.name: n for n in ast.parse(stub(module.text)).body if isinstance(n, Definition)}
    for name, node in module.definitions.items():
        regions = module.regions_in(node)
        if not regions:
            continue
        left = signatures(stubs[name]) if name in stubs else {}
        whole = {k: v for k, v in signatures(node).items() if k not in _inside(node, regions)}
        if lost := [k for k, v in whole.items() if left.get(k) != v]:
            yield Violation(
                module.path, regions[0].begin, f"a region takes away the signature or docstring of {', '.join(lost)}"
            )
        elif _stub_lines(stubs[name]) != len(regions):
            yield Violation(module.path, regions[0].begin, f"a region of {name} leaves no stub line in its body")


def _parses_without(module: Answers, region: Region) -> bool:
    lines = list(module.lines)
    for other in module.regions:
        if other != region:
            lines[other.begin - 1] = lines[other.end - 1] = ""
    try:
        ast.parse(stub("\n".join(lines)))
    except SyntaxError:
        return False
    return True


def _inside(node: Definition, regions: list[Region]) -> set[str]:
    """The methods of a class that are defined within its regions."""
    if not isinstance(node, ast.ClassDef):
        return set()
    return {
        f"{node.name}.{inner.name}"
        for inner in node.body
        if isinstance(inner, Definition) and any(r.begin < inner.lineno < r.end for r in regions)
    }


def _stub_lines(node: ast.AST) -> int:
    raised = (n.exc for n in ast.walk(node) if isinstance(n, ast.Raise) and n.exc is not None)
    return sum(ast.unparse(exc) == "NotImplementedError()" for exc in raised)


def _answers_have_exercises(material: Material) -> Iterator[Violation]:
    exercises = material.lesson.exercises
    if (module := material.answers) is not None:
        asked = {exercise.name for exercise in exercises if exercise.answer == "notebook"}
        for name, node in module.definitions.items():
            if name not in asked:
                yield Violation(module.path, node.lineno, f"{name} answers no exercise of the lesson")
        answered = [r for node in module.definitions.values() for r in module.regions_in(node)]
        for region in module.regions:
            if region not in answered:
                yield Violation(module.path, region.begin, "a solution region outside a function or class")
    named = {exercise.answer for exercise in exercises}
    for name, script in material.scripts.items():
        if name not in named:
            for region in script.regions:
                yield Violation(script.path, region.begin, f"a solution region, but no exercise names {name}")


def _text_gives_nothing_away(material: Material) -> Iterator[Violation]:
    lesson = material.lesson
    for block in lesson.blocks:
        if isinstance(block, Exercise):
            continue
        for number, line in enumerate(block.source.splitlines(), block.line):
            if "BEGIN SOLUTION" in line or "END SOLUTION" in line:
                yield Violation(lesson.path, number, "a solution marker: answers live in the solution modules")
        text = squeezed(block.source)
        for piece, (module, at) in material.distinctive.items():
            if piece in text:
                where = block.line + _line_of(piece, block.source)
                yield Violation(lesson.path, where, f"gives away the answer on {module.path.name}:{at}")


def _line_of(piece: str, source: str) -> int:
    """How many lines of ``source`` stand before the one in which a squeezed piece begins."""
    lines = source.splitlines()
    return max(i for i in range(len(lines)) if piece in squeezed("\n".join(lines[i:])))


def _lines_fit(material: Material) -> Iterator[Violation]:
    for block in material.lesson.blocks:
        if not isinstance(block, Code):
            continue
        for number, line in enumerate(block.source.splitlines(), block.line):
            if len(line) > WIDTH:
                yield Violation(material.lesson.path, number, f"{len(line)} characters in a line of code: {WIDTH} fit")
