"""Protective programs: is one installed for each role, does it run, how old is what it works with."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from compliance.collectors.host.machine import Machine
from compliance.collectors.host.processes import Processes, running
from compliance.collectors.host.products import PRODUCTS, Product
from compliance.schemas.errors import Denied, SourceError
from compliance.schemas.kinds.host import SecurityAgent

_FORWARDS = re.compile(
    r"^\s*[^#\s$]\S*\s+@@?[\w\[(]|\bomfwd\b|\bomrelp\b|\bomelasticsearch\b|\bomkafka\b", re.MULTILINE
)
_AIDE_COUNT = re.compile(r"^\s*(Added|Removed|Changed) entries:\s*(\d+)", re.MULTILINE)


def runs(product: Product, processes: Processes) -> bool | None:
    """Does the product run? None when others' processes do not show."""
    by_program = bool(processes.programs & set(product.files))
    by_name = bool(processes.names & product.processes)
    return True if by_program or by_name else (False if processes.all_visible else None)


def installed(machine: Machine, product: Product) -> bool | None:
    """One of the product's files is there; None when a folder above hides them."""
    hidden = False
    for path in product.files:
        try:
            if machine.exists(path):
                return True
        except Denied:
            hidden = True
    return None if hidden else False


def forwards(machine: Machine) -> bool | None:
    """rsyslog sends to another machine, by its configuration; None when that may not be read."""
    try:
        paths = ["/etc/rsyslog.conf", *machine.files("/etc/rsyslog.d", ".conf")]
        return any(_FORWARDS.search(machine.read_optional(path) or "") for path in paths)
    except SourceError:
        return None


def rows_aide(text: str) -> int | None:
    """Changes that AIDE's last report counts; None when it ends in neither a summary nor "NO differences"."""
    counts = [int(number) for _, number in _AIDE_COUNT.findall(text)[-3:]]
    if counts:
        return sum(counts)
    return 0 if "NO differences" in text else None


def _row(machine: Machine, asset: str, role: str, product: Product, processes: Processes) -> SecurityAgent:
    definitions = max((t for path in product.definitions if (t := _changed(machine, path))), default=None)
    last_run = _changed(machine, product.log) if product.log else None
    changes = None
    if product.name == "aide" and product.log and last_run:
        try:
            changes = rows_aide(machine.read(product.log))
        except SourceError:
            changes = None
    active = runs(product, processes)
    ships = forwards(machine) if product.name == "rsyslog" else (True if product.ships else None)
    return SecurityAgent(
        asset=asset,
        role=role,
        installed=True,
        product=product.name,
        version=_version(machine, product.package),
        # a scheduled product has no process to see: only a run that left its trace says that it works
        active=(True if last_run else None) if product.scheduled and not active else active,
        real_time=_real_time(product, processes),
        definitions_at=definitions,
        last_run_at=last_run,
        unexplained_changes=changes,
        ships_logs=active if ships else ships,
    )


def _real_time(product: Product, processes: Processes) -> bool | None:
    if product.real_time:
        return True if processes.names & product.real_time else (False if processes.all_visible else None)
    return False if product.scheduled else None


def _changed(machine: Machine, path: str) -> datetime | None:
    try:
        info = machine.status(path)
    except Denied:
        return None
    return datetime.fromtimestamp(info.st_mtime, UTC) if info else None


def _version(machine: Machine, package: str) -> str | None:
    try:
        reply = machine.ask("dpkg-query", "-W", "-f", "${Version}", package)
    except SourceError:
        return None
    return reply.out.strip() or None if reply.status == 0 else None


def read_security_agent(machine: Machine, asset: str) -> list[SecurityAgent]:
    """One row a role: the product that runs, else one that is installed, else that none is."""
    processes = running(machine)
    rows = []
    for role, products in PRODUCTS.items():
        states = [(product, installed(machine, product)) for product in products]
        present = [product for product, there in states if there]
        if not present:
            hidden = [product.name for product, there in states if there is None]
            rows.append(
                SecurityAgent(
                    asset=asset,
                    role=role,
                    installed=None if hidden else False,
                    detail={"looked_for": [p.name for p in products], "hidden": hidden},
                )
            )
            continue
        candidates = [_row(machine, asset, role, product, processes) for product in present]
        best = max(candidates, key=lambda row: (row.active is True, row.ships_logs is True, row.active is None))
        others = [row.product for row in candidates if row is not best]
        rows.append(best.model_copy(update={"detail": {"also_installed": others}}))
    return rows
