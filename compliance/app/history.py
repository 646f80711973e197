"""From the ledger to evidence over a period: the moments at which anything changed, and what was in force when."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import duckdb

from compliance.app import coverage_over_time, evidence, in_force
from compliance.app.coverage_over_time import Recorded
from compliance.controls import profile
from compliance.controls.evidence_base import ENGINE_STATES, EvidenceBase
from compliance.controls.period import calendar
from compliance.controls.period.calendar import Window
from compliance.controls.period.history import History
from compliance.controls.period.readings import Readings
from compliance.controls.period.replay import Told
from compliance.ledger import Ledger, StoredCollection
from compliance.schemas.evidence import State, all_kinds
from compliance.schemas.kinds.engine import ENGINE, Attestation, ProfileFlag
from compliance.schemas.results import AttestationView, FlagView

Said = TypeVar("Said")
_SCRATCH: dict[str, str | bool | int | float | list[str]] = {"threads": 2, "memory_limit": "1GB", "temp_directory": ""}

# What returns of the owners of registers are judged by (`nil_returns`), whatever the controls read.
RETURNS = ("source", "kept_register", "register_return", "collection")


def told(ledger: Ledger, window: Window, kinds: Iterable[str], *, upto: int, time_zone: str) -> Told:
    """Everything about `kinds` over the period, from the entries below `upto`. Close its history after use."""
    collections = [item for item in ledger.collections(upto) if item.at <= window.until]
    with duckdb.connect(":memory:", config=_SCRATCH) as scratch:
        held = Recorded(ledger, upto, collections, moments(ledger, window, collections, upto), scratch)
        return _told(held, window, kinds, time_zone)


def _told(held: Recorded, window: Window, kinds: Iterable[str], time_zone: str) -> Told:
    states = coverage_over_time.states(held)
    wanted = {*kinds, *RETURNS}
    tables = {kind: in_force.tables(held, kind, states) for kind in wanted}
    readings = Readings(
        held.times,
        states,
        {item.seq: item.at for item in held.collections if item.outcome == "complete"},
        coverage_over_time.failures(held.collections, window),
    )
    history = History.of(tables, sorted(wanted), seen=_seen(readings, wanted), time_zone=time_zone)
    lock = threading.Lock()  # one for both: they read by the one connection of the ledger
    flags, attestations = one_at_a_time(_flags(held), lock), one_at_a_time(_attestations(held), lock)
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


def _flags(held: Recorded) -> Callable[[int], Sequence[FlagView]]:
    """The declared facts as they stood at a moment."""
    chain = [
        item
        for item in held.collections
        if (item.of_source, item.of_kind, item.outcome) == (ENGINE, ProfileFlag.kind, "complete")
    ]
    at = [item.at for item in chain]
    known: dict[int, Sequence[FlagView]] = {}
    tables: dict[int, EvidenceBase] = {}

    def flags(n: int) -> Sequence[FlagView]:
        if n not in known:
            place = bisect_right(at, held.times[n]) - 1
            if place < 0:
                return ()
            while place and chain[place].stored == 0 and chain[place].previous == chain[place - 1].seq:
                place -= 1
            if place not in tables:
                tables[place] = evidence.small_base(ProfileFlag.kind, held.ledger.state(chain[place].seq), at[place])
            known[n] = profile.flags(tables[place], held.times[n])
        return known[n]

    return flags


def _attestations(held: Recorded) -> Callable[[int], Sequence[AttestationView]]:
    """The manual evidence that was recorded by a moment. It is put into tables once for each statement that was added,
    not at each moment."""
    recorded = sorted(held.ledger.events(Attestation.kind)["observed_at"].to_pylist())
    known: dict[int, Sequence[AttestationView]] = {}
    tables: dict[int, EvidenceBase] = {}

    def attestations(n: int) -> Sequence[AttestationView]:
        if n not in known:
            at = held.times[n]
            count = bisect_right(recorded, profile.naive(at))
            if count not in tables:
                for old in tables.values():
                    old.close()
                tables.clear()
                tables[count] = evidence.engine_base(held.ledger, (Attestation.kind,), at)
            known[n] = profile.attestations(tables[count], at)
        return known[n]

    return attestations
