"""What listens: the kernel's socket tables, and the processes that hold the sockets."""

from __future__ import annotations

import ipaddress
import sys
from dataclasses import dataclass

from compliance.collectors.host.machine import Machine
from compliance.collectors.host.settings import account_name
from compliance.schemas.errors import Malformed
from compliance.schemas.kinds.host import Exposure, ListeningSocket

TABLES = ("tcp", "tcp6", "udp", "udp6")
_LISTENING = {"tcp": "0A", "udp": "07"}  # TCP_LISTEN; UDP's unconnected state
COMPONENTS = {
    "postgres": "postgresql",
    "postmaster": "postgresql",
    "redis-server": "redis",
    "valkey-server": "redis",
    "mysqld": "mysql",
    "mariadbd": "mysql",
    "mongod": "mongodb",
    "memcached": "memcached",
    "etcd": "etcd",
    "clickhouse-serv": "clickhouse",
    "influxd": "influxdb",
    "slapd": "openldap",
    "minio": "minio",
    "sshd": "sshd",
    "nginx": "nginx",
    "apache2": "apache",
    "httpd": "apache",
    "haproxy": "haproxy",
    "caddy": "caddy",
    "traefik": "traefik",
    "dockerd": "docker",
    "containerd": "containerd",
    "kubelet": "kubernetes",
    "kube-apiserver": "kubernetes",
    "chronyd": "chrony",
    "ntpd": "ntpd",
    "named": "bind",
    "unbound": "unbound",
    "dnsmasq": "dnsmasq",
    "systemd-resolve": "systemd-resolved",
    "master": "postfix",
    "exim4": "exim",
    "dovecot": "dovecot",
    "smbd": "samba",
    "rpcbind": "rpcbind",
    "cupsd": "cups",
    "pgbouncer": "pgbouncer",
    "prometheus": "prometheus",
    "grafana": "grafana",
    "vsftpd": "vsftpd",
    "telnetd": "telnet",
    "in.telnetd": "telnet",
    "xrdp": "xrdp",
}
_DATA_STORES_WORDS = """
    postgresql redis mysql mongodb memcached etcd clickhouse influxdb openldap minio elasticsearch
    opensearch
"""
DATA_STORES = frozenset(_DATA_STORES_WORDS.split())
# Known by a word in a Java command line, which a program that only talks to them has too; or a door into a store.
_MAY_KEEP = frozenset({"kafka", "zookeeper", "pgbouncer", "prometheus"})
# Where data stores usually listen: another program there may hand connections on to one (a proxy, an SSH tunnel).
_STORE_PORTS = frozenset(
    {389, 636, 1433, 1521, 2379, 3306, 5432, 5433, 5984, 6379, 6380, 6432, 8086, 8123, 9042, 9200, 9300, 11211, 26257}
) | frozenset(range(27017, 27020))
_ADMIN = frozenset({"sshd", "docker", "kubernetes", "telnet", "xrdp"})
_ADMIN_PORTS = frozenset({22, 23, 2375, 2376, 3389, 5900, 5901, 6443, 8006, 9090, 10000, 10250})


@dataclass(frozen=True, slots=True)
class Socket:
    """One waiting socket of the kernel's tables."""

    protocol: str
    address: str
    port: int
    uid: int
    inode: str


@dataclass(frozen=True, slots=True)
class Process:
    """Who holds a socket: name, uid, and what it is when the name alone does not say (a Java program)."""

    name: str
    uid: int
    component: str | None


def rows_table(text: str, protocol: str) -> list[Socket]:
    """Waiting sockets of /proc/net/tcp, tcp6, udp or udp6; unconnected UDP sockets count as waiting."""
    found = []
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 10 or ":" not in words[1]:
            raise Malformed(f"/proc/net/{protocol} has a line of another shape", remedy="report it with `uname -r`")
        if words[3] == _LISTENING[protocol[:3]]:
            address, port = words[1].split(":")
            found.append(Socket(protocol[:3], _address(address), int(port, 16), int(words[7]), words[9]))
    return found


def _address(text: str) -> str:
    """The kernel prints addresses as 32-bit words in its own byte order."""
    words = [bytes.fromhex(text[i : i + 8]) for i in range(0, len(text), 8)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = mapped or address
    return "*" if address.is_unspecified else str(address)


def exposure(address: str) -> Exposure:
    """From where the address can be reached, as far as the address itself tells."""
    if address == "*":
        return Exposure.PUBLIC
    parsed = ipaddress.ip_address(address)
    if parsed.is_loopback:
        return Exposure.LOOPBACK
    return Exposure.PRIVATE if parsed.is_private or parsed.is_link_local else Exposure.PUBLIC


def fetch_processes(machine: Machine) -> dict[str, Process]:
    """Socket inode → process. Processes that we may not look into are left out: their sockets keep no name."""
    found: dict[str, Process] = {}
    for pid in machine.names("/proc"):
        if not pid.isdigit():
            continue
        folder = machine.at(f"/proc/{pid}")
        try:
            links = [link.readlink() for link in (folder / "fd").iterdir()]
            inodes = [str(link)[8:-1] for link in links if str(link).startswith("socket:[")]
            if inodes:
                process = _process(
                    (folder / "comm").read_text(errors="replace"),
                    (folder / "status").read_text(errors="replace"),
                    (folder / "cmdline").read_bytes(),
                )
                found.update(dict.fromkeys(inodes, process))
        except OSError:  # ended meanwhile, or somebody else's: the socket's row then has no process
            continue
    return found


def _process(comm: str, status: str, cmdline: bytes) -> Process:
    uid = next((int(line.split()[2]) for line in status.splitlines() if line.startswith("Uid:")), -1)
    name = comm.strip()
    component = COMPONENTS.get(name)
    if name == "java":  # only looked at, never recorded: arguments may hold secrets
        component = next(
            (c for c in ("elasticsearch", "opensearch", "kafka", "zookeeper") if c.encode() in cmdline), None
        )
    return Process(name, uid, component)


def rows_listening(sockets: list[Socket], processes: dict[str, Process], asset: str) -> list[ListeningSocket]:
    """One row a protocol, address and port; several sockets on one (reuse of the port, both IP versions) are one."""
    rows: dict[tuple[str, str, int], ListeningSocket] = {}
    for socket in sockets:
        process = processes.get(socket.inode)
        component = process.component if process else None
        key = (socket.protocol, socket.address, socket.port)
        admin_port = socket.port in _ADMIN_PORTS and socket.protocol == "tcp"
        row = ListeningSocket(
            asset=asset,
            protocol=socket.protocol,
            address=socket.address,
            port=socket.port,
            exposure=exposure(socket.address),
            process=process.name if process else None,
            process_account=account_name(process.uid if process else socket.uid),
            component=component,
            is_data_store=_is_data_store(component, socket.port),
            is_admin=True if component in _ADMIN or admin_port else (False if component else None),
            is_encrypted=True if component == "sshd" else (False if component == "telnet" else None),
        )
        rows[key] = _merged(rows[key], row) if key in rows else row
    return list(rows.values())


def _is_data_store(component: str | None, port: int) -> bool | None:
    if component in DATA_STORES:
        return True
    return None if component is None or component in _MAY_KEEP or port in _STORE_PORTS else False


def _merged(one: ListeningSocket, other: ListeningSocket) -> ListeningSocket:
    """Two sockets on one address and port. Held by two programs they are as bad as the worse, and no better known."""
    if one.process == other.process and one.component == other.component:
        return one
    worse = other if other.is_data_store and not one.is_data_store else one
    unclear: dict[str, object] = {"process": None, "process_account": None, "is_encrypted": None}
    if not worse.is_data_store:
        unclear |= {"component": None, "is_data_store": None}
    unclear["is_admin"] = True if one.is_admin or other.is_admin else None
    return worse.model_copy(update=unclear)


def read_listening_socket(machine: Machine, asset: str) -> list[ListeningSocket]:
    """Sockets of this network namespace. A kernel without IPv6 has no table for it."""
    sockets = []
    for table in TABLES:
        text = (
            machine.read_optional(f"/proc/net/{table}") if table.endswith("6") else machine.read(f"/proc/net/{table}")
        )
        if text is not None:
            sockets += rows_table(text, table)
    return rows_listening(sockets, fetch_processes(machine), asset)
