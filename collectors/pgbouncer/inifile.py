"""What the console does not show, from pgbouncer.ini: the `*` database, and databases with an auth_user of their own.

Only names of databases and three of their parameters are kept; passwords, queries and connection strings are dropped
while a line is read. The answer counts only when the running pooler has loaded the file: it must be older than the
process, because the console does not tell the time of the last RELOAD.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_HEADING = re.compile(r"\[\s*([^\]]+?)\s*\]")
_INCLUDE = re.compile(r"%include\s+(\S.*)")
_KEPT = ("auth_user", "host", "port", "user")
_PARAMETER = re.compile(r"([A-Za-z_]+)\s*=\s*('(?:[^']|'')*'|\S*)")
_DEPTH = 10  # of %include, as PgBouncer itself allows


@dataclass(frozen=True, slots=True)
class IniFile:
    """The databases of the file, each with what is kept of its parameters, and the digest of every file read."""

    databases: Mapping[str, Mapping[str, str]]
    digests: Mapping[str, str]

    @property
    def fallback(self) -> Mapping[str, str] | None:
        """Parameters of the `*` database; None when there is none."""
        return self.databases.get("*")


def read(path: Path, started_at: float | None) -> IniFile | str:
    """The file, or in words why it does not count. `started_at` is the start of the process (Unix time)."""
    if started_at is None:
        return "its process was not found on this machine (pidfile)"
    digests: dict[str, str] = {}
    try:
        databases = dict(_databases(_lines(path, 0, started_at, digests)))
    except (OSError, UnicodeDecodeError) as error:
        return f"{path} is not readable ({type(error).__name__})"
    except _NotTheLoadedOne as error:
        return str(error)
    return IniFile(databases, digests)


class _NotTheLoadedOne(Exception):
    """Why the file says nothing about the running process."""


def _lines(path: Path, depth: int, started_at: float, digests: dict[str, str]) -> Iterator[str]:
    """The lines of the file, those of included files in the place of the line that includes them."""
    if not path.is_absolute():
        raise _NotTheLoadedOne(f"the path {path} starts at a folder that is not known")
    if depth > _DEPTH:
        raise _NotTheLoadedOne(f"{path} is included too deeply")
    status = path.stat()
    if max(status.st_mtime, status.st_ctime) > started_at:
        raise _NotTheLoadedOne(f"{path} changed after the process started; the console does not say what it has loaded")
    data = path.read_bytes()
    digests[str(path)] = hashlib.sha256(data).hexdigest()
    for line in data.decode("utf-8").splitlines():
        include = _INCLUDE.fullmatch(line.strip())
        if include:
            yield from _lines(Path(include[1].strip()), depth + 1, started_at, digests)
        else:
            yield line.strip()


def _databases(lines: Iterator[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    section = ""
    for line in lines:
        heading = _HEADING.fullmatch(line)
        if heading:
            section = heading[1].lower()
        elif section == "databases" and line and line[0] not in ";#":
            name, equals, rest = line.partition("=")
            if equals:
                found = {key.lower(): value.strip("'") for key, value in _PARAMETER.findall(rest)}
                yield name.strip().strip('"'), {key: found[key] for key in _KEPT if key in found}
