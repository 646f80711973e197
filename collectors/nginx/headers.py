"""Response headers that the configuration adds, and where inner blocks drop them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from compliance.collectors.nginx.scope import Scope, has_variable

HSTS = "strict-transport-security"
_OTHER_MODULES = ("more_set_headers", "more_add_headers", "header_filter_by_lua_block", "header_filter_by_lua_file")
_SUBDOMAINS = re.compile(r"(?:^|;)\s*includeSubDomains\s*(?:;|$)", re.IGNORECASE)
_MAX_AGE = re.compile(r"(?:^|;)\s*max-age\s*=\s*\"?(\d{1,15})\"?\s*(?:;|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Header:
    """One header as written."""

    name: str
    value: str
    always: bool


def headers_of(scope: Scope) -> list[Header]:
    """The headers added to answers from this block.

    A block with `add_header` of its own drops the inherited ones, unless `add_header_inherit merge` (nginx 1.29.3)
    applies there; with `off` it inherits none.
    """
    own = [_header(d.args) for d in scope.own("add_header") if len(d.args) >= 2]
    if scope.parent is None:
        return own
    rule = scope.value("add_header_inherit")
    if rule == "off":
        return own
    if rule == "merge":
        return [*headers_of(scope.parent), *own]
    return own or headers_of(scope.parent)


def others_set_headers(scope: Scope) -> bool:
    """A module that is not read here sets headers for this block, so that a missing one may yet be sent."""
    return bool(scope.nearest(*_OTHER_MODULES))


def hsts_seconds(scope: Scope) -> int | None:
    """max-age of the HSTS header of this block; 0 when it adds none; None when it cannot be told from the file."""
    value = _hsts(scope)
    if value is None:
        return None if others_set_headers(scope) else 0
    if has_variable(value):
        return None
    found = _MAX_AGE.search(value)
    return int(found[1]) if found else 0


def hsts_subdomains(scope: Scope) -> bool | None:
    """The HSTS header of this block covers subdomains; None when it cannot be told from the file."""
    value = _hsts(scope)
    if value is None:
        return None if others_set_headers(scope) else False
    return None if has_variable(value) else bool(_SUBDOMAINS.search(value))


def _hsts(scope: Scope) -> str | None:
    """The first of several is the one that browsers take (RFC 6797, 8.1)."""
    return next((h.value for h in headers_of(scope) if h.name.lower() == HSTS), None)


def _header(args: tuple[str, ...]) -> Header:
    return Header(args[0], args[1], "always" in args[2:])
