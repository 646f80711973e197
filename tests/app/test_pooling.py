"""A real pooler in front of a real server: the two sources meet in one verdict, by address alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from compliance.collectors import load
from compliance.controls.cases import evaluate_case
from compliance.controls.catalogue import OWN, load_control
from compliance.schemas.catalogue import Case
from compliance.schemas.messages import Context, Gap, Record
from compliance.schemas.results import ControlResult
from tests.servers import pgbouncer, postgres
from tests.servers.pgbouncer import APP_PASSWORD, READER, READER_PASSWORD, PgBouncerServer
from tests.servers.postgres import ADMIN_PASSWORD, PostgresServer

KINDS = ("database_instance", "pool_route", "connection_pooler")


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    if not postgres.available() or not pgbouncer.available():
        pytest.skip("PostgreSQL or PgBouncer is not installed (apt: postgresql pgbouncer)")
    with PostgresServer() as running:
        yield running


def judged(database: PostgresServer, pooler: PgBouncerServer, monkeypatch: pytest.MonkeyPatch) -> ControlResult:
    """The verdict on pooling. The database is reached by its socket, the pooler by loopback."""
    monkeypatch.setenv("PW_DB", ADMIN_PASSWORD)
    monkeypatch.setenv("PW_POOL", READER_PASSWORD)
    sources: dict[str, tuple[str, dict[str, Any]]] = {
        "db": (
            "postgres",
            {"host": str(database.data), "port": database.port, "user": "postgres", "password": "env:PW_DB"},
        ),
        "pool": ("pgbouncer", {"host": "127.0.0.1", "port": pooler.port, "user": READER, "password": "env:PW_POOL"}),
    }
    given: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for source, (name, settings) in sources.items():
        collector = load(name)
        wanted = frozenset({kind.kind for kind in collector.kinds} & {*KINDS})
        made = collector.Settings.model_validate(settings)
        for message in collector.collect(Context(source, made, lambda: datetime.now(UTC), wanted)):
            assert not isinstance(message, Gap), message
            if isinstance(message, Record):
                given[message.evidence.kind].append({**message.evidence.row(), "source": source})
    case = Case.model_validate({"name": "real servers", "given": given, "expect": "pass"})
    return evaluate_case(load_control(OWN / "checks/db/pooling.yaml"), case)


@pytest.mark.parametrize(
    ("parameters", "verdict", "code"),
    [
        ("user=app password={pw} pool_size=5", "pass", "pooled"),
        ("user=app password={pw} pool_size=28", "fail", "oversized"),  # 30 connections, 3 of them for administrators
        ("pool_size=5", "pass", "pooled"),  # three accounts in the auth_file
        ("pool_size=5 auth_user=app", "fail", "unbounded"),
    ],
)
def test_pools_are_summed_up_against_the_server(
    database: PostgresServer, monkeypatch: pytest.MonkeyPatch, parameters: str, verdict: str, code: str
) -> None:
    routes = {"shop": f"host=127.0.0.1 port={database.port} {parameters.format(pw=APP_PASSWORD)}"}
    with PgBouncerServer(database.port, databases=routes) as pooler:
        result = judged(database, pooler, monkeypatch)
    assert [(f.verdict, f.code) for f in result.findings] == [(verdict, code)], result.findings


def test_two_routes_that_fit_alone_exceed_together(database: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    one = f"host=localhost port={database.port} user=app password={APP_PASSWORD} pool_size=20"
    with PgBouncerServer(database.port, databases={"shop": one, "sales": one}) as pooler:
        result = judged(database, pooler, monkeypatch)
    assert [f.code for f in result.findings] == ["oversized"]


def test_a_pooler_that_leads_elsewhere_decides_nothing(
    database: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PgBouncerServer(database.port, databases={"shop": "host=db9.internal port=5432 user=app"}) as pooler:
        result = judged(database, pooler, monkeypatch)
    assert [f.code for f in result.findings] == ["stray_route"]
