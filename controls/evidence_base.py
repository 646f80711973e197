"""The evidence as control SQL sees it: one typed table per kind in a sealed, temporary DuckDB.

Built once for an evaluation, then sealed: no files, no network, no settings, no Python variables. All controls run on
the one sealed connection, one at a time.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from compliance.controls import local_days
from compliance.schemas.errors import ControlError, EvidenceError
from compliance.schemas.evidence import VIEW_COLUMNS, Evidence, all_kinds, kind_named
from compliance.schemas.kinds import engine
from compliance.schemas.results import Coverage

# Recorded by the engine as it works, never collected: without a coverage row they count as complete.
ENGINE_KINDS = frozenset(name for name, kind in all_kinds().items() if kind.__module__ == engine.__name__)

# What an evaluation is given of them. Others have a table that stays empty, and nothing follows from that.
ENGINE_STATES = ("source", "profile_flag", "ledger_check")
ENGINE_EVENTS = ("collection", "waiver", "attestation")

INPUT = pa.schema(
    [
        ("entry", pa.int64()),
        ("source", pa.string()),
        ("observed_at", pa.timestamp("us", "UTC")),
        ("subject", pa.string()),
        ("collected_at", pa.timestamp("us", "UTC")),
        ("record", pa.string()),
    ]
)

_VERDICTS = (
    *(
        f"CREATE MACRO {verdict}(code, reason) AS "
        f"{{'verdict': '{verdict}', 'code': CAST(code AS VARCHAR), 'reason': CAST(reason AS VARCHAR)}}"
        for verdict in ("pass", "fail", "unknown", "not_applicable")
    ),
)
COMMON_MACROS = (
    # Bound integers are BIGINT, which to_days does not take; and `$as_of - days($n)` reads as it is said.
    "CREATE MACRO minutes(n) AS to_minutes(CAST(n AS BIGINT))",
    "CREATE MACRO hours(n) AS to_hours(CAST(n AS BIGINT))",
    "CREATE MACRO days(n) AS to_days(CAST(n AS INTEGER))",
    # Case, spaces and what nobody sees do not make another person (`profile.person` says the same in Python).
    "CREATE MACRO seen(name) AS regexp_replace(lower(nfc_normalize(name)), '\\p{Cf}', '', 'g')",
    "CREATE MACRO folded(name) AS trim(regexp_replace(seen(name), '[\\s\\p{Z}]+', ' ', 'g'))",
)

SEAL = (
    "SET GLOBAL python_enable_replacements = false",  # for its cursors too
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


class TimeLimit(Exception):
    """A query ran longer than it may."""


class EvidenceBase:
    """Sealed evidence at one moment, and what is known of its completeness. Close it after use."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, coverage: Sequence[Coverage]) -> None:
        """Takes a connection that `build` has sealed."""
        self._connection = connection
        self.coverage = tuple(coverage)
        self._places: dict[str, tuple[pa.Array, pa.ChunkedArray, pa.ChunkedArray]] = {}
        self._kinds: set[str] = set()

    @classmethod
    def build(
        cls,
        tables: Mapping[str, pa.Table | Iterable[pa.Table]],
        coverage: Sequence[Coverage],
        *,
        memory_limit: str = "2GB",
        threads: int = 2,
        kinds: Iterable[str] | None = None,
        time_zone: str = local_days.ZONE,
    ) -> EvidenceBase:
        """The base for `tables`, one per kind with the columns of `INPUT`; `record` is the row as JSON text. A large
        one may come in pieces.

        Every known kind gets a table (or those of `kinds`), so that a control over a kind without rows sees an empty
        population. Rows of a source that left the configuration are left out: nobody refreshes them. Terms of law that
        count local days are counted in `time_zone`.

        Raises:
            EvidenceError: an unknown kind, another shape, or rows whose source has no coverage row for the kind.
        """
        for name in tables:
            kind_named(name)
        wanted = all_kinds() if kinds is None else {name: kind_named(name) for name in kinds}
        connection = duckdb.connect(":memory:", config={"threads": threads, "memory_limit": memory_limit})
        try:
            connection.execute("SET temp_directory = ''")  # evidence must not spill to a folder nobody guards
            base = cls(connection, coverage)
            base._add_days(time_zone)
            for statement in (*_VERDICTS, *COMMON_MACROS):
                connection.execute(statement)
            for name, kind in wanted.items():
                base._create(kind, tables.get(name))
            for statement in SEAL:
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return base

    def close(self) -> None:
        """Frees the memory."""
        self._connection.close()

    def interrupt(self) -> None:
        """Stops the query that runs, if one does; it raises duckdb.InterruptException where it was asked."""
        self._connection.interrupt()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def has(self, kind: str) -> bool:
        """Whether it was built with a table of `kind`."""
        return kind in self._kinds

    def holds(self, kinds: Iterable[str]) -> bool:
        """Whether there is a row of any of `kinds`."""
        return any(kind in self._places for kind in kinds)

    def promised(self, kind: str) -> tuple[Coverage, ...]:
        """Coverage rows of the configured sources that answer for `kind`."""
        return tuple(row for row in self.coverage if row.kind == kind and not row.removed_from_configuration)

    def removed(self, kind: str) -> tuple[Coverage, ...]:
        """Coverage rows of sources that left the configuration."""
        return tuple(row for row in self.coverage if row.kind == kind and row.removed_from_configuration)

    def query(
        self, text: str, parameters: Mapping[str, Any], *, time_limit_s: float = 60.0
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of one SELECT, run read-only; parameters the text does not use are not bound.

        Raises:
            ControlError: the text is not exactly one SELECT.
            TimeLimit: it ran longer than `time_limit_s`.
            duckdb.Error: it is wrong or broke a limit.
        """
        with self._asking(text, parameters, time_limit_s) as (statement, bound):
            self._connection.execute(statement, bound)
            names = [column[0] for column in self._connection.description or ()]
            return names, self._connection.fetchall()

    def table(self, text: str, parameters: Mapping[str, Any], *, time_limit_s: float = 60.0) -> pa.Table:
        """The same as a table."""
        with self._asking(text, parameters, time_limit_s) as (statement, bound):
            return self._connection.sql(statement, params=bound).to_arrow_table()

    @contextmanager
    def _asking(
        self, text: str, parameters: Mapping[str, Any], time_limit_s: float
    ) -> Iterator[tuple[duckdb.Statement, dict[str, Any] | None]]:
        """The statement and what it binds, to be run and fetched inside: read-only, and within the limit."""
        statements = duckdb.extract_statements(text)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            kinds = ", ".join(statement.type.name for statement in statements) or "nothing"
            raise ControlError(f"a control is exactly one SELECT; this is {kinds}")
        bound = {name: parameters[name] for name in statements[0].named_parameters if name in parameters}
        self._connection.execute("BEGIN TRANSACTION READ ONLY")
        try:
            with self._limited(time_limit_s):
                yield statements[0], bound or None
        finally:
            self._connection.execute("ROLLBACK")

    def places(self, kinds: Iterable[str], entries: Sequence[int]) -> dict[int, tuple[str | None, str | None, str]]:
        """Entry → (source, subject, kind) for those of `entries` that are evidence of `kinds`."""
        found: dict[int, tuple[str | None, str | None, str]] = {}
        wanted = pa.array(entries, pa.int64())
        for kind in kinds:
            if kind not in self._places or not entries:
                continue
            known, sources, subjects = self._places[kind]
            index = pc.index_in(wanted, value_set=known)
            hits = index.drop_null()
            for entry, source, subject in zip(
                wanted.filter(index.is_valid()).to_pylist(),
                sources.take(hits).to_pylist(),
                subjects.take(hits).to_pylist(),
                strict=True,
            ):
                found[entry] = (source, subject, kind)
        return found

    def _create(self, kind: type[Evidence], rows: pa.Table | Iterable[pa.Table] | None) -> None:
        columns = kind.columns()
        declared = ", ".join(f'"{name}" {of}' for name, of in (*columns.items(), *VIEW_COLUMNS.items()))
        self._connection.execute(f'CREATE TABLE "{kind.kind}" ({declared})')
        self._kinds.add(kind.kind)
        pieces = [] if rows is None else [rows] if isinstance(rows, pa.Table) else rows
        places = []
        for piece in pieces:
            if piece.num_rows:
                piece = self._current(kind.kind, _shaped(kind.kind, piece))
                places.append(piece.select(["entry", "source", "subject"]))
                self._insert(kind.kind, columns, piece)
        if places:
            known = pa.concat_tables(places)
            self._places[kind.kind] = (known["entry"].combine_chunks(), known["source"], known["subject"])

    def _add_days(self, time_zone: str) -> None:
        for statement in local_days.statements(time_zone):
            self._connection.execute(statement)

    def _insert(self, kind: str, columns: Mapping[str, str], rows: pa.Table) -> None:
        self._connection.register("_rows", rows)
        # Not the strict form: a value that does not fit becomes NULL, "not readable", and old rows lack new columns.
        self._connection.execute(
            f'INSERT INTO "{kind}" SELECT unnest(from_json(record, ?)), '  # noqa: S608 -- a declared kind
            "entry, source, subject, CAST(observed_at AS TIMESTAMP), CAST(collected_at AS TIMESTAMP) FROM _rows",
            [json.dumps(dict(columns))],
        )
        self._connection.unregister("_rows")

    def _current(self, kind: str, rows: pa.Table) -> pa.Table:
        if kind in ENGINE_KINDS:
            return rows
        answering = {row.source for row in self.promised(kind)}
        gone = {row.source for row in self.removed(kind)} - answering
        sources = set(rows["source"].unique().to_pylist())
        unexplained = sources - answering - gone
        if unexplained:
            names = ", ".join(sorted(str(name) for name in unexplained))
            raise EvidenceError(
                f"{kind}: rows of {names} without a coverage row for it",
                remedy="give a Coverage for every source and kind that has rows",
            )
        if gone & sources:
            rows = rows.filter(pc.invert(pc.is_in(rows["source"], value_set=pa.array(sorted(gone), pa.string()))))
        return rows

    @contextmanager
    def _limited(self, seconds: float) -> Iterator[None]:
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._connection.interrupt()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            yield
        except duckdb.InterruptException as error:
            if late.is_set():
                raise TimeLimit(f"stopped after {seconds:g} s") from error
            raise
        finally:
            timer.cancel()
            timer.join()


def _shaped(kind: str, rows: pa.Table) -> pa.Table:
    missing = [name for name in INPUT.names if name not in rows.column_names]
    if missing:
        raise EvidenceError(f"{kind}: the table lacks {', '.join(missing)}")
    try:
        shaped = rows.select(INPUT.names).cast(INPUT)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise EvidenceError(f"{kind}: the table has another shape than INPUT: {error}") from error
    if shaped["entry"].null_count:
        raise EvidenceError(f"{kind}: a row without entry number rests on nothing")
    naive = pa.timestamp("us")  # evidence columns are TIMESTAMP in UTC; DuckDB would convert to the session's zone
    for name in ("observed_at", "collected_at"):
        place = shaped.schema.get_field_index(name)
        shaped = shaped.set_column(place, name, shaped[name].cast(naive))
    return shaped
