"""What the ledger file and the lock store say to each other when a ledger is opened: every row of the matrix."""

from __future__ import annotations

import base64
import shutil
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from compliance.ledger import Draft, Keys, Ledger
from compliance.ledger.note import Checkpoint, intent_text, open_note, sign_text
from compliance.schemas.errors import IntegrityError, LedgerError
from compliance.verify import verify
from tests.ledger.places import ORIGIN, Place, verdict


def grow(place: Place, appends: int = 1, each: int = 3) -> int:
    with place.open() as ledger:
        for n in range(appends):
            ledger.append([Draft("control_verdict", verdict(n))] * each)
        return ledger.size


def keep(path: Path, name: str = "kept") -> Path:
    kept = path.with_name(f"{path.name}.{name}")
    (shutil.copytree if path.is_dir() else shutil.copy)(path, kept)
    return kept


def put_back(kept: Path, path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    kept.rename(path)


def test_clean(place: Place) -> None:
    size = grow(place)

    with place.open() as ledger:
        assert ledger.size == size
        assert ledger.checkpoint.startswith(f"{ledger.origin}\n{size}\n")


def crashed_before_signing(place: Place, appends: int, each: int) -> int:
    """The state after a kill between commit and signature of the newest append; gives the file's size."""
    lock = keep(place.lock)
    size = grow(place, appends, each)
    intent = (place.lock / "intent").read_bytes()
    put_back(lock, place.lock)
    (place.lock / "intent").write_bytes(intent)
    with duckdb.connect(str(place.path)) as raw:
        raw.execute("DELETE FROM checkpoint WHERE size > 4")
    return size


@pytest.mark.parametrize("each", [2, 300])
def test_a_crash_before_signing_is_signed_at_the_next_start(place: Place, each: int) -> None:
    """File longer than the lock store, same history: killed between commit and signature."""
    grow(place)
    size = crashed_before_signing(place, 1, each)
    assert "not covered by a signed checkpoint" in str(verify(place.path, lock_store=place.lock).problems)

    with place.open() as ledger:
        assert ledger.size == size
        assert ledger.checkpoint.startswith(f"{ledger.origin}\n{size}\n")
    assert verify(place.path, lock_store=place.lock).ok


@pytest.mark.parametrize("announced", ["nothing", "another size", "another root", "another key", "older"])
def test_a_tail_that_no_writer_announced_is_never_signed(place: Place, announced: str) -> None:
    """Somebody who can write the file, but has no key, adds entries that are well formed in every way."""
    grow(place)
    older = (place.lock / "intent").read_text()
    size = crashed_before_signing(place, 1, 2)
    intent = place.lock / "intent"
    own = Keys.open(place.folder / "keys", ORIGIN)
    foreign = Keys.open(place.folder / "other", ORIGIN)
    root = intent_root(intent.read_text())
    match announced:
        case "nothing":
            intent.unlink()
        case "another size":
            write_intent(intent, own, size + 1, root)
        case "another root":
            write_intent(intent, own, size, bytes(32))
        case "another key":
            write_intent(intent, foreign, size, root)
        case _:
            intent.write_text(older)

    with pytest.raises(IntegrityError, match="no writer announced"):
        place.open()

    write_intent(intent, own, size, root)
    with place.open() as ledger:
        assert ledger.size == size


def test_what_was_announced_is_not_a_checkpoint(place: Place) -> None:
    grow(place)

    with pytest.raises(IntegrityError, match="not a checkpoint"):
        open_note((place.lock / "intent").read_text(), Keys.open(place.folder / "keys", ORIGIN).vkey)


def write_intent(path: Path, keys: Keys, size: int, root: bytes) -> None:
    path.write_text(sign_text(intent_text(Checkpoint(ORIGIN, size, root)), ORIGIN, keys.private))


def intent_root(note: str) -> bytes:
    return base64.b64decode(note.split("\n")[3])


def test_a_crash_before_the_checkpoint_row(place: Place) -> None:
    size = grow(place)
    with duckdb.connect(str(place.path)) as raw:
        raw.execute("DELETE FROM checkpoint WHERE size = ?", [size])

    place.open().close()

    with duckdb.connect(str(place.path)) as raw:
        assert raw.execute("SELECT max(size) FROM checkpoint").fetchall() == [(size,)]


def test_a_crash_before_the_first_signature(place: Place) -> None:
    place.open().close()
    for name in ("checkpoint", "history"):
        (place.lock / name).unlink()
    with duckdb.connect(str(place.path)) as raw:
        raw.execute("DELETE FROM checkpoint")

    with place.open() as ledger:
        assert ledger.size == 1
    assert verify(place.path, lock_store=place.lock).ok


def test_a_crash_between_the_files_of_the_lock_store(place: Place) -> None:
    grow(place)
    old = (place.lock / "checkpoint").read_bytes()
    grow(place)
    (place.lock / "checkpoint").write_bytes(old)

    grow(place)

    assert verify(place.path, lock_store=place.lock).ok


def test_a_torn_line_in_the_history_of_the_lock_store(place: Place) -> None:
    grow(place)
    with (place.lock / "history").open("ab") as history:
        history.write(b'{"at":"2026-11-2')

    grow(place)

    assert b'"2026-11-2{' not in (place.lock / "history").read_bytes()
    assert verify(place.path, lock_store=place.lock).ok


@pytest.mark.parametrize("changed", ["seq", "line", "reason", "gone"])
def test_an_unsigned_tail_that_was_altered_is_never_signed(place: Place, changed: str) -> None:
    grow(place)
    lock = keep(place.lock)
    grow(place)
    put_back(lock, place.lock)
    change = {
        "seq": "DELETE FROM entry WHERE seq = 5",
        "line": "UPDATE entry SET line = replace(line, 'pass', 'fail') WHERE seq = 5",
        "reason": "UPDATE entry SET line = replace(line, '\"ok\"', '\"no\"') WHERE seq = 6",
        "gone": "UPDATE entry SET gone = true WHERE seq = 5",
    }[changed]
    with duckdb.connect(str(place.path)) as raw:
        raw.execute("DELETE FROM checkpoint WHERE size > 4")
        raw.execute(change)

    with pytest.raises(IntegrityError) as caught:
        place.open()

    assert caught.value.exit_code == 4
    assert (place.lock / "checkpoint").read_text().split("\n")[1] == "4"


def test_an_older_copy_of_the_file_is_refused(place: Place) -> None:
    small = grow(place)
    kept = keep(place.path)
    large = grow(place)
    place.path.unlink()
    kept.rename(place.path)

    with pytest.raises(IntegrityError, match=f"has {small} entries, its lock store names {large}") as caught:
        place.open()

    assert (caught.value.seq, caught.value.exit_code) == (small, 4)
    assert "backup" in str(caught.value.remedy)
    assert "older copy" in str(verify(place.path, lock_store=place.lock).problems)
    assert verify(place.path).ok, "from inside the file nothing shows: that is what the lock store is for"


def test_another_history_of_the_same_or_a_greater_size_is_refused(place: Place) -> None:
    grow(place)
    kept_file, kept_lock = keep(place.path), keep(place.lock)
    grow(place)
    signed = keep(place.lock, "signed")
    for appends in (1, 2):
        shutil.copy(kept_file, place.path)
        shutil.rmtree(place.lock)
        shutil.copytree(kept_lock, place.lock)
        grow(place, appends)
        shutil.rmtree(place.lock)
        shutil.copytree(signed, place.lock)
        with duckdb.connect(str(place.path)) as raw:
            raw.execute("DELETE FROM checkpoint WHERE size > 7")

        with pytest.raises(IntegrityError, match="another history"):
            place.open()
        assert "another root" in str(verify(place.path, lock_store=place.lock).problems)


def test_a_missing_file_with_a_lock_store_is_not_made_anew(place: Place) -> None:
    grow(place)
    place.path.unlink()

    with pytest.raises(IntegrityError, match="knows one"):
        place.open()
    with duckdb.connect() as raw:
        raw.execute(f"ATTACH '{place.path}' AS made (STORAGE_VERSION 'v1.5.0')")
    with pytest.raises(IntegrityError, match="empty"):
        place.open()


def test_a_crash_while_the_file_was_made(place: Place) -> None:
    place.path.parent.mkdir(parents=True)
    place.path.touch()

    with place.open() as ledger:
        assert ledger.size == 1


def adopt(place: Place) -> Ledger:
    return Ledger.adopt(place.path, **place.settings(), clock=place.clock, wait_s=0.0, reason="disk lost", by="root@x")


def test_a_missing_lock_store_is_refused_until_adopted(place: Place) -> None:
    size = grow(place)
    with pytest.raises(LedgerError, match="not missing"):
        adopt(place)
    shutil.rmtree(place.lock)

    with pytest.raises(IntegrityError, match="lock store is missing") as caught:
        place.open()
    assert "compliance ledger adopt" in str(caught.value.remedy)
    with adopt(place) as ledger:
        event = ledger.entry(size)
        assert (event.kind, event.record["action"], event.record["reason"]) == (
            "key_event",
            "adopt_lock_store",
            "disk lost",
        )
        assert event.record["by_person"] == "root@x"
    assert grow(place) == size + 4
    assert verify(place.path, lock_store=place.lock).ok


def test_an_older_lock_store_is_refused(place: Place) -> None:
    grow(place)
    lock = keep(place.lock)
    grow(place)
    put_back(lock, place.lock)

    with pytest.raises(IntegrityError, match="older copy"):
        place.open()
    assert verify(place.path, lock_store=place.lock).lock_store == "behind"


@pytest.mark.parametrize("content", [b"", b"nonsense", b"a\nb\nc\n\n", b"\xff\xfe"])
def test_a_damaged_lock_store_is_refused(place: Place, content: bytes) -> None:
    grow(place)
    (place.lock / "history").unlink()
    (place.lock / "checkpoint").write_bytes(content)

    with pytest.raises(IntegrityError):
        place.open()
    assert not verify(place.path, lock_store=place.lock).ok


def test_two_copies_with_one_lock_store(place: Place) -> None:
    """On another machine nothing keeps a second writer out but the lock store."""
    grow(place)
    other = Place(place.folder / "copy", now=place.now)
    other.path.parent.mkdir(parents=True)
    shutil.copy(place.path, other.path)
    with place.open() as one, other.open(**place.settings()) as two:
        one.append([Draft("control_verdict", verdict(1))])
        with pytest.raises(IntegrityError, match="moved on"):
            two.append([Draft("control_verdict", verdict(2))])
        with pytest.raises(LedgerError, match="outcome unknown"):
            two.append([Draft("control_verdict", verdict(2))])
    with pytest.raises(IntegrityError, match="another history"):
        other.open(**place.settings())
    assert verify(place.path, lock_store=place.lock).ok


def test_a_torn_write_ahead_log_loses_nothing_acknowledged(place: Place) -> None:
    ledger = place.open()
    ledger.append([Draft("control_verdict", verdict(1))] * 3)
    wal = place.path.with_name(place.path.name + ".wal")
    torn = Place(place.folder / "torn", now=place.now)
    torn.path.parent.mkdir(parents=True)
    refused = []
    for cut in range(0, wal.stat().st_size, max(1, wal.stat().st_size // 12)):
        shutil.copy(place.path, torn.path)
        torn.path.with_name(wal.name).write_bytes(wal.read_bytes()[:cut])
        try:
            with torn.open(**place.settings()) as again:
                assert again.size == ledger.size  # only what comes after the lock store was cut
        except IntegrityError as error:
            refused.append(error)
    assert refused
    shutil.copy(place.path, torn.path)
    shutil.copy(wal, torn.path.with_name(wal.name))
    with torn.open(**place.settings()) as again:
        assert again.size == ledger.size
    ledger.close()


def test_a_damaged_file_is_never_taken_for_a_good_one(place: Place) -> None:
    grow(place, 1, 2_000)
    whole, good = place.path.read_bytes(), verify(place.path, lock_store=place.lock)
    refused, remedies = 0, set()
    for where in range(0, len(whole), len(whole) // 40):
        damaged = bytearray(whole)
        damaged[where : where + 64] = bytes(byte ^ 0xFF for byte in damaged[where : where + 64])
        place.path.write_bytes(damaged)
        try:
            found = verify(place.path, lock_store=place.lock)
        except IntegrityError as error:
            remedies.add(error.remedy and error.remedy[:11])
            refused += 1
            with suppress(IntegrityError):  # opening reads only the end of the ledger
                place.open().close()
        else:
            assert (found.ok, found.root) == (True, good.root)  # the damage is in unused space
    assert refused > 5
    assert remedies == {"keep a copy"}


def test_a_file_that_is_no_ledger(place: Place) -> None:
    place.path.parent.mkdir(parents=True)
    with duckdb.connect() as raw:
        raw.execute(f"ATTACH '{place.path}' AS made (STORAGE_VERSION 'v1.5.0')")
        raw.execute("CREATE TABLE made.t(x INTEGER)")

    with pytest.raises(IntegrityError, match="not a ledger"):
        place.open()
    with pytest.raises(IntegrityError, match="not a ledger"):
        verify(place.path)
    place.path.write_text("just a text file, but long enough" * 500)
    for check in (place.open, lambda: verify(place.path)):
        with pytest.raises(IntegrityError):
            check()
