"""A ruleset as nftables prints it: chains, rules, named sets, and what an unmentioned packet meets in a chain.

Format of `nft -j`: libnftables-json(5).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from compliance.schemas.errors import Malformed

# Statements that neither choose packets nor end their way.
_NEUTRAL = frozenset({"counter", "log", "comment", "mangle", "notrack", "quota_used", "secmark"})
XT_NEUTRAL = frozenset({"comment", "LOG", "NFLOG"})
FINAL = {"accept": "allow", "drop": "deny", "reject": "deny"}
ChainKey = tuple[str, str, str]


@dataclass(slots=True)
class Chain:
    """A chain with its rules in order; `hook` and `policy` only for base chains."""

    key: ChainKey
    type: str | None = None
    hook: str | None = None
    priority: int = 0
    policy: str | None = None
    rules: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Ruleset:
    """All chains, and the elements of the named sets and maps."""

    chains: dict[ChainKey, Chain] = field(default_factory=dict)
    sets: dict[tuple[str, str, str], list[Any]] = field(default_factory=dict)


def rows_ruleset(text: str) -> Ruleset:
    """The ruleset of `nft -j list ruleset`. Raises Malformed for another shape: then nothing is known."""
    try:
        items = json.loads(text)["nftables"]
        ruleset = Ruleset()
        if not any("metainfo" in item for item in items):
            raise KeyError("metainfo")
        for item in items:
            if chain := item.get("chain"):
                key = (chain["family"], chain["table"], chain["name"])
                ruleset.chains[key] = Chain(
                    key, chain.get("type"), chain.get("hook"), int(chain.get("prio", 0)), chain.get("policy")
                )
            elif (named := item.get("set") or item.get("map")) is not None:
                ruleset.sets[named["family"], named["table"], named["name"]] = list(named.get("elem", []))
        for item in items:
            if rule := item.get("rule"):
                ruleset.chains[rule["family"], rule["table"], rule["chain"]].rules.append(rule)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(
            "nft printed a ruleset of another shape", remedy="run `nft -j -s list ruleset` by hand and report it"
        ) from error
    return ruleset


def end_of(chain: Chain, ruleset: Ruleset, seen: frozenset[ChainKey] = frozenset()) -> str | None:
    """What an otherwise unmentioned packet meets in a chain: allow, deny, or None when it falls through."""
    for rule in chain.rules:
        for statement in rule.get("expr", []):
            (name, value), *_ = statement.items()
            if name in FINAL:
                return FINAL[name]
            if name in ("jump", "goto"):
                target = (chain.key[0], chain.key[1], value["target"])
                if target in ruleset.chains and target not in seen:
                    met = end_of(ruleset.chains[target], ruleset, seen | {chain.key})
                    if met is not None:
                        return met
                if name == "goto":
                    return None
            elif name == "return":
                return None
            elif name not in _NEUTRAL and not (name == "xt" and (value or {}).get("name") in XT_NEUTRAL):
                break  # it chooses packets: the rest of the rule is not for every packet
    return None


def expanded(expr: list[dict[str, Any]], chain: Chain, ruleset: Ruleset) -> list[list[dict[str, Any]]]:
    """A rule with a verdict map as one list of statements for each element of the map."""
    for position, statement in enumerate(expr):
        if "vmap" not in statement:
            continue
        key, data = statement["vmap"].get("key"), statement["vmap"].get("data")
        elements = data.get("set", []) if isinstance(data, dict) else []
        if isinstance(data, str):
            elements = ruleset.sets.get((chain.key[0], chain.key[1], data.removeprefix("@")), [])
        made = [
            [*expr[:position], {"match": {"op": "==", "left": key, "right": value}}, verdict, *expr[position + 1 :]]
            for value, verdict in (pair for pair in elements if isinstance(pair, list) and len(pair) == 2)
            if isinstance(verdict, dict)
        ]
        return made or [expr]
    return [expr]


def reached(ruleset: Ruleset) -> dict[ChainKey, set[str]]:
    """The hooks from which each chain is reached."""
    hooks = {chain.key: {chain.hook} for chain in ruleset.chains.values() if chain.hook}
    changed = True
    while changed:
        changed = False
        for chain in ruleset.chains.values():
            for target in _targets(chain.rules):
                key = (chain.key[0], chain.key[1], target)
                missing = hooks.get(chain.key, set()) - hooks.setdefault(key, set())
                if missing:
                    hooks[key] |= missing
                    changed = True
    return hooks


def _targets(value: Any) -> set[str]:
    if isinstance(value, dict):
        here = {v["target"] for k, v in value.items() if k in ("jump", "goto") and isinstance(v, dict)}
        return here.union(*(_targets(v) for v in value.values()))
    return set().union(*(_targets(v) for v in value)) if isinstance(value, list) else set()


def rows_printed(text: str) -> dict[tuple[ChainKey, int], str]:
    """Rule texts of `nft -a -s list ruleset` by chain and handle."""
    found: dict[tuple[ChainKey, int], str] = {}
    table: tuple[str, str] = ("", "")
    chain = ""
    for line in text.splitlines():
        if match := re.match(r"table (\S+) (\S+) \{", line):
            table = (match[1], match[2])
        elif match := re.match(r"\t(chain|set|map|flowtable|counter|quota) (\S+) \{", line):
            chain = match[2] if match[1] == "chain" else ""
        elif chain and (match := re.match(r"\t\t(.*) # handle (\d+)$", line)):
            found[(*table, chain), int(match[2])] = match[1].strip()
    return found


def rows_saved(text: str, family: str) -> dict[tuple[ChainKey, int], str]:
    """Comments of `iptables-save` by chain and position: nft prints none of those that iptables-nft wrote."""
    found: dict[tuple[ChainKey, int], str] = {}
    positions: dict[ChainKey, int] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith("-A "):
            key = (family, table, line.split()[1])
            position = positions[key] = positions.get(key, -1) + 1
            if match := re.search(r'--comment (?:"((?:[^"\\]|\\.)*)"|(\S+))', line):
                found[key, position] = (match[1] or match[2] or "").replace('\\"', '"')
    return found
