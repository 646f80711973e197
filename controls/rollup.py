"""From controls to requirements. Never a pass without evidence; a requirement never disappears.

For each requirement, the first line that holds:

| verdict, code | when |
|---|---|
| not_applicable, not_applicable_declared | its condition, or the framework's, is declared off, in date |
| not_applicable, not_in_force | the requirement takes effect on a later day (UTC) |
| fail, control_fails | a direct control fails without waiver |
| fail, parameter_loosened | a direct control's parameter lies outside this framework's bound |
| fail, control_fails (waived) | a direct control fails, and all that fail are waived |
| automation none, or partial without direct control: | |
| … unknown, control_unknown | a direct control that we evaluate is unknown |
| … pass, manual_in_date | a reviewed, in-date attestation of a required form names it |
| … unknown, manual_overdue or manual_missing | there is none |
| unknown, no_control | no direct control exists |
| unknown, control_unknown | a direct control is unknown, or no collector feeds it yet |
| not_applicable, controls_not_applicable | every direct control is not applicable |
| automation partial: unknown, manual_overdue or manual_missing | no in-date attestation of a required form names it |
| pass, controls_pass or controls_and_manual | all the rest: one passes, the others pass or are not applicable |

Supporting controls are shown and never decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from compliance.controls.consistency import beyond
from compliance.controls.evaluate import Overrides
from compliance.controls.profile import declared_off, reviewed_by_another
from compliance.schemas.catalogue import Framework, Requirement
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import (
    AttestationView,
    ControlResult,
    FlagView,
    FrameworkResult,
    RequirementResult,
)


def roll_up(
    framework: Framework,
    results: Mapping[str, ControlResult],
    *,
    attestations: Sequence[AttestationView],
    profile: Sequence[FlagView],
    overrides: Overrides,
    as_of: datetime,
    earlier: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType({}),
) -> FrameworkResult:
    """The verdict of every requirement of `framework` at `as_of`, in the framework's order.

    `earlier` are other parameters by which controls were judged in the same period: they keep to the bounds, too.
    """
    return FrameworkResult(
        framework,
        tuple(
            _requirement(framework, group.id, requirement, results, attestations, profile, overrides, as_of, earlier)
            for group in framework.groups
            for requirement in group.requirements
        ),
    )


def _requirement(
    framework: Framework,
    group: str,
    requirement: Requirement,
    results: Mapping[str, ControlResult],
    attestations: Sequence[AttestationView],
    profile: Sequence[FlagView],
    overrides: Overrides,
    as_of: datetime,
    earlier: Mapping[str, Sequence[Mapping[str, Any]]],
) -> RequirementResult:
    direct = tuple(link.control for link in requirement.direct)
    naming = [view for view in attestations if f"{framework.id}:{requirement.id}" in view.requirements]
    counting = [view for view in naming if _counts(view, requirement, as_of)]

    def result(verdict: Outcome, code: str, reason: str, waived: bool = False) -> RequirementResult:
        return RequirementResult(
            requirement=requirement,
            group=group,
            verdict=verdict,
            code=code,
            reason=reason,
            waived=waived,
            direct=direct,
            supporting=tuple(link.control for link in requirement.supporting),
            attestations=tuple(view.attestation for view in naming),
        )

    off = declared_off(framework.applies_if, profile) or declared_off(requirement.condition, profile)
    if off is not None:
        reason = f"declared not to apply: {off.flag} is off since {off.declared_at:%Y-%m-%d}"
        return result(Outcome.NOT_APPLICABLE, "not_applicable_declared", reason)
    if requirement.effective is not None and as_of.astimezone(UTC).date() < requirement.effective:
        return result(Outcome.NOT_APPLICABLE, "not_in_force", f"in force only from {requirement.effective}")
    verdicts = {name: results[name].verdict if name in results else Outcome.UNKNOWN for name in direct}
    failing = [name for name in direct if verdicts[name] is Outcome.FAIL]
    bare = [name for name in failing if not results[name].waived]
    if bare:
        return result(Outcome.FAIL, "control_fails", f"fails: {', '.join(bare)}")
    loosened = _loosened(framework.id, direct, results, overrides, earlier)
    if loosened:
        return result(Outcome.FAIL, "parameter_loosened", "; ".join(loosened))
    if failing:
        reason = f"fails, accepted by waivers in force: {', '.join(failing)}"
        return result(Outcome.FAIL, "control_fails", reason, waived=True)
    if reviewed(requirement):
        # where no control bears directly, a person decides: supporting ones only help
        unread = [name for name in direct if verdicts[name] is Outcome.UNKNOWN and not _planned(results.get(name))]
        if unread:
            return result(Outcome.UNKNOWN, "control_unknown", f"could not be decided: {', '.join(unread)}")
        counting = [view for view in counting if reviewed_by_another(view)]
        return result(*(_in_date(counting) if counting else _manual_gap(naming, requirement)))
    if not direct:
        return result(Outcome.UNKNOWN, "no_control", "no control answers it yet: needs manual evidence and a control")
    undecided = [name for name in direct if verdicts[name] is Outcome.UNKNOWN]
    if undecided:
        return result(Outcome.UNKNOWN, "control_unknown", f"could not be decided: {', '.join(undecided)}")
    passing = [name for name in direct if verdicts[name] is Outcome.PASS]
    if not passing:
        return result(Outcome.NOT_APPLICABLE, "controls_not_applicable", "no direct control is applicable")
    if requirement.automation == "full":
        return result(Outcome.PASS, "controls_pass", f"passes: {', '.join(passing)}")
    if not counting:
        return result(*_manual_gap(naming, requirement))
    reason = f"passes: {', '.join(passing)}; with manual evidence {', '.join(view.attestation for view in counting)}"
    return result(Outcome.PASS, "controls_and_manual", reason)


def reviewed(requirement: Requirement) -> bool:
    """A person decides it, not a control: its manual evidence counts only when a second person reviewed it."""
    return requirement.automation == "none" or (requirement.automation == "partial" and not requirement.direct)


def _planned(result: ControlResult | None) -> bool:
    """No collector feeds it yet: nothing an organisation does could decide it, so a person may."""
    return result is not None and result.planned is not None


def _counts(view: AttestationView, requirement: Requirement, as_of: datetime) -> bool:
    """In date and of a form the requirement asks for; a nil return speaks of one control's events, never of this."""
    in_date = view.in_date and view.occurred_at <= as_of < view.expires_at
    return in_date and view.form != "nil_return" and (not requirement.manual or view.form in requirement.manual)


def _in_date(counting: Sequence[AttestationView]) -> tuple[Outcome, str, str]:
    said = ", ".join(f"{view.attestation} ({view.form}, until {view.expires_at:%Y-%m-%d})" for view in counting)
    return Outcome.PASS, "manual_in_date", f"manual evidence in date: {said}"


def _manual_gap(naming: Sequence[AttestationView], requirement: Requirement) -> tuple[Outcome, str, str]:
    forms = " or ".join(requirement.manual) or "manual evidence"
    overdue = [view for view in naming if not view.in_date]
    if overdue and len(overdue) == len(naming):
        reason = f"manual evidence is out of date: {', '.join(view.attestation for view in overdue)}; renew {forms}"
        return Outcome.UNKNOWN, "manual_overdue", reason
    if naming:
        review = ", reviewed by a second person" if reviewed(requirement) else ""
        return Outcome.UNKNOWN, "manual_missing", f"what is recorded does not suffice: needs {forms}{review}"
    return Outcome.UNKNOWN, "manual_missing", f"needs {forms}; none is recorded"


def _loosened(
    framework: str,
    direct: Sequence[str],
    results: Mapping[str, ControlResult],
    overrides: Overrides,
    earlier: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[str]:
    found = []
    for name in direct:
        result = results.get(name)
        if result is None or result.control is None or result.verdict is Outcome.NOT_APPLICABLE:
            continue
        judged_by: list[Mapping[str, Any]] = [{**result.parameters, **overrides.get(name, {})}, *earlier.get(name, ())]
        for parameter, definition in result.control.parameters.items():
            bound = definition.bounds.get(framework)
            values = [given.get(parameter, definition.default) for given in judged_by]
            outside = next((said for value in values if (said := beyond(bound, value))), None) if bound else None
            if bound and outside:
                found.append(f"{name}: {parameter} {outside} ({bound.clause})")
    return found
