"""What is said to be logged, against what the server really writes into its log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg

from compliance.collectors.postgres import Postgres
from compliance.schemas.messages import Context, Record
from tests.servers.postgres import PostgresServer

Make = Callable[..., Context[Any]]


def rows(ctx: Context[Any], kind: str) -> list[Any]:
    said = list(Postgres().collect(ctx))
    return [m.evidence for m in said if isinstance(m, Record) and m.evidence.kind == kind]


def test_what_is_said_to_be_logged_is_what_the_server_logs(context: Make, server: PostgresServer) -> None:
    """Four scopes with settings of their own; in each a table is made, and its name is looked for in the log."""
    password = "planted-audited-6d02"
    server.configure({"log_statement": "mod"})
    server.sql(
        f"CREATE ROLE quiet LOGIN PASSWORD '{password}'",
        f"CREATE ROLE loud LOGIN PASSWORD '{password}'",
        "CREATE ROLE group_only",
        "CREATE DATABASE unheard",
        "GRANT CREATE ON SCHEMA public TO quiet, loud",
        "ALTER ROLE quiet SET pgaudit.log = 'none'",
        "ALTER ROLE group_only SET pgaudit.log = 'none'",
        "ALTER DATABASE unheard SET log_statement = 'none'",
    )
    server.sql("GRANT CREATE ON SCHEMA public TO quiet, loud", dbname="unheard")
    try:
        told = {(r.account, r.database): r.logs_structure for r in rows(context("audit_scope"), "audit_scope")}
        (instance,) = rows(context("database_instance"), "database_instance")
        for account in ("quiet", "loud"):
            for database in ("postgres", "unheard"):
                given = {"user": account, "password": password, "host": str(server.data), "port": server.port}
                with psycopg.connect(**given, dbname=database, autocommit=True) as conn:
                    conn.execute(f"CREATE TABLE marker_{account}_{database} (id int)".encode())
        server.sql("SELECT pg_rotate_logfile()")
        written = _log(server, "marker_loud_unheard")
    finally:
        server.configure({"log_statement": "none"})
        server.sql("DROP DATABASE unheard", "DROP OWNED BY quiet, loud", "DROP ROLE quiet, loud, group_only")
    seen = {(a, d): f"marker_{a}_{d}" in written for a in ("quiet", "loud") for d in ("postgres", "unheard")}
    assert seen["quiet", "unheard"] is False
    assert told == {
        ("*", "*"): seen["loud", "postgres"],
        ("*", "unheard"): seen["loud", "unheard"],
        ("quiet", "*"): seen["quiet", "postgres"],
        ("quiet", "unheard"): seen["quiet", "unheard"],
    }
    assert instance.audit_logging is False


def _log(server: PostgresServer, awaited: str) -> str:
    """The server's log, once the collecting process has written what is waited for."""
    for _ in range(500):
        text = "".join(path.read_text("utf-8") for path in sorted((server.data / "log").iterdir()))
        if awaited in text:
            return text
        time.sleep(0.01)
    raise AssertionError(f"{awaited} never came into the log")


def test_who_may_change_what_is_logged(context: Make, server: PostgresServer) -> None:
    server.sql("GRANT SET ON PARAMETER pgaudit.log TO analysts", "GRANT SET ON PARAMETER work_mem TO analysts")
    try:
        (instance,) = rows(context("database_instance"), "database_instance")
        rights = [r for r in rows(context("data_grant"), "data_grant") if r.object_type == "parameter"]
    finally:
        server.sql("REVOKE SET ON PARAMETER pgaudit.log, work_mem FROM analysts")
    # analysts cannot sign in; leads, app and ana are in it
    assert instance.audit_switchers == 2
    assert {(r.account, r.object) for r in rights} == {
        (account, setting) for account in ("analysts", "leads", "app", "ana") for setting in ("pgaudit.log", "work_mem")
    }
