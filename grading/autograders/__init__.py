"""What grading knows of each unit, and students don't: its private challenges, reference evidence and limits.

One module per unit holds its autograder; `autograder(name)` finds it. An autograder poses and judges, and never runs
learner code: that happens in the sandbox, through the same probes that students' own checks use.
"""

import importlib

from byom.checks.unit import available_units
from grading.autograders.autograder import Autograder


def autograder(unit: str) -> Autograder:
    """The autograder of the unit called ``unit``.

    Raises:
        LookupError: there is no such unit.
    """
    if unit not in available_units():
        raise LookupError(f"there is no unit {unit!r}; there is {', '.join(available_units())}")
    return importlib.import_module(f"grading.autograders.{unit}").AUTOGRADER


__all__ = ["Autograder", "autograder"]
