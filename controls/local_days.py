"""Terms of law that count local days: Mexican working days, and months that end with a local day.

SQL gets them as macros over a calendar of one time zone. Beyond it they give NULL, which no comparison holds for.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays
import pyarrow as pa

ZONE: Final = "America/Mexico_City"
FIRST, LAST = date(2000, 1, 1), date(2060, 12, 31)


def _list(column: str) -> str:
    return f"(SELECT {column} FROM main._calendar)"  # noqa: S608 -- one of ours


# One row of lists, looked up by the number of a day: a join by "between" would compare every moment with every day.
# Numbers below 1 must not reach a list, which would count them from its end.
STATEMENTS: Final = (
    "CREATE TABLE _calendar AS FROM _days",
    (
        f"CREATE MACRO _number(day) AS CASE WHEN day >= DATE '{FIRST}' "
        f"THEN date_diff('day', DATE '{FIRST}', CAST(day AS DATE)) + 1 END"
    ),
    # A local day lies in the UTC days before, of and after its date.
    (
        "CREATE MACRO _local(moment) AS CASE "
        f"WHEN moment < {_list('starts')}[1] THEN NULL "
        f"WHEN moment < {_list('starts')}[_number(moment)] THEN _number(moment) - 1 "
        f"WHEN moment > {_list('ends')}[_number(moment)] THEN _number(moment) + 1 "
        "ELSE _number(moment) END"
    ),
    f"CREATE MACRO _later(moment, n) AS _number({_list('dates')}[_local(moment)] + to_months(CAST(n AS INTEGER)))",
    f"CREATE MACRO local_date(moment) AS {_list('dates')}[_local(moment)]",
    # The day of `moment` itself does not count; a term of no days is none.
    (
        "CREATE MACRO mx_working_days_after(moment, n) AS CASE WHEN n > 0 "
        f"THEN {_list('mx_working_ends')}[{_list('mx_numbers')}[_local(moment)] + CAST(n AS BIGINT)] END"
    ),
    # DuckDB adds months as Regulation 1182/71 article 3(2)(c) does: the same date, or the last day of a shorter month.
    f"CREATE MACRO months_after(moment, n) AS CASE WHEN n > 0 THEN {_list('ends')}[_later(moment, n)] END",
    # Its article 3(4): a term that ends on a Saturday or Sunday ends with the next Monday.
    f"CREATE MACRO eu_months_after(moment, n) AS CASE WHEN n > 0 THEN {_list('weekday_ends')}[_later(moment, n)] END",
)


@lru_cache(maxsize=4)
def calendar(zone: str) -> pa.Table:
    """One row of lists, an item per local day of `zone` from `FIRST` to `LAST`: `dates`, `starts` and `ends` (first and
    last microsecond, UTC), `weekday_ends` (end of the first day from it on that is on no weekend) and `mx_numbers`
    (Mexican working days up to and with it); `mx_working_ends` has the ends of those alone.

    These are Monday to Friday less the rest days of the Ley Federal del Trabajo, article 74, as the library `holidays`
    has them: three moved to Mondays, the change of government on 1 October every six years from 2024 on. Elections
    are on Sundays.

    Raises:
        ZoneInfoNotFoundError: no zone is called so.
    """
    place = ZoneInfo(zone)
    rest = holidays.country_holidays("MX", years=range(FIRST.year, LAST.year + 1))
    dates = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    starts = [_start(day, place) for day in (*dates, LAST + timedelta(days=1))]
    ends = [start - timedelta(microseconds=1) for start in starts[1:]]
    weekday_ends: list[datetime | None] = []
    following: datetime | None = None  # of what comes after the last day nothing is known
    for day, end in zip(reversed(dates), reversed(ends), strict=True):
        following = end if day.weekday() < 5 else following
        weekday_ends.append(following)
    working_ends, numbers = [], []
    for day, end in zip(dates, ends, strict=True):
        if day.weekday() < 5 and day not in rest:
            working_ends.append(end)
        numbers.append(len(working_ends))
    moments = pa.list_(pa.timestamp("us"))
    return pa.table(
        {
            "dates": pa.array([dates], pa.list_(pa.date32())),
            "starts": pa.array([starts[:-1]], moments),
            "ends": pa.array([ends], moments),
            "weekday_ends": pa.array([weekday_ends[::-1]], moments),
            "mx_numbers": pa.array([numbers], pa.list_(pa.int64())),
            "mx_working_ends": pa.array([working_ends], moments),
        }
    )


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None)
