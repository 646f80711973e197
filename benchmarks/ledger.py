"""Append and verify speed against what the machine can do at all, in the same run.

    python benchmarks/ledger.py [--entries 1000000]

Append (bulk path, batches of 100,000 lines of about 400 bytes: validate, chain, tree, commit, read back, sign) against
a raw Arrow INSERT of the same rows; verify (one DuckDB thread) against `hashlib` over the same lines. Rates are given
by wall clock and by processor time, of all threads: on a machine that others use only the second says something.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import duckdb
import orjson
import pyarrow as pa

from compliance.ledger import Ledger
from compliance.schemas.evidence import Event, always, column
from compliance.verify import verify_connection

APPEND_LIMIT = 120_000  # entries a second
VERIFY_LIMIT = 350_000
BATCH = 100_000
KIND = "measured"


@dataclass
class Spent:
    """Seconds on the wall and of the processor, of all threads."""

    wall: float = 0.0
    cpu: float = 0.0

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Add what the block takes."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu


class Measured(Event):
    """An event of usual size."""

    kind: ClassVar[str] = "measured"
    key: ClassVar[tuple[str, ...]] = ("host", "event")

    event: str = always("Identifier.")
    host: str = always("Where.")
    action: str = always("What.")
    outcome: str = always("How it ended.")
    bytes_sent: int | None = column("How much.")


def record(n: int) -> str:
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


def append(folder: Path, entries: int) -> Spent:
    """What it takes to append `entries` entries."""
    places = {"keys": folder / "keys", "lock_store": folder / "lock", "keystore": folder / "keystore.sqlite"}
    spent = Spent()
    with Ledger.open(folder / "ledger.duckdb", origin="bench.example/ledger", **places) as ledger:
        for start in range(0, entries, BATCH):
            texts = [record(n) for n in range(start, min(start + BATCH, entries))]
            table = pa.table({"record": pa.array(texts)})
            with spent.measure():
                ledger.append_table(KIND, "bench", table)
    return spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=500_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spent = append(folder, entries)
        connection = duckdb.connect(":memory:", config={"threads": 1})
        connection.execute(f"ATTACH '{folder / 'ledger.duckdb'}' AS stored (READ_ONLY)")
        verified, inserted, hashed = Spent(), Spent(), Spent()
        with verified.measure():
            result = verify_connection(connection, lock_store=folder / "lock")
        assert result.ok, result.problems
        raw = duckdb.connect(str(folder / "raw.duckdb"))
        raw.execute("ATTACH ':memory:' AS m")
        size = 0
        made = False
        for start in range(0, entries, BATCH):
            rows = connection.sql(
                "SELECT * FROM stored.entry WHERE seq >= ? AND seq < ? ORDER BY seq", params=[start, start + BATCH]
            ).to_arrow_table()
            lines = rows["line"].cast(pa.binary()).to_pylist()
            size += sum(map(len, lines))
            with hashed.measure():
                for line in lines:
                    sha256(line).digest()
            raw.register("batch", rows)
            with inserted.measure():
                raw.execute("INSERT INTO entry SELECT * FROM batch" if made else "CREATE TABLE entry AS FROM batch")
            made = True
        with inserted.measure():
            raw.close()
        stored = (folder / "ledger.duckdb").stat().st_size
        connection.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{entries} entries of {size // entries} bytes, stored in {stored // entries} each, peak memory {memory} MiB")
    for what, ours, limit, other, peer in (
        ("append", spent, APPEND_LIMIT, "raw Arrow INSERT", inserted),
        ("verify", verified, VERIFY_LIMIT, "raw hashlib", hashed),
    ):
        rate = entries / ours.cpu
        verdict = "ok" if rate >= limit else "BELOW"
        print(
            f"{what}: {rate:,.0f}/s of processor (limit {limit:,}: {verdict}), {entries / ours.wall:,.0f}/s on the "
            f"wall; {other} {entries / peer.cpu:,.0f}/s, ratio {peer.cpu / ours.cpu:.2f}"
        )


if __name__ == "__main__":
    main()
