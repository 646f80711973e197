"""Results for machines: one versioned JSON shape for a framework and for a whole audit.

The shape is published in `reports/schema/report-1.json`. Within a major version fields are only added.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from compliance.reports.model import (
    CONTROL_STATUSES,
    FINDING_STATUSES,
    ControlView,
    CoverageView,
    FrameworkView,
    RequirementView,
    control_view,
    count,
    coverage_views,
    framework_view,
)
from compliance.reports.period import period_part
from compliance.reports.plain import plain
from compliance.schemas.results import AuditResult

SCHEMA_VERSION = "1.0"
SCHEMA_FILE = Path(__file__).parent / "schema" / "report-1.json"
DISCLAIMER = "Management's evidence, not an auditor's opinion."


def framework_document(view: FrameworkView) -> dict[str, Any]:
    """One framework as plain data."""
    return {
        **head(view.audit, "framework"),
        "frameworks": [_framework(view)],
        "controls": [_control(c) for c in view.controls],
        "coverage": [_coverage(c) for c in view.coverage],
        **_declared(view.audit),
        **period_part(view.audit, [c.id for c in view.controls]),
    }


def audit_document(audit: AuditResult) -> dict[str, Any]:
    """A whole audit as plain data: every framework it judged, every control once."""
    named: dict[str, list[str]] = {}
    views = [framework_view(audit, f.framework.id) for f in audit.frameworks]
    for view in views:
        for c in view.controls:
            named.setdefault(c.id, []).extend(f"{view.id}:{r}" for r in c.requirements)
    controls = [control_view(audit.controls[k], "", tuple(named.get(k, ()))) for k in sorted(audit.controls)]
    return {
        **head(audit, "audit"),
        "summary": {
            "controls": count((c.status for c in controls), CONTROL_STATUSES).as_dict(),
            "findings": count((f.status for c in controls for f in c.findings), FINDING_STATUSES).as_dict(),
        },
        "frameworks": [_framework(view) for view in views],
        "controls": [_control(c) for c in controls],
        "coverage": [_coverage(c) for c in coverage_views(audit, audit.controls)],
        **_declared(audit),
        **period_part(audit, audit.controls),
    }


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """The document as indented UTF-8 JSON; the same document gives the same bytes."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def fields(value: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a slotted dataclass as plain data."""
    return {name: plain(getattr(value, name)) for name in type(value).__slots__ if name not in without}


def head(audit: AuditResult, document: str) -> dict[str, Any]:
    """What every document begins with: which audit, on which ledger."""
    return {
        "schema_version": SCHEMA_VERSION,
        "document": document,
        "disclaimer": DISCLAIMER,
        "audit": {
            "id": audit.audit,
            "organisation": audit.organisation,
            "engine_version": audit.engine_version,
            "as_of": plain(audit.as_of),
            "known": audit.known,
            "definitions": audit.definitions,
            "generated_at": plain(audit.generated_at),
        },
        "ledger": {
            **fields(audit.ledger, without=("anchors",)),
            "anchors": [fields(anchor) for anchor in audit.ledger.anchors],
        },
        "notes": list(audit.notes),
    }


def _declared(audit: AuditResult) -> dict[str, Any]:
    return {
        "profile": [fields(flag) for flag in audit.profile],
        "waivers": [fields(waiver) for waiver in audit.waivers],
        "attestations": [fields(attestation) for attestation in audit.attestations],
    }


def _framework(view: FrameworkView) -> dict[str, Any]:
    framework = view.result.framework
    return {
        "id": framework.id,
        "name": plain(framework.name),
        "edition": framework.edition,
        "authority": framework.authority,
        "text_notice": plain(framework.text_notice),
        "summary": {
            "requirements": view.requirement_counts.as_dict(),
            "controls": view.control_counts.as_dict(),
            "findings": view.finding_counts.as_dict(),
        },
        "requirements": [_requirement(r) for r in view.requirements],
    }


def _requirement(view: RequirementView) -> dict[str, Any]:
    requirement = view.requirement
    return {
        "id": requirement.id,
        "group": view.result.group,
        "title": plain(requirement.title),
        "kind": requirement.kind,
        "automation": requirement.automation,
        "manual": list(requirement.manual),
        "condition": requirement.condition,
        "status": view.status.value,
        "verdict": view.result.verdict.value,
        "waived": view.result.waived,
        "code": view.result.code,
        "reason": view.result.reason,
        "controls": [
            {
                "control": x.control,
                "bears": "direct" if x.direct else "supporting",
                "why": x.why,
                "status": x.status.value,
            }
            for x in view.links
        ],
        "attestations": list(view.result.attestations),
    }


def _control(view: ControlView) -> dict[str, Any]:
    result = view.result
    return {
        "id": result.id,
        "version": result.version,
        "sha256": result.sha256,
        "title": plain(result.title),
        "severity": result.severity.value,
        "status": view.status.value,
        "verdict": result.verdict.value,
        "unknown_reason": plain(result.unknown_reason),
        "completeness": result.completeness.value,
        "waived": result.waived,
        "reason": result.reason,
        "planned": plain(result.planned),
        "kinds": list(result.kinds),
        "parameters": [
            {"name": p.name, "value": plain(p.value), "unit": p.unit, "default": plain(p.default), "source": p.source}
            for p in view.parameters
        ],
        "requirements": list(view.requirements),
        "gaps": [{"source": g.source, "kind": g.kind, "outcome": g.outcome} for g in result.gaps],
        "counts": view.counts.as_dict(),
        "findings": [{**fields(f.result), "status": f.status.value} for f in view.findings],
    }


def _coverage(view: CoverageView) -> dict[str, Any]:
    age = None if view.age is None else int(view.age.total_seconds())
    return {**fields(view.row, without=("controls",)), "age_s": age, "controls": list(view.controls)}
