"""Mutants: each is the query with one thing wrong, and a case that is missing is found by the mutant that survives."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from compliance.controls import catalogue, mutants
from compliance.controls.catalogue import LoadedControl

CONTROLS = catalogue.load().controls


@pytest.fixture(scope="module")
def dormant() -> LoadedControl:
    return CONTROLS["access.dormant_disabled"]


def test_no_mutant_is_the_query_itself_or_another_mutant_of_the_same_change(dormant: LoadedControl) -> None:
    made = mutants.mutants(dormant)

    assert len(made) > 50
    assert len({(one.line, one.change, one.sql) for one in made}) == len(made)
    assert dormant.sql not in {one.sql for one in made}


@pytest.mark.parametrize(
    "change",
    [
        "LTE becomes LT",
        "GT becomes GTE",
        "pass(…) becomes fail(…)",
        "fail(…) becomes pass(…)",
        "dropped: WHEN",
        "dropped: u.",
    ],
)
def test_the_changes_that_matter_are_made(dormant: LoadedControl, change: str) -> None:
    assert any(one.change.startswith(change) for one in mutants.mutants(dormant))


def test_a_left_join_is_made_an_inner_join() -> None:
    assert any(one.change.startswith("inner join") for one in mutants.mutants(CONTROLS["infra.clock_sync"]))


def test_cases_for_everything_leave_no_survivor(dormant: LoadedControl) -> None:
    assert mutants.survivors(dormant) == ([], len(mutants.mutants(dormant)))


def test_a_missing_case_shows_as_a_survivor(dormant: LoadedControl) -> None:
    file = yaml.safe_load(dormant.yaml)
    file["cases"] = [case for case in file["cases"] if "whether it is active" not in case["name"]]
    fewer = replace(dormant, yaml=yaml.safe_dump(file).encode())

    alive, _ = mutants.survivors(fewer)

    assert any("is_active IS TRUE" in one.change for one in alive)


def test_a_survivor_may_be_answered(dormant: LoadedControl) -> None:
    lines = dormant.sql.splitlines()
    at = next(n for n, line in enumerate(lines) if "$days)" in line)
    answered = replace(dormant, sql="\n".join([*lines[:at], "-- same: for this test", *lines[at:]]))

    assert {one.answered for one in mutants.mutants(answered) if one.line == at + 2} == {True}
