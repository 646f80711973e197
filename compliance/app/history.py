"""From the ledger to evidence over a period: the moments at which anything changed, and what was in force when."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeVar

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from compliance.app import changes, evidence
from compliance.controls import profile
from compliance.controls.evidence_base import ENGINE_EVENTS, ENGINE_STATES, EvidenceBase
from compliance.controls.period import calendar
from compliance.controls.period.calendar import Window
from compliance.controls.period.history import FOREVER, VERSIONS, History
from compliance.controls.period.readings import Attempt, Pair, Readings
from compliance.controls.period.replay import Told
from compliance.ledger import Ledger, StoredCollection
from compliance.schemas.evidence import State, all_kinds
from compliance.schemas.kinds.engine import ENGINE, Attestation, ProfileFlag, Source
from compliance.schemas.results import AttestationView, Coverage, FlagView

Ranges = dict[Pair, list[tuple[int, int]]]  # the moments through which a source is configured to answer for a kind

Said = TypeVar("Said")

_IN_FORCE = """
SELECT entry, source, observed_at, subject, collected_at, record,
  greatest(valid_from, n0)::INTEGER AS valid_from, least(valid_to, n1)::INTEGER AS valid_to
FROM (
  SELECT r.entry, r.source, r.observed_at, r.subject, l.at AS collected_at, r.record, r.gone,
    l.n AS valid_from, least(coalesce(x.n, $forever), l.next_full) AS valid_to
  FROM (SELECT *, lead(collection) OVER (PARTITION BY source, key ORDER BY entry) AS following FROM rows) AS r
  JOIN links AS l ON l.seq = r.collection
  LEFT JOIN links AS x ON x.seq = r.following
) JOIN ranges USING (source)
WHERE NOT gone AND greatest(valid_from, n0) < least(valid_to, n1)
ORDER BY entry
"""


@dataclass(frozen=True)
class _Source:
    """What the ledger holds, sorted out for one period."""

    ledger: Ledger
    upto: int
    collections: Sequence[StoredCollection]  # recorded by the end of the period
    times: Sequence[datetime]
    ranges: Ranges = field(default_factory=dict)

    def number(self, at: datetime) -> int:
        """The first moment at which something recorded at `at` is known."""
        return bisect_left(self.times, at)


# What returns of the owners of registers are judged by (`nil_returns`), whatever the controls read.
RETURNS = ("source", "kept_register", "register_return", "collection")


def told(ledger: Ledger, window: Window, kinds: Iterable[str], *, upto: int, time_zone: str) -> Told:
    """Everything about `kinds` over the period, from the entries below `upto`. Close its history after use."""
    collections = [item for item in ledger.collections(upto) if item.at <= window.until]
    source = _Source(ledger, upto, collections, moments(ledger, window, collections, upto))
    states = _states(source)
    wanted = {*kinds, *RETURNS}
    tables = {kind: _tables(source, kind, states) for kind in wanted}
    readings = Readings(
        source.times,
        states,
        {item.seq: item.at for item in collections if item.outcome == "complete"},
        _failures(collections, window),
    )
    history = History.of(tables, sorted(wanted), seen=_seen(readings, wanted), time_zone=time_zone)
    lock = threading.Lock()  # one for both: they read by the one connection of the ledger
    flags, attestations = one_at_a_time(_flags(source), lock), one_at_a_time(_attestations(source), lock)
    return Told(window, history, readings, flags, attestations)


def one_at_a_time(ask: Callable[[int], Said], lock: threading.Lock) -> Callable[[int], Said]:
    """`ask` for several threads: it keeps what it was asked. No two with the same lock are asked at once."""

    def asked(n: int) -> Said:
        with lock:
            return ask(n)

    return asked


def _seen(readings: Readings, kinds: Iterable[str]) -> dict[str, dict[str, list[datetime | None]]]:
    """When the newest complete answer of each source was read, by number of the moment, for what is a state."""
    found: dict[str, dict[str, list[datetime | None]]] = {}
    for kind in kinds:
        if kind in ENGINE_STATES or not issubclass(all_kinds()[kind], State):
            continue
        for pair in readings.pairs(kind):
            rows = (readings.row(pair, n) for n in range(len(readings.times)))
            found.setdefault(kind, {})[pair[0]] = [row.completed_at if row else None for row in rows]
    return found


def moments(ledger: Ledger, window: Window, collections: Sequence[StoredCollection], upto: int) -> list[datetime]:
    """The beginning of the period, the end of every run of collections, every statement, every end of a day on which
    there was none of these, and the last moment; in order."""
    ends: dict[str, datetime] = {}
    for item in collections:
        ends[item.run] = max(item.at, ends.get(item.run, item.at))
    found = {at for at in ends.values() if window.start < at <= window.until}
    found |= {entry.at for entry in ledger.entries(Attestation.kind, upto) if window.start < entry.at <= window.until}
    busy = {at.astimezone(UTC).date() for at in found}
    found |= {span.end for span in calendar.days(window.start, window.until) if span.start.date() not in busy}
    return sorted(found | {window.start, window.until})


def _states(source: _Source) -> dict[Pair, list[tuple[int, Coverage | None]]]:
    """The coverage of each pair, from moment to moment. Fills `source.ranges`."""
    promised = _promised(source)
    tried: dict[Pair, list[StoredCollection]] = {}
    for item in source.collections:
        if item.of_source != ENGINE:
            tried.setdefault((item.of_source, item.of_kind), []).append(item)
    found: dict[Pair, list[tuple[int, Coverage | None]]] = {}
    for pair, spans in promised.items():
        source.ranges[pair] = [(first, until) for first, until, _ in spans]
        found[pair] = list(_of_pair(source, pair, spans, tried.get(pair, [])))
    found.update(_derived(source, found))
    return found


def _promised(source: _Source) -> dict[Pair, list[tuple[int, int, str]]]:
    """For each pair the spans of moments through which it is promised, and by which collector."""
    now: dict[Pair, tuple[int, str]] = {}
    found: dict[Pair, list[tuple[int, int, str]]] = {}
    last: tuple[int, dict[Pair, str]] | None = None
    steps: list[tuple[int, dict[Pair, str]]] = []
    digest = None
    for item in source.collections:
        if (item.of_source, item.of_kind, item.outcome) == (ENGINE, Source.kind, "complete"):
            if item.snapshot_sha256 == digest and last is not None:
                continue
            digest = item.snapshot_sha256
            last = (source.number(item.at), _promises(source.ledger, item.seq))
            steps.append(last)
    for n, (number, promises) in enumerate(steps):
        if n + 1 < len(steps) and steps[n + 1][0] == number:
            continue  # replaced before the next moment
        for pair in set(now) - set(promises):
            first, collector = now.pop(pair)
            found.setdefault(pair, []).append((first, number, collector))
        for pair, collector in promises.items():
            now.setdefault(pair, (number, collector))
    for pair, (first, collector) in now.items():
        found.setdefault(pair, []).append((first, FOREVER, collector))
    return found


def _promises(ledger: Ledger, seq: int) -> dict[Pair, str]:
    rows = map(orjson.loads, ledger.state(seq).column("record").to_pylist())
    return {
        (row["name"], str(kind)): str(row["collector"])
        for row in rows
        if row.get("enabled")
        for kind in row.get("kinds") or ()
    }


def _of_pair(
    source: _Source, pair: Pair, spans: Sequence[tuple[int, int, str]], tried: Sequence[StoredCollection]
) -> Iterator[tuple[int, Coverage | None]]:
    """What the coverage of a pair becomes, and when. What was taken out of the configuration and put back within the
    period was wanted meanwhile, and not observed."""
    by_moment: dict[int, Coverage] = {}
    done: StoredCollection | None = None
    collector = spans[0][2]
    for item in tried:
        done = item if item.outcome == "complete" else done
        by_moment[source.number(item.at)] = _row(pair, collector, item, done)
    numbers = sorted({*by_moment, *(n for first, until, _ in spans for n in (first, until) if n < len(source.times))})
    current: Coverage | None = None
    for n in numbers:
        current = by_moment.get(n, current)
        if any(first <= n < until for first, until, _ in spans):
            never = "it was never tried to read this"
            yield n, current or Coverage(pair[0], collector, pair[1], "never", never, f"compliance collect {pair[0]}")
        elif current is not None and spans[0][0] <= n < spans[-1][0]:
            yield n, replace(current, removed_from_configuration=True)
        else:
            yield n, None


def _row(pair: Pair, collector: str, last: StoredCollection, done: StoredCollection | None) -> Coverage:
    return Coverage(
        source=pair[0],
        collector=collector,
        kind=pair[1],
        outcome=last.outcome if last.outcome != "partial" else "truncated",
        message=last.message,
        remedy=last.remedy,
        attempted_at=last.started_at,
        completed_at=done.started_at if done else None,
        entry=last.seq,
        complete_entry=done.seq if done else None,
        base_entry=done.base if done else None,
        rows=done.rows if done else None,
        independent_count=done.independent_count if done else None,
        snapshot_sha256=done.snapshot_sha256 if done else None,
    )


def _derived(
    source: _Source, states: Mapping[Pair, Sequence[tuple[int, Coverage | None]]]
) -> dict[Pair, list[tuple[int, Coverage | None]]]:
    """The coverage of what is derived from readings that follow each other (changes of roles)."""
    kinds = (*changes.READ_FROM, "audit_event")
    pairs = [pair for pair in states if pair[1] in kinds]
    if not any(pair[1] == "audit_event" for pair in pairs):
        return {}
    readings = [item for item in source.collections if item.of_kind in changes.READ_FROM]
    numbers = sorted({n for pair in pairs for n, _ in states[pair]})
    look = Readings(source.times, {pair: states[pair] for pair in pairs}, {}, {})
    found: dict[Pair, list[tuple[int, Coverage | None]]] = {}
    for n in numbers:
        standing = look.at(n)
        covered = [row for kind in kinds for row in standing.promised(kind)]
        rows = {(row.source, row.kind): row for row in changes.coverage(covered, readings, source.times[n])}
        for pair in {*found, *rows}:
            found.setdefault(pair, []).append((n, rows.get(pair)))
    return found


def _failures(collections: Sequence[StoredCollection], window: Window) -> dict[Pair, list[Attempt]]:
    found: dict[Pair, list[Attempt]] = {}
    for item in collections:
        if item.outcome not in ("complete", "partial") and item.at >= window.start:
            attempt = Attempt(item.at, item.outcome, item.seq)
            found.setdefault((item.of_source, item.of_kind), []).append(attempt)
    return found


def _tables(
    source: _Source, kind: str, states: Mapping[Pair, Sequence[tuple[int, Coverage | None]]]
) -> Iterator[pa.Table]:
    if kind == changes.KIND:
        yield from _changes(source, states)
    elif kind in ENGINE_EVENTS or not issubclass(all_kinds()[kind], State):
        yield from _events(source, kind)
    else:
        yield from _versions(source, kind)


def _versions(source: _Source, kind: str) -> Iterator[pa.Table]:
    """The rows of a state, each with the moments through which it was in force."""
    engine = kind in ENGINE_STATES
    links: dict[str, list[StoredCollection]] = {}
    for item in source.collections:
        if item.of_kind == kind and item.outcome == "complete" and item.base is not None:
            links.setdefault(item.of_source, []).append(item)
    rows: list[tuple[int, int, int, datetime]] = []
    first = source.upto
    for chain in links.values():
        old = [item for item in chain if item.at <= source.times[0]]
        first = min(first, (old[-1] if old else chain[0]).base or 0)
        following = FOREVER
        for item in reversed(chain):
            rows.append((item.seq, source.number(item.at), following, item.started_at))
            following = source.number(item.at) if item.base == item.seq else following
    if not rows:
        return
    spans = [
        (name, *span) for name in links for span in ([(0, FOREVER)] if engine else source.ranges.get((name, kind), []))
    ]
    if not spans:
        return
    stamp = pa.timestamp("us")
    link_table = pa.table(
        {
            "seq": pa.array([row[0] for row in rows], pa.int64()),
            "n": pa.array([row[1] for row in rows], pa.int32()),
            "next_full": pa.array([row[2] for row in rows], pa.int32()),
            "at": pa.array([profile.naive(row[3]) for row in rows], stamp),
        }
    )
    ranges = pa.table(
        {
            "source": pa.array([span[0] for span in spans]),
            "n0": pa.array([span[1] for span in spans], pa.int32()),
            "n1": pa.array([span[2] for span in spans], pa.int32()),
        }
    )
    with duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "1GB"}) as connection:
        for name, table in (
            ("rows", source.ledger.versions(kind, first, source.upto)),
            ("links", link_table),
            ("ranges", ranges),
        ):
            connection.register(name, table)
        query = _IN_FORCE.replace("$forever", str(FOREVER))
        yield connection.sql(query).to_arrow_table().cast(VERSIONS)


def _events(source: _Source, kind: str) -> Iterator[pa.Table]:
    """All events, from the first moment at which each could be known."""
    engine = kind in ENGINE_EVENTS
    begun = 0
    if not engine:
        complete = [c.at for c in source.collections if c.of_kind == kind and c.outcome == "complete"]
        if not complete:
            return
        begun = source.number(min(complete))
    times = pa.array([profile.naive(at) for at in source.times], pa.timestamp("us"))
    for batch in source.ledger.event_batches(kind, source.upto):
        seen = batch["observed_at"].combine_chunks()
        numbers = _searched(times, seen)
        table = batch.append_column("collected_at", seen)
        for name, first, until in _spans(source, kind, batch, engine):
            mine = table if name is None else table.filter(pc.equal(table["source"], name))
            n = numbers if name is None else numbers.filter(pc.equal(table["source"], name).combine_chunks())
            begin = pc.max_element_wise(n, pa.scalar(max(first, begun), pa.int32()))
            mine = mine.append_column("valid_from", begin.cast(pa.int32()))
            mine = mine.append_column("valid_to", pa.array([until] * mine.num_rows, pa.int32()))
            yield mine.filter(pc.less(mine["valid_from"], min(until, len(source.times)))).select(VERSIONS.names)


def _searched(times: pa.Array, seen: pa.Array) -> pa.Array:
    limits = times.cast(pa.int64()).to_pylist()
    return pa.array([bisect_left(limits, at) for at in seen.cast(pa.int64()).to_pylist()], pa.int32())


def _spans(source: _Source, kind: str, batch: pa.Table, engine: bool) -> Iterator[tuple[str | None, int, int]]:
    if engine:
        yield None, 0, FOREVER
        return
    for name in batch["source"].unique().to_pylist():
        for first, until in source.ranges.get((name, kind), []):
            yield name, first, until


def _changes(source: _Source, states: Mapping[Pair, Sequence[tuple[int, Coverage | None]]]) -> Iterator[pa.Table]:
    """Changes of roles, from the reading that showed each until the reading before it is too long ago."""
    trails = {name for name, kind in source.ranges if kind == "audit_event"}
    by_pair: dict[Pair, list[StoredCollection]] = {}
    for item in source.collections:
        if item.of_kind in changes.READ_FROM and item.outcome == "complete" and item.of_source in trails:
            by_pair.setdefault((item.of_source, item.of_kind), []).append(item)
    oldest = source.times[0] - changes.SPAN
    for pair, chain in by_pair.items():
        for before, after in pairwise(item for item in chain if item.at > oldest):
            table = changes.between(source.ledger, before, after)
            if not table.num_rows:
                continue
            gone = bisect_left(source.times, before.at + changes.SPAN)
            begin = source.number(after.at)
            for first, until in _both(source.ranges.get(pair, []), source.ranges[pair[0], "audit_event"]):
                low, high = max(begin, first), min(gone if gone < len(source.times) else FOREVER, until)
                if low < high:
                    made = table.append_column("valid_from", pa.array([low] * table.num_rows, pa.int32()))
                    yield made.append_column("valid_to", pa.array([high] * table.num_rows, pa.int32())).select(
                        VERSIONS.names
                    )


def _both(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for a, b in one:
        for c, d in other:
            if max(a, c) < min(b, d):
                yield max(a, c), min(b, d)


def _flags(source: _Source) -> Callable[[int], Sequence[FlagView]]:
    """The declared facts as they stood at a moment."""
    chain = [
        item
        for item in source.collections
        if (item.of_source, item.of_kind, item.outcome) == (ENGINE, ProfileFlag.kind, "complete")
    ]
    at = [item.at for item in chain]
    known: dict[int, Sequence[FlagView]] = {}
    tables: dict[int, EvidenceBase] = {}

    def flags(n: int) -> Sequence[FlagView]:
        if n not in known:
            place = bisect_right(at, source.times[n]) - 1
            if place < 0:
                return ()
            while place and chain[place].stored == 0 and chain[place].previous == chain[place - 1].seq:
                place -= 1
            if place not in tables:
                tables[place] = evidence.small_base(ProfileFlag.kind, source.ledger.state(chain[place].seq), at[place])
            known[n] = profile.flags(tables[place], source.times[n])
        return known[n]

    return flags


def _attestations(source: _Source) -> Callable[[int], Sequence[AttestationView]]:
    """The manual evidence that was recorded by a moment. It is put into tables once for each statement that was added,
    not at each moment."""
    recorded = sorted(source.ledger.events(Attestation.kind)["observed_at"].to_pylist())
    known: dict[int, Sequence[AttestationView]] = {}
    tables: dict[int, EvidenceBase] = {}

    def attestations(n: int) -> Sequence[AttestationView]:
        if n not in known:
            at = source.times[n]
            count = bisect_right(recorded, profile.naive(at))
            if count not in tables:
                for old in tables.values():
                    old.close()
                tables.clear()
                tables[count] = evidence.engine_base(source.ledger, (Attestation.kind,), at)
            known[n] = profile.attestations(tables[count], at)
        return known[n]

    return attestations
