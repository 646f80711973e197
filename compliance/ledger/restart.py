"""What the file and the lock store say to each other when a ledger is opened. Format: schemas/ledger.md §6.

| file against lock store | meaning | what happens |
|---|---|---|
| same size, same root | clean | go on |
| file longer, same root at the lock's size, tail as announced | crash between commit and signature | recompute, sign |
| file longer, and its tail was never announced | somebody else added to the file | refuse |
| file longer, another root at that size | history was rewritten | refuse |
| file shorter | write-ahead log lost, or an older copy | refuse |
| no lock store, or one older than the file's own checkpoints | lock store lost or rolled back | refuse; `adopt` |
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from compliance.ledger.keystore import KeyStore
from compliance.ledger.note import Checkpoint, intent_text
from compliance.ledger.store import RECOVER, Head, Store
from compliance.ledger.terms import Terms
from compliance.ledger.tree import BEFORE_FIRST, WIDTH, Edge, fold, leaves, split, unfinished
from compliance.schemas.canonical import parse_instant
from compliance.schemas.errors import IntegrityError, LedgerError

_CHUNK = 100 * WIDTH


def lines(store: Store, start: int, stop: int) -> list[bytes]:
    """The lines of entries `start` to before `stop`. Raises IntegrityError when one is missing or there twice."""
    rows = store.table("SELECT seq, line FROM stored.entry WHERE seq >= ? AND seq < ? ORDER BY seq", [start, stop])
    if rows["seq"].to_pylist() != list(range(start, stop)):
        raise IntegrityError(
            f"ledger {store.path}: entries {start} to {stop - 1} are not there exactly once", seq=start, remedy=RECOVER
        )
    found: list[bytes] = rows["line"].cast(pa.binary()).to_pylist()
    return found


def stored_tile(store: Store, level: int, n: int) -> list[bytes]:
    """The hashes of a stored tile. Raises IntegrityError when it is not there exactly once and whole."""
    return stored_tiles(store, level, n, n + 1)[0]


def stored_tiles(store: Store, level: int, low: int, high: int) -> list[list[bytes]]:
    """The hashes of tiles `low` to before `high` of a level. Raises IntegrityError as `stored_tile` does."""
    rows = store.query(
        "SELECT n, hashes FROM stored.tile WHERE level = ? AND n >= ? AND n < ? ORDER BY n", [level, low, high]
    )
    tiles = []
    for n in range(low, high):
        found = [hashes for number, hashes in rows[n - low : n - low + 2] if number == n]
        if len(found) != 1 or found[0] is None or len(found[0]) != 32 * WIDTH:
            raise IntegrityError(
                f"ledger {store.path}: tile {n} of level {level} is missing, double or torn",
                seq=n * WIDTH ** (level + 1),
                remedy=RECOVER,
            )
        tiles.append(split(bytes(found[0])))
    return tiles


def load_edge(store: Store, head: Head) -> Edge:
    """The right edge of the tree, recomputed. Raises IntegrityError when it does not give the stored head."""
    count, newest = store.query("SELECT count(*), max(seq) FROM stored.entry")[0]
    if store.start + count != head.size or newest != head.size - 1:
        raise IntegrityError(
            f"ledger {store.path}: its head names {head.size} entries, {store.start + count} are there "
            f"(newest {newest})",
            seq=min(store.start + count, head.size),
            remedy=RECOVER,
        )

    def tile(level: int, n: int) -> list[bytes]:
        if level == 0:
            before = stored_tile(store, 0, n - 1)[-1] if n else BEFORE_FIRST
            known = split(store.cut.leaves) if store.cut and store.cut.start > n * WIDTH else []
            newer = leaves(known[-1] if known else before, lines(store, n * WIDTH + len(known), head.size))
            return [*known, *newer]
        full = head.size >> (8 * level)
        return [fold(hashes) for hashes in stored_tiles(store, level - 1, n * WIDTH, full)]

    levels = unfinished(head.size, tile)
    last = levels[0][-1] if levels[0] else stored_tile(store, 0, head.size // WIDTH - 1)[-1]
    edge = Edge(head.size, last, levels)
    if last != head.last_leaf or edge.root() != head.root:
        raise IntegrityError(
            f"ledger {store.path}: its newest entries do not give the root of its head at {head.size} entries",
            remedy=RECOVER,
        )
    return edge


def edge_at(store: Store, edge: Edge, size: int) -> Edge:
    """The right edge as it was at `size` entries, from stored tiles."""

    def tile(level: int, n: int) -> list[bytes]:
        return edge.levels[level] if n == edge.size >> (8 * (level + 1)) else stored_tile(store, level, n)

    last = tile(0, (size - 1) // WIDTH)[(size - 1) % WIDTH] if size else BEFORE_FIRST
    return Edge(size, last, unfinished(size, tile))


def terms(store: Store, first: str | None, origin: str) -> Terms:
    """Which key signs at which size: as the ledger's own entries say, or, in a new ledger, `first` from the start.

    Raises:
        IntegrityError: the file does not start with its genesis, or a change of key does not follow from the last one.
    """
    if first is not None:
        return Terms.of_lines(first, ())
    rows = [(store.cut.genesis,)] if store.cut else store.query("SELECT line FROM stored.entry WHERE seq = 0")
    genesis: dict[str, Any] = orjson.loads(rows[0][0]) if rows else {}
    if genesis.get("kind") != "genesis" or genesis["record"].get("origin") != origin:
        raise IntegrityError(f"ledger {store.path} does not start with its genesis", seq=0, remedy=RECOVER)
    before = store.cut.keys if store.cut else ()
    events = store.query("SELECT line FROM stored.entry WHERE kind = 'key_event' ORDER BY seq")
    return Terms.of_lines(genesis["record"]["vkey"], (*before, *(line for (line,) in events)))


def resume(
    store: Store, edge: Edge, note: str | None, intent: str | None, terms: Terms, origin: str, *, adopt: bool
) -> bool:
    """Compare the file with the newest note of the lock store and with what was announced there. True when the file's
    tail is yet to be signed.

    Raises:
        IntegrityError: they contradict each other, the note is missing (unless `adopt`), or the tail does not hold or
            was not announced.
    """
    own = store.query("SELECT size, note FROM stored.checkpoint ORDER BY size DESC LIMIT 1")
    if note is None and own and not adopt:
        raise IntegrityError(
            f"ledger {store.path} has {edge.size} entries, but its lock store is missing",
            remedy="bring the lock store back; if it is lost, `compliance ledger adopt` starts a new one",
        )
    if note is None and not own and edge.size > 1 and not adopt:
        raise IntegrityError(
            f"ledger {store.path} has {edge.size} entries, but neither checkpoints nor a lock store", remedy=RECOVER
        )
    trusted = note or (own[0][1] if own else None)
    known = terms.open(trusted) if trusted else Checkpoint(origin, 0, Edge().root())
    if known.size > edge.size:
        raise IntegrityError(
            f"ledger {store.path} has {edge.size} entries, its lock store names {known.size}: entries were lost, or "
            "this is an older copy of the file",
            seq=edge.size,
            remedy=RECOVER,
        )
    if own and own[0][0] > known.size:
        raise IntegrityError(
            f"the lock store names {known.size} entries, ledger {store.path} itself a checkpoint of {own[0][0]}: "
            "the lock store is an older copy",
            remedy="bring the newest lock store back; if it is lost, move this one aside and run "
            "`compliance ledger adopt`",
        )
    before = edge_at(store, edge, known.size)
    if before.root() != known.root:
        raise IntegrityError(
            f"ledger {store.path} has another history than the {known.size} entries that were signed "
            f"(it has {edge.size})",
            remedy=RECOVER,
        )
    if known.size == edge.size:
        if trusted and not (own and own[0][0] == known.size):
            store.put_checkpoint(known.size, trusted)  # a crash came between lock store and file
        return False
    _recompute(store, before, edge)
    if not adopt and not _announced(intent, edge, terms, origin):
        raise IntegrityError(
            f"ledger {store.path} has {edge.size} entries, {known.size} of them signed, and no writer announced the "
            "rest: somebody else added to the file, or the lock store is an older copy",
            seq=known.size,
            remedy=RECOVER,
        )
    return True


def _announced(intent: str | None, edge: Edge, terms: Terms, origin: str) -> bool:
    """The unsigned tail is exactly what the keys of this ledger said they were about to commit."""
    if intent is None:
        return False
    wanted = intent_text(Checkpoint(origin, edge.size, edge.root()))
    try:
        return terms.text(intent, edge.size) == wanted
    except IntegrityError:
        return False


def check_no_personal(store: Store, keystore: Path) -> None:
    """Raise LedgerError when the ledger holds personal content that nobody erased: its key store, which is not there
    or knows nobody, is lost or elsewhere. An empty one would make it unreadable without a word."""
    records = (orjson.loads(line)["record"] for line in store.key_events())
    erased = [record["key_name"] for record in records if record["action"] == "erase_subject"]
    rows = store.query("SELECT count(*) FROM whole.personal WHERE NOT list_contains(?, subject)", [erased])[0][0]
    if not rows:
        return
    forget = "if it is lost for good, `compliance keys forget` records that"
    if keystore.exists():
        raise LedgerError(
            f"the key store {keystore} is empty, and ledger {store.path} has {rows} rows of personal content",
            remedy=f"keep what is there elsewhere, and bring the store back with its .kek file; {forget}",
        )
    raise LedgerError(
        f"the key store {keystore} is missing, and ledger {store.path} has {rows} rows of personal content",
        remedy=f"bring it back with its .kek file; {forget}",
    )


def finish_erasures(store: Store, keystore: KeyStore) -> None:
    """Destroy every key whose erasure the ledger records: a crash came between record and key store, the key store
    failed, or it was restored from a backup."""
    for line in store.key_events():
        record = orjson.loads(line)["record"]
        if record["action"] == "erase_subject" and keystore.key(record["key_name"]) is not None:
            keystore.erase(record["key_name"])


def _recompute(store: Store, edge: Edge, want: Edge) -> None:
    """Recompute everything after `edge`; raises IntegrityError unless it ends in `want` with the stored tiles."""
    for start in range(edge.size, want.size, _CHUNK):
        stop = min(start + _CHUNK, want.size)
        _check_columns(store, start, stop)
        for tile in edge.extend(leaves(edge.last_leaf, lines(store, start, stop))):
            if b"".join(stored_tile(store, tile.level, tile.n)) != tile.hashes:
                raise IntegrityError(
                    f"ledger {store.path}: unsigned entries {start} to {stop - 1} do not give their stored tile",
                    seq=start,
                    remedy=RECOVER,
                )
    if edge.root() != want.root():
        raise IntegrityError(f"ledger {store.path}: its unsigned tail does not give its root", remedy=RECOVER)


def _check_columns(store: Store, start: int, stop: int) -> None:
    rows = store.table("SELECT * FROM stored.entry WHERE seq >= ? AND seq < ? ORDER BY seq", [start, stop])
    for row in rows.to_pylist():
        if columns(row["line"]) != row:
            raise IntegrityError(
                f"ledger {store.path}: columns of unsigned entry {row['seq']} differ from its line",
                seq=row["seq"],
                remedy=RECOVER,
            )


def columns(line: str) -> dict[str, Any]:
    """The columns that belong beside a line, times without zone as DuckDB keeps them."""
    entry = orjson.loads(line)
    naive: Callable[[str], datetime] = lambda text: parse_instant(text).replace(tzinfo=None)  # noqa: E731
    return {
        "seq": entry["seq"],
        "at": naive(entry["at"]),
        "kind": entry["kind"],
        "source": entry["source"],
        "collection": entry["collection"],
        "key": None if entry["key"] is None else orjson.dumps(entry["key"]).decode(),
        "subject": entry["personal"] and entry["personal"]["alias"],
        "gone": entry["gone"],
        "observed_at": entry["observed_at"] and naive(entry["observed_at"]),
        "line": line,
    }
