"""Row security of tables, and rights on objects to come, into evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from compliance.collectors.postgres.grants import PUBLIC, Holder, privileges
from compliance.collectors.postgres.session import Row
from compliance.schemas.kinds.data import DefaultGrant, RowProtection


def rows_row_protection(
    instance: str,
    database: str,
    tables: Sequence[Row],
    objects: Sequence[Row],
    who: Sequence[Holder],
    bypassing: frozenset[str],
    personal: Sequence[str] | None,
) -> Iterator[RowProtection]:
    """One RowProtection per table. `objects` are the rights on them, `bypassing` the roles with BYPASSRLS, `personal`
    the declared patterns `database.schema.table` of tables with personal data, None when nothing is declared."""
    rights = {row["object"]: row for row in objects if row["object_type"] == "table"}
    for table in tables:
        readers = [h for h in who if h.can_login and not h.is_superuser and _reads(rights.get(table["object"]), h)]
        yield RowProtection(
            instance=instance,
            database=database,
            table_name=table["object"],
            owner=table["owner"],
            holds_personal_data=_declared(f"{database}.{table['plain_name']}", personal),
            is_enabled=table["enabled"],
            is_forced=table["forced"],
            policies=table["policies"],
            open_policies=table["open_policies"],
            policy_commands=sorted(table["commands"] or []),
            unfiltered_accounts=sum(1 for holder in readers if _unfiltered(table, holder, bypassing)),
        )


def _declared(name: str, personal: Sequence[str] | None) -> bool | None:
    return None if personal is None else any(fnmatchcase(name, pattern) for pattern in personal)


def _reads(rights: Mapping[str, Any] | None, holder: Holder) -> bool:
    return rights is None or rights["owner"] in holder.roles or "SELECT" in privileges(rights, holder.roles)


def _unfiltered(table: Row, holder: Holder, bypassing: frozenset[str]) -> bool:
    """Whether no policy takes a row from what `holder` reads: there is none, it stands above them, or one that is meant
    for it lets every row through and none is restrictive."""
    if not table["enabled"] or holder.roles & bypassing:
        return True
    if table["owner"] in holder.roles and not table["forced"]:
        return True
    meant = [(open_, permissive) for roles, permissive, open_ in table["meant"] if not roles or {*roles} & holder.roles]
    return any(open_ for open_, _ in meant) and all(permissive for _, permissive in meant)


def rows_default_grants(database: str, rights: Sequence[Row]) -> Iterator[DefaultGrant]:
    """One DefaultGrant per creator, schema, type and receiver."""
    for row in rights:
        yield DefaultGrant(
            database=database,
            creator=row["creator"],
            schema_name=row["schema"],
            object_type=row["object_type"],
            account=row["grantee"] or PUBLIC,
            privileges=list(row["privileges"]),
            grantable=list(row["grantable"] or []),
            is_public=row["grantee"] is None,
        )
