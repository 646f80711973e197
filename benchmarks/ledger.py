"""The ledger's speed and memory against what the machine can do at all, in the same run.

    python benchmarks/ledger.py [--entries 500000]

- append: the bulk path, batches of 100,000 lines of about 400 bytes (validate, chain, tree, commit, read back, sign),
  closing included, against a raw Arrow INSERT of the same rows, closing included;
- verify by one process on one thread, and by two, against `hashlib` over the same lines on one core;
- opening the ledger; proving that an entry is in it, once the file is open; the memory that verification takes.

Rates are given by processor time of all threads and processes and by the wall: on a machine that others use only the
first says something. A rate of two processes "of processor" is what two cores reach that do nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import orjson
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._spent import Spent
from compliance.ledger import Ledger, proofs
from compliance.schemas.evidence import Event, always, column

APPEND_LIMIT = 0.5  # of the rate of the raw INSERT
VERIFY_LIMIT = 0.5  # of the rate of hashing on one core, by two processes
OPEN_LIMIT_MS = 300
PROOF_LIMIT_MS = 5
MEMORY_LIMIT_MIB = 1024
BATCH = 100_000
KIND = "measured"


class Measured(Event):
    """An event of usual size."""

    kind: ClassVar[str] = "measured"
    key: ClassVar[tuple[str, ...]] = ("host", "event")

    event: str = always("Identifier.")
    host: str = always("Where.")
    action: str = always("What.")
    outcome: str = always("How it ended.")
    bytes_sent: int | None = column("How much.")


def by_model(n: int) -> str:
    """An event in canonical form."""
    event = Measured(
        occurred_at=datetime(2026, 11, 23, 6, 45, 50, n % 1_000_000, tzinfo=UTC),
        event=f"e{n:09d}",
        host="db1.example.org",
        action="login",
        outcome="success",
        bytes_sent=n,
    )
    return orjson.dumps(event.row(), option=orjson.OPT_SORT_KEYS).decode()


def record(n: int) -> str:
    """The same, quickly."""
    return (
        f'{{"action":"login","bytes_sent":{n},"event":"e{n:09d}","host":"db1.example.org",'
        f'"occurred_at":"2026-11-23T06:45:50.{n % 1_000_000:06d}Z","outcome":"success"}}'
    )


def places(folder: Path) -> dict[str, Any]:
    """Where the ledger of a run lies."""
    where = {"keys": folder / "keys", "lock_store": folder / "lock", "keystore": folder / "keystore.sqlite"}
    return {"path": folder / "ledger.duckdb", "origin": "bench.example/ledger", **where}


def append(folder: Path, entries: int) -> Spent:
    """What it takes to append `entries` entries."""
    spent = Spent()
    ledger = Ledger.open(**places(folder))
    for start in range(0, entries, BATCH):
        table = pa.table({"record": pa.array([record(n) for n in range(start, min(start + BATCH, entries))])})
        with spent.measure():
            ledger.append_table(KIND, "bench", table)
    with spent.measure():
        ledger.close()
    return spent


def raw(folder: Path, entries: int) -> tuple[Spent, Spent, int]:
    """What it takes to insert the same rows and to hash the same lines; and their bytes."""
    inserted, hashed, size = Spent(), Spent(), 0
    ledger = duckdb.connect(":memory:")
    ledger.execute(f"ATTACH '{folder / 'ledger.duckdb'}' AS stored (READ_ONLY)")
    other = duckdb.connect(str(folder / "raw.duckdb"))
    other.execute("ATTACH ':memory:' AS m")
    for start in range(0, entries, BATCH):
        rows = ledger.sql(
            "SELECT * FROM stored.entry WHERE seq >= ? AND seq < ? ORDER BY seq", params=[start, start + BATCH]
        ).to_arrow_table()
        lines = rows["line"].cast(pa.binary()).to_pylist()
        size += sum(map(len, lines))
        with hashed.measure():
            for line in lines:
                sha256(line).digest()
        other.register("batch", rows)
        with inserted.measure():
            other.execute("INSERT INTO entry SELECT * FROM batch" if start else "CREATE TABLE entry AS FROM batch")
    with inserted.measure():
        other.close()
    ledger.close()
    return inserted, hashed, size


def check(folder: Path, processes: int) -> tuple[Spent, int]:
    """What verification takes, and never less than the MiB that all its processes take at once."""
    command = [sys.executable, str(Path(__file__).with_name("_verify.py")), str(folder), str(processes)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return Spent(found["wall"], found["cpu"]), found["mib"]


def reading(folder: Path, entries: int) -> tuple[Spent, Spent]:
    """What it takes to open the ledger, the best of three; and to prove that an entry is in it, the worst of four."""
    opened, proved = [], []
    for _ in range(3):
        spent = Spent()
        with spent.measure():
            ledger = Ledger.open(**places(folder))
        opened.append(spent)
        ledger.close()
    with proofs.reading(folder / "ledger.duckdb") as (store, edge):
        proofs.inclusion(store, edge, 1)  # what the first query of a connection costs is part of opening
        for part in (1, 2, 3, 4):
            spent = Spent()
            with spent.measure():
                proofs.inclusion(store, edge, entries * part // 4)
            proved.append(spent)
    return min(opened, key=lambda s: s.cpu), max(proved, key=lambda s: s.cpu)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=500_000)
    entries = parser.parse_args().entries
    assert record(1_234_567) == by_model(1_234_567)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        appended = append(folder, entries)
        inserted, hashed, size = raw(folder, entries)
        (one, peak_one), (two, peak_two) = check(folder, 1), check(folder, 2)
        opened, proved = reading(folder, entries)
        stored = (folder / "ledger.duckdb").stat().st_size
    print(f"{entries} entries of {size // entries} bytes, stored in {stored // entries} each")
    for what, ours, cores, limit, other, peer in (
        ("append", appended, 1, APPEND_LIMIT, "raw INSERT", inserted),
        ("verify, one process", one, 1, None, "hashlib", hashed),
        ("verify, two processes", two, 2, VERIFY_LIMIT, "hashlib", hashed),
    ):
        ratio = peer.cpu / ours.cpu * cores
        verdict = "" if limit is None else f" (limit {limit}: {'ok' if ratio >= limit else 'BELOW'})"
        print(
            f"{what}: {entries / ours.cpu * cores:,.0f}/s of processor, {entries / ours.wall:,.0f}/s on the wall; "
            f"{other} {entries / peer.cpu:,.0f}/s and {entries / peer.wall:,.0f}/s; "
            f"ratio {ratio:.2f}{verdict}, {peer.wall / ours.wall:.2f} on the wall"
        )
    for what, spent, limit_ms in (("open", opened, OPEN_LIMIT_MS), ("proof of an entry", proved, PROOF_LIMIT_MS)):
        used = spent.cpu * 1000 / limit_ms
        measured = f"{spent.cpu * 1000:.1f} ms of processor, {spent.wall * 1000:.1f} ms on the wall"
        print(f"{what}: {measured}; {used:.2f} of the limit ({limit_ms} ms of processor: {_verdict(used)})")
    for processes, peak in ((1, peak_one), (2, peak_two)):
        used = peak / MEMORY_LIMIT_MIB
        share = f"{used:.2f} of the limit ({MEMORY_LIMIT_MIB} MiB: {_verdict(used)})"
        print(f"memory of verify by {processes}: at most {peak} MiB; {share}")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _verdict(used: float) -> str:
    return "ok" if used <= 1 else "ABOVE"


if __name__ == "__main__":
    main()
