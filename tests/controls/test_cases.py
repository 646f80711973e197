"""The runner of cases: what a case means, and that a case that does not hold is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compliance.controls.cases import run_cases
from compliance.controls.catalogue import LoadedControl
from compliance.schemas.errors import ControlError
from tests.controls.given import CONTROL, SQL

Load = Callable[..., LoadedControl]


def told(load: Load, sql: str = SQL, control: dict[str, Any] | None = None, **case: Any) -> tuple[str, ...]:
    """The problems of one more case beside those of the small control."""
    loaded = load(sql, cases=[*CONTROL["cases"], {"name": "this", **case}], **(control or {}))
    *rest, last = run_cases(loaded)
    assert all(outcome.ok for outcome in rest)
    assert last.line == next(n for n, t in enumerate(loaded.path.read_text().splitlines(), 1) if "name: this" in t)
    return last.problems


IN = {"asset": [{"asset": "a", "in_pci_scope": True}]}


TWICE = {"asset": [{"asset": "a", "in_pci_scope": True, "source": "x"}, {"asset": "a", "in_pci_scope": True}]}


def collected(**collection: Any) -> dict[str, Any]:
    return {"given": IN, "collections": [{"kind": "asset", **collection}], "expect": "unknown"}


@pytest.mark.parametrize(
    "case",
    [
        {"given": IN, "expect": "pass", "findings": {"a": "pass:inside"}},
        {**collected(outcome="denied"), "unknown_reason": "error"},
        {**collected(age="27h"), "unknown_reason": "stale"},
        {**collected(source="b", age="27h"), "unknown_reason": "stale"},
        {"expect": "unknown", "unknown_reason": "no_evidence"},
        {"given": TWICE, "expect": "pass", "findings": {"x|a": "pass:inside", "case|a": "pass:inside"}},
    ],
)
def test_a_case_that_holds(load: Load, case: dict[str, Any]) -> None:
    assert told(load, **case) == ()


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ({"given": IN, "expect": "fail"}, "expected fail, got pass (all 1 pass)"),
        ({"expect": "unknown", "unknown_reason": "stale"}, "expected unknown: stale, got unknown: no_evidence"),
        (
            {"given": IN, "expect": "pass", "findings": {"a": "fail:outside"}},
            "a: expected fail:outside, got pass:inside",
        ),
        ({"given": IN, "expect": "pass", "findings": {"b": "pass:inside"}}, "b: expected pass:inside, got no finding"),
        ({"given": IN, "expect": "pass", "findings": {}}, "a: expected no finding, got pass:inside"),
    ],
)
def test_a_case_that_does_not_hold_is_told(load: Load, case: dict[str, Any], words: str) -> None:
    assert any(words in problem for problem in told(load, **case))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("as_of", "pass"),
        ("as_of-3d", "pass"),
        ("as_of+1min", "unknown"),
        ("as_of-73h", "unknown"),
        ("2026-01-15T12:00:00Z", "pass"),
    ],
)
def test_times_may_be_relative(load: Load, written: str, expected: str) -> None:
    sql = SQL.replace("asset.in_pci_scope THEN", "asset.booted_at BETWEEN $as_of - days(3) AND $as_of THEN")
    case = {"given": {"asset": [{"asset": "a", "booted_at": written}]}, "expect": expected}
    loaded = load(sql, cases=[*CONTROL["cases"], {"name": "this", **case}])
    assert run_cases(loaded)[-1].problems == ()


def test_parameters_profile_and_nil_return_reach_the_evaluation(load: Load) -> None:
    parameter = {"type": "int", "default": 0, "title": {"en": "t"}, "source": "s"}
    sql = SQL.replace("asset.in_pci_scope THEN", "len(asset.asset) <= $n OR asset.in_pci_scope THEN")
    given = {"asset": [{"asset": "abc"}]}
    assert told(load, sql, {"parameters": {"n": parameter}}, given=given, parameters={"n": 3}, expect="pass") == ()
    flag = {"applies_if": "eu_subjects"}
    assert told(load, control=flag, given=IN, profile={"eu_subjects": False}, expect="not_applicable") == ()
    assert told(load, control=flag, given=IN, profile={"eu_subjects": True}, expect="pass") == ()
    empty = {"empty": {"verdict": "pass", "proof": "nil_return", "reason": {"en": "none"}}}
    assert told(load, control=empty, nil_return=True, expect="pass") == ()
    assert told(load, control=empty, expect="unknown", unknown_reason="overdue") == ()


def test_engine_kinds_are_missing_too_when_nothing_is_promised(load: Load) -> None:
    sql = """SELECT source.name AS resource, source.entry AS entry,
    CASE WHEN source.enabled IS FALSE THEN fail('outside', 'x') WHEN source.enabled THEN pass('inside', 'x')
    ELSE unknown('unread', 'x') END AS result FROM source"""
    row = {"name": "s", "collector": "host", "kinds": []}
    cases = [
        {"name": "on", "given": {"source": [{**row, "enabled": True}]}, "expect": "pass"},
        {"name": "off", "given": {"source": [{**row, "enabled": False}]}, "expect": "fail"},
        {"name": "unread", "given": {"source": [row]}, "expect": "unknown", "unknown_reason": "unreadable"},
        {"name": "nobody", "promised": False, "expect": "unknown", "unknown_reason": "no_evidence"},
        {"name": "empty", "expect": "pass"},
    ]
    empty = {"verdict": "pass", "reason": {"en": "none"}}
    assert [outcome.problems for outcome in run_cases(load(sql, cases=cases, empty=empty))] == [()] * 5


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"asset": "a", "in_pci_scope": "perhaps"}, "asset.in_pci_scope:"),
        ({"asset": "a", "booted_at": "as_of-3"}, "asset.booted_at:"),
    ],
)
def test_a_row_that_does_not_fit_its_kind_is_refused_with_its_line(load: Load, row: dict[str, Any], words: str) -> None:
    loaded = load(cases=[*CONTROL["cases"], {"name": "this", "given": {"asset": [row]}, "expect": "pass"}])
    with pytest.raises(ControlError) as caught:
        run_cases(loaded)
    column = words.partition(".")[2]
    assert words in str(caught.value)
    lines = [n for n, text in enumerate(loaded.path.read_text().splitlines(), 1) if column in text]
    assert caught.value.line == lines[-1]
