"""What was seen and what was told, as evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from compliance.collectors.files import account
from compliance.collectors.gunicorn.configuration import Configuration
from compliance.collectors.gunicorn.family import Family
from compliance.collectors.gunicorn.proc import Process
from compliance.collectors.started import started_at, to_the_second
from compliance.schemas.errors import Absent
from compliance.schemas.kinds.processes import WorkerPool, WorkerProcess, WorkerSample
from compliance.schemas.kinds.web import AccessLog, ServiceStatus

COMPONENT = "gunicorn"
_OURS = re.compile(r"\bgunicorn\.workers\.(\w+)\.")
_ATOM = re.compile(r"%\((\w+|\{[^}]+\}[ioe])\)")
_FORWARDED = frozenset({"{x-forwarded-for}i", "{x-real-ip}i", "{forwarded}i"})
_SECRET = frozenset({"{authorization}i", "{cookie}i", "{set-cookie}o", "{x-api-key}i", "{http_cookie}e"})
_SETTINGS = (
    "workers",
    "worker_class",
    "threads",
    "timeout",
    "graceful_timeout",
    "max_requests",
    "bind",
    "accesslog",
    "statsd_host",
    "reload",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the process table."""

    at: datetime
    family: Family


@dataclass(frozen=True, slots=True)
class Told:
    """What the newest master was told, where its sockets are, and its control socket ('' for none, None unknown)."""

    configuration: Configuration
    listens_on: list[str]
    control_socket: str | None
    control_open: bool | None


def row_pool(instance: str, last: Reading, told: Told) -> WorkerPool:
    """The row about the pool as the last reading saw it."""
    made, family = told.configuration, last.family
    masters, workers = family.masters, family.workers
    starts = [_start(p) for p in workers]
    detail: dict[str, Any] = {
        "settings_from": {name: place for name in _SETTINGS if (place := made.value(name)[1]) is not None},
        "notes": made.notes,
        "workers_halted": family.halted,
    }
    if "workers_target" in made.master:
        detail["workers_target"] = made.master["workers_target"]
    return WorkerPool(
        component=COMPONENT,
        instance=instance,
        running=bool(masters),
        masters=len(masters),
        master_started_at=_start(masters[-1]) if masters else None,
        master_as_root=any(p.privileged for p in masters) if masters else None,
        workers_configured=made.number("workers"),
        workers_running=len(workers),
        workers_as_root=any(p.privileged for p in workers) if workers else None,
        oldest_worker_at=min(starts, default=None),
        youngest_worker_at=max(starts, default=None),
        account=" ".join(sorted({account(p.uid) for p in workers})) or None,
        worker_class=_worker_class(made),
        threads=made.number("threads"),
        timeout_s=made.number("timeout"),
        graceful_timeout_s=made.number("graceful_timeout"),
        max_requests=made.number("max_requests"),
        bind_configured=_addresses(made),
        listens_on=told.listens_on,
        access_log=_access_log(made),
        statsd=_is_set(made, "statsd_host"),
        reloads_on_change=_flag(made, "reload"),
        control_socket=told.control_socket,
        control_socket_open=told.control_open,
        config_path=made.path,
        config_changed=made.changed,
        detail=detail,
    )


def rows_processes(instance: str, last: Reading) -> list[WorkerProcess]:
    """One row per process."""
    named = [("master", p) for p in last.family.masters] + [("worker", p) for p in last.family.workers]
    return [
        WorkerProcess(
            component=COMPONENT,
            instance=instance,
            pid=process.pid,
            role=role,
            started_at=_start(process),
            account=account(process.uid),
            as_root=process.privileged,
        )
        for role, process in named
    ]


def rows_samples(instance: str, series: Sequence[Reading]) -> list[WorkerSample]:
    """One row per reading; a worker counts as replaced when its number and start were not there in the one before."""
    rows = []
    before: Reading | None = None
    for reading in series:
        new = None if before is None else len(_names(reading.family.workers) - _names(before.family.workers))
        rows.append(
            WorkerSample(
                component=COMPONENT,
                instance=instance,
                occurred_at=reading.at,
                masters=len(reading.family.masters),
                workers=len(reading.family.workers),
                workers_as_root=sum(p.privileged for p in reading.family.workers),
                replaced=new,
                interval_ms=None if before is None else int((reading.at - before.at).total_seconds() * 1000),
            )
        )
        before = reading
    return rows


def row_service(instance: str, last: Reading) -> ServiceStatus:
    """Whether it runs, and since when."""
    masters = last.family.masters
    return ServiceStatus(
        component=COMPONENT,
        instance=instance,
        product=COMPONENT,
        running=bool(masters),
        started_at=_start(masters[-1]) if masters else None,
    )


def _start(process: Process) -> datetime:
    return to_the_second(started_at(process.ticks))


def rows_access_logs(instance: str, made: Configuration) -> list[AccessLog]:
    """Where the server itself logs requests; none when it is certain that it does not.

    Behind a proxy on the same machine the peer's address is the proxy's, which says nothing of the client.
    Raises Absent when it is not certain.
    """
    logged = _access_log(made)
    if logged is None:
        raise Absent("where requests are logged cannot be told", remedy="see the notes of worker_pool")
    if not logged:
        return []
    text, log = made.text("access_log_format"), str(made.value("accesslog")[0])
    said: dict[str, Any] = {}
    if text is not None:
        atoms = {a.lower() if a.startswith("{") else a for a in _ATOM.findall(text)}
        near = instance.startswith(("unix:", "127.", "[::1]"))
        said = {
            "says_when": "t" in atoms,
            "says_from_where": bool(atoms & _FORWARDED) or ("h" in atoms and not near),
            "says_who": "u" in atoms,
            "says_what": "r" in atoms or {"m", "U"} <= atoms,
            "says_result": "s" in atoms,
            "sensitive": sorted(atoms & _SECRET),
        }
    named = "combined" if made.value("access_log_format")[1] == "default" else "own"
    return [
        AccessLog(
            server=instance,
            log=log,
            formats=[named],
            conditional=False,
            is_file=log != "-" and not log.startswith("/dev/"),
            in_force=True,
            **said,
        )
    ]


def _names(processes: Sequence[Process]) -> set[tuple[int, int]]:
    return {(p.pid, p.ticks) for p in processes}


def _worker_class(made: Configuration) -> str | None:
    name, threads = made.text("worker_class"), made.number("threads")
    if name is None:
        return None
    if ours := _OURS.search(name):
        name = ours[1].removeprefix("g") if ours[1] != "gthread" else ours[1]
    if name == "sync" and threads != 1:
        return "gthread" if threads else None  # gunicorn itself makes threaded workers of sync ones
    return name


def _addresses(made: Configuration) -> list[str] | None:
    value, _ = made.value("bind")
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(part) for part in value] if isinstance(value, list | tuple) else None


def _access_log(made: Configuration) -> bool | None:
    """Requests are logged: a file is named. None where a logging configuration or class of one's own decides."""
    if _is_set(made, "accesslog"):
        return True
    own = [_is_set(made, name) for name in ("logconfig", "logconfig_dict", "logconfig_json", "syslog")]
    plain = made.value("logger_class")[0] in ("gunicorn.glogging.Logger", "gunicorn.instrument.statsd.Statsd")
    return False if plain and _is_set(made, "accesslog") is False and not any(o is not False for o in own) else None


def _is_set(made: Configuration, name: str) -> bool | None:
    value, place = made.value(name)
    return None if place is None else bool(value)


def _flag(made: Configuration, name: str) -> bool | None:
    value, place = made.value(name)
    return value if place is not None and isinstance(value, bool) else None
