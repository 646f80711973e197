"""A baseline: failing findings that were known on a day, set aside until another day.

It is weaker than a waiver (nobody approved it), so it must expire. A file without a readable expiry counts as expired.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from compliance.schemas.errors import ConfigError

FORMAT = "compliance-baseline/1"


@dataclass(frozen=True, slots=True)
class Known:
    """One finding in a baseline."""

    fingerprint: str
    control: str
    code: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The content of a baseline file. `expires` is None when the file names no readable date."""

    created: datetime | None
    expires: datetime | None
    known: tuple[Known, ...]

    def in_force(self, moment: datetime) -> bool:
        """It counts at `moment`."""
        return self.expires is not None and moment < self.expires

    @property
    def fingerprints(self) -> frozenset[str]:
        """What it sets aside."""
        return frozenset(k.fingerprint for k in self.known)


def baseline_bytes(known: Iterable[Known], *, created: datetime, expires: datetime) -> bytes:
    """A baseline file, sorted, for version control.

    Raises:
        ConfigError: a time has no zone, or it would be expired at birth.
    """
    if created.tzinfo is None or expires.tzinfo is None:
        raise ConfigError(
            "a baseline's times need a time zone", remedy="give the expiry in UTC, as 2027-03-31T00:00:00Z"
        )
    if expires <= created:
        raise ConfigError(
            f"the baseline would expire on {_text(expires)}, before it begins on {_text(created)}",
            remedy="name a later expiry",
        )
    rows = sorted({(k.control, k.code, k.fingerprint) for k in known})
    document = {
        "format": FORMAT,
        "created": _text(created),
        "expires": _text(expires),
        "findings": [{"control": c, "code": code, "fingerprint": f} for c, code, f in rows],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_baseline(path: Path) -> Baseline:
    """The baseline in `path`; a bad or missing date makes one that is never in force.

    Raises:
        ConfigError: the file cannot be read or is no baseline.
    """
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"baseline {path} cannot be read: {error.strerror}", remedy="name an existing file"
        ) from error
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"baseline {path} is not JSON: {error}", remedy="write it anew") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ConfigError(f"{path} is no baseline: format is not {FORMAT!r}", remedy="write it anew")
    findings = document.get("findings")
    if not isinstance(findings, list):
        raise ConfigError(f"baseline {path} has no list of findings", remedy="write it anew")
    return Baseline(
        _time(document.get("created")), _time(document.get("expires")), tuple(_known(path, row) for row in findings)
    )


def _known(path: Path, row: Any) -> Known:
    names = ("fingerprint", "control", "code")
    if not isinstance(row, dict) or not all(isinstance(row.get(name), str) and row[name] for name in names):
        raise ConfigError(
            f"baseline {path}: a finding needs fingerprint, control and code, got {row!r}", remedy="write it anew"
        )
    return Known(*(row[name] for name in names))


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
