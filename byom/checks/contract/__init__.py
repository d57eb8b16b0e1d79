"""What the exercises of the contract unit must show."""

from byom.checks.contract.parse_args import ParseArgs
from byom.checks.contract.train import Train
from byom.checks.process import preload
from byom.checks.unit import Unit

preload("numpy", "pandas", "mxnet", "torch")

UNIT = Unit("contract", [ParseArgs(), Train()])
check = UNIT.check
