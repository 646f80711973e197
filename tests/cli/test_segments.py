"""Sealing, dropping and rebuilding by command, on a ledger of several months."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compliance.verify import verify
from tests.cli.helpers import Place
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


@pytest.fixture
def months(old: Path, tmp_path: Path) -> Place:
    shutil.copytree(old, tmp_path / "work")
    return Place(tmp_path / "work").configure(CONFIG)


def test_a_year_in_the_archive(months: Place) -> None:
    """Seal, look, drop, verify with and without segments, lose the file, rebuild it, adopt."""
    file, sealed = months.folder / "data" / "ledger.duckdb", months.folder / "sealed"
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
    wanted = months.run("evidence", "list", "--json").json
    dropped = months.run("ledger", "drop", "--before", "2026-10", "--yes", "--json")
    assert dropped.code == 0, dropped.words
    assert dropped.json["months"] == ["2026-08", "2026-09"]
    assert months.run("ledger", "drop", "--before", "2026-10", "--yes", "--json").json == {"months": []}
    assert months.run("evidence", "list", "--json").json == wanted
    entry = months.run("evidence", "entry", "3")
    assert entry.code == 0, entry.words
    states = [row["state"] for row in months.run("ledger", "segments", "--json").json]
    assert states == ["dropped", "dropped", "sealed"]

    compacted = months.run("ledger", "compact", "--json")
    assert compacted.code == 0, compacted.words
    whole = months.run("verify", "--json")
    assert (whole.code, whole.json["unchecked"]) == (0, [])
    key = whole.json["vkey"]
    handed = months.folder.parent / "handed"
    handed.mkdir()
    shutil.copy(file, handed / "ledger.duckdb")
    without = months.run("verify", str(handed / "ledger.duckdb"), "--vkey", key)
    assert without.code == 3, without.words
    assert f"entries 0 to {dropped.json['first_entry'] - 1} were not checked" in without.out
    quiet = months.run("verify", "--quiet", str(handed / "ledger.duckdb"), "--vkey", key)
    assert "were not checked" in quiet.out
    given = months.run("verify", str(handed / "ledger.duckdb"), "--vkey", key, "--segments", str(sealed))
    assert given.code == 0, given.words
    alone = months.run("verify", str(sealed), "--vkey", key, "--json")
    assert alone.code == 0, alone.words
    exported = months.run("ledger", "export", "out", "--json")
    assert exported.code == 0, exported.words
    assert exported.json["entries"] == whole.json["size"]

    file.rename(file.with_name("lost"))
    assert months.run("ledger", "status").code == 2
    anchor = f"{alone.json['size']}:{alone.json['root']}"
    rebuilt = months.run("ledger", "rebuild", "--from", str(sealed), "--expect", anchor, str(file), "--json")
    assert rebuilt.code == 3, rebuilt.words
    missing = whole.json["size"] - alone.json["size"]
    assert (rebuilt.json["entries"], rebuilt.json["missing"]) == (alone.json["size"], missing)
    assert f"entries {alone.json['size']} to {whole.json['size'] - 1}" in rebuilt.err
    assert "adopt" in rebuilt.err
    assert months.run("ledger", "status").code == 4  # the lock store names more
    (months.folder / "lock").rename(months.folder / "lock-of-the-lost")
    adopted = months.run("ledger", "adopt", "--reason", "the file was lost; rebuilt from segments", "--by", "dba")
    assert adopted.code == 0, adopted.words
    again = months.run("verify", "--json")
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
    (sealed / "2026-09").rename(months.folder / "2026-09")
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
