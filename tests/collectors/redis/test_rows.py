"""The pure half: answers of INFO, CONFIG GET and ACL LIST into evidence, on recorded answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from compliance.collectors.redis import acl, rows
from compliance.collectors.redis.settings import RedisSettings
from compliance.schemas.errors import Malformed

NOW = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
HASH = "#9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
# Valkey 9 as it answers, cut to what is read
VALKEY = """# Server\r
redis_version:7.2.4\r
server_name:valkey\r
valkey_version:9.1.2\r
redis_mode:standalone\r
uptime_in_seconds:60\r
server_time_usec:1795420800500000\r
# Clients\r
connected_clients:3\r
maxclients:10000\r
# Memory\r
used_memory:1048577\r
maxmemory:1\r
maxmemory_policy:allkeys-lru\r
# Persistence\r
aof_enabled:1\r
aof_last_write_status:err\r
aof_last_bgrewrite_status:ok\r
rdb_last_bgsave_status:err\r
rdb_last_save_time:1795420000\r
rdb_changes_since_last_save:7\r
# Stats\r
keyspace_hits:3\r
keyspace_misses:1\r
evicted_keys:2\r
expired_keys:5\r
rejected_connections:0\r
# Replication\r
role:master\r
connected_slaves:2\r
slave0:ip=10.0.0.2,port=6379,state=online,offset=90,lag=1\r
slave1:ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0\r
master_repl_offset:100\r
# Keyspace\r
db0:keys=4,expires=1,avg_ttl=0\r
db3:keys=2,expires=2,avg_ttl=0\r
"""


def test_valkey_is_named_by_its_own_version() -> None:
    info = rows.parse_info(VALKEY)
    row = rows.row_cache_instance(RedisSettings(), info, None, None, NOW)
    assert (row.product, row.version) == ("valkey", "9.1.2")
    assert row.started_at == datetime.fromtimestamp(1795420740, UTC)
    assert (row.aof_last_write_ok, row.aof_last_rewrite_ok, row.rdb_last_save_ok) == (False, True, False)
    assert (row.used_memory_mib, row.maxmemory_mib) == (2, 1)  # rounded up: a small limit is not "none"
    assert (row.auth_required, row.tls_enabled, row.dangerous_commands) == (None, None, None)
    metric = rows.row_cache_metric(RedisSettings(), info)
    assert (metric.lookups, metric.hit_permille, metric.evicted, metric.window_s) == (4, 750, 2, 60)


@pytest.mark.parametrize(("guest", "required"), [("on nopass", False), ("off nopass", True), ("on #aa", True)])
def test_a_user_without_password_lets_everybody_in(guest: str, required: bool) -> None:
    users = acl.parse(["user default off nopass ~* +@all", f"user guest {guest} ~* +@all"])
    row = rows.row_cache_instance(RedisSettings(), rows.parse_info(VALKEY), None, users, NOW)
    assert row.auth_required is required


def test_databases_and_replicas() -> None:
    info = rows.parse_info(VALKEY)
    stores = rows.rows_data_stores(RedisSettings(), info)
    assert [(s.data_store, s.records, s.expiring_records) for s in stores] == [("db0", 4, 1), ("db3", 2, 2)]
    links = rows.rows_replication_links("c", info)
    assert [(r.link, r.state, r.lag_bytes) for r in links] == [
        ("10.0.0.2:6379", "online", 10),
        ("10.0.0.2:6379 #2", "wait_bgsave", 100),
    ]


@pytest.mark.parametrize("missing", ["redis_version", "# Keyspace", "# Replication"])
def test_a_part_of_info_is_malformed(missing: str) -> None:
    lines = [line for line in VALKEY.splitlines() if not line.startswith(missing)]
    with pytest.raises(Malformed):
        rows.parse_info("\n".join(lines))


def test_a_number_that_is_none_is_malformed() -> None:
    with pytest.raises(Malformed):
        rows.row_cache_metric(RedisSettings(), {"keyspace_hits": "many"})


@pytest.mark.parametrize(
    ("bind", "ports", "addresses", "loopback"),
    [
        ("127.0.0.1 -::1", {"port": "6379"}, ["127.0.0.1", "::1"], True),
        ("* -::*", {"port": "6379"}, [], False),
        ("0.0.0.0", {"port": "6379"}, [], False),
        ("", {"port": "6379"}, [], False),
        ("127.0.0.1 10.0.0.5", {"port": "0", "tls-port": "6380"}, ["127.0.0.1", "10.0.0.5"], False),
        ("*", {"port": "0", "tls-port": "0"}, [], True),
    ],
)
def test_addresses(bind: str, ports: dict[str, str], addresses: list[str], loopback: bool) -> None:
    row = rows.row_cache_instance(RedisSettings(), rows.parse_info(VALKEY), {"bind": bind, **ports}, None, NOW)
    assert (row.bind_addresses, row.is_loopback_only) == (addresses, loopback)


def test_config_keeps_only_the_allow_list() -> None:
    given = ["requirepass", "planted", "port", "6379", "masterauth", "planted", "tls-key-file-pass", "planted"]
    assert rows.parse_config(given) == {"port": "6379"}


def test_users_keep_no_hash() -> None:
    users = acl.parse([f"user ana on {HASH} {HASH} sanitize-payload ~* resetchannels -@all +@read (~s:* +get -@write)"])
    (user,) = users
    assert (user.name, user.on, user.nopass, user.passwords) == ("ana", True, False, 2)
    assert user.own.commands == ["+@read"]
    assert user.selectors[0].commands == ["+get", "-@write"]
    assert HASH[1:] not in repr(users)


def test_a_line_of_another_form_is_not_repeated() -> None:
    with pytest.raises(Malformed) as caught:
        acl.parse([f"nobody {HASH}"])
    assert HASH[1:] not in caught.value.message


@pytest.mark.parametrize(
    ("rules", "command", "allowed"),
    [
        ("+@all", "flushall", True),
        ("+@all -@dangerous", "flushall", False),
        ("+@all -flushall", "flushall", False),
        ("+@all -flushall", "flushdb", True),
        ("-@all +@write", "flushall", True),
        ("+@all -@admin +config|get", "config|get", True),
        ("+@all -@admin +config|get", "config|set", False),
        ("-@all +config", "config|set", True),
        ("+@all -@all +ping", "shutdown", False),
        ("allcommands", "shutdown", True),
        ("+@all nocommands", "shutdown", False),
        ("-@all (~x:* +@dangerous)", "debug", True),
    ],
)
def test_dangerous_commands(rules: str, command: str, allowed: bool) -> None:
    (user,) = acl.parse([f"user ana on nopass ~* {rules}"])
    assert (command in user.dangerous()) is allowed


@pytest.mark.parametrize(
    ("rules", "superuser"),
    [
        ("~* +@all", True),
        ("allkeys allcommands", True),
        ("~a:* +@all", False),
        ("~* +@all -debug", False),
        ("%R~* +@all", False),
    ],
)
def test_superuser(rules: str, superuser: bool) -> None:
    (account,) = acl.rows_user_accounts(acl.parse([f"user ana on nopass {rules}"]))
    assert account.is_superuser is superuser


def test_settings_that_contradict_each_other() -> None:
    for wrong in ({"cert_file": "/c"}, {"ca_file": "/c"}, {"tls": True, "unix_socket": "/s"}):
        with pytest.raises(ValueError, match=r"cert_file|ca_file|tls"):
            RedisSettings.model_validate(wrong)


@pytest.mark.parametrize(
    ("uses", "state", "counted", "undeclared"),
    [
        ({}, None, None, None),
        ({"0": "cache", "3": "cache"}, False, "cache", 0),
        ({"0": "sessions", "3": "broker"}, True, "state", 0),
        ({"0": "cache", "3": "state"}, True, "mixed", 0),
        ({"0": "cache"}, None, "mixed", 1),  # database 3 holds keys that nobody declared
        ({"0": "sessions"}, True, "mixed", 1),
        ({"0": "cache", "3": "cache", "7": "broker"}, True, "mixed", 0),
    ],
)
def test_declared_uses(uses: dict[str, Any], state: bool | None, counted: str | None, undeclared: int | None) -> None:
    settings = RedisSettings(uses=uses)
    info = rows.parse_info(VALKEY)
    row = rows.row_cache_instance(settings, info, None, None, NOW)
    assert (row.holds_state, row.undeclared_databases) == (state, undeclared)
    assert row.uses == (sorted({*uses.values()}) if uses else None)
    assert rows.row_cache_metric(settings, info).use == counted
    stores = {store.data_store: store.use for store in rows.rows_data_stores(settings, info)}
    assert stores == {"db0": None, "db3": None} | {f"db{name}": use for name, use in uses.items()}


@pytest.mark.parametrize(
    "settings",
    [
        {"uses": {"zero": "cache"}},
        {"uses": {"00": "cache"}},
        {"uses": {"0": "queue"}},
        {"uses": {"0": "sessions"}, "holds_state": False},
    ],
)
def test_uses_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="uses"):
        RedisSettings.model_validate(settings)
