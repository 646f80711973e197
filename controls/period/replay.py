"""One control over a period, from its evidence over time: what it said, when, of whom, and the verdict by its rule."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

import duckdb
from sqlglot.errors import SqlglotError

from compliance.controls.catalogue import LoadedControl
from compliance.controls.evaluate import Breach, fingerprint, words
from compliance.controls.evidence_base import TimeLimit
from compliance.controls.nil_returns import Proof, proof
from compliance.controls.period import islands as runs
from compliance.controls.period import readings as reading
from compliance.controls.period import rules
from compliance.controls.period.calendar import DAY, Window
from compliance.controls.period.history import BUDGET, History, Moments, asks_when_read, moving, of_a_period
from compliance.controls.period.islands import Island, Overlap, Resource, Tally
from compliance.controls.period.readings import Known, Readings
from compliance.controls.period.rules import Failing, Look
from compliance.controls.period.standing import Answers
from compliance.controls.profile import declared_off
from compliance.controls.verdict import Verdict, decide_counts
from compliance.schemas.errors import ControlError
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.period import ControlPeriod, DefinitionOfDay, Exceptional, Gap, Stretch
from compliance.schemas.results import AttestationView, Completeness, FindingResult, FlagView, UnknownReason

# What came in the period and is dated before it was in no population when its own period was judged, or may not have
# been: it is judged in the period that it was first read in, when it is no older than this.
LATE = timedelta(days=366)


@dataclass(frozen=True)
class Told:
    """What is recorded of one period: evidence over time, coverage over time, and what people declared."""

    window: Window
    history: History
    readings: Readings
    flags: Callable[[int], Sequence[FlagView]]  # by number of the moment
    attestations: Callable[[int], Sequence[AttestationView]]
    _came: dict[str, set[int]] = field(default_factory=dict)

    @cached_property
    def answers(self) -> Answers:
        """What is asked of the evidence at one moment, apart from controls."""
        return Answers(self.history, self.readings)

    def beside(self) -> Told:
        """The same for another thread; close its history before this one's."""
        return replace(self, history=self.history.beside(), _came={})

    def came(self, kinds: Sequence[str]) -> frozenset[int]:
        """The entries of `kinds` that came in the period from a source that had been read before."""
        for kind in kinds:
            if kind not in self._came:
                self._came[kind] = self.history.came(kind, self.readings.begun(kind))
        return frozenset().union(*(self._came[kind] for kind in kinds))

    @property
    def times(self) -> Sequence[datetime]:
        """The moments."""
        return self.readings.times


@dataclass(frozen=True, slots=True)
class OfDay:
    """A definition that judged at the time."""

    since: int  # number of the first moment that it judges
    loaded: LoadedControl
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A control over the period, and what is said of each member of its population."""

    period: ControlPeriod
    findings: tuple[FindingResult, ...]
    closing: frozenset[tuple[str, str, str, str]]  # source, resource, verdict, code at the last moment


def replay(
    loaded: LoadedControl,
    told: Told,
    parameters: Mapping[str, Any],
    *,
    definitions: Sequence[DefinitionOfDay] = (),
    of_day: Sequence[OfDay] = (),
) -> Replayed:
    """The verdict of a control over the period of `told`.

    `of_day` are the definitions of the day in order, the first from moment 0 on; `loaded` is the last of them. Without
    them `loaded` judges all. The rule of the period is always that of `loaded`.
    """
    of_day = of_day or (OfDay(0, loaded, parameters),)
    spans = list(zip(of_day, [*(one.since for one in of_day[1:]), len(told.times)], strict=True))
    known = [
        one
        for definition, until in spans
        for one in reading.over_time(definition.loaded, told.readings)
        if definition.since <= one.n < until
    ]
    gaps = tuple(reading.gaps(known, told.readings, told.window))
    try:
        at, islands, late = _evaluated(told, spans)
    except (Breach, ControlError, Overlap, TimeLimit, SqlglotError, duckdb.Error) as error:
        said = "a resource of one source appears more than once" if isinstance(error, Overlap) else words(error)
        return Replayed(_undecidable(loaded, said, gaps, definitions), (), frozenset())
    verdicts = _verdicts(of_day, told, known, at, runs.tallies(islands, len(at.numbers)))
    looks = _looks(known, verdicts)
    seen = _last_seen(known, told)
    stretches = _stretches(known, verdicts, told.window)
    found = runs.exceptions(islands, at.times, [seen[n - 1] if n else None for n in at.numbers])
    redefined = {told.times[one.since] for one in of_day[1:] if one.since < len(told.times)}
    kinds = {kind for definition in of_day for kind in definition.loaded.kinds}
    found = [_as_ended(one, told, kinds, redefined) for one in found]
    unmended = [one.end for one in found if one.end and (one.ended == "redefined" or _left(one, told, kinds))]
    judged = rules.judge(loaded.control.period, told.window, looks, _failing(known, verdicts, seen, unmended))
    period = ControlPeriod(
        control=loaded.id,
        rule=loaded.control.period,
        verdict=judged.verdict,
        unknown_reason=judged.unknown_reason,
        completeness=judged.completeness,
        reason=judged.reason + _declared_away(known, verdicts) + _came_late(late),
        timeline=tuple(stretches),
        exceptions=tuple(found),
        gaps=gaps,
        occurrences=judged.occurrences,
        population=runs.population(islands, len(at.numbers)),
        definitions=tuple(definitions),
        evaluations=len(at.numbers),
    )
    last = len(at.numbers) - 1
    closing = frozenset(
        (*one.who, one.verdict.value, one.code) for one in islands if one.last == last and one.who not in late
    )
    words_of = {code: text.en for one in of_day for code, text in one.loaded.control.reasons.items()}
    return Replayed(period, _findings(loaded, islands, at, words_of), closing)


def _undecidable(
    loaded: LoadedControl, said: str, gaps: Sequence[Gap], definitions: Sequence[DefinitionOfDay]
) -> ControlPeriod:
    return ControlPeriod(
        loaded.id,
        loaded.control.period,
        Outcome.UNKNOWN,
        UnknownReason.ERROR,
        Completeness.NONE,
        said,
        gaps=tuple(gaps),
        definitions=tuple(definitions),
    )


def evaluations(loaded: LoadedControl, told: Told) -> Moments:
    """The moments at which the control can say something new: when what it reads changed; for one whose verdict hangs
    on time, also once a day; all, for one that asks when a row was last read. The first and the last moment are always
    among them."""
    times = told.times
    numbers = {0, len(times) - 1}
    for kind in loaded.kinds:
        numbers |= {n for n in told.history.changes(kind) if 0 <= n < len(times)}
    if moving(loaded):
        days = {moment.date(): n for n, moment in reversed(list(enumerate(times)))}
        numbers |= set(days.values())
    if asks_when_read(loaded):
        numbers = set(range(len(times)))
    ordered = sorted(numbers)
    return Moments(ordered, [times[n] for n in ordered])


def _evaluated(told: Told, spans: Sequence[tuple[OfDay, int]]) -> tuple[Moments, list[Island], set[Resource]]:
    """The moments evaluated, the runs of equal verdicts (each definition on its own moments), and which resources were
    in the population of the last definition at the end although they are dated before the period."""
    numbers = {
        n for one, until in spans for n in {one.since, *evaluations(one.loaded, told).numbers} if one.since <= n < until
    }
    ordered = sorted(numbers)
    found: list[Island] = []
    late: set[Resource] = set()
    for one, until in spans:
        mine = [n for n in ordered if one.since <= n < until]
        if mine:
            part = Moments(mine, [told.times[n] for n in mine])
            islands, late = _islands(one.loaded, told, one.parameters, part, ordered.index(mine[0]))
            found += islands
    return Moments(ordered, [told.times[n] for n in ordered]), runs.joined(found), late


def _islands(
    loaded: LoadedControl, told: Told, parameters: Mapping[str, Any], at: Moments, shift: int
) -> tuple[list[Island], set[Resource]]:
    rows = sum(told.history.size(kind, len(told.times)) for kind in loaded.kinds)
    batch = max(BUDGET // max(rows, 1), 1)
    found = told.history.islands(loaded, at, parameters, told.window.start, batch=batch)
    late: list[Island] = []
    came = told.came(loaded.kinds) if of_a_period(loaded) else frozenset()
    if came:
        begin = told.window.start - LATE
        late = told.history.islands(loaded, at, parameters, begin, batch=batch, only=came)
        late = runs.beside(runs.joined(late), runs.joined(found))
    both = [*found, *late]
    if shift:
        both = [replace(one, first=one.first + shift, last=one.last + shift) for one in both]
    return runs.joined(both), {one.who for one in late if one.last == len(at.numbers) - 1}


def _came_late(late: Collection[Resource]) -> str:
    return f"; {len(late)} that are dated before the period were first read in it, and are judged in it" if late else ""


def _verdicts(
    of_day: Sequence[OfDay], told: Told, known: Sequence[Known], at: Moments, counts: Sequence[Tally]
) -> list[Verdict]:
    found = []
    for one in known:
        loaded = of_day[bisect_right(of_day, one.n, key=lambda definition: definition.since) - 1].loaded
        control = loaded.control
        off = declared_off(control.applies_if, told.flags(one.n)) if control.applies_if else None
        if off is not None:
            reason = f"declared not to apply: {off.flag} is off since {off.declared_at:%Y-%m-%d}"
            found.append(Verdict(Outcome.NOT_APPLICABLE, reason))
            continue
        tally = counts[bisect_right(at.times, one.at) - 1]
        found.append(decide_counts(control, tally, one.evidence, partial(_stated, loaded, told, one)))
    return found


def _stated(loaded: LoadedControl, told: Told, one: Known) -> Proof | None:
    return proof(loaded, told.answers.at(one.n), told.attestations(one.n), one.at)


def _looks(known: Sequence[Known], verdicts: Sequence[Verdict]) -> list[Look]:
    return [
        Look(
            one.at,
            verdict.outcome,
            one.evidence.completeness is Completeness.COMPLETE or _declared(verdict),
            None if _declared(verdict) else one.daily,
            verdict.unknown_reason,
        )
        for one, verdict in zip(known, verdicts, strict=True)
    ]


def _declared(verdict: Verdict) -> bool:
    """By declaration it does not apply: then no evidence is needed."""
    return verdict.outcome is Outcome.NOT_APPLICABLE and verdict.reason.startswith("declared")


def _declared_away(known: Sequence[Known], verdicts: Sequence[Verdict]) -> str:
    """The first time through which it did not apply by declaration, where that is not all of the period."""
    off = [_declared(verdict) for verdict in verdicts]
    if True not in off or all(off):
        return ""
    first = off.index(True)
    back = next((one.at for one, is_off in zip(known[first:], off[first:], strict=True) if not is_off), None)
    return f"; declared not to apply from {known[first].at:%Y-%m-%d}" + (f" to {back:%Y-%m-%d}" if back else " on")


def _last_seen(known: Sequence[Known], told: Told) -> list[datetime | None]:
    """By number of the moment: when what was known by then on complete evidence was read, or None."""
    found: list[datetime | None] = [None] * len(told.times)
    for one in known:
        if one.evidence.completeness is Completeness.COMPLETE and one.at == told.times[one.n]:
            found[one.n] = one.oldest or one.at
    last = None
    for n, value in enumerate(found):
        last = value or last
        found[n] = last
    return found


def _stretches(known: Sequence[Known], verdicts: Sequence[Verdict], window: Window) -> list[Stretch]:
    found: list[Stretch] = []
    for place, (one, verdict) in enumerate(zip(known, verdicts, strict=True)):
        end = known[place + 1].at if place + 1 < len(known) else window.until
        completeness = Completeness.COMPLETE if _declared(verdict) else one.evidence.completeness
        same = (verdict.outcome, verdict.unknown_reason, completeness)
        before = found[-1] if found else None
        if before and (before.verdict, before.unknown_reason, before.completeness) == same:
            found[-1] = Stretch(before.start, end, *same, before.reason)
        else:
            found.append(Stretch(one.at, end, *same, verdict.reason))
    return found


def _as_ended(one: Exceptional, told: Told, kinds: Collection[str], redefined: Collection[datetime]) -> Exceptional:
    """`one` with how it ended, where that is told by more than its verdicts."""
    if one.end in redefined:
        return replace(one, ended="redefined")
    return replace(one, ended="undecided") if one.ended == "gone" and _left(one, told, kinds, for_good=False) else one


def _left(one: Exceptional, told: Told, kinds: Collection[str], *, for_good: bool = True) -> bool:
    """Its source was taken out of the configuration when it ended, and (`for_good`) not put back in the period."""
    if one.end is None:
        return False
    n = bisect_left(told.times, one.end)
    for pair in ((one.source or "", kind) for kind in kinds):
        if pair in told.readings.states and told.readings.asked(pair, n - 1):
            row = told.readings.row(pair, n)
            if row is None or (row.removed_from_configuration and not for_good):
                return True
    return False


def _failing(
    known: Sequence[Known],
    verdicts: Sequence[Verdict],
    seen: Sequence[datetime | None],
    unmended: Sequence[datetime],
) -> list[Failing]:
    """The times in which the control failed. One that could not be told meanwhile was not shown to be mended; nor was
    one in which something ended at a moment of `unmended`, or which a declaration ended."""
    found: list[Failing] = []
    start: datetime | None = None
    held: datetime | None = None  # last seen to hold
    began: datetime | None = None
    for one, verdict in zip(known, verdicts, strict=True):
        if verdict.outcome is Outcome.FAIL:
            if start is None:
                start, began = one.at, held
        elif verdict.outcome is not Outcome.UNKNOWN:
            if start is not None:
                mended = not _declared(verdict) and not any(start < at <= one.at for at in unmended)
                found.append(Failing(start, began, one.at, mended))
                start = None
            held = seen[one.n] or one.at
    if start is not None:
        found.append(Failing(start, began, None))
    return found


def _findings(
    loaded: LoadedControl, islands: Sequence[Island], at: Moments, words_of: Mapping[str, str]
) -> tuple[FindingResult, ...]:
    """One finding for each member of the population: the worst that was said of it, and when."""
    found = runs.worst(islands)
    control = loaded.control
    made = []
    for number, who in enumerate(sorted(found), start=1):
        one = found[who]
        since, until = at.times[one.first], at.times[one.last]
        when = f"{since:%Y-%m-%d}" if until - since < DAY else f"{since:%Y-%m-%d} to {until:%Y-%m-%d}"
        reason = f"{when}: {one.reason}" if one.reason else words_of[one.code]
        made.append(
            FindingResult(
                number=number,
                source=one.source,
                resource=one.resource,
                verdict=one.verdict,
                code=one.code,
                reason=reason,
                entries=one.entries,
                subject=one.subject,
                fingerprint=fingerprint(control.id, control.version, one.source, one.resource, one.code),
            )
        )
    return tuple(made)
