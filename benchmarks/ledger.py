"""Append and verify speed against what the machine can do at all, in the same run.

    python benchmarks/ledger.py [--entries 1000000]

Append (bulk path, batches of 100,000 lines of about 400 bytes: validate, chain, tree, commit, read back, sign) against
a raw Arrow INSERT of the same rows; verify (one DuckDB thread) against `hashlib` over the same lines.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa

from compliance.ledger import Ledger
from compliance.schemas.kinds.engine import ControlVerdict, Outcome
from compliance.verify import verify_connection

APPEND_LIMIT = 120_000  # entries a second
VERIFY_LIMIT = 350_000
BATCH = 100_000
KIND = ControlVerdict.kind


def record(n: int) -> str:
    """A plausible event, in canonical form."""
    event = ControlVerdict(
        occurred_at=datetime(2026, 11, 23, 6, 45, 50, n % 1_000_000, tzinfo=UTC),
        audit="a17",
        control=f"c{n}",
        control_version=1,
        control_sha256="9f",
        verdict=Outcome.PASS,
        completeness="complete",
        waived=False,
        reason="ok",
    )
    return orjson.dumps(event.row(), option=orjson.OPT_SORT_KEYS).decode()


def append(folder: Path, entries: int) -> float:
    """Seconds to append `entries` entries."""
    places = {"keys": folder / "keys", "lock_store": folder / "lock", "keystore": folder / "keystore.sqlite"}
    spent = 0.0
    with Ledger.open(folder / "ledger.duckdb", origin="bench.example/ledger", **places) as ledger:
        for start in range(0, entries, BATCH):
            texts = [record(n) for n in range(start, min(start + BATCH, entries))]
            table = pa.table({"record": pa.array(texts)})
            begun = time.perf_counter()
            ledger.append_table(KIND, "bench", table)
            spent += time.perf_counter() - begun
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
        begun = time.perf_counter()
        result = verify_connection(connection, lock_store=folder / "lock")
        verified = time.perf_counter() - begun
        assert result.ok, result.problems
        raw = duckdb.connect(str(folder / "raw.duckdb"))
        raw.execute("ATTACH ':memory:' AS m")
        inserted = hashed = 0.0
        size = 0
        made = False
        for start in range(0, entries, BATCH):
            rows = connection.sql(
                "SELECT * FROM stored.entry WHERE seq >= ? AND seq < ? ORDER BY seq", params=[start, start + BATCH]
            ).to_arrow_table()
            lines = rows["line"].cast(pa.binary()).to_pylist()
            size += sum(map(len, lines))
            begun = time.perf_counter()
            for line in lines:
                sha256(line).digest()
            hashed += time.perf_counter() - begun
            raw.register("batch", rows)
            begun = time.perf_counter()
            raw.execute("INSERT INTO entry SELECT * FROM batch" if made else "CREATE TABLE entry AS FROM batch")
            inserted += time.perf_counter() - begun
            made = True
        begun = time.perf_counter()
        raw.close()
        inserted += time.perf_counter() - begun
        stored = (folder / "ledger.duckdb").stat().st_size
        connection.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{entries} entries, {size // entries} bytes a line, {stored // entries} bytes an entry stored, peak {memory} MiB"
    )
    for what, seconds, limit, other, peer in (
        ("append", spent, APPEND_LIMIT, "raw Arrow INSERT", inserted),
        ("verify", verified, VERIFY_LIMIT, "raw hashlib", hashed),
    ):
        rate = entries / seconds
        verdict = "ok" if rate >= limit else "BELOW"
        print(
            f"{what}: {rate:,.0f}/s (limit {limit:,}: {verdict}); {other} {entries / peer:,.0f}/s, "
            f"ratio {peer / seconds:.2f}"
        )


if __name__ == "__main__":
    main()
