"""A process that draws: ``python -m byom.data.drawings.worker SEED PART FIRST LABELS``.

Writes one picture after the other, 3,072 bytes each, to standard output: one for each digit of LABELS, from number
FIRST on. When nobody reads any more it ends, so it can't outlive the process that started it for long.
"""

import os
import signal
import sys

import numpy as np

from byom.data.drawings.picture import draw

if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    seed, part, first = map(int, sys.argv[1:4])
    for number, label in enumerate(sys.argv[4], first):
        os.write(1, draw(int(label), np.random.default_rng([seed, part, number])).tobytes())
