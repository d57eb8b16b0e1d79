"""A process that records drives: `python -m byom.driving.worker FOLDER FRAMES SEED`.

It reads tracks from standard input, one a line, records each one's drive in the folder, and says so. It ends when its
input ends, so it can't outlive the process that feeds it.
"""

import sys
from pathlib import Path

from byom.driving.recording import record, save


def work(folder: Path, frames: int, seed: int) -> None:
    """Record a drive for each line of standard input, and answer with the same line."""
    for line in sys.stdin:
        track = int(line)
        save(folder, track, *record(track, frames, seed))
        print(track, flush=True)


if __name__ == "__main__":
    work(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
