"""How a fault is planted in a running part of the stack; each gives what takes it away again."""

from __future__ import annotations

import hashlib
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

from examples.stack import parts
from examples.stack.parts.postgres import RULES
from examples.stack.parts.web import HOSTS, HSTS
from examples.stack.stack import Stack

Undo = Callable[[], None]
Plant = Callable[[Stack], Undo]


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


def md5(role: str, secret: str) -> Callable[[Stack], Undo]:
    """The password of a role is stored as PostgreSQL 9 would."""

    def plant(stack: Stack) -> Undo:
        password = stack.place.secret(secret)
        stored = hashlib.md5(f"{password}{role}".encode(), usedforsecurity=False).hexdigest()
        stack.postgres.sql(f"ALTER ROLE {role} PASSWORD 'md5{stored}'")
        return lambda: stack.postgres.sql(f"ALTER ROLE {role} PASSWORD '{password}'")

    return plant


def paused(stack: Stack) -> Undo:
    """The standby applies nothing of the next eight MiB."""
    stack.standby.sql("SELECT pg_wal_replay_pause()")
    stack.postgres.sql("SELECT pg_logical_emit_message(false, 'fault', repeat('x', 8 << 20))")

    def undo() -> None:
        stack.standby.sql("SELECT pg_wal_replay_resume()")
        parts.wait(stack.standby.in_step, "the standby", stack.standby.log)

    return undo


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


def hole(stack: Stack) -> Undo:
    """A segment is taken out of the archive after the newest backup."""
    for _ in range(2):
        _finished_segment(stack)
    *_, lost, _ = sorted(path for path in stack.backups.archive.iterdir() if "-" in path.name)
    kept = stack.backups.folder / lost.name
    lost.rename(kept)

    def back() -> None:
        kept.rename(lost)

    return back


def no_backups(stack: Stack) -> Undo:
    """The folder of the repository is not there: another was mounted in its place, or nothing. A segment was finished
    just before, so that the server does not finish one by time-out meanwhile and notice."""
    _finished_segment(stack)
    away = stack.backups.repository.with_name("away")
    stack.backups.repository.rename(away)

    def back() -> None:
        away.rename(stack.backups.repository)

    return back


def _finished_segment(stack: Stack) -> None:
    stack.postgres.sql("SELECT pg_logical_emit_message(true, 'fault', 'x')", "SELECT pg_switch_wal()")
    _until(stack, "SELECT count(*) = 0 FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'")


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
        needs = "AUTH_PASSWORD_VALIDATORS, SAML_CONFIG, SIMPLE_JWT"
        stack.school.configure(
            f"from datetime import timedelta\nfrom school.settings_base import {needs}\n{of or name} = {given}\n"
        )
        return lambda: stack.school.configure("")

    return plant


def service_provider(name: str, value: str) -> Callable[[Stack], Undo]:
    """A value of the SAML service provider is another."""
    sp = f"{{**SAML_CONFIG['service']['sp'], {name!r}: {value}}}"
    return settings("service", f"{{'sp': {sp}}}", "SAML_CONFIG")


def identity(**days: int) -> Callable[[Stack], Undo]:
    """The identity provider's certificate, or its metadata, end in so many days (`IdentityProvider.renew`)."""

    def plant(stack: Stack) -> Undo:
        school = stack.school
        kept = school.identity.metadata.read_bytes()
        school.identity.renew(**days)
        school.write_report()

        def undo() -> None:
            school.identity.metadata.write_bytes(kept)
            school.write_report()

        return undo

    return plant


def _names(stack: Stack) -> dict[str, object]:
    ports = stack.ports
    return {"hsts": HSTS, "folder": stack.nginx.folder, **{name: getattr(ports, name) for name in ports.__slots__}}
