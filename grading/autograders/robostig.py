"""The autograder of the robostig unit."""

from byom.checks.robostig import UNIT
from grading.autograders.autograder import Autograder
from grading.sandbox import Limits

AUTOGRADER = Autograder(UNIT, Limits(cell_seconds=100, submission_seconds=300))
