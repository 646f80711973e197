"""Registers themselves: where each is kept and by whom, and what its owner says of it."""

from __future__ import annotations

from typing import ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class KeptRegister(State):
    """A register that is configured: a file or table that people keep, one per kind. It is there, with what is known
    of it, also when its content could not be read."""

    kind: ClassVar[str] = "kept_register"
    key: ClassVar[tuple[str, ...]] = ("of_kind",)
    subject_column: ClassVar[str | None] = "owner"

    of_kind: str = always("Kind of evidence that is kept in it.")
    owner: str | None = column(
        "Person or role that answers for it: configured, and the one whose returns count.", personal=True
    )
    form: str = always("csv, json, jsonl, yaml, postgres or sqlite.")
    place: str = always("Path of the file; or server and table.")
    readable: bool = always("All of it could be read and understood.")
    rows: int | None = column("Entries in it; NULL when it could not be read.")
    sha256: str | None = column("Digest of the file.")
    modified_at: Instant | None = column("When the file was last written, by its file system; NULL for a table.")
    file_owner: str | None = column("System account that owns the file.")
    mode: str | None = column("Permission bits of the file, octal.")
    others_may_write: bool | None = column(
        "Accounts other than the file's owner and root may change it, or put another in its place."
    )
    reader_may_write: bool | None = column("The account that reads it for evidence could change it too.")


class RegisterReturn(State):
    """What the owner of a register says it holds up to a moment; with 0 entries it is a nil return: an empty register
    is empty because nothing happened, and not because nobody keeps it."""

    kind: ClassVar[str] = "register_return"
    key: ClassVar[tuple[str, ...]] = ("of_kind", "of_source", "returned_at")
    subject_column: ClassVar[str | None] = "by_person"
    kept: ClassVar[bool] = True

    of_kind: str = always("Kind that is kept in the register spoken of.")
    of_source: str = always("Source whose register it is; * for every one that the person owns.")
    returned_at: Instant = always("When it was stated.")
    by_person: str | None = column("Who states it: counts when it is the owner of the register.", personal=True)
    covers_until: Instant | None = column("Up to when it speaks; not after the day of the statement.")
    entries: int | None = column("Entries that the register holds by then; 0 is a nil return.", ge=0)
    reviewed_by: str | None = column("Second person who reviewed it.", personal=True)
    expires_at: Instant | None = column("From when on it no longer counts, if sooner than 35 days.")
