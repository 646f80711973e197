"""The verification: every line, leaf, tile, root, signature, column and set is recomputed from stored bytes.

Entries are read in ranges of whole tiles, so memory does not grow with the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from compliance.schemas.errors import ConfigError, IntegrityError, LedgerBusy, LedgerTooNew
from compliance.verify import personal, schema
from compliance.verify.frame import AGREES, differences
from compliance.verify.keys import KeyList
from compliance.verify.lockstore import LockStore
from compliance.verify.note import BadNote, Verifier
from compliance.verify.personal import KeyOf
from compliance.verify.result import LISTED, Verification
from compliance.verify.states import Collections
from compliance.verify.tree import TILE, Growing

_RANGE = 400 * TILE
_RECOVER = (
    "keep a copy of the ledger file, its .wal file and the lock store as they are, then restore the newest backup that "
    "verifies; a torn write-ahead log can be cut at the byte that DuckDB names, on a copy"
)


def verify(
    path: Path, *, vkey: str | None = None, lock_store: Path | None = None, key_of: KeyOf | None = None
) -> Verification:
    """Verify the ledger file at `path`, which is only read. Arguments as for `verify_connection`.

    Raises:
        IntegrityError: the file cannot be opened, or is not a ledger.
        LedgerBusy: a writer holds it.
        LedgerTooNew, ConfigError
    """
    if not path.exists():
        raise ConfigError(f"there is no ledger at {path}", remedy="correct the path")
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": "512MB",  # else DuckDB keeps every block it read
    }
    with duckdb.connect(":memory:", config=config) as connection:
        try:
            quoted = str(path).replace("'", "''")
            connection.execute(f"ATTACH '{quoted}' AS stored (READ_ONLY)")
            connection.execute("SET enable_external_access = false")
        except duckdb.Error as error:
            raise _unreadable(path, error) from error
        return verify_connection(connection, vkey=vkey, lock_store=lock_store, key_of=key_of)


def verify_connection(
    connection: duckdb.DuckDBPyConnection,
    *,
    vkey: str | None = None,
    lock_store: Path | None = None,
    key_of: KeyOf | None = None,
) -> Verification:
    """Verify the ledger attached as catalog `stored` of an open connection.

    Give `vkey` from where you got the organisation's public key; without it the ledger's own first entry is believed,
    and the result says so. `lock_store` is the folder outside; `key_of` gives the key of an alias, to check personal
    content too. Problems are in the result; what cannot be checked at all raises.
    """
    result = Verification()
    try:
        with connection.cursor() as cursor:
            _Run(cursor, result, vkey, lock_store, key_of).run()
    except duckdb.Error as error:
        raise _unreadable(None, error) from error
    result.sort()
    return result


def _unreadable(path: Path | None, error: duckdb.Error) -> IntegrityError | LedgerBusy | LedgerTooNew:
    where = f"ledger {path}" if path else "the ledger"
    text = str(error).strip()
    if "set lock on file" in text or "file handle conflict" in text:
        pid = re.search(r"PID (\d+)", text)
        return LedgerBusy(
            f"{where} is being written by process {pid[1] if pid else '?'}", remedy="wait for it, or verify a copy"
        )
    if "can only read versions" in text:
        return LedgerTooNew(f"{where} needs a newer DuckDB: {text}", remedy="upgrade the engine")
    return IntegrityError(f"{where} cannot be read: {text}", remedy=_RECOVER)


class _Mark(NamedTuple):
    """A statement about the root at a size: a tree head or a signed checkpoint."""

    size: int
    name: str
    root: bytes
    last_leaf: bytes | None
    at: object  # time of the newest entry, None where the statement has none


class _Run:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        result: Verification,
        vkey: str | None,
        lock_store: Path | None,
        key_of: KeyOf | None,
    ) -> None:
        self._db = connection
        self._result = result
        self._vkey = vkey
        self._lock_folder = lock_store
        self._key_of = key_of
        self._tree = Growing(self._compare_tile)
        self._collections = Collections(partial(result.add, derived=True))
        self._leaf = bytes(32)
        self._good = 0  # the newest size whose root was as stated
        self._unlike: list[_Mark] = []  # statements that do not agree, since the last one that did
        self._lost = False  # leaves are missing: roots from here on cannot be recomputed
        self._tiles: dict[tuple[int, int], bytes | None] = {}
        self._lock: LockStore | None = None

    def run(self) -> None:
        meta = schema.check(self._db, self._result)
        verifier = self._identify(meta)
        size = self._size()
        if self._lock_folder is not None:
            self._lock = LockStore(self._lock_folder, verifier, self._result)
        self._gone = personal.erased(self._db)
        at = None
        for start in range(0, size, _RANGE):
            at = self._range(start, min(start + _RANGE, size), verifier, at)
        self._collections.finish()
        self._settle()
        self._stray_tiles(size)
        verifier.settle()
        if not self._lost and size:
            self._result.root = self._tree.root(size)
        if self._lock is not None:
            self._result.lock_store = self._lock.finish(size)
        if self._result.signed < size:
            crash = not self._result.problems  # with other damage this is no crash that opening would mend
            self._result.add(
                self._result.signed,
                "not covered by a signed checkpoint"
                + ("; after a crash, opening the ledger recomputes and signs them" if crash else ""),
                size - 1,
                derived=not crash,
            )

    def _identify(self, meta: dict[str, str]) -> KeyList:
        """Origin and keys: from the ledger's own entries, and from the caller."""
        rows = self._db.execute("SELECT line FROM stored.main.entry WHERE seq = 0").fetchall()
        try:
            first = orjson.loads(rows[0][0])
            origin, own = str(first["record"]["origin"]), Verifier(str(first["record"]["vkey"]))
            if first["kind"] != "genesis":
                raise KeyError("kind")
        except (IndexError, KeyError, TypeError, orjson.JSONDecodeError, ConfigError) as error:
            if self._vkey is None:
                raise IntegrityError(
                    "the ledger has no genesis entry", seq=0, remedy="give the public key with --vkey to learn more"
                ) from error
            self._result.add(0, "it is not the genesis entry of a ledger")
            own = Verifier(self._vkey)
            origin = own.name
        if meta.get("origin") != origin:
            self._result.add(None, f"meta names the origin {meta.get('origin')!r}, the first entry {origin!r}")
        if own.name != origin:
            self._result.add(0, f"the ledger is called {origin!r}, its key {own.name!r}")
        keys = KeyList(own, origin, self._result)
        keys.read(
            self._db.execute("SELECT seq, line FROM stored.main.entry WHERE kind = 'key_event' ORDER BY seq").fetchall()
        )
        if self._vkey is not None:
            Verifier(self._vkey)  # one that is none is the caller's mistake
            keys.vouched(self._vkey)
        self._result.origin, self._result.vkey = origin, self._vkey or own.vkey
        self._result.vkey_given = self._vkey is not None
        self._result.keys = keys.terms
        return keys

    def _size(self) -> int:
        """How many entries there must be: as many as any row, head or checkpoint says."""
        query = self._db.execute(
            "SELECT coalesce(max(seq) + 1, 0), (SELECT coalesce(max(size), 0) FROM stored.main.head), "
            "(SELECT coalesce(max(size), 0) FROM stored.main.checkpoint), count(*) FILTER (seq < 0 OR seq IS NULL), "
            "(SELECT count(*) FROM stored.main.head WHERE size IS NULL OR size <= 0), "
            "(SELECT count(*) FROM stored.main.checkpoint WHERE size IS NULL OR size <= 0) FROM stored.main.entry"
        ).fetchall()
        rows, heads, checkpoints, outside, bad_heads, bad_checkpoints = query[0]
        if outside:
            self._result.add(None, f"{outside} rows of table entry have no valid number")
        if bad_heads or bad_checkpoints:
            self._result.add(None, f"{bad_heads} tree heads and {bad_checkpoints} checkpoints have no valid size")
        if heads != rows:
            self._result.add(None, f"the newest tree head names {heads} entries; the newest row is {rows - 1}")
        size = max(rows, heads, checkpoints)
        if size > rows + 100_000_000:  # a wild number must not make us count to it
            self._result.add(rows, "missing, up to an impossible size", size - 1)
            size = rows
        self._result.size = size
        return int(size)

    def _range(self, start: int, stop: int, verifier: KeyList, at: pa.Scalar | None) -> pa.Scalar | None:
        """Check entries `start` to before `stop`; gives the time of the last one."""
        rows = self._db.sql(
            f'SELECT seq, line, "at", kind, collection, subject, {AGREES} AS agrees '  # noqa: S608 -- constants
            "FROM stored.main.entry WHERE seq >= ? AND seq < ? ORDER BY seq",
            params=[start, stop],
        ).to_arrow_table()
        whole = rows.num_rows == stop - start and rows["line"].null_count == 0
        numbers = rows["seq"].combine_chunks()
        if not (whole and numbers.equals(pa.array(range(start, stop), pa.int64()))):
            rows = self._without_holes(rows, start, stop)
        self._columns(rows)
        at = self._times(rows, at)
        lines: list[bytes | None] = rows["line"].cast(pa.binary()).to_pylist()
        self._load_tiles(start, stop)
        marks = self._marks(start, stop, verifier)
        mark = next(marks, None)
        for first in range(start, stop, TILE):
            part = lines[first - start : first - start + TILE]
            leaves = self._leaves(first, part)
            if leaves is None:
                self._lost = True
            if self._lost or leaves is None:
                continue
            self._tree.add(leaves)
            end = first + len(leaves)
            while mark is not None and mark.size <= end:
                self._compare(mark, leaves[mark.size - first - 1], rows["at"][mark.size - start - 1].as_py())
                mark = next(marks, None)
            while self._lock is not None and (size := self._lock.next_size()) is not None and size <= end:
                self._lock.compare(size, self._tree.root(size))
        self._belonging(rows, lines)
        if rows["subject"].null_count < len(rows) or self._has_personal(start, stop):
            personal.check(self._db, start, stop, self._gone, self._key_of, self._result)
        return at

    def _without_holes(self, rows: pa.Table, start: int, stop: int) -> pa.Table:
        """Name what is missing or there twice; gives one row per number, with NULL lines in the holes."""
        seen: dict[int, int] = {}
        for n, seq in enumerate(rows["seq"].to_pylist()):
            if seq in seen:
                self._result.add(seq, "it is there more than once")
            seen.setdefault(seq, n)
        hole: int | None = None
        for seq in range(start, stop + 1):
            missing = seq < stop and seq not in seen
            if missing and hole is None:
                hole = seq
            if not missing and hole is not None:
                self._result.add(hole, "missing: its row was deleted", seq - 1)
                hole = None
        return rows.take(pa.array([seen.get(seq) for seq in range(start, stop)], pa.int64()))

    def _columns(self, rows: pa.Table) -> None:
        """Name rows whose columns are not what their line says."""
        bad = rows.filter(pc.invert(pc.fill_null(rows["agrees"], True)))
        for seq in bad["seq"].to_pylist():
            query = self._db.execute("SELECT * FROM stored.main.entry WHERE seq = ? LIMIT 1", [seq])
            names = [column[0] for column in query.description or ()]
            for row in query.fetchall():
                self._result.add(seq, differences(dict(zip(names, row, strict=True))))

    def _times(self, rows: pa.Table, before: pa.Scalar | None) -> pa.Scalar | None:
        times = rows["at"].combine_chunks()
        if before is not None:
            times = pa.concat_arrays([pa.array([before.as_py()], times.type), times])
        back = pc.less(times[1:], times[:-1])
        if pc.any(back).as_py():
            n = pc.index(back, True).as_py() + (0 if before is not None else 1)
            self._result.add(rows["seq"][n].as_py(), "its time lies before that of the entry before it")
        return times[-1] if len(times) else before

    def _leaves(self, first: int, lines: Sequence[bytes | None]) -> list[bytes] | None:
        """The leaves of a tile's lines; None when they cannot be known. Names lines that do not give their leaf."""
        stored = self._tiles.get((0, first // TILE))
        leaf, digest, found = self._leaf, sha256, []
        if None not in lines:
            for line in lines:
                leaf = digest(b"\x00" + leaf + line).digest()  # type: ignore[operator]  # None was ruled out
                found.append(leaf)
            if stored is None or b"".join(found) == stored:
                self._leaf = leaf
                return found
        elif stored is None:
            return None
        return self._repair(first, lines, [stored[i : i + 32] for i in range(0, len(stored), 32)])

    def _repair(self, first: int, lines: Sequence[bytes | None], stored: list[bytes]) -> list[bytes]:
        """Line by line against a stored tile that differs: is it the line that was changed, or the tile?"""
        found = []
        leaf = self._leaf
        for n, line in enumerate(lines):
            if line is None:
                leaf = stored[n]
            else:
                made = sha256(b"\x00" + leaf + line).digest()
                if made != stored[n]:
                    after = lines[n + 1] if n + 1 < len(lines) else None
                    if after is not None and sha256(b"\x00" + made + after).digest() == stored[n + 1]:
                        leaf = made  # the chain goes on from what we made: _compare_tile names the tile
                    else:
                        self._result.add(first + n, "its line was changed: it does not give its leaf hash")
                        leaf = stored[n]
                else:
                    leaf = made
            found.append(leaf)
        self._leaf = leaf
        return found

    def _load_tiles(self, start: int, stop: int) -> None:
        """Stored tiles that belong to these entries; one that is there twice or torn counts as missing."""
        self._tiles = {}
        level, width = 0, TILE
        while width <= stop:
            low, high = start // width, stop // width
            rows = self._db.execute(
                "SELECT n, hashes FROM stored.main.tile WHERE level = ? AND n >= ? AND n < ? ORDER BY n",
                [level, low, high],
            ).fetchall()
            for n, hashes in rows:
                good = (level, n) not in self._tiles and hashes is not None and len(hashes) == 32 * TILE
                self._tiles[level, n] = bytes(hashes) if good else None
            level, width = level + 1, width * TILE

    def _compare_tile(self, level: int, n: int, hashes: Sequence[bytes]) -> None:
        stored = self._tiles.get((level, n))
        if stored != b"".join(hashes):
            first = n * TILE ** (level + 1)
            what = "missing, torn or there twice" if stored is None else "not what its entries give"
            self._result.add(first, f"tile {n} of level {level} is {what}", first + TILE ** (level + 1) - 1)

    def _stray_tiles(self, size: int) -> None:
        rows = self._db.execute(
            "SELECT count(*) FROM stored.main.tile WHERE level IS NULL OR n IS NULL OR level < 0 OR n < 0 OR level > 7 "
            "OR (n + 1) * (256::HUGEINT ** (level + 1))::HUGEINT > ?",
            [size],
        ).fetchall()
        if rows[0][0]:
            self._result.add(None, f"{rows[0][0]} stored tiles lie beyond the {size} entries")

    def _marks(self, start: int, stop: int, verifier: KeyList) -> Iterator[_Mark]:
        """Heads and checkpoints of sizes in (start, stop], by size. Bad signatures are named on the way."""
        rows = self._db.execute(
            'SELECT size, root, last_leaf, "at", NULL FROM stored.main.head WHERE size > $1 AND size <= $2 UNION ALL '
            "SELECT size, NULL, NULL, NULL, coalesce(note, '') FROM stored.main.checkpoint "
            "WHERE size > $1 AND size <= $2 ORDER BY 1",
            [start, stop],
        ).fetchall()
        for size, root, last_leaf, at, note in rows:
            if note is None:
                yield _Mark(size, "tree head", bytes(root or b""), bytes(last_leaf or b""), at)
                continue
            self._result.checkpoints += 1
            try:
                signed = verifier.open(note)
            except BadNote as error:
                self._result.add(None, f"checkpoint at {size} entries: {error}")
                continue
            if (signed.origin, signed.size) != (self._result.origin, size):
                self._result.add(
                    None, f"checkpoint at {size} entries is about {signed.size} entries of {signed.origin!r}"
                )
                continue
            self._result.signed = max(self._result.signed, size)
            yield _Mark(size, "signed checkpoint", signed.root, None, None)

    def _compare(self, mark: _Mark, leaf: bytes, at: object) -> None:
        signed = mark.last_leaf is None
        if mark.root != self._tree.root(mark.size) or not (signed or (mark.last_leaf, mark.at) == (leaf, at)):
            if len(self._unlike) < LISTED:
                self._unlike.append(mark)
        elif signed:  # only a signature can clear the lines before it; a tree head anybody can rewrite
            for wrong in self._unlike:
                self._result.add(None, f"the {wrong.name} at {wrong.size} entries was changed")
            self._unlike.clear()
            self._good = mark.size

    def _settle(self) -> None:
        """Statements that nothing after them contradicts: it is the lines that were changed, in the first range."""
        for first in self._unlike[:1]:
            later = f" nor {len(self._unlike) - 1} later ones" if len(self._unlike) > 1 else ""
            self._result.add(
                self._good,
                f"among these, lines were changed: they do not give the {first.name} at {first.size} entries{later}",
                first.size - 1,
            )

    def _belonging(self, rows: pa.Table, lines: Sequence[bytes | None]) -> None:
        mask = pc.or_(pc.is_valid(rows["collection"]), pc.fill_null(pc.equal(rows["kind"], "collection"), False))
        for n in pc.indices_nonzero(mask).to_pylist():
            line = lines[n]
            if line is not None:
                self._collections.entry(rows["seq"][n].as_py(), rows["kind"][n].as_py(), line)

    def _has_personal(self, start: int, stop: int) -> bool:
        query = "SELECT 1 FROM stored.main.personal WHERE seq >= ? AND seq < ? LIMIT 1"
        return bool(self._db.execute(query, [start, stop]).fetchall())
