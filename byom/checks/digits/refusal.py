"""How a learner's function refuses what it should not take."""

import dis
import sysconfig
from collections.abc import Callable
from typing import Any


def refusal(step: Callable[[], Any]) -> dict[str, Any]:
    """The error that ``step`` raises: its kind, its text, and whether a ``raise`` of the learner's own raised it.

    The kind is None when nothing is raised.
    """
    try:
        step()
    except (Exception, SystemExit) as error:
        kind = "ValueError" if isinstance(error, ValueError) else type(error).__name__
        return {"kind": kind, "text": str(error)[:300], "raised on purpose": _on_purpose(error)}
    return {"kind": None}


def _on_purpose(error: BaseException) -> bool:
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return False
    code = last.tb_frame.f_code
    libraries = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
    return code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"] and not code.co_filename.startswith(libraries)
