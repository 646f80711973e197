"""An audit over a period: every control replayed from the ledger over all its moments, and judged by its period rule.

Nothing is taken from results that were remembered. The last moment is moreover audited by itself, on evidence built in
another way; a control whose replay says something else there is not trusted.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import compliance.controls.period.replay as replaying
from compliance.app import audit, collect, evidence, history, integrity, keeping, period_notes, verdicts
from compliance.app.audit import Plan, Wanted
from compliance.app.keeping import Used
from compliance.app.workspace import Say, Workspace
from compliance.controls import applicability, rollup
from compliance.controls.catalogue import Catalogue
from compliance.controls.evaluate import Overrides
from compliance.controls.period.beside import side_by_side
from compliance.controls.period.calendar import Window
from compliance.controls.period.replay import OfDay, Replayed, Told
from compliance.controls.profile import declared_off
from compliance.schemas.errors import ConfigError
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.period import ControlPeriod, DefinitionOfDay, Exceptional, Gap, PeriodView
from compliance.schemas.results import (
    AttestationView,
    AuditResult,
    Completeness,
    ControlResult,
    FindingResult,
    FrameworkResult,
    RequirementResult,
    UnknownReason,
    WaiverView,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an audit over a period is asked for. Both days belong to it; they are days of UTC."""

    first: date
    last: date
    frameworks: Sequence[str] = ()  # those of the configuration when empty
    known: str = "now"  # then: only what was recorded by the end of the period
    definitions: str = "now"  # then: those of the day


def asked(text: str, **more: str | Sequence[str]) -> Asked:
    """`2026-01-01..2026-06-30` as a request. Raises ConfigError when it is none, or ends before it begins."""
    try:
        first, last = (date.fromisoformat(part) for part in text.split(".."))
    except ValueError:
        raise ConfigError(f"{text!r} is no period", remedy="write two days: 2026-01-01..2026-06-30") from None
    if last < first:
        raise ConfigError(f"{text}: the period ends before it begins", remedy=f"write {last}..{first}")
    return Asked(first, last, **more)  # type: ignore[arg-type]  # the names of its fields


def possible(wanted: Asked, now: datetime, catalogue: Catalogue) -> Catalogue:
    """`catalogue`, when the request makes sense whatever the configuration says.

    Raises ConfigError for an unknown framework, or a period that has not begun.
    """
    if wanted.first > now.astimezone(UTC).date():
        raise ConfigError(
            f"the period begins on {wanted.first}, which lies ahead: nothing can be said of it yet",
            remedy="choose a period that has begun",
        )
    for name in wanted.frameworks:
        audit.framework(catalogue, name)
    return catalogue


def perform(
    workspace: Workspace,
    wanted: Asked,
    catalogue: Catalogue,
    *,
    say: Say,
    progress: Callable[[str], None] | None = None,
) -> AuditResult:
    """Verify the ledger, replay the period, judge, and record the verdicts. Nothing is collected.

    Raises:
        IntegrityError: the ledger is not what was signed; nothing is evaluated on it.
        ConfigError: a period that has not begun, or of which the ledger holds nothing.
    """
    asks = Wanted(wanted.frameworks, None, wanted.known, collect=False, definitions=wanted.definitions)
    plan = audit.plan(workspace.config, asks, catalogue)
    say("verifying the ledger …")
    checked, anchors = integrity.check_ledger(workspace)
    window = Window.of_days(wanted.first, wanted.last, workspace.clock())
    plan, said = audit.of_day(workspace, plan, window.until)
    closing = audit.evaluate_at(workspace, plan, window.until, checked, anchors, tuple(said), say, window.start)
    result = over(workspace, plan, wanted, window, closing, say, progress)
    verdicts.record(workspace, result)
    return result


def over(
    workspace: Workspace,
    plan: Plan,
    wanted: Asked,
    window: Window,
    closing: AuditResult,
    say: Say,
    progress: Callable[[str], None] | None = None,
) -> AuditResult:
    """The audit over `window`, given that of its last moment; recorded nowhere."""
    ledger, catalogue = workspace.ledger, plan.catalogue
    upto = evidence.visible(ledger, window.until, wanted.known)
    uses_of = {
        name: _within(uses, window) for name, uses in keeping.used(workspace, plan.catalogue, window.until).items()
    }
    judging = [*catalogue.controls.values()]
    if wanted.definitions == "then":
        judging += [use.loaded for uses in uses_of.values() for use in uses]
    kinds = sorted({kind for loaded in judging for kind in loaded.kinds})
    say("sorting out what was in force when …")
    told = history.told(ledger, window, kinds, upto=upto, time_zone=workspace.config.organisation.time_zone)

    def judged(name: str, side: Told) -> Replayed:
        uses = uses_of.get(name, [])
        found = replaying.replay(
            catalogue.controls[name],
            side,
            dict(closing.controls[name].parameters),
            definitions=_definitions(uses, window, closing, name),
            of_day=_of_day(uses, told.times) if wanted.definitions == "then" else (),
        )
        return trusted(found, closing, name)

    with told.history:
        say(f"replaying {len(catalogue.controls)} controls over {len(told.times)} moments …")
        replayed = side_by_side(catalogue.controls, told, judged, progress)
    return assembled(workspace, plan, wanted, told, closing, replayed)


def assembled(
    workspace: Workspace,
    plan: Plan,
    wanted: Asked,
    told: Told,
    closing: AuditResult,
    replayed: Mapping[str, Replayed],
) -> AuditResult:
    """The audit over the period from its replayed controls, with waivers and requirements."""
    window = told.window
    overrides: Overrides = workspace.config.parameters if plan.overrides is None else plan.overrides
    controls: dict[str, ControlResult] = {}
    periods: dict[str, ControlPeriod] = {}
    for name, result in closing.controls.items():
        if name in replayed:
            controls[name], periods[name] = _control(result, replayed[name], window, closing.waivers)
        else:
            controls[name] = result
    earlier = {
        name: [one.parameters for one in found.definitions] if wanted.definitions == "then" else []
        for name, found in periods.items()
    }
    frameworks = _rolled_up(overrides, told, closing, controls, earlier)
    recorded = {view.attestation: workspace.ledger.entry(view.entry).at for view in closing.attestations}
    frameworks = tuple(_with_unshown(one, closing.attestations, recorded, window) for one in frameworks)
    view = _view(workspace, wanted, told, closing, periods)
    return replace(
        closing,
        audit=collect.run_id(workspace.clock()),
        generated_at=workspace.clock(),
        controls=controls,
        frameworks=frameworks,
        notes=(*period_notes.of_period(view), *period_notes.left(told), *closing.notes),
        period=view,
    )


def _rolled_up(
    overrides: Overrides,
    told: Told,
    closing: AuditResult,
    controls: Mapping[str, ControlResult],
    earlier: Mapping[str, Sequence[Mapping[str, Any]]],
) -> tuple[FrameworkResult, ...]:
    """The requirements over the period: what was declared within it leaves nothing out of it."""
    window = told.window
    # a questionnaire declared within the period left nothing out before
    late = {
        view.flag
        for view in closing.profile
        if view.declared_at > window.start and applicability.is_questionnaire(closing.frameworks, view.flag)
    }
    profile = [
        view for view in closing.profile if view.flag not in late and (view.value or _off_throughout(told, view.flag))
    ]
    return tuple(
        rollup.roll_up(
            judged.framework,
            controls,
            attestations=closing.attestations,
            profile=profile,
            overrides=overrides,
            as_of=window.until,
            earlier=earlier,
            applicability=applicability.since(closing.applicability, window.start),
        )
        for judged in closing.frameworks
    )


def _view(
    workspace: Workspace, wanted: Asked, told: Told, closing: AuditResult, periods: Mapping[str, ControlPeriod]
) -> PeriodView:
    window = told.window
    first = min(
        (item.at for item in workspace.ledger.collections(closing.ledger.size) if item.of_source != "engine"),
        default=None,
    )
    gaps = sorted(
        {_key(gap): gap for period in periods.values() for gap in period.gaps}.values(),
        key=lambda gap: (gap.start, gap.source, gap.kind),
    )
    return PeriodView(
        start=window.start,
        end=window.end,
        until=window.until,
        definitions=wanted.definitions,
        moments=len(told.times),
        first_evidence=first,
        controls=periods,
        gaps=tuple(gaps),
    )


def _off_throughout(told: Told, flag: str) -> bool:
    """The flag was declared off at every moment from the first reading on: what is declared at the end of a period says
    nothing of its beginning."""
    numbers = range(len(told.times))
    kinds = {kind for _, kind in told.readings.states}
    first = min((n for kind in kinds for n in told.readings.begun(kind).values()), default=numbers[-1])
    return all(declared_off(flag, told.flags(n)) is not None for n in numbers[first:])


def _with_unshown(
    found: FrameworkResult, attestations: Sequence[AttestationView], recorded: Mapping[str, datetime], window: Window
) -> FrameworkResult:
    """`found` with what its manual evidence leaves open: it decides as it stands at the end of the period, and says
    nothing of the time before it was recorded."""

    def told(item: RequirementResult) -> RequirementResult:
        if item.code not in ("manual_in_date", "controls_and_manual"):
            return item
        mine = [view for view in attestations if view.attestation in item.attestations]
        spans = sorted(
            (max(view.occurred_at, recorded[view.attestation]), view.expires_at)
            for view in mine
            if not _taken_back(view, window)
        )
        at, bare = window.start, []
        for begin, end in spans:
            if begin > at:
                bare.append(f"{at:%Y-%m-%d} to {begin:%Y-%m-%d}")
            at = max(at, end)
        said = f"; none was on record from {', '.join(bare)}" if bare else ""
        return replace(item, reason=item.reason + said)

    return replace(found, requirements=tuple(map(told, found.requirements)))


def _taken_back(view: AttestationView, window: Window) -> bool:
    return not view.in_date and view.expires_at > window.until


def _within(uses: Sequence[Used], window: Window) -> list[Used]:
    """Those that judged in the period: the newest of before it, and those that came in it."""
    before = [use for use in uses if use.first <= window.start]
    return [*before[-1:], *(use for use in uses if window.start < use.first <= window.until)]


def _of_day(uses: Sequence[Used], times: Sequence[datetime]) -> list[OfDay]:
    """From which moment on each of `uses` judged: the first of the day (UTC) of its first verdict that the one before
    did not judge itself. The first judged what was before it: the ledger knows of no other."""
    found: list[OfDay] = []
    for n, use in enumerate(uses):
        since = 0
        if n:
            midnight = use.first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            since = max(bisect_left(times, midnight), bisect_right(times, uses[n - 1].last))
        found.append(OfDay(since, use.loaded, use.parameters))
    return found


def _definitions(uses: Sequence[Used], window: Window, closing: AuditResult, name: str) -> list[DefinitionOfDay]:
    """What the control was judged by in the period, as audits recorded it, and by what it is judged here."""
    found = [
        DefinitionOfDay(
            max(use.first, window.start), use.loaded.control.version, use.loaded.sha256, dict(use.parameters), use.audit
        )
        for use in uses
    ]
    now = closing.controls[name]
    if not found or (found[-1].sha256, found[-1].parameters) != (now.sha256, dict(now.parameters)):
        found.append(DefinitionOfDay(closing.generated_at, now.version, now.sha256, dict(now.parameters), None))
    return found


def _key(gap: Gap) -> tuple[str, str, datetime, datetime]:
    return (gap.source, gap.kind, gap.start, gap.end)


def trusted(found: Replayed, closing: AuditResult, name: str) -> Replayed:
    """`found`, or an error where its last moment is not what the audit of that moment says."""
    at_end = closing.controls[name]
    if found.period.unknown_reason is UnknownReason.ERROR and not found.findings:
        return found
    said = None
    if at_end.unknown_reason is UnknownReason.ERROR and not at_end.gaps and not at_end.findings:
        said = at_end.reason
    elif at_end.control is not None and declared_off(at_end.control.applies_if, closing.profile) is None:
        there = {(one.source or "", one.resource, one.verdict.value, one.code) for one in at_end.findings}
        if there != found.closing:
            n = len(there ^ set(found.closing))
            said = f"its replay differs from the audit of the last moment in {n} findings: neither is trusted"
    if said is None:
        return found
    period = replace(
        found.period,
        verdict=Outcome.UNKNOWN,
        unknown_reason=UnknownReason.ERROR,
        completeness=Completeness.NONE,
        reason=said,
    )
    return replace(found, period=period, findings=())


def _control(
    at_end: ControlResult, found: Replayed, window: Window, granted: Sequence[WaiverView]
) -> tuple[ControlResult, ControlPeriod]:
    """The result of a control over the period, with the waivers laid over its exceptions."""
    mine = [view for view in granted if view.control == at_end.id and view.state in ("in_force", "expired")]
    exceptions = tuple(
        replace(one, waiver=next((view.waiver for view in mine if _covers(view, one, window)), None))
        for one in found.period.exceptions
    )
    accepted: dict[tuple[str | None, str], str | None] = {}
    for one in exceptions:
        who = (one.source, one.resource)
        accepted[who] = one.waiver if accepted.get(who, one.waiver) else None
    findings: tuple[FindingResult, ...] = tuple(
        replace(one, waiver=accepted.get((one.source, one.resource))) if one.verdict is Outcome.FAIL else one
        for one in found.findings
    )
    period = replace(found.period, exceptions=exceptions)
    waived = period.verdict is Outcome.FAIL and bool(exceptions) and all(one.waiver for one in exceptions)
    result = replace(
        at_end,
        verdict=period.verdict,
        unknown_reason=period.unknown_reason,
        completeness=period.completeness,
        reason=period.reason,
        findings=findings,
        waived=waived,
    )
    return result, period


def _covers(view: WaiverView, one: Exceptional, window: Window) -> bool:
    """The waiver was approved before the failing began, and held until it ended."""
    return (
        view.source == one.source
        and view.resource in (None, one.resource)
        and view.approved_at is not None
        and view.approved_at <= one.start
        and view.expires_at is not None
        and view.expires_at >= (one.end or window.until)
    )
