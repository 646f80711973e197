"""Statuses are disjoint and complete: nothing is dropped, nothing counts as passed that did not pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compliance.reports.model import Status, control_status, framework_view, requirement_status
from compliance.schemas.catalogue import Link
from compliance.schemas.errors import ReportError
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import FrameworkResult, RequirementResult, UnknownReason
from tests.reports.factory import audit, controls, planned, result_of, small_framework


def test_counts_add_up_to_everything_there_is() -> None:
    result = audit(("pci_dss",))

    view = framework_view(result, "pci_dss")

    assert view.requirement_counts.total == len(result.frameworks[0].framework.requirements)
    assert view.control_counts.total == len(view.controls)
    assert view.finding_counts.total == sum(len(c.result.findings) for c in view.controls)
    assert len(view.coverage) == len(result.coverage)


def test_only_a_pass_is_counted_as_pass() -> None:
    view = framework_view(audit(("soc2",), size=61), "soc2")

    passed = [r for r in view.requirements if r.result.verdict is Outcome.PASS]

    assert view.requirement_counts[Status.PASS] == len(passed)


def test_a_waived_failure_stands_apart() -> None:
    assert control_status(result_of("a.b", Outcome.FAIL, waived=True)) is Status.WAIVED
    assert control_status(result_of("a.b", Outcome.FAIL)) is Status.FAIL


def test_the_waived_mark_means_nothing_on_another_verdict() -> None:
    assert control_status(result_of("a.b", Outcome.UNKNOWN, waived=True)) is Status.UNKNOWN


def test_no_collector_is_not_evaluated_and_any_other_reason_is_unknown() -> None:
    assert control_status(planned("a.b")) is Status.NOT_EVALUATED
    assert control_status(result_of("a.b", Outcome.UNKNOWN, unknown=UnknownReason.STALE)) is Status.UNKNOWN


def test_a_requirement_with_one_undecided_implemented_control_is_unknown_not_unevaluated() -> None:
    made = controls()
    item = small_framework("soc2", 1).requirements[0]
    both = RequirementResult(
        item, "1", Outcome.UNKNOWN, "control_unknown", "", direct=("change.tickets", "host.patches")
    )
    alone = replace(both, direct=("change.tickets",))

    assert requirement_status(both, made) is Status.UNKNOWN
    assert requirement_status(alone, made) is Status.NOT_EVALUATED


def test_failing_and_unknown_findings_come_first() -> None:
    view = framework_view(audit(("soc2",), size=61), "soc2")

    mfa = next(c for c in view.controls if c.id == "access.mfa")

    assert [f.status for f in mfa.findings[:5]] == [Status.FAIL] * 3 + [Status.UNKNOWN] * 2


def test_a_control_without_a_result_is_shown_as_unknown_and_named() -> None:
    result = audit(("soc2",), size=7)
    framework = result.frameworks[0]
    first = framework.requirements[0]
    link = Link(control="access.lost", why="It names the subject.")
    item = first.requirement.model_copy(update={"direct": [link]})
    changed = FrameworkResult(framework.framework, (replace(first, requirement=item), *framework.requirements[1:]))

    view = framework_view(replace(result, frameworks=(changed,)), "soc2")

    assert view.missing_controls == ("access.lost",)
    assert view.requirements[0].links[0].status is Status.UNKNOWN


def test_incomplete_coverage_comes_first() -> None:
    view = framework_view(audit(), "soc2")

    outcomes = [c.complete for c in view.coverage]

    assert outcomes == sorted(outcomes)
    assert not outcomes[0]


def test_a_framework_that_was_not_judged_is_refused_by_name() -> None:
    with pytest.raises(ReportError, match=r"did not judge framework 'gdpr'.*soc2"):
        framework_view(audit(("soc2",)), "gdpr")
