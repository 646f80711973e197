"""A register's file as it lies there: read once and whole, with who may change it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from compliance.collectors.files import account, os_error
from compliance.collectors.registers.forms import SHEETS
from compliance.collectors.registers.settings import FORMS, SPREADSHEETS
from compliance.collectors.registers.sheet import Sheet
from compliance.schemas.errors import Absent, Malformed, Truncated

TRIES = 3


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """What was read of a file: its bytes, and what the file system says of it."""

    path: Path
    content: bytes
    sha256: str
    modified_at: datetime
    owner: str
    mode: str
    others_may_write: bool
    reader_may_write: bool


def place_of(folder: Path, kind: str) -> Path:
    """The file of a kind in a folder: the one named after it.

    Raises:
        Absent: there is none; an empty register is a file with a header, never no file.
        Malformed: there are several, in other forms.
        Denied: the folder may not be looked into.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise os_error(str(folder), error) from error
    found = [name for name in names if Path(name).stem == kind and Path(name).suffix.lower() in FORMS]
    if len(found) > 1:
        raise Malformed(
            f"{folder} holds more than one register of {kind}: {', '.join(found)}",
            remedy="keep one of them, or name it with `file`",
        )
    if not found:
        other = [name for name in names if Path(name).stem == kind and Path(name).suffix.lower() in SPREADSHEETS]
        if other:
            raise Absent(
                f"{folder} holds {kind} only as a spreadsheet", remedy=f"save {other[0]} as CSV UTF-8 beside it"
            )
        raise Absent(
            f"{folder} holds no register of {kind}",
            remedy=f"keep it as {kind}.csv (`compliance registers init` writes one with its header), or name its file",
        )
    return folder / found[0]


def read(path: Path, max_bytes: int) -> RegisterFile:
    """The file at `path`, whole and as it was at one moment.

    Raises:
        Absent, Denied, Malformed: it cannot be read, or is no regular file.
        Truncated: it is larger than `max_bytes`, or changes each time it is read.
    """
    for _ in range(TRIES):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not be waited for
            with open(descriptor, "rb") as file:
                before = os.fstat(descriptor)
                if not stat.S_ISREG(before.st_mode):
                    raise Malformed(f"{path} is no regular file", remedy="name the register's file itself")
                if before.st_size > max_bytes:
                    raise Truncated(
                        f"{path} has {before.st_size} bytes, and at most {max_bytes} are read",
                        remedy="raise max_bytes, or split what is no longer needed off the register",
                    )
                content = file.read(max_bytes + 1)
                after = os.fstat(descriptor)
            there = os.stat(path)
        except OSError as error:
            raise os_error(str(path), error) from error
        if len(content) == before.st_size and _state(before) == _state(after) == _state(there):
            return RegisterFile(
                path=path,
                content=content,
                sha256=hashlib.sha256(content).hexdigest(),
                modified_at=datetime.fromtimestamp(before.st_mtime, UTC),
                owner=account(before.st_uid),
                mode=f"{stat.S_IMODE(before.st_mode):04o}",
                others_may_write=_others_may_write(path, before),
                reader_may_write=os.access(path, os.W_OK, effective_ids=True),
            )
    raise Truncated(f"{path} changed while it was read", remedy="collect when nobody is saving it")


def sheet_of(file: RegisterFile) -> Sheet:
    """The rows of a file, by the form that its ending says. Raises Unreadable with lines."""
    return SHEETS[FORMS[file.path.suffix.lower()]](file.content, file.path.name)


def _state(found: os.stat_result) -> tuple[int, int, int, int, int]:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _others_may_write(path: Path, found: os.stat_result) -> bool:
    """Whether an account other than the file's owner and root may change the file, or put another in its place.

    By permission bits: what an access control list grants to others appears in those of the group.
    """
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return True
    folder = os.stat(path.resolve().parent)
    if folder.st_uid not in (0, found.st_uid):
        return True
    return bool(folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH)) and not folder.st_mode & stat.S_ISVTX
