"""The bank: wrong, unusual and hostile submissions that the graders themselves are graded on.

A wrong answer must lose exactly the criteria it should, a right one nothing, an attack must gain nothing, and a mishap
must cost nothing but what it destroyed. A new bug report becomes a new entry.
"""

import os
import secrets
from collections.abc import Iterable, Iterator


def run(unit: str | None = None, attacks: bool = True, seed: int | None = None) -> int:
    """Grade the graders on the bank of ``unit``, or of every unit, and print how they did.

    Args:
        unit: the unit's name; None for all.
        attacks: whether to send the attacks and mishaps through the whole pipeline too.
        seed: the private seed; drawn when None.

    Returns:
        0 when all wrong work was caught and all right work passed, else 1.
    """
    from byom.checks.unit import available_units

    seed = secrets.randbits(31) if seed is None else seed
    return max(_run(name, attacks, seed) for name in ([unit] if unit else available_units()))


def _run(name: str, with_attacks: bool, seed: int) -> int:
    print(f"{name}, under the private seed {seed}", flush=True)
    outcomes, offences = [], []
    for wrong_work, said in _outcomes(name, with_attacks, seed):
        outcomes.append((wrong_work, not said))
        offences += said
        for offence in said:
            print(f"  ✗ {offence}", flush=True)
    _print_rate("true positives", "wrong work that lost exactly what it should", (r for w, r in outcomes if w))
    _print_rate("true negatives", "right work that kept all its points", (r for w, r in outcomes if not w))
    return 1 if offences else 0


def _outcomes(name: str, with_attacks: bool, seed: int) -> Iterator[tuple[bool, list[str]]]:
    """For each entry whether it is wrong work, and what was judged wrongly about it."""
    from grading.bank.attacks import attacks
    from grading.bank.cases import cases
    from grading.bank.classes import grade_all
    from grading.bank.probing import judge_all

    for judged in judge_all(cases(name), seed, os.cpu_count() or 1):
        yield not judged.case.right_answer, [] if judged.right else [judged.offence]
    if with_attacks:
        for graded in grade_all(attacks(name), name, seed, os.cpu_count() or 1):
            yield graded.attack.wrong_work, [f"{name}: {graded.attack.name}: {said}" for said in graded.wrong]


def _print_rate(label: str, what: str, right: Iterable[bool]) -> None:
    verdicts = list(right)
    share = sum(verdicts) / len(verdicts) if verdicts else 1.0
    print(f"  {label} {share:6.1%}   {sum(verdicts)} of {len(verdicts)}: {what}", flush=True)
