"""Controls that ask the same SELECT for different things."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compliance.controls import cases, catalogue, lint
from compliance.controls.evaluate import check_overrides
from compliance.schemas.errors import ConfigError, ControlError
from compliance.schemas.kinds.engine import Outcome
from tests.controls.given import CONTROL, SQL

Write = Callable[..., Path]
SHARED = SQL.replace("WHEN asset.in_pci_scope THEN", "WHEN asset.in_pci_scope AND asset.environment = $place THEN")
CASES = [
    {"name": "in", "given": {"asset": [{"asset": "a", "in_pci_scope": True, "environment": "x"}]}, "expect": "pass"},
    *CONTROL["cases"][1:],
]


@pytest.fixture
def shared(write: Write) -> Write:
    """Writes a control that asks `shared.sql` with `$place` = x, unless told otherwise."""

    def make(file: str = "shared.sql", **changed: object) -> Path:
        path = write("", **{"fixed": {"place": "x"}, "cases": CASES, **changed})
        path.write_text(f"sql: {file}\n{path.read_text()}")
        path.with_suffix(".sql").unlink()
        path.with_name("shared.sql").write_text(SHARED)
        return path

    return make


def test_the_fixed_value_decides(shared: Write) -> None:
    here = catalogue.load_control(shared())
    assert here.sql_path.name == "shared.sql"
    assert [outcome.problems for outcome in cases.run_cases(here)] == [()] * 4
    there = catalogue.load_control(shared(fixed={"place": "y"}))
    assert there.sha256 != here.sha256
    assert cases.evaluate_case(there, there.cases[0]).verdict is Outcome.UNKNOWN


def test_nobody_sets_a_fixed_value(shared: Write) -> None:
    here = catalogue.load_control(shared())
    known = catalogue.Catalogue({here.id: here}, {}, {})
    with pytest.raises(ConfigError, match="has no parameter 'place'"):
        check_overrides(known, {here.id: {"place": "y"}})


def test_the_linter_knows_fixed_values(shared: Write) -> None:
    assert lint.lint(catalogue.load_control(shared())) == []
    unused = catalogue.load_control(shared(fixed={"place": "x", "other": 1}))
    assert ["'other' is declared and never used" in problem.message for problem in lint.lint(unused)] == [True]
    missing = catalogue.load_control(shared(fixed={}))
    assert any("$place is not declared" in problem.message for problem in lint.lint(missing))
    title = {"en": "Place"}
    twice = {"place": {"type": "str", "default": "x", "title": title, "source": "our default"}}
    both = catalogue.load_control(shared(parameters=twice))
    assert any("is fixed, and a parameter that may be set" in problem.message for problem in lint.lint(both))


@pytest.mark.parametrize("name", ["../shared.sql", "/etc/passwd", "shared", "Shared.sql"])
def test_the_sql_lies_beside_the_yaml(shared: Write, name: str) -> None:
    with pytest.raises(ControlError, match="sql"):
        catalogue.load_control(shared(name))
