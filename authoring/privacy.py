"""The search for answers where students may look."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from authoring.answers import squeezed

_MARKER = re.compile(r"^\s*#+\s*(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)", re.MULTILINE)
_DIRECTIVE = re.compile(r"^\s*(?:`{3,}|~{3,}|:{3,})\{(?:exercise|code-cell|raw-cell)\}", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Leak:
    """Something in a file that students must not get."""

    file: str
    what: str


def leaks(files: Iterable[tuple[str, bytes]], answers: Mapping[str, str]) -> list[Leak]:
    """Search files for answers and for what the tools that made them left behind.

    Args:
        files: names and contents.
        answers: squeezed pieces of answers, and where each comes from.
    """
    return sorted({leak for name, data in files for leak in _leaks(name, data, answers)})


def _leaks(name: str, data: bytes, answers: Mapping[str, str]) -> Iterator[Leak]:
    text = data.decode("utf-8", "ignore")
    if name.endswith(".ipynb"):
        try:
            notebook = json.loads(text)
        except ValueError:
            yield Leak(name, "is no notebook")
            return
        yield from (Leak(name, what) for what in _leftovers(notebook))
        text = "\n".join(_texts(notebook))
        if _DIRECTIVE.search(text):
            yield Leak(name, "holds a directive of the lesson's source")
    # prose may explain the markers to authors; an answer in it would be found by its pieces
    if not name.endswith(".md") and (marker := _MARKER.search(text)):
        yield Leak(name, f"holds the marker {marker[0].strip()!r}")
    whole = squeezed(text)
    for piece, origin in answers.items():
        if piece in whole:
            yield Leak(name, f"holds the answer on {origin}")


def _leftovers(notebook: Any) -> Iterator[str]:
    cells = notebook.get("cells", []) if isinstance(notebook, dict) else []
    if not cells:
        yield "is a notebook without cells"
    for part in [notebook, *cells]:
        if isinstance(part, dict) and "jupytext" in part.get("metadata", {}):
            yield "holds metadata of jupytext"
    if any(cell.get("outputs") or cell.get("execution_count") is not None for cell in cells):
        yield "holds outputs"


def _texts(value: Any) -> Iterator[str]:
    """Every text in a notebook, lines that nbformat split put together again."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            yield "".join(value)
        else:
            for item in value:
                yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
