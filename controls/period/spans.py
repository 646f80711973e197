"""What a query said at many moments, joined to runs: a resource of one source that keeps its verdict while only what it
rests on changes is one run. Most rows are of that sort, and Python is spared them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.types

from compliance.controls.evaluate import NAMELESS, ON_NOTHING, STRANGE, TWICE, Breach

# A left join that found nothing leaves NULL among the entries.
_SHAPED = """
CREATE OR REPLACE TEMP TABLE _said AS
SELECT * EXCLUDE (entry), list_filter(CAST({entries} AS BIGINT[]), lambda one: one IS NOT NULL) AS entries FROM _read
"""
_BREACHES = """
SELECT count(*) FILTER (n <> last - first + 1), count(*) FILTER ((len(entries) > 0) IS NOT TRUE),
  (SELECT count(*) FROM (SELECT unnest(entries) AS entry FROM _said) ANTI JOIN _places USING (entry))
FROM _said
"""
_JOINED = """
WITH _place AS (
  SELECT entry, any_value(source) AS source FROM _places GROUP BY entry
), _placed AS (
  SELECT _said.*, _place.source AS source FROM _said JOIN _place ON _place.entry = _said.entries[1] {only}
), _beside AS (
  SELECT *, coalesce(lag(last) OVER w = first - 1 AND lag(verdict) OVER w = verdict AND lag(code) OVER w = code, false)
    AS goes_on
  FROM _placed WINDOW w AS (PARTITION BY resource, source ORDER BY first)
), _numbered AS (
  SELECT *, count(*) FILTER (NOT goes_on)
    OVER (PARTITION BY resource, source ORDER BY first ROWS UNBOUNDED PRECEDING) AS run
  FROM _beside
), _run AS (
  SELECT resource, min(first) AS first, max(last) AS last,
    min_by({{'verdict': verdict, 'code': code, 'reason': reason, 'entries': entries}}, first) AS begin
  FROM _numbered GROUP BY resource, source, run
)
SELECT resource, begin.verdict, begin.code, begin.reason, begin.entries, first, last FROM _run
"""


class Spans:
    """Where rows are joined: a DuckDB of its own, for that of the evidence is sealed. Close it after use."""

    def __init__(self) -> None:
        """Holds nothing yet, and never more than the memory allows: rows name persons, and nothing spills."""
        self._connection = duckdb.connect(
            ":memory:", config={"threads": 1, "memory_limit": "1GB", "temp_directory": ""}
        )

    def close(self) -> None:
        """Frees the memory."""
        self._connection.close()

    def joined(
        self, said: Sequence[pa.Table], places: pa.Table, only: Collection[int] | None = None
    ) -> list[tuple[Any, ...]]:
        """Rows of resource, verdict, code, reason (all as they began), entries, first and last moment (numbers).

        `said` has these columns and `n`, the rows that a run was made of; `entry` may be a number or a list of them.
        `places` says of which source each entry is. Of `only`, where given, is the first entry of what is asked for.

        Raises Breach when a row broke the contract of controls, as far as Python need not look at every row for it.
        """
        table = pa.concat_tables(said)
        if table.num_rows and not pa.types.is_string(table.schema.field("resource").type):
            raise Breach(NAMELESS)
        asked = {"_read": table, "_places": places, "_only": pa.table({"entry": pa.array(only or (), pa.int64())})}
        for name, one in asked.items():
            self._connection.register(name, one)
        try:
            self._connection.execute(_SHAPED.format(entries=_entries(table.schema.field("entry").type)))
            counts = self._connection.execute(_BREACHES).fetchall()[0]
            for count, what in zip(counts, (TWICE, ON_NOTHING, STRANGE), strict=True):
                if count:
                    raise Breach(what)
            narrowed = "SEMI JOIN _only ON _only.entry = _said.entries[1]" if only is not None else ""
            return self._connection.execute(_JOINED.format(only=narrowed)).fetchall()
        finally:
            self._connection.execute("DROP TABLE IF EXISTS _said")
            for name in asked:
                self._connection.unregister(name)


def _entries(of: pa.DataType) -> str:
    """SQL for the entries that a row rests on, as a list. Raises Breach where they are no numbers."""
    if pa.types.is_list(of) and pa.types.is_integer(of.value_type):
        return "entry"
    if pa.types.is_integer(of):
        return "[entry]"
    raise Breach(ON_NOTHING)
