"""From controls to requirements. Never a pass without evidence; a requirement never disappears.

For each requirement, the first line that holds:

| verdict, code | when |
|---|---|
| not_applicable, not_applicable_declared | its condition, or the framework's, is declared off, in date |
| not_applicable, not_in_force | the requirement takes effect on a later day (UTC) |
| not_applicable, excluded_by_statement | the statement of applicability excludes it, justified, approved and in date |
| fail, control_fails | a direct control fails without waiver |
| fail, parameter_loosened | a direct control's parameter lies outside this framework's bound |
| fail, control_fails (waived) | a direct control fails, and all that fail are waived |
| not_applicable, not_in_questionnaire | the declared questionnaire leaves it out, by a source that confirms it |
| automation none, or partial without direct control: | |
| … unknown, control_unknown | a direct control that we evaluate is unknown |
| … pass, manual_in_date | a reviewed attestation in date of each form that it names |
| … unknown, manual_overdue or manual_missing | one of the forms is not there |
| unknown, no_control | no direct control exists |
| unknown, control_unknown | a direct control is unknown, or no collector feeds it yet |
| not_applicable, controls_not_applicable | every direct control is not applicable |
| automation partial: unknown, manual_overdue or manual_missing | a form that it names has no attestation in date |
| pass, controls_pass or controls_and_manual | all the rest: one passes, the others pass or are not applicable |

Supporting controls are shown and never decide. A document, contract or external report counts with its file only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from compliance.controls import applicability as statements
from compliance.controls.brought import brought, reviewed
from compliance.controls.consistency import beyond
from compliance.controls.evaluate import Overrides
from compliance.controls.profile import declared_off
from compliance.schemas.catalogue import Framework, Group, Questionnaire, Requirement
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import (
    ApplicabilityView,
    AttestationView,
    Brought,
    ControlResult,
    FlagView,
    FrameworkResult,
    Loosened,
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
    applicability: Sequence[ApplicabilityView] = (),
    earlier: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType({}),
) -> FrameworkResult:
    """The verdict of every requirement of `framework` at `as_of`, in the framework's order.

    `earlier` are other parameters by which controls were judged in the same period: they keep to the bounds, too.
    """
    shorter, remarks = statements.questionnaire(framework, profile)

    def judged(group: Group, requirement: Requirement) -> RequirementResult:
        naming = [view for view in attestations if f"{framework.id}:{requirement.id}" in view.requirements]
        loosened = _loosened(framework.id, requirement, results, overrides, earlier)
        things = brought(requirement, naming, as_of)
        row = statements.excluded(applicability, requirement.id) if group.selectable else None
        verdict, code, reason, waived = (
            _out_of_scope(framework, requirement, row, profile, as_of)
            or _failing(requirement, results, loosened)
            or _left_out(requirement, shorter)
            or (*_decided(requirement, results, naming, things), False)
        )
        return RequirementResult(
            requirement=requirement,
            group=group.id,
            verdict=verdict,
            code=code,
            reason=reason,
            waived=waived,
            direct=tuple(link.control for link in requirement.direct),
            supporting=tuple(link.control for link in requirement.supporting),
            attestations=tuple(view.attestation for view in naming),
            brought=things,
            loosened=loosened,
        )

    rows = tuple(judged(group, requirement) for group in framework.groups for requirement in group.requirements)
    return FrameworkResult(framework, rows, remarks)


Said = tuple[Outcome, str, str]


def _out_of_scope(
    framework: Framework,
    requirement: Requirement,
    row: ApplicabilityView | None,
    profile: Sequence[FlagView],
    as_of: datetime,
) -> tuple[Outcome, str, str, bool] | None:
    off = declared_off(framework.applies_if, profile) or declared_off(requirement.condition, profile)
    if off is not None:
        reason = f"declared not to apply: {off.flag} is off since {off.declared_at:%Y-%m-%d}"
        return Outcome.NOT_APPLICABLE, "not_applicable_declared", reason, False
    if requirement.effective is not None and as_of.astimezone(UTC).date() < requirement.effective:
        return Outcome.NOT_APPLICABLE, "not_in_force", f"in force only from {requirement.effective}", False
    if row is not None and row.approved_at is not None:
        reason = (
            f"excluded by the statement of applicability, version {row.version}, approved on "
            f"{row.approved_at:%Y-%m-%d}: {row.justification}"
        )
        return Outcome.NOT_APPLICABLE, "excluded_by_statement", reason, False
    return None


def _failing(
    requirement: Requirement, results: Mapping[str, ControlResult], loosened: Sequence[Loosened]
) -> tuple[Outcome, str, str, bool] | None:
    failing = [name for name in _direct(requirement) if _verdict(results, name) is Outcome.FAIL]
    bare = [name for name in failing if not results[name].waived]
    if bare:
        return Outcome.FAIL, "control_fails", f"fails: {', '.join(bare)}", False
    if loosened:
        said = "; ".join(f"{one.control}: {one.parameter} {one.said} ({one.clause})" for one in loosened)
        return Outcome.FAIL, "parameter_loosened", said, False
    if failing:
        return Outcome.FAIL, "control_fails", f"fails, accepted by waivers in force: {', '.join(failing)}", True
    return None


def _left_out(requirement: Requirement, shorter: Questionnaire | None) -> tuple[Outcome, str, str, bool] | None:
    if shorter is None or requirement.id not in shorter.leaves_out:
        return None
    return Outcome.NOT_APPLICABLE, "not_in_questionnaire", f"{shorter.title.en} does not ask it", False


def _decided(
    requirement: Requirement,
    results: Mapping[str, ControlResult],
    naming: Sequence[AttestationView],
    things: Sequence[Brought],
) -> Said:
    """The verdict where nothing fails and nothing leaves it out."""
    direct = _direct(requirement)
    unknown = [name for name in direct if _verdict(results, name) is Outcome.UNKNOWN]
    lacking = [one for one in things if one.state != "there"]
    if reviewed(requirement):
        # where no control bears directly, a person decides: supporting ones only help
        unread = [name for name in unknown if not _planned(results.get(name))]
        if unread:
            return Outcome.UNKNOWN, "control_unknown", f"could not be decided: {', '.join(unread)}"
        return _manual_gap(naming, lacking) if lacking else _in_date(things)
    if not direct:
        return Outcome.UNKNOWN, "no_control", "no control answers it yet: needs manual evidence and a control"
    if unknown:
        return Outcome.UNKNOWN, "control_unknown", f"could not be decided: {', '.join(unknown)}"
    passing = [name for name in direct if _verdict(results, name) is Outcome.PASS]
    if not passing:
        return Outcome.NOT_APPLICABLE, "controls_not_applicable", "no direct control is applicable"
    if requirement.automation == "full":
        return Outcome.PASS, "controls_pass", f"passes: {', '.join(passing)}"
    if lacking:
        return _manual_gap(naming, lacking)
    held = ", ".join(one.attestation or "" for one in things)
    return Outcome.PASS, "controls_and_manual", f"passes: {', '.join(passing)}; with manual evidence {held}"


def _direct(requirement: Requirement) -> tuple[str, ...]:
    return tuple(link.control for link in requirement.direct)


def _verdict(results: Mapping[str, ControlResult], name: str) -> Outcome:
    return results[name].verdict if name in results else Outcome.UNKNOWN


def _planned(result: ControlResult | None) -> bool:
    """No collector feeds it yet: nothing an organisation does could decide it, so a person may."""
    return result is not None and result.planned is not None


def _in_date(things: Sequence[Brought]) -> Said:
    said = ", ".join(
        f"{one.attestation} ({one.form}, until {one.valid_until:%Y-%m-%d})" for one in things if one.valid_until
    )
    return Outcome.PASS, "manual_in_date", f"manual evidence in date: {said}"


_LACKS = {
    "missing": "is not recorded",
    "overdue": "is out of date",
    "unreviewed": "was not reviewed by a second person",
    "without_document": "was recorded without its file",
}


def _manual_gap(naming: Sequence[AttestationView], lacking: Sequence[Brought]) -> Said:
    said = "; ".join(f"{'manual evidence' if one.form == 'any' else one.form} {_LACKS[one.state]}" for one in lacking)
    if all(one.state == "overdue" for one in lacking):
        named = ", ".join(one.attestation or "" for one in lacking)
        return Outcome.UNKNOWN, "manual_overdue", f"manual evidence is out of date: {named}; renew: {said}"
    return Outcome.UNKNOWN, "manual_missing", f"what is recorded does not suffice: {said}" if naming else said


def _loosened(
    framework: str,
    requirement: Requirement,
    results: Mapping[str, ControlResult],
    overrides: Overrides,
    earlier: Mapping[str, Sequence[Mapping[str, Any]]],
) -> tuple[Loosened, ...]:
    found = []
    for name in _direct(requirement):
        result = results.get(name)
        if result is None or result.control is None or result.verdict is Outcome.NOT_APPLICABLE:
            continue
        judged_by: list[Mapping[str, Any]] = [{**result.parameters, **overrides.get(name, {})}, *earlier.get(name, ())]
        for parameter, definition in result.control.parameters.items():
            bound = definition.bounds.get(framework)
            values = [given.get(parameter, definition.default) for given in judged_by]
            outside = next((said for value in values if (said := beyond(bound, value))), None) if bound else None
            if bound and outside:
                found.append(Loosened(name, parameter, outside, bound.clause))
    return tuple(found)
