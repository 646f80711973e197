"""Redis and Valkey servers on this machine, seen without a credential."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from compliance.collectors import listening
from compliance.schemas.messages import Found

_SOCKET = re.compile(r"/(?:[^/]*/)*[^/]*(?:redis|valkey)[^/]*(?:/[^/]*)?\.sock\Z", re.IGNORECASE)
_DEFAULT_PORT = 6379


def discover(root: Path) -> Iterator[Found]:
    """One Found per listening port, and one per Unix socket whose path names the product."""
    for port in listening.tcp_ports(root, _DEFAULT_PORT, ("redis-server", "valkey-server")):
        name = "redis" if port == _DEFAULT_PORT else f"redis_{port}"
        yield Found(name, {"host": "localhost", "port": port}, f"TCP port {port} is listening")
    for path in listening.unix_sockets(root):
        if _SOCKET.search(path):
            name = re.sub(r"[^a-z0-9]+", "_", path.lower()).strip("_")
            yield Found(name, {"unix_socket": path}, f"Unix socket {path} is listening")
