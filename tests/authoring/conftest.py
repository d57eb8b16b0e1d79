"""A small unit in a folder of its own, whole and in order; tests break it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from authoring.answers import BEGIN, END
from authoring.course import Course
from byom.checks.criteria import Challenge, Check, Exhibits, Outcome, criterion, expect
from byom.checks.unit import Unit

LESSON = """\
---
kernelspec:
  name: python3
  display_name: Python 3
---

# Doubling

What this unit is about.

```{code-cell} ipython3
import numpy as np


def check(exercise, answer):
    print("checked", exercise)
```

Write it.

```{exercise} toy.double
```

Now the script.

```{exercise} source/model.py Net
```

```{code-cell} ipython3
:tags: [trained]

print(double(np.array([1.5, 2.5])))
```

That was it.
"""

ANSWERS = f'''\
"""Answers of the toy unit."""

import numpy as np


def double(x: np.ndarray) -> np.ndarray:
    """Twice the values.

    Args:
        x: any shape.
    """
    {BEGIN}
    twice_the_values = np.asarray(x) + np.asarray(x)
    return twice_the_values
    {END}
'''

MODEL = f'''\
"""The model."""


class Net:
    """Adds a constant."""

    def __init__(self, constant: float) -> None:
        {BEGIN}
        self.the_constant_to_add = float(constant)
        {END}

    def __call__(self, x: float) -> float:
        """The sum."""
        {BEGIN}
        return x + self.the_constant_to_add
        {END}
'''


class Double(Check):
    """Twice the values, of an array drawn afresh."""

    name = "double"
    answer = "notebook"

    def challenge(self, rng: np.random.Generator) -> Challenge:
        """Five numbers."""
        return Challenge({"x": rng.normal(size=5)})

    def probe(self, learner: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What comes back for them."""
        return {"y": learner(given["x"])}

    @criterion(2, "twice the values", "add")
    def doubled(self, it: Exhibits) -> Outcome:
        """The values are twice those given."""
        y = it.evidence.array("y", (5,))
        return expect(np.allclose(y, 2 * it.challenge.given["x"]), "twice", y)


class Net(Check):
    """Nothing to compare with."""

    name = "Net"
    answer = "source/model.py"
    needs_reference = False

    @criterion(1, "a class", "write it")
    def there(self, it: Exhibits) -> Outcome:
        """Never judged here."""
        return expect(False, "", "")


TOY = Unit("toy", [Double(), Net()])


def evidence(unit: str, seed: int) -> dict[str, dict[str, Any]]:
    """The evidence of the toy unit's right answers."""
    check = TOY.checks["double"]
    return {"double": dict(check.probe(lambda x: x + x, TOY.challenge("double", seed).given))}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The toy course, complete and unbuilt."""

    def checks(name: str) -> Unit:
        if name != "toy":
            raise LookupError(name)
        return TOY

    course = Course(tmp_path / "course", checks, evidence)
    for path, text in (
        (course.root / "solutions" / "toy" / "lesson.md", LESSON),
        (course.answers("toy"), ANSWERS),
        (course.solved_scripts("toy") / "model.py", MODEL),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return course


@pytest.fixture
def edit(course: Course) -> Callable[[str, str, str], None]:
    """Replace one piece of a file of the toy unit, which must hold it."""

    def edit(path: str, old: str, new: str) -> None:
        file = course.root / "solutions" / "toy" / path
        text = file.read_text()
        assert old in text, f"{path} doesn't hold {old!r}"
        file.write_text(text.replace(old, new, 1))

    return edit
