"""What applies where: nginx inherits a directive from the outer block only while the inner one has none of it.

That rule (a level's own directives replace all inherited ones of the same name) is the same for nearly every
directive read here; `add_header` is the one that surprises people, because one header of a location's own drops
all the others.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from compliance.collectors.nginx.config import Config, Directive

_NESTED = ("location", "if", "limit_except")
_SIZE = re.compile(r"(\d+)([kKmMgG]?)\Z")
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


@dataclass(frozen=True, slots=True)
class Scope:
    """A block with the blocks around it."""

    block: Directive
    parent: Scope | None = None

    def own(self, *names: str) -> list[Directive]:
        """Directives of these names in this very block."""
        return list(self.block.inner(*names))

    def nearest(self, *names: str) -> list[Directive]:
        """The directives of these names that apply here: those of the innermost level that has any."""
        scope: Scope | None = self
        while scope is not None:
            if found := scope.own(*names):
                return found
            scope = scope.parent
        return []

    def value(self, name: str) -> str | None:
        """First argument of the directive that applies; None when it is not set anywhere."""
        found = self.nearest(name)
        return found[-1].args[0] if found and found[-1].args else None

    def flag(self, name: str, default: bool) -> bool | None:
        """An on/off directive; None when a variable decides."""
        value = self.value(name)
        if value is None:
            return default
        return {"on": True, "off": False}.get(value.lower())

    def levels(self) -> list[Scope]:
        """From the outermost block to this one."""
        above = self.parent.levels() if self.parent else []
        return [*above, self]

    def nested(self) -> Iterator[Scope]:
        """Locations and conditions inside, at any depth, in order."""
        for directive in self.block.inner(*_NESTED):
            inner = Scope(directive, self)
            yield inner
            yield from inner.nested()

    @property
    def label(self) -> str:
        """The place inside its server as written: `~* \\.css$`, nested ones joined by ` > `; 'server' for none."""
        if self.block.name not in _NESTED:
            return "server"
        words = " ".join(self.block.args)
        own = words if self.block.name == "location" else f"{self.block.name} ({words})"
        outer = self.parent.label if self.parent and self.parent.block.name in _NESTED else ""
        return f"{outer} > {own}" if outer else own


@dataclass(frozen=True, slots=True)
class Listen:
    """One `listen` of a server block, with its defaults filled in."""

    address: str
    tls: bool
    default: bool


def servers(config: Config) -> list[Scope]:
    """The server blocks of `http`, each inside its outer blocks."""
    main = Scope(config.main)
    return [Scope(server, Scope(http, main)) for http in config.main.inner("http") for server in http.inner("server")]


def host_of(server: Scope) -> str:
    """Names of a server block, sorted and joined by a space; '_' for none."""
    names = {name for d in server.own("server_name") for name in d.args if name}
    return " ".join(sorted(names)) or "_"


def listens_of(server: Scope) -> list[Listen]:
    """Where a server block listens. Without a `listen`, nginx run by root takes port 80."""
    old_switch = server.flag("ssl", False) is True  # before nginx 1.25.1
    found = [
        Listen(
            address=_address(d.args[0]),
            tls=old_switch or bool({"ssl", "quic"} & set(d.args[1:])),
            default=bool({"default_server", "default"} & set(d.args[1:])),
        )
        for d in server.own("listen")
        if d.args
    ]
    return found or [Listen("*:80", old_switch, False)]


def listen_text(server: Scope) -> str:
    """All addresses of a server block, sorted and joined by a space."""
    return " ".join(sorted({listen.address for listen in listens_of(server)}))


def is_loopback(server: Scope) -> bool:
    """The block listens on loopback addresses and Unix sockets only."""
    return all(_is_loopback(listen.address) for listen in listens_of(server))


def _is_loopback(address: str) -> bool:
    host = address if address.startswith("unix:") else address.rpartition(":")[0].strip("[]")
    try:
        return address.startswith("unix:") or host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def only_returns(server: Scope) -> bool:
    """The block answers every request with a `return` of its own: it serves nothing and passes nothing on."""
    return bool(server.own("return"))


def size_bytes(text: str) -> int | None:
    """nginx's size (`10m`) in bytes; None when it is a variable or no size."""
    found = _SIZE.match(text)
    return int(found[1]) * _UNITS[found[2].lower()] if found else None


def has_variable(text: str) -> bool:
    """The value is only known when a request comes."""
    return "$" in text


def _address(text: str) -> str:
    if text.startswith("unix:"):
        return text
    if text.isdecimal():
        return f"*:{text}"
    if re.search(r":\d+\Z", text) and not text.endswith("]"):
        return text
    return f"{text}:80"
