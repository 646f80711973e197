"""What is left after a kill: looked at, opened by the documented rule, and checked. Every outcome has a name.

`Broken` is raised for what must never be; the words of an outcome are those of docs/recovery.md.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import orjson

from compliance.ledger import KeyStore, Ledger, sealing
from compliance.ledger.lockstore import LockStore
from compliance.ledger.store import never_begun
from compliance.verify import verify, verify_segments
from tests.crash.children import Message
from tests.ledger.months import checked, cut, seal, segments_of
from tests.ledger.places import START, Place


class Broken(Exception):
    """Something that must never be: it fails the run."""


@dataclass
class Known:
    """All that was tried and acknowledged at one place, by all its writers so far."""

    tried: dict[str, Message] = field(default_factory=dict)
    acked: dict[str, Message] = field(default_factory=dict)
    lock: int = 0  # the largest size its lock store ever named
    number: int = 0

    def hear(self, said: Sequence[Message]) -> list[str]:
        """Take what a child said; the names that it tried without coming back, at most one and a last."""
        new = {m["tried"]: m for m in said if "tried" in m}
        self.tried |= new
        self.acked |= {m["acked"]: m for m in said if "acked" in m}
        self.number = max([self.number, *(m["number"] for m in new.values())])
        return [name for name in new if name not in self.acked]


@dataclass(frozen=True)
class Left:
    """What lies there before anybody opens it: sizes by the file's entries, its checkpoints, and the lock store."""

    file: int
    own: int
    lock: int
    erased: frozenset[str]  # aliases whose key is destroyed, by a copy of the key store
    segments: frozenset[str]  # months that have a segment under its name
    dropped: frozenset[str]  # months that the file says it is without


def look(place: Place, aliases: Sequence[str]) -> Left:
    """Read everything without changing it."""
    note = LockStore(place.lock).read()
    lock = int(note.split("\n")[1]) if note else 0
    file = own = 0
    dropped = frozenset[str]()
    if place.path.exists() and not never_begun(place.path):
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"ATTACH '{place.path}' AS stored (READ_ONLY)")
            if connection.execute("SELECT 1 FROM duckdb_tables() WHERE database_name = 'stored'").fetchall():
                found = connection.execute(
                    "SELECT coalesce((SELECT max(size) FROM stored.head), 0), "
                    "coalesce((SELECT max(size) FROM stored.checkpoint), 0)"
                ).fetchall()
                file, own = found[0]
                meta = connection.execute("SELECT value FROM stored.meta WHERE name = 'segments'").fetchall()
                dropped = frozenset(item["month"] for (text,) in meta for item in orjson.loads(text))
    gone = frozenset[str]()
    if aliases:
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(place.keystore.parent, copy, dirs_exist_ok=True)
            keys = KeyStore(Path(copy) / place.keystore.name)
            gone = frozenset(alias for alias in aliases if keys.key(alias) is None)
            keys.close()
    return Left(file, own, lock, gone, segments(place), dropped)


def segments(place: Place) -> frozenset[str]:
    """The months that have a segment; each has its name only once it is whole."""
    folder = segments_of(place)
    return frozenset(path.name for path in folder.iterdir() if path.name[0] != ".") if folder.exists() else frozenset()


def settle(folder: Path, known: Known, flying: Sequence[str]) -> Message:
    """Open the ledger at `folder` as documented, check everything, and name the outcome of the write in flight."""
    place = Place(folder, now=START)
    aliases = [known.tried[name]["alias"] for name in flying if known.tried[name]["alias"]]
    left = look(place, aliases)
    if left.lock < max((known.lock, *(m["size"] for m in known.acked.values()))):
        raise Broken(
            f"the lock store names {left.lock} entries, it named {known.lock} before, or more were acknowledged"
        )
    with place.open() as ledger:
        if ledger.size < left.lock:
            raise Broken(f"opened with {ledger.size} entries, the lock store names {left.lock}")
        there = check_entries(ledger, known)
        check_people(ledger, known, there)
        size, lock = ledger.size, max(left.lock, ledger.size)
    keys = KeyStore(place.keystore)
    found = verify(place.path, lock_store=place.lock, segments=segments_of(place), key_of=keys.key)
    keys.close()
    if not found.ok or found.size != size:
        raise Broken(f"it does not verify: {[str(problem) for problem in found.problems[:3]]}")
    if segments(place) and not (months := verify_segments(segments_of(place))).ok:
        raise Broken(f"its segments do not verify: {[str(problem) for problem in months.problems[:3]]}")
    return {"outcome": named(known, flying, left, there), "size": size, "lock": lock}


def follow(folder: Path, outcome: str, name: str) -> None:
    """The step of docs/recovery.md for an outcome that opening alone does not finish: seal or drop again."""
    place, month = Place(folder, now=START), name.partition(" ")[2]
    if "the next seal" not in outcome and "the next drop" not in outcome:
        return
    with place.open() as ledger:
        newest = ledger.entry(ledger.size - 1).at
        place.now = newest
        seal(ledger, place)
        recorded = [found.month for found in sealing.months(ledger) if found.seals]
    if "the next drop" in outcome:
        cut(place, f"{newest:%Y-%m}")
        recorded = sorted(look(place, []).dropped)
    if month not in recorded or not checked(place).ok:
        raise Broken(f"{outcome}: run again, {month} is not among {recorded}, or the ledger does not verify")


def named(known: Known, flying: Sequence[str], left: Left, there: Counter[str]) -> str:
    """The name of an outcome, from what was in flight and what lay there before opening."""
    if left.file > left.lock:
        state = "committed, signed at the next start"
    elif left.lock > left.own:
        state = "signed, checkpoint row put at the next start"
    else:
        state = "whole"
    if not flying or not known.tried[flying[-1]]["rows"]:
        if not left.file:
            return "nothing was made yet"
        return "nothing was in flight" if state == "whole" else state
    name = flying[-1]
    alias = known.tried[name]["alias"]
    act, _, month = name.partition(" ")
    if act == "seal" and name not in there and month in left.segments:
        return "segment whole, recorded by the next seal"
    if act == "drop" and name in there and month not in left.dropped:
        return f"drop recorded, the file is rewritten by the next drop ({state})"
    if name not in there:
        return "not committed, nothing remains of it"
    if alias and alias not in left.erased:
        return f"erasure recorded, key destroyed at the next start ({state})"
    return "complete, only the acknowledgement was lost" if state == "whole" else state


def check_entries(ledger: Ledger, known: Known) -> Counter[str]:
    """How often each name is there. Acknowledged: in full. Otherwise: in full or not at all. Never: twice."""
    there: Counter[str] = Counter()
    last = -1
    for line in (entry.line for entry in ledger.entries()):
        entry = orjson.loads(line)
        if entry["seq"] != last + 1:
            raise Broken(f"entry {entry['seq']} follows entry {last}")
        last = entry["seq"]
        there[_name(entry)] += 1
    there.pop("", None)
    for name, source, kind in (("event", "ci", "control_verdict"), ("event of a sheet", "app", "audit_event")):
        events = there.pop(name, 0)
        if events != int(ledger.cursor(source, kind) or 0):
            raise Broken(f"{events} events of {kind} are there, the cursor names {ledger.cursor(source, kind)}")
    for name, message in known.acked.items():
        if known.tried[name]["rows"] and not there[name]:
            raise Broken(f"{name} was acknowledged and is lost")
        if message["note"] and message["note"] != ledger.checkpoint_at(message["size"]):
            raise Broken(f"{name} was acknowledged with a checkpoint that is lost")
    for name, count in there.items():
        if name not in known.tried:
            raise Broken(f"{name} is there and was never tried")
        if count != known.tried[name]["rows"]:
            raise Broken(f"{name} has {count} entries instead of {known.tried[name]['rows']}")
    return there


def _name(entry: dict[str, Any]) -> str:
    record = entry["record"]
    if entry["kind"] == "control_verdict":
        return str(record["control"])
    if entry["kind"] == "collection":
        return str(record["run"])
    if entry["kind"] == "audit_event":
        return "event of a sheet"
    if entry["kind"] == "segment_event":
        return f"{record['action']} {record['month']}"
    return str(record["reason"]) if entry["kind"] == "key_event" else ""


def check_people(ledger: Ledger, known: Known, there: Counter[str]) -> None:
    """Content of people is readable in full, or its erasure is recorded and its key is gone."""
    recorded = {e.record["key_name"] for e in ledger.entries("key_event") if e.record["action"] == "erase_subject"}
    for name, message in known.tried.items():
        if message["alias"] and name in known.acked and message["alias"] not in recorded:
            raise Broken(f"erasure {name} was acknowledged and is not recorded")
    for entry in ledger.entries("user_account"):
        alias = str(entry.subject)
        readable = entry.record["account"] is not None
        if readable == (alias in recorded) or (ledger.keystore.key(alias) is not None) != readable:
            raise Broken(f"erased {alias in recorded}, but entry {entry.seq} of {alias} is readable {readable}")
        if readable and not str(entry.record["account"]).startswith(("s", "person-")):
            raise Broken(f"entry {entry.seq} reads {entry.record['account']!r}")
