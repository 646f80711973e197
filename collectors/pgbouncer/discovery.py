"""PgBouncer on this machine, seen without a credential."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from compliance.collectors import listening
from compliance.schemas.messages import Found

_DEFAULT_PORT = 6432


def discover(root: Path) -> Iterator[Found]:
    """One Found per port on which PgBouncer, or somebody on its usual port, listens."""
    for port in listening.tcp_ports(root, _DEFAULT_PORT, ("pgbouncer",)):
        name = "pgbouncer" if port == _DEFAULT_PORT else f"pgbouncer_{port}"
        yield Found(name, {"host": "localhost", "port": port}, f"TCP port {port} is listening")
