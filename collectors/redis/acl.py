"""The lines of `ACL LIST` into users, rights and key patterns. Password hashes are dropped while a line is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from compliance.schemas.errors import Malformed
from compliance.schemas.kinds.identity import AccountType, DataGrant, RoleGrant, UserAccount

DEFAULT = "default"
# Commands that administer, destroy or take over the server, with their ACL categories (Redis documentation, COMMAND).
_ADMIN = frozenset({"admin", "dangerous", "slow"})
_WRITE = frozenset({"keyspace", "write", "slow", "dangerous"})
DANGEROUS: Mapping[str, frozenset[str]] = {
    "acl|deluser": _ADMIN,
    "acl|setuser": _ADMIN,
    "bgrewriteaof": _ADMIN,
    "bgsave": _ADMIN,
    "client|kill": _ADMIN | {"connection"},
    "cluster|reset": _ADMIN,
    "config|get": _ADMIN,  # gives requirepass and masterauth in clear
    "config|set": _ADMIN,
    "debug": _ADMIN,
    "failover": _ADMIN,
    "flushall": _WRITE,
    "flushdb": _WRITE,
    "migrate": _WRITE,
    "module|load": _ADMIN,
    "monitor": _ADMIN,
    "psync": _ADMIN,
    "replicaof": _ADMIN,
    "save": _ADMIN,
    "shutdown": _ADMIN,
    "slaveof": _ADMIN,
    "swapdb": (_WRITE - {"slow"}) | {"fast"},
}


@dataclass(slots=True)
class Permissions:
    """One set of rules: the user's own, or one selector. `commands` in order, each with its sign."""

    commands: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)

    def allows(self, command: str, categories: frozenset[str]) -> bool:
        """Whether the last rule that names `command`, its container or a category of it, adds it."""
        allowed = False
        for rule in self.commands:
            name = rule[1:]
            if name in ("@all", command, command.partition("|")[0]) or (name[0] == "@" and name[1:] in categories):
                allowed = rule[0] == "+"
        return allowed

    def everything(self) -> bool:
        """Every command on every key, nothing taken away."""
        whole = "+@all" in self.commands and not any(rule[0] == "-" for rule in self.commands)
        return whole and any(pattern in ("~*", "%RW~*") for pattern in self.keys)


@dataclass(slots=True)
class User:
    """An ACL user without its password hashes."""

    name: str
    on: bool = False
    nopass: bool = False
    passwords: int = 0
    own: Permissions = field(default_factory=Permissions)
    selectors: list[Permissions] = field(default_factory=list)

    def dangerous(self) -> list[str]:
        """Commands of administration that the user may run, by its own rules or a selector's."""
        sets = (self.own, *self.selectors)
        return sorted(c for c, categories in DANGEROUS.items() if any(s.allows(c, categories) for s in sets))


def parse(lines: Iterable[str]) -> list[User]:
    """The users of `ACL LIST`. Raises Malformed without repeating a line: it holds hashes."""
    return [_user(line) for line in lines]


def _user(line: str) -> User:
    head, *rest = line.split(" ", 2)
    if head != "user" or not rest or not rest[0]:
        raise Malformed(
            "ACL LIST: a line does not begin with `user NAME`", remedy="report it with the server's version"
        )
    user = User(rest[0])
    permissions = user.own
    for raw in (rest[1] if len(rest) > 1 else "").split():
        word = raw
        if word.startswith("("):
            permissions = Permissions()
            user.selectors.append(permissions)
            word = word[1:]
        closes = permissions is not user.own and word.endswith(")")
        word = word[:-1] if closes else word
        if word in ("on", "off"):
            user.on = word == "on"
        elif word == "nopass":
            user.nopass = True
        elif word.startswith("#"):
            user.passwords += 1
        else:
            _permit(permissions, word)
        permissions = user.own if closes else permissions
    return user


def _permit(permissions: Permissions, word: str) -> None:
    word = {"allcommands": "+@all", "nocommands": "-@all", "allkeys": "~*", "allchannels": "&*"}.get(word, word)
    if word in ("+@all", "-@all"):  # decides all before it
        permissions.commands = [word] if word == "+@all" else []
    elif word[:1] in ("+", "-") and len(word) > 1:
        permissions.commands.append(word[0] + word[1:].lower())
    elif word.startswith(("~", "%")):
        permissions.keys.append(word)
    elif word.startswith("&"):
        permissions.channels.append(word)
    elif word == "resetkeys":
        permissions.keys = []
    elif word == "resetchannels":
        permissions.channels = []


def rows_user_accounts(users: Sequence[User]) -> list[UserAccount]:
    """One UserAccount per ACL user."""
    return [
        UserAccount(
            account=user.name,
            account_type=AccountType.SYSTEM if user.name == DEFAULT else None,
            is_active=user.on,
            is_privileged=bool(user.dangerous()),
            is_superuser=any(s.everything() for s in (user.own, *user.selectors)),
            has_password=user.passwords > 0,
            password_hash_algorithm="sha256" if user.passwords else None,
            detail={
                "nopass": user.nopass,
                "passwords": user.passwords,
                "selectors": len(user.selectors),
                "channels": sorted(user.own.channels),
                "dangerous_commands": user.dangerous(),
            },
        )
        for user in users
    ]


def rows_role_grants(users: Sequence[User]) -> list[RoleGrant]:
    """One RoleGrant per user and rule that adds a command or category; what is taken away again is in the detail."""
    grants = []
    for user in users:
        for scope, permissions in _scopes(user):
            without = [rule for rule in permissions.commands if rule[0] == "-"]
            for rule in dict.fromkeys(rule[1:] for rule in permissions.commands if rule[0] == "+"):
                grants.append(
                    RoleGrant(
                        account=user.name,
                        role=rule,
                        scope=scope,
                        is_privileged=_is_privileged(rule),
                        is_direct=True,
                        detail={"without": without} if without else None,
                    )
                )
    return grants


def _is_privileged(rule: str) -> bool:
    alone = Permissions(commands=[f"+{rule}"])
    return any(alone.allows(command, categories) for command, categories in DANGEROUS.items())


def _scopes(user: User) -> Iterator[tuple[str, Permissions]]:
    yield "*", user.own
    for n, selector in enumerate(user.selectors, 1):
        yield f"selector {n}", selector


def rows_data_grants(users: Sequence[User]) -> list[DataGrant]:
    """One DataGrant per user and key pattern; READ and WRITE as the pattern's own letters say."""
    grants = []
    for user in users:
        patterns: dict[str, set[str]] = {}
        for _, permissions in _scopes(user):
            for text in permissions.keys:
                letters, _, pattern = text.partition("~")
                patterns.setdefault(pattern, set()).update(_directions(letters))
        for pattern, privileges in patterns.items():
            grants.append(
                DataGrant(
                    account=user.name,
                    database="*",
                    object_type="key_pattern",
                    object=pattern,
                    privileges=sorted(privileges),
                    grantable=[],
                    is_owner=False,
                    is_public=user.name == DEFAULT and user.on and user.nopass,
                    can_login=user.on,
                )
            )
    return grants


def _directions(letters: str) -> set[str]:
    if not letters:
        return {"READ", "WRITE"}
    return {word for letter, word in (("R", "READ"), ("W", "WRITE")) if letter in letters.upper()}
