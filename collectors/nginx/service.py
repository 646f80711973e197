"""Whether nginx runs with a configuration, since when, and what its status page counts.

`nginx -t` is not used: it opens, and as root creates, log files and the pid file, and a collector writes nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from compliance.collectors.nginx.config import Config
from compliance.collectors.nginx.scope import Scope
from compliance.collectors.started import started_at, to_the_second
from compliance.schemas.errors import Absent, Denied, Malformed, TimedOut, Unreachable
from compliance.schemas.kinds.web import ServiceStatus

_VERSION = re.compile(r"nginx version: ([\w.\- ]+)/(\S+)")
_CONF_PATH = re.compile(r"--conf-path=(\S+)")
_LOG_PATH = re.compile(r"--error-log-path=(\S+)")
_ACCESS_PATH = re.compile(r"--http-log-path=(\S+)")
_STATUS = re.compile(
    r"Active connections:\s+(\d+)\s+server accepts handled requests\s+(\d+)\s+(\d+)\s+(\d+)\s+"
    r"Reading:\s+(\d+)\s+Writing:\s+(\d+)\s+Waiting:\s+(\d+)"
)
_MASTER, _WORKER = "nginx: master process", "nginx: worker process"
_TOGETHER = timedelta(seconds=5)
_DEFAULT_CONFIG = "/etc/nginx/nginx.conf"
_SBIN = "/usr/sbin:/usr/local/sbin:/usr/local/nginx/sbin"


@dataclass(frozen=True, slots=True)
class Build:
    """What the program says of itself."""

    product: str | None = None
    version: str | None = None
    default_config: str = _DEFAULT_CONFIG
    default_log: str | None = None  # where errors go while no directive says so
    default_access_log: str | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """A master process; `running` None where other accounts' processes are hidden from this one."""

    running: bool | None
    started_at: datetime | None = None
    loaded_at: datetime | None = None  # when it last read its configuration, by the start of its workers


def fetch_build(binary: str | None, timeout_s: float) -> Build:
    """Product and version from `nginx -V`; nothing where the program is not found or does not answer."""
    found = binary or shutil.which("nginx", path=os.environ.get("PATH", "") + ":" + _SBIN)
    if found is None:
        return Build()
    try:
        done = subprocess.run(  # noqa: S603  -- the configured or the installed program, fixed argument, no shell
            [found, "-V"], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Build()
    return rows_build(done.stderr.decode("utf-8", "replace"))


def rows_build(text: str) -> Build:
    """The output of `nginx -V`."""
    version, path, log = _VERSION.search(text), _CONF_PATH.search(text), _LOG_PATH.search(text)
    access = _ACCESS_PATH.search(text)
    return Build(
        product=version[1] if version else None,
        version=version[2] if version else None,
        default_config=path[1] if path else _DEFAULT_CONFIG,
        default_log=log[1] if log else None,
        default_access_log=access[1] if access else None,
    )


def fetch_process(config_path: str, default_config: str, proc: Path = Path("/proc")) -> Process:
    """The master process that was started with `config_path`, and when it last read its configuration."""
    if not (proc / "1/cmdline").exists():
        return Process(None)  # no such file system, or it hides other accounts' processes
    wanted = os.path.realpath(config_path)
    titles = _titles(proc)
    masters = [
        pid
        for pid, title in titles.items()
        if title.text.startswith(_MASTER) and os.path.realpath(config_of(title.text, default_config)) == wanted
    ]
    if any(titles[pid].nested for pid in masters):
        return Process(None)  # of a container, whose files of that path may be others
    if not masters:
        return Process(False)
    newest = max(masters, key=lambda pid: titles[pid].started_at)
    workers = [t.started_at for t in titles.values() if t.parent == newest and t.is_current_worker]
    loaded = _loaded(workers, titles[newest].started_at)
    return Process(True, titles[newest].started_at, loaded if len(masters) == 1 else None)


@dataclass(frozen=True, slots=True)
class _Title:
    """One process of nginx's, by the title it gives itself."""

    text: str
    parent: int
    started_at: datetime
    nested: bool  # it has a number in another space of process numbers, too: it runs in a container

    @property
    def is_current_worker(self) -> bool:
        """It works by the configuration that was last read; those of earlier ones say that they are shutting down."""
        return self.text.startswith(_WORKER) and "shutting down" not in self.text


def _titles(proc: Path) -> dict[int, _Title]:
    found: dict[int, _Title] = {}
    for folder in proc.glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes().rstrip(b"\0").decode("utf-8", "replace")
            if not title.startswith("nginx: "):
                continue
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            numbers = re.search(r"^NSpid:(.*)$", (folder / "status").read_text(), re.MULTILINE)
            nested = numbers is not None and len(numbers[1].split()) > 1
            started = started_at(int(fields[19]))  # proc(5) stat, field 22; its parent is field 4
            found[int(folder.name)] = _Title(title, int(fields[1]), started, nested)
        except (OSError, IndexError):
            continue  # it ended while we looked
    return found


def _loaded(starts: Sequence[datetime], master: datetime) -> datetime | None:
    """When the workers started, which a reload replaces all at once. None when they did not start together: the one
    that ended early was replaced without reading anything anew. So may a single one have been, unless it is as old as
    its master."""
    if not starts or max(starts) - min(starts) > _TOGETHER:
        return None
    if len(starts) == 1 and starts[0] - master > _TOGETHER:
        return None
    return min(starts)


def config_of(title: str, default_config: str) -> str:
    """The configuration in a master's title (`nginx: master process nginx -c /a/b.conf -p /a`)."""
    words = title.replace("\0", " ").split()
    options = {words[i]: words[i + 1] for i in range(len(words) - 1) if words[i] in ("-c", "-p")}
    path = options.get("-c", default_config)
    return path if os.path.isabs(path) else os.path.join(options.get("-p", os.path.dirname(default_config)), path)


def fetch_status(url: str, timeout_s: float) -> str:
    """The text of the status page. Raises SourceError naming the URL."""
    try:
        reply = httpx.get(url, timeout=timeout_s, trust_env=False)
    except httpx.TimeoutException as error:
        raise TimedOut(
            f"{url}: no answer within {timeout_s:g} s", remedy="find out why nginx does not answer"
        ) from error
    except (httpx.ConnectError, httpx.ReadError, httpx.WriteError) as error:
        raise Unreachable(f"{url}: {error}", remedy="start nginx or correct status_url") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Malformed(f"{url}: the answer is not HTTP: {error}", remedy="correct status_url") from error
    if reply.status_code in (401, 403):
        raise Denied(f"{url}: status {reply.status_code}", remedy="allow this machine's address in that location")
    if reply.status_code == 404:
        raise Absent(f"{url}: status 404", remedy="add a location with stub_status, or correct status_url")
    if reply.status_code != 200:
        raise Malformed(f"{url}: status {reply.status_code}", remedy="correct status_url")
    return reply.text


def rows_status(text: str, url: str) -> Mapping[str, int]:
    """The counters of a status page; raises Malformed when it is none."""
    found = _STATUS.search(text)
    if found is None:
        raise Malformed(f"{url} is no stub_status page", remedy="point status_url at a location with stub_status")
    names = ("active", "accepted", "handled", "requests", "reading", "writing", "waiting")
    return dict(zip(names, map(int, found.groups()), strict=True))


def rows_service(
    config_path: str, config: Config | None, build: Build, process: Process, counters: Mapping[str, int] | None
) -> ServiceStatus:
    """The row. `config_ok` stays NULL: only nginx itself could say it, and asking it would write files."""
    return ServiceStatus(
        component="nginx",
        instance=config_path,
        product=build.product,
        version=build.version,
        running=True if counters is not None else process.running,
        started_at=to_the_second(process.started_at) if process.started_at else None,
        connections=counters["active"] if counters else None,
        connections_max=_connections_max(config) if config else None,
        config_ok=None,
        config_loaded_at=to_the_second(process.loaded_at) if process.loaded_at else None,
        detail={"status_page": dict(counters)} if counters else None,
    )


def _connections_max(config: Config) -> int | None:
    main = Scope(config.main)
    workers = main.value("worker_processes") or "1"
    each = next((Scope(b).value("worker_connections") for b in config.main.inner("events")), None) or "512"
    return int(workers) * int(each) if workers.isdecimal() and each.isdecimal() else None
