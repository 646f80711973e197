"""What can be read on this machine, and the configuration that says so."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from compliance import collectors
from compliance.app import config
from compliance.schemas.errors import ComplianceError, ConfigError, StorageFull
from compliance.schemas.messages import Discovery, Found


@dataclass(frozen=True, slots=True)
class Discovered:
    """One system found, with the collector that reads it."""

    collector: str
    found: Found


@dataclass(frozen=True, slots=True)
class NotLooked:
    """A collector whose discovery failed: what it would have found is not known."""

    collector: str
    message: str


def discover(
    root: Path = Path("/"), folder: Path | None = None, progress: Callable[[str], None] | None = None
) -> tuple[list[Discovered], list[NotLooked]]:
    """Every system of a known type on this machine, without credentials, and the collectors that could not look."""
    ctx = Discovery(root=root, folder=folder or Path.cwd())
    found: list[Discovered] = []
    failed: list[NotLooked] = []
    for name in collectors.names():
        if progress:
            progress(name)
        try:
            collector = collectors.load(name)
            found += [Discovered(name, item) for item in collector.discover(ctx)]
        except (ComplianceError, OSError, ValueError) as error:
            failed.append(NotLooked(name, str(error)))
    return found, failed


def unconfigured(found: Iterable[Discovered], sources: Iterable[config.SourceConfig]) -> list[Discovered]:
    """Those of `found` that no configured source reads at the address they were found at."""
    known: dict[str, list[Mapping[str, Any]]] = {}
    for source in sources:
        known.setdefault(source.collector.name, []).append(source.settings.model_dump(mode="json"))

    def read(item: Discovered) -> bool:
        if item.collector not in known:
            return False
        addresses = {address for settings in known[item.collector] for address in _addresses(settings)}
        return all(addresses.intersection(_same(*address)) for address in _addresses(item.found.settings))

    return [item for item in found if not read(item)]


def _addresses(settings: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Where a source with these settings looks. All names of the loopback interface are one."""
    if settings.get("bind"):  # the address alone tells one application server from another
        return [("bind", settings["bind"])]
    found: list[tuple[str, Any]] = [("clone", os.path.realpath(path)) for path in settings.get("paths") or ()]
    found += [("file", os.path.realpath(settings[key])) for key in ("config", "unix_socket") if settings.get(key)]
    if settings.get("settings_module"):
        found.append(("module", settings["settings_module"]))
    for endpoint in settings.get("endpoints") or ():
        found.append((_machine(endpoint["host"]), endpoint.get("port", 443)))
    host, port = settings.get("host"), settings.get("port")
    if "port" in settings and not settings.get("unix_socket") and not settings.get("service"):
        host, port = host or "localhost", port or 5432  # libpq's defaults; others always have a port
        found.append((os.path.realpath(host) if host.startswith("/") else _machine(host), port))
    return found


def _same(where: str, what: Any) -> list[tuple[str, Any]]:
    """The addresses of a source that reads what is at this one."""
    found = [(where, what)]
    if where == "clone":
        found.append((where, os.path.dirname(what)))  # `paths` may name the folder above
    if where.startswith("/"):
        found.append(("localhost", what))  # PostgreSQL names its socket after the port
    return found


def _machine(host: str) -> str:
    return "localhost" if host in ("127.0.0.1", "::1") else host.lower()


def write_config(path: Path, found: Sequence[Discovered], failed: Sequence[NotLooked], *, organisation: str) -> None:
    """Write a commented `compliance.toml`. Never overwrites.

    Raises:
        ConfigError: the file exists already.
        StorageFull: the folder cannot be written.
    """
    text = tomlkit.dumps(document(found, failed, organisation=organisation))
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{path} exists already", remedy="edit it, or move it away and run init again") from None
    except OSError as error:
        raise StorageFull(
            f"{path} cannot be written: {error.strerror}", remedy="free space, or run in a folder you may write to"
        ) from error


def document(found: Sequence[Discovered], failed: Sequence[NotLooked], *, organisation: str) -> tomlkit.TOMLDocument:
    """The configuration that reads what was found, with a comment for everything a person should decide."""
    doc = tomlkit.document()
    doc.add(tomlkit.comment("What is audited, and how. `compliance doctor` checks this file."))
    doc.add(tomlkit.nl())
    doc["organisation"] = _table({"name": organisation})
    ledger = _table({"path": "compliance.duckdb", "origin": f"{_hostname()}/evidence/{os.urandom(4).hex()}"})
    ledger["origin"].comment("names this log for ever: it is signed into every checkpoint")
    doc["ledger"] = ledger
    doc["audit"] = _table({"output": "audit", "languages": ["en"]})
    sources = tomlkit.table(is_super_table=True)
    for name, item in zip(_names(found), found, strict=True):
        table = tomlkit.table()
        table.add(tomlkit.comment(_one_line(item.found.seen)))
        table["collector"] = item.collector
        for key, value in item.found.settings.items():
            table[key] = value
        sources[name] = table
    if found:
        doc["sources"] = sources
    doc.add(tomlkit.nl())
    for missed in failed:
        doc.add(tomlkit.comment(f"{missed.collector}: could not look: {_one_line(missed.message)}"))
    for line in _PROFILE_HELP:
        doc.add(tomlkit.comment(line))
    return doc


_PROFILE_HELP = (
    'Sources may also carry: environment = "production", owner = "team", data_class = "restricted",',
    "in_pci_scope = true, enabled = false, timeout_s = 300, rate_per_s = 10.",
    "",
    'Declared facts decide what applies; undeclared counts as "it applies". A declaration counts for 366 days:',
    "[profile.processes_payments]",
    "value = false",
    'declared_by = "finance director"',
    "declared_at = 2026-01-31",
    "",
    'Secrets are given by reference only: password = "env:PGPASSWORD", "file:/run/secrets/pg", "keyring:pg/reader".',
)


def _names(found: Sequence[Discovered]) -> list[str]:
    taken: set[str] = set()
    names = []
    for item in found:
        name = re.sub(r"[^a-z0-9_-]+", "-", item.found.name.lower()).strip("-") or item.collector
        if not name[0].isalpha():
            name = f"{item.collector}-{name}"
        name = name[:60]
        wanted, n = name, 2
        while name in taken or name == "engine":
            name, n = f"{wanted}-{n}", n + 1
        taken.add(name)
        names.append(name)
    return names


def _table(values: Mapping[str, Any]) -> Any:
    table = tomlkit.table()
    for key, value in values.items():
        table[key] = value
    return table


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _hostname() -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", socket.gethostname()) or "localhost"
