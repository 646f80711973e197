"""What each period rule asks for, and the verdict over the period.

A look is a moment at which a control was judged. It counts as observed when its evidence was complete and fresh and
the control could be decided, and as conforming when it also held (or did not apply). What was not seen never conforms.

| rule | what the period must show |
|---|---|
| config_daily | at least 98 % of days observed; no failing time that may have lasted longer than 24 h |
| event_population | all that was there at any time judged, nothing of it failed; complete at the end; \
states observed on at least 98 % of days |
| recurring_daily | at least 98 % of days conforming, no more than 48 h between conforming looks |
| recurring_weekly | all but 2 of 52 weeks conforming (in proportion), no more than 9 days between |
| recurring_monthly | every whole calendar month conforming, no more than 35 days between; failing at most 4 days |
| recurring_quarterly | the same for quarters: 100 days between; failing at most 8 days |
| recurring_semiannual | the same for calendar halves: 184 days between; never failing |
| recurring_annual | every 12 months from the beginning: 366 days between; never failing |
| document_in_force | conforming on every day |

How long something failed is counted from when it was last seen otherwise to when it was next seen otherwise: only what
is shown to have been short is tolerated. What ended because another definition judged, because its source was taken
out of the configuration, or by declaration, was not seen otherwise. Verdicts, first that holds:

- not_applicable: at every look it did not apply;
- fail: a failing time is not tolerated, or the rule is broken even if everything unseen had conformed;
- unknown: the rule is not met by what was observed, or the period is not over;
- pass: all the rest; `completeness` is partial when some of it was not observed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from compliance.controls.period import calendar
from compliance.controls.period.calendar import Span, Window
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.period import Block, Occurrences
from compliance.schemas.results import Completeness, UnknownReason

DAILY_READING = timedelta(hours=48)  # what a control accepts no older than this must be read on each day
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Look:
    """One moment at which a control was judged."""

    at: datetime
    verdict: Outcome
    complete: bool  # its evidence, by the control's own limits
    read_at: datetime | None  # when the oldest of what must be read daily was read; None: nothing must be
    unknown_reason: UnknownReason | None = None

    @property
    def decided(self) -> bool:
        """It could be told, on complete evidence."""
        return self.complete and self.verdict is not Outcome.UNKNOWN

    @property
    def conforms(self) -> bool:
        """It held, or did not apply."""
        return self.decided and self.verdict is not Outcome.FAIL


@dataclass(frozen=True, slots=True)
class Failing:
    """A time in which a control failed; between two looks that say otherwise, where there are such."""

    start: datetime
    not_before: datetime | None  # last seen otherwise; None: not within the period
    end: datetime | None  # first seen otherwise; None: it fails at the last look
    mended: bool = True  # False: from then on something else was judged, or by something else

    @property
    def at_most(self) -> timedelta | None:
        """How long it may have lasted; None when its beginning or end was not seen."""
        if self.not_before is None or self.end is None or not self.mended:
            return None
        return self.end - self.not_before


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict over the period."""

    verdict: Outcome
    unknown_reason: UnknownReason | None
    completeness: Completeness
    reason: str
    occurrences: Occurrences


@dataclass(frozen=True, slots=True)
class Rule:
    """One period rule. `tolerance` is how long a control may fail; None: as the longest gap says."""

    unit: str
    blocks: Callable[[datetime, datetime], list[Span]]
    needed: Callable[[int], int]
    conforming: bool  # a block needs a conforming look; else one that is observed
    longest: timedelta | None
    tolerance: timedelta | None


def _share(expected: int) -> int:
    return -(-expected * 98 // 100)


def _all(expected: int) -> int:
    return expected


def _weeks_needed(expected: int) -> int:
    return max(expected - 2 * expected // 52, 1)


def _months(length: int) -> Callable[[datetime, datetime], list[Span]]:
    return lambda start, end: calendar.months(start, end, length)


RULES = {
    "config_daily": Rule("day", calendar.days, _share, False, None, timedelta(hours=24)),
    "event_population": Rule("day", calendar.days, _share, False, None, timedelta(0)),
    "recurring_daily": Rule("day", calendar.days, _share, True, timedelta(hours=48), None),
    "recurring_weekly": Rule("week", calendar.weeks, _weeks_needed, True, timedelta(days=9), None),
    "recurring_monthly": Rule("month", _months(1), _all, True, timedelta(days=35), timedelta(days=4)),
    "recurring_quarterly": Rule("quarter", _months(3), _all, True, timedelta(days=100), timedelta(days=8)),
    "recurring_semiannual": Rule("half", _months(6), _all, True, timedelta(days=184), timedelta(0)),
    "recurring_annual": Rule("year", calendar.years, _all, True, timedelta(days=366), timedelta(0)),
    "document_in_force": Rule("day", calendar.days, _all, True, None, timedelta(0)),
}


def judge(name: str, window: Window, looks: Sequence[Look], failing: Sequence[Failing]) -> Judged:
    """The verdict of rule `name` over the looks of a control, which are in order of time and within the window.

    Raises KeyError for a rule that there is none of: definitions that load have one.
    """
    rule = RULES[name]
    blocks = _states(rule, window, looks)
    occurrences = _occurrences(rule, window, looks, blocks)
    completeness = _completeness(occurrences)

    def judged(verdict: Outcome, reason: str, why: UnknownReason | None = None) -> Judged:
        return Judged(verdict, why, completeness, reason, occurrences)

    decided = [look for look in looks if look.decided]
    applied = [look for look in looks if look.verdict is not Outcome.NOT_APPLICABLE]
    if looks and not applied:
        return judged(Outcome.NOT_APPLICABLE, "it did not apply at any time")
    broken = _broken(rule, window, failing, blocks, looks)
    if broken:
        return judged(Outcome.FAIL, broken)
    if not decided:
        return judged(Outcome.UNKNOWN, "at no time could it be decided", _why(looks))
    short = _short(rule, occurrences, name, looks)
    if short:
        return judged(Outcome.UNKNOWN, short, _why(looks))
    if not window.over:
        ahead = f"the period goes on until {window.end:%Y-%m-%d}; so far nothing speaks against it"
        return judged(Outcome.UNKNOWN, ahead, UnknownReason.NO_EVIDENCE)
    said = f"{occurrences.observed} of {occurrences.expected} {_plural(rule.unit, occurrences.expected)} observed"
    if rule.conforming:
        said = f"conforming in {occurrences.conforming} of {_counted(rule.unit, occurrences.expected)}"
    tolerated = f"; failed for a while {_times(len(failing))}, within what the rule allows" if failing else ""
    return judged(Outcome.PASS, said + tolerated)


def _states(rule: Rule, window: Window, looks: Sequence[Look]) -> list[tuple[Span, str]]:
    """Each part of the period as `conforms`, `fails` or `unseen`; days that still lie ahead are unseen."""
    found: list[tuple[Span, str]] = []
    n = 0
    for span in rule.blocks(window.start, window.end):
        while n < len(looks) and looks[n].at < span.start:
            n += 1
        state = "unseen"
        while n < len(looks) and looks[n].at <= span.end:
            look = looks[n]
            n += 1
            if not look.decided:
                continue
            if rule.unit == "day" and look.read_at is not None and look.read_at < span.start:
                continue  # what was read on an earlier day says nothing of this one
            if look.conforms:
                state = "conforms"
            elif state == "unseen":
                state = "fails"
        found.append((span, state))
    return found


def _occurrences(rule: Rule, window: Window, looks: Sequence[Look], blocks: Sequence[tuple[Span, str]]) -> Occurrences:
    wanted = {"unseen", "fails"} if rule.conforming else {"unseen"}
    conforming = sum(1 for _, state in blocks if state == "conforms")
    return Occurrences(
        unit=rule.unit,
        expected=len(blocks),
        needed=rule.needed(len(blocks)),
        observed=sum(1 for _, state in blocks if state != "unseen"),
        conforming=conforming,
        missing=tuple(Block(span.start, span.end, state) for span, state in blocks if state in wanted),
        longest_gap=_longest(window, [look.at for look in looks if look.conforms]) if rule.longest else None,
        gap_allowed=rule.longest,
    )


def _longest(window: Window, times: Sequence[datetime]) -> timedelta:
    """The longest time without a conforming look; the edges of the period count."""
    return max(after - before for before, after in pairwise([window.start, *times, window.until]))


def _broken(
    rule: Rule,
    window: Window,
    failing: Sequence[Failing],
    blocks: Sequence[tuple[Span, str]],
    looks: Sequence[Look],
) -> str | None:
    """How the rule is broken whatever was not seen, or None."""
    if rule.tolerance is not None:
        long = [one for one in failing if one.at_most is None or one.at_most > rule.tolerance]
        if long:
            still = ", and fails still" if failing[-1].end is None else ""
            allowed = f"; at most {_length(rule.tolerance)} is tolerated" if rule.tolerance else ""
            return f"failed {_times(len(long))}, first on {long[0].start:%Y-%m-%d}{still}{allowed}"
    if not rule.conforming:
        return None
    fails = sum(1 for _, state in blocks if state == "fails")
    needed = rule.needed(len(blocks))
    if len(blocks) - fails < needed:
        return f"failed in {fails} of {_counted(rule.unit, len(blocks))}; {needed} must conform"
    if rule.longest is not None:
        for one in failing:
            # Only what was looked at and failed counts: between two looks anything may have been.
            last = max(look.at for look in looks if one.start <= look.at and (one.end is None or look.at < one.end))
            seen = (window.until if one.end is None else last) - one.start
            if seen > rule.longest:
                return (
                    f"failed for {_length(seen)} from {one.start:%Y-%m-%d} on; at most {_length(rule.longest)} may pass"
                )
    return None


def _short(rule: Rule, found: Occurrences, name: str, looks: Sequence[Look]) -> str | None:
    """What the observed lacks to show that the rule was kept, or None."""
    had = found.conforming if rule.conforming else found.observed
    what = "conforming" if rule.conforming else "observed"
    if had < found.needed:
        return f"{what} in {had} of {_counted(rule.unit, found.expected)}; at least {found.needed} are needed"
    if rule.longest is not None and found.longest_gap is not None and found.longest_gap > rule.longest:
        return f"{_length(found.longest_gap)} without a conforming look; at most {_length(rule.longest)} may pass"
    if name == "event_population" and not looks[-1].decided:
        return "the evidence at the end of the period is not complete, so not everything of it was judged"
    return None


def _completeness(found: Occurrences) -> Completeness:
    if found.observed == 0:
        return Completeness.NONE
    return Completeness.COMPLETE if found.observed == found.expected else Completeness.PARTIAL


def _why(looks: Sequence[Look]) -> UnknownReason:
    """The commonest reason why it could not be decided; nothing collected when no look says."""
    said = [look.unknown_reason for look in looks if look.unknown_reason is not None]
    return max(sorted(set(said)), key=said.count) if said else UnknownReason.NO_EVIDENCE


def _counted(unit: str, n: int) -> str:
    return f"{n} {_plural(unit, n)}"


def _plural(unit: str, n: int) -> str:
    return unit if n == 1 else {"half": "halves"}.get(unit, f"{unit}s")


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _length(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours // 24} d" if (hours >= 72 and hours % 24 == 0) or hours > 240 else f"{hours} h"
