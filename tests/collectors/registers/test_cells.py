"""A cell is read as its column's type, or refused with what to write."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from compliance.collectors.registers.cells import Wrong, form_of, value
from compliance.schemas.evidence import Instant

MEXICO = ZoneInfo("America/Mexico_City")
DENVER = ZoneInfo("America/Denver")


class Level(StrEnum):
    LOW = "low"
    HIGH = "very_high"


@pytest.mark.parametrize(
    ("given", "annotation", "expected"),
    [
        ("", str, None),
        ("   ", int, None),
        (None, bool, None),
        (" Ana  Ruiz ", str | None, "Ana  Ruiz"),
        ("no", str, "no"),
        ("0042", str, "0042"),
        (42, str, "42"),
        ("Sí", bool | None, True),
        ("si", bool, True),
        ("VERDADERO", bool, True),
        ("No", bool, False),
        ("falso", bool, False),
        (True, bool, True),
        ("-7", int, -7),
        (7, int | None, 7),
        ("very_high", Level | None, Level.HIGH),
        ("Low", Level, Level.LOW),
        ("Post", Literal["post", "mail"] | None, "post"),
        ("a;b ; c", list[str], ["a", "b", "c"]),
        ("1|2", list[int], [1, 2]),
        ("[]", list[str] | None, []),
        (["x"], list[str], ["x"]),
        ('{"a": 1}', dict[str, Any] | None, {"a": 1}),
        ("2026-11-26T14:30:00Z", Instant, datetime(2026, 11, 26, 14, 30, tzinfo=UTC)),
        ("2026-11-26 14:30 -06:00", Instant, datetime(2026, 11, 26, 20, 30, tzinfo=UTC)),
        ("2026-11-26", Instant | None, datetime(2026, 11, 26, 6, 0, tzinfo=UTC)),
        ("2026-11-26T14:30", Instant, datetime(2026, 11, 26, 20, 30, tzinfo=UTC)),
        (date(2026, 11, 26), Instant, datetime(2026, 11, 26, 6, 0, tzinfo=UTC)),
    ],
)
def test_what_fits_is_read(given: Any, annotation: Any, expected: Any) -> None:
    found = value(given, annotation, MEXICO)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("given", "annotation", "said"),
    [
        ("maybe", bool, "neither yes nor no"),
        ("1", bool, "neither yes nor no"),
        (1, bool, "neither yes nor no"),
        ("x", bool, "neither yes nor no"),
        ("1,000", int, "no whole number"),
        ("3.0", int, "no whole number"),
        (3.5, int, "no whole number"),
        (True, int, "no whole number"),
        ("٣", int, "no whole number"),
        ("9" * 19, int, "no whole number"),
        ("26/11/2026", Instant, "no date or time"),
        ("11-26-2026", Instant, "no date or time"),
        ("2026-11", Instant, "no date or time"),
        ("20261126", Instant, "no date or time"),
        ("2026-02-30", Instant, "does not exist"),
        ("9999-12-31T23:59-06:00", Instant, "does not exist"),
        ("2026-11-26T25:00Z", Instant, "does not exist"),
        (20261126, Instant, "no date or time"),
        ("hihg", Level, "none of"),
        ("", list[int], None),
        ("1;;2", list[int], "empty item"),
        ("a;b;", list[str], "empty item"),
        ("a;b|c", list[str], "both"),
        ("a;x", list[int], "no whole number"),
        ("{", dict[str, Any], "no JSON"),
        ("[1]", dict[str, Any], "no JSON object"),
        (True, str, "no text"),
        (["a"], str, "no text"),
        ("J\ufffdrg", str, "lost"),
        ("#N/A", str, "formula that failed"),
        ("#¡REF!", int, "formula that failed"),
    ],
)
def test_what_does_not_fit_is_refused(given: Any, annotation: Any, said: str | None) -> None:
    if said is None:
        assert value(given, annotation, MEXICO) is None
        return
    with pytest.raises(Wrong, match=said) as caught:
        value(given, annotation, MEXICO)
    assert caught.value.write


def test_a_time_without_a_zone_needs_a_configured_one() -> None:
    with pytest.raises(Wrong, match="without a zone"):
        value("2026-11-26", Instant, None)


@pytest.mark.parametrize("hour", ["2026-11-01T01:30", "2026-03-08T02:30"])
def test_an_hour_that_was_there_twice_or_never_needs_its_zone(hour: str) -> None:
    with pytest.raises(Wrong, match="twice or not at all"):
        value(hour, Instant, DENVER)
    assert value(f"{hour}-07:00", Instant, DENVER) is not None


def test_the_nearest_word_is_named() -> None:
    with pytest.raises(Wrong) as caught:
        value("very hihg", Level, None)
    assert caught.value.write == "write very_high, if that is meant"


def test_truths_as_numbers_only_where_the_form_has_no_others() -> None:
    assert value(1, bool, None, numbers_are_truths=True) is True
    assert value(0, bool | None, None, numbers_are_truths=True) is False
    with pytest.raises(Wrong):
        value(2, bool, None, numbers_are_truths=True)


def test_people_are_told_how_to_write_each_type() -> None:
    assert form_of(bool | None) == "yes or no (sí o no)"
    assert form_of(Level | None) == "one of: low, very_high"
    assert form_of(list[str] | None) == "list, ; between items: text"
    assert form_of(Instant).startswith("2026-11-26")
