"""What follows from a kind's class."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import jsonschema
import orjson
import pytest
from pydantic import ValidationError

from compliance.schemas import canonical
from compliance.schemas.errors import EvidenceError
from compliance.schemas.evidence import VIEW_COLUMNS, all_kinds, duckdb_type, json_schema, kind_named
from compliance.schemas.kinds.host import PatchState
from compliance.schemas.kinds.identity import AccountType, UserAccount


@pytest.mark.parametrize("kind", all_kinds().values(), ids=lambda k: k.kind)
def test_every_kind_gives_a_table_and_a_schema(kind: type[UserAccount]) -> None:
    columns = kind.columns()
    assert not columns.keys() & VIEW_COLUMNS.keys()
    assert set(kind.key) <= columns.keys()
    assert kind.subject_column is None or kind.subject_column in kind.personal_columns()
    body = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
    with duckdb.connect() as connection:
        connection.execute(f'CREATE TABLE "{kind.kind}" ({body})')
    jsonschema.Draft202012Validator.check_schema(json_schema(kind))


def test_a_row_fits_the_published_schema() -> None:
    row = UserAccount(account="ana", account_type=AccountType.HUMAN, created_at=datetime(2026, 1, 2, tzinfo=UTC)).row()
    jsonschema.validate(row, json_schema(UserAccount))
    assert row["created_at"] == "2026-01-02T00:00:00.000000Z"
    assert row["is_active"] is None
    assert list(row) == list(UserAccount.model_fields)


def test_what_is_not_a_column_is_refused() -> None:
    with pytest.raises(ValidationError, match="last_login"):
        UserAccount(account="ana", last_login="yesterday")  # type: ignore[call-arg]


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="time zone"):
        PatchState(asset="a", last_update_at=datetime(2026, 1, 1))  # noqa: DTZ001 -- the point of the test


def test_an_unknown_kind_is_named_with_its_neighbour() -> None:
    with pytest.raises(EvidenceError, match="did you mean user_account"):
        kind_named("user_acount")


def test_floats_have_no_column() -> None:
    with pytest.raises(TypeError, match="floats"):
        duckdb_type(float, "share")


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"A": 1}, "form"),
        ({"a": 1.5}, "float"),
        ({"a": 2**53}, "does not fit"),
        ({"a": {"b": [2**60]}}, r"\$\.a\.b\[0\]"),
        ({"a": "\ud800"}, "canonical"),
    ],
)
def test_outside_the_profile_is_refused(value: object, where: str) -> None:
    with pytest.raises(EvidenceError, match=where):
        canonical.encode(value)


def test_nesting_is_bounded() -> None:
    value: object = 1
    for _ in range(9):
        value = [value]
    with pytest.raises(EvidenceError, match="deeper"):
        canonical.encode(value)


def test_keys_outside_the_profile_travel_as_pairs() -> None:
    plain = canonical.jsonable({"Content-Type": "x", "a": 1})
    assert plain == [{"name": "Content-Type", "value": "x"}, {"name": "a", "value": 1}]
    assert orjson.loads(canonical.encode(plain)) == plain


def test_instants_round_trip() -> None:
    moment = datetime(2026, 11, 23, 6, 45, 50, 123456, tzinfo=UTC)
    assert canonical.parse_instant(canonical.instant(moment)) == moment
    with pytest.raises(ValueError, match="does not match"):
        canonical.parse_instant("2026-11-23T06:45:50Z")
