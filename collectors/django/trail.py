"""Events of a log, each once: which are new since the position, in which order, and what became of those before.

A log's numbers say nothing about the order of commits: a transaction that ends late brings lower ones. PostgreSQL's
transaction ids do. Every row carries the id that wrote it; below `pg_snapshot_xmin` every transaction has ended. So a
round takes the rows of ids from the last round's bound up to this one's: a set that cannot grow any more, whoever
commits later, and that can be read in pages without holding a snapshot. Rows above the bound wait. A row that was
written again has a new id: the ledger's keys decide whether it is known. docs/decisions/0015-events-of-a-database.md.

The position of a log: the bound `x`; number `n` and sum of hashes `h` of the rows then there, and the greatest key `m`;
inside a round its bound `u`, the key `d` that is done, and `n2`, `h2`, `m2` for its end.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from compliance.collectors.django import logs
from compliance.collectors.django.database import DjangoSession
from compliance.collectors.django.layout import Layout, name, text
from compliance.collectors.django.logs import BETWEEN, Log
from compliance.collectors.postgres.session import Query
from compliance.schemas.errors import Malformed
from compliance.schemas.kinds.application import LogAlteration
from compliance.schemas.messages import Bulk

PAGE = 25_000  # events between two marks
_FAR = 1 << 31  # transaction ids further apart than this cannot be compared by a row's 32 bits
_TYPES = {
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    "BIGINT": pa.int64(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "VARCHAR[]": pa.string(),
}
Position = dict[str, Any]


def read_cursor(cursor: str | None) -> dict[str, Position]:
    """Positions by log. Raises Malformed for text that is no cursor of ours."""
    if not cursor:
        return {}
    try:
        found = json.loads(cursor)
        if all(isinstance(p, dict) and isinstance(p["x"], int) for p in found.values()):
            return dict(found)
    except (ValueError, TypeError, AttributeError, KeyError):
        pass
    raise Malformed("the stored position of the events cannot be read", remedy="report it")


def write_cursor(positions: dict[str, Position]) -> str:
    """The inverse of `read_cursor`."""
    return json.dumps(positions, separators=(",", ":"), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Count:
    """A log at one moment against a position: rows that were there and are untouched, rows written since at or below
    its greatest key, new rows, and rows that wait for an older transaction; each with the sum of its hashes."""

    old: int
    old_sum: int
    low: int
    low_sum: int
    new: int
    new_sum: int
    last: str | None
    waiting: int
    since: datetime | None
    waiting_s: int


class Reader:
    """Reads the logs of one project up to one bound, which holds for all of them."""

    def __init__(self, session: DjangoSession, layout: Layout) -> None:
        self._session = session
        self._layout = layout
        row = session.one(
            Query("running transactions", "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS x", "")
        )
        self.bound = int(row["x"])

    def count(self, log: Log, position: Position) -> Count:
        """The log against `position`."""
        table = logs.needed(self._layout, log)
        settled, old, low = self._parts(log, position, self.bound)
        key = logs.key(self._layout, log)
        parts = {"old": "settled AND old", "low": "settled AND NOT old AND low", "new": "settled AND NOT (old OR low)"}
        sums = ", ".join(
            f"count(*) FILTER (WHERE {where}) AS {part}, coalesce(sum(h) FILTER (WHERE {where}), 0)::text AS {part}_sum"
            for part, where in parts.items()
        )
        sql = (
            f"SELECT {sums}, (max(k) FILTER (WHERE settled))::text AS last, "
            "count(*) FILTER (WHERE NOT settled) AS waiting, min(t) FILTER (WHERE NOT settled) AS since, "
            "coalesce(extract(epoch FROM now() - min(t) FILTER (WHERE NOT settled)), 0)::bigint AS waiting_s "
            f"FROM (SELECT {key} AS k, l.{name(log.time)} AS t, hashtextextended(l.{name(log.key)}::text, 0) AS h, "
            f"{settled} AS settled, {old} AS old, {low} AS low FROM {table.sql} l) r"
        )
        row = self._session.one(Query(f"rows of {log.name}", sql, table.grant((*log.columns, "xmin"))))
        return Count(
            old=int(row["old"]),
            old_sum=int(row["old_sum"]),
            low=int(row["low"]),
            low_sum=int(row["low_sum"]),
            new=int(row["new"]),
            new_sum=int(row["new_sum"]),
            last=row["last"],
            waiting=int(row["waiting"]),
            since=row["since"],
            waiting_s=int(row["waiting_s"]),
        )

    def round(self, log: Log, position: Position, positions: dict[str, Position], out: list[int]) -> Iterator[Bulk]:
        """The events of a log that are new since `position`, with the position after each page; its entry in
        `positions` moves along. The number of events that there must be, counted beforehand, is added to `out`."""
        if "u" not in position and not self._comparable(position, self.bound):
            position = {**position, "again": True}
        while True:
            if "u" not in position:
                seen = self.count(log, position)
                total = seen.old + seen.low + seen.new
                end = {"n2": total, "h2": str(seen.old_sum + seen.low_sum + seen.new_sum), "m2": seen.last}
                out.append(seen.low + seen.new)
                if seen.low + seen.new == 0:
                    positions[log.name] = _ended({**position, "u": self.bound, **end})
                    return
                start = position.get("m") if seen.low == 0 else None
                position = {**position, "u": self.bound, "d": start, **end}
            else:
                out.append(self._left(log, position))
            yield from self._pages(log, position, positions)
            finished = positions[log.name] = _ended({**position, **positions.get(log.name, {})})
            if finished["x"] >= self.bound:
                return
            position = finished  # an interrupted round is now at its end; newer events follow

    def _pages(self, log: Log, position: Position, positions: dict[str, Position]) -> Iterator[Bulk]:
        known, done = position.get("m"), position.get("d")
        query = Query(f"events of {log.name}", logs.select(self._layout, log, self._window(log, position), PAGE), "")
        self._session.note(log.name, query.sql)
        while True:
            table = self._table(log, self._session.copied(query))
            if not len(table):
                return
            first, done = table["event"][0].as_py(), table["event"][-1].as_py()
            positions[log.name] = {**position, "d": done}
            again = known is not None and not self._after(log, first, known)
            yield Bulk(log.kind.kind, table, write_cursor(positions), again)
            if len(table) < PAGE:
                return
            where = self._window(log, positions[log.name])
            query = Query(query.what, logs.select(self._layout, log, where, PAGE), "")

    def alteration(self, log: Log, position: Position, now: datetime) -> tuple[LogAlteration | None, Position]:
        """What happened to the rows that were there at `position`, and the position after this reading."""
        seen = self.count(log, position)
        total, summed = seen.old + seen.low + seen.new, seen.old_sum + seen.low_sum + seen.new_sum
        after = {"x": self.bound, "n": total, "h": str(summed), "m": seen.last}
        before, h = position.get("n"), int(position.get("h", 0))
        if before is None or (seen.old == before and seen.old_sum == h):
            return None, after
        touched = before - seen.old
        missing: int | None = max(0, touched - seen.low)
        if seen.old + seen.low == before and seen.old_sum + seen.low_sum == h:
            missing = 0
            if log.mutable:
                return None, after
        elif missing == 0:
            missing = None  # some are gone or some were written again: numbers alone do not tell
        return (
            LogAlteration(
                occurred_at=now,
                log=log.name,
                position=f"{position['x']}:{before}:{h}",
                rows_before=before,
                rows_left=seen.old,
                rows_missing=missing,
                rows_rewritten=min(seen.low, max(touched, 0)),
                log_exists=True,
            ),
            after,
        )

    def _left(self, log: Log, position: Position) -> int:
        table = logs.needed(self._layout, log)
        sql = f"SELECT count(*) AS remaining FROM {table.sql} l WHERE {self._window(log, position)}"
        return int(self._session.one(Query(f"rows of {log.name}", sql, ""))["remaining"])

    def _parts(self, log: Log, position: Position, bound: int) -> tuple[str, str, str]:
        """SQL for a row `l`: its transaction had ended at `bound`; at the position before; its key is not new."""
        settled, m = _before(bound), position.get("m")
        if m is None:
            return settled, "FALSE", "FALSE"
        low = f"{logs.key(self._layout, log)} <= {self._literal(log, m)}"
        if position.get("again"):
            return settled, "FALSE", low
        return settled, _before(position["x"]) if self._comparable(position, bound) else low, low

    def _window(self, log: Log, position: Position) -> str:
        """SQL for the rows of the round at `position` that are not done."""
        settled, old, _ = self._parts(log, position, position["u"])
        done = position.get("d")
        after = "" if done is None else f" AND {logs.key(self._layout, log)} > {self._literal(log, done)}"
        return f"{settled} AND NOT {old}{after}"

    @staticmethod
    def _comparable(position: Position, bound: int) -> bool:
        """Not another cluster (a restored dump begins its ids anew), and not too long ago."""
        return bool(0 <= bound - position["x"] < _FAR)

    def _literal(self, log: Log, key: str) -> str:
        return f"{int(key)}" if logs.is_number(self._layout, log) else f'{text(key)} COLLATE "C"'

    def _after(self, log: Log, key: str, other: str) -> bool:
        return int(key) > int(other) if logs.is_number(self._layout, log) else key.encode() > other.encode()

    def _table(self, log: Log, data: bytes) -> pa.Table:
        """The answer of COPY as the columns of the log's kind. Raises Malformed for what does not fit them."""
        columns = list(logs.names(log))
        types = {column: _TYPES[log.kind.columns()[column]] for column in columns}
        try:
            table = csv.read_csv(
                io.BytesIO(data),
                csv.ReadOptions(use_threads=False, column_names=columns, block_size=max(1 << 20, len(data) + 1)),
                csv.ParseOptions(newlines_in_values=True),
                csv.ConvertOptions(
                    column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
                    true_values=["t"], false_values=["f"],
                ),
            ) if data else pa.table({c: pa.array([], of) for c, of in types.items()})  # fmt: skip
        except pa.ArrowInvalid as error:
            raise Malformed(f"events of {log.name}: a value does not fit its column", remedy="report it") from error
        lists = [column for column in columns if log.kind.columns()[column] == "VARCHAR[]"]
        for column in lists:
            place = table.schema.get_field_index(column)
            table = table.set_column(place, column, _split(table[column].combine_chunks()))
        return table.append_column("log", pa.repeat(log.name, len(table)))


def gone(log: str, position: Position, now: datetime) -> LogAlteration:
    """A log that was read before is not there any more."""
    before = position.get("n")
    return LogAlteration(
        occurred_at=now, log=log, position=f"{position['x']}:{before}:{position.get('h', 0)}", rows_before=before,
        rows_left=0, rows_missing=before, rows_rewritten=0, log_exists=False,
    )  # fmt: skip


def _ended(position: Position) -> Position:
    return {"x": position["u"], "n": position["n2"], "h": position["h2"], "m": position["m2"]}


def _before(xid: int) -> str:
    """SQL: the transaction that wrote the row `l` is older than `xid`. A negative age is that of a row so old that its
    32 bits went round once: no row comes from the future."""
    return f"(age(l.xmin) > age('{xid % (1 << 32)}'::xid) OR age(l.xmin) < 0)"


def _split(joined: pa.Array) -> pa.Array:
    parts = pc.split_pattern(joined, BETWEEN)
    some = pc.if_else(pc.equal(joined, ""), pa.scalar([], parts.type), parts)
    return some.cast(pa.list_(pa.string()))
