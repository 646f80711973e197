"""The logs of a Django project: which there are, what a row of each says, and the SQL that says it.

A value of a changed field, the text of an object, what was typed into a form and a session's key are in no question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compliance.collectors.django.layout import UUID, Layout, Table, Users, name, text
from compliance.schemas.evidence import Event
from compliance.schemas.kinds.application import AuditEvent, AuditLog, AuthEvent

BETWEEN = "\x1f"  # stands between the names of changed fields: no Python identifier holds it


@dataclass(frozen=True, slots=True)
class Log:
    """One log. `columns` are read of its table `l`; `values` are SQL for the columns of the kind, over `l`, `u` (who
    acted) and `ct` (type of the object); what is not named is NULL. `actor` and `model` are the columns of `l` that
    lead there. A `mutable` log is one whose rows the application itself writes to later."""

    name: str
    app: str
    mechanism: str
    purpose: str
    kind: type[Event]
    key: str
    time: str
    columns: tuple[str, ...]
    values: Mapping[str, str]
    actor: str | None = None
    model: str | None = None
    optional: tuple[str, ...] = ()
    covers: tuple[str, ...] | None = None
    mutable: bool = False


def logs(layout: Layout) -> list[Log]:
    """The logs that the project has, less those that the settings leave out."""
    return [log for log in every(layout) if log.name not in layout.settings.exclude_logs]


def every(layout: Layout) -> list[Log]:
    """The logs that the project has."""
    tables, found = layout.tables, list[Log]()
    if "auditlog_logentry" in tables:
        found.append(_auditlog(tables["auditlog_logentry"]))
    if "django_admin_log" in tables:
        found.append(_admin_log())
    found += [_history(layout, table) for table in tables.values() if _is_history(table)]
    return found + [log for log in (_ACCESS, _FAILURES) if log.name in tables]


def _object(column: str) -> dict[str, str]:
    """The object's key: a number or UUID as it is; anything else may name a person."""
    plain = f"{column} ~ '^-?[0-9]{{1,20}}$' OR {column} ~ {text(f'^{UUID}$')}"
    return {
        "object_id": f"CASE WHEN {plain} THEN {column} END",
        "object_key": f"CASE WHEN ({plain}) IS NOT TRUE THEN nullif({column}, '') END",
    }


def _auditlog(table: Table) -> Log:
    values = {
        "actor": "nullif(l.actor_email, '')" if "actor_email" in table.types else "NULL",
        "action": "CASE l.action WHEN 0 THEN 'create' WHEN 1 THEN 'update' WHEN 2 THEN 'delete' WHEN 3 THEN 'access' "
        "ELSE l.action::text END",
        **_object("l.object_pk"),
        "source_ip": "host(l.remote_addr)",
        "result": "'success'",  # a row is written in the transaction of the change, or not at all
    }
    columns = ["id", "timestamp", "actor_id", "content_type_id", "object_pk", "action", "remote_addr"]
    optional: tuple[str, ...] = ()
    for column in ("actor_email", "cid"):
        if column in table.types:
            columns.append(column)
    if "cid" in table.types:
        values["correlation"] = "nullif(l.cid, '')"
    if table.types.get("changes") in ("jsonb", "json") and "changes" in table.readable:
        optional = ("changes",)
        each = (
            "jsonb_object_keys(CASE jsonb_typeof(l.changes::jsonb) WHEN 'object' THEN l.changes::jsonb ELSE '{}' END)"
        )
        values["changed_fields"] = (
            f'CASE WHEN l.changes IS NOT NULL THEN coalesce((SELECT string_agg(k, chr(31) ORDER BY k COLLATE "C") '
            f"FROM {each} k), '') END"
        )
    return Log(
        "auditlog_logentry", "django-auditlog", "django-auditlog", "actions", AuditEvent, "id", "timestamp",
        tuple(columns), values, "actor_id", "content_type_id", optional,
    )  # fmt: skip


def _admin_log() -> Log:
    values = {
        "action": "CASE l.action_flag WHEN 1 THEN 'create' WHEN 2 THEN 'update' WHEN 3 THEN 'delete' "
        "ELSE l.action_flag::text END",
        **_object("l.object_id"),
        "result": "'success'",
    }
    return Log(
        "django_admin_log", "django.contrib.admin", "django-admin", "actions", AuditEvent, "id", "action_time",
        ("id", "action_time", "user_id", "content_type_id", "object_id", "action_flag"), values, "user_id",
        "content_type_id",
    )  # fmt: skip


def _is_history(table: Table) -> bool:
    return {"history_id", "history_date", "history_type"} <= table.types.keys()


def _history(layout: Layout, table: Table) -> Log:
    label = layout.content_types.get(table.name, table.name)
    app, _, model = label.rpartition(".")
    tracked = f"{app}.{model.removeprefix('historical')}" if app else model
    columns = ["history_id", "history_date", "history_type"]
    values = {
        "action": "CASE l.history_type WHEN '+' THEN 'create' WHEN '~' THEN 'update' WHEN '-' THEN 'delete' "
        "ELSE l.history_type::text END",
        "object_type": text(tracked),
        "result": "'success'",
    }
    if "id" in table.types:
        columns.append("id")
        values |= _object("l.id::text")
    if "history_user_id" in table.types:
        columns.append("history_user_id")
    actor = "history_user_id" if "history_user_id" in table.types else None
    return Log(
        table.name, "django-simple-history", "django-simple-history", "actions", AuditEvent, "history_id",
        "history_date", tuple(columns), values, actor, None, covers=(tracked,),
    )  # fmt: skip


_SIGNIN = {"account": "l.username", "source_ip": "host(l.ip_address)"}
_ACCESS = Log(
    "axes_accesslog", "django-axes", "django-axes", "signins", AuthEvent, "id", "attempt_time",
    ("id", "attempt_time", "username", "ip_address"),
    {**_SIGNIN, "event_type": "'login'", "result": "'success'"}, mutable=True,  # the sign-out is written into the row
)  # fmt: skip
_FAILURES = Log(
    "axes_accessfailurelog", "django-axes", "django-axes", "failures", AuthEvent, "id", "attempt_time",
    ("id", "attempt_time", "username", "ip_address", "locked_out"),
    {**_SIGNIN, "event_type": "CASE WHEN l.locked_out THEN 'lockout' WHEN NOT l.locked_out THEN 'login' END",
     "result": "'failure'"},
)  # fmt: skip


def needed(layout: Layout, log: Log) -> Table:
    """The log's table, everything readable that its events rest on. Raises Denied with the missing grant."""
    what = f"events of {log.name}"
    table = layout.need(log.name, (*log.columns, "xmin"), what, log.app)
    if log.actor is not None:
        users = layout.users
        layout.need(users.table.name, (users.key, users.username), what, "Django")
    if log.model is not None:
        layout.need("django_content_type", ("id", "app_label", "model"), what, "Django")
    return table


def select(layout: Layout, log: Log, where: str, limit: int) -> str:
    """The question for the next `limit` events of a log by their keys: the columns of the kind in `names` order."""
    table = layout.tables[log.name]
    values = dict(log.values)
    joins = ""
    if log.actor is not None:
        users: Users = layout.users
        joins += f" LEFT JOIN {users.table.sql} u ON u.{name(users.key)} = l.{name(log.actor)}"
        signin = f"u.{name(users.username)}"
        values["actor"] = f"coalesce({signin}, {values['actor']})" if "actor" in values else signin
    if log.model is not None:
        joins += f" LEFT JOIN {layout.tables['django_content_type'].sql} ct ON ct.id = l.{name(log.model)}"
        values["object_type"] = "ct.app_label || '.' || ct.model"
    values |= {"event": f"l.{name(log.key)}::text", "occurred_at": f"l.{name(log.time)}"}
    given = ", ".join(f"{values.get(column, 'NULL')} AS {column}" for column in names(log))
    read = ", ".join(f"l.{name(column)}" for column in dict.fromkeys((*log.columns, *log.optional)))
    order = key(layout, log)
    inside = f"SELECT {read} FROM {table.sql} l WHERE {where} ORDER BY {order} LIMIT {limit}"
    return f"SELECT {given} FROM ({inside}) l{joins} ORDER BY {order}"


def names(log: Log) -> Sequence[str]:
    """The columns of the kind that come from the database, sorted."""
    return sorted(set(log.kind.columns()) - {"log"})


def key(layout: Layout, log: Log) -> str:
    """SQL of a log's key in an order that stays: numbers as such, everything else by the bytes of its text."""
    column = f"l.{name(log.key)}"
    return column if is_number(layout, log) else f'{column}::text COLLATE "C"'


def is_number(layout: Layout, log: Log) -> bool:
    """The log counts its rows."""
    return layout.tables[log.name].types[log.key] in ("smallint", "integer", "bigint")


def row_audit_log(
    layout: Layout, log: Log, waiting: int | None = None, since: object = None, *, seen_before: bool | None = None
) -> AuditLog:
    """The log as evidence, also where it is not read."""
    declared, is_read = layout.settings.logs_of_record, log.name not in layout.settings.exclude_logs
    actions = log.kind is AuditEvent
    return AuditLog.model_validate(
        {
            "log": log.name,
            "mechanism": log.mechanism,
            "purpose": log.purpose,
            "of_record": (declared is None or log.name in declared) if actions and (is_read or declared) else None,
            "covers": list(log.covers) if log.covers is not None else None,
            "keeps_actor": log.actor is not None or "account" in log.values,
            "keeps_source": "source_ip" in log.values,
            "keeps_fields": "changed_fields" in log.values if actions else None,
            "is_read": is_read,
            "seen_before": seen_before,
            "rows_waiting": waiting,
            "waiting_since": since,
        }
    )
