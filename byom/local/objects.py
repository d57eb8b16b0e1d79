"""S3's buckets and objects on disk: known to moto from the start, and saved after every request that changed one.

moto alone would keep S3 in memory. Here each object's bytes are a file of their own, which moto reads when it needs
them, and the rest of it is a document in the store; the document names the file, so that a crash between the two
leaves the old object whole.
"""

import datetime
import mmap
import os
import shutil
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends
from moto.s3.utils import _VersionedKeyStore

from .account import ACCOUNT_ID, REGION
from .store import Document, Store
from .wire import AwsError

BUCKET, OBJECT = "s3-bucket", "s3-object"
_COPIED = 2**20  # bytes read at a time


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


class Objects:
    """The account's buckets and objects: in moto, and in `directory`."""

    def __init__(self, store: Store, directory: Path) -> None:
        self._store = store
        self._directory = directory
        self._directory.mkdir(parents=True, exist_ok=True)
        self._backend: S3Backend = s3_backends[ACCOUNT_ID]["aws"]
        self._files: dict[str, str] = {}  # the file of each saved object, by "bucket/key"
        self._dropped: set[Path] = set()  # files that moto has let go of
        self._buckets: dict[str, str | None] = {}  # versioning status, by bucket
        self.lock = threading.RLock()
        self._load()

    def save(self) -> None:
        """Bring the disk up to date with moto; costs a write for each object that changed.

        Raises OSError when that fails, as on a full disk; moto then forgets what could not be saved.
        """
        with self.lock:
            changed: set[str] = set()
            try:
                for name, bucket in self._backend.buckets.items():
                    if self._buckets.get(name, "none yet") != bucket.versioning_status:
                        self._store.put(BUCKET, name, _bucket_document(bucket))
                        self._buckets[name] = bucket.versioning_status
                    keys = _watched(bucket)
                    changed |= {f"{name}/{key}" for key in keys.changed}
                    keys.changed.clear()
                for name in self._buckets.keys() - self._backend.buckets.keys():
                    self._store.delete(BUCKET, name)
                    del self._buckets[name]
                for path in sorted(changed):
                    self._save(path)
                    changed.remove(path)
            except OSError:
                self._forget(changed)
                raise
            finally:
                kept = set(self._files.values()) if self._dropped else set()
                for file in self._dropped:
                    if file.name not in kept:
                        file.unlink(missing_ok=True)
                self._dropped.clear()

    def bucket_exists(self, bucket: str) -> bool:
        """Whether there is such a bucket."""
        return bucket in self._backend.buckets

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The keys that begin with `prefix`, sorted; AwsError NoSuchBucket when there is no such bucket."""
        with self.lock:
            return sorted(
                name
                for name, key in self._bucket(bucket).keys.items()
                if name.startswith(prefix) and isinstance(key, FakeKey)  # a delete marker is no object
            )

    def copy_to(self, bucket: str, key: str, path: Path) -> None:
        """Write an object's bytes to a new file; AwsError NoSuchBucket or NoSuchKey when it isn't there."""
        with self.lock:
            if not isinstance(self._bucket(bucket).keys.get(key), FakeKey):
                raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
            source = (self._directory / self._files[f"{bucket}/{key}"]).open("rb")
        with source:  # an open file can be read to its end, also when the object is replaced meanwhile
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as target:
                shutil.copyfileobj(source, target, _COPIED)

    def put(self, bucket: str, key: str, path: Path) -> None:
        """Store a file as an object. Raises AwsError NoSuchBucket, or OSError as on a full disk."""
        with self.lock, path.open("rb") as source:
            self._bucket(bucket)
            made = self._backend.put_object(bucket, key, b"")
            _give(made, source, path.stat().st_size)
            self.save()

    def create_bucket(self, bucket: str) -> None:
        """Make a bucket unless it is there."""
        with self.lock:
            if not self.bucket_exists(bucket):
                self._backend.create_bucket(bucket, REGION)
                self.save()

    def _bucket(self, name: str) -> FakeBucket:
        if not self.bucket_exists(name):
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
        return self._backend.buckets[name]

    def _save(self, path: str) -> None:
        name, _, key_name = path.partition("/")
        bucket = self._backend.buckets.get(name)
        key = bucket.keys.get(key_name) if bucket else None
        if isinstance(key, FakeKey):
            if not isinstance(key._value_buffer, _Value):
                self._write(path, key)
        elif path in self._files:
            self._store.delete(OBJECT, path)
            del self._files[path]  # the file goes when moto lets go of it: it may be an older version now

    def _write(self, path: str, key: FakeKey) -> None:
        file = self._directory / uuid.uuid4().hex
        partial = file.with_suffix(".partial")
        try:
            with partial.open("wb") as target:
                key._value_buffer.seek(0)
                shutil.copyfileobj(key._value_buffer, target, _COPIED)
            document = {
                "file": file.name,
                "etag": key.etag.strip('"'),
                "modified": key.last_modified.timestamp(),
                "metadata": dict(key.metadata),
                "storage": key.storage_class,
            }
            partial.replace(file)
            self._store.put(OBJECT, path, document)
        except OSError:
            partial.unlink(missing_ok=True)
            file.unlink(missing_ok=True)
            raise
        self._files[path] = file.name
        key._value_buffer.close()
        _give(key, _Value(file, self._dropped), key.contentsize)
        if key.multipart:  # its parts are the same bytes once more
            key.multipart.dispose()
            key.multipart = None

    def _forget(self, paths: set[str]) -> None:
        """Make moto have what the disk has."""
        for name in self._backend.buckets.keys() - self._buckets.keys():
            del self._backend.buckets[name]
        for path in paths:
            name, _, key_name = path.partition("/")
            if name in self._backend.buckets:
                if key_name in (keys := self._backend.buckets[name].keys):
                    keys.pop(key_name)
                if path in self._files and (document := self._store.get(OBJECT, path)):
                    file = self._directory / document["file"]
                    self._give_moto(name, key_name, document, file.stat().st_size)
                _watched(self._backend.buckets[name]).changed.clear()

    def _load(self) -> None:
        for name, document in self._store.all(BUCKET).items():
            bucket = self._backend.create_bucket(name, document["region"])
            bucket.creation_date = _time(document["created"])
            self._buckets[name] = document["versioning"]
        sizes = {file.name: file.stat().st_size for file in self._directory.iterdir()}
        for path, document in self._store.all(OBJECT).items():
            name, _, key_name = path.partition("/")
            if document["file"] in sizes:
                self._files[path] = document["file"]
                self._give_moto(name, key_name, document, sizes[document["file"]])
            else:  # someone removed it by hand
                self._store.delete(OBJECT, path)
        for name, versioning in self._buckets.items():
            bucket = self._backend.buckets[name]
            bucket.versioning_status = versioning
            _watched(bucket).changed.clear()
        for left in sizes.keys() - self._files.values():  # by a crash between two writes
            (self._directory / left).unlink()

    def _give_moto(self, bucket: str, key_name: str, document: Document, size: int) -> None:
        """Tell moto of a saved object."""
        key = self._backend.put_object(bucket, key_name, b"", storage=document["storage"], etag=document["etag"])
        key.set_metadata(document["metadata"])
        key.last_modified = _time(document["modified"]).replace(tzinfo=key.last_modified.tzinfo)
        _give(key, _Value(self._directory / document["file"], self._dropped), size)


class _Value:
    """The bytes of a saved object, as moto reads them: from their file, whenever they are asked for."""

    def __init__(self, file: Path, dropped: set[Path]) -> None:
        self._file, self._dropped, self._at = file, dropped, 0

    def seek(self, offset: int) -> None:
        self._at = offset

    def read(self, size: int = -1) -> "bytes | _Mapped":
        with self._file.open("rb") as file:
            if size == -1 and os.fstat(file.fileno()).st_size > _COPIED:
                return _Mapped(file.fileno(), 0, access=mmap.ACCESS_READ)
            file.seek(self._at)
            data = file.read(size)
        self._at += len(data)
        return data

    def close(self) -> None:
        """moto is done with it; the file goes at the end of the save that records this."""
        self._dropped.add(self._file)


class _Mapped(mmap.mmap):
    """A large object's bytes: a part of it is read when it is asked for, and the whole goes to a client in pieces."""

    def __copy__(self) -> "_Mapped":
        return self

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[override]
        return (self[start : start + _COPIED] for start in range(0, len(self), _COPIED))


class _Keys(_VersionedKeyStore):
    """A bucket's keys, which remember those that changed: a look at each after every request takes too long."""

    def __init__(self, keys: dict[str, Any]) -> None:
        super().__init__(keys)
        self.changed = set(keys)

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self.changed.add(key)

    def setlist(self, key: str, list_: Any) -> None:
        super().setlist(key, list_)
        self.changed.add(key)

    def pop(self, key: str) -> None:  # type: ignore[override]
        super().pop(key)
        self.changed.add(key)


def _watched(bucket: FakeBucket) -> _Keys:
    if not isinstance(bucket.keys, _Keys):
        bucket.keys = _Keys(dict.copy(bucket.keys))
    return bucket.keys


def _give(key: FakeKey, value: Any, size: int) -> None:
    key._value_buffer, key.contentsize = value, size


def _bucket_document(bucket: FakeBucket) -> dict[str, Any]:
    return {
        "region": bucket.region_name,
        "created": bucket.creation_date.timestamp(),
        "versioning": bucket.versioning_status,
    }


def _time(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
