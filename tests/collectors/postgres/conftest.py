"""One PostgreSQL server for all tests of a worker, with a reader that holds exactly what the README grants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from compliance.collectors.postgres import Postgres
from compliance.schemas.messages import Context
from tests.servers.postgres import PostgresServer, available

READER = "compliance_reader"
READER_PASSWORD = "planted-reader-51be20"
HUMAN_PASSWORD = "planted-human-90c4d8"
CUSTOM_SECRET = "planted-custom-17f3aa"

# exactly the block of the README, the password apart
GRANTS = (
    f"CREATE ROLE {READER} LOGIN PASSWORD '{READER_PASSWORD}'",
    f"GRANT pg_monitor TO {READER}",
    f"GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO {READER}",
)
POPULATION = (
    f"CREATE ROLE ana LOGIN PASSWORD '{HUMAN_PASSWORD}' VALID UNTIL '2020-01-01'",
    "CREATE ROLE app LOGIN",
    "CREATE ROLE analysts",
    "CREATE ROLE leads ADMIN app",
    "CREATE ROLE dba SUPERUSER LOGIN",
    "GRANT analysts TO leads",
    "GRANT leads TO ana",
    "GRANT pg_write_all_data TO app",
    f"ALTER ROLE app SET custom.token = '{CUSTOM_SECRET}'",
    "CREATE DATABASE shop OWNER app",
)
SHOP = (
    "CREATE SCHEMA sales",
    "CREATE TABLE sales.orders (id int, card text)",
    "CREATE TABLE sales.shared (id int)",
    "CREATE EXTENSION pgaudit",
    "GRANT SELECT ON sales.orders TO analysts WITH GRANT OPTION",
    "GRANT UPDATE (card) ON sales.orders TO ana",
    "GRANT SELECT ON sales.shared TO PUBLIC",
    "ALTER TABLE sales.shared OWNER TO app",
)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A server in a good state."""
    if not available():
        pytest.skip("PostgreSQL is not installed")
    with PostgresServer() as running:
        running.sql(*GRANTS, *POPULATION)
        running.sql(*SHOP, dbname="shop")
        yield running


@pytest.fixture
def settings(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of the reader, over TLS, certificate checked."""
    monkeypatch.setenv("PG_READER", READER_PASSWORD)
    return {
        "host": "127.0.0.1",
        "port": server.port,
        "user": READER,
        "dbname": "postgres",
        "password": "env:PG_READER",
        "sslmode": "verify-full",
        "sslrootcert": str(server.ca),
    }


@pytest.fixture
def context(settings: dict[str, Any]) -> Callable[..., Context[Any]]:
    """Makes a context for the reader; `changes` go into the settings."""

    def make(*kinds: str, timeout_s: float = 10.0, **changes: Any) -> Context[Any]:
        return Context(
            source="main_db",
            settings=Postgres.Settings.model_validate({**settings, **changes}),
            clock=lambda: datetime.now(UTC),
            wanted=frozenset(kinds or [kind.kind for kind in Postgres.kinds]),
            timeout_s=timeout_s,
        )

    return make
