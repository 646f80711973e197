"""Addresses of servers in one form, so that what one system calls another can be compared."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

HERE = "localhost"  # the machine that the engine runs on, by whatever name or socket it was reached


def is_loopback(host: str) -> bool:
    """Whether `host` is a socket folder, `localhost` or a loopback address."""
    if not host or host.startswith(("/", "@")) or host.lower() in (HERE, "unix"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def known_as(hosts: Iterable[str], port: int, machines: Iterable[str] = (HERE,)) -> list[str]:
    """`host:port` of every one of `hosts`, in small letters, sorted, each once. A loopback address or socket means one
    of `machines`, the names of the machine it was seen on; none of them known: it is left out."""
    found: set[str] = set()
    for host in hosts:
        names = tuple(machines) if is_loopback(host) else (host,)
        found.update(_joined(name, port) for name in names)
    return sorted(found)


def _joined(host: str, port: int) -> str:
    if is_loopback(host):
        return f"{HERE}:{port}"
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return f"{host.lower().rstrip('.')}:{port}"
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
