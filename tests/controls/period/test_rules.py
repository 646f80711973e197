"""Period rules at their edges: exactly 98 %, exactly 48 h, leap days, a period of one day, one that goes on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest

from compliance.controls.consistency import PERIOD_RULES
from compliance.controls.period import calendar
from compliance.controls.period.calendar import Window
from compliance.controls.period.rules import RULES, Failing, Judged, Look, judge
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import Completeness, UnknownReason

DAY = timedelta(days=1)
PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def window(first: str, last: str, now: datetime = LATER) -> Window:
    return Window.of_days(date.fromisoformat(first), date.fromisoformat(last), now)


def look(at: datetime, verdict: Outcome = PASS) -> Look:
    return Look(at, verdict, verdict is not UNKNOWN, at, UnknownReason.STALE if verdict is UNKNOWN else None)


def daily(of: Window, without: Iterable[int] = (), bad: Iterable[int] = ()) -> list[Look]:
    """A look at 03:00 on every day but those numbered."""
    skipped, failing = set(without), set(bad)
    days = calendar.days(of.start, of.end)
    return [
        look(span.start + timedelta(hours=3), FAIL if n in failing else PASS)
        for n, span in enumerate(days)
        if n not in skipped
    ]


def failing(looks: list[Look]) -> list[Failing]:
    """The failing times that the looks show."""
    found = []
    start = before = began = None
    for one in looks:
        if one.verdict is FAIL and start is None:
            start, began = one.at, before
        elif one.conforms:
            if start is not None:
                found.append(Failing(start, began, one.at))
                start = None
            before = one.at
    return [*found, Failing(start, began, None)] if start else found


def judged(rule: str, of: Window, looks: list[Look]) -> Judged:
    return judge(rule, of, looks, failing(looks))


def test_every_rule_of_the_catalogue_is_known() -> None:
    assert set(RULES) == set(PERIOD_RULES)


@pytest.mark.parametrize(("missing", "verdict"), [(0, PASS), (2, PASS), (3, UNKNOWN)])
def test_98_percent_of_100_days_exactly(missing: int, verdict: Outcome) -> None:
    of = window("2026-01-01", "2026-04-10")
    found = judged("config_daily", of, daily(of, range(10, 10 + missing)))
    assert (found.occurrences.expected, found.occurrences.needed) == (100, 98)
    assert found.verdict is verdict
    assert found.completeness is (Completeness.PARTIAL if missing else Completeness.COMPLETE)
    assert len(found.occurrences.missing) == missing


def test_a_day_read_on_another_day_is_not_observed() -> None:
    of = window("2026-01-01", "2026-01-01")
    late = Look(of.end, PASS, True, of.start - timedelta(hours=1))
    assert judge("config_daily", of, [late], []).verdict is UNKNOWN
    assert judge("config_daily", of, [Look(of.end, PASS, True, of.start)], []).verdict is PASS


def test_a_period_of_one_day() -> None:
    of = window("2026-03-01", "2026-03-01")
    assert judged("config_daily", of, daily(of)).verdict is PASS
    assert judged("config_daily", of, []).verdict is UNKNOWN


def test_leap_day_and_the_days_on_which_clocks_change_are_days_like_others() -> None:
    assert len(calendar.days(*_ends("2028-01-01", "2028-12-31"))) == 366
    assert len(calendar.days(*_ends("2026-03-28", "2026-03-30"))) == 3
    assert {span.end - span.start for span in calendar.days(*_ends("2026-03-28", "2026-03-30"))} == {
        DAY - timedelta(microseconds=1)
    }
    assert len(calendar.years(*_ends("2028-02-29", "2029-02-28"))) == 1


def _ends(first: str, last: str) -> tuple[datetime, datetime]:
    of = window(first, last)
    return of.start, of.end


@pytest.mark.parametrize(("hours", "verdict"), [(24, PASS), (25, FAIL)])
def test_only_what_is_shown_to_be_short_is_tolerated(hours: int, verdict: Outcome) -> None:
    of = window("2026-01-01", "2026-01-10")
    begin = of.start + 4 * DAY
    one = Failing(begin + timedelta(hours=1), begin, begin + timedelta(hours=hours))
    assert judge("config_daily", of, daily(of), [one]).verdict is verdict


def test_what_failed_when_the_period_began_or_ended_is_not_tolerated() -> None:
    of = window("2026-01-01", "2026-01-10")
    looks = daily(of)
    assert judge("config_daily", of, looks, [Failing(looks[0].at, None, looks[1].at)]).verdict is FAIL
    assert judge("config_daily", of, looks, [Failing(looks[-1].at, looks[-2].at, None)]).verdict is FAIL


def test_failing_and_mended_is_no_pass_and_events_are_never_tolerated() -> None:
    of = window("2026-01-01", "2026-06-30")
    assert judged("config_daily", of, daily(of, bad=(20, 21, 22))).verdict is FAIL
    short = Failing(of.start + DAY, of.start + DAY - timedelta(minutes=1), of.start + DAY + timedelta(minutes=1))
    assert judge("event_population", of, daily(of), [short]).verdict is FAIL


def test_48_hours_between_conforming_days_exactly() -> None:
    of = window("2026-01-01", "2026-12-31")
    kept = judged("recurring_daily", of, daily(of, bad=[50]))
    assert kept.occurrences.longest_gap == timedelta(hours=48)
    assert kept.verdict is PASS
    looks = [look(one.at + timedelta(minutes=1)) if n == 51 else one for n, one in enumerate(daily(of, bad=[50]))]
    late = judged("recurring_daily", of, looks)
    assert late.verdict is UNKNOWN  # between two looks anything may have been: not shown, and not refuted
    assert judged("recurring_daily", of, daily(of, bad=range(50, 53))).verdict is UNKNOWN
    assert judged("recurring_daily", of, daily(of, bad=range(50, 54))).verdict is FAIL


@pytest.mark.parametrize(("rule", "without", "verdict"), [
    ("recurring_weekly", range(7, 14), PASS),
    ("recurring_weekly", range(7, 17), UNKNOWN),
    ("recurring_monthly", range(31, 59), PASS),
    ("recurring_monthly", range(40, 74), PASS),
    ("recurring_monthly", range(40, 75), UNKNOWN),
    ("recurring_quarterly", range(20, 119), PASS),
    ("recurring_quarterly", range(20, 120), UNKNOWN),
    ("recurring_annual", range(1, 365), PASS),
    ("document_in_force", range(7, 8), UNKNOWN),
])  # fmt: skip
def test_gaps_of_recurring_rules(rule: str, without: range, verdict: Outcome) -> None:
    of = window("2026-01-01", "2026-12-31")
    found = judged(rule, of, daily(of, without))
    if rule == "recurring_monthly" and without == range(31, 59):
        assert found.occurrences.missing[0].start == datetime(2026, 2, 1, tzinfo=UTC)
        verdict = UNKNOWN  # no look in all of February
    assert found.verdict is verdict, found


@pytest.mark.parametrize(("rule", "days", "verdict"), [
    ("recurring_monthly", 2, PASS), ("recurring_monthly", 4, FAIL), ("recurring_quarterly", 6, PASS),
    ("recurring_quarterly", 8, FAIL), ("recurring_semiannual", 1, FAIL), ("recurring_annual", 1, FAIL),
    ("document_in_force", 1, FAIL),
])  # fmt: skip
def test_failing_of_rules_that_recur_rarely(rule: str, days: int, verdict: Outcome) -> None:
    of = window("2026-01-01", "2026-12-31")
    assert judged(rule, of, daily(of, bad=range(100, 100 + days))).verdict is verdict


def test_nothing_passes_before_the_period_is_over() -> None:
    of = window("2026-01-01", "2026-12-31", datetime(2026, 12, 30, 12, tzinfo=UTC))
    looks = [one for one in daily(of) if one.at <= of.until]
    found = judged("config_daily", of, looks)
    assert (found.occurrences.observed, found.occurrences.needed) == (364, 358)
    assert found.verdict is UNKNOWN
    assert "goes on until 2026-12-31" in found.reason


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="lies before"):
        window("2026-01-02", "2026-01-01")
