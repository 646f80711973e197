"""The packet filter as nftables prints it: what happens by default, and every rule. iptables-nft rules appear too.

Format of `nft -j`: libnftables-json(5). `-s` leaves counters out, which would make every look a change.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from compliance.collectors.host.machine import Machine
from compliance.collectors.host.ruleset import (
    FINAL,
    XT_NEUTRAL,
    Chain,
    ChainKey,
    Ruleset,
    end_of,
    expanded,
    reached,
    rows_printed,
    rows_ruleset,
    rows_saved,
)
from compliance.schemas.errors import Absent, SourceError
from compliance.schemas.kinds.network import FirewallDefault, FirewallRule

HOOKS = {"input": "in", "output": "out", "forward": "forward"}
_IP_FAMILIES = frozenset({"ip", "ip6", "inet"})
_XT_NO_SOURCE = frozenset({"multiport", "tcp", "udp", "limit"})
_LEGACY = ("/proc/net/ip_tables_names", "/proc/net/ip6_tables_names")


def default_of(ruleset: Ruleset, hook: str, asset: str) -> FirewallDefault:
    """The default of one direction: deny only when, for IPv4 and for IPv6, some base chain denies what it does not
    mention. An accepting chain never overrules a denying one: packets visit every base chain of a hook."""
    bases = sorted(
        (c for c in ruleset.chains.values() if c.hook == hook and c.type == "filter" and c.key[0] in _IP_FAMILIES),
        key=lambda c: (c.priority, c.key),
    )
    denying = []
    for chain in bases:
        met = end_of(chain, ruleset) or ("deny" if chain.policy == "drop" else "allow")
        if met == "deny":
            denying.append(chain)
    families = {chain.key[0] for chain in denying}
    denied = "inet" in families or {"ip", "ip6"} <= families
    decides = denying if denied else bases
    return FirewallDefault(
        zone=asset,
        direction=HOOKS[hook],
        default_action="deny" if denied else "allow",
        defined_by=", ".join(" ".join(chain.key) for chain in decides) or None,
        detail={
            "base_chains": [
                {"chain": " ".join(c.key), "hook": c.hook, "priority": c.priority, "policy": c.policy} for c in bases
            ]
        },
    )


def rows_rule(
    ruleset: Ruleset,
    printed: dict[tuple[ChainKey, int], str],
    asset: str,
    comments: dict[tuple[ChainKey, int], str] | None = None,
) -> list[FirewallRule]:
    """One row a rule; a rule with a verdict map gives one row for each of its elements. `comments` are those that
    only iptables knows, by chain and position."""
    hooks = reached(ruleset)
    rows: list[FirewallRule] = []
    seen: dict[str, int] = {}
    for chain in ruleset.chains.values():
        for position, rule in enumerate(chain.rules):
            comment = rule.get("comment") or (comments or {}).get((chain.key, position))
            for expr in expanded(rule.get("expr", []), chain, ruleset):
                digest = hashlib.sha256(json.dumps([expr, comment], sort_keys=True).encode()).hexdigest()[:16]
                name = f"{' '.join(chain.key)} {digest}"
                seen[name] = seen.get(name, 0) + 1
                if seen[name] > 1:
                    name += f" #{seen[name]}"
                directions = hooks.get(chain.key, set())
                direction = HOOKS.get(next(iter(directions))) if len(directions) == 1 else None
                text = printed.get((chain.key, int(rule["handle"])))
                rows.append(_rule(asset, name, direction, expr, comment, text, chain, ruleset))
    return rows


def _rule(
    asset: str,
    name: str,
    direction: str | None,
    expr: list[dict[str, Any]],
    comment: str | None,
    text: str | None,
    chain: Chain,
    ruleset: Ruleset,
) -> FirewallRule:
    matches = [statement["match"] for statement in expr if "match" in statement]
    sources = _values(matches, "saddr", chain, ruleset)
    ports = _values(matches, "dport", chain, ruleset)
    if not ports and _hidden(expr):
        ports = _printed_ports(text)
    said = words_of(comment)
    return FirewallRule(
        zone=asset,
        rule=name,
        direction=direction,
        action=_action(expr),
        protocol=_protocol(matches),
        source_address=", ".join(sources) if sources else None,
        destination_address=", ".join(_values(matches, "daddr", chain, ruleset)) or None,
        ports=ports or None,
        source_any=False if _answers_only(text) else _source_any(expr, matches, sources),
        comment=comment,
        owner=said.get("owner"),
        justification=said.get("reason"),
        approved_at=_day(said.get("approved")),
        reviewed_at=_day(said.get("reviewed")),
        text=text,
    )


def words_of(comment: str | None) -> dict[str, str]:
    """`owner=… reason=… approved=YYYY-MM-DD` of a comment; a value runs to the next word with an equals sign."""
    pairs = re.findall(r"(\w+)=(.*?)(?=[\s;,]+\w+=|\Z)", comment or "")
    return {name.lower(): value.strip().strip("'\"") for name, value in pairs if value.strip()}


def _day(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _hidden(expr: list[dict[str, Any]]) -> list[str]:
    """Extensions of iptables-nft in a rule that the JSON names but does not spell out."""
    names = [str((statement["xt"] or {}).get("name")) for statement in expr if "xt" in statement]
    return [name for name in names if name not in XT_NEUTRAL]


def _printed_ports(text: str | None) -> list[str]:
    """Ports of an iptables multiport match, which only the printed form spells out."""
    found = re.search(r"\bdport (?:\{ ([^}]*) \}|(\S+))", text or "")
    return [port.strip() for port in (found[1] or found[2]).split(",")] if found else []


def _answers_only(text: str | None) -> bool:
    """The printed rule begins with a demand for a known connection."""
    found = re.match(r"ct state ([a-z,]+) ", text or "")
    return found is not None and set(found[1].split(",")) <= {"established", "related"}


def _action(expr: list[dict[str, Any]]) -> str:
    names = [name for statement in expr for name in statement]
    for name in names:
        if name in FINAL:
            return FINAL[name]
        if name in ("jump", "goto"):
            return "jump"
    return "other"


def _protocol(matches: list[dict[str, Any]]) -> str | None:
    for match in matches:
        left, right = match.get("left"), match.get("right")
        if not isinstance(left, dict):
            continue
        payload = left.get("payload", {})
        if payload.get("field") in ("dport", "sport", "type") and payload.get("protocol") != "th":
            return str(payload["protocol"])
        if left.get("meta", {}).get("key") == "l4proto" or payload.get("field") in ("protocol", "nexthdr"):
            names = right.get("set", []) if isinstance(right, dict) else [right]
            return "/".join(str(name) for name in names)
    return None


def _values(matches: list[dict[str, Any]], name: str, chain: Chain, ruleset: Ruleset) -> list[str]:
    """What the rule demands of a header field, as text; a negated demand carries `!`."""
    found = []
    for match in matches:
        left = match.get("left")
        if isinstance(left, dict) and left.get("payload", {}).get("field") == name:
            sign = "!" if match.get("op") == "!=" else ""
            found += [sign + value for value in _flat(match.get("right"), chain, ruleset)]
    return found


def _flat(right: Any, chain: Chain, ruleset: Ruleset) -> list[str]:
    if isinstance(right, dict) and "set" in right:
        return [value for item in right["set"] for value in _flat(item, chain, ruleset)]
    if isinstance(right, dict) and "prefix" in right:
        return [f"{right['prefix']['addr']}/{right['prefix']['len']}"]
    if isinstance(right, dict) and "range" in right:
        return ["-".join(str(end) for end in right["range"])]
    if isinstance(right, dict) and "elem" in right:
        return _flat(right["elem"].get("val"), chain, ruleset)
    if isinstance(right, list):
        return [value for item in right for value in _flat(item, chain, ruleset)]
    if isinstance(right, str) and right.startswith("@"):
        elements = ruleset.sets.get((chain.key[0], chain.key[1], right[1:]), [])
        return [value for item in elements for value in _flat(item, chain, ruleset)] or [right]
    return [json.dumps(right) if isinstance(right, dict) else str(right)]


def _source_any(expr: list[dict[str, Any]], matches: list[dict[str, Any]], sources: list[str]) -> bool | None:
    """Open to every source. Traffic of the loopback interface and answers to known connections open nothing."""
    for match in matches:
        left = match.get("left")
        if not isinstance(left, dict):
            continue
        right = match.get("right")
        if left.get("meta", {}).get("key") in ("iif", "iifname") and right == "lo" and match.get("op") == "==":
            return False
        if left.get("ct", {}).get("key") == "state" and match.get("op") in ("==", "in"):
            states = right.get("set", []) if isinstance(right, dict) else right if isinstance(right, list) else [right]
            if set(states) <= {"established", "related"}:
                return False
    if sources:
        return any(source.startswith("!") or source.endswith("/0") for source in sources)
    return None if set(_hidden(expr)) - _XT_NO_SOURCE else True


def _iptables_comments(machine: Machine, ruleset: Ruleset) -> dict[tuple[ChainKey, int], str]:
    """Comments that only iptables knows, asked for when a rule bears its mark; none when it does not answer."""
    found: dict[tuple[ChainKey, int], str] = {}
    for family, command in (("ip", "iptables-nft-save"), ("ip6", "ip6tables-nft-save")):
        chains = [chain for chain in ruleset.chains.values() if chain.key[0] == family]
        if any("xt" in statement for c in chains for rule in c.rules for statement in rule.get("expr", [])):
            try:
                found |= rows_saved(machine.run(command), family)
            except SourceError:  # the rules are read; what they are for stays unknown
                continue
    return found


def fetch_ruleset(machine: Machine) -> Ruleset:
    """The ruleset of this network namespace.

    Raises:
        Denied: nft may not read it (never an empty ruleset). Absent: no nft, or rules that nft does not show.
    """
    text = machine.run("nft", "-j", "-s", "list", "ruleset")
    for path in _LEGACY:
        if (machine.read_optional(path) or "").strip():
            raise Absent(
                "rules are loaded through the legacy x_tables interface, which nft does not show",
                remedy="move them to nftables (update-alternatives --set iptables /usr/sbin/iptables-nft)",
            )
    return rows_ruleset(text)


def read_firewall_default(machine: Machine, asset: str) -> list[FirewallDefault]:
    """Three rows: in, out, forward. An empty ruleset that could be read means that everything is allowed."""
    ruleset = fetch_ruleset(machine)
    return [default_of(ruleset, hook, asset) for hook in HOOKS]


def read_firewall_rule(machine: Machine, asset: str) -> list[FirewallRule]:
    """Every rule. Complete and empty is an answer: no rule is loaded."""
    ruleset = fetch_ruleset(machine)
    printed = rows_printed(machine.run("nft", "-a", "-s", "list", "ruleset"))
    return rows_rule(ruleset, printed, asset, _iptables_comments(machine, ruleset))
