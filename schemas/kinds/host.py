"""Machines: what runs on them, how current it is, how it is protected."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class Asset(State):
    """A thing worth protecting: a host, later also cloud resources."""

    kind: ClassVar[str] = "asset"
    key: ClassVar[tuple[str, ...]] = ("asset",)

    asset: str = always("Stable identifier: machine id digest or, where there is none, the host name.")
    asset_type: str = always("host, container, virtual_machine, …")
    hostname: str | None = column("Name of the machine.")
    os_name: str | None = column("Operating system (debian, ubuntu, rocky).")
    os_version: str | None = column("Version of it.")
    os_eol_date: Instant | None = column(
        "Day the maker's security support ends, from the table shipped with the engine."
    )
    kernel: str | None = column("Running kernel release.")
    architecture: str | None = column("Machine architecture.")
    virtualisation: str | None = column("none, kvm, docker, … as the system itself detects it.")
    booted_at: Instant | None = column("Start of the running kernel.")
    environment: str | None = column("Declared environment (production, staging, …).")
    owner: str | None = column("Declared owner: a team or role, not a person's name.")
    data_class: str | None = column("Declared class of data held (public, internal, confidential, restricted).")
    in_pci_scope: bool | None = column("Declared to be in PCI scope.")
    reviewed_at: Instant | None = column("When somebody last confirmed this inventory row.")
    detail: dict[str, Any] | None = column("What only this system says.")


class PackageUpdate(State):
    """An installed package for which a newer version is on offer."""

    kind: ClassVar[str] = "package_update"
    key: ClassVar[tuple[str, ...]] = ("asset", "package")

    asset: str = always("Asset it is installed on.")
    package: str = always("Package name with architecture where several are installed (libc6:amd64).")
    installed_version: str = always("Version installed.")
    candidate_version: str = always("Version on offer.")
    is_security: bool | None = column("Offered by a security archive.")
    origin: str | None = column("Archive that offers it.")
    severity: str | None = column("Severity the maker gives it (critical, high, medium, low).")
    released_at: Instant | None = column("When the update was published.")
    first_seen_at: Instant | None = column("When the machine first knew of it, where it keeps that.")


class PatchState(State):
    """How current the packages of an asset are."""

    kind: ClassVar[str] = "patch_state"
    key: ClassVar[tuple[str, ...]] = ("asset",)

    asset: str = always("Asset.")
    packages_installed: int | None = column("Packages installed.")
    updates_pending: int | None = column("Packages with a newer version on offer.")
    security_pending: int | None = column("Those offered by a security archive.")
    packages_without_archive: int | None = column(
        "Installed packages that no configured archive offers: nobody patches them."
    )
    security_archive_configured: bool | None = column("A security archive is among the package sources.")
    lists_refreshed_at: Instant | None = column(
        "When the package lists were last fetched; older lists hide newer updates."
    )
    last_update_at: Instant | None = column("When packages were last upgraded.")
    unattended_upgrades: bool | None = column("Security updates install themselves.")
    reboot_required: bool | None = column("An installed update waits for a restart.")
    kernel_running: str | None = column("Running kernel.")
    kernel_newest: str | None = column("Newest kernel installed.")
    oldest_security_released_at: Instant | None = column("Publication of the oldest pending security update.")
    detail: dict[str, Any] | None = column("Origins, package manager.")


class Exposure(StrEnum):
    """From where an address can be reached, as far as the machine itself can tell."""

    LOOPBACK = "loopback"
    PRIVATE = "private"  # RFC 1918, RFC 4193, link-local
    PUBLIC = "public"  # bound to a public address, or to all addresses of a machine


class ListeningSocket(State):
    """A socket on which a process waits for others."""

    kind: ClassVar[str] = "listening_socket"
    key: ClassVar[tuple[str, ...]] = ("asset", "protocol", "address", "port")

    asset: str = always("Asset.")
    protocol: str = always("tcp or udp.")
    address: str = always("Address bound; '*' for all.")
    port: int = always("Port.")
    exposure: Exposure | None = column("loopback, private or public; all addresses counts as public.")
    process: str | None = column(
        "Name of the process; NULL when it belongs to somebody whose processes we may not see."
    )
    process_account: str | None = column("System account the process runs as.")
    component: str | None = column("What it is, by process name: postgresql, redis, nginx, sshd, elasticsearch, …")
    is_data_store: bool | None = column(
        "The component keeps data (postgresql, redis, mysql, mongodb, elasticsearch, …)."
    )
    is_admin: bool | None = column("The port gives administrative access (ssh, rdp, database consoles, orchestrators).")
    is_encrypted: bool | None = column("The protocol encrypts by itself (ssh) or the port is TLS; NULL when not known.")


class SecurityAgent(State):
    """A protective program on an asset: malware scanner, file integrity, intrusion detection, audit trail."""

    kind: ClassVar[str] = "security_agent"
    key: ClassVar[tuple[str, ...]] = ("asset", "role")

    asset: str = always("Asset.")
    role: str = always("malware, file_integrity, intrusion_detection, audit_trail or log_shipping.")
    installed: bool | None = column(
        "A known product for the role is installed. False is an answer: we looked at all known ones."
    )
    product: str | None = column("Product found.")
    version: str | None = column("Its version.")
    active: bool | None = column("It is running, or ran on schedule.")
    real_time: bool | None = column("It watches continuously.")
    definitions_at: Instant | None = column("Date of its signatures or baseline.")
    last_run_at: Instant | None = column("Last completed run or comparison.")
    unexplained_changes: int | None = column("Changes it reported that nobody has explained (file integrity).")
    ships_logs: bool | None = column("Its findings leave the machine.")
    detail: dict[str, Any] | None = column("What only this product says.")


class ClockStatus(State):
    """Whether the clock of an asset is held to a time source."""

    kind: ClassVar[str] = "clock_status"
    key: ClassVar[tuple[str, ...]] = ("asset",)

    asset: str = always("Asset.")
    service: str | None = column("chrony, systemd-timesyncd, ntpd, …; NULL when none is found.")
    service_active: bool | None = column("The service is running.")
    synced: bool | None = column("The clock is synchronised now, by the service's or the kernel's own word.")
    offset_us: int | None = column("Offset from the source in microseconds.")
    servers: list[str] | None = column("Configured time servers.")
    source_approved: bool | None = column("All of them are on the organisation's list.")
    last_sync_at: Instant | None = column("Last successful update.")


class DiskVolume(State):
    """A mounted volume."""

    kind: ClassVar[str] = "disk_volume"
    key: ClassVar[tuple[str, ...]] = ("asset", "mount_point")

    asset: str = always("Asset.")
    mount_point: str = always("Where it is mounted.")
    device: str | None = column("Device.")
    filesystem: str | None = column("File system.")
    encrypted: bool | None = column(
        "A layer below is encrypted (LUKS, dm-crypt, ZFS, fscrypt); NULL when the layers below are not visible from here."
    )
    encryption: str | None = column("Which layer.")
    is_pseudo: bool | None = column("Lives in memory or is a view of another (tmpfs, overlay).")
    size_mib: int | None = column("Size in MiB.")
    used_permille: int | None = column("Used share, per thousand.")
    read_only: bool | None = column("Mounted read-only.")


class Setting(State):
    """One effective setting of a component, as the component itself reports it."""

    kind: ClassVar[str] = "setting"
    key: ClassVar[tuple[str, ...]] = ("component", "name")

    component: str = always("Component: sshd, kernel, postgresql, redis, …")
    name: str = always("Name of the setting.")
    value: str | None = column("Value as text. Settings that may hold a secret are never read.")
    unit: str | None = column("Unit, where the component gives one.")
    origin: str | None = column("Where the value comes from: default, file, command line, database.")
    pending_restart: bool | None = column("Changed, and waiting for a restart.")
    file: str | None = column("Path of the file that sets it.")


class ConfigFile(State):
    """A configuration file that decided what was observed."""

    kind: ClassVar[str] = "config_file"
    key: ClassVar[tuple[str, ...]] = ("component", "path")

    component: str = always("Component it belongs to.")
    path: str = always("Absolute path.")
    sha256: str | None = column("Digest of its content.")
    size_bytes: int | None = column("Size.")
    mode: str | None = column("Permissions, octal.")
    owner: str | None = column("Owning system account.")
    modified_at: Instant | None = column("Last change.")
    error: str | None = column("Why the component refuses it, when it does.")


class LogStore(State):
    """A place where logs are kept on an asset, with how long."""

    kind: ClassVar[str] = "log_store"
    key: ClassVar[tuple[str, ...]] = ("asset", "log")

    asset: str = always("Asset.")
    log: str = always("Log (journal, /var/log/auth.log, nginx access, postgresql).")
    log_class: str | None = column("security, system, application, access or audit.")
    retention_days: int | None = column("Days kept by rotation rules; 0 when no rule deletes.")
    oldest_record_at: Instant | None = column("Oldest record still there.")
    newest_record_at: Instant | None = column("Newest record.")
    rotated: bool | None = column("A rotation rule covers it.")
    last_rotated_at: Instant | None = column(
        "Last record of the newest older generation, after which it was rotated; NULL when there is none."
    )
    persistent: bool | None = column("Survives a restart.")
    ships_off_host: bool | None = column("Also sent to another machine.")
    world_readable: bool | None = column("Anybody on the machine may read it.")
    detail: dict[str, Any] | None = column("The rule as configured.")
