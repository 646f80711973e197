"""Random bits and bytes anywhere in the file: found, or refused in our words; what is accepted has changed nothing.

DuckDB checks sums over the blocks that it reads; an attacker would mend those: changes of single columns and lines are
in tests/verify.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from compliance.schemas.errors import LedgerError
from compliance.verify import verify
from tests.attacks.victim import Victim, build

TABLES = ("entry", "tile", "head", "checkpoint", "personal", "meta")


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Victim:
    return build(tmp_path_factory.mktemp("victim"))


def content(path: Path) -> str:
    """A digest of every row of every table, and of what else is defined."""
    digest = sha256()
    with duckdb.connect(str(path), read_only=True) as raw:
        for table in TABLES:
            digest.update(repr(raw.execute(f"FROM {table} ORDER BY ALL").fetchall()).encode())
        digest.update(repr(raw.execute("SELECT sql FROM duckdb_tables() ORDER BY 1").fetchall()).encode())
        digest.update(repr(raw.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall()).encode())
    return digest.hexdigest()


def outcome(victim: Victim, path: Path, good: str) -> str:
    """What becomes of a damaged copy: found, refused, or unchanged; anything else is the fault this test looks for."""
    refusal: LedgerError | None = None
    try:
        result = verify(path, vkey=victim.key.vkey, lock_store=victim.place.lock)
    except LedgerError as error:
        refusal = error
    if refusal is not None:
        return "refused" if refusal.remedy else f"refused without a word on what to do: {refusal.message}"
    if not result.ok:
        return "found"
    return "unchanged" if content(path) == good else "accepted with other content"


@pytest.mark.parametrize("seed", range(6))
def test_flips_anywhere_in_the_file(victim: Victim, tmp_path: Path, seed: int) -> None:
    """Of each seed 25 copies, each with one bit or a run of bytes changed at a random place."""
    draw = random.Random(seed)
    good = content(victim.place.path)
    path = tmp_path / "ledger.duckdb"
    seen = Counter[str]()
    for _ in range(25):
        shutil.copy(victim.place.path, path)
        damage(path, draw)
        seen[outcome(victim, path, good)] += 1

    assert set(seen) <= {"found", "refused", "unchanged"}, seen
    assert seen["found"] + seen["refused"] >= 5, "the places drawn hold no data"


def damage(path: Path, draw: random.Random) -> None:
    with path.open("r+b") as file:
        where, length = draw.randrange(path.stat().st_size), draw.choice([1, 1, 1, 8, 64])
        file.seek(where)
        before = file.read(length)
        file.seek(where)
        file.write(bytes([before[0] ^ 1 << draw.randrange(8)]) if length == 1 else draw.randbytes(len(before)))
