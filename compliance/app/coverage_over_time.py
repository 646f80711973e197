"""How complete the evidence was over a period: what each source promised, tried and read of each kind, and when."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import duckdb
import orjson

from compliance.app import changes
from compliance.controls.period.calendar import Window
from compliance.controls.period.history import FOREVER
from compliance.controls.period.readings import Attempt, Pair, Readings
from compliance.ledger import Ledger, StoredCollection
from compliance.schemas.kinds.engine import ENGINE, Source
from compliance.schemas.results import Coverage

Ranges = dict[Pair, list[tuple[int, int]]]  # the moments through which a source is configured to answer for a kind


@dataclass(frozen=True)
class Recorded:
    """What the ledger holds, sorted out for one period."""

    ledger: Ledger
    upto: int
    collections: Sequence[StoredCollection]  # recorded by the end of the period
    times: Sequence[datetime]
    scratch: (
        duckdb.DuckDBPyConnection
    )  # where rows are sorted out; rows name persons, so that nothing spills to a folder
    ranges: Ranges = field(default_factory=dict)

    @cached_property
    def complete(self) -> dict[str, list[StoredCollection]]:
        """The complete collections, by kind."""
        found: dict[str, list[StoredCollection]] = {}
        for item in self.collections:
            if item.outcome == "complete":
                found.setdefault(item.of_kind, []).append(item)
        return found

    def number(self, at: datetime) -> int:
        """The first moment at which something recorded at `at` is known."""
        return bisect_left(self.times, at)


def states(held: Recorded) -> dict[Pair, list[tuple[int, Coverage | None]]]:
    """The coverage of each pair, from moment to moment. Fills `held.ranges`."""
    promised = _promised(held)
    tried: dict[Pair, list[StoredCollection]] = {}
    for item in held.collections:
        if item.of_source != ENGINE:
            tried.setdefault((item.of_source, item.of_kind), []).append(item)
    found: dict[Pair, list[tuple[int, Coverage | None]]] = {}
    for pair, spans in promised.items():
        held.ranges[pair] = [(first, until) for first, until, _ in spans]
        found[pair] = list(_of_pair(held, pair, spans, tried.get(pair, [])))
    found.update(_derived(held, found))
    return found


def _promised(held: Recorded) -> dict[Pair, list[tuple[int, int, str]]]:
    """For each pair the spans of moments through which it is promised, and by which collector."""
    now: dict[Pair, tuple[int, str]] = {}
    found: dict[Pair, list[tuple[int, int, str]]] = {}
    last: tuple[int, dict[Pair, str]] | None = None
    steps: list[tuple[int, dict[Pair, str]]] = []
    digest = None
    for item in held.collections:
        if (item.of_source, item.of_kind, item.outcome) == (ENGINE, Source.kind, "complete"):
            if item.snapshot_sha256 == digest and last is not None:
                continue
            digest = item.snapshot_sha256
            last = (held.number(item.at), _promises(held.ledger, item.seq))
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
    held: Recorded, pair: Pair, spans: Sequence[tuple[int, int, str]], tried: Sequence[StoredCollection]
) -> Iterator[tuple[int, Coverage | None]]:
    """What the coverage of a pair becomes, and when. What was taken out of the configuration and put back within the
    period was wanted meanwhile, and not observed."""
    by_moment: dict[int, Coverage] = {}
    done: StoredCollection | None = None
    collector = spans[0][2]
    for item in tried:
        done = item if item.outcome == "complete" else done
        by_moment[held.number(item.at)] = _row(pair, collector, item, done)
    numbers = sorted({*by_moment, *(n for first, until, _ in spans for n in (first, until) if n < len(held.times))})
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
    held: Recorded, states: Mapping[Pair, Sequence[tuple[int, Coverage | None]]]
) -> dict[Pair, list[tuple[int, Coverage | None]]]:
    """The coverage of what is derived from readings that follow each other (changes of roles)."""
    kinds = (*changes.READ_FROM, "audit_event")
    pairs = [pair for pair in states if pair[1] in kinds]
    if not any(pair[1] == "audit_event" for pair in pairs):
        return {}
    readings = [item for item in held.collections if item.of_kind in changes.READ_FROM]
    numbers = sorted({n for pair in pairs for n, _ in states[pair]})
    look = Readings(held.times, {pair: states[pair] for pair in pairs}, {}, {})
    found: dict[Pair, list[tuple[int, Coverage | None]]] = {}
    for n in numbers:
        standing = look.at(n)
        covered = [row for kind in kinds for row in standing.promised(kind)]
        rows = {(row.source, row.kind): row for row in changes.coverage(covered, readings, held.times[n])}
        for pair in {*found, *rows}:
            found.setdefault(pair, []).append((n, rows.get(pair)))
    return found


def failures(collections: Sequence[StoredCollection], window: Window) -> dict[Pair, list[Attempt]]:
    """What was tried in the period or later and did not succeed."""
    found: dict[Pair, list[Attempt]] = {}
    for item in collections:
        if item.outcome not in ("complete", "partial") and item.at >= window.start:
            attempt = Attempt(item.at, item.outcome, item.seq)
            found.setdefault((item.of_source, item.of_kind), []).append(attempt)
    return found
