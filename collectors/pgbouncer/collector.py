"""The collector: which kind rests on which questions to the console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from compliance.collectors import asking, listening
from compliance.collectors.addresses import is_loopback
from compliance.collectors.asking import Read
from compliance.collectors.declared import declared
from compliance.collectors.pgbouncer import discovery, inifile, rows
from compliance.collectors.pgbouncer.bounds import CONSOLE
from compliance.collectors.pgbouncer.session import Session
from compliance.collectors.pgbouncer.settings import PgBouncerSettings
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.host import Setting
from compliance.schemas.kinds.identity import AuthPolicy, UserAccount
from compliance.schemas.kinds.network import InternalLink
from compliance.schemas.kinds.pooling import ConnectionPool, ConnectionPooler, PoolRoute
from compliance.schemas.kinds.web import ServiceStatus
from compliance.schemas.messages import Access, Context, Discovery, Found, Message, Request, Settings

_HIDDEN = "the console shows neither a '*' database nor the auth_user of a single database"


class PgBouncer:
    """Reads one PgBouncer through its console."""

    name: ClassVar[str] = "pgbouncer"
    title: ClassVar[str] = "PgBouncer"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (
        ConnectionPooler,
        PoolRoute,
        ConnectionPool,
        UserAccount,
        AuthPolicy,
        Setting,
        InternalLink,
        ServiceStatus,
    )
    Settings: ClassVar[type[Settings]] = PgBouncerSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """Poolers on this machine, by what listens."""
        return discovery.discover(ctx.root)

    def check(self, ctx: Context[PgBouncerSettings]) -> Iterator[Access]:
        """Asks everything once and keeps nothing: readable or not, and what stays NULL."""
        return asking.check(ctx, Session, _READERS)

    def collect(self, ctx: Context[PgBouncerSettings]) -> Iterator[Message]:
        """Records of the wanted kinds, each kind closed by one Complete or Gap."""
        return asking.collect(ctx, Session, _READERS)


def _started_at(config: rows.Config) -> float | None:
    """Start of the pooler's process when it runs on this machine: PgBouncer writes its pidfile then."""
    path = Path(config.get("pidfile") or "")
    try:
        written = path.stat().st_mtime
        Path(f"/proc/{int(path.read_text('ascii'))}").stat()  # nobody's any more: left behind, or another machine's
    except PermissionError:  # the file is there, and the account may not read it
        return written
    except (OSError, ValueError):
        return None
    return written


def _place(ctx: Context[PgBouncerSettings], session: Session) -> rows.Place:
    config, settings = session.config(), ctx.settings
    local = is_loopback(settings.host)
    forwarded = rows.number(config, "listen_port") != settings.port  # it listens on another port than we reached it on
    started_at = _started_at(config) if local and not forwarded else None
    # without a pidfile nothing else speaks against its being here
    here = started_at is not None or (not forwarded and not config.get("pidfile"))
    machines = rows.machine_names(settings.host, session.address, settings.runs_on, here if local else None)
    port_open = bool(listening.tcp_ports(Path("/"), settings.port, ())) if started_at is not None else None
    return rows.Place(session.instance, machines, started_at, port_open)


def _file(ctx: Context[PgBouncerSettings], session: Session, place: rows.Place) -> inifile.IniFile | None:
    """The configuration file, where it can be read and is the one that the process has loaded; else a note."""
    path = ctx.settings.config_file or Path(session.config().get("conffile") or "")
    found = inifile.read(path, place.started_at)
    if isinstance(found, str):
        if ctx.settings.complete_routes is None:
            session.notes.append(f"routes_complete stays NULL: {_HIDDEN}, and {found}; declare complete_routes")
        return None
    shown = {row["name"] for row in session.rows("DATABASES", "name")} - {CONSOLE}
    if found.fallback is None and not shown <= set(found.databases):
        session.notes.append(f"routes_complete stays NULL: {path} lacks databases that the console shows")
        return None
    session.asked.extend(Request("file", name, digest) for name, digest in sorted(found.digests.items()))
    return found


def _routing(ctx: Context[PgBouncerSettings], session: Session, file: inifile.IniFile | None) -> rows.Routing:
    config = session.config()
    names = {
        str(row["hostname"]).lower(): [part for part in str(row["addrs"] or "").split(",") if part]
        for row in session.rows("DNS_HOSTS", "hostname", "addrs")
    }
    return rows.Routing(
        databases=session.rows("DATABASES", "name", "host", "port", "force_user", "pool_size", "max_connections"),
        accounts=session.rows("USERS", "name"),
        pools=session.rows("POOLS", "database", "user", "cl_waiting", "sv_active", "maxwait", "maxwait_us"),
        stats=session.rows("STATS", "database", "total_xact_count", "total_wait_time"),
        servers=session.rows("SERVERS", "database", "addr", "port", "tls"),
        names=names,
        config=config,
        file=file,
        processes=rows.processes(config, ctx.settings.processes),
    )


def _connection_pooler(ctx: Context[PgBouncerSettings], session: Session) -> Read:
    place, config = _place(ctx, session), session.config()
    file = _file(ctx, session, place)
    complete = True if file is not None else ctx.settings.complete_routes
    lookups: bool | None = True if config.get("auth_user") else False if complete else None
    if file is not None and any("auth_user" in own for own in file.databases.values()):
        lookups = True
    row = rows.row_pooler(
        place, session.version(), config, session.count("used_clients"), ctx.settings.processes, complete, lookups
    )
    return [row], None


def _pool_route(ctx: Context[PgBouncerSettings], session: Session) -> Read:
    place = _place(ctx, session)
    file = _file(ctx, session, place)
    found = list(rows.rows_routes(place, _routing(ctx, session, file)))
    extra = 0 if file is None or file.fallback is None else 1
    return found, session.count("databases") - 1 + extra  # its own console counts as a database


def _connection_pool(ctx: Context[PgBouncerSettings], session: Session) -> Read:
    needed = ("database", "user", "pool_mode", "cl_active", "cl_waiting", "sv_active", "sv_idle", "sv_used",
              "sv_tested", "sv_login", "maxwait", "maxwait_us")  # fmt: skip
    return rows.rows_pools(session.instance, session.rows("POOLS", *needed)), None


def _user_account(ctx: Context[PgBouncerSettings], session: Session) -> Read:
    found = rows.rows_user_accounts(session.rows("USERS", "name"), session.config())
    return declared(found, ctx.settings.accounts), None


def _auth_policy(ctx: Context[PgBouncerSettings], session: Session) -> Read:
    return [rows.row_auth_policy(session.instance, session.config())], None


def _setting(ctx: Context[PgBouncerSettings], session: Session) -> Read:
    return rows.rows_settings(session.config()), None


def _internal_link(ctx: Context[PgBouncerSettings], session: Session) -> Read:
    clients = session.rows("CLIENTS", "user", "database", "addr", "port", "tls")
    seen = _routing(ctx, session, None)
    return list(rows.rows_links(_place(ctx, session), seen, clients, session.own_port)), None


def _service_status(ctx: Context[PgBouncerSettings], session: Session) -> Read:
    place, config = _place(ctx, session), session.config()
    return [rows.row_service_status(place, session.version(), config, session.count("used_clients"))], None


_READERS: Mapping[str, Any] = {
    "connection_pooler": _connection_pooler,
    "pool_route": _pool_route,
    "connection_pool": _connection_pool,
    "user_account": _user_account,
    "auth_policy": _auth_policy,
    "setting": _setting,
    "internal_link": _internal_link,
    "service_status": _service_status,
}
