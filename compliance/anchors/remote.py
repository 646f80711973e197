"""Addresses: is it a path or a place on the network, and is that place this machine?"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

_SCP = re.compile(r"(?:[^@/:\s]+@)?([^@/:\s]+):(?!//)")


def is_address(text: str) -> bool:
    """`https://…`, `ssh://…` or `user@host:path`; everything else is a path."""
    return "://" in text or bool(_SCP.match(text))


def host(url: str) -> str:
    """The host of an address, empty when it has none (`file:///…`)."""
    if "://" in url:
        return urlsplit(url).hostname or ""
    found = _SCP.match(url)
    return found[1] if found else ""


def loopback(url: str) -> str | None:
    """Why an address is this machine; None when it is another one, as far as its name tells."""
    name = host(url)
    if not name or name == "localhost" or name.endswith(".localhost"):
        return f"{url} is this machine"
    try:
        if ipaddress.ip_address(name).is_loopback:
            return f"{url} is this machine"
    except ValueError:
        if name.lower() == socket.gethostname().lower():
            return f"{url} is this machine"
    return None
