"""When a process started, as a time."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta


def started_at(ticks: int) -> datetime:
    """A start in clock ticks since boot (field 22 of proc(5) stat) as a time, by the clock as it goes now: the next
    collection may say a little earlier or later of the same start. Never later than the start itself by that clock."""
    now, since_boot = datetime.now(UTC), time.clock_gettime(time.CLOCK_BOOTTIME)
    return now - timedelta(seconds=since_boot - ticks / os.sysconf("SC_CLK_TCK"))


def to_the_second(at: datetime) -> datetime:
    """The nearest whole second: a state that only trembles is stored again each time."""
    return (at + timedelta(milliseconds=500)).replace(microsecond=0)
