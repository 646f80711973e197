"""Parts of a period: days, weeks, months, quarters, halves and years of UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

DAY = timedelta(days=1)
_LAST = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A period with the last moment that could be judged: its end, or now while it goes on."""

    start: datetime
    end: datetime
    until: datetime

    @property
    def over(self) -> bool:
        """It has ended."""
        return self.until >= self.end

    @classmethod
    def of_days(cls, first: date, last: date, now: datetime) -> Window:
        """From the first moment of one day to the last of another (UTC). Raises ValueError when it ends first."""
        if last < first:
            raise ValueError(f"{last} lies before {first}")
        start = datetime.combine(first, time(), UTC)
        end = datetime.combine(last, time(), UTC) + DAY - _LAST
        return cls(start, end, min(end, now.astimezone(UTC)))


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a period, both ends included."""

    start: datetime
    end: datetime


def days(start: datetime, end: datetime) -> list[Span]:
    """Every day that has a moment in the period, cut at its edges."""
    return list(_cut(start, end, lambda at: datetime.combine(at.date(), time(), UTC) + DAY))


def weeks(start: datetime, end: datetime) -> list[Span]:
    """Runs of seven days from the beginning; a rest of less belongs to none, unless there is nothing else."""
    found = list(_cut(start, end, lambda at: at + 7 * DAY))
    return [span for span in found if span.end - span.start >= 7 * DAY - _LAST] or found[:1]


def months(start: datetime, end: datetime, length: int) -> list[Span]:
    """Calendar months (or quarters, halves: `length` months) that lie wholly in the period; the whole period when
    none does."""
    found = _cut(start, end, lambda at: _next(at, length))
    return [span for span in found if _whole(span, length)] or [Span(start, end)]


def years(start: datetime, end: datetime) -> list[Span]:
    """Runs of twelve months from the beginning; the rest belongs to none, unless there is nothing else."""
    found = list(_cut(start, end, _year_later))
    return [span for span in found if span.end + _LAST >= _year_later(span.start)] or found[:1]


def _cut(start: datetime, end: datetime, following: Callable[[datetime], datetime]) -> Iterator[Span]:
    at = start
    while at <= end:
        after = following(at)
        yield Span(at, min(after - _LAST, end))
        at = after


def _next(at: datetime, length: int) -> datetime:
    """The first moment of the calendar part after the one that holds `at`."""
    number = at.year * 12 + (at.month - 1) // length * length + length
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _whole(span: Span, length: int) -> bool:
    number = span.start.year * 12 + (span.start.month - 1) // length * length
    first = datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return span.start == first and span.end + _LAST == _next(first, length)


def _year_later(at: datetime) -> datetime:
    """A year later; from 29 February on to 1 March, so that a year is never shorter."""
    try:
        return at.replace(year=at.year + 1)
    except ValueError:
        return at.replace(year=at.year + 1, month=3, day=1)
