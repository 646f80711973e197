"""How current the packages are, on systems of the Debian family, from what dpkg and apt already hold.

The package lists are never refreshed: that would change the machine. Which update is a security one is told by the
archive that offers it (label, suite or codename of its Release file), never by names such as `stable`, which move.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath

from compliance.collectors.host.machine import Machine
from compliance.collectors.host.processes import running
from compliance.collectors.host.system import os_release
from compliance.schemas.errors import Absent, Malformed, SourceError
from compliance.schemas.kinds.host import PackageUpdate, PatchState

LISTS = "/var/lib/apt/lists"
_VERSION = re.compile(r"^ (?:\*\*\*|   ) (\S+) (-?\d+)")
_OFFER = re.compile(r"^ {6,} *(-?\d+) (.+)$")
_ARCHIVE = re.compile(r"^ *(-?\d+) (.+)$")
_UPGRADE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) upgrade ", re.MULTILINE)
_APT_REMEDY = "packages are read through dpkg and apt only; record other package managers with a collector of their own"


@dataclass(slots=True)
class Version:
    """One version in apt's table, with the archives that offer it."""

    version: str
    offers: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Policy:
    """What apt says of one package; `table` lists versions newest first."""

    package: str
    installed: str
    candidate: str
    table: list[Version] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Archive:
    """One configured package list, as its Release file describes it."""

    line: str
    release: dict[str, str]

    @property
    def is_security(self) -> bool:
        """Its label says so (Debian-Security), or its suite or codename ends in -security (Ubuntu, and its ESM)."""
        suites = (self.release.get("a", ""), self.release.get("n", ""))
        return "security" in self.release.get("l", "").lower() or any(s.endswith("-security") for s in suites)

    @property
    def origin(self) -> str:
        """`origin/label suite` in the archive's own words; the suite by codename, which does not move."""
        name = self.release.get("n") or self.release.get("a", "")
        return f"{self.release.get('o', '')}/{self.release.get('l', '')} {name}".strip()


def rows_installed(text: str) -> list[str]:
    """Names of the installed packages from `dpkg-query -W -f '${db:Status-Abbrev}|${binary:Package}|${Version}\\n'`."""
    names = []
    for line in text.splitlines():
        parts = line.split("|")
        if len(parts) != 3:
            raise Malformed("dpkg-query gave a line of another shape", remedy="run dpkg-query -W by hand")
        if parts[0][1:2] in ("i", "U", "F", "H", "W", "t"):  # every state in which files of it are on the disk
            names.append(parts[1])
    return names


def rows_archives(text: str) -> list[Archive]:
    """The package files of `apt-cache policy` with the fields of their `release` lines, dpkg's own status left out."""
    found = []
    line = None
    for raw in text.splitlines():
        if raw.startswith("Pinned packages"):
            break
        stripped = raw.strip()
        if stripped.startswith("release ") and line is not None:
            pairs = (part.partition("=") for part in stripped.removeprefix("release ").split(","))
            found.append(Archive(line, {key.strip(): value for key, _, value in pairs}))
            line = None
        elif (match := _ARCHIVE.match(raw)) and not raw.lstrip().startswith("release"):
            line = None if match[2].startswith("/") else match[2]
    return found


def rows_policy(text: str) -> list[Policy]:
    """What `apt-cache policy PACKAGE…` says, package by package."""
    found: list[Policy] = []
    for line in text.splitlines():
        if line and not line[0].isspace() and line.endswith(":"):
            found.append(Policy(line[:-1], "", ""))
        elif not found:
            raise Malformed("apt-cache policy starts with an unknown line", remedy="run apt-cache policy by hand")
        elif line.startswith("  Installed: "):
            found[-1].installed = line.removeprefix("  Installed: ").strip()
        elif line.startswith("  Candidate: "):
            found[-1].candidate = line.removeprefix("  Candidate: ").strip()
        elif offer := _OFFER.match(line):
            if not found[-1].table:
                raise Malformed("apt-cache policy names an archive before a version", remedy="run it by hand")
            found[-1].table[-1].offers.append(offer[2])
        elif version := _VERSION.match(line):
            found[-1].table.append(Version(version[1]))
    return found


def rows_updates(policies: list[Policy], archives: list[Archive], asset: str) -> list[PackageUpdate]:
    """One row for each package with something newer on offer.

    A security archive that offers any newer version makes the update a security one, also when the candidate comes
    from a later point release, and also when pinning keeps the candidate back.
    """
    by_line = {archive.line: archive for archive in archives}
    rows = []
    for policy in policies:
        newer = []
        for version in policy.table:
            if version.version == policy.installed:
                break
            newer.append(version)
        secure = [v for v in newer if any(by_line[o].is_security for o in v.offers if o in by_line)]
        chosen = next((v for v in newer if v.version == policy.candidate), None) or (secure[0] if secure else None)
        if chosen is None:
            continue
        origins = [by_line[offer].origin for offer in chosen.offers if offer in by_line]
        rows.append(
            PackageUpdate(
                asset=asset,
                package=policy.package,
                installed_version=policy.installed,
                candidate_version=chosen.version,
                is_security=bool(secure)
                if all(o in by_line for v in newer for o in v.offers)
                else (bool(secure) or None),
                origin=", ".join(dict.fromkeys(origins)) or None,
            )
        )
    return rows


def without_archive(policies: list[Policy]) -> int:
    """Packages of which no archive offers the installed version or a newer one: an older one patches nothing."""
    return sum(not _offered(policy) for policy in policies)


def _offered(policy: Policy) -> bool:
    for version in policy.table:
        if any(not offer.startswith("/") for offer in version.offers):
            return True
        if version.version == policy.installed:
            return False
    return False


def fetch_installed(machine: Machine) -> list[str]:
    """Installed packages. Raises Absent on a system without dpkg."""
    try:
        text = machine.run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}|${binary:Package}|${Version}\\n")
    except Absent as error:
        raise Absent("this system has no dpkg; its packages are not read", remedy=_APT_REMEDY) from error
    names = rows_installed(text)
    if not names:
        raise Absent("dpkg knows of no installed package", remedy=_APT_REMEDY)
    return names


def fetch_policy(machine: Machine, names: list[str]) -> list[Policy]:
    """apt's word on every installed package. Raises Malformed when it leaves one out."""
    policies = rows_policy(machine.run("apt-cache", "policy", *names))
    if len(policies) != len(names):
        raise Malformed(
            f"apt-cache policy spoke of {len(policies)} of {len(names)} installed packages",
            remedy="run `apt-get check` and mend what it reports",
        )
    return policies


def lists_fetched_at(machine: Machine) -> datetime:
    """When the oldest of the configured package lists was last fetched with success.

    apt sets a list's modification time to the server's, but touches it at every successful check, so its change time
    tells. An unpacked machine image makes change times new; the time of the folder `partial`, which every attempt
    moves, bounds them from above. Raises Absent when a configured list was never fetched.
    """
    targets = machine.run(
        "apt-get", "indextargets", "--no-release-info", "--format", "$(METAKEY)|$(FILENAME)", "Created-By: Packages"
    )
    prefixes = set()
    for line in targets.splitlines():
        key, bar, name = line.partition("|")
        if not bar:
            raise Malformed("apt-get indextargets gave a line of another shape", remedy="run it by hand")
        prefixes.add(name.removesuffix(key.replace("/", "_")))
    if not prefixes:
        raise Absent("no package archive is configured", remedy="configure the distribution's archives in /etc/apt")
    present = {f"{LISTS}/{name}" for name in machine.names(LISTS)}
    times = []
    for prefix in sorted(prefixes):
        local = f"{LISTS}/{PurePosixPath(prefix).name}"
        release = next((local + end for end in ("InRelease", "Release") if local + end in present), None)
        packages = any(name.startswith(local) and "Packages" in name.removeprefix(local) for name in present)
        info = machine.status(release) if release else None
        if info is None or not packages:
            raise Absent(
                f"the package list {PurePosixPath(prefix).name} was never fetched: pending updates are not known",
                remedy="run `apt-get update` (the collector does not: it changes the machine)",
            )
        times.append(info.st_ctime)
    if (partial := machine.status(f"{LISTS}/partial")) is not None:
        times.append(partial.st_mtime)
    return datetime.fromtimestamp(min(times), UTC)


def read_package_update(machine: Machine, asset: str) -> list[PackageUpdate]:
    """Pending updates. A list that was never fetched is Absent, never an empty answer."""
    names = fetch_installed(machine)
    lists_fetched_at(machine)
    return rows_updates(fetch_policy(machine, names), rows_archives(machine.run("apt-cache", "policy")), asset)


def read_patch_state(machine: Machine, asset: str) -> list[PatchState]:
    """How current the packages are; what rests on package lists is NULL where these were never fetched."""
    names = fetch_installed(machine)
    archives = rows_archives(machine.run("apt-cache", "policy"))
    detail: dict[str, object] = {"package_manager": "apt", "archives": sorted({a.origin for a in archives})}
    try:
        refreshed: datetime | None = lists_fetched_at(machine)
    except Absent as error:
        refreshed, detail["lists"] = None, error.message
    pending = security = orphans = None
    if refreshed is not None:
        policies = fetch_policy(machine, names)
        updates = rows_updates(policies, archives, asset)
        pending, orphans = len(updates), without_archive(policies)
        security = None if any(u.is_security is None for u in updates) else sum(bool(u.is_security) for u in updates)
    running = machine.read("/proc/sys/kernel/osrelease").strip()
    kernels = kernels_installed(names)
    return [
        PatchState(
            asset=asset,
            packages_installed=len(names),
            updates_pending=pending,
            security_pending=security,
            packages_without_archive=orphans,
            security_archive_configured=_covers(archives, os_release(machine).get("VERSION_CODENAME")),
            lists_refreshed_at=refreshed,
            last_update_at=last_upgrade(machine),
            unattended_upgrades=unattended(machine, names),
            reboot_required=reboot_required(machine, running, kernels),
            kernel_running=running or None,
            kernel_newest=kernels[-1] if kernels else None,
            detail=detail,
        )
    ]


def _covers(archives: list[Archive], codename: str | None) -> bool:
    """A security archive of this release is configured; one of another release patches nothing here."""
    secure = [archive for archive in archives if archive.is_security]
    return any(not codename or archive.release.get("n", codename).startswith(codename) for archive in secure)


def kernels_installed(names: list[str]) -> list[str]:
    """Releases of the installed kernel packages, oldest first."""
    found = (re.fullmatch(r"linux-image-(?:unsigned-)?(\d+\.\d\S*)", name.partition(":")[0]) for name in names)
    return sorted({match[1] for match in found if match}, key=_natural)


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [(1, int(p), "") if p.isdigit() else (0, 0, p) for p in re.split(r"(\d+)", text) if p]


def reboot_required(machine: Machine, running: str, kernels: list[str]) -> bool | None:
    """The distribution's flag file, or a newer kernel than the running one; None when the kernel is not from here
    (a container, a hypervisor's kernel) and no flag is set: then nothing on the machine can tell."""
    if machine.exists("/run/reboot-required"):
        return True
    if running not in kernels:
        return None
    return running != kernels[-1]


def last_upgrade(machine: Machine) -> datetime | None:
    """Time of dpkg's last upgrade (its log is in local time), None when the logs kept tell of none."""
    for path in ("/var/log/dpkg.log", "/var/log/dpkg.log.1"):
        try:
            found = _UPGRADE.findall(machine.read(path))
        except SourceError:
            continue
        if found:
            return datetime.fromtimestamp(time.mktime(time.strptime(found[-1], "%Y-%m-%d %H:%M:%S")), UTC)
    return None


def unattended(machine: Machine, names: list[str]) -> bool:
    """Security updates install themselves: the package is there, both periodic jobs are on, the security archive is
    among its origins, and something starts it (systemd's timer, or a running cron)."""
    if "unattended-upgrades" not in names:
        return False
    settings = dict(re.findall(r'^(\S+) "([^"]*)";$', machine.run("apt-config", "dump"), re.MULTILINE))
    on = all(
        settings.get(f"APT::Periodic::{name}", "0") not in ("0", "")
        for name in ("Update-Package-Lists", "Unattended-Upgrade")
    )
    enabled = settings.get("APT::Periodic::Enable", "1") != "0"
    text = machine.run("apt-config", "dump")
    origins = re.findall(r'^Unattended-Upgrade::(?:Origins-Pattern|Allowed-Origins):: "([^"]*)";$', text, re.MULTILINE)
    return on and enabled and any("security" in origin.lower() for origin in origins) and _started(machine)


def _started(machine: Machine) -> bool:
    if machine.exists("/run/systemd/system"):
        wanted = "timers.target.wants/apt-daily-upgrade.timer"
        masked = machine.link("/etc/systemd/system/apt-daily-upgrade.timer") == "/dev/null"
        return machine.link(f"/etc/systemd/system/{wanted}") is not None and not masked
    return machine.exists("/etc/cron.daily/apt-compat") and bool(running(machine).names & {"cron", "crond"})
