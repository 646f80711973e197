"""Faults that can be planted in the running stack, each with the controls that must turn."""

from __future__ import annotations

import signal
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.stack.parts.postgres import RULES
from examples.stack.parts.web import HOSTS, HSTS
from examples.stack.stack import Stack

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `plant` makes it and gives what takes it away again; `turns` are the controls it must turn to fail."""

    name: str
    says: str
    plant: Callable[[Stack], Undo]
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


def nginx(old: str, new: str, of: Callable[[Stack], Path] = lambda stack: stack.nginx.site) -> Callable[[Stack], Undo]:
    """Words of one of nginx's files are others."""

    def plant(stack: Stack) -> Undo:
        path = of(stack)
        text = path.read_text()
        stack.nginx.change(path, old.format(**_names(stack)), new.format(**_names(stack)))

        def undo() -> None:
            path.write_text(text)
            stack.nginx.reload()

        return undo

    return plant


def main_file(stack: Stack) -> Path:
    """nginx.conf."""
    return stack.nginx.configuration


def waf_file(stack: Stack) -> Path:
    """The rules of ModSecurity."""
    return stack.nginx.waf


def gunicorn(old: str, new: str) -> Callable[[Stack], Undo]:
    """A line of the first master's configuration is another."""

    def plant(stack: Stack) -> Undo:
        stack.gunicorn.change(old, new)
        return lambda: stack.gunicorn.change(new, old)

    return plant


def pooler(old: str, new: str) -> Callable[[Stack], Undo]:
    """A line of PgBouncer's configuration is another."""

    def plant(stack: Stack) -> Undo:
        stack.pgbouncer.change(old, new)
        return lambda: stack.pgbouncer.change(new, old)

    return plant


def postgres(**values: str) -> Callable[[Stack], Undo]:
    """Values of PostgreSQL's configuration are others."""

    def plant(stack: Stack) -> Undo:
        with stack.postgres.session() as session:
            old = {
                name: session.execute("SELECT current_setting(%s)", [name.replace("__", ".")]).fetchone()
                for name in values
            }
        stack.postgres.configure(**values)
        return lambda: stack.postgres.configure(**{name: str(row[0]) for name, row in old.items() if row})

    return plant


def rules(line: str) -> Callable[[Stack], Undo]:
    """pg_hba.conf has another line."""

    def plant(stack: Stack) -> Undo:
        stack.postgres.configure(rules=RULES + line + "\n")
        return lambda: stack.postgres.configure(rules=RULES)

    return plant


def sql(do: str, undo: str, database: str = "school") -> Callable[[Stack], Undo]:
    """A statement of the administrator, and the one that takes it back."""

    def plant(stack: Stack) -> Undo:
        stack.postgres.sql(do, database=database)
        return lambda: stack.postgres.sql(undo, database=database)

    return plant


def redis(setting: str, value: str) -> Callable[[Stack], Undo]:
    """A value of Redis's configuration is another."""

    def plant(stack: Stack) -> Undo:
        old = stack.redis.admin("CONFIG", "GET", setting)
        old = old[setting] if isinstance(old, dict) else old[1]
        stack.redis.admin("CONFIG", "SET", setting, value)
        return lambda: stack.redis.admin("CONFIG", "SET", setting, old)

    return plant


def down(part: str) -> Callable[[Stack], Undo]:
    """A part does not run."""

    def plant(stack: Stack) -> Undo:
        stack.parts[part].stop()
        return stack.parts[part].start

    return plant


def certificate(days: int) -> Callable[[Stack], Undo]:
    """The web server's certificate is one that ends in so many days."""

    def plant(stack: Stack) -> Undo:
        files = [stack.nginx.folder / "site.key", stack.nginx.folder / "site.crt"]
        kept = [path.read_bytes() for path in files]
        stack.authority.issue(stack.nginx.folder, "site", *HOSTS, days=days)
        stack.nginx.reload()

        def undo() -> None:
            for path, content in zip(files, kept, strict=True):
                path.write_bytes(content)
            stack.nginx.reload()

        return undo

    return plant


def mode(of: Callable[[Stack], Path], bits: int) -> Callable[[Stack], Undo]:
    """A file has other permissions."""

    def plant(stack: Stack) -> Undo:
        path = of(stack)
        old = stat.S_IMODE(path.stat().st_mode)
        path.chmod(bits)
        return lambda: path.chmod(old)

    return plant


def unread(stack: Stack) -> Undo:
    """nginx's files change, and nobody tells the running server."""
    text = stack.nginx.site.read_text()
    stack.nginx.site.write_text(text + "# changed\n")

    def undo() -> None:
        stack.nginx.site.write_text(text)
        stack.nginx.reload()

    return undo


def fewer_workers(stack: Stack) -> Undo:
    """The running master ends a worker, whatever its file says."""
    assert stack.gunicorn.process is not None
    stack.gunicorn.process.send_signal(signal.SIGTTOU)
    time.sleep(2)

    def undo() -> None:
        stack.gunicorn.stop()
        stack.gunicorn.start()

    return undo


def archiving(stack: Stack) -> Undo:
    """The archive command fails, and has failed."""
    undo = postgres(archive_command="false")(stack)
    with stack.postgres.session() as session:
        session.execute("SELECT pg_switch_wal()")
        _until(stack, "SELECT failed_count > 0 FROM pg_stat_archiver")

    def back() -> None:
        undo()
        stack.postgres.sql("SELECT pg_switch_wal()")
        _until(stack, "SELECT coalesce(last_archived_time > last_failed_time, FALSE) FROM pg_stat_archiver")

    return back


def _until(stack: Stack, question: str) -> None:
    with stack.postgres.session() as session:
        for _ in range(600):
            if session.execute(question.encode()).fetchone() == (True,):
                return
            time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL still says no: {question}")


def settings(name: str, value: str, of: str = "") -> Callable[[Stack], Undo]:
    """A setting of the Django project is another: `name`, or `name` in the dictionary `of`."""

    def plant(stack: Stack) -> Undo:
        given = f"{{**{of}, {name!r}: {value}}}" if of else value
        needs = "AUTH_PASSWORD_VALIDATORS, SIMPLE_JWT"
        stack.school.configure(
            f"from datetime import timedelta\nfrom school.settings_base import {needs}\n{of or name} = {given}\n"
        )
        return lambda: stack.school.configure("")

    return plant


def _names(stack: Stack) -> dict[str, object]:
    ports = stack.ports
    return {"hsts": HSTS, "folder": stack.nginx.folder, **{name: getattr(ports, name) for name in ports.__slots__}}


def _of(*controls: str) -> frozenset[str]:
    return frozenset(controls)


FAULTS = (
    Fault(
        "hsts-missing-on-one-host",
        "The host of the staff no longer sends Strict-Transport-Security.",
        nginx("server_name staff.school.localhost;\n    {hsts}", "server_name staff.school.localhost;"),
        _of("tls.hsts"),
    ),
    Fault(
        "hsts-lost-in-a-location",
        "A location sends a header of its own, and so none of those around it.",
        nginx("location /catalogue/ {{", "location /catalogue/ {{\n        add_header X-Part catalogue;"),
        _of("tls.hsts"),
    ),
    Fault(
        "old-protocol-accepted",
        "nginx accepts TLS 1.1, and weak suites with it.",
        nginx(
            "ssl_protocols TLSv1.2 TLSv1.3;\n    ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;",
            "ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3;\n    ssl_ciphers ALL:@SECLEVEL=0;",
            main_file,
        ),
        _of("tls.strong_settings", "tls.everywhere"),
    ),
    Fault(
        "plain-http-served",
        "The plain port serves pages instead of sending to https.",
        nginx("return 301 https://$host:{https}$request_uri;", "location / {{ proxy_pass http://app; }}"),
        _of("tls.everywhere", "net.vpn_admin_only"),
    ),
    Fault(
        "certificate-expires",
        "The certificate of the web server ends in three days.",
        certificate(3),
        _of("tls.certificates_valid"),
    ),
    Fault(
        "firewall-only-watches",
        "ModSecurity detects and lets through.",
        nginx("SecRuleEngine On", "SecRuleEngine DetectionOnly", waf_file),
        _of("net.waf_blocking"),
    ),
    Fault(
        "firewall-off-for-a-path",
        "The interface for programs is left out of the web application firewall.",
        nginx(
            "location /catalogue/ {{",
            "location /api/ {{\n        modsecurity off;\n        proxy_pass http://app;\n    }}\n"
            "    location /catalogue/ {{",
        ),
        _of("net.waf_blocking"),
    ),
    Fault(
        "firewall-blind-to-forms",
        "ModSecurity does not look at the bodies of requests.",
        nginx("SecRequestBodyAccess On", "SecRequestBodyAccess Off", waf_file),
        _of("net.waf_blocking"),
    ),
    Fault(
        "personal-page-in-shared-cache",
        "Pages of students go into the cache that all share.",
        nginx(
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
        nginx("public, max-age=31536000, immutable", "public, max-age=60"),
        _of("perf.cache_effective"),
    ),
    Fault(
        "no-balancing",
        "nginx passes everything to one gunicorn.",
        nginx("server 127.0.0.1:{gunicorn_second} max_fails=3 fail_timeout=10s;", ""),
        _of("infra.nginx_balanced"),
    ),
    Fault(
        "access-log-for-everybody",
        "Everybody on the machine may read nginx's access log.",
        mode(lambda stack: stack.nginx.folder / "access.log", 0o644),
        _of("logging.retention_12m"),
    ),
    Fault(
        "configuration-not-loaded",
        "nginx's files were changed, and the running server has not read them.",
        unread,
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
        pooler(
            "default_pool_size = 10\nreserve_pool_size = 2\nmax_db_connections = 20",
            "default_pool_size = 70\nreserve_pool_size = 2\nmax_db_connections = 80",
        ),
        _of("db.pooling"),
    ),
    Fault(
        "pooler-lets-anybody-in",
        "PgBouncer asks for no proof of who comes.",
        pooler("auth_type = scram-sha-256", "auth_type = any"),
        _of("access.database_direct"),
    ),
    Fault("audit-log-off", "pgaudit logs nothing.", postgres(pgaudit__log="none"), _of("db.audited")),
    Fault(
        "audit-log-off-for-one-role",
        "The role of the application is left out of pgaudit: its changes are not logged.",
        sql("ALTER ROLE school_app SET pgaudit.log = 'none'", "ALTER ROLE school_app RESET pgaudit.log"),
        _of("db.audited"),
    ),
    Fault(
        "schema-changes-unlogged",
        "The owner of the tables may change the schema without a trace.",
        sql("ALTER ROLE school_owner SET pgaudit.log = 'write, role'", "ALTER ROLE school_owner RESET pgaudit.log"),
        _of("db.audited"),
    ),
    Fault(
        "application-may-end-the-audit",
        "The role of the application may switch pgaudit off.",
        sql("GRANT SET ON PARAMETER pgaudit.log TO school_app", "REVOKE SET ON PARAMETER pgaudit.log FROM school_app"),
        _of("db.audited"),
    ),
    Fault(
        "connections-not-logged",
        "PostgreSQL does not log who connects.",
        postgres(log_connections="off"),
        _of("db.audited"),
    ),
    Fault(
        "database-trusts-a-network",
        "PostgreSQL lets a whole network in without proof.",
        rules("host all all 10.0.0.0/8 trust"),
        _of("access.database_direct"),
    ),
    Fault(
        "archiving-fails",
        "The archive command fails: nothing can be restored to a moment from now on.",
        archiving,
        _of("backup.pitr"),
    ),
    Fault(
        "redis-evicts-sessions",
        "Redis drops sessions when its memory is full.",
        redis("maxmemory-policy", "allkeys-lru"),
        _of("redis.persistence"),
    ),
    Fault(
        "superuser-without-second-factor",
        "The second factor of the superuser is not confirmed any more.",
        sql("UPDATE otp_totp_totpdevice SET confirmed = FALSE", "UPDATE otp_totp_totpdevice SET confirmed = TRUE"),
        _of("access.mfa_admins"),
    ),
    Fault(
        "account-forgotten",
        "An account has not been used for a year.",
        sql(
            "UPDATE auth_user SET last_login = now() - interval '1 year' WHERE username = 'carla'",
            "UPDATE auth_user SET last_login = now() WHERE username = 'carla'",
        ),
        _of("access.dormant_disabled"),
    ),
    Fault(
        "tokens-for-a-day",
        "Access tokens are valid for a day.",
        settings("ACCESS_TOKEN_LIFETIME", "timedelta(days=1)", "SIMPLE_JWT"),
        _of("access.jwt_lifetimes"),
    ),
    Fault(
        "refresh-tokens-stay",
        "A refresh token can be used again and again.",
        settings("ROTATE_REFRESH_TOKENS", "False", "SIMPLE_JWT"),
        _of("access.jwt_rotation"),
    ),
    Fault(
        "short-passwords",
        "Passwords of six characters are taken.",
        settings(
            "AUTH_PASSWORD_VALIDATORS",
            "[{**v, 'OPTIONS': {'min_length': 6}} if 'Minimum' in v['NAME'] else v for v in AUTH_PASSWORD_VALIDATORS]",
        ),
        _of("access.password_rules"),
    ),
    Fault(
        "no-lock-out",
        "Nobody is locked out, however often the password is wrong.",
        settings("AXES_ENABLED", "False"),
        _of("access.signin_limits"),
    ),
    Fault(
        "endpoint-open",
        "The grades of students are given to whoever asks.",
        settings("ROOT_URLCONF", "'school.open_urls'"),
        _of("access.default_deny"),
    ),
    Fault(
        "one-upstream-dead",
        "The second gunicorn does not run.",
        down("gunicorn-second"),
        _of("infra.nginx_balanced", "infra.gunicorn_workers"),
        _of("engine.evidence_fresh"),
        lasts=True,
    ),
    Fault(
        "two-workers",
        "gunicorn is told to keep two workers.",
        gunicorn("workers = 3", "workers = 2"),
        _of("infra.gunicorn_workers"),
        lasts=True,
    ),
    Fault(
        "a-worker-taken-away",
        "A worker was taken away from the running gunicorn.",
        fewer_workers,
        _of("infra.gunicorn_workers"),
        lasts=True,
    ),
    Fault(
        "staff-past-the-list",
        "A teacher was made staff by hand, who is on no list and has no second factor.",
        sql(
            "UPDATE auth_user SET is_staff = TRUE WHERE username = 'bruno'",
            "UPDATE auth_user SET is_staff = FALSE WHERE username = 'bruno'",
        ),
        _of("access.mfa_admins", "access.privileged_allowlist", "logging.permission_changes"),
        _of("access.grant_approved"),
        lasts=True,
    ),
    Fault(
        "role-beyond-its-approval",
        "Teachers may delete grades, which nobody approved and no record of the application shows.",
        sql(
            "INSERT INTO auth_group_permissions (group_id, permission_id)"
            " SELECT g.id, p.id FROM auth_group g, auth_permission p"
            " WHERE g.name = 'teachers' AND p.codename = 'delete_grade'",
            "DELETE FROM auth_group_permissions USING auth_permission p"
            " WHERE p.id = permission_id AND p.codename = 'delete_grade'",
        ),
        _of("access.role_catalogue", "logging.permission_changes"),
        lasts=True,
    ),
    Fault(
        "roles-in-conflict",
        "A teacher is a registrar, too: what she enters nobody else checks.",
        sql(
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
