"""DuckDB's write-ahead log torn, emptied, deleted, flipped, longer: what `open` and the command line say and do.

DuckDB itself opens a cut log without a word and without the rows that were in it. The lock store knows better.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from compliance.ledger import Draft, Ledger
from compliance.ledger.store import RECOVER
from compliance.schemas.errors import IntegrityError
from compliance.verify import verify
from tests.cli.helpers import place_below
from tests.ledger.places import Place, verdict


@dataclass
class Crashed:
    """A ledger whose writer is gone, with three appends of three entries in its log, and the last good backup of it."""

    kept: Path
    folder: Path
    size: int

    @property
    def place(self) -> Place:
        return Place(self.folder)

    @property
    def wal(self) -> Path:
        return self.place.path.with_name("ledger.duckdb.wal")

    def again(self) -> Place:
        """Put everything back."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.kept, self.folder)
        return self.place

    def cut(self, size: int) -> Place:
        """Cut the log."""
        place = self.again()
        with self.wal.open("r+b") as file:
            file.truncate(size)
        return place

    def sizes(self) -> tuple[int, int]:
        """Entries by heads and by checkpoints, as DuckDB reads the file."""
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{self.place.path}' AS stored (READ_ONLY)")
            found = connection.execute(
                "SELECT (SELECT max(size) FROM stored.head), (SELECT max(size) FROM stored.checkpoint)"
            ).fetchall()
        return found[0]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Crashed:
    folder = tmp_path_factory.mktemp("log")
    place = Place(folder / "first")
    place.open().close()
    ledger = place.open()
    for n in range(3):
        ledger.append([Draft("control_verdict", verdict(n))] * 3)
    shutil.copytree(place.folder, folder / "kept")  # nobody writes now: what a kill would leave
    size = ledger.size
    ledger.close()
    return Crashed(folder / "kept", folder / "now", size)


@pytest.fixture(scope="module")
def boundaries(crashed: Crashed) -> list[int]:
    """Where the log's commits end, by bisection: two for each append, its rows and its checkpoint."""
    end = (crashed.kept / "data" / "ledger.duckdb.wal").stat().st_size
    seen = {}

    def at(cut: int) -> tuple[int, int]:
        if cut not in seen:
            crashed.cut(cut)
            seen[cut] = crashed.sizes()
        return seen[cut]

    def between(low: int, high: int) -> list[int]:
        if at(low) == at(high):
            return []
        if high - low == 1:
            return [high]
        middle = (low + high) // 2
        return between(low, middle) + between(middle, high)

    found = between(0, end)
    assert len(found) == 6
    assert found[-1] == end
    return found


def lost(place: Place, size: int, known: int) -> str:
    return (
        f"ledger {place.path} has {size} entries, its lock store names {known}: entries were lost, or this is an older "
        "copy of the file"
    )


def refused(place: Place) -> IntegrityError:
    """The error of opening; asserts that neither file, log, lock store nor key store changed."""
    files = {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file() and path.suffix != ".lock"}
    with pytest.raises(IntegrityError) as caught:
        place.open()
    assert caught.value.exit_code == 4
    now = {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file() and path.suffix != ".lock"}
    assert {p: c for p, c in now.items() if c} == {p: c for p, c in files.items() if c}
    return caught.value


def accepted(place: Place, size: int) -> None:
    """It opens with everything, takes an entry, survives another crash, and verifies."""
    with place.open() as ledger:
        assert ledger.size == size
        place.now = ledger.entry(size - 1).at
        ledger.append([Draft("control_verdict", verdict(9))])
        shutil.copytree(place.path.parent, place.folder / "later")
    shutil.rmtree(place.path.parent)
    (place.folder / "later").rename(place.path.parent)
    with place.open() as ledger:
        assert ledger.size == size + 1
    assert verify(place.path, lock_store=place.lock).ok


def test_cut_at_every_commit_and_between(crashed: Crashed, boundaries: list[int]) -> None:
    cuts = {0, 1, *boundaries, *(b - 1 for b in boundaries), *((a + b) // 2 for a, b in pairwise([0, *boundaries]))}
    counts = {"refused": 0, "accepted": 0}
    for cut in sorted(cuts):
        place = crashed.cut(cut)
        size, _ = crashed.sizes()
        if size == crashed.size:  # only the row of the last checkpoint was cut, and the lock store has it
            accepted(place, size)
            counts["accepted"] += 1
        else:
            error = refused(place)
            assert (error.message, error.remedy, error.seq) == (lost(place, size, crashed.size), RECOVER, size)
            counts["refused"] += 1
    assert counts == {"refused": 16, "accepted": 4}


def test_deleted(crashed: Crashed) -> None:
    place = crashed.again()
    crashed.wal.unlink()

    assert refused(place).message == lost(place, 1, crashed.size)


def test_bits_flipped(crashed: Crashed) -> None:
    """DuckDB's check sums find it, or it takes the log for one that was cut there; then the lock store knows better."""
    chance = random.Random(6)
    for _ in range(16):
        place = crashed.again()
        content = bytearray(crashed.wal.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        crashed.wal.write_bytes(content)
        error = refused(place)
        assert error.remedy == RECOVER
        assert "Failure while replaying WAL" in error.message or (
            error.seq is not None and error.message == lost(place, error.seq, crashed.size)
        )


def test_zeroed_tail(crashed: Crashed, boundaries: list[int]) -> None:
    place = crashed.again()
    content = crashed.wal.read_bytes()
    crashed.wal.write_bytes(content[: boundaries[3]] + bytes(len(content) - boundaries[3]))

    refused(place)


@pytest.mark.parametrize("garbage", [b"\0" * 100, b"\xff" * 100, b"garbage" * 300])
def test_garbage_behind_the_last_commit(crashed: Crashed, garbage: bytes) -> None:
    """Everything that was acknowledged is there: opened in full, or refused; never shorter."""
    place = crashed.again()
    with crashed.wal.open("ab") as file:
        file.write(garbage)
    try:
        ledger: Ledger = place.open()
    except IntegrityError:
        crashed.cut((crashed.kept / "data" / "ledger.duckdb.wal").stat().st_size)  # docs/recovery.md: on a copy
        ledger = crashed.place.open()
    assert ledger.size == crashed.size
    ledger.close()
    assert verify(place.path, lock_store=place.lock).ok


def test_the_log_of_another_moment(crashed: Crashed) -> None:
    """A log that belongs to an older state of the file: DuckDB notices, or the tree does."""
    place = crashed.again()
    old = crashed.wal.read_bytes()
    with place.open() as ledger:
        ledger.append([Draft("control_verdict", verdict(9))])
    crashed.wal.write_bytes(old)
    with pytest.raises(IntegrityError, match="WAL") as caught:
        place.open()
    assert caught.value.remedy == RECOVER


def test_the_command_line_says_so(tmp_path: Path) -> None:
    """Exit 4, the message, what to do; nothing is added, and the documented steps end in a ledger that verifies."""
    place = place_below(tmp_path)
    config = '[ledger]\norigin = "example.org/evidence/test"\npath = "data/ledger.duckdb"\nlock_store = "lock"\n'
    place.configure(config + 'keys = "keys"\nkeystore = "subjects/keys.sqlite"\n')
    where = Place(place.folder)
    where.open().close()
    backup = tmp_path / "backup"
    ledger = where.open()
    ledger.append([Draft("control_verdict", verdict(1))] * 3)
    shutil.copytree(where.folder, tmp_path / "crashed")
    ledger.close()
    shutil.copytree(where.path.parent, backup)  # made by a closed ledger: the newest one
    shutil.rmtree(where.folder)
    shutil.copytree(tmp_path / "crashed", where.folder)
    wal = where.path.with_name("ledger.duckdb.wal")
    wal.write_bytes(wal.read_bytes()[:1000])
    before = wal.read_bytes(), where.path.read_bytes(), (where.lock / "history").read_bytes()

    for command in (("ledger", "status"), ("collect",), ("audit",), ("verify",)):
        done = place.run(*command)
        assert done.code == 4, done.words
        said = "the lock store names 4 entries, the ledger has 1" if command == ("verify",) else lost(where, 1, 4)
        assert said in done.words
        assert "keep a copy" in done.words
    assert (wal.read_bytes(), where.path.read_bytes(), (where.lock / "history").read_bytes()) == before

    shutil.copytree(where.folder, tmp_path / "evidence")  # docs/recovery.md: keep, then the newest backup
    shutil.rmtree(where.path.parent)
    shutil.copytree(backup, where.path.parent)
    assert place.run("verify").code == 0
    assert place.run("ledger", "status", "--json").json["entries"] == 4
