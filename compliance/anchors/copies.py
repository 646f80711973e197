"""Copies of sealed segments in a bucket under Object Lock. Layout: schemas/ledger.md §14.

The name of an object holds the digest of its segment's manifest, which holds the digests of the other files. So what a
version holds is known by its content, whatever was put over it later. Signatures are the caller's to check.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from pathlib import Path

import orjson

from compliance.anchors.bucket import CHANGED, LOCK, Bucket, BucketSettings, Marker, Version, unlocked
from compliance.schemas.errors import Absent, IntegrityError, Malformed, NotKept

Accept = Callable[[Path], None]  # raises IntegrityError unless the segment in this folder verifies
MANIFEST, NOTE = "manifest.json", "manifest.note"
PARTS = ("checkpoints.parquet", "entries.parquet", "personal.parquet", "tiles.parquet")
LARGEST = 5 * 2**30  # bytes that S3 takes in one request
_LARGEST_TEXT = 16 * 2**20  # bytes of a manifest or note
_KEY = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))/([0-9a-f]{64})/([a-z.]+)")
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Listed:
    """All versions of one copy's objects, oldest first, by file name; `markers` over them."""

    month: str
    digest: str
    versions: dict[str, list[Version]]
    markers: list[Marker]


class Copies:
    """The copies in one bucket, below one prefix."""

    def __init__(self, settings: BucketSettings) -> None:
        self._bucket = Bucket(settings)

    @property
    def where(self) -> str:
        """The bucket, and the server when it is not AWS."""
        return self._bucket.where

    def place(self, month: str, digest: str) -> str:
        """Where the segment with this manifest lies, or would lie."""
        return self._bucket.place(f"{month}/{digest}/")

    def listed(self, below: str = "") -> list[Listed]:
        """Every copy that has a version of some object, by month. Raises SourceError, SecretMissing."""
        versions, markers = self._bucket.versions(below)
        found: dict[tuple[str, str], Listed] = {}
        items: list[Version | Marker] = [*sorted(versions, key=lambda version: version.at), *markers]
        for item in items:
            if name := _KEY.fullmatch(item.key):
                copy = found.setdefault((name[1], name[2]), Listed(name[1], name[2], {}, []))
                if isinstance(item, Marker):
                    copy.markers.append(item)
                else:
                    copy.versions.setdefault(name[3], []).append(item)
        return [found[key] for key in sorted(found)]

    def put(self, folder: Path, month: str, digest: str, until: datetime, back: Path) -> None:
        """Lock every file of the segment in `folder` that is not locked `until` then; `back` gets what the bucket
        gives of each when its version is read by id.

        Raises:
            NotKept: the bucket does not enforce the lock.
            Malformed: what comes back is not what was put.
            SourceError, SecretMissing: it was not put.
        """
        listed = self._one(month, digest)
        for name in (*PARTS, NOTE, MANIFEST):  # the manifest last: without it there is no copy
            path = folder / name
            if path.stat().st_size > LARGEST:
                raise NotKept(
                    f"{path} has more than {LARGEST} bytes, the most that S3 takes at once",
                    remedy="copy it to a place that keeps what it gets, by other means",
                )
            with path.open("rb") as file:
                wanted = file_digest(file, "sha256").hexdigest()
                size = path.stat().st_size
                if self._first(listed.versions.get(name, ()), wanted, size, back / name, until):
                    continue
                file.seek(0)
                key = f"{month}/{digest}/{name}"
                version = self._bucket.put(key, file, until, "application/octet-stream")
            made = Version(key, version, datetime.now(UTC), size)
            if not self._first([made], wanted, size, back / name, until):
                raise Malformed(f"{self._bucket.place(key)}: what came back is not what was put", remedy=CHANGED)

    def get(self, month: str, digest: str, into: Path, accept: Accept, *, until: datetime | None = None) -> None:
        """Read a copy into the empty folder `into`: of each file the locked version that the manifest names.

        Versions without a lock in compliance mode (that lasts `until`) do not count. `accept` is given the folder.

        Raises:
            Absent: a file has no locked version with the content that it must have.
            IntegrityError: `accept` refuses it.
            SourceError, SecretMissing: it could not be read.
        """
        listed = self._one(month, digest)
        self._need(listed, MANIFEST, digest, None, into, until)
        files = _files(into / MANIFEST, listed)
        for name in PARTS:
            self._need(listed, name, *files[name], into, until)
        refused: IntegrityError | None = None
        for _ in self._notes(listed, digest, into / NOTE, until):  # anybody with the right to put can add others
            try:
                return accept(into)
            except IntegrityError as error:
                refused = error
        raise refused or self._missing(listed, NOTE, until)

    def _one(self, month: str, digest: str) -> Listed:
        found = self.listed(f"{month}/{digest}/")
        return found[0] if found else Listed(month, digest, {}, [])

    def _need(
        self, listed: Listed, name: str, digest: str, size: int | None, into: Path, until: datetime | None
    ) -> None:
        if not self._first(listed.versions.get(name, ()), digest, size, into / name, until):
            raise self._missing(listed, name, until)

    def _missing(self, listed: Listed, name: str, until: datetime | None) -> Absent:
        lasting = f" until {until:%Y-%m-%d}" if until else ""
        there = len(listed.versions.get(name, ()))
        return Absent(
            f"{self.place(listed.month, listed.digest)} has no version of {name} with the content that was sealed and "
            f"locked in compliance mode{lasting} (versions there: {there})",
            remedy="where the segment is at hand, `compliance ledger seal` locks it again; " + LOCK,
        )

    def _first(
        self, versions: Iterable[Version], digest: str, size: int | None, target: Path, until: datetime | None
    ) -> bool:
        """Write the first locked version with this content to `target`; False when there is none."""
        for version in versions:
            fits = version.size == size if size is not None else version.size <= _LARGEST_TEXT
            if fits and self._download(version, target, until) == digest:
                return True
        return False

    def _notes(self, listed: Listed, digest: str, target: Path, until: datetime | None) -> Iterator[None]:
        """Put one locked note after the other that is about this manifest at `target`."""
        for version in listed.versions.get(NOTE, ()):
            if version.size <= _LARGEST_TEXT and self._download(version, target, until):
                lines = target.read_bytes().split(b"\n")
                if len(lines) > 2 and lines[2] == digest.encode():
                    yield

    def _download(self, version: Version, target: Path, until: datetime | None) -> str | None:
        """The digest of what was written to `target`; None when the version is not locked."""
        digest = sha256()
        with self._bucket.answering():
            found = self._bucket.get(version.key, version.id)
            if unlocked(found, until):
                return None
            with target.open("wb") as file:
                left = version.size + 1
                while left > 0 and (piece := found["Body"].read(min(_PIECE, left))):
                    file.write(piece)
                    digest.update(piece)
                    left -= len(piece)
                file.flush()
                os.fsync(file.fileno())
        return digest.hexdigest()


def _files(path: Path, listed: Listed) -> dict[str, tuple[str, int]]:
    """Digest and size of each file by a manifest whose own digest is the one that was asked for."""
    try:
        stated = orjson.loads(path.read_bytes())["files"]
        return {name: (str(stated[name]["sha256"]), int(stated[name]["bytes"])) for name in PARTS}
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(
            f"the manifest {listed.digest} of {listed.month} is none of a segment: {error}",
            remedy="find out who put it there",
        ) from error
