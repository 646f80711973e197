"""Access lists, ownership and memberships into effective rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from compliance.collectors.postgres.roles import closure
from compliance.collectors.postgres.session import Row
from compliance.schemas.kinds.identity import DataGrant

PUBLIC = "PUBLIC"
_MAINTAIN_SINCE = 17_00_00
_ALL: Mapping[str, tuple[str, ...]] = {
    "database": ("CONNECT", "CREATE", "TEMPORARY"),
    "schema": ("CREATE", "USAGE"),
    "table": ("DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"),
}
# What predefined roles give beside the access lists (PostgreSQL documentation, "Predefined Roles").
_PREDEFINED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "pg_read_all_data": {"schema": ("USAGE",), "table": ("SELECT",)},
    "pg_write_all_data": {"schema": ("USAGE",), "table": ("DELETE", "INSERT", "UPDATE")},
    "pg_maintain": {"table": ("MAINTAIN",)},
}


@dataclass(frozen=True, slots=True)
class Holder:
    """An account with every role it can act as, itself included."""

    account: str
    roles: frozenset[str]
    is_superuser: bool
    can_login: bool


@dataclass(slots=True)
class _Rights:
    privileges: set[str] = field(default_factory=set)
    grantable: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    public: bool = False


def holders(roles: Sequence[Row], members: Sequence[Row]) -> list[Holder]:
    """Accounts whose rights are asked for: all roles except the predefined ones."""
    superusers = {row["role"] for row in roles if row["superuser"]}
    # from PostgreSQL 16 a membership can be empty; whoever may pass it on may also fill it
    held = [row for row in members if row["inherits"] or row["may_assume"] or row["admin_option"]]
    found = []
    for row in roles:
        if not row["role"].startswith("pg_"):
            acts_as = frozenset({row["role"], *closure(row["role"], held)})
            found.append(Holder(row["role"], acts_as, bool(acts_as & superusers), row["login"]))
    return found


def in_database(who: Sequence[Holder], owner: str) -> list[Holder]:
    """The accounts as they are in a database: whoever acts as its owner is in pg_database_owner there."""
    return [replace(h, roles=h.roles | {"pg_database_owner"}) if owner in h.roles else h for h in who]


def rows_data_grants(
    database: str, database_owner: str, objects: Sequence[Row], who: Sequence[Holder], version_num: int
) -> Iterator[DataGrant]:
    """One DataGrant per account and object on which it has a right, and one for PUBLIC where everybody has one.

    `objects` have object_type, object, owner, acl as [grantee or None for everybody, privilege, grantable] and
    column_acl with the column's name as a fourth item. A right on a single column counts as the right, and the detail
    names the column.
    """
    there = in_database(who, database_owner)
    maintain = {"MAINTAIN"} if version_num >= _MAINTAIN_SINCE else set()
    for item in objects:
        everybody = _gather(item, frozenset())
        if everybody.privileges:
            yield _grant(PUBLIC, database, item, everybody, is_owner=False, can_login=None, superuser=False)
        for holder in there:
            roles = holder.roles
            rights = _gather(item, roles)
            is_owner = item["owner"] in roles
            if is_owner or holder.is_superuser:  # an owner can always grant itself what it took away
                every = {*_ALL[item["object_type"]], *(privilege for _, privilege, *_ in item["acl"])}
                every |= maintain if item["object_type"] == "table" else set()
                rights.grantable |= every
                rights.privileges |= every if holder.is_superuser else set()
            if rights.privileges or is_owner:
                yield _grant(
                    holder.account,
                    database,
                    item,
                    rights,
                    is_owner=is_owner,
                    can_login=holder.can_login,
                    superuser=holder.is_superuser,
                )


def privileges(item: Row, roles: frozenset[str]) -> set[str]:
    """Privileges on an object that `roles` together have, rights on single columns included."""
    return _gather(item, roles).privileges


def _gather(item: Row, roles: frozenset[str]) -> _Rights:
    rights = _Rights()
    whole: set[str] = set()
    for grantee, privilege, grantable, *column in (*item["acl"], *item.get("column_acl", ())):
        if grantee is not None and grantee not in roles:
            continue
        rights.privileges.add(privilege)
        rights.public = rights.public or grantee is None
        if grantable:
            rights.grantable.add(privilege)
        if column:
            rights.columns.add(f"{privilege} ({column[0]})")
        else:
            whole.add(privilege)
    for role in roles & _PREDEFINED.keys():
        given = _PREDEFINED[role].get(item["object_type"], ())
        rights.privileges.update(given)
        whole.update(given)
    rights.columns = {text for text in rights.columns if text.split(" ", 1)[0] not in whole}
    return rights


def _grant(
    account: str, database: str, item: Row, rights: _Rights, *, is_owner: bool, can_login: bool | None, superuser: bool
) -> DataGrant:
    detail: dict[str, Any] = {}
    if superuser:
        detail["superuser"] = True
    elif rights.columns:
        detail["columns_only"] = sorted(rights.columns)
    return DataGrant(
        account=account,
        database=database,
        object_type=item["object_type"],
        object=item["object"],
        privileges=sorted(rights.privileges),
        grantable=sorted(rights.grantable),
        is_owner=is_owner,
        is_public=rights.public,
        can_login=can_login,
        detail=detail or None,
    )
