"""The collector: which kind rests on which questions, and what a missing right costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from compliance.collectors import asking
from compliance.collectors.addresses import is_loopback, known_as
from compliance.collectors.asking import Read
from compliance.collectors.declared import declared
from compliance.collectors.postgres import (
    archiving,
    audit,
    discovery,
    grants,
    instance,
    links,
    logfiles,
    passwords,
    protection,
    queries,
    roles,
    rules,
)
from compliance.collectors.postgres.effective import Effective, libraries
from compliance.collectors.postgres.session import Query, Row, Session
from compliance.collectors.postgres.settings import PostgresSettings
from compliance.schemas.errors import Absent, Denied, Disabled, SourceError, Truncated
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.data import (
    ArchiveStatus,
    AuditScope,
    DatabaseExtension,
    DatabaseInstance,
    DataStore,
    DefaultGrant,
    ReplicationLink,
    RowProtection,
)
from compliance.schemas.kinds.host import ConfigFile, LogStore, Setting
from compliance.schemas.kinds.identity import AuthPolicy, AuthRule, DataGrant, RoleGrant, UserAccount
from compliance.schemas.kinds.network import InternalLink
from compliance.schemas.kinds.web import ServiceStatus
from compliance.schemas.messages import (
    Access,
    Context,
    Discovery,
    Found,
    Message,
    Request,
    Settings,
)

_PARAMETER_RIGHTS_SINCE = 15_00_00


class Postgres:
    """Reads one PostgreSQL server and the databases in it."""

    name: ClassVar[str] = "postgres"
    title: ClassVar[str] = "PostgreSQL server"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (
        DatabaseInstance,
        AuditScope,
        DataStore,
        LogStore,
        UserAccount,
        RoleGrant,
        DataGrant,
        DefaultGrant,
        RowProtection,
        AuthPolicy,
        AuthRule,
        Setting,
        ConfigFile,
        DatabaseExtension,
        ReplicationLink,
        ArchiveStatus,
        InternalLink,
        ServiceStatus,
    )
    Settings: ClassVar[type[Settings]] = PostgresSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """Servers on this machine, by their sockets."""
        return discovery.discover(ctx.root)

    def check(self, ctx: Context[PostgresSettings]) -> Iterator[Access]:
        """Reads every kind once and keeps nothing: readable or not, and which columns a missing right leaves NULL."""
        return asking.check(ctx, Session, _READERS)

    def collect(self, ctx: Context[PostgresSettings]) -> Iterator[Message]:
        """Records of the wanted kinds, each kind closed by one Complete or Gap."""
        return asking.collect(ctx, Session, _READERS)


def _optional(session: Session, query: Query, columns: str) -> Sequence[Row] | None:
    """The rows, or None with a note when the right to them is missing or the server does not have the question: the
    columns that rest on them stay NULL. Every other error ends the kind."""
    try:
        return session.rows(query)
    except (Denied, Absent, Disabled) as error:
        session.notes.append(f"{columns} stay NULL: {error.message}; {error.remedy}")
        return None


def _need(session: Session, right: str, query: Query) -> None:
    """Raise Denied when the reader lacks a right without which PostgreSQL answers partly and says nothing."""
    if not session.one(queries.READER)[right]:
        raise Denied(f"{query.what}: PostgreSQL hides a part of them from the reading role", remedy=query.needs)


def _rules(session: Session, columns: str | None = None) -> list[AuthRule] | None:
    found = session.rows(queries.HBA) if columns is None else _optional(session, queries.HBA, columns)
    return None if found is None else rules.rows_auth_rules(found, session.instance)


def _effective(session: Session) -> Effective:
    logins = {row["role"] for row in session.rows(queries.ROLES) if row["login"]}
    # what is set for a role that cannot sign in has no effect: settings are not inherited
    overrides = [r for r in session.rows(queries.OVERRIDES) if r["role"] is None or r["role"] in logins]
    return Effective(session.rows(queries.SETTINGS), overrides)


def _connections(session: Session) -> int | None:
    if not session.one(queries.READER)["reads_stats"]:
        session.notes.append(f"connections stay NULL: {queries.CONNECTION_COUNT.needs}")
        return None
    return int(session.one(queries.CONNECTION_COUNT)["used"])


def _parameter_rights(session: Session) -> Sequence[Row]:
    """Who was granted to change settings; nobody can be before PostgreSQL 15."""
    old = session.one(queries.READER)["version_num"] < _PARAMETER_RIGHTS_SINCE
    return () if old else session.rows(queries.PARAMETER_RIGHTS)


def _holders(session: Session) -> list[grants.Holder]:
    return grants.holders(session.rows(queries.ROLES), session.rows(queries.MEMBERS))


def _audit_scope(ctx: Context[PostgresSettings], session: Session) -> Read:
    reads_settings = session.one(queries.READER)["reads_settings"]
    effective = _effective(session)
    if not reads_settings:
        session.notes.append(f"what the audit extension logs stays NULL: {queries.SETTINGS.needs}")
    extension = audit.audit_extension(libraries(effective) if reads_settings else None)
    return list(audit.rows_audit_scopes(session.instance, effective, extension)), None


def _database_instance(ctx: Context[PostgresSettings], session: Session) -> Read:
    reader = session.one(queries.READER)
    if not reader["reads_settings"]:
        session.notes.append(f"audit_extension, audit_classes, audit_logging stay NULL: {queries.SETTINGS.needs}")
    system = _optional(session, queries.SYSTEM, "system_identifier")
    effective = _effective(session)
    ruled = _rules(session, "tls_required")
    in_force = _rules_in_force(session, reader)
    if in_force is False:
        session.notes.append("tls_required stays NULL: pg_hba.conf changed after the server loaded it; reload it")
    above_all = roles.superusers(session.rows(queries.ROLES), session.rows(queries.MEMBERS))
    logins = {row["role"] for row in session.rows(queries.ROLES) if row["login"]}
    row = instance.row_database_instance(
        session.instance,
        _addresses(ctx, session, reader),
        reader,
        effective,
        len(above_all & logins),
        ruled,
        in_force,
        system[0]["system_identifier"] if system else None,
        _connections(session),
        len(audit.switchers(_parameter_rights(session), _holders(session))),
    )
    return [row], None


def _addresses(ctx: Context[PostgresSettings], session: Session, reader: Row) -> list[str]:
    """Every address the server is known by: as configured, as connected to, as it sees itself, and as declared."""
    found = {*known_as([session.host, *filter(None, [session.address]), *ctx.settings.addresses], session.port)}
    if reader["server_address"] is not None and not is_loopback(reader["server_address"]):
        found |= {*known_as([reader["server_address"]], reader["server_port"])}
    return sorted(found)


def _rules_in_force(session: Session, reader: Row) -> bool | None:
    """Whether pg_hba.conf is older than its last load. PostgreSQL shows the file, not what it loaded; only on this
    machine can the file's time be seen."""
    values = {row["name"]: row["setting"] for row in session.rows(queries.SETTINGS)}
    if not instance.runs_here(session.host, session.port, values, reader["started_at"]):
        return None
    return instance.older_than(values.get("hba_file"), reader["loaded_at"])


def _data_store(ctx: Context[PostgresSettings], session: Session) -> Read:
    answer = session.ask(queries.DATABASES)
    return instance.rows_data_stores(session.instance, answer.rows, ctx.settings.needs_backup), answer.count


def _user_account(ctx: Context[PostgresSettings], session: Session) -> Read:
    answer = session.ask(queries.ROLES)
    stored = passwords.forms(session, ctx.settings.stored_forms)
    # only an expired role needs the rules; without one, their absence leaves nothing open
    expired = any(row["expired"] and row["login"] for row in answer.rows)
    ruled = _rules(session, "is_active of expired roles") if expired else []
    found = roles.rows_user_accounts(answer.rows, session.rows(queries.MEMBERS), stored, ruled)
    return declared(found, ctx.settings.accounts), answer.count


def _role_grant(ctx: Context[PostgresSettings], session: Session) -> Read:
    return roles.rows_role_grants(session.rows(queries.ROLES), session.rows(queries.MEMBERS)), None


def _data_grant(ctx: Context[PostgresSettings], session: Session) -> Read:
    who = _holders(session)
    version = session.one(queries.READER)["version_num"]
    databases = session.rows(queries.DATABASES)
    owners = {row["database"]: row["owner"] for row in databases}
    found: list[DataGrant] = []

    def add(database: str, objects: Sequence[Row]) -> None:
        for row in grants.rows_data_grants(database, owners[database], objects, who, version):
            if len(found) >= ctx.settings.grants_limit:
                raise Truncated(
                    f"more than {ctx.settings.grants_limit} effective rights (reached in database {database})",
                    remedy="raise grants_limit, or read fewer databases from this source",
                )
            found.append(row)

    for row in databases:
        item = {"object_type": "database", "object": row["database"], "owner": row["owner"], "acl": row["acl"]}
        add(row["database"], [item])
    for database, objects in _in_each_database(ctx, session, queries.OBJECT_RIGHTS):
        add(database, objects)
    found.extend(audit.rows_parameter_grants(_parameter_rights(session), who))
    return found, None


def _database_extension(ctx: Context[PostgresSettings], session: Session) -> Read:
    found: list[DatabaseExtension] = []
    for database, extensions in _in_each_database(ctx, session, queries.EXTENSIONS):
        found += instance.rows_extensions(session.instance, database, extensions)
    return found, None


def _in_each_database(
    ctx: Context[PostgresSettings], session: Session, *asked: Query
) -> Iterator[tuple[str, Sequence[Row]]]:
    """The rows of each of `asked` in every database to look into, one after the other. A database that does not let
    the reader in raises: what it holds would be missing without a trace."""
    by_name = {row["database"]: row for row in session.rows(queries.DATABASES)}
    chosen = ctx.settings.databases
    if chosen is None:
        chosen = tuple(n for n, row in by_name.items() if row["allows_connections"] and not row["is_template"])
    for name in chosen:
        if name in ctx.settings.exclude_databases:
            continue
        if name not in by_name:
            raise Absent(f"database {name} does not exist", remedy="correct `databases`")
        session.asked.extend(Request("sql", f"-- in database {name}\n{query.sql}") for query in asked)
        try:
            with Session(ctx, name) as inside:
                answers = [(query, inside.ask(query)) for query in asked]
        except SourceError as error:
            remedy = f"{error.remedy}; or name the database in exclude_databases"
            raise type(error)(f"database {name}: {error.message}", remedy=remedy) from error
        for query, answer in answers:
            if answer.count is not None and answer.count != len(answer.rows):
                raise Truncated(
                    f"{query.what} of database {name}: {len(answer.rows)} rows, but its own count says {answer.count}",
                    remedy="run it again; report it when it stays",
                )
            yield name, answer.rows


def _default_grant(ctx: Context[PostgresSettings], session: Session) -> Read:
    found: list[DefaultGrant] = []
    for database, rights in _in_each_database(ctx, session, queries.DEFAULT_RIGHTS):
        found += protection.rows_default_grants(database, rights)
    return found, None


def _row_protection(ctx: Context[PostgresSettings], session: Session) -> Read:
    bypassing = frozenset(row["role"] for row in session.rows(queries.ROLES) if row["bypassrls"])
    who, owners = _holders(session), {row["database"]: row["owner"] for row in session.rows(queries.DATABASES)}
    found: list[RowProtection] = []
    answers = _in_each_database(ctx, session, queries.ROW_SECURITY, queries.OBJECT_RIGHTS)
    for (database, tables), (_, objects) in zip(answers, answers, strict=True):
        there = grants.in_database(who, owners[database])
        found += protection.rows_row_protection(
            session.instance, database, tables, objects, there, bypassing, ctx.settings.personal_tables
        )
    return found, None


def _log_store(ctx: Context[PostgresSettings], session: Session) -> Read:
    _need(session, "reads_settings", queries.SETTINGS)
    effective = _effective(session)
    files = None
    if effective.on("logging_collector"):
        files = _optional(session, queries.LOG_FILES, "oldest_record_at and newest_record_at")
    return [logfiles.row_log_store(session.instance, effective, files[0] if files else None)], None


def _auth_policy(ctx: Context[PostgresSettings], session: Session) -> Read:
    ruled = _rules(session, "password_login, mfa_required and the rules for passwords")
    reads_settings = session.one(queries.READER)["reads_settings"]
    if not reads_settings:
        session.notes.append(f"lock-out and rules for passwords stay NULL: {queries.SETTINGS.needs}")
    return [instance.row_auth_policy(session.instance, _effective(session), ruled, reads_settings)], None


def _auth_rule(ctx: Context[PostgresSettings], session: Session) -> Read:
    answer = session.ask(queries.HBA)
    return rules.rows_auth_rules(answer.rows, session.instance), answer.count


def _setting(ctx: Context[PostgresSettings], session: Session) -> Read:
    _need(session, "reads_settings", queries.SETTINGS)
    return instance.rows_settings(session.rows(queries.SETTINGS)), None


def _config_file(ctx: Context[PostgresSettings], session: Session) -> Read:
    _need(session, "reads_settings", queries.SETTINGS)
    settings = session.rows(queries.SETTINGS)
    values = {row["name"]: row["setting"] for row in settings}
    started_at = session.one(queries.READER)["started_at"]
    here = instance.runs_here(session.host, session.port, values, started_at)
    errors = _optional(session, queries.FILE_ERRORS, "error of the configuration files")
    return instance.rows_config_files(settings, errors, _rules(session, "error of the rules' file"), here), None


def _replication_link(ctx: Context[PostgresSettings], session: Session) -> Read:
    _need(session, "reads_stats", queries.REPLICATION)
    return links.rows_replication_links(session.instance, session.rows(queries.REPLICATION)), None


def _archive_status(ctx: Context[PostgresSettings], session: Session) -> Read:
    _need(session, "reads_settings", queries.ARCHIVE)
    position = _optional(session, queries.ARCHIVE_POSITION, "waiting_count, last_segment and archived_until")
    row = position[0] if position else None
    return [archiving.row_archive_status(session.instance, session.one(queries.ARCHIVE), row)], None


def _internal_link(ctx: Context[PostgresSettings], session: Session) -> Read:
    _need(session, "reads_stats", queries.CONNECTIONS)
    return links.rows_internal_links(session.instance, session.rows(queries.CONNECTIONS)), None


def _service_status(ctx: Context[PostgresSettings], session: Session) -> Read:
    errors = _optional(session, queries.FILE_ERRORS, "config_ok")
    reader, effective = session.one(queries.READER), _effective(session)
    ok = None if errors is None else not errors
    return [instance.row_service_status(session.instance, reader, effective, _connections(session), ok)], None


_READERS: Mapping[str, Callable[[Context[Any], Session], Read]] = {
    "database_instance": _database_instance,
    "audit_scope": _audit_scope,
    "data_store": _data_store,
    "log_store": _log_store,
    "user_account": _user_account,
    "role_grant": _role_grant,
    "data_grant": _data_grant,
    "default_grant": _default_grant,
    "row_protection": _row_protection,
    "auth_policy": _auth_policy,
    "auth_rule": _auth_rule,
    "setting": _setting,
    "config_file": _config_file,
    "database_extension": _database_extension,
    "replication_link": _replication_link,
    "archive_status": _archive_status,
    "internal_link": _internal_link,
    "service_status": _service_status,
}
