"""Notes: what an instructor or student is told about a submission beside its findings."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Note:
    """One plain sentence.

    ``about`` is a path within the submission (a file or folder), an exercise's name, or "" for the whole submission.
    ``person`` says that a person should look at it.
    """

    about: str
    text: str
    person: bool = True

    def concerns(self, exercise: str, answer: str) -> bool:
        """Whether this is about ``exercise``, whose answer is in the file ``answer`` (a path)."""
        return self.about in ("", exercise, answer) or answer.startswith(f"{self.about}/")

    def packed(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def plain(name: str, width: int = 120) -> str:
    """A name that a stranger chose, fit for a sentence or a terminal: one line, no control characters, not too long."""
    text = "".join(c if c.isprintable() else "�" for c in name)
    return text if len(text) <= width else text[: width - 1] + "…"
