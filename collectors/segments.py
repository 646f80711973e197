"""Names of segments of PostgreSQL's write-ahead log, and their place in the row of all.

A name is timeline, upper and lower part of the place, each eight hexadecimal digits; the lower part counts segments
within 4 GiB (PostgreSQL documentation, WAL Internals).
"""

from __future__ import annotations

_SPAN = 1 << 32


def position(text: str) -> int:
    """A log position (`0/5000028`) as a number. Raises ValueError."""
    high, _, low = text.partition("/")
    return int(high, 16) * _SPAN + int(low, 16)


def timeline(segment: str) -> int:
    """The timeline of a segment."""
    return int(segment[:8], 16)


def number(segment: str, size: int) -> int:
    """The place of a segment of `size` bytes. Raises ValueError for a name that this size does not allow."""
    low = int(segment[16:24], 16)
    if low >= _SPAN // size:
        raise ValueError(f"{segment} is no segment of {size} bytes")
    return int(segment[8:16], 16) * (_SPAN // size) + low


def name(line: int, place: int, size: int) -> str:
    """The segment at a place of the row."""
    high, low = divmod(place, _SPAN // size)
    return f"{line:08X}{high:08X}{low:08X}"
