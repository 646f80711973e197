"""Which processes are a gunicorn: by what they hold open, not by what they are called.

A master and its workers hold the listening socket, and for each worker a heartbeat file that the master made: an
unlinked `wgunicorn-…` (gunicorn/workers/workertmp.py, in every release). Master and worker hold one such file
together, and the worker is the master's child. So a program that only calls itself gunicorn is none, the processes
that an application starts are no workers, and a worker whose master died is not counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCHLD, SIGHUP, SIGTTIN, SIGTTOU

from compliance.collectors.gunicorn.proc import (
    HALTED,
    REMEDY,
    Process,
    Table,
    children,
    fetch_listeners,
    fetch_table,
    hidden,
)
from compliance.schemas.errors import Denied, Malformed

_HEARTBEAT = re.compile(r"/wgunicorn-[^/]+\Z")
_PYTHON = re.compile(r"(python|pypy)[\d.]*\Z")
_TITLE = "gunicorn: master"
# A master handles these (gunicorn/arbiter.py); its workers take the first two back (gunicorn/workers/base.py).
_HANDLED = sum(1 << (number - 1) for number in (SIGHUP, SIGCHLD, SIGTTIN, SIGTTOU))
_SCRIPTS = ("gunicorn", "gunicorn3")


@dataclass(frozen=True, slots=True)
class Family:
    """Masters, oldest first, and their workers. `listeners` are the addresses held; none when nothing listens."""

    masters: tuple[Process, ...]
    workers: tuple[Process, ...]
    halted: int  # workers stopped by a signal: alive, serving nobody, not among `workers`
    listeners: tuple[str, ...]


def fetch_family(address: str, proc: Path = Path("/proc")) -> Family:
    """The gunicorn that takes connections for `address`; without masters when nothing listens there.

    Raises:
        Denied: something listens, and the process that does, or one of its children, may not be looked into.
        Malformed: what listens there is no gunicorn.
    """
    inodes = fetch_listeners(address, proc)
    if not inodes:
        return Family((), (), 0, ())
    table = fetch_table(proc)
    masters, workers = rows_family(table, frozenset(inodes))
    if not masters:
        _refuse(address, table, frozenset(inodes))
    for master in masters:
        known = children(master.pid, proc) or set()
        unseen = {pid for pid, parent in table.closed.items() if parent == master.pid or pid in known}
        unseen |= {pid for pid in known - table.processes.keys() if hidden(pid, proc)}
        if unseen:
            raise Denied(
                f"{len(unseen)} of the processes that gunicorn's master {master.pid} started may not be looked into",
                remedy=REMEDY,
            )
    serving = tuple(p for p in workers if p.state not in HALTED)
    return Family(masters, serving, len(workers) - len(serving), tuple(sorted(set(inodes.values()))))


def rows_family(table: Table, inodes: frozenset[int]) -> tuple[tuple[Process, ...], tuple[Process, ...]]:
    """Masters and workers among the processes that hold one of the listening sockets, each oldest first."""
    holders = {pid: p for pid, p in table.processes.items() if p.sockets & inodes}
    masters: dict[int, Process] = {}
    workers: dict[int, Process] = {}
    for heartbeat in sorted({file for p in holders.values() for file in p.files if is_heartbeat(file)}):
        sharing = {pid: p for pid, p in holders.items() if heartbeat in p.files}
        for top in (p for p in sharing.values() if p.parent not in sharing):
            below = sorted((p for p in sharing.values() if p.parent == top.pid), key=_age)
            if below:  # its first child to hold the file is the worker, later ones only inherited it
                masters[top.pid] = top
                workers[below[0].pid] = below[0]
    for pid, process in holders.items():  # one whose workers are all dead; a worker whose master died is none
        if is_master(process) and process.parent not in holders and process.catches & _HANDLED == _HANDLED:
            masters.setdefault(pid, process)
    return tuple(sorted(masters.values(), key=_age)), tuple(sorted(workers.values(), key=_age))


def is_heartbeat(file: str) -> bool:
    """The target of a descriptor is a worker's heartbeat file."""
    return bool(_HEARTBEAT.search(file.removesuffix(" (deleted)")))


def is_master(process: Process) -> bool:
    """A Python program started as gunicorn, by its own words; says nothing of whether it is one."""
    if not _PYTHON.search(process.program.rpartition("/")[2]):
        return False
    return process.command[0].startswith(_TITLE) or arguments(process.command) is not None


def arguments(command: tuple[str, ...]) -> tuple[str, ...] | None:
    """What gunicorn was called with; None where a title overwrote it or it was not started by its own command."""
    words = [*command]
    while words and not words[-1]:
        words.pop()
    if not words or words[0].startswith("gunicorn: "):
        return None
    for place, word in enumerate(words[:8]):
        if word == "-m" and words[place + 1 : place + 2] in (["gunicorn"], ["gunicorn.app.wsgiapp"]):
            return tuple(words[place + 2 :])
        if place and word.rpartition("/")[2] in _SCRIPTS:  # the first word is Python, or a title as a whole
            return tuple(words[place + 1 :])
        if place and not word.startswith("-"):
            return None  # another script: `gunicorn` further on is an argument of that one
    return None


def _age(process: Process) -> tuple[int, int]:
    return process.ticks, process.pid


def _refuse(address: str, table: Table, inodes: frozenset[int]) -> None:
    holders = [p for p in table.processes.values() if p.sockets & inodes]
    if not holders:
        raise Denied(
            f"something listens on {address}, and its processes may not be looked into by this account", remedy=REMEDY
        )
    first = min(holders, key=_age)
    raise Malformed(
        f"{address} is held by {first.program or 'a process'} (process {first.pid}), which is no gunicorn",
        remedy="name the address that gunicorn listens on",
    )
