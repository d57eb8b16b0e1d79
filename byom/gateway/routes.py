"""Routes: which requests an API passes on, written as API Gateway writes them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

METHODS = ("ANY", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
EVERYTHING = ("ANY /", "ANY /{proxy+}")
_PARAMETER = re.compile(r"\{(\w+)(\+?)\}")


class BadRoute(ValueError):
    """A route that API Gateway would not take; the text says why."""


@dataclass(frozen=True)
class Route:
    """One route, such as `POST /classify`, `GET /pets/{id}` or `ANY /{proxy+}`.

    Raises BadRoute when it is not of that form.
    """

    key: str
    method: str = field(init=False)
    path: str = field(init=False)
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        method, _, path = self.key.partition(" ")
        if method not in METHODS or not path.startswith("/"):
            raise BadRoute(
                f"{self.key!r} is no route: write a method or ANY, a space and a path, as in POST /classify."
            )
        parts = [_PARAMETER.fullmatch(part) or part for part in path[1:].split("/")]
        if any(isinstance(part, str) and re.search(r"[{}\s]", part) for part in parts):
            raise BadRoute(f"{self.key!r} is no route: a parameter is a whole part of the path, as in /pets/{{id}}.")
        if any(not isinstance(part, str) and part[2] for part in parts[:-1]):
            raise BadRoute(f"{self.key!r} is no route: a parameter with + comes last.")
        patterns = [
            re.escape(part) if isinstance(part, str) else f"(?P<{part[1]}>{'.+' if part[2] else '[^/]+'})"
            for part in parts
        ]
        try:
            pattern = re.compile("/" + "/".join(patterns), re.DOTALL)
        except re.error:  # a name twice, or one that begins with a digit
            raise BadRoute(f"{self.key!r} is no route: its parameters need names of their own.") from None
        for name, value in (("method", method), ("path", path), ("pattern", pattern)):
            object.__setattr__(self, name, value)

    def precedence(self) -> tuple[bool, list[bool], bool]:
        """Smaller is tried first: a whole path before `{name+}`, a literal part before a parameter, GET before ANY."""
        return (
            self.path.endswith("+}"),
            [bool(_PARAMETER.fullmatch(part)) for part in self.path[1:].split("/")],
            self.method == "ANY",
        )


class Routes:
    """The routes of one API."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._routes = sorted((Route(key) for key in dict.fromkeys(keys)), key=Route.precedence)

    def match(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a request and its path parameters, decoded; None when no route has it.

        `raw_path` is percent-encoded, so that an encoded slash is no part of the path's structure.
        """
        for route in self._routes:
            if route.method in ("ANY", method) and (found := route.pattern.fullmatch(raw_path)):
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        return None
