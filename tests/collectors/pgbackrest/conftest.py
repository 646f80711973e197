"""One PostgreSQL for all tests of a worker, and a repository of its own for each module of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from compliance.collectors.pgbackrest import PgBackRest
from compliance.schemas.messages import Context
from tests.collectors.said import Said
from tests.servers import pgbackrest, postgres
from tests.servers.pgbackrest import PgBackRestRepository
from tests.servers.postgres import PostgresServer

Read = partial(Said, PgBackRest)
Make = Callable[..., Context[Any]]


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    """The server that is backed up."""
    if not postgres.available() or not pgbackrest.available():
        pytest.skip("PostgreSQL or pgBackRest is not installed (apt: postgresql pgbackrest)")
    with PostgresServer() as running:
        yield running


@pytest.fixture(scope="module")
def repository(database: PostgresServer) -> Iterator[PgBackRestRepository]:
    """Its repository, in a good state with one full backup."""
    with PgBackRestRepository(database) as made:
        yield made


def settings(repository: PgBackRestRepository, *, in_group: bool = True) -> dict[str, Any]:
    """Settings of the reader of the README: a stranger in the group of the repository."""
    return {
        "command": [*repository.reader(in_group=in_group), "pgbackrest"],
        "config": str(repository.config),
        "stanzas": ["main"],
    }


@pytest.fixture
def context(repository: PgBackRestRepository) -> Make:
    """Makes contexts for the repository; `changes` go into the settings."""

    def make(*kinds: str, in_group: bool = True, **changes: Any) -> Context[Any]:
        return Context(
            source="backups",
            settings=PgBackRest.Settings.model_validate({**settings(repository, in_group=in_group), **changes}),
            clock=lambda: datetime.now(UTC),
            wanted=frozenset(kinds or [kind.kind for kind in PgBackRest.kinds]),
            timeout_s=20.0,
        )

    return make
