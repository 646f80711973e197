"""The DuckDB file: opened by one writer, with its tables, transactions and errors. Format: schemas/ledger.md §7."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import duckdb
import pyarrow as pa

from compliance.ledger import segments
from compliance.ledger.note import sync_folder
from compliance.ledger.segments import Cut
from compliance.ledger.tree import Tile
from compliance.schemas.errors import (
    ConfigError,
    IntegrityError,
    LedgerBusy,
    LedgerError,
    LedgerTooNew,
    StorageFull,
)

FORMAT = 1
FORMAT_CUT = 2  # of a file whose first months were dropped: they lie in segments
CATALOG = "stored"
_BATCH = 8_192  # rows: their lines stay in the cache
SCHEMA = {
    "entry": 'seq BIGINT, "at" TIMESTAMP, kind VARCHAR, source VARCHAR, collection BIGINT, key VARCHAR, '
    "subject VARCHAR, gone BOOLEAN, observed_at TIMESTAMP, line VARCHAR USING COMPRESSION zstd",
    # hashes do not get smaller: left as they are, the first read of the right edge takes a tenth of the time
    "tile": "level INTEGER, n BIGINT, hashes BLOB USING COMPRESSION uncompressed",
    "head": 'size BIGINT, root BLOB, last_leaf BLOB, "at" TIMESTAMP',
    "checkpoint": "size BIGINT, note VARCHAR",
    "personal": "seq BIGINT, subject VARCHAR, content BLOB",
    "meta": "name VARCHAR, value VARCHAR",
}
ENTRY = pa.schema(
    [
        ("seq", pa.int64()),
        ("at", pa.timestamp("us")),
        ("kind", pa.string()),
        ("source", pa.string()),
        ("collection", pa.int64()),
        ("key", pa.string()),
        ("subject", pa.string()),
        ("gone", pa.bool_()),
        ("observed_at", pa.timestamp("us")),
        ("line", pa.string()),
    ]
)
RECOVER = (
    "keep a copy of the ledger file, its .wal file and the lock store as they are; run `compliance verify`; "
    "then restore the newest backup that verifies"
)
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_HEADERS = 3 * 4096  # the main header and two database headers; blocks of data follow
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Head:
    """The newest tree head: all entries below `size` are in the file."""

    size: int
    root: bytes
    last_leaf: bytes
    at: datetime


@contextmanager
def storage_errors(path: Path, *, opening: bool = False) -> Iterator[None]:
    """Turn errors of DuckDB and the system into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full(path, str(error)) from error
        raise LedgerError(
            f"ledger {path}: {error}", remedy=f"see that the disk of {path.parent} works, then open the ledger again"
        ) from error
    except duckdb.Error as error:
        raise _translated(path, error, opening) from error


def _translated(path: Path, error: duckdb.Error, opening: bool) -> LedgerError:
    text = str(error).strip()
    if "set lock on file" in text or "file handle conflict" in text:
        pid = re.search(r"PID (\d+)", text)
        who = f"process {pid[1]}" if pid else "another connection of this process"
        return LedgerBusy(f"ledger {path} is in use by {who}", remedy="wait for it, or end it")
    if "can only read versions" in text:
        return LedgerTooNew(f"ledger {path} needs a newer DuckDB: {text}", remedy="upgrade the engine")
    if any(words in text for words in ("No space left", "disk quota", "Permission denied", "Read-only file system")):
        return _full(path, text)
    if ".parquet" in text:
        return IntegrityError(
            f"a segment of ledger {path} cannot be read: {text}",
            remedy="bring the segment back from a copy of it, then open the ledger again",
        )
    if opening or "orrupt" in text or isinstance(error, duckdb.SerializationException):
        return IntegrityError(f"ledger {path} cannot be read: {text}", remedy=RECOVER)
    return LedgerError(
        f"ledger {path}: {text}", remedy="open the ledger again: it shows what was committed before anything is retried"
    )


def _full(path: Path, text: str) -> StorageFull:
    return StorageFull(
        f"ledger {path} cannot be written: {text}",
        remedy=f"free space in {path.parent} or give this user the right to write there; nothing acknowledged is lost",
    )


def never_begun(path: Path) -> bool:
    """The file at `path` is what a crash leaves while DuckDB makes it: its headers are not complete, so there is no
    room for data yet, and there is no log beside it."""
    if not path.is_file() or path.stat().st_size >= _HEADERS or path.with_name(path.name + ".wal").exists():
        return False
    content = path.read_bytes()
    return not content or content[8:12] == b"DUCK"


def stored_origin(path: Path) -> str | None:
    """The origin of the ledger at `path` without opening it for writing; None when there is none.

    Raises:
        LedgerBusy: a writer holds it and its lock file does not tell.
        IntegrityError: DuckDB cannot read it.
    """
    if not path.exists():
        return None
    with duckdb.connect(":memory:", config=CONFIG) as connection:
        try:
            with storage_errors(path, opening=True):
                connection.execute(f"ATTACH '{quoted(path)}' AS {CATALOG} (READ_ONLY)")
                if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE database_name = 'stored'").fetchall():
                    return None
                rows = connection.execute("SELECT value FROM stored.meta WHERE name = 'origin'").fetchall()
        except LedgerBusy:
            _, _, origin = path.with_name(path.name + ".lock").read_text("utf-8").partition(" ")
            if not origin:
                raise
            return origin
    return str(rows[0][0]) if rows else None


class Store:
    """The file, attached as catalog `stored`, so that nothing defined inside it can shadow a function of ours.

    What reads entries of any age reads `whole.entry` and `whole.personal`: the file's rows and, where months were
    dropped from it, those of their segments. `stored.entry` holds numbers from `start` on.
    """

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection, lock: TextIO | None, folder: Path) -> None:
        self.path = path
        self.connection = connection
        self.segments = folder
        self.cut: Cut | None = None
        self._lock = lock

    @property
    def start(self) -> int:
        """The number of the first entry in the file itself."""
        return self.cut.start if self.cut else 0

    @classmethod
    def open(
        cls, path: Path, wait_s: float, on_wait: Callable[[str], None] | None, folder: Path | None = None
    ) -> Store:
        """Open or make the file as its only writer. `folder` holds its segments (beside it when None).

        Raises:
            LedgerBusy: another writer still holds it after `wait_s` seconds.
            IntegrityError: DuckDB cannot read it.
            LedgerTooNew, StorageFull
        """
        deadline = time.monotonic() + wait_s
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _take(path, deadline, on_wait)
        folder = (folder or segments.beside(path)).absolute()
        try:
            connection = _attach(path, deadline, on_wait, folder)
        except BaseException:
            lock.close()
            raise
        return cls(path, connection, lock, folder)

    @classmethod
    def read(cls, path: Path, folder: Path | None = None, *, as_is: bool = False) -> Store:
        """The file, only to be read, with its segments in `folder` (beside it when None). `as_is` reads what is in the
        file itself, for those who must see what is left.

        Raises:
            LedgerError: there is none.
            LedgerBusy: a writer holds it.
            IntegrityError: DuckDB cannot read it, or it is not a ledger.
            LedgerTooNew
        """
        if not path.exists():
            raise LedgerError(f"there is no ledger at {path}", remedy="correct the path")
        connection = duckdb.connect(":memory:", config=CONFIG)
        store = cls(path, connection, None, (folder or segments.beside(path)).absolute())
        try:
            with storage_errors(path, opening=True):
                connection.execute(f"ATTACH '{quoted(path)}' AS {CATALOG} (READ_ONLY)")
                connection.execute(f"SET allowed_directories = ['{quoted(store.segments)}/']")
                connection.execute("SET enable_external_access = false")
            store._lay({} if as_is else store._check_format())
        except BaseException:
            connection.close()
            raise
        return store

    def close(self) -> None:
        """Checkpoint, close and let the next writer in."""
        try:
            with storage_errors(self.path):
                self.connection.close()
        finally:
            if self._lock is not None:
                self._lock.close()

    def abandon(self) -> None:
        """Close a file that was refused, and leave it and its log as they are: a checkpoint would merge what is left
        of a torn log into the file and remove the log, before anybody could keep a copy."""
        try:
            with storage_errors(self.path):
                self.connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        finally:
            self.close()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with storage_errors(self.path):
            rows: list[tuple[Any, ...]] = self.connection.execute(sql, list(parameters)).fetchall()
        return rows

    def table(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """The result of a query in Arrow."""
        with storage_errors(self.path):
            return self.connection.sql(sql, params=list(parameters)).to_arrow_table()

    def batches(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[pa.RecordBatch]:
        """The result of a query in Arrow, some thousand rows at a time, while DuckDB reads on."""
        with storage_errors(self.path):
            try:
                yield from self.connection.sql(sql, params=list(parameters)).to_arrow_reader(_BATCH)
            except pa.ArrowException as error:  # an error of DuckDB, once rows are on their way
                raise IntegrityError(f"ledger {self.path} cannot be read: {error}", remedy=RECOVER) from error

    def is_new(self) -> bool:
        """The file holds no tables yet."""
        return not self.query("SELECT 1 FROM duckdb_tables() WHERE database_name = ?", [CATALOG])

    def create(self, origin: str) -> None:
        """Make the tables. A checkpoint follows at once: changes of the schema must never wait in the log."""
        with storage_errors(self.path):
            self.connection.execute("BEGIN")
            for name, columns in SCHEMA.items():
                self.connection.execute(f"CREATE TABLE {CATALOG}.{name}({columns})")
            self.connection.execute(
                f"INSERT INTO {CATALOG}.meta VALUES ('format', ?), ('origin', ?)",  # noqa: S608 -- a constant
                [str(FORMAT), origin],
            )
            self.connection.execute("COMMIT")
            self.connection.execute(f"CHECKPOINT {CATALOG}")
            sync_folder(self.path.parent)

    def check_meta(self, origin: str) -> None:
        """Raise unless the file is a ledger of `origin` in a format that this engine writes."""
        meta = self._check_format()
        if meta.get("origin") != origin:
            raise ConfigError(
                f"{self.path} is the ledger {meta.get('origin')!r}, not {origin!r}",
                remedy="correct the origin or the path in the configuration",
            )
        self._lay(meta)
        if self._lock is not None:
            with storage_errors(self.path):
                self._lock.truncate(0)
                self._lock.write(f"{os.getpid()} {origin}")  # for those who meet a ledger in use
                self._lock.flush()

    def _check_format(self) -> dict[str, str]:
        try:
            meta = dict(self.query("SELECT name, value FROM stored.meta"))
            version = int(meta.get("format", "0"))
        except (LedgerError, ValueError) as error:
            raise IntegrityError(f"{self.path} is not a ledger: {error}", remedy=RECOVER) from error
        if version > FORMAT_CUT:
            raise LedgerTooNew(
                f"ledger {self.path} has format {version}; this engine knows formats up to {FORMAT_CUT}",
                remedy="upgrade the engine",
            )
        return meta

    def key_events(self) -> list[str]:
        """The lines of all entries about keys, in order, also of dropped months."""
        return [line for (line,) in self.query("SELECT line FROM whole.entry WHERE kind = 'key_event' ORDER BY seq")]

    def _lay(self, meta: dict[str, str]) -> None:
        """Make the views over file and segments. Raises IntegrityError when a segment that is needed is not whole."""
        if meta.get("format") == str(FORMAT_CUT):
            try:
                self.cut = Cut.of_meta(meta)
            except (KeyError, ValueError, TypeError) as error:
                raise IntegrityError(
                    f"ledger {self.path}: table meta does not say where its first entries are: {error}", remedy=RECOVER
                ) from error
        folders = segments.needed(self.segments, self.cut.dropped) if self.cut else []
        with storage_errors(self.path, opening=True):
            self.connection.execute("CREATE SCHEMA whole")
            for name, file in (("entry", "entries.parquet"), ("personal", "personal.parquet")):
                tables = [*([segments.parquet(folders, file)] if folders else []), f"{CATALOG}.main.{name}"]
                union = " UNION ALL ".join(f"SELECT * FROM {table}" for table in tables)  # noqa: S608 -- our own names
                self.connection.execute(f"CREATE VIEW whole.{name} AS {union}")

    def head(self) -> Head | None:
        """The newest tree head; None in a file without entries."""
        rows = self.query('SELECT size, root, last_leaf, "at" FROM stored.head ORDER BY size DESC LIMIT 1')
        if not rows:
            return None
        size, root, last_leaf, at = rows[0]
        return Head(size, bytes(root), bytes(last_leaf), at.replace(tzinfo=UTC))

    def tiles_since(self, size: int) -> list[Tile]:
        """The stored tiles that became full after `size` entries, in the order in which they did."""
        columns = "SELECT level, n, hashes FROM stored.tile WHERE level"
        queries, values, level = [], [], 0
        while first := size >> 8 * (level + 1):  # plain comparisons: what they leave out is not read
            queries.append(f"{columns} = ? AND n >= ?")
            values += [level, first]
            level += 1
        rows = self.query(" UNION ALL ".join([*queries, f"{columns} >= ? AND n >= 0"]), [*values, level])
        tiles = [Tile(level, n, bytes(hashes)) for level, n, hashes in rows]
        return sorted(tiles, key=lambda tile: (tile.since, tile.level))

    def commit(
        self, entries: pa.Table, personal: pa.Table | None, meanwhile: Callable[[], tuple[Sequence[Tile], Head]]
    ) -> tuple[Sequence[Tile], Head]:
        """One transaction: rows, tiles and head together or nothing. After an error the outcome is unknown until the
        file was opened again. `meanwhile` gives tiles and head: it runs while DuckDB takes in a large batch."""
        with storage_errors(self.path):
            self.connection.execute("BEGIN")
        try:
            if len(entries) < _BATCH:  # a thread costs more than it saves, and a few rows are a matter of this one
                tiles, head = meanwhile()
                with storage_errors(self.path):
                    self._insert("entry", entries)
            else:
                with ThreadPoolExecutor(1) as aside:
                    inserted = aside.submit(self._insert, "entry", entries)
                    tiles, head = meanwhile()
                    with storage_errors(self.path):
                        inserted.result()
        except BaseException:  # nothing may be left open that a later COMMIT would take along
            with suppress(duckdb.Error):
                self.connection.execute("ROLLBACK")
            raise
        with storage_errors(self.path):
            if personal is not None:
                self._insert("personal", personal)
            if tiles:
                columns = [[t.level for t in tiles], [t.n for t in tiles], [t.hashes for t in tiles]]
                types = [pa.int32(), pa.int64(), pa.binary()]
                arrays = [pa.array(values, kind) for values, kind in zip(columns, types, strict=True)]
                self._insert("tile", pa.table(arrays, names=["level", "n", "hashes"]))
            self.connection.execute(
                "INSERT INTO stored.head VALUES (?, ?, ?, ?)",
                [head.size, head.root, head.last_leaf, head.at.replace(tzinfo=None)],
            )
            self.connection.execute("COMMIT")
        return tiles, head

    def _insert(self, name: str, rows: pa.Table) -> None:
        self.connection.register("batch", rows)
        try:
            self.connection.execute(f"INSERT INTO {CATALOG}.{name} SELECT * FROM batch")  # noqa: S608 -- our own names
        finally:
            self.connection.unregister("batch")

    def put_checkpoint(self, size: int, note: str) -> None:
        """Keep the signed note of this size."""
        with storage_errors(self.path):
            self.connection.execute("INSERT INTO stored.checkpoint VALUES (?, ?)", [size, note])


def quoted(path: Path) -> str:
    """A path inside the quotes of an ATTACH."""
    return str(path).replace("'", "''")


def _take(path: Path, deadline: float, on_wait: Callable[[str], None] | None) -> TextIO:
    """The advisory lock beside the file. DuckDB's own does not keep two connections of one process apart."""
    lock = path.with_name(path.name + ".lock").open("a+", encoding="utf-8")
    told = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = f"ledger {path} is being written by process {lock.read().partition(' ')[0] or '?'}"
            if time.monotonic() >= deadline:
                lock.close()
                raise LedgerBusy(holder, remedy="wait for it, or end it") from None
            if on_wait and not told:
                on_wait(f"waiting: {holder}")
                told = True
            time.sleep(0.05)
            continue
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock


def _attach(
    path: Path, deadline: float, on_wait: Callable[[str], None] | None, folder: Path
) -> duckdb.DuckDBPyConnection:
    told = False
    while True:
        connection = duckdb.connect(":memory:", config=CONFIG)
        try:
            with storage_errors(path, opening=True):
                # readable by DuckDB 1.5 and 2, and old enough a form for zstd columns
                connection.execute(f"ATTACH '{quoted(path)}' AS {CATALOG} (STORAGE_VERSION 'v1.5.0')")
                connection.execute(f"SET allowed_directories = ['{quoted(folder)}/']")
                connection.execute("SET enable_external_access = false")
                # small thresholds cost a checkpoint every few batches: 2.5 times slower appends
                connection.execute("SET checkpoint_threshold = '512MB'")
                connection.execute("SET enable_progress_bar = false")
                return connection
        except LedgerBusy as busy:
            connection.close()
            if time.monotonic() >= deadline:
                raise
            if on_wait and not told:
                on_wait(f"waiting: {busy.message}")
                told = True
            time.sleep(0.05)
        except BaseException:
            connection.close()
            raise
