"""From ledger entries to what an evaluation sees: who was asked for what, with which outcome, and the rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pyarrow as pa

from compliance.app import changes
from compliance.controls.evidence_base import ENGINE_EVENTS, ENGINE_STATES, EvidenceBase
from compliance.ledger import Ledger, StoredCollection
from compliance.schemas.evidence import Event, State, all_kinds
from compliance.schemas.kinds.engine import ENGINE
from compliance.schemas.results import Coverage

_COLUMNS = ("entry", "source", "observed_at", "subject", "record")


def visible(ledger: Ledger, as_of: datetime, known: str) -> int:
    """How many entries an evaluation may see: `then` those recorded by `as_of`, `now` all."""
    return ledger.size if known == "now" else ledger.size_at(as_of)


def coverage(
    collections: Sequence[StoredCollection], as_of: datetime, sources: Mapping[str, Mapping[str, object]]
) -> list[Coverage]:
    """One row per source × kind that was ever promised or read, as it stood at `as_of`.

    `sources` are the rows of the newest `source` snapshot by name: what is configured, and what it promises. A pair
    that is promised and was never tried is there with outcome `never`; one that left the configuration is marked.
    """
    tried: dict[tuple[str, str], list[StoredCollection]] = {}
    for item in collections:
        if item.at <= as_of and item.of_source != ENGINE:
            tried.setdefault((item.of_source, item.of_kind), []).append(item)
    promised = {
        (name, str(kind)): str(row["collector"])
        for name, row in sources.items()
        if row.get("enabled")
        for kind in _list(row.get("kinds"))
    }
    rows = []
    for source, kind in sorted({*tried, *promised}):
        attempts = tried.get((source, kind), [])
        collector = promised.get((source, kind))
        row = _row(source, kind, collector or (attempts[-1].collector.split(" ")[0] if attempts else ""), attempts)
        rows.append(replace(row, removed_from_configuration=collector is None))
    return rows


def _row(source: str, kind: str, collector: str, attempts: Sequence[StoredCollection]) -> Coverage:
    if not attempts:
        message = "it was never tried to read this"
        return Coverage(source, collector, kind, "never", message, f"compliance collect {source}")
    last = attempts[-1]
    complete = [item for item in attempts if item.outcome == "complete"]
    done = complete[-1] if complete else None
    before = complete[-2] if len(complete) > 1 else None
    in_run = sum(1 for item in attempts if item.run == last.run and item.part == 0)
    outcome = last.outcome if last.outcome != "partial" else "truncated"  # a batch without its end: interrupted
    return Coverage(
        source=source,
        collector=collector,
        kind=kind,
        outcome=outcome,
        message=last.message
        or ("the collection was interrupted between two batches" if outcome == "truncated" else None),
        remedy=last.remedy or (f"compliance collect {source}" if outcome == "truncated" else None),
        attempted_at=last.started_at,
        completed_at=done.started_at if done else None,
        entry=last.seq,
        complete_entry=done.seq if done else None,
        base_entry=done.base if done else None,
        rows=_read(done, attempts) if done else None,
        previous_rows=_read(before, attempts) if before else None,
        independent_count=done.independent_count if done else None,
        attempts=in_run,
        requests=tuple((done.requests if done else last.requests) or ()),
        snapshot_sha256=done.snapshot_sha256 if done else None,
    )


def _read(done: StoredCollection, attempts: Sequence[StoredCollection]) -> int | None:
    """Rows of one complete answer: events come in several parts, each with its own count."""
    if done.part == 0:
        return done.rows
    parts = [item for item in attempts if (item.run, item.attempt) == (done.run, done.attempt)]
    return sum(item.rows or 0 for item in parts)


def roll_forward(ledger: Ledger, rows: Sequence[Coverage], collections: Sequence[StoredCollection]) -> list[Coverage]:
    """`rows` with what came into and left each state since the complete collection before: opening + added − removed
    = closing. A person whose key was destroyed cannot be told from another: such a state stays without numbers."""
    by_seq = {item.seq: item for item in collections}
    before: dict[int, StoredCollection] = {}
    last: dict[tuple[str, str], StoredCollection] = {}
    for item in collections:
        if item.outcome == "complete":
            pair = (item.of_source, item.of_kind)
            if pair in last:
                before[item.seq] = last[pair]
            last[pair] = item
    found = []
    for row in rows:
        kind = all_kinds().get(row.kind)
        earlier = before.get(row.complete_entry) if row.complete_entry is not None else None
        if earlier is not None and kind is not None and issubclass(kind, State):
            change = _change(ledger, kind, earlier, by_seq[row.complete_entry or 0])
            row = replace(row, added=change[0], removed=change[1]) if change else row
        found.append(row)
    return found


def _change(
    ledger: Ledger, kind: type[State], earlier: StoredCollection, later: StoredCollection
) -> tuple[int, int] | None:
    if later.stored == 0 and later.previous == earlier.seq:
        return 0, 0
    old, new = (_keys(ledger, kind, item.seq) for item in (earlier, later))
    return None if old is None or new is None else (len(new - old), len(old - new))


def _keys(ledger: Ledger, kind: type[State], seq: int) -> set[tuple[object, ...]] | None:
    records = [orjson.loads(text) for text in ledger.state(seq).column("record").to_pylist()]
    keys = {tuple(record[name] for name in kind.key) for record in records}
    return keys if len(keys) == len(records) and all(None not in key for key in keys) else None


def newest_states(collections: Sequence[StoredCollection], as_of: datetime, kind: str) -> list[StoredCollection]:
    """The newest complete collection of `kind` per source at `as_of`."""
    newest = {c.of_source: c for c in collections if c.of_kind == kind and c.outcome == "complete" and c.at <= as_of}
    return list(newest.values())


def source_rows(
    ledger: Ledger, collections: Sequence[StoredCollection], as_of: datetime
) -> dict[str, dict[str, object]]:
    """The configured sources by name, as recorded at `as_of`; empty before the first collection."""
    newest = newest_states(collections, as_of, "source")
    if not newest:
        return {}
    records = ledger.state(newest[-1].seq).column("record").to_pylist()
    return {row["name"]: row for row in map(orjson.loads, records)}


def build_base(
    ledger: Ledger,
    collections: Sequence[StoredCollection],
    covered: Sequence[Coverage],
    *,
    as_of: datetime,
    upto: int,
    time_zone: str,
    only: Collection[str] | None = None,
) -> EvidenceBase:
    """The typed tables of every kind as they stood at `as_of`, from the entries below `upto`; or of the kinds in
    `only`, which `covered` must not go beyond, and the engine's own.

    A state is taken from the newest complete collection of each source that is still configured; events are all
    that happened by `as_of`. Terms of law are counted in the local days of `time_zone`.
    """
    parts: dict[str, list[pa.Table]] = {}
    events: dict[str, Iterator[pa.Table]] = {}
    for row in covered:
        if row.complete_entry is None or row.removed_from_configuration:
            continue
        if not issubclass(all_kinds().get(row.kind, Event), Event):
            table = ledger.state(row.complete_entry)
            parts.setdefault(row.kind, []).append(_with_time(table, row.completed_at))
    for kind, cls in all_kinds().items():
        read = any(row.kind == kind and row.complete_entry is not None for row in covered)
        if issubclass(cls, Event) and kind not in ENGINE_EVENTS and read:
            events[kind] = (_until(batch, as_of) for batch in ledger.event_batches(kind, upto))
    for kind in ENGINE_STATES:
        for item in newest_states(collections, as_of, kind):
            parts.setdefault(kind, []).append(_with_time(ledger.state(item.seq), item.at))
    for kind in ENGINE_EVENTS:
        parts[kind] = [_until(ledger.events(kind, upto=upto), as_of)]
    tables: dict[str, pa.Table | Iterator[pa.Table]] = {
        kind: pa.concat_tables(found) for kind, found in parts.items() if found
    }
    tables |= events
    if only is not None:
        kinds = (*only, *ENGINE_STATES, *ENGINE_EVENTS)
        return EvidenceBase.build(tables, [*covered, *_engine_coverage(as_of)], kinds=kinds, time_zone=time_zone)
    tables[changes.KIND] = changes.table(ledger, covered, collections, as_of)
    derived = changes.coverage(covered, collections, as_of)
    coverage_ = [*covered, *derived, *_engine_coverage(as_of)]
    return EvidenceBase.build(tables, coverage_, time_zone=time_zone)


def engine_base(ledger: Ledger, kinds: Sequence[str], as_of: datetime) -> EvidenceBase:
    """A small base with some of the engine's own event kinds only: for looking at waivers without an evaluation."""
    tables = {kind: _until(ledger.events(kind), as_of) for kind in kinds}
    return EvidenceBase.build(tables, list(_engine_coverage(as_of, kinds)), kinds=kinds)


def small_base(kind: str, state: pa.Table, at: datetime) -> EvidenceBase:
    """A small base with one state of one of the engine's own kinds."""
    return EvidenceBase.build({kind: _with_time(state, at)}, list(_engine_coverage(at, (kind,))), kinds=(kind,))


def _engine_coverage(as_of: datetime, kinds: Iterable[str] = (*ENGINE_STATES, *ENGINE_EVENTS)) -> Iterable[Coverage]:
    """The engine's own kinds are read from the ledger at hand: always complete, never stale."""
    for kind in kinds:
        yield Coverage(ENGINE, ENGINE, kind, "complete", attempted_at=as_of, completed_at=as_of)


def _with_time(table: pa.Table, collected_at: datetime | None) -> pa.Table:
    stamp = collected_at.astimezone(UTC).replace(tzinfo=None) if collected_at else None
    column = pa.array([stamp] * table.num_rows, pa.timestamp("us"))
    return table.select(_COLUMNS).append_column("collected_at", column)


def _until(table: pa.Table, as_of: datetime) -> pa.Table:
    """Events that were observed by `as_of`. The observation decides: it is when we could first know."""
    import pyarrow.compute as pc

    table = table.select(_COLUMNS)
    limit = pa.scalar(as_of.astimezone(UTC).replace(tzinfo=None), pa.timestamp("us"))
    seen = pc.fill_null(pc.less_equal(table.column("observed_at"), limit), True)
    table = table.filter(seen)
    return table.append_column("collected_at", table.column("observed_at"))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
