"""An S3 bucket with Object Lock in compliance mode: what is put there cannot be changed or deleted before its day.

Object Lock protects versions, not names: a delete marker or a newer version hides a locked one from plain reading. So
all versions are listed, and each is read by its id. What is put is looked at again: a bucket that only says yes keeps
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, BinaryIO

from pydantic import Field

from compliance.anchors.interface import AnchorSettings
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

READERS = 8  # versions read at once
_SLACK = timedelta(minutes=5)  # between the server's clock and ours


class BucketSettings(AnchorSettings):
    """A bucket. Without keys, those that the machine's role or environment gives are used."""

    bucket: str = Field(min_length=3, max_length=255)
    prefix: str = Field(default="", pattern=r"^([^/\s][^\s]*/)?$", description="Ends in a slash.")
    region: str | None = None
    endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s@]+$", description="For other servers than AWS.")
    access_key_id: SecretRef | None = None
    secret_access_key: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one object; `key` is without the prefix, `at` is when the server got it."""

    key: str
    id: str
    at: datetime
    size: int

    def __str__(self) -> str:
        return f"{self.key}, version {self.id}"


@dataclass(frozen=True, slots=True)
class Marker:
    """A delete marker over an object: plain reading does not see it since `at`."""

    key: str
    at: datetime


class Taken(Exception):
    """An object of this name is there already."""


class Bucket:
    """A bucket and a prefix. Keys are given and returned without the prefix."""

    def __init__(self, settings: BucketSettings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """The bucket's name."""
        return self._settings.bucket

    @property
    def where(self) -> str:
        """The bucket, and the server when it is not AWS."""
        return self.place("")

    def place(self, key: str) -> str:
        """As `where`, of one object or of all that begin with `key`."""
        server = f" at {self._settings.endpoint}" if self._settings.endpoint else ""
        return f"s3://{self._settings.bucket}/{self._settings.prefix}{key}{server}"

    def put(self, key: str, content: bytes | BinaryIO, until: datetime, media: str, *, new: bool = False) -> str:
        """Put one locked object; gives the id of its version once the lock it got was looked at.

        Raises:
            Taken: `new` is set, and there is one of this name.
            NotKept: the bucket took it and would let it be changed or deleted.
            SourceError, SecretMissing: it was not put.
        """
        name = self._settings.prefix + key
        with self.answering():
            try:
                made = self.client.put_object(
                    Bucket=self._settings.bucket,
                    Key=name,
                    Body=content,
                    **({"IfNoneMatch": "*"} if new else {}),
                    ContentType=media,
                    ChecksumAlgorithm="SHA256",
                    ObjectLockMode="COMPLIANCE",
                    ObjectLockRetainUntilDate=until,
                )
            except self._errors.ClientError as error:
                if new and _code(error) in ("PreconditionFailed", "412", "ConditionalRequestConflict"):
                    raise Taken(key) from error
                raise
            version = made.get("VersionId")
            if not version:
                raise self.not_kept("the bucket keeps no versions")
            found = self.client.head_object(Bucket=self._settings.bucket, Key=name, VersionId=version)
            if why := unlocked(found, until):
                raise self.not_kept(why)
            return str(version)

    def versions(self, below: str = "") -> tuple[list[Version], list[Marker]]:
        """All versions and delete markers of names that begin with `below`. Raises as `put`."""
        versions: list[Version] = []
        markers: list[Marker] = []
        skip = len(self._settings.prefix)
        with self.answering():
            pages = self.client.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self._settings.bucket, Prefix=self._settings.prefix + below):
                for item in page.get("Versions", ()):
                    at = item["LastModified"].astimezone(UTC)
                    versions.append(Version(item["Key"][skip:], item["VersionId"], at, item["Size"]))
                for item in page.get("DeleteMarkers", ()):
                    markers.append(Marker(item["Key"][skip:], item["LastModified"].astimezone(UTC)))
        return versions, markers

    def get(self, key: str, version: str) -> Any:
        """The server's answer for one version: its lock, and `Body` to be read inside `answering`."""
        return self.client.get_object(Bucket=self._settings.bucket, Key=self._settings.prefix + key, VersionId=version)

    def not_kept(self, why: str) -> NotKept:
        """The error of a bucket that does not keep what it takes."""
        return NotKept(f"{self.where} does not keep what is put there: {why}", remedy=LOCK)

    # -- the client ----------------------------------------------------------------------------------------------------

    @cached_property
    def _errors(self) -> Any:
        import botocore.exceptions

        return botocore.exceptions

    @cached_property
    def client(self) -> Any:
        """The client of boto3; secrets are resolved when it is first used."""
        import boto3
        from botocore.config import Config

        wait = self._settings.timeout_s
        config = Config(
            connect_timeout=wait,
            read_timeout=wait,
            retries={"total_max_attempts": 2, "mode": "standard"},
            max_pool_connections=READERS,
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

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turns what boto3 raises into errors with cause and remedy."""
        from botocore.parsers import ResponseParserError

        failed = self._errors
        try:
            yield
        except failed.ClientError as error:
            raise self._refusal(error) from error
        except failed.FlexibleChecksumError as error:
            raise Malformed(f"{self.where}: what came is not what was put: {error}", remedy=CHANGED) from error
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
            return NotKept(f"{said} (it does not keep what is put there)", remedy=LOCK)
        if code in ("NoSuchBucket", "NoSuchKey", "NoSuchVersion", "404"):
            return Absent(said, remedy="make the bucket with Object Lock, or correct its name")
        if code in ("SlowDown", "TooManyRequests", "RequestLimitExceeded") or status == 429:
            return RateLimited(said, remedy='ask it less often; for an anchor: every = "1h"')
        if status in (401, 403):
            return Denied(said, remedy="give the key the rights in docs/anchors.md, and check that it is the right one")
        if status >= 500:
            return Unreachable(said, remedy="wait, or ask who runs the server")
        return Malformed(said, remedy="compare the bucket's set-up with docs/anchors.md")


LOCK = "make a bucket with Object Lock enabled (it includes versioning) and let the key see retention: docs/anchors.md"
CHANGED = "try again; if it stays so, find out what changes it: the server, or something on the way to it"


def unlocked(found: Any, until: datetime | None = None) -> str | None:
    """What is wrong with the lock in a server's answer; None when it is one in compliance mode that lasts `until`."""
    mode, kept = found.get("ObjectLockMode"), found.get("ObjectLockRetainUntilDate")
    if mode != "COMPLIANCE":
        return f"the copy has the lock mode {mode}" if mode else "the copy has no lock"
    if until is not None and (kept is None or kept < until - _SLACK):
        return f"the copy is locked until {kept}, not until {until:%Y-%m-%d}"
    return None


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
