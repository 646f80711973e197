"""One cell as a value of its column: what stands there, or what is wrong with it. Nothing is guessed.

Text is read by the type of the column: dates and times by ISO 8601, yes and no in English and Spanish, whole numbers
in digits, words of a closed set as they are listed, lists with `;` or `|` between their items (`[]` is the list with
none). An empty cell is NULL. Forms that have types of their own (JSON, databases) give these, and text is
read as in a file of text.
"""

from __future__ import annotations

import difflib
import json
import re
import types
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

YES = frozenset({"yes", "true", "si", "sí", "verdadero"})
NO = frozenset({"no", "false", "falso"})
NULL: Any = None

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}\Z", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)? ?(Z|z|[+-][0-9]{2}:?[0-9]{2})?\Z",
    re.ASCII,
)
# What a spreadsheet shows for a formula that failed, in English and Spanish, and writes into the CSV.
_FAILED = re.compile(r"#[¡¿]?(N/A|N/D|REF|VALUE|VALOR|DIV/0|NAME|NOMBRE|NULL|NULO|NUM|SPILL|CALC)[!?]?\Z")


class Wrong(Exception):
    """A cell does not fit its column: what it is not, and what to write. Its own text is not repeated here."""

    def __init__(self, what: str, write: str) -> None:
        super().__init__(f"{what}; {write}")
        self.what = what
        self.write = write


def value(given: Any, annotation: Any, zone: ZoneInfo | None, *, numbers_are_truths: bool = False) -> Any:
    """`given` (text, or what a typed form gives) as a value of the type `annotation`; None for an empty cell.

    `numbers_are_truths`: the form has no truth values and writes 0 and 1 for them, as SQLite does.

    Raises:
        Wrong: it is none.
    """
    if isinstance(given, str):
        given = given.strip()
    if given is None or given == "":
        return NULL
    if isinstance(given, str) and _FAILED.match(given):
        raise Wrong("is a formula that failed", "mend it in the spreadsheet, or write the value")
    origin = get_origin(annotation)
    if origin is Annotated:
        return value(given, get_args(annotation)[0], zone, numbers_are_truths=numbers_are_truths)
    if origin in (Union, types.UnionType):
        (inner,) = [one for one in get_args(annotation) if one is not type(None)]
        return value(given, inner, zone, numbers_are_truths=numbers_are_truths)
    if origin in (list, tuple, set, frozenset):
        return _list(given, get_args(annotation)[0], zone)
    if origin is dict or annotation is dict:
        return _object(given)
    if origin is Literal:
        return _word(given, {str(one): one for one in get_args(annotation)})
    if isinstance(annotation, type):
        if issubclass(annotation, Enum):
            return _word(given, {str(one.value): one for one in annotation})
        if issubclass(annotation, bool):
            return _truth(given, numbers_are_truths)
        if issubclass(annotation, int):
            return _whole(given)
        if issubclass(annotation, datetime):
            return _moment(given, zone)
        if issubclass(annotation, str):
            return _text(given)
    raise TypeError(f"{annotation!r} is no type of a column")


def form_of(annotation: Any) -> str:
    """How a value of this type is written in a cell, for the people who keep the register."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return form_of(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return form_of(next(one for one in get_args(annotation) if one is not type(None)))
    if origin in (list, tuple, set, frozenset):
        return f"list, ; between items: {form_of(get_args(annotation)[0])}"
    if origin is dict or annotation is dict:
        return "JSON object"
    if origin is Literal:
        return "one of: " + ", ".join(str(one) for one in get_args(annotation))
    if issubclass(annotation, Enum):
        return "one of: " + ", ".join(str(one.value) for one in annotation)
    if issubclass(annotation, bool):
        return "yes or no (sí o no)"
    if issubclass(annotation, int):
        return "whole number"
    return "2026-11-26 or 2026-11-26T14:30-06:00" if issubclass(annotation, datetime) else "text"


def _text(given: Any) -> str:
    if isinstance(given, str):
        if "\x00" in given or "\ufffd" in given:
            raise Wrong("holds a character that was lost in another encoding", "write the letter that belongs there")
        return given
    if isinstance(given, bool) or not isinstance(given, int):
        raise Wrong("is no text", "write it as text")
    return str(given)  # a number of a ticket, as typed forms give it


def _truth(given: Any, numbers_are_truths: bool) -> bool:
    if isinstance(given, bool):
        return given
    if numbers_are_truths and type(given) is int and given in (0, 1):
        return bool(given)
    word = given.casefold() if isinstance(given, str) else ""
    if word in YES | NO:
        return word in YES
    raise Wrong("is neither yes nor no", "write yes or no (sí o no), or leave it empty if it is not known")


def _whole(given: Any) -> int:
    if type(given) is int:
        return int(given)
    if isinstance(given, str) and _WHOLE.match(given):
        return int(given)
    raise Wrong("is no whole number", "write digits only, without separators, units or decimals")


def _moment(given: Any, zone: ZoneInfo | None) -> datetime:
    how = "write 2026-11-26 or 2026-11-26T14:30-06:00"
    if isinstance(given, datetime):
        return _placed(given, zone)
    if isinstance(given, date):
        return _placed(datetime(given.year, given.month, given.day), zone)  # noqa: DTZ001 -- its zone comes next
    if not isinstance(given, str) or not (_DAY.match(given) or _TIME.match(given)):
        raise Wrong("is no date or time as ISO 8601 writes it", how)
    try:
        return _placed(datetime.fromisoformat(given.replace(" ", "T", 1).replace(" ", "").upper()), zone)
    except (ValueError, OverflowError):  # in UTC it may lie beyond the last year there is
        raise Wrong("is a date or time that does not exist", how) from None


def _placed(moment: datetime, zone: ZoneInfo | None) -> datetime:
    """The moment in UTC. One without a zone is taken in `zone`; a day is its first moment there."""
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if zone is None:
        raise Wrong("is a date or time without a zone", "write the zone (2026-11-26T14:30-06:00), or set time_zone")
    placed = moment.replace(tzinfo=zone)
    if placed.utcoffset() != placed.replace(fold=1).utcoffset():
        raise Wrong("is an hour that the clock showed twice or not at all", "write the zone: 2026-11-01T01:30-06:00")
    return placed.astimezone(UTC)


def _word(given: Any, known: Mapping[str, Any]) -> Any:
    text = str(given) if type(given) is int else given
    if isinstance(text, str):
        folded = {word.casefold(): one for word, one in known.items()}
        if text in known:
            return known[text]
        if text.casefold() in folded and len(folded) == len(known):
            return folded[text.casefold()]
        near = difflib.get_close_matches(text.casefold().replace(" ", "_"), folded, n=1)
        if near:
            raise Wrong(f"is none of {', '.join(known)}", f"write {near[0]}, if that is meant")
    raise Wrong("is none of the words of this column", f"write one of {', '.join(known)}")


def _list(given: Any, inner: Any, zone: ZoneInfo | None) -> list[Any]:
    if isinstance(given, str):
        if given == "[]":
            return []
        if ";" in given and "|" in given:
            raise Wrong("separates items with both ; and |", "write only one of them between items")
        given = given.split("|" if "|" in given else ";")
    if not isinstance(given, list | tuple):
        raise Wrong("is no list", "write items with ; between them, or [] for none")
    found = []
    for number, item in enumerate(given, start=1):
        one = value(item, inner, zone)
        if one is None:
            raise Wrong(f"has an empty item (number {number})", "write items with one ; between them, none at the end")
        found.append(one)
    return found


def _object(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise Wrong("is no JSON", 'write an object: {"name": "value"}') from None
    if not isinstance(given, dict):
        raise Wrong("is no JSON object", 'write an object: {"name": "value"}')
    return given
