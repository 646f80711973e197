"""`compliance verify`, on the file, and the stand-alone verifier, on an export of it as it stands, say the same.

Where damage lies only in what an export does not carry (columns beside the lines, tree heads, foreign objects, tiles
that are there twice), the export is whole: then `compliance verify` must refuse, and whoever exports asks it first.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.ledger import Draft, Keys, Ledger
from compliance.ledger.note import format_vkey
from compliance.schemas.errors import IntegrityError
from compliance.verify import standalone, verify
from tests.ledger.places import ORIGIN, Place, account, state, verdict
from tests.verify.exporting import export
from tests.verify.test_tampering import COLUMNS, SIZE, change, filled, rewrite

FAIL = 'UPDATE entry SET line = replace(line, \'"verdict":"pass"\', \'"verdict":"fail"\') WHERE seq = {}'
NOTE = "UPDATE checkpoint SET note = {} WHERE size = 660"

# what is done: the first bad entry by name, or None where it is not about one entry
CARRIED: dict[str, tuple[list[str], int | None]] = {
    "a changed line": ([FAIL.format(300)], 300),
    "a changed line in the first tile": ([FAIL.format(100)], 100),
    "a changed line right of the tiles": ([FAIL.format(620)], None),
    "the last line changed": ([FAIL.format(SIZE - 1)], None),
    "several changed lines": ([FAIL.format(500), FAIL.format(300), FAIL.format(310)], 300),
    "a line of no form": (["UPDATE entry SET line = 'x' WHERE seq = 300"], 300),
    "a line without content": (["UPDATE entry SET line = '' WHERE seq = 300"], 300),
    "a changed genesis": (["UPDATE entry SET line = replace(line, 'genesis', 'genesos') WHERE seq = 0"], 0),
    "a row deleted": (["DELETE FROM entry WHERE seq = 300"], 300),
    "the first row deleted": (["DELETE FROM entry WHERE seq = 0"], 0),
    "the last row deleted": ([f"DELETE FROM entry WHERE seq = {SIZE - 1}"], None),
    "a range deleted": (["DELETE FROM entry WHERE seq BETWEEN 270 AND 280"], 270),
    "the tail deleted": (["DELETE FROM entry WHERE seq >= 690"], None),
    "the tail deleted with its heads and checkpoints": (
        [
            "DELETE FROM entry WHERE seq > 685",
            "DELETE FROM head WHERE size > 685",
            "DELETE FROM checkpoint WHERE size > 685",
        ],
        None,
    ),
    "a row deleted and the rest renumbered": (
        ["DELETE FROM entry WHERE seq = 300", "UPDATE entry SET seq = seq - 1 WHERE seq > 300"],
        300,
    ),
    "rows swapped": (["UPDATE entry SET seq = CASE seq WHEN 300 THEN 301 ELSE 300 END WHERE seq IN (300, 301)"], 300),
    "a row doubled": (["INSERT INTO entry SELECT * FROM entry WHERE seq = 300"], 301),
    "a row appended by hand": (
        [f"INSERT INTO entry SELECT * REPLACE ({SIZE} AS seq) FROM entry WHERE seq = {SIZE - 1}"],
        SIZE,
    ),
    "a tile missing": (["DELETE FROM tile WHERE n = 1"], None),
    "a tile torn": (["UPDATE tile SET hashes = hashes[1:100]::BLOB WHERE n = 1"], None),
    "a tile beyond": (["INSERT INTO tile SELECT 0, 9, hashes FROM tile WHERE n = 1"], None),
    "another tile": (["UPDATE tile SET hashes = (SELECT hashes FROM tile WHERE n = 0) WHERE n = 1"], None),
    "a checkpoint changed": ([NOTE.format("replace(note, '660', '661')")], None),
    "a checkpoint of another size": ([NOTE.format("(SELECT note FROM checkpoint WHERE size = 659)")], None),
    "a checkpoint without a note": ([NOTE.format("NULL")], None),
    "a checkpoint without a size": (["UPDATE checkpoint SET size = NULL WHERE size = 660"], None),
    "the newest checkpoints deleted": (["DELETE FROM checkpoint WHERE size > 680"], None),
    "all checkpoints deleted": (["DELETE FROM checkpoint"], None),
    "personal content missing": (["DELETE FROM personal WHERE seq = 3"], 3),
    "personal content of another entry": (["UPDATE personal SET seq = 600 WHERE seq = 3"], None),
    "personal content of another subject": (["UPDATE personal SET subject = 'p_1' WHERE seq = 3"], 3),
    "personal content doubled": (["INSERT INTO personal SELECT * FROM personal WHERE seq = 3"], None),
}  # fmt: skip

NOT_CARRIED = {
    **{f"column {name}": f'UPDATE entry SET "{name}" = {value} WHERE seq = 300' for name, value in COLUMNS.items()},
    "a column without a value": "UPDATE entry SET kind = NULL WHERE seq = 300",
    "the root of a tree head": "UPDATE head SET root = last_leaf WHERE size = 660",
    "the last leaf of a tree head": "UPDATE head SET last_leaf = root WHERE size = 660",
    "the newest tree head": "DELETE FROM head WHERE size = 700",
    "a tile twice": "INSERT INTO tile SELECT * FROM tile WHERE n = 1",
    "the origin in meta": "UPDATE meta SET value = 'x' WHERE name = 'origin'",
    "the format in meta": "UPDATE meta SET value = 'x' WHERE name = 'format'",
    "a foreign table": "CREATE TABLE more(x INTEGER)",
    "a foreign view": "CREATE VIEW peek AS FROM entry",
    "a foreign index": "CREATE INDEX i ON entry(seq)",
    "a function that shadows": "CREATE MACRO strftime(a, b) AS 'x'",
}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Keys]:
    place = filled(tmp_path_factory.mktemp("sealed"))
    return place, Keys.open(place.folder / "keys", ORIGIN, create=False)


Said = Callable[..., tuple[int, str]]


@pytest.fixture
def alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """The stand-alone's exit code and words on an export of a file as it stands."""

    def run(path: Path, keys: Keys, *arguments: str) -> tuple[int, str]:
        folder = tmp_path / "export"
        shutil.rmtree(folder, ignore_errors=True)
        export(path, keys, folder, personal=True)
        capsys.readouterr()
        code = standalone.main([str(folder), *arguments])
        return code, capsys.readouterr().out

    return run


def damaged(place: Place, tmp_path: Path, *statements: str) -> Path:
    path = tmp_path / "copy.duckdb"
    shutil.copy(place.path, path)
    change(path, *statements)
    return path


def test_a_whole_ledger(sealed: tuple[Place, Keys], alone: Said) -> None:
    place, keys = sealed
    found = verify(place.path, vkey=keys.vkey)
    code, words = alone(place.path, keys, "--vkey", keys.vkey)

    assert found.ok
    assert code == 0
    assert f"{found.size} entries, root {found.root.hex()}" in words


@pytest.mark.parametrize("name", CARRIED)
def test_both_refuse(sealed: tuple[Place, Keys], tmp_path: Path, alone: Said, name: str) -> None:
    place, keys = sealed
    statements, entry = CARRIED[name]
    path = damaged(place, tmp_path, *statements)

    found = verify(path, vkey=keys.vkey)
    code, words = alone(path, keys, "--vkey", keys.vkey)

    assert not found.ok
    assert code == 4, words
    if entry is not None:
        assert f"BROKEN: entry {entry}: " in words
        first = next(problem for problem in found.problems if problem.seq is not None)
        shown = 300 if name == "a row doubled" else entry
        assert first.seq is not None
        assert first.seq <= shown <= (first.seq if first.last is None else first.last)


@pytest.mark.parametrize("name", NOT_CARRIED)
def test_what_an_export_does_not_carry_is_refused_before_it(
    sealed: tuple[Place, Keys], tmp_path: Path, alone: Said, name: str
) -> None:
    place, keys = sealed
    path = damaged(place, tmp_path, NOT_CARRIED[name])

    assert not verify(path, vkey=keys.vkey).ok, "whoever exports verifies first, and must refuse"
    assert alone(path, keys, "--vkey", keys.vkey)[0] == 0, "what is exported is what was signed"


def test_a_history_that_was_recomputed(sealed: tuple[Place, Keys], tmp_path: Path, alone: Said) -> None:
    place, keys = sealed
    path = damaged(place, tmp_path)
    rewrite(path, 300, None, None)

    assert not verify(path, vkey=keys.vkey).ok
    code, words = alone(path, keys, "--vkey", keys.vkey)
    assert code == 4
    assert re.search(r"among entries \d+ to \d+ a line was changed", words)


def test_a_history_signed_with_a_stolen_key_is_told_by_what_lies_outside(
    sealed: tuple[Place, Keys], tmp_path: Path, alone: Said
) -> None:
    place, keys = sealed
    truth = verify(place.path, lock_store=place.lock)
    path = damaged(place, tmp_path)
    rewrite(path, 300, None, keys)

    assert verify(path, vkey=keys.vkey).ok
    assert alone(path, keys, "--vkey", keys.vkey)[0] == 0, "from inside, neither can tell"
    assert not verify(path, vkey=keys.vkey, lock_store=place.lock).ok
    code, words = alone(path, keys, "--vkey", keys.vkey, "--anchor", f"{SIZE}:{truth.root.hex()}")
    assert code == 4
    assert "history was rewritten" in words


def test_a_forgery_under_another_key(sealed: tuple[Place, Keys], tmp_path: Path, alone: Said) -> None:
    place, keys = sealed
    other = Keys.open(tmp_path / "other", ORIGIN)
    path = damaged(place, tmp_path)
    rewrite(path, 300, None, other)

    assert not verify(path, vkey=keys.vkey).ok
    assert alone(path, keys, "--vkey", keys.vkey)[0] == 4
    assert alone(path, other, "--vkey", other.vkey)[0] == 4
    assert not verify(path, vkey=other.vkey).ok


def test_sets_that_do_not_follow(tmp_path: Path, alone: Said) -> None:
    place = Place(tmp_path)
    with place.open() as ledger:
        for n in range(3):
            state(ledger, [account(f"u{m}") for m in range(n, 8)], run=f"r{n}")
    keys = Keys.open(place.folder / "keys", ORIGIN, create=False)
    for old, new in (
        ('"rows":7', '"rows":9'),
        ('"previous":1', '"previous":0'),
        ('"base":1', '"base":0'),
        ('"snapshot_sha256":"', '"snapshot_sha256":"00'),
        ('"stored":1', '"stored":2'),
    ):
        path = damaged(place, tmp_path)
        resign(path, keys, 10, old, new)
        found = verify(path, vkey=keys.vkey)
        code, words = alone(path, keys, "--vkey", keys.vkey)
        assert (found.ok, code) == (False, 4), new
        assert "entry 10: " in words
        assert found.problems[0].seq == 10


@pytest.mark.parametrize(
    ("seq", "old", "new", "first"),
    [
        (11, '"kind":"user_account"', '"kind":"user_group"', 10),
        (11, '"source":"db"', '"source":"dc"', 10),
        (11, '"collection":10', '"collection":9', 10),
        (11, '"collection":10', '"collection":null', 10),
        (0, '"collection":null', '"collection":0', 0),
        (11, '"gone":true', '"gone":false', 10),
        (11, '"key":["', '"key":["x', 11),
    ],
)
def test_rows_that_do_not_follow_although_the_owner_signed_them(
    tmp_path: Path, alone: Said, seq: int, old: str, new: str, first: int
) -> None:
    place = Place(tmp_path)
    with place.open() as ledger:
        for n in range(3):
            state(ledger, [account(f"u{m}") for m in range(n, 8)], run=f"r{n}")
    keys = Keys.open(place.folder / "keys", ORIGIN, create=False)
    path = damaged(place, tmp_path)
    resign(path, keys, seq, old, new)

    found = verify(path, vkey=keys.vkey)
    code, words = alone(path, keys, "--vkey", keys.vkey)
    assert (found.ok, code) == (False, 4), words
    assert f"entry {first}" in words


SIGNED = {  # old and new text of a line that its owner signed: the first entry that does not hold
    "a space": ('"cursor":null', '"cursor": null', "it is not in canonical form"),
    "a float": ('"cursor":null', '"cursor":1.5', "1.5 is no integer"),
    "a small number": ('"cursor":null', '"cursor":1e-7', "1e-7 is no integer"),
    "a number that not every program can read": ('"cursor":null', '"cursor":9007199254740992', "is no integer"),
    "an escape": ('"of_kind":"user_account"', '"of_kind":"user\\u005faccount"', "it is not in canonical form"),
    "a doubled key": ('"cursor":null', '"cursor":null,"cursor":"x"', "it is not in canonical form"),
    "another order": ('"part":0,"previous":1', '"previous":1,"part":0', "it is not in canonical form"),
    "a space beside the record": ('"gone":false', '"gone": false', "it is not in the form of a line"),
    "a tombstone with a record": ('"gone":false', '"gone":true', "a tombstone has a record"),
    "another version": ('"v":1', '"v":2', "it is not in the form of a line"),
    "a time that is none": ('"at":"2026-11-', '"at":"2026-13-', "it is not in the form of a line"),
    "a time before that of the entry before": ('"at":"2026-', '"at":"2025-', "its time lies before"),
    "a collection of somebody else": ('"source":"engine"', '"source":"db"', "the collection is not the engine's"),
    "another number": ('"seq":10', '"seq":11', "its line has the number of another entry"),
}


@pytest.mark.parametrize("name", SIGNED)
def test_lines_of_another_form_although_the_owner_signed_them(tmp_path: Path, alone: Said, name: str) -> None:
    """No root, tile or signature tells: the form of the line alone does."""
    old, new, words = SIGNED[name]
    place = Place(tmp_path)
    with place.open() as ledger:
        for n in range(3):
            state(ledger, [account(f"u{m}") for m in range(n, 8)], run=f"r{n}")
    keys = Keys.open(place.folder / "keys", ORIGIN, create=False)
    path = damaged(place, tmp_path)
    resign(path, keys, 10, old, new)

    found = verify(path, vkey=keys.vkey)
    assert [problem.seq for problem in found.problems][:1] == [10], found.problems
    code, said = alone(path, keys, "--vkey", keys.vkey)
    assert code == 4
    assert said.startswith("BROKEN: entry 10: ")
    assert words in said


def resign(path: Path, keys: Keys, seq: int, old: str, new: str) -> None:
    """Write what a faulty writer with the right key would have: a changed line with all that hangs on it."""
    with duckdb.connect(str(path)) as raw:
        raw.execute("UPDATE entry SET line = replace(line, ?, ?) WHERE seq = ?", [old, new, seq])
    rewrite(path, 0, None, keys)


# ------------------------------------------------------------------------------------------------ keys over time


def other_key() -> Keys:
    private = Ed25519PrivateKey.generate()
    return Keys(ORIGIN, format_vkey(ORIGIN, private.public_key().public_bytes_raw()), private)


@pytest.fixture
def rotated(place: Place) -> tuple[Place, list[Keys], int]:
    """Three entries by one key, handed over to another, then three more by it. Where the new key starts."""
    new = other_key()
    with place.open() as ledger:
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(2)])
        old = Keys.open(place.folder / "keys", ORIGIN, create=False)
        ledger.rotate_key(reason="yearly", by="ana", key=new)
        at = ledger.size
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(2)])
    return place, [old, new], at


def agree(path: Path, keys: Keys, alone: Said, vkey: str, *, ok: bool) -> str:
    found = verify(path, vkey=vkey)
    code, words = alone(path, keys, "--vkey", vkey)
    assert (found.ok, code == 0) == (ok, ok), (found.problems, words)
    return words


def test_a_key_that_was_handed_over(rotated: tuple[Place, list[Keys], int], alone: Said) -> None:
    place, (old, new), _ = rotated

    for given_key in (old, new):
        agree(place.path, new, alone, given_key.vkey, ok=True)
    agree(place.path, new, alone, other_key().vkey, ok=False)


def test_a_hand_over_needs_the_checkpoint_that_both_signed(
    rotated: tuple[Place, list[Keys], int], tmp_path: Path, alone: Said
) -> None:
    """Without it anybody who can write the file could hand the ledger over to himself."""
    place, (old, new), at = rotated
    with duckdb.connect(str(place.path), read_only=True) as raw:
        (note,) = raw.execute("SELECT note FROM checkpoint WHERE size = ?", [at]).fetchall()[0]
    text, _, signatures = note.rpartition("\n\n")
    first, second = signatures.splitlines()
    for what, statement in {
        "missing": f"DELETE FROM checkpoint WHERE size = {at}",
        "only by the new key": f"UPDATE checkpoint SET note = '{text}\n\n{second}\n' WHERE size = {at}",
        "only by the old key": f"UPDATE checkpoint SET note = '{text}\n\n{first}\n' WHERE size = {at}",
    }.items():
        path = damaged(place, tmp_path, statement)
        for key in (old, new):
            assert agree(path, new, alone, key.vkey, ok=False), what


def test_the_old_key_signs_nothing_more(rotated: tuple[Place, list[Keys], int], tmp_path: Path, alone: Said) -> None:
    place, (old, new), _ = rotated
    found = verify(place.path)
    note = old.sign(found.size, found.root)
    path = damaged(place, tmp_path, f"UPDATE checkpoint SET note = '{note}' WHERE size = {found.size}")

    assert "is not signed by" in agree(path, new, alone, old.vkey, ok=False)


def test_a_lost_key_that_was_replaced(place: Place, alone: Said) -> None:
    with place.open() as ledger:
        old = ledger.vkey
    shutil.rmtree(place.folder / "keys")
    new = other_key()
    Ledger.replace_key(place.path, key=new, clock=place.clock, reason="lost", by="ana", **place.settings()).close()

    assert "BROKEN: entry 1: from here on" in agree(place.path, new, alone, old, ok=False)
    agree(place.path, new, alone, new.vkey, ok=True)
    assert alone(place.path, new, "--vkey", old, "--vkey", new.vkey)[0] == 0


def test_without_a_first_entry_and_without_a_key(sealed: tuple[Place, Keys], tmp_path: Path, alone: Said) -> None:
    place, keys = sealed
    path = damaged(place, tmp_path, "UPDATE entry SET line = 'x' WHERE seq = 0")

    with pytest.raises(IntegrityError):
        verify(path)
    assert alone(path, keys)[0] == 4
