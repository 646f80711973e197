"""Keys over time: handing over, losing one, keys that lie elsewhere, and what a crash in the middle leaves."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import duckdb
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from compliance.ledger import Draft, Keys, Ledger
from compliance.ledger.note import split_note
from compliance.schemas.errors import ConfigError, IntegrityError, LedgerError
from compliance.verify import verify
from tests.ledger.places import ORIGIN, Place, verdict

WHY = {"reason": "yearly", "by": "ana"}


def add(ledger: Ledger, count: int = 2) -> None:
    ledger.append([Draft("control_verdict", verdict(n)) for n in range(count)])


def signers(note: str) -> list[bytes]:
    return [raw[:4] for _, raw in split_note(note)[1]]


def ids(*vkeys: str) -> list[bytes]:
    return [bytes.fromhex(vkey.split("+")[1]) for vkey in vkeys]


def generated() -> Keys:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Keys.of_pem(pem, ORIGIN, "here")


def test_a_rotation_is_signed_by_both_and_all_of_it_verifies(place: Place) -> None:
    with place.open() as ledger:
        add(ledger)
        old = ledger.vkey
        before = ledger.checkpoint
        new = ledger.rotate_key(**WHY)
        at = ledger.size
        handed_over = ledger.checkpoint
        add(ledger)
        after = ledger.checkpoint
        assert ledger.vkey == new != old
        assert [(term.start, term.vkey, term.action) for term in ledger.terms.terms] == [
            (1, old, "create"),
            (at, new, "rotate"),
        ]
    assert (signers(before), signers(handed_over), signers(after)) == (ids(old), ids(old, new), ids(new))

    for given in (old, new, None):
        found = verify(place.path, vkey=given, lock_store=place.lock)
        assert found.ok, (given, found.problems)
        assert [term.vkey for term in found.keys] == [old, new]
    with place.open() as ledger:
        add(ledger)
        assert ledger.vkey == new


def test_the_old_private_key_is_destroyed_and_the_new_one_private(place: Place) -> None:
    with place.open() as ledger:
        old, public = (place.folder / "keys" / "signing.pem").read_bytes(), ledger.vkey
        ledger.rotate_key(**WHY)
    folder = place.folder / "keys"

    assert sorted(path.name for path in folder.iterdir()) == ["former", "signing.pem", "vkey"]
    assert (folder / "former").read_text() == f"{public}\n"
    assert (folder / "signing.pem").read_bytes() != old
    assert stat.S_IMODE((folder / "signing.pem").stat().st_mode) == 0o600


def test_many_rotations(place: Place) -> None:
    with place.open() as ledger:
        seen = [ledger.vkey]
        for _ in range(4):
            seen.append(ledger.rotate_key(**WHY))
            add(ledger)
        with pytest.raises(ConfigError, match="signed this ledger before"):
            ledger.rotate_key(key=Keys(ORIGIN, seen[0], Ed25519PrivateKey.generate()), **WHY)

    for given in seen:
        assert verify(place.path, vkey=given, lock_store=place.lock).ok


def test_a_key_of_another_ledger_is_not_believed(place: Place) -> None:
    with place.open() as ledger:
        ledger.rotate_key(**WHY)

    found = verify(place.path, vkey=generated().vkey, lock_store=place.lock)

    assert "not the one given" in str(found.problems[0])


@pytest.fixture
def rotated(place: Place) -> tuple[Place, str, str, int]:
    with place.open() as ledger:
        add(ledger)
        old = ledger.vkey
        new = ledger.rotate_key(**WHY)
        at = ledger.size
        add(ledger)
    return place, old, new, at


@pytest.mark.parametrize("which", ["at the hand-over without the old", "at the hand-over without the new", "after"])
def test_a_checkpoint_that_lacks_the_right_key_is_found(rotated: tuple[Place, str, str, int], which: str) -> None:
    place, old, _, at = rotated
    with duckdb.connect(str(place.path)) as raw:
        size = at if "hand-over" in which else at + 2
        (note,) = raw.execute("SELECT note FROM checkpoint WHERE size = ?", [size]).fetchall()[0]
        text, _, signatures = note.rpartition("\n\n")
        lines = signatures.splitlines()
        lines = {"at the hand-over without the old": lines[1:], "at the hand-over without the new": lines[:1]}.get(
            which, []
        )
        if not lines:
            lines = [f"— {ORIGIN} CjVo1Y0zCO2e7SvkgEuui4fhY+4M0BKn3i4mEFE0NQWcYy9NbAswlzBf5ptu5+hvcVh8OqWeNt9xNqJm2A=="]
        raw.execute("UPDATE checkpoint SET note = ? WHERE size = ?", [text + "\n\n" + "\n".join(lines) + "\n", size])

    assert "is not signed by" in str(verify(place.path, vkey=old, lock_store=place.lock).problems)


def test_the_old_key_signs_nothing_after_the_hand_over(place: Place) -> None:
    """A thief of the old key cannot go on with it."""
    with place.open() as ledger:
        shutil.copytree(place.folder / "keys", place.folder / "stolen")
        ledger.rotate_key(**WHY)
        add(ledger)
        root, size = ledger.root, ledger.size
    stolen = Keys.open(place.folder / "stolen", ORIGIN)
    with duckdb.connect(str(place.path)) as raw:
        raw.execute("UPDATE checkpoint SET note = ? WHERE size = ?", [stolen.sign(size, root), size])

    assert "is not signed by" in str(verify(place.path, vkey=stolen.vkey, lock_store=place.lock).problems)


def test_an_own_key_cannot_be_smuggled_in(place: Place) -> None:
    """Whoever has only a key of his own, and the file, cannot hand over to it: the old signature is missing."""
    mine = generated()
    with place.open() as ledger:
        add(ledger)
        old = ledger.vkey
    for path in (place.folder / "keys").iterdir():
        path.unlink()
    Ledger.replace_key(place.path, key=mine, clock=place.clock, **place.settings(), **WHY).close()

    problems = verify(place.path, vkey=old, lock_store=place.lock).problems

    assert [problem.seq for problem in problems] == [3]
    assert "does not vouch" in problems[0].what
    assert verify(place.path, vkey=mine.vkey, lock_store=place.lock).ok


def test_a_lost_key_is_replaced_openly(place: Place) -> None:
    with place.open() as ledger:
        add(ledger)
        old, size = ledger.vkey, ledger.size
    shutil.rmtree(place.folder / "keys")
    with pytest.raises(ConfigError, match="is not in") as caught:
        place.open()
    assert "keys replace" in str(caught.value.remedy)

    with Ledger.replace_key(place.path, clock=place.clock, reason="disk lost", by="ana", **place.settings()) as ledger:
        add(ledger)
        new = ledger.vkey
        assert ledger.terms.signers(size + 1) == (new,)
    with place.open() as ledger:
        assert ledger.vkey == new

    assert verify(place.path, vkey=new, lock_store=place.lock).ok
    assert [(p.seq, "does not vouch" in p.what) for p in verify(place.path, vkey=old).problems] == [(size, True)]


def test_a_key_that_is_at_hand_is_not_replaced(place: Place) -> None:
    with place.open() as ledger:
        size = ledger.size

    with pytest.raises(LedgerError, match="is at hand"):
        Ledger.replace_key(place.path, clock=place.clock, reason="-", by="ana", **place.settings())

    with place.open() as ledger:
        assert ledger.size == size


def test_keys_that_lie_elsewhere(place: Place) -> None:
    first, second = generated(), generated()
    with place.open(given_keys=[first]) as ledger:
        add(ledger)
        assert ledger.vkey == first.vkey
        assert ledger.rotate_key(key=second, **WHY) == second.vkey
    assert not (place.folder / "keys").exists()
    with pytest.raises(ConfigError, match="nor configured"):
        place.open(given_keys=[first])

    with place.open(given_keys=[second]) as ledger:
        add(ledger)
    assert verify(place.path, vkey=first.vkey, lock_store=place.lock).ok


def test_keys_that_are_none() -> None:
    rsa = generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    locked = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )

    for pem in (rsa, locked, b"hunter2"):
        with pytest.raises(ConfigError, match="env:KEY") as caught:
            Keys.of_pem(pem, ORIGIN, "env:KEY")
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("step", ["commit", "lock store", "unlinked", "vkey", "pem"])
def test_a_crash_in_the_middle_of_a_rotation(place: Place, step: str) -> None:
    """The file, the lock store and the key folder as a kill between any two steps leaves them."""
    with place.open() as ledger:
        add(ledger)
        old = ledger.vkey
    folder = place.folder / "keys"
    kept_keys, kept_lock = place.folder / "kept-keys", place.folder / "kept-lock"
    shutil.copytree(folder, kept_keys)
    shutil.copytree(place.lock, kept_lock)
    with place.open() as ledger:
        new = ledger.rotate_key(**WHY)
        size = ledger.size
    # back to before the key took its place: it waits
    os.rename(folder / "signing.pem", kept_keys / "next.pem")
    shutil.copy(folder / "vkey", kept_keys / "next.vkey")
    shutil.rmtree(folder)
    shutil.copytree(kept_keys, folder)
    if step == "commit":
        shutil.copy(place.lock / "intent", kept_lock / "intent")
        shutil.rmtree(place.lock)
        shutil.copytree(kept_lock, place.lock)
    if step in ("commit", "lock store"):
        with duckdb.connect(str(place.path)) as raw:
            raw.execute("DELETE FROM checkpoint WHERE size = ?", [size])
    if step in ("unlinked", "vkey", "pem"):
        (folder / "signing.pem").unlink()
    if step in ("vkey", "pem"):
        shutil.copy(folder / "next.vkey", folder / "vkey")
    if step == "pem":
        os.rename(folder / "next.pem", folder / "signing.pem")

    with place.open() as ledger:
        assert (ledger.size, ledger.vkey) == (size, new)
        add(ledger)

    assert not (folder / "next.pem").exists()
    assert Keys.open(folder, ORIGIN, create=False).vkey == new
    assert verify(place.path, vkey=old, lock_store=place.lock).ok


def test_a_crash_before_the_entry_leaves_the_old_key_in_force(place: Place) -> None:
    with place.open() as ledger:
        old = ledger.vkey
        ledger._ring.prepare()

    with place.open() as ledger:
        assert ledger.vkey == old
        new = ledger.rotate_key(**WHY)
        assert new != old
    assert verify(place.path, vkey=old, lock_store=place.lock).ok


def test_a_change_of_key_that_does_not_follow_is_refused_and_named(place: Place) -> None:
    with place.open() as ledger:
        add(ledger)
        event = ledger._key_event("rotate", generated().vkey, "-", None, generated().vkey)
        ledger.append([Draft("key_event", event)])

    assert "was not in force" in str(verify(place.path, lock_store=place.lock).problems)
    with pytest.raises(IntegrityError, match="was not in force"):
        place.open()


def test_the_file_of_a_private_key_is_not_followed_elsewhere(place: Place, tmp_path: Path) -> None:
    """A folder that holds the key of another ledger is refused, also when a next key waits in it."""
    place.open().close()
    folder = place.folder / "keys"
    (folder / "vkey").write_text(generated().vkey + "\n")

    with pytest.raises(ConfigError, match="another ledger"):
        place.open()
