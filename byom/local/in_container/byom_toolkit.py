"""Starts AWS's training toolkit, as the entry point of its images does: `python byom_toolkit.py`."""

import os
import sys
import types
from importlib.metadata import version

from sagemaker_training.cli.train import main

# Its PyTorch part imports torch for the version alone, which takes longer than everything else it does. The learner's
# script, which runs in a process of its own, imports the real one.
if os.environ["SAGEMAKER_TRAINING_MODULE"].startswith("sagemaker_pytorch_container."):
    torch = types.ModuleType("torch")
    vars(torch)["__version__"] = version("torch")
    sys.modules["torch"] = torch

main()
