"""Changes of roles and rights, derived from readings that follow each other: what one shows and the one before did not.

A state tells what is so, not who made it so. Laid beside the audit trail of the same system, a difference between two
readings shows whether the trail knew of it (control logging.permission_changes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
import pyarrow as pa

from compliance.controls.evidence_base import INPUT
from compliance.ledger import Ledger, StoredCollection
from compliance.schemas.kinds.application import AuditEvent, PermissionChange
from compliance.schemas.results import Coverage

KIND = PermissionChange.kind
READ_FROM = ("role_grant", "role_definition")
SPAN = timedelta(days=400)  # readings further back are not compared


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a state: its entry, whose it is, and its record."""

    entry: int
    subject: str | None
    record: Mapping[str, Any]


def coverage(covered: Sequence[Coverage], collections: Sequence[StoredCollection], as_of: datetime) -> list[Coverage]:
    """For each source of roles and of a trail how far changes of roles can be told: as well as the worst of what they
    are derived from, and not before the second reading."""
    found: dict[str, Coverage] = {}
    for row in _with_trail(covered):
        made = replace(row, kind=KIND)
        if row.outcome == "complete" and len(_readings(collections, row.source, row.kind, as_of)) < 2:
            message = f"{row.kind} was read once; a change shows at the second reading"
            made = replace(made, outcome="never", message=message, remedy=f"compliance collect {row.source}")
        known = found.get(row.source)
        if known is None or (known.outcome == "complete" and made.outcome != "complete"):
            found[row.source] = made
        elif made.outcome == known.outcome and (made.completed_at or as_of) < (known.completed_at or as_of):
            found[row.source] = made  # the older of two: what is derived is no fresher
    return list(found.values())


def table(
    ledger: Ledger, covered: Sequence[Coverage], collections: Sequence[StoredCollection], as_of: datetime
) -> pa.Table:
    """Every change of the sources in `covered`, as rows of evidence. Each rests on the entry of the row that came, or
    of the one that went."""
    rows: list[tuple[Any, ...]] = []
    for one in _with_trail(covered):
        if not one.removed_from_configuration:
            for before, after in pairwise(_readings(collections, one.source, one.kind, as_of)):
                if before.snapshot_sha256 != after.snapshot_sha256:
                    rows += _between(ledger, before, after)
    return _rows(rows)


def trailed(covered: Sequence[Coverage]) -> list[Coverage]:
    """The rows about roles from which changes are derived."""
    return [row for row in _with_trail(covered) if not row.removed_from_configuration]


def between(ledger: Ledger, before: StoredCollection, after: StoredCollection) -> pa.Table:
    """The changes that two readings show which follow each other, as rows of evidence."""
    rows = [] if before.snapshot_sha256 == after.snapshot_sha256 else list(_between(ledger, before, after))
    return _rows(rows)


def _rows(rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = [pa.array([row[n] for row in rows], of) for n, of in enumerate(INPUT.types)]
    return pa.table(columns, schema=INPUT)


def _with_trail(covered: Sequence[Coverage]) -> list[Coverage]:
    """The rows about roles of those sources that also promise a trail: of the others nothing could be said."""
    trailed = {row.source for row in covered if row.kind == AuditEvent.kind and not row.removed_from_configuration}
    return [row for row in covered if row.kind in READ_FROM and row.source in trailed]


def _readings(
    collections: Sequence[StoredCollection], source: str, kind: str, as_of: datetime
) -> list[StoredCollection]:
    return [
        item
        for item in collections
        if (item.of_source, item.of_kind, item.outcome) == (source, kind, "complete")
        and as_of - SPAN < item.at <= as_of
    ]


def _between(ledger: Ledger, before: StoredCollection, after: StoredCollection) -> Iterator[tuple[Any, ...]]:
    old, new = _state(ledger, before), _state(ledger, after)
    changed = [(key, "granted", new[key]) for key in new if key not in old]
    changed += [(key, "revoked", old[key]) for key in old if key not in new]
    if after.of_kind == "role_definition":
        permissions = "permissions"
        changed = [(key, "changed", row) for key, _, row in changed if row.record[permissions]]
        both = [(key, new[key]) for key in new if key in old]
        changed += [
            (key, "changed", row) for key, row in both if row.record[permissions] != old[key].record[permissions]
        ]
    for n, (_, change_type, row) in enumerate(sorted(changed, key=lambda one: (one[2].entry, one[1]))):
        audit = (row.record.get("detail") or {}).get("audit") or {}
        change = PermissionChange(
            change=f"{after.seq}:{n}",
            change_type=change_type,
            account=row.record.get("account"),
            role=row.record["role"],
            scope=row.record.get("scope"),
            object_type=audit.get("object_type"),
            object_id=audit.get("object_id"),
            field=audit.get("field"),
            seen_after=before.started_at,
            seen_by=after.started_at,
        )
        record = orjson.dumps(change.row(), option=orjson.OPT_SORT_KEYS).decode()
        yield row.entry, after.of_source, after.at, row.subject, after.started_at, record


def _state(ledger: Ledger, reading: StoredCollection) -> dict[tuple[Any, ...], _Row]:
    """The rows of a reading. Who holds a role is known by the number of the account where the source gives one, so that
    neither a new name nor an erasure looks like a change, and else by the alias. A role is known by its name."""
    found = {}
    stored = ledger.state(reading.seq)
    for entry, subject, text in zip(
        *(stored[name].to_pylist() for name in ("entry", "subject", "record")), strict=True
    ):
        record = orjson.loads(text)
        audit = (record.get("detail") or {}).get("audit") or {}
        holder: tuple[Any, ...] = ()
        if reading.of_kind == "role_grant":
            holder = (audit["object_type"], audit["object_id"]) if audit.get("object_id") else (subject,)
        found[(*holder, record["role"], record.get("scope"))] = _Row(entry, subject, record)
    return found
