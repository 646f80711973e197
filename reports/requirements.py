"""What decides each requirement, what a person must still bring for it, and its verdict: one row for each.

Everything is taken from the result of an audit. What is told of a person's part is derived where the definitions say
it (registers from the kinds that direct controls read; what they cannot see from their limits), else from `brings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from compliance.reports.model import FrameworkView, LinkView, RequirementView, Status, framework_view
from compliance.schemas.catalogue import Bound, Questionnaire, Requirement, Text
from compliance.schemas.evidence import all_kinds
from compliance.schemas.results import ApplicabilityView, AuditResult, Brought, ControlResult


@dataclass(frozen=True, slots=True)
class BoundView:
    """A parameter that the framework bounds, as it is set, and how it lies outside (None: it does not)."""

    parameter: str
    value: Any
    unit: str
    bound: Bound
    broken: str | None


@dataclass(frozen=True, slots=True)
class DecidingView:
    """A control as it bears on one requirement. `share`: full (direct controls decide it), partial (a person's part is
    needed too), can_fail (it can fail it and never pass it), helps (it never decides)."""

    link: LinkView
    share: str
    bounds: tuple[BoundView, ...]


@dataclass(frozen=True, slots=True)
class RegisterNeed:
    """A register that a direct control reads, in one source. `state`: read, stale, unread, not_configured."""

    kind: str
    source: str | None
    controls: tuple[str, ...]
    state: str
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class RequirementRow:
    """One requirement."""

    framework: str
    view: RequirementView
    deciding: tuple[DecidingView, ...]
    brought: tuple[Brought, ...]
    registers: tuple[RegisterNeed, ...]

    @property
    def requirement(self) -> Requirement:
        """The catalogue's item."""
        return self.view.requirement

    @property
    def id(self) -> str:
        """The requirement's id."""
        return self.requirement.id

    @property
    def status(self) -> Status:
        """Its verdict, as it is counted."""
        return self.view.status

    @property
    def code(self) -> str:
        """Why: the code."""
        return self.view.result.code

    @property
    def cause(self) -> str:
        """Why: the recorded sentence."""
        return self.view.result.reason

    @property
    def unseen(self) -> tuple[tuple[str, Text], ...]:
        """What the direct controls cannot see, each by its own word: what a person's part must cover."""
        return tuple(
            (one.link.control, one.link.result.control.limits)
            for one in self.deciding
            if one.link.direct and one.link.result and one.link.result.control and one.link.result.control.limits
        )

    @property
    def open(self) -> bool:
        """Something that a person brings is not there, and the requirement applies."""
        lacks = any(one.state != "there" for one in self.brought) or any(one.state != "read" for one in self.registers)
        return lacks and self.status is not Status.NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class RequirementsView:
    """All requirements of one framework, and by which profile they were judged."""

    view: FrameworkView
    rows: tuple[RequirementRow, ...]
    questionnaires: tuple[Questionnaire, ...]  # declared, in date
    remarks: tuple[str, ...]
    selectable: tuple[str, ...]  # ids that the statement of applicability decides on

    @property
    def id(self) -> str:
        """The framework's id."""
        return self.view.id

    def statement(self) -> list[tuple[str, tuple[ApplicabilityView, ...]]]:
        """Each control that the statement decides on with its rows, then rows about no such control."""
        stated = self.view.audit.applicability
        found = [(name, tuple(v for v in stated if v.control.strip() == name)) for name in self.selectable]
        strays = [v for v in stated if v.control.strip() not in self.selectable]
        return [*found, *((v.control, (v,)) for v in strays)]


def requirements_view(audit: AuditResult, framework_id: str) -> RequirementsView:
    """The rows of one framework, in its order.

    Raises:
        ReportError: the audit did not judge that framework.
    """
    view = framework_view(audit, framework_id)
    declared = {flag.flag for flag in audit.profile if flag.value and flag.in_date}
    framework = view.result.framework
    return RequirementsView(
        view,
        tuple(_row(audit, view.id, item) for item in view.requirements),
        tuple(one for one in framework.questionnaires if one.flag in declared),
        view.result.remarks,
        tuple(r.id for group in framework.groups if group.selectable for r in group.requirements),
    )


def chosen(rows: Iterable[RequirementRow], statuses: Sequence[str]) -> list[RequirementRow]:
    """The rows of these statuses; all when none is named."""
    return [row for row in rows if not statuses or row.status.value in statuses]


def _row(audit: AuditResult, framework: str, view: RequirementView) -> RequirementRow:
    deciding = tuple(
        DecidingView(link, _share(view.requirement, link), _bounds(framework, view, link)) for link in view.links
    )
    return RequirementRow(framework, view, deciding, view.result.brought, _registers(audit, view))


def _share(requirement: Requirement, link: LinkView) -> str:
    if not link.direct:
        return "helps"
    return {"full": "full", "partial": "partial", "none": "can_fail"}[requirement.automation]


def _bounds(framework: str, view: RequirementView, link: LinkView) -> tuple[BoundView, ...]:
    if not link.direct or link.result is None or link.result.control is None:
        return ()
    broken = {one.parameter: one.said for one in view.result.loosened if one.control == link.control}
    return tuple(
        BoundView(
            name,
            link.result.parameters.get(name, one.default),
            one.unit,
            one.bounds[framework],
            broken.get(name),
        )
        for name, one in link.result.control.parameters.items()
        if framework in one.bounds
    )


def _registers(audit: AuditResult, view: RequirementView) -> tuple[RegisterNeed, ...]:
    kinds = all_kinds()
    readers: dict[str, list[ControlResult]] = {}
    for link in view.links:
        result = link.result
        if not link.direct or result is None or result.control is None:
            continue
        for kind in result.kinds:
            if kind in kinds and kinds[kind].kept and kind not in result.control.optional_kinds:
                readers.setdefault(kind, []).append(result)
    return tuple(need for kind in sorted(readers) for need in _needs(audit, kind, readers[kind]))


def _needs(audit: AuditResult, kind: str, readers: Sequence[ControlResult]) -> list[RegisterNeed]:
    names = tuple(result.id for result in readers)
    rows = [row for row in audit.coverage if row.kind == kind and not row.removed_from_configuration]
    if not rows:
        return [RegisterNeed(kind, None, names, "not_configured", None)]
    limits = [c.fresh_by_kind.get(kind, c.fresh) for result in readers if (c := result.control)]
    needs = []
    for row in sorted(rows, key=lambda row: row.source):
        until = row.completed_at + min(limits) if row.completed_at and limits else None
        if row.outcome != "complete" or until is None:
            needs.append(RegisterNeed(kind, row.source, names, "unread", None))
        else:
            needs.append(RegisterNeed(kind, row.source, names, "read" if audit.as_of <= until else "stale", until))
    return needs
