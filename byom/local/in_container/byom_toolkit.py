"""Starts AWS's training toolkit, as the entry point of its images does: `python byom_toolkit.py`."""

import os
import sys
import types
from importlib.metadata import version

# The toolkit imports paramiko, a fifth of its start, to launch MPI over SSH, which no job here does.
sys.modules["paramiko"] = types.ModuleType("paramiko")
# Its PyTorch part imports torch for the version alone, which takes longer than everything else it does. The learner's
# script, which runs in a process of its own, imports the real one.
if os.environ["SAGEMAKER_TRAINING_MODULE"].startswith("sagemaker_pytorch_container."):
    torch = sys.modules["torch"] = types.ModuleType("torch")
    vars(torch)["__version__"] = version("torch")

from sagemaker_training.cli.train import main  # noqa: E402

main()
