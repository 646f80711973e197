"""From controls to requirements: the table, and the properties that hold for any results."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.controls.profile import reviewed_by_another
from compliance.controls.rollup import roll_up
from compliance.schemas.catalogue import ControlFile, Framework, Text
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import AttestationView, Completeness, ControlResult, FlagView, RequirementResult
from tests.controls.given import AS_OF, CONTROL

DAY = timedelta(days=1)
PARAMETER = {
    "type": "int",
    "default": 12,
    "title": {"en": "t"},
    "source": "s",
    "bounds": {"house": {"min": 8, "clause": "rule 8"}},
}
DEFINITION = ControlFile.model_validate({**CONTROL, "parameters": {"length": PARAMETER}})


def control(verdict: str, *, waived: bool = False, length: int = 12, name: str = "a.a") -> ControlResult:
    return ControlResult(
        id=name,
        title=Text(en="t"),
        severity=DEFINITION.severity,
        verdict=Outcome(verdict),
        unknown_reason=None,
        completeness=Completeness.COMPLETE,
        reason="r",
        waived=waived,
        control=DEFINITION,
        parameters={"length": length},
    )


def framework(direct: list[str], automation: str = "full", **more: Any) -> Framework:
    requirement = {
        "id": "H.1",
        "title": {"en": "h"},
        "kind": "technical",
        "automation": automation,
        "direct": [{"control": name, "why": "w"} for name in direct],
        **more,
    }
    return Framework.model_validate(
        {
            "id": "house",
            "name": {"en": "House"},
            "short": "H",
            "edition": "1",
            "authority": "us",
            "text_notice": {"en": "ours"},
            "requirement_word": {"en": "rule"},
            "groups": [{"id": "g", "title": {"en": "g"}, "requirements": [requirement]}],
        }
    )


def attestation(**changed: Any) -> AttestationView:
    values: dict[str, Any] = {
        "attestation": "e1",
        "form": "document",
        "control": None,
        "requirements": ("house:H.1",),
        "statement": "approved",
        "by_person": "Ana",
        "reviewed_by": "Luis",
        "occurred_at": AS_OF - 30 * DAY,
        "expires_at": AS_OF + 300 * DAY,
        "document_sha256": "5d" * 32,
        "in_date": True,
        "entry": 7,
    }
    return AttestationView(**{**values, **changed})


OVERDUE = {"in_date": False, "expires_at": AS_OF - DAY}


def judge(
    rules: Framework,
    results: dict[str, ControlResult],
    attestations: list[AttestationView] | None = None,
    profile: list[FlagView] | None = None,
    overrides: dict[str, dict[str, Any]] | None = None,
) -> RequirementResult:
    result = roll_up(
        rules, results, attestations=attestations or [], profile=profile or [], overrides=overrides or {}, as_of=AS_OF
    )
    assert result.framework is rules
    (requirement,) = result.requirements
    return requirement


@pytest.mark.parametrize(
    ("automation", "verdicts", "attested", "expected"),
    [
        ("full", ["pass"], None, ("pass", "controls_pass")),
        ("full", ["pass", "not_applicable"], None, ("pass", "controls_pass")),
        ("full", ["not_applicable"], None, ("not_applicable", "controls_not_applicable")),
        ("full", ["pass", "unknown"], None, ("unknown", "control_unknown")),
        ("full", ["pass", None], None, ("unknown", "control_unknown")),  # no result at all
        ("full", ["pass", "fail", "unknown"], None, ("fail", "control_fails")),
        ("full", [], None, ("unknown", "no_control")),
        ("full", [], {}, ("unknown", "no_control")),
        ("partial", ["pass"], None, ("unknown", "manual_missing")),
        ("partial", ["pass"], {}, ("pass", "controls_and_manual")),
        ("partial", ["pass"], OVERDUE, ("unknown", "manual_overdue")),
        ("partial", ["pass"], {"requirements": ("house:H.2",)}, ("unknown", "manual_missing")),
        ("partial", ["pass"], {"requirements": ("soc2:H.1",)}, ("unknown", "manual_missing")),
        ("partial", ["pass"], {"form": "interview"}, ("unknown", "manual_missing")),
        ("partial", ["pass"], {"form": "nil_return"}, ("unknown", "manual_missing")),
        ("partial", ["pass"], {"occurred_at": AS_OF + DAY}, ("unknown", "manual_missing")),
        ("partial", ["fail"], {}, ("fail", "control_fails")),
        ("partial", ["unknown"], {}, ("unknown", "control_unknown")),
        ("partial", ["not_applicable"], {}, ("not_applicable", "controls_not_applicable")),
        ("partial", [], None, ("unknown", "manual_missing")),
        ("partial", [], {}, ("pass", "manual_in_date")),
        ("partial", [], OVERDUE, ("unknown", "manual_overdue")),
        ("partial", [], {"reviewed_by": None}, ("unknown", "manual_missing")),
        ("none", [], None, ("unknown", "manual_missing")),
        ("none", [], {}, ("pass", "manual_in_date")),
        ("none", [], OVERDUE, ("unknown", "manual_overdue")),
        ("none", [], {"reviewed_by": None}, ("unknown", "manual_missing")),
        ("none", [], {"reviewed_by": "ANA "}, ("unknown", "manual_missing")),
        ("none", [], {"form": "interview"}, ("unknown", "manual_missing")),
        ("none", ["pass"], None, ("unknown", "manual_missing")),
        ("none", ["unknown"], {}, ("unknown", "control_unknown")),
        ("none", ["fail"], {}, ("fail", "control_fails")),
    ],
)
def test_the_table(
    automation: str, verdicts: list[str | None], attested: dict[str, Any] | None, expected: tuple[str, str]
) -> None:
    names = [f"c.c{n}" for n in range(len(verdicts))]
    results = {name: control(verdict) for name, verdict in zip(names, verdicts, strict=True) if verdict}
    rules = framework(names, automation, manual=["document"])
    result = judge(rules, results, [attestation(**attested)] if attested is not None else [])
    assert (result.verdict, result.code) == expected
    assert result.reason


def test_waived_only_when_all_failing_direct_controls_are() -> None:
    rules = framework(["a.a", "b.b"])
    all_waived = judge(rules, {"a.a": control("fail", waived=True), "b.b": control("pass")})
    assert (all_waived.verdict, all_waived.waived) == ("fail", True)
    one_bare = judge(rules, {"a.a": control("fail", waived=True), "b.b": control("fail")})
    assert (one_bare.verdict, one_bare.waived) == ("fail", False)


def test_a_loosened_parameter_fails_this_framework_only() -> None:
    results = {"a.a": control("pass", length=7)}
    loosened = judge(framework(["a.a"]), results)
    assert (loosened.verdict, loosened.code) == ("fail", "parameter_loosened")
    assert loosened.reason == "a.a: length 7 is below 8 (rule 8)"
    other = framework(["a.a"]).model_copy(update={"id": "other"})
    assert judge(other, results).verdict == "pass"
    assert judge(framework(["a.a"]), {"a.a": control("pass", length=8)}).verdict == "pass"
    override = judge(framework(["a.a"]), {"a.a": control("pass")}, overrides={"a.a": {"length": 1}})
    assert override.code == "parameter_loosened"


def test_a_waiver_does_not_cover_a_loosened_parameter() -> None:
    result = judge(framework(["a.a"]), {"a.a": control("fail", waived=True, length=7)})
    assert (result.code, result.waived) == ("parameter_loosened", False)


def test_supporting_controls_never_decide() -> None:
    rules = framework(["a.a"], supporting=[{"control": "b.b", "why": "w"}])
    for verdict in Outcome:
        assert judge(rules, {"a.a": control("pass"), "b.b": control(verdict, length=1)}).verdict == "pass"
    alone = framework([], supporting=[{"control": "b.b", "why": "w"}])
    assert judge(alone, {"b.b": control("pass")}).code == "no_control"


@pytest.mark.parametrize(
    ("value", "in_date", "expected"),
    [(False, True, "not_applicable"), (False, False, "unknown"), (True, True, "unknown"), (None, True, "unknown")],
)
def test_a_condition_counts_as_on_unless_declared_off_in_date(value: bool | None, in_date: bool, expected: str) -> None:
    profile = [] if value is None else [FlagView("has_garden", value, "owner", AS_OF, in_date, 1)]
    assert judge(framework([], condition="has_garden"), {}, profile=profile).verdict == expected


def test_a_framework_declared_off_settles_all_its_requirements() -> None:
    rules = framework([], condition="has_garden").model_copy(update={"applies_if": "sells_food"})
    off = FlagView("sells_food", False, "owner", AS_OF, True, 1)
    result = judge(rules, {}, profile=[off])
    assert (result.verdict, result.code) == ("not_applicable", "not_applicable_declared")
    assert "sells_food" in result.reason
    assert judge(rules, {}, profile=[replace(off, in_date=False)]).verdict == "unknown"


SAMPLE = {"attestation": "e2", "form": "sample", "document_sha256": None}


@pytest.mark.parametrize("automation", ["partial", "none"])
@pytest.mark.parametrize("direct", [[], ["a.one"]])
def test_each_form_is_needed(automation: str, direct: list[str]) -> None:
    rules = framework(direct, automation, manual=["document", "sample"])
    results = {"a.one": control("pass", name="a.one")}
    one = judge(rules, results, [attestation()])
    assert (one.verdict, one.code) == ("unknown", "manual_missing")
    assert "sample is not recorded" in one.reason
    assert [(b.form, b.state, b.attestation) for b in one.brought] == [
        ("document", "there", "e1"),
        ("sample", "missing", None),
    ]
    assert judge(rules, results, [attestation(), attestation(**SAMPLE)]).verdict == "pass"
    late = judge(rules, results, [attestation(), attestation(**SAMPLE, **OVERDUE)])
    assert (late.verdict, late.brought[1].state) == ("unknown", "overdue")


@pytest.mark.parametrize(("form", "verdict"), [
    ("document", "unknown"), ("contract", "unknown"), ("external_report", "unknown"),
    ("attestation", "pass"), ("sample", "pass"), ("interview", "pass"),
])  # fmt: skip
def test_a_paper_counts_with_its_file_only(form: str, verdict: str) -> None:
    rules = framework([], "none", manual=[form])
    bare = judge(rules, {}, [attestation(form=form, document_sha256=None)])
    assert bare.verdict == verdict
    assert bare.brought[0].state == ("there" if verdict == "pass" else "without_document")
    assert judge(rules, {}, [attestation(form=form)]).verdict == "pass"


def test_of_two_that_count_the_one_that_lasts_longest_is_named() -> None:
    rules = framework([], "none", manual=["document"])
    longer = attestation(attestation="e0", expires_at=AS_OF + 350 * DAY)
    (thing,) = judge(rules, {}, [attestation(), longer, attestation(attestation="e9", reviewed_by=None)]).brought
    assert (thing.attestation, thing.valid_until, thing.second_person) == ("e0", longer.expires_at, True)


VERDICTS = st.sampled_from(list(Outcome))
ATTESTATIONS = st.builds(
    attestation,
    form=st.sampled_from(["document", "interview", "nil_return"]),
    requirements=st.sampled_from([(), ("house:H.1",), ("house:H.2",), ("house:H.2", "house:H.1")]),
    reviewed_by=st.sampled_from([None, "Ana", "Luis"]),
    in_date=st.booleans(),
    occurred_at=st.sampled_from([AS_OF - DAY, AS_OF, AS_OF + DAY]),
    expires_at=st.sampled_from([AS_OF - DAY, AS_OF, AS_OF + DAY]),
)


RESULTS = st.builds(control, VERDICTS, waived=st.booleans(), length=st.integers(6, 9))
FLAGS = st.builds(
    FlagView, st.just("has_garden"), st.booleans(), st.just("o"), st.just(AS_OF), st.booleans(), st.none()
)


@given(
    automation=st.sampled_from(["full", "partial", "none"]),
    direct=st.dictionaries(st.sampled_from(["a.a", "b.b", "c.c"]), st.one_of(st.none(), RESULTS)),
    supporting=st.dictionaries(st.sampled_from(["x.x", "y.y"]), RESULTS),
    attested=st.lists(ATTESTATIONS, max_size=3),
    flags=st.lists(FLAGS, max_size=2),
)
def test_no_pass_without_evidence(
    automation: str,
    direct: dict[str, ControlResult | None],
    supporting: dict[str, ControlResult],
    attested: list[AttestationView],
    flags: list[FlagView],
) -> None:
    links = [{"control": name, "why": "w"} for name in supporting]
    rules = framework(list(direct), automation, manual=["document"], condition="has_garden", supporting=links)
    results = {name: one for name, one in direct.items() if one is not None} | supporting
    result = judge(rules, results, attested, flags)

    verdicts = [one.verdict if one else Outcome.UNKNOWN for one in direct.values()]
    good = [
        one
        for one in attested
        if one.in_date
        and one.form == "document"
        and "house:H.1" in one.requirements
        and one.occurred_at <= AS_OF < one.expires_at
    ]
    if result.verdict is Outcome.PASS:
        assert Outcome.FAIL not in verdicts
        assert not any(
            one and one.verdict != "not_applicable" and one.parameters["length"] < 8 for one in direct.values()
        )
        assert Outcome.UNKNOWN not in verdicts
        if automation == "none" or (automation == "partial" and not direct):
            assert any(reviewed_by_another(one) for one in good)
        else:
            assert Outcome.PASS in verdicts
        if automation == "partial":
            assert good
    if result.verdict is Outcome.NOT_APPLICABLE:
        off = any(flag.in_date and not flag.value for flag in flags)
        assert off or (direct and set(verdicts) == {Outcome.NOT_APPLICABLE})
    if Outcome.FAIL in verdicts:
        assert result.verdict in (Outcome.FAIL, Outcome.NOT_APPLICABLE)
    assert not result.waived or result.verdict is Outcome.FAIL
    assert judge(rules, {name: one for name, one in results.items() if name in direct}, attested, flags) == result


@pytest.mark.parametrize(
    ("effective", "expected"),
    [
        (AS_OF.date() + DAY, ("not_applicable", "not_in_force")),
        (AS_OF.date(), ("fail", "control_fails")),
        (AS_OF.date() - DAY, ("fail", "control_fails")),
    ],
)
def test_a_requirement_binds_from_its_first_day_on(effective: date, expected: tuple[str, str]) -> None:
    rules = framework(["a.one"], effective=effective)
    found = judge(rules, {"a.one": control("fail", name="a.one")})
    assert (found.verdict, found.code) == expected
