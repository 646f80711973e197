"""Settings of sshd and the kernel, and the files that decided what was observed."""

from __future__ import annotations

import hashlib
import pwd
from datetime import UTC, datetime

from compliance.collectors.host import sshd
from compliance.collectors.host.machine import Machine
from compliance.collectors.host.rights import fetch_sudo
from compliance.schemas.errors import Absent, Denied
from compliance.schemas.kinds.host import ConfigFile, Setting

_SYSCTLS_WORDS = """
    fs.protected_fifos fs.protected_hardlinks fs.protected_regular fs.protected_symlinks
    fs.suid_dumpable kernel.core_uses_pid kernel.dmesg_restrict kernel.kexec_load_disabled
    kernel.kptr_restrict kernel.modules_disabled kernel.perf_event_paranoid
    kernel.randomize_va_space kernel.sysrq kernel.unprivileged_bpf_disabled kernel.yama.ptrace_scope
    net.core.bpf_jit_harden net.ipv4.conf.all.accept_redirects net.ipv4.conf.all.accept_source_route
    net.ipv4.conf.all.log_martians net.ipv4.conf.all.rp_filter net.ipv4.conf.all.secure_redirects
    net.ipv4.conf.all.send_redirects net.ipv4.conf.default.accept_redirects
    net.ipv4.conf.default.accept_source_route net.ipv4.conf.default.rp_filter
    net.ipv4.conf.default.send_redirects net.ipv4.icmp_echo_ignore_broadcasts
    net.ipv4.icmp_ignore_bogus_error_responses net.ipv4.ip_forward net.ipv4.tcp_syncookies
    net.ipv6.conf.all.accept_ra net.ipv6.conf.all.accept_redirects net.ipv6.conf.all.disable_ipv6
    net.ipv6.conf.all.forwarding net.ipv6.conf.default.accept_redirects
"""
SYSCTLS = tuple(_SYSCTLS_WORDS.split())
_SINGLE = {
    "login": ("/etc/login.defs",),
    "pam": (
        "/etc/security/faillock.conf",
        "/etc/security/pwquality.conf",
        "/etc/security/pwhistory.conf",
        "/etc/security/access.conf",
    ),
    "nftables": ("/etc/nftables.conf",),
    "chrony": ("/etc/chrony/chrony.conf", "/etc/chrony.conf"),
    "journald": ("/etc/systemd/journald.conf",),
    "logrotate": ("/etc/logrotate.conf",),
    "kernel": ("/etc/sysctl.conf",),
}
_FOLDERS = {
    "pam": (("/etc/pam.d", ""),),
    "nftables": (("/etc/nftables.d", ".nft"),),
    "journald": (("/etc/systemd/journald.conf.d", ".conf"),),
    "logrotate": (("/etc/logrotate.d", ""),),
    "kernel": (("/etc/sysctl.d", ".conf"),),
    "apt": (("/etc/apt/apt.conf.d", ""), ("/etc/apt/sources.list.d", ".sources"), ("/etc/apt/sources.list.d", ".list")),
}


def rows_sysctl(machine: Machine) -> list[Setting]:
    """The kernel's values of the allowed names. One the kernel does not have is left out; one that may not be read
    keeps its row with no value."""
    rows = []
    for name in SYSCTLS:
        value: str | None
        try:
            value = " ".join(machine.read("/proc/sys/" + name.replace(".", "/")).split())
        except Absent:
            continue
        except Denied:
            value = None
        rows.append(Setting(component="kernel", name=name, value=value))
    rows.extend(rows_redirects(machine))
    return rows


def rows_redirects(machine: Machine) -> list[Setting]:
    """Whether any interface accepts ICMP redirects, by IP version: `1`, with the file of the first that does, or `0`.

    `conf.all` alone does not tell (ip-sysctl, accept_redirects). IPv4: a host that forwards nothing accepts them where
    either `all` or the interface says so, a router where both do. IPv6: only the interface counts, and a router accepts
    none. What may not be read leaves the value NULL; a kernel without the version accepts none.
    """
    return [row for version in ("ipv4", "ipv6") if (row := _redirects(machine, version)) is not None]


def _redirects(machine: Machine, version: str) -> Setting | None:
    folder = f"/proc/sys/net/{version}/conf"
    name = f"net.{version}.conf.*.accept_redirects"

    def on(interface: str, word: str) -> bool:
        return machine.read(f"{folder}/{interface}/{word}").strip() != "0"

    try:
        if not machine.names("/proc/sys/net"):
            return None
        interfaces = machine.names(folder)
        everywhere = version == "ipv4" and "all" in interfaces and on("all", "accept_redirects")
        for interface in interfaces:
            if interface in ("all", "default", "lo"):
                continue
            here, forwards = on(interface, "accept_redirects"), on(interface, "forwarding")
            if (everywhere and here) if forwards else (everywhere or here):
                return Setting(component="kernel", name=name, value="1", file=f"{folder}/{interface}/accept_redirects")
    except Absent:  # an interface that went away meanwhile: nothing is claimed
        return None
    except Denied:
        return Setting(component="kernel", name=name)
    return Setting(component="kernel", name=name, value="1" if everywhere else "0")


def read_setting(machine: Machine) -> list[Setting]:
    """sshd by its own report, where it is installed, and the kernel. Raises when an installed sshd does not answer."""
    rows = rows_sysctl(machine)
    effective = sshd.fetch_effective(machine)
    if effective is None:
        return rows
    try:
        lines = sshd.directives(machine)
    except Absent:  # sshd runs on its defaults then
        lines = []
    return rows + sshd.rows_setting(effective, lines)


def read_config_file(machine: Machine) -> list[ConfigFile]:
    """Every file that decided something here, by digest. Raises Denied when a folder or an include hides."""
    paths: list[tuple[str, str]] = [("sshd", path) for path in sshd.config_files(machine)]
    paths += [("sudo", path) for path in fetch_sudo(machine).files]
    paths += [(component, path) for component, group in _SINGLE.items() for path in group if machine.exists(path)]
    for component, folders in _FOLDERS.items():
        paths += [(component, path) for folder, suffix in folders for path in machine.files(folder, suffix)]
    return [_row(machine, component, path) for component, path in dict.fromkeys(paths)]


def _row(machine: Machine, component: str, path: str) -> ConfigFile:
    info = machine.status(path)
    if info is None:
        raise Absent(f"{path} disappeared while it was read", remedy="collect again")
    try:
        digest: str | None = hashlib.sha256(machine.read_bytes(path)).hexdigest()
    except Denied:
        digest = None
    return ConfigFile(
        component=component,
        path=path,
        sha256=digest,
        size_bytes=info.st_size,
        mode=f"{info.st_mode & 0o7777:04o}",
        owner=account_name(info.st_uid),
        modified_at=datetime.fromtimestamp(info.st_mtime, UTC),
    )


def account_name(uid: int) -> str:
    """The account of a number; the number itself when nobody has it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
