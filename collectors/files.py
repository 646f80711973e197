"""One configuration file as it lies there: its digest and attributes, and the error of ours where it cannot be read."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from compliance.schemas.errors import Absent, Denied, Malformed, SourceError
from compliance.schemas.kinds.host import ConfigFile


@dataclass(frozen=True, slots=True)
class FileRead:
    """One file that was read, with what the file system says of it."""

    path: str
    sha256: str
    size_bytes: int
    mode: str
    owner: str
    modified_at: datetime

    def row(self, component: str) -> ConfigFile:
        """The file as evidence."""
        return ConfigFile(
            component=component,
            path=self.path,
            sha256=self.sha256,
            size_bytes=self.size_bytes,
            mode=self.mode,
            owner=self.owner,
            modified_at=self.modified_at,
        )


def fetch_file(path: str) -> FileRead:
    """Digest and attributes of one file. Raises Absent, Denied or Malformed naming it."""
    return fetch_content(path)[0]


def fetch_content(path: str) -> tuple[FileRead, bytes]:
    """The same with its content, from one reading."""
    try:
        with open(path, "rb") as handle:
            content = handle.read()
            found = os.fstat(handle.fileno())
    except OSError as error:
        raise os_error(path, error) from error
    read = FileRead(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        mode=f"{stat.S_IMODE(found.st_mode):04o}",
        owner=account(found.st_uid),
        modified_at=datetime.fromtimestamp(found.st_mtime, UTC),
    )
    return read, content


def changed_at(path: str) -> datetime:
    """When the file, or a link on the way to it, last changed: its content, its permissions or its place.

    By ctime, which no copy or archive can set back. Raises Absent, Denied or Malformed naming it.
    """
    try:
        newest = os.stat(path).st_ctime
        for part in (Path(path), *Path(path).parents):
            if part.is_symlink():
                newest = max(newest, os.lstat(part).st_ctime)
    except OSError as error:
        raise os_error(path, error) from error
    return datetime.fromtimestamp(newest, UTC)


def account(uid: int) -> str:
    """Name of a system account; its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def os_error(path: str, error: OSError) -> SourceError:
    """The error of ours that stands for a file that could not be read."""
    if isinstance(error, PermissionError):
        return Denied(f"{path} may not be read by this account", remedy=f"give this account read access to {path}")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Absent(f"{path} does not exist", remedy=f"create {path} or name the right path")
    return Malformed(f"{path} cannot be read: {error}", remedy=f"make {path} a readable file")
