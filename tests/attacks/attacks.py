"""The attacks of docs/threats.md, as an insider would do them, and what each reader must say.

`alone`: file and public key only. `lock`: with the lock store too. `outside`: with what somebody else kept (two
checkpoints). `writer`: opening the ledger to add to it. None: it verifies there, and the words must not claim more than
that. An attack that only what lies outside can show is why anchors exist.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from compliance.ledger import Draft, Ledger, tree
from tests.attacks.victim import EARLIER, SIZE, Victim, foreign
from tests.ledger.places import verdict


@dataclass(frozen=True)
class Attack:
    """One attack, and the words that must be said of it; None where it cannot be seen."""

    name: str
    do: Callable[[Victim], None]
    alone: str | None
    lock: str | None
    outside: str | None
    writer: str | None = None


def _edited(victim: Victim) -> list[str]:
    lines = victim.lines()
    lines[300] = lines[300].replace('"verdict":"pass"', '"verdict":"fail"')
    return lines


def edit_a_line(victim: Victim) -> None:
    victim.sql('UPDATE entry SET line = replace(line, \'"verdict":"pass"\', \'"verdict":"fail"\') WHERE seq = 300')


def edit_a_column(victim: Victim) -> None:
    victim.sql("UPDATE entry SET source = 'other' WHERE seq = 300")


def edit_and_recompute(victim: Victim) -> None:
    victim.recompute(_edited(victim))


def delete_a_row(victim: Victim) -> None:
    victim.sql("DELETE FROM entry WHERE seq = 300")


def delete_and_close_the_gap(victim: Victim) -> None:
    victim.sql(
        "DELETE FROM entry WHERE seq = 300",
        "UPDATE entry SET seq = seq - 1, line = replace(line, concat(',\"seq\":', seq), concat(',\"seq\":', seq - 1)) "
        "WHERE seq > 300",
    )
    victim.recompute(victim.lines())


def swap_rows(victim: Victim) -> None:
    victim.sql("UPDATE entry SET seq = CASE seq WHEN 300 THEN 301 ELSE 300 END WHERE seq IN (300, 301)")


def double_a_row(victim: Victim) -> None:
    victim.sql("INSERT INTO entry SELECT * FROM entry WHERE seq = 300")


def edit_a_tile(victim: Victim) -> None:
    victim.sql("UPDATE tile SET hashes = (SELECT hashes FROM tile WHERE n = 0) WHERE n = 1")


def delete_the_tail_rows(victim: Victim) -> None:
    victim.sql(f"DELETE FROM entry WHERE seq >= {EARLIER}")


def cut_the_tail(victim: Victim) -> None:
    victim.recompute(victim.lines()[:EARLIER])


def put_back_the_file(victim: Victim) -> None:
    victim.put_back("data")


def put_back_file_and_lock_store(victim: Victim) -> None:
    victim.put_back("data", "lock")


def put_back_the_lock_store(victim: Victim) -> None:
    victim.put_back("lock")


def remove_the_lock_store(victim: Victim) -> None:
    shutil.rmtree(victim.place.lock)


def forge_with_the_key(victim: Victim) -> None:
    victim.recompute(_edited(victim), victim.key)


def forge_with_the_key_and_lock_store(victim: Victim) -> None:
    forge_with_the_key(victim)
    victim.forge_lock_store()


def forge_with_another_key(victim: Victim) -> None:
    victim.recompute(_edited(victim), foreign())


def begin_anew_with_the_key(victim: Victim) -> None:
    """Another ledger of the same name and key, of the same size, with nothing bad in it."""
    for name in ("data", "lock", "subjects"):
        shutil.rmtree(victim.place.folder / name)
    with victim.place.open() as ledger:
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(SIZE - ledger.size)])


def strip_the_checkpoints(victim: Victim) -> None:
    victim.sql("DELETE FROM checkpoint")


def add_an_entry(victim: Victim) -> None:
    """A well-formed entry with its columns and tree head, by somebody without the key."""
    lines = victim.lines()
    mine = lines[-1].replace(f'"seq":{SIZE - 1}', f'"seq":{SIZE}')
    leaves = tree.leaves(tree.BEFORE_FIRST, [line.encode() for line in [*lines, mine]])
    edge = tree.Edge()
    edge.extend(leaves)
    with duckdb.connect(str(victim.place.path)) as raw:
        raw.execute(
            f"INSERT INTO entry SELECT * REPLACE ({SIZE} AS seq, ? AS line) FROM entry WHERE seq = {SIZE - 1}", [mine]
        )
        raw.execute(
            f'INSERT INTO head SELECT {SIZE + 1}, ?, ?, "at" FROM head WHERE size = {SIZE}',
            [edge.root(), edge.last_leaf],
        )


def add_an_entry_under_another_key(victim: Victim) -> None:
    add_an_entry(victim)
    with duckdb.connect(str(victim.place.path)) as raw:
        (root,) = raw.execute("SELECT root FROM head ORDER BY size DESC LIMIT 1").fetchall()[0]
        raw.execute("INSERT INTO checkpoint VALUES (?, ?)", [SIZE + 1, foreign().sign(SIZE + 1, bytes(root))])


def put_an_own_key_in_force(victim: Victim) -> None:
    """With the file and the lock store, but not the key: declare it lost and go on with an own one."""
    thief = victim.folder / "thief"
    how = {**victim.place.settings(), "keys": thief}
    Ledger.replace_key(victim.place.path, clock=victim.place.clock, reason="lost", by="me", **how).close()


def hand_over_to_an_own_key(victim: Victim) -> None:
    """With the stolen key: hand over to an own one, and add."""
    shutil.copytree(victim.place.folder / "keys", victim.folder / "thief")
    how = {**victim.place.settings(), "keys": victim.folder / "thief", "clock": victim.place.clock}
    with Ledger.open(victim.place.path, **how) as ledger:
        ledger.rotate_key(reason="mine now", by="me")


def swap_personal_content(victim: Victim) -> None:
    victim.sql(
        "UPDATE personal SET content = (SELECT content FROM personal WHERE seq = 4), subject = (SELECT subject FROM "
        "personal WHERE seq = 3) WHERE seq = 3"
    )


def delete_personal_content(victim: Victim) -> None:
    victim.sql("DELETE FROM personal WHERE seq = 3")


def shadow_a_function(victim: Victim) -> None:
    victim.sql("CREATE MACRO strftime(a, b) AS 'x'", "CREATE VIEW peek AS FROM entry")


def claim_another_name(victim: Victim) -> None:
    victim.sql("UPDATE meta SET value = 'example.org/other' WHERE name = 'origin'")


LOST = "entries were lost, or this is an older copy"
OTHER = "names another root"
NOT_SIGNED = "not covered by a signed checkpoint"


def by_all(name: str, do: Callable[[Victim], None], words: str, writer: str | None = None) -> Attack:
    """Every reader sees it."""
    return Attack(name, do, words, words, words, writer)


def beside_the_file(name: str, do: Callable[[Victim], None], words: str, writer: str | None = None) -> Attack:
    """Who has only the file does not see it."""
    return Attack(name, do, None, words, words, writer)


def outside(name: str, do: Callable[[Victim], None], words: str) -> Attack:
    """Only what somebody else kept shows it."""
    return Attack(name, do, None, None, words)


ATTACKS = (
    by_all("a line is edited", edit_a_line, "its line was changed"),
    by_all("a column is edited, its line is not", edit_a_column, "column source is"),
    by_all(
        "a line is edited, chain, tiles and heads are recomputed",
        edit_and_recompute,
        "do not give the signed checkpoint",
        "another history",
    ),
    by_all("a row is deleted", delete_a_row, "missing: its row was deleted", "its head names"),
    Attack(
        "a row is deleted and everything after it renumbered and recomputed",
        delete_and_close_the_gap,
        "among these, lines were changed",
        OTHER,
        OTHER,
        "its lock store names",
    ),
    by_all("two rows are swapped", swap_rows, "its line is that of entry"),
    by_all("a row is doubled", double_a_row, "it is there more than once", "its head names"),
    by_all("a tile is replaced", edit_a_tile, "tile 1 of level 0", "do not give the root of its head"),
    by_all("the newest rows are deleted", delete_the_tail_rows, "missing", "its head names"),
    beside_the_file("the tail is cut with all that belongs to it", cut_the_tail, LOST, "entries were lost"),
    beside_the_file("an older copy of the file is put back", put_back_the_file, LOST, "entries were lost"),
    outside("older copies of file and lock store are put back", put_back_file_and_lock_store, LOST),
    beside_the_file(
        "an older copy of the lock store is put back",
        put_back_the_lock_store,
        "it is an older copy",
        "the lock store is an older copy",
    ),
    beside_the_file(
        "the lock store is removed", remove_the_lock_store, "is missing or empty", "its lock store is missing"
    ),
    beside_the_file("history is forged with the stolen key", forge_with_the_key, OTHER, "another history"),
    outside("history and lock store are forged with the stolen key", forge_with_the_key_and_lock_store, OTHER),
    by_all("history is forged with another key", forge_with_another_key, "is not signed by", "another history"),
    outside("a whole new ledger is made with the stolen key", begin_anew_with_the_key, OTHER),
    by_all("all checkpoints are stripped from the file", strip_the_checkpoints, NOT_SIGNED),
    by_all("an entry is added without a checkpoint", add_an_entry, NOT_SIGNED, "no writer announced"),
    by_all(
        "an entry is added under another key", add_an_entry_under_another_key, "is not signed by", "is an older copy"
    ),
    by_all(
        "the key is declared lost and replaced by an own one",
        put_an_own_key_in_force,
        "does not vouch",
        "nor configured",
    ),
    Attack("the stolen key hands over to an own one", hand_over_to_an_own_key, None, None, None, "nor configured"),
    Attack("personal content is swapped", swap_personal_content, None, None, None),
    by_all("personal content is deleted", delete_personal_content, "its personal content is missing"),
    by_all("a function is shadowed by one defined in the file", shadow_a_function, "does not belong into a ledger"),
    by_all("the file claims to be another ledger", claim_another_name, "meta names the origin", "is the ledger"),
)
