"""One authority, one good and one bad server for all tests of this folder (per xdist worker)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import nginx as servers


@pytest.fixture(scope="session")
def authority() -> Iterator[servers.Authority]:
    made = servers.Authority()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def good(authority: servers.Authority) -> Iterator[servers.Nginx]:
    server = servers.good(authority)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def bad(authority: servers.Authority) -> Iterator[servers.Nginx]:
    server = servers.bad(authority)
    yield server
    server.stop()
