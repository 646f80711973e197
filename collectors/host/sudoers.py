"""The sudoers language, as far as it grants rights: aliases, user specifications, tags and includes.

Grammar: sudoers(5). A line that is not understood is Malformed, never skipped: it might be the one that matters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from compliance.schemas.errors import Malformed

_TAGS_WORDS = """
    EXEC NOEXEC FOLLOW NOFOLLOW LOG_INPUT NOLOG_INPUT LOG_OUTPUT NOLOG_OUTPUT MAIL NOMAIL INTERCEPT
    NOINTERCEPT PASSWD NOPASSWD SETENV NOSETENV
"""
_TAGS = frozenset(_TAGS_WORDS.split())
_ALIAS = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)\Z", re.DOTALL)
_OPTION = re.compile(r"(?:ROLE|TYPE|CWD|CHROOT|TIMEOUT|NOTBEFORE|NOTAFTER|APPARMOR_PROFILE|PRIVS|LIMITPRIVS)=\S+\s*")


@dataclass(frozen=True, slots=True)
class Rule:
    """One right: who (a name, %group, #uid or ALL), where, as whom, which commands, with or without a password."""

    who: str
    hosts: tuple[str, ...]
    run_as: tuple[str, ...]
    run_as_groups: tuple[str, ...]
    commands: tuple[str, ...]
    nopasswd: bool
    file: str

    @property
    def everything(self) -> bool:
        """Any command as any account or as root."""
        return "ALL" in self.commands and (not self.run_as or bool({"ALL", "root", "#0"} & set(self.run_as)))


@dataclass(slots=True)
class Policy:
    """What the files say together; `unauthenticated` holds the scopes of `Defaults !authenticate`."""

    rules: list[Rule] = field(default_factory=list)
    aliases: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    unauthenticated: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def parse(path: str, read: Callable[[str], str], names: Callable[[str], list[str]]) -> Policy:
    """The policy that starts in `path`. `read` gives a file's text, `names` the files of a folder.

    Raises:
        Malformed: a line is not in the language, or includes never end.
    """
    policy = Policy()
    raw: list[tuple[str, str]] = []
    _gather(path, read, names, policy, raw, 0)
    for file, line in raw:
        if match := _ALIAS.match(line):
            for definition in re.split(r"\s+:\s+|:(?=[A-Z])", match[2]):
                name, equals, items = definition.partition("=")
                if not equals or not re.fullmatch(r"\s*[A-Z][A-Z0-9_]*\s*", name):
                    raise _unknown(file, "an alias")
                kind = "Cmnd" if match[1] == "Cmd" else match[1]
                policy.aliases.setdefault((kind, name.strip()), []).extend(_items(items))
        elif line.startswith("Defaults"):
            scope = re.match(r"Defaults(\S*)\s", line + " ")
            if re.search(r"!\s*authenticate\b", line):
                policy.unauthenticated.append(scope[1] if scope else "")
    for file, line in raw:
        if not _ALIAS.match(line) and not line.startswith("Defaults"):
            policy.rules += _specification(file, line, policy)
    return policy


def _gather(
    path: str,
    read: Callable[[str], str],
    names: Callable[[str], list[str]],
    policy: Policy,
    raw: list[tuple[str, str]],
    depth: int,
) -> None:
    if depth > 64:
        raise Malformed(f"{path}: sudoers includes never end", remedy="run `visudo -c`")
    policy.files.append(path)
    for line in re.sub(r"\\\n", " ", read(path)).splitlines():
        text = line.strip()
        include = re.match(r"[@#](include|includedir)\s+(\S.*)\Z", text)
        if include:
            target = include[2].strip('"').replace("\\ ", " ")
            target = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
            wanted = [target]
            if include[1] == "includedir":  # names with a dot or ending in ~ are left out, sudoers(5)
                folder = names(target)
                wanted = [p for p in folder if "." not in p.rpartition("/")[2] and not p.endswith("~")]
            for one in wanted:
                _gather(one, read, names, policy, raw, depth + 1)
            continue
        text = re.sub(r"(?<![\\\w\"(,=%])#(?!\d).*|^#(?!\d).*", "", text).strip()
        if text:
            raw.append((path, text))


def _specification(file: str, line: str, policy: Policy) -> list[Rule]:
    """`WHO HOSTS = [(RUNAS)] [TAG:] COMMANDS [: HOSTS = …]` as one rule a who and a run of equal run-as and tags."""
    head, equals, rest = _partition(line, "=")
    split = re.match(r'((?:"[^"]*"|[^\s"]|(?<=,)\s|(?<=\\)\s|\s(?=,))+)\s+(\S.*)\Z', head.strip())
    if not equals or not split:
        raise _unknown(file, "a rule")
    whos = _expand("User", _items(split[1]), policy)
    hosts = tuple(_expand("Host", _items(split[2]), policy))
    rules = []
    for run_as, groups, nopasswd, commands in _commands(file, rest, policy):
        for who in whos:
            free = nopasswd or any(_applies(scope, who) for scope in policy.unauthenticated)
            rules.append(Rule(who, hosts, run_as, groups, commands, free, file))
    return rules


def _commands(
    file: str, text: str, policy: Policy
) -> list[tuple[tuple[str, ...], tuple[str, ...], bool, tuple[str, ...]]]:
    if re.search(r"(?<!\\)\s:\s", text):  # a second host list behind a colon; rare, and not understood here
        raise _unknown(file, "a rule with several host lists")
    found: list[tuple[tuple[str, ...], tuple[str, ...], bool, list[str]]] = []
    run_as: tuple[str, ...] = ("root",)
    groups: tuple[str, ...] = ()
    nopasswd = False
    for item in _items(text):
        rest = item
        if match := re.match(r"\(([^)]*)\)\s*", rest):
            users, _, group_list = match[1].partition(":")
            run_as = tuple(_expand("Runas", _items(users), policy))
            groups = tuple(_expand("Runas", _items(group_list), policy))
            rest = rest[match.end() :]
        while match := re.match(r"([A-Z_]+):\s*", rest) or _OPTION.match(rest):
            tag = match[0].partition(":")[0]
            if match.re is not _OPTION and tag not in _TAGS:
                raise _unknown(file, f"tag {tag}")
            nopasswd = True if tag == "NOPASSWD" else False if tag == "PASSWD" else nopasswd
            rest = rest[match.end() :]
        if not rest:
            raise _unknown(file, "a rule without a command")
        if not found or found[-1][:3] != (run_as, groups, nopasswd):
            found.append((run_as, groups, nopasswd, []))
        found[-1][3].extend(_expand("Cmnd", [rest], policy))
    if not found:
        raise _unknown(file, "a rule without a command")
    return [(a, b, c, tuple(d)) for a, b, c, d in found]


def _items(text: str) -> list[str]:
    """Comma-separated items; commas in parentheses or behind a backslash do not separate."""
    found, depth, current = [], 0, ""
    for position, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth <= 0 and text[position - 1 : position] != "\\":
            found.append(current.strip())
            current = ""
        else:
            current += char
    return [item for item in [*found, current.strip()] if item]


def _partition(text: str, mark: str) -> tuple[str, str, str]:
    match = re.search(rf"(?<!\\){mark}", text)
    return (text[: match.start()], mark, text[match.end() :]) if match else (text, "", "")


def _expand(kind: str, items: list[str], policy: Policy, seen: frozenset[str] = frozenset()) -> list[str]:
    found = []
    for item in items:
        negated, name = ("!", item[1:].strip()) if item.startswith("!") else ("", item)
        members = policy.aliases.get((kind, name))
        if members is None or name in seen:
            found.append(negated + name)
        else:
            found += [negated + one for one in _expand(kind, members, policy, seen | {name})]
    return found


def _applies(scope: str, who: str) -> bool:
    """A Defaults scope holds for everybody ("" and anything but a user list is counted so), or for named users."""
    return not scope.startswith(":") or who in scope[1:].split(",") or "ALL" in scope[1:].split(",")


def _unknown(file: str, what: str) -> Malformed:
    return Malformed(f"{file}: {what} is not understood", remedy="run `visudo -c`; report the line if sudo accepts it")
