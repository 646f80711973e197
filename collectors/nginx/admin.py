"""Administration behind a web server: which paths, and who may reach them.

A path counts as administration when its location is named like one, when it serves nginx's own status, or when the
source declares it. A declared path is looked up as nginx does, because it is often no location of its own: `/admin/`
is then answered by `location /`, and open to everybody.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compliance.collectors.nginx.config import Config
from compliance.collectors.nginx.hosts import redirects
from compliance.collectors.nginx.scope import (
    Scope,
    has_variable,
    host_of,
    is_loopback,
    listen_text,
    listens_of,
    only_returns,
    servers,
)
from compliance.collectors.nginx.upstreams import PASSES
from compliance.schemas.kinds.host import Exposure
from compliance.schemas.kinds.web import AdminPath

_NAMED = re.compile(
    r"(?:^|[/(|])\\?_*(?:(?:wp-|django-|site-|super)?admin(?:istrator|istration|er|-?panel)?|(?:php|pg)my?admin|backoffice|"
    r"management|console|actuator|(?:nginx|stub|server|fpm)[_-]?status|metrics|prometheus|alertmanager|grafana|kibana|"
    r"flower|rabbitmq|jenkins|portainer|traefik|debug)_*(?:[/$)|]|\Z)",
    re.IGNORECASE,
)
_OWN = ("stub_status", "api", "dav_methods", "upstream_conf")
_REFUSALS = ("400", "401", "403", "404", "405", "410", "444")
_ANYWHERE = ("all", "0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    scope: Scope
    marked_by: str


def rows_admin_paths(config: Config, declared: Sequence[str], exposure: Exposure | None = None) -> list[AdminPath]:
    """One row per path of administration of each server block that serves something. `exposure` is a declared one."""
    rows: dict[tuple[str, ...], AdminPath] = {}
    for server in servers(config):
        if only_returns(server):
            continue
        for found in _paths(server, declared):
            row = _row(config, server, found, exposure)
            rows.setdefault((row.host, row.listen, row.path), row)
    return list(rows.values())


def location_for(server: Scope, path: str) -> Scope | None:
    """The block that answers `path`, by nginx's rules for locations; None where a pattern cannot be tried here."""
    here = server
    while True:
        inner = _location_in(here, path)
        if inner is None or inner is here:
            return inner
        here = inner


def _paths(server: Scope, declared: Sequence[str]) -> Iterator[_Found]:
    for scope in server.nested():
        if scope.block.name != "location":
            continue
        own = next((name for name in _OWN if scope.own(name)), None)
        if own is not None:
            yield _Found(scope.label, scope, own)
        elif scope.block.args and _NAMED.search(scope.block.args[-1]):
            yield _Found(scope.label, scope, "name")
            if scope.block.args[0] == "=":
                yield from _below(server, scope.block.args[-1], scope)
    if not any(scope.own(*PASSES) for scope in (server, *server.nested())):
        return  # the paths that applications have are declared, and here is none
    for path in declared:
        answering = location_for(server, path)
        yield _Found(path, answering or server, "declared" if answering else "declared, location not known")
        yield from _below(server, path, answering)


def _below(server: Scope, path: str, answering: Scope | None) -> Iterator[_Found]:
    """What answers below a folder of administration, where that is another location than the one of its own address."""
    if not path.endswith("/") or answering is None:
        return
    below = location_for(server, f"{path}x")
    if below is None or below.block is not answering.block:
        known = "declared" if below else "declared, location not known"
        yield _Found(f"{path}…", below or server, known)


def _location_in(outer: Scope, path: str) -> Scope | None:
    """The location directly inside `outer` that takes the path; `outer` itself for none; None where that is unknown."""
    blocks = [Scope(d, outer) for d in outer.block.inner("location") if d.args]
    prefix: Scope | None = None
    for scope in blocks:
        *modifier, text = scope.block.args
        if modifier == ["="] and text == path:
            return scope
        longer = prefix is None or len(text) > len(prefix.block.args[-1])
        if modifier in ([], ["^~"]) and not text.startswith("@") and path.startswith(text) and longer:
            prefix = scope
    if prefix is not None and prefix.block.args[0] == "^~":
        return prefix
    for scope in blocks:
        *modifier, text = scope.block.args
        if modifier in (["~"], ["~*"]):
            try:
                if re.search(text, path, re.IGNORECASE if modifier == ["~*"] else 0):
                    return scope
            except re.error:
                return None  # a pattern of PCRE that Python does not have
    return prefix or outer


def _row(config: Config, server: Scope, found: _Found, exposure: Exposure | None) -> AdminPath:
    scope = found.scope
    limited, allowed = _addresses(scope)
    unknown = found.marked_by == "declared, location not known"
    wide = [text for text in allowed if not _is_private(text)]
    return AdminPath(
        server=config.path,
        host=host_of(server),
        listen=listen_text(server),
        path=found.path,
        location=None if unknown else scope.label,
        marked_by=found.marked_by,
        is_loopback=is_loopback(server) and exposure in (None, Exposure.LOOPBACK),
        encrypted=all(listen.tls for listen in listens_of(server)) or redirects(server),
        closed=False if unknown else _closed(scope),
        address_limited=None if unknown else limited,
        addresses_allowed=allowed,
        public_allowed=wide,
        authentication=None if unknown else _authentication(scope),
        either_suffices=scope.value("satisfy") == "any",
        file=scope.block.file,
        line=scope.block.line,
    )


def _closed(scope: Scope) -> bool:
    """Nobody outside gets an answer: only nginx itself comes here, or everything is refused."""
    if scope.own("internal"):
        return True
    returns = scope.own("return")
    return bool(returns) and all(d.args[:1] and d.args[0] in _REFUSALS for d in returns)


def _addresses(scope: Scope) -> tuple[bool | None, list[str]]:
    """Whether all but some addresses are refused, and which those are, in the order of the rules.

    None where a condition refuses, or where the client's address comes from a header that anybody may send.
    """
    allowed: list[str] = []
    limited: bool | None = False
    refused: set[str] = set()
    for rule in scope.nearest("allow", "deny"):
        text = rule.args[0] if rule.args else ""
        if rule.name == "allow":
            allowed.append(text)
            if text in _ANYWHERE:
                break
        else:
            refused.add(text)
            if "all" in refused or {*_ANYWHERE[1:]} <= refused:  # refusing one family leaves the other open
                limited = True
                break
    if limited is False:
        return (None if _condition_refuses(scope) else False), allowed
    believed = scope.nearest("set_real_ip_from")
    if any(d.args and d.args[0] in _ANYWHERE for d in believed):
        return False, allowed
    return True, allowed


def _condition_refuses(scope: Scope) -> bool:
    """An `if` here or around it returns a refusal: what it asks for is not judged."""
    return any(
        d.args[:1] and d.args[0] in _REFUSALS
        for level in scope.levels()
        for condition in level.own("if")
        for d in condition.inner("return")
    )


def _authentication(scope: Scope) -> str | None:
    """basic, request, certificate or jwt, joined by a space; '' for none; None when a variable decides."""
    found = []
    for name, called in (("auth_basic", "basic"), ("auth_request", "request"), ("auth_jwt", "jwt")):
        value = scope.value(name)
        if value is not None and has_variable(value):
            return None
        if value not in (None, "off"):
            found.append(called)
    if scope.value("ssl_verify_client") == "on":
        found.append("certificate")
    return " ".join(found)


def _is_private(text: str) -> bool:
    try:
        return text == "unix:" or (not ipaddress.ip_network(text, strict=False).is_global and text not in _ANYWHERE)
    except ValueError:
        return False
