"""Checkpoints in an S3 bucket with Object Lock (see `bucket`)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from pydantic import Field

from compliance.anchors import remote
from compliance.anchors.bucket import LOCK, READERS, Bucket, BucketSettings, Taken, Version, unlocked
from compliance.anchors.interface import Anchor, AnchorSettings, Held, Kept, Place, Unread
from compliance.anchors.note import LARGEST, NAME, head, named, same
from compliance.schemas.errors import Absent, Malformed, NotKept


class S3Settings(BucketSettings):
    """A bucket, and for how long."""

    retain_days: int = Field(default=2922, ge=1, le=36500, description="Eight years: seven and the current one.")


class S3(Anchor):
    """A bucket and a prefix."""

    name: ClassVar[str] = "s3"
    Settings: ClassVar[type[AnchorSettings]] = S3Settings

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._bucket = Bucket(settings)

    @classmethod
    def of(cls, settings: AnchorSettings, place: Place) -> Self:
        """The bucket named in the settings."""
        assert isinstance(settings, S3Settings)
        return cls(settings)

    @property
    def where(self) -> str:
        """The bucket, and the server when it is not AWS."""
        return self._bucket.where

    def put(self, note: str) -> None:
        """Put one locked object, and look at the lock it got: a bucket that only says yes is no anchor."""
        key = head(note).name
        until = datetime.now(UTC) + timedelta(days=self._settings.retain_days)
        try:
            self._bucket.put(key, note.encode(), until, "text/plain; charset=utf-8", new=True)
        except Taken:
            self._already(key, note)

    def notes(self) -> Held:
        """Every version of every copy that is locked. A version without a lock is not one that is kept."""
        found, markers = self._bucket.versions()
        versions = [version for version in found if NAME.fullmatch(version.key)]
        with ThreadPoolExecutor(READERS) as pool:
            read = list(pool.map(self._read, versions))
        locked = {(v.key, r.note) for v, r in zip(versions, read, strict=True) if isinstance(r, Kept)}
        bad: list[Unread] = []
        remarks = [
            f"{marker.key}: {self._bucket.name} has a delete marker over it since {marker.at:%Y-%m-%d %H:%M} UTC; the "
            "locked copy was read"
            for marker in markers
            if NAME.fullmatch(marker.key)
        ]
        for version, item in zip(versions, read, strict=True):
            if isinstance(item, Unread):
                bad.append(item)
            elif isinstance(item, str):  # the content of a version without a lock
                if (version.key, item) in locked:
                    remarks.append(f"{version} is not locked; a locked version says the same")
                else:
                    why = "this version is not locked in compliance mode"
                    bad.append(Unread(str(version), NotKept.cause, why, LOCK))
        return Held(tuple(r for r in read if isinstance(r, Kept)), tuple(bad), tuple(remarks))

    def same_machine(self, device: int | None) -> str | None:
        """A server at a loopback address shares the ledger's fate."""
        return remote.loopback(self._settings.endpoint) if self._settings.endpoint else None

    def _read(self, version: Version) -> Kept | Unread | str:
        """One version: a locked copy, something wrong, or the text of one without a lock."""
        try:
            with self._bucket.answering():
                found = self._bucket.get(version.key, version.id)
                content = found["Body"].read(LARGEST + 1)
            if len(content) > LARGEST:
                raise Malformed(f"it has more than {LARGEST} bytes", remedy="find out who put it there")
            note = named(content, version.key)
        except (Malformed, Absent) as error:
            return Unread(str(version), error.cause, error.message, error.remedy or "")
        if unlocked(found):
            return note
        return Kept(str(version), note, version.at)

    def _already(self, key: str, note: str) -> None:
        """A copy of that name is there: a locked version must say the same."""
        versions, _ = self._bucket.versions(key)
        for version in versions:
            if version.key == key:
                with self._bucket.answering():
                    found = self._bucket.get(key, version.id)
                    content = found["Body"].read(LARGEST + 1)
                if not unlocked(found):
                    return same(content, note, self._bucket.place(key))
        raise self._bucket.not_kept(f"{key} is there already, and not locked")
