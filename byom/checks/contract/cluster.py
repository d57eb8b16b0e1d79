"""Several MXNet hosts on this machine: a scheduler, a server, and a worker process for each host.

They are forked where MXNet is imported already, speak over 127.0.0.1, and end with the call that started them.
"""

import contextlib
import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, wait
from typing import Any

import psutil

from byom.checks.evidence import Record, decode, encode

_fork: Any = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")


def on_hosts(count: int, work: Callable[[int], Mapping[str, Any]]) -> Record:
    """Call ``work(i)`` in a worker process for each host ``i``; return all evidence, each key followed by ``i``.

    The first worker that ends without evidence ends the others: they would wait for it. There is no time limit; the
    caller's ends all processes.
    """
    for _ in range(3):
        if (record := _attempt(count, work)) is not None:
            return record
    record = Record()
    record.fail("the scheduler or the server of the hosts did not start")
    return record


def _attempt(count: int, work: Callable[[int], Mapping[str, Any]]) -> Record | None:
    """One start of all processes; None where the scheduler did not get its port, or a service ended."""
    port = _free_port()
    cluster = {
        "DMLC_PS_ROOT_URI": "127.0.0.1",
        "DMLC_PS_ROOT_PORT": str(port),
        "DMLC_NODE_HOST": "127.0.0.1",
        "DMLC_NUM_WORKER": str(count),
        "DMLC_NUM_SERVER": "1",
    }
    services = [_fork.Process(target=_serve, args=({**cluster, "DMLC_ROLE": r},)) for r in ("scheduler", "server")]
    workers, answers = [], []
    for i in range(count):
        answer, answering = _fork.Pipe(duplex=False)
        workers.append(_fork.Process(target=_work, args=({**cluster, "DMLC_ROLE": "worker"}, work, i, answering)))
        answers.append(answer)
    record = Record()
    try:
        services[0].start()
        if not _listens(services[0], port):
            return None
        for process in (services[1], *workers):
            process.start()
        waiting = dict(enumerate(answers))
        while waiting:
            # also who has ended by now: the pipe of a dead worker does not, since those forked after it hold its end
            ends = [workers[i].sentinel for i in waiting] + [p.sentinel for p in services if p.exitcode != 0]
            wait([*waiting.values(), *ends])
            if any(p.exitcode for p in services):  # they end with 0 once all workers let go of the store
                return None
            for i in [i for i, answer in waiting.items() if workers[i].exitcode is not None or answer.poll()]:
                found = _found(waiting.pop(i))
                if "*" in found:
                    return found
                record.update({f"{key} {i}": value for key, value in found.items()})
    finally:
        for process in (*services, *workers):
            if process.pid is not None:
                process.kill()
                process.join()
    return record


def _found(answer: Connection) -> Record:
    """What a worker sent."""
    if answer.poll():
        return Record(decode(answer.recv_bytes().decode()))
    found = Record()
    found.fail("the process of a host ended before it was done")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _listens(scheduler: Any, port: int) -> bool:
    """Whether the scheduler got its port within some seconds. Where somebody else was faster, it waits for ever."""
    deadline = time.monotonic() + 5
    while scheduler.exitcode is None and time.monotonic() < deadline:
        with contextlib.suppress(psutil.Error):
            if any(c.laddr and c.laddr.port == port for c in psutil.Process(scheduler.pid).net_connections("tcp")):
                return True
        time.sleep(0.01)
    return False


def _serve(environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    import mxnet as mx

    mx.kvstore.KVStoreServer(mx.kvstore.create("dist")).run()


def _work(environment: Mapping[str, str], work: Callable[[int], Mapping[str, Any]], i: int, answer: Connection) -> None:
    os.environ.update(environment)
    record = Record()
    record.update(record.whole(lambda: work(i)) or {})
    answer.send_bytes(encode(record).encode())
