"""Copies of sealed segments in the configured bucket: put there, read back, verified, brought home."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from compliance.anchors import Copies, Listed
from compliance.app.config import Config, SegmentsBucket
from compliance.app.workspace import Say
from compliance.ledger.note import sync_folder
from compliance.ledger.sealing import Check, Vault
from compliance.ledger.segments import manifest_of
from compliance.ledger.store import storage_errors
from compliance.schemas.errors import (
    Absent,
    ConfigError,
    IntegrityError,
    LedgerError,
    Malformed,
    SecretMissing,
    SourceError,
)

YEAR_DAYS = 365.25


class Bucket(Vault):
    """The configured bucket. `failed` holds, by month, why its copy could not be locked or verified."""

    def __init__(self, settings: SegmentsBucket, check: Check, tell: Say) -> None:
        self._copies = Copies(settings)
        self._years = settings.retain_years
        self._check = check
        self._tell = tell
        self.failed: dict[str, SourceError | SecretMissing | IntegrityError] = {}

    def name(self, place: Path) -> str:
        """Where the copy of the segment in `place` lies, and until when it is locked."""
        month, digest, until = self._about(place)
        return f"{self._copies.place(month, digest)}, locked until {until:%Y-%m-%d}"

    def keep(self, place: Path) -> bool:
        """Lock a copy, read it back by its versions, verify that. What fails is kept in `failed`."""
        month, digest, until = self._about(place)
        self._tell(f"locking {month} in {self._copies.where} …")
        try:
            with _scratch(place.parent, month) as back:
                self._copies.put(place, month, digest, until, back)
                self._check(back)
        except (SourceError, SecretMissing, IntegrityError) as error:
            self.failed[month] = error
            return False
        return True

    def confirm(self, place: Path) -> None:
        """Raise LedgerError unless a copy of the segment in `place` is locked long enough and verifies when it is
        downloaded now."""
        month, digest, until = self._about(place)
        self._tell(f"reading {month} back from {self._copies.where} …")
        try:
            with _scratch(place.parent, month) as back:
                self._copies.get(month, digest, back, self._check, until=until)
        except (SourceError, SecretMissing, IntegrityError) as error:
            raise LedgerError(
                f"{month} stays in the ledger file: no locked copy of its segment was verified: {error.message}",
                remedy=error.remedy,
            ) from error

    def _about(self, place: Path) -> tuple[str, str, datetime]:
        """Month, digest of the manifest, and the end of the lock: years from sealing, however late it is put there."""
        raw = (place / "manifest.json").read_bytes()
        manifest = orjson.loads(raw)
        sealed = datetime.fromisoformat(manifest["created_at"])
        return manifest["month"], sha256(raw).hexdigest(), sealed + timedelta(days=math.ceil(self._years * YEAR_DAYS))


@contextmanager
def _scratch(folder: Path, month: str) -> Iterator[Path]:
    """An empty folder beside the segments, gone at the end; what a kill left there goes first."""
    place = folder / f".{month}.back"
    with storage_errors(folder):
        _remove(place)
        place.mkdir(parents=True, mode=0o700)
        try:
            yield place
        finally:
            _remove(place)


def _remove(place: Path) -> None:
    if place.exists():
        shutil.rmtree(place)


def settings_of(config: Config) -> SegmentsBucket:
    """The configured bucket. Raises ConfigError when there is none."""
    if config.ledger.segments_bucket is None:
        raise ConfigError(
            "no bucket of segments is configured", remedy="write [ledger.segments_bucket]: docs/archive.md"
        )
    return config.ledger.segments_bucket


def fetch(settings: SegmentsBucket, folder: Path, check: Check, tell: Say) -> list[dict[str, Any]]:
    """Bring every month that is in the bucket into `folder`, from locked versions alone, each verified by `check`.

    Gives per month its `state`: `fetched`, `there already` (the same segment, which verifies), `not whole` or `does
    not verify`, with the `problem`; `remarks` name what lies over locked versions.

    Raises:
        Absent: there is no copy in the bucket at all.
        ConfigError: another segment of a month is in `folder`.
        SourceError, SecretMissing: the bucket could not be read.
        StorageFull: no space; what was fetched stays, and the next run goes on.
    """
    copies = Copies(settings)
    tell(f"listing {copies.where} …")
    listed = copies.listed()
    if not listed:
        raise Absent(f"{copies.where} holds no segment", remedy="correct bucket and prefix in [ledger.segments_bucket]")
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for month in sorted({copy.month for copy in listed}):
            tell(f"fetching {month} …")
            rows.append(_month(copies, [copy for copy in listed if copy.month == month], folder / month, check))
        return rows


def _month(copies: Copies, listed: list[Listed], place: Path, check: Check) -> dict[str, Any]:
    """One month; of several segments that verify, the one that was sealed last."""
    row: dict[str, Any] = {"month": place.name, "state": "not whole", "folder": None, "problem": None, "remarks": []}
    best: tuple[datetime, Path] | None = None
    for copy in listed:
        if over := len(copy.markers) + sum(len(versions) - 1 for versions in copy.versions.values()):
            where = copies.place(copy.month, copy.digest)
            row["remarks"].append(f"{where}: {over} delete markers or other versions; the locked ones were read")
        fresh = place.with_name(f".{place.name}.{copy.digest}.fetched")
        try:
            sealed = _fetched(copies, copy, fresh, check)
        except (Absent, Malformed, IntegrityError) as error:
            row["state"] = "does not verify" if isinstance(error, IntegrityError) else "not whole"
            row["problem"] = error.message
            _remove(fresh)
            continue
        worse = best[1] if best and best[0] < sealed else fresh if best else None
        if worse:
            _remove(worse)
        best = best if worse == fresh and best else (sealed, fresh)
    if best:
        row.update(state=_home(best[1], place, check), folder=str(place), problem=None)
    return row


def _fetched(copies: Copies, copy: Listed, fresh: Path, check: Check) -> datetime:
    """Read a copy into `fresh`; when it was sealed."""
    _remove(fresh)
    fresh.mkdir(mode=0o700)
    copies.get(copy.month, copy.digest, fresh, check)
    manifest = manifest_of(fresh)
    if manifest["month"] != copy.month:
        where = copies.place(copy.month, copy.digest)
        raise IntegrityError(f"{where} is a segment of {manifest['month']}", remedy="find out who put it there")
    return datetime.fromisoformat(manifest["created_at"])


def _home(fresh: Path, place: Path, check: Check) -> str:
    """Give a fetched segment its name, unless it is there already."""
    if not place.exists():
        for path in fresh.iterdir():
            path.chmod(0o444)
        fresh.chmod(0o555)
        fresh.rename(place)
        sync_folder(place.parent)
        return "fetched"
    same = (fresh / "manifest.json").read_bytes() == (place / "manifest.json").read_bytes()
    _remove(fresh)
    if not same:
        raise ConfigError(
            f"{place} is another segment than the one in the bucket", remedy="fetch into an empty folder and compare"
        )
    check(place)
    return "there already"
