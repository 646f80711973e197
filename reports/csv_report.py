"""Tables for spreadsheets: findings, coverage and the evidence index, as RFC 4180 writes them.

A cell that a spreadsheet would run as a formula gets an apostrophe in front; the JSON holds the text as it was.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson

from compliance.reports import period
from compliance.reports.model import ControlView, CoverageView, FrameworkView, control_view, coverage_views
from compliance.schemas.results import AuditResult

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")

FINDINGS = (
    "control",
    "version",
    "severity",
    "number",
    "source",
    "resource",
    "status",
    "verdict",
    "code",
    "reason",
    "waiver",
    "subject",
    "entries",
    "fingerprint",
)
COVERAGE = (
    "source",
    "collector",
    "kind",
    "outcome",
    "message",
    "remedy",
    "attempted_at",
    "completed_at",
    "entry",
    "complete_entry",
    "base_entry",
    "rows",
    "previous_rows",
    "added",
    "removed",
    "independent_count",
    "attempts",
    "snapshot_sha256",
    "removed_from_configuration",
    "controls",
)
EVIDENCE = ("entry", "complete_entry", "base_entry", "source", "kind", "completed_at", "request", "method", "text")
EVIDENCE_MORE = ("answer_sha256", "rows", "independent_count", "snapshot_sha256")


def neutral(value: object) -> str:
    """The cell's text, harmless in a spreadsheet: None is empty, times are ISO 8601 in UTC, lists are joined."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    text = " ".join(str(v) for v in value) if isinstance(value, tuple | list) else str(value)
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file: UTF-8, CRLF, a header line, quotes where RFC 4180 asks for them."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def findings_csv(controls: Iterable[ControlView]) -> bytes:
    """Every finding of these controls."""
    return table(
        FINDINGS,
        (
            (
                view.id,
                view.result.version,
                view.result.severity,
                f.result.number,
                f.result.source,
                f.result.resource,
                f.status,
                f.result.verdict,
                f.result.code,
                f.result.reason,
                f.result.waiver,
                f.result.subject,
                f.result.entries,
                f.result.fingerprint,
            )
            for view in controls
            for f in view.findings
        ),
    )


def coverage_csv(coverage: Iterable[CoverageView]) -> bytes:
    """Every source × kind."""
    return table(COVERAGE, (tuple(getattr(view.row, name) for name in COVERAGE) for view in coverage))


def evidence_csv(coverage: Iterable[CoverageView]) -> bytes:
    """The evidence index: one line for each request that was put to a system."""
    return table((*EVIDENCE, *EVIDENCE_MORE), (line for view in coverage for line in _evidence(view)))


def _evidence(view: CoverageView) -> Iterable[tuple[object, ...]]:
    row = view.row
    for number, request in enumerate(row.requests or ({},), start=1):
        text = request.get("text")
        yield (
            row.entry,
            row.complete_entry,
            row.base_entry,
            row.source,
            row.kind,
            row.completed_at,
            number if request else None,
            request.get("method"),
            text if text is None or isinstance(text, str) else orjson.dumps(text).decode(),
            request.get("digest"),
            row.rows,
            row.independent_count,
            row.snapshot_sha256,
        )


def framework_tables(view: FrameworkView) -> dict[str, bytes]:
    """The tables of one framework by file name."""
    return {
        **_period_tables(view.audit, [c.id for c in view.controls], f"{view.id}-"),
        f"{view.id}-findings.csv": findings_csv(view.controls),
        f"{view.id}-coverage.csv": coverage_csv(view.coverage),
        f"{view.id}-evidence.csv": evidence_csv(view.coverage),
    }


def _period_tables(audit: AuditResult, controls: Sequence[str], prefix: str = "") -> dict[str, bytes]:
    if audit.period is None:
        return {}
    return {
        f"{prefix}exceptions.csv": table(period.EXCEPTIONS, period.exception_rows(audit, controls)),
        f"{prefix}gaps.csv": table(period.GAPS, period.gap_rows(audit, controls)),
        f"{prefix}timeline.csv": table(period.TIMELINE, period.timeline_rows(audit, controls)),
    }


def audit_tables(audit: AuditResult) -> dict[str, bytes]:
    """The tables of a whole audit by file name: every control once."""
    coverage = coverage_views(audit, audit.controls)
    controls = [control_view(audit.controls[name]) for name in sorted(audit.controls)]
    return {
        **_period_tables(audit, sorted(audit.controls)),
        "findings.csv": findings_csv(controls),
        "coverage.csv": coverage_csv(coverage),
        "evidence.csv": evidence_csv(coverage),
    }
