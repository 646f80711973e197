"""What became of a resource between two audits: every pair of verdicts, and what may never be called fixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from compliance.controls.comparison import Cause, Change, Found, Judged, Recorded, compare, counts
from compliance.schemas.kinds.engine import Outcome

NAME = ("tls.hsts", "web", "shop.example.org")
PASS, FAIL, UNKNOWN, NA = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE


def audit(
    verdict: Outcome | None,
    *,
    control: Outcome | None = None,
    reason: str | None = None,
    sha256: str = "a",
    parameters: Mapping[str, Any] | None = None,
    rests_on: tuple[int, ...] = (7,),
) -> Recorded:
    findings = {} if verdict is None else {NAME: Found(verdict, "code", "said", rests_on)}
    judged = control or verdict or PASS
    return Recorded("a", {NAME[0]: Judged(judged, reason, 1, sha256, parameters or {})}, findings)


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [
        (PASS, FAIL, Change.NEW),
        (NA, FAIL, Change.NEW),
        (UNKNOWN, FAIL, Change.NEW),
        (None, FAIL, Change.NEW),
        (FAIL, FAIL, Change.STILL),
        (FAIL, PASS, Change.FIXED),
        (FAIL, NA, Change.FIXED),
        (FAIL, UNKNOWN, Change.UNDECIDED),
        (PASS, UNKNOWN, Change.UNDECIDED),
        (NA, UNKNOWN, Change.UNDECIDED),
        (FAIL, None, Change.GONE),
        (PASS, None, None),
        (PASS, PASS, None),
        (PASS, NA, None),
        (UNKNOWN, UNKNOWN, None),
        (UNKNOWN, PASS, None),
        (None, PASS, None),
        (None, UNKNOWN, None),
        (UNKNOWN, None, None),
    ],
)
def test_every_pair_of_verdicts(then: Outcome | None, now: Outcome | None, change: Change | None) -> None:
    found = compare(audit(then), audit(now))

    assert [item.change for item in found] == ([] if change is None else [change])


@pytest.mark.parametrize("reason", ["error", "no_evidence", "stale", None])
@pytest.mark.parametrize("then", [FAIL, PASS])
def test_what_is_not_seen_on_broken_evidence_is_not_gone(then: Outcome, reason: str | None) -> None:
    found = compare(audit(then), audit(None, control=UNKNOWN, reason=reason))

    assert [item.change for item in found] == [Change.UNDECIDED]


def test_a_failing_finding_of_a_control_that_could_not_be_decided_is_neither_new_nor_still() -> None:
    undecided = audit(FAIL, control=UNKNOWN, reason="no_evidence")

    assert compare(audit(None), undecided) == []
    assert [item.change for item in compare(audit(FAIL), undecided)] == [Change.UNDECIDED]
    assert [item.change for item in compare(undecided, audit(FAIL))] == [Change.NEW]
    assert undecided.failing() == frozenset()


def test_a_control_that_was_not_judged_at_all_leaves_its_findings_undecided() -> None:
    assert [item.change for item in compare(audit(FAIL), Recorded("b", {}, {}))] == [Change.UNDECIDED]


def test_a_population_whose_rows_were_unreadable_is_known() -> None:
    found = compare(audit(FAIL), audit(None, control=UNKNOWN, reason="unreadable"))

    assert [item.change for item in found] == [Change.GONE]


def test_what_failed_before_and_fails_again_regressed() -> None:
    found = compare(audit(PASS), audit(FAIL), frozenset({NAME}))

    assert [item.change for item in found] == [Change.REGRESSED]


@pytest.mark.parametrize(
    ("now", "cause"),
    [
        (audit(FAIL), Cause.EVIDENCE),
        (audit(FAIL, rests_on=(9,)), Cause.EVIDENCE),
        (audit(FAIL, sha256="b"), Cause.DEFINITION),
        (audit(FAIL, parameters={"days": 30}), Cause.DEFINITION),
        (audit(FAIL, sha256="b", rests_on=(9,)), Cause.BOTH),
    ],
)
def test_evidence_and_definition_are_told_apart(now: Recorded, cause: Cause) -> None:
    assert [item.cause for item in compare(audit(PASS), now)] == [cause]


def test_counts_name_every_change() -> None:
    assert counts(compare(audit(PASS), audit(FAIL))) == {
        "new": 1, "regressed": 0, "still": 0, "fixed": 0, "gone": 0, "undecided": 0
    }  # fmt: skip
