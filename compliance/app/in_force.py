"""The rows of each kind, with the moments of a period through which they were in force."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from compliance.app import changes
from compliance.app.coverage_over_time import Recorded
from compliance.controls import profile
from compliance.controls.evidence_base import ENGINE_EVENTS, ENGINE_STATES
from compliance.controls.period.history import FOREVER, VERSIONS
from compliance.controls.period.readings import Pair
from compliance.ledger import StoredCollection
from compliance.schemas.evidence import State, all_kinds
from compliance.schemas.results import Coverage

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


def tables(
    held: Recorded, kind: str, states: Mapping[Pair, Sequence[tuple[int, Coverage | None]]]
) -> Iterator[pa.Table]:
    """The rows of a kind, of the shape `VERSIONS`, in pieces; `states` as `coverage_over_time.states` gives them."""
    if kind == changes.KIND:
        yield from _changes(held, states)
    elif kind in ENGINE_EVENTS or not issubclass(all_kinds()[kind], State):
        yield from _events(held, kind)
    else:
        yield from _versions(held, kind)


def _versions(held: Recorded, kind: str) -> Iterator[pa.Table]:
    """The rows of a state, each with the moments through which it was in force."""
    engine = kind in ENGINE_STATES
    links: dict[str, list[StoredCollection]] = {}
    for item in held.complete.get(kind, ()):
        if item.base is not None:
            links.setdefault(item.of_source, []).append(item)
    rows: list[tuple[int, int, int, datetime]] = []
    first = held.upto
    for chain in links.values():
        old = [item for item in chain if item.at <= held.times[0]]
        first = min(first, (old[-1] if old else chain[0]).base or 0)
        following = FOREVER
        for item in reversed(chain):
            rows.append((item.seq, held.number(item.at), following, item.started_at))
            following = held.number(item.at) if item.base == item.seq else following
    if not rows:
        return
    spans = [
        (name, *span) for name in links for span in ([(0, FOREVER)] if engine else held.ranges.get((name, kind), []))
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
    with held.scratch.cursor() as connection:
        for name, table in (
            ("rows", held.ledger.versions(kind, first, held.upto)),
            ("links", link_table),
            ("ranges", ranges),
        ):
            connection.register(name, table)
        query = _IN_FORCE.replace("$forever", str(FOREVER))
        yield connection.sql(query).to_arrow_table().cast(VERSIONS)


def _events(held: Recorded, kind: str) -> Iterator[pa.Table]:
    """All events, from the first moment at which each could be known."""
    engine = kind in ENGINE_EVENTS
    begun = 0
    if not engine:
        complete = held.complete.get(kind, ())
        if not complete:
            return
        begun = held.number(min(item.at for item in complete))
    times = pa.array([profile.naive(at) for at in held.times], pa.timestamp("us"))
    for batch in held.ledger.event_batches(kind, held.upto):
        seen = batch["observed_at"].combine_chunks()
        numbers = _searched(times, seen)
        table = batch.append_column("collected_at", seen)
        for name, first, until in _spans(held, kind, batch, engine):
            mine = table if name is None else table.filter(pc.equal(table["source"], name))
            n = numbers if name is None else numbers.filter(pc.equal(table["source"], name).combine_chunks())
            begin = pc.max_element_wise(n, pa.scalar(max(first, begun), pa.int32()))
            mine = mine.append_column("valid_from", begin.cast(pa.int32()))
            mine = mine.append_column("valid_to", pa.array([until] * mine.num_rows, pa.int32()))
            yield mine.filter(pc.less(mine["valid_from"], min(until, len(held.times)))).select(VERSIONS.names)


def _searched(times: pa.Array, seen: pa.Array) -> pa.Array:
    limits = times.cast(pa.int64()).to_pylist()
    return pa.array([bisect_left(limits, at) for at in seen.cast(pa.int64()).to_pylist()], pa.int32())


def _spans(held: Recorded, kind: str, batch: pa.Table, engine: bool) -> Iterator[tuple[str | None, int, int]]:
    if engine:
        yield None, 0, FOREVER
        return
    for name in batch["source"].unique().to_pylist():
        for first, until in held.ranges.get((name, kind), []):
            yield name, first, until


def _changes(held: Recorded, states: Mapping[Pair, Sequence[tuple[int, Coverage | None]]]) -> Iterator[pa.Table]:
    """Changes of roles, from the reading that showed each until the reading before it is too long ago."""
    trails = {name for name, kind in held.ranges if kind == "audit_event"}
    by_pair: dict[Pair, list[StoredCollection]] = {}
    for item in held.collections:
        if item.of_kind in changes.READ_FROM and item.outcome == "complete" and item.of_source in trails:
            by_pair.setdefault((item.of_source, item.of_kind), []).append(item)
    oldest = held.times[0] - changes.SPAN
    for pair, chain in by_pair.items():
        for before, after in pairwise(item for item in chain if item.at > oldest):
            table = changes.between(held.ledger, before, after)
            if not table.num_rows:
                continue
            gone = bisect_left(held.times, before.at + changes.SPAN)
            begin = held.number(after.at)
            for first, until in _both(held.ranges.get(pair, []), held.ranges[pair[0], "audit_event"]):
                low, high = max(begin, first), min(gone if gone < len(held.times) else FOREVER, until)
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
