"""The collector: which kind rests on which tables, and what a missing app or right costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from compliance.collectors.django import accounts, catalogue, factors, logs, stores, trail
from compliance.collectors.django.database import DjangoSession
from compliance.collectors.django.layout import Layout
from compliance.collectors.django.logs import Log
from compliance.collectors.django.settings import DjangoSettings
from compliance.collectors.postgres.session import Query
from compliance.schemas.errors import Absent, SourceError, Truncated
from compliance.schemas.evidence import Event, Evidence
from compliance.schemas.kinds.application import (
    ApplicationRight,
    AuditEvent,
    AuditLog,
    AuthEvent,
    FailedSignin,
    LogAlteration,
    SessionStore,
)
from compliance.schemas.kinds.identity import MfaDevice, RoleDefinition, RoleGrant, UserAccount
from compliance.schemas.messages import (
    Access,
    Cause,
    Complete,
    Context,
    Discovery,
    Found,
    Gap,
    Mark,
    Message,
    Record,
    Request,
    Settings,
)

Read = tuple[Sequence[Evidence], int | None]  # rows, and the independent count where there is one
_LOGS = 300  # the positions of all logs must fit into one entry of the ledger
_NO_LOG = "install and migrate django-auditlog or django-simple-history"
_NO_SIGNINS = "install and migrate django-axes, with AXES_ENABLE_ACCESS_FAILURE_LOG = True"


class _Project:
    """One project in an open session: what several kinds rest on is read once."""

    def __init__(self, ctx: Context[DjangoSettings], session: DjangoSession) -> None:
        self.ctx = ctx
        self.session = session
        self.layout = Layout.read(session, ctx.settings)
        self._reader: trail.Reader | None = None

    @property
    def reader(self) -> trail.Reader:
        """The reader of logs; one bound holds for all of them."""
        if self._reader is None:
            self._reader = trail.Reader(self.session, self.layout)
        return self._reader

    def logs(self, *kinds: type[Event]) -> list[Log]:
        """The project's logs whose rows are events of these kinds."""
        return [log for log in logs.logs(self.layout) if log.kind in kinds]


class Django:
    """Reads the database of one Django project: accounts, rights, second factors, sessions and audit trails."""

    name: ClassVar[str] = "django"
    title: ClassVar[str] = "Django project's database"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (
        UserAccount,
        RoleGrant,
        RoleDefinition,
        ApplicationRight,
        MfaDevice,
        SessionStore,
        FailedSignin,
        AuditLog,
        LogAlteration,
        AuditEvent,
        AuthEvent,
    )
    Settings: ClassVar[type[Settings]] = DjangoSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """Nothing: which database belongs to a Django project is not seen from outside."""
        return iter(())

    def check(self, ctx: Context[DjangoSettings]) -> Iterator[Access]:
        """Reads the states and one event of each log, and keeps nothing."""
        for message, notes in _read_all(ctx, probe=True):
            if isinstance(message, Gap):
                yield Access(message.kind, False, message.message, message.remedy)
            elif isinstance(message, Complete):
                yield Access(message.kind, True, "; ".join(notes) or "readable")

    def collect(self, ctx: Context[DjangoSettings]) -> Iterator[Message]:
        """Records of the wanted kinds, each kind closed by one Complete or Gap."""
        for message, _ in _read_all(ctx, probe=False):
            yield message


def _read_all(ctx: Context[DjangoSettings], *, probe: bool) -> Iterator[tuple[Message, Sequence[str]]]:
    wanted = [kind.kind for kind in Django.kinds if kind.kind in ctx.wanted]
    try:
        session = DjangoSession(ctx)
    except SourceError as error:
        yield from ((_gap(kind, error, ()), ()) for kind in wanted)
        return
    with session:
        try:
            project = _Project(ctx, session)
        except SourceError as error:
            yield from ((_gap(kind, error, session.requests()), ()) for kind in wanted)
            return
        layout_asked = session.requests()
        for kind in wanted:
            session.begin_kind()
            session.asked.extend(layout_asked)
            try:
                if kind in _EVENTS:
                    for message in _probed(project, kind) if probe else _EVENTS[kind](project):
                        yield message, tuple(session.notes)
                    continue
                rows, count = _STATES[kind](project)
            except SourceError as error:
                yield _gap(kind, error, session.requests()), ()
                continue
            for row in rows:
                yield Record(row), ()
            yield Complete(kind, session.requests(), count), tuple(session.notes)


def _gap(kind: str, error: SourceError, requests: tuple[Request, ...]) -> Gap:
    return Gap(kind, Cause(error.cause), error.message, error.remedy or "see the server's log", requests)


def _declared(project: _Project) -> catalogue.Declared | None:
    path = project.ctx.settings.roles_file
    if path is None:
        return None
    declared, request = catalogue.read(path)
    project.session.asked.append(request)
    return declared


def _user_account(project: _Project) -> Read:
    layout, session = project.layout, project.session
    rows, count = accounts.fetch_users(layout)
    devices: dict[str, Sequence[Mapping[str, Any]] | None] = {}
    for table in factors.tables_of(layout):
        try:
            devices[table.table] = factors.fetch_devices(layout, table)
        except SourceError as error:
            devices[table.table] = None
            session.notes.append(f"mfa_enrolled stays NULL without a factor seen: {error.message}; {error.remedy}")
    if not devices:
        session.notes.append("mfa_enrolled stays NULL: no app for second factors has a table here")
    enrolled = factors.enrolled(rows, devices, elsewhere=project.ctx.settings.mfa_elsewhere)
    return accounts.rows_user_accounts(rows, accounts.fetch_rights(layout), layout, enrolled), count


def _role_grant(project: _Project) -> Read:
    rows, _ = accounts.fetch_users(project.layout)
    return accounts.rows_role_grants(rows, accounts.fetch_rights(project.layout), project.layout), None


def _role_definition(project: _Project) -> Read:
    rows, _ = accounts.fetch_users(project.layout)
    rights = accounts.fetch_rights(project.layout)
    return accounts.rows_role_definitions(rights, rows, _declared(project)), None


def _application_right(project: _Project) -> Read:
    rows, _ = accounts.fetch_users(project.layout)
    rights = accounts.fetch_rights(project.layout)
    return accounts.rows_application_rights(rows, rights, project.ctx.settings.rights_limit), None


def _mfa_device(project: _Project) -> Read:
    tables = factors.tables_of(project.layout)
    if not tables:
        raise Absent(
            "no table of second factors is known here",
            remedy="install and migrate django-otp, allauth.mfa or django-mfa2; set mfa_elsewhere when sign-in goes "
            "through an identity provider",
        )
    found = [row for t in tables for row in factors.rows_devices(t, factors.fetch_devices(project.layout, t))]
    return found, None


def _session_store(project: _Project) -> Read:
    return stores.fetch_stores(project.layout), None


def _failed_signin(project: _Project) -> Read:
    return stores.fetch_counters(project.layout)


def _audit_log(project: _Project) -> Read:
    found = project.logs(AuditEvent, AuthEvent)
    if not found:
        raise Absent("the project has no log of actions or sign-ins", remedy=_NO_LOG)
    strangers = set(project.ctx.settings.logs_of_record or ()) - {log.name for log in found}
    if strangers:  # else all that are there would count as beside the point
        raise Absent(f"there is no log {', '.join(sorted(strangers))}", remedy="correct logs_of_record")
    compared = trail.read_cursor(project.ctx.cursors.get(LogAlteration.kind))
    names = {log.name for log in found}
    made = [logs.row_audit_log(project.layout, log) for log in logs.every(project.layout) if log.name not in names]
    for log in found:
        before = log.name in compared
        try:
            position = trail.read_cursor(project.ctx.cursors.get(log.kind.kind)).get(log.name, {"x": 0})
            seen = project.reader.count(log, position)
            made.append(logs.row_audit_log(project.layout, log, seen.waiting, seen.since, seen_before=before))
        except SourceError as error:
            project.session.notes.append(f"rows_waiting of {log.name} stays NULL: {error.message}; {error.remedy}")
            made.append(logs.row_audit_log(project.layout, log, seen_before=before))
    return made, None


_STATES: Mapping[str, Callable[[_Project], Read]] = {
    "user_account": _user_account,
    "role_grant": _role_grant,
    "role_definition": _role_definition,
    "application_right": _application_right,
    "mfa_device": _mfa_device,
    "session_store": _session_store,
    "failed_signin": _failed_signin,
    "audit_log": _audit_log,
}


def _events(project: _Project, kind: type[Event], remedy: str) -> Iterator[Message]:
    """What is new in each log of a kind. A log that cannot be read makes the kind a gap, after the others were read."""
    session = project.session
    try:
        positions = trail.read_cursor(project.ctx.cursors.get(kind.kind))
    except SourceError as error:
        yield _gap(kind.kind, error, session.requests())
        return
    before = dict(positions)
    found = project.logs(kind)
    if len(found) > _LOGS:
        many = Truncated(f"{len(found)} logs, more than {_LOGS}", remedy="spread them over sources with exclude_logs")
        yield _gap(kind.kind, many, session.requests())
        return
    problem: SourceError | None = (
        None if found else Absent(f"no log of this kind is there ({kind.kind})", remedy=remedy)
    )
    counted: list[int] = []
    for log in found:
        try:
            position = positions.get(log.name, {"x": 0})
            yield from project.reader.round(log, position, positions, counted)
            problem = problem or _late(project, log, before.get(log.name, {"x": 0}))
        except SourceError as error:
            problem = problem or error
    cursor = trail.write_cursor(positions)
    if positions != before:
        yield Mark(kind.kind, cursor)
    if problem is not None:
        yield _gap(kind.kind, problem, session.requests())
    else:
        yield Complete(kind.kind, session.requests(), sum(counted), cursor)


def _late(project: _Project, log: Log, position: trail.Position) -> SourceError | None:
    """An error when events wait for an older transaction longer than they may."""
    seen = project.reader.count(log, {k: v for k, v in position.items() if k in "xnhm"})
    if not seen.waiting or seen.waiting_s <= project.ctx.settings.hold_minutes * 60:
        return None
    return Truncated(
        f"{seen.waiting} events of {log.name} wait for an older transaction, the first for {seen.waiting_s // 60} min",
        remedy="end the transaction: see pg_stat_activity (backend_xid) and pg_prepared_xacts",
    )


def _audit_event(project: _Project) -> Iterator[Message]:
    return _events(project, AuditEvent, _NO_LOG)


def _auth_event(project: _Project) -> Iterator[Message]:
    return _events(project, AuthEvent, _NO_SIGNINS)


def _log_alteration(project: _Project) -> Iterator[Message]:
    """What became of the rows that were there last time, log by log."""
    kind, session = LogAlteration.kind, project.session
    found = {log.name: log for log in project.logs(AuditEvent, AuthEvent)}
    counted = 0
    try:
        positions = trail.read_cursor(project.ctx.cursors.get(kind))
        if not found and not positions:
            raise Absent("the project has no log of actions or sign-ins", remedy=_NO_LOG)
        if len(found) > _LOGS:
            raise Truncated(
                f"{len(found)} logs, more than {_LOGS}", remedy="spread them over sources with exclude_logs"
            )
        now = session.one(Query("the server's clock", "SELECT clock_timestamp() AS now", ""))["now"]
        for log in sorted({*found, *positions}):
            if log in project.ctx.settings.exclude_logs:
                continue
            if log in found:
                noticed, after = project.reader.alteration(found[log], positions.get(log, {"x": 0}), now)
                positions[log] = after
            else:
                noticed = trail.gone(log, positions.pop(log), now)
            if noticed is not None:
                counted += 1
                yield Record(noticed)
    except SourceError as error:
        yield _gap(kind, error, session.requests())
        return
    cursor = trail.write_cursor(positions)
    yield Mark(kind, cursor)
    yield Complete(kind, session.requests(), counted, cursor)


def _probed(project: _Project, kind: str) -> Iterator[Message]:
    """Whether the events of a kind could be read: one of each log."""
    kinds = {AuditEvent.kind: (AuditEvent,), AuthEvent.kind: (AuthEvent,)}.get(kind, (AuditEvent, AuthEvent))
    session = project.session
    found = project.logs(*kinds)
    if not found:
        yield _gap(kind, Absent(f"no log of this kind is there ({kind})", remedy=_NO_LOG), session.requests())
        return
    try:
        for log in found:
            logs.needed(project.layout, log)
            session.copied(Query(f"events of {log.name}", logs.select(project.layout, log, "TRUE", 1), ""))
            if log.mechanism == "django-auditlog" and "changed_fields" not in log.values:
                session.notes.append(f"changed_fields stays NULL: {project.layout.tables[log.name].grant(['changes'])}")
    except SourceError as error:
        yield _gap(kind, error, session.requests())
        return
    yield Complete(kind, session.requests())


_EVENTS: Mapping[str, Callable[[_Project], Iterator[Message]]] = {
    "log_alteration": _log_alteration,
    "audit_event": _audit_event,
    "auth_event": _auth_event,
}
