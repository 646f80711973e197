"""Audits over a period, on real ledgers filled day by day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from compliance.app import period
from compliance.controls import catalogue
from compliance.ledger import Draft
from compliance.schemas.errors import ConfigError
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.changes import ChangeRequest
from compliance.schemas.kinds.engine import Attestation, Outcome, Waiver
from compliance.schemas.kinds.host import ListeningSocket
from compliance.schemas.period import ControlPeriod
from compliance.schemas.results import Completeness, UnknownReason
from tests.app import years
from tests.app.years import DAY, Year, only, utc

NAME = "net.datastores_private"
KIND = "listening_socket"
JANUARY = "2026-01-01..2026-01-31"
BEGIN = utc(2026, 1, 1, 0)


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Year]:
    opened = years.opened(tmp_path, BEGIN - DAY)
    with opened.ledger:
        opened.declare(web=[KIND])
        yield opened


def store(port: int = 5432, exposure: str | None = "private") -> Evidence:
    return ListeningSocket(
        asset="a", protocol="tcp", address="10.0.0.1", port=port, is_data_store=True, exposure=exposure
    )


def fill(
    year: Year,
    rows: Callable[[int], list[Evidence] | None],
    days: int = 31,
    first: datetime = BEGIN + timedelta(hours=3),
) -> None:
    """A reading at 03:00 of each day, of what `rows` says; None: none on that day."""
    for n in range(days):
        found = rows(n)
        if found is not None:
            year.at(first + n * DAY).read(KIND, found)
    year.at(first + days * DAY + timedelta(hours=5))


def january(year: Year) -> ControlPeriod:
    return year.control(JANUARY, only(NAME), NAME)


def test_a_month_without_fault_passes(year: Year) -> None:
    fill(year, lambda n: [store()])
    found = january(year)
    assert (found.verdict, found.completeness) == (Outcome.PASS, Completeness.COMPLETE)
    assert found.occurrences is not None
    assert (found.occurrences.expected, found.occurrences.observed) == (31, 31)
    assert not found.exceptions
    assert [gap.cause for gap in found.gaps] == ["not_begun"]  # from midnight to the first reading at 03:00
    assert found.evaluations == 3  # the opening, the first reading, the last moment: the rest were the same snapshot


def test_an_exception_has_start_end_duration_and_cause_and_is_no_pass(year: Year) -> None:
    fill(year, lambda n: [store(), store(6379, "public" if 9 <= n < 12 else "private")])
    found = january(year)
    assert found.verdict is Outcome.FAIL
    (one,) = found.exceptions
    assert (one.start, one.end, one.ended) == (utc(2026, 1, 10), utc(2026, 1, 13), "mended")
    assert one.not_before == utc(2026, 1, 9)
    assert one.lasted(BEGIN) == 3 * DAY
    assert (one.resource, one.code) == ("web/a tcp 10.0.0.1:6379", "reachable")
    assert [stretch.verdict.value for stretch in found.timeline] == ["unknown", "pass", "fail", "pass"]


@pytest.mark.parametrize(
    ("rows", "ended"),
    [
        (lambda n: [store(), *([store(1, "public")] if n == 5 else [])], "gone"),
        (lambda n: [store(), store(1, {5: "public", 6: None}.get(n, "private"))], "undecided"),
        (lambda n: [store(), store(1, "public" if n >= 5 else "private")], "open"),
    ],
)
def test_how_an_exception_ends(year: Year, rows: Callable[[int], list[Evidence]], ended: str) -> None:
    fill(year, rows)
    (one,) = january(year).exceptions
    assert one.ended == ended
    assert (one.end is None) == (ended == "open")


def test_a_fault_mended_within_the_hour_is_tolerated_and_listed(year: Year) -> None:
    for n in range(31):
        year.at(utc(2026, 1, 1) + n * DAY).read(KIND, [store()])
        if n == 9:
            year.at(utc(2026, 1, 10, 4)).read(KIND, [store(exposure="public")])
            year.at(utc(2026, 1, 10, 5)).read(KIND, [store()])
    year.at(utc(2026, 2, 1))
    found = january(year)
    assert found.verdict is Outcome.PASS
    assert "failed for a while once" in found.reason
    assert len(found.exceptions) == 1


def test_when_collection_stops_the_gap_is_named_and_nothing_passes(year: Year) -> None:
    fill(year, lambda n: None if n in (19, 20) else [store()])
    found = january(year)
    assert (found.verdict, found.unknown_reason) == (Outcome.UNKNOWN, UnknownReason.STALE)
    gap = found.gaps[-1]
    assert (gap.source, gap.kind, gap.cause) == ("web", KIND, "stopped")
    assert (gap.start, gap.end) == (utc(2026, 1, 19), utc(2026, 1, 22))
    assert found.occurrences is not None
    assert [block.start.day for block in found.occurrences.missing] == [20, 21]
    stale = next(s for s in found.timeline if s.unknown_reason is UnknownReason.STALE)
    assert stale.start == utc(2026, 1, 20, 5) + timedelta(microseconds=1)  # 26 h after the reading, to the moment


def test_a_reading_that_fails_is_another_gap_than_none(year: Year) -> None:
    fill(year, lambda n: None if n == 19 else [store()], days=19)
    year.at(utc(2026, 1, 20)).fail(KIND)
    fill(year, lambda n: [store()], days=11, first=utc(2026, 1, 21))
    gap = january(year).gaps[-1]
    assert (gap.cause, gap.attempts) == ("failed", {"unreachable": 1})
    assert year.ledger.entry(gap.entries[0]).record["outcome"] == "unreachable"


def test_a_period_that_collection_did_not_reach_says_so(year: Year) -> None:
    fill(year, lambda n: None if n < 15 else [store()])
    result = year.over(JANUARY, only(NAME))
    assert result.controls[NAME].verdict is Outcome.UNKNOWN
    assert any("Collection began on 2026-01-16" in note for note in result.notes)


def test_a_period_that_goes_on_says_so_and_does_not_pass(year: Year) -> None:
    fill(year, lambda n: [store()])
    result = year.over("2026-01-01..2026-02-01", only(NAME))
    assert result.controls[NAME].verdict is Outcome.UNKNOWN
    assert result.as_of == year.now[0]
    assert any("goes on until 2026-02-01" in note for note in result.notes)


def test_a_period_ahead_or_turned_round_is_refused() -> None:
    with pytest.raises(ConfigError, match="lies ahead"):
        period.possible(period.asked("2026-02-01..2026-02-02"), datetime(2026, 1, 31, tzinfo=UTC), catalogue.load())
    with pytest.raises(ConfigError, match="ends before it begins"):
        period.asked("2026-02-02..2026-02-01")
    with pytest.raises(ConfigError, match="no period"):
        period.asked("2026")


def test_the_population_is_frozen_and_rolls_forward(year: Year) -> None:
    import hashlib

    def rows(n: int) -> list[Evidence]:
        return [store(1), *([store(2)] if n < 10 or n > 20 else []), *([store(3)] if n >= 15 else [])]

    year.at(BEGIN - timedelta(hours=20)).read(KIND, [store(1), store(2)])
    fill(year, rows)
    found = january(year).population
    assert found is not None
    assert (found.opening, found.added, found.removed, found.closing) == (2, 2, 1, 3)
    assert found.adds_up
    members = [f"web\0web/a tcp 10.0.0.1:{port}\n" for port in (1, 2, 3)]
    assert found.sha256 == hashlib.sha256("".join(members).encode()).hexdigest()


def test_a_source_that_leaves_the_configuration_takes_its_rows_along(year: Year) -> None:
    year.declare(web=[KIND], old=[KIND])
    for n in range(31):
        year.at(utc(2026, 1, 1) + n * DAY)
        if n == 10:
            year.declare(web=[KIND])
        year.read(KIND, [store()])
        if n < 10:
            year.read(KIND, [store(9)], source="old")
    year.at(utc(2026, 2, 1))
    result = year.over(JANUARY, only(NAME))
    found = result.period.controls[NAME] if result.period else None
    assert found is not None
    assert found.verdict is Outcome.PASS
    assert found.population is not None
    assert (found.population.members, found.population.closing) == (2, 1)
    assert any("old since 2026-01-11 03:00 UTC" in note for note in result.notes)


def test_a_source_that_was_taken_out_and_put_back_was_not_observed(year: Year) -> None:
    year.declare(web=[KIND], db=[KIND])
    for n in range(31):
        year.at(utc(2026, 1, 1) + n * DAY)
        if n in (9, 20):
            year.declare(web=[KIND], **({"db": [KIND]} if n == 20 else {}))
        for source in ("web",) if 9 <= n < 20 else ("web", "db"):
            year.read(KIND, [store()], source)
    year.at(utc(2026, 2, 1))
    found = january(year)
    assert (found.verdict, found.unknown_reason) == (Outcome.UNKNOWN, UnknownReason.NO_EVIDENCE)
    gap = found.gaps[-1]
    assert (gap.source, gap.cause, gap.start, gap.end) == ("db", "removed", utc(2026, 1, 9), utc(2026, 1, 21))
    assert found.occurrences is not None
    assert [block.start.day for block in found.occurrences.missing] == list(range(10, 21))


@pytest.mark.parametrize("back", [True, False])
def test_what_failed_when_its_source_was_taken_out_was_not_mended(year: Year, back: bool) -> None:
    year.declare(web=[KIND], db=[KIND])
    for n in range(31):
        year.at(utc(2026, 1, 1) + n * DAY).read(KIND, [store()])
        if n < 10 or (n > 10 and back):
            year.read(KIND, [store()], "db")
        if n == 9:
            year.at(utc(2026, 1, 10, 5)).read(KIND, [store(exposure="public")], "db")
            year.at(utc(2026, 1, 10, 6)).declare(web=[KIND])
        if n == 10 and back:
            year.at(utc(2026, 1, 11, 4)).declare(web=[KIND], db=[KIND])
    year.at(utc(2026, 2, 1))
    found = january(year)
    one = found.exceptions[0]
    assert (one.source, one.end, one.ended) == ("db", utc(2026, 1, 10, 6), "undecided")
    assert found.verdict is Outcome.FAIL


def test_what_is_declared_away_is_not_mended(year: Year) -> None:
    catalogue_ = only(NAME)
    loaded = catalogue_.controls[NAME]
    control = loaded.control.model_copy(update={"applies_if": "processes_payments"})
    catalogue_ = replace(catalogue_, controls={NAME: replace(loaded, control=control)})
    fill(year, lambda n: [store()], 9)
    year.at(utc(2026, 1, 10)).read(KIND, [store(exposure="public")])
    year.at(utc(2026, 1, 10, 5)).profile(processes_payments=False)
    fill(year, lambda n: [store(exposure="public")], 5, utc(2026, 1, 11))
    year.profile(processes_payments=True)
    fill(year, lambda n: [store()], 16, utc(2026, 1, 16, 9))
    found = year.control(JANUARY, catalogue_, NAME)
    assert found.verdict is Outcome.FAIL


@pytest.mark.parametrize(("day", "off"), [(1, True), (31, False)])
def test_a_framework_is_off_only_when_it_was_declared_off_all_the_time(year: Year, day: int, off: bool) -> None:
    catalogue_ = only(NAME)
    for n in range(31):
        year.at(utc(2026, 1, 1) + n * DAY)
        if n + 1 == day:
            year.profile(education_records=False)
        year.read(KIND, [store()])
    year.at(utc(2026, 2, 1))
    found = year.over(JANUARY, catalogue_, frameworks=["ferpa"])
    (ferpa,) = found.frameworks
    assert ferpa.framework.applies_if == "education_records"
    assert {one.code == "not_applicable_declared" for one in ferpa.requirements} == {off}


def test_manual_evidence_of_the_last_day_says_since_when_it_was_on_record(year: Year) -> None:
    whole = catalogue.load().frameworks["soc2"]
    nobody_else = (one for one in whole.requirements if one.automation == "none" and one.manual == ["document"])
    asked = next(nobody_else)
    fill(year, lambda n: [store()], 30)
    year.at(utc(2026, 1, 31, 12))
    statement = Attestation(
        occurred_at=utc(2025, 12, 1),  # before the period, says who records it in its last hours
        attestation="A-1",
        form="document",
        document_sha256="5d" * 32,
        requirements=[f"soc2:{asked.id}"],
        statement="so it is",
        by_person="ana",
        reviewed_by="ben",
        expires_at=utc(2026, 11, 1),
    )
    year.ledger.append([Draft("attestation", statement)])
    year.at(utc(2026, 2, 1))
    (soc2,) = year.over(JANUARY, only(NAME), frameworks=["soc2"]).frameworks
    found = next(one for one in soc2.requirements if one.requirement.id == asked.id)
    assert found.code == "manual_in_date"
    assert "none was on record from 2026-01-01 to 2026-01-31" in found.reason


def test_a_time_declared_away_is_told(year: Year) -> None:
    catalogue_ = only(NAME)
    loaded = catalogue_.controls[NAME]
    control = loaded.control.model_copy(update={"applies_if": "processes_payments"})
    catalogue_ = replace(catalogue_, controls={NAME: replace(loaded, control=control)})
    fill(year, lambda n: [store()], 9)
    year.profile(processes_payments=False)
    fill(year, lambda n: [store(exposure="public")], 5, utc(2026, 1, 11))
    year.at(utc(2026, 1, 16)).read(KIND, [store()])
    year.profile(processes_payments=True)
    fill(year, lambda n: [store()], 16, utc(2026, 1, 16, 9))
    found = year.control(JANUARY, catalogue_, NAME)
    assert found.verdict is Outcome.PASS
    assert "declared not to apply from 2026-01-10 to 2026-01-16" in found.reason


def test_a_waiver_counts_only_when_it_was_there_before(year: Year) -> None:
    def step(step: str, by: str, **more: object) -> Draft:
        return Draft("waiver", Waiver(occurred_at=year.now[0], waiver="W-1", step=step, by_person=by, **more))

    fill(year, lambda n: [store(exposure="public" if n == 2 else "private")], days=4)
    asked = step("request", "ana", control=NAME, of_source="web", reason="moving", expires_at=utc(2026, 3, 1))
    year.ledger.append([asked])
    year.ledger.append([step("approve", "ben")])
    fill(year, lambda n: [store(exposure="public" if n == 5 else "private")], 27, utc(2026, 1, 5, 9))
    result = year.over(JANUARY, only(NAME))
    assert result.period is not None
    assert [one.waiver for one in result.period.controls[NAME].exceptions] == [None, "W-1"]
    assert result.controls[NAME].verdict is Outcome.FAIL
    assert not result.controls[NAME].waived


@pytest.mark.parametrize(("happened", "first_read"), [(utc(2026, 1, 31, 22), 31), (utc(2026, 1, 15), 32)])
def test_what_is_written_down_after_its_period_is_judged_when_it_is_read(
    year: Year, happened: datetime, first_read: int
) -> None:
    name = "change.complete_record"

    def change(change: str, at: datetime, approved: datetime) -> Evidence:
        given = dict.fromkeys(("reason", "risk", "security_impact", "test_ref", "rollback_plan"), "said")
        given |= {"change_type": "normal", "status": "implemented"}
        who = {"requested_by": "ana", "approved_by": "ben", "implemented_by": "cai"}
        return ChangeRequest(change=change, is_production=True, implemented_at=at, approved_at=approved, **given, **who)

    good = [change(f"c{month}", utc(2026, month, 1, 1), utc(2026, month, 1, 1)) for month in (1, 2)]
    old = change("old", utc(2025, 12, 20), utc(2025, 12, 21))  # there before the period: no part of it
    year.at(utc(2025, 12, 31)).declare(reg=["change_request"])
    year.read("change_request", [old], "reg")
    for n in range(59):
        late = [change("late", happened, happened + DAY)] if n >= first_read else []
        year.at(utc(2026, 1, 1) + n * DAY).read("change_request", [old, *good[: 1 + (n > 30)], *late], "reg")
    year.at(utc(2026, 3, 1))
    assert january_of(year, name).verdict is Outcome.PASS
    found = year.control("2026-02-01..2026-02-28", only(name), name)
    assert found.verdict is Outcome.FAIL
    assert [one.resource for one in found.exceptions] == ["reg/late"]
    assert "1 that are dated before the period were first read in it" in found.reason
    assert found.population is not None
    assert found.population.members == 2


def january_of(year: Year, name: str) -> ControlPeriod:
    return year.control(JANUARY, only(name), name)


def test_days_are_days_of_utc() -> None:
    wanted = period.asked(JANUARY)
    assert (wanted.first, wanted.last) == (date(2026, 1, 1), date(2026, 1, 31))
