"""Python imports this at the start of every process of a container, which has this folder on its path."""

import io
import os
import sys

# The training toolkit makes a log line of whatever it reads at once. PYTHONUNBUFFERED, which AWS's images set, and
# `python -u`, which torchrun uses, would hand it `print("loss", x)` in pieces; a full buffer nothing until the end.
if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(line_buffering=True, write_through=False)

if "BYOM_HOSTS" in os.environ:  # an endpoint's container has no hosts
    import byom_hosts  # noqa: F401
