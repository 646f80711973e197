"""docs/verify-in-sql.md: the same verdict as the engine on every ledger, sound or forged, where arithmetic can tell."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from compliance.verify import verify
from tests.attacks.attacks import ATTACKS, Attack
from tests.attacks.victim import SIZE, Victim
from tests.ledger.conftest import grown as grown_fixture
from tests.ledger.conftest import shortened as shortened_fixture
from tests.ledger.months import copied, segments_of
from tests.ledger.places import Place

grown, shortened = grown_fixture, shortened_fixture
PAGE = (Path(__file__).parents[2] / "docs" / "verify-in-sql.md").read_text("utf-8")
# What only the engine sees, because it is no matter of lines and hashes, and what it is.
NOT_ARITHMETIC = {
    "a column is edited, its line is not": "columns",
    "history is forged with another key": "signatures",
    "an entry is added under another key": "signatures",
    "the key is declared lost and replaced by an own one": "keys",
    "personal content is deleted": "personal content",
    "a function is shadowed by one defined in the file": "what else the file defines",
    "the file claims to be another ledger": "names",
}


def query() -> str:
    (found,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    return found


def problems(path: Path, sql: str | None = None) -> list[tuple[str, int, str]]:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS ledger (READ_ONLY)")
        return connection.execute(sql or query()).fetchall()


def newest(path: Path) -> tuple[str, str]:
    (sql,) = re.findall(r"The newest root, to compare: `(.*?)`", PAGE, re.DOTALL)
    ((size, root),) = problems(path, sql)
    return size, root.lower()


def test_a_sound_ledger(victim: Victim) -> None:
    found = verify(victim.place.path)

    assert problems(victim.place.path) == []
    assert found.ok
    assert newest(victim.place.path) == (str(SIZE), found.root.hex())


def test_a_ledger_of_several_months(grown: Place) -> None:
    assert problems(grown.path) == []
    assert newest(grown.path)[1] == verify(grown.path).root.hex()


def with_segments(place: Place) -> str:
    """The query as the page says for a file without its first months."""
    (rows,) = re.findall(r"`(\(SELECT seq, line.*?)` in the place", PAGE, re.DOTALL)
    with duckdb.connect(str(place.path), read_only=True) as raw:
        ((start,),) = raw.execute("SELECT value FROM meta WHERE name = 'start'").fetchall()
    rows = rows.replace("segments/", f"{segments_of(place)}/").replace("START", start)
    sql = query()
    assert sql.count("FROM ledger.entry\n") == 2
    return sql.replace("FROM ledger.entry\n", f"FROM {rows}\n")


def test_a_file_without_its_first_months(shortened: Place, tmp_path: Path) -> None:
    assert problems(shortened.path, with_segments(shortened)) == []

    place = copied(shortened, tmp_path)
    with duckdb.connect(str(place.path)) as raw:
        raw.execute("UPDATE entry SET line = replace(line, 'pass', 'fail') WHERE seq = 600")
    assert problems(place.path, with_segments(place)) != []
    assert not verify(place.path, segments=segments_of(place)).ok


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-"))
def test_it_says_of_every_attack_what_the_engine_says(victim: Victim, attack: Attack) -> None:
    attack.do(victim)
    engine = verify(victim.place.path, vkey=victim.key.vkey)

    found = problems(victim.place.path)

    if attack.name in NOT_ARITHMETIC:
        assert not engine.ok
        assert found == [], f"{NOT_ARITHMETIC[attack.name]} are not for SQL"
    else:
        assert bool(found) == (not engine.ok), (found, engine.problems)
    if engine.ok:
        assert newest(victim.place.path) == (str(engine.size), engine.root.hex())


@pytest.mark.parametrize("seq", [1, 255, 256, SIZE - 1])
def test_a_bit_of_any_line(victim: Victim, seq: int) -> None:
    victim.sql(f"UPDATE entry SET line = concat(line[:-2], chr(xor(ascii(line[-1]), 1))) WHERE seq = {seq}")

    assert problems(victim.place.path) != []
    assert not verify(victim.place.path).ok


def test_the_page_names_what_it_does_not_check() -> None:
    assert "It does not check signatures, columns, sets or personal content" in PAGE
