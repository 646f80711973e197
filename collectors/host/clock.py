"""Whether the clock is held to a time source, by the time service's word or, without one, by the kernel's."""

from __future__ import annotations

import ctypes
import ctypes.util
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from compliance.collectors.host.machine import Machine
from compliance.collectors.host.processes import running
from compliance.schemas.errors import Absent, Malformed, SourceError
from compliance.schemas.kinds.host import ClockStatus

# service → its process names, its program, in the order of preference when several are installed
SERVICES: dict[str, tuple[frozenset[str], str]] = {
    "chrony": (frozenset({"chronyd"}), "chronyd"),
    "systemd-timesyncd": (frozenset({"systemd-timesyn"}), "/lib/systemd/systemd-timesyncd"),
    "ntpd": (frozenset({"ntpd"}), "ntpd"),
    "openntpd": (frozenset({"ntpd: ntp engin"}), "/usr/sbin/ntpctl"),
}
_LOCAL_REFERENCE = "7F7F0101"  # chrony serves its own clock: that is no source
_STA_UNSYNC, _STA_NANO, _TIME_ERROR = 0x0040, 0x2000, 5


@dataclass(frozen=True, slots=True)
class Sync:
    """Is the clock synchronised, how far off, and since when is that known?"""

    synced: bool | None
    offset_us: int | None
    at: datetime | None = None


def rows_tracking(text: str) -> Sync:
    """`chronyc -c tracking`: one line of comma-separated fields, times in seconds since 1970, offsets in seconds."""
    fields = text.strip().split(",")
    if len(fields) < 14:
        raise Malformed("chronyc -c tracking gave another number of fields", remedy="run `chronyc tracking` by hand")
    try:
        reference = Decimal(fields[3])
        offset = Decimal(fields[4])
    except InvalidOperation as error:
        raise Malformed("chronyc -c tracking gave no number", remedy="run `chronyc tracking` by hand") from error
    synced = fields[13] != "Not synchronised" and fields[0] not in ("00000000", _LOCAL_REFERENCE)
    at = datetime.fromtimestamp(float(reference), UTC) if synced and reference > 0 else None
    return Sync(synced, int(offset * 1_000_000), at)


def rows_servers(text: str) -> list[str]:
    """Time sources of chrony.conf, ntp.conf or a chrony .sources file."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] in ("server", "pool", "peer", "servers"):
            found.append(words[1])
        elif len(words) >= 3 and words[0] == "refclock":
            found.append(" ".join(words[:3]))
    return found


def rows_timesyncd(texts: Sequence[str]) -> list[str]:
    """Servers of timesyncd.conf and its drop-ins: NTP=, or FallbackNTP= where none is set; last word wins."""
    values = {"NTP": "", "FallbackNTP": ""}
    for text in texts:
        for name, value in re.findall(r"^\s*(NTP|FallbackNTP)\s*=\s*(.*?)\s*$", text, re.MULTILINE):
            values[name] = value
    return (values["NTP"] or values["FallbackNTP"]).split()


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2), as far as it is read; the tail leaves room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 40),
    )


def kernel_clock() -> Sync:
    """The kernel's own word through adjtimex(2) with no mode set, which changes nothing and needs no right."""
    libc = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True)
    timex = _Timex()
    state = libc.adjtimex(ctypes.byref(timex))
    if state < 0:
        return Sync(None, None)
    unit = 1000 if timex.status & _STA_NANO else 1
    synced = state != _TIME_ERROR and not timex.status & _STA_UNSYNC
    return Sync(synced, int(timex.offset) // unit if synced else None)


def fetch_servers(machine: Machine, service: str | None) -> list[str] | None:
    """Configured servers of a service; None when its files may not be read."""
    try:
        if service == "chrony":
            return _chrony_servers(machine)
        if service == "systemd-timesyncd":
            folders = ("/usr/lib/systemd/timesyncd.conf.d", "/etc/systemd/timesyncd.conf.d")
            paths = ["/etc/systemd/timesyncd.conf", *(p for folder in folders for p in machine.files(folder, ".conf"))]
            return rows_timesyncd([machine.read_optional(path) or "" for path in paths])
        if service in ("ntpd", "openntpd"):
            paths = ["/etc/ntp.conf", "/etc/ntpsec/ntp.conf", "/etc/openntpd/ntpd.conf"]
            return [server for path in paths for server in rows_servers(machine.read_optional(path) or "")]
    except SourceError:
        return None
    return []


def _chrony_servers(machine: Machine) -> list[str]:
    found = []
    texts = [machine.read_optional(path) or "" for path in ("/etc/chrony/chrony.conf", "/etc/chrony.conf")]
    for text in texts:
        found += rows_servers(text)
        for name, folder in re.findall(r"^\s*(confdir|sourcedir)\s+(\S+)", text, re.MULTILINE):
            for path in machine.files(folder, ".conf" if name == "confdir" else ".sources"):
                found += rows_servers(machine.read(path))
        for path in re.findall(r"^\s*include\s+([^\s*?]+)", text, re.MULTILINE):
            found += rows_servers(machine.read(path))
    return list(dict.fromkeys(found))


def _service(machine: Machine) -> tuple[str | None, bool | None]:
    """The service that runs, else one that is installed. Whether it runs is None when processes do not show."""
    processes = running(machine)
    for service, (names, _) in SERVICES.items():
        if names & processes.names:
            return service, True
    active = False if processes.all_visible else None
    for service, (_, program) in SERVICES.items():
        if machine.exists(program) if program.startswith("/") else machine.has(program):
            return service, active
    return None, active


def _ask(machine: Machine, service: str | None, active: bool | None) -> Sync:
    if service == "chrony" and active:
        reply = machine.ask("chronyc", "-n", "-c", "tracking")
        if reply.status == 0:
            return rows_tracking(reply.out)
    sync = kernel_clock()
    if service == "systemd-timesyncd" and active:
        info = machine.status("/run/systemd/timesync/synchronized")
        at = datetime.fromtimestamp(info.st_mtime, UTC) if info else None
        return Sync(bool(sync.synced) and info is not None, sync.offset_us, at)
    return sync


def read_clock_status(machine: Machine, asset: str, approved: tuple[str, ...]) -> list[ClockStatus]:
    """The one row. With no list of approved servers configured nothing is said about approval."""
    service, active = _service(machine)
    try:
        sync = _ask(machine, service, active)
    except Absent:  # chronyd without chronyc
        sync = kernel_clock()
    servers = fetch_servers(machine, service)
    return [
        ClockStatus(
            asset=asset,
            service=service,
            service_active=active,
            synced=sync.synced,
            offset_us=sync.offset_us,
            servers=servers,
            source_approved=all(server in approved for server in servers) if approved and servers else None,
            last_sync_at=sync.at,
        )
    ]
