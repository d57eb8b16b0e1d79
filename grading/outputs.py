"""What of a learner's notebook may be shown in somebody else's browser.

Formgrader and feedback pages render notebooks. HTML, scripts, SVG, widgets and raw HTML in Markdown that a learner
made would act with the rights of the person who looks, so only text and bitmaps are kept.
"""

import re
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*\x07?|.)?", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*+")
_BITMAPS = ("image/png", "image/jpeg")


def harmless(output: Any) -> NotebookNode | None:
    """``output`` as plain text or a bitmap; None when nothing of it can be shown."""
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return new_output("stream", name=name, text=_text(output.get("text")))
    if kind == "error":
        return new_output(
            "error",
            ename=_text(output.get("ename")),
            evalue=_text(output.get("evalue")),
            traceback=[_text(line) for line in output.get("traceback") or []],
        )
    if kind not in ("display_data", "execute_result") or not isinstance(output.get("data"), dict):
        return None
    found = output["data"]
    data: dict[str, str] = {
        mime: found[mime] for mime in _BITMAPS if isinstance(found.get(mime), str) and _BASE64.fullmatch(found[mime])
    }
    if "text/plain" in found:
        data["text/plain"] = _text(found["text/plain"])
    if not data:
        data["text/plain"] = "(an output that can't be shown here)"
    return new_output("display_data", data=data)


def without_html(markdown: str) -> str:
    """Markdown in which no tag is left a tag."""
    return markdown.replace("<", "&lt;")


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    text = _ANSI.sub("", value) if isinstance(value, str) else ""
    # XML-illegal control characters would end up in pages as they are
    return "".join(c for c in text if c >= " " or c in "\n\t\r")
