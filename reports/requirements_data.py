"""The rows of requirements for machines and terminals: JSON, CSV and lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from compliance.reports.csv_report import table
from compliance.reports.json_report import fields, head
from compliance.reports.plain import plain
from compliance.reports.requirements import DecidingView, RequirementRow, RequirementsView, chosen
from compliance.reports.texts import Language, text, word
from compliance.schemas.results import ApplicabilityView, AuditResult

CSV = (
    "framework", "requirement", "title", "status", "verdict", "code", "cause", "automation", "condition", "effective",
    "decided_by", "bounds_broken", "brings", "what", "registers",
)  # fmt: skip


def document(audit: AuditResult, views: Sequence[RequirementsView], statuses: Sequence[str] = ()) -> dict[str, Any]:
    """The rows of these frameworks as plain data; with `statuses` only those, while the counts are of all."""
    return {
        **head(audit, "requirements"),
        "statuses": list(statuses),
        "profile": [fields(flag) for flag in audit.profile],
        "frameworks": [_framework(view, statuses) for view in views],
    }


def csv_table(views: Sequence[RequirementsView], statuses: Sequence[str], language: Language) -> bytes:
    """One line for each requirement."""
    return table(CSV, (_cells(row, language) for view in views for row in chosen(view.rows, statuses)))


def lines(views: Sequence[RequirementsView], statuses: Sequence[str], language: Language) -> Iterator[str]:
    """The same for a terminal."""
    for view in views:
        counts = view.view.requirement_counts
        said = ", ".join(f"{n} {word('status', s, language).lower()}" for s, n in counts.by.items() if n)
        yield f"{view.view.result.framework.name.in_(language)}: {text('n_in_all', language, n=counts.total)} ({said})"
        yield from (f"! {remark}" for remark in remarks(view, language))
        for row in chosen(view.rows, statuses):
            yield ""
            yield from _row_lines(row, language)
        yield ""


def remarks(view: RequirementsView, language: Language) -> list[str]:
    """What the reader must know of the profile by which a framework was judged."""
    names = ", ".join(one.title.in_(language) for one in view.questionnaires)
    left = ", ".join(item for one in view.questionnaires for item in one.leaves_out)
    said = [text(code, language, names=names, left=left) for code in view.remarks]
    bad = sum(row.problem is not None for row in view.view.audit.applicability)
    out = [row.id for row in view.rows if row.code == "excluded_by_statement"]
    if out:
        said.append(text("statement_excludes", language, n=len(out), total=len(view.selectable), names=", ".join(out)))
    if view.selectable and not view.view.audit.applicability:
        said.append(text("statement_none", language, total=len(view.selectable)))
    elif view.selectable and bad:
        said.append(text("statement_faults", language, n=bad))
    return said


def thing(row: RequirementRow, language: Language) -> list[str]:
    """What a person brings, a line for each form: form, state, until when, and whether a second person is needed."""
    found = []
    for one in row.brought:
        said = f"{word('form', one.form, language)}: {word('brought', one.state, language)}"
        if one.attestation:
            said += f" ({one.attestation}"
            said += f", {text('until', language)} {one.valid_until:%Y-%m-%d})" if one.valid_until else ")"
        if one.second_person:
            said += f"; {text('second_person', language)}"
        found.append(said)
    return found


def what(row: RequirementRow, language: Language) -> str:
    """The subject of what a person brings, in words; where it is not written, what the direct controls cannot see."""
    if not row.brought:
        return ""
    if row.requirement.brings:
        return row.requirement.brings.in_(language)
    unseen = " ".join(f"{name}: {limits.in_(language)}" for name, limits in row.unseen)
    return text("what_unseen", language, unseen=unseen) if unseen else row.requirement.title.in_(language)


def registers(row: RequirementRow, language: Language) -> list[str]:
    """The registers that direct controls read, with their state."""
    found = []
    for need in row.registers:
        said = f"{need.kind}: {word('register', need.state, language)}"
        if need.source:
            said += f" ({need.source}"
            said += f", {text('until', language)} {need.valid_until:%Y-%m-%d %H:%M} UTC)" if need.valid_until else ")"
        found.append(said)
    return found


def bound_lines(one: DecidingView, language: Language) -> list[str]:
    """The bounds that the framework sets on a control's parameters, and which are broken."""
    found = []
    for bound in one.bounds:
        value = ", ".join(map(str, bound.value)) if isinstance(bound.value, list | tuple) else str(bound.value)
        state = text("bound_broken", language, said=bound.broken) if bound.broken else text("bound_kept", language)
        found.append(f"{bound.parameter} = {value} {bound.unit}".rstrip() + f" ({bound.bound.clause}): {state}")
    return found


def _row_lines(row: RequirementRow, language: Language) -> Iterator[str]:
    title = row.requirement.title.in_(language)
    yield f"{row.framework} {row.id}  [{word('status', row.status, language)}]  {title}"
    yield f"  {text('cause', language)}: {row.cause}"
    if row.requirement.condition:
        yield f"  {text('condition', language)} {row.requirement.condition}"
    for one in row.deciding:
        status = word("status", one.link.status, language) if one.link.result else text("no_result", language)
        reason = f" ({one.link.result.reason})" if one.link.direct and one.link.result else ""
        yield f"  {word('share', one.share, language)}: {one.link.control}: {status.lower()}{reason}"
        yield from (f"    {text('bound_line', language)} {line}" for line in bound_lines(one, language))
    if row.brought:
        yield f"  {text('brings', language)}: {what(row, language)}"
        yield from (f"    {line}" for line in thing(row, language))
    for line in registers(row, language):
        yield f"  {text('register', language)} {line}"


def _cells(row: RequirementRow, language: Language) -> tuple[object, ...]:
    result, requirement = row.view.result, row.requirement
    broken = [f"{one.control}.{one.parameter} {one.said} ({one.clause})" for one in result.loosened]
    return (
        row.framework,
        row.id,
        requirement.title.in_(language),
        row.status.value,
        result.verdict.value,
        result.code,
        result.reason,
        requirement.automation,
        requirement.condition,
        requirement.effective,
        "; ".join(f"{one.link.control} ({one.share}): {one.link.status.value}" for one in row.deciding),
        "; ".join(broken),
        "; ".join(
            f"{one.form}: {one.state}" + (f" until {one.valid_until:%Y-%m-%d}" if one.valid_until else "")
            for one in row.brought
        ),
        what(row, language),
        "; ".join(f"{need.kind}: {need.state}" for need in row.registers),
    )


def _framework(view: RequirementsView, statuses: Sequence[str]) -> dict[str, Any]:
    framework = view.view.result.framework
    return {
        "id": framework.id,
        "name": plain(framework.name),
        "edition": framework.edition,
        "summary": view.view.requirement_counts.as_dict(),
        "questionnaires": [{"flag": one.flag, "scope": one.scope, "source": one.source} for one in view.questionnaires],
        "remarks": list(view.remarks),
        "requirements": [_requirement(row) for row in chosen(view.rows, statuses)],
        "statement_of_applicability": [
            {"control": name, "rows": [applicability(one) for one in rows]} for name, rows in view.statement()
        ]
        if view.selectable
        else None,
    }


def applicability(one: ApplicabilityView) -> dict[str, Any]:
    """A row of the statement of applicability as plain data."""
    return fields(one) | {"excludes": one.excludes}


def _requirement(row: RequirementRow) -> dict[str, Any]:
    result, requirement = row.view.result, row.requirement
    return {
        "id": row.id,
        "group": result.group,
        "title": plain(requirement.title),
        "automation": requirement.automation,
        "condition": requirement.condition,
        "effective": plain(requirement.effective),
        "status": row.status.value,
        "verdict": result.verdict.value,
        "code": result.code,
        "cause": result.reason,
        "waived": result.waived,
        "decided_by": [_deciding(one) for one in row.deciding],
        "brings": [fields(one) for one in row.brought],
        "what": {language: what(row, language) for language in ("en", "es")} if row.brought else None,
        "registers": [fields(need) for need in row.registers],
        "open": row.open,
    }


def _deciding(one: DecidingView) -> dict[str, Any]:
    result = one.link.result
    return {
        "control": one.link.control,
        "bearing": "direct" if one.link.direct else "supporting",
        "share": one.share,
        "status": one.link.status.value if result else None,
        "verdict": result.verdict.value if result else None,
        "reason": result.reason if result else None,
        "why": one.link.why,
        "bounds": [
            {
                "parameter": bound.parameter,
                "value": plain(bound.value),
                "unit": bound.unit,
                "bound": bound.bound.model_dump(mode="json", exclude_none=True),
                "broken": bound.broken,
            }
            for bound in one.bounds
        ],
    }
