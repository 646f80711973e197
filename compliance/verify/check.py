"""The verification: every line, leaf, tile, root, signature, column and set is recomputed from stored bytes.

Entries are read in ranges of whole tiles, so memory does not grow with the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import duckdb
import orjson
import pyarrow as pa

from compliance.schemas.errors import ConfigError, IntegrityError, LedgerBusy, LedgerTooNew
from compliance.verify import personal, schema, sealed
from compliance.verify.anchors import Outside
from compliance.verify.keys import KeyList
from compliance.verify.lockstore import LockStore
from compliance.verify.note import BadNote, Verifier
from compliance.verify.personal import KeyOf
from compliance.verify.ranges import BEGINNING, RANGE, Checked, Start, check, compare_tile, stored_tiles
from compliance.verify.result import LISTED, Verification
from compliance.verify.sealed import Segment, Source
from compliance.verify.states import Collections
from compliance.verify.tree import TILE, Growing
from compliance.verify.workers import CONFIG, Workers, attached, file_id, lock_down

_RECOVER = (
    "keep a copy of the ledger file, its .wal file and the lock store as they are, then restore the newest backup that "
    "verifies"
)


def verify(
    path: Path,
    *,
    vkey: str | None = None,
    lock_store: Path | None = None,
    key_of: KeyOf | None = None,
    outside: Mapping[str, Sequence[str]] | None = None,
    segments: Path | None = None,
    processes: int = 1,
    step: int = RANGE,
) -> Verification:
    """Verify the ledger file at `path`, which is only read. Arguments as for `verify_connection`.

    With more than one of `processes` this one and the others check ranges of `step` entries (whole tiles), and this one
    joins them; the others are started anew and import the main module, which must allow it. The result is the same.

    Raises:
        IntegrityError: the file cannot be opened, or is not a ledger.
        LedgerBusy: a writer holds it.
        LedgerTooNew, ConfigError
    """
    if not path.exists():
        raise ConfigError(f"there is no ledger at {path}", remedy="correct the path")
    file = file_id(path)
    try:
        # one thread each when there are several: a second costs a twentieth more of processor
        connection = attached(path, segments, threads=1) if processes > 1 else attached(path, segments)
    except duckdb.Error as error:
        raise _unreadable(path, error) from error
    with connection, Workers(path, file, processes - 1, segments) if processes > 1 else nullcontext() as workers:
        ahead = workers.checked if workers else unchecked
        return verified(
            connection,
            vkey=vkey,
            lock_store=lock_store,
            key_of=key_of,
            outside=outside,
            segments=segments,
            step=step,
            ahead=ahead,
        )


def verify_segments(
    folder: Path,
    *,
    vkey: str | None = None,
    key_of: KeyOf | None = None,
    outside: Mapping[str, Sequence[str]] | None = None,
) -> Verification:
    """Verify segments alone: `folder` is one of them, or holds several that follow each other. Of the copies `outside`
    those of sizes within the segments are compared.

    Raises:
        ConfigError: there are none.
        IntegrityError: one cannot be read.
    """
    one = (folder / "manifest.json").exists()
    segments = [sealed.read(folder)] if one else sealed.read_all(folder)
    for segment in segments:
        sealed.columns(segment)
    result = Verification()
    try:
        with duckdb.connect(":memory:", config=CONFIG) as connection:
            sealed.stand_in(connection, segments)
            connection.execute("SET enable_progress_bar = false")
            lock_down(connection, folder)
            _Run(connection, result, vkey, None, key_of, outside or {}, folder).run_segments(segments)
    except duckdb.Error as error:
        raise IntegrityError(f"segments in {folder} cannot be read: {str(error).strip()}", remedy=_RECOVER) from error
    result.sort()
    return result


def verify_connection(
    connection: duckdb.DuckDBPyConnection,
    *,
    vkey: str | None = None,
    lock_store: Path | None = None,
    key_of: KeyOf | None = None,
    outside: Mapping[str, Sequence[str]] | None = None,
    segments: Path | None = None,
) -> Verification:
    """Verify the ledger attached as catalog `stored` of an open connection.

    Give `vkey` from where you got the organisation's public key; without it the ledger's own first entry is believed,
    and the result says so. `lock_store` is the folder outside; `key_of` gives the key of an alias, to check personal
    content too; `outside` are the copies that anchors hold, by the anchor's name: notes, or lines `size:root`.
    `segments` is the folder of the months that were dropped from the file; the connection must be allowed to read it.
    Problems are in the result; what cannot be checked at all raises.
    """
    return verified(connection, vkey=vkey, lock_store=lock_store, key_of=key_of, outside=outside, segments=segments)


Ahead = Callable[[int, int], Iterator[Checked | None]]


def unchecked(size: int, step: int) -> Iterator[None]:
    """No range was checked ahead."""
    return repeat(None)


def verified(
    connection: duckdb.DuckDBPyConnection,
    *,
    vkey: str | None,
    lock_store: Path | None,
    key_of: KeyOf | None,
    outside: Mapping[str, Sequence[str]] | None = None,
    segments: Path | None = None,
    step: int = RANGE,
    ahead: Ahead = unchecked,
) -> Verification:
    """As `verify_connection`, in ranges of `step` entries, which are whole tiles. `ahead(size, step)` gives, in order,
    each range checked from its stored start, or None; what was checked from a start that is not proven is not used."""
    result = Verification()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET enable_progress_bar = false")  # it writes into the middle of what others print
            _Run(cursor, result, vkey, lock_store, key_of, outside or {}, segments).run(step, ahead)
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
        outside: Mapping[str, Sequence[str]],
        segments: Path | None,
    ) -> None:
        self._db = connection
        self._result = result
        self._vkey = vkey
        self._lock_folder = lock_store
        self._key_of = key_of
        self._given = outside
        self._folder = segments
        self._source = Source()
        self._before = 0  # checkpoints of sizes up to this one are not given
        self._tree = Growing(self._compare_tile)
        self._collections = Collections(partial(result.add, derived=True))
        self._end = BEGINNING  # of the ranges that were joined
        self._good = 0  # the newest size whose root was as stated
        self._unlike: list[_Mark] = []  # statements that do not agree, since the last one that did
        self._tiles: dict[tuple[int, int], bytes | None] = {}
        self._lock: LockStore | None = None

    def run(self, step: int, ahead: Ahead) -> None:
        meta = schema.check(self._db, self._result)
        self._source = sealed.source_of(meta)
        sealed.find(self._source, self._folder, self._result)
        sealed.lay(self._db, self._source.segments)
        verifier = self._identify(meta)
        for segment in self._source.segments:
            sealed.check_files(segment, verifier.terms, self._result)
        sealed.follow(self._source.segments, self._result)
        sealed.check_tables(self._db, self._source.segments, self._result)
        sealed.check_events(self._db, self._source, self._result)
        size = self._size()
        if self._lock_folder is not None:
            self._lock = LockStore(self._lock_folder, verifier, self._result)
        self._outside = Outside(self._given, verifier, self._result)
        if self._source.absent:
            self._collections.first = self._source.start
        self._walk(0, size, verifier, step, ahead(size, step))
        if self._lock is not None:
            self._result.lock_store = self._lock.finish(size)
        self._outside.finish(size)
        if self._result.signed < size:
            crash = not self._result.problems  # with other damage this is no crash that opening would mend
            self._result.add(
                self._result.signed,
                "not covered by a signed checkpoint"
                + ("; after a crash, opening the ledger recomputes and signs them" if crash else ""),
                size - 1,
                derived=not crash,
            )

    def run_segments(self, segments: Sequence[Segment]) -> None:
        """Verify segments that `stored` stands in for."""
        first, last = segments[0], segments[-1]
        lo = first.lo
        begin = lo - lo % TILE
        self._source = Source(lo, known=first.before[0] if first.before else [], absent=[(begin, lo)])
        origin = str(last.manifest["origin"])
        keys = KeyList.stated(last.keys, origin, self._result)
        given, self._vkey = self._vkey, None  # it may have come into force after the last of these entries
        if lo == 0:
            self._same_keys(keys, self._identify({"origin": origin}), last)
        else:  # entry 0 lies elsewhere: the manifest names the keys, the caller vouches for one of them
            self._result.origin = origin
            self._result.unchecked.append(f"entries 0 to {lo - 1} were not checked: they lie in other segments")
        if given is not None:
            Verifier(given)  # one that is none is the caller's mistake
            keys.vouched(given)
        self._result.vkey, self._result.vkey_given = given or keys.terms[0].vkey, given is not None
        self._result.keys = keys.terms
        for segment in segments:
            sealed.check_files(segment, keys.terms, self._result)
        sealed.follow(segments, self._result)
        size = self._size()
        if size != last.hi:
            self._result.add(None, f"the last segment ends at {last.hi}, the newest entry is {size - 1}")
        self._collections.first = self._before = lo
        self._outside = Outside(self._given, keys, self._result, (lo, size))
        if lo:
            self._tree = Growing.after(lo, first.before, self._compare_tile)
            self._end = Start(bytes.fromhex(first.manifest["first_previous"]), None)
        self._walk(begin, size, keys, RANGE, unchecked(size, RANGE))
        self._outside.finish(size)
        if given is not None:
            keys.reached(given, size)

    def _same_keys(self, stated: KeyList, told: KeyList, last: Segment) -> None:
        """Up to the last segment's end, the keys that its manifest states are those that the entries tell."""
        if [term for term in stated.terms if term.start <= last.hi] != told.terms:
            self._result.add(None, f"{last}: its manifest names other keys than its entries")

    def _walk(self, begin: int, size: int, verifier: KeyList, step: int, parts: Iterator[Checked | None]) -> None:
        """Check entries `begin`, the first of a tile, to before `size`, and what is stated about them."""
        self._gone = personal.erased(self._db)
        for start in range(begin, size, step):
            stop = min(start + step, size)
            part = next(parts, None)
            # what was stored as the end of the range before may not be what that range came to
            if part is None or (part.start, part.stop, part.before) != (start, stop, self._end):
                part = check(self._db, start, stop, self._end, self._source)
            self._join(part, verifier)
        self._collections.finish()
        self._settle()
        verifier.settle(self._before)
        self._stray_tiles(size)
        if closed := self._result.personal_closed:
            self._result.unchecked.append(
                f"{closed} personal contents were not opened: the key store does not have their keys, and no erasure "
                "is recorded; it is an older copy or another one"
            )
        if self._end.leaf is not None and size:
            self._result.root = self._tree.root(size)

    def _identify(self, meta: dict[str, str]) -> KeyList:
        """Origin and keys: from the ledger's own entries, and from the caller."""
        rows = self._db.execute("SELECT line FROM memory.checked.entry WHERE seq = 0").fetchall()
        kept = self._source.genesis
        if kept is not None and rows and rows[0][0] != kept:
            self._result.add(0, "meta names another genesis entry")
        if kept is not None and not rows:
            rows = [(kept,)]
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
        keys.read(sealed.key_events(self._db, self._source, self._result))
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
            "(SELECT count(*) FROM stored.main.checkpoint WHERE size IS NULL OR size <= 0) FROM memory.checked.entry"
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

    def _join(self, part: Checked, verifier: KeyList) -> None:
        """Put a range, checked from the end of the one before it, to what is known so far."""
        self._result.take(part.found)
        self._end = part.after
        self._load_tiles(part.start, part.stop)
        marks = self._marks(part.start, part.stop, verifier)
        mark = next(marks, None)
        for n, first in enumerate(range(0, len(part.leaves), 32 * TILE)):
            tile = part.leaves[first : first + 32 * TILE]
            self._tree.add(tile, part.roots[n] if len(tile) == 32 * TILE else None)
            end = part.start + (first + len(tile)) // 32
            while mark is not None and mark.size <= end:
                place = mark.size - part.start - 1
                self._compare(mark, part.leaves[32 * place : 32 * place + 32], part.times[place].as_py())
                mark = next(marks, None)
            while self._lock is not None and (size := self._lock.next_size()) is not None and size <= end:
                self._lock.compare(size, self._tree.root(size))
            self._outside.compare(end, self._tree.root)
        self._belonging(part.belonging)
        if part.personal or self._has_personal(part.start, part.stop):
            personal.check(self._db, part.start, part.stop, self._gone, self._key_of, self._result)

    def _load_tiles(self, start: int, stop: int) -> None:
        """Stored tiles above level 0 that become full with these entries."""
        self._tiles = {}
        level, width = 1, TILE * TILE
        while width <= stop:
            tiles = stored_tiles(self._db, level, start // width, stop // width)
            self._tiles.update({(level, n): hashes for n, hashes in tiles.items()})
            level, width = level + 1, width * TILE

    def _compare_tile(self, level: int, n: int, hashes: Sequence[bytes]) -> None:
        compare_tile(self._result, level, n, self._tiles.get((level, n)), hashes)

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
            "WHERE size > $1 AND size <= $2 ORDER BY 1, 5 NULLS FIRST",  # a checkpoint clears what is before it
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

    def _belonging(self, rows: pa.Table) -> None:
        columns = (rows["seq"].to_pylist(), rows["kind"].to_pylist(), rows["line"].cast(pa.binary()).to_pylist())
        for seq, kind, line in zip(*columns, strict=True):
            self._collections.entry(seq, kind, line)

    def _has_personal(self, start: int, stop: int) -> bool:
        query = "SELECT 1 FROM memory.checked.personal WHERE seq >= ? AND seq < ? LIMIT 1"
        return bool(self._db.execute(query, [start, stop]).fetchall())
