"""What listens on this machine, from /proc: what `discover` of several collectors looks at, without a credential.

On a system without /proc, and for processes that belong to somebody else, less is seen and nothing is raised.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

POOLER_PORT = 6432  # of PgBouncer, unless its settings say another
_LIBPQ = re.compile(r"(?P<folder>/.*)/\.s\.PGSQL\.(?P<port>\d+)\Z")
_LISTENING_STREAM = "00010000"  # flags of a listening socket in /proc/net/unix
_LISTEN = "0A"  # state of a listening socket in /proc/net/tcp


def unix_sockets(root: Path) -> list[str]:
    """Paths of the Unix sockets on which somebody listens now, sorted."""
    found = set()
    for line in _lines(root / "proc/net/unix"):
        parts = line.split(None, 7)
        if len(parts) == 8 and parts[3] == _LISTENING_STREAM and parts[7].startswith("/"):
            found.add(parts[7])
    return sorted(found)


def tcp_ports(root: Path, port: int, processes: Iterable[str]) -> list[int]:
    """`port` when somebody listens on it, and the ports on which one of the named processes does, sorted."""
    listening: dict[str, int] = {}  # inode → port
    for table in ("tcp", "tcp6"):
        for line in _lines(root / "proc/net" / table)[1:]:
            parts = line.split()
            if len(parts) > 9 and parts[3] == _LISTEN:
                listening[parts[9]] = int(parts[1].rpartition(":")[2], 16)
    found = {number for number in listening.values() if number == port}
    found.update(listening[inode] for inode in _sockets_of(root, frozenset(processes)) if inode in listening)
    return sorted(found)


def libpq_sockets(root: Path) -> list[tuple[str, int]]:
    """Folder and port of every Unix socket named as PostgreSQL and its poolers name theirs, sorted by path."""
    found = []
    for path in unix_sockets(root):
        match = _LIBPQ.match(path)
        if match:
            found.append((match["folder"], int(match["port"])))
    return found


def pooler_ports(root: Path) -> set[int]:
    """Ports on which PgBouncer listens, or by custom may: its sockets have the names of PostgreSQL's."""
    return {POOLER_PORT, *tcp_ports(root, POOLER_PORT, ("pgbouncer",))}


def account() -> str | None:
    """Name of the system account that runs the engine; None where accounts have no names."""
    try:
        import pwd

        return pwd.getpwuid(os.geteuid()).pw_name
    except (ImportError, KeyError, AttributeError):
        return None


def _sockets_of(root: Path, names: frozenset[str]) -> Iterator[str]:
    """Inodes of the sockets that processes of these names hold."""
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
