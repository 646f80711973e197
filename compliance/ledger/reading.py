"""Reading entries back: states as they were, events, single entries, with personal content where its key exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from compliance.ledger.collections import Known, StoredCollection
from compliance.ledger.keystore import KeyStore
from compliance.ledger.line import unseal
from compliance.ledger.store import RECOVER, Store
from compliance.schemas.canonical import parse_instant
from compliance.schemas.errors import IntegrityError, LedgerError
from compliance.schemas.evidence import all_kinds

ROWS = pa.schema(
    [
        ("entry", pa.int64()),
        ("source", pa.string()),
        ("observed_at", pa.timestamp("us")),
        ("subject", pa.string()),
        ("record", pa.string()),
    ]
)
_PAGE = 5_000
# A record starts at the first `,"record":` (inside a string its quotes would be escaped) and ends before the last
# members, whose length the columns give: no JSON is parsed, and its bytes are those that were signed.
_RECORD = """substr(line, strpos(line, ',"record":') + 10, length(line) - strpos(line, ',"record":') - 9
    - length(concat(',"seq":', e.seq, ',"source":"', e.source, '","v":1}')))"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `record` holds its personal columns too, None where their key was erased."""

    seq: int
    at: datetime
    kind: str
    source: str
    collection: int | None
    key: tuple[str, ...] | None
    subject: str | None
    gone: bool
    observed_at: datetime | None
    record: Mapping[str, Any]
    line: str


class Latest(NamedTuple):
    """The newest collections of one kind from one source: link of the chain, one with a cursor, of all."""

    link: StoredCollection | None
    cursor: str | None
    newest: StoredCollection


class Reader:
    """Reads the file of an open ledger."""

    def __init__(self, store: Store, keystore: KeyStore, origin: str) -> None:
        self._store = store
        self._keystore = keystore
        self._origin = origin
        self._erased: frozenset[str] = frozenset()

    def entries(self, kind: str | None, upto: int) -> Iterator[Entry]:
        """Entries below `upto` in order, of one kind or of all."""
        next_seq = 0
        while True:
            rows = self._store.query(
                "SELECT e.seq, line, content FROM (SELECT seq, line FROM whole.entry WHERE seq >= $1 AND seq < $2 "
                "AND ($3 IS NULL OR kind = $3) ORDER BY seq LIMIT $4) e LEFT JOIN whole.personal p USING (seq) "
                "ORDER BY e.seq",
                [next_seq, upto, kind, _PAGE],
            )
            for _, line, content in rows:
                yield self._entry(line, content)
            if len(rows) < _PAGE:
                return
            next_seq = rows[-1][0] + 1

    def _entry(self, line: str, content: bytes | None) -> Entry:
        raw = orjson.loads(line)
        subject = raw["personal"] and raw["personal"]["alias"]
        record = raw["record"] | self._values(raw["seq"], raw["kind"], subject, content)
        return Entry(
            seq=raw["seq"],
            at=parse_instant(raw["at"]),
            kind=raw["kind"],
            source=raw["source"],
            collection=raw["collection"],
            key=None if raw["key"] is None else tuple(raw["key"]),
            subject=subject,
            gone=raw["gone"],
            observed_at=raw["observed_at"] and parse_instant(raw["observed_at"]),
            record=record,
            line=line,
        )

    def _values(self, seq: int, kind: str, subject: str | None, content: bytes | None) -> dict[str, Any]:
        """Personal columns of a row: their values, NULL when the ledger records that the subject was erased, nothing
        when none is personal. What cannot be opened for another reason is never NULL: that would read as an answer."""
        if subject is None:
            return {}
        key = self._keystore.key(subject)
        if key is not None and content is not None:
            return unseal(bytes(content), key, seq, self._origin)
        if subject not in self._erased:
            self._erased = self._erasures()
        if subject not in self._erased:
            raise self._unreadable(seq, key)
        known = all_kinds().get(kind)
        return dict.fromkeys(sorted(known.personal_columns())) if known else {}

    def _erasures(self) -> frozenset[str]:
        """The aliases whose erasure the ledger records."""
        records = (orjson.loads(line)["record"] for line in self._store.key_events())
        return frozenset(record["key_name"] for record in records if record["action"] == "erase_subject")

    def _unreadable(self, seq: int, key: bytes | None) -> LedgerError:
        if key is not None:
            return IntegrityError(f"entry {seq}: its personal content is missing", seq=seq, remedy=RECOVER)
        return LedgerError(
            f"entry {seq}: the key of its personal content is not in the key store {self._keystore.path}",
            remedy="bring the newest key store back; if it is lost for good, `compliance keys forget` records that",
        )

    def events(self, kind: str, upto: int, source: str | None, first: int = 0) -> pa.Table:
        """All entries of a kind from `first` on and below `upto` that are not tombstones."""
        return self._rows(
            kind,
            "e.kind = $1 AND e.seq < $2 AND NOT e.gone AND ($3 IS NULL OR e.source = $3) AND e.seq >= $4",
            [kind, upto, source, first],
        )

    def state(self, link: StoredCollection) -> pa.Table:
        """The whole set that this collection saw, rebuilt from its chain."""
        return self._rows(
            link.of_kind,
            "e.kind = $1 AND e.source = $2 AND e.collection BETWEEN $3 AND $4 AND e.seq > $3 AND e.seq <= $5 "
            "QUALIFY row_number() OVER (PARTITION BY e.key ORDER BY e.seq DESC) = 1 AND NOT e.gone",
            [link.of_kind, link.of_source, link.base, link.seq, link.seq + link.stored],
        )

    def versions(self, kind: str, first: int, upto: int) -> pa.Table:
        """Every stored row of a state kind from `first` on and below `upto`, tombstones too, with its collection, its
        key and whether it is gone."""
        where = "e.kind = $1 AND e.seq >= $2 AND e.seq < $3 AND e.collection IS NOT NULL"
        return self._rows(kind, where, [kind, first, upto], ("collection", "key", "gone"))

    def _rows(self, kind: str, where: str, parameters: list[Any], more: Sequence[str] = ()) -> pa.Table:
        """Rows of `ROWS`, with the columns of the entry that `more` names behind them."""
        known = all_kinds().get(kind)
        personal = known is None or bool(known.personal_columns())
        content = "p.content" if personal else "NULL::BLOB AS content"
        join = "LEFT JOIN whole.personal p USING (seq)" if personal else ""
        columns = "".join(f", e.{name}" for name in more)
        table = self._store.table(
            f'SELECT e.seq AS entry, e.source, coalesce(e.observed_at, e."at") AS observed_at, e.subject, '  # noqa: S608
            f"{_RECORD} AS record, {content}{columns} FROM whole.entry e {join} WHERE {where} ORDER BY 1",
            parameters,
        )
        if personal and table["subject"].null_count < len(table):
            table = table.set_column(4, "record", pa.array(self._merged(kind, table), pa.string()))
        rows = table.select(ROWS.names).cast(ROWS)
        for name in more:
            rows = rows.append_column(name, table[name])
        return rows

    def _merged(self, kind: str, table: pa.Table) -> Iterator[str]:
        columns = (table[name].to_pylist() for name in ("entry", "subject", "record", "content"))
        for seq, subject, record, content in zip(*columns, strict=True):
            if subject is None:
                yield record
            else:
                merged = orjson.loads(record) | self._values(seq, kind, subject, content)
                yield orjson.dumps(merged, option=orjson.OPT_SORT_KEYS).decode()

    def known(self, link: StoredCollection) -> dict[str, Known]:
        """The set of a chain by key, as `changes` compares it. Erased content equals nothing.

        Raises:
            LedgerError: the key of a row's personal content is missing, and no erasure says why.
        """
        rows = self._store.query(
            f"SELECT e.seq, e.key, e.subject, {_RECORD}, p.content FROM whole.entry e "  # noqa: S608 -- constants
            "LEFT JOIN whole.personal p USING (seq) WHERE e.kind = $1 AND e.source = $2 "
            "AND e.collection BETWEEN $3 AND $4 AND e.seq > $3 "
            "QUALIFY row_number() OVER (PARTITION BY e.key ORDER BY e.seq DESC) = 1 AND NOT e.gone",
            [link.of_kind, link.of_source, link.base, link.seq],
        )
        found = {}
        for seq, key, subject, record, content in rows:
            values: dict[str, Any] | None = None
            if subject is not None:
                values = self._values(seq, link.of_kind, subject, content)
                if self._keystore.key(subject) is None:
                    values = {}
            found[key] = Known(record, values)
        return found

    def collections(self, upto: int) -> list[StoredCollection]:
        """Every collection entry below `upto`, in order."""
        rows = self._store.query(
            "SELECT line FROM whole.entry WHERE kind = 'collection' AND seq < ? ORDER BY seq", [upto]
        )
        return [StoredCollection.of_line(line) for (line,) in rows]

    def latest(self) -> dict[tuple[str, str], Latest]:
        """The newest collections by source and kind."""
        rows = self._store.query(
            "SELECT arg_max(line, seq) FILTER (line->>'$.record.base' IS NOT NULL), "
            "arg_max(line->>'$.record.cursor', seq) FILTER (line->>'$.record.cursor' IS NOT NULL), "
            "arg_max(line, seq) FROM whole.entry WHERE kind = 'collection' GROUP BY key->>1, key->>2"
        )
        found = {}
        for link, cursor, newest in rows:
            last = StoredCollection.of_line(newest)
            base = StoredCollection.of_line(link) if link else None
            found[last.of_source, last.of_kind] = Latest(base, cursor, last)
        return found
