"""Which recorded audits can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compliance.app import audit, comparing, integrity, verdicts
from compliance.schemas.errors import ConfigError
from compliance.schemas.results import AuditResult
from tests.app import years
from tests.app.test_period import KIND, NAME, store
from tests.app.years import DAY, Year, only, utc


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Year]:
    opened = years.opened(tmp_path, utc(2025, 12, 31))
    with opened.ledger:
        opened.declare(web=[KIND])
        for n in range(10):
            opened.at(utc(2026, 1, 1) + n * DAY).read(KIND, [store(exposure="public" if n > 4 else "private")])
        yield opened


def closed(year: Year, result: AuditResult) -> str:
    verdicts.close(year.workspace, result, [])
    return result.audit


def of_moment(year: Year, day: int) -> str:
    """An audit, recorded now, of noon of a day in January."""
    asks = audit.Wanted(as_of=utc(2026, 1, day, 12), collect=False)
    checked, anchors = integrity.check_ledger(year.workspace)
    plan = audit.Plan(asks, only(NAME))
    result = audit.evaluate_at(year.workspace, plan, utc(2026, 1, day, 12), checked, anchors, (), lambda _: None)
    verdicts.record(year.workspace, result)
    return closed(year, result)


def test_an_audit_of_an_earlier_moment_mends_nothing(year: Year) -> None:
    first = of_moment(year.at(utc(2026, 1, 11)), 3)
    failing = of_moment(year.at(utc(2026, 1, 12)), 10)
    back = of_moment(year.at(utc(2026, 1, 13)), 3)
    with pytest.raises(ConfigError, match="was not mended in between"):
        comparing.diff(year.workspace, failing, back)
    compared = comparing.diff(year.workspace, None, None)
    assert (compared.then.audit, compared.now.audit) == (first, back)
    assert [step.changes and step.changes["fixed"] for step in comparing.trend(year.workspace, 3)] == [None, 0, None]


def test_a_period_is_compared_with_a_period(year: Year) -> None:
    failing = of_moment(year.at(utc(2026, 1, 11)), 10)
    result = year.at(utc(2026, 1, 12)).over("2026-01-01..2026-01-04", only(NAME))
    verdicts.record(year.workspace, result)
    period = closed(year, result)
    for names in ((failing, period), (None, None)):
        with pytest.raises(ConfigError):
            comparing.diff(year.workspace, *names)
