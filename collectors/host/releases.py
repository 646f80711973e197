"""When the makers' security support of a release ends. A release that is not listed has no date: NULL, never a guess.

Sources, read on 2026-11-23: Debian, "end of life" of https://www.debian.org/releases/ and `eol` of debian.csv in
distro-info-data (the security team's support; the later long-term support covers fewer packages and is kept beside
it as `lts`). Ubuntu, `eol-server` of ubuntu.csv in distro-info-data (standard support; Ubuntu Pro is not counted).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time


@dataclass(frozen=True, slots=True)
class Release:
    """Last day of standard security support, and of free long-term support where there is one."""

    eol: date
    lts: date | None = None


RELEASES: dict[tuple[str, str], Release] = {
    ("debian", "10"): Release(date(2022, 9, 10), date(2024, 6, 30)),
    ("debian", "11"): Release(date(2024, 8, 14), date(2026, 8, 31)),
    ("debian", "12"): Release(date(2026, 7, 11), date(2028, 6, 30)),
    ("debian", "13"): Release(date(2028, 8, 9), date(2030, 6, 30)),
    ("ubuntu", "16.04"): Release(date(2021, 4, 30)),
    ("ubuntu", "18.04"): Release(date(2023, 5, 31)),
    ("ubuntu", "20.04"): Release(date(2025, 5, 29)),
    ("ubuntu", "22.04"): Release(date(2027, 6, 1)),
    ("ubuntu", "24.04"): Release(date(2029, 5, 31)),
    ("ubuntu", "26.04"): Release(date(2031, 5, 29)),
}


def release(os_name: str | None, os_version: str | None) -> Release | None:
    """The release of that name and version, None when the table does not know it."""
    return RELEASES.get((os_name or "", os_version or ""))


def midnight(day: date) -> datetime:
    """A day as the instant it starts, UTC."""
    return datetime.combine(day, time(), UTC)
