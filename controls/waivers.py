"""Waivers: dated, reasoned, second-person acceptances of failing findings. A waived finding still fails.

A waiver is in force when all of this holds at the moment judged:
- it was requested once, with control, source, reason and an expiry after the request, at most 366 days away;
- it names one source (a resource narrows it further); there are no patterns and none for every source;
- another person than the requester approved it, not before the request;
- nobody revoked it, and its expiry has not passed.
Whatever cannot be told (a missing name after an erasure) counts against it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from compliance.controls.evidence_base import EvidenceBase
from compliance.controls.profile import ERASED, aware, naive, person
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import ControlResult, FindingResult, WaiverView

LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded step of a waiver."""

    entry: int
    waiver: str
    step: str
    at: datetime
    by_person: str | None
    alias: str | None
    control: str | None = None
    source: str | None = None
    resource: str | None = None
    reason: str | None = None
    compensating_control: str | None = None
    expires_at: datetime | None = None


def views(base: EvidenceBase, as_of: datetime) -> tuple[WaiverView, ...]:
    """Every waiver as it stands at `as_of`, by identifier."""
    _, rows = base.query(
        "SELECT entry, waiver, step, occurred_at, by_person, coalesce(by_alias, subject), control, of_source, "
        "resource, reason, compensating_control, expires_at FROM waiver "
        "WHERE occurred_at <= $as_of ORDER BY occurred_at, entry",
        {"as_of": naive(as_of)},
    )
    steps = [
        Step(
            entry=row[0],
            waiver=row[1],
            step=row[2],
            at=aware(row[3]),
            by_person=row[4],
            alias=row[5],
            control=row[6],
            source=row[7],
            resource=row[8],
            reason=row[9],
            compensating_control=row[10],
            expires_at=aware(row[11]) if row[11] else None,
        )
        for row in rows
    ]
    return lives(steps, as_of)


def lives(steps: Sequence[Step], as_of: datetime) -> tuple[WaiverView, ...]:
    """The same from steps in order of time; later ones than `as_of` do not count."""
    found: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        if step.at <= as_of:
            found[step.waiver].append(step)
    return tuple(_view(found[name], as_of) for name in sorted(found))


def apply(results: Mapping[str, ControlResult], views: Sequence[WaiverView]) -> dict[str, ControlResult]:
    """`results` with the waivers in force laid over failing findings. No verdict changes."""
    in_force: dict[str, list[WaiverView]] = defaultdict(list)
    for view in views:
        if view.state == "in_force":
            in_force[view.control].append(view)
    return {
        name: _overlaid(result, in_force[name]) if name in in_force and result.verdict is Outcome.FAIL else result
        for name, result in results.items()
    }


def _overlaid(result: ControlResult, views: Sequence[WaiverView]) -> ControlResult:
    findings = tuple(
        replace(finding, waiver=next((view.waiver for view in views if _covers(view, finding)), None))
        if finding.verdict is Outcome.FAIL
        else finding
        for finding in result.findings
    )
    failing = [finding for finding in findings if finding.verdict is Outcome.FAIL]
    waived = bool(failing) and all(finding.waiver for finding in failing)
    return replace(result, findings=findings, waived=waived)


def _covers(view: WaiverView, finding: FindingResult) -> bool:
    return view.source == finding.source and view.resource in (None, finding.resource)


def _view(life: Sequence[Step], as_of: datetime) -> WaiverView:
    requests = [step for step in life if step.step == "request"]
    approvals = [step for step in life if step.step == "approve"]
    first = requests[0] if requests else life[0]
    approval = approvals[0] if approvals else None
    state, why_not = _state(life, requests, approval, as_of)
    return WaiverView(
        waiver=first.waiver,
        control=first.control or "",
        source=first.source,
        resource=first.resource,
        reason=first.reason or "",
        compensating_control=first.compensating_control,
        requested_by=first.by_person or first.alias or ERASED,
        requested_at=first.at,
        approved_by=(approval.by_person or approval.alias or ERASED) if approval else None,
        approved_at=approval.at if approval else None,
        expires_at=first.expires_at,
        state=state,
        why_not=why_not,
        entries=tuple(step.entry for step in life),
    )


def _state(
    life: Sequence[Step], requests: Sequence[Step], approval: Step | None, as_of: datetime
) -> tuple[str, str | None]:
    if not requests:
        return "refused", "nobody requested it"
    request = requests[0]
    why = _malformed(request)
    if why is None and len(requests) > 1:
        why = "it was requested more than once under one identifier"
    if why is not None:
        return "refused", why
    revoked = next((step for step in life if step.step == "revoke"), None)
    if revoked is not None:
        return "revoked", f"revoked on {revoked.at:%Y-%m-%d}"
    assert request.expires_at is not None  # _malformed refuses it
    if approval is None:
        if as_of > request.expires_at:
            return "expired", f"expired on {request.expires_at:%Y-%m-%d} without approval"
        return "requested", "nobody approved it yet"
    if approval.at < request.at:
        return "refused", "it was approved before it was requested"
    if not _another(request, approval):
        return "refused", "it was not approved by a provably different person than the requester"
    if as_of > request.expires_at:
        return "expired", f"expired on {request.expires_at:%Y-%m-%d}"
    return "in_force", None


def _malformed(request: Step) -> str | None:
    if not (request.control or "").strip():
        return "it names no control"
    if not (request.source or "").strip():
        return "it names no source: a waiver for everything is refused"
    if any(character in (request.source or "") + (request.resource or "") for character in "*"):
        return "it holds a pattern: name the source and resource exactly"
    if request.resource is not None and not request.resource.strip():
        return "its resource is blank"
    if not (request.reason or "").strip():
        return "it gives no reason"
    if request.expires_at is None:
        return "it has no readable expiry"
    if request.expires_at <= request.at:
        return "its expiry lies before its request"
    if request.expires_at - request.at > LONGEST:
        return f"its expiry is more than {LONGEST.days} days away"
    return None


def _another(request: Step, approval: Step) -> bool:
    """Two people, provably: something both steps name differs, and nothing both name is equal."""
    pairs = [(request.alias, approval.alias), (person(request.by_person), person(approval.by_person))]
    told = [(one, other) for one, other in pairs if one and other]
    return bool(told) and all(one != other for one, other in told)
