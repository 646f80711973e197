"""A bit of the writer's memory flips between two steps of a write: what is signed then is what was meant, or nothing.

    python -m tests.crash.flips [--stops STOP]... [--of WHAT]...

The writer is stopped at an exact call, its memory is searched for every copy of the new entry's line, its leaf and the
new root, and one bit of one copy is changed through /proc; then it goes on. Each copy has its turn. Nothing of our own
code is patched. A flip before a line is hashed cannot be told from other evidence: between the two no call is made.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import duckdb

from compliance.ledger import Draft, tree
from compliance.ledger.lockstore import LockStore
from compliance.schemas.errors import ComplianceError, IntegrityError
from compliance.verify import verify
from tests.crash.aftermath import Broken
from tests.crash.children import Channel, Child, Message, Tracer, ask, fork
from tests.crash.operations import grow, on_one_thread
from tests.folders import remove
from tests.ledger.places import START, Place, verdict

MARK = "what-is-to-flip"
# Where the writer is stopped: the call after which it is, and how often that was made by then.
STOPS = {
    "between hash and commit": ("rename .intent.new", 1),
    "in the commit": ("write ledger.duckdb.wal", 2),
    "between commit and reading back": ("fdatasync ledger.duckdb.wal", 1),
}
WHAT = ("line", "leaf", "root")
SIGNED = "the copy was not needed any more: signed as it was meant"
WHOLE = "refused, nothing signed; whole at the next start"
TAKEN = "refused, nothing signed; the tail is taken off by hand"
PAGE = 4096


class Meant(NamedTuple):
    """What the write is about to make, as the memory of the writer says."""

    leaf: bytes
    root: bytes


def append_marked(folder: Path, channel: Channel) -> None:
    """Open the ledger, append one entry that can be found in memory, and say how it went."""
    place = Place(folder, now=START)
    ledger = place.open()
    on_one_thread(ledger)
    place.now = max(place.now, ledger.entry(ledger.size - 1).at)
    channel.say(ready=True)
    channel.wait()
    try:
        ledger.append([Draft("control_verdict", verdict(0, MARK))])
        channel.say(performed=True)
    except ComplianceError as error:
        channel.say(refused=type(error).__name__, message=error.message, remedy=error.remedy)
    ledger.close()


def leaves(folder: Path) -> Message:
    """All leaves of a ledger, in hexadecimal."""
    with duckdb.connect(str(Place(folder).path), read_only=True) as raw:
        lines = [line.encode() for (line,) in raw.execute("SELECT line FROM entry ORDER BY seq").fetchall()]
    return {"leaves": [leaf.hex() for leaf in tree.leaves(tree.BEFORE_FIRST, lines)]}


# ---------------------------------------------------------------------- memory


def present(pid: int) -> Iterator[tuple[int, bytes]]:
    """The memory that a process has and may write, run by run: address and content."""
    with open(f"/proc/{pid}/mem", "rb", 0) as memory, open(f"/proc/{pid}/pagemap", "rb", 0) as pages:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            low, high, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()  # type: ignore[union-attr]
            if not rights.startswith("rw"):
                continue
            first, count = int(low, 16), (int(high, 16) - int(low, 16)) // PAGE
            pages.seek(first // PAGE * 8)
            there = [byte >> 6 for byte in pages.read(count * 8)[7::8]]  # bits 62 and 63: swapped, present
            start = 0
            while start < len(there):
                end = start + 1
                while end < len(there) and bool(there[end]) == bool(there[start]):
                    end += 1
                if there[start]:
                    memory.seek(first + start * PAGE)
                    yield first + start * PAGE, memory.read((end - start) * PAGE)
                start = end


def copies(pid: int, wanted: bytes) -> list[int]:
    """The addresses of every copy of some bytes."""
    return [start + found.start() for start, run in present(pid) for found in re.finditer(re.escape(wanted), run)]


def meant(pid: int, before: list[bytes]) -> Meant:
    """The line that the writer is about to store, and what follows from it."""
    lines = set()
    for _, run in present(pid):
        for mark in re.finditer(MARK.encode(), run):
            start, end = run.rfind(b'{"at":', 0, mark.start()), run.find(b',"v":1}', mark.end())
            with suppress(ValueError):  # the mark stands elsewhere, too
                line = run[start : end + 7]
                if 0 <= start < end < start + 2000 and json.loads(line)["seq"] == len(before):
                    lines.add(line)
    runs = [run for _, run in present(pid)]  # a copy that was given up may be torn: nobody has the leaf of that
    hashed = [
        leaf for leaf in (tree.leaves(before[-1], [line])[0] for line in lines) if any(leaf in run for run in runs)
    ]
    if len(hashed) != 1:
        raise Broken(f"{len(lines)} lines with the mark are in memory, and leaves of {len(hashed)}")
    leaf = hashed[0]
    edge = tree.Edge()
    edge.extend([*before, leaf])
    return Meant(leaf, edge.root())


def flip(pid: int, address: int) -> None:
    """Change one bit."""
    with open(f"/proc/{pid}/mem", "r+b", 0) as memory:
        memory.seek(address)
        byte = memory.read(1)[0]
        memory.seek(address)
        memory.write(bytes([byte ^ 1]))


def flipped(pid: int, what: str, number: int, before: list[bytes]) -> Message:
    """Flip a bit in this copy of `what`; how many copies there are. Done in a child: what it reads must not be in the
    memory of the next writer."""
    told = meant(pid, before)
    wanted = {"line": MARK.encode(), "leaf": told.leaf, "root": told.root}[what]
    found = copies(pid, wanted)
    if number < len(found):
        flip(pid, found[number] + len(wanted) // 2)
    return {"copies": len(found)}


# ---------------------------------------------------------------------- one flip


class Flips:
    """A ledger that is copied for each flip."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.template = folder / "template"
        self.template.mkdir()
        if fork(partial(grow, self.template)).end() != 0:
            raise Broken("the ledger could not be made")
        self.before = [bytes.fromhex(leaf) for leaf in ask(partial(leaves, self.template))["leaves"]]

    def every(self, stop: str, what: str) -> Iterator[str]:
        """The outcome of a flip in each copy of `what`, one after the other."""
        number = count = 0
        while number <= count:
            outcome, count = self._one(stop, what, number)
            if number < count:
                yield outcome
            number += 1

    def _one(self, stop: str, what: str, number: int) -> tuple[str, int]:
        folder = self.folder / "copy"
        shutil.copytree(self.template, folder)
        child = fork(partial(append_marked, folder))
        if not child.hear("ready"):
            raise Broken("the writer could not begin")
        call, when = STOPS[stop]
        tracer = Tracer(child.pid, self.folder / "log", call.split(" ")[0], "signal=STOP", when, signals="STOP")
        child.go()
        met = stopped(child, self.folder / "log")
        if met != call:
            raise Broken(f"the writer was to be stopped after {call}, and made {met}: the order of a write has changed")
        count = ask(partial(flipped, child.pid, what, number, self.before))["copies"]
        go_on(child)
        tracer.end()
        outcome = ask(partial(judged, folder, child.said, len(self.before)))["outcome"]
        remove(folder)
        return f"{what}: {outcome}", count


def stopped(child: Child, log: Path) -> str:
    """Wait until every thread stands still; the call after which it is."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        said = log.read_text() if log.exists() else ""
        if said.count("stopped by SIGSTOP") >= len(os.listdir(f"/proc/{child.pid}/task")):
            return Tracer.called([line for line in said.splitlines() if "(" in line and "---" not in line][-1])
        time.sleep(0.005)
    child.kill()
    raise Broken(f"the writer did not stop: {said[-300:]}")


def go_on(child: Child) -> None:
    """Let it run to its end."""
    for _ in range(600):
        os.kill(child.pid, signal.SIGCONT)  # again: a thread that strace looked at may have missed it
        if child.ended(0.2):
            break
    if child.end() != 0:
        raise Broken(f"the writer did not come to its end: {child.said[-1:]}")


def judged(folder: Path, said: list[Message], size: int) -> Message:
    """What came of it, as docs/recovery.md describes it; `size` is that of the ledger before."""
    try:
        return {"outcome": _judged(Place(folder, now=START), said[-1], size)}
    except Broken as broken:
        return {"outcome": f"BROKEN: {broken}"}


def _judged(place: Place, last: Message, size: int) -> str:
    note = LockStore(place.lock).read()
    assert note
    signed = int(note.split("\n")[1]) > size
    if signed != ("performed" in last):
        raise Broken(f"signed: {signed}, and the writer said {last}")
    if not signed and (last["refused"] != "IntegrityError" or not last["remedy"]):
        raise Broken(f"not refused as it should be: {last}")
    outcome = SIGNED if signed else WHOLE
    try:
        place.open().close()
    except IntegrityError as error:
        if signed or not error.remedy:
            raise Broken(f"what was signed does not open: {error}") from error
        take_off(place.path, size)
        outcome = TAKEN
        place.open().close()
    found = verify(place.path, lock_store=place.lock)
    lines = [line for (line,) in _rows(place, f"SELECT line FROM entry WHERE seq >= {size}")]
    if not found.ok or found.signed != found.size or any(f'"reason":"{MARK}"' not in line for line in lines):
        raise Broken(f"signed is {lines}; {found.problems[:2]}")
    if (outcome == SIGNED) != bool(lines) and outcome != WHOLE:
        raise Broken(f"{outcome}, and {len(lines)} entries are there")
    return outcome


def take_off(path: Path, size: int) -> None:
    """docs/recovery.md, *A tail that nobody signed*."""
    page = (Path(__file__).parents[2] / "docs" / "recovery.md").read_text("utf-8")
    statements = page.partition("### A tail that nobody signed")[2].partition("```sql\n")[2].partition("```")[0]
    with duckdb.connect(str(path)) as raw:
        for statement in statements.replace("SIZE", str(size)).split(";"):
            if statement.strip():
                raw.execute(statement)


def _rows(place: Place, query: str) -> list[tuple[str]]:
    with duckdb.connect(str(place.path), read_only=True) as raw:
        return raw.execute(query).fetchall()


def main(arguments: list[str] | None = None) -> int:
    """Flip, print the outcomes, and tell whether anything was signed that was not meant."""
    parser = argparse.ArgumentParser(prog="tests.crash.flips", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--stops", action="append", choices=list(STOPS), help="where (default: everywhere)")
    parser.add_argument("--of", action="append", choices=WHAT, help="what (default: all)")
    given = parser.parse_args(arguments)
    seen: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory(prefix="flips-") as name:
        flips = Flips(Path(name))
        for stop in given.stops or STOPS:
            for what in given.of or WHAT:
                for outcome in flips.every(stop, what):
                    seen[stop, outcome] += 1
    for (stop, outcome), count in sorted(seen.items()):
        print(f"{stop:34} {outcome:80} {count:3}")
    broken = sum(count for (_, outcome), count in seen.items() if "BROKEN" in outcome)
    print(f"{seen.total()} flips, {broken} signed or left as they must not be")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
