"""Appending and reading back."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import duckdb
import orjson
import pyarrow as pa
import pytest

from compliance.ledger import Draft, Ledger, stored_origin
from compliance.schemas.errors import ConfigError, EvidenceError, IntegrityError, LedgerBusy, LedgerError, LedgerTooNew
from compliance.schemas.kinds.engine import Attestation
from tests.ledger.places import ORIGIN, START, Place, verdict


def test_a_new_ledger_starts_with_its_genesis(place: Place) -> None:
    with place.open() as ledger:
        first = ledger.entry(0)

        assert (ledger.size, first.kind, first.record["origin"]) == (1, "genesis", ORIGIN)
        assert first.record["vkey"] == ledger.vkey
        assert ledger.checkpoint.startswith(f"{ORIGIN}\n1\n")
        assert (place.lock / "checkpoint").read_text() == ledger.checkpoint
    assert stored_origin(place.path) == ORIGIN
    assert stored_origin(place.folder / "none") is None


def test_what_is_appended_is_read_back(place: Place) -> None:
    with place.open() as ledger:
        done = ledger.append([Draft("control_verdict", verdict(n)) for n in range(3)])

        assert (done.first, done.size, ledger.size) == (1, 4, 4)
        assert done.root == ledger.root == ledger.root_at(4)
        assert done.checkpoint == ledger.checkpoint == ledger.checkpoint_at(2)
        assert [e.record["control"] for e in ledger.entries("control_verdict")] == ["c0", "c1", "c2"]
        assert [e.seq for e in ledger.entries(upto=2)] == [0, 1]
        table = ledger.events("control_verdict", upto=3)
        assert table["entry"].to_pylist() == [1, 2]
        assert json.loads(table["record"][1].as_py()) == verdict(1).row()
        size, root = ledger.size, ledger.root
    with place.open() as again:
        assert (again.size, again.root) == (size, root)
        assert again.entry(2).key == ("a1", "c1")


def test_a_mapping_is_validated_and_its_values_stay_out_of_the_error(place: Place) -> None:
    with place.open() as ledger:
        ledger.append([Draft("control_verdict", json.loads(orjson.dumps(verdict(1).row())))])
        with pytest.raises(EvidenceError, match="waived") as caught:
            ledger.append([Draft("control_verdict", verdict(1).row() | {"waived": "s3cret"})])
        with pytest.raises(EvidenceError, match="user_account"):
            ledger.append([Draft("user_account", verdict(1))])
        with pytest.raises(EvidenceError):
            ledger.append([])

        assert "s3cret" not in str(caught.value)
        assert ledger.size == 2


def test_a_failed_append_leaves_the_ledger_usable(place: Place) -> None:
    with place.open() as ledger:
        with pytest.raises(EvidenceError, match="longer than"):
            ledger.append([Draft("control_verdict", verdict(1, reason="x" * 70_000))])
        with pytest.raises(EvidenceError, match="source name"):
            ledger.append([Draft("control_verdict", verdict(1), source='a"b')])

        assert ledger.append([Draft("control_verdict", verdict(1))]).first == 1


def test_sizes_and_roots_of_the_past(place: Place) -> None:
    with place.open() as ledger:
        sizes = {ledger.append([Draft("control_verdict", verdict(n))] * 150).size: ledger.root for n in range(6)}

        assert all(ledger.root_at(size) == root for size, root in sizes.items())
        assert ledger.size_at(START) == 0
        assert ledger.size_at(ledger.entry(200).at) == 301
        assert ledger.size_at(ledger.entry(200).at - timedelta(microseconds=1)) == 151
        assert [ledger.leaf(n)[:1] for n in (0, 300)] != [b"", b""]
        with pytest.raises(LedgerError):
            ledger.root_at(ledger.size + 1)
        with pytest.raises(LedgerError):
            ledger.entry(ledger.size)


def test_tables_of_events(place: Place) -> None:
    texts = [orjson.dumps(verdict(n).row(), option=orjson.OPT_SORT_KEYS).decode() for n in range(600)]
    times = pa.array([START + timedelta(microseconds=n) for n in range(600)], pa.timestamp("us", "UTC"))
    keys = [f'["a1","c{n}"]' for n in range(600)]
    with place.open() as ledger:
        ledger.append_table("control_verdict", "bulk", pa.table({"record": texts, "observed_at": times, "key": keys}))

        entry = ledger.entry(8)
        assert (entry.record, entry.source, entry.key) == (verdict(7).row(), "bulk", ("a1", "c7"))
        assert entry.observed_at == START + timedelta(microseconds=7)
        assert ledger.events("control_verdict", source="bulk")["record"].to_pylist() == texts
        assert ledger.events("control_verdict", source="other").num_rows == 0


@pytest.mark.parametrize(
    "change",
    [
        {"control_version": 2**53},
        {"control_version": 1.5},
        {"control_version": "1"},
        {"control": None},
        {"occurred_at": "2026-11-23"},
        {"verdict": None},
        {"unknown": 1},
        {"parameters": {"Bad Key": 1}},
    ],
)
def test_tables_refuse_what_does_not_fit(place: Place, change: dict[str, object]) -> None:
    text = orjson.dumps(verdict(1).row() | change, option=orjson.OPT_SORT_KEYS).decode()
    with place.open() as ledger:
        with pytest.raises(EvidenceError):
            ledger.append_table("control_verdict", "bulk", pa.table({"record": [text]}))

        assert ledger.size == 1


def test_tables_refuse_other_bytes_and_other_keys(place: Place) -> None:
    text = orjson.dumps(verdict(1).row(), option=orjson.OPT_SORT_KEYS).decode()
    with place.open() as ledger:
        with pytest.raises(EvidenceError, match="canonical"):
            ledger.append_table("control_verdict", "bulk", pa.table({"record": [text.replace(",", ", ", 1)]}))
        with pytest.raises(EvidenceError, match="keys"):
            ledger.append_table("control_verdict", "bulk", pa.table({"record": [text], "key": ['["a1","c2"]']}))


def test_tables_keep_personal_columns_apart(place: Place) -> None:
    row = dict.fromkeys(Attestation.columns()) | {
        "attestation": "x",
        "form": "document",
        "statement": "so",
        "by_person": "jane@example.org",
    }
    row |= dict.fromkeys(("occurred_at", "expires_at"), "2026-11-23T06:45:50.123456Z")
    with place.open() as ledger:
        text = orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode()
        ledger.append_table("attestation", "bulk", pa.table({"record": [text]}))

        assert "jane" not in ledger.entry(1).line
        assert ledger.entry(1).record == row
        assert json.loads(ledger.events("attestation")["record"][0].as_py()) == row


@pytest.mark.parametrize(("level", "n"), [(0, 2), (0, 9), (1, 0), (5, 0), (9, 3)])
def test_with_a_tile_that_it_did_not_write_nothing_is_signed(place: Place, level: int, n: int) -> None:
    with place.open() as ledger:
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(599)])
        note = ledger.checkpoint
        ledger.connection.execute("INSERT INTO stored.tile VALUES (?, ?, ?)", [level, n, bytes(8192)])

        with pytest.raises(IntegrityError, match="read back"):
            ledger.append([Draft("control_verdict", verdict(1))])
        assert ledger.checkpoint == note


def test_a_clock_that_goes_back_is_recorded_and_time_stands_still(place: Place) -> None:
    with place.open() as ledger:
        ledger.append([Draft("control_verdict", verdict(1))])
        before = ledger.entry(1).at
        place.now -= timedelta(days=1)
        first = ledger.append([Draft("control_verdict", verdict(2))])
        second = ledger.append([Draft("control_verdict", verdict(3))])

        assert [e.kind for e in ledger.entries()][2:] == ["clock_step", "control_verdict", "control_verdict"]
        assert (first.first, second.first) == (3, 4)
        assert {ledger.entry(n).at for n in (1, 2, 3, 4)} == {before}
        assert ledger.entry(2).record["back_us"] == timedelta(days=1, seconds=-1) // timedelta(microseconds=1)


def test_a_second_writer_waits_and_then_gives_up(place: Place) -> None:
    said: list[str] = []
    with place.open() as ledger:
        with pytest.raises(LedgerBusy, match="process"):
            place.open(wait_s=0.2, on_wait=said.append)
        assert len(said) == 1
        assert stored_origin(place.path) == ORIGIN

        later = threading.Timer(0.3, ledger.close)
        later.start()
        with place.open(wait_s=30.0) as second:
            assert second.size == 1
        later.join()


def test_a_file_that_another_program_holds(place: Place) -> None:
    place.open().close()
    with duckdb.connect(str(place.path)), pytest.raises(LedgerBusy):
        place.open(wait_s=0.1)


def test_a_newer_format_and_another_origin_are_refused(place: Place) -> None:
    place.open().close()
    with pytest.raises(ConfigError, match=r"other\.example"):
        place.open(origin="other.example/x")
    with duckdb.connect(str(place.path)) as raw:
        raw.execute("UPDATE meta SET value = '3' WHERE name = 'format'")

    with pytest.raises(LedgerTooNew):
        place.open()


def test_a_missing_signing_key_is_not_replaced(place: Place) -> None:
    place.open().close()
    (place.folder / "keys" / "signing.pem").unlink()

    with pytest.raises(ConfigError, match="not in"):
        place.open()
    with pytest.raises(ConfigError, match="signing key"):
        place.open(keys=_other_keys(place))


def _other_keys(place: Place) -> object:
    from compliance.ledger import Keys

    folder = place.folder / "others"
    Keys.open(folder, ORIGIN)
    return folder


def test_a_closed_ledger_refuses(place: Place) -> None:
    ledger = place.open()
    ledger.close()

    with pytest.raises(LedgerError, match="closed"):
        ledger.append([Draft("control_verdict", verdict(1))])
    assert isinstance(ledger, Ledger)


def test_the_file_is_readable_by_both_lines_of_duckdb(place: Place) -> None:
    place.open().close()
    with duckdb.connect(str(place.path)) as raw:
        rows = raw.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchall()
    # storage version 67 is what 1.5 writes; 2.0 alone would write 69
    assert "v1.5.0" in str(rows)
