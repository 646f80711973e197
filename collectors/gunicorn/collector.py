"""The collector: several readings of the process table, and what the master was told."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from compliance.collectors.files import FileRead, fetch_content, fetch_file
from compliance.collectors.gunicorn import rows
from compliance.collectors.gunicorn.configfile import rows_settings
from compliance.collectors.gunicorn.configuration import Configuration, fetch_configuration
from compliance.collectors.gunicorn.control import QUESTIONS, fetch_answers
from compliance.collectors.gunicorn.discovery import discover
from compliance.collectors.gunicorn.family import Family, fetch_family
from compliance.collectors.gunicorn.proc import Process, fetch_addresses, fetch_unix
from compliance.collectors.gunicorn.rows import Reading, Told
from compliance.collectors.gunicorn.settings import GunicornSettings, address
from compliance.schemas.errors import Absent, Malformed, SourceError
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.host import ConfigFile
from compliance.schemas.kinds.processes import WorkerPool, WorkerProcess, WorkerSample
from compliance.schemas.kinds.web import AccessLog, ServiceStatus
from compliance.schemas.messages import (
    Access,
    Cause,
    Complete,
    Context,
    Discovery,
    Found,
    Gap,
    Message,
    Record,
    Request,
    Settings,
)

_TABLES = (
    Request("file", "/proc/net/tcp"),
    Request("file", "/proc/net/tcp6"),
    Request("file", "/proc/net/unix"),
    Request("file", "/proc/*/{stat,status,cmdline,exe,fd/*,task/*/children}"),
)


class Gunicorn:
    """Reads one gunicorn on this machine: its processes, and the settings they were started with. It sends it nothing
    but two questions over its control socket."""

    name: ClassVar[str] = "gunicorn"
    title: ClassVar[str] = "gunicorn application server"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (
        WorkerPool,
        WorkerProcess,
        WorkerSample,
        AccessLog,
        ConfigFile,
        ServiceStatus,
    )
    Settings: ClassVar[type[Settings]] = GunicornSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """Masters on this machine that this account may look into."""
        return discover(ctx.root / "proc")

    def check(self, ctx: Context[GunicornSettings]) -> Iterator[Access]:
        """One reading of everything: readable or not, and what stays NULL."""
        for message, notes in _read_all(ctx, 1):
            if isinstance(message, Gap):
                yield Access(message.kind, False, message.message, message.remedy)
            elif isinstance(message, Complete):
                yield Access(message.kind, True, "; ".join(notes) or "readable")

    def collect(self, ctx: Context[GunicornSettings]) -> Iterator[Message]:
        """Records of the wanted kinds, each kind closed by one Complete or Gap."""
        for message, _ in _read_all(ctx, ctx.settings.samples if WorkerSample.kind in ctx.wanted else 1):
            yield message


def _read_all(ctx: Context[GunicornSettings], samples: int) -> Iterator[tuple[Message, Sequence[str]]]:
    wanted = [kind.kind for kind in Gunicorn.kinds if kind.kind in ctx.wanted]
    try:
        series = _series(ctx, samples)
        instance = _Instance(ctx, series)
    except SourceError as error:
        for kind in wanted:
            yield _gap(kind, error), ()
        return
    for kind in wanted:
        try:
            found, requests, cursor = instance.read[kind]()
        except SourceError as error:
            yield _gap(kind, error), ()
            continue
        for row in found:
            yield Record(row, row.occurred_at if isinstance(row, WorkerSample) else None), ()
        notes = instance.told.configuration.notes if kind == WorkerPool.kind else ()
        yield Complete(kind, requests, cursor=cursor), notes


Read = tuple[Sequence[Evidence], tuple[Request, ...], str | None]


class _Instance:
    """One gunicorn as one collection sees it, and what reads each kind of it. Raises SourceError when nothing shows
    that a gunicorn belongs to the address."""

    def __init__(self, ctx: Context[GunicornSettings], series: Sequence[Reading]) -> None:
        self.ctx = ctx
        self.series = series
        self.last = series[-1]
        self.files: dict[str, FileRead] = {}
        self.requests: list[Request] = [*_TABLES]
        self.told = self._told()
        name = ctx.settings.bind
        self.read: Mapping[str, Callable[[], Read]] = {
            WorkerPool.kind: lambda: ([rows.row_pool(name, self.last, self.told)], self._asked(), None),
            WorkerProcess.kind: lambda: (rows.rows_processes(name, self.last), _TABLES, None),
            WorkerSample.kind: lambda: (rows.rows_samples(name, series), _TABLES, self.last.at.isoformat()),
            AccessLog.kind: lambda: (rows.rows_access_logs(name, self.told.configuration), self._asked(), None),
            ConfigFile.kind: self._config_file,
            ServiceStatus.kind: lambda: ([rows.row_service(name, self.last)], _TABLES, None),
        }

    @property
    def _named(self) -> str | None:
        """The configuration file that the settings name."""
        config = self.ctx.settings.config
        return None if config is None else str(config)

    def _told(self) -> Told:
        settings, named = self.ctx.settings, self._named
        if not any(reading.family.masters for reading in self.series):
            return Told(self._stopped(), [], "", False)
        if not self.last.family.masters:  # it stopped while we looked
            return Told(Configuration(path=named), [], "", False)
        family = self.last.family
        master = family.masters[-1]
        made = fetch_configuration(master, named, self._text)
        self.requests.append(Request("file", f"/proc/{master.pid}/{{cwd,environ,ns/mnt}}"))
        path = _control_socket(family, master)
        if path and settings.ask_master:
            made.master = self._ask(path, master, made)
        mode = _mode(path) if path else None
        usable = None if mode is None else bool(mode & (stat.S_IWGRP | stat.S_IWOTH))
        listens = [text for text in fetch_addresses(master.sockets) if text != f"unix:{path}"]
        return Told(made, listens, path, usable if path else False)

    def _ask(self, path: str, master: Process, made: Configuration) -> Mapping[str, Any]:
        self.ctx.throttle()
        self.requests += [Request("api", f"unix:{path} {question}") for question in QUESTIONS]
        try:
            answers = fetch_answers(path, master.pid, self.ctx.timeout_s)
        except SourceError as error:
            made.notes.append(f"the master was not asked: {error.message}")
            return {}
        config, stats = (answers[question] for question in QUESTIONS)
        kept = ("bind", "workers", "worker_class", "threads", "timeout", "graceful_timeout", "max_requests", "reload")
        return {name: config[name] for name in kept if name in config} | {"workers_target": stats.get("workers_target")}

    def _stopped(self) -> Configuration:
        """The configuration of a gunicorn that is not running. Only its file shows that there should be one."""
        settings, named = self.ctx.settings, self._named
        if named is None:
            raise Absent(
                f"nothing listens on {settings.bind}: perhaps gunicorn is stopped, perhaps it is elsewhere",
                remedy="start it, correct `bind`, or name its file with `config` so that a stopped one is known",
            )
        found, _ = rows_settings(self._text(named), named)
        said = found.get("bind")
        told = [said] if isinstance(said, str) else list(said) if isinstance(said, list | tuple) else []
        if settings.bind not in {_normal(one) for one in ",".join(map(str, told)).split(",")}:
            raise Malformed(
                f"nothing listens on {settings.bind}, and {named} does not say that something should",
                remedy="correct `bind`, or name the file that binds this address",
            )
        return Configuration(path=named)

    def _config_file(self) -> Read:
        path = self.told.configuration.path
        if path is None:
            raise Absent("which file gunicorn was started with cannot be told", remedy="name it with `config`")
        files = [self.files.get(path) or fetch_file(path)] if path else []
        return [f.row(rows.COMPONENT) for f in files], self._asked(), None

    def _text(self, path: str) -> str:
        self.files[path], content = fetch_content(path)
        return content.decode("utf-8", "replace")

    def _asked(self) -> tuple[Request, ...]:
        return (*self.requests, *(Request("file", f.path, f.sha256) for f in self.files.values()))


def _series(ctx: Context[GunicornSettings], samples: int) -> list[Reading]:
    series: list[Reading] = []
    while len(series) < samples:
        if series and ctx.stop.wait(ctx.settings.interval_s):
            break
        ctx.throttle()
        series.append(Reading(ctx.clock(), fetch_family(ctx.settings.bind)))
    return series


def _control_socket(family: Family, master: Process) -> str | None:
    """Path of the Unix socket that the master alone listens on; '' for none."""
    shared = {inode for worker in family.workers for inode in worker.sockets}
    paths = [path for inode, path in fetch_unix().items() if inode in master.sockets - shared]
    paths = [path for path in paths if f"unix:{path}" not in family.listeners]
    return paths[0] if len(paths) == 1 else (None if paths else "")


def _mode(path: str) -> int | None:
    try:
        return os.stat(Path(path)).st_mode
    except OSError:
        return None


def _normal(text: str) -> str:
    try:
        return address(text.strip())
    except ValueError:
        return text


def _gap(kind: str, error: SourceError) -> Gap:
    return Gap(kind, Cause(error.cause), error.message, error.remedy or "see the log of gunicorn", _TABLES)
