"""What an application does with its accounts: sign-ins, actions, the logs that keep them, sessions and rights."""

from __future__ import annotations

from typing import Any, ClassVar

from compliance.schemas.evidence import Event, Instant, State, always, column


class AuditLog(State):
    """A log of an application that keeps what its users did, or how they signed in. One row per log."""

    kind: ClassVar[str] = "audit_log"
    key: ClassVar[tuple[str, ...]] = ("log",)

    log: str = always("Name of the log (table or file).")
    mechanism: str = always("What writes it (django-auditlog, django-simple-history, django-admin, django-axes).")
    purpose: str = always("actions: what users did; signins: how they signed in; failures: refused sign-ins.")
    of_record: bool | None = column(
        "Declared: the log that stands for the application's actions. True when nothing is declared."
    )
    covers: list[str] | None = column("Object types it has records of by its making; NULL when any may be in it.")
    keeps_actor: bool | None = column("It has a place for who.")
    keeps_source: bool | None = column("It has a place for from where.")
    keeps_fields: bool | None = column("It has a place for which fields changed, and the reader may see their names.")
    is_read: bool | None = column("The source reads it; False for one that its settings leave out.")
    seen_before: bool | None = column("An earlier reading of its rows is kept, with which this one compares them.")
    rows_waiting: int | None = column("Rows seen that wait for an older transaction to end before they are recorded.")
    waiting_since: Instant | None = column("Time of the oldest of them.")
    detail: dict[str, Any] | None = column("What only this product says.")


class AuditEvent(Event):
    """Something a user, or the application by itself, did. `occurred_at` is the log's own time."""

    kind: ClassVar[str] = "audit_event"
    key: ClassVar[tuple[str, ...]] = ("log", "event")
    subject_column: ClassVar[str | None] = "actor"

    log: str = always("The log it stands in.")
    event: str = always("Its number there.")
    actor: str | None = column("Account that acted; NULL when the log names none.", personal=True)
    action: str | None = column("create, update, delete, access, or the log's own word.")
    object_type: str | None = column("What was acted on, by application and model.")
    object_id: str | None = column("Which one: a number or UUID that means nothing outside the application.")
    object_key: str | None = column(
        "Which one, where the application's key is anything else: it may name a person.", personal=True
    )
    changed_fields: list[str] | None = column("Names of the fields that changed, sorted; never their values.")
    source_ip: str | None = column("Address it came from.", personal=True)
    result: str | None = column("success or failure.")
    correlation: str | None = column("What ties it to other records of the same request.")


class AuthEvent(Event):
    """A sign-in that succeeded or was refused."""

    kind: ClassVar[str] = "auth_event"
    key: ClassVar[tuple[str, ...]] = ("log", "event")
    subject_column: ClassVar[str | None] = "account"

    log: str = always("The log it stands in.")
    event: str = always("Its number there.")
    account: str | None = column("Account name as it was typed.", personal=True)
    event_type: str | None = column("login or lockout.")
    result: str | None = column("success or failure.")
    source_ip: str | None = column("Address it came from.", personal=True)
    mfa_used: bool | None = column("A second factor was used.")


class LogAlteration(Event):
    """Rows of a log that was read before are gone or were rewritten. `occurred_at` is when it was noticed."""

    kind: ClassVar[str] = "log_alteration"
    key: ClassVar[tuple[str, ...]] = ("log", "position")

    log: str = always("The log.")
    position: str = always("Position of the reading before, against which it was compared.")
    rows_before: int | None = column("Rows that were there then.")
    rows_left: int | None = column("Rows of these that are there unchanged.")
    rows_missing: int | None = column("Rows of these that are gone, at the least.")
    rows_rewritten: int | None = column("Rows that were written again below the former end, at the most.")
    log_exists: bool | None = column("The log is still there.")


class FailedSignin(State):
    """What a lock-out counts: refused sign-ins of one name from one address that nothing has reset."""

    kind: ClassVar[str] = "failed_signin"
    key: ClassVar[tuple[str, ...]] = ("counter",)
    subject_column: ClassVar[str | None] = "account"

    counter: str = always("Number of the counter.")
    account: str | None = column("Account name as it was typed.", personal=True)
    source_ip: str | None = column("Address it came from.", personal=True)
    failures: int | None = column("Refused sign-ins counted.")
    last_at: Instant | None = column("When the last one was.")
    expires_at: Instant | None = column("When the counter ends by itself.")


class SessionStore(State):
    """Sessions or tokens that an application keeps: how many still open it, and for how long."""

    kind: ClassVar[str] = "session_store"
    key: ClassVar[tuple[str, ...]] = ("store",)

    store: str = always("Name of the store (table).")
    purpose: str = always("session or refresh_token.")
    entries: int | None = column("Entries it holds.")
    expired: int | None = column("Entries past their end that nobody removed.")
    revoked: int | None = column("Entries that were revoked before their end.")
    oldest_expiry: Instant | None = column("The earliest end among them.")
    newest_expiry: Instant | None = column("The latest end among them.")
    longest_minutes: int | None = column("Longest life given to one of them, in minutes.")


class ApplicationRight(State):
    """What an account may do to the objects of one type, by whatever way it has the right."""

    kind: ClassVar[str] = "application_right"
    key: ClassVar[tuple[str, ...]] = ("account", "object_type")
    subject_column: ClassVar[str | None] = "account"

    account: str = always("Account that has the rights.", personal=True)
    object_type: str = always("Object type by application and model; '*' for everything.")
    actions: list[str] | None = column("What it may do, sorted (add, change, delete, view, …); '*' for everything.")
    via: list[str] | None = column("Roles it comes through, sorted; 'direct' and 'superuser' among them.")


class PermissionChange(State):
    """A role or right that an account, or a permission that a role, has or lacks since the reading before. Derived from
    two complete readings of one source; never collected by itself."""

    kind: ClassVar[str] = "permission_change"
    key: ClassVar[tuple[str, ...]] = ("change",)
    subject_column: ClassVar[str | None] = "account"

    change: str = always("Number of the reading that shows it, and place in it.")
    change_type: str = always("granted, revoked or changed.")
    account: str | None = column("Account that has or had the role; NULL when the role itself changed.", personal=True)
    role: str | None = column("The role or right.")
    scope: str | None = column("Where it holds.")
    object_type: str | None = column("Type of the object that the source's audit trail would name.")
    object_id: str | None = column("Number of the object that the source's audit trail would name.")
    field: str | None = column("Field that the source's audit trail would name.")
    seen_after: Instant | None = column("When the reading before it began.")
    seen_by: Instant | None = column("When the reading that shows it began.")
