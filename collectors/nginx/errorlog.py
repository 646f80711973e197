"""Members that requests failed at, by the server's error log.

That a member accepts connections says little: the kernel accepts for a program that hangs. What nginx met itself stands
in its error log. Of each line only the time and the member are taken, never the client or the request.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from compliance.collectors.files import os_error
from compliance.collectors.nginx.scope import Scope, has_variable
from compliance.schemas.errors import SourceError
from compliance.schemas.messages import Request

_LIMIT = 4 << 20  # bytes read from the end of a log
_ANY = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) ")
_LINE = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(error|crit|alert|emerg)\] ")
_UPSTREAM = re.compile(r'upstream: "(?:\w+://)?(unix:[^:"]+|\[[0-9a-fA-F:.]+\]:\d+|[\w.\-]+(?::\d+)?)[^"]*"')
_NONE_LEFT = "no live upstreams while connecting to upstream"
_HEARS = ("debug", "info", "notice", "warn", "error")  # levels of a log that failed requests are written to


@dataclass(frozen=True, slots=True)
class Failure:
    """One request that failed at a member; with `none_left`, `member` is the pool."""

    at: datetime
    member: str
    none_left: bool


@dataclass(slots=True)
class ErrorLogs:
    """The ends of the error logs, each read once. `since` is how far back they are asked for."""

    since: datetime
    requests: list[Request] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _read: dict[str, list[Failure] | None] = field(default_factory=dict)

    def failures(self, logs: Sequence[str] | None) -> list[Failure] | None:
        """What these logs tell since then; None when one of them cannot be read that far back, or is no file."""
        if not logs:
            return None
        for path in logs:
            if path not in self._read:
                self._read[path] = self._fetch(path)
        told = [self._read[path] for path in logs]
        return None if None in told else [failure for some in told for failure in some or ()]

    def _fetch(self, path: str) -> list[Failure] | None:
        self.requests.append(Request("file", path))
        try:
            text, whole = fetch_tail(path)
            found = rows_failures(text)
            if whole and not _reaches(text, self.since) and os.path.exists(f"{path}.1"):  # rotated a moment ago
                self.requests.append(Request("file", f"{path}.1"))
                older, whole = fetch_tail(f"{path}.1")
                found, text = rows_failures(older) + found, older
        except SourceError as error:
            self.notes.append(f"failed requests are not known: {error.message}")
            return None
        if not whole and not _reaches(text, self.since):
            self.notes.append(f"{path} has more than {_LIMIT} bytes of the time asked for")
            return None
        return [failure for failure in found if failure.at >= self.since]


def fetch_tail(path: str) -> tuple[str, bool]:
    """The last lines of a file and whether they are all. Raises Absent, Denied or Malformed naming it."""
    try:
        with open(path, "rb") as handle:
            size = os.fstat(handle.fileno()).st_size
            handle.seek(max(0, size - _LIMIT))
            content = handle.read(_LIMIT)
    except OSError as error:
        raise os_error(path, error) from error
    whole = size <= _LIMIT
    return content.decode("utf-8", "replace") if whole else content.partition(b"\n")[2].decode(
        "utf-8", "replace"
    ), whole


def rows_failures(text: str) -> list[Failure]:
    """The lines about members, with times in this machine's zone: nginx writes local time without one."""
    found = []
    for line in text.splitlines():
        start = _LINE.match(line)
        upstream = _UPSTREAM.search(line, start.end()) if start else None
        if start and upstream:
            found.append(Failure(_time(start[1]), upstream[1], _NONE_LEFT in line))
    return found


def error_logs(scope: Scope, default: str | None) -> tuple[str, ...] | None:
    """Files that failed requests of this block are written to; None when they go to no file that can be named."""
    directives = scope.nearest("error_log")
    if not directives:
        return (default,) if default is not None and os.path.isabs(default) else None
    paths = [
        d.args[0]
        for d in directives
        if d.args and (d.args[1] if len(d.args) > 1 else "error") in _HEARS and not has_variable(d.args[0])
    ]
    return tuple(path for path in paths if os.path.isabs(path) and not path.startswith("/dev/")) or None


def _reaches(text: str, since: datetime) -> bool:
    first = next((m for line in text.splitlines() if (m := _ANY.match(line))), None)
    return first is not None and _time(first[1]) <= since


def _time(text: str) -> datetime:
    at = datetime.strptime(text, "%Y/%m/%d %H:%M:%S")  # noqa: DTZ007 -- the next line gives it this machine's zone
    return at.astimezone()


def recent(now: datetime, window_s: int) -> ErrorLogs:
    """The logs of the last `window_s` seconds."""
    return ErrorLogs(now - timedelta(seconds=window_s))
