"""Terms of law, against dates counted by hand on a calendar."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from compliance.controls.evidence_base import EvidenceBase
from compliance.controls.local_days import FIRST, LAST, ZONE, offsets, rest_days, statements


def ask(macro: str, moment: str | None, *n: int | None, zone: str = ZONE) -> date | datetime | None:
    with EvidenceBase.build({}, [], kinds=[], threads=1, time_zone=zone) as base:
        names = ", ".join(["CAST($moment AS TIMESTAMP)", *("$n" for _ in n)])
        _, found = base.query(f"SELECT {macro}({names})", {"moment": moment, "n": n[0] if n else None})
        value: date | datetime | None = found[0][0]
        return value


def mexico_end(text: str) -> datetime:
    """The last microsecond of a day in Mexico City since 2022, six hours behind UTC all year."""
    return datetime.fromisoformat(text) + timedelta(days=1, hours=6) - timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("received", "n", "ends"),
    [
        ("2026-11-02T15:00", 1, "2026-11-03"),  # Monday
        ("2026-11-06T15:00", 1, "2026-11-09"),  # Friday
        ("2026-11-07T15:00", 1, "2026-11-09"),  # Saturday
        ("2026-10-30T15:00", 20, "2026-11-30"),  # over the third Monday of November, rest day of the Revolution
        ("2026-12-24T15:00", 1, "2026-12-28"),  # Christmas is a Friday
        ("2026-12-24T15:00", 20, "2027-01-25"),  # Christmas and New Year
        ("2026-01-30T15:00", 1, "2026-02-03"),  # first Monday of February
        ("2026-03-13T15:00", 1, "2026-03-17"),  # third Monday of March
        ("2026-02-05T15:00", 1, "2026-02-06"),  # the old day of the Constitution is no rest day
        ("2026-04-30T15:00", 1, "2026-05-04"),  # 1 May is a Friday
        ("2026-05-04T15:00", 1, "2026-05-05"),  # 5 May is no rest day of this law
        ("2026-09-15T15:00", 1, "2026-09-17"),
        ("2024-09-30T15:00", 1, "2024-10-02"),  # change of government
        ("2030-09-30T15:00", 1, "2030-10-02"),
        ("2025-09-30T15:00", 1, "2025-10-01"),
        ("2026-09-30T15:00", 1, "2026-10-01"),
        ("2026-03-20T15:00", 20, "2026-04-17"),  # Holy Week has no rest day in this law
    ],
)
def test_mexican_working_days(received: str, n: int, ends: str) -> None:
    assert ask("mx_working_days_after", received, n) == mexico_end(ends)


@pytest.mark.parametrize("n", [0, -1, None])
def test_a_term_of_no_days_is_none(n: int | None) -> None:
    assert ask("mx_working_days_after", "2026-11-02T15:00", n) is None
    assert ask("months_after", "2026-11-02T15:00", n) is None
    assert ask("eu_months_after", "2026-11-02T15:00", n) is None


def test_the_local_day_counts() -> None:
    late_on_monday = "2026-11-03T05:30"  # 23:30 in Mexico City, Tuesday in UTC
    assert ask("local_date", late_on_monday) == date(2026, 11, 2)
    assert ask("mx_working_days_after", late_on_monday, 1) == mexico_end("2026-11-03")
    assert ask("local_date", "2026-11-03T05:59:59.999999") == date(2026, 11, 2)
    assert ask("local_date", "2026-11-03T06:00") == date(2026, 11, 3)


def test_mexico_city_left_summer_time_and_tijuana_did_not() -> None:
    assert ask("local_date", "2022-07-01T05:30") == date(2022, 7, 1)  # five hours behind, for the last summer
    assert ask("local_date", "2023-07-01T05:30") == date(2023, 6, 30)
    assert ask("local_date", "2026-07-01T06:30", zone="America/Tijuana") == date(2026, 6, 30)
    assert ask("local_date", "2026-07-01T07:00", zone="America/Tijuana") == date(2026, 7, 1)
    assert ask("local_date", "2026-12-01T07:30", zone="America/Tijuana") == date(2026, 11, 30)


@pytest.mark.parametrize("zone", ["Europe/London", "Asia/Tokyo", "America/Tijuana", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_east_and_west_of_utc(zone: str) -> None:
    for moment in ("2026-03-29T00:30", "2026-03-29T23:30", "2026-10-24T22:59", "2026-10-25T00:30", "2026-12-31T12:00"):
        utc = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("UTC"))
        assert ask("local_date", moment, zone=zone) == utc.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize(
    ("moment", "n", "plain", "eu"),
    [
        ("2026-11-02T15:00", 1, "2026-12-02", "2026-12-02"),
        ("2026-01-31T15:00", 1, "2026-02-28", "2026-03-02"),  # a shorter month, whose last day is a Saturday
        ("2028-01-31T15:00", 1, "2028-02-29", "2028-02-29"),
        ("2026-10-08T15:00", 1, "2026-11-08", "2026-11-09"),  # Sunday
        ("2026-11-02T15:00", 3, "2027-02-02", "2027-02-02"),
        ("2020-02-29T15:00", 72, "2026-02-28", "2026-03-02"),
        ("2026-11-03T05:30", 1, "2026-12-02", "2026-12-02"),  # the local day counts
    ],
)
def test_months(moment: str, n: int, plain: str, eu: str) -> None:
    assert ask("months_after", moment, n) == mexico_end(plain)
    assert ask("eu_months_after", moment, n) == mexico_end(eu)


@pytest.mark.parametrize(
    "moment", [None, "1999-12-31T15:00", "2000-01-01T05:59", "2061-01-01T07:00", "2500-01-01T00:00"]
)
def test_beyond_the_calendar_nothing_is_known(moment: str | None) -> None:
    assert ask("local_date", moment) is None
    assert ask("mx_working_days_after", moment, 1) is None
    assert ask("months_after", moment, 1) is None


def test_a_term_that_ends_beyond_the_calendar_has_no_end() -> None:
    assert ask("local_date", "2000-01-01T06:00") == FIRST
    assert ask("local_date", "2060-12-31T20:00") == LAST
    assert ask("mx_working_days_after", "2060-12-31T15:00", 1) is None
    assert ask("months_after", "2060-12-01T15:00", 1) is None
    assert ask("eu_months_after", "2060-11-30T15:00", 1) is not None
    assert ask("months_after", "2060-12-31T15:00", 1200) is None


def test_terms_of_terms_and_of_many_rows() -> None:
    with EvidenceBase.build({}, [], kinds=[], threads=1) as base:
        _, found = base.query(
            "SELECT max(mx_working_days_after(mx_working_days_after(moment, 5), 10)), count(local_date(moment)), "
            "count(*)"
            " FROM (SELECT TIMESTAMP '2026-11-02 15:00' - to_hours(range::INT) AS moment FROM range(20000)) AS r",
            {},
        )
    assert found == [(mexico_end("2026-11-24"), 20000, 20000)]


def at_once(zone: str, moments: list[datetime], n: int) -> list[tuple[date | datetime | None, ...]]:
    """What the macros say of each moment: local date, and the ends of terms of `n` working days and months."""
    with EvidenceBase.build({}, [], kinds=[], threads=1, time_zone=zone) as base:
        _, found = base.query(
            "SELECT local_date(moment), mx_working_days_after(moment, $n), months_after(moment, $n), "
            "eu_months_after(moment, $n) FROM (SELECT unnest($moments::TIMESTAMP[]) AS moment)",
            {"moments": moments, "n": n},
        )
        return found


def counted(zone: str, moment: datetime, n: int) -> tuple[date | datetime | None, ...]:
    """The same, day by day."""
    place = ZoneInfo(zone)
    local = moment.replace(tzinfo=UTC).astimezone(place).date()
    if not FIRST <= local <= LAST:
        return (None, None, None, None)
    working, left = local, n
    while left:
        working += timedelta(days=1)
        left -= working.weekday() < 5 and working not in REST
    month = local.year * 12 + local.month - 1 + n
    later = next(date(month // 12, month % 12 + 1, day) for day in range(local.day, 0, -1) if day <= days_of(month))
    weekday = later
    while weekday.weekday() > 4:
        weekday += timedelta(days=1)
    return (local, *(end(day, place) for day in (working, later, weekday)))


REST = frozenset(rest_days())


def days_of(month: int) -> int:
    following = month + 1
    return (date(following // 12, following % 12 + 1, 1) - date(month // 12, month % 12 + 1, 1)).days


def end(day: date, zone: ZoneInfo) -> datetime | None:
    following = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC).replace(tzinfo=None)
    return following - timedelta(microseconds=1) if day <= LAST else None


# Summer time that begins at midnight, a zone that jumped over a day, one that was not whole hours away.
@pytest.mark.parametrize(
    "zone",
    [ZONE, "America/Tijuana", "Europe/London", "America/Havana", "Africa/Cairo", "Pacific/Apia", "Asia/Kathmandu"],
)
def test_many_moments_agree_with_counting_day_by_day(zone: str) -> None:
    chance = random.Random(zone)
    first = datetime.combine(FIRST, time()) - timedelta(days=3)
    seconds = int((datetime.combine(LAST, time()) + timedelta(days=3) - first).total_seconds())
    moments = [first + timedelta(seconds=chance.randrange(seconds)) for _ in range(200)]
    for at, _, _ in offsets(ZoneInfo(zone)):
        change = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
        moments += [change + timedelta(minutes=minutes) for minutes in (-1500, -61, 0, 61, 1500)]
    for n in (1, 5, 20):
        found = at_once(zone, moments, n)
        assert [(moment, *said) for moment, said in zip(moments, found, strict=True)] == [
            (moment, *counted(zone, moment, n)) for moment in moments
        ]


def test_distances_are_those_of_every_hour() -> None:
    zone = ZoneInfo("Europe/London")
    found = offsets(zone)
    for n in range(24 * 365):
        moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=n)
        last = [after for at, _, after in found if at <= moment.timestamp()][-1]
        assert timedelta(seconds=last) == moment.astimezone(zone).utcoffset()


def test_terms_beside_many_moments_need_little_memory() -> None:
    """They were lists that a query beside its moments copied for each: gigabytes for a year."""
    with EvidenceBase.build({}, [], kinds=[], threads=1, memory_limit="100MB") as base:
        _, found = base.query(
            "SELECT count(said.late), count(*) FROM (SELECT unnest(range(365)) AS day) AS _moment, LATERAL ("
            "SELECT mx_working_days_after(TIMESTAMP '2026-01-01' + to_days(_moment.day::INTEGER), 20) AS late "
            "FROM range(50)) AS said",
            {},
        )
    assert found == [(18250, 18250)]


def test_an_unknown_zone_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        statements("America/Tijuna")
