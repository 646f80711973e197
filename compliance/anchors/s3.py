"""An S3 bucket with Object Lock in compliance mode: what is put there cannot be changed or deleted before its day.

Object Lock protects versions, not names: a delete marker or a newer version hides a locked one from plain reading. So
all versions are listed, and each is read by its id.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Self

from pydantic import Field

from compliance.anchors import remote
from compliance.anchors.interface import Anchor, AnchorSettings, Held, Kept, Place, Unread
from compliance.anchors.note import LARGEST, NAME, head, named, same
from compliance.schemas.errors import (
    Absent,
    Denied,
    Malformed,
    NotKept,
    RateLimited,
    SourceError,
    TimedOut,
    Unreachable,
)
from compliance.schemas.secrets import SecretRef

_READERS = 8  # versions read at once
_SLACK = timedelta(minutes=5)  # between the server's clock and ours


class S3Settings(AnchorSettings):
    """A bucket. Without keys, those that the machine's role or environment gives are used."""

    bucket: str = Field(min_length=3, max_length=255)
    prefix: str = Field(default="", pattern=r"^([^/\s][^\s]*/)?$", description="Ends in a slash.")
    region: str | None = None
    endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s@]+$", description="For other servers than AWS.")
    access_key_id: SecretRef | None = None
    secret_access_key: SecretRef | None = None
    retain_days: int = Field(default=2922, ge=1, le=36500, description="Eight years: seven and the current one.")


@dataclass(frozen=True, slots=True)
class _Version:
    key: str
    id: str
    at: datetime


class S3(Anchor):
    """A bucket and a prefix."""

    name: ClassVar[str] = "s3"
    Settings: ClassVar[type[AnchorSettings]] = S3Settings

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings

    @classmethod
    def of(cls, settings: AnchorSettings, place: Place) -> Self:
        """The bucket named in the settings."""
        assert isinstance(settings, S3Settings)
        return cls(settings)

    @property
    def where(self) -> str:
        """The bucket, and the server when it is not AWS."""
        server = f" at {self._settings.endpoint}" if self._settings.endpoint else ""
        return f"s3://{self._settings.bucket}/{self._settings.prefix}{server}"

    def put(self, note: str) -> None:
        """Put one locked object, and look at the lock it got: a bucket that only says yes is no anchor."""
        key = self._settings.prefix + head(note).name
        until = datetime.now(UTC) + timedelta(days=self._settings.retain_days)
        with self._answering():
            try:
                made = self._client.put_object(
                    Bucket=self._settings.bucket,
                    Key=key,
                    Body=note.encode(),
                    IfNoneMatch="*",
                    ContentType="text/plain; charset=utf-8",
                    ChecksumAlgorithm="SHA256",
                    ObjectLockMode="COMPLIANCE",
                    ObjectLockRetainUntilDate=until,
                )
            except self._errors.ClientError as error:
                if _code(error) not in ("PreconditionFailed", "412", "ConditionalRequestConflict"):
                    raise
                return self._already(key, note)
            version = made.get("VersionId")
            if not version:
                raise self._not_kept("the bucket keeps no versions")
            found = self._client.head_object(Bucket=self._settings.bucket, Key=key, VersionId=version)
            self._locked(found, until)
        return None

    def notes(self) -> Held:
        """Every version of every copy that is locked. A version without a lock is not one that is kept."""
        with self._answering():
            versions, markers = self._list()
            with ThreadPoolExecutor(_READERS) as pool:
                read = list(pool.map(self._read, versions))
        locked = {(v.key, r.note) for v, r in zip(versions, read, strict=True) if isinstance(r, Kept)}
        bad: list[Unread] = []
        remarks = [
            f"{key}: {self._settings.bucket} has a delete marker over it since {at:%Y-%m-%d %H:%M} UTC; the "
            "locked copy was read"
            for key, at in markers
        ]
        for version, item in zip(versions, read, strict=True):
            if isinstance(item, Unread):
                bad.append(item)
            elif isinstance(item, str):  # the content of a version without a lock
                where = f"{version.key}, version {version.id}"
                if (version.key, item) in locked:
                    remarks.append(f"{where} is not locked; a locked version says the same")
                else:
                    bad.append(Unread(where, NotKept.cause, "this version is not locked in compliance mode", _LOCK))
        return Held(tuple(r for r in read if isinstance(r, Kept)), tuple(bad), tuple(remarks))

    def same_machine(self, device: int | None) -> str | None:
        """A server at a loopback address shares the ledger's fate."""
        return remote.loopback(self._settings.endpoint) if self._settings.endpoint else None

    # -- the bucket ----------------------------------------------------------------------------------------------------

    @cached_property
    def _errors(self) -> Any:
        import botocore.exceptions

        return botocore.exceptions

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        wait = self._settings.timeout_s
        config = Config(
            connect_timeout=wait,
            read_timeout=wait,
            retries={"total_max_attempts": 2, "mode": "standard"},
            max_pool_connections=_READERS,
            signature_version="s3v4",
            s3={"addressing_style": "path" if self._settings.endpoint else "auto"},
        )
        key, secret = self._settings.access_key_id, self._settings.secret_access_key
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self._settings.endpoint,
            region_name=self._settings.region or ("us-east-1" if self._settings.endpoint else None),
            aws_access_key_id=key.resolve() if key else None,
            aws_secret_access_key=secret.resolve() if secret else None,
            config=config,
        )

    def _list(self) -> tuple[list[_Version], list[tuple[str, datetime]]]:
        """Versions and delete markers below the prefix whose name is that of a copy."""
        versions: list[_Version] = []
        markers: list[tuple[str, datetime]] = []
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._settings.bucket, Prefix=self._settings.prefix):
            for item in page.get("Versions", ()):
                if self._ours(item["Key"]):
                    versions.append(_Version(item["Key"], item["VersionId"], item["LastModified"].astimezone(UTC)))
            for item in page.get("DeleteMarkers", ()):
                if self._ours(item["Key"]):
                    markers.append((item["Key"], item["LastModified"].astimezone(UTC)))
        return versions, markers

    def _ours(self, key: str) -> bool:
        return bool(NAME.fullmatch(key.removeprefix(self._settings.prefix)))

    def _read(self, version: _Version) -> Kept | Unread | str:
        """One version: a locked copy, something wrong, or the text of one without a lock."""
        where = f"{version.key}, version {version.id}"
        try:
            with self._answering():
                found = self._client.get_object(Bucket=self._settings.bucket, Key=version.key, VersionId=version.id)
                content = found["Body"].read(LARGEST + 1)
            if len(content) > LARGEST:
                raise Malformed(f"it has more than {LARGEST} bytes", remedy="find out who put it there")
            note = named(content, version.key.removeprefix(self._settings.prefix))
        except (Malformed, Absent) as error:
            return Unread(where, error.cause, error.message, error.remedy or "")
        if found.get("ObjectLockMode") != "COMPLIANCE":
            return note
        return Kept(where, note, version.at)

    def _already(self, key: str, note: str) -> None:
        """A copy of that name is there: a locked version must say the same."""
        versions, _ = self._list()
        for version in versions:
            if version.key == key:
                found = self._client.get_object(Bucket=self._settings.bucket, Key=key, VersionId=version.id)
                content = found["Body"].read(LARGEST + 1)
                if found.get("ObjectLockMode") == "COMPLIANCE":
                    return same(content, note, f"{key} in {self.where}")
        raise self._not_kept(f"{key} is there already, and not locked")

    def _locked(self, found: Any, until: datetime) -> None:
        mode, kept = found.get("ObjectLockMode"), found.get("ObjectLockRetainUntilDate")
        if mode != "COMPLIANCE":
            raise self._not_kept(f"the copy has the lock mode {mode}" if mode else "the copy has no lock")
        if kept is None or kept < until - _SLACK:
            raise self._not_kept(f"the copy is locked until {kept}, not until {until:%Y-%m-%d}")

    def _not_kept(self, why: str) -> NotKept:
        return NotKept(f"{self.where} does not keep what is put there: {why}", remedy=_LOCK)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turns what boto3 raises into errors with cause and remedy."""
        from botocore.parsers import ResponseParserError

        failed = self._errors
        try:
            yield
        except failed.ClientError as error:
            raise self._refusal(error) from error
        except (failed.ConnectTimeoutError, failed.ReadTimeoutError) as error:
            raise TimedOut(
                f"{self.where} did not answer within {self._settings.timeout_s} s", remedy="raise timeout_s, or wait"
            ) from error
        except failed.NoCredentialsError as error:
            raise Denied(
                f"{self.where}: no keys were found", remedy="set access_key_id and secret_access_key, or give a role"
            ) from error
        except ResponseParserError as error:
            raise Malformed(f"{self.where} does not answer as S3 does", remedy="correct endpoint") from error
        except failed.BotoCoreError as error:
            raise Unreachable(f"{self.where}: {error}", remedy="open the way to it, or correct endpoint") from error

    def _refusal(self, error: Any) -> SourceError:
        code = _code(error)
        said = f"{self.where}: {code}: {error.response.get('Error', {}).get('Message', '')}".rstrip(": ")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in ("InvalidRequest", "ObjectLockConfigurationNotFoundError", "InvalidBucketState"):
            return NotKept(f"{said} (it does not keep what is put there)", remedy=_LOCK)
        if code in ("NoSuchBucket", "NoSuchKey", "NoSuchVersion", "404"):
            return Absent(said, remedy="make the bucket with Object Lock, or correct its name")
        if code in ("SlowDown", "TooManyRequests", "RequestLimitExceeded") or status == 429:
            return RateLimited(said, remedy='anchor less often: every = "1h"')
        if status in (401, 403):
            return Denied(said, remedy="give the key the rights in docs/anchors.md, and check that it is the right one")
        if status >= 500:
            return Unreachable(said, remedy="wait, or ask who runs the server")
        return Malformed(said, remedy="compare the bucket's set-up with docs/anchors.md")


_LOCK = "make a bucket with Object Lock enabled (it includes versioning) and let the key see retention: docs/anchors.md"


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
