"""TLS listeners on this machine: who listens, and who of them really finishes a handshake."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

from compliance.collectors.tls.handshake import Target, fetch_session, permissive
from compliance.schemas.errors import SourceError
from compliance.schemas.messages import Discovery

USUAL = (443, 8443)
_LISTEN = "0A"  # state of a listening socket in /proc/net/tcp
_SSL_LISTEN = re.compile(r"(?:^|[\s;{])listen\s+(?:[^\s;]*:)?(\d+)\s[^;#]*\bssl\b")
_LOOPBACK = "127.0.0.1"


def fetch_tls_ports(ctx: Discovery) -> Iterator[tuple[int, str]]:
    """Ports of this machine that finish a TLS handshake on loopback, with the version they chose.

    Only the usual ports and those that nginx declares with `ssl` are tried: a handshake is noise in the log of
    any other service.
    """
    candidates = {*USUAL, *nginx_ports(ctx.root)} & listening_ports(ctx.root)
    for port in sorted(candidates):
        target = Target(_LOOPBACK, port, "", ctx.timeout_s)
        try:
            yield port, fetch_session(target, permissive()).version
        except (SourceError, ssl.SSLError, OSError):
            continue  # nothing is promised here: discovery proposes, collection answers


def listening_ports(root: Path) -> frozenset[int]:
    """TCP ports listened on, from the kernel's tables; empty where the system has none."""
    ports: set[int] = set()
    for table in ("proc/net/tcp", "proc/net/tcp6"):
        try:
            lines = (root / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if len(fields) > 3 and fields[3] == _LISTEN:
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return frozenset(ports)


def nginx_ports(root: Path) -> frozenset[int]:
    """Ports that an nginx configuration in the usual place declares with `ssl`."""
    ports: set[int] = set()
    folder = root / "etc/nginx"
    for path in (folder / "nginx.conf", *folder.glob("conf.d/*.conf"), *folder.glob("sites-enabled/*")):
        try:
            ports.update(int(port) for port in _SSL_LISTEN.findall(path.read_text("utf-8", "replace")))
        except OSError:
            continue
    return frozenset(ports)
