"""One good and one bad Redis server for all tests of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from compliance.collectors.redis import Redis
from compliance.schemas.messages import Context
from tests.servers.redis import RedisServer, available

READER = "compliance_reader"
READER_PASSWORD = "planted-reader-9ab01c"
APP_PASSWORD = "planted-app-44d2e7"
RIGHTS = ("-@all", "+info", "+config|get", "+acl|list")  # exactly the README's
Make = Callable[..., Context[Any]]


@pytest.fixture(scope="session")
def good() -> Iterator[RedisServer]:
    """TLS, users, append-only file; the reader holds exactly the README's grant."""
    if not available():
        pytest.skip("Redis is not installed")
    with RedisServer(good=True) as server:
        server.admin("ACL", "SETUSER", READER, "on", f">{READER_PASSWORD}", "resetkeys", "resetchannels", *RIGHTS)
        app = ("on", f">{APP_PASSWORD}", "~app:*", "%R~shared:*", "+@read", "+set", "-keys", "(~stats:* +get)")
        server.admin("ACL", "SETUSER", "app", *app)
        server.admin("SET", "app:1", "value-of-a-key", "EX", "1000")
        yield server


@pytest.fixture(scope="session")
def bad() -> Iterator[RedisServer]:
    """No password, plain port, nothing kept."""
    if not available():
        pytest.skip("Redis is not installed")
    with RedisServer(good=False) as server:
        yield server


@pytest.fixture
def settings(good: RedisServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of the reader of the good server."""
    monkeypatch.setenv("REDIS_READER", READER_PASSWORD)
    return {
        "host": "127.0.0.1",
        "port": good.port,
        "username": READER,
        "password": "env:REDIS_READER",
        "tls": True,
        "ca_file": str(good.ca),
    }


@pytest.fixture
def context(settings: dict[str, Any]) -> Make:
    """Makes a context for the reader; `changes` go into the settings, None takes one out."""

    def make(*kinds: str, timeout_s: float = 10.0, **changes: Any) -> Context[Any]:
        given = {name: value for name, value in {**settings, **changes}.items() if value is not None}
        return Context(
            source="cache",
            settings=Redis.Settings.model_validate(given),
            clock=lambda: datetime.now(UTC),
            wanted=frozenset(kinds or [kind.kind for kind in Redis.kinds]),
            timeout_s=timeout_s,
        )

    return make


@pytest.fixture
def plain(context: Make, bad: RedisServer) -> Make:
    """Makes a context for the bad server, without user and TLS."""

    def make(*kinds: str, **changes: Any) -> Context[Any]:
        without = {"username": None, "password": None, "tls": None, "ca_file": None, "port": bad.port}
        return context(*kinds, **{**without, **changes})

    return make
