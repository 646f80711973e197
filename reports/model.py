"""The one place where a result becomes numbers: every document and machine format reads these views.

A status is a verdict with what a reader must also see: an accepted failure stands apart from a failure, and a control
that nothing of ours can feed yet stands apart from one that could not be decided. Statuses are disjoint, so that the
counts of a table always add up to its total.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from compliance.schemas.catalogue import Bound, Link, Requirement, Text
from compliance.schemas.errors import ReportError
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import (
    AuditResult,
    ControlResult,
    Coverage,
    FindingResult,
    FrameworkResult,
    RequirementResult,
    UnknownReason,
)

MANUAL_CODES = frozenset({"manual_missing", "manual_overdue", "no_control"})


class Status(StrEnum):
    """A verdict as it is counted and printed."""

    FAIL = "fail"
    WAIVED = "waived"  # fails, and every failing finding is under a waiver in force
    UNKNOWN = "unknown"
    MANUAL = "manual"  # a requirement that waits for manual evidence
    NOT_EVALUATED = "not_evaluated"  # nothing of ours can read what it needs yet
    PASS = "pass"  # noqa: S105 -- a verdict, not a password
    NOT_APPLICABLE = "not_applicable"


REQUIREMENT_STATUSES = tuple(Status)
CONTROL_STATUSES = tuple(s for s in Status if s is not Status.MANUAL)
FINDING_STATUSES = (Status.FAIL, Status.WAIVED, Status.UNKNOWN, Status.PASS, Status.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each status; `total` is their sum and is printed beside every one of them."""

    by: Mapping[Status, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by.values())

    def __getitem__(self, status: Status) -> int:
        return self.by.get(status, 0)

    def as_dict(self) -> dict[str, int]:
        """By status name, and `total`."""
        return {**{status.value: n for status, n in self.by.items()}, "total": self.total}


def count(statuses: Iterable[Status], order: tuple[Status, ...]) -> Counts:
    """How often each status of `order` occurs, zeros included."""
    tally = dict.fromkeys(order, 0)
    for status in statuses:
        tally[status] += 1
    return Counts(tally)


def control_status(result: ControlResult) -> Status:
    """The status of a control."""
    if result.verdict is Outcome.FAIL:
        return Status.WAIVED if result.waived else Status.FAIL
    if result.verdict is Outcome.UNKNOWN and result.unknown_reason is UnknownReason.NO_COLLECTOR:
        return Status.NOT_EVALUATED
    return Status(result.verdict.value)


def finding_status(finding: FindingResult) -> Status:
    """The status of one resource."""
    if finding.verdict is Outcome.FAIL and finding.waiver:
        return Status.WAIVED
    return Status(finding.verdict.value)


def requirement_status(result: RequirementResult, controls: Mapping[str, ControlResult]) -> Status:
    """The status of a requirement: unknown is told apart by what it waits for."""
    if result.verdict is Outcome.FAIL:
        return Status.WAIVED if result.waived else Status.FAIL
    if result.verdict is not Outcome.UNKNOWN:
        return Status(result.verdict.value)
    if result.code in MANUAL_CODES:
        return Status.MANUAL
    waiting = [
        controls[name] for name in result.direct if name in controls and controls[name].verdict is Outcome.UNKNOWN
    ]
    if waiting and all(c.unknown_reason is UnknownReason.NO_COLLECTOR for c in waiting):
        return Status.NOT_EVALUATED
    return Status.UNKNOWN


@dataclass(frozen=True, slots=True)
class LinkView:
    """A control as a requirement refers to it. `result` is None when the audit holds no result of that name."""

    control: str
    why: str
    direct: bool
    status: Status
    result: ControlResult | None


@dataclass(frozen=True, slots=True)
class RequirementView:
    """One requirement with what bears on it."""

    result: RequirementResult
    status: Status
    group_title: Text
    links: tuple[LinkView, ...]

    @property
    def requirement(self) -> Requirement:
        """The catalogue's item."""
        return self.result.requirement


@dataclass(frozen=True, slots=True)
class ParameterView:
    """A threshold as it was used, and whose number it is."""

    name: str
    title: Text
    value: Any
    unit: str
    default: Any
    source: str
    bound: Bound | None  # of this framework

    @property
    def changed(self) -> bool:
        """The organisation set another value than the default."""
        return bool(self.value != self.default)


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding with its status."""

    result: FindingResult
    status: Status


@dataclass(frozen=True)
class ControlView:
    """One control of a framework, with every finding in reading order: failing, accepted, unknown, then the rest."""

    result: ControlResult
    status: Status
    requirements: tuple[str, ...]  # ids of the requirements that name it
    parameters: tuple[ParameterView, ...]
    findings: tuple[FindingView, ...]

    @property
    def id(self) -> str:
        """The control's id."""
        return self.result.id

    @property
    def changed(self) -> tuple[ParameterView, ...]:
        """The thresholds that the organisation set itself: numbers in the statement are those of the defaults."""
        return tuple(p for p in self.parameters if p.changed)

    @cached_property
    def counts(self) -> Counts:
        """Findings by status."""
        return count((f.status for f in self.findings), FINDING_STATUSES)


@dataclass(frozen=True, slots=True)
class CoverageView:
    """One source × kind, with what the reader asks first."""

    row: Coverage
    age: timedelta | None  # of the newest complete collection, at the moment judged
    controls: tuple[str, ...]  # of this framework, that read it

    @property
    def complete(self) -> bool:
        """The newest attempt saw everything."""
        return self.row.outcome == "complete"


@dataclass(frozen=True)
class FrameworkView:
    """Everything a working paper of one framework prints."""

    audit: AuditResult
    result: FrameworkResult
    requirements: tuple[RequirementView, ...]
    controls: tuple[ControlView, ...]
    coverage: tuple[CoverageView, ...]

    @property
    def id(self) -> str:
        """The framework's id."""
        return self.result.framework.id

    @cached_property
    def requirement_counts(self) -> Counts:
        """Requirements by status."""
        return count((r.status for r in self.requirements), REQUIREMENT_STATUSES)

    @cached_property
    def control_counts(self) -> Counts:
        """Controls by status."""
        return count((c.status for c in self.controls), CONTROL_STATUSES)

    @cached_property
    def finding_counts(self) -> Counts:
        """Findings by status, each control's once."""
        return count((f.status for c in self.controls for f in c.findings), FINDING_STATUSES)

    @cached_property
    def evaluated(self) -> tuple[ControlView, ...]:
        """Controls that have a definition."""
        return tuple(c for c in self.controls if c.result.planned is None)

    @cached_property
    def planned(self) -> tuple[ControlView, ...]:
        """Controls that no collector can feed yet."""
        return tuple(c for c in self.controls if c.result.planned is not None)

    @cached_property
    def missing_controls(self) -> tuple[str, ...]:
        """Controls that requirements name and the audit holds no result of."""
        names = {link.control for r in self.requirements for link in r.links if link.result is None}
        return tuple(sorted(names))


def _links(requirement: Requirement, controls: Mapping[str, ControlResult]) -> tuple[LinkView, ...]:
    def view(link: Link, direct: bool) -> LinkView:
        result = controls.get(link.control)
        return LinkView(link.control, link.why, direct, control_status(result) if result else Status.UNKNOWN, result)

    return (*(view(x, True) for x in requirement.direct), *(view(x, False) for x in requirement.supporting))


def _parameters(result: ControlResult, framework: str) -> tuple[ParameterView, ...]:
    if result.control is None:
        return ()
    return tuple(
        ParameterView(
            name, p.title, result.parameters.get(name, p.default), p.unit, p.default, p.source, p.bounds.get(framework)
        )
        for name, p in result.control.parameters.items()
    )


def control_view(result: ControlResult, framework: str = "", requirements: tuple[str, ...] = ()) -> ControlView:
    """One control; `framework` chooses whose bounds are shown beside its parameters."""
    order = {status: n for n, status in enumerate(FINDING_STATUSES)}
    findings = [FindingView(f, finding_status(f)) for f in result.findings]
    findings.sort(key=lambda f: (order[f.status], f.result.source or "", f.result.resource, f.result.number))
    return ControlView(result, control_status(result), requirements, _parameters(result, framework), tuple(findings))


def coverage_views(audit: AuditResult, controls: Iterable[str]) -> tuple[CoverageView, ...]:
    """Every source × kind of the audit: what is incomplete first, then by source and kind."""
    wanted = set(controls)
    views = [
        CoverageView(
            row,
            audit.as_of - row.completed_at if row.completed_at else None,
            tuple(name for name in row.controls if name in wanted),
        )
        for row in audit.coverage
    ]
    return tuple(sorted(views, key=lambda v: (v.complete, v.row.source, v.row.kind)))


def framework_view(audit: AuditResult, framework_id: str) -> FrameworkView:
    """The view of one framework.

    Raises:
        ReportError: the audit did not judge that framework.
    """
    found = next((f for f in audit.frameworks if f.framework.id == framework_id), None)
    if found is None:
        judged = ", ".join(f.framework.id for f in audit.frameworks) or "none"
        raise ReportError(
            f"audit {audit.audit} did not judge framework {framework_id!r} (it judged: {judged})",
            remedy="run the audit with that framework named",
        )
    titles = {group.id: group.title for group in found.framework.groups}
    requirements = tuple(
        RequirementView(
            r,
            requirement_status(r, audit.controls),
            titles.get(r.group, Text(en=r.group)),
            _links(r.requirement, audit.controls),
        )
        for r in found.requirements
    )
    named: dict[str, list[str]] = {}
    for view in requirements:
        for link in view.links:
            if link.result is not None:
                named.setdefault(link.control, []).append(view.requirement.id)
    controls = tuple(
        control_view(audit.controls[name], framework_id, tuple(dict.fromkeys(named[name]))) for name in sorted(named)
    )
    return FrameworkView(audit, found, requirements, controls, coverage_views(audit, named))
