"""A small control and evidence for it, as plain values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from compliance.controls.evidence_base import INPUT
from compliance.schemas.results import Coverage

AS_OF = datetime(2026, 1, 15, 12, tzinfo=UTC)

SQL = """\
SELECT
    asset.asset AS resource,
    asset.entry AS entry,
    CASE
        WHEN asset.in_pci_scope IS FALSE AND asset.environment = 'lab' THEN not_applicable('lab', 'a laboratory')
        WHEN asset.in_pci_scope IS FALSE THEN fail('outside', 'not in scope')
        WHEN asset.in_pci_scope THEN pass('inside', 'in scope')
        ELSE unknown('unread', 'scope not readable')
    END AS result
FROM asset
"""

CONTROL: dict[str, Any] = {
    "id": "test.scope",
    "version": 1,
    "title": {"en": "Assets are in scope"},
    "statement": {"en": "Every asset is in scope."},
    "severity": "high",
    "why": {"en": "A test."},
    "remedy": {"en": "Put it in scope."},
    "fresh": "26h",
    "empty": {"verdict": "unknown", "reason": {"en": "no asset is known"}},
    "period": "config_daily",
    "reasons": {code: {"en": code} for code in ("inside", "outside", "unread", "lab")},
    "cases": [
        {"name": "in", "given": {"asset": [{"asset": "a", "in_pci_scope": True}]}, "expect": "pass"},
        {"name": "out", "given": {"asset": [{"asset": "a", "in_pci_scope": False}]}, "expect": "fail"},
        {"name": "unread", "given": {"asset": [{"asset": "a"}]}, "expect": "unknown"},
        {"name": "nobody", "promised": False, "expect": "unknown", "unknown_reason": "no_evidence"},
    ],
}


def rows(kind_rows: Iterable[Mapping[str, Any]], first_entry: int = 1) -> pa.Table:
    """Rows as the evidence base takes them; `source` and `subject` are taken out of each row."""
    seen = AS_OF - timedelta(hours=1)
    return pa.Table.from_pylist(
        [
            {
                "entry": entry,
                "source": row.get("source", "host-1"),
                "observed_at": seen,
                "subject": row.get("subject"),
                "collected_at": seen,
                "record": json.dumps({k: v for k, v in row.items() if k not in ("source", "subject")}),
            }
            for entry, row in enumerate(kind_rows, start=first_entry)
        ],
        schema=INPUT,
    )


def complete(kind: str = "asset", source: str = "host-1", age: timedelta = timedelta(hours=1), **more: Any) -> Coverage:
    """A collection that succeeded `age` ago."""
    at = AS_OF - age
    values: dict[str, Any] = {"attempted_at": at, "completed_at": at, **more}
    return Coverage(source=source, collector="host", kind=kind, outcome="complete", **values)
