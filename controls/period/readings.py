"""How complete the evidence was at every moment of a period, and the gaps in it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from compliance.controls.catalogue import LoadedControl
from compliance.controls.period.calendar import Window
from compliance.controls.period.rules import DAILY_READING
from compliance.controls.verdict import Evidence, evidence_of, limit, needed
from compliance.schemas.evidence import State, kind_named
from compliance.schemas.period import Gap
from compliance.schemas.results import Coverage

Pair = tuple[str, str]  # source and kind
_TICK = timedelta(microseconds=1)
_NAMED = 20  # failed attempts that a gap names


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to read a pair that did not succeed."""

    at: datetime
    outcome: str
    entry: int


@dataclass(frozen=True)
class Readings:
    """What was promised and read, over numbered moments.

    `states` gives for each pair what its coverage became, and from which moment on; None: nobody promises it any more.
    """

    times: Sequence[datetime]
    states: Mapping[Pair, Sequence[tuple[int, Coverage | None]]]
    recorded: Mapping[int, datetime]  # entry of a complete collection → when it was recorded
    failures: Mapping[Pair, Sequence[Attempt]]
    _by_kind: dict[str, list[Pair]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for pair in sorted(self.states):
            self._by_kind.setdefault(pair[1], []).append(pair)

    def at(self, n: int) -> Standing:
        """The coverage at moment number `n`."""
        return Standing(self, n)

    def pairs(self, kind: str) -> Sequence[Pair]:
        """Those that were ever promised or read."""
        return self._by_kind.get(kind, ())

    def row(self, pair: Pair, n: int) -> Coverage | None:
        """What is known of a pair at moment `n`."""
        states = self.states[pair]
        place = bisect_right(states, n, key=lambda state: state[0]) - 1
        return states[place][1] if place >= 0 else None

    def begun(self, kind: str) -> dict[str, int]:
        """The moment at which each source had first answered completely for a kind; one that never did has none."""
        found = {}
        for pair in self.pairs(kind):
            first = next(
                (n for n, row in self.states[pair] if row is not None and row.complete_entry is not None), None
            )
            if first is not None:
                found[pair[0]] = first
        return found

    def asked(self, pair: Pair, n: int) -> bool:
        """Whether a configured source answers for the pair at moment `n`."""
        row = self.row(pair, n)
        return row is not None and not row.removed_from_configuration

    def left(self) -> dict[Pair, datetime]:
        """The pairs that nobody promises any more at the last moment, and since when."""
        found = {}
        for pair, states in self.states.items():
            before: Coverage | None = None
            for n, row in states:
                if row is None and before is not None and n < len(self.times):
                    found[pair] = self.times[n]
                elif row is not None:
                    found.pop(pair, None)
                before = row
        return found

    def read(self, row: Coverage) -> datetime | None:
        """When its newest complete collection was recorded."""
        return self.recorded.get(row.complete_entry) if row.complete_entry is not None else None


@dataclass(frozen=True, slots=True)
class Standing:
    """The coverage at one moment, as `evidence_of` asks for it."""

    readings: Readings
    n: int

    def promised(self, kind: str) -> tuple[Coverage, ...]:
        """Coverage rows of the configured sources that answer for `kind`."""
        rows = (self.readings.row(pair, self.n) for pair in self.readings.pairs(kind))
        return tuple(row for row in rows if row is not None)


@dataclass(frozen=True, slots=True)
class Known:
    """The evidence of one control from one time on."""

    at: datetime
    n: int  # moment whose coverage this is
    evidence: Evidence
    daily: datetime | None  # when the oldest of what must be read daily was read
    oldest: datetime | None  # when the oldest of all it needs was read


def over_time(loaded: LoadedControl, readings: Readings) -> list[Known]:
    """The evidence of a control at every moment, and when something grew too old between two of them."""
    found = [_known(loaded, readings, n, readings.times[n]) for n in range(len(readings.times))]
    found += [_known(loaded, readings, n, at) for n, at in _expiries(loaded, readings)]
    return sorted(found, key=lambda known: known.at)


def _known(loaded: LoadedControl, readings: Readings, n: int, at: datetime) -> Known:
    control, standing = loaded.control, readings.at(n)
    daily: datetime | None = None
    oldest: datetime | None = None
    for kind in loaded.kinds:
        state = issubclass(kind_named(kind), State)
        for row in needed(control, kind, standing):
            read = readings.read(row)
            if read is not None:
                oldest = read if oldest is None else min(oldest, read)
                # An event that was missed today is still there tomorrow; what a state was today is not.
                if limit(kind, control) <= DAILY_READING and (state or control.period != "event_population"):
                    daily = read if daily is None else min(daily, read)
    return Known(at, n, evidence_of(control, loaded.kinds, standing, at), daily, oldest)


def _expiries(loaded: LoadedControl, readings: Readings) -> set[tuple[int, datetime]]:
    """When a reading grew too old before anything else happened to its pair, with the moment before."""
    found = set()
    times = readings.times
    for kind in loaded.kinds:
        for pair in readings.pairs(kind):
            states = readings.states[pair]
            for place, (n, row) in enumerate(states):
                if row is None or row.completed_at is None or row.outcome != "complete":
                    continue
                until = times[states[place + 1][0]] if place + 1 < len(states) else times[-1]
                old = row.completed_at + limit(kind, loaded.control) + _TICK
                if times[n] < old < until:
                    found.add((bisect_right(times, old) - 1, old))
    return found


def gaps(known: Sequence[Known], readings: Readings, window: Window) -> list[Gap]:
    """Every time in which a pair that the control needed was not completely read, in order."""
    open_: dict[Pair, tuple[datetime, Coverage]] = {}
    found: list[Gap] = []
    for one in known:
        missing = {(row.source, row.kind): row for row in one.evidence.gaps}
        for pair in sorted(set(open_) - set(missing)):
            found.append(_gap(pair, *open_.pop(pair), one.at, readings))
        for pair, row in missing.items():
            if pair not in open_:
                open_[pair] = (max(_since(row, readings) or window.start, window.start), row)
    for pair in sorted(open_):
        found.append(_gap(pair, *open_[pair], window.until, readings))
    return sorted(found, key=lambda gap: (gap.start, gap.source, gap.kind))


def _since(row: Coverage, readings: Readings) -> datetime | None:
    """The last complete reading, or when the pair was first promised."""
    read = readings.read(row)
    if read is not None or not row.source:
        return read
    states = readings.states.get((row.source, row.kind), ())
    return readings.times[states[0][0]] if states else None


def _gap(pair: Pair, start: datetime, row: Coverage, end: datetime, readings: Readings) -> Gap:
    failed = [one for one in readings.failures.get(pair, ()) if start <= one.at <= end]
    if not pair[0]:
        cause = "nobody"
    elif row.removed_from_configuration:
        cause = "removed"
    elif failed:
        cause = "failed"
    else:
        cause = "stopped" if row.complete_entry is not None else "not_begun"
    return Gap(
        source=pair[0],
        kind=pair[1],
        start=start,
        end=end,
        cause=cause,
        attempts=dict(sorted(Counter(one.outcome for one in failed).items())),
        entries=tuple(one.entry for one in failed[:_NAMED]),
    )
