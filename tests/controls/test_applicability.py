"""What leaves a requirement out: the statement of applicability and questionnaires; and everything that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from compliance.controls import applicability, catalogue
from compliance.controls.evidence_base import EvidenceBase
from compliance.controls.rollup import roll_up
from compliance.schemas.canonical import instant
from compliance.schemas.results import ApplicabilityView, ControlResult, FlagView, FrameworkResult, RequirementResult
from tests.controls.given import AS_OF, complete
from tests.controls.test_rollup import control

Build = Callable[..., EvidenceBase]
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MIDNIGHT = AS_OF.replace(hour=0, minute=0, second=0, microsecond=0)
OURS = catalogue.load()
READ = complete("soa_entry")


def row(name: str = "A.8.30", **changed: Any) -> dict[str, Any]:
    return {
        "control": name,
        "is_included": False,
        "justification": "all software is written by own staff",
        "version": "6",
        "approved_by": "P-004",
        "approved_at": instant(AS_OF - DAY),
        **changed,
    }


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({}, None),
        ({"is_included": True}, None),
        ({"is_included": None}, "unclear"),
        ({"justification": None}, "unjustified"),
        ({"justification": " \t"}, "unjustified"),
        ({"version": None}, "unapproved"),
        ({"version": " "}, "unapproved"),
        ({"approved_by": None}, "unapproved"),
        ({"approved_by": " "}, "unapproved"),
        ({"approved_at": None}, "unapproved"),
        ({"approved_at": instant(AS_OF)}, None),
        ({"approved_at": instant(AS_OF + MINUTE)}, "not_yet"),
        ({"approved_at": instant(AS_OF - 366 * DAY)}, None),
        ({"approved_at": instant(AS_OF - 366 * DAY - MINUTE)}, "overdue"),
        ({"next_review_at": instant(MIDNIGHT)}, None),
        ({"next_review_at": instant(MIDNIGHT - MINUTE)}, "overdue"),
    ],
)
def test_a_row_counts_only_when_it_is_whole_and_in_date(base: Build, changed: dict[str, Any], problem: str) -> None:
    (view,) = applicability.statement(base(coverage=[READ], soa_entry=[row(**changed)]), AS_OF)
    assert view.problem == problem
    assert view.excludes is (problem is None and "is_included" not in changed)


def test_a_register_that_was_not_read_lately_and_wholly_excludes_nothing(base: Build) -> None:
    whole = base(coverage=[READ], soa_entry=[row()])
    (coverage,) = whole.promised("soa_entry")
    for changed, problem in (
        ({}, None),
        ({"outcome": "malformed"}, "unread"),
        ({"completed_at": None}, "unread"),
        ({"completed_at": AS_OF + MINUTE}, "unread"),
        ({"completed_at": AS_OF - timedelta(hours=26)}, None),
        ({"completed_at": AS_OF - timedelta(hours=26) - MINUTE}, "stale"),
    ):
        whole.coverage = (replace(coverage, **changed),)
        (view,) = applicability.statement(whole, AS_OF)
        assert view.problem == problem, changed


def test_two_versions_in_one_register_exclude_nothing(base: Build) -> None:
    mixed = [row(), row("A.8.1", is_included=True, version="5")]
    views = applicability.statement(base(coverage=[READ], soa_entry=mixed), AS_OF)
    assert [view.problem for view in views] == ["versions_mixed", "versions_mixed"]


def view(name: str = "A.8.30", **changed: Any) -> ApplicabilityView:
    values: dict[str, Any] = {
        "control": name, "included": False, "justification": "no such work", "implementation": None, "version": "6",
        "approved_by": "P-004", "approved_at": AS_OF - DAY, "next_review_at": None, "source": "s", "entry": 7,
        "problem": None,
    }  # fmt: skip
    return ApplicabilityView(**{**values, **changed})


def test_of_two_rows_about_a_control_both_must_leave_it_out() -> None:
    assert applicability.excluded([view(), view()], "A.8.30") == view()
    assert applicability.excluded([view(), view(included=True)], "A.8.30") is None
    assert applicability.excluded([view(problem="overdue"), view()], "A.8.30") is None
    assert applicability.excluded([view("A.8.3")], "A.8.30") is None
    assert applicability.excluded([], "A.8.30") is None


def test_an_exclusion_approved_within_a_period_leaves_nothing_out_of_it() -> None:
    late, old, bad = view(), view(approved_at=AS_OF - 99 * DAY), view(problem="unclear")
    assert [one.problem for one in applicability.since([late, old, bad], AS_OF - 30 * DAY)] == [
        "not_yet",
        None,
        "unclear",
    ]
    assert applicability.since([late], AS_OF - DAY)[0].excludes


def judged(
    framework: str,
    requirement: str,
    results: dict[str, ControlResult] | None = None,
    profile: list[FlagView] | None = None,
    stated: list[ApplicabilityView] | None = None,
    as_of: datetime = AS_OF,
) -> tuple[RequirementResult, FrameworkResult]:
    whole = roll_up(
        OURS.frameworks[framework], results or {}, attestations=(), profile=profile or [], overrides={}, as_of=as_of,
        applicability=stated or [],
    )  # fmt: skip
    return next(one for one in whole.requirements if one.requirement.id == requirement), whole


def test_an_annex_control_is_excluded_and_a_clause_never_is() -> None:
    found, _ = judged("iso27001", "A.8.32", stated=[view("A.8.32")])
    assert (found.verdict, found.code) == ("not_applicable", "excluded_by_statement")
    assert "version 6" in found.reason
    assert "no such work" in found.reason
    assert judged("iso27001", "A.8.32", stated=[view("A.8.32", problem="unjustified")])[0].verdict == "unknown"
    assert judged("iso27001", "A.8.32")[0].verdict == "unknown"
    assert judged("iso27001", "9.1", stated=[view("9.1")])[0].code != "excluded_by_statement"
    assert judged("pci_dss", "A1.1.1", stated=[view("A1.1.1")])[0].code != "excluded_by_statement"


def test_an_exclusion_outranks_a_failure_but_an_invalid_one_hides_none() -> None:
    failing = {"change.complete_record": control("fail", name="change.complete_record")}
    names = [link.control for r in OURS.frameworks["iso27001"].requirements if r.id == "A.8.32" for link in r.direct]
    assert "change.complete_record" in names
    assert judged("iso27001", "A.8.32", failing, stated=[view("A.8.32")])[0].verdict == "not_applicable"
    assert judged("iso27001", "A.8.32", failing, stated=[view("A.8.32", problem="overdue")])[0].verdict == "fail"


def flag(name: str, value: bool, **changed: Any) -> FlagView:
    return replace(FlagView(name, value, "director", AS_OF - DAY, True, None), **changed)


MERCHANT = [flag("service_provider_pci", False), flag("pci_stored_data", False)]


def test_saq_a_leaves_out_what_is_confirmed_and_nothing_else() -> None:
    profile = [*MERCHANT, flag("pci_saq_a", True)]
    found, whole = judged("pci_dss", "6.4.3", profile=profile)
    assert (found.verdict, found.code) == ("not_applicable", "not_in_questionnaire")
    left = {r.requirement.id for r in whole.requirements if r.code == "not_in_questionnaire"}
    assert left == {"6.4.3", "11.6.1", "12.3.1"}
    assert whole.remarks == ("questionnaire_part",)


def test_a_questionnaire_hides_no_failing_control() -> None:
    failing = {"pay.page_protected": control("fail", name="pay.page_protected")}
    assert judged("pci_dss", "6.4.3", failing, [*MERCHANT, flag("pci_saq_a", True)])[0].verdict == "fail"


@pytest.mark.parametrize(
    ("profile", "remarks"),
    [
        ([], ()),
        ([*MERCHANT, flag("pci_saq_a", False)], ()),
        ([*MERCHANT, flag("pci_saq_a", True, in_date=False)], ()),
        ([flag("pci_saq_a", True)], ("questionnaire_part", "questionnaire_not_eligible")),
        ([MERCHANT[0], flag("pci_saq_a", True)], ("questionnaire_part", "questionnaire_not_eligible")),
        (
            [*MERCHANT, flag("pci_stored_data", True), flag("pci_saq_a", True)],
            ("questionnaire_part", "questionnaire_not_eligible"),
        ),
        ([*MERCHANT, flag("pci_saq_a", True), flag("pci_saq_b", True)], ("questionnaires_contradict",)),
        ([*MERCHANT, flag("pci_saq_a_ep", True)], ("questionnaire_unknown",)),
        ([flag("service_provider_pci", False), flag("pci_saq_d_merchant", True)], ()),
        ([flag("pci_saq_d_provider", True)], ()),
        ([flag("pci_saq_d_merchant", True)], ("questionnaire_not_eligible",)),
    ],
)
def test_every_other_declaration_leaves_nothing_out(profile: list[FlagView], remarks: tuple[str, ...]) -> None:
    found, whole = judged("pci_dss", "6.4.3", profile=profile)
    assert found.verdict == "unknown"
    assert "not_in_questionnaire" not in {r.code for r in whole.requirements}
    assert whole.remarks == remarks


def test_there_is_a_questionnaire_of_each_type() -> None:
    asked = {one.flag: one.scope for one in OURS.frameworks["pci_dss"].questionnaires}
    assert asked == {
        "pci_saq_a": "part", "pci_saq_a_ep": "unknown", "pci_saq_b": "unknown", "pci_saq_b_ip": "unknown",
        "pci_saq_c": "unknown", "pci_saq_c_vt": "unknown", "pci_saq_p2pe": "unknown", "pci_saq_d_merchant": "whole",
        "pci_saq_d_provider": "whole",
    }  # fmt: skip
    assert asked.keys() <= OURS.flags


@pytest.mark.parametrize("category", ["availability", "confidentiality", "processing_integrity", "privacy"])
def test_soc2_categories_not_chosen_do_not_apply_and_security_always_does(category: str) -> None:
    _, whole = judged("soc2", "CC1.1", profile=[flag(f"soc2_{category}", False)])
    off = {r.requirement.attributes["category"] for r in whole.requirements if r.code == "not_applicable_declared"}
    assert off == {category}
    assert all(f"soc2_{category} is off" in r.reason for r in whole.requirements if r.verdict == "not_applicable")
    _, late = judged("soc2", "CC1.1", profile=[flag(f"soc2_{category}", False, in_date=False)])
    assert {r.verdict for r in late.requirements} == {"unknown"}
    _, security = judged("soc2", "CC1.1", profile=[flag("soc2_security", False)])
    assert {r.verdict for r in security.requirements} == {"unknown"}
