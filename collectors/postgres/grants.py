"""Access lists, ownership and memberships into effective rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compliance.collectors.postgres.roles import closure
from compliance.collectors.postgres.session import Row
from compliance.schemas.kinds.identity import DataGrant

PUBLIC = "PUBLIC"
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
    found = []
    for row in roles:
        if not row["role"].startswith("pg_"):
            acts_as = frozenset({row["role"], *closure(row["role"], members)})
            found.append(Holder(row["role"], acts_as, bool(acts_as & superusers), row["login"]))
    return found


def rows_data_grants(
    database: str, database_owner: str, objects: Sequence[Row], who: Sequence[Holder]
) -> Iterator[DataGrant]:
    """One DataGrant per account and object on which it has a right, and one for PUBLIC where everybody has one.

    `objects` have object_type, object, owner, acl as [grantee or None for everybody, privilege, grantable] and
    column_acl with the column's name as a fourth item. A right on a single column counts as the right, and the detail
    names the column.
    """
    for item in objects:
        everybody = _gather(item, frozenset())
        if everybody.privileges:
            yield _grant(PUBLIC, database, item, everybody, is_owner=False, can_login=None, superuser=False)
        for holder in who:
            roles = holder.roles | {"pg_database_owner"} if database_owner in holder.roles else holder.roles
            rights = _gather(item, roles)
            is_owner = item["owner"] in roles
            if is_owner or holder.is_superuser:  # an owner can always grant itself what it took away
                every = {*_ALL[item["object_type"]], *(privilege for _, privilege, *_ in item["acl"])}
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
