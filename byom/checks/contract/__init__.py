"""What the exercises of the contract unit must show."""

from byom.checks.contract.distributed import Distributed
from byom.checks.contract.hosting import HostArchive, HostFinishedJob
from byom.checks.contract.pack_model import PackModel
from byom.checks.contract.parse_args import ParseArgs
from byom.checks.contract.saving import SaveBlock, SaveModule
from byom.checks.contract.serve import Serve
from byom.checks.contract.train import Train
from byom.checks.contract.transform_fn import TransformFn
from byom.checks.process import preload
from byom.checks.unit import Unit

preload("numpy", "mxnet", "torch")

UNIT = Unit(
    "contract",
    [
        ParseArgs(),
        Train(),
        SaveModule(),
        SaveBlock(),
        Distributed(),
        Serve(),
        TransformFn(),
        PackModel(),
        HostFinishedJob(),
        HostArchive(),
    ],
)
check = UNIT.check
