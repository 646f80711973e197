"""Roles and memberships into evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compliance.collectors.postgres.rules import outlives_expiry
from compliance.collectors.postgres.session import Row
from compliance.schemas.kinds.identity import AccountType, AuthRule, RoleGrant, UserAccount

BOOTSTRAP = 10  # oid of the role that initdb makes; it cannot be dropped
# Predefined roles that only look at the server's state; every other pg_* role reads or changes data or the machine.
_WATCHING = frozenset({"pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"})
_ATTRIBUTES = ("superuser", "createrole", "replication", "bypassrls")

Paths = Mapping[str, tuple[str, ...]]  # role reached → roles on the way, the last being the role itself


def closure(account: str, members: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """Every role that `account` is in, with the shortest path to it. Membership that must first be taken with SET ROLE
    (NOINHERIT) counts: a right that one statement away is held."""
    granted: dict[str, list[str]] = {}
    for row in members:
        granted.setdefault(row["member"], []).append(row["role"])
    paths: dict[str, tuple[str, ...]] = {}
    waiting: list[tuple[str, tuple[str, ...]]] = [(account, ())]
    while waiting:
        role, path = waiting.pop(0)
        for parent in granted.get(role, []):
            if parent not in paths and parent != account:
                paths[parent] = (*path, parent)
                waiting.append((parent, paths[parent]))
    return paths


def is_privileged(role: Row) -> bool:
    """Whether the role itself is above ordinary rights, by attribute or by being an administrative pg_* role."""
    predefined = str(role["role"]).startswith("pg_") and role["role"] not in _WATCHING
    return predefined or any(role[attribute] for attribute in _ATTRIBUTES)


def superusers(roles: Sequence[Row], members: Sequence[Row]) -> frozenset[str]:
    """Roles that are superuser or can become it: the attribute is not inherited, but taken on with SET ROLE. Whoever
    may pass a role on can also give it to himself."""
    named = {row["role"] for row in roles if row["superuser"]}
    ways = [row for row in members if row["may_assume"] or row["admin_option"]]
    return frozenset(r["role"] for r in roles if r["role"] in named or named & closure(r["role"], ways).keys())


def rows_user_accounts(
    roles: Sequence[Row],
    members: Sequence[Row],
    passwords: Mapping[str, str | None] | None,
    rules: Sequence[AuthRule] | None,
) -> list[UserAccount]:
    """One UserAccount per role. `passwords` maps a role to the form of its password, None when unreadable;
    `rules` decide what an expired role can still do, None when unreadable."""
    by_name = {row["role"]: row for row in roles}
    above_all = superusers(roles, members)
    accounts = []
    for row in roles:
        name = row["role"]
        reached = closure(name, members)
        told = passwords is not None and name in passwords
        algorithm = passwords.get(name) if passwords is not None else None
        accounts.append(
            UserAccount(
                account=name,
                account_type=AccountType.SYSTEM if row["oid"] == BOOTSTRAP or name.startswith("pg_") else None,
                is_active=_is_active(row, rules),
                is_privileged=is_privileged(row) or any(is_privileged(by_name[r]) for r in reached if r in by_name),
                is_superuser=name in above_all,
                has_password=algorithm is not None if told else None,
                password_hash_algorithm=algorithm,
                expires_at=row["valid_until"],
                detail={
                    "superuser": row["superuser"],
                    "createrole": row["createrole"],
                    "createdb": row["createdb"],
                    "replication": row["replication"],
                    "bypassrls": row["bypassrls"],
                    "inherit": row["inherit"],
                    "connection_limit": row["connection_limit"],
                },
            )
        )
    return accounts


def _is_active(row: Row, rules: Sequence[AuthRule] | None) -> bool | None:
    if not row["login"]:
        return False
    if not row["expired"]:
        return True
    return None if rules is None else outlives_expiry(rules, row["role"])


def rows_role_grants(roles: Sequence[Row], members: Sequence[Row]) -> list[RoleGrant]:
    """One RoleGrant per account and role it is in, directly or through others."""
    by_name = {row["role"]: row for row in roles}
    direct = {(row["member"], row["role"]): row for row in members}
    above = {name: closure(name, members) for name in by_name}
    inherited = {name: closure(name, [row for row in members if row["inherits"]]) for name in by_name}
    assumed = {name: closure(name, [row for row in members if row["may_assume"]]) for name in by_name}
    grants = []
    for account in by_name:
        for role, path in above[account].items():
            membership = direct.get((account, role))
            through = [by_name[r] for r in (role, *above.get(role, {})) if r in by_name]
            grants.append(
                RoleGrant(
                    account=account,
                    role=role,
                    scope="*",
                    is_privileged=any(is_privileged(row) for row in through),
                    is_direct=membership is not None,
                    via=None if membership is not None else " > ".join(path),
                    admin_option=None if membership is None else membership["admin_option"],
                    granted_by=None if membership is None else membership["granted_by"],
                    inherits=role in inherited[account],
                    may_assume=role in assumed[account],
                )
            )
    return grants
