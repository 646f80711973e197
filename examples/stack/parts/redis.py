"""Redis: TLS only, users by ACL, everything kept on disk. Database 0 holds sessions, 1 the cache."""

from __future__ import annotations

import subprocess
from typing import Any

import redis

from examples.stack import parts
from examples.stack.parts import Place
from examples.stack.parts.authority import Authority


class Redis:
    """A running server."""

    def __init__(self, place: Place, authority: Authority) -> None:
        self.place, self.authority = place, authority
        self.folder = place.part("redis")
        self.log = self.folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        configuration = self.folder / "redis.conf"
        if not configuration.exists():
            self._create()
        server = parts.program("redis-server", "redis-server")
        self.process = parts.start([server, str(configuration)], self.log, **parts.unprivileged())
        parts.wait(lambda: parts.listens(self.place.ports.redis), "redis-server", self.log, self.process)

    def stop(self) -> None:
        """Stop it."""
        parts.stop(self.process)
        self.process = None

    def admin(self, *command: Any) -> Any:
        """The answer to one command of the administrator."""
        with redis.Redis(
            host="127.0.0.1", port=self.place.ports.redis, ssl=True, ssl_ca_certs=str(self.authority.file),
            username="admin", password=self.place.secret("redis-admin"), decode_responses=True,
        ) as client:  # fmt: skip
            return client.execute_command(*command)

    def _create(self) -> None:
        self.authority.issue(self.folder, "server", "localhost", "127.0.0.1")
        folder, secret = self.folder, self.place.secret
        configuration = folder / "redis.conf"
        configuration.touch(0o600)
        configuration.write_text(f"""\
bind 127.0.0.1
port 0
tls-port {self.place.ports.redis}
tls-cert-file {folder}/server.crt
tls-key-file {folder}/server.key
tls-ca-cert-file {self.authority.file}
tls-auth-clients no
tls-protocols "TLSv1.2 TLSv1.3"
dir {folder}
appendonly yes
appendfsync everysec
save 900 1
timeout 600
maxmemory 64mb
maxmemory-policy noeviction
user default off
user admin on >{secret("redis-admin")} ~* &* +@all
user school on >{secret("redis-school")} ~* resetchannels +@read +@write +@connection -@dangerous
user compliance on >{secret("redis-reader")} resetkeys resetchannels -@all +info +config|get +acl|list
""")
        parts.give(configuration)
