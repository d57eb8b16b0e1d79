"""Reading a notebook that may be anything: always a valid nbformat 4 notebook, with notes on what was wrong."""

import json
import re
from collections.abc import Iterable
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grading.notes import plain

PARSED = 10_000_000
"""A notebook file longer than this, in bytes, has its outputs cut away before it is parsed."""

ACCEPTED = 50_000_000
"""A notebook file longer than this, in bytes, is not read."""

WRITTEN = 1_000_000
"""The most code and text, in characters, that a notebook may hold."""

CELLS = 2_000
"""The most cells that a notebook may have."""

_TOKENS = 5_000_000
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_OUTPUTS = re.compile(rb"\s*+:\s*+\[")
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_CELL = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


class Unreadable(Exception):
    """A file that is no notebook; says why in a few words."""


def read(content: bytes) -> tuple[nbformat.NotebookNode, list[str]]:
    """The notebook in ``content``, cleaned: known cells only, text sources, unique ids, no outputs.

    Returns:
        the notebook, and sentences on what was mended.

    Raises:
        Unreadable: there is no way to read it as a notebook.
    """
    notes: list[str] = []
    if len(content) > ACCEPTED:
        raise Unreadable(f"it has more than {ACCEPTED / 1e6:.0f} MB")
    if len(content) > PARSED:
        notes.append(f"The notebook has {len(content) / 1e6:.0f} MB; its outputs were dropped before it was read.")
        content = without_outputs(content)
        if len(content) > PARSED:
            raise Unreadable(f"it has {len(content) / 1e6:.0f} MB without its outputs")
    if not content.strip():
        raise Unreadable("it is empty")
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable("it is not text in UTF-8") from None
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(data, dict):
        raise Unreadable("it is JSON, but not a notebook")
    version = data.get("nbformat")
    if isinstance(version, int) and version in (1, 2, 3):
        data = _upgraded(data)
        notes.append(f"The notebook is of version {version}; it was converted to version 4.")
    if not isinstance(data.get("cells"), list):
        raise Unreadable("it has no cells")
    if len(data["cells"]) > CELLS:
        raise Unreadable(f"it has {len(data['cells']):,} cells; more than {CELLS:,} are not read")
    notes += _language(data.get("metadata"))
    cells, strange = _cells(data["cells"])
    if not cells:
        raise Unreadable("it has no cells")
    if strange:
        notes.append(f"{strange} of its cells could not be read and were left out.")
    if (written := sum(len(cell.source) for cell in cells)) > WRITTEN:
        raise Unreadable(f"its cells hold {written:,} characters; more than {WRITTEN:,} are not read")
    return notebook(cells), notes


def notebook(cells: Iterable[nbformat.NotebookNode] = ()) -> nbformat.NotebookNode:
    """A notebook of these cells for the course's kernel."""
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return new_notebook(cells=list(cells), metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def without_outputs(content: bytes) -> bytes:
    """``content``, a notebook as JSON text, with every list named "outputs" emptied, without parsing it.

    Raises:
        Unreadable: it has too many parts to go through.
    """
    kept: list[bytes] = []
    start, depth, opened = 0, 0, -1
    follows = -1  # where a list of outputs opens, when the last string was its key
    for count, token in enumerate(_TOKEN.finditer(content)):
        if count > _TOKENS:
            raise Unreadable("it has too many parts")
        first = content[token.start()]
        if first in b"[{":
            if opened < 0 and token.start() == follows:
                kept.append(content[start : token.end()])
                opened = depth
            depth += 1
        elif first in b"]}":
            depth -= 1
            if depth == opened:
                start, opened = token.start(), -1
        elif opened < 0 and token.group() == b'"outputs"':
            colon = _OUTPUTS.match(content, token.end())
            follows = colon.end() - 1 if colon else -1
    if opened < 0:
        kept.append(content[start:])
    return b"".join(kept)


def _upgraded(data: dict[str, Any]) -> dict[str, Any]:
    try:
        return nbformat.convert(nbformat.from_dict(data), 4)
    except Exception as error:  # whatever a malformed old notebook makes the converter do
        raise Unreadable(f"it is an old notebook that can't be converted ({type(error).__name__})") from None


def _language(metadata: Any) -> list[str]:
    """A notebook says its kernel's language in two places, either of which may be missing or nonsense."""
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        place = metadata.get(key) if isinstance(metadata, dict) else None
        language = place.get(name) if isinstance(place, dict) else None
        if isinstance(language, str) and language and not language.lower().startswith(("python", "ipython")):
            return [f"The notebook's kernel was for {plain(language, 30)}; it was run with Python."]
    return []


def _cells(found: list[Any]) -> tuple[list[nbformat.NotebookNode], int]:
    cells: list[nbformat.NotebookNode] = []
    used: set[str] = set()
    for cell in found:
        kind = cell.get("cell_type") if isinstance(cell, dict) else None
        if not isinstance(kind, str) or kind not in _CELL or (source := _text(cell.get("source", ""))) is None:
            continue
        known = cell.get("id")
        if not isinstance(known, str) or not _ID.fullmatch(known) or known in used:
            # the same ids on every reading, so that outputs find their cell again
            known = next(name for n in range(len(found) + 1) if (name := f"cell-{len(cells) + n}") not in used)
        clean = _CELL[kind](source, id=known, metadata=_metadata(cell.get("metadata")))
        used.add(known)
        cells.append(clean)
    return cells, len(found) - len(cells)


def _text(source: Any) -> str | None:
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    # lone surrogates are legal in JSON and in no file
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else None


def _metadata(found: Any) -> dict[str, Any]:
    """The metadata that grading reads: nbgrader's, and tags."""
    clean: dict[str, Any] = {}
    if not isinstance(found, dict):
        return clean
    if isinstance(found.get("nbgrader"), dict):
        clean["nbgrader"] = {
            key: value for key, value in found["nbgrader"].items() if isinstance(value, str | bool | int | float)
        }
    if isinstance(found.get("tags"), list):
        clean["tags"] = [tag for tag in found["tags"] if isinstance(tag, str)]
    return clean
