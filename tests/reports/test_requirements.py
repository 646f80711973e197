"""The rows of requirements: what is derived of registers and limits, and that every word is there in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from compliance.controls import catalogue
from compliance.controls.rollup import roll_up
from compliance.reports import requirements, requirements_data
from compliance.reports.requirements_paper import requirements_pdf, statement_pdf
from compliance.reports.texts import LANGUAGES, Language
from compliance.schemas.errors import ReportError
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import AuditResult, Completeness, ControlResult, Coverage
from tests.reports.factory import audit

OURS = catalogue.load()


@cache
def base() -> AuditResult:
    return audit(("soc2",), size=3)


def judged(framework: str, *coverage: Coverage) -> AuditResult:
    """An audit in which every control of ours passes and nothing was attested."""
    results = {
        name: ControlResult(
            name, one.control.title, one.control.severity, Outcome.PASS, None, Completeness.COMPLETE, "all pass",
            control=one.control, kinds=one.kinds,
            parameters={key: value.default for key, value in one.control.parameters.items()},
        )
        for name, one in OURS.controls.items()
    }  # fmt: skip
    found = roll_up(OURS.frameworks[framework], results, attestations=(), profile=(), overrides={}, as_of=base().as_of)
    return replace(
        base(), controls=results, frameworks=(found,), coverage=coverage, profile=(), attestations=(), applicability=()
    )


def row(result: AuditResult, framework: str, name: str) -> requirements.RequirementRow:
    return next(one for one in requirements.requirements_view(result, framework).rows if one.id == name)


@pytest.mark.parametrize(
    ("outcome", "age_h", "state"),
    [("complete", 26, "read"), ("complete", 27, "stale"), ("malformed", 1, "unread"), ("never", None, "unread")],
)
def test_a_register_is_told_with_its_state(outcome: str, age_h: int | None, state: str) -> None:
    at = base().as_of - timedelta(hours=age_h) if age_h is not None else None
    kept = Coverage("desk", "registers", "management_review", outcome, completed_at=at)
    (need,) = row(judged("iso27001", kept), "iso27001", "9.3.1").registers
    assert (need.source, need.state, need.controls) == ("desk", state, ("gov.management_review",))
    gone = replace(kept, removed_from_configuration=True)
    (need,) = row(judged("iso27001", gone), "iso27001", "9.3.1").registers
    assert (need.source, need.state, need.valid_until) == (None, "not_configured", None)


@pytest.mark.parametrize("framework", list(OURS.frameworks))
def test_nothing_passes_on_controls_where_a_person_is_needed(framework: str) -> None:
    view = requirements.requirements_view(judged(framework), framework)
    assert len(view.rows) == len(OURS.frameworks[framework].requirements)
    for one in view.rows:
        if one.requirement.automation != "full":
            assert one.status != "pass", one.id
            assert one.brought, one.id
            assert one.open, one.id
        for language in LANGUAGES:
            said = requirements_data.what(one, language)
            assert bool(said) is bool(one.brought), one.id
        shares = {deciding.share for deciding in one.deciding if deciding.link.direct}
        assert ("full" in shares) is (one.requirement.automation == "full"), one.id
    assert not [text for text in requirements_data.lines([view], (), "es") if "brings" in text]


@pytest.mark.parametrize("language", LANGUAGES)
def test_papers_are_made_in_both_languages(language: Language) -> None:
    view = requirements.requirements_view(judged("iso27001"), "iso27001")
    assert requirements_pdf(view, ("pass",), language).startswith(b"%PDF")
    assert statement_pdf(view, language) == statement_pdf(view, language)
    with pytest.raises(ReportError, match="has no statement of applicability"):
        statement_pdf(requirements.requirements_view(judged("soc2"), "soc2"), language)
