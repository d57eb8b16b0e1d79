"""The page that shows the account in a browser: its files, and the headers that keep it to itself.

It is one more client: its scripts make SageMaker's own calls, so it sees what any other client sees.
"""

from pathlib import Path

from starlette.responses import FileResponse

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_FILES = {file.name: file for file in Path(__file__).parent.iterdir() if file.suffix in _TYPES}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def page_file(path: str) -> FileResponse | None:
    """The page's file at a path below its address, or None; the empty path is the page itself."""
    file = _FILES.get(path or "index.html")
    return FileResponse(file, headers=_HEADERS, media_type=_TYPES[file.suffix]) if file else None
