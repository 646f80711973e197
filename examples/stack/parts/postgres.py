"""PostgreSQL with TLS, SCRAM, pgaudit and archiving; and PgBouncer before it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from examples.stack import parts
from examples.stack.parts import Place
from examples.stack.parts.authority import Authority

RULES = """\
local   all     postgres                            scram-sha-256
local   all     all                                 scram-sha-256
hostssl all     all             127.0.0.1/32        scram-sha-256
hostssl replication replicator  127.0.0.1/32        scram-sha-256
"""
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_preload_libraries": "pgaudit",
    "pgaudit.log": "write, ddl, role",
    "ssl": "on",
    "ssl_min_protocol_version": "TLSv1.2",
    "password_encryption": "scram-sha-256",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_line_prefix": "%m [%p] %q%u@%d %h ",
    "idle_session_timeout": "15min",
    "logging_collector": "on",
    "log_rotation_age": "1d",
    "wal_level": "replica",
    "archive_mode": "on",
    "archive_timeout": "300",
    "fsync": "off",  # a demonstration may be lost with the machine
}
ACCOUNTS = (
    "CREATE ROLE school_owner LOGIN PASSWORD '{owner}'",
    "CREATE ROLE school_app LOGIN PASSWORD '{app}'",
    "CREATE ROLE compliance_reader LOGIN PASSWORD '{reader}'",
    "CREATE ROLE replicator LOGIN REPLICATION PASSWORD '{replicator}'",
    "GRANT pg_monitor TO compliance_reader",
    "CREATE DATABASE school OWNER school_owner",
    "REVOKE ALL ON DATABASE school FROM PUBLIC",
    "GRANT CONNECT ON DATABASE school TO school_app, compliance_reader",
)
# how passwords are stored, without the hashes: as the collector's README has it
FORMS = """\
CREATE VIEW password_forms AS
  SELECT rolname AS role, CASE WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'SCRAM-SHA-256'
                               WHEN rolpassword LIKE 'md5%' THEN 'md5'
                               WHEN rolpassword IS NOT NULL THEN 'other' END AS algorithm
  FROM pg_catalog.pg_authid
"""
SCHEMA = (
    "GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO compliance_reader",
    "CREATE EXTENSION pgaudit",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT CREATE, USAGE ON SCHEMA public TO school_owner",
    "GRANT USAGE ON SCHEMA public TO school_app, compliance_reader",
    "ALTER DEFAULT PRIVILEGES FOR ROLE school_owner IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO school_app",
    "ALTER DEFAULT PRIVILEGES FOR ROLE school_owner IN SCHEMA public GRANT UPDATE, DELETE ON TABLES TO school_app",
    "ALTER DEFAULT PRIVILEGES FOR ROLE school_owner IN SCHEMA public GRANT USAGE ON SEQUENCES TO school_app",
    FORMS,
    "GRANT SELECT ON password_forms TO compliance_reader",
)


class Postgres:
    """A running server."""

    def __init__(self, place: Place, authority: Authority) -> None:
        self.place, self.authority = place, authority
        self.folder = place.part("postgres")
        self.data = self.folder / "data"
        self.rules = self.data / "pg_hba.conf"
        self.log = self.folder / "log"
        self._programs = _programs()

    def start(self) -> None:
        """Start it, with its accounts and database the first time."""
        new = not self.data.exists()
        if new:
            self._create()
        self.run("pg_ctl", "-w", "-t", "60", "-D", str(self.data), "-l", str(self.log), "start")
        if new:
            words = {name: self.place.secret(name) for name in ("owner", "app", "reader", "replicator")}
            self.sql(*(statement.format(**words) for statement in ACCOUNTS))
            self.sql(*SCHEMA, database="school")

    def stop(self) -> None:
        """Stop it at once; nothing happens when it does not run."""
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "-w", "-m", "immediate", "-D", str(self.data), "stop")

    @contextmanager
    def session(self, database: str = "postgres", folder: Path | None = None) -> Iterator[psycopg.Connection[Any]]:
        """A session of the administrator, each statement its own transaction; with the server whose socket is in
        `folder`, where that is another."""
        with psycopg.connect(
            host=str(folder or self.folder), port=self.place.ports.postgres, dbname=database, user="postgres",
            password=self.place.secret("postgres"), autocommit=True,
        ) as connection:  # fmt: skip
            yield connection

    def sql(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as administrator."""
        with self.session(database) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def configure(self, rules: str | None = None, **values: str) -> None:
        """Set configuration values (dots as two underlines) and rules, and wait until they are loaded."""
        if rules is not None:
            self.rules.write_text(rules)
        with self.session() as connection:
            before = connection.execute("SELECT pg_conf_load_time()").fetchone()
            for name, value in values.items():
                quoted = value.replace("'", "''")
                connection.execute(f"ALTER SYSTEM SET {name.replace('__', '.')} = '{quoted}'".encode())
            connection.execute("SELECT pg_reload_conf()")
            while connection.execute("SELECT pg_conf_load_time()").fetchone() == before:
                connection.execute("SELECT pg_sleep(0.02)")

    def _create(self) -> None:
        password = self.folder / "password"
        password.write_text(self.place.secret("postgres"))
        parts.give(password)
        self.run(
            "initdb", "-N", "-k", "-A", "scram-sha-256", "-U", "postgres", f"--pwfile={password}", "--locale=C.UTF-8",
            "-D", str(self.data),
        )  # fmt: skip
        password.unlink()
        self.authority.issue(self.data, "server", "localhost", "127.0.0.1")
        values = {
            **SETTINGS,
            "port": str(self.place.ports.postgres),
            "unix_socket_directories": str(self.folder),
            "archive_command": f"{parts.program('pgbackrest', 'pgbackrest')} --config={self.place.folder}"
            "/backups/pgbackrest.conf --stanza=school --log-level-file=off archive-push %p",
        }
        quoted = (f"{name} = '{value}'" for name, value in values.items())
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n".join(quoted) + "\n")
        self.rules.write_text(RULES)

    def run(self, name: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs. Raises RuntimeError with the end of what it and the server said."""
        # a pipe would stay open in the server, and pg_ctl's caller would wait for its end
        out = self.folder / "out"
        with out.open("ab") as file:
            done = subprocess.run(
                [self._programs / name, *arguments], check=False, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                cwd="/", env={"PATH": parts.DAEMONS, "LC_ALL": "C.UTF-8"}, **parts.unprivileged(),
            )  # fmt: skip
        if done.returncode:
            words = "\n".join(path.read_text()[-2000:] for path in (out, self.log) if path.exists())
            raise RuntimeError(f"{name} failed with {done.returncode}:\n{words}")


class PgBouncer:
    """A running pooler before it. Change `pgbouncer.ini` and call `reload`."""

    def __init__(self, place: Place, authority: Authority) -> None:
        self.place, self.authority = place, authority
        self.folder = place.part("pgbouncer")
        self.configuration = self.folder / "pgbouncer.ini"
        self.log = self.folder / "pgbouncer.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        if not self.configuration.exists():
            self._create()
        pgbouncer = parts.program("pgbouncer", "pgbouncer")
        self.process = parts.start([pgbouncer, str(self.configuration)], self.folder / "out", **parts.unprivileged())
        parts.wait(lambda: parts.listens(self.place.ports.pgbouncer), "pgbouncer", self.folder / "out", self.process)

    def stop(self) -> None:
        """Stop it."""
        parts.stop(self.process)
        self.process = None

    def change(self, old: str, new: str) -> None:
        """Replace a line of its configuration and start it again."""
        parts.substitute(self.configuration, old, new)
        self.stop()
        self.start()

    def _create(self) -> None:
        self.authority.issue(self.folder, "server", "localhost", "127.0.0.1")
        users = {"school_app": "app", "compliance_stats": "stats"}
        accounts = self.folder / "userlist.txt"
        accounts.touch(0o600)
        accounts.write_text("".join(f'"{name}" "{self.place.secret(secret)}"\n' for name, secret in users.items()))
        ports, folder = self.place.ports, self.folder
        self.configuration.write_text(f"""\
[databases]
school = host=127.0.0.1 port={ports.postgres} dbname=school

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {ports.pgbouncer}
unix_socket_dir =
pidfile = {folder}/pgbouncer.pid
logfile = {self.log}
auth_type = scram-sha-256
auth_file = {accounts}
stats_users = compliance_stats
pool_mode = transaction
default_pool_size = 10
reserve_pool_size = 2
max_db_connections = 20
max_client_conn = 200
server_idle_timeout = 60
query_wait_timeout = 30
ignore_startup_parameters = extra_float_digits
client_tls_sslmode = require
client_tls_cert_file = {folder}/server.crt
client_tls_key_file = {folder}/server.key
server_tls_sslmode = verify-full
server_tls_ca_file = {self.authority.file}
""")
        parts.give(accounts, self.configuration)


def _programs() -> Path:
    """The folder of the newest PostgreSQL that has pgaudit."""
    found = [
        folder
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if Path("/usr/share/postgresql", folder.parent.name, "extension/pgaudit.control").exists()
    ]
    if not found:
        raise RuntimeError("PostgreSQL with pgaudit is not installed: apt-get install postgresql-15-pgaudit")
    return max(found, key=lambda folder: int(folder.parent.name))
