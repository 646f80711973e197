"""A ledger in a temporary folder, with a clock that tests set, and shorthands for what goes into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from compliance.ledger import CollectionFields, Ledger, StoredCollection
from compliance.schemas.kinds.engine import ControlVerdict, Outcome
from compliance.schemas.kinds.identity import UserAccount
from compliance.schemas.messages import Record

ORIGIN = "example.org/evidence/test"
START = datetime(2026, 11, 23, 6, 45, 50, 123456, tzinfo=UTC)


@dataclass
class Place:
    """Where a test's ledger lies."""

    folder: Path
    now: datetime = field(default=START)

    @property
    def path(self) -> Path:
        return self.folder / "data" / "ledger.duckdb"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def keystore(self) -> Path:
        return self.folder / "subjects" / "keys.sqlite"

    def clock(self) -> datetime:
        """A second later each time."""
        self.now += timedelta(seconds=1)
        return self.now

    def settings(self) -> dict[str, Any]:
        return {"origin": ORIGIN, "keys": self.folder / "keys", "lock_store": self.lock, "keystore": self.keystore}

    def open(self, **changed: Any) -> Ledger:
        return Ledger.open(self.path, **{**self.settings(), "clock": self.clock, "wait_s": 0.0, **changed})


def given(kind: str = "user_account", source: str = "db", run: str = "r1", **changed: Any) -> CollectionFields:
    values = {"run": run, "of_source": source, "of_kind": kind, "collector": "postgres 1", "attempt": 1}
    return CollectionFields(**{**values, "started_at": START, **changed})


def account(name: str, **columns: Any) -> Record:
    return Record(UserAccount(account=name, **columns))


def verdict(number: int, reason: str = "ok") -> ControlVerdict:
    return ControlVerdict(
        occurred_at=START,
        audit="a1",
        control=f"c{number}",
        control_version=1,
        control_sha256="00",
        verdict=Outcome.PASS,
        completeness="complete",
        waived=False,
        reason=reason,
    )


def state(ledger: Ledger, records: Sequence[Record], **changed: Any) -> StoredCollection:
    return ledger.record_state(given(**changed), records)
