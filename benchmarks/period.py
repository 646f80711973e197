"""How long an audit over a year takes, and in how much memory, against the stated limits: 60 s and 2 GiB on two cores.

The year has a collection a day of 10,000 resources, of which 2 % change each day. The resources are spread over the
kinds that controls judge. Run by hand: `python benchmarks/period.py [--days 365] [--resources 10000] [--folder DIR]`.
A folder keeps the ledger, so that a second run only audits.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._rows import BEGIN, population, row, states
from benchmarks._spent import Spent
from compliance.app import audit, history, integrity, period
from compliance.app.workspace import now
from compliance.controls import catalogue as catalogues
from compliance.controls import local_days
from compliance.controls.period import replay
from compliance.controls.period.beside import side_by_side
from tests.app import years
from tests.app.years import Year

LIMIT_S, LIMIT_MIB, CHANGED = 60.0, 2048, 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--resources", type=int, default=10_000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        new = not (folder / "ledger.duckdb").exists()
        year = years.opened(folder, BEGIN - timedelta(days=1))
        with year.ledger:
            if new:
                fill(year, asked.days, asked.resources)
            year.at(BEGIN + timedelta(days=asked.days, hours=20))
            measure(year, asked.days)


def fill(year: Year, days: int, resources: int) -> None:
    started = time.monotonic()
    chance = random.Random(1)
    every = states()
    rows = population(every, resources, chance)
    year.at(BEGIN - timedelta(hours=1))
    year.declare(web=[kind.kind for kind in every])
    for day in range(days):
        year.at(BEGIN + timedelta(days=day))
        year.runs[0] += 1
        for kind in every:
            some = rows[kind.kind]
            for n in range(len(some)):
                if chance.random() < CHANGED:
                    some[n] = row(kind, n, chance)
        year.read_all(rows)
        if day % 50 == 49:
            print(f"filled {day + 1} days, {year.ledger.size} entries, {time.monotonic() - started:.0f} s", flush=True)


def measure(year: Year, days: int) -> None:
    catalogue = catalogues.load()
    last = (BEGIN + timedelta(days=days - 1)).date()
    wanted = period.Asked(BEGIN.date(), last)
    window = period.Window.of_days(wanted.first, wanted.last, year.now[0])
    plan = audit.Plan(audit.Wanted((), None, "now", collect=False), catalogue)
    spent: dict[str, Spent] = defaultdict(Spent)
    with spent["verify the ledger (not counted)"].measure():
        checked, anchors = integrity.check_ledger(year.workspace)
    whole = Spent()
    with whole.measure():
        with spent["audit of the last moment"].measure():
            closing = audit.evaluate_at(year.workspace, plan, window.until, checked, anchors, (), print, window.start)
        with spent["what was in force when"].measure():
            read = sorted({kind for loaded in catalogue.controls.values() for kind in loaded.kinds})
            told = history.told(year.ledger, window, read, upto=year.ledger.size, time_zone=local_days.ZONE)
        alone: dict[str, float] = {}

        def judged(name: str, side: replay.Told) -> replay.Replayed:
            started = time.perf_counter()
            found = replay.replay(catalogue.controls[name], side, dict(closing.controls[name].parameters))
            alone[name] = time.perf_counter() - started
            return period.trusted(found, closing, name)

        with spent["replay, two at a time"].measure(), told.history:
            replayed = side_by_side(catalogue.controls, told, judged)
        with spent["assemble"].measure():
            result = period.assembled(year.workspace, plan, wanted, told, closing, replayed)
    for part, one in spent.items():
        print(f"  {part:<34} {one.wall:6.1f} s ({one.cpu:.1f} s of CPU)")
    for name, took in sorted(alone.items(), key=lambda item: -item[1])[:12]:
        print(f"    {name:<32} {took:5.2f} s beside another  {replayed[name].period.evaluations} moments")
    print(Counter(one.unknown_reason or one.verdict.value for one in replayed_periods(replayed)))
    for one in replayed_periods(replayed):
        if one.unknown_reason == "error":
            print(f"  error: {one.control}: {one.reason}")
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{len(result.controls)} controls, {len(told.times)} moments, {year.ledger.size} entries, at {now():%H:%M}, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"time   {whole.wall:6.1f} s ({whole.cpu:.1f} s of CPU)  "
        f"limit {LIMIT_S:.0f} s  ratio {whole.wall / LIMIT_S:.2f}"
    )
    print(f"memory {mib:6d} MiB  limit {LIMIT_MIB} MiB  ratio {mib / LIMIT_MIB:.2f}")


def replayed_periods(replayed: dict[str, replay.Replayed]) -> list[Any]:
    return [one.period for one in replayed.values()]


if __name__ == "__main__":
    main()
