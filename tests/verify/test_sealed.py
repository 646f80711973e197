"""Segments that were changed, lost or exchanged are found; a whole ledger is its file and its segments."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from compliance.ledger import Draft, Keys, sealing
from compliance.ledger.note import sign_text
from compliance.schemas.errors import ConfigError, IntegrityError
from compliance.verify import verify, verify_connection, verify_segments
from tests.folders import move
from tests.ledger.months import checked, copied, cut, fill, moment, segments_of, several, sound, whole
from tests.ledger.places import ORIGIN, Place, verdict

FILES = ("entries.parquet", "personal.parquet", "tiles.parquet", "checkpoints.parquet")
EVERY = (*FILES, "manifest.json", "manifest.note")


@pytest.fixture
def place(shortened: Place, tmp_path: Path) -> Place:
    return copied(shortened, tmp_path)


def unlocked(path: Path) -> Path:
    path.parent.chmod(0o755)
    path.chmod(0o644)
    return path


def flip(path: Path) -> None:
    raw = bytearray(unlocked(path).read_bytes())
    raw[len(raw) // 2] ^= 0x10
    path.write_bytes(raw)


@pytest.mark.parametrize("name", EVERY)
def test_a_flipped_bit_in_any_file(place: Place, name: str) -> None:
    folder = segments_of(place) / "2026-09"
    flip(folder / name)

    found = checked(place)
    assert not found.ok
    assert "2026-09" in " ".join(map(str, found.problems))
    assert refused(segments_of(place))
    assert refused(folder)
    if name == "manifest.json":
        with pytest.raises(IntegrityError, match="2026-09"):
            place.open()


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "entries.parquet.old", "more/"])
def test_a_file_that_does_not_belong(place: Place, name: str) -> None:
    """A segment is exactly its six files: what lies beside them was signed by nobody and must not look as if."""
    folder = segments_of(place) / "2026-09"
    folder.chmod(0o755)
    (folder / name).mkdir() if name.endswith("/") else (folder / name).write_text("all is well")

    for found in (checked(place), verify_segments(segments_of(place)), verify_segments(folder)):
        assert not found.ok
        said = [problem.what for problem in found.problems]
        assert said == [said[0]]
        assert f"{name.strip('/')} does not belong into a segment" in said[0]


@pytest.mark.parametrize("name", EVERY)
def test_a_file_that_is_gone(place: Place, name: str) -> None:
    unlocked(segments_of(place) / "2026-09" / name).unlink()

    assert not checked(place).ok
    if name != "manifest.note":
        with pytest.raises(IntegrityError, match="2026-09"):
            place.open()
    assert refused(segments_of(place))


def refused(folder: Path) -> bool:
    """Segments that do not verify: problems are named, or one cannot be read at all."""
    try:
        return not verify_segments(folder).ok
    except (IntegrityError, ConfigError) as error:
        return "2026-09" in error.message


def rewritten(folder: Path, name: str, statement: str, keys: Keys | None = None) -> None:
    """Change a table of a segment with DuckDB; with `keys`, sign the new manifest as the owner's key would."""
    path = unlocked(folder / name)
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE t AS SELECT * FROM read_parquet('{path}')")
        db.execute(statement)
        db.execute(f"COPY t TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        rows = db.execute("SELECT count(*) FROM t").fetchall()[0][0]
    raw = path.read_bytes()
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    manifest["files"][name] = {"bytes": len(raw), "rows": rows, "sha256": sha256(raw).hexdigest()}
    signed_again(folder, manifest, keys)


def signed_again(folder: Path, manifest: dict[str, Any], keys: Keys | None) -> None:
    text = orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)
    unlocked(folder / "manifest.json").write_bytes(text)
    if keys:
        note = f"compliance-engine/manifest/v1\n{ORIGIN}\n{sha256(text).hexdigest()}\n"
        unlocked(folder / "manifest.note").write_text(sign_text(note, ORIGIN, keys.private))


CHANGES = {
    "line": ("entries.parquet", """UPDATE t SET line = replace(line, '"ok', '"ko') WHERE seq = 60"""),
    "line of a verdict": ("entries.parquet", "UPDATE t SET line = replace(line, 'reason', 'raison') WHERE seq = 60"),
    "column": ("entries.parquet", "UPDATE t SET source = 'x' WHERE seq = 60"),
    "row gone": ("entries.parquet", "DELETE FROM t WHERE seq = 60"),
    "row twice": ("entries.parquet", "INSERT INTO t SELECT * FROM t WHERE seq = 60"),
    "personal gone": ("personal.parquet", "DELETE FROM t WHERE seq = (SELECT min(seq) FROM t)"),
    "personal of another": ("personal.parquet", "UPDATE t SET subject = 'p_0'"),
    "tile": ("tiles.parquet", "UPDATE t SET hashes = repeat('x', 8192)::BLOB"),
    "tile gone": ("tiles.parquet", "DELETE FROM t"),
    "checkpoint": ("checkpoints.parquet", "UPDATE t SET note = replace(note, 'A', 'B')"),
    "checkpoint gone": ("checkpoints.parquet", "DELETE FROM t WHERE size = (SELECT min(size) FROM t)"),
}


@pytest.mark.parametrize("change", [name for name in CHANGES if name != "line"])
def test_what_the_owner_of_the_key_changes_and_signs_again(place: Place, change: str) -> None:
    """Digests and signature fit; the entries, the file and what was recorded do not."""
    name, statement = CHANGES[change]
    month = "2026-08" if "tile" not in change else "2026-09"
    rewritten(segments_of(place) / month, name, statement, Keys.open(place.folder / "keys", ORIGIN, create=False))

    found = checked(place)
    assert not found.ok
    assert any("is not the one that was dropped" in problem.what for problem in found.problems)
    if change not in ("checkpoint gone",):  # what a segment alone cannot show: that there were more
        assert not verify_segments(segments_of(place)).ok
    if "row" in change or change in ("column", "line of a verdict"):
        assert any(problem.seq == 60 for problem in found.problems), found.problems
    with pytest.raises(IntegrityError, match=f"segment {month}"):
        place.open()


def test_segments_exchanged_for_each_other(place: Place) -> None:
    folder = segments_of(place)
    for one, two in (("2026-08", "x"), ("2026-09", "2026-08"), ("x", "2026-09")):
        (folder / one).rename(folder / two)

    assert not checked(place).ok
    with pytest.raises(IntegrityError, match="segment 2026-08"):
        place.open()


def test_a_segment_of_another_history(place: Place, tmp_path: Path) -> None:
    """An older copy of the ledger was written on and sealed: same months, same key, other entries."""
    other = Place(tmp_path / "other")
    shutil.copytree(place.folder / "keys", other.folder / "keys")
    several(other).close()
    cut(other, "2026-10")
    for month in ("2026-08", "2026-09"):
        move(segments_of(place) / month, tmp_path / month)
        shutil.copytree(segments_of(other) / month, segments_of(place) / month)

    found = checked(place)
    assert not found.ok
    assert found.problems[0].seq == 0
    assert verify_segments(segments_of(other)).ok, "by itself it is whole"
    with pytest.raises(IntegrityError, match="was changed"):
        place.open()


def test_a_segment_of_another_key_is_not_the_owners(place: Place) -> None:
    stranger = Keys.open(place.folder / "strange", ORIGIN)
    folder = segments_of(place) / "2026-09"
    manifest = orjson.loads((folder / "manifest.json").read_bytes()) | {
        "keys": [{"action": "create", "from": 1, "vkey": stranger.vkey}],
        "vkey": stranger.vkey,
    }
    signed_again(folder, manifest, stranger)

    assert any("are not the keys of the ledger" in problem.what for problem in checked(place).problems)
    assert not verify_segments(segments_of(place)).ok
    ours = Keys.open(place.folder / "keys", ORIGIN, create=False).vkey
    assert not verify_segments(folder, vkey=ours).ok


def test_a_month_that_is_missing_is_named(place: Place) -> None:
    move(segments_of(place) / "2026-09", place.folder / "away")

    found = checked(place)

    first = found.problems[0]
    assert first.seq is not None
    assert first.seq > 0
    assert "segment 2026-09" in first.what
    assert "missing" in first.what
    with pytest.raises(ConfigError, match="no segments"):
        verify_segments(place.folder)


META: dict[str, Callable[[dict[str, str]], str]] = {
    "start": lambda meta: str(int(meta["start"]) + 1),
    "leaves": lambda meta: "00" * (len(meta["leaves"]) // 2),
    "genesis": lambda meta: meta["genesis"].replace("genesis", "genesys"),
    "segments": lambda meta: "[]",
}


@pytest.mark.parametrize("name", META)
def test_what_meta_says_of_the_first_entries_is_checked(place: Place, name: str) -> None:
    with duckdb.connect(str(place.path)) as raw:
        meta = dict(raw.execute("SELECT name, value FROM meta").fetchall())
        raw.execute("UPDATE meta SET value = ? WHERE name = ?", [META[name](meta), name])
    if name in ("start", "segments"):
        with pytest.raises(IntegrityError, match="meta"):
            checked(place)
    else:
        assert not checked(place).ok
        assert name == "genesis" or not verify(place.path, lock_store=place.lock).ok
    if name in ("start", "segments"):
        with pytest.raises(IntegrityError, match="meta"):
            place.open()


def test_a_row_of_a_dropped_month_that_is_still_in_the_file(place: Place) -> None:
    entries = segments_of(place) / "2026-08" / "entries.parquet"
    with duckdb.connect(str(place.path)) as raw:
        raw.execute(f"INSERT INTO entry SELECT * FROM read_parquet('{entries}') WHERE seq = 7")
    assert any(problem.seq == 7 and "more than once" in problem.what for problem in checked(place).problems)


def test_an_open_ledger_is_verified_with_its_segments(place: Place) -> None:
    with place.open() as ledger:
        found = verify_connection(
            ledger.connection, lock_store=place.lock, key_of=ledger.keystore.key, segments=segments_of(place)
        )
    assert found.ok, found.problems
    assert found.unchecked == []
    assert found.personal_checked > 20


def test_the_whole_ledger_is_again_its_segments_and_its_file(place: Place) -> None:
    """Seal and drop month after month; the root never changes, and no month is checked without the others."""
    whole(place.path, place)
    cut(place, "2026-11")
    place.now = moment("2026-12")
    with place.open() as ledger:
        months = sealing.months(ledger)
        assert [month.dropped for month in months] == [True, True, True]
        assert [month.month for month in months] == ["2026-08", "2026-09", "2026-10"]
    assert checked(place).ok


def test_keys_that_changed_in_a_dropped_month(tmp_path: Path) -> None:
    """Rotated in August, sealed under the new key, rotated again before September was sealed."""
    place = Place(tmp_path / "it's [odd] *")  # and whatever a path may hold is no pattern
    place.now = moment("2026-08")
    with place.open() as ledger:
        fill(ledger, place, "2026-08")
        first = ledger.vkey
        second = ledger.rotate_key(reason="yearly", by="dba")
        fill(ledger, place, "2026-09")
        list(sealing.seal(ledger, segments_of(place), sound))
        place.now = moment("2026-10")
        third = ledger.rotate_key(reason="again", by="dba")
        fill(ledger, place, "2026-10")
    cut(place, "2026-10")
    with place.open() as ledger:
        assert [term.vkey for term in ledger.terms.terms] == [first, second, third]
        ledger.append([Draft("control_verdict", verdict(1))])

    for key in (first, second, third):
        found = verify(place.path, vkey=key, lock_store=place.lock, segments=segments_of(place))
        assert found.ok, found.problems
        alone = verify(place.path, vkey=key, lock_store=place.lock)
        assert alone.ok, alone.problems
        assert len(alone.unchecked) == 1
        sealed = verify_segments(segments_of(place), vkey=key)
        assert sealed.ok, sealed.problems
    for month in ("2026-08", "2026-09"):
        one = verify_segments(segments_of(place) / month, vkey=second)
        assert one.ok, one.problems
    with duckdb.connect(str(place.path)) as raw:
        raw.execute("UPDATE meta SET value = '[]' WHERE name = 'keys'")
    assert any("other changes of key" in p.what for p in checked(place).problems)
    assert not verify(place.path, lock_store=place.lock).ok
