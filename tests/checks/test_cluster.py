"""Hosts of a distributed training as processes of this machine: they work together, and none is left."""

import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from byom.checks.contract import cluster
from byom.checks.evidence import Record
from byom.checks.process import gather
from byom.require import no_mxnet

pytestmark = pytest.mark.skipif(no_mxnet() is not None, reason="MXNet has no build for this machine")


def run(probe: Any, tmp_path: Path, **given: Any) -> Record:
    """The evidence of ``probe``, from a process of its own."""
    (tmp_path / "script.py").touch()
    return gather(probe, tmp_path / "script.py", given, seconds=60)


def added(i: int) -> dict[str, Any]:
    """Push what this host has; pull the sum."""
    import mxnet as mx

    store = mx.kv.create("dist_sync")
    store.init(3, mx.nd.zeros(2))
    store.push(3, mx.nd.ones(2) * (i + 1))
    total = mx.nd.zeros(2)
    store.pull(3, out=total)
    return {"sum": total.asnumpy(), "workers": store.num_workers}


def failing(i: int) -> dict[str, Any]:
    """The second host fails, and the first waits for it."""
    if i == 1:
        raise ValueError("no such column")
    return added(i)


def dying(i: int) -> dict[str, Any]:
    """The second host's process ends."""
    import os

    return os._exit(3) if i == 1 else added(i)


def three_hosts(given: Mapping[str, Any]) -> Record:
    """Three hosts, the first time at a port that is taken."""
    ports = [given["taken"], cluster._free_port()]
    cluster._free_port = lambda: ports.pop(0)
    record = cluster.on_hosts(3, added)
    record["ports left"] = len(ports)
    record["processes left"] = len(psutil.Process().children(recursive=True))
    return record


def failing_hosts(given: Mapping[str, Any]) -> Record:
    """Two hosts, one of which fails; where processes start slowly, before anybody waits for it."""
    start = cluster._fork.Process.start

    def slow_start(process: Any) -> None:
        start(process)
        time.sleep(1)

    if given["slow"]:
        cluster._fork.Process.start = slow_start
    record = cluster.on_hosts(2, {"raises": failing, "ends": dying}[given["how"]])
    record["processes left"] = len(psutil.Process().children(recursive=True))
    return record


def test_hosts_add_up_also_when_somebody_takes_their_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        record = run(three_hosts, tmp_path, taken=taken.getsockname()[1])
    assert record.get("*") is None
    for i in range(3):
        assert np.array_equal(record[f"sum {i}"], [6, 6])
        assert record[f"workers {i}"] == 3
    assert (record["ports left"], record["processes left"]) == (0, 0)


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(("how", "said"), [("raises", "ValueError: no such column"), ("ends", "ended before")])
def test_a_host_that_fails_ends_those_that_wait_for_it(how: str, said: str, slow: bool, tmp_path: Path) -> None:
    record = run(failing_hosts, tmp_path, how=how, slow=slow)
    assert said in record["*"]["raised"]
    assert record["processes left"] == 0
