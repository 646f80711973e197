"""PAM stacks as they are written: services, includes, modules with control and arguments (pam.conf(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass

from compliance.collectors.host.machine import Machine
from compliance.schemas.errors import Absent, Malformed

# Modules that ask for nothing beyond the password, or only allow, deny and record.
_PLAIN_WORDS = """
    pam_unix pam_deny pam_permit pam_cap pam_env pam_faildelay pam_faillock pam_nologin
    pam_securetty pam_shells pam_rootok pam_wheel pam_succeed_if pam_group pam_access pam_time
    pam_localuser pam_tally2 pam_ecryptfs pam_gnome_keyring pam_warn pam_listfile pam_usertype
    pam_selinux pam_systemd pam_mount pam_issue pam_echo pam_umask pam_limits pam_lastlog pam_motd
    pam_mail pam_sss pam_ldap pam_krb5 pam_winbind
"""
PLAIN = frozenset(_PLAIN_WORDS.split())
_SECOND_FACTOR_WORDS = """
    pam_google_authenticator pam_oath pam_u2f pam_yubico pam_duo pam_duo_unix pam_radius_auth
    pam_rsa pam_sid pam_totp pam_okta pam_privacyidea pam_authy pam_fido2
"""
SECOND_FACTOR = frozenset(_SECOND_FACTOR_WORDS.split())


@dataclass(frozen=True, slots=True)
class Module:
    """One line of a stack: `pam_unix` with its control word and arguments."""

    control: str
    module: str
    arguments: tuple[str, ...]

    @property
    def required(self) -> bool:
        """It cannot fail without the stack failing."""
        return self.control in ("required", "requisite")

    def value(self, name: str) -> str | None:
        """The value of `name=…`, "" for a bare `name`, None when it is not there."""
        for argument in self.arguments:
            key, _, value = argument.partition("=")
            if key == name:
                return value
        return None


def stack(machine: Machine, service: str, kind: str, depth: int = 0) -> list[Module]:
    """The modules of one kind (auth, account, password, session) of a service, includes resolved.

    A service without a file follows `other`. Raises Absent when that is missing too, Denied, Malformed.
    """
    if depth > 16:
        raise Malformed(f"/etc/pam.d/{service}: includes never end", remedy="look for a circle of includes")
    text = machine.read_optional(f"/etc/pam.d/{service}")
    if text is None:
        if depth or service == "other":
            raise Absent(f"/etc/pam.d/{service} does not exist", remedy="install PAM, or mend the include")
        return stack(machine, "other", kind, depth + 1)
    found: list[Module] = []
    for line in rows_lines(text):
        if line[0] == "@include":
            found += stack(machine, line[1], kind, depth + 1)
        elif line[0].lstrip("-") == kind:
            control, module = line[1], line[2]
            if control in ("include", "substack"):
                found += stack(machine, module, kind, depth + 1)
            else:
                found.append(Module(control, module.rpartition("/")[2].removesuffix(".so"), tuple(line[3:])))
    return found


def rows_lines(text: str) -> list[list[str]]:
    """The words of each line, `[…]` controls and arguments kept whole. Raises Malformed for a line too short."""
    found = []
    for raw in re.sub(r"\\\n", " ", text).splitlines():
        words = re.findall(r"\[[^\]]*\]|\S+", raw.partition("#")[0])
        if not words:
            continue
        if len(words) < (2 if words[0] == "@include" else 3):
            raise Malformed("a PAM file has a line that is no rule", remedy="mend the file; pam.conf(5) has the form")
        found.append(words)
    return found


def settings(text: str | None) -> dict[str, str]:
    """`name = value` or bare `name` lines of a file in /etc/security."""
    found = {}
    for line in (text or "").splitlines():
        name, _, value = line.partition("#")[0].partition("=")
        if name.strip():
            found[name.strip()] = value.strip()
    return found
