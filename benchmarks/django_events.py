"""Audit events of a Django project into the ledger: events a second, memory, and where the time goes.

    python benchmarks/django_events.py [--events 1000000] [--fields]

Starts a real PostgreSQL server with a migrated project, fills `auditlog_logentry`, and collects it as the command line
does: questions to the server, columns, checks, lines, personal content sealed, transactions, read back and signed. The
same run measures what the source itself needs to export the same columns (`COPY … TO STDOUT`). `--fields` grants
`changes`, too: then the names of the changed fields are read. Limits: 30,000 events a second, 1 GiB.

On a machine that others use the wall says little. "On one core" is what the processor time of this process alone gives,
with the server on another core and nothing in parallel; it leaves out waiting for the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from compliance.app.recorder import LedgerRecorder
from compliance.app.runner import Job, run
from compliance.collectors.django import Django
from compliance.ledger import Ledger
from compliance.schemas.messages import Bulk, Context

RATE_LIMIT = 30_000
MEMORY_LIMIT_MIB = 1024
READER = "compliance_reader"
_COLUMNS = "id, timestamp, actor_id, actor_email, content_type_id, object_pk, action, remote_addr, cid"
_FILL = """INSERT INTO auditlog_logentry (object_pk, object_repr, action, changes, timestamp, actor_id, content_type_id,
  remote_addr, cid, changes_text)
  SELECT n::text, 'Order ' || n, n % 3, '{{"total": ["1", "2"], "state": ["new", "paid"]}}',
  timestamptz '2026-01-01' + n * interval '7 seconds', 1 + n % 500, (SELECT min(id) FROM django_content_type),
  ('10.' || n % 200 || '.' || n % 250 || '.' || n % 240)::inet, md5(n::text), '' FROM generate_series(1, {events}) n"""


class Timed(LedgerRecorder):
    """Adds up what recording takes."""

    wall = cpu = 0.0
    batches = 0

    def table(self, *given: Any, **named: Any) -> int:
        wall, cpu = time.perf_counter(), time.thread_time()
        recorded = super().table(*given, **named)
        Timed.wall += time.perf_counter() - wall
        Timed.cpu += time.thread_time() - cpu
        Timed.batches += 1
        return recorded


def settings(given: dict[str, Any]) -> Any:
    """The collector's settings for the reading role."""
    return Django.Settings.model_validate({**given, "user": READER, "password": "env:BENCH_READER"})


def collect(given: dict[str, Any], folder: Path) -> dict[str, float]:
    """One collection of the events, in this process."""
    kind = "audit_event"
    places = {"keys": folder / "keys", "lock_store": folder / "lock", "keystore": folder / "keystore.sqlite"}
    with Ledger.open(folder / "ledger.duckdb", origin="bench.example/ledger", **places) as ledger:
        job = Job("shop", _Only(), settings(given), 3600.0, 300.0, None, 1, {}, frozenset({"bench-reader"}))
        wall, cpu = time.perf_counter(), time.process_time()
        summary = run([job], Timed(ledger), run_id="bench", clock=lambda: datetime.now(UTC), parallel=1)
        took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    (done,) = summary.outcomes
    assert (done.kind, done.outcome) == (kind, "complete"), done
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        **took,
        "rows": done.rows,
        "mib": peak,
        "recording": Timed.wall,
        "recording_cpu": Timed.cpu,
        "batches": Timed.batches,
    }


class _Only(Django):
    """The collector, asked for events alone."""

    kinds = tuple(kind for kind in Django.kinds if kind.kind == "audit_event")


def drain(given: dict[str, Any]) -> dict[str, float]:
    """Reading alone: server and columns, nothing recorded."""
    ctx: Context[Any] = Context("shop", settings(given), lambda: datetime.now(UTC), frozenset({"audit_event"}), 300.0)
    wall, cpu = time.perf_counter(), time.process_time()
    rows = sum(len(message.table) for message in _Only().collect(ctx) if isinstance(message, Bulk))
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "rows": rows}


def export(conn: psycopg.Connection[Any]) -> dict[str, float]:
    """What the source needs to give the same columns away."""
    wall, size = time.perf_counter(), 0
    with conn.cursor() as cursor, cursor.copy(f"COPY auditlog_logentry ({_COLUMNS}) TO STDOUT".encode()) as copy:
        for part in copy:
            size += len(part)
    return {"wall": time.perf_counter() - wall, "bytes": size}


def server_cpu(pid: int) -> float:
    """Processor seconds of the server, its ended sessions included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[n]) for n in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")


def child(what: str, given: dict[str, Any], folder: str) -> dict[str, float]:
    """What a part measures, in a process of its own: so its memory is its own."""
    command = [sys.executable, __file__, "--part", what, json.dumps(given), folder]
    done = subprocess.run(command, check=True, capture_output=True, env={**os.environ, "BENCH_READER": "bench-reader"})
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--fields", action="store_true")
    parser.add_argument("--part", nargs=3)
    options = parser.parse_args()
    if options.part:
        what, given, folder = options.part[0], json.loads(options.part[1]), options.part[2]
        print(json.dumps(collect(given, Path(folder)) if what == "collect" else drain(given)))
        return
    from tests.servers.django_database import DjangoDatabase
    from tests.servers.postgres import PostgresServer

    events = options.events
    with PostgresServer() as server, DjangoDatabase(server, "shop") as shop, tempfile.TemporaryDirectory() as folder:
        readable = _COLUMNS + ", xmin" + (", changes" if options.fields else "")
        shop.run(
            "from django.contrib.auth.models import User\nfor n in range(500): User.objects.create(username=f'user{n}')"
        )
        server.sql(f"CREATE ROLE {READER} LOGIN PASSWORD 'bench-reader'")
        shop.sql(
            "TRUNCATE auditlog_logentry RESTART IDENTITY",
            _FILL.format(events=events),
            "VACUUM ANALYZE auditlog_logentry",
            f"GRANT SELECT ({readable}) ON auditlog_logentry TO {READER}",
            f"GRANT SELECT (id, username, is_superuser, is_active, last_login) ON auth_user TO {READER}",
            f"GRANT SELECT (id, app_label, model) ON django_content_type TO {READER}",
        )
        given = {"host": str(server.data), "port": server.port, "dbname": "shop", "request": None}
        given = {k: v for k, v in given.items() if v is not None} | {
            "exclude_logs": ["django_admin_log", "shop_historicalorder"]
        }
        pid = int((server.data / "postmaster.pid").read_text().splitlines()[0])
        with psycopg.connect(**server.parameters("shop")) as conn:
            out = export(conn)
        alone = child("drain", given, folder)
        before = server_cpu(pid)
        whole = child("collect", given, folder)
        asked = server_cpu(pid) - before
        stored = (Path(folder) / "ledger.duckdb").stat().st_size
    assert whole["rows"] == alone["rows"] == events
    rate, exported = events / whole["wall"], events / out["wall"]
    print(f"{events:,} events in {whole['batches']:.0f} batches, {stored / events:.0f} bytes each in the ledger")
    print(
        f"end to end: {rate:,.0f}/s on the wall ({_verdict(rate >= RATE_LIMIT)}, limit {RATE_LIMIT:,}/s); "
        f"{events / whole['cpu']:,.0f}/s on one core"
    )
    held = _verdict(whole["mib"] < MEMORY_LIMIT_MIB)
    print(f"memory: {whole['mib']:.0f} MiB at most ({held}, limit {MEMORY_LIMIT_MIB} MiB)")
    size = out["bytes"] / events
    print(f"the source's own export: {exported:,.0f}/s, {size:.0f} bytes each; ratio {rate / exported:.2f}")
    print(
        f"processor, per event: {1e6 * asked / events:.1f} µs in the server, "
        f"{1e6 * alone['cpu'] / events:.1f} µs for columns, "
        f"{1e6 * (whole['cpu'] - alone['cpu']) / events:.1f} µs to check, seal, hash, store, read back and sign"
    )
    print(
        f"wall, per event: {1e6 * whole['wall'] / events:.1f} µs, of which recording "
        f"{1e6 * whole['recording'] / events:.1f}; reading alone {1e6 * alone['wall'] / events:.1f}"
    )
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _verdict(holds: bool) -> str:
    return "ok" if holds else "MISSED"


if __name__ == "__main__":
    main()
