"""A directory, best on another machine's mount: one new file per checkpoint, never replaced."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

from compliance.anchors import files
from compliance.anchors.interface import Anchor, AnchorSettings, Held, Kept, Place, Unread
from compliance.anchors.note import NAME, head, named, same
from compliance.schemas.errors import SourceError


class FolderSettings(AnchorSettings):
    """A directory that exists: it is not made, so that a mount that is missing is noticed."""

    path: Path


class Folder(Anchor):
    """A directory of notes."""

    name: ClassVar[str] = "folder"
    Settings: ClassVar[type[AnchorSettings]] = FolderSettings

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, settings: AnchorSettings, place: Place) -> Self:
        """The directory named in the settings."""
        assert isinstance(settings, FolderSettings)
        return cls(place.path(settings.path))

    @property
    def where(self) -> str:
        """Its path."""
        return str(self.path)

    def put(self, note: str) -> None:
        """Write one new file; what is there already under its name must say the same."""
        path = self.path / head(note).name
        with files.answering(self.path):
            try:
                files.write_new(path, note.encode())
            except FileExistsError:
                same(files.read_small(path), note, str(path))

    def notes(self) -> Held:
        """Every file whose name is that of a copy, by size."""
        kept: list[Kept] = []
        bad: list[Unread] = []
        with files.answering(self.path):
            names = sorted(entry.name for entry in self.path.iterdir() if NAME.fullmatch(entry.name))
        for name in names:
            path = self.path / name
            try:
                kept.append(Kept(str(path), named(files.read_small(path), name), files.modified(path)))
            except (SourceError, OSError) as error:
                bad.append(files.unread(str(path), error))
        return Held(tuple(kept), tuple(bad))

    def same_machine(self, device: int | None) -> str | None:
        """A directory on the ledger's own file system is rolled back with it."""
        return files.shared(self.path, device, str(self.path))
