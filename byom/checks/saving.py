"""What is left of a network once the program that trained it has ended."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from byom.checks.artifacts import PARAMS, SYMBOL
from byom.checks.criteria import Exhibits, Outcome, expect
from byom.checks.evidence import Record, few
from byom.checks.process import scratch
from byom.require import no_mxnet

NEAR = 1e-5


def saved(
    save: Callable[[Any, str], Any],
    network: Callable[[bool], Any],
    rows: np.ndarray,
    load: Callable[[Path, Path, np.ndarray], np.ndarray],
    **loaders: Callable[[Path, np.ndarray], np.ndarray],
) -> Record:
    """The answers for ``rows`` of what was saved into an empty folder, a missing one, and one with older files in it.

    Args:
        save: the learner's function.
        network: makes the network to save; for True another one, whose files are the older ones.
        rows: what the networks are asked.
        load: the answers of a graph and parameters, from their paths.
        loaders: others to ask, by name, from the first folder's path.

    Returns:
        answers from the files of the right names, under "once", and of whatever names, under "somehow"; from the
        missing folder, under "new", and the one with older files, under "again".
    """
    record = Record()
    if reason := no_mxnet():
        record.fail(reason)
        return record

    def by_name(folder: Path) -> np.ndarray:
        return load(folder / SYMBOL, folder / PARAMS, rows)

    def somehow(folder: Path) -> np.ndarray:
        symbols, params = sorted(folder.rglob("*symbol*.json")), sorted(folder.rglob("*.params"))
        if not symbols or not params:
            there = ", ".join(sorted(p.name for p in folder.rglob("*"))) or "nothing"
            raise FileNotFoundError(f"a graph and parameters are needed; in the folder: {there}")
        return load(symbols[0], params[-1], rows)

    # or MXNet announces its backend in the learner's notebook, at every load
    with scratch() as root, patch.dict(os.environ, MXNET_SUBGRAPH_VERBOSE="0"):
        once, new, again = root / "once", root / "new" / "deep", root / "again"
        for folder in (once, again):
            folder.mkdir()
        record.whole(lambda: save(network(False), str(once)))
        if "*" in record:
            return record
        record.attempt("once", lambda: by_name(once))
        record.attempt("somehow", lambda: somehow(once))
        for key, loader in loaders.items():
            record.attempt(key, partial(loader, once, rows))
        record.attempt("new", lambda: [save(network(False), str(new)), somehow(new)][1])
        record.attempt(
            "again", lambda: [save(network(older), str(again)) for older in (True, False)] and somehow(again)
        )
    return record


def same_answers(seen: Exhibits, *keys: str) -> Outcome:
    """Whether what was saved answers as the reference's does; of several keys the first that doesn't decides."""
    outcome = Outcome(False, "the network's answers", "none")
    for key in keys:
        wanted = seen.reference.array(key)
        got = seen.evidence.array(key, wanted.shape, f"the network's answers {few(wanted[0])}")
        met = np.allclose(got, wanted, rtol=NEAR, atol=NEAR)
        outcome = expect(met, f"the network's answers {few(wanted[0])}", few(got[0]))
        if not met:
            break
    return outcome
