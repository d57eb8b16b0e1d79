"""Private challenges, reference evidence and the verdict of one unit."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byom.checks.criteria import Challenge, Finding
from byom.checks.evidence import BadEvidence, decode, encode
from byom.checks.unit import Unit
from grading.sandbox import Limits

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, eq=False)
class Autograder:
    """What grading one unit takes: the checks, and how much a submission may use."""

    unit: Unit
    limits: Limits

    def challenges(self, seed: int) -> dict[str, Challenge]:
        """The private challenges of a run, by exercise. The class shares them, so the reference is probed once."""
        return {check.name: self.unit.challenge(check.name, seed) for check in self.unit}

    def posed(self, seed: int) -> dict[str, str]:
        """The part of `challenges` that goes to the learner's side, encoded."""
        return {name: encode(challenge.given) for name, challenge in self.challenges(seed).items()}

    def references(self, seed: int) -> Mapping[str, Mapping[str, Any]]:
        """Reference evidence for `challenges`, by exercise: the same probes applied to the solutions.

        Raises:
            RuntimeError: a solution could not be probed.
        """
        return reference_evidence(self.unit.name, seed)

    def judge(self, seed: int, evidence: Mapping[str, str], reasons: Mapping[str, str]) -> dict[str, list[Finding]]:
        """Judge a submission: findings by exercise. Never raises because of what a submission sent.

        Args:
            seed: the run's.
            evidence: encoded evidence by exercise, as it came out of the sandbox.
            reasons: by exercise, why none came.
        """
        challenges, references = self.challenges(seed), self.references(seed)
        findings = {}
        for check in self.unit:
            name = check.name
            if name not in evidence:
                findings[name] = check.nothing_shown(reasons.get(name, "its check was not run"))
                continue
            try:
                shown = decode(evidence[name])
            except BadEvidence as bad:
                findings[name] = check.nothing_shown(str(bad))
                continue
            findings[name] = check.judge(challenges[name], shown, references.get(name, {}))
        return findings


@functools.lru_cache(maxsize=8)
def reference_evidence(unit: str, seed: int) -> Mapping[str, Mapping[str, Any]]:
    """Evidence of the solutions of ``unit`` under the challenges of ``seed``, by exercise.

    The solutions run in a process of their own, in their own folder: they are called ``model`` and ``train``, as the
    learner's scripts are.

    Raises:
        RuntimeError: a solution could not be probed.
    """
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-m", "grading.autograders.reference", unit, str(seed)],
        cwd=REPOSITORY / "solutions" / unit,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the solutions of {unit} can't be probed:\n{done.stderr.strip()[-2000:]}")
    return {name: decode(json.dumps(packed)) for name, packed in json.loads(done.stdout).items()}
