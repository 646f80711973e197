"""The verdicts of an audit, and the audit itself, put into the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from compliance.app import keeping
from compliance.app.workspace import Workspace
from compliance.ledger import Draft
from compliance.schemas.kinds.engine import Audit, ControlVerdict, Finding
from compliance.schemas.period import ControlPeriod
from compliance.schemas.results import AuditResult, ControlResult


def record(workspace: Workspace, result: AuditResult) -> None:
    """Write verdicts and findings into the ledger: one signed append."""
    drafts = keeping.drafts(workspace, result.controls.values())
    for control in result.controls.values():
        if control.control is None:
            continue
        drafts.append(Draft("control_verdict", _verdict(result, control)))
        for finding in control.findings:
            row = Finding(
                occurred_at=result.as_of,
                audit=result.audit,
                control=control.id,
                number=finding.number,
                of_source=finding.source,
                resource=finding.resource,
                verdict=finding.verdict,
                code=finding.code,
                reason=finding.reason,
                rests_on=list(finding.entries),
                waiver=finding.waiver,
            )
            drafts.append(Draft("finding", row, alias=finding.subject))
    workspace.ledger.append(drafts)


def close(workspace: Workspace, result: AuditResult, reports: Sequence[tuple[str, str]]) -> None:
    """Record the audit itself with the digests of the files (name, SHA-256) that were written from it."""
    verdicts = Counter(control.verdict.value for control in result.controls.values() if control.control is not None)
    entry = Audit(
        occurred_at=workspace.clock(),
        audit=result.audit,
        frameworks=[item.framework.id for item in result.frameworks],
        as_of=result.as_of,
        period_start=result.period.start if result.period else None,
        period_end=result.period.end if result.period else None,
        known=result.known,
        ledger_size=result.ledger.size,
        ledger_root=result.ledger.root,
        engine_version=result.engine_version,
        time_zone=workspace.config.organisation.time_zone,
        profile={flag.flag: flag.value for flag in result.profile if flag.in_date},
        counts=dict(sorted(verdicts.items())),
        reports=[{"name": name, "sha256": digest} for name, digest in reports],
    )
    workspace.ledger.append([Draft("audit", entry)])


def _verdict(result: AuditResult, control: ControlResult) -> ControlVerdict:
    counts = Counter(finding.verdict.value for finding in control.findings)
    return ControlVerdict(
        occurred_at=result.as_of,
        audit=result.audit,
        control=control.id,
        control_version=control.version,
        control_sha256=control.sha256,
        verdict=control.verdict,
        unknown_reason=control.unknown_reason.value if control.unknown_reason else None,
        completeness=control.completeness.value,
        waived=control.waived,
        reason=control.reason,
        parameters=dict(control.parameters),
        counts=dict(sorted(counts.items())),
        duration_us=control.duration_us,
        period=_over(result.period.controls[control.id]) if result.period else None,
        definitions="then" if result.definitions == "then" else None,
    )


def _over(found: ControlPeriod) -> dict[str, Any]:
    """What the verdict over a period rests on, in numbers."""
    said: dict[str, Any] = {"rule": found.rule, "exceptions": len(found.exceptions), "gaps": len(found.gaps)}
    if found.occurrences is not None:
        for name in ("unit", "expected", "needed", "observed", "conforming"):
            said[name] = getattr(found.occurrences, name)
    if found.population is not None:
        for name in ("opening", "added", "removed", "closing", "members", "sha256"):
            said[name] = getattr(found.population, name)
    return said
