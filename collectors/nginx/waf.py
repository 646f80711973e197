"""What the web application firewall does for each host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compliance.collectors.nginx.config import Config, Directive
from compliance.collectors.nginx.modsecurity import Rules, fetch_rules, including, rows_rules
from compliance.collectors.nginx.scope import Scope, host_of, only_returns, servers
from compliance.schemas.kinds.network import WafPolicy

_RULES = ("modsecurity_rules", "modsecurity_rules_file", "modsecurity_rules_remote")
_OTHERS = {
    "SecRulesEnabled": "NAXSI",
    "app_protect_enable": "F5 App Protect",
    "coraza": "Coraza",
    "wallarm_mode": "Wallarm",
}
_STRENGTH = {"off": 0, "detect": 1, "block": 2}


@dataclass(frozen=True, slots=True)
class Policy:
    """What applies in one server block."""

    server: Scope
    mode: str | None
    engine: str | None
    rules: Rules
    exclusions: tuple[str, ...]  # those of its locations too
    partly_off: tuple[str, ...]
    bodies: bool | None = None  # request bodies are looked at in the block and in all of its locations
    threshold: int | None = None  # the highest anomaly score that the block or one of its locations waits for


def fetch_policies(config: Config) -> list[Policy]:
    """One policy per server block that serves something, with its rule files read.

    Raises SourceError naming a rule file that cannot be read.
    """
    read: dict[tuple[Directive, ...], Rules] = {}
    return [_policy(config, server, read) for server in servers(config) if not only_returns(server)]


def rows_waf(policies: list[Policy]) -> list[WafPolicy]:
    """One row per host; of several blocks with the same names the weakest counts."""
    hosts: dict[str, list[Policy]] = {}
    for policy in policies:
        hosts.setdefault(host_of(policy.server), []).append(policy)
    return [_row(host, found) for host, found in hosts.items()]


def _row(host: str, found: list[Policy]) -> WafPolicy:
    weakest = min(found, key=lambda p: _STRENGTH.get(p.mode or "", -1))
    rules = weakest.rules
    exclusions = sorted({place for p in found for place in p.exclusions})
    detail: dict[str, Any] = {
        "blocks": [{"at": p.server.block.where, "mode": p.mode} for p in found],
        "files": [f.path for f in rules.files],
        "exclusions": exclusions,
        "rules_from_elsewhere": rules.remote,
    }
    loaded = weakest.engine == "ModSecurity"
    return WafPolicy(
        host=host,
        engine=weakest.engine,
        mode=weakest.mode,
        managed_rules=rules.version is not None and rules.refuses
        if loaded
        else (False if weakest.engine is None else None),
        ruleset_version=rules.version,
        ruleset_updated_at=rules.updated_at,
        rules_loaded=rules.count if loaded and not rules.remote else (0 if weakest.engine is None else None),
        exclusions=len(exclusions),
        unapproved_exclusions=None if exclusions else 0,
        anomaly_threshold=_highest(p.threshold for p in found),
        inspects_bodies=_all(p.bodies for p in found),
        partly_off=sorted({label for p in found for label in p.partly_off}),
        detail=detail,
    )


def _highest(thresholds: Iterable[int | None]) -> int | None:
    """The weakest of several thresholds; None where one of them could not be told."""
    scores = list(thresholds)
    known = [score for score in scores if score is not None]
    return max(known) if known and len(known) == len(scores) else None


def _all(values: Iterable[bool | None]) -> bool | None:
    told = list(values)
    return False if False in told else (None if None in told else True)


def _policy(config: Config, server: Scope, read: dict[tuple[Directive, ...], Rules]) -> Policy:
    mode, rules = _mode(config, server, read)
    exclusions, weaker, thresholds, bodies = list(rules.exclusions), [], [rules.refuses_from], [rules.bodies]
    for scope in server.nested():
        if scope.own("modsecurity", *_RULES):
            inner, own = _mode(config, scope, read)
            exclusions += own.exclusions
            thresholds.append(own.refuses_from)
            bodies.append(own.bodies)
            if _STRENGTH.get(inner or "", -1) < _STRENGTH.get(mode or "", -1):
                weaker.append(scope.label)
    other = next((name for directive, name in _OTHERS.items() if _names(server, directive)), None)
    if server.nearest("modsecurity", *_RULES):
        return Policy(
            server,
            mode,
            "ModSecurity",
            rules,
            tuple(exclusions),
            tuple(weaker),
            None if rules.remote else all(bodies),
            _highest(thresholds),
        )
    return Policy(server, None if other else "off", other, rules, tuple(exclusions), tuple(weaker))


def _names(server: Scope, directive: str) -> bool:
    return bool(server.nearest(directive)) or any(s.own(directive) for s in server.nested())


def _mode(config: Config, scope: Scope, read: dict[tuple[Directive, ...], Rules]) -> tuple[str | None, Rules]:
    """The mode in force in a block, and the rules that apply there: those of the outer blocks first."""
    directives = [d for level in scope.levels() for d in level.own(*_RULES)]
    key = tuple(directives)
    if key not in read:
        read[key] = _rules(config, directives)
    rules = read[key]
    enabled = scope.flag("modsecurity", False)
    if enabled is False:
        return "off", rules
    if enabled is None or rules.remote:
        return None, rules
    return rules.mode or "detect", rules


def _rules(config: Config, directives: list[Directive]) -> Rules:
    rules = Rules()
    for directive in directives:
        if directive.name == "modsecurity_rules_remote":
            rules.remote = True
        elif directive.name == "modsecurity_rules_file":
            fetch_rules(str(Path(config.path).parent / directive.args[0]), rules)
        else:
            text = " ".join(directive.args)
            versions = rows_rules(text, directive.where, rules, including(config.path, rules))
            rules.version = versions[-1] if versions else rules.version
    return rules
