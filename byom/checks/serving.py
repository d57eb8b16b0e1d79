"""Requests to a model, sent as a model server sends them: through AWS's own inference toolkit."""

import io
import json
import os
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from byom.checks.criteria import Exhibits, Outcome, expect
from byom.checks.evidence import Record

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"

PICKLE = "application/python-pickle"
"""A type to refuse: what it holds is a program."""

_unpickled: list[str] = []


def spring() -> str:
    """What the pickles of `pickled` and `of_pickles` run when somebody opens them."""
    _unpickled.append("opened")
    return "opened"


class _Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return spring, ()


@dataclass(frozen=True)
class Request:
    """A request to an endpoint."""

    body: bytes
    content_type: str = JSON
    accept: str = JSON


def packed(rows: np.ndarray, content_type: str) -> bytes:
    """An array in one of the three types; for CSV, rows of numbers."""
    if content_type == JSON:
        return json.dumps(rows.tolist()).encode()
    content = io.BytesIO()
    if content_type == CSV:
        np.savetxt(content, rows, delimiter=",", fmt="%g")
    else:
        np.save(content, rows)
    return content.getvalue()


def unpacked(body: bytes, content_type: str) -> np.ndarray:
    """The array in an answer of one of the three types, float64."""
    if content_type == JSON:
        return np.array(json.loads(body), dtype="float64")
    if content_type == CSV:
        return np.loadtxt(io.StringIO(body.decode()), delimiter=",", ndmin=2)
    return np.load(io.BytesIO(body), allow_pickle=False).astype("float64")


def pickled() -> bytes:
    """A pickle that tells when it is opened."""
    return pickle.dumps(_Trap())


def of_pickles(*shape: int) -> bytes:
    """An array in NPY whose elements are such pickles."""
    content = io.BytesIO()
    np.save(content, np.full(shape, _Trap(), dtype=object), allow_pickle=True)
    return content.getvalue()


def ask(
    service: Any, program: str, model_dir: Path, good: Mapping[str, Request], hostile: Mapping[str, Request]
) -> Record:
    """Load a model through a toolkit's handler service, send it all requests, and keep the answers.

    Runs where the program can be imported.

    Args:
        service: the handler service.
        program: the script's file name.
        model_dir: the folder with the model.
        good: requests that are to be answered, by name.
        hostile: requests that are to be refused, by name.

    Returns:
        under the name of a good request what the answer holds; under that of a hostile one, "status" and "message". And
        whether a pickle was opened, under "unpickled".
    """
    from byom.local.serving import Context

    record = Record()
    _unpickled.clear()
    with patch.dict(os.environ, SAGEMAKER_PROGRAM=program):
        context = Context(model_dir)
        if record.whole(lambda: (service.initialize(context), True)) is None:
            return record
        for name, request in good.items():
            record.attempt(name, partial(_answer, service, context, request))
        for name, request in hostile.items():
            record.attempt(name, partial(_refusal, service, context, request))
    record["unpickled"] = bool(_unpickled)
    return record


def _send(service: Any, context: Any, request: Request) -> tuple[int, str, bytes]:
    """Status, content type and body of the answer."""
    context.begin({"Content-Type": request.content_type, "Accept": request.accept})
    answer = service.handle([{"body": bytearray(request.body)}], context)[0]
    if isinstance(answer, str):
        answer = answer.encode()
    elif not isinstance(answer, bytes | bytearray):
        answer = json.dumps(answer).encode()
    return context.status, context.content_type, bytes(answer)


def _answer(service: Any, context: Any, request: Request) -> np.ndarray:
    status, content_type, body = _send(service, context, request)
    if status != 200:
        raise WrongAnswer(f"status {status}: {_message(status, body)}")
    if content_type.split(";")[0].strip() != request.accept:
        raise WrongAnswer(f"an answer of type {content_type}")
    return unpacked(body, request.accept)


def _refusal(service: Any, context: Any, request: Request) -> dict[str, Any]:
    status, _, body = _send(service, context, request)
    return {"status": status, "message": _message(status, body) if status != 200 else ""}


class WrongAnswer(Exception):
    """Something else than the answer to a good request."""


def _message(status: int, body: bytes) -> str:
    """What a toolkit's error says: the message that was raised; for an error nobody meant, the kind of it too."""
    said, _, trace = body.decode(errors="replace").partition("Traceback (most recent call last)")
    return (trace.strip().rsplit("\n", 1)[-1] if status == 500 and trace else said).strip()[:300]


# ------------------------------------------------------------ judging


def refused(seen: Exhibits, names: Iterable[str], status: int) -> Outcome:
    """Whether these hostile requests are refused with ``status`` and some message; without any, it is not met."""
    outcome = Outcome(False, "a request that is answered rightly", "none is")
    for name in names:
        got = seen.evidence.mapping(name, f"status {status} and a message")
        met = got.get("status") == status and str(got.get("message", "")).strip() != ""
        outcome = expect(met, f"status {status} and a message", f"status {got.get('status')}: {got.get('message')}")
        if not met:
            return Outcome(False, f"{name}: {outcome.expected}", outcome.got)
    return outcome


def unopened(seen: Exhibits) -> Outcome:
    """Whether no pickle was opened."""
    opened = seen.evidence.flag("unpickled", "a pickle that stays closed")
    return expect(not opened, "pickles that stay closed", "one was opened" if opened else "they stayed closed")
