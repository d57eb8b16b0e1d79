"""What the exercises of the digits unit must show."""

from byom.checks.digits.build_graph import BuildGraph
from byom.checks.digits.export_model import ExportModel
from byom.checks.digits.label_predictions import LabelPredictions
from byom.checks.digits.preprocess_drawing import PreprocessDrawing
from byom.checks.digits.train import Train
from byom.checks.process import preload
from byom.checks.unit import Unit

preload("numpy", "mxnet")

UNIT = Unit("digits", [BuildGraph(), Train(), ExportModel(), PreprocessDrawing(), LabelPredictions()])
check = UNIT.check
