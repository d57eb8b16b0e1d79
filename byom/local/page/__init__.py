"""The page that shows the account in a browser: three files, and the headers that keep it to itself.

It is one more client: its script makes SageMaker's own calls, so it sees what any other client sees.
"""

from pathlib import Path

from starlette.responses import FileResponse

_FOLDER = Path(__file__).parent
_TYPES = {"index.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def page_file(path: str) -> FileResponse | None:
    """The page's file at a path below its address, or None; the empty path is the page itself."""
    name = path or "index.html"
    return FileResponse(_FOLDER / name, headers=_HEADERS, media_type=_TYPES[name]) if name in _TYPES else None
