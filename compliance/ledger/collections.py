"""Collections: what was asked of a source and came back, and states stored as change. Format: schemas/ledger.md §9."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from compliance.ledger.keystore import KeyStore
from compliance.ledger.line import Personal, Row, check_source, owner, split
from compliance.schemas import canonical
from compliance.schemas.canonical import instant, parse_instant
from compliance.schemas.errors import EvidenceError
from compliance.schemas.evidence import Evidence, kind_named
from compliance.schemas.messages import Record


@dataclass(frozen=True, slots=True)
class CollectionFields:
    """What the runner knows of one attempt to read one kind from one source."""

    run: str
    of_source: str
    of_kind: str
    collector: str
    attempt: int
    started_at: datetime
    outcome: str = "complete"
    message: str | None = None
    remedy: str | None = None
    independent_count: int | None = None
    requests: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class StoredCollection:
    """A collection entry: its number and time, and everything it says (schemas/kinds/engine.py, Collection)."""

    seq: int
    at: datetime
    run: str
    of_source: str
    of_kind: str
    collector: str
    attempt: int
    part: int
    started_at: datetime
    outcome: str
    message: str | None
    remedy: str | None
    rows: int | None
    independent_count: int | None
    stored: int
    base: int | None
    previous: int | None
    snapshot_sha256: str | None
    cursor: str | None
    requests: list[dict[str, Any]] | None

    @classmethod
    def of_line(cls, line: str) -> StoredCollection:
        """The collection that a line records."""
        entry = orjson.loads(line)
        record = entry["record"]
        record["started_at"] = parse_instant(record["started_at"])
        del record["occurred_at"]
        return cls(seq=entry["seq"], at=parse_instant(entry["at"]), **record)


class Known(NamedTuple):
    """A row of the set as it was last stored: canonical record and, where readable, its personal values."""

    record: str
    values: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Change:
    """What a collection of a state has to store."""

    rows: list[Row]
    full: bool
    digest: str


def collection_row(
    given: CollectionFields,
    at: datetime,
    *,
    part: int = 0,
    rows: int | None = None,
    stored: int = 0,
    base: int | None = None,
    previous: int | None = None,
    digest: str | None = None,
    cursor: str | None = None,
) -> Row:
    """The collection entry itself."""
    record = {item.name: getattr(given, item.name) for item in fields(given)}
    record |= {"started_at": instant(given.started_at), "occurred_at": instant(at)}
    record["requests"] = None if given.requests is None else [dict(request) for request in given.requests]
    record |= {"part": part, "rows": rows, "stored": stored, "base": base, "previous": previous}
    record |= {"snapshot_sha256": digest, "cursor": cursor}
    key = [given.run, given.of_source, given.of_kind, str(given.attempt), str(part)]
    return Row(
        kind="collection",
        source="engine",
        collection=None,
        key=canonical.encode(key).decode(),
        gone=False,
        observed_at=None,
        personal=None,
        record=canonical.encode(record).decode(),
    )


def checked(given: CollectionFields, records: Sequence[Record]) -> type[Evidence]:
    """The kind that is collected. Raises EvidenceError when a record is of another one."""
    kind = kind_named(given.of_kind)
    check_source(given.of_source)
    for record in records:
        if type(record.evidence) is not kind:
            raise EvidenceError(f"a {record.evidence.kind} was given as {given.of_kind} of {given.of_source}")
    return kind


def event_rows(given: CollectionFields, records: Sequence[Record], seq: int, keystore: KeyStore) -> list[Row]:
    """The entries of a batch of events that belong to the collection entry `seq`."""
    kind = checked(given, records)
    made = []
    for record in records:
        row = record.evidence.row()
        parts = split(kind, given.of_source, row, keystore, named=False)
        made.append(
            _row(kind, given.of_source, seq, record, row, parts.values, parts.key, _text(parts.record), keystore)
        )
    return made


def changes(
    given: CollectionFields,
    records: Sequence[Record],
    known: Callable[[], Mapping[str, Known]] | None,
    seq: int,
    keystore: KeyStore,
    before: str | None = None,
) -> Change:
    """What differs between the set that `known` gives (None: store the full set) and what was seen now. `before` is its
    digest: where that says it all, because no column is personal, an equal set is not read again.

    Raises:
        EvidenceError: two records have the same key, or one does not fit.
    """
    kind = checked(given, records)
    source = given.of_source
    seen: dict[str, str] = {}
    every: list[tuple[Record, dict[str, Any], dict[str, Any] | None, str]] = []
    for n, record in enumerate(records):
        row = record.evidence.row()
        parts = split(kind, source, row, keystore, named=False)
        key = parts.key or "[]"
        if key in seen:
            first = list(seen).index(key)
            raise EvidenceError(
                f"{given.of_kind} of {source}: records {first} and {n} have the same key",
                remedy="report it to the maker of the collector",
            )
        seen[key] = _text(parts.record)
        every.append((record, row, parts.values, key))
    now = digest(seen)
    if known is not None and now == before and not kind.personal_columns():
        return Change([], False, now)
    old = known() if known is not None else {}
    differ = [n for n, (_, _, values, key) in enumerate(every) if old.get(key) != Known(seen[key], values)]
    gone = [key for key in old if key not in seen]
    full = known is None or 2 * (len(differ) + len(gone)) > len(every)
    made = [
        _row(kind, source, seq, record, row, values, key, seen[key], keystore)
        for record, row, values, key in (every if full else [every[n] for n in differ])
    ]
    if not full:
        made += [Row(kind.kind, source, seq, key, True, None, None, "{}") for key in gone]
    return Change(made, full, now)


def digest(rows: Mapping[str, str]) -> str:
    """The digest of a set: SHA-256 over `key NUL record LF` of every row, sorted by the bytes of the key."""
    hashed = sha256()
    for key, record in sorted((key.encode(), record) for key, record in rows.items()):
        hashed.update(key + b"\0" + record.encode() + b"\n")
    return hashed.hexdigest()


def _text(record: Mapping[str, Any]) -> str:
    return canonical.encode(dict(record)).decode()


def _row(
    kind: type[Evidence],
    source: str,
    seq: int,
    record: Record,
    row: Mapping[str, Any],
    values: Mapping[str, Any] | None,
    key: str | None,
    text: str,
    keystore: KeyStore,
) -> Row:
    personal = None if values is None else Personal(owner(kind, source, row, keystore, None), values)
    observed = instant(record.observed_at) if record.observed_at else None
    return Row(kind.kind, source, seq, key, False, observed, personal, text)
