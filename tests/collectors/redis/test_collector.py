"""The collector against real servers: good, bad, with rights missing, and when they cannot be read."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

import compliance.collectors.redis
from compliance.collectors.redis import Redis
from compliance.collectors.testing import Conformance
from compliance.schemas.messages import Context, Discovery, Record
from tests.collectors.redis.conftest import APP_PASSWORD, READER, READER_PASSWORD, RIGHTS, Make
from tests.collectors.said import Said
from tests.servers.redis import ADMIN_PASSWORD, MASTERAUTH, REQUIREPASS, RedisServer

Read = partial(Said, Redis)
ALL = {kind.kind for kind in Redis.kinds}


class TestConformance(Conformance):
    collector = Redis

    @pytest.fixture(autouse=True)
    def _server(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.unreachable = {**settings, "port": 1}
        clear = [READER_PASSWORD, APP_PASSWORD, ADMIN_PASSWORD, REQUIREPASS, MASTERAUTH, "value-of-a-key"]
        self.planted = [*clear, *(hashlib.sha256(text.encode()).hexdigest() for text in clear)]


def test_the_grant_of_the_readme_is_enough(context: Make) -> None:
    read = Read(context())
    assert not read.gaps
    assert set(read.complete) == ALL
    page = Path(compliance.collectors.redis.__file__).with_name("README.md").read_text("utf-8")
    assert f"ACL SETUSER {READER} on >… resetkeys resetchannels {' '.join(RIGHTS)}\n" in page


def test_good_state(context: Make) -> None:
    read = Read(context(holds_state=True))
    row = read.one("cache_instance")
    assert (row.product, row.role) == ("redis", "master")
    assert (row.aof_enabled, row.aof_fsync, row.aof_last_write_ok, row.rdb_rules) == (True, "everysec", True, "900 1")
    assert (row.auth_required, row.default_user_enabled, row.dangerous_commands) == (True, False, [])
    assert (row.tls_enabled, row.plaintext_port, row.tls_client_certificates) == (True, False, False)
    assert (row.bind_addresses, row.is_loopback_only, row.protected_mode) == (["127.0.0.1"], True, True)
    assert (row.maxmemory_mib, row.holds_state) == (64, True)
    app = read.one("user_account", account="app")
    assert (app.is_active, app.is_privileged, app.is_superuser, app.has_password) == (True, False, False, True)
    admin = read.one("user_account", account="admin")
    assert (admin.is_superuser, admin.is_privileged, admin.password_hash_algorithm) == (True, True, "sha256")
    assert read.one("user_account", account="default").account_type == "system"
    assert {r.role for r in read.rows("role_grant") if r.account == "app"} == {"@read", "set", "get"}
    assert read.one("role_grant", account="app", role="get").scope == "selector 1"
    assert read.one("role_grant", account="app", role="@read").detail == {"without": ["-keys"]}
    assert read.one("data_grant", account="app", object="shared:*").privileges == ["READ"]
    assert read.one("data_grant", account="app", object="app:*").privileges == ["READ", "WRITE"]
    store = read.one("data_store")
    assert (store.data_store, store.records, store.expiring_records) == ("db0", 1, 1)
    assert read.one("setting", name="tls-protocols").value == "TLSv1.2 TLSv1.3"
    assert not {r.name for r in read.rows("setting")} & {"requirepass", "masterauth", "tls-key-file-pass", "user"}
    assert read.one("auth_policy").idle_minutes == 10
    assert read.one("service_status").running is True


def test_state_of_saving(context: Make, good: RedisServer) -> None:
    for name, field in (("BGREWRITEAOF", "aof_last_rewrite_time_sec"), ("BGSAVE", "rdb_last_bgsave_time_sec")):
        good.admin(name)
        for _ in range(600):
            if int(good.admin("INFO", "persistence")[field]) >= 0:
                break
            time.sleep(0.02)
    row = Read(context("cache_instance")).one("cache_instance")
    assert (row.aof_last_rewrite_ok, row.aof_rewrite_running, row.aof_last_rewrite_s) == (True, False, 0)
    assert (row.rdb_last_save_ok, row.rdb_save_running, row.rdb_last_save_s) == (True, False, 0)
    assert (row.is_loading, row.evicted, row.tls_protocols) == (False, 0, ["TLSv1.2", "TLSv1.3"])


def test_a_folder_that_cannot_be_written_shows(plain: Make) -> None:
    with RedisServer(good=False, options=("enable-protected-configs yes",)) as server:
        folder = server.base / "gone"
        folder.mkdir()
        server.admin("CONFIG", "SET", "dir", str(folder))
        folder.rmdir()
        server.admin("BGSAVE")
        for _ in range(600):
            if server.admin("INFO", "persistence")["rdb_last_bgsave_status"] == "err":
                break
            time.sleep(0.02)
        row = Read(plain("cache_instance", port=server.port)).one("cache_instance")
    assert (row.rdb_last_save_ok, row.rdb_save_running) == (False, False)


def test_sessions_that_are_thrown_away_when_memory_is_full(bad: RedisServer, plain: Make) -> None:
    """Declared as sessions, and really evicted by this server."""
    bad.admin("CONFIG", "SET", "maxmemory", str(bad.admin("INFO", "memory")["used_memory"] + 300_000))
    bad.admin("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        for number in range(100):
            bad.admin("SET", f"session:{number}", "x" * 20_000, "EX", "3600")
        read = Read(plain(uses={"0": "sessions", "3": "cache"}))
    finally:
        bad.admin("CONFIG", "SET", "maxmemory", "0")
        bad.admin("CONFIG", "SET", "maxmemory-policy", "noeviction")
        bad.admin("FLUSHALL")
    row = read.one("cache_instance")
    assert (row.holds_state, row.uses, row.maxmemory_policy) == (True, ["cache", "sessions"], "allkeys-lru")
    assert row.evicted > 0
    assert {store.data_store: store.use for store in read.rows("data_store")} == {"db0": "sessions", "db3": "cache"}
    assert read.one("cache_metric").use == "mixed"


def test_bad_state(plain: Make) -> None:
    read = Read(plain())
    row = read.one("cache_instance")
    assert (row.aof_enabled, row.aof_last_write_ok, row.rdb_rules) == (False, None, "")
    assert (row.auth_required, row.default_user_enabled, row.default_user_nopass) == (False, True, True)
    assert (row.tls_enabled, row.plaintext_port, row.protected_mode, row.maxmemory_mib) == (False, True, False, 0)
    assert {"flushall", "config|set", "debug", "module|load"} <= set(row.dangerous_commands)
    assert read.one("user_account").is_superuser is True
    assert read.one("data_grant").is_public is True
    policy = read.one("auth_policy")
    assert (policy.idle_minutes, policy.detail["default_user_nopass"]) == (0, True)


def test_a_server_with_requirepass_only(bad: RedisServer, plain: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLY_PASSWORD", REQUIREPASS)
    bad.admin("CONFIG", "SET", "requirepass", REQUIREPASS)
    try:
        read = Read(plain(password="env:ONLY_PASSWORD"))
        assert _causes(plain()) == {"denied"}
    finally:
        _as_default(bad, REQUIREPASS, "CONFIG", "SET", "requirepass", "")
    row = read.one("cache_instance")
    assert (row.auth_required, row.default_user_enabled, row.default_user_nopass) == (True, True, False)
    assert REQUIREPASS not in repr(read.messages)
    assert hashlib.sha256(REQUIREPASS.encode()).hexdigest() not in repr(read.messages)


def test_a_replica_is_a_link_of_its_primary(bad: RedisServer, plain: Make) -> None:
    with RedisServer(good=False, options=(f"replicaof 127.0.0.1 {bad.port}", "repl-diskless-sync-delay 0")) as replica:
        for _ in range(600):
            if "'online'" in str(bad.admin("INFO", "replication")):
                break
            time.sleep(0.05)
        link = Read(plain("replication_link")).one("replication_link")
        assert Read(plain("cache_instance", port=replica.port)).one("cache_instance").role == "slave"
    assert (link.link, link.state, link.is_sync) == (f"127.0.0.1:{replica.port}", "online", False)
    assert link.lag_bytes is not None


def test_by_unix_socket(context: Make, good: RedisServer) -> None:
    read = Read(context(unix_socket=str(good.socket), tls=None, ca_file=None))
    assert not read.gaps
    assert read.one("service_status").instance == str(good.socket)


# --- rights missing, one at a time -----------------------------------------------------------------------------


def test_without_info(context: Make, good: RedisServer) -> None:
    with _without(good, "info"):
        read = Read(context())
    lost = {"cache_instance", "data_store", "cache_metric", "replication_link", "service_status", "setting"}
    assert set(read.gaps) == lost
    assert {g.cause.value for g in read.gaps.values()} == {"denied"}
    assert "+info" in read.gaps["service_status"].remedy
    assert read.one("auth_policy").idle_minutes is None


def test_without_config_get(context: Make, good: RedisServer) -> None:
    with _without(good, "config|get"):
        read = Read(context())
        access = {a.kind: a for a in Redis().check(context())}
    assert set(read.gaps) == {"setting"}
    assert (read.gaps["setting"].cause, "+config|get" in read.gaps["setting"].remedy) == ("denied", True)
    row = read.one("cache_instance")
    assert (row.rdb_rules, row.tls_enabled, row.plaintext_port, row.protected_mode) == (None, None, None, None)
    assert (row.bind_addresses, row.is_loopback_only, row.auth_required) == (None, None, True)
    assert access["setting"].readable is False
    assert "stay NULL" in access["cache_instance"].message


def test_without_acl_list(context: Make, good: RedisServer) -> None:
    with _without(good, "acl|list"):
        read = Read(context())
    assert set(read.gaps) == {"user_account", "role_grant", "data_grant", "auth_policy"}
    assert {g.cause.value for g in read.gaps.values()} == {"denied"}
    assert "+acl|list" in read.gaps["user_account"].remedy
    row = read.one("cache_instance")
    assert (row.auth_required, row.default_user_nopass, row.dangerous_commands) == (None, None, None)


def test_config_renamed(plain: Make) -> None:
    with RedisServer(good=False, options=('rename-command CONFIG ""',)) as own:
        read = Read(plain(port=own.port))
    assert {k: g.cause.value for k, g in read.gaps.items()} == {"setting": "disabled"}
    assert read.one("cache_instance").plaintext_port is None


# --- what cannot be read at all --------------------------------------------------------------------------------


def _causes(ctx: Context[Any]) -> set[str]:
    read = Read(ctx)
    assert set(read.gaps) == ALL
    assert not any(isinstance(m, Record) for m in read.messages)
    assert all(g.message and g.remedy for g in read.gaps.values())
    return {g.cause.value for g in read.gaps.values()}


def test_wrong_password(context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRONG", "planted-wrong-77")
    ctx = context(password="env:WRONG")
    assert _causes(ctx) == {"denied"}
    assert "planted-wrong-77" not in repr(Read(ctx).messages)


def test_no_password_where_one_is_needed(context: Make) -> None:
    assert _causes(context(username=None, password=None)) == {"denied"}


def test_password_reference_without_a_secret(context: Make) -> None:
    assert _causes(context(password="env:NOT_SET_ANYWHERE")) == {"denied"}


def test_certificate_of_somebody_else(context: Make) -> None:
    assert _causes(context(ca_file=None)) == {"denied"}


def test_tls_on_a_plain_port(context: Make, bad: RedisServer) -> None:
    ctx = context(port=bad.port, timeout_s=0.5)
    assert _causes(ctx) == {"timeout"}  # Redis waits for the end of a command line that never comes
    assert "tls" in Read(ctx).gaps["setting"].remedy
    with _answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert _causes(context(port=port)) == {"disabled"}


def test_plain_on_a_tls_port(plain: Make, good: RedisServer) -> None:
    assert _causes(plain(port=good.port)) == {"unreachable"}


def test_a_client_certificate_is_asked_for(context: Make, good: RedisServer) -> None:
    good.admin("CONFIG", "SET", "tls-auth-clients", "yes")
    try:
        assert _causes(context()) == {"denied"}
        key = str(good.base / "server.key")
        read = Read(context("cache_instance", cert_file=str(good.ca), key_file=key))
        assert read.one("cache_instance").tls_client_certificates is True
    finally:
        good.admin("CONFIG", "SET", "tls-auth-clients", "no")


def test_too_many_clients(bad: RedisServer, plain: Make) -> None:
    bad.admin("CONFIG", "SET", "maxclients", "1")
    try:
        with socket.create_connection(("127.0.0.1", bad.port)):
            for _ in range(200):
                if _causes_or_none(plain()) == {"rate_limited"}:
                    break
                time.sleep(0.02)
            assert _causes(plain()) == {"rate_limited"}
    finally:
        for _ in range(200):
            try:
                bad.admin("CONFIG", "SET", "maxclients", "10000")
                break
            except redis.RedisError:
                time.sleep(0.02)


def _causes_or_none(ctx: Context[Any]) -> set[str]:
    return {g.cause.value for g in Read(ctx).gaps.values()}


def test_nothing_listens(context: Make) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        assert _causes(context(port=closed.getsockname()[1])) == {"unreachable"}


def test_no_such_socket(plain: Make, tmp_path: Path) -> None:
    assert _causes(plain(unix_socket=str(tmp_path / "no.sock"))) == {"unreachable"}


def test_a_stopped_and_a_frozen_server(plain: Make) -> None:
    with RedisServer(good=False) as own:
        ctx = plain(port=own.port, timeout_s=0.5)
        assert not Read(ctx).gaps
        assert own.process is not None
        os.kill(own.process.pid, signal.SIGSTOP)
        frozen = _causes(ctx)
        own.stop()
        assert frozen == {"timeout"}
        assert _causes(ctx) == {"unreachable"}


# Answers of states that a server cannot be brought into quickly, word for word as Redis 7 gives them.
@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "unreachable"),
        (b"-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist\r\n", "disabled"),
        (b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n", "unreachable"),
        (b"-DENIED Redis is running in protected mode because protected mode is enabled\r\n", "denied"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "malformed"),
        (b"$-nonsense\r\n", "malformed"),
        (b"*1\r\n$2\r\nhi\r\n", "malformed"),
        (b"$17\r\nredis_version:7\r\n\r\n", "malformed"),
    ],
)
def test_answers(plain: Make, reply: bytes, cause: str) -> None:
    with _answering(reply) as port:
        assert _causes(plain(port=port, timeout_s=5)) == {cause}


def test_a_peer_that_echoes_the_password(context: Make) -> None:
    with _answering(None) as port:
        read = Read(context(port=port, tls=None, ca_file=None, timeout_s=5))
    assert set(read.gaps) == ALL
    assert READER_PASSWORD not in repr(read.messages)


def test_a_server_without_auth_does_not_repeat_the_password(context: Make) -> None:
    reply = f"-ERR unknown command 'AUTH', with args beginning with: '{READER}' '{READER_PASSWORD}'\r\n".encode()
    with _answering(reply) as port:
        ctx = context(port=port, tls=None, ca_file=None, timeout_s=5)
        assert _causes(ctx) == {"disabled"}
        assert READER_PASSWORD not in repr(Read(ctx).messages)


def test_discovery_proposes_what_works(bad: RedisServer, plain: Make, tmp_path: Path) -> None:
    found = list(Redis().discover(Discovery(Path("/"), tmp_path)))
    mine = [
        f for f in found if f.settings in ({"host": "localhost", "port": bad.port}, {"unix_socket": str(bad.socket)})
    ]
    assert len(mine) == 2
    for proposed in mine:
        ctx = plain()
        settings = Redis.Settings.model_validate(dict(proposed.settings))
        read = Read(Context(ctx.source, settings, ctx.clock, ctx.wanted, timeout_s=10))
        assert not read.gaps


@contextmanager
def _without(server: RedisServer, command: str) -> Iterator[None]:
    server.admin("ACL", "SETUSER", READER, f"-{command}")
    try:
        yield
    finally:
        server.admin("ACL", "SETUSER", READER, f"+{command}")


def _as_default(server: RedisServer, password: str, *command: Any) -> None:
    with redis.Redis(unix_socket_path=str(server.socket), password=password) as client:
        client.execute_command(*command)


@contextmanager
def _answering(reply: bytes | None) -> Iterator[int]:
    """A port that gives the same answer to every command, or sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    peer, _ = listening.accept()
                    with peer:
                        while data := peer.recv(4096):
                            peer.sendall(data if reply is None else reply)
                except OSError:
                    if listening.fileno() == -1:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        with socket.socket() as last:  # wakes accept, which closing does not
            address = listening.getsockname()
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()
            last.settimeout(1)
            last.connect_ex(address)
    thread.join(5)
