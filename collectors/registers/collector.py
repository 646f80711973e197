"""The collector: each configured register is its kind, whole, or a Gap that says where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar

from compliance.collectors.registers import database, files
from compliance.collectors.registers.kept import kept_kinds
from compliance.collectors.registers.settings import FORMS, RegistersSettings
from compliance.collectors.registers.sheet import Layout, records
from compliance.schemas.errors import SourceError
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.registers import KeptRegister
from compliance.schemas.messages import (
    Access,
    Cause,
    Complete,
    Context,
    Discovery,
    Found,
    Gap,
    Message,
    Record,
    Request,
    Settings,
)


@dataclass(slots=True)
class _Reading:
    """What came of one register: its records or why there are none, and the row about itself."""

    form: str
    place: str
    records: list[Evidence] | None = None
    error: SourceError | None = None
    requests: list[Request] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    file: files.RegisterFile | None = None
    reader_may_write: bool | None = None
    count: int | None = None


class Registers:
    """Reads registers that people keep, in files and tables. A source promises what its settings name."""

    name: ClassVar[str] = "registers"
    title: ClassVar[str] = "Registers that people keep"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (KeptRegister, *kept_kinds())
    Settings: ClassVar[type[Settings]] = RegistersSettings

    def promises(self, settings: RegistersSettings) -> tuple[type[Evidence], ...]:
        """The kinds whose registers are configured, and what is known of these registers."""
        return (KeptRegister, *settings.kinds())

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """Nothing: which file is a register is said by its owner, and not seen."""
        yield from ()

    def check(self, ctx: Context[RegistersSettings]) -> Iterator[Access]:
        """Reads every register once and keeps nothing."""
        for message, notes in self._read(ctx):
            if isinstance(message, Gap):
                yield Access(message.kind, False, message.message, message.remedy)
            elif isinstance(message, Complete):
                yield Access(message.kind, True, "; ".join(notes) or "readable")

    def collect(self, ctx: Context[RegistersSettings]) -> Iterator[Message]:
        """Every entry of each wanted register, each kind closed by one Complete or Gap."""
        for message, _ in self._read(ctx):
            yield message

    def _read(self, ctx: Context[RegistersSettings]) -> Iterator[tuple[Message, list[str]]]:
        wanted = [kind for kind in ctx.settings.kinds() if kind.kind in ctx.wanted or KeptRegister.kind in ctx.wanted]
        about: list[_Reading] = []
        rows: list[KeptRegister] = []
        with ExitStack() as stack:
            session: database.Database | SourceError | None = None
            for kind in wanted:
                ctx.throttle()
                table = ctx.settings.registers[kind.kind].table
                if table is not None and session is None:
                    session = _session(ctx, stack)
                reading = _file(ctx, kind) if table is None else _table(ctx, kind, table, session)
                about.append(reading)
                rows.append(_register(ctx.settings, kind, reading))
                if kind.kind in ctx.wanted:
                    yield from _said(kind, reading)
        if KeptRegister.kind in ctx.wanted:
            yield from _about(about, rows)


def _about(read: list[_Reading], rows: list[KeptRegister]) -> Iterator[tuple[Message, list[str]]]:
    """The registers themselves; a Gap when none of them could be read, as of anything that cannot be reached."""
    requests = tuple(dict.fromkeys(request for reading in read for request in reading.requests))
    errors = [reading.error for reading in read if reading.error is not None]
    if len(errors) == len(read):
        message = f"none of {len(read)} registers could be read: {errors[0].message}"
        yield Gap(KeptRegister.kind, Cause(errors[0].cause), message, errors[0].remedy or "mend them", requests), []
        return
    for row in rows:
        yield Record(row), []
    yield Complete(KeptRegister.kind, requests), []


def _session(ctx: Context[RegistersSettings], stack: ExitStack) -> database.Database | SourceError:
    try:
        return stack.enter_context(database.connect(ctx))
    except SourceError as error:
        return error


def layout(settings: RegistersSettings, kind: type[Evidence]) -> Layout:
    """How the register of a kind is laid out, as configured."""
    register = settings.registers[kind.kind]
    return Layout(kind, register.columns, register.ignore, settings.zone_of(kind.kind))


def _file(ctx: Context[RegistersSettings], kind: type[Evidence]) -> _Reading:
    settings = ctx.settings
    register = settings.registers[kind.kind]
    reading = _Reading("csv", str(register.file or settings.folder))
    try:
        if register.file is not None:
            path = register.file
        else:
            assert settings.folder is not None  # the settings say so
            path = files.place_of(settings.folder, kind.kind)
        reading.place, reading.form = str(path), FORMS[path.suffix.lower()]
        reading.requests.append(Request("file", str(path)))
        reading.file = files.read(path, settings.max_bytes)
        reading.requests[-1] = Request("file", str(path), reading.file.sha256)
        reading.reader_may_write = reading.file.reader_may_write
        sheet = files.sheet_of(reading.file)
        how = layout(settings, kind)
        reading.records = records(sheet, how, path.name)
        reading.notes = _absent_columns(sheet.header, how)
    except SourceError as error:
        reading.error = error
    if reading.file is not None and reading.file.others_may_write:
        reading.notes.append(f"others than {reading.file.owner} may change {reading.place}, or put another there")
    return reading


def _table(
    ctx: Context[RegistersSettings], kind: type[Evidence], table: str, session: database.Database | SourceError | None
) -> _Reading:
    settings = ctx.settings
    form = "sqlite" if settings.sqlite is not None else "postgres"
    if session is None or isinstance(session, SourceError):
        return _Reading(form, table, error=session, requests=[Request("sql", f"connection for {table}")])
    reading = _Reading(form, f"{session.where} {table}")
    register = settings.registers[kind.kind]
    how = Layout(
        kind, register.columns, register.ignore, settings.zone_of(kind.kind), numbers_are_truths=form == "sqlite"
    )
    try:
        sheet, reading.reader_may_write = session.sheet(table, how)
        reading.records = records(sheet, how, reading.place)
        reading.count = sheet.count
        reading.notes = _absent_columns(sheet.header, how)
    except SourceError as error:
        reading.error = error
    reading.requests = list(session.asked)
    if reading.reader_may_write:
        reading.notes.append(f"the reading account may change {reading.place} too: take that right away")
    return reading


def _absent_columns(header: Any, how: Layout) -> list[str]:
    absent = [name for name in how.columns() if header is not None and name not in header]
    return [f'no column {", ".join(absent)}: NULL, which is "not known", in every entry'] if absent else []


def _said(kind: type[Evidence], reading: _Reading) -> Iterator[tuple[Message, list[str]]]:
    requests = tuple(reading.requests)
    if reading.records is None:
        error = reading.error
        assert error is not None  # a reading has one or the other
        remedy = error.remedy or "mend what the message names"
        yield Gap(kind.kind, Cause(error.cause), error.message, remedy, requests), []
        return
    for record in reading.records:
        yield Record(record), []
    yield Complete(kind.kind, requests, reading.count), reading.notes


def _register(settings: RegistersSettings, kind: type[Evidence], reading: _Reading) -> KeptRegister:
    file = reading.file
    return KeptRegister(
        of_kind=kind.kind,
        owner=settings.owner_of(kind.kind),
        form=reading.form,
        place=reading.place,
        readable=reading.records is not None,
        rows=None if reading.records is None else len(reading.records),
        sha256=file.sha256 if file else None,
        modified_at=file.modified_at if file else None,
        file_owner=file.owner if file else None,
        mode=file.mode if file else None,
        others_may_write=file.others_may_write if file else None,
        reader_may_write=reading.reader_may_write,
    )
