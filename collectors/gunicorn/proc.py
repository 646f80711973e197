"""The process table and the socket tables of the kernel, as far as this account may read them.

Which process holds which socket is the one statement about a process that the process itself cannot make up; its
name, title and command line it can. Reading it (`/proc/PID/fd`) takes the right to trace the process: the same
account, or CAP_SYS_PTRACE, and to pass the permissions of that folder (CAP_DAC_READ_SEARCH).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from compliance.schemas.errors import Absent, Denied, Malformed, Unreachable

_SOCKET = re.compile(r"socket:\[(\d+)\]\Z")
_LOOKS = 3  # before nothing listens: a table that changes while it is read may hide an entry
_LISTEN = "0A"  # TCP_LISTEN
_ACCEPTS = 0x10000  # __SO_ACCEPTCON of a Unix socket's flags
_ENDED = ("Z", "X", "x", "")
HALTED = ("T", "t")  # stopped by a signal or a debugger: alive and serving nobody
_LOW_PORTS = 1 << 10  # CAP_NET_BIND_SERVICE
REMEDY = "run the collector as gunicorn's own account, or with CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE"


@dataclass(frozen=True, slots=True)
class Process:
    """One live process with what it holds open. `files` are the targets of its descriptors that are no sockets."""

    pid: int
    parent: int
    state: str
    ticks: int  # start, in clock ticks since boot: with the number it names a process for ever
    uid: int
    privileged: bool
    program: str
    command: tuple[str, ...]
    sockets: frozenset[int]
    files: frozenset[str]
    catches: int  # the signals it has handlers for, as the kernel's mask


@dataclass(frozen=True, slots=True)
class Table:
    """What one look at the process table gave. `closed` are those whose descriptors this account may not read."""

    processes: dict[int, Process]
    closed: dict[int, int]  # number → parent


def fetch_listeners(address: str, proc: Path = Path("/proc")) -> dict[int, str]:
    """Socket inode → address of the sockets that take connections for `address`.

    A socket bound to all addresses takes them too, where none is bound to this one. Raises Absent, Denied or
    Unreachable when the kernel's tables cannot be read.
    """
    port = address.rpartition(":")[2]
    anywhere = (f"[::]:{port}",) if address.startswith("[") else (f"[::]:{port}", f"0.0.0.0:{port}")
    for _ in range(_LOOKS):
        found = _listening(proc)
        exact = {inode: text for inode, text in found.items() if text == address}
        wide = {inode: text for inode, text in found.items() if text in anywhere and not address.startswith("unix:")}
        if exact or wide:
            return exact or wide
    return {}


def fetch_unix(proc: Path = Path("/proc")) -> dict[int, str]:
    """Inode → path of the Unix sockets that take connections."""
    rows = (line.split(None, 7) for line in _read(proc / "net/unix").splitlines()[1:])
    return {int(r[6]): r[7] for r in rows if len(r) == 8 and int(r[3], 16) & _ACCEPTS and r[7].startswith("/")}


def fetch_addresses(inodes: frozenset[int], proc: Path = Path("/proc")) -> list[str]:
    """The addresses of those of `inodes` that take connections, sorted."""
    return sorted({text for inode, text in _listening(proc).items() if inode in inodes})


def fetch_table(proc: Path = Path("/proc")) -> Table:
    """Every live process this account may look into, and those it may not. Ended ones are in neither."""
    processes: dict[int, Process] = {}
    closed: dict[int, int] = {}
    try:
        pids = sorted(int(name) for name in os.listdir(proc) if name.isdecimal())
    except OSError as error:
        raise Unreachable(f"{proc} cannot be listed: {error.strerror}", remedy="mount /proc") from error
    if not pids:
        raise Denied(f"{proc} shows no process to this account", remedy=REMEDY)
    for pid in pids:
        folder, parent = proc / str(pid), 0
        try:
            told = _stat(folder)
            if told is None:
                continue
            parent = told[1]
            processes[pid] = _process(folder, pid, *told)
        except PermissionError:
            if not _ended(folder):
                closed[pid] = parent
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    return Table(processes, closed)


def children(pid: int, proc: Path = Path("/proc")) -> set[int] | None:
    """Children of a process as the kernel lists them, hidden ones too; None where the kernel has no such list."""
    found: set[int] = set()
    try:
        for task in os.listdir(proc / str(pid) / "task"):
            found |= {int(word) for word in (proc / str(pid) / "task" / task / "children").read_text().split()}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Denied(f"the children of process {pid} may not be read by this account", remedy=REMEDY) from error
    return found


def hidden(pid: int, proc: Path = Path("/proc")) -> bool:
    """A process of that number exists and is not shown to this account."""
    if (proc / str(pid)).exists():
        return False
    try:
        os.kill(pid, 0)  # signal 0 sends nothing: it only asks whether there is such a process
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # refused, so it is there
    return True


def _listening(proc: Path) -> dict[int, str]:
    """Inode → address of every socket that takes connections.

    The kernel gives its tables page by page, and an entry may be missed while others come and go: each is read twice.
    """
    found: dict[int, str] = {}
    for _ in range(2):
        for name in ("tcp", "tcp6"):
            found.update(_tcp(_read(proc / "net" / name), name))
        found.update({inode: f"unix:{path}" for inode, path in fetch_unix(proc).items()})
    return found


def _process(folder: Path, pid: int, state: str, parent: int, ticks: int) -> Process:
    sockets, files = set(), set()
    for name in os.listdir(folder / "fd"):
        try:
            target = os.readlink(folder / "fd" / name)
        except FileNotFoundError:
            continue  # closed while we looked
        found = _SOCKET.match(target)
        if found:
            sockets.add(int(found[1]))
        else:
            files.add(target)
    status = dict(line.partition(":")[::2] for line in (folder / "status").read_text().splitlines())
    uids = [int(word) for word in status["Uid"].split()]
    rights = int(status["CapPrm"], 16) & ~_LOW_PORTS
    command = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    try:
        program = os.readlink(folder / "exe").removesuffix(" (deleted)")
    except FileNotFoundError:
        program = ""  # a thread of the kernel
    return Process(
        pid=pid,
        parent=parent,
        state=state,
        ticks=ticks,
        uid=uids[1],
        privileged=0 in uids or rights != 0,
        program=program,
        command=tuple(command),
        sockets=frozenset(sockets),
        files=frozenset(files),
        catches=int(status["SigCgt"], 16),
    )


def _stat(folder: Path) -> tuple[str, int, int] | None:
    """State, parent and start; None for a process that has ended. Raises PermissionError where that is hidden."""
    try:
        fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if len(fields) < 20 or fields[0] in _ENDED:
        return None
    return fields[0], int(fields[1]), int(fields[19])  # fields 3, 4 and 22 of proc(5) stat


def _ended(folder: Path) -> bool:
    """The process has ended by now: an ended one refuses its descriptors even to its own account."""
    try:
        return _stat(folder) is None
    except PermissionError:
        return False


def _tcp(text: str, name: str) -> Iterator[tuple[int, str]]:
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10:
            raise Malformed(f"/proc/net/{name}: a line has {len(fields)} fields", remedy="report it with the kernel")
        if fields[3] != _LISTEN:
            continue
        host, _, port = fields[1].partition(":")
        words = bytes.fromhex(host)  # each word of four bytes in the machine's own order
        raw = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4)) if _LITTLE else words
        if name == "tcp":
            yield int(fields[9]), f"{IPv4Address(raw)}:{int(port, 16)}"
        else:
            yield int(fields[9]), f"[{IPv6Address(raw)}]:{int(port, 16)}"


_LITTLE = sys.byteorder == "little"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError as error:
        raise Absent(f"{path} does not exist", remedy="mount /proc") from error
    except PermissionError as error:
        raise Denied(f"{path} may not be read by this account", remedy=REMEDY) from error
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror}", remedy="mount /proc") from error
