"""Every control of the catalogue keeps the rules and holds its own cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from compliance.controls.cases import run_cases
from compliance.controls.catalogue import OWN, control_files, load, load_control
from compliance.controls.lint import lint

CONTROLS = [pytest.param(path, id=f"{path.parent.name}.{path.stem}") for path in control_files(OWN)]


@pytest.mark.parametrize("path", CONTROLS)
def test_keeps_the_rules(path: Path) -> None:
    assert [str(problem) for problem in lint(load_control(path))] == []


@pytest.mark.parametrize("path", CONTROLS)
def test_holds_its_cases(path: Path) -> None:
    outcomes = run_cases(load_control(path))
    broken = [f"{path}:{one.line}: {one.case.name}: {problem}" for one in outcomes for problem in one.problems]
    assert broken == []


def test_everything_loads_together() -> None:
    found = load()
    assert len(found.controls) == len(control_files(OWN))
    assert found.frameworks
