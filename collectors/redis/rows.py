"""Answers of INFO and CONFIG GET into evidence."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from compliance.collectors.redis.acl import DEFAULT, User
from compliance.collectors.redis.settings import RedisSettings
from compliance.schemas.errors import Malformed
from compliance.schemas.kinds.data import CacheInstance, CacheMetric, DataStore, ReplicationLink
from compliance.schemas.kinds.host import Setting
from compliance.schemas.kinds.identity import AuthPolicy
from compliance.schemas.kinds.web import ServiceStatus

COMPONENT = "redis"
# Parameters that hold no secret. requirepass, masterauth, masteruser, tls-key-file-pass and user lines are not here.
PARAMETERS = (
    "acl-pubsub-default", "aclfile", "acllog-max-len", "aof-use-rdb-preamble", "appenddirname", "appendfilename",
    "appendfsync", "appendonly", "auto-aof-rewrite-percentage", "bind", "cluster-enabled", "databases", "dbfilename",
    "dir", "enable-debug-command", "enable-module-command", "enable-protected-configs", "logfile", "loglevel",
    "maxclients", "maxmemory", "maxmemory-policy", "min-replicas-max-lag", "min-replicas-to-write", "port",
    "protected-mode", "rdbchecksum", "replica-read-only", "replica-serve-stale-data", "save",
    "stop-writes-on-bgsave-error", "syslog-enabled", "syslog-ident", "tcp-keepalive", "timeout", "tls-auth-clients",
    "tls-ca-cert-dir", "tls-ca-cert-file", "tls-cert-file", "tls-ciphers", "tls-ciphersuites", "tls-cluster",
    "tls-key-file", "tls-port", "tls-prefer-server-ciphers", "tls-protocols", "tls-replication", "unixsocket",
    "unixsocketperm",
)  # fmt: skip

Info = Mapping[str, str]
Config = Mapping[str, str]


def parse_info(text: str) -> dict[str, str]:
    """INFO as field → value; section headings become fields of their own (`# Keyspace`). Raises Malformed."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if line.startswith("#"):
            found[f"# {line[1:].strip().lower()}"] = ""
        elif colon:
            found[name] = value
    for needed in ("redis_version", "uptime_in_seconds", "# keyspace", "# replication", "# persistence", "# stats"):
        if needed not in found:
            raise Malformed(f"INFO: {needed} is missing", remedy="report it with the product and version of the server")
    return found


def parse_config(pairs: Sequence[str]) -> dict[str, str]:
    """CONFIG GET's flat list as parameter → value, cut to the parameters that hold no secret."""
    found = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return {name: found[name] for name in PARAMETERS if name in found}


def product(info: Info) -> tuple[str, str]:
    """Product and version; a successor answers `redis_version` with the version it is compatible with."""
    for name in ("valkey", "dragonfly"):
        if f"{name}_version" in info:
            return name, info[f"{name}_version"].removeprefix("df-v")
    return info.get("server_name") or "redis", info["redis_version"]


def started_at(info: Info, now: datetime) -> datetime:
    """Start of the server, to the second, by its own clock where it tells it."""
    clock = number(info, "server_time_usec")
    moment = datetime.fromtimestamp(clock // 1_000_000, UTC) if clock else now.replace(microsecond=0)
    return moment - timedelta(seconds=number(info, "uptime_in_seconds") or 0)


def number(values: Mapping[str, str], name: str) -> int | None:
    """A whole number; None when the field is missing. Raises Malformed when it is something else."""
    text = values.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise Malformed(f"{name} is no whole number", remedy="report it with the server's version") from error


def row_cache_instance(
    settings: RedisSettings, info: Info, config: Config | None, users: Sequence[User] | None, now: datetime
) -> CacheInstance:
    """The server as one row; columns that rest on `config` or `users` stay NULL when these are None."""
    name, version = product(info)
    default = next((user for user in users or () if user.name == DEFAULT), None)
    aof = None if "aof_enabled" not in info else info["aof_enabled"] == "1"
    last_save = number(info, "rdb_last_save_time")
    addresses = None if config is None else bind_addresses(config)
    undeclared = undeclared_databases(settings, info)
    return CacheInstance(
        instance=settings.instance,
        product=name,
        version=version,
        role=info.get("role"),
        started_at=started_at(info, now),
        aof_enabled=aof,
        aof_fsync=None if config is None else config.get("appendfsync"),
        # with the file off Redis still answers ok, about nothing
        aof_last_write_ok=_ok(info, "aof_last_write_status") if aof else None,
        aof_last_rewrite_ok=_ok(info, "aof_last_bgrewrite_status") if aof else None,
        rdb_rules=None if config is None else config.get("save"),
        aof_rewrite_running=_running(info, "aof_rewrite_in_progress"),
        aof_last_rewrite_s=_seconds(info, "aof_last_rewrite_time_sec"),
        rdb_last_save_ok=_ok(info, "rdb_last_bgsave_status"),
        rdb_save_running=_running(info, "rdb_bgsave_in_progress"),
        rdb_last_save_s=_seconds(info, "rdb_last_bgsave_time_sec"),
        is_loading=_running(info, "loading"),
        rdb_last_save_at=datetime.fromtimestamp(last_save, UTC) if last_save else None,
        changes_since_save=number(info, "rdb_changes_since_last_save"),
        # whoever may name a user that needs no password has not shown who he is
        auth_required=None if default is None else not any(user.on and user.nopass for user in users or ()),
        default_user_enabled=None if default is None else default.on,
        default_user_nopass=None if default is None else default.nopass,
        protected_mode=_yes(config, "protected-mode"),
        bind_addresses=addresses,
        is_loopback_only=None if config is None else _is_loopback_only(config, addresses or []),
        tls_enabled=None if config is None else _open(config, "tls-port"),
        tls_protocols=None if config is None or "tls-protocols" not in config else config["tls-protocols"].split(),
        plaintext_port=None if config is None else _open(config, "port"),
        tls_client_certificates=None
        if config is None
        else _open(config, "tls-port") and config.get("tls-auth-clients") == "yes",
        maxmemory_mib=_mebibytes(number(info, "maxmemory")),
        maxmemory_policy=info.get("maxmemory_policy"),
        used_memory_mib=_mebibytes(number(info, "used_memory")),
        evicted=number(info, "evicted_keys"),
        holds_state=holds_state(settings, undeclared),
        uses=sorted({*settings.uses.values()}) if settings.uses else None,
        undeclared_databases=undeclared,
        dangerous_commands=None if default is None else default.dangerous() if default.on else [],
        detail={"mode": info.get("redis_mode"), "compatible_with": info["redis_version"]},
    )


def undeclared_databases(settings: RedisSettings, info: Info) -> int | None:
    """Databases that hold keys and whose use nobody declared; None when no use is declared at all."""
    return len(_filled(info).keys() - settings.uses.keys()) if settings.uses else None


def holds_state(settings: RedisSettings, undeclared: int | None) -> bool | None:
    """As declared; else true with a use that is no cache, false when every database in use is a cache."""
    if settings.holds_state is not None or not settings.uses:
        return settings.holds_state
    if any(use != "cache" for use in settings.uses.values()):
        return True
    return False if undeclared == 0 else None


def _filled(info: Info) -> dict[str, dict[str, str]]:
    """Number of each database that holds keys, with what INFO counts of it."""
    return {name[2:]: _fields(info[name]) for name in info if name.startswith("db") and name[2:].isdigit()}


def _running(info: Info, name: str) -> bool | None:
    return None if name not in info else info[name] != "0"


def _seconds(info: Info, name: str) -> int | None:
    seconds = number(info, name)
    return None if seconds is None or seconds < 0 else seconds  # -1: never


def bind_addresses(config: Config) -> list[str] | None:
    """Addresses bound, `[]` for all; None when not told. `-` before an address means: skip it when it is absent."""
    text = config.get("bind")
    if text is None:
        return None
    addresses = [word.removeprefix("-") for word in text.split()]
    return [] if any(address in ("*", "0.0.0.0", "::", "::*") for address in addresses) else addresses  # noqa: S104 -- compared, not bound


def _is_loopback_only(config: Config, addresses: Sequence[str]) -> bool:
    if not _open(config, "port") and not _open(config, "tls-port"):
        return True
    return bool(addresses) and all(_is_loopback(address) for address in addresses)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _open(config: Config, port: str) -> bool:
    return config.get(port, "0") != "0"  # a build without TLS has no such parameter


def _ok(info: Info, name: str) -> bool | None:
    return None if name not in info else info[name] == "ok"


def _yes(config: Config | None, name: str) -> bool | None:
    return None if config is None or name not in config else config[name] == "yes"


def _mebibytes(size: int | None) -> int | None:
    return None if size is None else -(-size // 1_048_576)  # rounded up: 0 means none


def row_auth_policy(instance: str, config: Config | None, users: Sequence[User]) -> AuthPolicy:
    """The rules of sign-in as one row. Redis has no lock-out and no rule for passwords."""
    timeout = None if config is None else number(config, "timeout")
    default = next((user for user in users if user.name == DEFAULT), None)
    return AuthPolicy(
        system=instance,
        password_login=any(user.on and user.passwords for user in users),
        lockout_attempts=0,
        lockout_minutes=0,
        idle_minutes=None if timeout is None else -(-timeout // 60),
        password_min_length=0,
        password_needs_alnum=False,
        password_history=0,
        password_max_age_days=0,
        hash_algorithm="sha256",
        mfa_required=False,
        detail={
            "protected_mode": _yes(config, "protected-mode"),
            "default_user_enabled": None if default is None else default.on,
            "default_user_nopass": None if default is None else default.nopass,
        },
    )


def rows_data_stores(settings: RedisSettings, info: Info) -> list[DataStore]:
    """One DataStore per logical database that holds keys or has a declared use, and db0 always."""
    counted = {name: {"keys": "0", "expires": "0"} for name in sorted({"0", *settings.uses}, key=int)} | _filled(info)
    return [
        DataStore(
            instance=settings.instance,
            data_store=f"db{name}",
            records=number(values, "keys"),
            expiring_records=number(values, "expires"),
            use=settings.uses.get(name),
            needs_backup=settings.needs_backup,
        )
        for name, values in counted.items()
    ]


def rows_settings(config: Config) -> list[Setting]:
    """One Setting per parameter of the allow-list that this server knows."""
    return [Setting(component=COMPONENT, name=name, value=value) for name, value in config.items()]


def row_cache_metric(settings: RedisSettings, info: Info) -> CacheMetric:
    """Look-ups since the server began to count (its start, unless somebody reset its statistics), in all databases."""
    hits, misses = number(info, "keyspace_hits"), number(info, "keyspace_misses")
    lookups = None if hits is None or misses is None else hits + misses
    return CacheMetric(
        cache=settings.instance,
        use=_counted_use(settings, info),
        lookups=lookups,
        hits=hits,
        hit_permille=hits * 1000 // lookups if lookups and hits is not None else None,
        evicted=number(info, "evicted_keys"),
        expired=number(info, "expired_keys"),
        window_s=number(info, "uptime_in_seconds"),
    )


def _counted_use(settings: RedisSettings, info: Info) -> str | None:
    caches = {use == "cache" for use in settings.uses.values()}
    if not caches:
        return None
    if len(caches) == 2 or undeclared_databases(settings, info):
        return "mixed"
    return "cache" if True in caches else "state"


def rows_replication_links(instance: str, info: Info) -> list[ReplicationLink]:
    """One ReplicationLink per replica attached to this server."""
    offset = number(info, "master_repl_offset")
    links = []
    seen: dict[str, int] = {}
    for name, text in info.items():
        if not (name.startswith("slave") and name[5:].isdigit()):
            continue
        values = _fields(text)
        link = f"{values.get('ip', '')}:{values.get('port', '')}"
        seen[link] = seen.get(link, 0) + 1
        reached = number(values, "offset")
        links.append(
            ReplicationLink(
                instance=instance,
                link=link if seen[link] == 1 else f"{link} #{seen[link]}",
                state=values.get("state"),
                is_sync=False,
                lag_bytes=None if offset is None or reached is None else max(0, offset - reached),
                lag_s=number(values, "lag"),
            )
        )
    return links


def row_service_status(instance: str, info: Info, now: datetime) -> ServiceStatus:
    """That it runs, since when, and how full it is."""
    name, version = product(info)
    return ServiceStatus(
        component=COMPONENT,
        instance=instance,
        product=name,
        version=version,
        running=True,
        started_at=started_at(info, now),
        connections=number(info, "connected_clients"),
        connections_max=number(info, "maxclients"),
        detail={"rejected_connections": number(info, "rejected_connections")},
    )


def _fields(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(",") if "=" in part)
