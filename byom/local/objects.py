"""S3's buckets and objects on disk: loaded into moto at the start, and saved after every request that changed one.

moto keeps S3 in memory. Here each object's bytes are a file of their own and the rest of it a document in the
store; the document names the file, so that a crash between the two leaves the old object whole.
"""

import datetime
import shutil
import threading
import uuid
from pathlib import Path
from typing import Any

from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends

from .account import ACCOUNT_ID, REGION
from .store import Store
from .wire import AwsError

BUCKET, OBJECT = "s3-bucket", "s3-object"


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
        self._saved: dict[str, tuple[Any, ...]] = {}  # what each object looked like when it was last saved
        self._buckets: dict[str, str | None] = {}  # versioning status, by bucket
        self.lock = threading.RLock()
        self._load()

    def save(self) -> None:
        """Bring the disk up to date with moto. Costs a glance at each object and a write for each that changed."""
        with self.lock:
            buckets = {name: bucket.versioning_status for name, bucket in self._backend.buckets.items()}
            for name, versioning in buckets.items():
                if self._buckets.get(name, "none yet") != versioning:
                    self._store.put(BUCKET, name, _bucket_document(self._backend.buckets[name]))
            current = {
                f"{bucket.name}/{key.name}": key
                for bucket in self._backend.buckets.values()
                for key in bucket.keys.values()
                if isinstance(key, FakeKey)  # a delete marker is no object
            }
            for path, key in current.items():
                look = (id(key), key.last_modified, key.etag, tuple(key.metadata.items()))
                if self._saved.get(path) != look:
                    self._write(path, key)
                    self._saved[path] = look
            for path in self._saved.keys() - current.keys():
                self._erase(path)
            for name in self._buckets.keys() - buckets.keys():
                self._store.delete(BUCKET, name)
            self._buckets = buckets

    def bucket_exists(self, bucket: str) -> bool:
        """Whether there is such a bucket."""
        return bucket in self._backend.buckets

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The keys that begin with `prefix`, sorted; AwsError NoSuchBucket when there is no such bucket."""
        with self.lock:
            return sorted(name for name, _ in self._bucket(bucket).keys.items() if name.startswith(prefix))

    def copy_to(self, bucket: str, key: str, path: Path) -> None:
        """Write an object's bytes to a new file; AwsError NoSuchBucket or NoSuchKey when it isn't there."""
        with self.lock:
            if not isinstance(self._bucket(bucket).keys.get(key), FakeKey):
                raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
            document = self._store.get(OBJECT, f"{bucket}/{key}")
            assert document is not None, f"{bucket}/{key} was never saved"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._directory / document["file"], path)

    def put(self, bucket: str, key: str, path: Path) -> None:
        """Store a file as an object."""
        with self.lock:
            self._bucket(bucket)
            self._backend.put_object(bucket, key, path.read_bytes())
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

    def _write(self, path: str, key: FakeKey) -> None:
        old = self._store.get(OBJECT, path)
        file = self._directory / uuid.uuid4().hex
        partial = file.with_suffix(".partial")
        partial.write_bytes(key.value)
        partial.replace(file)
        document = {
            "file": file.name,
            "etag": key.etag.strip('"'),
            "modified": key.last_modified.timestamp(),
            "metadata": dict(key.metadata),
            "storage": key.storage_class,
        }
        self._store.put(OBJECT, path, document)
        if old:
            (self._directory / old["file"]).unlink(missing_ok=True)

    def _erase(self, path: str) -> None:
        document = self._store.get(OBJECT, path)
        self._store.delete(OBJECT, path)
        self._saved.pop(path, None)
        if document:
            (self._directory / document["file"]).unlink(missing_ok=True)

    def _load(self) -> None:
        for name, document in self._store.all(BUCKET).items():
            bucket = self._backend.create_bucket(name, document["region"])
            bucket.creation_date = _time(document["created"])
            bucket.versioning_status = self._buckets[name] = document["versioning"]
        kept = set()
        for path, document in self._store.all(OBJECT).items():
            name, _, key_name = path.partition("/")
            file = self._directory / document["file"]
            if not file.is_file():  # someone removed it by hand
                self._store.delete(OBJECT, path)
                continue
            kept.add(file.name)
            key = self._backend.put_object(
                name, key_name, file.read_bytes(), storage=document["storage"], etag=document["etag"]
            )
            key.set_metadata(document["metadata"])
            key.last_modified = _time(document["modified"]).replace(tzinfo=key.last_modified.tzinfo)
            self._saved[path] = (id(key), key.last_modified, key.etag, tuple(key.metadata.items()))
        for file in self._directory.iterdir():  # left by a crash between two writes
            if file.name not in kept:
                file.unlink()


def _bucket_document(bucket: FakeBucket) -> dict[str, Any]:
    return {
        "region": bucket.region_name,
        "created": bucket.creation_date.timestamp(),
        "versioning": bucket.versioning_status,
    }


def _time(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
