"""One PostgreSQL and one PgBouncer in front of it for all tests of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from compliance.collectors.pgbouncer import PgBouncer
from compliance.schemas.messages import Context
from tests.collectors.said import Said
from tests.servers import pgbouncer, postgres
from tests.servers.pgbouncer import APP_PASSWORD, READER, READER_PASSWORD, PgBouncerServer
from tests.servers.postgres import PostgresServer

Read = partial(Said, PgBouncer)
Make = Callable[..., Context[Any]]


@pytest.fixture(scope="session")
def database() -> Iterator[PostgresServer]:
    """The server that the pools lead to."""
    if not postgres.available() or not pgbouncer.available():
        pytest.skip("PostgreSQL or PgBouncer is not installed (apt: postgresql pgbouncer)")
    with PostgresServer() as running:
        running.sql(f"CREATE ROLE app LOGIN PASSWORD '{APP_PASSWORD}'", f"CREATE ROLE {READER} LOGIN")
        yield running


@pytest.fixture(scope="session")
def pooler(database: PostgresServer) -> Iterator[PgBouncerServer]:
    """A pooler in a good state."""
    with PgBouncerServer(database.port) as running:
        yield running


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Make]:
    """Makes contexts for a pooler, over TLS with the certificate checked; `changes` go into the settings."""
    monkeypatch.setenv("PGB_READER", READER_PASSWORD)

    def of(server: PgBouncerServer) -> Make:
        def context(*kinds: str, timeout_s: float = 10.0, **changes: Any) -> Context[Any]:
            return Context(
                source="pool",
                settings=PgBouncer.Settings.model_validate({**settings(server), **changes}),
                clock=lambda: datetime.now(UTC),
                wanted=frozenset(kinds or [kind.kind for kind in PgBouncer.kinds]),
                timeout_s=timeout_s,
            )

        return context

    return of


def settings(server: PgBouncerServer) -> dict[str, Any]:
    """Settings of the reader of a pooler in the good state."""
    return {
        "host": "127.0.0.1",
        "port": server.port,
        "user": READER,
        "password": "env:PGB_READER",
        "sslmode": "verify-full",
        "sslrootcert": str(server.ca),
    }


@pytest.fixture
def context(make: Callable[..., Make], pooler: PgBouncerServer) -> Make:
    """Makes contexts for the pooler in the good state."""
    return make(pooler)
