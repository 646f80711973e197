"""Which requests are logged where, what each line says, and how long the files are kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from compliance.collectors.host.disks import rows_mount
from compliance.collectors.host.logs import families, fetch_rotation, row_log
from compliance.collectors.host.machine import Machine
from compliance.collectors.nginx.config import Config, Directive
from compliance.collectors.nginx.scope import Scope, has_variable, host_of, only_returns, servers
from compliance.schemas.kinds.host import LogStore
from compliance.schemas.kinds.web import AccessLog

_COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
_VARIABLE = re.compile(r"\$\{?(\w+)")
_WHEN = frozenset({"time_local", "time_iso8601", "msec"})
_FROM = frozenset(
    {"remote_addr", "realip_remote_addr", "http_x_forwarded_for", "http_x_real_ip", "proxy_protocol_addr"}
)
_WHO = re.compile(r"(\w*user(_?(name|id))?|ssl_client_\w+|jwt_claim_\w+|jwt_header_\w+)\Z")
_NOT_WHO = frozenset({"http_user_agent"})
_SECRET = re.compile(
    r"(http_(authorization|cookie|x_api_key|x_csrf_?token)|cookie_\w+|request_body|sent_http_set_cookie)\Z"
)


@dataclass(slots=True)
class _Use:
    """One destination with everything that writes to it."""

    formats: set[str] = field(default_factory=set)
    conditional: bool = False
    hosts: set[str] = field(default_factory=set)


def rows_access_logs(config: Config, default: str | None) -> list[AccessLog]:
    """One row per destination that requests are logged to. `default` is that of a server without any `access_log`."""
    formats = {"combined": _COMBINED} | {
        d.args[0]: "".join(a for a in d.args[1:] if not a.startswith("escape="))
        for http in config.blocks("http")
        for d in http.inner("log_format")
        if d.args
    }
    return [_row(config, log, use, formats) for log, use in _uses(config, default).items()]


def rows_log_stores(config: Config, machine: Machine, asset: str, default: str | None) -> list[LogStore]:
    """One row per file that requests or errors are logged to, with its older generations and its rotation. Of a file
    whose place only the running server knows (a relative path, a variable) nothing but its name is told.

    Raises Denied when a log or its folder may not be read: how far back it reaches is then not known.
    """
    classes = {log: "access" for log in _uses(config, default) if _is_file(log)}
    for path in _error_files(config):
        classes.setdefault(path, "application")
    rules = fetch_rotation(machine)
    mounts = {mount.mount_point: mount.filesystem for mount in rows_mount(machine.read("/proc/self/mountinfo"))}
    rows = []
    for log, log_class in classes.items():
        folder = os.path.dirname(log)
        found = families([f"{folder}/{name}" for name in machine.names(folder)]).get(log, [])
        lasting = _below(mounts, folder) not in ("tmpfs", "ramfs")
        row = row_log(machine, asset, log, found, rules, lasting)
        rows.append(row.model_copy(update={"log_class": log_class}))
    unplaced = [log for log in _uses(config, default) if _is_unplaced(log)]
    return rows + [LogStore(asset=asset, log=log, log_class="access") for log in unplaced]


def _uses(config: Config, default: str | None) -> dict[str, _Use]:
    found: dict[str, _Use] = {}
    for server in servers(config):
        if only_returns(server):
            scopes = [server]
        else:
            scopes = [server, *(s for s in server.nested() if s.own("access_log"))]
        for scope in scopes:
            for log, name, conditional in _directives(scope.nearest("access_log"), default):
                use = found.setdefault(log, _Use())
                use.formats.add(name)
                use.conditional |= conditional
                use.hosts.add(host_of(server))
    return found


def _directives(directives: list[Directive], default: str | None) -> Iterator[tuple[str, str, bool]]:
    """Destination, name of the format, and whether a condition decides."""
    if not directives and default is not None:
        yield default, "combined", False
    for directive in directives:
        if directive.args and directive.args[0] not in ("off", "/dev/null"):
            options = directive.args[1:]
            named = options[0] if options and "=" not in options[0] else "combined"
            yield directive.args[0].partition(",")[0], named, any(o.startswith("if=") for o in options)


def _row(config: Config, log: str, use: _Use, formats: Mapping[str, str]) -> AccessLog:
    texts = [formats.get(name) for name in sorted(use.formats)]
    told = None if None in texts else [set(_VARIABLE.findall(text or "")) for text in texts]
    return AccessLog(
        server=config.path,
        log=log,
        hosts=sorted(use.hosts),
        formats=sorted(use.formats),
        conditional=use.conditional,
        is_file=_is_file(log),
        says_when=None if told is None else all(names & _WHEN for names in told),
        says_from_where=None if told is None else all(names & _FROM for names in told),
        says_who=None if told is None else all(any(_is_who(n) for n in names) for names in told),
        says_what=None if told is None else all(_is_what(names) for names in told),
        says_result=None if told is None else all("status" in names for names in told),
        sensitive=None if told is None else sorted({n for names in told for n in names if _SECRET.match(n)}),
    )


def _is_what(names: set[str]) -> bool:
    return "request" in names or ("request_method" in names and bool(names & {"request_uri", "uri", "document_uri"}))


def _is_who(name: str) -> bool:
    return bool(_WHO.match(name)) and name not in _NOT_WHO


def _is_file(log: str) -> bool:
    return log.startswith("/") and not log.startswith("/dev/") and not has_variable(log)


def _is_unplaced(log: str) -> bool:
    return not log.startswith(("/dev/", "syslog:", "memory:")) and (not log.startswith("/") or has_variable(log))


def _error_files(config: Config) -> Iterator[str]:
    main = Scope(config.main)
    for scope in (main, *servers(config)):
        for directive in scope.nearest("error_log"):
            if directive.args and _is_file(directive.args[0]):
                yield directive.args[0]


def _below(mounts: Mapping[str, str], folder: str) -> str:
    while folder not in mounts and folder != "/":
        folder = os.path.dirname(folder)
    return mounts.get(folder, "")
