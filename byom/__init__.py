"""Bring Your Own Model: what students install. Checks, local SageMaker, data and plots.

Importing this package costs nothing: every part is imported when it is used.
"""

__version__ = "0.1.0"
