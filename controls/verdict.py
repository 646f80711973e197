"""The verdict of a control, from its findings and the completeness of its evidence. No SQL, no clock: a table.

| verdict | when |
|---|---|
| not_applicable | its flag is declared off, in date |
| unknown: error | the query broke a rule or a limit: its rows cannot be trusted |
| unknown: no_evidence | a resource fails, and a register that is needed is read from nobody |
| fail | a resource fails (or more of them than it tolerates), whatever else is unknown |
| unknown: error, no_evidence, stale | a needed collection failed, is missing or too old |
| unknown: unreadable | a resource is unknown |
| what `empty` says | there is no resource, and its proof is there; else unknown |
| not_applicable | every resource is not applicable |
| pass | all the rest |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from compliance.controls.evidence_base import ENGINE_EVENTS, ENGINE_STATES
from compliance.controls.nil_returns import Proof
from compliance.schemas.catalogue import Control
from compliance.schemas.evidence import all_kinds
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import Completeness, Coverage, FindingResult, UnknownReason

# Worst first: what the reader must mend before the rest means anything.
_ORDER = (UnknownReason.ERROR, UnknownReason.NO_EVIDENCE, UnknownReason.STALE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict with its reason in a sentence that names no person and no resource."""

    outcome: Outcome
    reason: str
    unknown_reason: UnknownReason | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """How complete the evidence of one control is."""

    completeness: Completeness
    gaps: tuple[Coverage, ...]
    unknown_reason: UnknownReason | None
    reason: str


class Promises(Protocol):
    """Who answers for a kind, and how that went."""

    def promised(self, kind: str) -> Sequence[Coverage]:
        """Coverage rows of the configured sources that answer for `kind`."""
        ...


def evidence_of(control: Control, kinds: Sequence[str], base: Promises, as_of: datetime) -> Evidence:
    """What is missing of the evidence that `control` needs, judged per configured source and kind."""
    problems: list[tuple[UnknownReason, Coverage, str]] = []
    usable = 0
    for kind in kinds:
        rows = needed(control, kind, base)
        if not rows and kind in (*ENGINE_STATES, *ENGINE_EVENTS):
            usable += 1
        elif not rows and kind in control.optional_kinds:
            continue  # nobody promises it; but what a source promises and does not give is a gap like any other
        elif not rows:
            problems.append((UnknownReason.NO_EVIDENCE, _nobody(kind), f"no configured source answers for {kind}"))
        for row in rows:
            problem = _problem(row, control, as_of)
            if problem is None:
                usable += 1
            else:
                problems.append((problem[0], row, problem[1]))
    if not problems:
        return Evidence(Completeness.COMPLETE, (), None, "")
    problems.sort(key=lambda one: _ORDER.index(one[0]))
    said = "; ".join(dict.fromkeys(one[2] for one in problems))
    gaps = tuple(one[1] for one in problems)
    return Evidence(Completeness.PARTIAL if usable else Completeness.NONE, gaps, problems[0][0], said)


def needed(control: Control, kind: str, base: Promises) -> Sequence[Coverage]:
    """The coverage rows of `kind` that `control` hangs on: all that are promised, or those of the sources it says."""
    rows = base.promised(kind)
    if kind in control.needed_from:
        concerned = {row.source for row in base.promised(control.needed_from[kind])}
        rows = tuple(row for row in rows if row.source in concerned)
    return rows


def limit(kind: str, control: Control) -> timedelta:
    """How old a complete collection of `kind` may be."""
    return control.fresh_by_kind.get(kind, control.fresh)


def _problem(row: Coverage, control: Control, as_of: datetime) -> tuple[UnknownReason, str] | None:
    what = f"{row.kind} of {row.source}"
    if row.removed_from_configuration:  # over a period alone: it was put back later
        return UnknownReason.NO_EVIDENCE, f"{what} was taken out of the configuration for a time"
    if row.outcome not in ("complete", "never"):
        return UnknownReason.ERROR, f"{what} could not be read ({row.outcome})"
    if row.outcome == "never" or row.completed_at is None:
        return UnknownReason.NO_EVIDENCE, f"{what} was never collected"
    if row.completed_at > as_of:
        return UnknownReason.NO_EVIDENCE, f"{what} was collected only after the moment judged"
    if as_of - row.completed_at > limit(row.kind, control):
        return UnknownReason.STALE, _stale(row, control, as_of)
    return None


def _stale(row: Coverage, control: Control, as_of: datetime) -> str:
    age = as_of - (row.completed_at or as_of)
    return f"{row.kind} of {row.source} is {_span(age)} old, at most {_span(limit(row.kind, control))} is accepted"


def _nobody(kind: str) -> Coverage:
    return Coverage(
        source="",
        collector="",
        kind=kind,
        outcome="never",
        message=f"no configured source answers for {kind}",
        remedy="configure a source whose collector reads it (`compliance sources discover`)",
    )


def decide(
    control: Control,
    findings: Sequence[FindingResult],
    evidence: Evidence,
    stated: Callable[[], Proof | None],
) -> Verdict:
    """The verdict over findings that kept every rule of the contract. `stated` is asked only about an empty population:
    what returns prove of it."""
    return decide_counts(control, Counter((one.verdict, one.code) for one in findings), evidence, stated)


def decide_counts(
    control: Control,
    findings: Counter[tuple[Outcome, str]],
    evidence: Evidence,
    stated: Callable[[], Proof | None],
) -> Verdict:
    """The same from how many findings there are of each verdict and reason code."""
    count: Counter[Outcome] = Counter()
    for (outcome, _), n in findings.items():
        count[outcome] += n
    fails, unknowns = count[Outcome.FAIL], count[Outcome.UNKNOWN]
    judged = fails + unknowns + count[Outcome.PASS]
    tolerated = control.tolerate.fail_percent_max if control.tolerate else 0
    if fails and (unkept := _unkept(evidence)):
        return Verdict(
            Outcome.UNKNOWN, f"{evidence.reason}; {fails} findings rest on {unkept}", UnknownReason.NO_EVIDENCE
        )
    if fails * 100 > tolerated * judged:
        return Verdict(Outcome.FAIL, f"{fails} of {judged} fail ({_codes(findings, Outcome.FAIL)})" + _also(evidence))
    if evidence.unknown_reason is not None:
        return Verdict(Outcome.UNKNOWN, evidence.reason, evidence.unknown_reason)
    if unknowns:
        reason = f"{unknowns} of {judged} could not be decided ({_codes(findings, Outcome.UNKNOWN)})"
        return Verdict(Outcome.UNKNOWN, reason, UnknownReason.UNREADABLE)
    if not findings:
        return _empty(control, stated)
    if not judged:
        reason = f"none of {findings.total()} is concerned ({_codes(findings, Outcome.NOT_APPLICABLE)})"
        return Verdict(Outcome.NOT_APPLICABLE, reason)
    if fails:
        return Verdict(Outcome.PASS, f"{fails} of {judged} fail, within the {tolerated} % that are tolerated")
    return Verdict(Outcome.PASS, f"all {judged} pass")


def _empty(control: Control, stated: Callable[[], Proof | None]) -> Verdict:
    empty = control.empty
    if empty.verdict is Outcome.UNKNOWN:
        return Verdict(Outcome.UNKNOWN, f"nothing to judge: {empty.reason.en}", UnknownReason.NO_EVIDENCE)
    fails_anyway = empty.verdict is Outcome.FAIL and empty.proof == "complete"  # that there is none is the failure
    proof = None if fails_anyway else stated()
    if proof is not None and proof.stated_at is None:
        return Verdict(Outcome.UNKNOWN, f"nothing to judge, and {proof.missing}", UnknownReason.OVERDUE)
    if proof is not None:
        said = f"stated by a return of {proof.stated_at:%Y-%m-%d}"
        return Verdict(empty.verdict, f"nothing to judge, {said}: {empty.reason.en}")
    return Verdict(empty.verdict, f"nothing to judge, on complete evidence: {empty.reason.en}")


def _unkept(evidence: Evidence) -> str:
    """The registers that a control needs and nobody is asked for: that they lack something shows nothing."""
    kinds = {gap.kind for gap in evidence.gaps if not gap.source and all_kinds()[gap.kind].kept}
    return ", ".join(sorted(kinds))


def _codes(findings: Counter[tuple[Outcome, str]], outcome: Outcome) -> str:
    return ", ".join(f"{code} {n}" for (of, code), n in sorted(findings.items()) if of is outcome)


def _also(evidence: Evidence) -> str:
    return f"; moreover {evidence.reason}" if evidence.unknown_reason is not None else ""


def _span(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes >= 2 * 24 * 60:
        return f"{minutes // (24 * 60)} d"
    return f"{minutes // 60} h" if minutes >= 120 else f"{minutes} min"
