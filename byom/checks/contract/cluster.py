"""Several MXNet hosts on this machine: a scheduler, a server, and a worker process for each host.

They are forked where MXNet is imported already, speak over 127.0.0.1, and end with the call that started them.
"""

import multiprocessing
import os
import socket
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, wait
from typing import Any

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
    """One start of all processes; None where somebody else took the port before the scheduler did."""
    cluster = {
        "DMLC_PS_ROOT_URI": "127.0.0.1",
        "DMLC_PS_ROOT_PORT": str(_free_port()),
        "DMLC_NODE_HOST": "127.0.0.1",
        "DMLC_NUM_WORKER": str(count),
        "DMLC_NUM_SERVER": "1",
    }
    services = [_fork.Process(target=_serve, args=({**cluster, "DMLC_ROLE": r},)) for r in ("scheduler", "server")]
    workers, answers = [], []
    for i in range(count):
        answer, answering = _fork.Pipe(duplex=False)
        workers.append(_fork.Process(target=_work, args=({**cluster, "DMLC_ROLE": "worker"}, work, i, answering)))
        answers.append((answer, answering))
    record = Record()
    try:
        for process in (*services, *workers):
            process.start()
        for _, answering in answers:
            answering.close()
        waiting = {answer: i for i, (answer, _) in enumerate(answers)}
        while waiting:
            wait([*waiting, *(p.sentinel for p in services if p.exitcode is None)])
            if any(p.exitcode for p in services):  # they end with 0 once all workers let go of the store
                return None
            for answer in [a for a in waiting if a.poll()]:
                i = waiting.pop(answer)
                try:
                    found = decode(answer.recv_bytes().decode())
                except EOFError:
                    found = Record()
                    found.fail("the process of this host ended before it was done")
                if "*" in found:
                    return Record(found)
                record.update({f"{key} {i}": value for key, value in found.items()})
    finally:
        for process in (*services, *workers):
            if process.pid is not None:
                process.kill()
                process.join()
    return record


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _serve(environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    import mxnet as mx

    mx.kvstore.KVStoreServer(mx.kvstore.create("dist")).run()


def _work(environment: Mapping[str, str], work: Callable[[int], Mapping[str, Any]], i: int, answer: Connection) -> None:
    os.environ.update(environment)
    record = Record()
    record.update(record.whole(lambda: work(i)) or {})
    answer.send_bytes(encode(record).encode())
