"""The canonical form of many lines at once is what it is of each: against a slower definition of the same rule."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NoReturn

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.verify.frame import all_canonical

VALUES = (
    *(b"0", b"-1", b"12", b"9007199254740991", b"true", b"false", b"null", b"[]", b"{}", b"[1,2]", b'{"e":1}'),
    *(b'"a.5,b"', b'"x:e,"', b'".,"', b'",e,"', b'"1e5,"', b'"\xc3\xa9"', b'"2026-11-23T06:45:50.000001Z"'),
    *(b"1.5", b"1.0", b"1e16", b"-1.5e-7", b"1e-7", b"1E5", b"-0", b"[1.5]", b"[-3.5e20]", b'{"a":-0.5}', b"[1e16,2]"),
    *(b"9007199254740993", b'"\\u00e9"', b'"a\\/b"', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b"[1 ,2]", b"01", b"nul"),
    *(b'1},{"a":1', b'[{"a":1', b'1}],"c":[{"a":1', b'"', b"}"),  # what could make two lines of one, or one of two
)
OBJECTS = st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES)).map(lambda pair: b'{"a":%b,"b":%b}' % pair)


def refuse(text: str) -> NoReturn:
    raise ValueError(text)


def canonical(line: bytes) -> bool:
    try:
        value = json.loads(line, parse_float=refuse)
        again = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)
    except (ValueError, orjson.JSONEncodeError):
        return False
    return again == line


@given(st.lists(OBJECTS, min_size=1, max_size=3))
def test_a_block_is_canonical_when_each_of_its_lines_is(lines: Sequence[bytes]) -> None:
    assert all_canonical(lines) == all(map(canonical, lines))


@pytest.mark.parametrize("value", VALUES)
def test_one_value_beside_sound_lines(value: bytes) -> None:
    line = b'{"a":%b}' % value
    block = [b'{"a":"%d"}' % n for n in range(300)]
    block[137] = line

    assert all_canonical(block) == canonical(line)


def test_two_lines_that_only_together_are_sound() -> None:
    assert not all_canonical([b'{"a":[{"b":1}', b'{"c":2}]}'])
    assert not all_canonical([b'{"a":1},{"b":2}'])
