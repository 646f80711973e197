"""Many moments at once say what each moment says alone, for every control of the catalogue."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from compliance.controls import catalogue
from compliance.controls.catalogue import LoadedControl
from compliance.controls.evaluate import NAMELESS, TWICE, Breach
from compliance.controls.evidence_base import INPUT, EvidenceBase
from compliance.controls.period.history import BUDGET, VERSIONS, History, Moments
from compliance.controls.period.islands import Overlap, joined
from compliance.controls.profile import naive
from compliance.schemas.evidence import State, all_kinds
from compliance.schemas.results import Coverage

CONTROLS = catalogue.load().controls
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = 6
ROWS = 24
DAY = timedelta(days=1)


def value(chance: random.Random, key: bool, of: str, n: int) -> Any:
    if not key and of != "VARCHAR" and chance.random() < 0.1:
        return None
    if of == "BOOLEAN":
        return chance.random() < 0.5
    if of == "TIMESTAMP":
        return (BEGIN + timedelta(hours=chance.randrange(-2000, 300))).strftime("%Y-%m-%d %H:%M:%S")
    if of.endswith("[]"):
        return [f"v{chance.randrange(4)}" for _ in range(chance.randrange(3))] if of == "VARCHAR[]" else []
    if of in ("BIGINT", "INTEGER"):
        return n if key else chance.randrange(100)
    return f"v{n}" if of == "VARCHAR" else None


def versions(kind: str, chance: random.Random, first: int) -> list[dict[str, Any]]:
    """Rows with the moments through which they are in force; keys do not repeat."""
    made = []
    for n in range(ROWS):
        begin = chance.randrange(MOMENTS)
        columns = all_kinds()[kind].columns()
        made.append(
            {
                "entry": first + n,
                "source": f"s{n % 2}",
                "observed_at": naive(BEGIN + timedelta(hours=chance.randrange(-100, 100))),
                "subject": None,
                "collected_at": naive(BEGIN),
                "record": json.dumps(
                    {name: value(chance, name in all_kinds()[kind].key, of, n) for name, of in columns.items()}
                ),
                "valid_from": begin,
                "valid_to": begin + 1 + chance.randrange(MOMENTS),
            }
        )
    return made


@pytest.mark.parametrize("name", CONTROLS)
def test_a_query_beside_its_moments_says_what_it_says_at_each(name: str) -> None:
    loaded = CONTROLS[name]
    chance = random.Random(name)
    rows = {kind: versions(kind, chance, 1000 * k) for k, kind in enumerate(loaded.kinds, start=1)}
    times = [BEGIN + timedelta(days=n) for n in range(MOMENTS)]
    parameters = {key: parameter.default for key, parameter in loaded.control.parameters.items()}
    tables = {kind: [pa.Table.from_pylist(some, schema=VERSIONS)] for kind, some in rows.items()}
    expected = [row for n, at in enumerate(times) for row in alone(loaded, rows, n, at, parameters)]
    named = Counter((n, source, resource) for n, source, resource, _, _ in expected)
    read = {kind: {source: [last_read(source, at) for at in times] for source in ("s0", "s1")} for kind in states(rows)}
    with History.of(tables, loaded.kinds, seen=read) as history:
        asked = partial(history.islands, loaded, Moments(range(MOMENTS), times), parameters, BEGIN, batch=4)
        if max(named.values(), default=1) > 1:  # chance made a resource twice: neither way takes that
            with pytest.raises((Overlap, Breach)) as refused:
                joined(asked())
            assert isinstance(refused.value, Overlap) or str(refused.value) == TWICE
            return
        found = asked()
    said = {
        (k, one.source, one.resource, one.verdict.value, one.code)
        for one in joined(found)
        for k in range(one.first, one.last + 1)
    }
    assert said == set(expected)


def alone(
    loaded: LoadedControl, rows: dict[str, list[dict[str, Any]]], n: int, at: datetime, parameters: dict[str, Any]
) -> list[tuple[int, str | None, str, str, str]]:
    """What the control says at one moment, on a base of that moment."""
    tables, covered = {}, []
    for kind, some in rows.items():
        there = [row for row in some if row["valid_from"] <= n < row["valid_to"]]
        if kind in states(rows):  # a state is seen again by each reading, also where nothing of it was stored
            there = [row | {"collected_at": naive(last_read(row["source"], at))} for row in there]
        tables[kind] = pa.Table.from_pylist(there, schema=pa.schema([f for f in VERSIONS if f.name in INPUT.names]))
        covered += [
            Coverage(source, "host", kind, "complete", attempted_at=at, completed_at=at) for source in ("s0", "s1")
        ]
    times = {"as_of": naive(at), "period_start": naive(BEGIN), "period_end": naive(at)}
    bound = {**parameters, **loaded.control.fixed, **times}
    with EvidenceBase.build(tables, covered, kinds=loaded.kinds, threads=1) as base:
        names, found = base.query(loaded.sql, bound)
        place = {name: k for k, name in enumerate(names)}
        entries = [_first(row[place["entry"]]) for row in found]
        sources = base.places(loaded.kinds, entries)
    return [
        (n, sources[entry][0], row[place["resource"]], row[place["result"]]["verdict"], row[place["result"]]["code"])
        for row, entry in zip(found, entries, strict=True)
    ]


def states(kinds: Iterable[str]) -> list[str]:
    return [kind for kind in kinds if issubclass(all_kinds()[kind], State)]


def last_read(source: str, at: datetime) -> datetime:
    """One source is read an hour before each moment, the other only every third day."""
    return at - timedelta(hours=1) if source == "s0" else BEGIN + (at - BEGIN) // (3 * DAY) * 3 * DAY


def _first(entry: Any) -> int:
    return next(one for one in (entry if isinstance(entry, list) else [entry]) if one is not None)


def test_a_year_of_hours_in_which_every_row_changes_fits_the_memory() -> None:
    hours, some = 8_000, 10
    loaded = CONTROLS["infra.asset_inventory"]
    code = next(iter(loaded.control.reasons))
    loaded = replace(loaded, sql=f"SELECT asset AS resource, entry, pass('{code}', 'so') AS result FROM asset")
    rows = [
        {
            "entry": hour * some + n,
            "source": "s",
            "record": f'{{"asset": "a{n}"}}',
            "valid_from": hour,
            "valid_to": hour + 1,
        }
        for hour in range(hours)
        for n in range(some)
    ]
    at = Moments(range(hours), [BEGIN + timedelta(hours=hour) for hour in range(hours)])
    tables = {"asset": [pa.Table.from_pylist(rows, schema=VERSIONS)]}
    with History.of(tables, ["asset"], memory_limit="100MB") as history:
        found = history.islands(loaded, at, {}, BEGIN, batch=BUDGET // some)
    assert sorted((one.resource, one.first, one.last) for one in found) == [
        (f"a{n}", 0, hours - 1) for n in range(some)
    ]


@pytest.mark.parametrize("resource", ["7", "uuid()", "NULL", "' '"])
def test_what_is_no_text_names_no_resource(resource: str) -> None:
    loaded = CONTROLS["infra.asset_inventory"]
    code = next(iter(loaded.control.reasons))
    loaded = replace(loaded, sql=f"SELECT {resource} AS resource, entry, pass('{code}', 'so') AS result FROM asset")
    row = {"entry": 1, "source": "s", "record": '{"asset": "a"}', "valid_from": 0, "valid_to": 1}
    tables = {"asset": [pa.Table.from_pylist([row], schema=VERSIONS)]}
    with History.of(tables, ["asset"]) as history, pytest.raises(Breach, match=NAMELESS):
        history.islands(loaded, Moments([0], [BEGIN]), {}, BEGIN, batch=1)
