"""Months that were dropped from the file are read from their segments: every answer is what it was before."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from compliance.ledger import Draft, Ledger, sealing
from compliance.schemas.errors import ConfigError, IntegrityError, LedgerError, LedgerTooNew
from compliance.verify import verify
from tests.ledger.months import MONTHS, NOW, checked, copied, cut, fill, moment, seal, segments_of, several, sound
from tests.ledger.places import Place, verdict


@pytest.fixture
def place(grown: Place, tmp_path: Path) -> Place:
    """A copy of a ledger of four months, to seal and cut."""
    return copied(grown, tmp_path)


def answers(ledger: Ledger, size: int) -> dict[str, Any]:
    """Everything that can be asked about the first `size` entries."""
    found: dict[str, Any] = {"root": ledger.root_at(size), "latest": ledger._reader.latest()}
    found["entries"] = list(ledger.entries(upto=size))
    found["verdicts"] = list(ledger.entries("control_verdict", upto=size))
    found["each"] = [ledger.entry(seq) for seq in (0, 1, 5, 100, 255, 256, size - 1)]
    found["leaves"] = [ledger.leaf(seq) for seq in (0, 1, 5, 100, 255, 256, size - 1)]
    found["roots"] = [ledger.root_at(n) for n in range(0, size, 37)]
    found["checkpoints"] = [ledger.checkpoint_at(n) for n in range(1, size, 37)]
    found["collections"] = ledger.collections(size)
    found["states"] = [ledger.state(c.seq) for c in found["collections"] if c.base is not None]
    found["known"] = [ledger._reader.known(c) for c in found["collections"] if c.base is not None]
    found["events"] = [ledger.events("control_verdict", size, source) for source in (None, "ci", "engine")]
    found["cursor"] = ledger.cursor("ci", "control_verdict")
    found["sizes"] = [ledger.size_at(moment(month, day)) for month in MONTHS for day in (1, 3, 28)]
    found["before"] = ledger.size_at(moment("2020-01"))
    return found


def same(one: Any, two: Any) -> bool:
    if isinstance(one, pa.Table):
        return bool(one.equals(two))
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two)


@pytest.mark.parametrize("before", ["2026-09", "2026-10", "2026-11"])
def test_every_answer_is_what_it_was(place: Place, before: str) -> None:
    with place.open() as ledger:
        size = ledger.size
        alias = ledger.keystore.subject("db", "u3").alias
        assert ledger.erase(alias, reason="asked")
        seal(ledger, place)
        wanted = answers(ledger, size)
    assert wanted["before"] == 0

    cut(place, before)

    with place.open() as ledger:
        found = answers(ledger, size)
        assert [name for name in wanted if not same(found[name], wanted[name])] == []
        assert ledger._store.query("SELECT min(seq) FROM stored.entry") == [(ledger._store.start,)]
        fill(ledger, place, NOW)
    result = checked(place)
    assert result.ok, result.problems
    assert result.unchecked == []


def test_what_is_appended_after_a_cut_goes_on_from_states_and_cursors_in_segments(tmp_path: Path) -> None:
    place = Place(tmp_path / "other")
    with several(place, months=("2026-08", "2026-09")) as ledger:
        place.now = moment("2026-10")
        ledger.append([Draft("control_verdict", verdict(1))])  # September is over; October has no collection yet
    cut(place, "2026-10")

    with place.open() as ledger:
        assert ledger.cursor("ci", "control_verdict") == "10"
        fill(ledger, place, "2026-10")
        assert ledger.cursor("ci", "control_verdict") == "15"
        links = [c for c in ledger.collections() if c.base is not None and c.of_source == "db"]
        first = next(c for c in links if c.run == "2026-10-a")
        assert first.base == first.seq, "the first of its month stores the full set"
        assert first.previous == links[links.index(first) - 1].seq
    assert checked(place).ok


def test_erasing_somebody_whose_content_lies_in_a_segment(place: Place) -> None:
    cut(place, "2026-10")
    with place.open() as ledger:
        alias = ledger.keystore.subject("db", "u3").alias
        ours = [e for e in ledger.entries("user_account") if e.subject == alias]
        assert {e.record["account"] for e in ours} == {"u3"}
        assert ledger.erase(alias, reason="asked")

        assert {e.record["account"] for e in ledger.entries("user_account") if e.subject == alias} == {None}
        keys = ledger.keystore.key
        assert keys(alias) is None
        result = verify_open(ledger, place)
    assert result.ok, result.problems
    assert checked(place).ok


def verify_open(ledger: Ledger, place: Place) -> Any:
    from compliance.verify import verify_connection

    return verify_connection(
        ledger.connection, lock_store=place.lock, key_of=ledger.keystore.key, segments=segments_of(place)
    )


def test_nothing_of_dropped_rows_is_left_in_the_file(tmp_path: Path) -> None:
    """Marks in lines, and personal content, which is random and so stands in the file as it is."""
    marks = [os.urandom(24).hex() for _ in range(40)]
    place = Place(tmp_path / "other")
    with several(place, months=("2026-08",)) as ledger:
        ledger.append([Draft("control_verdict", verdict(n, mark)) for n, mark in enumerate(marks)])
        content = ledger._store.query("SELECT content FROM stored.personal")
        place.now = moment("2026-09")
        kept = os.urandom(24).hex()
        ledger.append([Draft("control_verdict", verdict(1, kept))])
    raw, lines = plain(place.path)
    assert len(content) > 5
    assert all(bytes(item) in raw for (item,) in content), "the search can find them"
    assert all(mark.encode() in lines for mark in marks), "the search can find them"
    old = place.path.stat().st_ino

    cut(place, "2026-09")

    raw, lines = plain(place.path)
    assert not [item for (item,) in content if bytes(item) in raw]
    assert not [mark for mark in marks if mark.encode() in raw + lines]
    assert kept.encode() in lines
    assert place.path.stat().st_ino != old
    assert {path.name for path in place.path.parent.iterdir()} == {
        "ledger.duckdb",
        "ledger.duckdb.lock",
        "compliance-segments",
    }


def plain(path: Path) -> tuple[bytes, bytes]:
    """The bytes of a ledger file, and those of all zstd frames in it, unpacked."""
    raw = path.read_bytes()
    found, at = [], raw.find(b"\x28\xb5\x2f\xfd")
    while at >= 0:
        stream = pa.CompressedInputStream(pa.BufferReader(raw[at : at + 1_000_000]), "zstd")
        with suppress(OSError):  # the bytes only look like a frame, or what follows it is none
            while part := stream.read(16):
                found.append(part)
        at = raw.find(b"\x28\xb5\x2f\xfd", at + 4)
    return raw, b"".join(found)


def test_only_what_is_sealed_and_closed_may_leave(place: Place) -> None:
    with place.open() as ledger:
        with pytest.raises(LedgerError, match="2026-08 is not sealed"):
            sealing.drop(ledger, "2026-09", sound)
        seal(ledger, place)
        with pytest.raises(ConfigError, match="not closed"):
            sealing.drop(ledger, "2026-12", sound)
        with pytest.raises(ConfigError, match="not a month"):
            sealing.drop(ledger, "2026-13", sound)
        assert sealing.drop(ledger, "2026-08", sound) is None
        size = ledger.size
        entries = segments_of(place) / "2026-08" / "entries.parquet"
        entries.chmod(0o644)
        raw = bytearray(entries.read_bytes())
        raw[len(raw) // 2] ^= 1
        entries.write_bytes(raw)
        with pytest.raises(IntegrityError):
            sealing.drop(ledger, "2026-09", sound)
        assert ledger.size == size, "nothing is recorded of a drop that does not come"


def test_a_drop_that_was_recorded_and_then_killed_goes_on(place: Place) -> None:
    with place.open() as ledger:
        seal(ledger, place)
        assert sealing.drop(ledger, "2026-10", sound) is not None  # and never rewritten
    assert checked(place).ok

    cut(place, "2026-10")

    with place.open() as ledger:
        drops = [e.record["month"] for e in ledger.entries("segment_event") if e.record["action"] == "drop"]
        assert drops == ["2026-08", "2026-09"]
        assert ledger._store.start > 0
    cut(place, "2026-11")
    assert checked(place).ok


def test_a_cut_file_without_its_segments_is_refused_in_words(place: Place) -> None:
    cut(place, "2026-10")
    away = segments_of(place).rename(place.folder / "away")

    with pytest.raises(IntegrityError, match=r"segment 2026-08 \(entries 0 to \d+\).* is not in") as caught:
        place.open()
    assert "segments" in str(caught.value.remedy)
    with place.open(segments=away) as ledger:
        assert ledger.entry(0).kind == "genesis"


def test_a_segment_that_goes_while_the_ledger_is_open_never_shortens_an_answer(place: Place) -> None:
    cut(place, "2026-10")
    with place.open() as ledger:
        segments_of(place).rename(place.folder / "away")
        with pytest.raises(IntegrityError, match="segment"):
            list(ledger.entries())
        with pytest.raises(IntegrityError, match="segment"):
            ledger.events("control_verdict")


def test_older_rules_refuse_a_newer_format(place: Place) -> None:
    cut(place, "2026-09")
    with duckdb.connect(str(place.path)) as raw:
        assert raw.execute("SELECT value FROM meta WHERE name = 'format'").fetchall() == [("2",)]
        raw.execute("UPDATE meta SET value = '3' WHERE name = 'format'")
    with pytest.raises(LedgerTooNew, match="format 3"):
        place.open()
    with pytest.raises(LedgerTooNew, match="format 3"):
        verify(place.path)


def test_a_cut_ledger_without_its_segments_is_checked_as_far_as_it_goes(place: Place) -> None:
    cut(place, "2026-11")
    with place.open() as ledger:
        start, root = ledger._store.start, ledger.root
        assert start % 256

    found = verify(place.path, lock_store=place.lock)

    assert found.ok, found.problems
    assert found.root == root
    assert found.unchecked == [f"entries 0 to {start - 1} were not checked: they lie in segments, which were not given"]
    with duckdb.connect(str(place.path)) as raw:
        raw.execute("UPDATE entry SET line = line || ' ' WHERE seq = (SELECT max(seq) - 20 FROM entry)")
    assert not verify(place.path, lock_store=place.lock).ok


def test_an_audit_as_of_a_moment_before_the_cut(place: Place) -> None:
    with place.open() as ledger:
        then = moment("2026-09", 20)
        size = ledger.size_at(then)
        wanted = [ledger.state(c.seq) for c in ledger.collections(size) if c.base is not None and c.at <= then]
    cut(place, "2026-11")
    with place.open() as ledger:
        assert ledger.size_at(then) == size
        assert ledger.size_at(then - timedelta(days=365)) == 0
        found = [ledger.state(c.seq) for c in ledger.collections(size) if c.base is not None and c.at <= then]
    assert same(found, wanted)
