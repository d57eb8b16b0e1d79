"""Probing and judging the bank's cases in worker processes, without a notebook or a sandbox: the bank is ours."""

import contextlib
import logging
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byom.checks.criteria import Check, Finding
from byom.checks.evidence import BadEvidence, Record, decode, encode
from byom.checks.process import scratch
from byom.checks.unit import unit
from grading.autograders import autograder
from grading.bank.cases import Case, carried
from grading.bank.work import Work, preamble


@dataclass(frozen=True)
class Judged:
    """A case and what the judge found."""

    case: Case
    findings: Sequence[Finding]

    @property
    def lost(self) -> frozenset[str]:
        """The criteria that were not met."""
        return frozenset(f.criterion for f in self.findings if not f.met)

    @property
    def right(self) -> bool:
        """Whether exactly those criteria were lost that should be."""
        return not self._wrongly and self.case.lost <= self.lost

    @property
    def _wrongly(self) -> frozenset[str]:
        return self.lost - carried(self.case.check, self.case.roots | self.case.may_lose)

    @property
    def offence(self) -> str:
        """What was expected, what came, and why; for a case that is not right."""
        wrong = [f"{f.criterion} (got {f.got})" for f in self.findings if f.criterion in self._wrongly]
        missed = sorted(self.case.lost - self.lost)
        said = [f"lost {', '.join(wrong)}"] if wrong else []
        said += [f"did not lose {', '.join(missed)}"] if missed else []
        return f"{self.case}: should lose {', '.join(sorted(self.case.lost)) or 'nothing'}; {' and '.join(said)}"


def judge_all(chosen: Sequence[Case], seed: int, workers: int) -> Iterator[Judged]:
    """Probe and judge ``chosen`` under the private challenges of ``seed``, ``workers`` at once."""
    references: dict[str, Mapping[str, Any]] = {}
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), begin) as pool:
        futures = [pool.submit(_evidence, case, seed) for case in chosen]
        for case, future in zip(chosen, futures, strict=True):
            if case.unit not in references:
                references[case.unit] = autograder(case.unit).references(seed)
            yield judged(case, future.result(), seed, references[case.unit])


def judged(case: Case, encoded: str, seed: int, references: Mapping[str, Mapping[str, Any]]) -> Judged:
    """The findings on a case's evidence, which travels encoded as a kernel's does."""
    checks = unit(case.unit)
    check = checks.checks[case.exercise]
    try:
        evidence = decode(encoded)
    except BadEvidence as bad:
        return Judged(case, check.nothing_shown(str(bad)))
    challenge = checks.challenge(case.exercise, seed)
    return Judged(case, check.judge(challenge, evidence, references.get(case.exercise, {})))


def evidence(work: Work, exercise: str, seed: int) -> str:
    """The encoded evidence of ``work`` on ``exercise`` under the challenge of ``seed``."""
    logging.getLogger("sagemaker.config").setLevel(logging.WARNING)  # before the SDK is imported
    checks = unit(work.unit)
    check = checks.checks[exercise]
    given = checks.challenge(exercise, seed).given
    with scratch() as folder, contextlib.chdir(folder):
        work.write_scripts(folder)
        record = Record()
        learner = record.whole(lambda: _learner(work, check))
        return encode(record if learner is None else check.probe(learner, given))


def _learner(work: Work, check: Check) -> Any:
    if check.answer != "notebook":
        return Path(check.answer)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(preamble(work.unit), namespace)
    for exercise, cell in work.cells.items():  # as in a notebook, where one answer may call another
        exec(compile(cell, exercise, "exec"), namespace)
    return namespace[check.name]


def begin() -> None:
    """Make a fresh worker process fair to the others."""
    os.environ["OMP_NUM_THREADS"] = "1"


def _evidence(case: Case, seed: int) -> str:
    return evidence(case.work, case.exercise, seed)
