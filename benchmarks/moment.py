"""How long it takes to evaluate every control at one moment, over 10,000 resources and a million events; limit 5 s.

The ledger is read into tables first; that is measured beside it, because who stands behind an event is decrypted then,
one by one. Run by hand: `python benchmarks/moment.py [--resources 10000] [--events 1000000] [--folder DIR]`.
A folder keeps the ledger, so that a second run only evaluates. `--profile` prints where Python spends its time.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._rows import BEGIN, population, states
from compliance.app import evidence
from compliance.controls import catalogue as catalogues
from compliance.controls import evaluate, local_days
from compliance.ledger import CollectionFields, sheets
from compliance.schemas.evidence import all_kinds
from compliance.schemas.results import ControlResult
from tests.app import years
from tests.app.years import Year

LIMIT_S = 5.0
# How the events are spread over the kinds that controls read.
EVENTS = {"audit_event": 0.4, "record_access_event": 0.35, "auth_event": 0.25}
AT = BEGIN + timedelta(hours=6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        new = not (folder / "ledger.duckdb").exists()
        year = years.opened(folder, BEGIN - timedelta(days=1))
        with year.ledger:
            if new:
                fill(year, asked.resources, asked.events)
            measure(year, asked.profile)


def fill(year: Year, resources: int, events: int) -> None:
    started = time.process_time()
    chance = random.Random(1)
    kinds = states()
    year.declare(web=[*(kind.kind for kind in kinds), *EVENTS])
    year.at(BEGIN).read_all(population(kinds, resources, chance))
    for kind, share in EVENTS.items():
        count = int(events * share)
        for first in range(0, count, sheets.MAX_ROWS):
            table = happened(kind, first, min(sheets.MAX_ROWS, count - first), chance)
            year.ledger.record_event_table(fields(kind), table, str(first))
        year.ledger.record_events(fields(kind), [], str(count), final=True)
    print(f"filled: {year.ledger.size} entries, {time.process_time() - started:.0f} s of CPU", flush=True)


def fields(kind: str) -> CollectionFields:
    return CollectionFields("r-events", "web", kind, "host 1", 1, BEGIN)


def happened(kind: str, first: int, count: int, chance: random.Random) -> pa.Table:
    """Events of a year by 2,500 accounts."""
    columns = {}
    for column in sheets.shape(all_kinds()[kind]):
        columns[column.name] = pa.array([_value(column, n, chance) for n in range(first, first + count)], column.type)
    return pa.table(columns)


def _value(column: pa.Field, n: int, chance: random.Random) -> Any:
    if column.name in ("event", "session", "access"):
        return str(n)
    if column.type == pa.bool_():
        return chance.random() < 0.9
    if column.type == pa.int64():
        return chance.randrange(100)
    if pa.types.is_timestamp(column.type):
        return BEGIN - timedelta(seconds=chance.randrange(365 * 86400))
    if pa.types.is_list(column.type):
        return [f"field-{chance.randrange(20)}"]
    return f"{column.name}-{chance.randrange(2500)}"


def measure(year: Year, profiled: bool) -> None:
    catalogue = catalogues.load()
    ledger = year.at(AT).ledger
    wall, cpu = time.monotonic(), time.process_time()
    collections = ledger.collections(ledger.size)
    sources = evidence.source_rows(ledger, collections, AT)
    covered = evidence.coverage(collections, AT, sources)
    with evidence.build_base(
        ledger, collections, covered, as_of=AT, upto=ledger.size, time_zone=local_days.ZONE
    ) as base:
        print(f"read the ledger into tables   {_spent(wall, cpu)}")
        wall, cpu = time.monotonic(), time.process_time()
        with cProfile.Profile() if profiled else nullcontext() as profile:
            results = evaluate.evaluate(catalogue, base, as_of=AT, overrides={}, profile=(), waivers=())
        said = _spent(wall, cpu)
    for one in sorted(results.values(), key=lambda one: -one.duration_us)[:12]:
        print(f"    {one.id:<32} {one.duration_us / 1e6:5.2f} s  {len(one.findings)} findings")
    print(Counter(_verdict(one) for one in results.values()))
    if profile is not None:
        profile.print_stats("tottime")
    seconds = time.monotonic() - wall
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{len(catalogue.controls)} controls, {ledger.size} entries, load {os.getloadavg()[0]:.1f}, {mib} MiB")
    print(f"evaluated                     {said}  limit {LIMIT_S:.0f} s  ratio {seconds / LIMIT_S:.2f}")


def _verdict(one: ControlResult) -> str:
    return one.unknown_reason.value if one.unknown_reason else one.verdict.value


def _spent(wall: float, cpu: float) -> str:
    return f"{time.monotonic() - wall:6.1f} s ({time.process_time() - cpu:.1f} s of CPU)"


if __name__ == "__main__":
    main()
