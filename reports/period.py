"""An audit over a period, for machines and spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from compliance.reports.plain import plain
from compliance.schemas.period import ControlPeriod, Exceptional, Gap, Occurrences
from compliance.schemas.results import AuditResult

EXCEPTIONS = (
    "control",
    "number",
    "source",
    "resource",
    "code",
    "reason",
    "start",
    "not_before",
    "end",
    "ended",
    "lasted_s",
    "waiver",
    "entries",
)
TIMELINE = ("control", "start", "end", "verdict", "unknown_reason", "completeness", "reason")
GAPS = ("source", "kind", "start", "end", "lasted_s", "cause", "attempts", "entries", "controls")


def period_part(audit: AuditResult, controls: Iterable[str]) -> dict[str, Any]:
    """`{"period": …}` with the named controls, or nothing for an audit of a moment."""
    view = audit.period
    if view is None:
        return {}
    named = [view.controls[name] for name in controls if name in view.controls]
    return {
        "period": {
            "start": plain(view.start),
            "end": plain(view.end),
            "until": plain(view.until),
            "over": view.over,
            "definitions": view.definitions,
            "moments": view.moments,
            "first_evidence": plain(view.first_evidence),
            "gaps": [_gap(gap) for gap in view.gaps],
            "controls": [_control(one, audit) for one in named],
        }
    }


def _control(one: ControlPeriod, audit: AuditResult) -> dict[str, Any]:
    population = one.population
    return {
        "control": one.control,
        "rule": one.rule,
        "verdict": one.verdict.value,
        "unknown_reason": plain(one.unknown_reason),
        "completeness": one.completeness.value,
        "reason": one.reason,
        "evaluations": one.evaluations,
        "occurrences": _occurrences(one.occurrences) if one.occurrences else None,
        "population": None if population is None else {**_slots(population), "adds_up": population.adds_up},
        "timeline": [_slots(stretch) for stretch in one.timeline],
        "exceptions": [_exception(found, audit) for found in one.exceptions],
        "gaps": [_gap(gap) for gap in one.gaps],
        "definitions": [_slots(definition) for definition in one.definitions],
    }


def _occurrences(found: Occurrences) -> dict[str, Any]:
    return {**_slots(found), "missing": [_slots(block) for block in found.missing]}


def _exception(found: Exceptional, audit: AuditResult) -> dict[str, Any]:
    return {**_slots(found), "lasted_s": plain(found.lasted(audit.as_of))}


def _gap(gap: Gap) -> dict[str, Any]:
    return {**_slots(gap), "lasted_s": plain(gap.lasted)}


def _slots(value: Any) -> dict[str, Any]:
    return {name: plain(getattr(value, name)) for name in type(value).__slots__}


def exception_rows(audit: AuditResult, controls: Iterable[str]) -> Iterator[tuple[object, ...]]:
    """Rows of `EXCEPTIONS`."""
    for one in _named(audit, controls):
        for found in one.exceptions:
            row = _exception(found, audit)
            yield (one.control, *(row[name] for name in EXCEPTIONS[1:]))


def timeline_rows(audit: AuditResult, controls: Iterable[str]) -> Iterator[tuple[object, ...]]:
    """Rows of `TIMELINE`."""
    for one in _named(audit, controls):
        for stretch in one.timeline:
            row = _slots(stretch)
            yield (one.control, *(row[name] for name in TIMELINE[1:]))


def gap_rows(audit: AuditResult, controls: Iterable[str]) -> Iterator[tuple[object, ...]]:
    """Rows of `GAPS`, each with the controls that missed what it names."""
    named = list(_named(audit, controls))
    for gap in audit.period.gaps if audit.period else ():
        missed = [one.control for one in named if gap in one.gaps]
        if missed:
            said = [f"{outcome} {n}" for outcome, n in gap.attempts.items()]
            span = (plain(gap.start), plain(gap.end), plain(gap.lasted))
            yield (gap.source, gap.kind, *span, gap.cause, said, gap.entries, missed)


def _named(audit: AuditResult, controls: Iterable[str]) -> Iterator[ControlPeriod]:
    if audit.period is not None:
        yield from (audit.period.controls[name] for name in controls if name in audit.period.controls)
