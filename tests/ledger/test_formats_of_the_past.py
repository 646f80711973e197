"""Ledgers that earlier engines wrote open, verify, grow, and move. See fixtures/make_format1.py."""

from __future__ import annotations

import gzip
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compliance.ledger import Draft, KeyStore, Ledger, folder, importing, rewrite
from compliance.ledger.folder import Named
from compliance.schemas.errors import IntegrityError
from compliance.verify import verify
from tests.ledger.places import verdict

FORMAT1 = Path(__file__).parent / "fixtures" / "format1"
ORIGIN = "example.org/evidence/format1"
SIZE = 329
ROOT = "488ab15dae2e655036f061d572d893d9ae714aec2a71db0cb31de9bf677e66a7"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of the ledger of format 1 with all that belongs to it."""
    place = tmp_path / "old"
    shutil.copytree(FORMAT1, place)
    packed = place / "ledger.duckdb.gz"
    (place / "ledger.duckdb").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    return place


def opened(place: Path, name: str = "ledger.duckdb") -> Ledger:
    return Ledger.open(
        place / name,
        origin=ORIGIN,
        keys=place / "keys",
        lock_store=place / "lock",
        keystore=place / "subjects" / "keys.sqlite",
        clock=lambda: datetime(2027, 1, 1, tzinfo=UTC),
    )


def holds(path: Path) -> None:
    found = verify(path)
    if not found.ok:
        raise IntegrityError(str(found.problems[0]))


def test_it_verifies_with_what_belongs_to_it(old: Path) -> None:
    vkey = (old / "keys" / "vkey").read_text().strip()
    store = KeyStore(old / "subjects" / "keys.sqlite")
    found = verify(old / "ledger.duckdb", vkey=vkey, lock_store=old / "lock", key_of=store.key)
    store.close()
    assert found.ok, found.problems
    assert (found.origin, found.size, found.root.hex(), found.lock_store) == (ORIGIN, SIZE, ROOT, "ok")
    assert found.personal_checked > 0


def test_its_states_and_personal_content_are_read(old: Path) -> None:
    with opened(old) as ledger:
        chain = [c for c in ledger.collections() if c.base is not None]
        names = [
            [record.split('"account":')[1].split(",")[0] for record in ledger.state(c.seq)["record"].to_pylist()]
            for c in chain
        ]
        assert names == [
            ["null", *(f'"user{n}"' for n in range(1, 5))],
            ["null", *(f'"user{n}"' for n in range(1, 5))],
            [*(f'"user{n}"' for n in range(1, 5)), '"new"'],
            [f'"user{n}"' for n in range(2, 5)],
        ]
        assert next(ledger.entries("finding")).record["resource"] == "user1"
        assert ledger.cursor("db", "control_verdict") == "4"


def test_it_grows(old: Path) -> None:
    with opened(old) as ledger:
        assert ledger.size == SIZE
        ledger.append([Draft("control_verdict", verdict(1))])
        assert ledger.inclusion(3).text
    found = verify(old / "ledger.duckdb", lock_store=old / "lock")
    assert found.ok, found.problems
    assert found.size == SIZE + 1


def test_it_is_rewritten(old: Path) -> None:
    rewrite.rewrite(old / "ledger.duckdb", check=holds)
    assert verify(old / "ledger.duckdb", lock_store=old / "lock").root.hex() == ROOT


def test_it_is_exported_and_imported(old: Path) -> None:
    target = old / "export"
    with opened(old) as ledger, folder.new(target) as out:
        size, root = ledger.export(out, personal=True)
        out.seal(Named("export", ORIGIN, size, root, ledger.vkey, "2027-01-01T00:00:00.000000Z"), ledger.sign_manifest)

    importing.build(importing.read(target), old / "again.duckdb", check=holds)

    assert root.hex() == ROOT
    with opened(old, "again.duckdb") as ledger:
        ledger.append([Draft("control_verdict", verdict(1))])
    found = verify(old / "again.duckdb", lock_store=old / "lock")
    assert found.ok, found.problems
    assert found.size == SIZE + 1
