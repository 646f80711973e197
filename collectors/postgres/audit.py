"""What the server logs of changes, for whom, and who can end it.

A class of statements is logged by the audit extension (pgaudit.log) or by log_statement, for an account in a database:
what the account sets in that database comes before what it sets everywhere, that before what the database sets, that
before what holds for the whole server (PostgreSQL documentation, ALTER ROLE). A line below log_min_messages is made and
thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compliance.collectors.postgres.effective import Effective
from compliance.collectors.postgres.grants import Holder
from compliance.collectors.postgres.session import Row
from compliance.schemas.kinds.data import AuditScope
from compliance.schemas.kinds.identity import DataGrant

SETTINGS = ("log_statement", "log_min_messages", "pgaudit.log", "pgaudit.log_level")
CHANGES = frozenset({"ddl", "role", "write"})  # changes of structure, roles and data
ANY = "*"
_CLASSES = frozenset({"ddl", "function", "misc", "misc_set", "read", "role", "write"})
# What log_statement logs, in the classes of the extension; `all` is everything that a client sends.
_STATEMENTS: Mapping[str, frozenset[str]] = {
    "none": frozenset(),
    "ddl": frozenset({"ddl", "role"}),
    "mod": CHANGES,
    "all": _CLASSES,
}
# Order in which log_min_messages lets lines into the server's log, from the first to be dropped.
_LEVELS = (
    "debug5",
    "debug4",
    "debug3",
    "debug2",
    "debug1",
    "info",
    "notice",
    "warning",
    "error",
    "log",
    "fatal",
    "panic",
)


def audit_extension(loaded: set[str] | None) -> str | None:
    """'pgaudit', '' for none, None when the list of loaded libraries is unreadable."""
    return None if loaded is None else "pgaudit" if "pgaudit" in loaded else ""


def audit_classes(value: str | None) -> list[str] | None:
    """Classes of pgaudit.log, sorted, with `all` and `-class` resolved."""
    if value is None:
        return None
    chosen: set[str] = set()
    for part in (p.strip().lower() for p in value.split(",")):
        name = part.removeprefix("-")
        group = set(_CLASSES) if name == "all" else set() if name in ("", "none") else {name}
        chosen = chosen - group if part.startswith("-") else chosen | group
    return sorted(chosen)


def logged(values: Mapping[str, str | None], extension: str | None) -> tuple[frozenset[str], bool]:
    """Classes that certainly reach the log under these settings, and whether that is all of them: False when a setting
    or the extension was not readable."""
    lowest = _rank(values.get("log_min_messages"))
    statement, audited = values.get("log_statement"), values.get("pgaudit.log")
    level = _rank(values.get("pgaudit.log_level") or "log")
    found: frozenset[str] = frozenset()
    whole = lowest is not None
    if statement is None or statement not in _STATEMENTS:
        whole = False
    elif lowest is not None and lowest <= _LEVELS.index("log"):
        found |= _STATEMENTS[statement]
    if extension is None or (extension and (audited is None or level is None)):
        whole = False
    elif extension and lowest is not None and level is not None and level >= lowest:
        found |= frozenset(audit_classes(audited) or ())
    return found, whole


def _rank(level: str | None) -> int | None:
    name = {"debug": "debug2"}.get(level or "", level or "")
    return _LEVELS.index(name) if name in _LEVELS else None


def covers(values: Mapping[str, str | None], extension: str | None, *classes: str) -> bool | None:
    """Whether all of `classes` are logged; None when not known."""
    found, whole = logged(values, extension)
    return True if found >= {*classes} else False if whole else None


def audit_logging(effective: Effective, extension: str | None) -> bool | None:
    """Whether changes of structure, roles and data are logged for everybody: False as soon as one account in one
    database is proven to be left out."""
    verdicts = {covers(values, extension, *CHANGES) for _, _, values in effective.scopes(*SETTINGS)}
    return False if False in verdicts else None if None in verdicts else True


def rows_audit_scopes(instance: str, effective: Effective, extension: str | None) -> Iterator[AuditScope]:
    """One AuditScope for everybody everywhere, and one per account and database for which other settings hold."""
    for account, database, values in effective.scopes(*SETTINGS):
        classes, whole = logged(values, extension)
        yield AuditScope(
            instance=instance,
            account=account or ANY,
            database=database or ANY,
            logs_structure=covers(values, extension, "ddl"),
            logs_roles=covers(values, extension, "role"),
            logs_writes=covers(values, extension, "write"),
            logs_reads=covers(values, extension, "read"),
            classes=sorted(classes) if whole else None,
            settings={name.replace(".", "_"): value for name, value in values.items()},
        )


def switchers(rights: Sequence[Row], who: Sequence[Holder]) -> list[str]:
    """Accounts that can sign in, superusers apart, and may change a setting on which logging rests."""
    return [
        holder.account
        for holder in who
        if holder.can_login and not holder.is_superuser and any(_held(row, holder) for row in rights)
    ]


def _held(right: Row, holder: Holder) -> bool:
    return right["setting"] in SETTINGS and (right["grantee"] is None or right["grantee"] in holder.roles)


def rows_parameter_grants(rights: Sequence[Row], who: Sequence[Holder]) -> Iterator[DataGrant]:
    """One DataGrant per account and setting that it was granted to change; superusers may change all."""
    for holder in who:
        settings = sorted({row["setting"] for row in rights})
        for setting in settings:
            held = [
                r for r in rights if r["setting"] == setting and (r["grantee"] is None or r["grantee"] in holder.roles)
            ]
            if held and not holder.is_superuser:
                yield DataGrant(
                    account=holder.account,
                    database=ANY,
                    object_type="parameter",
                    object=setting,
                    privileges=sorted({row["privilege"] for row in held}),
                    grantable=sorted({row["privilege"] for row in held if row["grantable"]}),
                    is_owner=False,
                    is_public=any(row["grantee"] is None for row in held),
                    can_login=holder.can_login,
                )
