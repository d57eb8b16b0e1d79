"""SageMaker on this computer: training jobs and endpoints without an account, Docker or a network.

`activate()` is the one call of a notebook that differs on AWS; everything after it is the unmodified SageMaker SDK.
"""

from .notebook import activate

__all__ = ["activate"]
