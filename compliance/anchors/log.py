"""A file of notes that is only ever appended to: one line of JSON per checkpoint, as in the lock store's history.

It can be given the append-only attribute (`chattr +a`), so nothing in it is ever cut: a line that a crash tore stays,
and the line after it says `"torn":true`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

import orjson

from compliance.anchors import files
from compliance.anchors.interface import Anchor, AnchorSettings, Held, Kept, Place, Unread
from compliance.anchors.note import KEEP, head
from compliance.schemas.errors import Malformed, SourceError


class LogSettings(AnchorSettings):
    """A file in a directory that exists."""

    path: Path


class Log(Anchor):
    """An append-only file."""

    name: ClassVar[str] = "log"
    Settings: ClassVar[type[AnchorSettings]] = LogSettings

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, settings: AnchorSettings, place: Place) -> Self:
        """The file named in the settings."""
        assert isinstance(settings, LogSettings)
        return cls(place.path(settings.path))

    @property
    def where(self) -> str:
        """Its path."""
        return str(self.path)

    def put(self, note: str) -> None:
        """Append one line, durably, unless the newest says the same."""
        wanted = head(note)
        with files.answering(self.path):
            fresh = not self.path.exists()
            torn = False
            if not fresh:
                lines = self.path.read_bytes().split(b"\n")
                torn = lines[-1] != b""
                if any(_says(line, wanted.name) for line in lines[:-1][-1:]):
                    return
            line: dict[str, Any] = {"at": _now(), "note": note, **({"torn": True} if torn else {})}
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                view = memoryview((b"\n" if torn else b"") + orjson.dumps(line) + b"\n")
                while view:
                    view = view[os.write(handle, view) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            if fresh:
                files.sync(self.path.parent)

    def notes(self) -> Held:
        """Every whole line; a torn last one was never acknowledged. No file yet in a directory that exists: nothing."""
        with files.answering(self.path):
            if not self.path.exists() and self.path.parent.is_dir():
                return Held()
            lines = self.path.read_bytes().split(b"\n")[:-1]
        kept: list[Kept] = []
        bad: list[Unread] = []
        for number, line in enumerate(lines, 1):
            where = f"{self.path}:{number}"
            try:
                kept.append(_kept(where, line))
            except SourceError as error:
                if not (number < len(lines) and _after_a_tear(lines[number])):
                    bad.append(files.unread(where, error))
        return Held(tuple(kept), tuple(bad))

    def same_machine(self, device: int | None) -> str | None:
        """A file on the ledger's own file system is rolled back with it."""
        return files.shared(self.path.parent, device, str(self.path))


def _kept(where: str, line: bytes) -> Kept:
    try:
        found = orjson.loads(line)
        note, at = found["note"], found["at"]
        if not isinstance(note, str):
            raise TypeError
        moment = datetime.fromisoformat(at)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise Malformed("it is not a line of a checkpoint log", remedy=KEEP) from None
    head(note)
    return Kept(where, note, moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _says(line: bytes, name: str) -> bool:
    try:
        return head(_kept("", line).note).name == name
    except Malformed:
        return False


def _after_a_tear(line: bytes) -> bool:
    try:
        return orjson.loads(line).get("torn") is True
    except (orjson.JSONDecodeError, AttributeError):
        return False


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
