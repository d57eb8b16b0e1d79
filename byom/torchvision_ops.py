"""Make ``import torchvision`` work where its compiled operators cannot be loaded.

torchvision's wheel is linked against CUDA. Beside a CPU build of torch its operators do not load, and
``import torchvision`` stops with ``operator torchvision::nms does not exist``, although data sets, transforms
and classification models need none of them. Declaring the two operators that torchvision registers without
asking whether they are there is enough.

A ``.pth`` file imports this module when Python starts, so notebooks, grading kernels and training jobs all
behave alike. It only registers an import hook; torch is imported when torchvision is.
"""

import importlib.machinery
import sys


class _TorchvisionFinder:
    """A meta path finder that prepares torch just before torchvision is first found."""

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> None:
        """Declare the missing operators when ``name`` is torchvision; always leave finding to the others."""
        if name == "torchvision":
            sys.meta_path.remove(cls)
            _declare_missing_operators()
        return None


_kept: list[object] = []  # operators are undefined again when their Library object is collected


def _declare_missing_operators() -> None:
    from pathlib import Path

    spec = importlib.machinery.PathFinder.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return  # not installed: let the import say so
    import torch

    folder = Path(spec.submodule_search_locations[0])
    compiled = sorted([*folder.glob("_C*.so"), *folder.glob("_C*.pyd"), *folder.glob("_C*.dylib")])
    try:
        for library in compiled:
            torch.ops.load_library(str(library))  # idempotent: torchvision loads the same file again
    except (OSError, RuntimeError):
        compiled = []
    if not compiled:
        declared = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            declared.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept.append(declared)


if "torchvision" not in sys.modules and _TorchvisionFinder not in sys.meta_path:
    sys.meta_path.insert(0, _TorchvisionFinder)  # type: ignore[arg-type]
