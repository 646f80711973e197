"""Which gunicorns run on this machine, as far as this account may see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from compliance.collectors.gunicorn.family import arguments, is_heartbeat, is_master
from compliance.collectors.gunicorn.options import rows_arguments
from compliance.collectors.gunicorn.proc import fetch_addresses, fetch_table
from compliance.schemas.errors import SourceError
from compliance.schemas.messages import Found


def discover(proc: Path) -> Iterator[Found]:
    """One proposal per master that holds a listening socket and the heartbeat files of its workers."""
    try:
        table = fetch_table(proc)
        for master in table.processes.values():
            parent = table.processes.get(master.parent)
            if not is_master(master) or (parent is not None and is_master(parent)):
                continue
            below = [p for p in table.processes.values() if p.parent == master.pid and any(map(is_heartbeat, p.files))]
            shared = {inode for p in below for inode in p.sockets & master.sockets}
            addresses = fetch_addresses(frozenset(shared), proc)
            if not addresses:
                continue
            told = rows_arguments(arguments(master.command) or ())
            path = str((told or {}).get("config", "")).removeprefix("file:")
            settings = {"bind": addresses[0]} | ({"config": path} if path.startswith("/") else {})
            yield Found("gunicorn", settings, f"process {master.pid} keeps {len(below)} worker(s) on {addresses[0]}")
    except SourceError:
        return  # what may not be looked at is not proposed
