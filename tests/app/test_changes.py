"""Changes of roles between two readings: what came, what went, and what only looks like a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from compliance.app import changes, evidence
from compliance.ledger import Ledger
from compliance.schemas.kinds.identity import RoleDefinition, RoleGrant
from compliance.schemas.messages import Record
from compliance.schemas.results import Coverage
from tests.ledger.places import Place, given

SOURCES = {"db": {"collector": "django", "enabled": True, "kinds": ["role_grant", "role_definition", "audit_event"]}}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with place.open() as opened:
        yield opened


def grant(account: str, role: str, number: str = "5") -> RoleGrant:
    audit = {"object_type": "auth.user", "object_id": number, "field": "groups"}
    return RoleGrant(account=account, role=role, scope="group", detail={"audit": audit})


def read(place: Place, ledger: Ledger, rows: Sequence[Any], kind: str = "role_grant", **changed: Any) -> None:
    place.now += timedelta(hours=24)
    fields = given(kind, run=f"r{ledger.size}", started_at=place.now, **changed)
    ledger.record_state(fields, [Record(row) for row in rows])


def told(place: Place, ledger: Ledger) -> list[tuple[Any, ...]]:
    """Change, account, role and object of every change up to now, and the entry it rests on."""
    covered = coverage(place, ledger)
    found = changes.table(ledger, covered, ledger.collections(), place.now)
    records = [orjson.loads(text) for text in found["record"].to_pylist()]
    names = ("change_type", "account", "role", "object_id", "field")
    assert all(ledger.entry(entry).kind in changes.READ_FROM for entry in found["entry"].to_pylist())
    return [tuple(record[name] for name in names) for record in records]


def coverage(place: Place, ledger: Ledger) -> list[Coverage]:
    return evidence.coverage(ledger.collections(), place.now, SOURCES)


def test_what_came_and_what_went(place: Place, ledger: Ledger) -> None:
    read(place, ledger, [grant("ana", "Editors"), grant("ben", "Editors", "6")])
    read(place, ledger, [grant("ana", "Editors"), grant("ana", "Auditors")])
    read(place, ledger, [grant("ana", "Editors"), grant("ana", "Auditors")])
    read(place, ledger, [grant("ana", "Auditors")])
    assert told(place, ledger) == [
        ("revoked", "ben", "Editors", "6", "groups"),
        ("granted", "ana", "Auditors", "5", "groups"),
        ("revoked", "ana", "Editors", "5", "groups"),
    ]


def test_one_reading_shows_no_change_and_proves_none(place: Place, ledger: Ledger) -> None:
    read(place, ledger, [grant("ana", "Editors")])
    read(place, ledger, [], "role_definition")
    read(place, ledger, [], "role_definition")
    (row,) = changes.coverage(coverage(place, ledger), ledger.collections(), place.now)
    assert (row.kind, row.outcome) == ("permission_change", "never")
    assert told(place, ledger) == []
    read(place, ledger, [grant("ana", "Editors")])
    (row,) = changes.coverage(coverage(place, ledger), ledger.collections(), place.now)
    assert row.outcome == "complete"


def test_a_reading_that_failed_is_a_gap_and_the_next_is_compared_with_the_one_before(
    place: Place, ledger: Ledger
) -> None:
    for _ in range(2):
        read(place, ledger, [], "role_definition")
    read(place, ledger, [grant("ana", "Editors")])
    read(place, ledger, [grant("ana", "Editors")])
    ledger.record_gap(replace(given("role_grant", run="gap"), outcome="denied", message="m", remedy="r"))
    (row,) = changes.coverage(coverage(place, ledger), ledger.collections(), place.now)
    assert row.outcome == "denied"
    read(place, ledger, [])
    assert told(place, ledger) == [("revoked", "ana", "Editors", "5", "groups")]


def test_permissions_of_a_role_count_and_its_owner_does_not(place: Place, ledger: Ledger) -> None:
    def role(name: str, owner: str | None, *permissions: str) -> RoleDefinition:
        return RoleDefinition(role=name, exists=True, owner=owner, permissions=list(permissions))

    read(place, ledger, [role("Editors", "ines", "a.b"), role("Idle", None)], "role_definition")
    read(place, ledger, [role("Editors", "omar", "a.b"), role("Idle", None)], "role_definition")
    assert told(place, ledger) == []
    read(
        place,
        ledger,
        [role("Editors", "omar", "a.b", "a.c"), role("New", None, "a.d"), role("Empty", None)],
        "role_definition",
    )
    assert sorted(told(place, ledger)) == [
        ("changed", None, "Editors", None, None),
        ("changed", None, "New", None, None),
    ]


def test_neither_an_erasure_nor_a_new_name_is_a_change(place: Place, ledger: Ledger) -> None:
    read(place, ledger, [grant("ana", "Editors"), grant("ben", "Editors", "6")])
    subject = ledger.keystore.find("db", "ana")
    assert subject is not None
    ledger.erase(subject.alias, reason="asked", by="ines")
    read(place, ledger, [grant("ana", "Editors"), grant("benjamin", "Editors", "6")])
    assert told(place, ledger) == []
    read(place, ledger, [grant("ana", "Editors", "7")])  # another account under an old name
    assert sorted(told(place, ledger)) == [
        ("granted", "ana", "Editors", "7", "groups"),
        ("revoked", "ana", "Editors", "5", "groups"),
        ("revoked", "benjamin", "Editors", "6", "groups"),
    ]


def test_of_a_system_without_a_trail_nothing_is_said(place: Place, ledger: Ledger) -> None:
    read(place, ledger, [grant("ana", "Editors")])
    read(place, ledger, [])
    plain = {"db": {**SOURCES["db"], "kinds": ["role_grant"]}}
    covered = evidence.coverage(ledger.collections(), place.now, plain)
    assert changes.coverage(covered, ledger.collections(), place.now) == []
    assert len(changes.table(ledger, covered, ledger.collections(), place.now)) == 0
