"""The verdict of a gate: one exit code over a whole run, and everything that led to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from compliance.reports.baseline import Baseline, Known, baseline_bytes
from compliance.reports.model import (
    CONTROL_STATUSES,
    MANUAL_CODES,
    Counts,
    FrameworkView,
    RequirementView,
    Status,
    control_status,
    count,
    framework_view,
)
from compliance.schemas.catalogue import Severity
from compliance.schemas.errors import ConfigError
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import AuditResult, Completeness, ControlResult, FindingResult, UnknownReason

HELD, VIOLATION, UNDECIDED = 0, 1, 3

UNDECIDED_RULE = (
    "What counts as undecided: a control of the frameworks asked for whose verdict is unknown, a failing control that "
    "also has resources nobody could judge, and a requirement whose manual evidence is missing or overdue. Controls "
    "that no collector can feed yet are listed and counted as not evaluated; they alone never make a gate undecided, "
    "because nothing that its user does could change them. A run in which nothing at all was decided, or whose ledger "
    "was not verified, is undecided."
)


@dataclass(frozen=True, slots=True)
class Violation:
    """A failing finding, control or requirement. `finding` is None where no single resource fails."""

    control: str | None
    requirement: str | None  # framework:id, where the requirement fails by itself
    severity: Severity
    finding: FindingResult | None
    code: str
    reason: str
    fingerprint: str

    @property
    def name(self) -> str:
        """What fails: the control's id, or framework:requirement."""
        return self.control or self.requirement or ""


@dataclass(frozen=True, slots=True)
class Undecided:
    """Something in scope that could not be decided."""

    name: str  # a control's id, framework:requirement, or the engine's own word
    kind: str  # control, requirement, run
    severity: Severity | None
    cause: str
    reason: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate says. `exit_code` is 0 held, 1 violation, 3 undecided; the caller looks for broken integrity (4)."""

    exit_code: int
    fail_on: Severity
    new_only: bool
    allow_unknown: bool
    baseline_state: str  # none, in_force, expired
    baseline_expires: datetime | None
    violations: tuple[Violation, ...]
    below: tuple[Violation, ...]  # fail, under the threshold
    accepted: tuple[Violation, ...]  # under a waiver in force
    known: tuple[Violation, ...]  # set aside by the baseline
    undecided: tuple[Undecided, ...]
    not_evaluated: tuple[str, ...]  # controls that no collector can feed yet
    controls: Counts
    scope: tuple[str, ...]  # framework ids
    stale_waivers: tuple[str, ...]  # waivers that are not in force, for the reader

    @property
    def open(self) -> tuple[Violation, ...]:
        """Every failure that nobody accepted, whatever its severity."""
        return (*self.violations, *self.known, *self.below)


def fingerprint(*parts: str | None) -> str:
    """A stable name for a failure that carries none: SHA-256 (hex) over its parts."""
    return hashlib.sha256("\0".join(part or "" for part in parts).encode()).hexdigest()


def gate(
    result: AuditResult,
    *,
    fail_on: Severity = Severity.LOW,
    baseline: Baseline | None = None,
    new_only: bool = False,
    allow_unknown: bool = False,
) -> GateResult:
    """Judge a run once, over all its frameworks.

    Raises:
        ConfigError: `new_only` without a baseline to compare with.
    """
    if new_only and baseline is None:
        raise ConfigError(
            "only new violations were asked for, but there is no baseline to compare with",
            remedy="give --baseline FILE",
        )
    views = [framework_view(result, f.framework.id) for f in result.frameworks]
    scope = _scope(result, views)
    failures = [*_control_failures(scope), *_requirement_failures(result, views)]
    in_force = baseline is not None and baseline.in_force(result.generated_at)
    aside = baseline.fingerprints if baseline is not None and in_force and new_only else frozenset[str]()

    accepted = tuple(v for v in failures if v.finding is not None and v.finding.waiver)
    rest = [v for v in failures if v.finding is None or not v.finding.waiver]
    below = tuple(v for v in rest if v.severity.rank > fail_on.rank)
    at_threshold = [v for v in rest if v.severity.rank <= fail_on.rank]
    known = tuple(v for v in at_threshold if v.fingerprint in aside)
    violations = tuple(v for v in at_threshold if v.fingerprint not in aside)
    undecided = tuple(_undecided(result, views, scope))

    if violations:
        exit_code = VIOLATION
    elif undecided and not allow_unknown:
        exit_code = UNDECIDED
    else:
        exit_code = HELD
    return GateResult(
        exit_code=exit_code,
        fail_on=fail_on,
        new_only=new_only,
        allow_unknown=allow_unknown,
        baseline_state="none" if baseline is None else "in_force" if in_force else "expired",
        baseline_expires=baseline.expires if baseline else None,
        violations=violations,
        below=below,
        accepted=accepted,
        known=known,
        undecided=undecided,
        not_evaluated=tuple(k for k, c in scope.items() if control_status(c) is Status.NOT_EVALUATED),
        controls=count((control_status(c) for c in scope.values()), CONTROL_STATUSES),
        scope=tuple(view.id for view in views),
        stale_waivers=tuple(w.waiver for w in result.waivers if w.state != "in_force"),
    )


def write_baseline(result: AuditResult, path: Path, *, expires: datetime) -> int:
    """Write every unaccepted failure of the run to `path`; returns how many.

    Raises:
        ConfigError: the expiry does not lie after the run.
    """
    judged = gate(result)
    known = [Known(v.fingerprint, v.name, v.code) for v in judged.open]
    path.write_bytes(baseline_bytes(known, created=result.generated_at, expires=expires))
    return len(known)


def gate_document(judged: GateResult) -> dict[str, Any]:
    """The gate's answer as plain data for JSON."""

    def failure(v: Violation) -> dict[str, Any]:
        return {
            "control": v.control,
            "requirement": v.requirement,
            "severity": v.severity.value,
            "source": v.finding.source if v.finding else None,
            "resource": v.finding.resource if v.finding else None,
            "code": v.code,
            "reason": v.reason,
            "waiver": v.finding.waiver if v.finding else None,
            "fingerprint": v.fingerprint,
        }

    expires = judged.baseline_expires
    return {
        "schema_version": "1.0",
        "document": "gate",
        "exit_code": judged.exit_code,
        "fail_on": judged.fail_on.value,
        "new_only": judged.new_only,
        "allow_unknown": judged.allow_unknown,
        "frameworks": list(judged.scope),
        "baseline": {"state": judged.baseline_state, "expires": expires.isoformat() if expires else None},
        "controls": judged.controls.as_dict(),
        "violations": [failure(v) for v in judged.violations],
        "below_threshold": [failure(v) for v in judged.below],
        "accepted": [failure(v) for v in judged.accepted],
        "known": [failure(v) for v in judged.known],
        "undecided": [
            {
                "name": u.name,
                "kind": u.kind,
                "severity": u.severity and u.severity.value,
                "cause": u.cause,
                "reason": u.reason,
            }
            for u in judged.undecided
        ],
        "not_evaluated": list(judged.not_evaluated),
        "waivers_not_in_force": list(judged.stale_waivers),
        "undecided_rule": UNDECIDED_RULE,
    }


def _scope(result: AuditResult, views: list[FrameworkView]) -> dict[str, ControlResult]:
    """Controls of the frameworks asked for; all of them when the run names no framework."""
    if not views:
        return dict(sorted(result.controls.items()))
    return {name: result.controls[name] for name in sorted({c.id for view in views for c in view.controls})}


def _control_failures(scope: Mapping[str, ControlResult]) -> Iterator[Violation]:
    for control in scope.values():
        if control.verdict is not Outcome.FAIL:
            continue
        failing = [f for f in control.findings if f.verdict is Outcome.FAIL]
        for f in failing:
            mark = f.fingerprint or fingerprint(control.id, str(control.version), f.source, f.resource, f.code)
            yield Violation(control.id, None, control.severity, f, f.code, f.reason, mark)
        # An empty population can fail a control without any resource; and a verdict that its findings do not
        # explain is never taken for an accepted one.
        if not failing or (not control.waived and all(f.waiver for f in failing)):
            mark = fingerprint(control.id, str(control.version), "control")
            yield Violation(control.id, None, control.severity, None, "control", control.reason, mark)


def _requirement_failures(result: AuditResult, views: list[FrameworkView]) -> Iterator[Violation]:
    """Requirements that fail although none of their controls does: a parameter loosened past the framework's bound."""
    for view in views:
        for r in view.requirements:
            if r.result.verdict is not Outcome.FAIL:
                continue
            direct = [result.controls[c] for c in r.result.direct if c in result.controls]
            if r.result.code == "control_fails" and any(c.verdict is Outcome.FAIL for c in direct):
                continue
            severity = min((c.severity for c in direct), key=lambda s: s.rank, default=Severity.HIGH)
            name = f"{view.id}:{r.requirement.id}"
            mark = fingerprint(name, r.result.code)
            yield Violation(None, name, severity, None, r.result.code, r.result.reason, mark)


def _undecided(
    result: AuditResult, views: list[FrameworkView], scope: Mapping[str, ControlResult]
) -> Iterator[Undecided]:
    for c in scope.values():
        unseen = c.count(Outcome.UNKNOWN)
        if c.verdict is Outcome.UNKNOWN and c.unknown_reason is not UnknownReason.NO_COLLECTOR:
            cause = c.unknown_reason.value if c.unknown_reason else "unknown"
            yield Undecided(c.id, "control", c.severity, cause, c.reason)
        elif c.verdict in (Outcome.FAIL, Outcome.PASS) and unseen:
            yield Undecided(c.id, "control", c.severity, "unreadable", f"{unseen} resources could not be judged")
        elif c.verdict is Outcome.FAIL and c.completeness is not Completeness.COMPLETE:
            yield Undecided(c.id, "control", c.severity, "error", "it fails, and not all of its evidence was there")
    for view in views:
        for name in view.missing_controls:
            yield Undecided(name, "control", None, "error", f"{view.id} names it and the run holds no result of it")
        for r in view.requirements:
            if _stands_alone(r):
                name = f"{view.id}:{r.requirement.id}"
                yield Undecided(name, "requirement", None, r.result.code, r.result.reason)
    if not result.ledger.verified:
        yield Undecided("ledger", "run", None, "not_verified", "the ledger was not verified before the evaluation")
    if not _anything_decided(views, scope):
        yield Undecided("run", "run", None, "nothing_decided", "no control and no requirement in scope was decided")


def _stands_alone(r: RequirementView) -> bool:
    """The requirement is unknown for a reason that no control of the list already shows."""
    if r.result.verdict is not Outcome.UNKNOWN:
        return False
    if r.result.code in MANUAL_CODES:
        return True
    return not any(link.direct and link.status in (Status.UNKNOWN, Status.NOT_EVALUATED) for link in r.links)


def _anything_decided(views: list[FrameworkView], scope: Mapping[str, ControlResult]) -> bool:
    return any(c.verdict is not Outcome.UNKNOWN for c in scope.values()) or any(
        r.result.verdict is not Outcome.UNKNOWN for view in views for r in view.requirements
    )
