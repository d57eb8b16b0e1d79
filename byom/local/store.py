"""State on disk: JSON documents by kind and name, in one SQLite file that survives `kill -9`."""

import contextlib
import errno
import json
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

Document = dict[str, Any]
_RESERVE = 2**20  # bytes kept for a full disk: what runs can still record how it ended


class StoreError(Exception):
    """The state on disk can't be used."""


class Store:
    """Documents by kind and name. Every call is one transaction, and safe from any thread.

    A call that writes raises OSError (ENOSPC) when the disk is full; nothing has changed then.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._reserve = path.with_suffix(".reserve")
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            # WAL with NORMAL: a killed process loses nothing that was answered, and a commit needs no fsync
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS documents "
                "(kind TEXT, name TEXT, document TEXT NOT NULL, PRIMARY KEY (kind, name))"
            )
            with contextlib.suppress(OSError), self._reserve.open("xb") as reserve:
                reserve.write(bytes(_RESERVE))
        except sqlite3.DatabaseError as error:
            if _disk_is_full(error):
                raise StoreError(f"The disk of {path.parent} is full.") from error
            raise StoreError(
                f"{path} can't be read as local SageMaker's state ({error}); "
                "move that folder away, or name another one with --root or BYOM_LOCAL_ROOT."
            ) from error

    def get(self, kind: str, name: str) -> Document | None:
        """The document, or None."""
        with self._lock:
            row = self._db.execute(
                "SELECT document FROM documents WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str) -> dict[str, Document]:
        """Every document of a kind by name, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT name, document FROM documents WHERE kind = ? ORDER BY rowid", (kind,)
            ).fetchall()
        return {name: json.loads(document) for name, document in rows}

    def insert(self, kind: str, name: str, document: Document) -> None:
        """Add a document. Raises KeyError when the name is taken."""
        with self._lock:
            try:
                self._write("INSERT INTO documents VALUES (?, ?, ?)", kind, name, json.dumps(document))
            except sqlite3.IntegrityError:
                raise KeyError(name) from None

    def put(self, kind: str, name: str, document: Document) -> None:
        """Add or replace a document."""
        with self._lock:
            self._write(
                "INSERT INTO documents VALUES (?, ?, ?) "
                "ON CONFLICT (kind, name) DO UPDATE SET document = excluded.document",
                kind,
                name,
                json.dumps(document),
            )

    def update(self, kind: str, name: str, **changes: Any) -> Document | None:
        """Set members of a document and return it; None when it is gone (deleted meanwhile)."""
        with self._lock:
            document = self.get(kind, name)
            if document is not None:
                document.update(changes)
                self.put(kind, name, document)
        return document

    def delete(self, kind: str, name: str) -> bool:
        """Remove a document; False when there was none."""
        with self._lock:
            return self._write("DELETE FROM documents WHERE kind = ? AND name = ?", kind, name).rowcount > 0

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _write(self, statement: str, *values: str) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            if not _disk_is_full(error):
                raise
        self._reserve.unlink(missing_ok=True)
        try:
            return self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            if not _disk_is_full(error):
                raise
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error


def _disk_is_full(error: sqlite3.DatabaseError) -> bool:
    # where the file can't grow at all, SQLite calls it an I/O error
    return error.sqlite_errorcode == sqlite3.SQLITE_FULL or error.sqlite_errorname.startswith("SQLITE_IOERR_SHM")
