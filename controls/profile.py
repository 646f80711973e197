"""What people declared, as it stands at a moment: profile flags and manual evidence."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from compliance.controls.evidence_base import EvidenceBase
from compliance.schemas.results import AttestationView, FlagView

FLAG_LIFE = timedelta(days=366)  # a declaration must be repeated every year
ERASED = "(erased)"


def flags(base: EvidenceBase, as_of: datetime) -> tuple[FlagView, ...]:
    """The declared flags, newest declaration of each not later than `as_of`.

    A newest declaration whose value is unreadable declares nothing, also against another of the same moment; of two
    readable ones in one moment "it is so" counts.
    """
    _, rows = base.query(
        "SELECT flag, value, declared_by, declared_at, entry FROM profile_flag "
        "WHERE flag IS NOT NULL AND declared_at <= $as_of ORDER BY declared_at, value NULLS LAST, entry",
        {"as_of": naive(as_of)},
    )
    newest = {row[0]: row for row in rows}
    return tuple(
        FlagView(
            flag=flag,
            value=value,
            declared_by=declared_by or ERASED,
            declared_at=aware(declared_at),
            in_date=as_of - aware(declared_at) <= FLAG_LIFE,
            entry=entry,
        )
        for flag, value, declared_by, declared_at, entry in sorted(newest.values(), key=lambda row: row[0])
        if value is not None
    )


def declared_off(flag: str | None, profile: Iterable[FlagView]) -> FlagView | None:
    """The in-date declaration that `flag` is off; None when it is on, undeclared, expired or contradicted."""
    if flag is None:
        return None
    said = [view for view in profile if view.flag == flag and view.in_date]
    if not said or any(view.value for view in said):
        return None
    return said[-1]


def attestations(base: EvidenceBase, as_of: datetime) -> tuple[AttestationView, ...]:
    """Every piece of manual evidence recorded for an activity up to `as_of`, in order.

    One that another takes back is out of date; so is the one that takes back: it states nothing of its own.
    """
    _, rows = base.query(
        "SELECT attestation, form, control, requirements, statement, by_person, reviewed_by, occurred_at, expires_at, "
        "document_sha256, revokes, entry, subject, resources, of_kind, of_source, entries, "
        "document_bytes FROM attestation "
        "WHERE occurred_at <= $as_of ORDER BY occurred_at, entry",
        {"as_of": naive(as_of)},
    )
    revoked = {row[10] for row in rows if row[10]}
    return tuple(
        AttestationView(
            attestation=row[0],
            form=row[1],
            control=row[2],
            requirements=tuple(row[3] or ()),
            statement=row[4] or ERASED,
            by_person=row[5] or row[12] or ERASED,
            reviewed_by=row[6],
            occurred_at=aware(row[7]),
            expires_at=aware(row[8]),
            document_sha256=row[9],
            in_date=not row[10] and row[0] not in revoked and as_of < aware(row[8]),
            entry=row[11],
            resources=tuple(row[13] or ()),
            of_kind=row[14],
            of_source=row[15],
            entries=row[16],
            document_bytes=row[17],
        )
        for row in rows
        if row[8] is not None  # without a readable expiry it is no evidence, but it may take another back
    )


def reviewed_by_another(view: AttestationView) -> bool:
    """Whether a named second person reviewed it. After an erasure this can no longer be told, so it is not so."""
    first, second = person(view.by_person), person(view.reviewed_by)
    return bool(first and second and first != second and ERASED not in (view.by_person, view.reviewed_by))


def person(name: str | None) -> str:
    """A name as two spellings of it compare: case, spaces, characters that nobody sees and the two ways in which
    Unicode writes an accent do not make another person."""
    seen = (
        character for character in unicodedata.normalize("NFC", name or "") if unicodedata.category(character) != "Cf"
    )
    return " ".join("".join(seen).casefold().split())


def naive(moment: datetime) -> datetime:
    """An aware time as evidence columns hold it: UTC without zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def aware(moment: datetime) -> datetime:
    """The inverse of `naive`."""
    return moment.replace(tzinfo=UTC)
