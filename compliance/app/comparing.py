"""Audits that the ledger recorded, compared with one another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.app import evidence
from compliance.app.where import nearest
from compliance.app.workspace import Workspace
from compliance.controls import comparison
from compliance.controls.comparison import Change, Difference, Found, Judged, Recorded
from compliance.controls.evidence_base import EvidenceBase
from compliance.controls.profile import aware
from compliance.schemas.errors import ConfigError
from compliance.schemas.kinds.engine import Outcome

_KINDS = ("audit", "control_verdict", "finding")


@dataclass(frozen=True, slots=True)
class Known:
    """An audit in the ledger."""

    audit: str
    as_of: datetime
    entry: int
    of_period: bool = False

    def follows(self, other: Known) -> bool:
        """What differs between them came with time: both judge a moment, or both a period, and `other` no later one."""
        return self.of_period == other.of_period and self.as_of >= other.as_of and self.entry > other.entry


@dataclass(frozen=True, slots=True)
class Compared:
    """Two audits and what differs between them."""

    then: Known
    now: Known
    differences: Sequence[Difference]
    definitions: Sequence[str]  # controls that were judged by another definition or other parameters
    verdicts: Sequence[tuple[str, str, str]]  # control, verdict then, verdict now, where they differ
    erased: int  # findings whose resource was erased: they cannot be compared

    @property
    def exit_code(self) -> int:
        """1 when something is new or regressed, 3 when something is no longer decided, else 0."""
        changes = {item.change for item in self.differences}
        if changes & {Change.NEW, Change.REGRESSED}:
            return 1
        return 3 if Change.UNDECIDED in changes else 0


@dataclass(frozen=True, slots=True)
class Step:
    """One audit in a row of them, against the one before it."""

    known: Known
    verdicts: dict[str, int]
    failing: int
    changes: dict[str, int] | None  # None for the first
    definitions: int


def diff(workspace: Workspace, earlier: str | None, later: str | None) -> Compared:
    """Two audits by their identifiers or the beginning of them; the last two when none is given, the last and the one
    named when one is.

    Raises:
        ConfigError: there are not two, or a name means none or several.
    """
    with evidence.engine_base(workspace.ledger, _KINDS, workspace.clock()) as base:
        known = audits(base)
        if len(known) < 2:
            raise ConfigError(
                f"the ledger holds {len(known)} finished audits; two are needed", remedy="run `compliance audit`"
            )
        now = _named(known, later) if later else known[-1]
        then = _named(known, earlier) if earlier else _before(known, now)
        if then.entry >= now.entry:
            raise ConfigError(
                f"audit {then.audit} is not earlier than {now.audit}", remedy="name the earlier one first"
            )
        if not now.follows(then):
            said = "a period" if then.of_period else f"the moment {then.as_of:%Y-%m-%d %H:%M} UTC"
            other = "a period" if now.of_period else f"the moment {now.as_of:%Y-%m-%d %H:%M} UTC"
            raise ConfigError(
                f"audit {then.audit} judges {said} and {now.audit} {other}: what differs was not mended in between",
                remedy="name two audits of moments, or two over periods, the one of the earlier time first",
            )
        before = frozenset[comparison.Resource]().union(
            *(_recorded(base, item.audit)[0].failing() for item in known if item.entry < then.entry)
        )
        (a, erased_a), (b, erased_b) = _recorded(base, then.audit), _recorded(base, now.audit)
    return Compared(then, now, comparison.compare(a, b, before), _redefined(a, b), _verdicts(a, b), erased_a + erased_b)


def trend(workspace: Workspace, last: int) -> list[Step]:
    """The last so many audits in order, each against the one before it."""
    with evidence.engine_base(workspace.ledger, _KINDS, workspace.clock()) as base:
        steps: list[Step] = []
        newest: dict[bool, tuple[Known, Recorded]] = {}  # over a period, and not
        failed: frozenset[comparison.Resource] = frozenset()
        for item in audits(base):
            now, _ = _recorded(base, item.audit)
            prior = newest.get(item.of_period)
            before = prior[1] if prior is not None and item.follows(prior[0]) else None
            changes = None if before is None else comparison.counts(comparison.compare(before, now, failed))
            verdicts = {
                outcome.value: sum(1 for one in now.controls.values() if one.verdict is outcome) for outcome in Outcome
            }
            redefined = 0 if before is None else len(_redefined(before, now))
            steps.append(Step(item, verdicts, len(now.failing()), changes, redefined))
            failed |= before.failing() if before else frozenset()
            if prior is None or before is not None:
                newest[item.of_period] = (item, now)
    return steps[-last:]


def audits(base: EvidenceBase) -> list[Known]:
    """The audits that were finished, in the order of the ledger."""
    rows = base.query("SELECT audit, as_of, entry, period_end FROM audit ORDER BY entry", {})[1]
    return [Known(row[0], aware(row[1]), row[2], row[3] is not None) for row in rows]


def _before(known: Sequence[Known], now: Known) -> Known:
    """The newest audit that can be compared with `now`. Raises ConfigError when there is none."""
    found = [item for item in known if now.follows(item)]
    if not found:
        raise ConfigError(
            f"no audit before {now.audit} judges an earlier {'period' if now.of_period else 'moment'}",
            remedy="name two audits; `compliance trend` lists them",
        )
    return found[-1]


def _named(known: Sequence[Known], name: str) -> Known:
    found = [item for item in known if item.audit == name] or [item for item in known if item.audit.startswith(name)]
    if len(found) != 1:
        said = (
            "means several audits" if found else f"is no audit in the ledger{nearest(name, [k.audit for k in known])}"
        )
        raise ConfigError(f"{name!r} {said}", remedy="`compliance trend` lists them")
    return found[0]


def _recorded(base: EvidenceBase, audit: str) -> tuple[Recorded, int]:
    """An audit, and how many of its findings name no resource any more."""
    judged = base.query(
        "SELECT control, verdict, unknown_reason, control_version, control_sha256, parameters "
        "FROM control_verdict WHERE audit = $audit",
        {"audit": audit},
    )[1]
    found = base.query(
        "SELECT control, of_source, resource, verdict, code, reason, rests_on FROM finding WHERE audit = $audit",
        {"audit": audit},
    )[1]
    controls = {
        row[0]: Judged(Outcome(row[1]), row[2], row[3], row[4], json.loads(row[5]) if row[5] else {}) for row in judged
    }
    findings = {
        (row[0], row[1], row[2]): Found(Outcome(row[3]), row[4], row[5] or "", tuple(row[6] or ()))
        for row in found
        if row[2] is not None
    }
    return Recorded(audit, controls, findings), sum(1 for row in found if row[2] is None)


def _redefined(then: Recorded, now: Recorded) -> list[str]:
    return sorted(
        name
        for name in then.controls.keys() & now.controls.keys()
        if not then.controls[name].same_definition(now.controls[name])
    )


def _verdicts(then: Recorded, now: Recorded) -> list[tuple[str, str, str]]:
    names: Iterable[str] = sorted({*then.controls, *now.controls})
    pairs = ((name, then.controls.get(name), now.controls.get(name)) for name in names)
    said = ((name, a.verdict.value if a else "none", b.verdict.value if b else "none") for name, a, b in pairs)
    return [one for one in said if one[1] != one[2]]
