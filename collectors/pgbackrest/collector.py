"""The collector: which kind rests on which questions to pgbackrest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from compliance.collectors import asking, segments
from compliance.collectors.asking import Read
from compliance.collectors.pgbackrest import chain, configuration, discovery, rows
from compliance.collectors.pgbackrest.chain import Chain
from compliance.collectors.pgbackrest.configuration import Configuration
from compliance.collectors.pgbackrest.program import Session
from compliance.collectors.pgbackrest.settings import PgBackRestSettings
from compliance.schemas.errors import Absent, Denied, Malformed
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.estate import BackupRun, BackupSet
from compliance.schemas.kinds.host import ConfigFile, Setting
from compliance.schemas.kinds.recovery import ArchiveChain
from compliance.schemas.messages import Access, Context, Discovery, Found, Message, Request, Settings

Ctx = Context[PgBackRestSettings]
_Reached = tuple[Chain | None, int | None, Mapping[str, int]]  # chain, size of a segment, segments with their times


class PgBackRest:
    """Reads the repositories of one pgBackRest through its own program."""

    name: ClassVar[str] = "pgbackrest"
    title: ClassVar[str] = "pgBackRest"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (BackupSet, BackupRun, ArchiveChain, Setting, ConfigFile)
    Settings: ClassVar[type[Settings]] = PgBackRestSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """The usual configuration file on this machine."""
        return discovery.discover(ctx.root)

    def check(self, ctx: Ctx) -> Iterator[Access]:
        """Asks everything once and keeps nothing: readable or not, and what stays NULL."""
        return asking.check(ctx, Session, _READERS)

    def collect(self, ctx: Ctx) -> Iterator[Message]:
        """Records of the wanted kinds, each kind closed by one Complete or Gap."""
        return asking.collect(ctx, Session, _READERS)


def _stanzas(session: Session) -> list[Mapping[str, Any]]:
    return [rows.checked(stanza) for stanza in session.stanzas()]


def _configuration(ctx: Ctx, session: Session) -> Configuration:
    found = configuration.read(ctx.settings.config)
    session.asked.extend(Request("file", file.path, file.sha256) for file in found.files)
    return found


def _optional(ctx: Ctx, session: Session, columns: str) -> Configuration | None:
    try:
        return _configuration(ctx, session)
    except (Denied, Absent) as error:
        session.notes.append(f"{columns} stay NULL: {error.message}; {error.remedy}")
        return None


def _found(session: Session, stanza: Mapping[str, Any], repository: int) -> _Reached:
    """The chain of one repository. Raises SourceError where its archive cannot be listed."""
    database = rows.current(stanza, repository)
    bases = rows.bases(stanza, repository)
    size = chain.segment_size(bases)
    if database is None or size is None:
        return None, size, {}
    archive = f"{database['version']}-{database['id']}"
    folder = f"archive/{stanza['name']}/{archive}"
    stored = rows.segments(session.listing(repository, folder, below=True))
    try:
        newest = max(segments.timeline(segment) for segment in stored)
        history = session.content(repository, f"{folder}/{newest:08X}.history") if newest > 1 else ""
        way = chain.stretches(newest, history, size)
        return chain.chain(stored, bases, way, size), size, stored
    except ValueError as error:
        if not stored:  # the list was read, and nothing is in it
            return None, size, {}
        raise Malformed(f"{folder} cannot be followed: {error}", remedy="report it") from error


def _backup_set(ctx: Ctx, session: Session) -> Read:
    config = _optional(ctx, session, "keeps_full and keeps_days")
    found = []
    for stanza in _stanzas(session):
        chains = {number: _found(session, stanza, number)[0] for number in rows.repositories(stanza)}
        found.append(rows.row_set(stanza, chains, config, ctx.settings))
    return found, None


def _backup_run(ctx: Ctx, session: Session) -> Read:
    config = _optional(ctx, session, "same_host")
    mounts = "" if config is None else Path("/proc/mounts").read_text("utf-8", "replace")
    found = []
    for stanza in _stanzas(session):
        for number in rows.repositories(stanza):
            listed = session.listing(number, f"backup/{stanza['name']}", below=False)
            folders = [name for name, entry in listed.items() if rows.LABEL.match(name) and entry["type"] == "path"]
            known = {run["label"] for run in rows.runs_in(stanza, number)}
            if not known <= set(folders):
                raise Malformed(
                    f"stanza {stanza['name']}, repository {number}: backups that info names are not in the repository",
                    remedy="run it again; when it stays so, find out who removed their folders",
                )
            near = None if config is None else configuration.same_host(config, stanza["name"], number, mounts)
            found += rows.rows_runs(stanza, number, folders, near, ctx.settings)
    return found, None


def _archive_chain(ctx: Ctx, session: Session) -> Read:
    found = []
    for stanza in _stanzas(session):
        for number in rows.repositories(stanza):
            reached, size, stored = _found(session, stanza, number)
            found.append(rows.row_chain(stanza, number, reached, size, stored))
    return found, sum(len(rows.repositories(stanza)) for stanza in _stanzas(session))


def _setting(ctx: Ctx, session: Session) -> Read:
    return rows.rows_settings(_configuration(ctx, session)), None


def _config_file(ctx: Ctx, session: Session) -> Read:
    return [file.row(rows.TOOL) for file in _configuration(ctx, session).files], None


_READERS: Mapping[str, Callable[[Context[Any], Session], Read]] = {
    "backup_set": _backup_set,
    "backup_run": _backup_run,
    "archive_chain": _archive_chain,
    "setting": _setting,
    "config_file": _config_file,
}
