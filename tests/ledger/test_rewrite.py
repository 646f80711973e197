"""A fresh file in place of the old one, or beside it."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest

from compliance.ledger import Draft, rewrite
from compliance.ledger.segments import Cut, Dropped
from compliance.schemas.errors import ConfigError, IntegrityError, LedgerBusy
from compliance.verify import verify
from tests.ledger.places import Place, account, state, verdict

SECRET = "a-row-that-was-deleted"


def fill(place: Place, count: int = 700) -> tuple[int, bytes]:
    with place.open() as ledger:
        state(ledger, [account("ann", email="ann@example.org"), account("bob")])
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(count)])
        return ledger.size, ledger.root


def sound(place: Place) -> None:
    found = verify(place.path, lock_store=place.lock)
    assert found.ok, found.problems


def holds(path: Path) -> None:
    found = verify(path)
    if not found.ok:
        raise IntegrityError(str(found.problems[0]))


def test_rewriting_keeps_every_row_and_leaves_no_residue(place: Place) -> None:
    fill(place)
    with duckdb.connect(place.path) as db:
        db.execute("CREATE TABLE scratch(t VARCHAR USING COMPRESSION uncompressed)")
        db.execute("INSERT INTO scratch VALUES (?)", [SECRET])
        db.execute("CHECKPOINT")
    size, root = fill(place)  # blocks behind it, so that DuckDB cannot cut it off the end of the file
    with duckdb.connect(place.path) as db:
        db.execute("DROP TABLE scratch")
    assert SECRET.encode() in place.path.read_bytes()
    mode = place.path.stat().st_mode

    rewrite.rewrite(place.path, check=holds)

    assert SECRET.encode() not in place.path.read_bytes()
    assert place.path.stat().st_mode == mode
    assert sorted(p.name for p in place.path.parent.iterdir()) == ["ledger.duckdb", "ledger.duckdb.lock"]
    sound(place)
    with place.open() as ledger:
        assert (ledger.size, ledger.root) == (size, root)
        ledger.append([Draft("control_verdict", verdict(1))])
    sound(place)


def test_the_fresh_file_has_the_types_compression_and_version_of_the_format(place: Place) -> None:
    fill(place, 5000)
    with duckdb.connect(place.path, read_only=True) as db:
        before = db.execute("SELECT table_name, column_name, data_type FROM duckdb_columns()").fetchall()

    rewrite.rewrite(place.path, check=holds)

    with duckdb.connect(place.path, read_only=True) as db:
        assert db.execute("SELECT table_name, column_name, data_type FROM duckdb_columns()").fetchall() == before
        kinds = db.execute(
            "SELECT DISTINCT compression FROM pragma_storage_info('entry') "
            "WHERE column_name = 'line' AND segment_type = 'VARCHAR'"
        ).fetchall()
        assert {kind.upper() for (kind,) in kinds} == {"ZSTD"}
        (tags,) = db.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchone() or ({},)
        assert "v1.5" in tags["storage_version"]


def test_a_link_to_the_ledger_stays_one_and_its_owner_keeps_it(place: Place) -> None:
    fill(place, 3)
    elsewhere = place.folder / "elsewhere.duckdb"
    place.path.rename(elsewhere)
    place.path.symlink_to(elsewhere)
    elsewhere.chmod(0o640)
    before = elsewhere.stat()

    rewrite.rewrite(place.path, check=holds)

    after = elsewhere.stat()
    assert place.path.is_symlink()
    assert after.st_ino != before.st_ino
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    sound(place)


def test_what_the_check_refuses_never_replaces_the_old_file(place: Place) -> None:
    fill(place)
    before = place.path.stat().st_ino

    def refuse(path: Path) -> None:
        raise IntegrityError(f"{path} does not hold")

    with pytest.raises(IntegrityError, match="does not hold"):
        rewrite.rewrite(place.path, check=refuse)

    assert place.path.stat().st_ino == before
    assert sorted(p.name for p in place.path.parent.iterdir()) == ["ledger.duckdb", "ledger.duckdb.lock"]
    sound(place)


def test_a_ledger_in_use_is_not_replaced(place: Place) -> None:
    fill(place)
    with place.open(), pytest.raises(LedgerBusy):
        rewrite.rewrite(place.path, check=holds, wait_s=0.0)
    sound(place)


def test_a_copy_of_an_open_ledger_is_an_exact_prefix(place: Place) -> None:
    size, root = fill(place)
    target = place.folder / "copies" / "copy.duckdb"
    with place.open() as ledger:
        ledger.copy(target, check=holds)
        ledger.append([Draft("control_verdict", verdict(2))])

    found = verify(target)
    assert found.ok
    assert (found.size, found.root) == (size, root)
    assert [p.name for p in target.parent.iterdir()] == ["copy.duckdb"]
    sound(place)


def test_a_copy_never_overwrites(place: Place) -> None:
    fill(place)
    target = place.folder / "there"
    target.write_text("mine")
    with place.open() as ledger, pytest.raises(ConfigError, match="exists"):
        ledger.copy(target, check=holds)
    assert target.read_text() == "mine"


def test_entries_can_be_left_out_from_the_beginning(place: Place) -> None:
    size, _ = fill(place)
    with duckdb.connect(place.path, read_only=True) as db:
        first = db.execute("SELECT line FROM entry WHERE seq = 0").fetchone()
        tiles = db.execute("SELECT count(*) FROM tile").fetchone()
        notes = db.execute("SELECT count(*) FROM checkpoint").fetchone()
    seen: list[Path] = []

    cut = Cut(4, (first or ("",))[0], (), bytes(32 * 4), (Dropped("2026-10", 0, 4, "00" * 32),))

    rewrite.rewrite(place.path, check=seen.append, cut=cut)

    assert seen
    with duckdb.connect(place.path, read_only=True) as db:
        assert db.execute("SELECT min(seq), count(*) FROM entry").fetchone() == (4, size - 4)
        assert db.execute("SELECT count(*) FROM personal").fetchone() == (0,)
        assert db.execute("SELECT min(size) > 4 FROM head").fetchone() == (True,)
        assert db.execute("SELECT count(*) FROM tile").fetchone() == tiles
        assert db.execute("SELECT count(*) FROM checkpoint").fetchone() == notes
        meta = dict(db.execute("SELECT name, value FROM meta").fetchall())
        assert meta["format"] == "2"
        assert Cut.of_meta(meta) == cut
    assert b"ann@example.org" not in place.path.read_bytes()


def test_a_damaged_number_does_not_make_it_count(place: Place) -> None:
    fill(place)
    with duckdb.connect(place.path) as db:
        db.execute("UPDATE entry SET seq = 4611686018427387904 WHERE seq = 5")
        db.execute("UPDATE tile SET n = NULL WHERE level = 0 AND n = 1")
    with pytest.raises(IntegrityError, match="1 rows of table tile have no number"):
        rewrite.rewrite(place.path, check=holds)


KILLED = """
import os, signal, sys
from pathlib import Path
from compliance.ledger import rewrite
from compliance.schemas.errors import IntegrityError
from compliance.verify import verify

step = sys.argv[2]
count = 0

def trace(frame, event, arg):
    global count
    if event in ("call", "return") and frame.f_code.co_filename.endswith(("rewrite.py", "store.py")):
        count += 1
        if count == int(step):
            os.kill(os.getpid(), signal.SIGKILL)
    return trace

def check(path):
    found = verify(path)
    if not found.ok:
        raise IntegrityError("no")

sys.setprofile(trace)
rewrite.rewrite(Path(sys.argv[1]), check=check)
sys.setprofile(None)
print(count)
"""


def run(path: Path, step: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(path), str(step)],
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_kill_at_any_step_leaves_the_old_file_or_the_new(place: Place) -> None:
    size, root = fill(place)
    steps = int(run(place.path, -1).stdout)
    inodes = {place.path.stat().st_ino}
    late = range(max(1, steps - 12), steps + 1)  # around the rename every step counts, before it some do
    for step in sorted({*range(1, steps, steps // 8), *late}):
        done = run(place.path, step)

        assert done.returncode == -signal.SIGKILL, done.stderr
        inodes.add(place.path.stat().st_ino)
        found = verify(place.path, lock_store=place.lock)
        assert found.ok, (step, found.problems)
        assert (found.size, found.root) == (size, root)
    assert len(inodes) > 1, "no kill came after the rename"
    rewrite.rewrite(place.path, check=holds)
    assert sorted(p.name for p in place.path.parent.iterdir()) == ["ledger.duckdb", "ledger.duckdb.lock"]
