"""What the exercises of the moons unit must show.

Thresholds on trained results lie between the worst of 20 reference runs and the best of 20 runs of the nearest wrong
answer; both stand beside the threshold. `grading/tests/test_thresholds.py` measures them again.
"""

from byom.checks.moons.make_csv import MakeCsv
from byom.checks.moons.predict_fn import PredictFn
from byom.checks.moons.requests import MakeEstimator, MakeModel
from byom.checks.moons.simple_net import SimpleNet
from byom.checks.moons.train import Train
from byom.checks.process import preload
from byom.checks.unit import Unit

preload("numpy", "pandas", "torch", "torch._dynamo")  # the last: the first optimizer imports it, in a second

UNIT = Unit("moons", [MakeCsv(), SimpleNet(), Train(), MakeEstimator(), PredictFn(), MakeModel()])
check = UNIT.check
