"""Columns equal the signed line: everything of a line except nonce, commitment and record follows from its columns.

Format: schemas/ledger.md §7. The check runs inside DuckDB over all rows; what differs is named row by row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NoReturn

import orjson

_SAME = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_FRACTION = re.compile(rb"\.[0-9]+[,}\]]")  # a number with a fraction ends like this, and some strings hold it too
_POWER = re.compile(rb"e-?[0-9]+[,}\]]")

# `concat` skips NULL, so a column that must not be NULL makes a frame that no line has.
_HEAD = """concat('{"at":"', strftime("at", '%Y-%m-%dT%H:%M:%S.%f'), 'Z","collection":',
    coalesce(collection::VARCHAR, 'null'),
    ',"gone":', gone::VARCHAR, ',"key":', coalesce(key, 'null'), ',"kind":"', kind, '","nonce":"')"""
_MIDDLE = """concat('","observed_at":',
    CASE WHEN observed_at IS NULL THEN 'null' ELSE concat('"', strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%f'), 'Z"') END,
    ',"personal":', CASE WHEN subject IS NULL THEN 'null,"record":{'
                         ELSE concat('{"alias":"', subject, '","commitment":"') END)"""
_TAIL = """concat('},"seq":', seq, ',"source":"', source, '","v":1}')"""

# The head in characters is where the nonce starts; 32 hexadecimal digits later the middle does.
AGREES = f"""coalesce(starts_with(line, {_HEAD}) AND ends_with(line, {_TAIL})
    AND starts_with(substr(line, length({_HEAD}) + 33), {_MIDDLE})
    AND (subject IS NULL
         OR starts_with(substr(line, length({_HEAD}) + 33 + length({_MIDDLE}) + 64), '"}},"record":{{')), false)"""


def all_canonical(lines: Iterable[bytes]) -> bool:
    """Whether all lines are canonical JSON (§2): written again they are the same bytes, so no order, space, escape
    or doubled key hides in one, and no number that some programs read in another way."""
    load, dump, same, fraction, power = orjson.loads, orjson.dumps, _SAME, _FRACTION.search, _POWER.search
    try:
        return all(
            dump(load(line), None, same) == line and (fraction(line) is power(line) is None or _whole(line))
            for line in lines
        )
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # no JSON, or an integer beyond 2^53
        return False


def _whole(line: bytes) -> bool:
    """Whether all numbers of a line are integers; what looked otherwise was in a string."""
    try:
        json.loads(line, parse_float=_fraction)
    except ValueError:
        return False
    return True


def _fraction(text: str) -> NoReturn:
    raise ValueError(text)


def differences(row: dict[str, Any]) -> str:
    """What of a row differs from its line, in words. `row` holds all columns."""
    try:
        entry = orjson.loads(row["line"])
        signed = {
            "seq": entry["seq"],
            "at": _naive(entry["at"]),
            "kind": entry["kind"],
            "source": entry["source"],
            "collection": entry["collection"],
            "key": None if entry["key"] is None else orjson.dumps(entry["key"]).decode(),
            "subject": entry["personal"] and entry["personal"]["alias"],
            "gone": entry["gone"],
            "observed_at": entry["observed_at"] and _naive(entry["observed_at"]),
        }
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return "its line is not an entry"
    wrong = [name for name, value in signed.items() if row[name] != value]
    if not wrong:
        return "its line is not in the form of an entry"
    if wrong == ["seq"]:
        return f"its line is that of entry {entry['seq']}"
    told = (f"column {name} is {row[name]!r} but the line says {signed[name]!r}" for name in wrong)
    return "; ".join(told)


def _naive(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)
