"""Who holds rights beyond an ordinary user's: privileged groups and sudo."""

from __future__ import annotations

from compliance.collectors.host.accounts import PRIVILEGED_GROUPS, Passwd, rows_group, rows_passwd
from compliance.collectors.host.machine import Machine
from compliance.collectors.host.sudoers import Policy, Rule, parse
from compliance.schemas.errors import Absent, Malformed
from compliance.schemas.kinds.identity import RoleGrant

SUDOERS = ("/etc/sudoers", "/etc/sudoers-rs")
Groups = dict[str, tuple[int, list[str]]]


def members(group: str, groups: Groups, accounts: list[Passwd]) -> list[tuple[str, bool]]:
    """Accounts in a group, and whether it is their primary one."""
    gid, names = groups[group]
    primary = [account.name for account in accounts if account.gid == gid]
    return [(name, True) for name in primary] + [(name, False) for name in names if name not in primary]


def rows_groups(groups: Groups, accounts: list[Passwd]) -> list[RoleGrant]:
    """Membership of the privileged groups."""
    return [
        RoleGrant(
            account=account,
            role=group,
            scope="host",
            is_privileged=True,
            is_direct=True,
            detail={"type": "group", "gid": groups[group][0], "primary": primary},
        )
        for group in sorted(groups.keys() & PRIVILEGED_GROUPS)
        for account, primary in members(group, groups, accounts)
    ]


def rows_sudo(policy: Policy, groups: Groups, accounts: list[Passwd]) -> list[RoleGrant]:
    """Each account's sudo rights. A rule for a group gives a row for each member; a group that is not local keeps
    one row under its own name, so that the right never vanishes."""
    found: dict[tuple[str, str], RoleGrant] = {}
    for rule in policy.rules:
        for account, via in _holders(rule.who, groups, accounts):
            scope = ", ".join(rule.commands)
            row = RoleGrant(
                account=account,
                role="sudo",
                scope=scope,
                is_privileged=True,
                is_direct=via is None,
                via=f"{via} > sudo" if via else None,
                detail=_detail(rule),
            )
            known = found.get((account, scope))
            if known is not None:
                row = _merged(known, row)
            found[account, scope] = row
    return list(found.values())


def _detail(rule: Rule) -> dict[str, object]:
    return {
        "type": "sudo",
        "run_as": list(rule.run_as),
        "run_as_groups": list(rule.run_as_groups),
        "nopasswd": rule.nopasswd,
        "all": rule.everything,
        "hosts": list(rule.hosts),
        "files": [rule.file],
    }


def _merged(one: RoleGrant, other: RoleGrant) -> RoleGrant:
    """Two rules about the same account and commands as one row: the wider of each right, both files."""
    a, b = one.detail or {}, other.detail or {}
    detail = {
        key: (a[key] or b[key]) if isinstance(a[key], bool) else a[key] if key == "type" else sorted({*a[key], *b[key]})
        for key in a
    }
    direct = bool(one.is_direct or other.is_direct)
    return one.model_copy(update={"detail": detail, "is_direct": direct, "via": None if direct else one.via})


def _holders(who: str, groups: Groups, accounts: list[Passwd]) -> list[tuple[str, str | None]]:
    if who.startswith("#") and who[1:].isdigit():
        named = [(account.name, None) for account in accounts if account.uid == int(who[1:])]
        return [(name, None) for name, _ in named] or [(who, None)]
    if who.startswith("%"):
        name = who[1:].strip('"')
        if name.startswith("#") and name[1:].isdigit():
            name = next((group for group, (gid, _) in groups.items() if gid == int(name[1:])), name)
        if name in groups:
            return [(account, name) for account, _ in members(name, groups, accounts)]
    return [(who.replace("\\", "").strip('"'), None)]


def fetch_sudo(machine: Machine) -> Policy:
    """What sudoers grants; nothing when neither sudo nor a sudoers file is there. Raises Denied, Malformed."""
    for path in SUDOERS:
        if machine.exists(path):
            try:
                return parse(path, machine.read, machine.files)
            except Absent as error:
                raise Malformed(f"{path}: {error.message}", remedy="run `visudo -c`") from error
    if machine.has("sudo"):
        raise Absent("sudo is installed but has no sudoers file here", remedy="read its rules where they lie (LDAP)")
    return Policy()


def read_role_grant(machine: Machine) -> list[RoleGrant]:
    """Privileged groups and sudo rights. Raises Denied when sudoers may not be read: half of it is not an answer."""
    accounts = rows_passwd(machine.read("/etc/passwd"))
    groups = rows_group(machine.read("/etc/group"))
    policy = fetch_sudo(machine)
    if machine.exists("/etc/doas.conf"):
        raise Malformed("doas is configured; its rules are not read", remedy="move its rules to sudoers, or remove it")
    return rows_groups(groups, accounts) + rows_sudo(policy, groups, accounts)
