"""Log streams as files: where each one is, and what its lines look like; for the server and the command line."""

import datetime
import re
from pathlib import Path
from urllib.parse import quote, unquote

TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"
_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.*)")


def endpoint_group(endpoint: str) -> str:
    """The log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def log_file(directory: Path, group: str, stream: str) -> Path:
    """The file of a stream: in a folder for each group."""
    return directory / quote(group, safe="") / f"{quote(stream, safe='')}.log"


def log_files(directory: Path) -> list[tuple[str, str, Path]]:
    """Group, stream and file of every stream, sorted."""
    return [(unquote(path.parent.name), unquote(path.stem), path) for path in sorted(directory.glob("*/*.log"))]


def write_lines(moment: float, lines: list[str]) -> str:
    """The lines, all of one moment in seconds since 1970, as a stream's file has them."""
    stamp = datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="milliseconds")[:23] + "Z"
    return "".join(f"{stamp} {line}\n" for line in lines)


def read_lines(text: str) -> list[tuple[float, str]]:
    """The moment and the text of each line of a file."""
    # only "\n" ends a line here: str.splitlines would also split at a learner's form feed
    found = filter(None, map(_LINE.fullmatch, text.split("\n")))
    return [(datetime.datetime.fromisoformat(match[1]).timestamp(), match[2]) for match in found]
