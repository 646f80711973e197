"""What pgbackrest says, as rows. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from compliance.collectors.pgbackrest.chain import Base, Chain
from compliance.collectors.pgbackrest.configuration import Configuration
from compliance.collectors.pgbackrest.settings import PgBackRestSettings
from compliance.collectors.segments import position
from compliance.schemas.errors import Malformed
from compliance.schemas.kinds.estate import BackupRun, BackupSet, BackupType, RunOutcome
from compliance.schemas.kinds.host import Setting
from compliance.schemas.kinds.recovery import ArchiveChain

TOOL = "pgbackrest"
LABEL = re.compile(r"\d{8}-\d{6}F(_\d{8}-\d{6}[DI])?\Z")
_SEGMENT = re.compile(r"(?:.*/)?([0-9A-F]{24})-[0-9a-f]{40}(\.[a-z0-9]+)?\Z")
_OWN_TYPES = {"full": BackupType.FULL, "diff": BackupType.DIFF, "incr": BackupType.INCR}


def instant(seconds: int) -> datetime:
    """A Unix time."""
    return datetime.fromtimestamp(seconds, UTC)


def repositories(stanza: Mapping[str, Any]) -> list[int]:
    """Numbers of the repositories of a stanza."""
    return [int(repo["key"]) for repo in stanza["repo"]]


def runs_in(stanza: Mapping[str, Any], repository: int) -> list[Mapping[str, Any]]:
    """The backups that lie in one repository."""
    return [run for run in stanza["backup"] if run["database"]["repo-key"] == repository]


def current(stanza: Mapping[str, Any], repository: int) -> Mapping[str, Any] | None:
    """The database that a repository belongs to now: the newest of its history."""
    known = [db for db in stanza["db"] if db["repo-key"] == repository]
    return max(known, key=lambda db: int(db["id"]), default=None)


def bases(stanza: Mapping[str, Any], repository: int) -> list[Base]:
    """The backups of the current database, as the archive needs to be held against them."""
    database = current(stanza, repository)
    return [
        Base(
            start=run["archive"]["start"],
            stop=run["archive"]["stop"],
            position=position(run["lsn"]["start"]) if "lsn" in run else None,
            ended=run["timestamp"]["stop"],
        )
        for run in runs_in(stanza, repository)
        if database is not None and run["database"]["id"] == database["id"]
    ]


def segments(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Whole segments in the list of an archive, each with the time at which it was stored; empty files do not count."""
    found = {}
    for path, entry in entries.items():
        named = _SEGMENT.match(path)
        if named and entry.get("type") == "file" and entry.get("size", 0) > 0:
            found[named[1]] = int(entry["time"])
    return found


def rows_runs(
    stanza: Mapping[str, Any],
    repository: int,
    folders: Sequence[str],
    same_host: bool | None,
    settings: PgBackRestSettings,
) -> list[BackupRun]:
    """One row per backup of a repository, those included that began and never became one."""
    name, cipher = stanza["name"], next(r["cipher"] for r in stanza["repo"] if r["key"] == repository)
    systems = {db["id"]: str(db["system-id"]) for db in stanza["db"] if db["repo-key"] == repository}
    site = settings.repository_sites.get(str(repository))
    common: dict[str, Any] = {
        "backup_set": name,
        "repository": str(repository),
        "tool": TOOL,
        "content": "database",
        "data_stores": _stores(settings, name),
        "environment": settings.environment,
        "encrypted": cipher != "none" or settings.storage_encrypted.get(str(repository), False),
        "cipher": cipher,
        "same_host": same_host,
        "site": site,
        "other_site": None if site is None or settings.site is None else site != settings.site,
    }
    known = runs_in(stanza, repository)
    found = [
        BackupRun(
            **common,
            run=run["label"],
            backup_type=_OWN_TYPES[run["type"]],
            needs=sorted(run["reference"] or []),
            system_identifier=systems[run["database"]["id"]],
            started_at=instant(run["timestamp"]["start"]),
            finished_at=instant(run["timestamp"]["stop"]),
            outcome=RunOutcome.WARNING if run.get("error") else RunOutcome.SUCCESS,
            size_bytes=run["info"]["size"],
            copied_bytes=run["info"]["delta"],
            stored_bytes=run["info"]["repository"].get("delta"),
            page_errors=run.get("error"),
            detail={"archive": dict(run["archive"]), "version": run["backrest"]["version"]},
        )
        for run in known
    ]
    unfinished = sorted(set(folders) - {run["label"] for run in known})
    held = bool(stanza["status"]["lock"]["backup"]["held"])
    system = current(stanza, repository)
    for label in unfinished:
        running = held and label == max(unfinished)
        found.append(
            BackupRun(
                **common,
                run=label,
                system_identifier=None if system is None else str(system["system-id"]),
                outcome=RunOutcome.RUNNING if running else RunOutcome.FAILED,
            )
        )
    return found


def row_set(
    stanza: Mapping[str, Any],
    chains: Mapping[int, Chain | None],
    configuration: Configuration | None,
    settings: PgBackRestSettings,
) -> BackupSet:
    """A stanza over all its repositories."""
    name = stanza["name"]
    systems = {str(db["system-id"]) for r in repositories(stanza) if (db := current(stanza, r)) is not None}
    reached = [chain.earliest for chain in chains.values() if chain is not None and chain.earliest is not None]
    full, days = _kept(configuration, name, repositories(stanza))
    return BackupSet(
        backup_set=name,
        tool=TOOL,
        content="database",
        system_identifier=systems.pop() if len(systems) == 1 else None,
        data_stores=_stores(settings, name),
        environment=settings.environment,
        repositories=len(stanza["repo"]),
        is_ok=stanza["status"]["code"] == 0,
        status=stanza["status"]["message"],
        runs=len(stanza["backup"]),
        earliest_restore_at=instant(min(reached)) if reached and None not in chains.values() else None,
        keeps_full=full,
        keeps_days=days,
    )


def row_chain(stanza: Mapping[str, Any], repository: int, found: Chain | None, size: int | None,
              stored: Mapping[str, int]) -> ArchiveChain:  # fmt: skip
    """The archive of one repository; its columns stay NULL where no backup tells the size of a segment."""
    database = current(stanza, repository)
    row = {
        "backup_set": stanza["name"],
        "repository": str(repository),
        "tool": TOOL,
        "system_identifier": None if database is None else str(database["system-id"]),
        "segment_bytes": size,
    }
    if found is None:
        return ArchiveChain(**row, backups=0 if not runs_in(stanza, repository) else None)
    return ArchiveChain(
        **row,
        backups=found.backups,
        earliest_restore_at=None if found.earliest is None else instant(found.earliest),
        last_segment=found.last,
        last_segment_at=None if found.last is None else instant(stored[found.last]),
        newest_segment=found.newest,
        missing_segments=found.missing,
        first_missing=found.first_missing,
    )


def rows_settings(configuration: Configuration) -> list[Setting]:
    """One row per option that may be shown."""
    return [
        Setting(component=TOOL, name=f"{section}.{name}", value=value, origin="file")
        for section, name, value in configuration.shown()
    ]


def checked(stanza: Mapping[str, Any]) -> Mapping[str, Any]:
    """The stanza, when it has the shape that the rows rest on. Raises Malformed."""
    try:
        for run in stanza["backup"]:
            _ = run["label"], run["reference"], run["archive"]["start"], run["archive"]["stop"], run["info"]["size"]
            _ = run["info"]["delta"], run["info"]["repository"], run["backrest"]["version"], _OWN_TYPES[run["type"]]
            instant(run["timestamp"]["start"]), instant(run["timestamp"]["stop"])
            if not any(
                (db["id"], db["repo-key"]) == (run["database"]["id"], run["database"]["repo-key"]) and db["system-id"]
                for db in stanza["db"]
            ):
                raise KeyError("db")
        _ = stanza["status"]["lock"]["backup"]["held"], [repo["cipher"] for repo in stanza["repo"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(
            f"pgbackrest info has another shape than its maker documents: {error!r}",
            remedy="report it with the version of pgbackrest",
        ) from error
    return stanza


def _stores(settings: PgBackRestSettings, stanza: str) -> list[str] | None:
    if settings.data_stores is None or stanza not in settings.data_stores:
        return None
    return sorted(settings.data_stores[stanza])


def _kept(configuration: Configuration | None, stanza: str, numbers: Sequence[int]) -> tuple[int | None, int | None]:
    """Backups or days kept by the repository that keeps least; 0 where nothing is ever removed."""
    if configuration is None:
        return None, None
    kept = []
    for number in numbers:
        value = configuration.option(stanza, f"repo{number}-retention-full") or "0"
        by_days = configuration.option(stanza, f"repo{number}-retention-full-type") == "time"
        kept.append((by_days, int(value) if value.isdigit() else 0))
    if len({by_days for by_days, _ in kept}) != 1:
        return None, None
    least = min((count for _, count in kept if count), default=0)
    return (None, least) if kept[0][0] else (least, None)
