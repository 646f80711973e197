"""The report's sections as rows. Nothing is asked here; NULL is what the project itself could not tell."""

from __future__ import annotations

import ipaddress

from compliance.collectors.django_settings.report import value_of
from compliance.collectors.django_settings.settings import DjangoProjectSettings
from compliance.collectors.django_settings.shape import Database, Provider, Report, Sessions, Token
from compliance.schemas.kinds.host import Setting
from compliance.schemas.kinds.identity import AuthPolicy
from compliance.schemas.kinds.network import InternalLink
from compliance.schemas.kinds.signon import (
    ApplicationEndpoint,
    ApplicationTable,
    JwtConfig,
    SelfCheck,
    SessionPolicy,
    SsoConfig,
)

COMPONENT = "django"
_ENGINES = "django.contrib.sessions.backends."


def rows_auth_policy(report: Report, settings: DjangoProjectSettings) -> list[AuthPolicy]:
    """One AuthPolicy: passwords, lock-out, idle end."""
    passwords = value_of(report.sections.passwords, "passwords")
    lockout = value_of(report.sections.lockout, "lockout")
    sessions = value_of(report.sections.sessions, "sessions")
    return [
        AuthPolicy(
            system=settings.name,
            password_login=passwords.password_login,
            lockout_attempts=lockout.attempts,
            lockout_minutes=lockout.minutes,
            idle_minutes=_idle_minutes(sessions),
            password_min_length=passwords.min_length,
            password_needs_alnum=passwords.needs_alnum,
            password_history=passwords.history,
            hash_algorithm=passwords.hash_algorithm,
            hash_iterations=passwords.hash_iterations,
            detail={
                "validators": [v.model_dump() for v in passwords.validators],
                "hashers": [h.algorithm for h in passwords.hashers],
                "lockout": {"product": lockout.product, "by": lockout.by, "note": lockout.note},
            },
        )
    ]


def _idle_minutes(sessions: Sessions) -> int | None:
    """An idle session ends at the latest when its age is over, whether or not requests renew it. Minutes are rounded
    up. An engine of somebody else's may keep it longer."""
    if not sessions.middleware or not sessions.engine.startswith(_ENGINES):
        return None
    return -(-sessions.age_s // 60)


def rows_session_policy(report: Report, settings: DjangoProjectSettings) -> list[SessionPolicy]:
    """One SessionPolicy; none when the project keeps no sessions."""
    sessions = value_of(report.sections.sessions, "sessions")
    if not sessions.middleware:
        return []
    return [SessionPolicy(application=settings.name, **sessions.model_dump(exclude={"middleware"}))]


def rows_sso_config(report: Report, settings: DjangoProjectSettings) -> list[SsoConfig]:
    """One SsoConfig per service provider and identity provider."""
    return [_sso(provider, settings.name) for provider in value_of(report.sections.sso, "single sign-on")]


def _sso(provider: Provider, application: str) -> SsoConfig:
    ends = [certificate.not_after for certificate in provider.idp_certificates]
    sizes = [certificate.key_bits for certificate in provider.idp_certificates]
    told = provider.model_dump(exclude={"idp_certificates", "either_signed"})
    return SsoConfig(
        application=application,
        **told,
        idp_certificates=len(ends),
        idp_cert_not_after=min(ends, default=None),
        idp_cert_last_not_after=max(ends, default=None),
        idp_key_bits=None if None in sizes else min((size for size in sizes if size), default=None),
        detail={
            "either_signed": provider.either_signed,
            "certificates": [c.model_dump(mode="json") for c in provider.idp_certificates],
        },
    )


def rows_jwt_config(report: Report, settings: DjangoProjectSettings) -> list[JwtConfig]:
    """One JwtConfig per sort of token."""
    return [_jwt(token, settings) for token in value_of(report.sections.tokens, "tokens")]


def _jwt(token: Token, settings: DjangoProjectSettings) -> JwtConfig:
    refused = token.rotate_refresh and token.blacklist_after_rotation
    return JwtConfig(
        application=settings.name,
        issuer=token.issuer,
        product=token.product,
        algorithm=token.algorithm,
        access_ttl_s=token.access_ttl_s,
        refresh_ttl_s=token.refresh_ttl_s,
        # Code of the project's own may give some users another lifetime; without any, all have the same.
        refresh_ttl_privileged_s=None if token.changed else token.refresh_ttl_s,
        rotate_refresh=_unless_changed(token, token.rotate_refresh),
        blacklist_after_rotation=_unless_changed(token, token.blacklist_after_rotation),
        reuse_detection=False if not refused else True if settings.reuse_alert else None,
        reuse_alert=settings.reuse_alert,
        key_kind=token.key_kind,
        key_bits=token.key_bits,
        key_id=token.key_id,
        key_shared=token.key_shared,
        leeway_s=token.leeway_s,
        detail={
            "audience": token.audience,
            "issuer_named": token.issuer_named,
            "jwk_url": token.jwk_url,
            "own_code": token.changed,
            "blacklist_installed": token.blacklist_installed,
        },
    )


def _unless_changed(token: Token, value: bool) -> bool | None:
    """What the library does by its settings. Code of the project's own in its place may not do it."""
    return None if value and token.changed else value


def rows_application_endpoint(report: Report, settings: DjangoProjectSettings) -> list[ApplicationEndpoint]:
    """One ApplicationEndpoint per pattern and view."""
    public = frozenset(settings.public_endpoints)
    return [
        ApplicationEndpoint(application=settings.name, public_listed=endpoint.route in public, **endpoint.model_dump())
        for endpoint in value_of(report.sections.endpoints, "URL map")
    ]


def rows_application_table(report: Report, settings: DjangoProjectSettings) -> list[ApplicationTable]:
    """One ApplicationTable per table of a model."""
    return [
        ApplicationTable(application=settings.name, table_name=table.table, models=table.models)
        for table in value_of(report.sections.tables, "tables")
    ]


def not_in_the_map(report: Report, settings: DjangoProjectSettings) -> list[str]:
    """Routes of the public list that no pattern has: misspelt, or gone."""
    routes = {endpoint.route for endpoint in value_of(report.sections.endpoints, "URL map")}
    return sorted(set(settings.public_endpoints) - routes)


def rows_self_check(report: Report, settings: DjangoProjectSettings) -> list[SelfCheck]:
    """One SelfCheck per message of `check --deploy` and thing it is about."""
    return [
        SelfCheck(
            application=settings.name,
            check_id=check.id,
            about=check.about,
            level=check.level,
            silenced=check.silenced,
            times=check.times,
        )
        for check in value_of(report.sections.checks, "checks")
    ]


def rows_setting(report: Report, settings: DjangoProjectSettings) -> list[Setting]:
    """One Setting per setting in outline, and the versions."""
    about = value_of(report.sections.about, "versions")
    rows = [
        Setting(component=COMPONENT, name=row.name, value=row.value, origin="file" if row.overridden else "default")
        for row in value_of(report.sections.settings, "settings")
    ]
    versions = (
        ("version", about.django),
        ("python.version", about.python),
        ("SETTINGS_MODULE", report.settings_module),
    )
    return [*rows, *(Setting(component=COMPONENT, name=name, value=value) for name, value in versions)]


def rows_internal_link(report: Report, settings: DjangoProjectSettings) -> list[InternalLink]:
    """One InternalLink per database that is reached over a connection; a file is none."""
    databases = value_of(report.sections.databases, "databases")
    return [_link(d, settings.name) for d in databases if "sqlite3" not in d.engine and d.engine != _DUMMY]


_DUMMY = "django.db.backends.dummy"


def _link(database: Database, application: str) -> InternalLink:
    enabled, verified = _tls(database)
    place = (
        database.host
        if database.host.startswith("/")
        else f"{database.host or 'localhost'}:{database.port or 'default'}"
    )
    return InternalLink(
        source_component=application,
        target_component=f"{place} (database {database.alias})",
        is_local=_is_local(database),
        tls_enabled=enabled,
        tls_verified=verified,
        detail={"engine": database.engine, "tls": database.tls, "by_service": database.by_service},
    )


def _is_local(database: Database) -> bool | None:
    if database.by_service or database.host == "(not shown)":
        return None
    if database.host in ("", "localhost") or database.host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(database.host).is_loopback
    except ValueError:
        return False  # a name: nothing says that it is this machine


def _tls(database: Database) -> tuple[bool | None, bool | None]:
    """Encrypted, and certificate checked, where the client insists on it. Without a word the library tries, and takes
    what it gets: not known."""
    if database.by_service:
        return None, None
    if "postgresql" in database.engine or "postgis" in database.engine:
        return _POSTGRES.get(database.tls.get("sslmode", ""), (None, None))
    if "mysql" in database.engine:
        return _MYSQL.get(database.tls.get("ssl_mode", "").upper(), (None, None))
    return None, None


# libpq: verify-ca takes every certificate of the authority, whatever its name; `require` checks only with a root file.
_POSTGRES = {"disable": (False, None), "require": (True, None), "verify-ca": (True, None), "verify-full": (True, True)}
_MYSQL = {
    "DISABLED": (False, None),
    "REQUIRED": (True, False),
    "VERIFY_CA": (True, None),
    "VERIFY_IDENTITY": (True, True),
}
