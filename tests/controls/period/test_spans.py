"""Runs of rows are joined only where nothing but what they rest on changed, and what breaks the contract is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from compliance.controls.evaluate import NAMELESS, ON_NOTHING, STRANGE, TWICE, Breach
from compliance.controls.period.spans import Spans

PLACES = pa.table({"entry": [1, 2, 3, 3], "source": ["s", "s", "t", "t"]})  # an entry may be in force twice


@pytest.fixture
def spans() -> Iterator[Spans]:
    one = Spans()
    yield one
    one.close()


def row(first: int, last: int, entry: Any = 1, verdict: str = "fail", **more: Any) -> dict[str, Any]:
    made = {"resource": "r", "verdict": verdict, "code": verdict, "reason": f"said at {first}", "entry": entry}
    return {**made, "first": first, "last": last, "n": last - first + 1, **more}


def joined(spans: Spans, *rows: dict[str, Any], only: list[int] | None = None) -> list[tuple[Any, ...]]:
    return sorted(spans.joined([pa.Table.from_pylist(list(rows))], PLACES, only), key=str)


def test_a_run_goes_on_when_only_what_it_rests_on_changes(spans: Spans) -> None:
    rows = (row(3, 5, entry=2), row(0, 2))
    assert joined(spans, *rows) == [("r", "fail", "fail", "said at 0", [1], 0, 5)]


@pytest.mark.parametrize(
    "other",
    [
        row(3, 5, verdict="unknown"),
        row(3, 5, code="other"),
        row(3, 5, entry=3),  # of another source
        row(3, 5, resource="q"),
        row(4, 5),  # not the moment after
    ],
)
def test_what_differs_in_more_stays_apart(spans: Spans, other: dict[str, Any]) -> None:
    found = joined(spans, row(0, 2), other)
    assert sorted(one[-2:] for one in found) == [(0, 2), (other["first"], 5)]


def test_a_run_between_two_others_keeps_them_apart(spans: Spans) -> None:
    found = joined(spans, row(0, 1), row(2, 2, verdict="pass", reason=None), row(3, 4, entry=2))
    assert [one[-2:] for one in sorted(found, key=lambda one: int(one[5]))] == [(0, 1), (2, 2), (3, 4)]
    assert {one[3] for one in found} == {"said at 0", None, "said at 3"}


def test_another_source_of_the_same_name_is_no_bridge(spans: Spans) -> None:
    found = joined(spans, row(0, 1), row(2, 3, entry=3), row(4, 5, entry=2))
    assert sorted(one[-2:] for one in found) == [(0, 1), (2, 3), (4, 5)]


def test_overlapping_runs_are_left_for_who_judges_them(spans: Spans) -> None:
    assert len(joined(spans, row(0, 4), row(2, 3, entry=2), row(5, 6))) == 3


def test_what_a_left_join_did_not_find_is_no_entry(spans: Spans) -> None:
    assert joined(spans, row(0, 1, entry=[None, 3, 1]))[0][4] == [3, 1]


def test_only_some_are_asked_for_by_their_first_entry(spans: Spans) -> None:
    rows = (row(0, 1, entry=[1, 2]), row(2, 3, entry=[2, 1]))
    assert [one[-2:] for one in joined(spans, *rows, only=[2])] == [(2, 3)]


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (row(0, 2, n=2), TWICE),
        (row(0, 2, n=4), TWICE),
        (row(0, 2, entry=4), STRANGE),
        (row(0, 2, entry=[1, 4]), STRANGE),
        (row(0, 2, entry=[None, 4]), STRANGE),
        (row(0, 2, entry=None), ON_NOTHING),
        (row(0, 2, entry="1"), ON_NOTHING),
        (row(0, 2, entry=["1"]), ON_NOTHING),
        (row(0, 2, resource=7), NAMELESS),
    ],
)
def test_a_row_that_breaks_the_contract_is_told(spans: Spans, broken: dict[str, Any], what: str) -> None:
    with pytest.raises(Breach, match=what):
        joined(spans, broken)
    assert joined(spans, row(0, 1)), "and the next is read"


@pytest.mark.parametrize("entries", [[], [None]])
def test_a_list_of_no_entries_is_nothing_to_rest_on(spans: Spans, entries: list[None]) -> None:
    shape = pa.schema([("entry", pa.list_(pa.int64()))])
    table = pa.Table.from_pylist([row(0, 1)]).drop_columns(["entry"])
    table = table.append_column("entry", pa.Table.from_pylist([{"entry": entries}], schema=shape)["entry"])
    with pytest.raises(Breach, match=ON_NOTHING):
        spans.joined([table], PLACES)


def test_no_row_is_ever_written_to_a_folder(spans: Spans) -> None:
    asked = "SELECT name, value FROM duckdb_settings() WHERE name IN ('temp_directory', 'memory_limit')"
    assert dict(spans._connection.execute(asked).fetchall()) == {"temp_directory": "", "memory_limit": "953.6 MiB"}
