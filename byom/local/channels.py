"""A training job's input channels: which files they bring to which host, and putting them where the script reads."""

import json
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from .hosts import Cluster, Host
from .objects import Objects, split_uri
from .store import Document
from .wire import AwsError, invalid

Files = dict[str, Callable[[Path], Any]]  # by the name below the channel's folder: what writes the file to a path


def mode_of(channel: dict[str, Any], job: Document) -> str:
    """`File`, `Pipe`, or `FastFile`, which is File here."""
    return channel.get("InputMode") or job["AlgorithmSpecification"]["TrainingInputMode"]


def unsupported_features(channel: dict[str, Any]) -> list[str]:
    """What the channel asks for that isn't there, by its name in the request."""
    at = f"of channel {channel['ChannelName']}"
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        return [f"a DataSource other than S3DataSource {at}"]
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        return [f"S3DataType {source['S3DataType']} {at}"]
    return []


def files_of(channel: dict[str, Any], objects: Objects, role: str) -> Files:
    """The files behind a channel's S3 prefix, manifest or `file://` path. Raises AwsError when there are none."""
    source = channel["DataSource"]["S3DataSource"]
    uri = source["S3Uri"]
    if source["S3DataType"] == "ManifestFile":
        files = _in_manifest(uri, objects, role)
    elif uri.startswith("file://"):
        files = _on_disk(Path(uri.removeprefix("file://")))
    else:
        files = _in_s3(uri, objects, role)
    for name in files:
        if ".." in PurePosixPath(name).parts:
            raise invalid(f'The name "{name}" under "{uri}" would leave the channel\'s folder.')
    return files


def share_of(host: Host, channel: dict[str, Any], files: Files, cluster: Cluster) -> Files | None:
    """Those of a channel's files that one host gets: all, or every n-th of n hosts with ShardedByS3Key.

    None when the channel is for other instance groups.
    """
    source = channel["DataSource"]["S3DataSource"]
    hosts = cluster.among(source.get("InstanceGroupNames", []))
    if host not in hosts:
        return None
    if source.get("S3DataDistributionType") != "ShardedByS3Key":
        return files
    return {name: files[name] for name in sorted(files)[hosts.index(host) :: len(hosts)]}


def fill(folder: Path, files: Files) -> None:
    """Write the files below the channel's folder."""
    folder.mkdir(parents=True)
    for name, write in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name)


def configuration(channel: dict[str, Any], mode: str) -> dict[str, str]:
    """The channel's entry in `inputdataconfig.json`."""
    source = channel["DataSource"]["S3DataSource"]
    entry = {
        "TrainingInputMode": mode,
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


def _in_manifest(uri: str, objects: Objects, role: str) -> Files:
    """A manifest is a JSON list: `{"prefix": "s3://…"}`, then the names below it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest"
        try:
            objects.copy_to(*split_uri(uri), path)
        except AwsError as error:
            raise invalid(f'The manifest "{uri}" can\'t be read: {error.message}') from None
        try:
            head, *names = json.loads(path.read_bytes())
            prefix = head["prefix"]
            bucket, start = split_uri(prefix)
            if not prefix.startswith("s3://") or not all(isinstance(name, str) for name in names):
                raise ValueError
        except (ValueError, TypeError, KeyError, AttributeError):
            raise invalid(
                f'The manifest "{uri}" must be a JSON list: {{"prefix": "s3://bucket/start"}}, then names below it.'
            ) from None
    missing = {start + name for name in names} - set(objects.keys(bucket, start))
    if missing or not names:
        what = f'"s3://{bucket}/{min(missing)}"' if missing else "any object"
        raise invalid(f'The manifest "{uri}" must name objects that exist; the role "{role}" finds no {what}.')
    return {name: partial(objects.copy_to, bucket, start + name) for name in names}


def _on_disk(source: Path) -> Files:
    if source.is_file():
        return {source.name: partial(shutil.copyfile, source)}
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    if not paths:
        raise invalid(f"There is no file at file://{source}.")
    return {path.relative_to(source).as_posix(): partial(shutil.copyfile, path) for path in paths}
