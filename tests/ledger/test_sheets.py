"""Events that come as columns: the same entries as one by one, once each, and nothing that does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.ledger import CollectionFields, Ledger, sheets
from compliance.schemas.errors import EvidenceError
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.application import AuditEvent
from compliance.schemas.kinds.code import Repository
from compliance.schemas.messages import Record
from compliance.verify import verify
from tests.ledger.places import Place

SHAPE = sheets.shape(AuditEvent)


def fields(run: str) -> CollectionFields:
    return CollectionFields(
        run=run, of_source="app", of_kind="audit_event", collector="django 1", attempt=1, started_at=datetime.now(UTC)
    )


def event(number: int, **values: Any) -> AuditEvent:
    given = {"occurred_at": datetime(2026, 11, 23, 6, 45, 50, number % 1_000_000, tzinfo=UTC), "log": "trail"}
    return AuditEvent.model_validate({**given, "event": str(number), **values})


def table(events: list[AuditEvent]) -> pa.Table:
    columns = [
        pa.array([getattr(one, name) for one in events], of) for name, of in zip(SHAPE.names, SHAPE.types, strict=True)
    ]
    return pa.table(columns, schema=SHAPE)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with place.open() as opened:
        yield opened


TEXT = st.none() | st.text(max_size=6) | st.sampled_from(['"', "\\", "\n\x00\x1f", "\x7f", "é", "𝄞"])
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "actor": TEXT,
            "source_ip": TEXT,
            "object_key": TEXT,
            "object_type": TEXT,
            "changed_fields": st.none() | st.lists(st.text(max_size=4), max_size=3),
        }
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(EVENTS)
def test_columns_give_the_entries_that_single_events_give(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    events = [event(n, **values) for n, values in enumerate(rows)]
    place = Place(tmp_path_factory.mktemp("sheet"))
    with place.open() as ledger:
        ledger.record_event_table(fields("columns"), table(events), "1")
        ledger.record_events(fields("single"), [Record(one) for one in events], "1", True)
        found = list(ledger.entries("audit_event"))

    ours, theirs = found[: len(events)], found[len(events) :]
    for one, other, given_event in zip(ours, theirs, events, strict=True):
        assert one.record == other.record == given_event.row()
        assert (one.key, one.gone, one.observed_at) == (other.key, other.gone, other.observed_at)
        assert orjson.loads(one.line)["record"] == orjson.loads(other.line)["record"]
        assert (one.subject is None) == (other.subject is None)
        if given_event.actor is not None:
            assert one.subject == other.subject


def test_the_ledger_verifies_and_the_position_is_kept(place: Place, ledger: Ledger) -> None:
    stored = ledger.record_event_table(fields("r"), table([event(n, actor="ana") for n in range(300)]), "here")
    assert (stored.outcome, stored.rows, stored.part) == ("partial", 300, 0)
    assert ledger.record_event_table(fields("r"), table([event(300)]), "there").part == 1
    assert ledger.cursor("app", "audit_event") == "there"
    ledger.close()

    found = verify(place.path, lock_store=place.lock)
    assert found.ok, found.problems


def test_what_is_recorded_already_is_left_out(ledger: Ledger) -> None:
    ledger.record_event_table(fields("r1"), table([event(n) for n in range(10)]), "1")

    stored = ledger.record_event_table(fields("r2"), table([event(n) for n in range(5, 12)]), "2", again=True)
    nothing = ledger.record_event_table(fields("r3"), table([event(3)]), "3", again=True)

    assert (stored.rows, nothing.rows) == (2, 0)
    assert [e.key for e in ledger.entries("audit_event")] == [("trail", str(n)) for n in range(12)]
    assert ledger.cursor("app", "audit_event") == "3"


GOOD = table([event(1), event(2)])


def changed(name: str, values: pa.Array) -> pa.Table:
    return GOOD.set_column(GOOD.schema.get_field_index(name), name, values)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (GOOD.drop_columns(["actor"]), "other columns"),
        (changed("actor", pa.array([1, 2])), "another type"),
        (changed("log", pa.array(["a", None])), "log is NULL"),
        (changed("event", pa.array(["1", "1"])), "same key twice"),
        (changed("changed_fields", pa.array([["a", None], []], pa.list_(pa.string()))), "list with NULL"),
        (changed("occurred_at", pa.array([10**18, 0], pa.timestamp("us", "UTC"))), "years 1 to 9999"),
        (
            changed(
                "actor",
                pa.StringArray.from_buffers(2, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")),
            ),
            "no valid text",
        ),
        (pa.concat_tables([GOOD] * 50_001), "at most"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_whole(ledger: Ledger, bad: pa.Table, words: str) -> None:
    before = ledger.size
    with pytest.raises(EvidenceError, match=words):
        ledger.record_event_table(fields("r"), bad, "1")
    assert ledger.size == before


def test_states_do_not_come_as_tables() -> None:
    kind: type[Evidence] = Repository
    with pytest.raises(EvidenceError, match="cannot come as a table"):
        sheets.shape(kind)
