"""The example stack, audited for real: as it should be, with each fault, and with each part taken down."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.stack.faults import FAULTS, Fault, page
from examples.stack.judging import judge, result, said, turned
from examples.stack.stack import HERE, Stack
from tests.stack.conftest import Good

pytestmark = pytest.mark.xdist_group("stack")


def test_nothing_is_wrong_with_it(good: Good) -> None:
    """Every control that its sources can decide passes, and what cannot be decided is known."""
    verdicts = {control: verdict for control, (verdict, _) in good.said.items()}
    assert {control for control, verdict in verdicts.items() if verdict == "fail"} == set()


def test_a_second_audit_says_the_same(good: Good) -> None:
    assert turned(good.said, judge(good.stack.home)) == {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_turns_what_it_must(good: Good, fault: Fault) -> None:
    with fault.planted(good.stack):
        found = turned(good.said, judge(good.stack.home))

    expected = {**dict.fromkeys(fault.turns, "fail"), **dict.fromkeys(fault.unknown, "unknown")}
    assert found == expected


def test_nothing_is_left_of_the_faults(good: Good) -> None:
    assert turned(good.said, judge(good.stack.home)) == {}


@pytest.mark.parametrize("part", ["nginx", "gunicorn", "postgres", "pgbouncer", "redis"])
def test_a_part_that_is_down_earns_no_pass(good: Good, part: str) -> None:
    """Whatever rests on a source that could not be read passes no longer."""
    running: Stack = good.stack
    running.parts[part].stop()
    try:
        found = result(running.home)
    finally:
        running.parts[part].start()

    unread = [row for row in found.coverage if row.outcome != "complete"]
    blind = {control for row in unread for control in row.controls}
    passed = {control for control, (verdict, _) in said(found).items() if verdict == "pass"}
    assert passed & blind == set()
    assert {control for control, (verdict, _) in good.said.items() if verdict == "pass"} >= passed


def test_the_page_of_faults_is_current() -> None:
    assert (HERE / "faults.md").read_text() == page()
    assert len(FAULTS) >= 30
    assert Path(HERE / "faults.md").stat().st_size < 20_000
