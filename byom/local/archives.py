"""`.tar.gz` archives: packing what a job wrote, and unpacking what nobody need trust."""

import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath


class ArchiveError(Exception):
    """An archive that can't be unpacked, with the reason and the member."""


def pack(folder: Path, archive: Path) -> bool:
    """Write the folder's entries to a new archive, without a stray entry for the folder; False when it is empty."""
    entries = sorted(folder.iterdir())
    if not entries:
        return False
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for entry in entries:
            tar.add(entry, arcname=entry.name)
    return True


def unpack(archive: Path, folder: Path) -> None:
    """Extract plain files and folders. Raises ArchiveError before writing anything out of place.

    Refused are names that leave the folder, links, devices, and more bytes than half of the free disk.
    """
    room = shutil.disk_usage(folder).free // 2
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                _check(member)
                room -= member.size
                if room < 0:
                    raise ArchiveError(f'the archive is larger than the free disk allows, at member "{member.name}"')
                tar.extract(member, folder, set_attrs=True, filter="data")
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ArchiveError(f"it is not a readable .tar.gz archive ({error})") from error


def _check(member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute():
        problem = "has an absolute path"
    elif ".." in path.parts:
        problem = "leaves the model's folder"
    elif not (member.isfile() or member.isdir()):
        problem = "is a link" if member.issym() or member.islnk() else "is no plain file"
    else:
        return
    raise ArchiveError(f'member "{member.name}" {problem}')
