"""Answers of the console into evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from compliance.collectors.addresses import HERE, is_loopback, known_as
from compliance.collectors.pgbouncer.bounds import CONSOLE, Bound, bound
from compliance.collectors.pgbouncer.inifile import IniFile
from compliance.collectors.pgbouncer.session import Row
from compliance.schemas.errors import Malformed
from compliance.schemas.kinds.host import Setting
from compliance.schemas.kinds.identity import AuthPolicy, UserAccount
from compliance.schemas.kinds.network import InternalLink
from compliance.schemas.kinds.pooling import ConnectionPool, ConnectionPooler, PoolRoute
from compliance.schemas.kinds.web import ServiceStatus

PRODUCT = "pgbouncer"
# Settings that hold no secret. auth_query, server_check_query, server_reset_query and connect strings are not here.
SETTINGS = (
    "admin_users", "auth_file", "auth_hba_file", "auth_type", "auth_user", "autodb_idle_timeout", "client_idle_timeout",
    "client_login_timeout", "client_tls_ca_file", "client_tls_cert_file", "client_tls_ciphers", "client_tls_key_file",
    "client_tls_protocols", "client_tls_sslmode", "conffile", "default_pool_size", "idle_transaction_timeout",
    "listen_addr", "listen_port", "log_connections", "log_disconnections", "log_pooler_errors", "log_stats", "logfile",
    "max_client_conn", "max_db_connections", "max_user_connections", "min_pool_size", "pidfile", "pool_mode",
    "query_timeout", "query_wait_timeout", "reserve_pool_size", "reserve_pool_timeout", "server_idle_timeout",
    "server_lifetime", "server_tls_ca_file", "server_tls_cert_file", "server_tls_ciphers", "server_tls_key_file",
    "server_tls_protocols", "server_tls_sslmode", "so_reuseport", "stats_users", "syslog", "syslog_facility",
    "syslog_ident", "unix_socket_dir", "unix_socket_mode", "user",
)  # fmt: skip
_DEMANDS_TLS = frozenset({"require", "verify-ca", "verify-full"})
_NO_PROOF = frozenset({"trust", "any"})
_PROOF = frozenset({"plain", "md5", "scram-sha-256", "cert", "pam", "ldap", "gss"})
_PASSWORDS = frozenset({"plain", "md5", "scram-sha-256", "pam", "ldap"})

Config = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pooler is: the names of its machine (none when not known); when it runs here, since when, and whether
    anybody listens on its port here (None elsewhere)."""

    instance: str
    machines: tuple[str, ...]
    started_at: float | None = None
    port_open: bool | None = None


def number(config: Config, name: str) -> int | None:
    """A whole number; fractions are cut off. Raises Malformed when it is something else."""
    text = config.get(name)
    if text is None or text == "":
        return None
    try:
        return int(float(text))
    except ValueError as error:
        raise Malformed(f"{name} is no number", remedy="report it with PgBouncer's version") from error


def switch(config: Config, name: str) -> bool | None:
    """A switch; None when this version has no such setting."""
    value = config.get(name)
    return None if value is None else value in ("1", "yes", "on", "true")


def processes(config: Config, declared: int | None) -> int | None:
    """How many processes share the port: one, unless so_reuseport lets others join."""
    return 1 if config.get("so_reuseport", "0") == "0" else declared


def row_pooler(
    place: Place,
    version: str,
    config: Config,
    clients: int,
    declared_processes: int | None,
    routes_complete: bool | None,
    looks_up_accounts: bool | None,
) -> ConnectionPooler:
    """The pooler as one row."""
    method, client, server = config.get("auth_type"), config.get("client_tls_sslmode"), config.get("server_tls_sslmode")
    addresses = [part.strip() for part in (config.get("listen_addr") or "").split(",") if part.strip()]
    return ConnectionPooler(
        instance=place.instance,
        product=PRODUCT,
        version=version,
        started_at=None if place.started_at is None else datetime.fromtimestamp(int(place.started_at), UTC),
        auth_method=method,
        authenticates=False if method in _NO_PROOF else True if method in _PROOF else None,
        looks_up_accounts=looks_up_accounts,
        client_tls_mode=client,
        client_tls_required=None if client is None else client in _DEMANDS_TLS,
        client_certificates=None if client is None else client in ("verify-ca", "verify-full"),
        client_tls_protocols=config.get("client_tls_protocols"),
        server_tls_mode=server,
        server_tls_required=None if server is None else server in _DEMANDS_TLS,
        server_tls_verified=None if server is None else server == "verify-full",
        pool_mode=config.get("pool_mode"),
        clients_max=number(config, "max_client_conn"),
        clients_now=clients,
        default_pool_size=number(config, "default_pool_size"),
        processes=processes(config, declared_processes),
        routes_complete=routes_complete,
        client_idle_minutes=_minutes(config),
        wait_limit_s=number(config, "query_wait_timeout"),
        log_connections=switch(config, "log_connections"),
        log_disconnections=switch(config, "log_disconnections"),
        listen_addresses=addresses,
        is_loopback_only=_is_loopback_only(addresses, place.port_open),
    )


def _is_loopback_only(addresses: Sequence[str], port_open: bool | None) -> bool | None:
    if not addresses:  # a Unix socket alone, or addresses that systemd opened for it
        return True if port_open is False else None
    return all(is_loopback(address) for address in addresses)


def _minutes(config: Config) -> int | None:
    seconds = number(config, "client_idle_timeout")
    return None if seconds is None else -(-seconds // 60)


def rows_settings(config: Config) -> list[Setting]:
    """One Setting per setting of the allow-list that this version has."""
    return [Setting(component=PRODUCT, name=name, value=config[name]) for name in SETTINGS if name in config]


def row_auth_policy(instance: str, config: Config) -> AuthPolicy:
    """The rules of sign-in as one row. PgBouncer has no lock-out and no rules for passwords; PAM and LDAP have their
    own. How passwords are stored is not visible: its auth_file may hold them in clear under any method."""
    method = config.get("auth_type")
    own = method in (_PASSWORDS | _NO_PROOF | {"cert"}) - {"pam", "ldap"}
    return AuthPolicy(
        system=instance,
        password_login=None if method not in _PROOF | _NO_PROOF else method in _PASSWORDS,
        lockout_attempts=0 if own else None,
        lockout_minutes=0 if own else None,
        idle_minutes=_minutes(config),
        password_min_length=0 if own else None,
        password_needs_alnum=False if own else None,
        password_history=0 if own else None,
        password_max_age_days=0 if own else None,
        mfa_required=False if own else None,
        detail={"auth_type": method},
    )


def rows_user_accounts(accounts: Sequence[Row], config: Config) -> list[UserAccount]:
    """One UserAccount per account that the pooler knows by itself, and per one that its console lets in."""
    admins, watchers = (_names(config.get(name)) for name in ("admin_users", "stats_users"))
    known = {str(row["name"]) for row in accounts} - {CONSOLE}
    return [
        UserAccount(
            account=name,
            is_active=True,
            is_privileged=name in admins,  # may change settings, cut off clients and stop the pooler
            is_superuser=False,
            detail={"admin": name in admins, "stats": name in watchers, "in_auth_file": name in known},
        )
        for name in sorted(known | admins | watchers)
    ]


def _names(text: str | None) -> set[str]:
    return {part.strip() for part in (text or "").split(",") if part.strip()}


def row_service_status(place: Place, version: str, config: Config, clients: int) -> ServiceStatus:
    """That it runs, and how full it is."""
    return ServiceStatus(
        component=PRODUCT,
        instance=place.instance,
        product=PRODUCT,
        version=version,
        running=True,
        started_at=None if place.started_at is None else datetime.fromtimestamp(int(place.started_at), UTC),
        connections=clients,
        connections_max=number(config, "max_client_conn"),
    )


def rows_pools(instance: str, pools: Sequence[Row]) -> list[ConnectionPool]:
    """One ConnectionPool per database and account in use, the console left out. An account that is both forced and
    looks others up can have two."""
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in pools:
        if row["database"] != CONSOLE:
            grouped.setdefault((row["database"], row["user"]), []).append(row)
    return [
        ConnectionPool(
            instance=instance,
            database=database,
            account=account,
            pool_mode=rows[0]["pool_mode"],
            clients_active=_sum(rows, "cl_active"),
            clients_waiting=_sum(rows, "cl_waiting"),
            servers_active=_sum(rows, "sv_active"),
            servers_idle=_sum(rows, "sv_idle", "sv_used", "sv_tested", "sv_login"),
            longest_wait_ms=max(_wait_ms(row) for row in rows),
        )
        for (database, account), rows in grouped.items()
    ]


def _sum(rows: Sequence[Row], *names: str) -> int:
    return sum(int(row[name]) for row in rows for name in names)


def _wait_ms(pool: Row) -> int:
    return int(pool["maxwait"]) * 1000 + -(-int(pool["maxwait_us"]) // 1000)


@dataclass(frozen=True, slots=True)
class Routing:
    """What the routes rest on: the console's answers, and its configuration file where that counts."""

    databases: Sequence[Row]
    accounts: Sequence[Row]
    pools: Sequence[Row]
    stats: Sequence[Row]
    servers: Sequence[Row]
    names: Mapping[str, Sequence[str]]  # host name → addresses, as the pooler itself resolved it
    config: Config
    file: IniFile | None
    processes: int | None


def rows_routes(place: Place, seen: Routing) -> Iterator[PoolRoute]:
    """One PoolRoute per database name, and one for '*' where the configuration file has it."""
    for row in seen.databases:
        if row["name"] != CONSOLE:
            own = {} if seen.file is None else seen.file.databases.get(row["name"], seen.file.fallback or {})
            auth_user = own.get("auth_user") or seen.config.get("auth_user")
            found = bound(row, seen.accounts, seen.config, auth_user, seen.processes)
            yield _route(place, seen, row, found)
    if seen.file is not None and seen.file.fallback is not None:
        port = seen.file.fallback.get("port", "5432")
        row = {"name": "*", "host": seen.file.fallback.get("host"), "port": int(port) if port.isdigit() else 5432}
        yield _route(place, seen, {**row, "force_user": seen.file.fallback.get("user")}, Bound(None, None, False))


def _route(place: Place, seen: Routing, row: Row, found: Bound) -> PoolRoute:
    name, port = row["name"], int(row["port"])
    hosts = [host.strip() for host in (row["host"] or "").split(",")]
    used = {(s["addr"], int(s["port"])) for s in seen.servers if s["database"] == name and s["addr"] != "unix"}
    resolved = [address for host in hosts for address in seen.names.get(host.lower(), ())]
    known = {*known_as([*hosts, *resolved], port, place.machines)}
    known |= {text for addr, at in used for text in known_as([addr], at, place.machines)}
    pools = [pool for pool in seen.pools if pool["database"] == name]
    stats = next((line for line in seen.stats if line["database"] == name), None)
    return PoolRoute(
        instance=place.instance,
        database=name,
        target_database=None if row.get("database") == name else row.get("database"),
        targets=[f"{host or 'unix'}:{port}" for host in hosts],
        servers=sorted(known),
        is_local=all(is_loopback(host) for host in hosts),
        forced_account=row["force_user"],
        pool_mode=row.get("pool_mode") or seen.config.get("pool_mode"),
        pool_size=row.get("pool_size"),
        reserve_size=row.get("reserve_pool", row.get("reserve_pool_size")),
        pools_max=found.pools,
        connections_limit=row.get("max_connections"),
        connections_max=found.connections,
        is_bounded=found.is_bounded,
        connections_now=row.get("current_connections"),
        clients_waiting=sum(pool["cl_waiting"] for pool in pools),
        longest_wait_ms=max((_wait_ms(pool) for pool in pools), default=0),
        wait_total_ms=0 if stats is None else -(-int(stats["total_wait_time"]) // 1000),
        transactions=0 if stats is None else int(stats["total_xact_count"]),
        is_paused=_flag(row, "paused"),
        is_disabled=_flag(row, "disabled"),
    )


def _flag(row: Row, name: str) -> bool | None:
    return bool(int(row[name])) if name in row else None


def rows_links(place: Place, seen: Routing, clients: Sequence[Row], own_port: int | None) -> Iterator[InternalLink]:
    """One InternalLink per client address, account and database, and one per server that a route leads to."""
    grouped: dict[str, list[Row]] = {}
    for row in clients:
        if own_port is None or int(row["port"]) != own_port or row["database"] != CONSOLE:
            grouped.setdefault(f"{row['addr']} {row['user']}@{row['database']}", []).append(row)
    for name, rows in grouped.items():
        yield InternalLink(
            source_component=name,
            target_component=place.instance,
            is_local=all(is_loopback(row["addr"]) for row in rows),
            tls_enabled=all(row["tls"] for row in rows),
            tls_version=min((_version(row) for row in rows if row["tls"]), default=None),
            connections=len(rows),
            detail={"encrypted": sum(1 for row in rows if row["tls"])},
        )
    for row in seen.databases:
        if row["name"] != CONSOLE:
            yield from _server_links(place, seen, row)


def _server_links(place: Place, seen: Routing, row: Row) -> Iterator[InternalLink]:
    mode = seen.config.get("server_tls_sslmode")
    live = [server for server in seen.servers if server["database"] == row["name"]]
    plain = any(not server["tls"] and server["addr"] != "unix" for server in live)
    # allow and prefer fall back to plain text when the server or somebody between them wants it
    encrypted = False if mode == "disable" or plain else True if mode in _DEMANDS_TLS else None
    for host in dict.fromkeys(part.strip() for part in (row["host"] or "").split(",")):
        yield InternalLink(
            source_component=f"{PRODUCT} {place.instance} {row['name']}",
            target_component=f"{host or 'unix'}:{row['port']}",
            is_local=is_loopback(host),
            tls_enabled=encrypted,
            tls_verified=mode == "verify-full",
            tls_version=min((_version(server) for server in live if server["tls"]), default=None),
            connections=len(live),
            detail={"server_tls_sslmode": mode},
        )


def _version(row: Row) -> str:
    return str(row["tls"]).partition("/")[0]


def machine_names(host: str, address: str | None, declared: str | None, runs_here: bool | None) -> tuple[str, ...]:
    """Names of the machine that the pooler runs on. Reached by loopback it is this one, unless its pidfile is not
    here (`runs_here` false: a tunnel or a container); then only a declared name says where its own loopback is."""
    if declared:
        return (declared,)
    if is_loopback(host):
        return (HERE,) if runs_here is not False else ()
    return tuple(dict.fromkeys(name for name in (host, address) if name))
