"""Controls that changed: what judged at the time is known from the ledger, and can judge again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from compliance.app import audit, integrity, keeping, verdicts
from compliance.controls import catalogue as catalogues
from compliance.controls.catalogue import Catalogue
from compliance.reports.json_report import audit_document
from compliance.schemas.kinds.engine import ControlVerdict, Outcome
from tests.app import years
from tests.app.test_period import BEGIN, JANUARY, KIND, NAME, fill, january, store
from tests.app.years import DAY, Year, only, utc
from tests.reports.test_machine_formats import check_report

Changed = Callable[[str, str], Catalogue]


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Year]:
    opened = years.opened(tmp_path, BEGIN - DAY)
    with opened.ledger:
        opened.declare(web=[KIND])
        yield opened


@pytest.fixture
def changed(tmp_path: Path) -> Changed:
    """The catalogue with one control, in whose SQL one text stands for another and whose version is 2."""

    def make(old: str, new: str) -> Catalogue:
        loaded = catalogues.load().controls[NAME]
        path = tmp_path / "other/checks/net/datastores_private.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        assert old in loaded.sql
        path.write_bytes(loaded.yaml.replace(b"version: 1", b"version: 2", 1))
        path.with_suffix(".sql").write_text(loaded.sql.replace(old, new))
        return replace(only(NAME), controls={NAME: catalogues.load_control(path)})

    return make


def test_each_moment_is_judged_by_the_definition_of_its_day(year: Year, changed: Changed) -> None:
    strict, lenient = only(NAME), changed("THEN fail('reachable'", "THEN pass('reachable'")
    for n in range(31):
        year.at(utc(2026, 1, 1) + n * DAY).read(KIND, [store(exposure="public" if n in (5, 20) else "private")])
        year.at(utc(2026, 1, 1, 4) + n * DAY).judge(strict if n < 15 else lenient)
    year.at(utc(2026, 2, 1))

    def failing(catalogue: Catalogue, **more: str) -> list[int]:
        return [one.start.day for one in year.control(JANUARY, catalogue, NAME, **more).exceptions]

    assert failing(strict) == [6, 21]
    assert failing(lenient) == []
    assert failing(strict, definitions="then") == failing(lenient, definitions="then") == [6]
    found = year.control(JANUARY, strict, NAME, definitions="then")
    assert [(one.version, one.since.day, one.audit is None) for one in found.definitions] == [
        (1, 1, False),
        (2, 16, False),
    ]
    assert found.verdict is Outcome.FAIL


def test_a_new_definition_judges_the_reading_it_was_first_used_on(year: Year, changed: Changed) -> None:
    strict, lenient = only(NAME), changed("THEN fail('reachable'", "THEN pass('reachable'")
    year.read(KIND, [store()])
    year.at(utc(2026, 1, 9, 3)).judge(strict)
    year.at(utc(2026, 1, 10, 3)).read(KIND, [store(exposure="public")])
    year.at(utc(2026, 1, 10, 3, 5)).judge(lenient)
    year.at(utc(2026, 2, 1))
    assert year.control(JANUARY, strict, NAME, definitions="then").exceptions == ()


def test_the_old_definition_judges_the_reading_it_was_last_used_on(year: Year, changed: Changed) -> None:
    strict, lenient = only(NAME), changed("THEN fail('reachable'", "THEN pass('reachable'")
    year.at(utc(2026, 1, 10, 3)).read(KIND, [store(exposure="public")])
    year.at(utc(2026, 1, 10, 4)).judge(strict)
    year.at(utc(2026, 1, 10, 5)).judge(lenient)
    year.at(utc(2026, 1, 11, 3)).read(KIND, [store(exposure="public")])
    year.at(utc(2026, 2, 1))
    (one,) = year.control(JANUARY, strict, NAME, definitions="then").exceptions
    assert (one.start, one.end, one.ended) == (utc(2026, 1, 10, 3), utc(2026, 1, 10, 5), "redefined")


def test_what_another_definition_ended_was_not_mended(year: Year, changed: Changed) -> None:
    strict, lenient = only(NAME), changed("THEN fail('reachable'", "THEN pass('reachable'")
    for n in range(31):
        year.at(utc(2026, 1, 1) + n * DAY).read(KIND, [store(exposure="public" if n > 9 else "private")])
        if n == 9:
            year.judge(strict)
            for hour in (4, 5):
                year.at(utc(2026, 1, 10, hour)).read(KIND, [store(exposure="public")])
                year.at(utc(2026, 1, 10, hour, 10)).judge(strict if hour == 4 else lenient)
    year.at(utc(2026, 2, 1))
    found = year.control(JANUARY, lenient, NAME, definitions="then")
    (one,) = found.exceptions
    assert (one.start, one.end, one.ended) == (utc(2026, 1, 10, 4), utc(2026, 1, 10, 5), "redefined")
    assert found.verdict is Outcome.FAIL


def test_what_only_the_old_definition_reads_is_needed_while_it_judged(year: Year, changed: Changed) -> None:
    two = changed("FROM listening_socket AS s", "FROM listening_socket AS s LEFT JOIN asset AS a ON a.asset = s.asset")
    fill(year, lambda n: [store()], days=10)
    year.judge(two)
    fill(year, lambda n: [store()], 21, utc(2026, 1, 11))
    year.judge(only(NAME))
    now = january(year)
    assert now.verdict is Outcome.PASS
    then = year.control(JANUARY, only(NAME), NAME, definitions="then")
    assert then.verdict is Outcome.UNKNOWN
    assert {(gap.kind, gap.cause) for gap in then.gaps} >= {("asset", "nobody")}


def test_a_change_inside_the_period_is_told_whatever_judges(year: Year, changed: Changed) -> None:
    fill(year, lambda n: [store()], days=10)
    year.judge(only(NAME))
    fill(year, lambda n: [store()], 21, utc(2026, 1, 11))
    lenient = changed("THEN fail('reachable'", "THEN pass('reachable'")
    result = year.over(JANUARY, lenient)
    assert result.period is not None
    told = result.period.controls[NAME].definitions
    assert [(one.version, one.audit is None) for one in told] == [(1, False), (2, True)]
    check_report(audit_document(result))


def test_nobody_judged_in_the_period(year: Year) -> None:
    fill(year, lambda n: [store()])
    result = year.over(JANUARY, only(NAME), definitions="then")
    assert result.controls[NAME].verdict is Outcome.PASS
    assert any(f"Of 1 controls the ledger keeps none from then ({NAME})" in note for note in result.notes)


def test_an_audit_that_looked_back_changes_no_history(year: Year, changed: Changed) -> None:
    strict, lenient = only(NAME), changed("THEN fail('reachable'", "THEN pass('reachable'")
    year.read(KIND, [store()])
    year.at(utc(2026, 1, 5)).judge(strict)
    year.at(utc(2026, 1, 6)).judge(lenient)
    at = utc(2026, 1, 5, 12)
    plan, _ = audit.of_day(
        year.workspace, audit.Plan(audit.Wanted((), at, "then", collect=False, definitions="then"), lenient), at
    )
    checked, anchors = integrity.check_ledger(year.workspace)
    back = audit.evaluate_at(year.workspace, plan, at, checked, anchors, (), lambda _: None)
    verdicts.record(year.workspace, back)
    assert back.controls[NAME].version == 1
    assert [entry.record["definitions"] for entry in year.ledger.entries(ControlVerdict.kind)] == [None, None, "then"]
    year.at(utc(2026, 1, 7))
    assert [use.loaded.control.version for use in keeping.used(year.workspace, lenient, year.now[0])[NAME]] == [1, 2]


def test_a_parameter_that_was_loose_in_the_period_fails_its_requirement(year: Year) -> None:
    name, parameter = "access.dormant_disabled", "days"
    catalogue = only(name)
    bounds = catalogue.controls[name].control.parameters
    assert parameter in bounds, list(bounds)
    year.at(utc(2026, 1, 3)).judge(catalogue, access__dormant_disabled={parameter: 400})
    year.at(utc(2026, 1, 20)).judge(catalogue, access__dormant_disabled={parameter: 60})
    year.at(utc(2026, 2, 1) + timedelta(hours=1))
    (framework,) = bounds[parameter].bounds

    def loosened(**more: str) -> bool:
        result = year.over(JANUARY, catalogue, **more)
        return any(
            item.code == "parameter_loosened"
            for found in result.frameworks
            if found.framework.id == framework
            for item in found.requirements
        )

    assert loosened(definitions="then")
    assert not loosened()


def test_a_definition_whose_sql_is_shared_comes_back_whole(year: Year) -> None:
    name = "privacy.log_gdpr"
    year.at(utc(2026, 1, 5)).judge(only(name))
    (use,) = keeping.used(year.workspace, Catalogue({}, {}, {}), year.now[0])[name]
    assert use.loaded.control.fixed == {"law": "gdpr"}
    assert (use.loaded.sha256, use.loaded.sql) == (only(name).controls[name].sha256, only(name).controls[name].sql)
