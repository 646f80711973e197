"""Terms of law, against dates counted by hand on a calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from compliance.controls.evidence_base import EvidenceBase
from compliance.controls.local_days import FIRST, LAST, ZONE, calendar


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


def test_days_follow_each_other_without_gap() -> None:
    days = calendar("Europe/London").to_pylist()[0]
    assert len(days["dates"]) == len(days["starts"]) == len(days["ends"]) == len(days["mx_numbers"])
    gap = timedelta(microseconds=1)
    assert all(later == end + gap for end, later in zip(days["ends"], days["starts"][1:], strict=False))
    assert all(a < b for a, b in pairwise(days["starts"]))


def test_an_unknown_zone_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        calendar("America/Tijuna")
