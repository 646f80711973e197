"""Server blocks into `virtual_host` rows."""

from __future__ import annotations

from typing import Any

from compliance.collectors.nginx.config import Config
from compliance.collectors.nginx.headers import HSTS, headers_of, hsts_seconds, hsts_subdomains
from compliance.collectors.nginx.scope import (
    Scope,
    host_of,
    is_loopback,
    listen_text,
    listens_of,
    servers,
    size_bytes,
)
from compliance.collectors.nginx.upstreams import PASSES
from compliance.schemas.kinds.host import Exposure
from compliance.schemas.kinds.web import VirtualHost

_DEFAULT_BODY = "1m"
_REDIRECTS = ("301", "302", "303", "307", "308")
_REFUSALS = ("400", "403", "404", "410", "421", "444")
_PLAIN_TESTS = (("$scheme", "=", "http"), ("$scheme", "!=", "https"), ("$https", "=", ""), ("$https", "!=", "on"))


def rows_virtual_hosts(config: Config, exposure: Exposure | None = None) -> list[VirtualHost]:
    """One row per server block; `exposure` is a declared one.

    A block with the names and addresses of an earlier one is ignored by nginx too.
    """
    blocks = servers(config)
    defaults = _defaults(blocks)
    rows: dict[tuple[str, str], VirtualHost] = {}
    for server in blocks:
        key = (host_of(server), listen_text(server))
        if key not in rows:
            rows[key] = _row(config, server, defaults, exposure)
    return list(rows.values())


def _row(config: Config, server: Scope, defaults: dict[str, Scope], exposure: Exposure | None) -> VirtualHost:
    listens = listens_of(server)
    headers = headers_of(server)
    hsts = hsts_seconds(server)
    detail: dict[str, Any] = {
        "tls_protocols_own": _protocols(server),
        "access_log_off_in": _access_log_off(server),
        "rate_limited_in": [s.label for s in server.nested() if _rate_limited(s)],
        "hsts_on_errors_too": any(h.always for h in headers if h.name.lower() == HSTS),
    }
    return VirtualHost(
        server=config.path,
        host=host_of(server),
        listen=listen_text(server),
        exposure=exposure or (Exposure.LOOPBACK if is_loopback(server) else None),
        is_default=any(defaults[listen.address] is server for listen in listens),
        tls=any(listen.tls for listen in listens),
        tls_protocols=_effective_protocols(server, defaults),
        tls_ciphers=server.value("ssl_ciphers"),
        tls_certificate=server.value("ssl_certificate"),
        redirects_to_https=redirects(server),
        hsts_max_age_s=hsts,
        hsts_subdomains=hsts_subdomains(server),
        hsts_lost_in=[s.label for s in server.nested() if hsts and hsts_seconds(s) == 0],
        headers=sorted({h.name for h in headers}, key=str.lower),
        server_tokens=_shows_version(server),
        access_log=_access_log(server),
        error_log=server.value("error_log") != "/dev/null",
        rate_limited=_limited(server),
        client_max_body_bytes=_largest_body(server),
        autoindex=_any_flag(server, "autoindex"),
        proxied=any(scope.own(*PASSES) for scope in (server, *server.nested())),
        refuses_all=_refuses_all(server),
        file=server.block.file,
        line=server.block.line,
        detail=detail,
    )


def _defaults(blocks: list[Scope]) -> dict[str, Scope]:
    """Address → the block that answers for unknown names: the one that says so, else the first."""
    found: dict[str, Scope] = {}
    named: set[str] = set()
    for server in blocks:
        for listen in listens_of(server):
            if listen.default and listen.address not in named:
                found[listen.address] = server
                named.add(listen.address)
            found.setdefault(listen.address, server)
    return found


def _protocols(server: Scope) -> list[str] | None:
    found = server.nearest("ssl_protocols")
    return list(found[-1].args) if found else None


def _effective_protocols(server: Scope, defaults: dict[str, Scope]) -> list[str] | None:
    """Versions allowed in this block or in the default block of its TLS addresses.

    The version is agreed on before the name is known, so on a shared address the default block's list is what
    counts in most releases; the union never claims less than what is open.
    """
    allowed: set[str] = set()
    tls = [listen.address for listen in listens_of(server) if listen.tls]
    if not tls:
        return None
    for block in (server, *(defaults[address] for address in tls)):
        own = _protocols(block)
        commands = [d.args[0].lower() for d in block.nearest("ssl_conf_command") if d.args]
        if own is None or any("protocol" in word for word in commands):
            return None  # the product's default depends on its release, and the command overrules the list
        allowed.update(own)
    return sorted(allowed)


def redirects(server: Scope) -> bool:
    """Every plain request is answered with a redirect to HTTPS or refused; also when the block hears no plain ones."""
    if all(listen.tls for listen in listens_of(server)):
        return True
    conditions = [Scope(d, server) for d in server.own("if")]
    if any(s.block.args in _PLAIN_TESTS and _sends_to_https(s) for s in conditions):
        return True
    answering = [s for s in conditions if s.own("return")]
    if not all(_sends_to_https(s) or _refuses(s) for s in answering):
        return False
    if _sends_to_https(server):
        return True
    if server.own("return"):  # names that are ours are redirected by a condition, the rest is refused
        return _refuses(server) and any(_sends_to_https(s) for s in answering)
    locations = [Scope(d, server) for d in server.own("location")]
    catches_all = any(s.block.args in (("/",), ("^~", "/")) for s in locations)
    return catches_all and all(_sends_to_https(s) for s in locations)


def _refuses(scope: Scope) -> bool:
    return all(d.args[:1] and d.args[0] in _REFUSALS for d in scope.own("return"))


def _refuses_all(server: Scope) -> bool | None:
    """Nobody gets an answer: the handshake is rejected, or the block itself returns 444, whatever a condition says."""
    rejects = server.flag("ssl_reject_handshake", False)
    if rejects is not False:
        return rejects
    returns = [*server.own("return"), *(d for s in server.nested() if s.block.name == "if" for d in s.own("return"))]
    return bool(server.own("return")) and all(d.args[:1] == ("444",) for d in returns)


def _sends_to_https(scope: Scope) -> bool:
    for d in scope.own("return"):
        if len(d.args) == 2 and d.args[0] in _REDIRECTS:
            return d.args[1].startswith("https://")
        return len(d.args) == 1 and d.args[0].startswith("https://")
    for d in scope.own("rewrite"):
        return (
            len(d.args) >= 2
            and d.args[0] in ("^", "^(.*)$", "^(.*)", "^/(.*)$", ".*")
            and d.args[1].startswith("https://")
        )
    return False


def _shows_version(server: Scope) -> bool | None:
    """The version is shown by the block or one of its locations; None when a variable decides."""
    words = [s.value("server_tokens") or "on" for s in (server, *server.nested())]
    if any(word in ("on", "build") for word in words):
        return True
    return False if all(word == "off" for word in words) else None


def _access_log(server: Scope) -> bool | None:
    """Requests are logged: at server level, and in no location that speaks for the whole site or an application."""
    here = _logs(server)
    if not here:
        return here
    for scope in server.nested():
        exact = scope.block.name == "location" and scope.block.args[:1] == ("=",)
        wide = scope.block.args == ("/",) or bool(scope.own(*PASSES))
        if _logs(scope) is False and wide and not exact:
            return False
    return True


def _logs(scope: Scope) -> bool | None:
    found = scope.nearest("access_log")
    if not found:
        return True  # nginx logs by default
    kept = [d for d in found if d.args and d.args[0] not in ("off", "/dev/null")]
    if not kept:
        return False
    always = [d for d in kept if not any(a.startswith("if=") for a in d.args)]
    return True if always else None


def _access_log_off(server: Scope) -> list[str]:
    return [s.label for s in server.nested() if _logs(s) is False]


def _rate_limited(scope: Scope) -> bool:
    return bool(scope.nearest("limit_req")) and scope.flag("limit_req_dry_run", False) is False


def _limited(server: Scope) -> bool:
    """A limit applies to the whole block, or at least to every location that passes requests to an application."""
    applications = [s for s in server.nested() if s.own(*PASSES)]
    if not applications:
        return _rate_limited(server)
    return all(_rate_limited(s) for s in applications)


def _largest_body(server: Scope) -> int | None:
    sizes = [size_bytes(s.value("client_max_body_size") or _DEFAULT_BODY) for s in (server, *server.nested())]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return None
    return 0 if 0 in known else max(known)


def _any_flag(server: Scope, name: str) -> bool | None:
    flags = [s.flag(name, False) for s in (server, *server.nested())]
    if any(flags):
        return True
    return None if None in flags else False
