"""New files that are never replaced, and what the operating system's refusals mean."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from compliance.anchors.interface import Unread
from compliance.anchors.note import LARGEST
from compliance.schemas.errors import Denied, Malformed, SourceError, Unreachable


@contextmanager
def answering(path: Path) -> Iterator[None]:
    """Turns an OSError about `path` into Denied, Unreachable or Malformed."""
    try:
        yield
    except PermissionError as error:
        raise Denied(f"{path}: {error.strerror}", remedy="let the engine's account make new files there") from error
    except OSError as error:
        if error.errno in (30,):  # EROFS
            raise Denied(
                f"{path}: {error.strerror}", remedy="mount it for writing, or find out why it is not"
            ) from error
        raise Unreachable(
            f"{path}: {error.strerror or error}", remedy="mount it, make the folder, or mend its path in [anchors]"
        ) from error


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, mode 0444, durably. Raises FileExistsError and what `open` raises."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o444)
    try:
        os.fchmod(handle, 0o444)
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make new names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_small(path: Path) -> bytes:
    """The content of a plain file. Raises Malformed for a link, a device or a file too large to be a note."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Malformed(f"it has more than {LARGEST} bytes", remedy="find out what it is; a checkpoint is small")
    return content


def modified(path: Path) -> datetime:
    """When a file was last written."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def unread(where: str, error: SourceError | OSError) -> Unread:
    """What could not be read, as a value."""
    if isinstance(error, SourceError):
        return Unread(where, error.cause, error.message, error.remedy or "")
    return Unread(where, "denied", str(error.strerror or error), "let the engine's account read it")


def shared(path: Path, device: int | None, what: str) -> str | None:
    """Why `path` shares the fate of a ledger on `device`; None when it lies on another file system."""
    try:
        found = path.stat().st_dev
    except OSError:
        return f"{what} cannot be reached, so its file system is not known"
    if device is None:
        return "the file system of the ledger is not known"
    return f"{what} lies on the same file system as the ledger" if found == device else None
