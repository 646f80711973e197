"""The canonical JSON of ledger lines: RFC 8785, restricted so that common encoders agree on the bytes.

Inside the profile `orjson` with sorted keys writes the same bytes as RFC 8785:
- object keys match `[a-z][a-z0-9_]*` (so byte order equals UTF-16 order);
- integers within ±(2^53 − 1); no floats (a decimal travels as a string);
- strings without lone surrogates; at most 8 levels deep.
Input outside the profile raises EvidenceError; nothing is normalised silently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import orjson

from compliance.schemas.errors import EvidenceError

MAX_INT = 2**53 - 1
MAX_DEPTH = 8

_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
_PLAIN = frozenset({str, bool, type(None)})
_known_keys: set[str] = set()

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def encode(value: Any) -> bytes:
    """The canonical bytes of `value`.

    Raises:
        EvidenceError: the value lies outside the profile; the message names the place.
    """
    check(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:  # lone surrogates surface only here
        raise EvidenceError(f"not canonical JSON: {error}") from error


def check(value: Any, path: str = "$", depth: int = 1) -> None:
    """Raise EvidenceError where `value` leaves the profile."""
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind is int:
        if not -MAX_INT <= value <= MAX_INT:
            raise EvidenceError(f"{path}: integer {value} does not fit ±(2^53 − 1); write it as text")
        return
    if depth > MAX_DEPTH:
        raise EvidenceError(f"{path}: nested deeper than {MAX_DEPTH} levels")
    if kind is dict:
        for key, item in value.items():
            if key not in _known_keys:
                if type(key) is not str or not _KEY.match(key):
                    raise EvidenceError(f"{path}: key {key!r} is not of the form [a-z][a-z0-9_]*")
                if len(_known_keys) < 10_000:  # keys of free-form detail must not grow this without bound
                    _known_keys.add(key)
            if type(item) not in _PLAIN:
                check(item, f"{path}.{key}", depth + 1)
        return
    if kind is list:
        for n, item in enumerate(value):
            if type(item) not in _PLAIN:
                check(item, f"{path}[{n}]", depth + 1)
        return
    raise EvidenceError(f"{path}: {kind.__name__} has no canonical form; use text, integer, boolean, list or object")


def instant(value: datetime) -> str:
    """An aware time as the ledger writes it: UTC, microseconds, `Z` (`2026-11-23T06:45:50.123456Z`)."""
    if value.tzinfo is None:
        raise EvidenceError(f"time {value.isoformat()} has no time zone; times are aware UTC")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instant(text: str) -> datetime:
    """The inverse of `instant`; raises ValueError on any other form."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def jsonable(value: Any) -> Any:
    """Evidence values as profile JSON: times as `instant`, enumerations as their text, tuples and sets as sorted lists.

    Free-form objects keep only keys of the profile: other keys travel as `[{"name": …, "value": …}]` lists, so that
    a vendor's `Content-Type` or `log_line_prefix%` is kept to the letter.
    """
    if value is None or (isinstance(value, bool | int | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Mapping):
        if all(isinstance(k, str) and _KEY.match(k) for k in value):
            return {k: jsonable(v) for k, v in value.items()}
        return [{"name": str(k), "value": jsonable(v)} for k, v in sorted(value.items(), key=lambda kv: str(kv[0]))]
    if isinstance(value, set | frozenset):
        return sorted(jsonable(v) for v in value)
    if isinstance(value, list | tuple):
        return [jsonable(v) for v in value]
    if isinstance(value, float):
        return repr(value)
    raise EvidenceError(f"{type(value).__name__} cannot be recorded as evidence")
