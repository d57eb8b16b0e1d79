"""A training job's input channels: which files they bring, and putting them where the script reads them."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from .objects import Objects, split_uri
from .wire import AwsError, invalid

Files = dict[str, Callable[[Path], Any]]  # by the name below the channel's folder: what writes the file to a path


def unsupported_features(channel: dict[str, Any], default_mode: str) -> list[str]:
    """What the channel asks for that isn't there, by its name in the request."""
    at = f"of channel {channel['ChannelName']}"
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        return [f"a DataSource other than S3DataSource {at}"]
    found = []
    mode = channel.get("InputMode", default_mode)
    if mode != "File":
        found.append(f"InputMode {mode} {at}")
    if source["S3DataType"] != "S3Prefix":
        found.append(f"S3DataType {source['S3DataType']} {at}")
    return found


def files_of(channel: dict[str, Any], objects: Objects, role: str) -> Files:
    """The files behind a channel's `s3://` prefix, or `file://` path. Raises AwsError when there are none."""
    uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
    files = _on_disk(Path(uri.removeprefix("file://"))) if uri.startswith("file://") else _in_s3(uri, objects, role)
    for name in files:
        if ".." in PurePosixPath(name).parts:
            raise invalid(f'The name "{name}" under "{uri}" would leave the channel\'s folder.')
    return files


def fill(folder: Path, files: Files) -> None:
    """Write the files below the channel's folder."""
    folder.mkdir()
    for name, write in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name)


def configuration(channel: dict[str, Any]) -> dict[str, str]:
    """The channel's entry in `inputdataconfig.json`."""
    source = channel["DataSource"]["S3DataSource"]
    entry = {
        "TrainingInputMode": "File",
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    if "ContentType" in channel:
        entry["ContentType"] = channel["ContentType"]
    return entry


def _in_s3(uri: str, objects: Objects, role: str) -> Files:
    bucket, prefix = split_uri(uri)
    keys, problem = [], ""
    try:
        keys = [key for key in objects.keys(bucket, prefix) if not key.endswith("/")]
    except AwsError as error:
        problem = f" Error message from S3: {error.message}"
    if not keys:
        raise invalid(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
            f'exists in the selected region, that objects exist under that S3 prefix, and that the role "{role}" '
            f'has "s3:ListBucket" permissions on bucket "{bucket}".{problem}'
        )
    # a prefix that is a folder gives the names below it; any other gives the names beside it
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    if not any(key.startswith(folder) for key in keys):
        folder = prefix[: prefix.rfind("/") + 1]
    return {key.removeprefix(folder).lstrip("/"): partial(objects.copy_to, bucket, key) for key in keys}


def _on_disk(source: Path) -> Files:
    if source.is_file():
        return {source.name: partial(shutil.copyfile, source)}
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    if not paths:
        raise invalid(f"There is no file at file://{source}.")
    return {path.relative_to(source).as_posix(): partial(shutil.copyfile, path) for path in paths}
