"""Anchors as configured: which there are, and writing the newest checkpoint to them.

Writing comes after an append, never inside it: what fails is remembered in a small file outside the ledger, said, and
tried again at the end of the next command that appends.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from compliance.anchors import TYPES, Anchor, Place, head
from compliance.app.config import Config
from compliance.app.paths import LedgerPlaces
from compliance.ledger import Ledger
from compliance.schemas.errors import ComplianceError, SourceError

MEMORY = "memory.json"


@dataclass(frozen=True, slots=True)
class Memory:
    """What this machine remembers of one anchor. `attempts` counts failures since the last success."""

    where: str
    size: int = 0
    root: str = ""
    at: datetime | None = None
    attempts: int = 0
    tried_at: datetime | None = None
    cause: str = ""
    message: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Configured:
    """One configured anchor."""

    name: str
    anchor: Anchor
    every: timedelta | None  # None: at the end of each command that appended
    memory: Memory


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one anchor. `state` is `written`, `failed`, `contradicts`, or `not due`."""

    name: str
    state: str
    message: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be written where, known while the ledger was open."""

    note: str
    anchors: tuple[Configured, ...]
    others: tuple[Pushed, ...]


def configured(config: Config, places: LedgerPlaces) -> tuple[Configured, ...]:
    """The anchors of this configuration; nothing is reached."""
    remembered = _remembered(places.anchors)
    found = []
    for item in config.anchors:
        place = Place(places.anchors / item.name, config.folder)
        anchor = TYPES[item.common.type].of(item.settings, place)
        memory = remembered.get(item.name)
        if memory is None or memory.where != anchor.where:  # never tried, or moved: the old place says nothing of it
            memory = Memory(anchor.where)
        found.append(Configured(item.name, anchor, item.common.distance, memory))
    return tuple(found)


def due(config: Config, places: LedgerPlaces, ledger: Ledger, now: datetime, *, force: bool = False) -> Due:
    """Which anchors the newest checkpoint is to be written to. With `force` the schedule does not count.

    An anchor that is remembered to hold another history than the ledger's gets nothing: that is for `verify`.
    """
    wanted: list[Configured] = []
    others: list[Pushed] = []
    for item in configured(config, places):
        size = item.memory.size
        if size > ledger.size or (size and ledger.root_at(size).hex() != item.memory.root):
            others.append(Pushed(item.name, "contradicts", _CONTRADICTS.format(size=size), "run `compliance verify`"))
        elif not force and (size == ledger.size or not _time_has_come(item, now)):
            others.append(Pushed(item.name, "not due"))
        else:
            wanted.append(item)
    return Due(ledger.checkpoint, tuple(wanted), tuple(others))


_CONTRADICTS = (
    "a checkpoint of {size} entries was put there that this ledger does not contain: it was rolled back or rewritten"
)


def _time_has_come(item: Configured, now: datetime) -> bool:
    """A failed attempt is repeated at once: the distance is one between successes."""
    return item.every is None or item.memory.at is None or now - item.memory.at >= item.every


def write(places: LedgerPlaces, work: Due, now: datetime) -> tuple[Pushed, ...]:
    """Write to all of them at once, and remember how it went. Raises nothing for an anchor that fails."""
    if not work.anchors:
        return work.others
    with ThreadPoolExecutor(len(work.anchors)) as pool:
        outcomes = list(pool.map(lambda item: _put(item, work.note, now), work.anchors))
    known = {**_remembered(places.anchors), **{name: memory for name, memory, _ in outcomes}}
    pushed = [result for _, _, result in outcomes]
    try:
        _remember(places.anchors, known)
    except OSError as error:
        pushed.append(Pushed("memory", "failed", f"{places.anchors / MEMORY} cannot be written: {error}", "free space"))
    return (*work.others, *pushed)


def _put(item: Configured, note: str, now: datetime) -> tuple[str, Memory, Pushed]:
    before = item.memory
    try:
        item.anchor.put(note)
    except (ComplianceError, OSError) as error:
        cause = error.cause if isinstance(error, SourceError) else "config"
        message = error.message if isinstance(error, ComplianceError) else str(error)
        remedy = (error.remedy if isinstance(error, ComplianceError) else None) or "see docs/anchors.md"
        after = replace(before, attempts=before.attempts + 1, tried_at=now, cause=cause, message=message, remedy=remedy)
        return item.name, after, Pushed(item.name, "failed", f"{cause}: {message}", remedy)
    said = head(note)
    memory = Memory(item.anchor.where, said.size, said.root.hex(), at=now, tried_at=now)
    return item.name, memory, Pushed(item.name, "written", f"{said.size} entries")


def tell(results: Sequence[Pushed], say: Callable[[str], None]) -> None:
    """Say what a person must know: what was not written. The append stands."""
    for item in results:
        if item.state == "failed":
            say(f"anchor {item.name}: not written, tried again at the next command: {item.message}; {item.remedy}")
        elif item.state == "contradicts":
            say(f"anchor {item.name}: NOT written: {item.message}; {item.remedy}")


def _remembered(folder: Path) -> dict[str, Memory]:
    """What was remembered; a file that cannot be read is forgotten: it vouches for nothing."""
    try:
        found = orjson.loads((folder / MEMORY).read_bytes())
        return {name: _memory(values) for name, values in found.items()}
    except (OSError, orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        return {}


def _memory(values: dict[str, object]) -> Memory:
    moments = {key: _moment(values[key]) for key in ("at", "tried_at")}
    return Memory(**{**values, **moments})  # type: ignore[arg-type]  # a wrong type is found by whoever compares


def _moment(value: object) -> datetime | None:
    return datetime.fromisoformat(str(value)).astimezone(UTC) if value is not None else None


def _remember(folder: Path, known: dict[str, Memory]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = folder / f".{MEMORY}.{os.getpid()}"
    content = orjson.dumps({name: asdict(memory) for name, memory in sorted(known.items())}, option=orjson.OPT_INDENT_2)
    temporary.write_bytes(content)
    temporary.chmod(0o600)
    temporary.replace(folder / MEMORY)
