"""A waiver is in force only when everything about it holds; and it never turns a fail into a pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from compliance.controls import waivers
from compliance.controls.catalogue import Catalogue, LoadedControl
from compliance.controls.evaluate import evaluate
from compliance.controls.evidence_base import EvidenceBase
from compliance.controls.waivers import Step
from compliance.schemas.canonical import instant
from compliance.schemas.results import ControlResult, WaiverView
from tests.controls.given import AS_OF, complete

Build = Callable[..., EvidenceBase]
Load = Callable[..., LoadedControl]

DAY = timedelta(days=1)
REQUEST = Step(
    entry=1,
    waiver="w1",
    step="request",
    at=AS_OF - 10 * DAY,
    by_person="Ana",
    alias="p1",
    control="test.scope",
    source="host-1",
    resource="out",
    reason="replaced next month",
    expires_at=AS_OF + 30 * DAY,
)
APPROVE = Step(entry=2, waiver="w1", step="approve", at=AS_OF - 9 * DAY, by_person="Luis", alias="p2")
REVOKE = Step(entry=3, waiver="w1", step="revoke", at=AS_OF - 1 * DAY, by_person="Ana", alias="p1")


def state(*steps: Step, as_of: datetime = AS_OF) -> tuple[str, str | None]:
    (view,) = waivers.lives(steps, as_of)
    return view.state, view.why_not


def test_requested_and_approved_by_another_it_is_in_force() -> None:
    assert state(REQUEST, APPROVE) == ("in_force", None)


@pytest.mark.parametrize(
    ("steps", "expected", "words"),
    [
        ([REQUEST], "requested", "nobody approved"),
        ([APPROVE], "refused", "nobody requested"),
        ([REVOKE], "refused", "nobody requested"),
        ([REQUEST, APPROVE, REVOKE], "revoked", "revoked on 2026-01-14"),
        ([REQUEST, REVOKE], "revoked", "revoked"),
        # self-approved, in every spelling
        ([REQUEST, replace(APPROVE, by_person="Ana", alias="p1")], "refused", "different person"),
        ([REQUEST, replace(APPROVE, by_person=" ANA ", alias="p2")], "refused", "different person"),
        ([REQUEST, replace(APPROVE, by_person="Somebody", alias="p1")], "refused", "different person"),
        ([REQUEST, replace(APPROVE, by_person="ana", alias=None)], "refused", "different person"),
        # not provably another
        ([REQUEST, replace(APPROVE, by_person=None, alias=None)], "refused", "different person"),
        ([replace(REQUEST, by_person=None), replace(APPROVE, alias=None)], "refused", "different person"),
        # expiry
        ([replace(REQUEST, expires_at=None), APPROVE], "refused", "no readable expiry"),
        ([replace(REQUEST, expires_at=REQUEST.at), APPROVE], "refused", "before its request"),
        ([replace(REQUEST, expires_at=REQUEST.at - DAY), APPROVE], "refused", "before its request"),
        ([replace(REQUEST, expires_at=REQUEST.at + 367 * DAY), APPROVE], "refused", "more than 366 days"),
        ([replace(REQUEST, expires_at=AS_OF - timedelta(microseconds=1)), APPROVE], "expired", "expired on"),
        ([replace(REQUEST, expires_at=AS_OF - DAY)], "expired", "without approval"),
        # scope
        ([replace(REQUEST, source=None), APPROVE], "refused", "no source"),
        ([replace(REQUEST, source=" "), APPROVE], "refused", "no source"),
        ([replace(REQUEST, source="*"), APPROVE], "refused", "pattern"),
        ([replace(REQUEST, resource="web-*"), APPROVE], "refused", "pattern"),
        ([replace(REQUEST, resource=""), APPROVE], "refused", "blank"),
        ([replace(REQUEST, control=None), APPROVE], "refused", "no control"),
        ([replace(REQUEST, reason=" "), APPROVE], "refused", "no reason"),
        ([replace(REQUEST, reason=None), APPROVE], "refused", "no reason"),
        # two requests under one name could swap what was approved
        ([REQUEST, replace(REQUEST, entry=4, resource="all"), APPROVE], "refused", "more than once"),
        ([REQUEST, replace(APPROVE, at=REQUEST.at - DAY)], "refused", "before it was requested"),
    ],
)
def test_whatever_is_wrong_keeps_it_out_of_force(steps: list[Step], expected: str, words: str) -> None:
    found, why = state(*steps)
    assert found == expected
    assert words in (why or "")


def test_the_last_moment_still_counts() -> None:
    assert state(replace(REQUEST, expires_at=AS_OF), APPROVE) == ("in_force", None)


def test_people_are_told_apart_by_alias_after_an_erasure() -> None:
    gone = replace(REQUEST, by_person=None), replace(APPROVE, by_person=None)
    assert state(*gone) == ("in_force", None)


def test_later_steps_do_not_count() -> None:
    assert state(REQUEST, APPROVE, REVOKE, as_of=AS_OF - 2 * DAY)[0] == "in_force"
    assert state(REQUEST, APPROVE, as_of=AS_OF - 9 * DAY - timedelta(hours=1))[0] == "requested"
    assert waivers.lives([REQUEST], AS_OF - 11 * DAY) == ()


def test_a_waiver_is_read_from_the_evidence(base: Build) -> None:
    request = {
        "occurred_at": instant(REQUEST.at),
        "waiver": "w1",
        "step": "request",
        "by_person": "Ana",
        "by_alias": "p1",
        "control": "test.scope",
        "of_source": "host-1",
        "resource": "out",
        "reason": "replaced next month",
        "compensating_control": "watched daily",
        "expires_at": instant(AS_OF + 30 * DAY),
    }
    approve = {
        "occurred_at": instant(APPROVE.at),
        "waiver": "w1",
        "step": "approve",
        "by_person": "Luis",
        "subject": "p2",
    }
    (view,) = waivers.views(base(waiver=[request, approve]), AS_OF)
    assert view == WaiverView(
        waiver="w1",
        control="test.scope",
        source="host-1",
        resource="out",
        reason="replaced next month",
        compensating_control="watched daily",
        requested_by="Ana",
        requested_at=REQUEST.at,
        approved_by="Luis",
        approved_at=APPROVE.at,
        expires_at=AS_OF + 30 * DAY,
        state="in_force",
        why_not=None,
        entries=(1000, 1001),
    )


def test_an_unreadable_expiry_keeps_it_out_of_force(base: Build) -> None:
    steps = [
        {"occurred_at": instant(REQUEST.at), "waiver": "w1", "step": "request", "by_person": "Ana", "control": "c",
         "of_source": "s", "reason": "r", "expires_at": "next summer"},
        {"occurred_at": instant(APPROVE.at), "waiver": "w1", "step": "approve", "by_person": "Luis"},
    ]  # fmt: skip
    (view,) = waivers.views(base(waiver=steps), AS_OF)
    assert (view.state, view.why_not) == ("refused", "it has no readable expiry")


OUT: dict[str, Any] = {"asset": "out", "in_pci_scope": False}


def judged(load: Load, evidence: EvidenceBase, *steps: Step) -> ControlResult:
    control = load()
    views = waivers.lives(steps, AS_OF)
    catalogue = Catalogue({control.id: control}, {}, {})
    return evaluate(catalogue, evidence, as_of=AS_OF, overrides={}, profile=[], waivers=views)["test.scope"]


def test_a_waived_fail_still_fails(load: Load, base: Build) -> None:
    result = judged(load, base([OUT]), REQUEST, APPROVE)
    assert (result.verdict, result.waived) == ("fail", True)
    assert [(finding.verdict, finding.waiver) for finding in result.findings] == [("fail", "w1")]


@pytest.mark.parametrize(
    "request_",
    [
        replace(REQUEST, resource="other"),
        replace(REQUEST, source="host-2"),
        replace(REQUEST, control="test.other"),
        replace(REQUEST, resource="Out"),
        replace(REQUEST, expires_at=None),
        replace(REQUEST, source=None, resource=None),
    ],
)
def test_it_covers_only_what_it_names(load: Load, base: Build, request_: Step) -> None:
    result = judged(load, base([OUT]), request_, APPROVE)
    assert (result.verdict, result.waived, result.findings[0].waiver) == ("fail", False, None)


def test_every_failing_finding_must_be_covered(load: Load, base: Build) -> None:
    both = base([OUT, {**OUT, "asset": "out-2"}, {"asset": "in", "in_pci_scope": True}])
    one = judged(load, both, REQUEST, APPROVE)
    assert (one.waived, [finding.waiver for finding in one.findings]) == (False, [None, "w1", None])
    source = judged(load, both, replace(REQUEST, resource=None), APPROVE)
    assert (source.waived, [finding.waiver for finding in source.findings]) == (True, [None, "w1", "w1"])


def test_a_fail_without_findings_cannot_be_waived(load: Load, base: Build) -> None:
    control = load(empty={"verdict": "fail", "reason": {"en": "none"}})
    views = waivers.lives([replace(REQUEST, resource=None), APPROVE], AS_OF)
    catalogue = Catalogue({control.id: control}, {}, {})
    result = evaluate(catalogue, base([], [complete()]), as_of=AS_OF, overrides={}, profile=[], waivers=views)[
        "test.scope"
    ]
    assert (result.verdict, result.waived) == ("fail", False)
