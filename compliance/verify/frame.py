"""Columns equal the signed line: everything of a line except nonce, commitment and record follows from its columns.

Format: schemas/ledger.md §7. The check runs inside DuckDB over all rows; what differs is named row by row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn

import orjson

_SAME = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
# What is left of a number with a fraction or an exponent when digits and minus signs go, and every mark that can stand
# before or after a number is a comma. Some strings hold it too.
_MARKS = bytes.maketrans(b"[]}:", b",,,,")
_DIGITS = b"-0123456789"
_FRACTION, _EXPONENT = re.compile(rb"\.e?,").search, re.compile(rb",e,").search

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


def all_canonical(lines: Sequence[bytes]) -> bool:
    """Whether all lines, each of which begins with `{`, are canonical JSON (§2): written again they are the same bytes,
    so no order, space, escape or doubled key hides in one, and no number that some programs read in another way.

    They are read one by one and written together, which takes half the time: as no object is the beginning of another,
    the whole is the same only when each line is.
    """
    whole = b"".join((b"[", b",".join(lines), b"]"))
    try:
        if orjson.dumps(list(map(orjson.loads, lines)), None, _SAME) != whole:
            return False
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # no JSON, or an integer beyond 2^53
        return False
    bare = whole.translate(_MARKS, _DIGITS)
    return _FRACTION(bare) is _EXPONENT(bare) is None or all(map(_whole, lines))


def _whole(line: bytes) -> bool:
    """Whether all numbers of a line are integers; what looked otherwise was in a string."""
    try:
        json.loads(line, parse_float=_refuse)
    except ValueError:
        return False
    return True


def _refuse(text: str) -> NoReturn:
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
