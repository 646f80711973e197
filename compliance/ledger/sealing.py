"""Sealing closed months as segments, and dropping sealed months from the file. Format: schemas/ledger.md §14.

A segment is written under a temporary name, made durable, verified from where it lies by somebody who shares no code
with the writer (`check`), renamed, and only then recorded. Killed anywhere, there is no segment or a whole one, and
the next run goes on: a whole one that was not recorded is verified again and recorded.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Protocol

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from compliance.ledger import restart
from compliance.ledger.drafts import Draft
from compliance.ledger.folder import note_text
from compliance.ledger.ledger import Ledger
from compliance.ledger.note import sync_folder
from compliance.ledger.segments import FILES, MONTH, Cut, Dropped, manifest_of
from compliance.ledger.store import ENTRY, storage_errors
from compliance.ledger.terms import CHANGES
from compliance.schemas.canonical import instant
from compliance.schemas.errors import ConfigError, IntegrityError, LedgerError
from compliance.schemas.kinds.engine import SegmentEvent

ROW_GROUP = 65_536
Check = Callable[[Path], None]  # raises IntegrityError unless the segment in this folder verifies
_TABLES = {
    "entries.parquet": ("entry", "seq", ENTRY),
    "personal.parquet": (
        "personal",
        "seq",
        pa.schema([("seq", pa.int64()), ("subject", pa.string()), ("content", pa.binary())]),
    ),
    "tiles.parquet": (
        "tile",
        "level, n",
        pa.schema([("level", pa.int32()), ("n", pa.int64()), ("hashes", pa.binary())]),
    ),
    "checkpoints.parquet": ("checkpoint", "size", pa.schema([("size", pa.int64()), ("note", pa.string())])),
}


@dataclass(frozen=True, slots=True)
class Month:
    """A closed month: `lo` ≤ number < `hi`. `seals` are the digests of manifests that were recorded for it, `locked`
    where copies of them lie that nobody can delete."""

    month: str
    lo: int
    hi: int
    seals: tuple[str, ...] = ()
    dropped: bool = False
    locked: tuple[str, ...] = ()


class Vault(Protocol):
    """A place that keeps copies of segments and lets nobody change or delete them."""

    def name(self, place: Path) -> str:
        """What is recorded of the copy of the segment in `place`: where it lies, and until when."""
        ...

    def keep(self, place: Path) -> bool:
        """Put a copy there and verify what the place gives back; False when either could not be done."""
        ...


def months(ledger: Ledger) -> list[Month]:
    """Every closed month of a ledger, in order."""
    seals: dict[str, list[str]] = {}
    locked: dict[str, list[str]] = {}
    for entry in ledger.entries("segment_event"):
        record = entry.record
        if record["action"] == "seal":
            if record["manifest_sha256"] not in seals.setdefault(record["month"], []):
                seals[record["month"]].append(record["manifest_sha256"])
            if record["locked_copy"]:
                locked.setdefault(record["month"], []).append(record["locked_copy"])

    def month(name: str, lo: int, hi: int, dropped: bool) -> Month:
        return Month(name, lo, hi, tuple(seals.get(name, ())), dropped, tuple(locked.get(name, ())))

    with ledger._mutex:
        cut = ledger._store.cut
        gone = [month(d.month, d.lo, d.hi, True) for d in (cut.dropped if cut else ())]
        rows = ledger._store.query(
            "SELECT strftime(\"at\", '%Y-%m'), min(seq), max(seq) + 1 FROM stored.entry GROUP BY 1 ORDER BY 2"
        )
    return [*gone, *(month(name, lo, hi, False) for name, lo, hi in rows[:-1])]


def waiting(ledger: Ledger, folder: Path, vault: Vault | None = None) -> list[Month]:
    """Closed months that have no segment in `folder`, or one that is not recorded as being in the `vault`."""
    return [month for month in months(ledger) if not (_sealed_in(month, folder) and _kept(month, folder, vault))]


def _sealed_in(month: Month, folder: Path) -> bool:
    return month.dropped or bool(month.seals and (folder / month.month).exists())


def _kept(month: Month, folder: Path, vault: Vault | None) -> bool:
    place = folder / month.month
    return vault is None or not place.exists() or vault.name(place) in month.locked


def seal(ledger: Ledger, folder: Path, check: Check, *, vault: Vault | None = None) -> Iterator[Month]:
    """Seal every closed month that has no segment in `folder` yet, and let the `vault` keep a copy of each that it is
    not recorded to have; gives each month of which something was recorded.

    Raises:
        IntegrityError: what lies there is not what the ledger holds; nothing was recorded of it.
        StorageFull: no space; the next run goes on.
    """
    for month in waiting(ledger, folder, vault):
        place, before = folder / month.month, _sealed_in(month, folder)
        if not place.exists():
            _write(ledger, month, folder, check)
        else:  # written before a crash and not recorded, or not yet in the vault
            check(place)
        digest = _digest(ledger, month, place)
        where = vault.name(place) if vault and vault.keep(place) else None
        if before and where is None:
            continue
        _record(ledger, "seal", Dropped(month.month, month.lo, month.hi, digest), locked_copy=where)
        kept = (*month.locked, where) if where else month.locked
        yield replace(month, seals=tuple(dict.fromkeys((*month.seals, digest))), locked=kept)


def _digest(ledger: Ledger, month: Month, place: Path) -> str:
    """The digest of a segment's manifest, once it is about this month of this ledger."""
    with storage_errors(place):
        raw = (place / "manifest.json").read_bytes()
    found = orjson.loads(raw)
    with ledger._mutex:
        root = restart.edge_at(ledger._store, ledger._edge, month.hi).root()
    wanted = (ledger.origin, month.month, month.lo, month.hi, root.hex())
    if tuple(found[name] for name in ("origin", "month", "lo", "hi", "root")) != wanted:
        raise IntegrityError(
            f"{place} is a segment of another history than this ledger's",
            seq=month.lo,
            remedy="keep it elsewhere as it is, find out where it comes from, then seal again",
        )
    return sha256(raw).hexdigest()


def _record(ledger: Ledger, action: str, item: Dropped, **more: Any) -> None:
    event = SegmentEvent(
        occurred_at=ledger._clock(),
        event=secrets.token_hex(8),
        action=action,
        month=item.month,
        lo=item.lo,
        hi=item.hi,
        manifest_sha256=item.manifest_sha256,
        **more,
    )
    ledger.append([Draft("segment_event", event)])


def _write(ledger: Ledger, month: Month, folder: Path, check: Check) -> None:
    place, fresh = folder / month.month, folder / f".{month.month}.new"
    with storage_errors(folder):
        _remove(fresh)
        fresh.mkdir(parents=True)
    try:
        with ledger._mutex:
            files = {name: _table(ledger, name, fresh / name, month) for name in FILES}
            manifest = _manifest(ledger, month, files)
        _put(fresh / "manifest.json", manifest)
        text = note_text(ledger.origin, manifest)
        _put(fresh / "manifest.note", ledger.sign_manifest(text).encode())
        with storage_errors(folder):
            sync_folder(fresh)
        check(fresh)
        with storage_errors(folder):
            for path in fresh.iterdir():
                path.chmod(0o444)
            fresh.chmod(0o555)
            fresh.rename(place)
            sync_folder(folder)
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell; the next run removes what stays
            _remove(fresh)
        raise


def _table(ledger: Ledger, name: str, path: Path, month: Month) -> dict[str, Any]:
    """Write one table's rows of a month; gives what the manifest says of the file."""
    table, order, schema = _TABLES[name]
    end = "(n + 1) * (256::HUGEINT ** (level + 1))::HUGEINT"
    where = {"tile": f"{end} > $1 AND {end} <= $2", "checkpoint": "size > $1 AND size <= $2"}.get(
        table, "seq >= $1 AND seq < $2"
    )
    stepped = table in ("entry", "personal")
    step = ROW_GROUP if stepped else month.hi - month.lo
    rows = 0
    with storage_errors(path), pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(month.lo, month.hi, step):
            stop = min(start + step, month.hi)
            query = f"SELECT * FROM stored.main.{table} WHERE {where} ORDER BY {order}"  # noqa: S608 -- our own names
            found = ledger._store.table(query, [start, stop]).cast(schema)
            rows += len(found)
            writer.write_table(found, row_group_size=ROW_GROUP)
    if table == "entry" and rows != month.hi - month.lo:
        raise IntegrityError(f"{month.month} has {rows} entries, not {month.hi - month.lo}", seq=month.lo)
    with storage_errors(path), path.open("rb") as file:
        os.fsync(file.fileno())
        return {"bytes": path.stat().st_size, "rows": rows, "sha256": file_digest(file, "sha256").hexdigest()}


def _manifest(ledger: Ledger, month: Month, files: dict[str, Any]) -> bytes:
    before = restart.edge_at(ledger._store, ledger._edge, month.lo)
    after = restart.edge_at(ledger._store, ledger._edge, month.hi)
    return orjson.dumps(
        {
            "before": [b"".join(level).hex() for level in before.levels] if month.lo else [],
            "created_at": instant(ledger._clock()),
            "files": files,
            "first_previous": before.last_leaf.hex(),
            "format": 1,
            "hi": month.hi,
            "keys": [{"action": t.action, "from": t.start, "vkey": t.vkey} for t in ledger.terms.terms],
            "kind": "segment",
            "last_leaf": after.last_leaf.hex(),
            "lo": month.lo,
            "month": month.month,
            "origin": ledger.origin,
            "root": after.root().hex(),
            "vkey": ledger.vkey,
        },
        option=orjson.OPT_SORT_KEYS,
    )


def _put(path: Path, content: bytes) -> None:
    with storage_errors(path), path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remove(folder: Path) -> None:
    if folder.exists():
        folder.chmod(0o755)
        shutil.rmtree(folder)


def drop(ledger: Ledger, before: str, check: Check, *, reason: str | None = None, by: str | None = None) -> Cut | None:
    """Record that every month before `before` (as 2026-11) leaves the file; gives what the new file will say.

    None when none is to leave. The caller closes the ledger and lets `rewrite` make the new file. Run again after a
    crash in between, it records nothing twice.

    Raises:
        ConfigError: `before` is no month, or a month before it is still open.
        LedgerError: a month before it was not sealed, or its segment is not where the ledger looks for it.
        IntegrityError: a segment does not verify; nothing is dropped.
    """
    if not MONTH.match(before):
        raise ConfigError(f"{before!r} is not a month", remedy="write it as 2026-11")
    known = months(ledger)
    newest = f"{ledger.entry(ledger.size - 1).at:%Y-%m}"
    if before > newest:
        raise ConfigError(
            f"{newest} is not closed: its entries cannot leave the file", remedy=f"name {newest} or a month before it"
        )
    wanted = [month for month in known if month.month < before and not month.dropped]
    if not wanted:
        return None
    items = [_sealed(ledger, month, check) for month in wanted]
    told = {
        (entry.record["month"], entry.record["manifest_sha256"])
        for entry in ledger.entries("segment_event")
        if entry.record["action"] == "drop"
    }
    for item in items:
        if (item.month, item.manifest_sha256) not in told:
            _record(ledger, "drop", item, reason=reason, by_person=by)
    with ledger._mutex:
        start = items[-1].hi
        events = ledger._store.query(
            "SELECT line FROM stored.entry WHERE kind = 'key_event' AND seq < ? ORDER BY seq", [start]
        )
        changes = [line for (line,) in events if orjson.loads(line)["record"]["action"] in CHANGES]
        old = ledger._store.cut
        edge = restart.edge_at(ledger._store, ledger._edge, start)
        return Cut(
            start,
            old.genesis if old else ledger.entry(0).line,
            (*(old.keys if old else ()), *changes),
            b"".join(edge.levels[0]),
            (*(old.dropped if old else ()), *items),
        )


def _sealed(ledger: Ledger, month: Month, check: Check) -> Dropped:
    place = ledger._store.segments / month.month
    if not month.seals:
        raise LedgerError(f"{month.month} is not sealed", remedy="compliance ledger seal")
    if not (place / "manifest.json").exists():
        raise LedgerError(
            f"the segment of {month.month} is not in {place.parent}",
            remedy="a ledger reads dropped months from there: bring it there, or correct [ledger] segments",
        )
    check(place)
    digest = _digest(ledger, month, place)
    if digest not in month.seals:
        raise IntegrityError(
            f"{place} is not the segment that was recorded when {month.month} was sealed",
            seq=month.lo,
            remedy="keep it elsewhere as it is, then run `compliance ledger seal` again",
        )
    return Dropped(month.month, month.lo, month.hi, digest)


__all__ = ["Check", "Month", "Vault", "drop", "manifest_of", "months", "seal", "waiting"]
