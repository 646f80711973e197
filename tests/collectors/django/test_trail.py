"""Every event once: late commits, rollbacks, kills in the middle, rows that go or change, and restored dumps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from compliance.app.recorder import LedgerRecorder
from compliance.app.runner import Job, Summary, run
from compliance.collectors.django import Django
from compliance.ledger import Ledger
from compliance.schemas.evidence import Event
from compliance.verify import verify
from tests.collectors.django.conftest import READER_PASSWORD, grants
from tests.ledger.places import ORIGIN
from tests.servers.django_database import DjangoDatabase
from tests.servers.postgres import PostgresServer

TRAIL = ("log_alteration", "audit_event", "auth_event")
PAGES = 60_000  # more than two pages of events


class Shop:
    """A project, a ledger of its own, and what collections of the one bring into the other."""

    def __init__(self, database: DjangoDatabase, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": database.server.port,
            "user": "compliance_reader",
            "dbname": database.name,
            "password": "env:DJANGO_READER",
            "exclude_logs": ["django_admin_log", "shop_historicalorder"],
        }
        self.runs = 0

    def ledger(self) -> Ledger:
        f = self.folder
        return Ledger.open(
            f / "l.duckdb", origin=ORIGIN, keys=f / "keys", lock_store=f / "lock", keystore=f / "ks.sqlite"
        )

    def collect(self, recorder: type[LedgerRecorder] = LedgerRecorder, **changed: Any) -> Summary:
        """One collection as the command line makes it, with the cursors of the ledger."""
        self.runs += 1
        with self.ledger() as ledger:
            kinds = [kind for kind in Django.kinds if issubclass(kind, Event)]
            cursors = {k.kind: c for k in kinds if (c := ledger.cursor("shop", k.kind)) is not None}
            job = Job(
                source="shop",
                collector=Django(),
                settings=Django.Settings.model_validate({**self.settings, **changed}),
                timeout_s=120.0,
                request_timeout_s=60.0,
                rate_per_s=None,
                attempts=1,
                cursors=cursors,
                secrets=frozenset({READER_PASSWORD}),
            )
            return run(
                [job],
                recorder(ledger),
                run_id=f"r{os.getpid()}-{self.runs}",
                clock=lambda: datetime.now(UTC),
                parallel=1,
            )

    def events(self, kind: str = "audit_event") -> list[Any]:
        with self.ledger() as ledger:
            return list(ledger.entries(kind))

    def numbers(self) -> list[int]:
        """The rows of auditlog that are recorded, in the order of the ledger."""
        return [int(e.record["event"]) for e in self.events() if e.record["log"] == "auditlog_logentry"]

    def altered(self) -> list[tuple[Any, ...]]:
        names = ("rows_before", "rows_left", "rows_missing", "rows_rewritten")
        return [tuple(e.record[name] for name in names) for e in self.events("log_alteration")]

    def act(self, count: int = 1, conn: psycopg.Connection[Any] | None = None) -> None:
        """Rows of auditlog, as the project writes them."""
        sql = INSERT.format(count=count)
        if conn is not None:
            conn.execute(sql.encode())
        else:
            self.database.sql(sql)

    def ids(self) -> list[int]:
        with self.database.server.session(self.database.name) as conn:
            return [row[0] for row in conn.execute("SELECT id FROM auditlog_logentry ORDER BY id")]


INSERT = """INSERT INTO auditlog_logentry (object_pk, object_repr, action, changes, timestamp, actor_id,
  content_type_id, remote_addr, changes_text)
  SELECT n::text, 'planted', 1, '{{"total": ["1", "planted"]}}', clock_timestamp(),
  (SELECT min(id) FROM auth_user), (SELECT min(id) FROM django_content_type), '203.0.113.7', ''
  FROM generate_series(1, {count}) n"""


def outcome(summary: Summary, kind: str = "audit_event") -> str:
    return next(o.outcome for o in summary.outcomes if o.kind == kind)


@pytest.fixture(scope="module")
def trail(server: PostgresServer) -> Iterator[DjangoDatabase]:
    with DjangoDatabase(server, "trail") as made:
        grants(made)
        made.run("from django.contrib.auth.models import User\nUser.objects.create_user('ana', password='x')")
        yield made


@pytest.fixture
def shop(trail: DjangoDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("DJANGO_READER", READER_PASSWORD)
    trail.sql("TRUNCATE auditlog_logentry RESTART IDENTITY", "TRUNCATE axes_accesslog")
    return Shop(trail, tmp_path)


def test_only_what_is_new_is_read_and_each_once(shop: Shop) -> None:
    shop.act(3)
    assert outcome(shop.collect()) == "complete"
    shop.act(2)
    shop.collect()
    summary = shop.collect()

    assert shop.numbers() == [1, 2, 3, 4, 5]
    assert outcome(summary) == "complete"
    assert shop.altered() == []
    first = shop.events()[0]
    seen = first.record["actor"], first.record["source_ip"], first.record["changed_fields"]
    assert seen == (
        "ana",
        "203.0.113.7",
        None,
    )
    assert "203.0.113.7" not in first.line
    assert "ana" not in first.line


def test_a_transaction_held_open_across_a_collection_loses_nothing(shop: Shop) -> None:
    with psycopg.connect(**shop.database.server.parameters("trail")) as late:
        shop.act(1, late)  # number 1, not committed
        shop.act(3)  # numbers 2 to 4, committed
        summary = shop.collect()
        assert outcome(summary) == "complete"
        assert shop.numbers() == []  # they wait
        waiting = next(e for e in shop.events("audit_log") if e.record["log"] == "auditlog_logentry")
        assert waiting.record["rows_waiting"] == 3
        late.commit()
    shop.act(1)
    shop.collect()

    assert shop.numbers() == [1, 2, 3, 4, 5]
    assert shop.altered() == []


def test_a_late_savepoint_with_a_lower_number_loses_nothing(shop: Shop) -> None:
    """The rows of a subtransaction carry an id of their own, which a snapshot does not list."""
    shop.act(1)
    shop.collect()
    with psycopg.connect(**shop.database.server.parameters("trail")) as late:
        late.execute("SELECT pg_current_xact_id()")
        with late.transaction():
            shop.act(1, late)
        with psycopg.connect(**shop.database.server.parameters("trail")) as undone:
            shop.act(2, undone)
            undone.rollback()
        shop.act(2)
        shop.collect()
        shop.collect()
        late.commit()
    shop.collect()

    assert shop.numbers() == [1, 2, 5, 6]
    assert shop.altered() == []


def test_events_that_wait_too_long_are_a_gap_and_not_silence(shop: Shop) -> None:
    with psycopg.connect(**shop.database.server.parameters("trail")) as late:
        late.execute("SELECT pg_current_xact_id()")
        shop.act(2)
        shop.database.sql("UPDATE auditlog_logentry SET timestamp = now() - interval '61 minutes'")
        summary = shop.collect()
    gap = next(o for o in summary.outcomes if o.kind == "audit_event")
    assert gap.outcome == "truncated"
    assert "2 events of auditlog_logentry wait" in (gap.message or "")
    assert outcome(shop.collect()) == "complete"
    assert shop.numbers() == [1, 2]


def test_an_explicit_lower_number_is_found(shop: Shop) -> None:
    shop.act(3)
    shop.database.sql("DELETE FROM auditlog_logentry WHERE id = 2")
    shop.collect()
    shop.database.sql(
        INSERT.format(count=1).replace("(object_pk", "(id, object_pk").replace("SELECT n::text", "SELECT 2, n::text")
    )
    shop.collect()

    assert shop.numbers() == [1, 3, 2]
    assert shop.altered() == []


def test_rows_that_are_gone_are_told_each_time_and_nothing_else_is_lost(shop: Shop) -> None:
    shop.act(10)
    shop.collect()
    shop.database.sql("DELETE FROM auditlog_logentry WHERE id IN (3, 4)")
    shop.act(2)
    shop.collect()
    assert shop.altered() == [(10, 8, 2, 0)]
    shop.collect()
    assert shop.altered() == [(10, 8, 2, 0)]
    shop.database.sql("TRUNCATE auditlog_logentry RESTART IDENTITY")
    shop.act(3)
    shop.collect()

    assert shop.altered() == [(10, 8, 2, 0), (10, 0, 7, 3)]
    assert shop.numbers() == [*range(1, 13), 1, 2, 3]  # numbers that come again are other events


def test_rows_that_were_written_again_are_told_and_recorded_once(shop: Shop) -> None:
    shop.act(5)
    shop.collect()
    shop.database.sql("UPDATE auditlog_logentry SET actor_id = NULL WHERE id IN (2, 3)")
    shop.collect()
    shop.database.sql(
        "DELETE FROM auditlog_logentry WHERE id = 5", "UPDATE auditlog_logentry SET object_pk = '9' WHERE id = 1"
    )
    shop.collect()

    assert shop.altered() == [(5, 3, 0, 2), (5, 3, 1, 1)]
    assert shop.numbers() == [1, 2, 3, 4, 5]


def test_what_numbers_alone_do_not_tell_is_said_to_be_open(shop: Shop) -> None:
    shop.act(5)
    shop.collect()
    shop.database.sql(
        "DELETE FROM auditlog_logentry WHERE id = 3",
        INSERT.format(count=1).replace("(object_pk", "(id, object_pk").replace("SELECT n::text", "SELECT -1, n::text"),
    )
    shop.collect()
    assert shop.altered() == [(5, 4, None, 1)]
    assert shop.numbers() == [1, 2, 3, 4, 5, -1]


def test_a_log_that_is_gone_altogether_is_told(shop: Shop) -> None:
    shop.database.sql("CREATE TABLE shop_historicaltoy AS SELECT * FROM shop_historicalorder")
    shop.database.sql("INSERT INTO shop_historicaltoy (history_id, history_date, history_type) VALUES (1, now(), '+')")
    shop.database.sql("GRANT SELECT ON shop_historicaltoy TO compliance_reader")
    shop.collect()
    shop.database.sql("DROP TABLE shop_historicaltoy")
    shop.collect()
    shop.collect()
    (gone,) = shop.events("log_alteration")
    assert (gone.record["log"], gone.record["log_exists"], gone.record["rows_missing"]) == (
        "shop_historicaltoy",
        False,
        1,
    )


def test_a_sign_out_written_into_its_row_is_no_alteration(shop: Shop) -> None:
    shop.database.sql(
        "INSERT INTO axes_accesslog "
        "(user_agent, ip_address, username, http_accept, path_info, attempt_time, session_hash) "
        "VALUES ('', '203.0.113.7', 'ana', '', '', now(), '')"
    )
    shop.collect()
    shop.database.sql("UPDATE axes_accesslog SET logout_time = now()")
    shop.collect()
    assert shop.altered() == []
    assert len([e for e in shop.events("auth_event") if e.record["result"] == "success"]) == 1


def test_a_restored_dump_is_read_again_and_recorded_once(shop: Shop) -> None:
    """Another cluster counts transactions anew: the position of the old one says nothing there."""
    shop.act(4)
    shop.collect()
    with PostgresServer() as other:
        dump = subprocess.run(
            [
                "pg_dump",
                "--no-owner",
                "-h",
                str(shop.database.server.data),
                "-p",
                str(shop.database.server.port),
                "-U",
                "postgres",
                "trail",
            ],
            env={**os.environ, "PGPASSWORD": shop.database.server.parameters()["password"]},
            check=True,
            capture_output=True,
        ).stdout
        other.sql(f"CREATE ROLE compliance_reader LOGIN PASSWORD '{READER_PASSWORD}'", "CREATE DATABASE trail")
        subprocess.run(
            [
                "psql",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                str(other.data),
                "-p",
                str(other.port),
                "-U",
                "postgres",
                "trail",
            ],
            env={**os.environ, "PGPASSWORD": other.parameters()["password"]},
            input=dump,
            check=True,
            capture_output=True,
        )
        other.sql("DELETE FROM auditlog_logentry WHERE id = 4", INSERT.format(count=2), dbname="trail")
        shop.collect(port=other.port)
        assert shop.numbers() == [1, 2, 3, 4, 5, 6]
        other.sql(INSERT.format(count=1), dbname="trail")
        shop.collect(port=other.port)

    assert shop.numbers() == [1, 2, 3, 4, 5, 6, 7]
    assert [before for before, *_ in shop.altered()] == [4]


def test_keys_that_are_no_numbers_and_many_logs(shop: Shop) -> None:
    """UUIDs come in no order: each may be new or known. The questions of a hundred logs do not fit into one entry."""
    tables = [f"shop_historicalthing{n}" for n in range(100)]
    shop.settings = {**shop.settings, "exclude_logs": ["django_admin_log", "shop_historicalorder", "auditlog_logentry"]}
    shop.database.sql(
        *(
            f"CREATE TABLE {t} (history_id uuid PRIMARY KEY, history_date timestamptz, history_type text)"
            for t in tables
        ),
        *(f"GRANT SELECT (history_id, history_date, history_type, xmin) ON {t} TO compliance_reader" for t in tables),
    )
    add = "INSERT INTO shop_historicalthing7 SELECT gen_random_uuid(), now(), '+' FROM generate_series(1, 50)"
    try:
        shop.database.sql(add)
        shop.collect()
        shop.database.sql(
            add, "DELETE FROM shop_historicalthing7 WHERE history_type = '+' AND history_date < '2000-01-01'"
        )
        outcomes = {o.kind: o.outcome for o in shop.collect().outcomes}
        shop.collect()
    finally:
        shop.database.sql(*(f"DROP TABLE {t}" for t in tables))

    assert {outcomes[kind] for kind in TRAIL} == {"complete"}
    keys = [e.record["event"] for e in shop.events()]
    assert len(keys) == len(set(keys)) == 100
    assert shop.altered() == []


class Dying(LedgerRecorder):
    """Is killed by the system right after its first batch was acknowledged."""

    def table(self, *given: Any, **named: Any) -> int:
        super().table(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)
        return 0


def test_killed_in_the_middle_it_goes_on_where_it_was(shop: Shop) -> None:
    shop.act(PAGES)
    child = (
        "import sys\nfrom pathlib import Path\nfrom tests.collectors.django.test_trail import Dying, Shop\n"
        "shop = Shop.__new__(Shop)\nshop.folder, shop.runs = Path(sys.argv[1]), 0\n"
        "shop.settings = __import__('json').loads(sys.argv[2])\nshop.collect(Dying)\n"
    )

    def killed() -> None:
        done = subprocess.run([sys.executable, "-c", child, str(shop.folder), json.dumps(shop.settings)], check=False)
        assert done.returncode == -signal.SIGKILL

    killed()
    assert len(shop.numbers()) == 25_000
    shop.act(5)  # and rows that are done, not done yet, and new change meanwhile
    shop.database.sql(
        "UPDATE auditlog_logentry SET cid = 'x' WHERE id IN (10, 40000)",
        "DELETE FROM auditlog_logentry WHERE id = 50000",
    )
    killed()
    assert outcome(shop.collect()) == "complete"
    assert outcome(shop.collect()) == "complete"

    assert sorted(shop.numbers()) == [n for n in range(1, PAGES + 6) if n != 50_000]
    assert verify(shop.folder / "l.duckdb", lock_store=shop.folder / "lock").ok
    ((before, _, missing, _),) = shop.altered()
    assert (before, missing) == (PAGES, 1)
