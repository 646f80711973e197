"""How each location is cached: by browsers (`expires`, Cache-Control) and by nginx itself (a shared cache)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from compliance.collectors.nginx.config import Config
from compliance.collectors.nginx.headers import headers_of, others_set_headers
from compliance.collectors.nginx.scope import Scope, has_variable, host_of, listen_text, only_returns, servers
from compliance.collectors.nginx.upstreams import PASSES
from compliance.schemas.kinds.web import CacheRule

_CACHES = ("proxy", "fastcgi", "uwsgi", "scgi")
_STATIC_TYPE = re.compile(r"\b(css|js|mjs|png|jpe?g|gif|ico|svg|webp|avif|woff2?|ttf|otf|eot|map)\b", re.IGNORECASE)
_STATIC_FOLDER = re.compile(r"^/(static|assets|css|js|img|images|fonts|dist)(/|$)")
_TIME = re.compile(r"(\d+)(ms|[yMwdhms]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000, "ms": 0}
_MAX_AGE = re.compile(r"(?<![\w-])max-age\s*=\s*\"?(\d{1,15})", re.IGNORECASE)
_NOT_KEPT = re.compile(r"\b(no-store|no-cache)\b", re.IGNORECASE)
_TEN_YEARS = 315360000  # what `expires max` sends
_SESSION = re.compile(r"\$\{?(http_cookie|cookie_\w*(?:sess|sid|auth|token|login)\w*)\b", re.IGNORECASE)
_PERHAPS = re.compile(r"\$\{?(cookie_\w+|http_authorization)\b")  # whether a session hangs on it is not known


def rows_cache_rules(config: Config) -> list[CacheRule]:
    """One row per location, and one called 'server' where requests may match no location.

    Blocks that only `return` serve nothing. When two blocks with the same names have different rules for the same
    location, the later row's location names its addresses.
    """
    rows: dict[tuple[str, str], CacheRule] = {}
    for server in servers(config):
        if only_returns(server):
            continue
        for scope in _places(server):
            row = _row(config, server, scope, scope.label)
            first = rows.setdefault((row.host, row.location), row)
            if first != row:
                other = _row(config, server, scope, f"{scope.label} @ {listen_text(server)}")
                rows.setdefault((other.host, other.location), other)
    return list(rows.values())


def _places(server: Scope) -> Iterator[Scope]:
    locations = [s for s in server.nested() if s.block.name == "location"]
    if not any(s.block.args in (("/",), ("^~", "/")) for s in locations):
        yield server
    yield from locations


def _row(config: Config, server: Scope, scope: Scope, label: str) -> CacheRule:
    added = [h.value for h in headers_of(scope) if h.name.lower() == "cache-control"]
    text = ", ".join(added)
    family = next((d.name.removesuffix("_pass") for d in scope.own(*PASSES)), None)
    shared = _shared(scope, family)
    return CacheRule(
        server=config.path,
        host=host_of(server),
        location=label,
        is_static=_is_static(scope),
        expires_s=expires_s(scope),
        cache_control=text,
        browser_s=browser_s(scope, text, proxied=family is not None),
        is_private=None if has_variable(text) else bool(re.search(r"\b(private|no-store)\b", text, re.IGNORECASE)),
        shared_cache=shared,
        bypasses_cookies=_bypasses(config, scope, family) if shared and family else None,
        is_proxied=family is not None,
    )


def _is_static(scope: Scope) -> bool:
    if scope.block.name != "location":
        return False
    *modifier, pattern = scope.block.args
    if modifier[:1] in (["~"], ["~*"]):
        return bool(_STATIC_TYPE.search(pattern))
    return bool(_STATIC_FOLDER.match(pattern)) or bool(re.search(r"\.\w+\Z", pattern) and _STATIC_TYPE.search(pattern))


def expires_s(scope: Scope) -> int | None:
    """`expires` in seconds; -1 for `epoch` and negative times; None when off, not set, or not a fixed time."""
    found = scope.nearest("expires")
    args = [a for a in found[-1].args if a != "modified"] if found else []
    if not args or args[0] == "off" or has_variable(args[0]) or args[0].startswith("@"):
        return None
    text = args[0].lstrip("+")
    if text == "epoch" or text.startswith("-"):
        return -1
    if text == "max":
        return _TEN_YEARS
    parts = _TIME.findall(text)
    return sum(int(number) * _SECONDS[unit] for number, unit in parts) if parts else None


def browser_s(scope: Scope, cache_control: str, *, proxied: bool) -> int | None:
    """How long a browser may keep an answer, by `expires` and the Cache-Control added: of several the shortest.

    None when a variable decides, and where nothing is said of an application's answers: it may say it itself.
    """
    words = scope.nearest("expires")
    if has_variable(cache_control) or any(has_variable(a) or a.startswith("@") for d in words for a in d.args):
        return None
    if _NOT_KEPT.search(cache_control):
        return 0
    told = [int(seconds) for seconds in _MAX_AGE.findall(cache_control)]
    if (seconds := expires_s(scope)) is not None:
        told.append(max(seconds, 0))
    if not told:
        return None if proxied or others_set_headers(scope) else 0
    return min(told)


def _shared(scope: Scope, family: str | None) -> bool | None:
    if family not in _CACHES:
        return False
    zone = scope.value(f"{family}_cache")
    if zone is not None and has_variable(zone):
        return None
    return zone not in (None, "off")


def _bypasses(config: Config, scope: Scope, family: str) -> bool | None:
    """Requests with a session are neither answered from the cache nor stored in it.

    Both directives are needed: `no_cache` keeps answers out, `cache_bypass` asks the application each time. A
    variable of the configuration's own counts when a `map` makes it from a cookie; one made otherwise is not known.
    """
    verdicts = []
    for name in (f"{family}_no_cache", f"{family}_cache_bypass"):
        words = " ".join(a for d in scope.nearest(name) for a in d.args)
        verdicts.append(_about_session(config, words))
    if all(v is True for v in verdicts):
        return True
    key = " ".join(scope.nearest(f"{family}_cache_key")[-1].args) if scope.nearest(f"{family}_cache_key") else ""
    if None in verdicts and False not in verdicts:
        return None
    return None if _SESSION.search(key) else False  # a key with the cookie keeps sessions apart, if not out


def _about_session(config: Config, words: str) -> bool | None:
    if _SESSION.search(words):
        return True
    if _PERHAPS.search(words):
        return None
    variables = set(re.findall(r"\$\{?(\w+)", words))
    for http in config.main.inner("http"):
        for mapping in http.inner("map"):
            if len(mapping.args) == 2 and mapping.args[1].lstrip("$") in variables and _SESSION.search(mapping.args[0]):
                return True
    return None if variables else False
