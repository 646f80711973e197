"""Registers in tables: PostgreSQL with exactly the grant of the README and nothing more, and SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from compliance.collectors.registers import Registers
from compliance.collectors.testing import Conformance
from compliance.schemas.messages import Cause, Context
from tests.collectors.registers.conftest import KIND
from tests.collectors.said import Said
from tests.servers.postgres import PostgresServer, available

READER, PASSWORD = "evidence", "planted-reader-77c1e0"
NOTE = "planted-note-5d20af"  # in a column that is no evidence

SETUP = (
    f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'",
    "CREATE SCHEMA desk",
    (
        "CREATE TABLE desk.returns (what text, of_source text, returned_at timestamptz, by_person text, "
        "covers_until date, entries int, reviewed_by text, expires_at timestamp, note text)"
    ),
    (
        "INSERT INTO desk.returns VALUES ('incident', '*', '2026-11-03 09:00-06', 'Ana Ruiz', '2026-11-01', 0, 'Luis', "
        f"NULL, '{NOTE}'), ('breach', 'desk', '2026-11-03 00:00Z', 'Eva Sol', NULL, 2, NULL, '2026-12-01', NULL)"
    ),
)
GRANTS = (
    f"GRANT USAGE ON SCHEMA desk TO {READER}",
    (
        f"GRANT SELECT (what, of_source, returned_at, by_person, covers_until, entries, reviewed_by, expires_at) "
        f"ON desk.returns TO {READER}"
    ),
)
ABOUT: dict[str, Any] = {"table": "desk.returns", "columns": {"of_kind": "what"}, "ignore": ["note"]}
RESET = (
    "DROP OWNED BY evidence",
    *GRANTS,
    "ALTER TABLE desk.returns DISABLE ROW LEVEL SECURITY",
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server with a register in a table."""
    if not available():
        pytest.skip("PostgreSQL is not installed")
    with PostgresServer() as running:
        running.sql(*SETUP, *GRANTS)
        yield running


@pytest.fixture
def settings(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of the reader, over TLS, with its grants as they should be."""
    monkeypatch.setenv("DESK", PASSWORD)
    server.sql(*RESET)
    place = {"host": "127.0.0.1", "port": server.port, "user": READER, "dbname": "postgres", "password": "env:DESK",
             "sslmode": "verify-full", "sslrootcert": str(server.ca)}  # fmt: skip
    return {"postgres": place, "time_zone": "UTC", "owner": "Ana Ruiz", "registers": {KIND: ABOUT}}


@pytest.fixture
def told(settings: dict[str, Any]) -> Callable[..., Said]:
    """Runs the collector; `about` replaces parts of what is said of the register."""

    def run(**about: Any) -> Said:
        return Said(Registers, made({**settings, "registers": {KIND: {**ABOUT, **about}}}))

    return run


def made(given: dict[str, Any]) -> Context[Any]:
    """A context that asks for everything."""
    kinds = frozenset({"kept_register", KIND})
    parsed = Registers.Settings.model_validate(given)
    return Context("desk", parsed, lambda: datetime.now(UTC), kinds, timeout_s=10.0)


def test_the_grant_is_enough_and_the_role_can_do_nothing_more(
    told: Callable[..., Said], server: PostgresServer
) -> None:
    said = told()
    first, second = sorted(said.rows(KIND), key=lambda row: row.entries)
    assert first.returned_at == datetime(2026, 11, 3, 15, tzinfo=UTC)
    assert first.covers_until == datetime(2026, 11, 1, tzinfo=UTC)
    assert (first.of_kind, first.by_person, first.expires_at) == ("incident", "Ana Ruiz", None)
    assert second.expires_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert said.complete[KIND].independent_count == 2
    row = said.one("kept_register")
    assert (row.form, row.rows, row.reader_may_write, row.place) == (
        "postgres", 2, False, f"127.0.0.1:{server.port} desk.returns"
    )  # fmt: skip
    assert NOTE not in repr(said.messages)
    reader = {**server.parameters(), "user": READER, "password": PASSWORD}
    with psycopg.connect(**reader, autocommit=True) as session:
        for statement in (
            "DELETE FROM desk.returns",
            "UPDATE desk.returns SET entries = 1",
            "INSERT INTO desk.returns (what) VALUES ('x')",
            "SELECT note FROM desk.returns",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement.encode())


def test_a_column_that_nobody_knows_is_a_gap(told: Callable[..., Said]) -> None:
    gap = told(ignore=[]).gaps[KIND]
    assert gap.cause is Cause.MALFORMED
    assert "column number 9: its name is no column" in gap.message
    assert "of_kind: this column is missing" in told(columns={}, ignore=["note", "what"]).gaps[KIND].message


def test_a_value_that_does_not_fit_is_a_gap(told: Callable[..., Said], server: PostgresServer) -> None:
    server.sql("UPDATE desk.returns SET entries = -entries WHERE what = 'breach'")
    try:
        gap = told().gaps[KIND]
    finally:
        server.sql("UPDATE desk.returns SET entries = abs(entries)")
    assert "column entries: does not fit" in gap.message


def test_rights_that_are_taken_away_are_gaps(told: Callable[..., Said], server: PostgresServer) -> None:
    server.sql(f"REVOKE SELECT (entries) ON desk.returns FROM {READER}")
    gap = told().gaps[KIND]
    assert gap.cause is Cause.DENIED
    assert "SELECT ON" in gap.remedy
    server.sql("DROP OWNED BY evidence")
    assert told().gaps[KIND].cause is Cause.DENIED


def test_rows_hidden_by_a_policy_are_a_gap(told: Callable[..., Said], server: PostgresServer) -> None:
    server.sql(
        "CREATE POLICY part ON desk.returns USING (entries = 0)", "ALTER TABLE desk.returns ENABLE ROW LEVEL SECURITY"
    )
    try:
        gap = told().gaps[KIND]
    finally:
        server.sql("DROP POLICY part ON desk.returns", "ALTER TABLE desk.returns DISABLE ROW LEVEL SECURITY")
    assert gap.cause is Cause.DENIED
    assert "row-level security" in gap.message


def test_a_reader_that_could_write_is_recorded(told: Callable[..., Said], server: PostgresServer) -> None:
    server.sql(f"GRANT DELETE ON desk.returns TO {READER}")
    assert told().one("kept_register").reader_may_write is True


def test_a_table_that_is_not_there_is_a_gap(told: Callable[..., Said]) -> None:
    assert told(table="desk.gone").gaps[KIND].cause is Cause.ABSENT
    assert told(table="desk.x' OR 1=1 --").gaps[KIND].cause is Cause.ABSENT


def test_a_server_that_is_stopped_is_a_gap(told: Callable[..., Said], server: PostgresServer) -> None:
    server.stop()
    try:
        said = told()
    finally:
        server.start()
    assert {kind: gap.cause for kind, gap in said.gaps.items()} == {
        KIND: Cause.UNREACHABLE, "kept_register": Cause.UNREACHABLE
    }  # fmt: skip


class TestConformance(Conformance):
    collector = Registers
    planted = (NOTE,)

    @pytest.fixture(autouse=True)
    def _place(self, settings: dict[str, Any]) -> None:
        type(self)._heard.clear()
        self.settings = settings
        self.unreachable = {**settings, "postgres": {**settings["postgres"], "port": 1}}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A file of SQLite with a register."""
    path = tmp_path / "desk.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(
            f"CREATE TABLE {KIND} (of_kind, of_source, returned_at, by_person, covers_until, entries INTEGER)"
        )
        connection.execute(
            f"INSERT INTO {KIND} VALUES ('incident', '*', '2026-11-03T09:00-06:00', 'Ana Ruiz', '2026-11-01', 0)"
        )
    connection.close()
    return path


def sqlite_said(path: Path, table: str = KIND) -> Said:
    """What the collector says of a register in SQLite."""
    return Said(Registers, made({"sqlite": str(path), "time_zone": "UTC", "registers": {KIND: {"table": table}}}))


def test_sqlite_is_read_and_not_written(database: Path) -> None:
    database.chmod(0o444)
    before = database.read_bytes()
    said = sqlite_said(database)
    (row,) = said.rows(KIND)
    assert (row.entries, row.reviewed_by, row.returned_at) == (0, None, datetime(2026, 11, 3, 15, tzinfo=UTC))
    assert said.complete[KIND].independent_count == 1
    assert database.read_bytes() == before
    assert sorted(entry.name for entry in database.parent.iterdir()) == [database.name]


def test_a_damaged_or_missing_database_is_a_gap(database: Path, tmp_path: Path) -> None:
    assert sqlite_said(tmp_path / "none.sqlite").gaps[KIND].cause is Cause.ABSENT
    assert sqlite_said(database, "none").gaps[KIND].cause is Cause.ABSENT
    content = bytearray(database.read_bytes())
    content[100:2000] = b"\xff" * 1900
    database.write_bytes(content)
    assert sqlite_said(database).gaps[KIND].cause is Cause.MALFORMED
    database.write_text("no database")
    assert sqlite_said(database).gaps[KIND].cause is Cause.MALFORMED
