"""The days of the year, and the moments at which things go wrong in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)
PERIOD = f"{FIRST}..{LAST}"


def at(text: str) -> datetime:
    """`2025-03-04` or `2025-03-04 10:30` as a moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def midnight(day: date) -> datetime:
    """The first moment of a day of UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


# When the school begins to collect: some days before the period, so that it begins with evidence.
BEGIN = at("2024-12-30 02:00")
DAILY = 3  # hour of UTC at which every source is read
