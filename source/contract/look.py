"""Looks around in a training job and reports what any script finds there. Nothing is trained.

The report goes to the log and, as ``report.json``, into the folder that becomes the job's ``output.tar.gz``.
"""

import importlib
import json
import os
import platform
import sys


def files_below(folder):
    """The paths of all files below ``folder``, relative to it, sorted."""
    found = []
    for here, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(here, name), folder) for name in names]
    return sorted(found)


def lines_of_pipe(channel, epochs):
    """Read a piped channel from its beginning, once for each epoch, and count its lines.

    A pipe is read once and from front to back. For each epoch there is a new one: ``<channel>_0``, ``<channel>_1``, …
    """
    counts = []
    for epoch in range(epochs):
        with open("%s_%d" % (channel, epoch)) as pipe:
            counts.append(sum(1 for _ in pipe))
    return counts


def look():
    """Gather what the script was given."""
    inputs = os.environ["SM_INPUT_DIR"]
    return {
        "python": platform.python_version(),
        "arguments": sys.argv[1:],
        "variables": {name: value for name, value in sorted(os.environ.items()) if name.startswith("SM_")},
        "course": os.environ.get("COURSE"),
        "input files": files_below(inputs),
        "code files": files_below(os.getcwd()),
        "lines in the pipe, by epoch": lines_of_pipe(os.environ["SM_CHANNEL_PIPED"], epochs=2),
        "installed from requirements.txt": importlib.import_module("greeting").GREETING,
        "imported from dependencies": importlib.import_module("shared.names").NAMES,
    }


if __name__ == "__main__":
    report = look()
    print(json.dumps(report, indent=2))
    print("files=%d;" % len(report["input files"]))
    with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "report.json"), "w") as file:
        json.dump(report, file)
