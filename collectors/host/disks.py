"""Mounted volumes, and whether a layer below each is encrypted, by the kernel's own tree of block devices."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from compliance.collectors.host.machine import Machine
from compliance.collectors.host.system import virtualisation
from compliance.schemas.errors import Malformed, SourceError
from compliance.schemas.kinds.host import DiskVolume

# Views of the kernel, not volumes: nothing can be stored in them.
_KERNEL_FILESYSTEMS_WORDS = """
    autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl
    hugetlbfs mqueue nsfs proc pstore rpc_pipefs securityfs selinuxfs sysfs tracefs
"""
KERNEL_FILESYSTEMS = frozenset(_KERNEL_FILESYSTEMS_WORDS.split())
PSEUDO = frozenset({"tmpfs", "ramfs", "overlay", "squashfs", "erofs", "fuse.lxcfs"})


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo, with the octal escapes of its paths undone."""

    device_id: str
    mount_point: str
    filesystem: str
    device: str
    read_only: bool


def rows_mount(text: str) -> list[Mount]:
    """Mounts that can hold data, the last one over a mount point being the one that shows. proc(5), mountinfo."""
    found: dict[str, Mount] = {}
    for line in text.splitlines():
        left, dash, right = line.partition(" - ")
        head, tail = left.split(), right.split()
        if not dash or len(head) < 6 or len(tail) < 2:
            raise Malformed("/proc/self/mountinfo has a line of another shape", remedy="report it with `uname -r`")
        options = ",".join([head[5], *tail[2:3]]).split(",")  # of the mount, then of the file system itself
        mount = Mount(head[2], _plain(head[4]), tail[0], _plain(tail[1]), "ro" in options)
        found.pop(mount.mount_point, None)
        found[mount.mount_point] = mount
    return [mount for mount in found.values() if mount.filesystem not in KERNEL_FILESYSTEMS]


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def layer(machine: Machine, device: str) -> tuple[bool | None, str | None]:
    """Whether everything a block device (`254:0`, or a name below /sys/block) rests on is encrypted, and by what.

    True and False are only said of devices whose lowest layer shows; a device the tree does not know is None.
    """
    folder = f"/sys/dev/block/{device}" if ":" in device else f"/sys/class/block/{device}"
    if not machine.exists(folder):
        return None, None
    uuid = (machine.read_optional(f"{folder}/dm/uuid") or "").strip()
    if uuid.startswith("CRYPT-"):
        return True, uuid.split("-")[1]
    below = machine.names(f"{folder}/slaves")
    if not below:
        return False, None
    found = [layer(machine, name) for name in below]
    if any(encrypted is False for encrypted, _ in found):
        return False, None
    if any(encrypted is None for encrypted, _ in found):
        return None, None
    return True, ", ".join(sorted({kind for _, kind in found if kind}))


def _encryption(machine: Machine, mount: Mount, virtual: bool | None) -> tuple[bool | None, str | None]:
    if mount.filesystem in PSEUDO:
        return None, None
    encrypted: bool | None
    if mount.filesystem == "zfs":
        reply = machine.ask("zfs", "get", "-H", "-o", "value", "encryption", mount.device)
        value = reply.out.strip()
        if reply.status or not value:
            return None, None
        return value != "off", f"ZFS {value}" if value != "off" else None
    if mount.filesystem == "btrfs":
        found = [layer(machine, name) for name in _btrfs_members(machine, mount)]
        if not found or any(encrypted is None for encrypted, _ in found):
            return None, None
        every = all(e for e, _ in found)
        encrypted, kind = every, (next((k for _, k in found if k), None) if every else None)
    else:
        encrypted, kind = layer(machine, mount.device_id)
    # a virtual machine or container does not see what its provider does below its disk: "no" cannot be said there
    return (None, None) if encrypted is False and virtual is not False else (encrypted, kind)


def _btrfs_members(machine: Machine, mount: Mount) -> list[str]:
    """Every device of a btrfs file system: it is encrypted only when all of them are."""
    name = os.path.basename(os.path.realpath(mount.device))
    for folder in machine.names("/sys/fs/btrfs"):
        members = machine.names(f"/sys/fs/btrfs/{folder}/devices")
        if name in members:
            return members
    return []


def read_disk_volume(machine: Machine, asset: str) -> list[DiskVolume]:
    """One row a mounted volume that this process sees."""
    inside, _ = virtualisation(machine)
    virtual = None if inside is None else inside != "none"
    rows = []
    for mount in rows_mount(machine.read("/proc/self/mountinfo")):
        try:
            encrypted, kind = _encryption(machine, mount, virtual)
        except SourceError:  # the volume is there; what lies below it is what cannot be seen
            encrypted, kind = None, None
        size, used = _space(machine, mount.mount_point)
        rows.append(
            DiskVolume(
                asset=asset,
                mount_point=mount.mount_point,
                device=mount.device,
                filesystem=mount.filesystem,
                encrypted=encrypted,
                encryption=kind,
                is_pseudo=mount.filesystem in PSEUDO,
                size_mib=size,
                used_permille=used,
                read_only=mount.read_only,
            )
        )
    return rows


def _space(machine: Machine, mount_point: str) -> tuple[int | None, int | None]:
    try:
        info = os.statvfs(machine.at(mount_point))
    except OSError:
        return None, None
    if not info.f_blocks:
        return 0, None
    return info.f_blocks * info.f_frsize >> 20, 1000 * (info.f_blocks - info.f_bfree) // info.f_blocks
