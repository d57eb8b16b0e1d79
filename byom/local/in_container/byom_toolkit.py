"""Starts AWS's training toolkit, as the entry point of its images does: `python byom_toolkit.py`."""

import os
import signal
import subprocess
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


class _Popen(subprocess.Popen):
    """A process that is told to end when this one was told so before it started."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        if _told:
            self.terminate()


# The end of this process would be the script's end too. SIGTERM is for the script, which may want to save what it has;
# a `train` function runs in this process and answers for itself.
_told: list[int] = []
if not os.environ["SAGEMAKER_TRAINING_MODULE"].startswith("byom_train_function:"):
    signal.signal(signal.SIGTERM, lambda number, _: _told.append(number))
    subprocess.Popen = _Popen  # type: ignore[misc]

from sagemaker_training.cli.train import main  # noqa: E402

main()
