"""PgBouncer on this machine, seen without a credential."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from compliance.collectors import listening
from compliance.schemas.messages import Found


def discover(root: Path) -> Iterator[Found]:
    """One Found per port on which PgBouncer, or somebody on its usual port, listens, and per socket of such a port."""
    ports = set(listening.tcp_ports(root, listening.POOLER_PORT, ("pgbouncer",)))
    for port in sorted(ports):
        yield _found("localhost", port, f"TCP port {port} is listening")
    for folder, port in listening.libpq_sockets(root):
        if port == listening.POOLER_PORT and port not in ports:
            ports.add(port)
            yield _found(folder, port, f"Unix socket {folder}/.s.PGSQL.{port} is listening")


def _found(host: str, port: int, seen: str) -> Found:
    name = "pgbouncer" if port == listening.POOLER_PORT else f"pgbouncer_{port}"
    return Found(name, {"host": host, "port": port}, seen)
