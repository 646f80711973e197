"""Whatever is changed by hand in the file is found, and the first bad entry is named."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from compliance.ledger import Draft, Keys, tree
from compliance.schemas.errors import IntegrityError
from compliance.schemas.messages import Record
from compliance.verify import Verification, check, ranges
from compliance.verify import verify as verify_file
from compliance.verify.ranges import Checked
from compliance.verify.sealed import Source
from compliance.verify.tree import TILE
from compliance.verify.workers import attached
from tests.ledger.places import ORIGIN, Place, account, given, verdict

SIZE = 700  # two full tiles and an unfinished one


def filled(folder: Path) -> Place:
    """A ledger with states, events, a gap, single appends and a large one."""
    place = Place(folder)
    with place.open() as ledger:
        people = [account(f"u{n}", email=f"u{n}@example.org", is_active=True) for n in range(20)]
        ledger.record_state(given(), people)
        ledger.record_state(given(run="r2"), people[1:])
        ledger.record_gap(given(run="r3", outcome="denied", message="no", remedy="yes"))
        ledger.record_events(
            given(kind="control_verdict", source="ci"), [Record(verdict(n)) for n in range(10)], "10", True
        )
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(600)])
        while ledger.size < SIZE - 20:
            ledger.append([Draft("control_verdict", verdict(ledger.size))])
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(SIZE - ledger.size)])
        assert ledger.size == SIZE
    return place


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return filled(tmp_path_factory.mktemp("sealed"))


def change(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as raw:
        for statement in statements:
            raw.execute(statement)


def verify(path: Path, **given: Any) -> Verification:
    """The verification, which is the same when every tile was checked by itself before the tiles were joined."""
    found = verify_file(path, **given)
    settings: dict[str, Any] = {"vkey": None, "lock_store": None, "key_of": None, **given, "step": TILE}
    with attached(path) as connection:

        def ahead(size: int, step: int) -> Iterator[Checked]:
            """What a process that checks ranges does."""
            for start in range(0, size, step):
                stored = ranges.stored_start(connection, start)
                yield ranges.check(connection, start, min(start + step, size), stored, Source())

        alone = check.verified(connection, **settings)
        joined = check.verified(connection, **settings, ahead=ahead)
    assert joined == alone
    assert {p.what for p in alone.problems} == {p.what for p in found.problems} or found.more
    assert replace(alone, problems=[], more=0) == replace(found, problems=[], more=0)
    return found


def broken(sealed: Place, path: Path) -> Verification:
    found = verify(path, lock_store=sealed.lock)
    assert not found.ok
    return found


def names(found: Verification, seq: int) -> bool:
    """The first problem with an entry is about this one."""
    first = next(p for p in found.problems if p.seq is not None)
    assert first.seq is not None
    return first.seq <= seq <= (first.seq if first.last is None else first.last)


def test_the_untouched_ledger(sealed: Place) -> None:
    found = verify(sealed.path, lock_store=sealed.lock)

    assert found.ok, found.problems
    assert (found.size, found.signed, found.anchored, found.lock_store, found.unanchored) == (SIZE, SIZE, SIZE, "ok", 0)
    assert found.origin == ORIGIN
    assert not found.vkey_given
    assert found.lock_store_ok
    assert verify(sealed.path).lock_store_ok is None


COLUMNS = {
    "at": '"at" + INTERVAL 1 SECOND',
    "kind": "'finding'",
    "source": "'elsewhere'",
    "collection": "coalesce(collection, 0) + 1",
    "key": "'[\"x\"]'",
    "subject": "'p_0'",
    "gone": "NOT gone",
    "observed_at": "TIMESTAMP '2020-01-01'",
}


@pytest.mark.parametrize("seq", [0, 5, 300, SIZE - 1])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column(sealed: Place, copy: Path, column: str, seq: int) -> None:
    change(copy, f'UPDATE entry SET "{column}" = {COLUMNS[column]} WHERE seq = {seq}')

    found = broken(sealed, copy)

    assert names(found, seq)
    assert any(p.seq == seq and f"column {column} is" in p.what for p in found.problems)


@pytest.mark.parametrize(
    "column", [name for name in COLUMNS if name not in ("collection", "key", "subject", "observed_at")]
)
def test_a_column_set_to_null(sealed: Place, copy: Path, column: str) -> None:
    change(copy, f'UPDATE entry SET "{column}" = NULL WHERE seq = 300')

    assert names(broken(sealed, copy), 300)


@settings(max_examples=40, deadline=None)
@drawn(st.integers(0, SIZE - 1), st.integers(0, 10_000), st.integers(0, 6))
def test_any_flipped_bit_of_a_line(
    sealed: Place, tmp_path_factory: pytest.TempPathFactory, seq: int, place: int, bit: int
) -> None:
    path = tmp_path_factory.mktemp("bit") / "ledger.duckdb"
    shutil.copy(sealed.path, path)
    with duckdb.connect(str(path)) as raw:
        line = bytearray(raw.execute("SELECT encode(line) FROM entry WHERE seq = ?", [seq]).fetchall()[0][0])
        line[place % len(line)] ^= 1 << bit
        raw.execute("UPDATE entry SET line = ? WHERE seq = ?", [line.decode(), seq])

    vkey = Keys.open(sealed.folder / "keys", ORIGIN, create=False).vkey
    assert names(verify(path, vkey=vkey, lock_store=sealed.lock), seq)
    if seq:  # without a key and without a first entry there is nothing to go by
        assert not verify_file(path, lock_store=sealed.lock).ok


def test_a_broken_genesis_without_a_key(sealed: Place, copy: Path) -> None:
    change(copy, "UPDATE entry SET line = 'x' WHERE seq = 0")

    with pytest.raises(IntegrityError) as caught:
        verify(copy)
    assert caught.value.seq == 0


@pytest.mark.parametrize("seq", [100, 300, 511])
def test_a_changed_record_is_named_as_a_changed_line(sealed: Place, copy: Path, seq: int) -> None:
    change(copy, f'UPDATE entry SET line = replace(line, \'"verdict":"pass"\', \'"verdict":"fail"\') WHERE seq = {seq}')

    found = broken(sealed, copy)

    assert [(p.seq, p.what.split(":")[0]) for p in found.problems] == [(seq, "its line was changed")]


@pytest.mark.parametrize("seq", [620, 660, SIZE - 5])
def test_a_changed_record_right_of_the_last_tile_is_narrowed_to_its_append(sealed: Place, copy: Path, seq: int) -> None:
    change(copy, f'UPDATE entry SET line = replace(line, \'"verdict":"pass"\', \'"verdict":"fail"\') WHERE seq = {seq}')

    found = broken(sealed, copy)

    assert names(found, seq)
    assert "lines were changed" in str(found.problems[0])
    if seq == 660:
        assert found.problems[0].seq == found.problems[0].last == seq


@pytest.mark.parametrize("seq", [0, 3, 255, 256, 300, 660, SIZE - 1])
def test_a_deleted_row(sealed: Place, copy: Path, seq: int) -> None:
    change(copy, f"DELETE FROM entry WHERE seq = {seq}")
    if seq == 0:
        keys = Keys.open(sealed.folder / "keys", ORIGIN, create=False)
        found = verify(copy, lock_store=sealed.lock, vkey=keys.vkey)
    else:
        found = broken(sealed, copy)

    assert names(found, seq)
    assert any("row was deleted" in p.what for p in found.problems)


def test_a_deleted_range_and_a_deleted_tail(sealed: Place, copy: Path) -> None:
    change(copy, "DELETE FROM entry WHERE seq BETWEEN 270 AND 280 OR seq >= 690")

    found = broken(sealed, copy)

    missing = [(p.seq, p.last) for p in found.problems if "deleted" in p.what]
    assert missing == [(270, 280), (690, SIZE - 1)]


def test_a_deleted_row_with_the_rest_renumbered(sealed: Place, copy: Path) -> None:
    change(copy, "DELETE FROM entry WHERE seq = 300", "UPDATE entry SET seq = seq - 1 WHERE seq > 300")

    assert names(broken(sealed, copy), 300)


def test_swapped_entries(sealed: Place, copy: Path) -> None:
    change(copy, "UPDATE entry SET seq = CASE seq WHEN 300 THEN 301 ELSE 300 END WHERE seq IN (300, 301)")

    found = broken(sealed, copy)

    assert names(found, 300)
    assert "its line is that of entry 301" in str(found.problems)


def test_an_inserted_and_a_doubled_entry(sealed: Place, copy: Path) -> None:
    change(copy, "INSERT INTO entry SELECT * FROM entry WHERE seq = 300")
    doubled = broken(sealed, copy)
    change(copy, "UPDATE entry SET seq = seq + 1 WHERE seq > 300", "DELETE FROM entry WHERE seq = 999")
    inserted = broken(sealed, copy)

    assert names(doubled, 300)
    assert "more than once" in str(doubled.problems[0])
    assert names(inserted, 300)
    change(copy, "INSERT INTO entry SELECT * REPLACE (-1 AS seq) FROM entry WHERE seq = 5")
    assert "no valid number" in str(broken(sealed, copy).problems)


def test_entries_appended_by_hand(sealed: Place, copy: Path) -> None:
    change(copy, f"INSERT INTO entry SELECT * REPLACE ({SIZE} AS seq) FROM entry WHERE seq = {SIZE - 1}")

    assert names(broken(sealed, copy), SIZE)


def test_a_changed_tile_is_told_from_a_changed_line(sealed: Place, copy: Path) -> None:
    with duckdb.connect(str(copy)) as raw:
        hashes = bytearray(raw.execute("SELECT hashes FROM tile WHERE level = 0 AND n = 1").fetchall()[0][0])
        hashes[40 * 32] ^= 1
        raw.execute("UPDATE tile SET hashes = ? WHERE level = 0 AND n = 1", [bytes(hashes)])

    found = broken(sealed, copy)

    assert [str(p) for p in found.problems] == ["entries 256 to 511: tile 1 of level 0 is not what its entries give"]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM tile WHERE n = 1", "tile 1 of level 0 is missing"),
        ("INSERT INTO tile SELECT * FROM tile WHERE n = 1", "tile 1 of level 0 is missing, torn or there twice"),
        ("UPDATE tile SET hashes = hashes[1:100]::BLOB WHERE n = 1", "missing, torn"),
        ("INSERT INTO tile SELECT 0, 9, hashes FROM tile WHERE n = 1", "lie beyond"),
        ("UPDATE head SET root = last_leaf WHERE size = 660", "tree head at 660 entries was changed"),
        ("UPDATE head SET last_leaf = root WHERE size = 660", "tree head at 660 entries was changed"),
        ("UPDATE head SET \"at\" = TIMESTAMP '2020-01-01' WHERE size = 660", "tree head at 660 entries was changed"),
        ("DELETE FROM head WHERE size = 700", "newest tree head names 680"),
        ("UPDATE checkpoint SET note = replace(note, '660', '661') WHERE size = 660", "signature"),
        (
            "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 659) WHERE size = 660",
            "is about 659",
        ),
        ("UPDATE checkpoint SET note = NULL WHERE size = 660", "no signatures"),
        ("UPDATE checkpoint SET size = NULL WHERE size = 660", "no valid size"),
        ("DELETE FROM checkpoint WHERE size > 680", "not covered by a signed checkpoint"),
        ("DELETE FROM checkpoint", "entries 0 to 699: not covered by a signed checkpoint"),
        ("UPDATE meta SET value = 'x' WHERE name = 'origin'", "meta names the origin"),
        ("UPDATE meta SET value = 'x' WHERE name = 'format'", "meta names the format"),
        ("CREATE TABLE more(x INTEGER)", "table more does not belong"),
        ("CREATE VIEW peek AS FROM entry", "view peek does not belong"),
        ("CREATE INDEX i ON entry(seq)", "index i does not belong"),
        ("CREATE MACRO strftime(a, b) AS 'x'", "function strftime does not belong"),
        ("CREATE SEQUENCE s", "sequence s does not belong"),
        ("CREATE SCHEMA other", "schema other does not belong"),
        ("DELETE FROM personal WHERE seq = 3", "its personal content is missing"),
        ("UPDATE personal SET seq = 600 WHERE seq = 3", "lies beside an entry that has none"),
        ("UPDATE personal SET subject = 'p_1' WHERE seq = 3", "names another subject"),
        ("INSERT INTO personal SELECT * FROM personal WHERE seq = 3", "is there twice"),
    ],
)
def test_everything_beside_the_entries(sealed: Place, copy: Path, statement: str, words: str) -> None:
    change(copy, statement)

    assert words in " / ".join(map(str, broken(sealed, copy).problems))


def test_personal_content_needs_the_key_to_be_checked(sealed: Place, copy: Path) -> None:
    change(
        copy,
        "UPDATE personal SET content = (SELECT content FROM personal WHERE seq = 4), subject = (SELECT subject FROM "
        "personal WHERE seq = 3) WHERE seq = 3",
    )
    with sealed.open() as ledger:
        keys = {e.subject: ledger.keystore.key(str(e.subject)) for e in ledger.entries("user_account") if e.subject}

    found = verify(copy, lock_store=sealed.lock, key_of=keys.get)

    assert verify(copy, lock_store=sealed.lock).ok
    assert [p.seq for p in found.problems] == [3]
    assert "not what its line commits to" in found.problems[0].what
    assert found.personal_checked == 20


def rewrite(path: Path, seq: int, lock: Path | None, keys: Keys | None) -> None:
    """What an insider can do: change a record, recompute all that hangs on it, and sign it when the key is stolen."""
    with duckdb.connect(str(path)) as raw:
        lines = [line for (line,) in raw.execute("SELECT line FROM entry ORDER BY seq").fetchall()]
        lines[seq] = lines[seq].replace('"verdict":"pass"', '"verdict":"fail"')
        raw.execute("UPDATE entry SET line = ? WHERE seq = ?", [lines[seq], seq])
        leaves = tree.leaves(tree.BEFORE_FIRST, [line.encode() for line in lines])
        for tile in tree.Edge().extend(leaves):
            raw.execute("UPDATE tile SET hashes = ? WHERE level = ? AND n = ?", [tile.hashes, tile.level, tile.n])
        for (size,) in raw.execute("SELECT size FROM head").fetchall():
            edge = tree.Edge()
            edge.extend(leaves[:size])
            values: list[Any] = [edge.root(), edge.last_leaf, size]
            raw.execute("UPDATE head SET root = ?, last_leaf = ? WHERE size = ?", values)
            if keys:
                raw.execute("UPDATE checkpoint SET note = ? WHERE size = ?", [keys.sign(size, edge.root()), size])


def test_a_history_that_was_recomputed_in_full(sealed: Place, copy: Path) -> None:
    rewrite(copy, 300, None, None)

    found = broken(sealed, copy)

    assert names(found, 300)
    assert "do not give the signed checkpoint" in str(found.problems)


def test_with_a_stolen_key_only_what_lies_outside_tells(sealed: Place, copy: Path) -> None:
    rewrite(copy, 300, None, Keys.open(sealed.folder / "keys", ORIGIN, create=False))

    assert verify(copy).ok, "from inside the file a forgery with the right key cannot be seen"
    found = broken(sealed, copy)
    assert found.lock_store == "differs"
    assert "another root" in str(found.problems)


def test_a_forgery_under_another_key(sealed: Place, copy: Path, tmp_path: Path) -> None:
    own = Keys.open(sealed.folder / "keys", ORIGIN, create=False)
    rewrite(copy, 300, None, Keys.open(tmp_path / "other", ORIGIN))

    assert "not signed by" in str(verify(copy, vkey=own.vkey).problems)
    assert "not the one given" in str(verify(sealed.path, vkey=Keys.open(tmp_path / "other", ORIGIN).vkey).problems)


def test_collections_whose_rows_do_not_fit(tmp_path: Path) -> None:
    """What a writer with the right key but a fault could sign: the sets themselves are checked too."""
    place = Place(tmp_path)
    with place.open() as ledger:
        people = [account(f"u{n}") for n in range(8)]
        ledger.record_state(given(), people)
        ledger.record_state(given(run="r2"), people[1:])
        ledger.record_state(given(run="r3"), people[2:])
    path = tmp_path / "copy.duckdb"
    for wrong, words in (
        ('"rows":7', "the set has 9 rows"),
        ('"previous":1', "as the link before it"),
        ('"base":1', "not the base of its chain"),
        ('"snapshot_sha256":"', "has another digest"),
        ('"stored":1', "entries of it follow"),
    ):
        shutil.copy(place.path, path)
        good = {
            '"rows":7': '"rows":9',
            '"previous":1': '"previous":0',
            '"base":1': '"base":0',
            '"stored":1': '"stored":2',
        }
        change(
            path, f"UPDATE entry SET line = replace(line, '{wrong}', '{good.get(wrong, wrong + '00')}') WHERE seq = 10"
        )
        assert words in str(verify(path).problems), words


def test_many_problems_are_counted(sealed: Place, copy: Path) -> None:
    change(copy, "UPDATE entry SET gone = NOT gone")

    found = broken(sealed, copy)

    assert len(found.problems) == 200
    assert found.more >= SIZE - 200
    assert names(found, 0)


def test_random_sets_of_damage_name_the_first(sealed: Place, tmp_path: Path) -> None:
    rng = random.Random(7)
    for _ in range(8):
        path = tmp_path / "ledger.duckdb"
        shutil.copy(sealed.path, path)
        picked = sorted(rng.sample(range(60, 600), 5))
        change(
            path,
            f"UPDATE entry SET line = replace(line, '\"ok\"', '\"no\"') WHERE seq IN ({','.join(map(str, picked))})",
        )
        found = [p for p in broken(sealed, path).problems if "changed" in p.what]
        assert [p.seq for p in found if p.last is None] == [seq for seq in picked if seq < 512]
        assert any(p.last is not None for p in found) == (picked[-1] >= 512)


def test_duckdb_computes_the_same_leaves(sealed: Place) -> None:
    """An implementation that shares nothing with ours: DuckDB's own SHA-256."""
    with duckdb.connect(str(sealed.path), read_only=True) as raw:
        lines = raw.execute("SELECT seq, line FROM entry ORDER BY seq LIMIT 256").fetchall()
        tile = raw.execute("SELECT hashes FROM tile WHERE level = 0 AND n = 0").fetchall()[0][0]
        for seq, line in lines:
            before = tile[32 * seq - 32 : 32 * seq] if seq else bytes(32)
            made = raw.execute("SELECT unhex(sha256(?::BLOB))", [b"\0" + before + line.encode()]).fetchall()[0][0]
            assert made == tile[32 * seq : 32 * seq + 32] == sha256(b"\0" + before + line.encode()).digest()
            assert json.loads(line)["seq"] == seq
