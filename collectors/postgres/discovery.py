"""PostgreSQL servers on this machine, seen without a credential."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from compliance.collectors import listening
from compliance.schemas.messages import Found

_DEFAULT_PORT = 5432


def discover(root: Path) -> Iterator[Found]:
    """One Found per server: its socket folder where one is open, else its port. The proposed user is the system
    account that runs the engine, as `peer` rules expect."""
    user = listening.account()
    ports: set[int] = set()
    poolers = listening.pooler_ports(root)
    for folder, port in listening.libpq_sockets(root):
        if port not in ports | poolers:
            ports.add(port)
            yield _found(folder, port, user, f"Unix socket {folder}/.s.PGSQL.{port} is listening")
    for port in listening.tcp_ports(root, _DEFAULT_PORT, ("postgres", "postmaster")):
        if port not in ports:
            yield _found("localhost", port, user, f"TCP port {port} is listening")


def _found(host: str, port: int, user: str | None, seen: str) -> Found:
    name = "postgres" if port == _DEFAULT_PORT else f"postgres_{port}"
    settings = {"host": host, "port": port, "dbname": "postgres"}
    return Found(name, {**settings, "user": user} if user else settings, seen)
