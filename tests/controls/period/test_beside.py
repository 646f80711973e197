"""Two controls at a time, each on a connection of its own to the same sealed evidence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Barrier, Event

import duckdb
import pyarrow as pa
import pytest

from compliance.controls.evidence_base import TimeLimit
from compliance.controls.period.beside import side_by_side
from compliance.controls.period.calendar import Window
from compliance.controls.period.history import FOREVER, VERSIONS, History
from compliance.controls.period.readings import Readings
from compliance.controls.period.replay import Replayed, Told
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.period import ControlPeriod
from compliance.schemas.results import Completeness, UnknownReason

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 1, 31, tzinfo=UTC)
ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c"


@pytest.fixture
def told() -> Iterator[Told]:
    row = {"entry": 1, "source": "s", "record": '{"asset": "a"}', "valid_from": 0, "valid_to": FOREVER}
    tables = {"asset": [pa.Table.from_pylist([row], schema=VERSIONS)]}
    with History.of(tables, ["asset"]) as history:
        readings = Readings([BEGIN, END], {}, {}, {})
        yield Told(Window(BEGIN, END, END), history, readings, lambda n: (), lambda n: ())


def said(name: str, reason: str, unknown: UnknownReason | None = None) -> Replayed:
    verdict = Outcome.UNKNOWN if unknown else Outcome.PASS
    return Replayed(ControlPeriod(name, "samples", verdict, unknown, Completeness.NONE, reason), (), frozenset())


def test_both_ask_at_the_same_time_and_are_told_the_same(told: Told) -> None:
    both = Barrier(2, timeout=30)

    def judge(name: str, side: Told) -> Replayed:
        both.wait()
        return said(name, str(side.history.query("SELECT asset FROM asset", {})[1]))

    begun: list[str] = []
    found = side_by_side(["b", "a"], told, judge, begun.append)
    assert list(found) == begun == ["b", "a"]
    assert {one.period.reason for one in found.values()} == {"[('a',)]"}


def test_what_could_not_be_evaluated_beside_another_is_evaluated_alone(told: Told) -> None:
    both = Barrier(2, timeout=30)
    sides: list[tuple[str, bool]] = []

    def judge(name: str, side: Told) -> Replayed:
        sides.append((name, side is told))
        if side is told:
            return said(name, "enough memory")
        both.wait()
        return said(name, "no memory", UnknownReason.ERROR) if name == "b" else said(name, "enough memory")

    found = side_by_side(["a", "b"], told, judge)
    assert [(name, one.period.reason) for name, one in found.items()] == [
        ("a", "enough memory"),
        ("b", "enough memory"),
    ]
    assert sorted(sides) == [("a", False), ("b", False), ("b", True)]


@pytest.mark.parametrize("error", [duckdb.OutOfMemoryException("no memory"), TimeLimit("no time")])
def test_what_a_neighbour_took_away_is_asked_again_alone(told: Told, error: Exception) -> None:
    def judge(name: str, side: Told) -> Replayed:
        if side is not told:
            raise error
        return said(name, "enough")

    assert {name: one.period.reason for name, one in side_by_side(["a", "b"], told, judge).items()} == {
        "a": "enough",
        "b": "enough",
    }


def test_the_sides_are_closed_whatever_happens(told: Told) -> None:
    sides = []

    def judge(name: str, side: Told) -> Replayed:
        sides.append(side)
        raise AssertionError(name)

    with pytest.raises(AssertionError):
        side_by_side(["a"], told, judge)
    with pytest.raises(duckdb.ConnectionException):
        sides[0].history.query("SELECT 1", {})


def test_what_fails_alone_too_stays_an_error(told: Told) -> None:
    found = side_by_side(["a"], told, lambda name, side: said(name, "broken", UnknownReason.ERROR))
    assert found["a"].period.unknown_reason is UnknownReason.ERROR


def test_an_interrupt_stops_the_queries_that_run(told: Told) -> None:
    running, ended = Event(), []

    def judge(name: str, side: Told) -> Replayed:
        running.set()
        try:
            side.history.query(ENDLESS, {})
        except (duckdb.InterruptException, TimeLimit) as error:
            ended.append(type(error))
        return said(name, "stopped")

    def interrupt(name: str) -> None:
        assert running.wait(30)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side(["a", "b", "c"], told, judge, interrupt)
    assert set(ended) == {duckdb.InterruptException}, "none ran until its limit"
    assert told.history.query("SELECT asset FROM asset", {})[1] == [("a",)]


def test_what_goes_wrong_in_one_is_raised(told: Told) -> None:
    def judge(name: str, side: Told) -> Replayed:
        raise AssertionError(name)

    with pytest.raises(AssertionError, match="a"):
        side_by_side(["a", "b"], told, judge)


def test_a_side_is_as_sealed_as_the_whole(told: Told) -> None:
    sealed = "SELECT name, value FROM duckdb_settings() WHERE name IN ($names) ORDER BY name"
    names = ("enable_external_access", "lock_configuration", "python_enable_replacements")
    text = sealed.replace("$names", ", ".join(f"'{name}'" for name in names))
    with told.beside().history as side:
        assert side.query(text, {})[1] == list(zip(names, ("false", "true", "false"), strict=True))
