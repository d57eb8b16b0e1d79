"""What the exercises of the robostig unit must show."""

from byom.checks.process import preload
from byom.checks.robostig.build_model import BuildModel
from byom.checks.robostig.evaluate import Evaluate
from byom.checks.robostig.load_data import LoadData
from byom.checks.robostig.saving import ModelFn, Save
from byom.checks.robostig.train import Train
from byom.checks.robostig.transform import Transform
from byom.checks.robostig.transform_fn import TransformFn
from byom.checks.unit import Unit

preload("numpy", "mxnet")

UNIT = Unit("robostig", [BuildModel(), Transform(), LoadData(), Evaluate(), Train(), Save(), ModelFn(), TransformFn()])
check = UNIT.check
