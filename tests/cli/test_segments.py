"""Sealing, dropping and rebuilding by command, on a ledger of several months."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compliance.ledger import sealing
from compliance.verify import verify
from tests.cli.helpers import Place
from tests.folders import move
from tests.ledger.months import MONTHS, several
from tests.ledger.places import ORIGIN
from tests.ledger.places import Place as LedgerPlace

CONFIG = f"""
[ledger]
path = "data/ledger.duckdb"
origin = "{ORIGIN}"
keys = "keys"
lock_store = "lock"
keystore = "subjects/keys.sqlite"
segments = "sealed"
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of four months; copy it, never change it."""
    folder = tmp_path_factory.mktemp("old")
    several(LedgerPlace(folder)).close()
    return folder


@pytest.fixture(scope="module")
def short(old: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with three months sealed and two of them dropped; copy it, never change it."""
    folder = tmp_path_factory.mktemp("short") / "work"
    shutil.copytree(old, folder)
    place = Place(folder).configure(CONFIG)
    assert place.run("ledger", "seal").code == 0
    assert place.run("ledger", "drop", "--before", "2026-10", "--yes").code == 0
    return folder


@pytest.fixture
def months(old: Path, tmp_path: Path) -> Place:
    shutil.copytree(old, tmp_path / "work")
    return Place(tmp_path / "work").configure(CONFIG)


@pytest.fixture
def cut(short: Path, tmp_path: Path) -> Place:
    shutil.copytree(short, tmp_path / "work")
    return Place(tmp_path / "work")


def test_sealing_and_listing(months: Place) -> None:
    rows = months.run("ledger", "segments", "--json").json
    assert [(row["month"], row["state"]) for row in rows] == [(month, "not sealed") for month in MONTHS]
    assert months.run("ledger", "drop", "--before", "2026-10", "--yes").code == 2  # nothing is sealed

    done = months.run("ledger", "seal", "--json")
    assert done.code == 0, done.words
    assert [row["month"] for row in done.json] == list(MONTHS)
    assert months.run("ledger", "seal", "--json").json == []
    rows = months.run("ledger", "segments", "--verify", "--json").json
    assert {(row["state"], row["verified"]) for row in rows} == {("sealed", True)}
    refused = months.run("ledger", "drop", "--before", "2026-10")
    assert refused.code == 2
    assert "2026-08, 2026-09" in refused.err
    assert "--yes" in refused.err


def test_commands_on_a_ledger_whose_first_months_were_dropped(cut: Place) -> None:
    assert cut.run("ledger", "drop", "--before", "2026-10", "--yes", "--json").json == {"months": []}
    entry = cut.run("evidence", "entry", "3")
    assert entry.code == 0, entry.words
    states = [row["state"] for row in cut.run("ledger", "segments", "--json").json]
    assert states == ["dropped", "dropped", "sealed"]
    compacted = cut.run("ledger", "compact", "--json")
    assert compacted.code == 0, compacted.words
    exported = cut.run("ledger", "export", "out", "--json")
    assert exported.code == 0, exported.words
    assert exported.json["entries"] == compacted.json["entries"]


def test_verifying_with_and_without_segments(cut: Place) -> None:
    whole = cut.run("verify", "--json")
    assert (whole.code, whole.json["unchecked"]) == (0, [])
    assert (whole.json["ok"], whole.json["verdict"]) == (True, "holds")
    key = whole.json["vkey"]
    handed = cut.folder.parent / "handed.duckdb"
    shutil.copy(cut.folder / "data" / "ledger.duckdb", handed)
    machine = cut.run("verify", str(handed), "--vkey", key, "--json").json
    assert (machine["ok"], machine["verdict"]) == (False, "not everything was checked")
    without = cut.run("verify", "--quiet", str(handed), "--vkey", key)
    assert without.code == 3, without.words
    assert "UNCHECKED" in without.out
    assert "were not checked" in without.out
    given = cut.run("verify", str(handed), "--vkey", key, "--segments", str(cut.folder / "sealed"))
    assert given.code == 0, given.words
    alone = cut.run("verify", str(cut.folder / "sealed"), "--vkey", key, "--json")
    assert alone.code == 0, alone.words


def test_losing_the_file_and_keeping_the_segments(cut: Place) -> None:
    """Anchors agree with what is rebuilt; what came after the last sealed month is named; adopting is recorded."""
    file, sealed = cut.folder / "data" / "ledger.duckdb", cut.folder / "sealed"
    with LedgerPlace(cut.folder).open(segments=sealed) as ledger:
        entries, end = ledger.size, sealing.months(ledger)[-1].hi
        anchor = f"{end}:{ledger.root_at(end).hex()}"
    file.unlink()

    rebuilt = cut.run("ledger", "rebuild", "--from", str(sealed), "--expect", anchor, str(file), "--json")

    assert rebuilt.code == 3, rebuilt.words
    assert (rebuilt.json["entries"], rebuilt.json["missing"]) == (end, entries - end)
    assert f"entries {end} to {entries - 1}" in rebuilt.err
    assert "adopt" in rebuilt.err
    assert cut.run("ledger", "status").code == 4  # the lock store names more
    (cut.folder / "lock").rename(cut.folder / "lock-of-the-lost")
    adopted = cut.run("ledger", "adopt", "--reason", "the file was lost; rebuilt from segments", "--by", "dba")
    assert adopted.code == 0, adopted.words
    again = cut.run("verify", "--json")
    assert (again.code, again.json["unchecked"]) == (0, [])


def test_another_root_or_a_missing_month_leaves_no_file(months: Place) -> None:
    sealed, target = months.folder / "sealed", months.folder / "new.duckdb"
    assert months.run("ledger", "seal").code == 0

    other = months.run("ledger", "rebuild", "--from", str(sealed), "--expect", "300:" + "ab" * 32, str(target))
    assert other.code == 4
    assert "another history" in other.err
    later = months.run("ledger", "rebuild", "--from", str(sealed), "--expect", "300000:" + "ab" * 32, str(target))
    assert later.code == 2
    assert "cannot be compared" in later.err
    assert months.run("ledger", "rebuild", "--from", str(sealed), "--expect", "x", str(target)).code == 2
    move(sealed / "2026-09", months.folder / "2026-09")
    hole = months.run("ledger", "rebuild", "--from", str(sealed), str(target))
    assert hole.code == 4, hole.words
    assert not target.exists()
    lost = months.run("ledger", "segments", "--json").json
    assert [row["state"] for row in lost] == ["sealed", "lost", "sealed"]


def test_a_rebuilt_file_is_whole_where_nothing_came_after(months: Place) -> None:
    sealed, target = months.folder / "sealed", months.folder / "new.duckdb"
    assert months.run("ledger", "seal").code == 0
    (months.folder / "lock").rename(months.folder / "away")

    done = months.run("ledger", "rebuild", "--from", str(sealed), str(target))

    assert done.code == 0, done.words
    assert verify(target).ok
    assert months.run("ledger", "rebuild", "--from", str(sealed), str(target)).code == 2  # nothing is overwritten


def test_months_that_were_sealed_under_an_earlier_key(months: Place) -> None:
    assert months.run("ledger", "seal").code == 0
    assert months.run("keys", "rotate", "--reason", "yearly", "--by", "ana").code == 0

    rows = months.run("ledger", "segments", "--verify", "--json").json
    assert {(row["state"], row["verified"], row["problem"]) for row in rows} == {("sealed", True, None)}
    done = months.run("ledger", "drop", "--before", "2026-10", "--yes")
    assert done.code == 0, done.words
    assert months.run("verify").code == 0


def test_losing_the_file_after_a_handover_that_no_segment_holds(months: Place) -> None:
    """The segments end with the earlier key, which this machine remembers; the lock store speaks for them."""
    file, lock = months.folder / "data" / "ledger.duckdb", months.folder / "lock"
    assert months.run("ledger", "seal").code == 0
    old = months.run("keys", "export").out.strip()
    new = months.run("keys", "rotate", "--reason", "yearly", "--by", "ana").out.strip()
    file.unlink()
    rebuild = ("ledger", "rebuild", "--from", "sealed", str(file))

    lock.rename(months.folder / "away")
    refused = months.run(*rebuild)
    assert refused.code == 2, refused.words
    assert f"--vkey {old}" in refused.err
    (months.folder / "away").rename(lock)
    rebuilt = months.run(*rebuild)
    assert rebuilt.code == 3, rebuilt.words
    assert "MISSING" in rebuilt.err

    lock.rename(months.folder / "away")
    adopt = ("ledger", "adopt", "--reason", "rebuilt", "--by", "dba")
    without = months.run(*adopt)
    assert without.code == 2, without.words
    assert "--replace-key" in without.err
    adopted = months.run(*adopt, "--replace-key")
    assert adopted.code == 0, adopted.words
    found = months.run("verify", "--json")
    assert (found.code, found.json["vkey"]) == (0, new), found.words
    assert [key["how"] for key in found.json["keys"]] == ["create", "replace"]
    assert months.run(*adopt, "--replace-key").code != 0, "there is a lock store"


def test_doctor_tells_of_sealed_months(months: Place) -> None:
    def segments() -> tuple[str, str]:
        rows = months.run("doctor", "--json").json
        return next((row["state"], row["message"]) for row in rows if row["what"] == "segments")

    assert segments() == ("ok", "0 of 3 closed months sealed, 0 of them not in the file any more")
    assert months.run("ledger", "seal").code == 0
    assert months.run("ledger", "drop", "--before", "2026-09", "--yes").code == 0
    state, message = segments()
    assert state == "ok"
    assert message.startswith("3 of 3 closed months sealed, 1 of them not in the file any more; newest sealed ")
    move(months.folder / "sealed" / "2026-10", months.folder / "gone")
    state, message = segments()
    assert state == "warning"
    assert message.endswith("2026-10 sealed and not there any more")


def test_what_is_handed_over_is_compared_with_segments_too(short: Path) -> None:
    """An anchor that cannot be compared with what is there is not passed over in silence."""
    place = Place(short)
    key = place.run("verify", "--json").json["vkey"]
    found = place.run("verify", "sealed", "--vkey", key, "--json")
    assert found.code == 0, found.words
    good, bad = f"{found.json['size']}:{found.json['root']}", f"20:{'0' * 64}"

    agrees = place.run("verify", "sealed", "--vkey", key, "--anchor", good)
    assert agrees.code == 0, agrees.words
    assert "entries agree" in agrees.out
    differs = place.run("verify", "sealed", "--vkey", key, "--anchor", bad)
    assert differs.code == 4
    assert "names another root at 20 entries" in differs.out
    beyond = place.run("verify", "sealed", "--vkey", key, "--anchor", f"100000:{'0' * 64}")
    assert beyond.code == 3
    assert "names 100000 entries" in beyond.out
    month = place.run("verify", "sealed/2026-09", "--vkey", key, "--anchor", bad)
    assert month.code == 3
    assert "names 20 entries" in month.out
