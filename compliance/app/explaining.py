"""Why the verdicts about a moment are others today than they were then: evidence that came late, or another control."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from compliance.app import audit, integrity, keeping
from compliance.app.audit import Plan, Wanted
from compliance.app.workspace import Say, Workspace
from compliance.controls.catalogue import Catalogue
from compliance.schemas.results import AuditResult, ControlResult

_LATE = 20  # entries named


@dataclass(frozen=True, slots=True)
class Difference:
    """One control whose verdict about the moment is another now than it was then."""

    control: str
    then: str  # by what was known then, under the definition of the day
    with_late_evidence: str  # by what is known now, under the definition of the day
    now: str  # by what is known now, under the definition and parameters at hand; none: no control of that name is
    causes: tuple[str, ...]  # late_evidence, control_changed, parameters_changed, control_removed
    version_then: int
    version_now: int
    late: tuple[int, ...]  # entries recorded since, of kinds the control reads, about the time before


def explain(workspace: Workspace, catalogue: Catalogue, at: datetime, say: Say) -> tuple[list[Difference], list[str]]:
    """The differences, and the controls of which the ledger keeps no definition from then. Nothing is recorded but the
    check of the ledger.

    Raises:
        IntegrityError: the ledger is not what was signed.
        ConfigError: the ledger holds nothing from that moment.
    """
    checked, anchors = integrity.check_ledger(workspace)
    old, known, missing = keeping.of_day(workspace, catalogue, at)

    def judged(known_as: str, plan: Plan) -> AuditResult:
        plan = replace(plan, wanted=Wanted((), at, known_as, collect=False))
        return audit.evaluate_at(workspace, plan, at, checked, anchors, (), say)

    of_day = Plan(Wanted(), old, known)
    then, late = judged("then", of_day), judged("now", of_day)
    now = judged("now", audit.plan(workspace.config, Wanted(collect=False), catalogue))
    gone = sorted(name for name in then.controls if name not in now.controls)
    found = [
        _difference(workspace, at, then.controls[name], late.controls[name], now.controls[name])
        for name in now.controls
        if name in then.controls and _said(then.controls[name]) != _said(now.controls[name])
    ]
    return found + [_removed(workspace, at, then.controls[name], late.controls[name]) for name in gone], missing


def _difference(
    workspace: Workspace, at: datetime, then: ControlResult, late: ControlResult, now: ControlResult
) -> Difference:
    causes = []
    if _said(then) != _said(late):
        causes.append("late_evidence")
    if _said(late) != _said(now):
        causes += ["control_changed"] * (late.sha256 != now.sha256)
        causes += ["parameters_changed"] * (dict(late.parameters) != dict(now.parameters))
    return Difference(
        control=now.id,
        then=then.verdict.value,
        with_late_evidence=late.verdict.value,
        now=now.verdict.value,
        causes=tuple(causes),
        version_then=then.version,
        version_now=now.version,
        late=_late(workspace, at, then) if "late_evidence" in causes else (),
    )


def _removed(workspace: Workspace, at: datetime, then: ControlResult, late: ControlResult) -> Difference:
    """A control that judged then and that no definition at hand has."""
    found = _difference(workspace, at, then, late, late)
    return replace(found, now="none", causes=(*found.causes, "control_removed"))


def _late(workspace: Workspace, at: datetime, result: ControlResult) -> tuple[int, ...]:
    found: list[int] = []
    first = workspace.ledger.size_at(at)
    for kind in result.kinds:
        for entry in workspace.ledger.entries(kind):
            if entry.seq >= first and entry.observed_at is not None and entry.observed_at <= at:
                found.append(entry.seq)
    return tuple(sorted(found)[:_LATE])


def _said(result: ControlResult) -> tuple[object, ...]:
    findings = frozenset((one.source, one.resource, one.verdict, one.code) for one in result.findings)
    return (result.verdict, result.unknown_reason, findings)
