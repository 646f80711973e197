"""A real PgBouncer in a temporary folder, on a random loopback port and a Unix socket.

`with PgBouncerServer(postgres.port) as pooler:` starts it in a good state: SCRAM, TLS demanded of clients, one forced
account and a limit per database. `databases` and `options` replace its routes and settings. Run by root it changes to
an unprivileged account, as PgBouncer demands.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers.postgres import NOBODY, free_port

READER = "compliance_reader"
READER_PASSWORD = "planted-reader-a1b2c3"
ADMIN_PASSWORD = "planted-admin-d4e5f6"
APP_PASSWORD = "planted-app-0718ab"
LOOKUP_SECRET = "planted-lookup-55ee"
PLANTED = (READER_PASSWORD, ADMIN_PASSWORD, APP_PASSWORD, LOOKUP_SECRET)

ACCOUNTS = {READER: READER_PASSWORD, "operator": ADMIN_PASSWORD, "app": APP_PASSWORD}


def available() -> bool:
    """Whether the program is installed."""
    return _binary() is not None


def _binary() -> str | None:
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


class PgBouncerServer:
    """A running pooler: `port`, `base` (its folder and socket folder), `ca` (its own certificate), `config`."""

    host = "127.0.0.1"

    def __init__(
        self, target: int, *, databases: Mapping[str, str] | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        found = _binary()
        if found is None:
            raise RuntimeError("PgBouncer is not installed: apt-get install pgbouncer")
        self._program = found
        self.base = Path(tempfile.mkdtemp(prefix="pgb-", dir="/tmp"))  # short: a socket path has 107 bytes at most
        self.config = self.base / "pgbouncer.ini"
        self.ca = self.base / "server.crt"
        self.port = free_port()
        self.databases = databases or {
            "shop": f"host=127.0.0.1 port={target} dbname=postgres user=app password={APP_PASSWORD} pool_size=5"
        }
        self._options = options or {}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        as_nobody: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        with (self.base / "out").open("ab") as out:
            self.process = subprocess.Popen(
                [self._program, str(self.config)], stdout=out, stderr=out, cwd=self.base, **as_nobody
            )
        pidfile = self.base / "pid"
        for _ in range(2000):
            with socket.socket(socket.AF_UNIX) as probe:
                if pidfile.exists() and probe.connect_ex(str(self.base / f".s.PGSQL.{self.port}")) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        raise RuntimeError(f"pgbouncer does not answer:\n{(self.base / 'out').read_text()}")

    def stop(self) -> None:
        """Kill it; nothing happens when it does not run."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            (self.base / "pid").unlink(missing_ok=True)
            (self.base / f".s.PGSQL.{self.port}").unlink(missing_ok=True)

    def reload(self, *, databases: Mapping[str, str] | None = None, options: Mapping[str, str] | None = None) -> None:
        """Replace routes or settings in the file and let the running process load it."""
        self.databases = databases or self.databases
        self._options = {**self._options, **(options or {})}
        self._write()
        self.ask("operator", ADMIN_PASSWORD, "RELOAD")

    def ask(self, user: str, password: str, command: str) -> list[Any]:
        """What the console answers to an account."""
        import psycopg

        with psycopg.connect(
            host=str(self.base), port=self.port, user=user, password=password, dbname="pgbouncer", autocommit=True
        ) as conn:
            cursor = conn.execute(command.encode())
            return cursor.fetchall() if cursor.description else []

    def _prepare(self) -> None:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", str(self.base / "server.key"), "-out", str(self.ca)],
            check=True, capture_output=True,
        )  # fmt: skip
        lines = [f'"{name}" "{password}"\n' for name, password in ACCOUNTS.items()]
        (self.base / "users.txt").write_text("".join(lines))
        self._write()
        if os.geteuid() == 0:
            for path in (self.base, *self.base.iterdir()):
                os.chown(path, NOBODY, NOBODY)

    def _write(self) -> None:
        settings = {
            "listen_addr": self.host,
            "listen_port": str(self.port),
            "unix_socket_dir": str(self.base),
            "auth_type": "scram-sha-256",
            "auth_file": str(self.base / "users.txt"),
            "auth_query": f"SELECT usename, passwd FROM lookup('{LOOKUP_SECRET}', $1)",
            "admin_users": "operator",
            "stats_users": READER,
            "logfile": str(self.base / "log"),
            "pidfile": str(self.base / "pid"),
            "client_tls_sslmode": "require",
            "client_tls_key_file": str(self.base / "server.key"),
            "client_tls_cert_file": str(self.ca),
            "server_tls_sslmode": "prefer",
            "client_idle_timeout": "900",
            **self._options,
        }
        databases = "".join(f"{name} = {text}\n" for name, text in self.databases.items())
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        self.config.write_text(f"[databases]\n{databases}\n[pgbouncer]\n{lines}")
