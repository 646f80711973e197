"""The collector against a real pooler in front of a real server: good, bad, rights missing, not to be read."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

import compliance.collectors.pgbouncer
from compliance.collectors.pgbouncer import PgBouncer
from compliance.collectors.postgres import Postgres
from compliance.collectors.testing import Conformance
from compliance.schemas.messages import Access, Context, Discovery, Gap
from tests.collectors.pgbouncer.conftest import Make, Read, settings
from tests.servers.nginx import babbling_port, silent_port
from tests.servers.pgbouncer import ADMIN_PASSWORD, APP_PASSWORD, PLANTED, READER, READER_PASSWORD, PgBouncerServer
from tests.servers.postgres import ADMIN_PASSWORD as DATABASE_PASSWORD
from tests.servers.postgres import PostgresServer

ALL = {kind.kind for kind in PgBouncer.kinds}
HIDDEN = {"sslmode": "prefer", "sslrootcert": None}


class TestConformance(Conformance):
    collector = PgBouncer

    @pytest.fixture(autouse=True)
    def _server(self, pooler: PgBouncerServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PGB_READER", READER_PASSWORD)
        self.settings = settings(pooler)
        self.unreachable = {**self.settings, "port": 1}
        self.planted = PLANTED


@contextmanager
def client(server: PgBouncerServer, database: str = "shop", **more: Any) -> Iterator[psycopg.Connection[Any]]:
    """A session of the application through the pooler."""
    given = {"host": "127.0.0.1", "port": server.port, "user": "app", "password": APP_PASSWORD, "sslmode": "require"}
    with psycopg.connect(**{**given, **more}, dbname=database, autocommit=True) as conn:
        conn.execute("SELECT 1")
        yield conn


def test_the_grant_of_the_readme_is_enough(context: Make, pooler: PgBouncerServer) -> None:
    """stats_users and nothing more: the account is no administrator, and has no rights in the database."""
    read = Read(context())
    assert not read.gaps
    assert set(read.complete) == ALL
    account = read.one("user_account", account=READER)
    assert account.detail == {"admin": False, "stats": True, "in_auth_file": True}
    page = Path(compliance.collectors.pgbouncer.__file__).with_name("README.md").read_text("utf-8")
    assert f"stats_users = {READER}" in page
    with pytest.raises(psycopg.Error, match="admin access needed"):
        pooler.ask(READER, READER_PASSWORD, "RELOAD")


def test_good_state(context: Make, pooler: PgBouncerServer, database: PostgresServer) -> None:
    with client(pooler):
        read = Read(context())
    row = read.one("connection_pooler")
    assert (row.product, row.instance) == ("pgbouncer", f"127.0.0.1:{pooler.port}")
    assert (row.auth_method, row.authenticates, row.looks_up_accounts) == ("scram-sha-256", True, False)
    assert (row.client_tls_mode, row.client_tls_required, row.client_certificates) == ("require", True, False)
    assert (row.server_tls_mode, row.server_tls_required, row.server_tls_verified) == ("prefer", False, False)
    assert (row.processes, row.routes_complete, row.is_loopback_only) == (1, True, True)
    assert (row.client_idle_minutes, row.log_connections, row.pool_mode) == (15, True, "session")
    assert row.clients_now == 2
    route = read.one("pool_route")
    assert (route.database, route.target_database, route.forced_account) == ("shop", "postgres", "app")
    assert route.targets == [f"127.0.0.1:{database.port}"]
    assert route.servers == [f"localhost:{database.port}"]
    assert (route.pools_max, route.connections_max, route.is_bounded, route.connections_now) == (1, 5, True, 1)
    assert (route.clients_waiting, route.longest_wait_ms, route.transactions) == (0, 0, 1)
    pool = read.one("connection_pool")
    assert (pool.account, pool.clients_active, pool.servers_active) == ("app", 1, 1)
    clients = {link.source_component: link for link in read.rows("internal_link")}
    to_server = clients[f"pgbouncer 127.0.0.1:{pooler.port} shop"]
    assert (to_server.is_local, to_server.tls_enabled, to_server.tls_verified) == (True, None, False)
    assert to_server.tls_version == "TLSv1.3"
    to_pooler = clients["127.0.0.1 app@shop"]
    assert (to_pooler.tls_enabled, to_pooler.tls_version, to_pooler.tls_verified) == (True, "TLSv1.3", None)
    assert len(clients) == 2  # the collector's own session is left out


def test_bad_state(make: Callable[..., Make], database: PostgresServer) -> None:
    """No proof of who one is, no TLS, pools for anybody."""
    routes = {
        "open": f"host=127.0.0.1 port={database.port} dbname=postgres user=app password={APP_PASSWORD}",
        "many": f"host=127.0.0.1 port={database.port} dbname=postgres",
    }
    options = {"auth_type": "trust", "client_tls_sslmode": "disable", "server_tls_sslmode": "disable",
               "log_connections": "0", "client_idle_timeout": "0", "auth_user": "app"}  # fmt: skip
    with PgBouncerServer(database.port, databases=routes, options=options) as server:
        read = Read(make(server)(**HIDDEN))
        server.reload(options={"server_tls_sslmode": "prefer"})  # the server behind lets nobody in without
        with client(server, "many", sslmode="disable"):
            used = Read(make(server)("internal_link", **HIDDEN))
    row = read.one("connection_pooler")
    assert (row.authenticates, row.client_tls_required, row.server_tls_required) == (False, False, False)
    assert (row.looks_up_accounts, row.client_idle_minutes, row.log_connections) == (True, 0, False)
    assert read.one("pool_route", database="open").connections_max == 40  # one pool of its own for auth_user
    many = read.one("pool_route", database="many")
    assert (many.connections_max, many.pools_max, many.is_bounded) == (None, None, False)
    policy = read.one("auth_policy")
    assert (policy.password_login, policy.lockout_attempts, policy.mfa_required) == (False, 0, False)
    plain = used.one("internal_link", source_component="127.0.0.1 app@many")
    assert plain.tls_enabled is False


def test_what_the_console_hides_is_read_from_the_file_or_not_known(
    make: Callable[..., Make], database: PostgresServer
) -> None:
    secret = "planted-star-90ff"
    routes = {
        "shop": f"host=127.0.0.1 port={database.port} user=app password={secret} auth_user=finder",
        "*": f"host=db.internal port=5433 user=app password='{secret}'",
    }
    with PgBouncerServer(database.port, databases=routes) as server:
        ctx = make(server)
        read = Read(ctx())
        server.reload()  # the file is now newer than the process
        later = Read(ctx())
        declared = Read(ctx("connection_pooler", complete_routes=False))
        (said,) = (a for a in PgBouncer().check(ctx("connection_pooler")) if isinstance(a, Access))
    assert read.one("connection_pooler").routes_complete is True
    assert read.one("connection_pooler").looks_up_accounts is True
    fallback = read.one("pool_route", database="*")
    assert (fallback.servers, fallback.is_bounded, fallback.connections_max) == (["db.internal:5433"], False, None)
    assert read.one("pool_route", database="shop").pools_max == 2  # one of its own for auth_user
    assert later.one("connection_pooler").routes_complete is None
    assert later.one("connection_pooler").looks_up_accounts is None
    assert [r.database for r in later.rows("pool_route")] == ["shop"]
    assert declared.one("connection_pooler").routes_complete is False
    assert "changed after the process started" in said.message
    assert secret not in repr([*read.messages, *later.messages])


def test_several_processes_on_one_port_bound_nothing(make: Callable[..., Make], database: PostgresServer) -> None:
    with PgBouncerServer(database.port, options={"so_reuseport": "1"}) as server:
        unknown, told = Read(make(server)()), Read(make(server)(processes=3))
    assert unknown.one("connection_pooler").processes is None
    assert (unknown.one("pool_route").connections_max, unknown.one("pool_route").is_bounded) == (None, None)
    assert (told.one("connection_pooler").processes, told.one("pool_route").connections_max) == (3, 15)


def test_a_full_pool_shows_who_waits(make: Callable[..., Make], database: PostgresServer) -> None:
    routes = {"shop": f"host=127.0.0.1 port={database.port} dbname=postgres user=app password={APP_PASSWORD}"
                      " pool_size=1 pool_mode=session"}  # fmt: skip
    with PgBouncerServer(database.port, databases=routes) as server, client(server):
        waiting = threading.Thread(target=_wait_in_line, args=(server,))
        waiting.start()
        try:
            route = _until(lambda: Read(make(server)("pool_route")).one("pool_route"))
        finally:
            server.ask("operator", ADMIN_PASSWORD, "KILL shop")
            waiting.join()
    assert route.clients_waiting == 1
    assert route.longest_wait_ms > 0


def _wait_in_line(server: PgBouncerServer) -> None:
    with pytest.raises(psycopg.Error), client(server):
        pass


def _until(look: Callable[[], Any]) -> Any:
    for _ in range(200):
        found = look()
        if found.clients_waiting:
            return found
        time.sleep(0.02)
    raise AssertionError("nobody ever waited")


def test_by_unix_socket(context: Make, pooler: PgBouncerServer) -> None:
    read = Read(context(host=str(pooler.base), **HIDDEN))
    assert not read.gaps
    assert read.one("connection_pooler").routes_complete is True


def test_a_pooler_on_a_socket_alone(make: Callable[..., Make], database: PostgresServer) -> None:
    with PgBouncerServer(database.port, options={"listen_addr": ""}) as server:
        row = Read(make(server)(host=str(server.base), **HIDDEN)).one("connection_pooler")
    assert (row.listen_addresses, row.is_loopback_only) == ([], True)


def test_a_limit_for_all_databases_is_one_of_each(make: Callable[..., Make], database: PostgresServer) -> None:
    with PgBouncerServer(database.port, options={"max_db_connections": "4", "reserve_pool_size": "3"}) as server:
        route = Read(make(server)()).one("pool_route")
    assert (route.pool_size, route.reserve_size, route.connections_limit, route.connections_max) == (5, 3, 4, 4)


def test_a_pooler_behind_a_tunnel_does_not_name_this_machine(
    make: Callable[..., Make], database: PostgresServer
) -> None:
    """Its pidfile is not here, so its 127.0.0.1 is another machine's."""
    with PgBouncerServer(database.port) as server:
        pidfile = server.base / "pid"
        pidfile.rename(server.base / "elsewhere")
        read, told = Read(make(server)()), Read(make(server)(runs_on="pool1.internal"))
    assert read.one("pool_route").servers == []
    assert read.one("connection_pooler").routes_complete is None
    assert told.one("pool_route").servers == [f"pool1.internal:{database.port}"]


def test_a_pooler_behind_a_forwarded_port_does_not_name_this_machine(context: Make, pooler: PgBouncerServer) -> None:
    """Even when a pooler with the same pidfile runs here: it may be another one."""
    with _forwarding(pooler.port) as port:
        read = Read(context(port=port))
    assert read.one("pool_route").servers == []
    assert read.one("connection_pooler").routes_complete is None


@contextmanager
def _forwarding(target: int) -> Iterator[int]:
    """A port that hands one client on to `target`."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):  # one side has ended
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def serve(server: socket.socket) -> None:
        client, _ = server.accept()
        with client, socket.create_connection(("127.0.0.1", target)) as there:
            back = threading.Thread(target=pump, args=(there, client), daemon=True)
            back.start()
            pump(client, there)
            back.join(10)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        thread.join(10)


def test_right_revoked(make: Callable[..., Make], database: PostgresServer) -> None:
    """Without stats_users the account still signs in to databases, and the console refuses it."""
    with PgBouncerServer(database.port, options={"stats_users": "someone"}) as server:
        read = Read(make(server)())
        said = list(PgBouncer().check(make(server)()))
    assert set(read.gaps) == ALL
    assert {gap.cause.value for gap in read.gaps.values()} == {"denied"}
    assert all("stats_users" in gap.remedy for gap in read.gaps.values())
    assert not any(access.readable for access in said)


@pytest.mark.parametrize(
    ("changes", "cause", "remedy"),
    [
        ({"password": "env:PGB_WRONG"}, "denied", "password"),
        ({"user": "nobody_known"}, "denied", "auth_file"),
        ({"password": None}, "denied", "password"),
        ({"sslmode": "disable", "sslrootcert": None}, "denied", "sslmode"),
        ({"sslrootcert": "/etc/ssl/certs/ca-certificates.crt"}, "denied", "sslrootcert"),
    ],
)
def test_refusals_have_a_remedy(
    context: Make, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], cause: str, remedy: str
) -> None:
    monkeypatch.setenv("PGB_WRONG", "not-the-password")
    gap = _only_gap(context("connection_pooler", **changes))
    assert gap.cause.value == cause, gap.message
    assert remedy in gap.remedy, gap.remedy


def test_another_product_on_the_port(context: Make, database: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL has no database of that name; with one, it does not know SHOW VERSION."""
    monkeypatch.setenv("PGB_OTHER", DATABASE_PASSWORD)
    other: dict[str, Any] = {"port": database.port, "user": database.admin, "password": "env:PGB_OTHER", **HIDDEN}
    assert _only_gap(context("pool_route", **other)).cause.value == "absent"
    database.sql("CREATE DATABASE pgbouncer")
    try:
        assert _only_gap(context("pool_route", **other)).cause.value == "malformed"
    finally:
        database.sql("DROP DATABASE pgbouncer")


def test_another_pooler_that_answers_as_itself(context: Make) -> None:
    with _answers_version(b"Odyssey 1.3") as port:
        gap = _only_gap(context("pool_route", port=port, sslmode="disable", sslrootcert=None))
    assert gap.cause.value == "malformed"
    assert "another product" in gap.remedy


@contextmanager
def _answers_version(text: bytes) -> Iterator[int]:
    """A server that lets one client in and answers its first question with one row of one column, `version`."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    column = b"version\x00" + bytes(6) + (25).to_bytes(4, "big") + b"\xff\xff" + b"\xff" * 4 + bytes(2)
    ready = message(b"Z", b"I")
    answer = message(b"T", b"\x00\x01" + column) + message(b"D", b"\x00\x01" + len(text).to_bytes(4, "big") + text)

    def talk(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer:
            peer.recv(4096)  # the start-up
            peer.sendall(message(b"R", bytes(4)) + ready)
            peer.recv(4096)  # SHOW VERSION
            peer.sendall(answer + message(b"C", b"SHOW\x00") + ready)
            peer.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=talk, args=(server,), daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        thread.join(10)


def test_neither_silence_nor_noise_is_an_answer(context: Make) -> None:
    with silent_port() as port:
        assert _only_gap(context("setting", port=port, timeout_s=2.0, **HIDDEN)).cause.value == "timeout"
    with babbling_port() as port:
        assert _only_gap(context("setting", port=port, timeout_s=2.0, **HIDDEN)).cause.value == "malformed"


def test_falls_silent_in_the_middle(make: Callable[..., Make], database: PostgresServer) -> None:
    """The connection is cut at the deadline although the other side stays open."""
    with PgBouncerServer(database.port) as server:
        process, asked = server.process, 0
        assert process is not None

        def throttle() -> None:
            nonlocal asked
            asked += 1
            if asked == 3:  # connected, and asked for the version
                process.send_signal(signal.SIGSTOP)

        ctx = replace(make(server)("connection_pooler", "setting", timeout_s=1.0), throttle=throttle)
        try:
            read = Read(ctx)
        finally:
            process.send_signal(signal.SIGCONT)
    assert {kind: gap.cause.value for kind, gap in read.gaps.items()} == {
        "connection_pooler": "timeout", "setting": "timeout",
    }  # fmt: skip


def test_stopped(make: Callable[..., Make], database: PostgresServer) -> None:
    with PgBouncerServer(database.port) as server:
        ctx = make(server)()
        assert not Read(ctx).gaps
        server.stop()
        read = Read(ctx)
    assert {gap.cause.value for gap in read.gaps.values()} == {"unreachable"}
    assert set(read.gaps) == ALL
    assert not [m for m in read.messages if not isinstance(m, Gap)]


def test_the_database_may_be_down(make: Callable[..., Make]) -> None:
    """The pooler still says how it is set up."""
    with PgBouncerServer(1) as server:
        read = Read(make(server)())
    assert not read.gaps
    assert read.one("pool_route").servers == ["localhost:1"]


def test_a_cancelled_run_is_gaps(context: Make) -> None:
    ctx: Context[Any] = context("pool_route")
    ctx.stop.set()
    assert _only_gap(ctx).cause.value == "timeout"


def test_discovered_as_what_it_is(pooler: PgBouncerServer, database: PostgresServer) -> None:
    """Its socket has the name of one of PostgreSQL's."""
    here = Discovery(root=Path("/"), folder=Path.cwd())
    found = [dict(f.settings) for f in PgBouncer().discover(here)]
    assert {"host": "localhost", "port": pooler.port} in found
    servers = {f.settings["port"] for f in Postgres().discover(here)}
    assert database.port in servers
    assert pooler.port not in servers


def test_a_socket_of_the_usual_port_is_a_pooler(tmp_path: Path) -> None:
    table = tmp_path / "proc/net/unix"
    table.parent.mkdir(parents=True)
    lines = [f"0000: 00000002 00000000 00010000 0001 01 {n} /run/pg/.s.PGSQL.{n}" for n in (5432, 6432)]
    table.write_text("\n".join(["Num RefCount Protocol Flags Type St Inode Path", *lines]) + "\n")
    here = Discovery(root=tmp_path, folder=tmp_path)
    assert [dict(f.settings) for f in PgBouncer().discover(here)] == [{"host": "/run/pg", "port": 6432}]
    assert [f.settings["port"] for f in Postgres().discover(here)] == [5432]


def _only_gap(ctx: Context[Any]) -> Gap:
    (gap,) = PgBouncer().collect(ctx)
    assert isinstance(gap, Gap), gap
    return gap
