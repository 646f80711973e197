"""Records in Arrow: the short way for records of the usual form gives what the closer look gives, byte for byte."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pyarrow as pa
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from compliance.ledger import bulk
from compliance.ledger.keystore import KeyStore
from compliance.ledger.line import Events, Rows, build
from compliance.schemas.errors import EvidenceError
from compliance.schemas.kinds.engine import ClockStep
from tests.ledger.places import START, Place, verdict

AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
STEP = ClockStep(occurred_at=START, clock_at=START, back_us=5).row()


@pytest.fixture(scope="module")
def keystore(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("subjects") / "keys.sqlite")


def taken(kind: str, texts: list[str], keystore: KeyStore, form: pa.DataType) -> Rows | Events | str:
    try:
        return bulk.rows(kind, "bulk", pa.table({"record": pa.array(texts, form)}), keystore)
    except EvidenceError as error:
        return error.message


def columns(found: Rows | Events | str) -> object:
    if isinstance(found, Events):
        return list(found.records.to_pylist()), found.keys.to_pylist(), found.observed.to_pylist()
    return (list(found.records), list(found.keys), list(found.observed)) if isinstance(found, Rows) else found


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.text(max_size=5),
    st.sampled_from(["2026-11-23T06:45:50.123456Z", "2026-11-23T06:45:50.123456Z\n", "2026-11-23", "\x7f", '"', "\\"]),
    st.just({}),
    st.just({"a": [1]}),
)


@settings(max_examples=300, deadline=None)
@drawn(
    st.sampled_from(["control_verdict", "clock_step"]),
    st.dictionaries(st.integers(0, 20), VALUES, max_size=2),
    st.none()
    | st.tuples(st.integers(0, 400), st.sampled_from([" ", '"', "0", "-", "e1", "\\", "\n", "\x00", ",", "}"])),
)
def test_both_ways_take_and_refuse_the_same(
    keystore: KeyStore, kind: str, changes: dict[int, object], put: tuple[int, str] | None
) -> None:
    row = dict(verdict(1).row() if kind == "control_verdict" else STEP)
    for place, value in changes.items():
        row[sorted(row)[place % len(row)]] = value
    text = orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode()
    if put:
        text = text[: put[0]] + put[1] + text[put[0] :]

    short = taken(kind, [text], keystore, pa.string())
    close = taken(kind, [text], keystore, pa.large_string())

    assert columns(short) == columns(close)
    assert not isinstance(close, Events)


def test_the_usual_form_takes_the_short_way(keystore: KeyStore) -> None:
    usual = orjson.dumps(verdict(1).row(), option=orjson.OPT_SORT_KEYS).decode()

    assert isinstance(taken("control_verdict", [usual], keystore, pa.string()), Events)
    assert isinstance(taken("control_verdict", [usual, usual.replace("ok", '\\"')], keystore, pa.string()), Rows)


@pytest.mark.parametrize("observed", [[None, START], [None, None], [START, START]])
def test_both_ways_give_the_same_rows(keystore: KeyStore, observed: list[datetime | None]) -> None:
    texts = [orjson.dumps(verdict(n).row(), option=orjson.OPT_SORT_KEYS).decode() for n in (8, 9)]
    times = pa.array(observed, pa.timestamp("us", "UTC"))
    short, close = (
        bulk.rows(
            "control_verdict", "bulk", pa.table({"record": pa.array(texts, form), "observed_at": times}), keystore
        )
        for form in (pa.string(), pa.large_string())
    )
    assert isinstance(short, Events)
    assert isinstance(close, Rows)

    one = bulk.event_table(short, 7, AT)
    two = bulk.entry_table(close, build(close, 7, "2026-11-23T07:00:00.000000Z", "origin"), 7, AT)

    assert one.drop_columns(["line"]) == two.drop_columns(["line"])
    for left, right in zip(one["line"].to_pylist(), two["line"].to_pylist(), strict=True):
        nonce = orjson.loads(left)["nonce"]
        assert len(bytes.fromhex(nonce)) == 16
        assert left == right.replace(orjson.loads(right)["nonce"], nonce)


def test_text_that_is_no_unicode_is_refused(place: Place) -> None:
    usual = orjson.dumps(verdict(1).row(), option=orjson.OPT_SORT_KEYS).replace(b'"ok"', b'"\xed\xa0\x80"')
    raw = pa.array([usual], pa.binary()).view(pa.string())
    with place.open() as ledger:
        with pytest.raises((EvidenceError, UnicodeDecodeError)):
            ledger.append_table("control_verdict", "bulk", pa.table({"record": raw}))
        assert ledger.size == 1
