"""Terms of law that count local days: Mexican working days, and months that end with a local day.

SQL gets them as macros that compute: from when on which distance to UTC applies in one time zone, and which rest days
Mexico has, are short lists inside them. So they cost the same at one moment and beside many. Before 2000 and after
2060 they give NULL, which no comparison holds for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

ZONE: Final = "America/Mexico_City"
FIRST, LAST = date(2000, 1, 1), date(2060, 12, 31)
_MONDAY: Final = date(1999, 12, 27)  # weeks are counted from here
_DAY = timedelta(days=1)


@lru_cache(maxsize=4)
def statements(zone: str) -> tuple[str, ...]:
    """What makes `local_date(moment)`, `mx_working_days_after(moment, n)`, `months_after(moment, n)` and
    `eu_months_after(moment, n)` in a database, for the local days of `zone`. The last three give the last microsecond
    of a day, in UTC; NULL for a term of no days or months.

    Raises:
        ZoneInfoNotFoundError: no zone is called so.
    """
    changes = offsets(ZoneInfo(zone))
    seconds = _list(after for _, _, after in changes)
    utc = _list(at for at, _, _ in changes[1:])
    of_moment = f"to_seconds({seconds}[1 + _rank({utc}, epoch_us(moment) // 1000000)])"
    # Where a change of clocks skips or repeats midnight, the day begins by the distance before it (PEP 495, fold 0).
    wall = _list(at + max(before, after) for at, before, after in changes[1:])
    of_wall = f"to_seconds({seconds}[1 + _rank({wall}, epoch_us(wall) // 1000000)])"
    known = f"moment BETWEEN DATE '{FIRST - _DAY}' AND DATE '{LAST + 2 * _DAY}'"
    rest = rest_days()
    # How many working days lie before each rest day.
    worked = _list(_weekdays(day) - place for place, day in enumerate(rest, start=1))
    return (
        # Of NULL it is 0: whoever adds it to something adds it to what is NULL too.
        "CREATE MACRO _rank(items, x) AS len(list_filter(items, lambda item: item <= x))",
        _let("local_date", "moment", f"CASE WHEN {known} THEN _within(CAST(moment + {of_moment} AS DATE)) END"),
        _let("_within", "day", f"CASE WHEN day BETWEEN DATE '{FIRST}' AND DATE '{LAST}' THEN day END"),
        _let("_midnight", "wall", f"wall - {of_wall}"),
        "CREATE MACRO _end(day) AS _midnight(CAST(_within(CAST(day AS DATE)) + 1 AS TIMESTAMP)) - to_microseconds(1)",
        # Days are numbered from a Monday on, weekdays (Monday to Friday) and working days from 1 on.
        _let("_worked", "n", f"n // 7 * 5 + least(n % 7 + 1, 5) - _rank({_list(map(_number, rest))}, n)"),
        _let("_weekday", "nth", f"DATE '{_MONDAY}' + CAST((nth - 1) // 5 * 7 + (nth - 1) % 5 AS INTEGER)"),
        _let("_working_day", "nth", f"_weekday(nth + _rank({worked}, nth - 1))"),
        # The day of `moment` itself does not count; a term of no days is none.
        (
            "CREATE MACRO mx_working_days_after(moment, n) AS CASE WHEN n > 0 "
            f"THEN _end(_working_day(_worked(local_date(moment) - DATE '{_MONDAY}') + CAST(n AS BIGINT))) END"
        ),
        # DuckDB adds months as Regulation 1182/71 article 3(2)(c) does: the same date, or the last of a shorter month.
        "CREATE MACRO _later(moment, n) AS CAST(local_date(moment) + to_months(CAST(n AS INTEGER)) AS DATE)",
        "CREATE MACRO months_after(moment, n) AS CASE WHEN n > 0 THEN _end(_later(moment, n)) END",
        # Its article 3(4): a term that ends on a Saturday or Sunday ends with the next Monday.
        _let("_off_weekend", "day", "day + CASE isodow(day) WHEN 6 THEN 2 WHEN 7 THEN 1 ELSE 0 END"),
        "CREATE MACRO eu_months_after(moment, n) AS CASE WHEN n > 0 THEN _end(_off_weekend(_later(moment, n))) END",
    )


def _let(name: str, given: str, body: str) -> str:
    """A macro of one argument that is computed once, however often `body` names it: macros are texts."""
    return f"CREATE MACRO {name}(argument) AS list_transform([argument], lambda {given}: {body})[1]"


def offsets(zone: ZoneInfo) -> list[tuple[int, int, int]]:
    """When the distance of `zone` to UTC changed from before `FIRST` to after `LAST`: the second since 1970, the
    distance until then and since, in seconds. The first row has the distance at the beginning, twice."""
    moment = datetime.combine(FIRST, time(), UTC) - 3 * _DAY
    before = _distance(moment, zone)
    found = [(int(moment.timestamp()), before, before)]
    while moment.date() < LAST + 3 * _DAY:
        moment += _DAY
        if (after := _distance(moment, zone)) != before:
            found.append((_changed(moment - _DAY, moment, zone), before, after))
            before = after
    return found


def _changed(low: datetime, high: datetime, zone: ZoneInfo) -> int:
    """The first second after `low` with the distance of `high`."""
    first, last = int(low.timestamp()), int(high.timestamp())
    new = _distance(high, zone)
    while last - first > 1:
        middle = (first + last) // 2
        if _distance(datetime.fromtimestamp(middle, UTC), zone) == new:
            last = middle
        else:
            first = middle
    return last


def _distance(moment: datetime, zone: ZoneInfo) -> int:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def rest_days() -> list[date]:
    """The days from Monday to Friday on which nobody works by the Ley Federal del Trabajo, article 74, as the library
    `holidays` has them: three moved to Mondays, the change of government on 1 October every six years from 2024 on.
    Elections are on Sundays."""
    known = holidays.country_holidays("MX", years=range(FIRST.year, LAST.year + 1))
    return sorted(day for day in known if day.weekday() < 5 and FIRST <= day <= LAST)


def _number(day: date) -> int:
    return (day - _MONDAY).days


def _weekdays(day: date) -> int:
    """How many days are Monday to Friday, up to and with `day`, which is one."""
    return _number(day) // 7 * 5 + day.weekday() + 1


def _list(items: Iterable[int]) -> str:
    return f"CAST('[{', '.join(map(str, items))}]' AS BIGINT[])"
