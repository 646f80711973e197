"""The nginx collector: settings, what it promises, and how its answers come together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from compliance.collectors.files import FileRead, changed_at
from compliance.collectors.host.machine import Machine
from compliance.collectors.host.system import asset_id
from compliance.collectors.nginx.accesslog import rows_access_logs, rows_log_stores
from compliance.collectors.nginx.admin import rows_admin_paths
from compliance.collectors.nginx.caching import rows_cache_rules
from compliance.collectors.nginx.config import Config, fetch_config
from compliance.collectors.nginx.errorlog import ErrorLogs, recent
from compliance.collectors.nginx.hosts import rows_virtual_hosts
from compliance.collectors.nginx.service import (
    fetch_build,
    fetch_process,
    fetch_status,
    rows_service,
    rows_status,
)
from compliance.collectors.nginx.upstreams import fetch_accepts, rows_links, rows_pools, rows_servers
from compliance.collectors.nginx.waf import fetch_policies, rows_waf
from compliance.schemas.errors import SourceError
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.host import ConfigFile, Exposure, LogStore
from compliance.schemas.kinds.network import InternalLink, WafPolicy
from compliance.schemas.kinds.web import (
    AccessLog,
    AdminPath,
    CacheRule,
    ServiceStatus,
    UpstreamPool,
    UpstreamServer,
    VirtualHost,
)
from compliance.schemas.messages import (
    Access,
    Cause,
    Complete,
    Context,
    Discovery,
    Found,
    Gap,
    LocalPath,
    Message,
    Record,
    Request,
    Settings,
)

_PROBE_LIMIT_S = 5.0  # a member that needs longer to accept a connection is not one that serves
_USUAL = ("etc/nginx/nginx.conf", "usr/local/nginx/conf/nginx.conf", "usr/local/etc/nginx/nginx.conf")
_PROCESSES = (Request("file", "/proc/*/{cmdline,stat}"),)
Rows = tuple[Sequence[Evidence], tuple[Request, ...]]


class NginxSettings(Settings):
    """Which nginx, and what may be asked of it besides its files."""

    config: LocalPath = Field(default=Path("/etc/nginx/nginx.conf"), description="Main configuration file.")
    status_url: str | None = Field(default=None, pattern=r"^https?://", description="A stub_status location.")
    probe_upstreams: bool = Field(default=True, description="Open a connection to each upstream member and close it.")
    admin_paths: list[str] = Field(
        default=[], description="Paths of administration that the applications behind it have, such as /admin/."
    )
    exposure: Exposure | None = Field(
        default=None, description="From where its sites are reached, where a tunnel or proxy before it hides that."
    )
    asset: str | None = Field(default=None, min_length=1, description="Name of the machine, as its host source has it.")
    failure_window_s: int = Field(
        default=600, ge=60, le=86400, description="Seconds of the error logs that are searched for failed requests."
    )
    nginx_binary: str | None = Field(default=None, description="For the version; default: nginx in the usual places.")


class Nginx:
    """Reads nginx's configuration files as nginx does, and whether it runs. It changes and reloads nothing."""

    name: ClassVar[str] = "nginx"
    title: ClassVar[str] = "nginx"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (
        VirtualHost,
        UpstreamPool,
        UpstreamServer,
        CacheRule,
        AdminPath,
        AccessLog,
        LogStore,
        WafPolicy,
        InternalLink,
        ConfigFile,
        ServiceStatus,
    )
    Settings: ClassVar[type[Settings]] = NginxSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """The first configuration in a usual place."""
        for place in _USUAL:
            path = ctx.root / place
            try:
                there = path.is_file()
            except OSError:  # a folder on the way may not be entered: nothing to propose
                continue
            if there:
                yield Found("nginx", {"config": str(path)}, f"{path} exists")
                return

    def check(self, ctx: Context[NginxSettings]) -> Iterator[Access]:
        """Reads what `collect` would read, without probing upstreams."""
        readers = _Reading(ctx, probe=False).readers()
        for kind in self.kinds:
            try:
                rows, _ = readers[kind.kind]()
            except SourceError as error:
                yield Access(kind.kind, False, error.message, error.remedy or "make it readable")
            else:
                yield Access(kind.kind, True, _readable(rows))

    def collect(self, ctx: Context[NginxSettings]) -> Iterator[Message]:
        """Each kind from the parsed configuration; one unreadable include makes all of them Gaps."""
        readers = _Reading(ctx, probe=ctx.settings.probe_upstreams).readers()
        for kind in self.kinds:
            if kind.kind not in ctx.wanted:
                continue
            try:
                rows, requests = readers[kind.kind]()
            except SourceError as error:
                yield Gap(kind.kind, Cause(error.cause), error.message, error.remedy or "make it readable")
                continue
            for row in rows:
                yield Record(row)
            yield Complete(kind.kind, requests)


class _Reading:
    """One look at a server. The process is looked at first: a reload after that makes its files newer than what it had
    read, and never older. The configuration is read once, or fails once for all that need it."""

    def __init__(self, ctx: Context[NginxSettings], *, probe: bool) -> None:
        self._ctx = ctx
        self._settings = ctx.settings
        self._probe = probe
        self._path = str(ctx.settings.config)
        self._build = fetch_build(ctx.settings.nginx_binary, ctx.timeout_s)
        self._process = fetch_process(self._path, self._build.default_config)
        self._loaded: Config | SourceError
        try:
            self._loaded = fetch_config(self._path)
        except SourceError as error:
            self._loaded = error

    def readers(self) -> dict[str, Callable[[], Rows]]:
        """Kind → what reads it."""
        declared, exposure = self._settings.admin_paths, self._settings.exposure
        return {
            VirtualHost.kind: self._judged(lambda c: rows_virtual_hosts(c, exposure)),
            UpstreamPool.kind: self._pools,
            UpstreamServer.kind: self._members,
            CacheRule.kind: self._judged(rows_cache_rules),
            AdminPath.kind: self._judged(lambda c: rows_admin_paths(c, declared, exposure)),
            AccessLog.kind: self._judged(lambda c: rows_access_logs(c, self._build.default_access_log)),
            LogStore.kind: self._logs,
            WafPolicy.kind: self._firewall,
            InternalLink.kind: self._links,
            ConfigFile.kind: lambda: ([f.row("nginx") for f in self._config().files], self._files()),
            ServiceStatus.kind: self._service,
        }

    def _config(self) -> Config:
        if isinstance(self._loaded, SourceError):
            raise self._loaded
        return self._loaded

    def _files(self) -> tuple[Request, ...]:
        return _requests(self._config().files)

    def _in_force(self, files: Sequence[FileRead] = ()) -> bool | None:
        """The running server has read the configuration, and `files` with it, since they last changed."""
        if self._process.loaded_at is None:
            return None
        return max([self._config().changed_at, *(changed_at(f.path) for f in files)]) < self._process.loaded_at

    def _judged(self, rows: Callable[[Config], Sequence[Evidence]]) -> Callable[[], Rows]:
        """What reads rows of the configuration that say whether it is in force."""
        return lambda: (_with(rows(self._config()), in_force=self._in_force()), (*self._files(), *_PROCESSES))

    def _links(self) -> Rows:
        found: Sequence[Evidence] = rows_links(self._config())
        if self._in_force() is not True:  # what the file says of a link is not what the link does
            found = _with(found, is_local=None, tls_enabled=None, tls_verified=None)
        return found, (*self._files(), *_PROCESSES)

    def _accepts(self, address: str) -> bool | None:
        self._ctx.throttle()
        return fetch_accepts(address, min(self._ctx.timeout_s, _PROBE_LIMIT_S))

    def _errors(self) -> ErrorLogs:
        return recent(self._ctx.clock(), self._settings.failure_window_s)

    def _members(self) -> Rows:
        errors = self._errors()
        rows = rows_servers(self._config(), self._accepts if self._probe else None, errors, self._build.default_log)
        connects = tuple(Request("handshake", f"connect {r.address}") for r in rows) if self._probe else ()
        return rows, (*self._files(), *errors.requests, *connects)

    def _pools(self) -> Rows:
        errors = self._errors()
        rows = _with(rows_pools(self._config(), errors, self._build.default_log), in_force=self._in_force())
        return rows, (*self._files(), *errors.requests, *_PROCESSES)

    def _logs(self) -> Rows:
        machine = Machine(timeout_s=self._ctx.timeout_s, throttle=self._ctx.throttle)
        asset = asset_id(machine, self._settings.asset)
        found = rows_log_stores(self._config(), machine, asset, self._build.default_access_log)
        return found, (*self._files(), *machine.requests)

    def _firewall(self) -> Rows:
        policies = fetch_policies(self._config())
        files = {f.path: f for f in self._config().files} | {f.path: f for p in policies for f in p.rules.files}
        found = _with(rows_waf(policies), in_force=self._in_force(tuple(files.values())))
        return found, (*_requests(tuple(files.values())), *_PROCESSES)

    def _service(self) -> Rows:
        settings = self._settings
        requests = [Request("command", f"{settings.nginx_binary or 'nginx'} -V"), *_PROCESSES]
        counters = None
        if settings.status_url:
            self._ctx.throttle()
            counters = rows_status(fetch_status(settings.status_url, self._ctx.timeout_s), settings.status_url)
            requests.append(Request("api", f"GET {settings.status_url.partition('?')[0]}"))
        known = None if isinstance(self._loaded, SourceError) else self._loaded
        if isinstance(self._loaded, SourceError) and counters is None and not self._process.running:
            raise self._loaded  # perhaps no nginx is here at all, which is not the same as a stopped one
        return [rows_service(self._path, known, self._build, self._process, counters)], tuple(requests)


_NEEDS = {
    "in_force": "the running server is not seen, or its workers did not start together",
    "failures_recent": "an error log is no file that this account may read, or the member has a name",
    "none_left_recent": "an error log is no file that this account may read",
}


def _readable(rows: Sequence[Evidence]) -> str:
    """What `check` says of a kind that can be read: which columns stay NULL for want of a right."""
    missing = [name for name in _NEEDS if any(getattr(row, name, True) is None for row in rows)]
    return "; ".join(["readable", *(f"{name} stays NULL: {_NEEDS[name]}" for name in missing)])


def _with(rows: Sequence[Evidence], **values: Any) -> list[Evidence]:
    """The rows with some columns set."""
    return [row.model_copy(update=values) for row in rows]


def _requests(files: Sequence[FileRead]) -> tuple[Request, ...]:
    return tuple(Request("file", f.path, f.sha256) for f in files)
