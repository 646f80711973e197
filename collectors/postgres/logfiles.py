"""Where the server's log lies, and when the server itself overwrites it."""

from __future__ import annotations

import re
from typing import Any

from compliance.collectors.postgres.effective import Effective
from compliance.schemas.kinds.host import LogStore

# What a name of log files repeats after, in days: the longest part of the date in it decides.
_REPEATS = (
    ("j", 365),
    ("m", 365),
    ("b", 365),
    ("B", 365),
    ("d", 31),
    ("e", 31),
    ("a", 7),
    ("A", 7),
    ("u", 7),
    ("w", 7),
)
_NEVER = frozenset("YyGgsFDcC")  # the year or the whole moment: no name comes twice
_MINUTES_A_DAY = 1440


def overwritten_after_days(pattern: str, truncates: bool, rotation_minutes: int) -> int | None:
    """Days after which the server empties a log file and begins again in it, rounded up; None when it never does. It
    does so with log_truncate_on_rotation, when rotation by time leads back to a name (PostgreSQL documentation)."""
    letters = set(re.findall(r"%[-_0^#EO]*([A-Za-z])", pattern))
    if not truncates or rotation_minutes <= 0 or letters & _NEVER:
        return None
    days = next((days for letter, days in _REPEATS if letter in letters), 0)
    if days == 0 and letters & {"H", "I", "M", "S", "T", "R", "p"}:
        days = 1
    return days or -(-rotation_minutes // _MINUTES_A_DAY)


def row_log_store(instance: str, effective: Effective, files: Any | None) -> LogStore:
    """The server's log as one row. How long files are kept is known only where the server overwrites them itself; who
    else removes them is not visible from here. `files` is None where the folder was not readable or not written."""
    collected = effective.on("logging_collector")
    destination, pattern = effective.get("log_destination"), effective.get("log_filename")
    truncates, minutes = effective.on("log_truncate_on_rotation"), effective.number("log_rotation_age")
    here = collected is True and destination is not None and destination != "syslog"
    known = here and pattern is not None and truncates is not None and minutes is not None
    folder, mode = effective.get("log_directory"), effective.get("log_file_mode")
    inside = None if folder is None else not folder.startswith("/")  # of the data folder
    return LogStore(
        asset=instance,
        log=f"postgresql ({destination})" if destination else "postgresql",
        log_class="audit",
        retention_days=overwritten_after_days(pattern or "", truncates is True, minutes or 0) if known else None,
        oldest_record_at=files["oldest"] if files is not None else None,
        newest_record_at=files["newest"] if files is not None else None,
        rotated=(minutes or 0) > 0 or (effective.number("log_rotation_size") or 0) > 0 if here else None,
        persistent=True if here and inside else None,
        world_readable=_open_to_all(mode, inside, effective.get("data_directory_mode")) if here else None,
        detail={
            "destination": destination,
            "collector": collected,
            "directory": folder,
            "filename": pattern,
            "truncates": truncates,
            "rotation_minutes": minutes,
            "files": files["files"] if files is not None else None,
        },
    )


def _open_to_all(mode: str | None, inside: bool | None, data_mode: str | None) -> bool | None:
    if mode is None or inside is None:
        return None
    if not int(mode, 8) & 0o004:
        return False
    if inside and data_mode is not None and not int(data_mode, 8) & 0o001:
        return False  # nobody else comes into the data folder
    return None if not inside else True
