"""The autograder of the contract unit."""

from byom.checks.contract import UNIT
from grading.autograders.autograder import Autograder
from grading.sandbox import Limits

AUTOGRADER = Autograder(UNIT, Limits(cell_seconds=100, submission_seconds=300))
