"""Each rule finds its violation, at its line, and leaves the permitted form alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compliance.controls.catalogue import LoadedControl
from compliance.controls.lint import lint
from tests.controls.given import SQL

Load = Callable[..., LoadedControl]

PARAMETER = {"type": "int", "default": 2, "title": {"en": "t"}, "source": "test"}
LAST = len(SQL.splitlines())


def found(control: LoadedControl) -> list[tuple[str, int]]:
    return [(problem.rule, problem.line) for problem in lint(control)]


def test_the_model_is_clean(load: Load) -> None:
    assert found(load()) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("ELSE unknown('unread', 'scope not readable')", "ELSE pass('unread', 'x')", ("else-unknown", 8)),
        ("ELSE unknown('unread', 'scope not readable')", "ELSE fail('unread', 'x')", ("else-unknown", 8)),
        ("ELSE unknown('unread', 'scope not readable')", "ELSE not_applicable('unread', 'x')", ("else-unknown", 8)),
        ("ELSE unknown('unread', 'scope not readable')", "WHEN 1 = 2 THEN unknown('unread', 'x')", ("else-unknown", 5)),
        ("WHEN asset.in_pci_scope THEN", "WHEN true THEN", ("pass-explicit", 7)),
        ("WHEN asset.in_pci_scope THEN", "WHEN 1 = 1 THEN", ("pass-explicit", 7)),
        ("WHEN asset.in_pci_scope THEN", "WHEN asset.in_pci_scope IS NOT FALSE THEN", ("pass-on-null", 7)),
        ("WHEN asset.in_pci_scope THEN", "WHEN coalesce(asset.in_pci_scope, true) THEN", ("pass-on-null", 7)),
        ("WHEN asset.in_pci_scope THEN", "WHEN asset.in_pci_scope IS NULL THEN", ("pass-on-null", 7)),
        ("WHEN asset.in_pci_scope THEN", "WHEN asset.in_pci_scope IS DISTINCT FROM false THEN", ("pass-on-null", 7)),
        ("pass('inside', 'in scope')", "{'verdict': 'pass', 'code': 'inside', 'reason': 'x'}", ("result-case", 7)),
        ("pass('inside', 'in scope')", "CASE WHEN true THEN pass('inside', 'x') END", ("result-case", 7)),
        ("pass('inside', 'in scope')", "pass('inside')", ("result-case", 7)),
        ("pass('inside', 'in scope')", "pass('inside', '')", ("reason", 7)),
        ("pass('inside', 'in scope')", "pass('inside', NULL)", ("reason", 7)),
        ("pass('inside', 'in scope')", "pass('inside', 'on ' || asset.hostname)", ("reason", 7)),
        ("pass('inside', 'in scope')", "pass(asset.asset, 'x')", ("reason-code", 7)),
        ("pass('inside', 'in scope')", "pass('insid', 'x')", ("reason-code", 7)),
        ("FROM asset\n", "FROM asset WHERE NOT in_pci_scope\n", ("null-filter", LAST)),
        ("FROM asset\n", "FROM asset WHERE in_pci_scope\n", ("null-filter", LAST)),
        ("FROM asset\n", "FROM asset WHERE in_pci_scope = false\n", ("null-filter", LAST)),
        ("FROM asset\n", "FROM asset WHERE in_pci_scope <> true\n", ("null-filter", LAST)),
        ("FROM asset\n", "FROM asset WHERE in_pci_scope != true\n", ("null-filter", LAST)),
        ("FROM asset\n", "FROM asset WHERE environment <> 'lab'\n", ("null-filter", LAST)),
        ("FROM asset\n", "FROM asset WHERE environment NOT IN ('lab')\n", ("null-filter", LAST)),
        ("FROM asset\n", "FROM asset WHERE asset NOT LIKE 'x%'\n", ("null-filter", LAST)),
        ("FROM asset\n", "FROM asset\nWHERE asset = 'a'\n  AND (in_pci_scope OR 1 = 2)\n", ("null-filter", LAST + 2)),
        ("FROM asset\n", "FROM asset\nJOIN clock_status AS c ON c.asset = asset.asset\n", ("join", LAST + 1)),
        ("FROM asset\n", "FROM asset\nINNER JOIN clock_status AS c USING (asset)\n", ("join", LAST + 1)),
        ("FROM asset\n", "FROM asset,\nclock_status AS c\n", ("join", LAST + 1)),
        ("FROM asset\n", "FROM asset\nSEMI JOIN clock_status AS c ON c.asset = asset.asset\n", ("join", LAST + 1)),
        ("FROM asset\n", "FROM asset LEFT JOIN clock_status AS c ON c.synced\n", ("null-filter", LAST)),
        ("FROM asset\n", "FROM asset LIMIT 10\n", ("limit", LAST)),
        ("FROM asset\n", "FROM asset WHERE booted_at < now()\n", ("clock", LAST)),
        ("FROM asset\n", "FROM asset WHERE booted_at < current_date\n", ("clock", LAST)),
        ("FROM asset\n", "FROM asset WHERE booted_at < current_timestamp\n", ("clock", LAST)),
        ("FROM asset\n", "FROM asset WHERE booted_at < localtimestamp\n", ("clock", LAST)),
        ("FROM asset\n", "FROM asset WHERE booted_at < today()\n", ("clock", LAST)),
        ("FROM asset\n", "FROM asset WHERE age(booted_at) < INTERVAL 1 DAY\n", ("clock", LAST)),
        ("FROM asset\n", "FROM asset WHERE random() < 0.5\n", ("clock", LAST)),
        ("FROM asset\n", "FROM asset WHERE uuid() IS NULL\n", ("clock", LAST)),
        ("FROM asset\n", "FROM asset WHERE gen_random_uuid() IS NULL\n", ("clock", LAST)),
        ("FROM asset\n", "FROM asset USING SAMPLE 10\n", ("clock", LAST)),
        ("FROM asset\n", "FROM asset\nLEFT JOIN read_csv('x.csv') AS f ON f.a = asset.asset\n", ("table", LAST + 1)),
        ("FROM asset\n", "FROM memory.main.asset\n", ("table", LAST)),
        ("FROM asset\n", "FROM asset WHERE booted_at < $as_off\n", ("parameter", LAST)),
        ("asset.in_pci_scope THEN pass", "asset.in_pci_scop THEN pass", ("binds", 7)),
        ("asset.in_pci_scope THEN pass", "asset.hostname > 5 + asset.booted_at THEN pass", ("binds", 7)),
        ("AS resource", "AS resources", ("columns", 1)),
        ("    asset.entry AS entry,\n", "", ("columns", 1)),
        ("FROM asset\n", "FROM asset;\nSELECT 1\n", ("one-select", LAST + 1)),
        ("FROM asset\n", "FROM asset UNION ALL SELECT NULL, NULL, NULL\n", ("one-select", 2)),
    ],
)  # fmt: skip
def test_a_violation_is_found_at_its_line(load: Load, before: str, after: str, expected: tuple[str, int]) -> None:
    assert before in SQL
    assert expected in found(load(SQL.replace(before, after)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM asset\n", "FROM asset WHERE in_pci_scope IS NOT FALSE\n"),
        ("FROM asset\n", "FROM asset WHERE in_pci_scope IS TRUE OR in_pci_scope IS NULL\n"),
        ("FROM asset\n", "FROM asset WHERE environment IS DISTINCT FROM 'lab' AND hostname IS NOT NULL\n"),
        ("FROM asset\n", "FROM asset WHERE (environment = 'lab') IS NOT TRUE\n"),
        ("FROM asset\n", "FROM asset WHERE NOT EXISTS (SELECT 1 FROM clock_status AS c WHERE c.asset = asset.asset)\n"),
        ("FROM asset\n", "FROM asset LEFT JOIN (SELECT asset AS a FROM clock_status) AS c ON c.a = asset.asset\n"),
        ("FROM asset\n", "FROM asset\nJOIN clock_status AS c ON c.asset = asset.asset -- join: every asset has one\n"),
        ("FROM asset\n", "FROM asset\n-- join: every asset has one\nJOIN clock_status AS c USING (asset)\n"),
        ("FROM asset\n", "FROM asset WHERE booted_at < $as_of - days(3)\n"),
        ("FROM asset\n", "FROM asset WHERE age($as_of, booted_at) < INTERVAL 1 DAY\n"),
        ("WHEN asset.in_pci_scope THEN", "WHEN asset.in_pci_scope AND asset.hostname IS NOT NULL THEN"),
        ("WHEN asset.in_pci_scope THEN", "WHEN coalesce(asset.in_pci_scope, true) THEN -- null: a test\n"),
        ("pass('inside', 'in scope')", "pass('inside', concat('on ', asset.hostname))"),
        ("pass('inside', 'in scope')", "pass('inside', asset.asset || ' is in scope')"),
        ("pass('inside', 'in scope')", "pass('inside', 'on ' || coalesce(asset.hostname, '?'))"),
    ],
)
def test_the_permitted_form_is_left_alone(load: Load, before: str, after: str) -> None:
    assert before in SQL
    assert found(load(SQL.replace(before, after))) == []


def test_an_annotation_must_say_why(load: Load) -> None:
    assert ("join", LAST) in found(load(SQL.rstrip() + " JOIN clock_status AS c USING (asset) -- join:\n"))


def test_a_typing_mistake_in_a_column_gets_the_nearest_name(load: Load) -> None:
    problems = lint(load(SQL.replace("asset.in_pci_scope THEN pass", "asset.in_pci_scop THEN pass")))
    assert [str(problem) for problem in problems if "did you mean 'in_pci_scope'?" in problem.message]


def test_parameters_and_reasons_are_used(load: Load) -> None:
    control = load(
        parameters={"idle": PARAMETER},
        reasons={code: {"en": code} for code in ("inside", "outside", "unread", "lab", "never_given")},
    )
    lines = control.path.read_text().splitlines()
    unused = ("parameter", next(n for n, text in enumerate(lines, 1) if text.strip() == "idle:"))
    never = ("reason-code", next(n for n, text in enumerate(lines, 1) if text.strip() == "never_given:"))
    assert found(control) == sorted([unused, never], key=lambda one: one[1])


def test_a_parameter_may_not_take_the_name_of_a_given_value(load: Load) -> None:
    sql = SQL.rstrip() + " WHERE booted_at < $as_of\n"
    assert ("parameter", 1) in found(load(sql, parameters={"as_of": PARAMETER}))


def test_a_verdict_may_not_hide_in_a_step(load: Load) -> None:
    sql = "WITH s AS (\n    SELECT pass('inside', 'x') AS r FROM asset\n)\n" + SQL
    assert ("result-case", 2) in found(load(sql))


def test_lines_hold_behind_a_long_case_and_accents(load: Load) -> None:
    sql = SQL.replace("'in scope'", "'en el ámbito — sí'") + "WHERE environment IS NOT NULL\n  AND in_pci_scope\n"
    assert found(load(sql)) == [("null-filter", LAST + 2)]


@pytest.mark.parametrize("changed", [{}, {"optional_kinds": ["asset"]}])
def test_the_linter_needs_no_more_than_the_control(load: Load, changed: dict[str, Any]) -> None:
    assert found(load(**changed)) == []
