"""Collections: their rows really follow them, and states rebuilt from change have the digest that was signed.

Format: schemas/ledger.md §9.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

Report = Callable[[int, str], None]


@dataclass(slots=True)
class _Chain:
    base: int
    last: int
    month: str
    digest: str | None
    rows: dict[bytes, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    """A collection whose rows are still coming."""

    seq: int
    month: str
    record: dict[str, Any]
    rows: list[tuple[int, bytes, bool, bytes]] = field(default_factory=list)


class Collections:
    """Fed, in order, with every line that is a collection or belongs to one."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.first = 0  # links before this entry are not there to be compared
        self._chains: dict[tuple[str, str], _Chain] = {}
        self._open: _Open | None = None

    def entry(self, seq: int, kind: str, line: bytes) -> None:
        """Take the next line."""
        try:
            entry = orjson.loads(line)
            record = entry["record"]
            if kind == "collection":
                self.finish()
                for name in ("of_source", "of_kind", "stored", "base", "previous", "rows", "snapshot_sha256"):
                    record[name]
                self._open = _Open(seq, entry["at"][:7], record)
                if record["stored"] == 0:
                    self.finish()
                return
            self._row(seq, entry, line)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            self._report(seq, "its line is not an entry")

    def _row(self, seq: int, entry: dict[str, Any], line: bytes) -> None:
        current = self._open
        if (
            current is None
            or entry["collection"] != current.seq
            or seq != current.seq + len(current.rows) + 1
            or entry["kind"] != current.record["of_kind"]
            or entry["source"] != current.record["of_source"]
        ):
            self._report(seq, f"it says it belongs to collection {entry['collection']}, but does not follow it")
            return
        start = line.index(b',"record":') + 10
        tail = f',"seq":{seq},"source":{json.dumps(entry["source"], ensure_ascii=False)},"v":1}}'.encode()
        current.rows.append((seq, orjson.dumps(entry["key"]), entry["gone"], line[start : -len(tail)]))
        if len(current.rows) == current.record["stored"]:
            self.finish()

    def finish(self) -> None:
        """The rows of the open collection are over."""
        current, self._open = self._open, None
        if current is None:
            return
        record = current.record
        if len(current.rows) != record["stored"]:
            self._report(current.seq, f"it says {record['stored']} entries of it follow; {len(current.rows)} do")
        if record["base"] is not None:
            self._link(current)

    def _link(self, current: _Open) -> None:
        record, seq = current.record, current.seq
        where = (record["of_source"], record["of_kind"])
        chain = self._chains.get(where)
        before = chain is None and record["previous"] is not None and record["previous"] < self.first
        if record["previous"] != (chain.last if chain else None) and not before:
            self._report(
                seq, f"it names {record['previous']} as the link before it, not {chain.last if chain else None}"
            )
        if record["base"] == seq:
            chain = self._chains[where] = _Chain(seq, seq, current.month, None)
        elif chain is None or record["base"] != chain.base:
            self._report(seq, f"it builds on collection {record['base']}, which is not the base of its chain")
            return
        elif chain.month != current.month:
            self._report(seq, "it is the first of its month and does not store the full set")
        chain.last = seq
        for row, key, gone, content in current.rows:
            if not gone:
                chain.rows[key] = content
            elif chain.rows.pop(key, None) is None:
                self._report(row, "it ends a row that was not there")
        if current.rows or chain.digest is None:
            chain.digest = _digest(chain.rows)
        if record["rows"] != len(chain.rows):
            self._report(seq, f"it says the set has {record['rows']} rows; rebuilt it has {len(chain.rows)}")
        if record["snapshot_sha256"] != chain.digest:
            self._report(seq, "the set rebuilt from its chain has another digest than it says")


def _digest(rows: dict[bytes, bytes]) -> str:
    return sha256(b"".join(key + b"\0" + rows[key] + b"\n" for key in sorted(rows))).hexdigest()
