"""Faults that can be planted in the running stack, each with the controls that must turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from examples.stack import planting
from examples.stack.planting import Plant
from examples.stack.stack import Stack


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `plant` makes it and gives what takes it away again; `turns` are the controls it must turn to fail."""

    name: str
    says: str
    plant: Plant
    turns: frozenset[str]
    unknown: frozenset[str] = frozenset()  # those that can no longer be decided
    lasts: bool = False  # the ledger remembers it: it goes on counting for a while after it was taken away

    @contextmanager
    def planted(self, stack: Stack) -> Iterator[None]:
        """Holds while it is planted."""
        undo = self.plant(stack)
        try:
            yield
        finally:
            undo()


def _of(*controls: str) -> frozenset[str]:
    return frozenset(controls)


FAULTS = (
    Fault(
        "hsts-missing-on-one-host",
        "The host of the staff no longer sends Strict-Transport-Security.",
        planting.nginx("server_name staff.school.localhost;\n    {hsts}", "server_name staff.school.localhost;"),
        _of("tls.hsts"),
    ),
    Fault(
        "hsts-lost-in-a-location",
        "A location sends a header of its own, and so none of those around it.",
        planting.nginx("location /catalogue/ {{", "location /catalogue/ {{\n        add_header X-Part catalogue;"),
        _of("tls.hsts"),
    ),
    Fault(
        "old-protocol-accepted",
        "nginx accepts TLS 1.1, and weak suites with it.",
        planting.nginx(
            "ssl_protocols TLSv1.2 TLSv1.3;\n    ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;",
            "ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3;\n    ssl_ciphers ALL:@SECLEVEL=0;",
            planting.main_file,
        ),
        _of("tls.strong_settings", "tls.everywhere"),
    ),
    Fault(
        "plain-http-served",
        "The plain port serves pages instead of sending to https.",
        planting.nginx("return 301 https://$host:{https}$request_uri;", "location / {{ proxy_pass http://app; }}"),
        _of("tls.everywhere", "net.vpn_admin_only"),
    ),
    Fault(
        "certificate-expires",
        "The certificate of the web server ends in three days.",
        planting.certificate(3),
        _of("tls.certificates_valid"),
    ),
    Fault(
        "firewall-only-watches",
        "ModSecurity detects and lets through.",
        planting.nginx("SecRuleEngine On", "SecRuleEngine DetectionOnly", planting.waf_file),
        _of("net.waf_blocking"),
    ),
    Fault(
        "firewall-off-for-a-path",
        "The interface for programs is left out of the web application firewall.",
        planting.nginx(
            "location /catalogue/ {{",
            "location /api/ {{\n        modsecurity off;\n        proxy_pass http://app;\n    }}\n"
            "    location /catalogue/ {{",
        ),
        _of("net.waf_blocking"),
    ),
    Fault(
        "firewall-blind-to-forms",
        "ModSecurity does not look at the bodies of requests.",
        planting.nginx("SecRequestBodyAccess On", "SecRequestBodyAccess Off", planting.waf_file),
        _of("net.waf_blocking"),
    ),
    Fault(
        "personal-page-in-shared-cache",
        "Pages of students go into the cache that all share.",
        planting.nginx(
            "location /catalogue/ {{",
            "location /students/ {{\n        proxy_cache public;\n        proxy_cache_valid 200 5m;\n"
            "        proxy_ignore_headers Cache-Control Set-Cookie Expires Vary;\n"
            "        proxy_pass http://app;\n    }}\n"
            "    location /catalogue/ {{",
        ),
        _of("perf.cache_private"),
    ),
    Fault(
        "static-files-for-a-minute",
        "Browsers may keep static files for a minute instead of a year.",
        planting.nginx("public, max-age=31536000, immutable", "public, max-age=60"),
        _of("perf.cache_effective"),
    ),
    Fault(
        "no-balancing",
        "nginx passes everything to one gunicorn.",
        planting.nginx("server 127.0.0.1:{gunicorn_second} max_fails=3 fail_timeout=10s;", ""),
        _of("infra.nginx_balanced"),
    ),
    Fault(
        "access-log-for-everybody",
        "Everybody on the machine may read nginx's access log.",
        planting.mode(lambda stack: stack.nginx.folder / "access.log", 0o644),
        _of("logging.retention_12m"),
    ),
    Fault(
        "configuration-not-loaded",
        "nginx's files were changed, and the running server has not read them.",
        planting.unread,
        _of(),
        _of(
            "infra.nginx_balanced",
            "net.vpn_admin_only",
            "net.waf_blocking",
            "perf.cache_effective",
            "perf.cache_private",
            "tls.everywhere",
            "tls.hsts",
            "tls.internal_links",
        ),
    ),
    Fault(
        "pool-can-exhaust-the-database",
        "PgBouncer may open more connections than PostgreSQL has.",
        planting.pooler(
            "default_pool_size = 10\nreserve_pool_size = 2\nmax_db_connections = 20",
            "default_pool_size = 70\nreserve_pool_size = 2\nmax_db_connections = 80",
        ),
        _of("db.pooling"),
    ),
    Fault(
        "pooler-lets-anybody-in",
        "PgBouncer asks for no proof of who comes.",
        planting.pooler("auth_type = scram-sha-256", "auth_type = any"),
        _of("access.database_direct"),
    ),
    Fault("audit-log-off", "pgaudit logs nothing.", planting.postgres(pgaudit__log="none"), _of("db.audited")),
    Fault(
        "audit-log-off-for-one-role",
        "The role of the application is left out of pgaudit: its changes are not logged.",
        planting.sql("ALTER ROLE school_app SET pgaudit.log = 'none'", "ALTER ROLE school_app RESET pgaudit.log"),
        _of("db.audited"),
    ),
    Fault(
        "schema-changes-unlogged",
        "The owner of the tables may change the schema without a trace.",
        planting.sql(
            "ALTER ROLE school_owner SET pgaudit.log = 'write, role'", "ALTER ROLE school_owner RESET pgaudit.log"
        ),
        _of("db.audited"),
    ),
    Fault(
        "application-may-end-the-audit",
        "The role of the application may switch pgaudit off.",
        planting.sql(
            "GRANT SET ON PARAMETER pgaudit.log TO school_app", "REVOKE SET ON PARAMETER pgaudit.log FROM school_app"
        ),
        _of("db.audited"),
    ),
    Fault(
        "application-may-rewrite-its-trail",
        "The role of the application may empty the table that keeps what its users did.",
        planting.sql(
            "GRANT TRUNCATE ON auditlog_logentry TO school_app", "REVOKE TRUNCATE ON auditlog_logentry FROM school_app"
        ),
        _of("access.application_role_bounded"),
    ),
    Fault(
        "connections-not-logged",
        "PostgreSQL does not log who connects.",
        planting.postgres(log_connections="off"),
        _of("db.audited"),
    ),
    Fault(
        "database-trusts-a-network",
        "PostgreSQL lets a whole network in without proof.",
        planting.rules("host all all 10.0.0.0/8 trust"),
        _of("access.database_direct"),
    ),
    Fault(
        "archiving-fails",
        "The archive command fails: nothing can be restored to a moment from now on.",
        planting.archiving,
        _of("backup.pitr"),
    ),
    Fault(
        "archive-has-a-hole",
        "A segment is gone from the archive: what was written after it cannot be restored.",
        planting.hole,
        _of("backup.pitr"),
    ),
    Fault(
        "backups-not-there",
        "The repository of the backups is gone; PostgreSQL has not noticed yet.",
        planting.no_backups,
        _of(),
        _of("backup.pitr", "engine.evidence_fresh"),
        lasts=True,
    ),
    Fault(
        "redis-evicts-sessions",
        "Redis drops sessions when its memory is full.",
        planting.redis("maxmemory-policy", "allkeys-lru"),
        _of("redis.persistence"),
    ),
    Fault(
        "superuser-without-second-factor",
        "The second factor of the superuser is not confirmed any more.",
        planting.sql(
            "UPDATE otp_totp_totpdevice SET confirmed = FALSE", "UPDATE otp_totp_totpdevice SET confirmed = TRUE"
        ),
        _of("access.mfa_admins"),
    ),
    Fault(
        "account-forgotten",
        "An account has not been used for a year.",
        planting.sql(
            "UPDATE auth_user SET last_login = now() - interval '1 year' WHERE username = 'carla'",
            "UPDATE auth_user SET last_login = now() WHERE username = 'carla'",
        ),
        _of("access.dormant_disabled"),
    ),
    Fault(
        "tokens-for-a-day",
        "Access tokens are valid for a day.",
        planting.settings("ACCESS_TOKEN_LIFETIME", "timedelta(days=1)", "SIMPLE_JWT"),
        _of("access.jwt_lifetimes"),
    ),
    Fault(
        "refresh-tokens-stay",
        "A refresh token can be used again and again.",
        planting.settings("ROTATE_REFRESH_TOKENS", "False", "SIMPLE_JWT"),
        _of("access.jwt_rotation"),
    ),
    Fault(
        "short-passwords",
        "Passwords of six characters are taken.",
        planting.settings(
            "AUTH_PASSWORD_VALIDATORS",
            "[{**v, 'OPTIONS': {'min_length': 6}} if 'Minimum' in v['NAME'] else v for v in AUTH_PASSWORD_VALIDATORS]",
        ),
        _of("access.password_rules"),
    ),
    Fault(
        "no-lock-out",
        "Nobody is locked out, however often the password is wrong.",
        planting.settings("AXES_ENABLED", "False"),
        _of("access.signin_limits"),
    ),
    Fault(
        "endpoint-open",
        "The grades of students are given to whoever asks.",
        planting.settings("ROOT_URLCONF", "'school.open_urls'"),
        _of("access.default_deny"),
    ),
    Fault(
        "unsigned-assertions-taken",
        "The service provider takes SAML assertions that nobody signed.",
        planting.service_provider("want_assertions_signed", "False"),
        _of("access.saml_hardened"),
    ),
    Fault(
        "answers-nobody-asked-for",
        "The service provider takes SAML answers to no request of its own, and so the same one again.",
        planting.service_provider("allow_unsolicited", "True"),
        _of("access.saml_hardened"),
    ),
    Fault(
        "weak-signatures-taken",
        "SAML answers are checked by an xmlsec1 that takes SHA-1.",
        planting.settings("xmlsec_binary", "'/usr/bin/xmlsec1'", "SAML_CONFIG"),
        _of("access.saml_hardened"),
    ),
    Fault(
        "clocks-may-differ-by-ten-minutes",
        "The service provider takes SAML answers that ended ten minutes ago.",
        planting.settings("accepted_time_diff", "600", "SAML_CONFIG"),
        _of("access.saml_hardened"),
    ),
    Fault(
        "identity-certificate-about-to-end",
        "The only certificate of the identity provider ends in ten days.",
        planting.identity(certificate_days=10),
        _of("access.saml_hardened"),
    ),
    Fault(
        "identity-certificate-ended",
        "The certificate of the identity provider ended yesterday, and is still trusted.",
        planting.identity(certificate_days=-1),
        _of("access.saml_hardened"),
    ),
    Fault(
        "identity-metadata-ended",
        "The metadata of the identity provider ended yesterday: the project knows no provider any more.",
        planting.identity(metadata_days=-1),
        _of(),
        _of("access.saml_hardened"),
    ),
    Fault(
        "one-upstream-dead",
        "The second gunicorn does not run.",
        planting.down("gunicorn-second"),
        _of("infra.nginx_balanced", "infra.gunicorn_workers"),
        _of("engine.evidence_fresh"),
        lasts=True,
    ),
    Fault(
        "two-workers",
        "gunicorn is told to keep two workers.",
        planting.gunicorn("workers = 3", "workers = 2"),
        _of("infra.gunicorn_workers"),
        lasts=True,
    ),
    Fault(
        "a-worker-taken-away",
        "A worker was taken away from the running gunicorn.",
        planting.fewer_workers,
        _of("infra.gunicorn_workers"),
        lasts=True,
    ),
    Fault(
        "staff-past-the-list",
        "A teacher was made staff by hand, who is on no list and has no second factor.",
        planting.sql(
            "UPDATE auth_user SET is_staff = TRUE WHERE username = 'bruno'",
            "UPDATE auth_user SET is_staff = FALSE WHERE username = 'bruno'",
        ),
        _of(
            "access.mfa_admins", "access.privileged_allowlist", "access.review_privileged", "logging.permission_changes"
        ),
        _of("access.grant_approved"),
        lasts=True,
    ),
    Fault(
        "role-beyond-its-approval",
        "Teachers may delete grades, which nobody approved and no record of the application shows.",
        planting.sql(
            "INSERT INTO auth_group_permissions (group_id, permission_id)"
            " SELECT g.id, p.id FROM auth_group g, auth_permission p"
            " WHERE g.name = 'teachers' AND p.codename = 'delete_grade'",
            "DELETE FROM auth_group_permissions USING auth_permission p"
            " WHERE p.id = permission_id AND p.codename = 'delete_grade'",
        ),
        _of("access.role_catalogue", "logging.permission_changes"),
        _of("logging.user_actions"),
        lasts=True,
    ),
    Fault(
        "roles-in-conflict",
        "A teacher is a registrar, too: what she enters nobody else checks.",
        planting.sql(
            "INSERT INTO auth_user_groups (user_id, group_id) SELECT u.id, g.id FROM auth_user u, auth_group g"
            " WHERE u.username = 'bruno' AND g.name = 'registrars'",
            "DELETE FROM auth_user_groups USING auth_user u, auth_group g WHERE u.id = user_id AND g.id = group_id"
            " AND u.username = 'bruno' AND g.name = 'registrars'",
        ),
        _of("access.separation_of_duties", "logging.permission_changes"),
        lasts=True,
    ),
)


def page() -> str:
    """The text of faults.md."""
    lines = [
        "# Faults",
        "",
        "Each can be planted in the running stack: `python -m examples.stack --fault NAME`. It turns exactly the",
        "controls named, and taking it away turns them back; `tests/stack` does so with every one.",
        "",
        "| fault | what is wrong | turns to fail | can no longer be decided |",
        "|---|---|---|---|",
    ]
    for fault in FAULTS:
        controls = (", ".join(f"`{name}`" for name in sorted(names)) for names in (fault.turns, fault.unknown))
        lines.append(f"| {fault.name} | {fault.says} | {' | '.join(controls)} |")
    return "\n".join(lines) + "\n"
