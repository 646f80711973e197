"""What the machine is: release, kernel, virtualisation, start of the running kernel."""

from __future__ import annotations

import hashlib
import os
import shlex
from datetime import UTC, datetime

from compliance.collectors.host.machine import Machine
from compliance.collectors.host.releases import midnight, release
from compliance.schemas.errors import Absent, Malformed, SourceError
from compliance.schemas.kinds.host import Asset

_LOCAL_NSS = frozenset({"files", "compat", "systemd", "db", "mymachines"})


def asset_id(machine: Machine, override: str | None) -> str:
    """The name every row of this machine carries: the configured one, a digest of the machine id, or the host name.

    The machine id itself is confidential by its maker's word (machine-id(5)), hence the digest.
    """
    if override:
        return override
    text = (machine.read_optional("/etc/machine-id") or "").strip()
    if text and text != "uninitialized":
        return "host-" + hashlib.sha256(b"compliance asset\n" + text.encode()).hexdigest()[:16]
    return hostname(machine)


def hostname(machine: Machine) -> str:
    """The kernel's name for the machine."""
    name = machine.read("/proc/sys/kernel/hostname").strip()
    if not name:
        raise Malformed("the machine has no host name", remedy="set a host name, or `asset` in the source's settings")
    return name


def os_release(machine: Machine) -> dict[str, str]:
    """Fields of os-release, none when the machine has no such file."""
    text = machine.read_optional("/etc/os-release") or machine.read_optional("/usr/lib/os-release") or ""
    return fields_os_release(text)


def fields_os_release(text: str) -> dict[str, str]:
    """`NAME="value"` lines, shell quoting removed; other lines are ignored as os-release(5) demands."""
    fields = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            try:
                fields[name] = "".join(shlex.split(value))
            except ValueError:
                continue
    return fields


def virtualisation(machine: Machine) -> tuple[str | None, str]:
    """What lies below, as the system detects it (None when nothing on it can tell), and the type of asset."""
    try:
        inside = machine.ask("systemd-detect-virt").out.strip() or None
        container = machine.ask("systemd-detect-virt", "--container").out.strip() not in ("", "none")
    except SourceError:
        inside = None
        container = machine.exists("/.dockerenv") or machine.exists("/run/.containerenv")
    if container:
        return inside, "container"
    return inside, "virtual_machine" if inside not in (None, "none") else "host"


def booted_at(machine: Machine) -> datetime | None:
    """Start of the running kernel, from `btime` of /proc/stat."""
    for line in machine.read("/proc/stat").splitlines():
        if line.startswith("btime "):
            return datetime.fromtimestamp(int(line.split()[1]), UTC)
    return None


def directory_services(machine: Machine) -> list[str]:
    """Name services beyond the local files that may add accounts; their accounts are not read here."""
    for line in (machine.read_optional("/etc/nsswitch.conf") or "").splitlines():
        database, _, rest = line.partition("#")[0].partition(":")
        if database.strip() == "passwd":
            return sorted({word for word in rest.split() if not word.startswith("[")} - _LOCAL_NSS)
    return []


def read_asset(machine: Machine, asset: str) -> list[Asset]:
    """The one row about this machine."""
    fields = os_release(machine)
    name, version = fields.get("ID"), fields.get("VERSION_ID")
    support = release(name, version)
    inside, asset_type = virtualisation(machine)
    try:
        started = booted_at(machine)
    except Absent:
        started = None
    detail = {
        "codename": fields.get("VERSION_CODENAME"),
        "pretty_name": fields.get("PRETTY_NAME"),
        "long_term_support_until": support.lts.isoformat() if support and support.lts else None,
        "directory_services": directory_services(machine),
    }
    return [
        Asset(
            asset=asset,
            asset_type=asset_type,
            hostname=hostname(machine),
            os_name=name,
            os_version=version,
            os_eol_date=midnight(support.eol) if support else None,
            kernel=machine.read("/proc/sys/kernel/osrelease").strip() or None,
            architecture=os.uname().machine,
            virtualisation=inside,
            booted_at=started,
            detail=detail,
        )
    ]
