"""A real Redis server in a temporary folder, on random loopback ports and a Unix socket.

`with RedisServer(good=True) as server:` has TLS only, users by ACL, an append-only file and snapshots; `good=False` has
a plain port, the unnamed user without password, and keeps nothing on disk.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

ADMIN = "admin"
ADMIN_PASSWORD = "planted-admin-80b3c4"
REQUIREPASS = "planted-requirepass-2c9e"
MASTERAUTH = "planted-masterauth-61fd"


def available() -> bool:
    """Whether the program is installed."""
    return shutil.which("redis-server") is not None


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """A running server: `port` (TLS in the good state), `socket`, and `ca`, its own certificate."""

    host = "127.0.0.1"

    def __init__(self, *, good: bool = True, options: tuple[str, ...] = ()) -> None:
        if not available():
            raise RuntimeError("Redis is not installed: apt-get install redis-server")
        self.good = good
        self.base = Path(tempfile.mkdtemp(prefix="redis-", dir="/tmp"))  # a socket path has 107 bytes at most
        self.ca = self.base / "server.crt"
        self.socket = self.base / "redis.sock"
        self.port = free_port()
        self._options = options
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._configure()
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
        """Start it and wait until it answers; loading data counts as answering."""
        with (self.base / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", str(self.base / "redis.conf")], stdout=log, stderr=log, cwd=self.base
            )
        for _ in range(2000):
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(self.socket)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        raise RuntimeError(f"redis-server does not answer:\n{(self.base / 'log').read_text()}")

    def stop(self) -> None:
        """Kill it; nothing happens when it does not run."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.socket.unlink(missing_ok=True)

    def admin(self, *command: Any) -> Any:
        """The answer to one command of the administrator, by Unix socket."""
        name = {"username": ADMIN, "password": ADMIN_PASSWORD} if self.good else {}
        with redis.Redis(unix_socket_path=str(self.socket), decode_responses=True, **name) as client:
            return client.execute_command(*command)

    def _configure(self) -> None:
        lines = ["bind 127.0.0.1", f"unixsocket {self.socket}", f"dir {self.base}", "daemonize no", *self._options]
        lines += self._good_lines() if self.good else self._bad_lines()
        (self.base / "redis.conf").write_text("\n".join(lines) + "\n")

    def _good_lines(self) -> list[str]:
        key = self.base / "server.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", str(key), "-out", str(self.ca)],
            check=True, capture_output=True,
        )  # fmt: skip
        return [
            "port 0",
            f"tls-port {self.port}",
            f"tls-cert-file {self.ca}",
            f"tls-key-file {key}",
            f"tls-ca-cert-file {self.ca}",
            "tls-auth-clients no",
            'tls-protocols "TLSv1.2 TLSv1.3"',
            "appendonly yes",
            "appendfsync everysec",
            "save 900 1",
            "timeout 600",
            "maxmemory 64mb",
            f"masterauth {MASTERAUTH}",
            f"requirepass {REQUIREPASS}",
            "user default off",
            f"user {ADMIN} on >{ADMIN_PASSWORD} ~* &* +@all",
        ]

    def _bad_lines(self) -> list[str]:
        return [f"port {self.port}", 'save ""', "appendonly no", "protected-mode no"]
