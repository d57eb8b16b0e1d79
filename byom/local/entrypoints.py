"""Jobs that bring an entry point of their own in place of a toolkit, as the ModelTrainer of SDK v3 does.

Its shell script and drivers name `/opt/ml` in their text; here they get the folder that stands for it.
"""

from pathlib import Path

from .store import Document

CONTAINER = b"/opt/ml"
DRIVERS = "sm_drivers"  # the channel that brings the SDK's own programs
EXEC = Path(__file__).with_name("in_container") / "byom_exec.py"


def entrypoint_of(job: Document, base: Path) -> list[str | Path]:
    """The program for the job's container and its arguments; empty when the image's own toolkit is asked for."""
    algorithm = job["AlgorithmSpecification"]
    if "ContainerEntrypoint" not in algorithm:
        return []
    command = [*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", [])]
    return [EXEC, *(part.replace(CONTAINER.decode(), str(base)) for part in command)]


def move_drivers(base: Path) -> None:
    """Let the SDK's programs find the folders of this job."""
    for file in (base / "input/data" / DRIVERS).rglob("*"):
        if file.is_file() and CONTAINER in (text := file.read_bytes()):
            file.write_bytes(text.replace(CONTAINER, bytes(base)))
