"""A ledger whose entries lie in several months, and shorthands for its segments."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from compliance.ledger import Draft, Ledger, rewrite, sealing
from compliance.ledger.sealing import Month
from compliance.schemas.errors import IntegrityError
from compliance.schemas.messages import Record
from compliance.verify import Verification, verify, verify_segments
from tests.ledger.places import Place, account, given, verdict

MONTHS = ("2026-08", "2026-09", "2026-10")
NOW = "2026-11"


def moment(month: str, day: int = 3) -> datetime:
    return datetime(int(month[:4]), int(month[5:]), day, 12, tzinfo=UTC)


def fill(ledger: Ledger, place: Place, month: str, events: int = 151, people: int = 7) -> None:
    """Collections of states and events, gaps, appends of one and of many: 4 + people + 1 + events entries and more."""
    place.now = max(place.now, moment(month))
    n = int(month[5:])
    everybody = [account(f"u{k}", email=f"u{k}-{month}@example.org", is_active=k % 2 == 0) for k in range(people)]
    ledger.record_state(given(run=f"{month}-a"), everybody)
    ledger.record_state(given(run=f"{month}-b"), everybody[n % people :])
    ledger.record_state(given(run=f"{month}-c", source="other"), everybody[:1])
    ledger.record_gap(given(run=f"{month}-d", outcome="denied", message="no", remedy="yes"))
    done = int(ledger.cursor("ci", "control_verdict") or 0)
    fields = given(kind="control_verdict", source="ci", run=f"{month}-e")
    ledger.record_events(fields, [Record(verdict(done + k)) for k in range(5)], str(done + 5), final=True)
    ledger.append([Draft("control_verdict", verdict(k, f"{month} {k}")) for k in range(events)])


def several(place: Place, months: Sequence[str] = (*MONTHS, NOW), **counts: int) -> Ledger:
    """An open ledger with entries in each month; no month turns at the edge of a tile."""
    place.now = moment(months[0])
    ledger = place.open()
    for month in months:
        fill(ledger, place, month, **counts)
    return ledger


def sound(folder: Path) -> None:
    """Raise IntegrityError unless the segment in this folder verifies."""
    found = verify_segments(folder)
    if not found.ok:
        raise IntegrityError(str(found.problems[0]))


def segments_of(place: Place) -> Path:
    return place.path.with_name("compliance-segments")


def seal(ledger: Ledger, place: Place) -> list[Month]:
    return list(sealing.seal(ledger, segments_of(place), sound))


def checked(place: Place) -> Verification:
    return verify(place.path, lock_store=place.lock, segments=segments_of(place))


def cut(place: Place, before: str) -> None:
    """Seal what is closed, then drop the months before this one from the file."""
    with place.open() as ledger:
        seal(ledger, place)
        leaving = sealing.drop(ledger, before, sound, by="dba")
    if leaving is not None:
        rewrite.rewrite(place.path, check=lambda path: whole(path, place), cut=leaving)


def whole(path: Path, place: Place) -> None:
    """Raise IntegrityError unless the ledger file at `path` verifies together with the place's segments."""
    found = verify(path, segments=segments_of(place))
    if not found.ok:
        raise IntegrityError(str(found.problems[0]))


def copied(place: Place, folder: Path) -> Place:
    """A copy of a place with all that belongs to it, to change at will."""
    shutil.copytree(place.folder, folder / "copy")
    return Place(folder / "copy", place.now)
