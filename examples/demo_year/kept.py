"""Registers that people keep: entries are written with their whole life, and read as far as it has come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from examples.demo_year.calendar import DAY, HOUR
from examples.demo_year.writing import Rows

# Times that may lie ahead: what is planned, and how long something holds.
AHEAD = frozenset(
    {"due_at", "expires_at", "next_review_at", "valid_until", "planned_start", "planned_end", "rotation_days"}
)


class Turns(NamedTuple):
    """A value that is another one from a moment on."""

    before: Any
    at: datetime
    after: Any


def known(entries: Iterable[Mapping[str, Any]], begins: str, now: datetime) -> Rows:
    """The entries that are there by `now`: those whose column `begins` has come, without what comes later."""
    return [{name: _now(name, value, now) for name, value in one.items()} for one in entries if one[begins] <= now]


def _now(name: str, value: Any, now: datetime) -> Any:
    if isinstance(value, Turns):
        return value.after if value.at <= now else value.before
    if isinstance(value, datetime) and value > now and name not in AHEAD:
        return None
    return value


def every(first: datetime, last: datetime, step: timedelta) -> Iterator[datetime]:
    """Moments from `first` to `last`."""
    moment = first
    while moment <= last:
        yield moment
        moment += step


def monthly(first: datetime, last: datetime) -> Iterator[datetime]:
    """The same day and hour of each month from `first` to `last`; the day is one that every month has."""
    moment = first
    while moment <= last:
        yield moment
        moment = moment.replace(year=moment.year + moment.month // 12, month=moment.month % 12 + 1)


def last_of(moments: Iterable[datetime], now: datetime) -> datetime:
    """The newest of `moments` by `now`, which there must be."""
    return max(one for one in moments if one <= now)


def working_day(moment: datetime) -> datetime:
    """`moment`, or the Monday after it."""
    return moment + max(7 - moment.weekday(), 0) % 7 * DAY if moment.weekday() > 4 else moment


MINUTE = HOUR / 60
