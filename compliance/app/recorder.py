"""What the runner hands over becomes entries of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import pyarrow as pa

import compliance
from compliance import collectors
from compliance.app.runner import Attempt
from compliance.ledger import CollectionFields, Ledger
from compliance.schemas.messages import Complete, Gap, Record, Request


class LedgerRecorder:
    """The runner's `Recorder` over an open ledger. Each call is one signed append."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def state(self, attempt: Attempt, records: Sequence[Record], complete: Complete) -> None:
        """Store the complete set of a state kind, as change."""
        fields = _fields(attempt, "complete", requests=complete.requests, count=complete.independent_count)
        self._ledger.record_state(fields, records)

    def events(self, attempt: Attempt, records: Sequence[Record], cursor: str | None, final: Complete | None) -> None:
        """Store one batch of events with the position reached, in one transaction."""
        fields = _fields(
            attempt,
            "complete" if final else "partial",
            requests=final.requests if final else (),
            count=final.independent_count if final else None,
        )
        self._ledger.record_events(fields, records, cursor, final is not None)

    def table(self, attempt: Attempt, table: pa.Table, cursor: str, *, again: bool) -> int:
        """Store one batch of events that came as columns, with the position reached, in one transaction."""
        stored = self._ledger.record_event_table(_fields(attempt, "partial"), table, cursor, again=again)
        return stored.stored

    def gap(self, attempt: Attempt, gap: Gap) -> None:
        """Store that something could not be read."""
        fields = _fields(attempt, gap.cause.value, message=gap.message, remedy=gap.remedy, requests=gap.requests)
        self._ledger.record_gap(fields)


def _fields(
    attempt: Attempt,
    outcome: str,
    *,
    message: str | None = None,
    remedy: str | None = None,
    requests: Sequence[Request] = (),
    count: int | None = None,
) -> CollectionFields:
    return CollectionFields(
        run=attempt.run,
        of_source=attempt.source,
        of_kind=attempt.kind,
        collector=f"{attempt.collector} {collector_version(attempt.collector)}",
        attempt=attempt.attempt,
        started_at=attempt.started_at,
        outcome=outcome,
        message=message,
        remedy=remedy,
        independent_count=count,
        requests=[{"method": r.method, "text": r.text, "digest": r.digest} for r in requests],
    )


def collector_version(name: str) -> str:
    """The version of the distribution that ships the collector: ours, or a third party's."""
    if name in collectors.BUILTIN:
        return compliance.__version__
    try:
        return version(type(collectors.load(name)).__module__.partition(".")[0])
    except PackageNotFoundError:
        return "(version not known)"
