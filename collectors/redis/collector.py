"""The collector: which kind rests on which questions, and what a missing right costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from compliance.collectors import asking
from compliance.collectors.asking import Read
from compliance.collectors.declared import declared
from compliance.collectors.redis import acl, discovery, rows
from compliance.collectors.redis.session import Session
from compliance.collectors.redis.settings import RedisSettings
from compliance.schemas.errors import Denied, Disabled, Malformed
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.data import CacheInstance, CacheMetric, DataStore, ReplicationLink
from compliance.schemas.kinds.host import Setting
from compliance.schemas.kinds.identity import AuthPolicy, DataGrant, RoleGrant, UserAccount
from compliance.schemas.kinds.web import ServiceStatus
from compliance.schemas.messages import (
    Access,
    Context,
    Discovery,
    Found,
    Message,
    Settings,
)

T = TypeVar("T")
_MANY_PARAMETERS_SINCE = 7  # CONFIG GET takes several parameters from Redis 7 on


class Redis:
    """Reads one Redis-protocol server."""

    name: ClassVar[str] = "redis"
    title: ClassVar[str] = "Redis or Valkey server"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (
        CacheInstance,
        UserAccount,
        RoleGrant,
        DataGrant,
        DataStore,
        Setting,
        CacheMetric,
        ReplicationLink,
        AuthPolicy,
        ServiceStatus,
    )
    Settings: ClassVar[type[Settings]] = RedisSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """Servers on this machine, by what listens."""
        return discovery.discover(ctx.root)

    def check(self, ctx: Context[RedisSettings]) -> Iterator[Access]:
        """Reads every kind once and keeps nothing: readable or not, and which columns a missing right leaves NULL."""
        return asking.check(ctx, Session, _READERS)

    def collect(self, ctx: Context[RedisSettings]) -> Iterator[Message]:
        """Records of the wanted kinds, each kind closed by one Complete or Gap."""
        return asking.collect(ctx, Session, _READERS)


def _info(session: Session) -> dict[str, str]:
    return rows.parse_info(session.text("INFO"))


def _config(session: Session) -> dict[str, str]:
    """The parameters of the allow-list. Raises SourceError."""
    major = _info(session)["redis_version"].partition(".")[0]
    if major.isdigit() and int(major) >= _MANY_PARAMETERS_SINCE:
        pairs = list(session.texts("CONFIG", "GET", *rows.PARAMETERS))
    else:
        pairs = [text for name in rows.PARAMETERS for text in session.texts("CONFIG", "GET", name)]
    if len(pairs) % 2:
        raise Malformed("CONFIG GET: a parameter without a value", remedy="report it with the server's version")
    return rows.parse_config(pairs)


def _users(session: Session) -> list[acl.User]:
    return acl.parse(session.texts("ACL", "LIST"))


def _or_none(session: Session, read: Callable[[Session], T], columns: str) -> T | None:
    """What `read` gives, or None with a note when the right to it is missing or the command is switched off: the
    columns that rest on it stay NULL. Every other error ends the kind."""
    try:
        return read(session)
    except (Denied, Disabled) as error:
        session.notes.append(f"{columns} stay NULL: {error.message}; {error.remedy}")
        return None


def _cache_instance(ctx: Context[RedisSettings], session: Session) -> Read:
    info = _info(session)
    config = _or_none(session, _config, "columns about ports, addresses, TLS, AOF fsync and snapshot rules")
    users = _or_none(session, _users, "columns about authentication and the unnamed user")
    return [rows.row_cache_instance(ctx.settings, info, config, users, ctx.clock())], None


def _user_account(ctx: Context[RedisSettings], session: Session) -> Read:
    return declared(acl.rows_user_accounts(_users(session)), ctx.settings.accounts), None


def _role_grant(ctx: Context[RedisSettings], session: Session) -> Read:
    return acl.rows_role_grants(_users(session)), None


def _data_grant(ctx: Context[RedisSettings], session: Session) -> Read:
    return acl.rows_data_grants(_users(session)), None


def _data_store(ctx: Context[RedisSettings], session: Session) -> Read:
    return rows.rows_data_stores(ctx.settings, _info(session)), None


def _setting(ctx: Context[RedisSettings], session: Session) -> Read:
    return rows.rows_settings(_config(session)), None


def _cache_metric(ctx: Context[RedisSettings], session: Session) -> Read:
    return [rows.row_cache_metric(ctx.settings, _info(session))], None


def _replication_link(ctx: Context[RedisSettings], session: Session) -> Read:
    info = _info(session)
    return rows.rows_replication_links(ctx.settings.instance, info), rows.number(info, "connected_slaves")


def _auth_policy(ctx: Context[RedisSettings], session: Session) -> Read:
    users = _users(session)
    config = _or_none(session, _config, "idle_minutes and protected_mode")
    return [rows.row_auth_policy(ctx.settings.instance, config, users)], None


def _service_status(ctx: Context[RedisSettings], session: Session) -> Read:
    return [rows.row_service_status(ctx.settings.instance, _info(session), ctx.clock())], None


_READERS: Mapping[str, Callable[[Context[Any], Session], Read]] = {
    "cache_instance": _cache_instance,
    "user_account": _user_account,
    "role_grant": _role_grant,
    "data_grant": _data_grant,
    "data_store": _data_store,
    "setting": _setting,
    "cache_metric": _cache_metric,
    "replication_link": _replication_link,
    "auth_policy": _auth_policy,
    "service_status": _service_status,
}
