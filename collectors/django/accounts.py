"""Accounts, groups and permissions as evidence. `fetch_*` ask, `rows_*` only reckon."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compliance.collectors.django.catalogue import Declared
from compliance.collectors.django.layout import UUID, Layout, name
from compliance.collectors.django.settings import DjangoSettings
from compliance.collectors.postgres.session import Query, Row
from compliance.schemas.errors import Malformed, Truncated
from compliance.schemas.kinds.application import ApplicationRight
from compliance.schemas.kinds.identity import AccountType, RoleDefinition, RoleGrant, UserAccount

SUPERUSER, STAFF = "is_superuser", "is_staff"  # rights that Django keeps in the account itself
# who may change these can give himself everything, or take away what would show it
_GUARDED = {
    "auth.user", "auth.group", "auth.permission", "sessions.session", "otp_totp.totpdevice", "otp_hotp.hotpdevice",
    "otp_static.staticdevice", "otp_static.statictoken", "mfa.authenticator", "mfa.user_keys", "auditlog.logentry",
    "admin.logentry", "axes.accessattempt", "axes.accessfailurelog",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission: `app.codename`, and the model it is about."""

    name: str
    model: str

    @property
    def action(self) -> str:
        """add, change, delete, view; a permission of the project's own is its whole code name."""
        code = self.name.partition(".")[2]
        model = self.model.partition(".")[2]
        return code.removesuffix(f"_{model}") if code.endswith(f"_{model}") else code


@dataclass
class Rights:
    """Who has what: groups by id, their permissions, members, and permissions given to an account itself."""

    groups: dict[int, str] = field(default_factory=dict)
    of_group: dict[int, list[Permission]] = field(default_factory=lambda: defaultdict(list))
    member: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    direct: dict[str, list[Permission]] = field(default_factory=lambda: defaultdict(list))


def fetch_users(layout: Layout) -> tuple[Sequence[Row], int | None]:
    """Every account, with the columns that are there and readable; and how many there are."""
    users, session = layout.users, layout.session
    needed = [users.key, users.username, "is_superuser", "is_active", "last_login"]
    needed += [
        c
        for c in ("is_staff", layout.settings.person_column)
        if c is not None and (c != "is_staff" or c in users.table.types)
    ]
    layout.need(users.table.name, needed, "accounts", "Django")
    columns = [
        f"{name(users.key)}::text AS key",
        f"{name(users.username)} AS username",
        "is_superuser",
        "is_active",
        "last_login",
    ]
    columns.append("is_staff" if "is_staff" in users.table.types else "FALSE AS is_staff")
    person = layout.settings.person_column
    columns.append(f"{name(person)}::text AS person" if person else "NULL AS person")
    for column in ("email", "date_joined"):
        if column in users.table.readable and column != users.username:
            layout.need(users.table.name, (column,), "accounts", "Django")
            columns.append(column)
        elif column in users.table.types and column != users.username:
            session.notes.append(f"{_COLUMN[column]} stays NULL: {users.table.grant([column])}")
    sql = f"SELECT {', '.join(columns)} FROM {users.table.sql} ORDER BY 2"
    answer = session.ask(
        Query("accounts", sql, users.table.grant(needed), f"SELECT count(*) AS count FROM {users.table.sql}")
    )
    limit = layout.settings.rights_limit
    if len(answer.rows) > limit:
        raise Truncated(f"{len(answer.rows)} accounts, more than {limit}", remedy="raise rights_limit")
    return answer.rows, answer.count


_COLUMN = {"email": "email", "date_joined": "created_at"}


def fetch_rights(layout: Layout) -> Rights:
    """Groups, memberships and permissions. Raises SourceError when a part of them cannot be read: rights that are not
    seen would look like rights that nobody has."""
    session, found = layout.session, Rights()
    groups = layout.need("auth_group", ("id", "name"), "groups", "Django")
    linked = layout.need("auth_group_permissions", ("group_id", "permission_id"), "permissions of groups", "Django")
    permission = layout.need("auth_permission", ("id", "codename", "content_type_id"), "permissions", "Django")
    types = layout.need("django_content_type", ("id", "app_label", "model"), "names of the models", "Django")
    named = f"JOIN {permission.sql} p ON p.id = g.permission_id JOIN {types.sql} ct ON ct.id = p.content_type_id"
    columns = "ct.app_label || '.' || p.codename AS permission, ct.app_label || '.' || ct.model AS model"
    for row in session.rows(Query("groups", f"SELECT id, name FROM {groups.sql}", groups.grant(["id", "name"]))):
        found.groups[row["id"]] = row["name"]
    for row in session.rows(
        Query("permissions of groups", f"SELECT g.group_id AS id, {columns} FROM {linked.sql} g {named}", "")
    ):
        found.of_group[row["id"]].append(Permission(row["permission"], row["model"]))
    users = layout.users
    table, column = users.groups
    layout.need(table.name, (column, "group_id"), "memberships", "Django")
    sql = f"SELECT {name(column)}::text AS key, group_id FROM {table.sql}"
    for row in session.rows(Query("memberships", sql, table.grant([column, "group_id"]))):
        found.member[row["key"]].append(row["group_id"])
    table, column = users.permissions
    layout.need(table.name, (column, "permission_id"), "permissions of accounts", "Django")
    sql = f"SELECT g.{name(column)}::text AS key, {columns} FROM {table.sql} g {named}"
    for row in session.rows(Query("permissions of accounts", sql, table.grant([column, "permission_id"]))):
        found.direct[row["key"]].append(Permission(row["permission"], row["model"]))
    return found


def plain(key: str) -> str | None:
    """The key of an account where it is a number or UUID; None for any other, which may be a name."""
    return key if re.fullmatch(rf"-?[0-9]{{1,20}}|{UUID}", key) else None


def _is_guarded(permission: Permission, user_model: str) -> bool:
    return permission.model in _GUARDED | {user_model} and permission.action != "view"


def privileged_groups(rights: Rights, settings: DjangoSettings, user_model: str) -> set[int]:
    """Groups whose members can change accounts, rights, second factors, sessions or logs, and the declared ones."""
    return {
        number
        for number, group in rights.groups.items()
        if group in settings.privileged_roles or any(_is_guarded(p, user_model) for p in rights.of_group[number])
    }


def rows_user_accounts(
    users: Sequence[Row], rights: Rights, layout: Layout, enrolled: Mapping[str, bool | None]
) -> list[UserAccount]:
    """One row per account. `enrolled` says for each key whether a second factor is (None: not readable)."""
    settings, model = layout.settings, layout.users.label
    high = privileged_groups(rights, settings, model)
    made = []
    for row in users:
        key, program = row["key"], row["username"] in settings.service_accounts
        privileged = bool(
            row["is_superuser"] or row["is_staff"] or high & set(rights.member.get(key, ()))
            or any(_is_guarded(p, model) for p in rights.direct.get(key, ()))
        )  # fmt: skip
        person = row["person"] or None
        made.append(
            UserAccount(
                account=row["username"],
                account_type=AccountType.SERVICE if program else AccountType.HUMAN if person else None,
                person=person,
                email=row.get("email") or None,
                is_active=row["is_active"],
                is_privileged=privileged,
                is_superuser=row["is_superuser"],
                # a program that never opened a session may do so tomorrow: only of an account that is off it is known
                interactive_login=None
                if row["is_active"] and program and row["last_login"] is None
                else row["is_active"],
                mfa_enrolled=enrolled.get(key),
                created_at=row.get("date_joined"),
                last_login_at=row["last_login"],
                never_logged_in=row["last_login"] is None,
                detail={"user_id": plain(key), "is_staff": row["is_staff"]},
            )
        )
    return made


def rows_role_grants(users: Sequence[Row], rights: Rights, layout: Layout) -> list[RoleGrant]:
    """Groups, flags and single permissions that accounts hold. `detail.audit` says what a trail would name."""
    model = layout.users.label
    high = privileged_groups(rights, layout.settings, model)
    made: list[RoleGrant] = []
    for row in users:
        held = [(flag, "account", True, flag) for flag in (SUPERUSER, STAFF) if row[flag]]
        held += [
            (rights.groups[g], "group", g in high, "groups")
            for g in rights.member.get(row["key"], ())
            if g in rights.groups
        ]
        held += [
            (p.name, "permission", _is_guarded(p, model), "user_permissions") for p in rights.direct.get(row["key"], ())
        ]
        made += [
            RoleGrant(
                account=row["username"],
                role=role,
                scope=scope,
                is_privileged=privileged,
                is_direct=True,
                detail={"audit": {"object_type": model, "object_id": plain(row["key"]), "field": changed}},
            )
            for role, scope, privileged, changed in held
        ]
    return made


def rows_application_rights(users: Sequence[Row], rights: Rights, limit: int) -> list[ApplicationRight]:
    """Effective rights of every active account per model. Raises Truncated above `limit` rows."""
    made: list[ApplicationRight] = []
    for row in users:
        if not row["is_active"]:
            continue  # Django grants an inactive account nothing
        if row["is_superuser"]:
            made.append(ApplicationRight(account=row["username"], object_type="*", actions=["*"], via=["superuser"]))
            continue
        actions: dict[str, set[str]] = defaultdict(set)
        via: dict[str, set[str]] = defaultdict(set)
        ways: list[tuple[str, Iterable[Permission]]] = [("direct", rights.direct.get(row["key"], ()))]
        ways += [
            (rights.groups[g], rights.of_group[g]) for g in rights.member.get(row["key"], ()) if g in rights.groups
        ]
        for way, permissions in ways:
            for permission in permissions:
                actions[permission.model].add(permission.action)
                via[permission.model].add(way)
        made += [
            ApplicationRight(
                account=row["username"], object_type=model, actions=sorted(actions[model]), via=sorted(via[model])
            )
            for model in sorted(actions)
        ]
        if len(made) > limit:
            raise Truncated(f"more than {limit} effective rights", remedy="raise rights_limit")
    return made


def rows_role_definitions(rights: Rights, users: Sequence[Row], declared: Declared | None) -> list[RoleDefinition]:
    """Every group, the flags and single permissions that anybody holds, and declared roles that are not there."""
    has: dict[str, tuple[list[str], dict[str, Any] | None]] = {}
    for flag, may in ((SUPERUSER, ["*"]), (STAFF, ["admin.access"])):
        if any(row[flag] for row in users):
            has[flag] = (may, None)
    for permission in {p.name for held in rights.direct.values() for p in held}:
        has[permission] = ([permission], None)  # given to an account without a role: a role of its own
    for number, group in rights.groups.items():
        audit = {"object_type": "auth.group", "object_id": str(number), "field": "permissions"}
        has[group] = (sorted({p.name for p in rights.of_group[number]}), {"audit": audit})
    roles = dict.fromkeys([*has, *(declared.roles if declared else ())])
    named = {other for said in declared.roles.values() for other in said.conflicts_with} if declared else set()
    if strangers := sorted(named - roles.keys()):  # a misspelt name would part nobody
        raise Malformed(f"the catalogue of roles names {', '.join(strangers)}, which is no role", remedy="correct it")
    made = []
    for role in sorted(roles):
        permissions, detail = has.get(role, (None, None))
        said = declared.roles.get(role) if declared else None
        made.append(
            RoleDefinition(
                role=role,
                exists=role in has,
                permissions=permissions,
                owner=said.owner or "" if said else None,  # "" is known to be missing
                purpose=said.purpose or "" if said else None,
                is_declared=None if declared is None else said is not None,
                is_approved=None if declared is None else bool(said and said.approved_by and said.approved_at),
                approved_permissions=sorted(set(said.permissions)) if said else None,
                conflicts_with=_conflicts(role, declared),
                detail=detail,
            )
        )
    return made


def _conflicts(role: str, declared: Declared | None) -> list[str] | None:
    """The roles that must not be held together with it; None where the catalogue says nothing of it."""
    if declared is None:
        return None
    found = sorted(declared.conflicts(role))
    return found if found or role in declared.roles else None
