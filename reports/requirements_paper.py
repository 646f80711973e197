"""The requirements working paper of a framework, and its statement of applicability, as PDF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compliance.reports import arrangement, requirements_data
from compliance.reports.json_report import to_bytes
from compliance.reports.model import Status
from compliance.reports.paper import environment
from compliance.reports.pdf import typeset
from compliance.reports.requirements import RequirementRow, RequirementsView, chosen
from compliance.reports.texts import Language, text, word
from compliance.schemas.errors import ReportError
from compliance.schemas.results import ApplicabilityView


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One control as the statement of applicability prints it."""

    control: str
    title: str
    decision: str
    fault: str
    justification: str
    implementation: str
    status: Status | None
    approval: str


def requirements_pdf(view: RequirementsView, statuses: Sequence[str], language: Language) -> bytes:
    """The requirements working paper; with `statuses` only those rows, while its counts are of all. The JSON and CSV
    of the same rows are attached."""
    audit = view.view.audit
    rows = chosen(view.rows, statuses)
    html = _render(
        "requirements_paper.html.j2",
        view,
        language,
        rows=view.rows,
        sections=_sections(view, rows),
        flags=[flag for flag in audit.profile if _concerns(view, flag.flag)],
        forms=[(word("form", form, language), there, lacking) for form, there, lacking in _forms(view.rows)],
        cause=lambda row: arrangement.basis(row.view, language),
        what=lambda row: requirements_data.what(row, language),
        things=lambda row: requirements_data.thing(row, language),
        registers=lambda row: requirements_data.registers(row, language),
        bounds=lambda one: requirements_data.bound_lines(one, language),
    )
    files = {
        f"{view.id}-requirements.json": to_bytes(requirements_data.document(audit, [view], statuses)),
        f"{view.id}-requirements.csv": requirements_data.csv_table([view], statuses, language),
    }
    return typeset(html, files, audit)


def statement_pdf(view: RequirementsView, language: Language) -> bytes:
    """The statement of applicability of a framework whose controls an organisation selects.

    Raises:
        ReportError: the framework has nothing to select.
    """
    if not view.selectable:
        raise ReportError(f"{view.id} has no statement of applicability", remedy="it is a document of iso27001")
    stated = view.view.audit.applicability
    lines = list(_lines(view, language))
    html = _render(
        "applicability.html.j2",
        view,
        language,
        counts=_counts(view),
        versions=sorted({one.version for one in stated if one.version}),
        approvals=sorted({_approval(one, language) for one in stated if one.approved_at}),
        groups=_grouped(view, lines, language),
    )
    rows = [requirements_data.applicability(one) for one in stated]
    return typeset(html, {"statement_of_applicability.json": to_bytes({"rows": rows})}, view.view.audit)


def _render(template: str, view: RequirementsView, language: Language, **values: Any) -> str:
    return (
        environment()
        .get_template(template)
        .render(
            view=view,
            audit=view.view.audit,
            fw=view.view.result.framework,
            language=language,
            remarks=requirements_data.remarks(view, language),
            _=lambda key, **given: text(key, language, **given),
            word=lambda table, key: word(table, key, language),
            **values,
        )
    )


def _sections(
    view: RequirementsView, rows: Sequence[RequirementRow]
) -> list[tuple[arrangement.Section, list[RequirementRow]]]:
    by_id = {row.id: row for row in rows}
    found = []
    for section in arrangement.sections(view.view):
        items = [by_id[one.requirement.id] for one in section.requirements if one.requirement.id in by_id]
        if items:
            found.append((section, items))
    return found


def _concerns(view: RequirementsView, flag: str) -> bool:
    framework = view.view.result.framework
    named = {framework.applies_if, *framework.conditions, *(one.flag for one in framework.questionnaires)}
    return flag in named


def _forms(rows: Sequence[RequirementRow]) -> list[tuple[str, int, int]]:
    """(form, how many are there, how many are still to bring), of requirements that apply."""
    there: Counter[str] = Counter()
    lacking: Counter[str] = Counter()
    for row in rows:
        if row.status is not Status.NOT_APPLICABLE:
            for one in row.brought:
                (there if one.state == "there" else lacking)[one.form] += 1
    return [(form, there[form], lacking[form]) for form in sorted({*there, *lacking})]


def _counts(view: RequirementsView) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for control, rows in view.statement():
        if control not in view.selectable:
            continue
        if not rows:
            found["unstated"] += 1
        elif any(one.problem for one in rows):
            found["faulty"] += 1
        else:
            found["excluded" if all(one.excludes for one in rows) else "included"] += 1
    names = ("included", "excluded", "faulty", "unstated")
    return {**{name: found[name] for name in names}, "total": len(view.selectable)}


def _lines(view: RequirementsView, language: Language) -> Iterator[StatementLine]:
    by_id = {row.id: row for row in view.rows}
    for control, rows in view.statement():
        row = by_id.get(control) if control in view.selectable else None
        title = row.requirement.title.in_(language) if row else text("soa_stray", language)
        status = row.status if row else None
        if not rows:
            unstated = text("soa_unstated", language)
            yield StatementLine(control, title, text("soa_judged_included", language), unstated, "", "", status, "")
        for one in rows:
            yield StatementLine(
                control,
                title,
                _decision(one, row, language),
                word("problem", one.problem, language) if one.problem else "",
                one.justification or "",
                one.implementation or "",
                status,
                _approval(one, language),
            )


def _decision(one: ApplicabilityView, row: RequirementRow | None, language: Language) -> str:
    if one.included is False and row is not None:
        counts = row.code == "excluded_by_statement"
        said = text("soa_excluded", language)
        return said if counts else f"{said}; {text('soa_judged_included', language)}"
    return text("soa_included", language) if one.included else text("soa_judged_included", language)


def _approval(one: ApplicabilityView, language: Language) -> str:
    by = one.approved_by or text("soa_nobody", language)
    at = f"{one.approved_at:%Y-%m-%d}" if one.approved_at else "–"
    return f"{one.version or '–'}: {by}, {at}"


def _grouped(
    view: RequirementsView, lines: Sequence[StatementLine], language: Language
) -> list[tuple[str, list[StatementLine]]]:
    found = []
    for group in view.view.result.framework.groups:
        mine = {requirement.id for requirement in group.requirements}
        items = [line for line in lines if line.control in mine and line.control in view.selectable]
        if items:
            found.append((f"{group.id} {group.title.in_(language)}", items))
    strays = [line for line in lines if line.control not in view.selectable]
    return [*found, (text("soa_stray", language), strays)] if strays else found
