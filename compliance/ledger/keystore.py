"""The key store: which person stands behind an alias, and the key of that person's content. What erasure destroys.

A SQLite file of its own, never in the ledger and never in the ledger's backups. Every row is sealed under a
key-encryption key (KEK) in a file beside it; look-up is by HMAC, so that without the KEK the store says nothing.
Format: schemas/ledger.md §8.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.ledger.note import sync_folder, write_private
from compliance.schemas.errors import IntegrityError, LedgerTooNew, StorageFull

FORMAT = "1"
_SCHEMA = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE subject(alias TEXT PRIMARY KEY, lookup BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL);
CREATE TABLE erased(alias TEXT PRIMARY KEY);
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody, or one personal value: its alias and the 32-byte key of its content."""

    alias: str
    key: bytes


class KeyStore:
    """Aliases and keys of the people in a ledger. Used by one process at a time, the ledger's writer; others may look
    with `read_only`, which leaves alone what an erasure that is going on needs."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the store, making it on first use.

        Raises:
            IntegrityError: the KEK file is missing or does not belong to the store; to be read only, it is empty.
            StorageFull: the folder cannot be written.
        """
        self.path = path
        self._kek_path = path.with_name(path.name + ".kek")
        self._by_identity: dict[tuple[str, str], Subject] = {}
        self._by_alias: dict[str, Subject | None] = {}
        if read_only:
            self._look()
            return
        with self._errors():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = not path.exists()
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.execute("PRAGMA synchronous = FULL")
            # tables may be missing after a crash at creation, in a file that is already there
            if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                self._create()
            if fresh:
                sync_folder(path.parent)
            self._kek = self._load_kek()

    def _look(self) -> None:
        with self._errors():
            where = f"{self.path.absolute().as_uri()}?mode=rw"  # SQLite itself takes what is write-protected as it is
            self._db = sqlite3.connect(where, uri=True, isolation_level=None, check_same_thread=False)
            if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                self._db.close()
                raise IntegrityError(f"key store {self.path} is empty", remedy="restore its backup")
            self._kek = self._fitting(self._kek_new, self._kek_path)

    def close(self) -> None:
        """Close the file; what was not flushed is dropped."""
        self._db.close()
        self._by_identity.clear()
        self._by_alias.clear()

    def subject(self, source: str, identity: str) -> Subject:
        """The subject that `identity` names on `source`, made when it is new. Durable after `flush`."""
        found = self._by_identity.get((source, identity)) or self.find(source, identity)
        if found is None:
            found = self._add(source, identity, self._lookup(source, identity))
        self._by_identity[source, identity] = found
        return found

    def one_off(self, source: str) -> Subject:
        """A subject that nothing will find again, for content about somebody whose identity could not be read."""
        return self._add(source, None, secrets.token_bytes(32))

    def find(self, source: str, identity: str) -> Subject | None:
        """The subject that `identity` names on `source`; None when there is none, or it was erased."""
        with self._errors():
            row = self._db.execute(
                "SELECT alias, sealed FROM subject WHERE lookup = ?", [self._lookup(source, identity)]
            ).fetchone()
        return Subject(row[0], bytes.fromhex(self._open(*row)["key"])) if row else None

    def key(self, alias: str) -> bytes | None:
        """The key of an alias; None when it was erased or never known."""
        if alias not in self._by_alias:
            with self._errors():
                row = self._db.execute("SELECT alias, sealed FROM subject WHERE alias = ?", [alias]).fetchone()
            self._by_alias[alias] = Subject(alias, bytes.fromhex(self._open(*row)["key"])) if row else None
        found = self._by_alias[alias]
        return found.key if found else None

    def identity(self, alias: str) -> tuple[str, str | None] | None:
        """Source and identity behind an alias; None when it was erased or never known."""
        with self._errors():
            row = self._db.execute("SELECT alias, sealed FROM subject WHERE alias = ?", [alias]).fetchone()
        if row is None:
            return None
        sealed = self._open(*row)
        return sealed["source"], sealed["identity"]

    def erased(self, alias: str) -> bool:
        """The alias was known here and its key was destroyed."""
        with self._errors():
            return self._db.execute("SELECT 1 FROM erased WHERE alias = ?", [alias]).fetchone() is not None

    def flush(self) -> None:
        """Make new subjects durable. MUST come before the ledger commits content under their keys."""
        if self._db.in_transaction:
            with self._errors():
                self._db.execute("COMMIT")

    def rollback(self) -> None:
        """Forget subjects made since the last flush."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._by_identity.clear()
        self._by_alias.clear()

    def erase(self, alias: str) -> bool:
        """Destroy key and mapping of `alias`, then re-wrap the rest under a new KEK, so that old copies of the store
        are of no use without the old KEK, which is overwritten. False when the alias is not known."""
        self.flush()
        fresh = secrets.token_bytes(32)
        with self._errors():
            if not self._db.execute("SELECT 1 FROM subject WHERE alias = ?", [alias]).fetchone():
                return False
            write_private(self._kek_new, fresh)
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.execute("DELETE FROM subject WHERE alias = ?", [alias])
                self._db.execute("INSERT OR IGNORE INTO erased VALUES (?)", [alias])
                self._rewrap(fresh)
                self._db.execute("UPDATE meta SET value = ? WHERE name = 'kek'", [_kek_id(fresh)])
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                self._kek_new.unlink(missing_ok=True)
                raise
            self._promote()
        self._kek = fresh
        self._by_identity.clear()
        self._by_alias.clear()
        return True

    def _rewrap(self, kek: bytes) -> None:
        rows = self._db.execute("SELECT alias, lookup, sealed FROM subject").fetchall()
        for alias, lookup, sealed in rows:
            content = self._open(alias, sealed)
            if content["identity"] is not None:
                lookup = _lookup(kek, content["source"], content["identity"])
            self._db.execute(
                "UPDATE subject SET lookup = ?, sealed = ? WHERE alias = ?", [lookup, _seal(kek, alias, content), alias]
            )

    @property
    def _kek_new(self) -> Path:
        return self._kek_path.with_name(self._kek_path.name + ".new")

    def _create(self) -> None:
        kek = self._kek_path.read_bytes() if self._kek_path.exists() else secrets.token_bytes(32)
        write_private(self._kek_path, kek)
        self._db.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.strip().split("\n"):
            self._db.execute(statement)
        self._db.execute("INSERT INTO meta VALUES ('format', ?), ('kek', ?)", [FORMAT, _kek_id(kek)])
        self._db.execute("COMMIT")

    def _meta(self) -> dict[str, str]:
        meta = dict(self._db.execute("SELECT name, value FROM meta").fetchall())
        if int(meta.get("format", 0)) > int(FORMAT):
            raise LedgerTooNew(f"key store {self.path} was written by a newer engine", remedy="upgrade the engine")
        return meta

    def _load_kek(self) -> bytes:
        meta = self._meta()
        if self._kek_new.exists():  # a crash during `erase`
            if _kek_id(self._kek_new.read_bytes()) == meta["kek"]:
                self._promote()
            else:
                self._kek_new.unlink()
        return self._fitting(self._kek_path)

    def _fitting(self, *paths: Path) -> bytes:
        """The KEK of the store, from the first of these files that holds it."""
        wanted = self._meta()["kek"]
        for path in paths:
            if path.exists() and _kek_id(kek := path.read_bytes()) == wanted:
                return kek
        raise IntegrityError(
            f"key store {self.path}: its key file {self._kek_path} is missing or another one",
            remedy="bring back both files from the same backup; without them personal content cannot be read",
        )

    def _promote(self) -> None:
        if self._kek_path.exists():
            with self._kek_path.open("r+b") as old:  # the old key must not stay on the disk behind the rename
                old.write(bytes(32))
                old.flush()
                os.fsync(old.fileno())
        self._kek_new.replace(self._kek_path)
        sync_folder(self._kek_path.parent)

    def _add(self, source: str, identity: str | None, lookup: bytes) -> Subject:
        made = Subject("p_" + secrets.token_hex(16), secrets.token_bytes(32))
        sealed = _seal(self._kek, made.alias, {"identity": identity, "key": made.key.hex(), "source": source})
        with self._errors():
            if not self._db.in_transaction:
                self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT INTO subject VALUES (?, ?, ?)", [made.alias, lookup, sealed])
        self._by_alias[made.alias] = made
        return made

    def _open(self, alias: str, sealed: bytes) -> dict[str, str]:
        try:
            clear = AESGCM(self._kek).decrypt(sealed[:12], sealed[12:], alias.encode())
        except InvalidTag as error:
            raise IntegrityError(f"key store {self.path}: the row of {alias} was changed") from error
        content: dict[str, str] = orjson.loads(clear)
        return content

    def _lookup(self, source: str, identity: str) -> bytes:
        return _lookup(self._kek, source, identity)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise StorageFull(
                    f"key store {self.path} cannot be used: {error}",
                    remedy="free space, mend the rights of its folder, or end the process that holds it",
                ) from error
            raise IntegrityError(f"key store {self.path} is damaged: {error}", remedy="restore its backup") from error
        except OSError as error:
            raise StorageFull(
                f"key store {self.path} cannot be written: {error}",
                remedy="free space or mend the rights of its folder",
            ) from error


def is_empty(path: Path) -> bool:
    """No store is at `path`, or one that never knew anybody: no tables, or nobody in them. Changes nothing."""
    if not path.exists() or path.stat().st_size == 0:
        return True
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)) as db:
            names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            known = [name for name in ("subject", "erased") if name in names]
            return not any(db.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() for name in known)  # noqa: S608
    except sqlite3.DatabaseError:
        return False  # opening it says what is wrong


def _kek_id(kek: bytes) -> str:
    return sha256(b"kek-id\n" + kek).hexdigest()[:16]


def _lookup(kek: bytes, source: str, identity: str) -> bytes:
    return hmac.digest(hmac.digest(kek, b"lookup", "sha256"), orjson.dumps([source, identity]), "sha256")


def _seal(kek: bytes, alias: str, content: dict[str, str | None] | dict[str, str]) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(kek).encrypt(nonce, orjson.dumps(content), alias.encode())
