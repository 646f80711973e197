"""Personal content beside the line, its key store, and erasure."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from compliance.ledger import Draft, KeyStore, Ledger
from compliance.schemas.errors import EvidenceError, IntegrityError, LedgerError
from compliance.schemas.kinds.code import Commit
from compliance.schemas.kinds.engine import Finding, Outcome
from compliance.schemas.messages import Record
from compliance.verify import verify, verify_connection
from tests.ledger.places import START, Place, account, given, state


def finding(resource: str) -> Finding:
    return Finding(
        occurred_at=START,
        audit="a",
        control="c",
        number=1,
        of_source="db",
        resource=resource,
        verdict=Outcome.FAIL,
        code="x",
        reason=f"{resource} may do too much",
        rests_on=[1],
        waiver=None,
    )


def test_no_personal_value_is_in_any_line_or_in_the_files(place: Place) -> None:
    with place.open() as ledger:
        seen = state(ledger, [account("jane.doe", email="jane@example.org", is_active=True)])
        entry = ledger.entry(seen.seq + 1)

        assert "jane" not in entry.line
        assert entry.key == (entry.subject,)
        assert (entry.record["account"], entry.record["email"]) == ("jane.doe", "jane@example.org")
        assert ledger.keystore.identity(str(entry.subject)) == ("db", "jane.doe")
    for file in place.folder.rglob("*"):
        assert not file.is_file() or b"jane" not in file.read_bytes(), file


def test_erasure_leaves_a_ledger_that_verifies(place: Place) -> None:
    with place.open() as ledger:
        seen = state(ledger, [account("jane", email="j@example.org"), account("john"), account("jim")])
        alias = str(ledger.entry(seen.seq + 1).subject)
        root = ledger.root_at(seen.seq + 4)
        assert ledger.erase(alias, reason="asked for it", by="officer@example.org")
        assert not ledger.erase(alias, reason="again")

        gone = ledger.entry(seen.seq + 1).record
        assert (gone["account"], gone["email"], gone["is_active"]) == (None, None, None)
        rows = [json.loads(text) for text in ledger.state(seen.seq)["record"].to_pylist()]
        assert [row["account"] for row in rows] == [None, "john", "jim"]
        assert ledger.root_at(seen.seq + 4) == root
        assert verify_connection(ledger.connection, key_of=ledger.keystore.key).ok
        again = state(ledger, [account("jane"), account("john"), account("jim")])
        assert (again.stored, again.rows) == (3, 3)
        assert ledger.keystore.find("db", "jane") not in (None, alias)
    with place.open() as ledger:
        assert ledger.entry(seen.seq + 2).record["account"] == "john"
    assert verify(place.path, lock_store=place.lock).ok


def test_content_may_only_be_missing_after_an_erasure(place: Place) -> None:
    with place.open() as ledger:
        seen = state(ledger, [account("jane"), account("john")])
        ledger.erase(str(ledger.entry(seen.seq + 1).subject), reason="asked")
        ledger.connection.execute("DELETE FROM stored.personal WHERE seq > ?", [seen.seq])
        found = verify_connection(ledger.connection)

        assert [p.seq for p in found.problems] == [seen.seq + 2]
        assert "personal content is missing" in str(found.problems[0])


def test_a_finding_takes_the_alias_of_what_it_rests_on(place: Place) -> None:
    with place.open() as ledger:
        seen = state(ledger, [account("jane")])
        alias = str(ledger.entry(seen.seq + 1).subject)
        told = ledger.append([Draft("finding", finding("jane"), alias=alias)]).first
        plain = ledger.append([Draft("finding", finding("host1"))]).first

        assert (ledger.entry(told).subject, ledger.entry(told).record["resource"]) == (alias, "jane")
        assert "jane" not in ledger.entry(told).line
        assert (ledger.entry(plain).subject, "host1" in ledger.entry(plain).line) == (None, True)
        ledger.erase(alias, reason="asked")
        after = ledger.append([Draft("finding", finding("jane"), alias=alias)]).first
        assert "jane" not in ledger.entry(after).line
        assert ledger.entry(after).record["resource"] is None
        with pytest.raises(EvidenceError, match="no subject"):
            ledger.append([Draft("finding", finding("jane"), alias="p_" + "0" * 32)])


def test_a_person_without_identity_gets_an_alias_of_their_own(place: Place) -> None:
    columns = dict.fromkeys(Commit.model_fields) | {"author_name": "Jane Doe", "occurred_at": START}
    for name, info in Commit.model_fields.items():
        if info.is_required() and columns[name] is None:
            columns[name] = "x"
    with place.open() as ledger:
        one = ledger.record_events(given(kind="commit"), [Record(Commit.model_validate(columns))], "1", True)
        two = ledger.record_events(given(kind="commit", run="r2"), [Record(Commit.model_validate(columns))], "2", True)
        first, second = ledger.entry(one.seq + 1), ledger.entry(two.seq + 1)

        assert "Jane" not in first.line
        assert first.record["author_name"] == "Jane Doe"
        assert first.subject not in (None, second.subject)


def test_the_key_store_is_private_and_survives_reopening(place: Place) -> None:
    store = KeyStore(place.keystore)
    made = store.subject("db", "jane")
    store.flush()
    lost = store.subject("db", "never flushed")
    store.close()
    again = KeyStore(place.keystore)

    assert again.subject("db", "jane") == made == again.find("db", "jane")
    assert again.find("web", "jane") is None
    assert again.key(lost.alias) is None
    for path in (place.keystore, place.keystore.with_name("keys.sqlite.kek")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again.close()


def test_erasing_makes_old_copies_of_the_store_useless(place: Place) -> None:
    store = KeyStore(place.keystore)
    jane, john = store.subject("db", "jane"), store.subject("db", "john")
    store.flush()
    kek = place.keystore.with_name("keys.sqlite.kek")
    old_kek, old_store = kek.read_bytes(), place.keystore.read_bytes()
    assert store.erase(jane.alias)
    store.close()

    assert old_kek not in kek.read_bytes()
    again = KeyStore(place.keystore)
    assert (again.key(jane.alias), again.find("db", "jane"), again.erased(jane.alias)) == (None, None, True)
    assert again.find("db", "john") == john
    again.close()
    place.keystore.write_bytes(old_store)
    with pytest.raises(IntegrityError, match="another one"):
        KeyStore(place.keystore)


def test_a_crash_during_erasure_ends_on_one_side(place: Place) -> None:
    store = KeyStore(place.keystore)
    john = store.subject("db", "john")
    jane = store.subject("db", "jane")
    store.flush()
    kek = place.keystore.with_name("keys.sqlite.kek")
    before = kek.read_bytes()
    store.erase(jane.alias)
    store.close()

    # killed after the commit, before the new key took its place
    kek.rename(kek.with_name("keys.sqlite.kek.new"))
    kek.write_bytes(before)
    again = KeyStore(place.keystore)
    assert again.find("db", "john") == john
    again.close()
    # killed before the commit: the new key means nothing
    kek.with_name("keys.sqlite.kek.new").write_bytes(bytes(32))
    again = KeyStore(place.keystore)
    assert again.find("db", "john") == john
    again.close()
    assert not kek.with_name("keys.sqlite.kek.new").exists()


def test_an_erasure_that_a_crash_cut_short_is_finished_at_the_next_start(place: Place) -> None:
    """The entry comes first; between it and the key store lies a moment. A restored key store is the same case."""
    with place.open() as ledger:
        seen = state(ledger, [account("jane"), account("john")])
        alias = str(ledger.entry(seen.seq + 1).subject)
    kept = {path: path.read_bytes() for path in place.keystore.parent.iterdir()}
    with place.open() as ledger:
        ledger.erase(alias, reason="asked for it")
        size = ledger.size
    for path, content in kept.items():
        path.write_bytes(content)

    with place.open() as ledger:
        assert (ledger.size, ledger.keystore.erased(alias)) == (size, True)
        assert ledger.entry(seen.seq + 1).record["account"] is None
        assert ledger.entry(seen.seq + 2).record["account"] == "john"


def people(place: Place) -> int:
    with place.open() as ledger:
        ledger.record_state(given(), [account(f"u{n}", email=f"u{n}@example.org") for n in range(3)])
        return ledger.size


def test_a_lost_key_store_is_not_an_empty_one(place: Place) -> None:
    size = people(place)
    for path in place.keystore.parent.iterdir():
        path.unlink()

    with pytest.raises(LedgerError, match="3 rows of personal content") as caught:
        place.open()
    assert "keys forget" in str(caught.value.remedy)
    assert not place.keystore.exists()

    how = {"reason": "disk lost", "by": "ana", "clock": place.clock, **place.settings()}
    asked: list[int] = []
    with pytest.raises(LedgerError, match="nothing was forgotten: 3 people"):
        Ledger.forget_lost(place.path, agreed=lambda count: bool(asked.append(count)), **how)
    assert asked == [3]
    with pytest.raises(LedgerError, match="3 rows of personal content"):
        place.open()
    assert Ledger.forget_lost(place.path, agreed=lambda count: True, **how) == 3
    with place.open() as ledger:
        assert ledger.size > size
        state = ledger.state(1).to_pylist()
    assert [json.loads(row["record"])["email"] for row in state] == [None] * 3
    assert verify(place.path, lock_store=place.lock).ok


def no_bytes(path: Path) -> None:
    path.write_bytes(b"")


def no_tables(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("VACUUM")


def nobody(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM subject")
        db.commit()


@pytest.mark.parametrize("emptied", [no_bytes, no_tables, nobody])
def test_a_key_store_that_was_emptied_is_not_a_new_one(place: Place, emptied: Callable[[Path], None]) -> None:
    """It is refused as it is: opened as new, it would get keys of its own and the loss would pass in silence."""
    people(place)
    kept = place.folder / "kept"
    shutil.copytree(place.keystore.parent, kept)
    emptied(place.keystore)
    left = place.keystore.read_bytes()

    with pytest.raises(LedgerError, match=r"is empty, and ledger .* has 3 rows of personal content") as caught:
        place.open()
    assert "bring the store back with its .kek file" in str(caught.value.remedy)
    assert place.keystore.read_bytes() == left

    shutil.rmtree(place.keystore.parent)  # the remedy
    shutil.copytree(kept, place.keystore.parent)
    with place.open() as ledger:
        assert ledger.entry(2).record["account"] == "u0"


def test_a_key_store_without_anybody_left_is_no_loss(place: Place) -> None:
    people(place)
    with place.open() as ledger:
        for alias in [str(entry.subject) for entry in ledger.entries("user_account")]:
            assert ledger.erase(alias, reason="asked for")
    with place.open() as ledger:
        assert ledger.entry(2).record["account"] is None


def test_a_key_store_that_lacks_a_key_is_not_an_answer(place: Place) -> None:
    """An older copy of the key store: what was recorded since cannot be opened, and says so."""
    people(place)
    kept = place.folder / "kept"
    shutil.copytree(place.keystore.parent, kept)
    with place.open() as ledger:
        ledger.record_state(given(run="r2"), [account("new", email="new@example.org")])
    shutil.rmtree(place.keystore.parent)
    shutil.copytree(kept, place.keystore.parent)

    with place.open() as ledger, pytest.raises(LedgerError, match="is not in the key store"):
        ledger.state(max(item.seq for item in ledger.collections()))


def test_personal_content_that_was_taken_out_is_not_an_answer(place: Place) -> None:
    people(place)
    with duckdb.connect(str(place.path)) as raw:
        raw.execute("DELETE FROM personal WHERE seq = 3")

    with place.open() as ledger, pytest.raises(IntegrityError, match="personal content is missing"):
        ledger.state(1)


def test_whoever_only_looks_leaves_an_erasure_alone(tmp_path: Path) -> None:
    """Between the new key file and the commit that puts it in force, another process verifies: were that file taken
    for the rest of a crash, the writer would overwrite the old key and have no new one."""
    path = tmp_path / "keys" / "store.sqlite"
    store = KeyStore(path)
    jane = store.subject("db", "jane")
    john = store.subject("db", "john")
    store.flush()
    coming = path.with_name(path.name + ".kek.new")
    coming.write_bytes(bytes(32))

    looking = KeyStore(path, read_only=True)
    assert looking.key(john.alias) == john.key
    looking.close()
    assert coming.exists()
    assert store.erase(jane.alias)
    looking = KeyStore(path, read_only=True)
    assert (looking.key(jane.alias), looking.key(john.alias)) == (None, john.key)
    looking.close()
    store.close()


def test_an_empty_key_store_is_none(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.touch()
    with pytest.raises(IntegrityError, match="is empty"):
        KeyStore(path, read_only=True)
    assert path.stat().st_size == 0
