"""Registers in a table or view: read with one SELECT of the columns that are evidence, and counted beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from compliance.collectors.files import os_error
from compliance.collectors.postgres.session import Query, Session
from compliance.collectors.registers.settings import RegistersSettings
from compliance.collectors.registers.sheet import Layout, Row, Sheet, Unreadable, header_faults
from compliance.schemas.errors import Absent, Denied, Malformed, SourceError, TimedOut
from compliance.schemas.messages import Context, Request


class Database(Protocol):
    """One connection that cannot write."""

    form: str
    where: str

    @property
    def asked(self) -> list[Request]:
        """What was asked for the register read last."""
        ...

    def sheet(self, table: str, layout: Layout) -> tuple[Sheet, bool | None]:
        """The rows of a table, and whether the account that reads it could change it too. Raises SourceError."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def connect(ctx: Context[RegistersSettings]) -> Database:
    """The database of a source. Raises SourceError when there is no session."""
    if ctx.settings.sqlite is not None:
        return _Sqlite(ctx.settings.sqlite, ctx.timeout_s)
    reached: Context[Any] = ctx
    return _Postgres(replace(reached, settings=ctx.settings.postgres))


def wanted_columns(names: Sequence[str], layout: Layout, place: str) -> list[str]:
    """Those of a table's columns that are evidence.

    Raises:
        Unreadable: one is unknown and not to be ignored, or one is missing: a misspelt name must not become NULL.
    """
    faults = header_faults(names, layout)
    if faults:
        raise Unreadable(place, faults)
    return [name for name in names if name in layout.columns()]


class _Postgres:
    """A server of PostgreSQL."""

    form = "postgres"

    def __init__(self, ctx: Context[Any]) -> None:
        self._session = Session(ctx)
        self.where = self._session.instance
        # A policy that hides rows from the reader must be an error: a part of a register is not the register.
        self._filtered = Query("row security", "SELECT set_config('row_security', 'off', false)")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.__exit__(kind, error, trace)

    @property
    def asked(self) -> list[Request]:
        return self._session.asked

    def sheet(self, table: str, layout: Layout) -> tuple[Sheet, bool | None]:
        session, place = self._session, f"{self.where} {table}"
        session.begin_kind()
        schema, name = table.split(".", 1) if "." in table else ("public", table)
        needs = f"GRANT USAGE ON SCHEMA {_quoted(schema)}, and SELECT ON {_quoted(schema)}.{_quoted(name)}"
        self._session.rows(self._filtered)
        found = session.rows(Query(f"columns of {table}", _COLUMNS.format(_literal(schema), _literal(name)), needs))
        if not found:
            raise Absent(f"{place}: there is no such table or view", remedy="write schema.name as the database has it")
        columns = wanted_columns([str(row["name"]) for row in found], layout, place)
        chosen = ", ".join(_quoted(column) for column in columns)
        of = f"{_quoted(schema)}.{_quoted(name)}"
        answer = session.ask(
            Query(
                f"register {table}",
                f"SELECT {chosen} FROM {of}",  # noqa: S608 -- quoted names
                f"{needs} TO the reading role",
                f"SELECT count(*) AS count FROM {of}",  # noqa: S608 -- quoted names
            )
        )
        rows = [Row(number, dict(row)) for number, row in enumerate(answer.rows, start=1)]
        writes = any(bool(row["writes"]) for row in found)
        return Sheet(columns, rows, count=answer.count), writes


_COLUMNS = """SELECT a.attname::text AS name,
       has_table_privilege(c.oid, 'INSERT') OR has_table_privilege(c.oid, 'UPDATE')
           OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE') AS writes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE n.nspname = {} AND c.relname = {} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""


class _Sqlite:
    """A file of SQLite."""

    form = "sqlite"

    def __init__(self, path: Path, timeout_s: float) -> None:
        self.where = str(path)
        self.asked: list[Request] = []
        try:
            with path.open("rb") as file:
                begin = file.read(16)
        except OSError as error:
            raise os_error(str(path), error) from error
        if begin != b"SQLite format 3\x00":
            raise Malformed(f"{path} is no database of SQLite", remedy="name its file")
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with self._errors("opening it"):
            self._connection = sqlite3.connect(uri, uri=True, timeout=timeout_s)
            self._connection.execute("PRAGMA query_only = on")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def sheet(self, table: str, layout: Layout) -> tuple[Sheet, bool | None]:
        self.asked = []
        place = f"{self.where} {table}"
        found = self._rows(f"PRAGMA table_info({_quoted(table)})")
        if not found:
            raise Absent(f"{place}: there is no such table or view", remedy="write its name as the database has it")
        columns = wanted_columns([str(row[1]) for row in found], layout, place)
        chosen = ", ".join(_quoted(column) for column in columns)
        with self._errors(f"reading {table}"), self._connection:
            self._connection.execute("BEGIN")
            rows = self._rows(f"SELECT {chosen} FROM {_quoted(table)}")  # noqa: S608 -- quoted names
            ((count,),) = self._rows(f"SELECT count(*) FROM {_quoted(table)}")  # noqa: S608 -- quoted names
        made = [Row(number, dict(zip(columns, row, strict=True))) for number, row in enumerate(rows, start=1)]
        return Sheet(columns, made, count=count), None

    def _rows(self, sql: str) -> list[Any]:
        self.asked.append(Request("sql", sql))
        with self._errors("a question"), closing(self._connection.cursor()) as cursor:
            return cursor.execute(sql).fetchall()

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            said = f"{self.where}: {what} failed: {error}"
            raise _refusal(error, said) from error


def _refusal(error: sqlite3.Error, said: str) -> SourceError:
    code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return TimedOut(said, remedy="collect when nobody writes the file, or raise the time-out")
    if code in (sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        return Denied(said, remedy="give this account read access to the file and its folder")
    return Malformed(said, remedy="check the file (PRAGMA integrity_check) and the name of the table")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    """A string constant of standard SQL; a backslash means nothing in it (standard_conforming_strings)."""
    return "'" + text.replace("'", "''") + "'"
