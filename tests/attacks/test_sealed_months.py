"""Sealed months and cut files, forged by somebody who has the files and not the signing key.

Who verifies them has the owner's public key. Where the first entries are not there, nothing but what the file or the
manifest says names the keys: it must be proven, not believed.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from compliance.app.check import Checked
from compliance.ledger import Keys, tree
from compliance.ledger.note import sign_text
from compliance.schemas.errors import IntegrityError
from compliance.verify import verify, verify_segments
from tests.attacks.victim import foreign
from tests.ledger.conftest import shortened
from tests.ledger.months import MONTHS, copied, cut, segments_of, several
from tests.ledger.places import ORIGIN, Place

__all__ = ["shortened"]


@pytest.fixture
def place(shortened: Place, tmp_path: Path) -> Place:
    return copied(shortened, tmp_path)


@pytest.fixture(scope="module")
def thief(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The thief's own ledger of the owner's name: sealed and cut like that of the owner."""
    place = Place(tmp_path_factory.mktemp("thief"))
    several(place).close()
    cut(place, "2026-10")
    return place


def key_of(place: Place) -> Keys:
    return Keys.open(place.folder / "keys", ORIGIN, create=False)


def change_of_key(old: Keys, new: str, seq: int) -> str:
    """The line of an entry that hands over from `old` to `new`."""
    line = {"at": "2026-08-03T12:00:00.000000Z", "collection": None, "gone": False, "key": None, "kind": "key_event"}
    record = {"action": "rotate", "by": "x", "key_name": new, "old_key_name": old.vkey, "reason": "x"}
    more = {"nonce": "0" * 32, "observed_at": None, "personal": None, "record": record, "seq": seq}
    return orjson.dumps({**line, **more, "source": "engine", "v": 1}).decode()


def keep_changes(raw: duckdb.DuckDBPyConnection, lines: Sequence[str]) -> None:
    raw.execute("UPDATE meta SET value = ? WHERE name = 'keys'", [orjson.dumps(lines).decode()])


def test_a_cut_file_that_hands_over_to_a_thief_in_a_month_that_is_not_there(place: Place) -> None:
    """He signs beside the owner at a size that the owner signed, says that an entry which is not there handed over to
    him, and writes everything after the cut anew."""
    owner, own = key_of(place), foreign()
    with duckdb.connect(str(place.path)) as raw:
        meta = dict(raw.execute("SELECT name, value FROM meta").fetchall())
        start = int(meta["start"])
        notes = dict(raw.execute("SELECT size, note FROM checkpoint ORDER BY size").fetchall())
        handover = max(size for size in notes if size < start)
        keep_changes(raw, [change_of_key(owner, own.vkey, handover - 1)])
        text = notes[handover][: notes[handover].rfind("\n\n") + 1]
        both = notes[handover] + sign_text(text, ORIGIN, own.private).partition("\n\n")[2]
        raw.execute("UPDATE checkpoint SET note = ? WHERE size = ?", [both, handover])
        write_on(raw, start, bytes.fromhex(meta["leaves"]), own, handover)

    found = verify(place.path, vkey=owner.vkey)
    assert [problem.seq for problem in found.problems] == [handover - 1]
    assert "meta keeps another line of it" in found.problems[0].what


def write_on(raw: duckdb.DuckDBPyConnection, start: int, kept: bytes, own: Keys, handover: int) -> None:
    """Other lines from `start` on, with all that hangs on them, signed by `own`."""
    tiles = dict(raw.execute("SELECT n, hashes FROM tile WHERE level = 0").fetchall())
    leaves = tree.split(b"".join(bytes(tiles[n]) for n in range(start // 256)) + kept)
    raw.execute('UPDATE entry SET line = replace(line, \'"reason":"\', \'"reason":"not \')')
    lines = [line.encode() for (line,) in raw.execute("SELECT line FROM entry ORDER BY seq").fetchall()]
    leaves += tree.leaves(leaves[-1], lines)
    raw.execute("DELETE FROM tile")
    for tile in tree.Edge().extend(leaves):
        raw.execute("INSERT INTO tile VALUES (?, ?, ?)", [tile.level, tile.n, tile.hashes])
    for (size,) in raw.execute("SELECT size FROM checkpoint WHERE size > ?", [handover]).fetchall():
        edge = tree.Edge()
        edge.extend(leaves[:size])
        raw.execute("UPDATE checkpoint SET note = ? WHERE size = ?", [own.sign(size, edge.root()), size])
        raw.execute("UPDATE head SET root = ?, last_leaf = ? WHERE size = ?", [edge.root(), edge.last_leaf, size])


def test_a_cut_file_of_a_thief_that_names_the_owner_as_a_later_key(place: Place, thief: Place, tmp_path: Path) -> None:
    path = Path(shutil.copy(thief.path, tmp_path / "forged.duckdb"))
    with duckdb.connect(str(path)) as raw:
        keep_changes(raw, [change_of_key(key_of(thief), key_of(place).vkey, 1_000_000)])

    with pytest.raises(IntegrityError, match="keys and start do not fit"):
        verify(path, vkey=key_of(place).vkey)


def stated(folder: Path, keys: Sequence[dict[str, Any]], signer: Keys) -> None:
    """Change the keys that a manifest states; they end in that of `signer`, who signs it."""
    folder.chmod(0o755)
    manifest = orjson.loads((folder / "manifest.json").read_bytes()) | {"keys": keys, "vkey": signer.vkey}
    raw = orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)
    note = f"compliance-engine/manifest/v1\n{ORIGIN}\n{sha256(raw).hexdigest()}\n"
    for name, content in (("manifest.json", raw), ("manifest.note", sign_text(note, ORIGIN, signer.private).encode())):
        (folder / name).chmod(0o644)
        (folder / name).write_bytes(content)


def term(action: str, start: int, key: Keys) -> dict[str, Any]:
    return {"action": action, "from": start, "vkey": key.vkey}


def test_months_of_a_thief_that_name_the_owner_between_his_own_keys(place: Place, thief: Place, tmp_path: Path) -> None:
    """All entries are there, from the first on, and no key of the owner signed any of it."""
    folder = Path(shutil.copytree(segments_of(thief), tmp_path / "segments"))
    last = foreign()
    keys = [term("create", 1, key_of(thief)), term("rotate", 9_000, key_of(place)), term("rotate", 9_001, last)]
    for month in MONTHS:
        stated(folder / month, keys, last)

    found = verify_segments(folder, vkey=key_of(place).vkey)
    assert Checked(found, ()).exit_code == 4
    assert "no checkpoint here shows that it was handed over" in str(found.problems)
    assert verify_segments(folder, vkey=last.vkey).ok, "whom the thief gives his own key must find nothing"


@pytest.mark.parametrize("start", [2, 9_000])
def test_a_month_alone_that_was_handed_over_elsewhere(place: Place, thief: Place, tmp_path: Path, start: int) -> None:
    """The manifest of a thief's month says that the owner handed over to him before it, or will."""
    folder = Path(shutil.copytree(segments_of(thief) / "2026-09", tmp_path / "2026-09"))
    own = key_of(thief)
    keys = [term("create", 1, key_of(place)), term("rotate", start, own)]
    stated(folder, keys, own)

    found = verify_segments(folder, vkey=key_of(place).vkey)
    assert Checked(found, ()).exit_code == 4
    assert found.problems
