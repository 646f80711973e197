"""Where requests are sent on to: pools, their members, and the links between nginx and them."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from compliance.collectors.nginx.config import Config, Directive
from compliance.collectors.nginx.errorlog import ErrorLogs, Failure, error_logs
from compliance.collectors.nginx.scope import Scope, has_variable, servers
from compliance.schemas.kinds.network import InternalLink
from compliance.schemas.kinds.web import UpstreamPool, UpstreamServer

PASSES = ("proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass")
_TLS_SCHEMES = ("https", "grpcs", "suwsgi")
_METHODS = ("least_conn", "ip_hash", "hash", "random", "least_time")
_URI_VARIABLES = re.compile(r"(\$\{?(request_uri|uri|document_uri|is_args|args)\}?)+\Z")

Probe = Callable[[str], bool | None]


@dataclass(frozen=True, slots=True)
class Pass:
    """One directive that sends requests on. `target` is a pool's name or an address, or as written with variables."""

    target: str
    tls: bool | None  # None when the scheme is part of a variable
    verified: bool | None
    protocols: str | None
    where: str
    logs: tuple[str, ...] | None  # files that failed requests are written to; None when that is not known
    stream: bool = False

    @property
    def undecided(self) -> bool:
        """The target is only known when a request comes."""
        return has_variable(self.target)


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as declared, or a single address that requests are sent to directly (`members` is None: unknown)."""

    name: str
    method: str | None
    members: tuple[tuple[str, tuple[str, ...]], ...] | None  # address, parameters
    file: str
    line: int
    passes: tuple[Pass, ...]


def pools(config: Config, default_log: str | None = None) -> list[Pool]:
    """Every declared pool, used or not, then every direct target. Pools of `stream` are called `stream/NAME`.

    `default_log` is where the server writes while no `error_log` applies.
    """
    used = list(_passes(config, default_log))
    found: list[Pool] = []
    names: set[str] = set()
    for outer in ("http", "stream"):
        for block in config.blocks(outer, "upstream"):
            name = _pool_name(block.args[0] if block.args else "", outer == "stream")
            names.add(name)
            found.append(
                Pool(
                    name=name,
                    method=next((d.name for d in block.inner(*_METHODS)), "round_robin"),
                    members=tuple((_member(d.args[0]), d.args[1:]) for d in block.inner("server") if d.args),
                    file=block.file,
                    line=block.line,
                    passes=tuple(p for p in used if _pool_name(p.target, p.stream) == name),
                )
            )
    for direct in (p for p in used if _pool_name(p.target, p.stream) not in names):
        file, _, line = direct.where.rpartition(":")
        address = direct.target if direct.undecided else _direct(direct.target, bool(direct.tls))
        members = None if direct.undecided else ((address, ()),)
        found.append(Pool(address, None, members, file, int(line), (direct,)))
    return _merged(found)


def rows_pools(config: Config, errors: ErrorLogs | None = None, default_log: str | None = None) -> list[UpstreamPool]:
    """One row per pool. While some target is a variable, a pool that nothing names may yet be in use."""
    found = pools(config, default_log)
    undecided = any(p.undecided for pool in found for p in pool.passes)
    return [
        UpstreamPool(
            server=config.path,
            pool=pool.name,
            method=pool.method,
            members=None if pool.members is None else len(pool.members),
            in_use=True if pool.passes else (None if undecided else False),
            tls=_same([p.tls for p in pool.passes]),
            tls_verified=_all([p.verified for p in pool.passes]) if pool.passes else None,
            none_left_recent=_count(_failures(pool, errors), pool.name, none_left=True),
            file=pool.file,
            line=pool.line,
        )
        for pool in found
    ]


def rows_servers(
    config: Config, probe: Probe | None, errors: ErrorLogs | None = None, default_log: str | None = None
) -> list[UpstreamServer]:
    """One row per member of every pool, probed with `probe` and looked for in `errors` where they are given."""
    rows = []
    answers: dict[str, bool | None] = {}
    for pool in pools(config, default_log):
        seen: dict[str, int] = {}
        failures = _failures(pool, errors)
        for address, parameters in pool.members or ():
            seen[address] = seen.get(address, 0) + 1
            if probe is not None and address not in answers:
                answers[address] = probe(address)
            healthy = answers.get(address)
            rows.append(
                UpstreamServer(
                    server=config.path,
                    pool=pool.name,
                    address=address if seen[address] == 1 else f"{address} ({seen[address]})",
                    weight=_number(parameters, "weight", 1),
                    is_backup="backup" in parameters,
                    is_drained="down" in parameters,
                    max_fails=_number(parameters, "max_fails", 1),
                    healthy=healthy,
                    health_source=None if healthy is None else "probe",
                    failures_recent=_count(failures, address) if _by_number(address) else None,
                )
            )
    return rows


def _failures(pool: Pool, errors: ErrorLogs | None) -> list[Failure] | None:
    """Failed requests of the pool's uses; None when one use writes them to no file that can be read."""
    if errors is None or not pool.passes or any(p.logs is None for p in pool.passes):
        return None
    return errors.failures(sorted({log for p in pool.passes for log in p.logs or ()}))


def _count(failures: list[Failure] | None, member: str, *, none_left: bool = False) -> int | None:
    name = member.removeprefix("stream/")
    return None if failures is None else sum(f.member == name and f.none_left is none_left for f in failures)


def _by_number(address: str) -> bool:
    """The log names a member by its number, so one configured by name cannot be found in it."""
    try:
        ipaddress.ip_address(address.rpartition(":")[0].strip("[]"))
    except ValueError:
        return address.startswith("unix:")
    return True


def rows_links(config: Config) -> list[InternalLink]:
    """One row per address that requests are sent to; the weakest of several ways to it counts."""
    links: dict[str, list[Pass]] = {}
    for pool in pools(config):
        targets = [pool.name] if pool.members is None else [address for address, _ in pool.members]
        for target in targets:
            if pool.passes:
                links.setdefault(target, []).extend(pool.passes)
    return [
        InternalLink(
            source_component="nginx",
            target_component=target,
            is_local=is_local(target),
            tls_enabled=_all([p.tls for p in passes]),
            tls_verified=_all([p.verified for p in passes]),
            detail={
                "configured_at": sorted({p.where for p in passes}),
                "protocols_allowed": sorted({p.protocols for p in passes if p.protocols}),
            },
        )
        for target, passes in links.items()
    ]


def fetch_accepts(address: str, timeout_s: float) -> bool | None:
    """Whether `address` accepts a connection now; None when that cannot be asked from here.

    Host names are not resolved: nginx did so when it started, perhaps with another answer.
    """
    try:
        if address.startswith("unix:"):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(timeout_s)
                sock.connect(address.removeprefix("unix:"))
            return True
        host, _, port = address.rpartition(":")
        hosts = ["127.0.0.1", "::1"] if host == "localhost" else [str(ipaddress.ip_address(host.strip("[]")))]
    except ValueError:
        return None
    except OSError as error:
        return None if error.errno in (errno.EACCES, errno.EPERM) else False
    return any(_connects(one, int(port), timeout_s) for one in hosts)


def is_local(address: str) -> bool | None:
    """Never leaves the machine; None for a host name, whose address is not known here."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return None


def _connects(host: str, port: int, timeout_s: float) -> bool:
    try:
        socket.create_connection((host, port), timeout=timeout_s).close()
    except OSError:
        return False
    return True


def _passes(config: Config, default_log: str | None) -> Iterator[Pass]:
    for server in servers(config):
        for scope in (server, *server.nested()):
            for directive in scope.own(*PASSES):
                if directive.args:
                    yield _pass(scope, directive, default_log)
    main = Scope(config.main)
    for stream in config.main.inner("stream"):
        for block in stream.inner("server"):
            scope = Scope(block, Scope(stream, main))
            for directive in scope.own("proxy_pass"):
                tls = scope.flag("proxy_ssl", False) is True
                verified = tls and scope.flag("proxy_ssl_verify", False) is True
                logs = error_logs(scope, default_log)
                yield Pass(directive.args[0], tls, verified, None, directive.where, logs, stream=True)


def _pass(scope: Scope, directive: Directive, default_log: str | None) -> Pass:
    text = directive.args[0]
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text
    if rest.startswith("unix:"):
        target = "unix:" + rest.removeprefix("unix:").partition(":")[0]
    else:
        target = _URI_VARIABLES.sub("", rest.partition("/")[0])
    family = directive.name.removesuffix("_pass")
    scheme_known = bool(separator) or family in ("fastcgi", "scgi", "memcached") or not has_variable(text)
    tls = scheme in _TLS_SCHEMES if scheme_known else None
    verified = tls and scope.flag(f"{family}_ssl_verify", False) is True
    protocols = scope.nearest(f"{family}_ssl_protocols")
    return Pass(
        target,
        tls,
        verified,
        " ".join(protocols[-1].args) if protocols else None,
        directive.where,
        error_logs(scope, default_log),
    )


def _merged(found: Sequence[Pool]) -> list[Pool]:
    """Two spellings of one address (`10.0.0.1`, `10.0.0.1:80`) are one pool."""
    merged: dict[str, Pool] = {}
    for pool in found:
        first = merged.get(pool.name)
        merged[pool.name] = (
            pool
            if first is None
            else Pool(first.name, first.method, first.members, first.file, first.line, first.passes + pool.passes)
        )
    return list(merged.values())


def _pool_name(target: str, stream: bool) -> str:
    return f"stream/{target}" if stream else target


def _member(text: str) -> str:
    return _direct(text, False)


def _direct(text: str, tls: bool) -> str:
    if text.startswith("unix:") or re.search(r":\d+\Z", text):
        return text
    return f"{text}:{443 if tls else 80}"


def _number(parameters: tuple[str, ...], name: str, default: int) -> int | None:
    value = next((p.partition("=")[2] for p in parameters if p.startswith(f"{name}=")), None)
    if value is None:
        return default
    return int(value) if value.isdecimal() else None


def _same(values: Sequence[bool | None]) -> bool | None:
    return values[0] if values and len(set(values)) == 1 else None


def _all(values: Sequence[bool | None]) -> bool | None:
    """False when one is, else None when one is not known."""
    if False in values:
        return False
    return None if None in values else True
