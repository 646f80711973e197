"""What a site answers to a plain GET: status, redirects, protective headers, cache headers. Bodies are not read."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx

from compliance.collectors.tls.handshake import permissive
from compliance.schemas.errors import Malformed, SourceError, TimedOut, Unreachable
from compliance.schemas.kinds.host import Exposure
from compliance.schemas.kinds.web import CachedResponse, HttpEndpoint

# At DEBUG httpcore writes every response header, cookies with their values among them; a level is its only switch.
logging.getLogger("httpcore").setLevel(logging.INFO)

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PROTECTIVE = (
    "strict-transport-security",
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "permissions-policy",
    "cache-control",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and headers of one answer; header names in lower case, repeated ones in order."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    peer: str | None = None  # address connected to

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    def joined(self, name: str) -> str:
        """The header as one text, repeated ones joined by ', '; '' when missing."""
        return ", ".join(self.all(name))


@dataclass(frozen=True, slots=True)
class Plain:
    """What the plain HTTP port does. `is_open` and `redirects` are None when that could not be told."""

    is_open: bool | None = None
    redirects: bool | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """How to reach a site: the address connected to, and the name that it is asked by."""

    host: str
    port: int
    name: str
    timeout_s: float
    throttle: Callable[[], None] = field(default=lambda: None)

    def get(self, scheme: str, port: int, path: str) -> Reply:
        """One GET, redirects not followed. Raises Unreachable, TimedOut or Malformed naming the URL."""
        default = 443 if scheme == "https" else 80
        authority = _bracketed(self.name) + ("" if port == default else f":{port}")
        url = f"{scheme}://{authority}{path}"
        self.throttle()
        try:
            with (
                httpx.Client(verify=permissive(), timeout=self.timeout_s, trust_env=False) as client,
                client.stream(
                    "GET",
                    f"{scheme}://{_bracketed(self.host)}:{port}{path}",
                    headers={"Host": authority, "Accept": "*/*"},
                    extensions={"sni_hostname": self.name},
                ) as reply,
            ):
                headers = tuple((k.lower().decode("latin-1"), v.decode("latin-1")) for k, v in reply.headers.raw)
                stream = reply.extensions.get("network_stream")
                address = stream.get_extra_info("server_addr") if stream else None
                return Reply(without_query(url), reply.status_code, headers, address[0] if address else None)
        except httpx.TimeoutException as error:
            raise TimedOut(f"{url}: no answer within {self.timeout_s:g} s", remedy="find out why") from error
        except (httpx.ConnectError, httpx.ReadError, httpx.WriteError) as error:
            raise Unreachable(f"{url}: {error}", remedy="start the server or open the path to it") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Malformed(f"{url}: the answer is not HTTP: {error}", remedy="name a web server") from error


def fetch_chain(site: Site, path: str) -> tuple[list[Reply], str]:
    """The answers from `path` on, and where the last one points or lies.

    Redirects are followed only inside the same origin: another host or port is a system nobody named here.
    """
    replies = [site.get("https", site.port, path)]
    for _ in range(MAX_REDIRECTS):
        last = replies[-1]
        target = _target(last)
        if target is None:
            return replies, last.url
        parts = urlsplit(target)
        if (parts.scheme, parts.hostname, parts.port or 443) != ("https", site.name.lower(), site.port):
            return replies, without_query(target)
        replies.append(site.get("https", site.port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")))
    return replies, replies[-1].url


def fetch_plain(site: Site, port: int | None, path: str) -> Plain:
    """What plain HTTP does on `port`; nothing is known when no port is named."""
    if port is None:
        return Plain(note="not asked: no redirect port is configured")
    try:
        reply = site.get("http", port, path)
    except Unreachable as error:
        refused = isinstance(error.__cause__, httpx.ConnectError)
        return Plain(False, True, "closed") if refused else Plain(None, None, error.message)
    except SourceError as error:
        return Plain(None, None, error.message)
    target = _target(reply)
    return Plain(True, target is not None and urlsplit(target).scheme == "https", f"status {reply.status}")


def rows_http(
    url: str, host: str, exposure: Exposure | None, chain: Sequence[Reply], final_url: str, plain: Plain
) -> HttpEndpoint:
    """The row of one URL. Headers are those of the last answer from this site; cookies those of all of them."""
    last = chain[-1]
    hsts = _hsts(last.all("strict-transport-security"))
    return HttpEndpoint(
        url=url,
        host=host,
        exposure=exposure,
        status=last.status,
        final_url=final_url,
        http_port_open=plain.is_open,
        http_redirects_https=plain.redirects,
        hsts_max_age_s=hsts[0],
        hsts_subdomains=hsts[1],
        hsts_preload=hsts[2],
        content_security_policy=last.joined("content-security-policy"),
        x_content_type_options=last.joined("x-content-type-options"),
        x_frame_options=last.joined("x-frame-options"),
        referrer_policy=last.joined("referrer-policy"),
        permissions_policy=last.joined("permissions-policy"),
        cache_control=last.joined("cache-control"),
        server_header=last.joined("server"),
        insecure_cookies=insecure_cookies([v for reply in chain for v in reply.all("set-cookie")]),
        detail={
            "redirect_chain": [{"url": r.url, "status": r.status} for r in chain],
            "repeated_headers": sorted(n for n in _PROTECTIVE if len(last.all(n)) > 1),
            "plain_http": plain.note,
        },
    )


def rows_cached(url: str, reply: Reply, *, is_static: bool, is_personal: bool) -> CachedResponse:
    """The row of one path's cache headers (RFC 9111 §5.2)."""
    directives = _directives(reply.all("cache-control"))
    age = directives.get("max-age", directives.get("s-maxage", ""))
    return CachedResponse(
        url=url,
        is_static=is_static,
        is_personal=is_personal,
        status=reply.status,
        cache_control=reply.joined("cache-control"),
        max_age_s=int(age) if age.isdecimal() and age.isascii() else None,
        is_private="private" in directives or "no-store" in directives,
        immutable="immutable" in directives,
        sets_cookie=bool(reply.all("set-cookie")),
        etag=bool(reply.all("etag")),
        vary=reply.joined("vary"),
    )


def insecure_cookies(headers: Sequence[str]) -> list[str]:
    """Names of the cookies that lack Secure or HttpOnly. Values are never kept."""
    names = set()
    for header in headers:
        pair, *attributes = header.split(";")
        flags = {a.partition("=")[0].strip().lower() for a in attributes}
        if not {"secure", "httponly"} <= flags:
            names.add(pair.partition("=")[0].strip())
    return sorted(names)


def without_query(url: str) -> str:
    """`url` without user, query and fragment: those may carry tokens."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _hsts(values: Sequence[str]) -> tuple[int, bool, bool]:
    """RFC 6797 §8.1: only the first header counts; one without a valid max-age is no policy at all."""
    if not values:
        return 0, False, False
    directives = {}
    for part in values[0].split(";"):
        name, _, value = part.partition("=")
        directives[name.strip().lower()] = value.strip().strip('"')
    age = directives.get("max-age", "")
    if not re.fullmatch(r"[0-9]{1,15}", age):
        return 0, False, False
    return int(age), "includesubdomains" in directives, "preload" in directives


def _directives(values: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for part in ",".join(values).split(","):
        name, _, value = part.partition("=")
        found[name.strip().lower()] = value.strip().strip('"')
    return found


def _target(reply: Reply) -> str | None:
    if reply.status not in _REDIRECTS or not reply.all("location"):
        return None
    try:
        target = urljoin(reply.url, reply.all("location")[0])
        urlsplit(target).port  # noqa: B018  -- raises ValueError on a port that is none
    except ValueError as error:
        raise Malformed(f"{reply.url}: redirects to what is no URL", remedy="correct the redirect") from error
    return target


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
