"""`.tar.gz` archives: packing what a job wrote, and unpacking what nobody need trust."""

import shutil
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

MEMBER_LIMIT = 100_000  # an archive of empty files would fill the disk's table of files


class ArchiveError(Exception):
    """An archive that can't be unpacked, with the reason and the member."""


def pack(folders: Sequence[Path], archive: Path) -> bool:
    """Write what the folders hold to a new archive, as if it lay in one; False when they are empty.

    Of files with the same name the first folder's is taken. There is no stray entry for the folders themselves.
    """
    entries: dict[str, Path] = {}
    for folder in folders:
        for entry in sorted(folder.rglob("*")):
            entries.setdefault(entry.relative_to(folder).as_posix(), entry)
    if not entries:
        return False
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for name, path in entries.items():
            tar.add(path, arcname=name, recursive=False)
    return True


def unpack(archive: Path, folder: Path) -> None:
    """Extract plain files and folders. Raises ArchiveError before writing anything out of place.

    Refused are names that leave the folder, links, devices, more bytes than half of the free disk, and more than
    100,000 members.
    """
    room = shutil.disk_usage(folder).free // 2
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for count, member in enumerate(tar):
                _check(member)
                if count >= MEMBER_LIMIT:
                    raise ArchiveError(f"the archive has more than {MEMBER_LIMIT} members")
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
        problem = "leaves the folder"
    elif not (member.isfile() or member.isdir()):
        problem = "is a link" if member.issym() or member.islnk() else "is no plain file"
    else:
        return
    raise ArchiveError(f'member "{member.name}" {problem}')
