"""Rules of pg_hba.conf into evidence, and what follows from them as a whole."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

from compliance.collectors.postgres.session import Row
from compliance.schemas.kinds.identity import AuthRule

# Options whose value cannot be a secret; of all others only the name is kept (ldapbindpasswd, radiussecrets, …).
_PLAIN_OPTIONS = frozenset(
    {"map", "clientcert", "clientname", "include_realm", "krb_realm", "compat_realm", "upn_username", "ldaptls"}
    | {"ldapscheme", "ldapport", "pamservice", "pam_use_hostname"}
)
PASSWORD_METHODS = frozenset({"scram-sha-256", "md5", "password"})  # checked by PostgreSQL itself
FOREIGN_METHODS = frozenset({"ldap", "pam", "radius", "bsd", "gss", "sspi", "oauth"})  # checked by another system
_FOREIGN_PASSWORD = frozenset({"ldap", "pam", "radius", "bsd"})
_ENCRYPTED = frozenset({"hostssl", "hostgssenc"})


def rows_auth_rules(rules: Sequence[Row], system: str) -> list[AuthRule]:
    """One AuthRule per line, in the order in which PostgreSQL tries them."""
    return [_auth_rule(n, row["rule"], system) for n, row in enumerate(rules, 1)]


def tls_required(rules: Sequence[AuthRule], ssl_on: bool | None) -> bool | None:
    """Whether every rule for other machines is encrypted or a rejection. NULL while the file holds an error: then the
    server keeps its earlier rules, which nobody can read. Never true with TLS off."""
    if ssl_on is False:
        return False
    if ssl_on is None or any(rule.error for rule in rules):
        return None
    return all(
        rule.is_local is True or rule.connection in _ENCRYPTED or rule.method == "reject"
        for rule in rules
        if rule.connection != "local"
    )


def methods(rules: Sequence[AuthRule]) -> frozenset[str] | None:
    """Methods by which somebody gets in; NULL while the file holds an error."""
    if any(rule.error or rule.method is None for rule in rules):
        return None
    return frozenset(rule.method for rule in rules if rule.method and rule.method != "reject")


def password_login(found: frozenset[str] | None) -> bool | None:
    """Whether one of the methods asks for a password."""
    return None if found is None else bool(found & (PASSWORD_METHODS | _FOREIGN_PASSWORD))


def outlives_expiry(rules: Sequence[AuthRule], role: str) -> bool | None:
    """Whether `role` could still sign in after VALID UNTIL, which ends only its password: by trust, peer, a
    certificate or another system's word. NULL while the file holds an error."""
    if methods(rules) is None:
        return None
    for rule in rules:
        if rule.method in PASSWORD_METHODS or rule.method == "reject":
            continue
        named = rule.accounts or []
        if any(name in ("all", role) or name.startswith(("+", "/")) for name in named):
            return True
    return False


def _auth_rule(position: int, rule: dict[str, Any], system: str) -> AuthRule:
    address = _address(rule.get("address"), rule.get("netmask"))
    connection = rule.get("type")
    error = rule.get("error")
    return AuthRule(
        system=system,
        position=position,
        connection=connection,
        databases=rule.get("database"),
        accounts=rule.get("user_name"),
        address=address,
        method=rule.get("auth_method"),
        requires_tls=None if connection is None else connection == "hostssl",
        is_local=None if connection is None else connection == "local" or _is_loopback(address),
        error=None if error is None else without_content(error),
        detail={
            "line": rule.get("line_number"),
            "file": rule.get("file_name"),
            "options": [_option(text) for text in rule.get("options") or []],
        },
    )


def without_content(error: str) -> str:
    """PostgreSQL's complaint about a line without what it quotes from it: a broken line may hold a secret."""
    text = re.sub(r"\"[^\"]*\"|«[^»]*»|„[^“]*“", "(…)", error)
    head, colon, _ = text.partition(": ")
    return head + (": (…)" if colon else "")


def _option(text: str) -> str:
    name, _, value = text.partition("=")
    return f"{name}={value}" if name in _PLAIN_OPTIONS else name


def _address(address: str | None, netmask: str | None) -> str | None:
    if address is None or netmask is None:
        return address
    try:
        return f"{address}/{_prefix(netmask)}"
    except ValueError:
        return f"{address}/{netmask}"


def _prefix(netmask: str) -> int:
    mask = ipaddress.ip_address(netmask)
    return int(mask).bit_count()


def _is_loopback(address: str | None) -> bool:
    if address in ("samehost", "localhost"):
        return True
    try:
        return address is not None and ipaddress.ip_network(address, strict=False).is_loopback
    except ValueError:
        return False
