"""What of a range of entries can be checked by itself, given the leaf and the time of the entry before it.

A range is whole tiles, except the last. So ranges can be checked in any order: each starts from the stored leaf before
it, and whoever joins them proves that leaf, for it must be the last one of the range before. Format: schemas/ledger.md
§3, §4 and §7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from compliance.verify.frame import AGREES, all_canonical, differences
from compliance.verify.result import Verification
from compliance.verify.sealed import Source
from compliance.verify.tree import TILE, split, tile_root

RANGE = 480 * TILE  # the rows of a row group of DuckDB: where ranges and row groups agree, none is read twice
_BATCH = 32 * TILE
_COLUMNS = f'seq, line, "at", kind, collection, subject, {AGREES} AS agrees'
_LEAF = sha256(b"\x00")
_NUMBERS = pa.array(range(_BATCH), pa.int64())
_BELONGING = ["seq", "kind", "line"]

Tiles = Mapping[int, bytes | None]


class Start(NamedTuple):
    """What the check of a range rests on: leaf and time of the entry before it.

    `leaf` is None when it cannot be known; `at` is None before the first entry, and where the row is missing."""

    leaf: bytes | None
    at: datetime | None


BEGINNING = Start(bytes(32), None)


@dataclass(frozen=True, slots=True)
class Checked:
    """Entries `start` to before `stop`, checked from `before` on: what was found, and what those who join ranges need.

    `leaves` are those that are known, joined: all, or those up to the first that is lost. `roots` are the roots of the
    full tiles among them. `belonging` are seq, kind and line of rows that are collections or belong to one.
    """

    start: int
    stop: int
    before: Start
    after: Start
    found: Verification
    leaves: bytes
    roots: list[bytes]
    times: pa.Array
    belonging: pa.Table
    personal: bool


def check(db: duckdb.DuckDBPyConnection, start: int, stop: int, before: Start, source: Source) -> Checked:
    """Check entries `start` to before `stop`: rows come from where `sealed.lay` found them, tiles from `stored`."""
    tiles = stored_tiles(db, 0, start // TILE, stop // TILE)
    try:
        checked = _sound(db, start, stop, before, tiles)
    except (pa.ArrowException, OSError):  # what Arrow makes of an error of DuckDB, which is met again below
        checked = None
    checked = checked or _Damaged(db, start, stop, before, tiles, source).checked()
    _known(checked, source)
    return checked


def _known(part: Checked, source: Source) -> None:
    """What a cut file keeps of the leaves before its first entry is what was recomputed."""
    first = source.start - len(source.known)
    kept, place = b"".join(source.known), 32 * (first - part.start)
    recomputed = part.leaves[place : place + len(kept)] if part.start <= first < part.stop else b""
    if len(recomputed) == len(kept) and recomputed != kept:
        part.found.add(None, f"the leaves that are kept before entry {source.start} are not what its entries give")
    for seq, line in source.kept_lines():
        if part.start <= seq < part.stop and not _gives(part, seq, line):
            part.found.add(seq, "meta keeps another line of it than the one that its leaf was computed from")


def _gives(part: Checked, seq: int, line: str) -> bool:
    """Whether a line that is kept of an entry gives its leaf: else anybody could say that it hands over to his key."""
    place = 32 * (seq - part.start)
    before = part.before.leaf if place == 0 else part.leaves[place - 32 : place]
    leaf = part.leaves[place : place + 32]
    return bool(before and leaf) and sha256(b"\x00" + (before or b"") + line.encode()).digest() == leaf


def stored_start(db: duckdb.DuckDBPyConnection, start: int) -> Start:
    """What the file says of the entry before `start`. Nothing proves it but the range before."""
    if start == 0:
        return BEGINNING
    tile = stored_tiles(db, 0, start // TILE - 1, start // TILE).get(start // TILE - 1)
    rows = db.execute('SELECT "at" FROM memory.checked.entry WHERE seq = ?', [start - 1]).fetchall()
    return Start(tile[-32:] if tile else None, rows[0][0] if rows else None)


def stored_tiles(db: duckdb.DuckDBPyConnection, level: int, low: int, high: int) -> dict[int, bytes | None]:
    """Tiles `low` to before `high` of a level; one that is there twice or torn is None, as good as missing."""
    rows = db.execute(
        "SELECT n, hashes FROM stored.main.tile WHERE level = ? AND n >= ? AND n < ?", [level, low, high]
    ).fetchall()
    tiles: dict[int, bytes | None] = {}
    for n, hashes in rows:
        good = n not in tiles and hashes is not None and len(hashes) == 32 * TILE
        tiles[n] = bytes(hashes) if good else None
    return tiles


def compare_tile(found: Verification, level: int, n: int, stored: bytes | None, hashes: Sequence[bytes]) -> None:
    """Name a tile that is not what its entries give."""
    if stored != b"".join(hashes):
        first = n * TILE ** (level + 1)
        what = "missing, torn or there twice" if stored is None else "not what its entries give"
        found.add(first, f"tile {n} of level {level} is {what}", first + TILE ** (level + 1) - 1)


def _sound(db: duckdb.DuckDBPyConnection, start: int, stop: int, before: Start, tiles: Tiles) -> Checked | None:
    """The range when nothing at all is wrong with it: one pass in the order of the file, in little memory. None when
    anything is, or when rows lie in another order."""
    if before.leaf is None:
        return None
    leaves = _Leaves(start, before.leaf, tiles)
    count = 0
    times: list[pa.Array] = [pa.array([before.at] if before.at else [], pa.timestamp("us"))]
    belonging: list[pa.RecordBatch] = []
    personal = False
    rows = db.sql(
        f"SELECT {_COLUMNS} FROM memory.checked.entry WHERE seq >= ? AND seq < ?",  # noqa: S608 -- constants
        params=[start, stop],
    )
    for batch in rows.to_arrow_reader(_BATCH):
        numbers = pc.add(_NUMBERS[: batch.num_rows], start + count)
        count += batch.num_rows
        if not (batch["seq"].equals(numbers) and pc.all(batch["agrees"]).as_py()):
            return None
        times.append(batch["at"].take(_NUMBERS[: batch.num_rows]))  # a copy: the batch would live as long as its column
        personal = personal or batch["subject"].null_count < batch.num_rows
        belongs = _belongs(batch)
        if not belonging or pc.any(belongs).as_py():
            belonging.append(batch.select(_BELONGING).filter(belongs))
        if not leaves.add(batch["line"].cast(pa.binary())):
            return None
    if count != stop - start:
        return None
    at = pa.concat_arrays(times)
    if pc.any(pc.less(at[1:], at[:-1])).as_py():
        return None
    return Checked(
        start,
        stop,
        before,
        Start(leaves.last, at[-1].as_py()),
        Verification(),
        leaves.joined(),
        leaves.roots,
        at[len(at) - (stop - start) :],
        pa.Table.from_batches(belonging),
        personal,
    )


class _Leaves:
    """Leaves made from lines, tile by tile: lines, leaves and nodes of one are used while they are in the cache."""

    def __init__(self, start: int, before: bytes, tiles: Tiles) -> None:
        self.last = before
        self.roots: list[bytes] = []
        self._n = start // TILE
        self._tiles = tiles
        self._full: list[bytes] = []  # the leaves of each full tile, joined
        self._part: list[bytes] = []

    def add(self, lines: pa.Array) -> bool:
        """Go on with these lines. False when one is not canonical, or a tile that became full is not the stored one."""
        first = 0
        while first < len(lines):
            taken = lines[first : first + TILE - len(self._part)]
            texts = taken.to_pylist()
            self._chain(texts)
            if not all_canonical(texts):
                return False
            first += len(taken)
            if len(self._part) == TILE:
                hashes = b"".join(self._part)
                if hashes != self._tiles.get(self._n):
                    return False
                self._full.append(hashes)
                self.roots.append(tile_root(hashes))
                self._part.clear()
                self._n += 1
        return True

    def _chain(self, lines: Sequence[bytes]) -> None:
        add, new, leaf = self._part.append, _LEAF.copy, self.last
        for line in lines:
            digest = new()  # cheaper than a new hash, and the line need not be joined to what is before it
            digest.update(leaf)
            digest.update(line)
            leaf = digest.digest()
            add(leaf)
        self.last = leaf

    def joined(self) -> bytes:
        """All leaves."""
        return b"".join([*self._full, *self._part])


def _belongs(rows: pa.RecordBatch | pa.Table) -> pa.Array:
    return pc.or_(pc.is_valid(rows["collection"]), pc.fill_null(pc.equal(rows["kind"], "collection"), False))


class _Damaged:
    """A range with which something may be wrong: everything that is gets its words."""

    def __init__(
        self, db: duckdb.DuckDBPyConnection, start: int, stop: int, before: Start, tiles: Tiles, source: Source
    ) -> None:
        self._db = db
        self._source = source
        self._start = start
        self._stop = stop
        self._before = before
        self._tiles = tiles
        self._found = Verification()

    def checked(self) -> Checked:
        start, stop = self._start, self._stop
        rows = self._db.sql(
            f"SELECT {_COLUMNS} FROM memory.checked.entry WHERE seq >= ? AND seq < ?",  # noqa: S608 -- constants
            params=[start, stop],
        ).to_arrow_table()
        rows = rows.take(pc.sort_indices(rows["seq"]))  # not in DuckDB, whose memory is limited
        whole = rows.num_rows == stop - start and rows["line"].null_count == 0
        numbers = rows["seq"].combine_chunks()
        if not (whole and numbers.equals(pa.array(range(start, stop), pa.int64()))):
            rows = self._without_holes(rows)
        self._columns(rows)
        self._times(rows)
        lines: list[bytes | None] = rows["line"].cast(pa.binary()).to_pylist()
        self._forms(lines, rows)
        leaves, roots = self._leaves(lines)
        times = rows["at"].combine_chunks()
        belonging = rows.filter(pc.and_(_belongs(rows), pc.is_valid(rows["line"])))
        return Checked(
            start,
            stop,
            self._before,
            Start(leaves[-1] if len(leaves) == stop - start else None, times[-1].as_py()),
            self._found,
            b"".join(leaves),
            roots,
            times,
            belonging.select(_BELONGING),
            rows["subject"].null_count < len(rows),
        )

    def _without_holes(self, rows: pa.Table) -> pa.Table:
        """Name what is missing or there twice; gives one row per number, with NULL lines in the holes."""
        seen: dict[int, int] = {}
        for n, seq in enumerate(rows["seq"].to_pylist()):
            if seq in seen:
                self._found.add(seq, "it is there more than once")
            seen.setdefault(seq, n)
        hole: int | None = None
        for seq in range(self._start, self._stop + 1):
            missing = seq < self._stop and seq not in seen and not self._source.lacks(seq)
            if missing and hole is None:
                hole = seq
            if not missing and hole is not None:
                self._found.add(hole, "missing: its row was deleted", seq - 1)
                hole = None
        return rows.take(pa.array([seen.get(seq) for seq in range(self._start, self._stop)], pa.int64()))

    def _columns(self, rows: pa.Table) -> None:
        """Name rows whose columns are not what their line says."""
        bad = rows.filter(pc.invert(pc.fill_null(rows["agrees"], True)))
        for seq in bad["seq"].to_pylist():
            query = self._db.execute("SELECT * FROM memory.checked.entry WHERE seq = ? LIMIT 1", [seq])
            names = [column[0] for column in query.description or ()]
            for row in query.fetchall():
                self._found.add(seq, differences(dict(zip(names, row, strict=True))))

    def _forms(self, lines: Sequence[bytes | None], rows: pa.Table) -> None:
        """Name rows whose columns follow from their line, which is not canonical all the same."""
        agrees = rows["agrees"].to_pylist()
        for n, line in enumerate(lines):
            if line is not None and agrees[n] and not all_canonical([line]):
                self._found.add(
                    self._start + n, "its line is not in canonical form: two programs may read it differently"
                )

    def _times(self, rows: pa.Table) -> None:
        times = rows["at"].combine_chunks()
        extra = 0 if self._before.at is None else 1
        if extra:
            times = pa.concat_arrays([pa.array([self._before.at], times.type), times])
        back = pc.less(times[1:], times[:-1])
        if pc.any(back).as_py():
            n = pc.index(back, True).as_py() + 1 - extra
            self._found.add(rows["seq"][n].as_py(), "its time lies before that of the entry before it")

    def _leaves(self, lines: Sequence[bytes | None]) -> tuple[list[bytes], list[bytes]]:
        """The leaves up to the first that cannot be known, and the roots of their full tiles, which are compared."""
        found: list[bytes] = []
        roots = []
        leaf = self._before.leaf
        for first in range(0, len(lines), TILE):
            part = None if leaf is None else self._tile(self._start + first, leaf, lines[first : first + TILE])
            if part is None:
                break
            leaf = part[-1]
            found += part
            if len(part) == TILE:
                n = (self._start + first) // TILE
                compare_tile(self._found, 0, n, self._tiles.get(n), part)
                roots.append(tile_root(b"".join(part)))
        return found, roots

    def _tile(self, first: int, leaf: bytes, lines: Sequence[bytes | None]) -> list[bytes] | None:
        """The leaves of a tile's lines; None when they cannot be known. Names lines that do not give their leaf."""
        stored = self._tiles.get(first // TILE)
        found, before = [], leaf
        if None not in lines:
            for line in lines:
                leaf = sha256(b"\x00" + leaf + line).digest()  # type: ignore[operator]  # None was ruled out
                found.append(leaf)
            if stored is None or b"".join(found) == stored:
                return found
        elif stored is None:
            return self._after_cut(first, lines)
        hashes = split(stored)
        if found and not _chained(lines, hashes):
            return found  # not one line fits: the tile is of something else, and is named as a whole
        return self._repair(first, before, lines, hashes)

    def _after_cut(self, first: int, lines: Sequence[bytes | None]) -> list[bytes] | None:
        """The leaves of an unfinished tile whose first lines left the file, which keeps their leaves."""
        known = self._source.known
        rest = lines[len(known) :]
        if not known or first + len(known) != self._source.start or None in rest:
            return None
        found, leaf = list(known), known[-1]
        for line in rest:
            leaf = sha256(b"\x00" + leaf + line).digest()  # type: ignore[operator]  # None was ruled out
            found.append(leaf)
        return found

    def _repair(self, first: int, leaf: bytes, lines: Sequence[bytes | None], stored: list[bytes]) -> list[bytes]:
        """Line by line against a stored tile that differs: is it the line that was changed, or the tile?"""
        found = []
        for n, line in enumerate(lines):
            if line is None:
                leaf = stored[n]
            else:
                made = sha256(b"\x00" + leaf + line).digest()
                if made != stored[n]:
                    after = lines[n + 1] if n + 1 < len(lines) else None
                    if after is not None and sha256(b"\x00" + made + after).digest() == stored[n + 1]:
                        leaf = made  # the chain goes on from what we made: _leaves names the tile
                    else:
                        self._found.add(first + n, "its line was changed: it does not give its leaf hash")
                        leaf = stored[n]
                else:
                    leaf = made
            found.append(leaf)
        return found


def _chained(lines: Sequence[bytes | None], stored: Sequence[bytes]) -> bool:
    """At least one of the lines gives its stored leaf from the stored leaf before it."""
    return any(
        line is not None and sha256(b"\x00" + before + line).digest() == leaf
        for before, line, leaf in zip(stored[:-1], lines[1:], stored[1:], strict=True)
    )
