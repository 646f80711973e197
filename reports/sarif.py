"""SARIF 2.1.0: failures as results, what could not be decided as `open` or `review`, waivers as suppressions."""

from __future__ import annotations

from typing import Any

from compliance.reports.gate import HELD, UNDECIDED, UNDECIDED_RULE, VIOLATION, GateResult, Undecided, Violation
from compliance.reports.model import control_view, coverage_views
from compliance.schemas.catalogue import Severity
from compliance.schemas.results import AuditResult, ControlResult, WaiverView

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_EXITS = {
    HELD: "held",
    VIOLATION: "a violation at or above the threshold",
    UNDECIDED: "nothing failed, but not everything could be decided",
}
# Unreserved characters of RFC 3986 and the slash: everything else in a resource's name is percent-encoded.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def sarif_document(result: AuditResult, judged: GateResult) -> dict[str, Any]:
    """The SARIF log of one gate."""
    waivers = {w.waiver: w for w in result.waivers}
    failures = [*judged.violations, *judged.below, *judged.known, *judged.accepted]
    results = [_failure(v, judged, waivers) for v in failures]
    results += [_open(u) for u in judged.undecided]
    names = sorted({v.name for v in failures} | {u.name for u in judged.undecided})
    rules = [_rule(name, result.controls.get(name)) for name in names]
    index = {name: n for n, name in enumerate(names)}
    for item in results:
        item["ruleIndex"] = index[item["ruleId"]]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "compliance", "version": result.engine_version, "rules": rules}},
                "automationDetails": {"id": f"compliance/{result.audit}"},
                "columnKind": "unicodeCodePoints",
                "invocations": [_invocation(result, judged)],
                "results": results,
                "properties": {
                    "controls": judged.controls.as_dict(),
                    "frameworks": list(judged.scope),
                    "notEvaluated": list(judged.not_evaluated),
                    "undecidedRule": UNDECIDED_RULE,
                },
            }
        ],
    }


def _rule(name: str, control: ControlResult | None) -> dict[str, Any]:
    if control is None:
        return {"id": name, "shortDescription": {"text": name}}
    rule: dict[str, Any] = {
        "id": name,
        "shortDescription": {"text": control.title.en},
        "defaultConfiguration": {"level": _LEVEL[control.severity]},
        "properties": {"severity": control.severity.value, "version": control.version},
    }
    if control.control is not None:
        changed = [f"{p.title.en} {p.value} {p.unit}".rstrip() for p in control_view(control).changed]
        judged = f" As written for the defaults; judged by: {'; '.join(changed)}." if changed else ""
        rule["fullDescription"] = {"text": control.control.statement.en + judged}
        rule["help"] = {"text": control.control.remedy.en}
    return rule


def _failure(v: Violation, judged: GateResult, waivers: dict[str, WaiverView]) -> dict[str, Any]:
    item: dict[str, Any] = {
        "ruleId": v.name,
        "kind": "fail",
        "level": _LEVEL[v.severity],
        "message": {"text": v.reason or v.code},
        "locations": [_location(v.finding.source, v.finding.resource) if v.finding else _location(None, v.name)],
        "partialFingerprints": {"finding/v1": v.fingerprint},
        "properties": {
            "code": v.code,
            "severity": v.severity.value,
            "belowThreshold": v in judged.below,
            "entries": list(v.finding.entries) if v.finding else [],
        },
    }
    if judged.baseline_state == "in_force" and judged.new_only:
        item["baselineState"] = "unchanged" if v in judged.known else "new"
    if v.finding is not None and v.finding.waiver:
        item["suppressions"] = [_suppression(v.finding.waiver, waivers.get(v.finding.waiver))]
    return item


def _suppression(name: str, waiver: WaiverView | None) -> dict[str, Any]:
    if waiver is None:
        return {"kind": "external", "status": "underReview", "justification": f"waiver {name}, unknown to this run"}
    until = waiver.expires_at.date().isoformat() if waiver.expires_at else "no date"
    by = f"requested by {waiver.requested_by}, approved by {waiver.approved_by}"
    return {
        "kind": "external",
        "status": "accepted" if waiver.state == "in_force" else "underReview",
        "justification": f"{name}: {waiver.reason} ({by}, until {until})",
    }


def _open(u: Undecided) -> dict[str, Any]:
    return {
        "ruleId": u.name,
        "kind": "review" if u.kind == "requirement" else "open",
        "level": "none",
        "message": {"text": u.reason or u.cause},
        "locations": [_location(None, u.name)],
        "properties": {"cause": u.cause},
    }


def _location(source: str | None, resource: str) -> dict[str, Any]:
    name = f"{source}/{resource}" if source else resource
    # Some readers show only results with a file: the address of the resource stands in for one.
    return {
        "physicalLocation": {"artifactLocation": {"uri": _quoted(name)}},
        "logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}],
    }


def _quoted(text: str) -> str:
    raw = text.encode("utf-8", "replace").lstrip(b"/")
    return "".join(chr(b) if b in _PLAIN else f"%{b:02X}" for b in raw) or "-"


def _invocation(result: AuditResult, judged: GateResult) -> dict[str, Any]:
    notifications: list[dict[str, Any]] = [
        {
            "level": "error",
            "descriptor": {"id": f"collection/{view.row.outcome}"},
            "message": {
                "text": f"{view.row.source}: {view.row.kind}: {view.row.outcome}: {view.row.message or 'no message'}"
            },
        }
        for view in coverage_views(result, result.controls)
        if not view.complete
    ]
    notifications += [
        {"level": "error", "descriptor": {"id": f"undecided/{u.cause}"}, "message": {"text": f"{u.name}: {u.reason}"}}
        for u in judged.undecided
    ]
    notifications += [{"level": "note", "message": {"text": note}} for note in result.notes]
    return {
        "executionSuccessful": not judged.undecided,
        "exitCode": judged.exit_code,
        "exitCodeDescription": _EXITS[judged.exit_code],
        "endTimeUtc": result.generated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "toolExecutionNotifications": notifications,
    }
