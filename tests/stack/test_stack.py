"""The example stack, audited for real: as it should be, with each fault, and with each part taken down."""

from __future__ import annotations

from pathlib import Path

import pytest

from compliance.schemas.results import ControlResult
from examples.stack.fault import Fault
from examples.stack.faults import FAULTS, page
from examples.stack.judging import judge, result, said, turned
from examples.stack.stack import HERE, Stack
from tests.stack.conftest import Good

pytestmark = pytest.mark.xdist_group("stack")


def test_nothing_is_wrong_with_it(good: Good) -> None:
    """Nothing fails but what database, pooler and cache do not have at all, rules for passwords and lock-outs, and that
    the backups lie unencrypted beside what they are of."""
    failing = {
        control: {row for row, found in rows if found == "fail"}
        for control, (verdict, rows) in good.said.items()
        if verdict == "fail"
    }
    ports = good.stack.ports
    where = {"main_db": ports.postgres, "pool": ports.pgbouncer, "sessions": ports.redis}
    lacking = {f"{source}/{source}/127.0.0.1:{port}" for source, port in where.items()}
    assert failing == {
        "access.password_rules": lacking,
        "access.signin_limits": lacking,
        "backup.protected": {"backups/backups/school"},
    }


def test_a_second_audit_says_the_same(good: Good) -> None:
    assert turned(good.said, judge(good.stack.home)) == {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_turns_what_it_must(good: Good, fault: Fault) -> None:
    try:
        with fault.planted(good.stack):
            found = turned(good.said, judge(good.stack.home))
    finally:
        if fault.lasts:
            good.judge()

    expected = {**dict.fromkeys(fault.turns, "fail"), **dict.fromkeys(fault.unknown, "unknown")}
    assert found == expected


def test_nothing_is_left_of_the_faults(good: Good) -> None:
    assert turned(good.said, judge(good.stack.home)) == {}


@pytest.mark.parametrize("part", ["nginx", "gunicorn", "postgres", "pgbouncer", "redis"])
def test_a_part_that_is_down_earns_no_pass(good: Good, part: str) -> None:
    """No control passes that judges something of a source that could not be read, and none that did not before."""
    running: Stack = good.stack
    running.parts[part].stop()
    try:
        found = result(running.home)
    finally:
        running.parts[part].start()

    unread = {(row.source, row.kind) for row in found.coverage if row.outcome != "complete"}
    assert unread
    promised = {(row.source, row.kind) for row in found.coverage}

    def needs(control: ControlResult, source: str | None, kind: str) -> bool:
        other = control.control.needed_from.get(kind) if control.control else None
        return other is None or (source, other) in promised

    blind = {
        control.id
        for control in found.controls.values()
        for finding in control.findings
        if any((finding.source, kind) in unread and needs(control, finding.source, kind) for kind in control.kinds)
    }
    if part == "gunicorn":  # its file says that it should run: that it does not is known
        assert found.controls["infra.gunicorn_workers"].verdict.value == "fail"
    else:
        assert blind
    passed = {control for control, (verdict, _) in said(found).items() if verdict == "pass"}
    before = {control for control, (verdict, _) in good.said.items() if verdict == "pass"}
    assert passed <= before - blind


def test_the_database_itself_shows_each_campus_its_own_notes(good: Good) -> None:
    """What db.row_security passes holds for the application, through its pooler."""
    seen = good.stack.school.shell(
        "from records.models import Note, at_campus\n"
        "print(Note.objects.count())\n"
        "for name in ('north', 'south'):\n"
        "    with at_campus(name): print(Note.objects.count())\n"
    )
    assert seen.split() == ["0", "1", "0"]


def test_the_page_of_faults_is_current() -> None:
    assert (HERE / "faults.md").read_text() == page()
    assert len(FAULTS) >= 30
    assert Path(HERE / "faults.md").stat().st_size < 20_000
