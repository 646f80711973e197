"""PostgreSQL servers on this machine, seen without a credential: live sockets and what listens."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from compliance.schemas.messages import Found

_SOCKET = re.compile(r"(?P<folder>/.*)/\.s\.PGSQL\.(?P<port>\d+)\Z")
_LISTENING_STREAM = "00010000"  # flags of a listening socket in /proc/net/unix
_LISTEN = "0A"  # state of a listening socket in /proc/net/tcp
_DEFAULT_PORT = 5432


def discover(root: Path) -> Iterator[Found]:
    """One Found per server: its socket folder where one is open, else its port. The proposed user is the system
    account that runs the engine, as `peer` and `ident` rules expect."""
    user = _account()
    ports: set[int] = set()
    for folder, port in _sockets(root):
        if port not in ports:
            ports.add(port)
            yield _found(folder, port, user, f"listening socket {folder}/.s.PGSQL.{port}")
    for port in sorted(_tcp_ports(root) - ports):
        yield _found("localhost", port, user, f"TCP port {port} is listening")


def _found(host: str, port: int, user: str | None, seen: str) -> Found:
    name = "postgres" if port == _DEFAULT_PORT else f"postgres_{port}"
    settings = {"host": host, "port": port, "dbname": "postgres"}
    return Found(name, {**settings, "user": user} if user else settings, seen)


def _account() -> str | None:
    try:
        import pwd

        return pwd.getpwuid(os.geteuid()).pw_name
    except (ImportError, KeyError, AttributeError):  # no such table on this system, or a uid without a name
        return None


def _sockets(root: Path) -> list[tuple[str, int]]:
    found = set()
    for line in _lines(root / "proc/net/unix"):
        parts = line.split(None, 7)
        match = _SOCKET.match(parts[7]) if len(parts) == 8 and parts[3] == _LISTENING_STREAM else None
        if match:
            found.add((match["folder"], int(match["port"])))
    return sorted(found)


def _tcp_ports(root: Path) -> set[int]:
    listening: dict[str, int] = {}  # inode → port
    for table in ("tcp", "tcp6"):
        for line in _lines(root / "proc/net" / table)[1:]:
            parts = line.split()
            if len(parts) > 9 and parts[3] == _LISTEN:
                listening[parts[9]] = int(parts[1].rpartition(":")[2], 16)
    ports = {port for port in listening.values() if port == _DEFAULT_PORT}
    for inode in _inodes_of(root, {"postgres", "postmaster"}):
        if inode in listening:
            ports.add(listening[inode])
    return ports


def _inodes_of(root: Path, names: set[str]) -> Iterator[str]:
    for comm in (root / "proc").glob("[0-9]*/comm"):
        if "".join(_lines(comm)).strip() not in names:
            continue
        try:
            for link in (comm.parent / "fd").iterdir():
                target = os.readlink(link)
                if target.startswith("socket:["):
                    yield target[8:-1]
        except OSError:  # the process belongs to somebody else, or has just ended
            continue


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:  # another system, or a process that has just ended
        return []
