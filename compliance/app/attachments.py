"""Documents that manual evidence rests on: a copy of each beside the ledger, named by its SHA-256.

The ledger holds digest, name and size, never the document: it may have to be destroyed before the ledger may. A copy
that is gone is therefore something that cannot be checked any more; one that is there with another content is broken.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from compliance.ledger.note import sync_folder
from compliance.schemas.errors import ConfigError, IntegrityError, LedgerError, StorageFull

_PIECE = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Kept:
    """A document as it was kept: its digest and size."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a check of the copies gave: how many are as recorded, and the digests of those that are not there any more
    or have another content."""

    held: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]


def keep(folder: Path, document: Path) -> Kept:
    """Copy `document` into the store; it is there, read-only and on the disk, when this returns.

    The digest is that of the bytes copied. One that is there already with this content is left.

    Raises:
        ConfigError: the document cannot be read.
        IntegrityError: the store holds something else under its digest.
        StorageFull: it cannot be written.
    """
    try:
        source = document.open("rb")
    except OSError as error:
        raise ConfigError(f"{document}: cannot be read: {error.strerror}", remedy="check the path") from error
    with source:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=".new-", dir=folder)
        except OSError as error:
            raise StorageFull(f"{folder}: {error.strerror}", remedy="free space, or mend the rights") from error
        partial = Path(name)
        try:
            digest, size = hashlib.sha256(), 0
            with open(descriptor, "wb") as copy:
                while piece := source.read(_PIECE):
                    digest.update(piece)
                    size += copy.write(piece)
                copy.flush()
                os.fchmod(copy.fileno(), 0o400)
                os.fsync(copy.fileno())
            kept = Kept(digest.hexdigest(), size)
            if not _there(folder / kept.sha256, kept.sha256):
                os.rename(partial, folder / kept.sha256)
                sync_folder(folder)
        except OSError as error:
            raise StorageFull(
                f"{document} cannot be kept in {folder}: {error.strerror}", remedy="free space"
            ) from error
        finally:
            partial.unlink(missing_ok=True)
    return kept


def _there(path: Path, sha256: str) -> bool:
    """The copy is there already. Raises IntegrityError when it has another content."""
    if not path.exists():
        return False
    read(path.parent, sha256)
    return True


def read(folder: Path, sha256: str) -> bytes:
    """The document of that digest.

    Raises:
        LedgerError: it is not there, or cannot be read.
        IntegrityError: what is there has another digest.
    """
    path = _path(folder, sha256)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LedgerError(
            f"the attachment {path} cannot be read: {error.strerror}",
            remedy="bring it back from a backup, or from whoever holds the document",
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise IntegrityError(
            f"the attachment {path} is not the document that was recorded",
            remedy="keep it as it is, find out who changed it, and bring back the document from a backup",
        )
    return content


def examine(folder: Path, recorded: Mapping[str, int]) -> Found:
    """Compare every copy that was kept (digest → size) with what was recorded."""
    held, missing, changed = 0, [], []
    for sha256 in sorted(recorded):
        try:
            with _path(folder, sha256).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            missing.append(sha256)
            continue
        if found == sha256:
            held += 1
        else:
            changed.append(sha256)
    return Found(held, tuple(missing), tuple(changed))


def recorded(records: Iterable[Mapping[str, object]]) -> dict[str, int]:
    """Digest → size of the documents that these attestations (their records) keep a copy of."""
    found = {}
    for record in records:
        sha256, size = record.get("document_sha256"), record.get("document_bytes")
        if isinstance(sha256, str) and isinstance(size, int):
            found[sha256] = size
    return found


def _path(folder: Path, sha256: str) -> Path:
    if not _DIGEST.match(sha256):
        raise IntegrityError("an attestation names a document by something other than a SHA-256")
    return folder / sha256
