"""sshd: effective settings in its own words, its configuration files, and what Match blocks change."""

from __future__ import annotations

import glob
import re
import shlex
from dataclasses import dataclass

from compliance.collectors.host.machine import Machine, failed
from compliance.schemas.errors import Absent, Denied, Disabled, Malformed, SourceError
from compliance.schemas.kinds.host import Setting

CONFIG = "/etc/ssh/sshd_config"
# sshd prints no secret, but what it prints grows with versions: only names that were looked at are recorded.
_ALLOWED_WORDS = """
    acceptenv addressfamily allowagentforwarding allowgroups allowstreamlocalforwarding
    allowtcpforwarding allowusers authenticationmethods authorizedkeyscommand authorizedkeysfile
    authorizedprincipalscommand authorizedprincipalsfile banner casignaturealgorithms channeltimeout
    chrootdirectory ciphers clientalivecountmax clientaliveinterval compression denygroups denyusers
    disableforwarding exposeauthinfo fingerprinthash forcecommand gatewayports gssapiauthentication
    hostbasedacceptedalgorithms hostbasedauthentication hostkey hostkeyalgorithms ignorerhosts
    ignoreuserknownhosts kbdinteractiveauthentication kerberosauthentication kexalgorithms
    listenaddress logingracetime loglevel macs maxauthtries maxsessions maxstartups
    passwordauthentication permitemptypasswords permitlisten permitopen permitrootlogin permittty
    permittunnel permituserenvironment permituserrc persourcemaxstartups persourcepenalties port
    printlastlog pubkeyacceptedalgorithms pubkeyauthentication pubkeyauthoptions rekeylimit
    requiredrsasize revokedkeys strictmodes subsystem syslogfacility tcpkeepalive trustedusercakeys
    unusedconnectiontimeout usedns usepam x11forwarding x11uselocalhost
"""
ALLOWED = frozenset(_ALLOWED_WORDS.split())


@dataclass(frozen=True, slots=True)
class Directive:
    """One line of sshd's configuration; `match` is the criteria of the block it stands in, "" outside of any."""

    file: str
    match: str
    keyword: str
    value: str


@dataclass(frozen=True, slots=True)
class AuthorizedKeys:
    """Where sshd looks for keys; `other_ways` when a command or a certificate authority may also let people in."""

    files: tuple[str, ...]
    other_ways: bool


def rows_effective(text: str) -> dict[str, list[str]]:
    """Keyword → values of `sshd -T`, in its order."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _, value = line.strip().partition(" ")
        if not re.fullmatch(r"[a-z0-9]+", keyword):
            raise Malformed("sshd -T printed a line that is no setting", remedy="run `sshd -T` by hand")
        found.setdefault(keyword, []).append(value)
    if "permitrootlogin" not in found:
        raise Malformed("sshd -T did not print its settings", remedy="run `sshd -T` by hand")
    return found


def fetch_effective(machine: Machine, config: str = CONFIG) -> dict[str, list[str]] | None:
    """What sshd itself reports as effective; None when no sshd is installed.

    Raises:
        Denied: its host keys may not be read. Disabled: it was never started since boot, and then refuses to answer.
    """
    if not machine.has("sshd"):
        return None
    argv = ("sshd", "-T") if config == CONFIG else ("sshd", "-T", "-f", config)
    reply = machine.ask(*argv)
    if reply.status == 0:
        return rows_effective(reply.out)
    if "privilege separation directory" in reply.err:
        raise Disabled(
            "sshd is installed but was never started since boot, so it does not report its settings",
            remedy="start sshd once, or remove it; as root, `mkdir -m 0755 /run/sshd` is enough for it to answer",
        )
    if "no hostkeys available" in reply.err:
        raise Denied(
            "sshd does not report its settings: its host keys may not be read, or there are none",
            remedy="run the collector as root, or allow exactly `sshd -T` by sudo",
        )
    raise failed(argv, reply)


def directives(machine: Machine, path: str = CONFIG, match: str = "", depth: int = 0) -> list[Directive]:
    """Every line of the configuration with its includes, in order. Raises Denied, Malformed.

    Raises Absent when the file itself does not exist.
    """
    if depth > 16:
        raise Malformed(f"{path}: includes are nested too deeply", remedy="look for a circle of Include lines")
    found = []
    for line in machine.read(path).splitlines():
        words = re.match(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*?)\s*$", line)
        if not words:
            continue
        keyword, value = words[1].lower(), words[2]
        if keyword == "match":
            match = "" if value.lower() == "all" else value
        elif keyword == "include":
            for included in _included(machine, value):
                found += directives(machine, included, match, depth + 1)
        found.append(Directive(path, match, keyword, value))
    return found


def _included(machine: Machine, value: str) -> list[str]:
    try:
        patterns = shlex.split(value, comments=True)
    except ValueError as error:
        raise Malformed("an Include line of sshd's configuration has open quotes", remedy="run `sshd -t`") from error
    paths = []
    for pattern in patterns:
        absolute = pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
        machine.names(absolute.rpartition("/")[0])  # a folder that may not be listed is Denied, not empty
        base = str(machine.root).rstrip("/")
        paths += [path.removeprefix(base) for path in sorted(glob.glob(str(machine.at(absolute))))]
    return paths


def overrides(lines: list[Directive], effective: dict[str, list[str]]) -> dict[str, list[str]]:
    """Keyword → `value in Match criteria` for each setting that a Match block sets to another value than the one
    that holds for everybody. `sshd -T` alone does not show these."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.match and line.keyword in ALLOWED and effective.get(line.keyword) != [line.value.lower()]:
            found.setdefault(line.keyword, []).append(f"{line.value} in Match {line.match}")
    return found


def rows_setting(effective: dict[str, list[str]], lines: list[Directive]) -> list[Setting]:
    """One row a setting. Where a Match block says otherwise the value names both, so that it equals neither."""
    other = overrides(lines, effective)
    last_file = {line.keyword: line.file for line in reversed(lines) if not line.match}
    rows = []
    for keyword in sorted((effective.keys() | other.keys()) & ALLOWED):
        values = effective.get(keyword, ["(default)"])
        text = "; ".join([", ".join(values), *other.get(keyword, [])])
        file = last_file.get(keyword)
        rows.append(
            Setting(component="sshd", name=keyword, value=text, origin="file" if file else "default", file=file)
        )
    return rows


def authorized_keys(machine: Machine) -> AuthorizedKeys | None:
    """Where keys are looked for: in sshd's own words, else by its configuration; None when neither is readable."""
    try:
        effective = fetch_effective(machine)
        if effective is None:
            return AuthorizedKeys((), other_ways=False)
    except SourceError:
        effective = {}
    try:
        lines = directives(machine)
    except Absent:
        lines = []
    except SourceError:
        return None
    values = {line.keyword: line.value for line in reversed(lines)}
    values.update({keyword: items[0] for keyword, items in effective.items()})
    patterns = tuple(values.get("authorizedkeysfile", ".ssh/authorized_keys .ssh/authorized_keys2").split())
    in_match = any(line.match and line.keyword == "authorizedkeysfile" for line in lines)
    ways = ("authorizedkeyscommand", "trustedusercakeys", "authorizedprincipalscommand")
    other = in_match or any(values.get(way, "none").lower() != "none" for way in ways)
    return AuthorizedKeys(() if patterns == ("none",) else patterns, other)


def config_files(machine: Machine) -> list[str]:
    """Paths of sshd's configuration and its includes, none when there is no such file."""
    try:
        return list(dict.fromkeys([CONFIG, *(line.file for line in directives(machine))]))
    except Absent:
        return []
