"""Probe the solutions of a unit: ``python -m grading.autograders.reference UNIT SEED``, inside their folder.

Prints a JSON object: encoded evidence by exercise, for the checks that compare with a reference.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

from byom.checks.evidence import encode
from byom.checks.unit import unit


def solution(name: str, answer: str, exercise: str) -> Any:
    """The reference's answer to an exercise of the unit ``name``: a script's path, or an object of its module."""
    if answer != "notebook":
        return Path(answer)
    spec = importlib.util.spec_from_file_location(f"solutions_of_{name}", f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, exercise)


def main() -> None:
    """Print the evidence of all solutions that a judge compares with."""
    name, seed = sys.argv[1], int(sys.argv[2])
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what solutions and the libraries below them print is no evidence
    checks = unit(name)
    shown = {}
    for check in checks:
        if check.needs_reference:
            evidence = check.probe(solution(name, check.answer, check.name), checks.challenge(check.name, seed).given)
            shown[check.name] = json.loads(encode(evidence))
    with answer:
        json.dump(shown, answer)


if __name__ == "__main__":
    main()
