"""The server itself: settings, what it logs and demands, archiving, databases."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import stat
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compliance.collectors.addresses import is_loopback
from compliance.collectors.postgres.audit import audit_classes, audit_extension, audit_logging
from compliance.collectors.postgres.effective import Effective, libraries
from compliance.collectors.postgres.rules import FOREIGN_METHODS, methods, password_login, tls_required
from compliance.collectors.postgres.session import Row
from compliance.schemas.kinds.data import DatabaseExtension, DatabaseInstance, DataStore
from compliance.schemas.kinds.host import ConfigFile, Setting
from compliance.schemas.kinds.identity import AuthPolicy, AuthRule
from compliance.schemas.kinds.web import ServiceStatus

PRODUCT = "postgresql"
_NO_LOG_LINES = frozenset({"fatal", "panic"})  # log_min_messages: LOG lines rank below these and are dropped
# Libraries that have no say in passwords; beside any other one the rules for passwords are unknown.
_NO_PASSWORD_RULES = frozenset(
    {"pgaudit", "pg_stat_statements", "auto_explain", "auth_delay", "pg_cron", "timescaledb"}
)


def idle_minutes(effective: Effective) -> int | None:
    """Longest idle time of any session, rounded up to minutes; 0 when somebody's never ends."""
    longest = 0
    for value in effective.everywhere("idle_session_timeout"):
        milliseconds = _milliseconds(value)
        if milliseconds is None or milliseconds == 0:
            return milliseconds
        longest = max(longest, milliseconds)
    return -(-longest // 60_000)


def _milliseconds(value: str | None) -> int | None:
    match = re.fullmatch(r"\s*(\d+)\s*(ms|s|min|h|d)?\s*", value or "")
    if match is None:
        return None
    factor = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}[match[2] or "ms"]
    return int(match[1]) * factor


def row_database_instance(
    instance: str,
    addresses: Sequence[str],
    reader: Row,
    effective: Effective,
    superuser_roles: int,
    rules: Sequence[AuthRule] | None,
    rules_in_force: bool | None,
    system_identifier: str | None,
    connections: int | None,
    audit_switchers: int | None,
) -> DatabaseInstance:
    """The server as one row. `rules` and what else is None was not readable."""
    extension = audit_extension(libraries(effective) if reader["reads_settings"] else None)
    reserved = effective.number("superuser_reserved_connections")
    visible = effective.get("log_min_messages")
    lines = None if visible is None else visible not in _NO_LOG_LINES
    return DatabaseInstance(
        instance=instance,
        addresses=list(addresses),
        product=PRODUCT,
        version=reader["version"].split(" ")[0],
        system_identifier=system_identifier,
        started_at=reader["started_at"],
        in_recovery=reader["in_recovery"],
        max_connections=effective.number("max_connections"),
        reserved_connections=None if reserved is None else reserved + (effective.number("reserved_connections") or 0),
        connections_used=connections,
        superuser_roles=superuser_roles,
        rules_in_force=rules_in_force,
        is_loopback_only=_is_loopback_only(effective.get("listen_addresses")),
        tls_enabled=effective.on("ssl"),
        tls_min_protocol=effective.get("ssl_min_protocol_version"),
        tls_required=None if rules is None or rules_in_force is False else tls_required(rules, effective.on("ssl")),
        password_encryption=_one_or_worst(effective.everywhere("password_encryption")),
        data_checksums=effective.on("data_checksums"),
        audit_extension=extension,
        audit_classes=[] if extension == "" else audit_classes(effective.get("pgaudit.log")) if extension else None,
        audit_logging=audit_logging(effective, extension),
        audit_switchers=audit_switchers,
        log_connections=_logged_who(effective.get("log_connections"), lines),
        log_disconnections=_logged(effective.get("log_disconnections"), lines),
        log_statement=effective.get("log_statement"),
        log_destination=effective.get("log_destination"),
        log_line_prefix=effective.get("log_line_prefix"),
        idle_session_minutes=idle_minutes(effective),
        detail={
            "server_version": reader["version"],
            "configuration_loaded_at": reader["loaded_at"],
            "overrides": effective.overrides,
        },
    )


def _is_loopback_only(listen_addresses: str | None) -> bool | None:
    if listen_addresses is None:
        return None
    return all(is_loopback(part.strip()) for part in listen_addresses.split(","))


def _one_or_worst(values: Sequence[str | None]) -> str | None:
    return None if None in values else "md5" if "md5" in values else values[0]


def _logged(value: str | None, lines: bool | None) -> bool | None:
    if value is None or lines is None:
        return None
    return value not in ("off", "") and lines


def _logged_who(value: str | None, lines: bool | None) -> bool | None:
    """log_connections, from PostgreSQL 18 a list of stages: only two of them name who connects."""
    if value is None or lines is None:
        return None
    stages = {part.strip().lower() for part in value.split(",")}
    return not stages.isdisjoint({"on", "true", "yes", "1", "all", "authentication", "authorization"}) and lines


def row_service_status(
    instance: str, reader: Row, effective: Effective, connections: int | None, config_ok: bool | None
) -> ServiceStatus:
    """That it runs, since when, and how full it is."""
    return ServiceStatus(
        component=PRODUCT,
        instance=instance,
        product=PRODUCT,
        version=reader["version"].split(" ")[0],
        running=True,
        started_at=reader["started_at"],
        connections=connections,
        connections_max=effective.number("max_connections"),
        config_ok=config_ok,
    )


def row_auth_policy(
    instance: str, effective: Effective, rules: Sequence[AuthRule] | None, reads_settings: bool
) -> AuthPolicy:
    """The rules of sign-in as one row. PostgreSQL itself has no lock-out and no rule for passwords; a method or library
    that hands these to somebody else leaves the columns NULL."""
    found = None if rules is None else methods(rules)
    loaded = libraries(effective) if reads_settings else None
    known = found is not None and not found & FOREIGN_METHODS and loaded is not None
    plain = known and loaded is not None and loaded <= _NO_PASSWORD_RULES
    checked = known and loaded is not None and loaded - {"passwordcheck"} <= _NO_PASSWORD_RULES and not plain
    return AuthPolicy(
        system=instance,
        password_login=password_login(found),
        lockout_attempts=0 if plain or checked else None,
        lockout_minutes=0 if plain or checked else None,
        idle_minutes=idle_minutes(effective),
        # passwordcheck sees only passwords sent in clear, so even its eight characters are no rule for everybody
        password_min_length=0 if plain or checked else None,
        password_needs_alnum=False if plain or checked else None,
        password_history=0 if plain or checked else None,
        password_max_age_days=0 if plain or checked else None,
        hash_algorithm=_one_or_worst(effective.everywhere("password_encryption")),
        mfa_required=False if found is not None and not found & FOREIGN_METHODS else None,
        detail={
            "methods": None if found is None else sorted(found),
            "libraries": None if loaded is None else sorted(loaded),
        },
    )


def rows_settings(settings: Sequence[Row]) -> list[Setting]:
    """One Setting per row of pg_settings that was asked for."""
    return [
        Setting(
            component=PRODUCT,
            name=row["name"],
            value=row["setting"],
            unit=row["unit"],
            origin=row["source"],
            pending_restart=row["pending_restart"],
            file=row["sourcefile"],
        )
        for row in settings
    ]


def rows_config_files(
    settings: Sequence[Row], errors: Sequence[Row] | None, rules: Sequence[AuthRule] | None, here: bool
) -> list[ConfigFile]:
    """The files behind what was observed; with digests when the server runs on this machine (`here`)."""
    values = {row["name"]: row["setting"] for row in settings}
    main = values.get("config_file")
    named = {values.get(name) for name in ("config_file", "hba_file", "ident_file")}
    paths = sorted(path for path in named | {row["sourcefile"] for row in settings} if path)
    complaints: dict[str, list[str]] = {}
    for row in errors or ():
        # the text of an error can quote the value that is wrong: name and line are enough to find it
        complaints.setdefault(row["file"] or main or "", []).append(f"line {row['line']}: {row['name'] or 'syntax'}")
    for rule in rules or ():
        if rule.error:
            detail = rule.detail or {}
            path = detail.get("file") or values.get("hba_file") or ""
            complaints.setdefault(path, []).append(f"line {detail.get('line')}: {rule.error}")
    return [_config_file(path, "; ".join(complaints.get(path, ())) or None, here) for path in paths]


def _config_file(path: str, error: str | None, here: bool) -> ConfigFile:
    facts: dict[str, Any] = {}
    if here:
        try:
            status = Path(path).stat()
            facts = {
                "size_bytes": status.st_size,
                "mode": f"{stat.S_IMODE(status.st_mode):04o}",
                "modified_at": datetime.fromtimestamp(status.st_mtime, UTC),
            }
            facts["owner"] = Path(path).owner()
            facts["sha256"] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        except (OSError, KeyError):  # not readable by this account, or an owner without a name: NULL says so
            pass
    return ConfigFile(component=PRODUCT, path=path, error=error, **facts)


def runs_here(host: str, port: int, settings: Mapping[str, str | None], started_at: datetime) -> bool:
    """Whether the server is on this machine: reached by a socket folder, or by loopback with a postmaster.pid of
    this start and port (a forwarded port looks local too)."""
    if host.startswith("/"):
        return True
    try:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            return False
        lines = Path(settings.get("data_directory") or "", "postmaster.pid").read_text("utf-8").splitlines()
        return lines[3] == str(port) and abs(int(lines[2]) - started_at.timestamp()) < 2
    except (OSError, ValueError, IndexError):
        return False


def older_than(path: str | None, moment: datetime) -> bool | None:
    """Whether the file was last changed before `moment`; None when it cannot be seen."""
    try:
        # a copy that keeps the time of its original is as new as its change of the folder
        if path is None:
            return None
        status = Path(path).stat()
        return max(status.st_mtime, status.st_ctime) <= moment.timestamp()
    except OSError:
        return None


def rows_data_stores(instance: str, databases: Sequence[Row], needs_backup: bool | None) -> list[DataStore]:
    """One DataStore per database, templates included."""
    return [
        DataStore(
            instance=instance,
            data_store=row["database"],
            size_mib=row["size_mib"],
            owner_role=row["owner"],
            is_template=row["is_template"],
            allows_connections=row["allows_connections"],
            public_connect=row["public_connect"],
            needs_backup=None if row["is_template"] else needs_backup,
        )
        for row in databases
    ]


def rows_extensions(instance: str, database: str, extensions: Sequence[Row]) -> list[DatabaseExtension]:
    """One DatabaseExtension per extension created in `database`."""
    return [
        DatabaseExtension(
            instance=instance,
            database=database,
            extension=row["extension"],
            installed_version=row["installed"],
            available_version=row["available"],
        )
        for row in extensions
    ]
