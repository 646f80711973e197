"""The demonstration year, a part of it: its planted faults are seen, and nothing else fails."""

from __future__ import annotations

from datetime import date

import pytest

from compliance.app import period
from compliance.app.config import load
from compliance.app.workspace import opened
from compliance.reports.period import period_part
from examples.demo_year import judging
from examples.demo_year.faults import FAULTS, Fault
from examples.demo_year.generate import generate
from examples.demo_year.judging import Results
from tests.app.years import only

LAST = date(2025, 3, 9)
KINDS = ("person", "user_account", "tls_endpoint", "http_endpoint")
CONTROLS = (
    "access.privileged_allowlist",  # of which the configuration sets a parameter
    "access.leaver_revoked",
    "access.unique_ids",
    "engine.evidence_fresh",
    "tls.everywhere",
    "tls.hsts",
)
MINE = tuple(fault for fault in FAULTS if fault.name in ("collector-out", "leaver-kept"))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Ten weeks, four kinds, and the audit over them."""
    folder = tmp_path_factory.mktemp("year")
    generate(folder, LAST, KINDS)
    with opened(load(folder / "compliance.toml"), print, must_exist=True) as workspace:
        asked = period.asked(f"2025-01-01..{LAST}", frameworks=("soc2",))
        result = period.perform(workspace, asked, only(*CONTROLS), say=print)
    return Results([period_part(result, CONTROLS)], {})


def test_what_was_planted_is_seen_and_nothing_else_fails(results: Results) -> None:
    rows = judging.compare(results, MINE)
    assert len(rows) == 6
    assert [row for row in rows if not row.ok] == []
    held = results.over("access.unique_ids")
    assert held is not None
    assert held["verdict"] == "pass"


def test_what_was_not_planted_and_what_is_not_seen_are_told(results: Results) -> None:
    elsewhere = Fault(
        "elsewhere", "", tuple(one for fault in FAULTS if fault.name == "log-late" for one in fault.seen[-1:])
    )
    (missing,) = judging.compare(results, [elsewhere])
    assert not missing.ok
    document = {"period": {"controls": [{"control": "tls.hsts", "verdict": "fail", "exceptions": []}], "gaps": []}}
    assert [row.where for row in judging.compare(Results([document], {}), [])] == ["period: tls.hsts fails"]
