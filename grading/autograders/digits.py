"""The autograder of the digits unit."""

from byom.checks.digits import UNIT
from grading.autograders.autograder import Autograder
from grading.sandbox import Limits

AUTOGRADER = Autograder(UNIT, Limits(cell_seconds=100, submission_seconds=300))
