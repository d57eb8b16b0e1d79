"""State on disk: JSON documents by kind and name, in one SQLite file that survives `kill -9`."""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class StoreError(Exception):
    """The state on disk can't be used."""


class Store:
    """Documents by kind and name. Every call is one transaction, and safe from any thread."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            # WAL with NORMAL: a killed process loses nothing that was answered, and a commit needs no fsync
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS documents "
                "(kind TEXT, name TEXT, document TEXT NOT NULL, PRIMARY KEY (kind, name))"
            )
        except sqlite3.DatabaseError as error:
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
                self._db.execute("INSERT INTO documents VALUES (?, ?, ?)", (kind, name, json.dumps(document)))
            except sqlite3.IntegrityError:
                raise KeyError(name) from None

    def put(self, kind: str, name: str, document: Document) -> None:
        """Add or replace a document."""
        with self._lock:
            self._db.execute(
                "INSERT INTO documents VALUES (?, ?, ?) "
                "ON CONFLICT (kind, name) DO UPDATE SET document = excluded.document",
                (kind, name, json.dumps(document)),
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
            return self._db.execute("DELETE FROM documents WHERE kind = ? AND name = ?", (kind, name)).rowcount > 0

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
