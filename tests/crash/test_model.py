"""Every order of steps, crashes, old copies, forgers and faults of the model, and that it would see a wrong order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.crash.model import BREAKS, NEW, Limits, Model, Wrong

SCHEMA = Path(__file__).parents[2] / "schemas" / "ledger.md"

# What may happen together, and how many worlds that gives at the least: a model that visits few proves little.
ALONE = {
    "crashes": (Limits(writes=4, crashes=4), 5_000),
    "a file that is rolled back": (Limits(writes=3, crashes=3, restores_file=2), 8_000),
    "a lock store that is rolled back": (Limits(writes=3, crashes=2, restores_lock=2), 10_000),
    "two copies of the file": (Limits(copies=2, writes=4, crashes=3), 20_000),
    "two copies, of which one is rolled back": (Limits(copies=2, crashes=2, restores_file=1), 20_000),
    "a forger": (Limits(forger=True, restores_file=1), 5_000),
    "a forger and a lock store that is rolled back": (Limits(forger=True, restores_lock=1), 15_000),
    "faults": (Limits(writes=4, faults=2), 1_000),
}
BOTH = {
    "both are rolled back": Limits(crashes=1, restores_file=1, restores_lock=1),
    "both, and a forger": Limits(crashes=1, restores_file=1, restores_lock=1, forger=True),
    "the lock store, and there is an older copy of the file": Limits(copies=2, writes=2, crashes=1, restores_lock=1),
}
SHOWN_BY = {
    "signs before it reads back": (Limits(faults=1), "what a fault made was signed"),
    "signs a tail that nobody announced": (Limits(forger=True), "a tail that nobody announced was signed"),
    "announces after the commit": (Limits(), "refused after nothing but crashes"),
    "swaps without comparing": (Limits(copies=2), "two signed checkpoints are inconsistent"),
    "acknowledges before the lock store has it": (Limits(restores_file=1), "opened without what was acknowledged"),
    "opens a file that is shorter": (Limits(restores_file=1), "opened without what was acknowledged"),
    "opens another history": (Limits(copies=2), "opened without what was acknowledged"),
}


@pytest.mark.parametrize("name", ALONE)
def test_whatever_happens_no_two_checkpoints_are_inconsistent(name: str) -> None:
    limits, least = ALONE[name]

    model = Model(limits).run()

    assert model.worlds >= least
    assert model.inconsistent == 0


@pytest.mark.parametrize("name", BOTH)
def test_when_both_are_rolled_back_only_an_anchor_shows_it(name: str) -> None:
    """It can happen, and each time an anchor that had a copy contradicts; before it had one, nothing does."""
    model = Model(BOTH[name]).run()

    assert model.inconsistent > model.unseen > 0


@pytest.mark.parametrize("broken", BREAKS)
def test_an_order_that_is_broken_is_shown(broken: str) -> None:
    limits, words = SHOWN_BY[broken]
    Model(limits).run()  # as it is, it holds

    with pytest.raises(Wrong, match=f"^{words}: 0 opens > ") as caught:
        Model(limits, broken).run()
    assert str(caught.value).count(" > ") < 20, "the shortest way there"


def test_the_model_opens_by_the_table_of_the_format() -> None:
    """Every row of the table in §6 is met, and nothing else but a place where nothing is yet."""
    text = SCHEMA.read_text("utf-8").partition("| file against lock store, at opening |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in text.split("\n")[2:]]
    met: set[str] = set()
    for limits in (Limits(copies=2), Limits(forger=True), Limits(restores_lock=1), Limits(restores_file=1)):
        met |= Model(limits).run().openings

    assert len(rows) == 8
    assert {meaning for _, meaning, _ in rows} | {NEW} == met


def test_the_model_has_the_steps_of_the_format() -> None:
    text = SCHEMA.read_text("utf-8").partition("Order of one append:")[2].partition("The lock store is a folder")[0]
    steps = dict(re.findall(r"^(\d)\. (.*)$", text, re.MULTILINE))

    assert list(steps) == list("012345")
    assert "announces there" in text
    for number, words in {"1": "committed", "2": "read back", "3": "signed", "4": "compared", "5": "stored"}.items():
        assert words in steps[number]
