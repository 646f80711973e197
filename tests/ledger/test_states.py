"""States stored as change, events exactly once, gaps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from compliance.ledger import Ledger
from compliance.schemas.errors import EvidenceError, LedgerError
from compliance.schemas.kinds.network import FirewallDefault
from compliance.schemas.messages import Record
from compliance.verify import verify_connection
from tests.ledger.places import START, Place, account, given, state, verdict


def records(table: pa.Table) -> list[dict[str, Any]]:
    return [json.loads(text) for text in table["record"].to_pylist()]


def names(ledger: Ledger, seq: int) -> list[str]:
    return sorted(row["account"] for row in records(ledger.state(seq)))


def verified(ledger: Ledger, place: Place) -> None:
    found = verify_connection(ledger.connection, vkey=ledger.vkey, lock_store=place.lock, key_of=ledger.keystore.key)
    assert found.ok, found.problems
    assert (found.size, found.root) == (ledger.size, ledger.root)


def test_only_what_changed_is_stored(place: Place) -> None:
    people = [account(f"u{n}", email=f"u{n}@example.org", is_active=True) for n in range(10)]
    with place.open() as ledger:
        first = state(ledger, people)
        same = state(ledger, people)
        people[3] = account("u3", email="new@example.org", is_active=True)
        less = state(ledger, people[:-1])

        assert (first.base, first.previous, first.rows, first.stored) == (first.seq, None, 10, 10)
        assert (same.base, same.previous, same.rows, same.stored) == (first.seq, first.seq, 10, 0)
        assert (less.base, less.previous, less.rows, less.stored) == (first.seq, same.seq, 9, 2)
        assert same.snapshot_sha256 == first.snapshot_sha256 != less.snapshot_sha256
        assert names(ledger, same.seq) == [f"u{n}" for n in range(10)]
        assert names(ledger, less.seq) == [f"u{n}" for n in range(9)]
        assert {r["email"] for r in records(ledger.state(less.seq))} >= {"new@example.org", "u2@example.org"}
        assert {r["email"] for r in records(ledger.state(same.seq))} >= {"u3@example.org", "u9@example.org"}
        assert [c.seq for c in ledger.collections()] == [first.seq, same.seq, less.seq]
        assert ledger.collections(upto=less.seq) == [first, same]
        verified(ledger, place)


def test_a_row_that_comes_back(place: Place) -> None:
    people = [account(f"u{n}") for n in range(9)]
    with place.open() as ledger:
        state(ledger, people)
        without = state(ledger, people[1:])
        back = state(ledger, people)

        assert (names(ledger, without.seq), back.stored) == ([f"u{n}" for n in range(1, 9)], 1)
        assert names(ledger, back.seq) == [f"u{n}" for n in range(9)]
        verified(ledger, place)


def test_much_change_stores_the_full_set(place: Place) -> None:
    with place.open() as ledger:
        first = state(ledger, [account(f"u{n}") for n in range(10)])
        half = state(ledger, [account(f"u{n}", is_active=n < 5) for n in range(10)])
        empty = state(ledger, [])
        still = state(ledger, [])

        assert first.base == first.seq
        assert (half.base, half.stored) == (half.seq, 10)
        assert (empty.base, empty.stored, empty.rows) == (empty.seq, 0, 0)
        assert (still.base, still.previous) == (empty.seq, empty.seq)
        assert ledger.state(still.seq).num_rows == 0
        verified(ledger, place)


def test_the_first_of_a_month_stores_the_full_set(place: Place) -> None:
    place.now = datetime(2026, 11, 30, 23, 59, 50, tzinfo=UTC)
    with place.open() as ledger:
        november = state(ledger, [account("a"), account("b"), account("c")])
        place.now = datetime(2026, 12, 1, tzinfo=UTC)
        december = state(ledger, [account("a"), account("b"), account("c")])

        assert november.at.month == 11
        assert (december.base, december.previous, december.stored) == (december.seq, november.seq, 3)
        verified(ledger, place)


def test_sources_and_kinds_have_their_own_chains_across_restarts(place: Place) -> None:
    with place.open() as ledger:
        one = state(ledger, [account("a")])
        two = state(ledger, [account("a")], source="web")
    with place.open() as ledger:
        again = state(ledger, [account("a")])
        other = state(ledger, [account("a")], source="web")

        assert (again.base, again.stored, other.base, other.stored) == (one.seq, 0, two.seq, 0)
        assert ledger.entry(one.seq + 1).key != ledger.entry(two.seq + 1).key
        verified(ledger, place)


def test_a_gap_leaves_the_chain_alone(place: Place) -> None:
    with place.open() as ledger:
        first = state(ledger, [account("a")])
        gap = ledger.record_gap(given(outcome="denied", message="no right", remedy="grant it", run="r2"))
        after = state(ledger, [account("a")], run="r3")

        assert (gap.outcome, gap.stored, gap.rows, gap.base, gap.message) == ("denied", 0, None, None, "no right")
        assert (after.previous, after.stored) == (first.seq, 0)
        with pytest.raises(LedgerError, match="denied"):
            ledger.state(gap.seq)
        with pytest.raises(EvidenceError):
            ledger.record_gap(given())
        verified(ledger, place)


def test_two_records_of_one_key_are_refused(place: Place) -> None:
    with place.open() as ledger:
        with pytest.raises(EvidenceError, match="records 0 and 2 have the same key") as caught:
            state(ledger, [account("jane"), account("b"), account("jane", is_active=True)])
        with pytest.raises(EvidenceError, match="control_verdict"):
            state(ledger, [Record(verdict(1))])

        assert "jane" not in str(caught.value)
        assert ledger.size == 1
        assert ledger.keystore.find("db", "jane") is None


def test_several_states_are_one_transaction(place: Place) -> None:
    guard = [Record(FirewallDefault(zone=zone, direction="in", default_action="deny")) for zone in "abc"]
    wide = [*guard[:2], Record(FirewallDefault(zone="c", direction="in", default_action="allow"))]
    with place.open() as ledger:
        first = ledger.record_states([(given(), [account("a")]), (given("firewall_default"), guard)])
        size = ledger.size
        same = ledger.record_states([(given(run="r2"), [account("a")]), (given("firewall_default", run="r2"), guard)])
        less = ledger.record_states([(given("firewall_default", run="r3"), wide), (given(run="r3"), [])])

        assert [(one.of_kind, one.stored) for one in first] == [("user_account", 1), ("firewall_default", 3)]
        assert [(one.base, one.previous, one.stored) for one in same] == [(one.seq, one.seq, 0) for one in first]
        assert [one.seq for one in same] == [size, size + 1]
        assert [(one.of_kind, one.stored) for one in less] == [("firewall_default", 1), ("user_account", 0)]
        assert [r["default_action"] for r in records(ledger.state(same[1].seq))] == ["deny"] * 3
        assert sorted(r["default_action"] for r in records(ledger.state(less[0].seq))) == ["allow", "deny", "deny"]
        assert names(ledger, less[1].seq) == []
        with pytest.raises(EvidenceError, match="once"):
            ledger.record_states([(given(run="r4"), []), (given(run="r4"), [account("b")])])
        with pytest.raises(EvidenceError, match="at least one"):
            ledger.record_states([])
        verified(ledger, place)


def test_a_personal_column_alone_is_a_change(place: Place) -> None:
    """It is not in the digest of the set."""
    with place.open() as ledger:
        first = state(ledger, [account("a", email="a@example.org")])
        other = state(ledger, [account("a", email="b@example.org")])

        assert other.snapshot_sha256 == first.snapshot_sha256
        assert [r["email"] for r in records(ledger.state(other.seq))] == ["b@example.org"]


def test_events_follow_a_cursor(place: Place) -> None:
    batch = [Record(verdict(n), observed_at=START) for n in range(4)]
    with place.open() as ledger:
        assert ledger.cursor("ci", "control_verdict") is None
        fields = given(kind="control_verdict", source="ci")
        one = ledger.record_events(fields, batch[:2], "c2", final=False)
        two = ledger.record_events(fields, batch[2:], "c4", final=True)
        assert (one.part, one.outcome, one.stored, two.part, two.outcome, two.stored) == (
            0,
            "partial",
            2,
            1,
            "complete",
            2,
        )
    with place.open() as ledger:
        assert ledger.cursor("ci", "control_verdict") == "c4"
        ledger.record_gap(given(kind="control_verdict", source="ci", run="r2", outcome="timeout"))
        assert ledger.cursor("ci", "control_verdict") == "c4"
        assert [r["control"] for r in records(ledger.events("control_verdict"))] == ["c0", "c1", "c2", "c3"]
        assert ledger.events("control_verdict")["observed_at"][0].as_py() == START.replace(tzinfo=None)
        verified(ledger, place)


_SETS = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.booleans(), st.sampled_from(["x", "y", None])))


@settings(max_examples=15, deadline=None)
@drawn(st.lists(_SETS, min_size=1, max_size=6))
def test_every_snapshot_of_any_history_is_rebuilt(tmp_path_factory: pytest.TempPathFactory, history: list[Any]) -> None:
    place = Place(tmp_path_factory.mktemp("states"))
    with place.open() as ledger:
        seen = [
            (state(ledger, [account(k, is_active=on, email=mail) for k, (on, mail) in one.items()]).seq, one)
            for one in history
        ]
        for seq, one in seen:
            rebuilt = {r["account"]: (r["is_active"], r["email"]) for r in records(ledger.state(seq))}
            assert rebuilt == one
        verified(ledger, place)
