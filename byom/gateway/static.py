"""The folder of static files, such as a page that uses the API."""

import asyncio
import mimetypes
import stat
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

# a computer's own table may lack them or say otherwise, and a browser runs no script, and installs no page, of another
# type
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_HEADERS = {
    # asked again each time, which costs little: an ETag answers. A service worker keeps what it wants, and hears of
    # a new version at once
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "frame-ancestors 'none'",
}


class StaticFolder:
    """The files of a folder, by their paths. Hidden files, and links that lead out of it, are none of them."""

    def __init__(self, folder: Path) -> None:
        for ending, media_type in _TYPES.items():
            mimetypes.add_type(media_type, ending)
        self._files = StaticFiles(directory=folder)

    async def find(self, scope: Scope) -> Response | None:
        """The file at a request's path, or None; a path that ends with a slash is that folder's `index.html`."""
        path = scope["path"]
        if path.endswith("/"):
            path += "index.html"
        parts = path[1:].split("/")
        if any(part.startswith(".") or not part for part in parts) or "\0" in path:
            return None
        try:
            file, info = await asyncio.to_thread(self._files.lookup_path, "/".join(parts))
        except OSError:  # a name too long, say
            return None
        if info is None or not stat.S_ISREG(info.st_mode):
            return None
        response = self._files.file_response(file, info, scope)
        response.headers.update(_HEADERS)
        return response
