"""Evidence over time, and a control's query on many moments of it at once.

Each row of a kind carries the moments (by number) from which and until which it was in force. A query is put beside a
list of moments: every table it reads is narrowed to what was in force, and `$as_of` becomes the moment. DuckDB runs
that as one query, so that a year costs little more than a day; runs of equal verdicts are told apart inside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from compliance.controls import local_days, sql
from compliance.controls.catalogue import LoadedControl
from compliance.controls.evaluate import TIME_LIMIT_S, breach_in
from compliance.controls.evidence_base import COMMON_MACROS, SEAL, EvidenceBase
from compliance.controls.period.islands import Island
from compliance.controls.period.spans import Spans
from compliance.controls.profile import naive
from compliance.schemas.evidence import VIEW_COLUMNS, State, kind_named
from compliance.schemas.results import Coverage

FOREVER = 2**31 - 1  # the number of a moment that never comes
BUDGET = 400_000  # rows × moments that one query may look at
AT_ONCE = 1_000  # moments beside one query: each run of rows takes a bit for every one of them
VERSIONS = pa.schema(
    [
        ("entry", pa.int64()),
        ("source", pa.string()),
        ("observed_at", pa.timestamp("us")),
        ("subject", pa.string()),
        ("collected_at", pa.timestamp("us")),
        ("record", pa.string()),
        ("valid_from", pa.int32()),
        ("valid_to", pa.int32()),  # the first moment at which it is no longer in force
    ]
)
_PLACES = pa.schema([("entry", pa.int64()), ("source", pa.string())])
_MOVING = ("as_of", "period_end")
_CLOCK = re.compile(rf"[$:@]({'|'.join(_MOVING)})\b", re.IGNORECASE)
_WHEN_READ = re.compile(r"\bcollected_at\b", re.IGNORECASE)
# Why something passes is never read here: what is not asked for is not computed.
_MACROS = (
    *(
        f"CREATE MACRO {verdict}(code, reason) AS "
        f"{{'verdict': '{verdict}', 'code': CAST(code AS VARCHAR), 'reason': {reason}}}"
        for verdict, reason in (
            ("pass", "CAST(NULL AS VARCHAR)"),
            ("fail", "CAST(reason AS VARCHAR)"),
            ("unknown", "CAST(reason AS VARCHAR)"),
            ("not_applicable", "CAST(NULL AS VARCHAR)"),
        )
    ),
    *COMMON_MACROS,
)
# Most rows hold through without a break, which counting tells; only the others are sorted to find where they break.
_ISLANDS = """
WITH _row AS MATERIALIZED (
  SELECT _moment.k AS k, _said.resource AS resource, _said.entry AS entry, _said.result.verdict AS verdict,
    _said.result.code AS code, _said.result.reason AS reason
  FROM (SELECT unnest($_k::BIGINT[]) AS k, unnest($_n::INTEGER[]) AS n, unnest($_at::TIMESTAMP[]) AS moment) AS _moment,
  LATERAL ({query}) AS _said
), _whole AS MATERIALIZED (
  SELECT resource, verdict, code, arg_min(reason, k) AS reason, entry, min(k) AS first, max(k) AS last, count(*) AS n,
    bit_count(bitstring_agg(k, {low}, {high})) = max(k) - min(k) + 1 AS unbroken
  FROM _row GROUP BY resource, entry, verdict, code
), _broken AS (
  SELECT _row.*, k - row_number() OVER (PARTITION BY resource, entry, verdict, code ORDER BY k) AS island
  FROM _row SEMI JOIN (FROM _whole WHERE NOT unbroken) AS b
    ON b.resource IS NOT DISTINCT FROM _row.resource AND b.entry IS NOT DISTINCT FROM _row.entry
    AND b.verdict IS NOT DISTINCT FROM _row.verdict AND b.code IS NOT DISTINCT FROM _row.code
), _said AS (
  SELECT resource, verdict, code, reason, entry, first, last, n FROM _whole WHERE unbroken
  UNION ALL
  SELECT resource, verdict, code, arg_min(reason, k), entry, min(k), max(k), count(*)
  FROM _broken GROUP BY resource, entry, verdict, code, island
)
SELECT * REPLACE ({resource} AS resource) FROM _said
"""
# What is no text names nothing, and is refused; a table would show it as text.
_NAMED = "CASE WHEN typeof(resource) = 'VARCHAR' THEN CAST(resource AS VARCHAR) END"


@dataclass(frozen=True, slots=True)
class Moments:
    """The evaluations of one control: their numbers among all moments, and their times."""

    numbers: Sequence[int]
    times: Sequence[datetime]


class History(EvidenceBase):
    """Sealed evidence of a whole period. Close it after use."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, coverage: Sequence[Coverage]) -> None:
        """Takes a connection that `of` has sealed."""
        super().__init__(connection, coverage)
        self._seen: set[str] = set()
        self._changes: dict[str, frozenset[int]] = {}
        self._sizes: dict[tuple[str, int], int] = {}
        self._spans = Spans()

    def close(self) -> None:
        """Frees the memory."""
        self._spans.close()
        super().close()

    @classmethod
    def of(
        cls,
        tables: Mapping[str, Iterable[pa.Table]],
        kinds: Iterable[str],
        *,
        seen: Mapping[str, Mapping[str, Sequence[datetime | None]]] | None = None,
        memory_limit: str = "1GB",
        time_zone: str = local_days.ZONE,
    ) -> History:
        """The base over `kinds`, filled with tables of the shape `VERSIONS`.

        `seen` tells for kinds of state and their sources when each row in force was last read, by number of the moment:
        a row is stored when it changes, and `collected_at` is when it was last seen.
        """
        connection = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": memory_limit})
        try:
            connection.execute("SET temp_directory = ''")  # as in EvidenceBase: nothing spills
            base = cls(connection, ())
            base._add_days(time_zone)
            for statement in _MACROS:
                connection.execute(statement)
            for name in kinds:
                base._fill(name, tables.get(name, ()))
            for name, sources in (seen or {}).items():
                base._add_seen(name, sources)
            for statement in SEAL:
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return base

    def beside(self) -> History:
        """The same evidence, to be asked by another thread at the same time. Close it before this one."""
        other = History(self._connection.cursor(), ())
        other._places, other._kinds, other._seen = self._places, self._kinds, self._seen
        return other

    def _fill(self, kind: str, pieces: Iterable[pa.Table]) -> None:
        self._kinds.add(kind)
        columns = kind_named(kind).columns()
        span = {"valid_from": "INTEGER", "valid_to": "INTEGER"}
        declared = ", ".join(f'"{name}" {of}' for name, of in (*columns.items(), *VIEW_COLUMNS.items(), *span.items()))
        self._connection.execute(f'CREATE TABLE "{kind}" ({declared})')
        places = []
        for piece in pieces:
            if not piece.num_rows:
                continue
            rows = piece.select(VERSIONS.names).cast(VERSIONS)
            places.append(rows.select(["entry", "source", "subject"]))
            self._connection.register("_rows", rows)
            self._connection.execute(
                f'INSERT INTO "{kind}" SELECT unnest(from_json(record, ?)), entry, source, subject, '  # noqa: S608
                "observed_at, collected_at, valid_from, valid_to FROM _rows",
                [json.dumps(dict(columns))],
            )
            self._connection.unregister("_rows")
        if places:
            known = pa.concat_tables(places).combine_chunks()
            self._places[kind] = (known["entry"].combine_chunks(), known["source"], known["subject"])

    def _add_seen(self, kind: str, sources: Mapping[str, Sequence[datetime | None]]) -> None:
        self._seen.add(kind)
        moments = [[None if at is None else naive(at) for at in times] for times in sources.values()]
        table = pa.table(
            {
                "source": pa.array(list(sources), pa.string()),
                "at": pa.array(moments, pa.list_(pa.timestamp("us"))),
            }
        )
        self._connection.register("_rows", table)
        self._connection.execute(f'CREATE TABLE "_seen_{kind}" AS FROM _rows')
        self._connection.unregister("_rows")

    def changes(self, kind: str) -> frozenset[int]:
        """The moments at which rows of `kind` come or go."""
        if kind not in self._changes:
            _, rows = self.query(f'SELECT DISTINCT unnest([valid_from, valid_to]) FROM "{kind}"', {})  # noqa: S608
            self._changes[kind] = frozenset(n for (n,) in rows)
        return self._changes[kind]

    def came(self, kind: str, begun: Mapping[str, int]) -> set[int]:
        """The entries of what came after its source was first read, which is at the moments that `begun` names."""
        key = kind_named(kind).key if issubclass(kind_named(kind), State) else ()
        same = " AND ".join(f'o."{name}" IS NOT DISTINCT FROM v."{name}"' for name in ("source", *key))
        new = f'NOT EXISTS (FROM "{kind}" AS o WHERE o.valid_from <= b.n AND {same})' if key else "true"
        _, rows = self.query(
            "SELECT v.entry FROM (SELECT unnest($sources::VARCHAR[]) AS source, unnest($n::INTEGER[]) AS n) AS b "  # noqa: S608
            f'JOIN "{kind}" AS v ON v.source = b.source WHERE v.valid_from > b.n AND {new}',
            {"sources": list(begun), "n": list(begun.values())},
        )
        return {entry for (entry,) in rows}

    def size(self, kind: str, moments: int) -> int:
        """How many rows of `kind` are in force at once, on average over this many moments."""
        if (kind, moments) not in self._sizes:
            _, rows = self.query(
                f'SELECT sum(least(valid_to, $n) - valid_from) FROM "{kind}"',  # noqa: S608
                {"n": moments},
            )
            self._sizes[kind, moments] = int(rows[0][0] or 0) // max(moments, 1)
        return self._sizes[kind, moments]

    def islands(
        self,
        loaded: LoadedControl,
        at: Moments,
        parameters: Mapping[str, Any],
        period_start: datetime,
        *,
        batch: int,
        only: Collection[int] | None = None,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> list[Island]:
        """What the control says of every resource, at all its moments, `batch` of them at a time (at most `AT_ONCE`);
        of those whose first entry is in `only`, where that is given.

        Raises:
            Breach: a row broke the contract of controls.
            TimeLimit, duckdb.Error, SqlglotError: the query cannot be run in this form.
        """
        query = beside_moments(loaded.sql, self._seen)
        batch = min(batch, AT_ONCE)
        # Rows are kept apart by what they rest on: two sources may name a resource alike, and one may follow the other.
        said: list[pa.Table] = []
        for begin in range(0, len(at.numbers), batch):
            numbers, times = at.numbers[begin : begin + batch], at.times[begin : begin + batch]
            bound = {
                **parameters,
                **loaded.control.fixed,
                "period_start": naive(period_start),
                "_k": list(range(begin, begin + len(numbers))),
                "_n": list(numbers),
                "_at": [naive(moment) for moment in times],
            }
            text = _ISLANDS.format(query=query, resource=_NAMED, low=begin, high=begin + len(numbers) - 1)
            try:
                said.append(self.table(text, bound, time_limit_s=time_limit_s))
            except duckdb.InternalException:  # a fault of DuckDB's planner with some shapes of query beside moments
                said += self._one_by_one(query, Moments(numbers, times), begin, bound, time_limit_s)
        return self._checked(loaded, said, only)

    def _one_by_one(
        self, query: str, at: Moments, begin: int, bound: Mapping[str, Any], time_limit_s: float
    ) -> Iterator[pa.Table]:
        """The same rows, each moment by a query of its own."""
        for k, (number, moment) in enumerate(zip(at.numbers, at.times, strict=True), start=begin):
            alone = query.replace("_moment.n", str(number)).replace("_moment.moment", f"TIMESTAMP '{naive(moment)}'")
            said = (
                f"SELECT {_NAMED} AS resource, result.verdict AS verdict, result.code AS code, "  # noqa: S608
                f"result.reason AS reason, entry, {k}::BIGINT AS first, {k}::BIGINT AS last, 1::BIGINT AS n "
                f"FROM ({alone})"
            )
            yield self.table(said, bound, time_limit_s=time_limit_s)

    def _checked(self, loaded: LoadedControl, said: Sequence[pa.Table], only: Collection[int] | None) -> list[Island]:
        known = [self._places[kind] for kind in loaded.kinds if kind in self._places]
        places_of = pa.concat_tables(
            [pa.table({"entry": entry, "source": source}).cast(_PLACES) for entry, source, _ in known]
            or [_PLACES.empty_table()]
        )
        rows = self._spans.joined(said, places_of, only)
        places = self.places(loaded.kinds, list({entry for row in rows for entry in row[4]}))
        found = []
        for resource, said_verdict, code, reason, entries, first, last in rows:
            rests_on = tuple(dict.fromkeys(entries))
            verdict = breach_in(loaded, resource, said_verdict, code, rests_on, places)
            subject = next((places[one][1] for one in rests_on if places[one][1] is not None), None)
            source = places[rests_on[0]][0]
            found.append(Island(source, resource, subject, verdict, code, reason, rests_on, first, last))
        return found


@lru_cache(maxsize=1024)
def _narrowed(kind: str, seen: bool) -> exp.Query:
    """What is in force of a kind; copy it before use. Parsed once: most kinds are read by several controls."""
    in_force = "_version.valid_from <= _moment.n AND _moment.n < _version.valid_to"
    text = f'SELECT * EXCLUDE (valid_from, valid_to) FROM "{kind}" AS _version WHERE {in_force}'  # noqa: S608
    if seen:
        text = (
            "SELECT _version.* EXCLUDE (valid_from, valid_to, collected_at), "  # noqa: S608 -- a declared kind
            f'_read."at"[_moment.n + 1] AS collected_at FROM "{kind}" AS _version '
            f'LEFT JOIN "_seen_{kind}" AS _read ON _read.source = _version.source WHERE {in_force}'
        )
    tree = sqlglot.parse_one(text, dialect="duckdb")
    assert isinstance(tree, exp.Query)
    return tree


def moving(loaded: LoadedControl) -> bool:
    """Its verdict can change with time alone. Read off the text: a word in a comment costs some evaluations more."""
    return _CLOCK.search(loaded.sql) is not None


def of_a_period(loaded: LoadedControl) -> bool:
    """It leaves out what lies before the period."""
    return "$period_start" in loaded.sql and "period_start" in sql.parse(loaded.sql, loaded.sql_path).parameters()


def asks_when_read(loaded: LoadedControl) -> bool:
    """Its verdict can change with a reading that shows nothing new."""
    return _WHEN_READ.search(loaded.sql) is not None


def beside_moments(text: str, seen: Collection[str] = ()) -> str:
    """The control's SELECT for use beside `_moment`: its tables narrowed to what is in force, its clock the moment's;
    `collected_at` of the kinds in `seen` is when their source was last read by then.

    Raises SqlglotError when the text cannot be parsed.
    """
    tree = sqlglot.parse_one(text, dialect="duckdb")
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.this, exp.Identifier) and table.name not in own:
            narrowed = _narrowed(table.name, table.name in seen).copy()
            table.replace(narrowed.subquery(table.alias or table.name, copy=False))
    for node in list(tree.find_all(exp.Placeholder, exp.Parameter)):
        if node.name in _MOVING:
            node.replace(exp.column("moment", table="_moment"))
    return tree.sql(dialect="duckdb")
