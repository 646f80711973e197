"""A real PostgreSQL server in a temporary folder, on a random loopback port and a Unix socket.

`with PostgresServer() as server:` starts it in a good state: TLS, SCRAM, pgaudit, logging, archiving. `flip_bad()`
turns it bad without a restart, `restore_good()` back. Run by root it changes to an unprivileged account, as PostgreSQL
demands.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

NOBODY = 65534
_SHARE = Path("/usr/share/postgresql")
ADMIN_PASSWORD = "planted-admin-3f9c1d"
ARCHIVE_SECRET = "planted-archive-77aa02"  # stands in a command that no evidence may show

GOOD_HBA = """local all all scram-sha-256
hostssl all all 127.0.0.1/32 scram-sha-256
hostssl all all 10.0.0.0/8 scram-sha-256
"""
BAD_HBA = """local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host all all 0.0.0.0/0 trust
host all all ::/0 md5
"""

_GOOD = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "max_connections": "30",
    "shared_preload_libraries": "pgaudit",
    "pgaudit.log": "write, ddl, role",
    "ssl": "on",
    "ssl_min_protocol_version": "TLSv1.2",
    "password_encryption": "scram-sha-256",
    "log_connections": "on",
    "log_disconnections": "on",
    "idle_session_timeout": "15min",
    "logging_collector": "on",
    "wal_level": "replica",
    "archive_mode": "on",
    "archive_command": f"PGPASSWORD={ARCHIVE_SECRET} test -n %p # pgbackrest",
    "archive_timeout": "300",
}
_BAD = {
    "ssl": "off",
    "log_connections": "off",
    "log_disconnections": "off",
    "password_encryption": "md5",
    "pgaudit.log": "none",
    "idle_session_timeout": "0",
    "archive_command": "/bin/true",
}


def available() -> bool:
    """Whether the programs are installed."""
    return _binaries() is not None


def _binaries() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    with_audit = [
        f for f in folders if Path("/usr/share/postgresql", f.parent.name, "extension/pgaudit.control").exists()
    ]
    found = shutil.which("initdb")
    return next(iter(with_audit or folders), Path(found).parent if found else None)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PostgresServer:
    """A running server. `data` is its folder and its socket folder, `port` its port, `ca` its own certificate."""

    host = "127.0.0.1"
    admin = "postgres"

    def __init__(self) -> None:
        found = _binaries()
        if found is None:
            raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql postgresql-15-pgaudit")
        self._bin = found
        self._base = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # short: a socket path has 107 bytes at most
        self.data = self._base / "data"
        self.ca = self.data / "server.crt"
        self.port = free_port()
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            os.chown(self._base, NOBODY, NOBODY)
            self._user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    def __enter__(self) -> Self:
        try:
            self._create()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._remove()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._run("pg_ctl", "-w", "-t", "60", "-D", str(self.data), "-l", str(self._base / "log"), "start")

    def stop(self) -> None:
        """Stop it at once; nothing happens when it does not run."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-w", "-m", "immediate", "-D", str(self.data), "stop")

    def words(self) -> str:
        """The end of what it logged."""
        files = sorted((self.data / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
        return files[-1].read_text(errors="replace")[-4000:] if files else ""

    def parameters(self, dbname: str = "postgres") -> dict[str, Any]:
        """Connection parameters of the administrator, by Unix socket."""
        return {
            "host": str(self.data),
            "port": self.port,
            "dbname": dbname,
            "user": self.admin,
            "password": ADMIN_PASSWORD,
        }

    @contextmanager
    def session(self, dbname: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
        """A session of the administrator, each statement its own transaction."""
        with psycopg.connect(**self.parameters(dbname), autocommit=True) as conn:
            yield conn

    def sql(self, *statements: str, dbname: str = "postgres") -> None:
        """Run statements as administrator."""
        with self.session(dbname) as conn:
            for statement in statements:
                conn.execute(statement.encode())

    def configure(self, values: dict[str, str] | None = None, hba: str | None = None) -> None:
        """Set configuration values and the rules, then load them."""
        if hba is not None:
            (self.data / "pg_hba.conf").write_text(hba)
        with self.session() as conn:
            loaded = conn.execute("SELECT pg_conf_load_time()").fetchone()
            for name, value in (values or {}).items():
                quoted = value.replace("'", "''")
                conn.execute(f"ALTER SYSTEM SET {name} = '{quoted}'".encode())
            conn.execute("SELECT pg_reload_conf()")
            while conn.execute("SELECT pg_conf_load_time()").fetchone() == loaded:
                conn.execute("SELECT pg_sleep(0.01)")

    def flip_bad(self) -> None:
        """Plain text, trust, md5, no logging, archiving into nowhere."""
        self.configure(_BAD, BAD_HBA)

    def restore_good(self) -> None:
        """The state it started in."""
        self.configure({name: _GOOD[name] for name in _BAD}, GOOD_HBA)

    def _create(self) -> None:
        secret = self._base / "pw"
        secret.write_text(ADMIN_PASSWORD)
        self._own(secret)
        self._run(
            "initdb", "-N", "-k", "-A", "scram-sha-256", "-U", self.admin, f"--pwfile={secret}", "--locale=C.UTF-8",
            "-D", str(self.data),
        )  # fmt: skip
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", str(self.data / "server.key"), "-out", str(self.ca)],
            check=True, capture_output=True,
        )  # fmt: skip
        for path in (self.data / "server.key", self.ca):
            self._own(path)
        lines = [f"port = {self.port}", f"unix_socket_directories = '{self.data}'"]
        lines += [f"{name} = '{value}'" for name, value in _GOOD.items()]
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n".join(lines) + "\n")
        (self.data / "pg_hba.conf").write_text(GOOD_HBA)

    def _own(self, path: Path) -> None:
        path.chmod(0o600)
        if self._user:
            os.chown(path, NOBODY, NOBODY)

    def _run(self, program: str, *arguments: str) -> None:
        # inherited pipes would keep pg_ctl's caller waiting for the server's end
        with (self._base / "out").open("ab") as out:
            done = subprocess.run(
                [self._bin / program, *arguments], check=False,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, **self._user,
            )  # fmt: skip
        if done.returncode:
            logs = "\n".join(p.read_text() for p in (self._base / "out", self._base / "log") if p.exists())
            raise RuntimeError(f"{program} failed with {done.returncode}:\n{logs}")

    def _remove(self) -> None:
        shutil.rmtree(self._base, ignore_errors=True)
