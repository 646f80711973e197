"""A fresh file with the rows of a ledger: as a copy, or in place of the old file. Format: schemas/ledger.md §7 and §14.

Rows that DuckDB deletes stay readable in its file, and space is not given back. A fresh file never held them. It is
written beside its place under another name, compared row by row with what it was made from, checked by the caller and
only then renamed: whoever looks, or is killed, finds the old file or the new one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from compliance.ledger.note import sync_folder
from compliance.ledger.segments import Cut
from compliance.ledger.store import CATALOG, CONFIG, FORMAT_CUT, RECOVER, SCHEMA, Store, quoted, storage_errors
from compliance.schemas.errors import ConfigError, IntegrityError, LedgerError

Check = Callable[[Path], None]

# By which column a table is read piece by piece, rows of that column in a piece, and the order inside it.
_PIECES = {
    "entry": ("seq", 50_000, "seq"),
    "personal": ("seq", 50_000, "seq, subject"),
    "tile": ("n", 1_000, "n, level"),
    "head": ("size", 100_000, "size"),
    "checkpoint": ("size", 100_000, "size, note"),
}
# The first number that stays when the entries below `start` go: tree heads of sizes that the file no longer shows go.
_FIRST = {"entry": 0, "personal": 0, "head": 1}


def rewrite(
    path: Path,
    *,
    check: Check,
    cut: Cut | None = None,
    wait_s: float = 30.0,
    on_wait: Callable[[str], None] | None = None,
) -> None:
    """Put a fresh file in the place of the ledger at `path`, which nobody may have open. Entries before a
    `cut` are left out (§14); `check` is given the new file before it counts and raises what speaks against it.

    Raises:
        LedgerBusy: a writer or a reader still holds the file after `wait_s` seconds.
        StorageFull: no space; the old file is as it was.
        IntegrityError: the new file does not hold what the old one does.
    """
    if not path.exists():
        raise LedgerError(f"there is no ledger at {path}", remedy="correct the path")
    store = Store.open(path, wait_s, on_wait)
    try:
        real = path.resolve()  # a link to the ledger stays one
        with beside(real) as fresh:
            with storage_errors(path):
                store.connection.execute(f"CHECKPOINT {CATALOG}")
            write(store, fresh, cut)
            check(fresh)
            with storage_errors(path):
                store.connection.close()  # our own lock stays: no writer comes between here and the new name
                old = real.stat()
                os.chown(fresh, old.st_uid, old.st_gid)  # root must not take it from the account that writes it
                os.chmod(fresh, stat.S_IMODE(old.st_mode))
                if path.with_name(path.name + ".wal").exists():  # it would be replayed into the new file
                    raise LedgerError(f"ledger {path} still has a write-ahead log", remedy="run it again")
                fresh.replace(real)
                sync_folder(real.parent)
    finally:
        store.close()


def copy(store: Store, target: Path, *, check: Check) -> None:
    """A fresh file at `target` with the rows of an open ledger.

    Raises:
        ConfigError: there is something at `target`.
        StorageFull, IntegrityError: as in `rewrite`; nothing is left at `target`.
    """
    with appearing(target) as fresh:
        write(store, fresh)
        check(fresh)


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A name for a file that gets the name `target` at the end, when nothing went wrong. Raises as `copy`."""
    refuse(target)
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    with beside(target) as fresh:
        yield fresh
        refuse(target)
        with storage_errors(target):
            os.link(fresh, target)  # unlike a rename, it fails when something came to be there
            sync_folder(target.parent)


def refuse(target: Path) -> None:
    """Raise ConfigError when there is something at `target`, or it has a write-ahead log without its file."""
    for path in (target, target.with_name(target.name + ".wal")):
        if path.is_symlink() or path.exists():
            raise ConfigError(f"{path} exists", remedy="name a place where nothing is; nothing is ever overwritten")


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A name beside `path` for a file that is gone at the end, unless it was renamed; what a kill left there goes."""
    fresh = path.with_name(f".{path.name}.new")
    log = fresh.with_name(fresh.name + ".wal")

    def remove() -> None:
        fresh.unlink(missing_ok=True)
        log.unlink(missing_ok=True)

    with storage_errors(path):
        remove()
    try:
        yield fresh
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell; the next run removes what stays
            remove()
        raise
    with storage_errors(path):
        remove()


def write(store: Store, fresh: Path, cut: Cut | None = None) -> None:
    """Write the rows of an open file, without entries before the `cut`, to a file that is not there yet; make it
    durable and compare it with where it came from."""
    with filling(fresh) as connection:
        connection.executemany("INSERT INTO fresh.meta VALUES (?, ?)", _meta(store, cut))
        for name, piece in _rows(store, cut.start if cut else 0):
            insert(connection, name, piece)
    _compare(store, fresh, cut)


@contextmanager
def filling(fresh: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a new file with the empty tables of a ledger, in catalog `fresh`; it is durable at the end."""
    with storage_errors(fresh):
        with duckdb.connect(":memory:", config=CONFIG | {"memory_limit": "1GB"}) as connection:
            connection.execute(f"ATTACH '{quoted(fresh)}' AS fresh (STORAGE_VERSION 'v1.5.0')")
            connection.execute("SET enable_external_access = false")
            for name, columns in SCHEMA.items():
                connection.execute(f"CREATE TABLE fresh.{name}({columns})")
            connection.execute("CHECKPOINT fresh")
            yield connection
            connection.execute("CHECKPOINT fresh")
        handle = os.open(fresh, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def insert(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """Add rows to a table of the file that is being filled."""
    connection.register("piece", rows)
    connection.execute(f"INSERT INTO fresh.{name} SELECT * FROM piece")  # noqa: S608 -- our own names
    connection.unregister("piece")


def _meta(store: Store, cut: Cut | None) -> list[tuple[str, str]]:
    meta: dict[str, str] = dict(store.query("SELECT name, value FROM stored.meta ORDER BY name"))
    if cut is None:
        return list(meta.items())
    start = int(meta.get("start", "0"))
    count = store.query("SELECT max(seq) + 1 FROM stored.entry")[0][0] or 0
    if not start < cut.start < count:
        raise LedgerError(f"ledger {store.path} holds entries {start} to {count - 1}: it cannot begin at {cut.start}")
    return list((meta | {"format": str(FORMAT_CUT)} | cut.meta()).items())


def _rows(store: Store, keep_from: int) -> Iterator[tuple[str, pa.Table]]:
    """Every row that stays, table by table, in pieces of bounded size."""
    for name, (column, step, order) in _PIECES.items():
        first = keep_from + _FIRST[name] if keep_from and name in _FIRST else None
        low, end, count = store.query(
            f"SELECT min({column}), max({column}) + 1, count(*) FROM stored.{name} "  # noqa: S608 -- our own names
            f"WHERE $1 IS NULL OR {column} IS NULL OR {column} >= $1",
            [first],
        )[0]
        seen = 0
        start = low
        while start is not None and start < end:
            piece = store.table(
                f"SELECT * FROM stored.{name} WHERE {column} >= ? AND {column} < ? ORDER BY {order}",  # noqa: S608
                [start, start + step],
            )
            seen += len(piece)
            start += step
            if len(piece):
                yield name, piece
            else:  # a hole: a damaged number must not make us count through it
                start = store.query(f"SELECT min({column}) FROM stored.{name} WHERE {column} >= ?", [start])[0][0]  # noqa: S608
        if seen != count:
            raise IntegrityError(
                f"ledger {store.path}: {count - seen} rows of table {name} have no number", remedy=RECOVER
            )


def _compare(store: Store, fresh: Path, cut: Cut | None) -> None:
    """Read back what was written: a fault between memory and disk must not replace what is whole."""
    with storage_errors(fresh, opening=True), duckdb.connect(":memory:", config=CONFIG) as connection:
        connection.execute(f"ATTACH '{quoted(fresh)}' AS {CATALOG} (READ_ONLY)")
        connection.execute("SET enable_external_access = false")
        found = Store(fresh, connection, None, store.segments)
        same = sorted(found.query("SELECT name, value FROM stored.meta")) == sorted(_meta(store, cut))
        again = _rows(found, 0)
        for name, piece in _rows(store, cut.start if cut else 0):
            other, copied = next(again, ("", None))
            same = same and name == other and piece.equals(copied)
        if not same or next(again, None) is not None:
            raise IntegrityError(
                f"{fresh}: what was read back is not what was written; the ledger {store.path} is as it was",
                remedy="test memory and disk of this machine",
            )
