"""Ranges that other processes check: what they say counts only when it joins what came before."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from compliance.ledger import Draft
from compliance.schemas.errors import IntegrityError
from compliance.verify import check, ranges, verify
from compliance.verify.ranges import BEGINNING, Checked, Start
from compliance.verify.sealed import Source, lay
from compliance.verify.tree import TILE
from compliance.verify.workers import Workers, attached, file_id
from tests.ledger.months import copied, segments_of
from tests.ledger.places import Place, verdict

SIZE = 5 * TILE + 30


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("sealed"))
    with place.open() as ledger:
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(SIZE - 1)])
    return place


ATTACKS = [
    "SELECT 1",
    "UPDATE entry SET line = replace(line, '\"ok\"', '\"no\"') WHERE seq IN (255, 256, 700)",
    "DELETE FROM entry WHERE seq IN (511, 512)",
    "DELETE FROM tile WHERE level = 0 AND n = 1",
    "DELETE FROM tile WHERE level = 0 AND n = 1; DELETE FROM entry WHERE seq = 300",
    "UPDATE tile SET hashes = (SELECT hashes FROM tile WHERE n = 2) WHERE n = 1",
    "UPDATE entry SET \"at\" = TIMESTAMP '2030-01-01' WHERE seq = 767",
    "UPDATE entry SET gone = NOT gone",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_several_processes_say_what_one_says(sealed: Place, copy: Path, attack: str) -> None:
    with duckdb.connect(str(copy)) as raw:
        raw.execute(attack)

    alone = verify(copy, lock_store=sealed.lock, step=TILE)
    together = verify(copy, lock_store=sealed.lock, step=TILE, processes=2)

    assert together == alone
    assert alone.ok == (attack == "SELECT 1")


CUT_ATTACKS = [
    "SELECT 1",
    "UPDATE entry SET line = replace(line, 'pass', 'fail') WHERE seq IN (400, 600)",
    "DELETE FROM entry WHERE seq = 520",
    "UPDATE tile SET hashes = (SELECT hashes FROM tile WHERE n = 0 AND level = 0) WHERE n = 1 AND level = 0",
    "UPDATE meta SET value = replace(value, '0', '1') WHERE name = 'leaves'",
    "DELETE FROM checkpoint WHERE size > 300",
]


@pytest.mark.parametrize("attack", CUT_ATTACKS)
def test_several_processes_say_what_one_says_of_a_cut_file(shortened: Place, tmp_path: Path, attack: str) -> None:
    place = copied(shortened, tmp_path)
    with duckdb.connect(str(place.path)) as raw:
        raw.execute(attack)

    _agree(place, holds=attack == "SELECT 1")


@pytest.mark.parametrize("name", ["entries.parquet", "tiles.parquet", "manifest.json"])
@pytest.mark.parametrize("damage", ["flipped", "gone"])
def test_several_processes_say_what_one_says_of_damaged_segments(
    shortened: Place, tmp_path: Path, name: str, damage: str
) -> None:
    place = copied(shortened, tmp_path)
    path = segments_of(place) / "2026-08" / name
    path.parent.chmod(0o755)
    path.chmod(0o644)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.unlink()
    if damage == "flipped":
        path.write_bytes(raw)

    _agree(place, holds=False)


def _agree(place: Place, *, holds: bool) -> None:
    """One process and several find the same, the lock store and segments given or only the file."""
    for given in ({"segments": segments_of(place), "lock_store": place.lock}, {}):
        told = []
        for processes in (1, 2):
            try:
                told.append(verify(place.path, step=TILE, processes=processes, **given))
            except IntegrityError as error:
                told.append(error.message)
        assert told[0] == told[1]
        assert not given or (not isinstance(told[0], str) and told[0].ok) == holds


def test_workers_give_their_share_from_its_stored_start(sealed: Place) -> None:
    with Workers(sealed.path, file_id(sealed.path), 1) as workers:
        parts = list(workers.checked(SIZE, TILE))

    with attached(sealed.path) as db:
        lay(db, [])
        starts = [part and part.start for part in parts]
        assert starts == [None, None, 2 * TILE, None, 4 * TILE, None], "the others are for the caller"
        for part in parts:
            if part is not None:
                stored = ranges.stored_start(db, part.start)
                here = ranges.check(db, part.start, part.stop, stored, Source())
                assert (part.stop, part.before, part.after) == (here.stop, here.before, here.after)
                assert (part.leaves, part.roots) == (here.leaves, here.roots)


@pytest.mark.parametrize(("processes", "count"), [(1, 0), (1, 5), (2, 7)])
def test_what_workers_cannot_read_is_left_to_the_caller(sealed: Place, processes: int, count: int) -> None:
    with Workers(sealed.path.with_name("no such file"), (0, 0), processes) as workers:
        assert list(workers.checked(count * TILE, TILE)) == [None] * count


def test_another_file_that_took_the_name_is_not_read(sealed: Place, copy: Path) -> None:
    with Workers(copy, file_id(sealed.path), 1) as workers:
        assert list(workers.checked(SIZE, TILE)) == [None] * 6


def test_a_start_that_the_file_invents_is_not_believed(sealed: Place, copy: Path) -> None:
    """A forger who changes a line and the stored leaf before the next range makes that range agree with itself."""
    forged = bytes(range(32))
    with duckdb.connect(str(copy)) as raw:
        (hashes,) = raw.execute("SELECT hashes FROM tile WHERE level = 0 AND n = 0").fetchall()[0]
        raw.execute("UPDATE tile SET hashes = ? WHERE level = 0 AND n = 0", [hashes[:-32] + forged])
        leaf, leaves = forged, []
        for (line,) in raw.execute("SELECT line FROM entry WHERE seq >= 256 ORDER BY seq LIMIT 256").fetchall():
            leaf = sha256(b"\0" + leaf + line.encode()).digest()
            leaves.append(leaf)
        raw.execute("UPDATE tile SET hashes = ? WHERE level = 0 AND n = 1", [b"".join(leaves)])
    with attached(copy) as db:
        lay(db, [])
        part = ranges.check(db, TILE, 2 * TILE, ranges.stored_start(db, TILE), Source())
        assert not part.found.problems, "by itself the range agrees"

    alone = verify(copy, lock_store=sealed.lock, step=TILE)
    together = verify(copy, lock_store=sealed.lock, step=TILE, processes=2)

    assert together == alone
    assert not alone.ok
    assert alone.problems[0].seq is not None
    assert alone.problems[0].seq <= 255


def test_what_was_checked_from_another_start_or_of_another_range_is_not_used(sealed: Place, copy: Path) -> None:
    with duckdb.connect(str(copy)) as raw:
        raw.execute("UPDATE entry SET line = replace(line, '\"ok\"', '\"no\"') WHERE seq = 300")
    with attached(sealed.path) as sound, attached(copy) as db:
        lay(sound, [])

        def elsewhere(size: int, step: int) -> Iterator[Checked]:
            """Each range from a start that was made up."""
            for start in range(0, size, step):
                yield ranges.check(sound, start, min(start + step, size), Start(bytes(range(32)), None), Source())

        def first_again(size: int, step: int) -> Iterator[Checked]:
            """One sound range instead of all."""
            while True:
                yield ranges.check(sound, 0, step, BEGINNING, Source())

        def nothing(size: int, step: int) -> Iterator[Checked]:
            return iter(())

        alone = check.verified(db, vkey=None, lock_store=sealed.lock, key_of=None, step=TILE)
        for ahead in (elsewhere, first_again, nothing):
            found = check.verified(db, vkey=None, lock_store=sealed.lock, key_of=None, step=TILE, ahead=ahead)
            assert found == alone

    assert [p.seq for p in alone.problems] == [300]
