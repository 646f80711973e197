"""Two who write, one who reads while another writes, and copies taken meanwhile: exactly one goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from compliance.ledger import Draft
from compliance.ledger.lockstore import LockStore
from compliance.schemas.errors import IntegrityError, LedgerBusy
from compliance.verify import verify
from tests.cli.helpers import place_below
from tests.ledger.places import Place, verdict

ROOT = Path(__file__).parents[2]
# Appends until told how often; says `ready` when open, waits for a line, says each size that was acknowledged.
WRITER = """
import sys
from pathlib import Path
from compliance.ledger import Draft
from compliance.schemas.errors import ComplianceError
from tests.ledger.places import Place, verdict
folder, shared, count, reopen = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
place, common = Place(folder), Place(shared).settings()
try:
    ledger = place.open(**common)
    place.now = ledger.entry(ledger.size - 1).at
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(count):
        print(ledger.append([Draft("control_verdict", verdict(n))] * 3).size, flush=True)
        if reopen and n % reopen == reopen - 1:
            ledger.close()
            ledger = place.open(**common)
    ledger.close()
except ComplianceError as error:
    print(type(error).__name__, error.message, "|", error.remedy, flush=True)
"""


def writer(folder: Path, shared: Path, count: int, reopen: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(shared), str(count), str(reopen)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_a_second_writer_in_the_same_process(place: Place) -> None:
    with place.open() as ledger:
        with pytest.raises(LedgerBusy, match=f"is being written by process {os.getpid()}") as caught:
            place.open()
        assert (caught.value.remedy, caught.value.exit_code) == ("wait for it, or end it", 2)
        ledger.append([Draft("control_verdict", verdict(1))])
    assert verify(place.path, lock_store=place.lock).ok


def test_a_second_writer_in_another_process(place: Place) -> None:
    place.open().close()
    first = writer(place.folder, place.folder, 3)
    assert line(first) == "ready"
    second = writer(place.folder, place.folder, 3)
    assert line(second).startswith(f"LedgerBusy ledger {place.path} is being written by process {first.pid}")
    begin(first)
    assert [line(first) for _ in range(3)] == ["4", "7", "10"]
    assert [process.communicate()[0] for process in (first, second)] == ["", ""]
    assert verify(place.path, lock_store=place.lock).ok


def test_two_copies_race_for_one_lock_store(place: Place) -> None:
    """Both write entry after entry at the same time: one is never disturbed, the other never has one acknowledged."""
    with place.open() as ledger:
        ledger.append([Draft("control_verdict", verdict(0))])
        size = ledger.size
    copy = Place(place.folder / "copy")
    shutil.copytree(place.path.parent, copy.path.parent)
    pair = {place.folder: writer(place.folder, place.folder, 10), copy.folder: writer(copy.folder, place.folder, 10)}
    assert [line(process) for process in pair.values()] == ["ready", "ready"]
    for process in pair.values():
        begin(process)
    said = {folder: process.communicate()[0].splitlines() for folder, process in pair.items()}

    winner, loser = sorted(said, key=lambda folder: -len(said[folder]))
    assert said[winner] == [str(size + 3 * n) for n in range(1, 11)]
    assert len(said[loser]) == 1
    assert said[loser][0].startswith(f"IntegrityError lock store {place.lock} moved on under our hands")
    assert "two copies of this ledger are being written" in said[loser][0]
    with pytest.raises(IntegrityError, match=r"another history|entries were lost"):
        Place(loser).open(**place.settings())
    found = verify(Place(winner).path, lock_store=place.lock)
    assert (found.ok, found.size) == (True, size + 30)
    lost = verify(Place(loser).path)
    assert lost.signed == size, "the other signed nothing"


def test_verify_while_a_writer_holds_the_file(tmp_path: Path) -> None:
    """Message, remedy and exit code; the remedy, a copy, is followed."""
    place = place_below(tmp_path)
    place.configure(
        '[ledger]\norigin = "example.org/evidence/test"\npath = "data/ledger.duckdb"\nlock_store = "lock"\n'
        'keys = "keys"\nkeystore = "subjects/keys.sqlite"\n'
    )
    where = Place(place.folder)
    where.open().close()
    process = writer(where.folder, where.folder, 3)
    assert line(process) == "ready"

    done = place.run("verify")
    assert done.code == 2, done.words
    assert f"ledger {where.path} is being written by process {process.pid}" in done.err
    assert "hint: wait for it, or verify a copy" in done.err

    copy = tmp_path / "copy.duckdb"
    for suffix in ("", ".wal"):
        if where.path.with_name(where.path.name + suffix).exists():
            shutil.copy(where.path.with_name(where.path.name + suffix), str(copy) + suffix)
    assert verify(copy, lock_store=where.lock).ok
    begin(process)
    assert [line(process) for _ in range(3)] == ["4", "7", "10"]
    process.communicate()
    assert place.run("verify").code == 0
    assert not verify(copy, lock_store=where.lock).ok, "by now it is an older copy"


def named(lock: Path) -> int:
    """How many entries a lock store names."""
    return int(str(LockStore(lock).read()).split("\n")[1])


def test_copies_taken_while_writing(place: Place) -> None:
    """Against the lock store as it was after the copy a copy opens in full or is refused; against the live one, which
    has moved on, it is refused always. What DuckDB cannot read is refused, too; copies of the end are none of it."""
    place.open().close()
    process = writer(place.folder, place.folder, 40, reopen=7)
    assert line(process) == "ready"
    begin(process)
    copies: list[Path] = []
    while process.poll() is None and len(copies) < 15:
        into = place.folder / "copies" / str(len(copies))
        (into / "data").mkdir(parents=True)
        for name in ("ledger.duckdb", "ledger.duckdb.wal"):
            try:
                shutil.copy(place.path.with_name(name), into / "data" / name)
            except FileNotFoundError:
                continue  # no log at this moment
        shutil.copytree(place.lock, into / "lock", ignore=shutil.ignore_patterns(".*"))
        copies.append(into)
    process.communicate()
    final = LockStore(place.lock).read()
    outcomes: Counter[str] = Counter()
    older = [folder for folder in copies if named(folder / "lock") < 121 - 3]
    for folder in older:
        copied = Place(folder)
        others = {**place.settings(), "lock_store": copied.lock}
        with pytest.raises(IntegrityError) as caught:
            copied.open(**place.settings())
        assert caught.value.exit_code == 4
        outcomes["live: " + ("proven older" if "lock store names" in caught.value.message else "unreadable")] += 1
        at = named(copied.lock)
        try:
            with copied.open(**others) as ledger:
                assert ledger.size >= at
        except IntegrityError:
            outcomes["its own: refused"] += 1
            continue
        outcomes["its own: opened in full"] += 1
        assert verify(copied.path, lock_store=copied.lock).ok
    assert LockStore(place.lock).read() == final
    assert outcomes.total() == 2 * len(older) > 0
    with place.open() as ledger:
        assert ledger.size == 121
