"""Registers for the people who keep them: empty files to begin with, a look at a file, what is configured, returns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from compliance.app import decisions, evidence, workspace
from compliance.app.config import Config, SourceConfig
from compliance.app.owners import owner_of
from compliance.app.register_page import csv_template, page, part
from compliance.app.workspace import Say, Workspace
from compliance.collectors.registers import Registers, files
from compliance.collectors.registers.collector import layout
from compliance.collectors.registers.kept import kept_kind, kept_kinds
from compliance.collectors.registers.settings import FORMS, RegisterSettings, RegistersSettings
from compliance.collectors.registers.sheet import Fault, Unreadable, records
from compliance.controls import nil_returns, profile
from compliance.schemas.errors import ConfigError, SourceError, StorageFull
from compliance.schemas.evidence import Evidence, json_schema
from compliance.schemas.kinds.registers import KeptRegister

SCHEMA = ".schema.json"
PAGE, PART = "README.md", "sources.toml"


def chosen(names: Sequence[str]) -> tuple[type[Evidence], ...]:
    """The kept kinds of these names; all when none is named. Raises ConfigError for another name."""
    try:
        return tuple(kept_kind(name) for name in dict.fromkeys(names)) or kept_kinds()
    except ValueError as error:
        raise ConfigError(str(error), remedy="correct the name of the kind") from error


def init(folder: Path, names: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """Write an empty register with its schema for each chosen kind, a page about them, and the part of the
    configuration that reads them. What is there already is left as it is; a kind whose register is there in another
    form gets none.

    Returns the files written, and those that were left.

    Raises:
        ConfigError: a name that no kept kind has, or something other than a folder at `folder`.
        StorageFull: a file cannot be written.
    """
    kinds = chosen(names)
    made: list[Path] = []
    left: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in kinds:
            schema = orjson.dumps(json_schema(kind), option=orjson.OPT_INDENT_2) + b"\n"
            there = [folder / (kind.kind + ending) for ending in FORMS if (folder / (kind.kind + ending)).exists()]
            if there:
                left += there
            else:
                _write(folder / f"{kind.kind}.csv", csv_template(kind), made, left)
            _write(folder / f"{kind.kind}{SCHEMA}", schema, made, left)
        _write(folder / PAGE, page(kinds).encode(), made, left)
        _write(folder / PART, part(kinds, folder).encode(), made, left)
    except FileExistsError as error:
        raise ConfigError(f"{folder} is no folder", remedy="name another one") from error
    except OSError as error:
        raise StorageFull(f"{folder}: {error.strerror}", remedy="free space, or mend the rights") from error
    return made, left


def _write(path: Path, content: bytes, made: list[Path], left: list[Path]) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        left.append(path)
        return
    made.append(path)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at one file gave: how many entries, or its faults."""

    path: Path
    kind: str
    entries: int | None
    faults: tuple[Fault, ...]


def look(config: Config, path: Path, kind: str | None, time_zone: str | None) -> Looked:
    """Read one file as the collector would, and record nothing.

    Its layout is that of the configured register at this path; else the columns are the kind's own. The kind is that
    of the configured register, else the name of the file says it.

    Raises:
        ConfigError: it is not known of which kind it is, or an unknown form.
    """
    settings, name = _configured(config, path, kind)
    (cls,) = chosen([name])
    if settings is None or time_zone is not None:
        try:
            register = RegisterSettings(file=path.absolute(), time_zone=time_zone)
        except ValueError as error:
            raise ConfigError(f"{path}: {_said(error)}", remedy="correct the name or the zone") from error
        settings = RegistersSettings(registers={name: register})
    how = layout(settings, cls)
    try:
        file = files.read(path, settings.max_bytes)
        found = records(files.sheet_of(file), how, path.name)
    except Unreadable as error:
        return Looked(path, name, None, error.faults)
    except SourceError as error:
        return Looked(path, name, None, (Fault(None, None, error.message, error.remedy or "mend it"),))
    return Looked(path, name, len(found), ())


def words(looked: Looked) -> list[str]:
    """What a look gave, a line for each fault. They show what stands there: this is for the one who mends it."""
    if looked.entries is not None:
        return [f"{looked.path}: {looked.kind}, {looked.entries} entries, no fault"]
    lines = []
    for fault in looked.faults:
        there = f" (there stands {fault.shown!r})" if fault.shown else ""
        column = f"column {fault.column}: " if fault.column else ""
        line = f":{fault.line}" if fault.line is not None else ""
        lines.append(f"{looked.path}{line}: {column}{fault.what}{there}; {fault.write}")
    return lines


def _said(error: ValueError) -> str:
    return str(error).partition("\n")[2].strip().partition(" [type")[0].removeprefix("Value error, ") or str(error)


def _configured(config: Config, path: Path, kind: str | None) -> tuple[RegistersSettings | None, str]:
    """The settings of the configured register at `path`, and its kind."""
    same = path.absolute().resolve()
    for source in _sources(config):
        settings = source.settings
        assert isinstance(settings, RegistersSettings)  # `_sources` gives no others
        for name, register in settings.registers.items():
            at = register.file
            if at is None and settings.folder is not None and register.table is None and path.stem == name:
                at = settings.folder / path.name
            if at is not None and at.resolve() == same and kind in (None, name):
                return settings, name
    return None, kind or path.name.partition(".")[0]


def _sources(config: Config) -> list[SourceConfig]:
    return [source for source in config.sources if source.collector.name == Registers.name]


@dataclass(frozen=True, slots=True)
class Listed:
    """One kept kind and one register of it; without a source nobody configured one."""

    kind: str
    source: str | None
    place: str | None
    owner: str | None
    outcome: str | None
    rows: int | None
    modified_at: datetime | None
    collected_at: datetime | None
    returned_at: datetime | None
    missing: str | None


def listed(config: Config, say: Say) -> list[Listed]:
    """Every kept kind with the registers that are configured for it, as they were last read."""
    if not workspace.places(config).path.exists():
        return _listed(config, None)
    with workspace.opened(config, say, must_exist=True) as opened:
        return _listed(config, opened)


def _listed(config: Config, opened: Workspace | None) -> list[Listed]:
    read = {} if opened is None else _as_read(opened)
    found = []
    for kind in kept_kinds():
        sources = [source for source in config.sources if source.common.enabled and kind in source.kinds]
        if not sources:
            found.append(Listed(kind.kind, None, None, None, None, None, None, None, None, None))
        for source in sources:
            known = read.get((source.name, kind.kind))
            found.append(
                known or Listed(kind.kind, source.name, None, owner_of(source, kind.kind), "never", *[None] * 5)
            )
    return found


def _as_read(opened: Workspace) -> dict[tuple[str, str], Listed]:
    """What the ledger knows of the registers that were ever read, by source and kind."""
    moment, ledger = opened.clock(), opened.ledger
    collections = ledger.collections()
    kinds = {kind.kind for kind in kept_kinds()} | {KeptRegister.kind}
    sources = evidence.source_rows(ledger, collections, moment)
    covered = [row for row in evidence.coverage(collections, moment, sources) if row.kind in kinds]
    found = {}
    zone = opened.config.organisation.time_zone
    with evidence.build_base(
        ledger, collections, covered, as_of=moment, upto=ledger.size, time_zone=zone, only=kinds
    ) as base:
        views = profile.attestations(base, moment)
        about = {
            (source, kind): (place, owner, modified_at)
            for source, kind, place, owner, modified_at in base.query(
                "SELECT source, of_kind, place, owner, modified_at FROM kept_register", {}
            )[1]
        }
        for row in covered:
            if row.kind == KeptRegister.kind or row.removed_from_configuration:
                continue
            place, owner, modified_at = about.get((row.source, row.kind), (None, None, None))
            said = nil_returns.of_register(base, views, row.source, row.kind, moment)
            changed_at = profile.aware(modified_at) if modified_at else None
            found[row.source, row.kind] = Listed(
                row.kind, row.source, place, owner, row.outcome, row.rows, changed_at, row.completed_at,
                said.stated_at, said.missing or None,
            )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Stated:
    """What an owner states of a register."""

    kind: str
    source: str | None
    entries: int
    by: str
    reviewed_by: str | None = None
    at: datetime | None = None


def state(opened: Workspace, said: Stated) -> str:
    """Record that a register holds so many entries: none is a nil return. Returns the attestation's identifier.

    Raises:
        ConfigError: no configured source keeps the kind, `by` is not the owner of its register, or the register was
            last read with another number of entries.
    """
    (kind,) = chosen([said.kind])
    sources = [source for source in opened.config.sources if kind in source.kinds]
    if said.source is not None:
        sources = [source for source in sources if source.name == said.source]
    if not sources:
        of = f"source {said.source!r}" if said.source else "source"
        raise ConfigError(
            f"no configured {of} keeps a register of {kind.kind}",
            remedy="`compliance registers list` shows which are configured",
        )
    own = [source for source in sources if profile.person(owner_of(source, kind.kind)) == profile.person(said.by)]
    if not own:
        names = ", ".join(sorted({owner_of(source, kind.kind) or "nobody: set `owner`" for source in sources}))
        raise ConfigError(
            f"{said.by} does not answer for the register of {kind.kind}, and such a return does not count",
            remedy=f"its owner is {names}; the owner states it: --by NAME",
        )
    read = {} if opened.ledger.size == 0 else _as_read(opened)
    for source in own:
        known = read.get((source.name, kind.kind))
        if known is not None and known.rows is not None and known.rows != said.entries:
            raise ConfigError(
                f"{kind.kind} of {source.name} was last read with {known.rows} entries, not {said.entries}",
                remedy="state what it holds (--entries), or correct it and collect; --source names one of several",
            )
    moment = said.at or opened.clock()
    what = "holds no entry" if said.entries == 0 else f"is complete with its {said.entries} entries"
    statement = decisions.Statement(
        form="nil_return",
        statement=f"The register of {kind.kind} {what}.",
        by=said.by,
        occurred_at=moment,
        expires_at=moment + nil_returns.LIFE + timedelta(seconds=1),
        reviewed_by=said.reviewed_by,
        of_kind=kind.kind,
        of_source=said.source,
        entries=said.entries,
    )
    return decisions.attest(opened, statement)
