"""`make crash`: kill the writer again and again, open what is left, and count the outcomes.

    python -m tests.crash.run [--kills 1000] [--seed N] [--exact] [--faults] [--only OPERATION]... [--jobs N]

`--kills` are at random moments and at random calls of the system; `--exact` kills at every single call that changes the
disk; `--faults` lets every such call fail. Exit 0 when nothing acknowledged was lost and nothing else broke.
"""

from __future__ import annotations

import argparse
import math
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.crash.aftermath import Broken, Known, follow, settle
from tests.crash.children import Channel, Child, Message, Tracer, ask, fork
from tests.crash.operations import OPERATIONS, grow, work_on
from tests.folders import remove

ROUNDS = 25  # kills of one place before the next: a ledger stays small, its history is long enough
LONGEST_S = 0.06


class Run:
    """A folder, its own chance, and the outcomes so far."""

    def __init__(self, folder: Path, seed: str) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.points: list[tuple[str, str, str]] = []
        self._places = 0

    def place(self) -> tuple[Path, Known]:
        """A new place without a ledger."""
        self._places += 1
        folder = self.folder / str(self._places)
        folder.mkdir()
        return folder, Known()

    # ------------------------------------------------------------------ random

    def kills(self, name: str, count: int) -> None:
        """Kill `count` writers of one place at random, one after the other."""
        calls = self.calls(name)[1]
        folder, known = self.place()
        for n in range(count):
            if n and OPERATIONS[name].fresh:
                remove(folder)
                folder, known = self.place()
            flying: list[str] = []
            if before := OPERATIONS[name].before:
                flying += self._killed(start(folder, before, known), known)
            child = start(folder, name, known)
            flying += self._killed(child, known, self.chance.choice(calls) if n % 3 == 2 else None)
            self._settle(name, folder, known, flying)
        remove(folder)

    def _killed(self, child: Child, known: Known, call: tuple[str, int] | None = None) -> list[str]:
        tracer = Tracer(child.pid, self.folder / "log", call[0], "signal=KILL", call[1]) if call else None
        child.go()
        for _ in range(self.chance.randint(0, 2)):
            child.hear("acked")
        if not tracer or not child.ended(2.0):
            time.sleep(self.chance.random() * LONGEST_S)
        child.kill()
        if child.end() != -9:
            raise Broken(f"a writer ended by itself: {child.said[-2:]}")
        if tracer:
            tracer.end()
        return known.hear(child.said)

    def _settle(
        self, name: str, folder: Path, known: Known, flying: list[str], said: str = "", *, last: bool = False
    ) -> str:
        found = ask(partial(settled, folder, known, flying, last=last))
        if "broken" in found:
            raise Broken(f"{name}: {found['broken']}")
        known.lock = found["lock"]
        outcome = said + str(found["outcome"])
        self.outcomes[name, outcome] += 1
        return outcome

    # ------------------------------------------------------------------ every single call

    def calls(self, name: str) -> tuple[tuple[Path, Known], list[tuple[str, int]]]:
        """A place where `name` can be performed, and the calls that it makes there, counted on a copy."""
        template, known = self.place()
        if not OPERATIONS[name].fresh:
            child = fork(partial(grow, template))
            child.end()
            known.hear(child.said)
        if before := OPERATIONS[name].before:
            known.hear(interrupted(template, before, known).said)
        folder = self._copy(template)
        child = start(folder, name, known, once=True)
        tracer = Tracer(child.pid, self.folder / "log")
        child.go()
        if child.end() != 0:
            raise Broken(f"{name}: it does not come to its end undisturbed: {child.said[-1:]}")
        remove(folder)
        return (template, known), tracer.counts()

    def exact(self, name: str, fault: str = "signal=KILL") -> None:
        """Let `fault` meet every call of one operation in turn, each on a fresh copy of one place."""
        (template, known), calls = self.calls(name)
        for call in calls:
            folder = self._copy(template)
            mine = Known(dict(known.tried), dict(known.acked), known.lock, known.number)
            self._point(name, folder, mine, fault, call)
            remove(folder)
        remove(template)

    def _copy(self, template: Path) -> Path:
        folder = self.folder / "copy"
        shutil.copytree(template, folder)
        return folder

    def _point(self, name: str, folder: Path, known: Known, fault: str, call: tuple[str, int]) -> None:
        child = start(folder, name, known, once=True, after=fault != "signal=KILL")
        tracer = Tracer(child.pid, self.folder / "log", call[0], fault, call[1])
        child.go()
        status, met = child.end(), tracer.met()
        if tracer.astray:
            self.points.append((name, f"{met}: not counted", f"exit {status}"))
            return
        if status != (-9 if met and fault == "signal=KILL" else 0):
            raise Broken(f"{name}: {fault} at {met} (number {call[1]}): exit {status}, {child.said[-1:]}")
        label = name if fault == "signal=KILL" else f"{name}, {fault.partition('=')[2]}"
        flying = known.hear(child.said)
        refused = next((m for m in child.said if "refused" in m), None)
        if refused and not refused["remedy"]:
            raise Broken(f"{name}: {fault} at {met}: no remedy is given: {refused}")
        outcome = self._settle(
            label, folder, known, flying[:1], f"{refused['refused']}: " if refused else "", last=True
        )
        self.points.append((label, met or f"{call[0]}: not reached", outcome))


def start(folder: Path, name: str, known: Known, *, once: bool = False, after: bool = False) -> Child:
    """A writer that is ready to go."""
    child = fork(lambda channel: work_on(folder, name, known.number, channel, once=once, after=after))
    if not child.hear("ready"):
        raise Broken(f"{name}: the writer could not begin (exit {child.end()})")
    return child


def interrupted(folder: Path, name: str, known: Known) -> Child:
    """A writer that was killed between commit and signature: there is a log to replay and a tail to sign."""
    child = start(folder, name, known)
    tracer = Tracer(child.pid, folder / "log", "mkdir", "signal=KILL", 2)  # of the lock store, to sign
    child.go()
    child.end()
    tracer.end()
    (folder / "log").unlink()
    return child


def settled(folder: Path, known: Known, flying: list[str], *, last: bool = False) -> Message:
    """What is left at a place, as a message: the outcome, or what broke. At the `last` look at a place the steps that
    the outcome asks for are followed as well."""
    try:
        found = settle(folder, known, flying)
        if last and flying:
            follow(folder, found["outcome"], flying[-1])
        return found
    except Broken as broken:
        return {"broken": str(broken)}


# ---------------------------------------------------------------------- the command


class Unit(NamedTuple):
    """A piece of the work: `kills` at random, or (0) every call of an operation meeting `fault`."""

    name: str
    kills: int
    fault: str
    seed: str


def units(names: list[str], kills: int, faults: list[str], seed: int) -> list[Unit]:
    """The whole work, the same for a seed however many processes share it."""
    found = []
    for n, name in enumerate(names):
        left, part = kills // len(names) + (n < kills % len(names)), 0
        while left > 0:
            found.append(Unit(name, min(left, ROUNDS), "", f"{seed}/{name}/{part}"))
            left, part = left - ROUNDS, part + 1
    return found + [Unit(name, 0, fault, f"{seed}/{name}/{fault}") for fault in faults for name in names]


def share(folder: Path, mine: list[Unit], channel: Channel) -> None:
    """Do some units; say the outcomes of each, or what broke and where its files are."""
    for n, unit in enumerate(mine):
        run = Run(folder / str(n), unit.seed)
        run.folder.mkdir(parents=True)
        broken = None
        try:
            if unit.kills:
                run.kills(unit.name, unit.kills)
            else:
                run.exact(unit.name, unit.fault)
            remove(run.folder)
        except Broken as error:
            broken = f"{unit}: {error}; its files: {run.folder}"
        channel.say(
            unit=unit, outcomes=[(*key, n) for key, n in run.outcomes.items()], points=run.points, broken=broken
        )


def main(arguments: list[str] | None = None) -> int:
    """Run, print the tables, and tell whether anything broke."""
    parser = argparse.ArgumentParser(prog="tests.crash.run", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=0, help="kills at random, spread over the operations")
    parser.add_argument("--seed", type=int, default=None, help="of the random choices (default: a new one, printed)")
    parser.add_argument("--exact", action="store_true", help="kill at every call that changes the disk")
    parser.add_argument("--faults", action="store_true", help="let every such call fail with EIO and with ENOSPC")
    parser.add_argument("--only", action="append", choices=list(OPERATIONS), help="operations (default: all)")
    parser.add_argument("--points", action="store_true", help="print every single point")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the work (default: 1)")
    given = parser.parse_args(arguments)
    seed = secrets.randbelow(2**32) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    faults = ["signal=KILL"] * given.exact + ["error=EIO", "error=ENOSPC"] * given.faults
    work = units(given.only or list(OPERATIONS), given.kills, faults, seed)
    folder, began = Path(tempfile.mkdtemp(prefix="crash-")), time.monotonic()
    parts = [(folder / str(n), work[n :: given.jobs]) for n in range(given.jobs)]
    said: list[Message] = []
    for child in [fork(partial(share, *part)) for part in parts]:
        child.hear("\0", math.inf)
        said += child.said
    show(said, given.points)
    total = sum(count for message in said for _, _, count in message["outcomes"])
    broken = [message["broken"] for message in said if message["broken"]]
    if len(said) < len(work):
        broken.append(f"only {len(said)} of {len(work)} units came to their end")
    for words in broken:
        print(f"BROKEN: {words}")
    print(f"{total} interruptions in {time.monotonic() - began:.0f} s, seed {seed}")
    if not broken:
        remove(folder)
        print("acknowledged entries lost: 0")
    return 1 if broken else 0


def show(said: list[Message], points: bool) -> None:
    """Print operation, outcome and count; with `points` every call as well."""
    total: Counter[tuple[str, str]] = Counter()
    for message in said:
        for name, outcome, count in message["outcomes"]:
            total[name, outcome] += count
        for label, call, outcome in message["points"] if points else []:
            print(f"{label:24} {call:44} {outcome}")
    for (name, outcome), count in sorted(total.items()):
        print(f"{name:24} {outcome:100} {count:5}")


if __name__ == "__main__":
    sys.exit(main())
