"""What every anchor does: take a copy of a checkpoint, and give back all the copies it holds.

An anchor that cannot be asked raises; a single copy that cannot be read is a value (`Unread`). Nothing turns either
into an empty list: an anchor that holds nothing says so by an empty `Held`, and only then.

Errors are those of `compliance.schemas.errors`: `Denied`, `Unreachable`, `TimedOut`, `Malformed`, and `NotKept` for a
place that took the copy and would let it be changed. Each has a remedy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field


class AnchorSettings(BaseModel):
    """Settings that every type has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_s: int = Field(default=10, ge=1, le=120, description="For one request to it.")


@dataclass(frozen=True, slots=True)
class Place:
    """What an adapter is given by the engine: a folder of its own for what it must remember, and where paths start."""

    state: Path
    base: Path

    def path(self, path: Path) -> Path:
        """`path` from the settings, absolute."""
        return (self.base / path.expanduser()).absolute()


@dataclass(frozen=True, slots=True)
class Kept:
    """One copy. `at` is when the anchor got it, by the anchor's own word; None where it has none. `token` is the time
    stamp over the note (an RFC 3161 response) that says so, where there is one."""

    where: str
    note: str
    at: datetime | None = None
    token: bytes | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that lies in the anchor and vouches for nothing. `cause` as in the errors."""

    where: str
    cause: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Held:
    """Everything an anchor holds. `remarks` are for people: what somebody tried there without success."""

    kept: tuple[Kept, ...] = ()
    unread: tuple[Unread, ...] = ()
    remarks: tuple[str, ...] = ()


class Anchor(Protocol):
    """One configured anchor."""

    name: ClassVar[str]
    Settings: ClassVar[type[AnchorSettings]]

    @classmethod
    def of(cls, settings: AnchorSettings, place: Place) -> Self:
        """The anchor with these settings. Nothing is reached yet."""
        ...

    @property
    def where(self) -> str:
        """The place in words, without secrets."""
        ...

    def put(self, note: str) -> None:
        """Keep a copy of `note`, durably. The same note again changes nothing.

        Raises:
            SourceError: it is not kept; the cause and the remedy are in the error.
            SecretMissing: a secret reference points nowhere.
        """
        ...

    def notes(self) -> Held:
        """Everything that is kept there. Raises as `put`."""
        ...

    def same_machine(self, device: int | None) -> str | None:
        """Why this anchor shares the fate of a ledger on the file system `device`; None when it does not.

        `device` is `st_dev` of the ledger file, None when that is not known: then a path counts as shared.
        """
        ...
