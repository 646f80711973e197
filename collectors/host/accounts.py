"""Local accounts: passwd, shadow (state and algorithm, never the hash), sign-in history, keys by their presence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from compliance.collectors.host.machine import Machine
from compliance.collectors.host.sshd import AuthorizedKeys, authorized_keys
from compliance.schemas.errors import Absent, Denied, Malformed, SourceError
from compliance.schemas.kinds.identity import AccountType, UserAccount

NO_LOGIN = frozenset({"nologin", "false", "true", "sync", "halt", "shutdown", "git-shell"})
_PRIVILEGED_GROUPS_WORDS = """
    root sudo wheel admin adm docker podman lxd incus disk shadow kmem libvirt kvm systemd-journal
    sudoers
"""
PRIVILEGED_GROUPS = frozenset(_PRIVILEGED_GROUPS_WORDS.split())
_ALGORITHMS = {
    "y": "yescrypt",
    "gy": "gost-yescrypt",
    "7": "scrypt",
    "6": "sha512crypt",
    "5": "sha256crypt",
    "sm3": "sm3crypt",
    "1": "md5crypt",
    "2a": "bcrypt",
    "2b": "bcrypt",
    "2x": "bcrypt",
    "2y": "bcrypt",
    "md5": "sunmd5",
    "3": "nt",
}
_LOGIN_TIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d+) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})\s*$")
_LOGIN_COMMANDS = ("lastlog", "lastlog2")


@dataclass(frozen=True, slots=True)
class Passwd:
    """One line of passwd."""

    name: str
    uid: int
    gid: int
    gecos: str
    home: str
    shell: str

    @property
    def may_log_in(self) -> bool:
        """The shell opens a session; an empty field means /bin/sh."""
        return self.shell.rpartition("/")[2] not in NO_LOGIN


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a line of shadow says, without the hash: `state` is set, locked, none (`*`, `!`) or empty."""

    state: str
    algorithm: str | None
    changed_day: int | None
    max_days: int | None
    expire_day: int | None


@dataclass(frozen=True, slots=True)
class Logins:
    """Last sign-ins by account; `never` those that the system says have none."""

    last: dict[str, datetime]
    never: frozenset[str]


def rows_passwd(text: str) -> list[Passwd]:
    """Accounts of a passwd file. NIS markers (`+`, `-`) are refused: they stand for accounts that are not in it."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split(":")
        if len(parts) != 7 or line[0] in "+-" or not (parts[2].isdigit() and parts[3].isdigit()):
            raise Malformed(f"/etc/passwd line {number} is not an account", remedy="run `pwck -r` and mend the file")
        found.append(Passwd(parts[0], int(parts[2]), int(parts[3]), parts[4], parts[5], parts[6]))
    return found


def rows_shadow(text: str) -> dict[str, Shadow]:
    """What shadow says of each account. The second field never leaves this function."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split(":")
        if len(parts) < 8:
            raise Malformed(f"/etc/shadow line {number} is not an account", remedy="run `pwck -r` and mend the file")
        state, algorithm = _password(parts[1])
        days = [int(part) if part.isdigit() else None for part in (parts[2], parts[4], parts[7])]
        found[parts[0]] = Shadow(state, algorithm, *days)
    return found


def _password(field: str) -> tuple[str, str | None]:
    if not field:
        return "empty", None
    bare = field.lstrip("!")
    if not bare or bare in ("*", "x", "*LK*", "*NP*") or bare.startswith("*"):
        return "none", None
    return ("locked" if field.startswith("!") else "set"), _algorithm(bare)


def _algorithm(stored: str) -> str:
    if stored.startswith("$"):
        return _ALGORITHMS.get(stored[1:].partition("$")[0].partition(",")[0], "unknown")
    if stored.startswith("_"):
        return "bsdicrypt"
    return "descrypt" if len(stored) == 13 else "unknown"


def rows_logins(text: str) -> Logins:
    """The table of `lastlog` or `lastlog2` in the C locale."""
    lines = text.splitlines()
    if not lines or not lines[0].startswith("Username"):
        raise Malformed("lastlog printed no table", remedy="run lastlog by hand")
    last: dict[str, datetime] = {}
    never = set()
    for line in lines[1:]:
        name = line.split(maxsplit=1)[0] if line.strip() else ""
        if line.rstrip().endswith("**Never logged in**"):
            never.add(name)
        elif match := _LOGIN_TIME.search(line):
            month, day, clock, zone, year = match.groups()
            last[name] = datetime.strptime(f"{day} {month} {year} {clock} {zone}", "%d %b %Y %H:%M:%S %z")
    return Logins({name: at.astimezone(UTC) for name, at in last.items()}, frozenset(never))


def login_defs(machine: Machine) -> dict[str, str]:
    """Settings of login.defs, none where the file does not exist."""
    lines = (line.partition("#")[0].split() for line in (machine.read_optional("/etc/login.defs") or "").splitlines())
    return {words[0]: words[1] for words in lines if len(words) >= 2}


def rows_group(text: str) -> dict[str, tuple[int, list[str]]]:
    """Group → gid and supplementary members."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split(":")
        if not line.strip():
            continue
        if len(parts) != 4 or not parts[2].isdigit():
            raise Malformed(f"/etc/group line {number} is not a group", remedy="run `grpck -r` and mend the file")
        found[parts[0]] = (int(parts[2]), [member for member in parts[3].split(",") if member])
    return found


def fetch_shadow(machine: Machine) -> dict[str, Shadow] | None:
    """shadow, None where this account may not read it or there is none."""
    try:
        return rows_shadow(machine.read("/etc/shadow"))
    except (Denied, Absent):
        return None


def fetch_logins(machine: Machine) -> Logins | None:
    """Sign-in history, None when the machine keeps none or does not show it."""
    for command in _LOGIN_COMMANDS:
        try:
            return rows_logins(machine.run(command))
        except SourceError:
            continue
    return None


def key_login(machine: Machine, account: Passwd, rules: AuthorizedKeys | None) -> bool | None:
    """A file of authorised keys with at least one entry exists. None when it cannot be seen, or when a command or a
    certificate authority may also let the account in. Only the presence leaves this function."""
    if rules is None:
        return None
    for pattern in rules.files:
        path = pattern.replace("%%", "\0").replace("%h", account.home).replace("%u", account.name)
        path = path.replace("%U", str(account.uid)).replace("\0", "%")
        if not path.startswith("/"):
            path = f"{account.home.rstrip('/')}/{path}"
        try:
            text = machine.at(path).read_text(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return None
        if any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
            return True
    return None if rules.other_ways else False


def active(account: Passwd, shadow: Shadow | None, keys: bool | None, now: datetime) -> bool | None:
    """Somebody could sign in with it now. None when a part of the answer is not readable, or when the shell refuses a
    session but a usable password or key is there, which other services may still accept."""
    if shadow is None:
        return None
    if shadow.expire_day is not None and _day(shadow.expire_day) <= now:
        return False
    usable = shadow.state in ("set", "empty") or keys
    if account.may_log_in:
        return True if usable else (None if keys is None else False)
    return None if usable else (None if keys is None else False)


def _day(days: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=min(days, 2_900_000))


def read_user_account(machine: Machine, now: datetime) -> list[UserAccount]:
    """Every local account. Without the right to read shadow the columns that rest on it are NULL."""
    accounts = rows_passwd(machine.read("/etc/passwd"))
    groups = rows_group(machine.read("/etc/group"))
    shadow, logins, defs = fetch_shadow(machine), fetch_logins(machine), login_defs(machine)
    rules = authorized_keys(machine)
    low, high = int(defs.get("UID_MIN", "1000")), int(defs.get("UID_MAX", "60000"))
    rows = []
    for account in accounts:
        secret = shadow.get(account.name) if shadow is not None else None
        keys = key_login(machine, account, rules)
        human = low <= account.uid <= high
        member = {name for name, (gid, names) in groups.items() if account.name in names or gid == account.gid}
        privileged = account.uid == 0 or bool(member & PRIVILEGED_GROUPS)
        rows.append(
            UserAccount(
                account=account.name,
                account_type=AccountType.HUMAN if human else AccountType.SYSTEM,
                display_name=account.gecos.partition(",")[0] or None,
                is_active=active(account, secret, keys, now),
                # a sudo rule may add rights beyond groups; `role_grant` holds those, so "no" is not claimed here
                is_privileged=True if privileged else (None if machine.has("sudo") or machine.has("doas") else False),
                is_superuser=account.uid == 0,
                interactive_login=account.may_log_in,
                has_password=secret.state in ("set", "locked") if secret else None,
                password_hash_algorithm=secret.algorithm if secret else None,
                has_key_login=keys,
                last_login_at=logins.last.get(account.name) if logins else None,
                never_logged_in=_never(account.name, logins),
                password_changed_at=_day(secret.changed_day) if secret and secret.changed_day else None,
                expires_at=_day(secret.expire_day) if secret and secret.expire_day is not None else None,
                detail={
                    "uid": account.uid,
                    "gid": account.gid,
                    "shell": account.shell,
                    "home": account.home,
                    "password_state": secret.state if secret else None,
                    "password_max_days": secret.max_days if secret else None,
                },
            )
        )
    return rows


def _never(name: str, logins: Logins | None) -> bool | None:
    if logins is None:
        return None
    return True if name in logins.never else (False if name in logins.last else None)
