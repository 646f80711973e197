"""How far an archive of write-ahead log leads without a hole.

`info` tells the ends of an archive only, and says itself that there may be gaps between them: the segments are counted
one by one here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from compliance.collectors.segments import name, number, position, timeline

_SIZES = tuple(1 << power for power in range(20, 31))  # 1 MiB to 1 GiB, what initdb --wal-segsize takes
_HISTORY = re.compile(r"^\s*(\d+)\s+([0-9A-F]+)/([0-9A-F]+)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Base:
    """A backup as the chain sees it: first and last segment it needs, position of its start, its end (Unix time)."""

    start: str
    stop: str
    position: int | None
    ended: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A timeline and the number of the first segment that is written on it."""

    timeline: int
    begins: int


@dataclass(frozen=True, slots=True)
class Chain:
    """What the archive leads to. `last` is the segment reached without a hole from the newest usable backup."""

    newest: str
    backups: int
    earliest: int | None
    last: str | None
    missing: int
    first_missing: str


def segment_size(bases: Iterable[Base]) -> int | None:
    """The only size that fits the position and the name of where each backup starts; None when that leaves several."""
    known = [(base.position, base.start) for base in bases if base.position is not None]
    fitting = [size for size in _SIZES if known and all(name(timeline(s), at // size, size) == s for at, s in known)]
    return fitting[0] if len(fitting) == 1 else None


def stretches(newest: int, history: str, size: int) -> list[Stretch]:
    """The way to timeline `newest`, first to last, from its history file. Raises ValueError when that says nothing
    of where it comes from."""
    ends = [(int(m[1]), position(f"{m[2]}/{m[3]}") // size) for m in map(_HISTORY.match, history.splitlines()) if m]
    if not ends and newest != 1:
        raise ValueError(f"the history of timeline {newest} is empty")
    found, begins = [], 0
    for line, end in ends:
        found.append(Stretch(line, begins))
        begins = end
    return [*found, Stretch(newest, begins)]


def chain(segments: Mapping[str, int], bases: Sequence[Base], way: Sequence[Stretch], size: int) -> Chain:
    """Where the archive leads along `way`. `segments` holds at least one of the last timeline of it."""
    last_line = way[-1].timeline
    newest = max(segment for segment in segments if timeline(segment) == last_line)
    end = number(newest, size)
    line_at = _Lines(way)
    usable = [base for base in bases if line_at(number(base.start, size)) == timeline(base.start)]
    lacking = [] if not usable else [
        place
        for place in range(min(number(base.start, size) for base in usable), end + 1)
        if name(line_at(place), place, size) not in segments
    ]  # fmt: skip

    def reach(base: Base) -> int:
        return next((place - 1 for place in lacking if place >= number(base.start, size)), end)

    whole = [base for base in usable if reach(base) >= number(base.stop, size)]
    best = max((reach(base) for base in whole), default=None)
    leading = [base for base in whole if reach(base) == best]
    return Chain(
        newest=newest,
        backups=len(leading),
        earliest=min((base.ended for base in leading), default=None),
        last=None if best is None else name(line_at(best), best, size),
        missing=len(lacking),
        first_missing=name(line_at(lacking[0]), lacking[0], size) if lacking else "",
    )


class _Lines:
    """The timeline that a place of the row belongs to."""

    def __init__(self, way: Sequence[Stretch]) -> None:
        self._way = way

    def __call__(self, place: int) -> int:
        return max((part for part in self._way if part.begins <= place), key=lambda part: part.begins).timeline
