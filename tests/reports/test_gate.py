"""Exit codes: never 0 on something that failed or could not be decided."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from compliance.reports.baseline import Baseline, read_baseline
from compliance.reports.gate import UNDECIDED_RULE, gate, gate_document, write_baseline
from compliance.reports.json_report import to_bytes
from compliance.schemas.catalogue import Framework, Severity
from compliance.schemas.errors import ConfigError
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import (
    AuditResult,
    Completeness,
    ControlResult,
    FrameworkResult,
    LedgerState,
    RequirementResult,
    UnknownReason,
)
from tests.reports.factory import audit, finding, findings, planned, result_of, small_framework

GOOD = result_of("backup.recent", Outcome.PASS, findings("backup.recent", 3, 0, 0))
BAD = result_of("access.mfa", Outcome.FAIL, findings("access.mfa", 3, 2, 0), severity=Severity.HIGH)
BLIND = result_of("host.patches", Outcome.UNKNOWN, unknown=UnknownReason.STALE, reason="too old")
WAIVED = result_of(
    "access.waived", Outcome.FAIL, (finding("access.waived", 1, Outcome.FAIL, "batch", waiver="W-1"),), waived=True
)


def run(
    *made: ControlResult,
    requirement: Outcome = Outcome.PASS,
    code: str = "controls_pass",
    **changes: object,
) -> AuditResult:
    """An audit of one framework whose single requirement names these controls directly."""
    base = small_framework("soc2", 1).model_dump(mode="json", by_alias=True)
    item = base["groups"][0]["requirements"][0]
    item["direct"] = [{"control": c.id, "why": "It names the subject."} for c in made]
    item["supporting"] = []
    framework = Framework.model_validate(base)
    judged = RequirementResult(
        framework.requirements[0], "1", requirement, code, "why", direct=tuple(c.id for c in made)
    )
    result = audit(("soc2",), size=7, controls={c.id: c for c in made}, **changes)
    return replace(result, frameworks=(FrameworkResult(framework, (judged,)),))


def failed(*made: ControlResult, **changes: object) -> AuditResult:
    return run(*made, requirement=Outcome.FAIL, code="control_fails", **changes)


def test_all_pass_holds() -> None:
    assert gate(run(GOOD)).exit_code == 0


def test_a_failure_at_the_threshold_is_a_violation() -> None:
    judged = gate(failed(GOOD, BAD), fail_on=Severity.HIGH)

    assert judged.exit_code == 1
    assert [v.finding.resource for v in judged.violations if v.finding] == [
        "user-0001@example.org",
        "user-0002@example.org",
    ]


def test_a_failure_below_the_threshold_is_listed_and_holds() -> None:
    judged = gate(failed(GOOD, BAD), fail_on=Severity.CRITICAL)

    assert judged.exit_code == 0
    assert len(judged.below) == 2


def test_a_violation_goes_before_undecided() -> None:
    assert gate(failed(BAD, BLIND)).exit_code == 1


def test_unknown_is_undecided_even_below_the_threshold() -> None:
    result = run(GOOD, BLIND, requirement=Outcome.UNKNOWN, code="control_unknown")

    judged = gate(result, fail_on=Severity.CRITICAL)

    assert judged.exit_code == 3
    assert [(u.name, u.cause) for u in judged.undecided] == [("host.patches", "stale")]


def test_allow_unknown_holds_and_still_lists_it() -> None:
    result = run(GOOD, BLIND, requirement=Outcome.UNKNOWN, code="control_unknown")

    judged = gate(result, allow_unknown=True)

    assert judged.exit_code == 0
    assert judged.undecided


def test_allow_unknown_never_hides_a_violation() -> None:
    assert gate(failed(BAD, BLIND), allow_unknown=True).exit_code == 1


def test_a_planned_control_alone_holds_but_is_counted() -> None:
    result = run(GOOD, planned("change.tickets"), requirement=Outcome.UNKNOWN, code="control_unknown")

    judged = gate(result)

    assert judged.exit_code == 0
    assert judged.not_evaluated == ("change.tickets",)
    assert "never make a gate undecided" in UNDECIDED_RULE


def test_a_run_that_decided_nothing_does_not_hold() -> None:
    result = run(planned("change.tickets"), requirement=Outcome.UNKNOWN, code="control_unknown")

    judged = gate(result)

    assert judged.exit_code == 3
    assert [u.cause for u in judged.undecided] == ["nothing_decided"]


def test_an_audit_of_nothing_does_not_hold() -> None:
    assert gate(audit((), controls={})).exit_code == 3


def test_missing_manual_evidence_is_undecided() -> None:
    judged = gate(run(GOOD, requirement=Outcome.UNKNOWN, code="manual_missing"))

    assert judged.exit_code == 3
    assert [(u.name, u.kind) for u in judged.undecided] == [("soc2:1.1", "requirement")]


def test_an_unknown_requirement_that_no_control_explains_is_undecided() -> None:
    assert gate(run(GOOD, requirement=Outcome.UNKNOWN, code="some_new_code")).exit_code == 3


def test_a_waived_failure_holds_and_is_listed_as_accepted() -> None:
    judged = gate(failed(GOOD, WAIVED))

    assert judged.exit_code == 0
    assert [v.control for v in judged.accepted] == ["access.waived"]


def test_a_waived_failure_with_a_resource_nobody_could_judge_is_undecided() -> None:
    rows = (*WAIVED.findings, finding("access.waived", 2, Outcome.UNKNOWN, "other"))

    assert gate(failed(GOOD, replace(WAIVED, findings=rows))).exit_code == 3


def test_a_waived_failure_on_incomplete_evidence_is_undecided() -> None:
    assert gate(failed(GOOD, replace(WAIVED, completeness=Completeness.PARTIAL))).exit_code == 3


def test_one_unwaived_finding_is_a_violation_whatever_the_control_says() -> None:
    rows = (*WAIVED.findings, finding("access.waived", 2, Outcome.FAIL, "other"))

    judged = gate(failed(GOOD, replace(WAIVED, findings=rows)))

    assert judged.exit_code == 1
    assert [v.finding.resource for v in judged.violations if v.finding] == ["other"]


def test_a_failing_control_without_any_resource_is_a_violation() -> None:
    assert gate(failed(GOOD, replace(BAD, findings=()))).exit_code == 1


def test_waived_findings_do_not_excuse_a_control_that_is_not_waived() -> None:
    assert gate(failed(GOOD, replace(WAIVED, waived=False))).exit_code == 1


def test_a_pass_with_a_resource_nobody_could_judge_is_undecided() -> None:
    rows = (*GOOD.findings, finding("backup.recent", 9, Outcome.UNKNOWN, "x"))

    assert gate(run(replace(GOOD, findings=rows))).exit_code == 3


def test_a_loosened_parameter_is_a_violation_of_its_requirement() -> None:
    judged = gate(run(GOOD, requirement=Outcome.FAIL, code="parameter_loosened"))

    assert judged.exit_code == 1
    assert [(v.requirement, v.code) for v in judged.violations] == [("soc2:1.1", "parameter_loosened")]


def test_a_control_whose_result_is_lost_is_undecided() -> None:
    result = run(GOOD, BLIND, requirement=Outcome.UNKNOWN, code="control_unknown")

    judged = gate(replace(result, controls={GOOD.id: GOOD}))

    assert judged.exit_code == 3
    assert "host.patches" in {u.name for u in judged.undecided}


def test_an_unverified_ledger_is_undecided() -> None:
    ledger: LedgerState = replace(audit().ledger, verified=False)

    assert gate(run(GOOD, ledger=ledger)).exit_code == 3


def test_controls_of_other_frameworks_are_out_of_scope() -> None:
    result = run(GOOD)

    judged = gate(replace(result, controls={**result.controls, BAD.id: BAD}))

    assert judged.exit_code == 0
    assert judged.controls.total == 1


def test_new_only_sets_aside_what_the_baseline_knows(tmp_path: Path) -> None:
    result = failed(GOOD, BAD)
    path = tmp_path / "baseline.json"
    written = write_baseline(result, path, expires=result.generated_at + timedelta(days=30))

    judged = gate(result, baseline=read_baseline(path), new_only=True)

    assert written == 2
    assert judged.exit_code == 0
    assert len(judged.known) == 2


def test_new_only_fails_on_what_is_new(tmp_path: Path) -> None:
    result = failed(GOOD, BAD)
    path = tmp_path / "baseline.json"
    write_baseline(result, path, expires=result.generated_at + timedelta(days=30))
    more = replace(BAD, findings=(*BAD.findings, finding(BAD.id, 9, Outcome.FAIL, "new@example.org")))

    judged = gate(failed(GOOD, more), baseline=read_baseline(path), new_only=True)

    assert judged.exit_code == 1
    assert [v.finding.resource for v in judged.violations if v.finding] == ["new@example.org"]


def test_a_baseline_without_new_only_changes_nothing(tmp_path: Path) -> None:
    result = failed(GOOD, BAD)
    path = tmp_path / "baseline.json"
    write_baseline(result, path, expires=result.generated_at + timedelta(days=30))

    assert gate(result, baseline=read_baseline(path)).exit_code == 1


@pytest.mark.parametrize("expires", ["2020-01-01T00:00:00Z", "2099-13-01", "2099-01-01T00:00:00", None, 5, ""])
def test_an_expired_or_undated_baseline_sets_nothing_aside(tmp_path: Path, expires: object) -> None:
    result = failed(GOOD, BAD)
    path = tmp_path / "baseline.json"
    write_baseline(result, path, expires=result.generated_at + timedelta(days=30))
    content = json.loads(path.read_text())
    content["expires"] = expires
    path.write_text(json.dumps(content))

    judged = gate(result, baseline=read_baseline(path), new_only=True)

    assert judged.exit_code == 1
    assert judged.baseline_state == "expired"


def test_new_only_needs_a_baseline() -> None:
    with pytest.raises(ConfigError, match="no baseline"):
        gate(run(GOOD), new_only=True)


def test_a_baseline_that_is_born_expired_is_refused(tmp_path: Path) -> None:
    result = failed(BAD)

    with pytest.raises(ConfigError, match="before it begins"):
        write_baseline(result, tmp_path / "b.json", expires=result.generated_at)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "compliance-baseline/1", "findings": [{"control": 1}]}'])
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)

    with pytest.raises(ConfigError, match=r"baseline\.json"):
        read_baseline(path)


def test_a_missing_baseline_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_baseline(tmp_path / "none.json")


def test_the_baseline_is_in_force_until_its_moment_and_not_at_it() -> None:
    moment = audit().generated_at
    baseline = Baseline(moment - timedelta(days=1), moment, ())

    assert baseline.in_force(moment - timedelta(seconds=1))
    assert not baseline.in_force(moment)


def test_the_json_answer_holds_every_list() -> None:
    result = run(GOOD, BAD, BLIND, WAIVED, planned("change.tickets"), requirement=Outcome.FAIL, code="control_fails")

    document = json.loads(to_bytes(gate_document(gate(result))))

    assert document["exit_code"] == 1
    assert len(document["violations"]) == 2
    assert len(document["accepted"]) == 1
    assert [u["name"] for u in document["undecided"]] == ["host.patches"]
    assert document["not_evaluated"] == ["change.tickets"]
    assert document["waivers_not_in_force"] == ["W-2", "W-3", "W-4"]
    assert document["controls"]["total"] == 5
