"""Every attack, done on a real file with DuckDB itself: who sees it, in which words, and who does not claim to."""

from __future__ import annotations

from pathlib import Path

import pytest

from compliance.app.check import NOTHING, Checked, lines
from compliance.ledger import Draft, KeyStore, Ledger
from compliance.schemas.errors import ComplianceError
from compliance.verify import verify
from tests.attacks.attacks import ATTACKS, Attack
from tests.attacks.victim import Victim
from tests.ledger.places import verdict

THREATS = Path(__file__).resolve().parents[2] / "docs" / "threats.md"


def test_what_was_not_attacked_verifies_everywhere(victim: Victim) -> None:
    vkey = victim.key.vkey
    place = victim.place

    assert verify(place.path, vkey=vkey).ok
    found = verify(place.path, vkey=vkey, lock_store=place.lock, outside={"kept": victim.kept})
    assert found.ok, found.problems
    assert [(anchor.state, anchor.copies) for anchor in found.anchors] == [("ok", 2)]
    place.open().close()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-"))
def test_attack(victim: Victim, attack: Attack) -> None:
    vkey, place = victim.key.vkey, victim.place
    attack.do(victim)

    alone = verify(place.path, vkey=vkey)
    lock = verify(place.path, vkey=vkey, lock_store=place.lock)
    outside = verify(place.path, vkey=vkey, lock_store=place.lock, outside={"kept": victim.kept})

    for said, found in ((attack.alone, alone), (attack.lock, lock), (attack.outside, outside)):
        told = " / ".join(map(str, found.problems))
        if said is None:
            assert found.ok, told
            assert Checked(found, ()).exit_code == 0
        else:
            assert said in told
            assert Checked(found, ()).exit_code == 4
    if attack.alone is None:
        assert NOTHING in " ".join(lines(Checked(alone, ()))), "what it cannot know it must say"
    assert _opened(place.open, attack.writer) == attack.writer


def _opened(opening: object, words: str | None) -> str | None:
    """The words, when the writer is refused with them; None when it may write."""
    try:
        assert callable(opening)
        ledger = opening()
    except ComplianceError as error:
        return words if words is not None and words in error.message else error.message
    assert isinstance(ledger, Ledger)
    ledger.close()
    return None


def test_personal_content_that_was_swapped_is_seen_by_those_who_can_open_it(victim: Victim) -> None:
    next(attack for attack in ATTACKS if attack.name == "personal content is swapped").do(victim)
    keystore = KeyStore(victim.place.keystore)

    found = verify(victim.place.path, vkey=victim.key.vkey, key_of=keystore.key)
    keystore.close()

    assert [(p.seq, p.what) for p in found.problems] == [(3, "its personal content is not what its line commits to")]


def test_a_key_store_from_before_an_erasure(victim: Victim) -> None:
    """Put back, it opens what was erased: verification names it, and the next start erases it again."""
    place = victim.place
    with place.open() as ledger:
        alias = next(str(e.subject) for e in ledger.entries("user_account") if e.subject)
        assert ledger.erase(alias, reason="asked for", by="ana")
    victim.put_back("subjects")
    keystore = KeyStore(place.keystore)
    found = verify(place.path, vkey=victim.key.vkey, lock_store=place.lock, key_of=keystore.key)
    keystore.close()
    assert "an old copy of the key store still opens it" in str(found.problems)

    with place.open() as ledger:
        assert ledger.keystore.key(alias) is None
    keystore = KeyStore(place.keystore)
    assert verify(place.path, vkey=victim.key.vkey, lock_store=place.lock, key_of=keystore.key).ok
    keystore.close()


def test_a_clock_set_back_is_recorded_and_moves_no_entry(victim: Victim) -> None:
    place = victim.place
    with place.open() as ledger:
        before = ledger.entry(ledger.size - 1).at
        place.now = before.replace(year=2020)
        ledger.append([Draft("control_verdict", verdict(1))])
        steps = list(ledger.entries("clock_step"))
        newest = ledger.entry(ledger.size - 1)

    assert len(steps) == 1
    assert steps[0].record["clock_at"].startswith("2020")
    assert newest.at >= before
    assert verify(place.path, lock_store=place.lock).ok


def test_the_page_of_threats_lists_every_attack() -> None:
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in THREATS.read_text("utf-8").splitlines()]
    said = {row[0]: row[1:] for row in cells if len(row) == 5}

    for attack in ATTACKS:
        readers = ["seen" if words else "not seen" for words in (attack.alone, attack.lock, attack.outside)]
        assert said[attack.name] == [*readers, "refuses" if attack.writer else "opens"]
