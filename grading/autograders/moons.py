"""The autograder of the moons unit."""

from byom.checks.moons import UNIT
from grading.autograders.autograder import Autograder
from grading.sandbox import Limits

AUTOGRADER = Autograder(UNIT, Limits())
