"""The write order of schemas/ledger.md §6 as a model whose every state is visited: crashes, copies, forgers, faults.

Nothing of the engine runs here. A history is a tuple of numbers, and stands for its own root and for the note over it:
two are consistent when one begins with the other. What is written is 1, 2, …; what a forger adds is FORGED; -n is what
a fault made of n. Each step is one durable act, so a crash between two acts is a crash between two steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

History = tuple[int, ...]
NONE: History = ()
FORGED = 0

# How each thing that lies there at opening is called in the table of §6, and what a writer does: only these go on.
NEW = "new"  # neither file nor lock store: a ledger is made
CLEAN = "clean"
KILLED = "killed between 1 and 4"
KILLED_NEW = "killed while it was made"
ADDED = "somebody else added to the file"
REWRITTEN = "history was rewritten"
SHORTER = "entries were lost, or it is an older copy"
LOST = "lost"
OLDER = "rolled back"
GOES_ON = frozenset({NEW, CLEAN, KILLED, KILLED_NEW})

# Ways to get the order wrong. A model that finds nothing wrong with these proves nothing.
BREAKS = (
    "signs before it reads back",
    "signs a tail that nobody announced",
    "announces after the commit",
    "swaps without comparing",
    "acknowledges before the lock store has it",
    "opens a file that is shorter",
    "opens another history",
)


class File(NamedTuple):
    """A ledger file: its entries, and the newest checkpoint that is stored in it."""

    entries: History = NONE
    own: History = NONE


class Lock(NamedTuple):
    """A lock store: the last line of `history`, `checkpoint`, and `intent`."""

    history: History = NONE
    checkpoint: History = NONE
    intent: History = NONE

    @property
    def newest(self) -> History:
        """The newest of both files counts."""
        return max(self.history, self.checkpoint, key=len)


class Writer(NamedTuple):
    """A process: the step it does next, the note it saw last, and the history it is making."""

    at: str = "down"
    seen: History = NONE
    made: History = NONE


class World(NamedTuple):
    """Everything there is. `kept_*` are older copies; `restored_*` count how often one was put back."""

    files: tuple[File, ...]
    lock: Lock = Lock()
    writers: tuple[Writer, ...] = (Writer(), Writer())
    published: frozenset[History] = frozenset()  # signed, and seen outside the process
    acked: frozenset[History] = frozenset()
    anchored: frozenset[History] = frozenset()
    kept_file: File | None = None
    kept_lock: Lock | None = None
    written: int = 0
    crashes: int = 0
    restored_file: int = 0
    restored_lock: int = 0
    forged: bool = False
    faults: int = 0


class Limits(NamedTuple):
    """How much may happen. `copies` is the number of files; each of the two writers has its own, or they share one."""

    copies: int = 1
    writes: int = 3
    crashes: int = 2
    restores_file: int = 0
    restores_lock: int = 0
    forger: bool = False
    faults: int = 0


class Wrong(Exception):
    """An invariant does not hold; the text says which, and how it came to that."""


def opening(file: File, lock: Lock, broken: str = "") -> str:
    """What file and lock store say to each other (§6, the table), in its words."""
    note = lock.newest
    if not note:
        if not file.entries:
            return NEW
        fits = not file.own and len(file.entries) == 1 and file.entries == lock.intent
        return KILLED_NEW if fits else LOST
    if len(file.entries) < len(note) and broken != "opens a file that is shorter":
        return SHORTER
    if len(file.own) > len(note):
        return OLDER
    if file.entries[: len(note)] != note[: len(file.entries)] and broken != "opens another history":
        return REWRITTEN
    if len(file.entries) <= len(note):
        return CLEAN
    announced = file.entries == lock.intent or broken == "signs a tail that nobody announced"
    return KILLED if announced else ADDED


def consistent(one: History, other: History) -> bool:
    """One of them begins with the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def contradicted(file: File, anchored: frozenset[History]) -> bool:
    """What a verifier with the anchor says (§15): a note of a size above the ledger's, or of another root."""
    return any(len(note) > len(file.entries) or not _begins(file, note) for note in anchored)


def _begins(file: File, note: History) -> bool:
    return file.entries[: len(note)] == note


class Model:
    """All worlds that can be reached within limits, with an order that may be `broken`."""

    def __init__(self, limits: Limits, broken: str = "") -> None:
        self.limits = limits
        self.broken = broken
        self.worlds = 0
        self.openings: set[str] = set()
        self.inconsistent = 0  # worlds in which both were rolled back and two notes contradict each other …
        self.unseen = 0  # … and of these the ones in which no anchor had a copy yet

    def run(self) -> Model:
        """Visit every world. Raises Wrong at the first that must not be."""
        first = World(tuple(File() for _ in range(self.limits.copies)))
        came: dict[World, tuple[World, str] | None] = {first: None}
        queue = deque([first])
        while queue:
            world = queue.popleft()
            for act, after in self._acts(world):
                if after not in came:
                    came[after] = (world, act)
                    queue.append(after)
                    if wrong := self._wrong(after):
                        raise Wrong(f"{wrong}: {' > '.join(_path(came, after))}")
                if act.endswith("opens") and (wrong := self._opens_wrongly(world, act, after)):
                    raise Wrong(f"{wrong}: {' > '.join([*_path(came, world), act])}")
        self.worlds = len(came)
        return self

    # ------------------------------------------------------------------ what can happen

    def _acts(self, world: World) -> Iterator[tuple[str, World]]:
        for n, writer in enumerate(world.writers):
            file = n % self.limits.copies
            if writer.at != "down":
                yield from ((f"{n} {writer.at}", after) for after in self._step(world, n, file, writer))
                if world.crashes < self.limits.crashes:
                    yield f"{n} killed", _with(world, n, Writer())._replace(crashes=world.crashes + 1)
            elif not self._open(world, file):
                yield from ((f"{n} opens", after) for after in self._opened(world, n, file))
        yield from self._disk(world)

    def _open(self, world: World, file: int) -> bool:
        """Somebody holds the file: its own lock keeps two writers of one file apart."""
        return any(w.at != "down" and n % self.limits.copies == file for n, w in enumerate(world.writers))

    def _opened(self, world: World, n: int, number: int) -> Iterator[World]:
        file, note = world.files[number], world.lock.newest
        found = opening(file, world.lock, self.broken)
        self.openings.add(found)
        if found not in GOES_ON:
            yield world  # refused: nothing was changed
        elif found in (KILLED, KILLED_NEW):
            yield _with(world, n, Writer("swap", note, file.entries))
        elif note and file.own != note:
            yield _with(world, n, Writer("put row", note, note))
        else:
            yield _with(world, n, Writer("announce", note))

    def _step(self, world: World, n: int, number: int, writer: Writer) -> Iterator[World]:
        """One step of §6; the number of the step is in the comment."""
        file, lock = world.files[number], world.lock
        go = lambda at, world=world, **more: _with(world, n, writer._replace(at=at, **more))  # noqa: E731
        early = self.broken == "acknowledges before the lock store has it"
        if writer.at == "announce":  # 0
            if world.written >= self.limits.writes:
                return
            if lock.newest != writer.seen:
                yield _with(world, n, Writer())
                return
            made = (*file.entries, world.written + 1)
            after = world._replace(written=world.written + 1)
            if self.broken != "announces after the commit":
                after = after._replace(lock=lock._replace(intent=made))
            yield go("commit", after, made=made)
        elif writer.at == "commit":  # 1
            next_step = "swap" if self.broken == "signs before it reads back" else "read back"
            next_step = "announce late" if self.broken == "announces after the commit" else next_step
            yield go(next_step, _put(world, number, file._replace(entries=writer.made)))
            if world.faults < self.limits.faults:
                other = File((*writer.made[:-1], -writer.made[-1]), file.own)
                yield go(next_step, _put(world, number, other)._replace(faults=world.faults + 1))
        elif writer.at == "announce late":
            yield go("read back", world._replace(lock=lock._replace(intent=writer.made)))
        elif writer.at == "read back":  # 2
            same = file.entries == writer.made
            after = world._replace(acked=world.acked | {writer.made}) if early else world
            yield go("swap", after) if same else _with(world, n, Writer())
        elif writer.at == "swap":  # 3, and the first half of 4: what is signed is seen once it is in `history`
            if lock.newest != writer.seen and self.broken != "swaps without comparing":
                yield _with(world, n, Writer())
                return
            seen = file.entries if self.broken == "signs before it reads back" else writer.made
            after = world._replace(lock=lock._replace(history=seen), published=world.published | {seen})
            yield go("put checkpoint", after, made=seen)
        elif writer.at == "put checkpoint":  # the second half of 4
            yield go("put row", world._replace(lock=lock._replace(checkpoint=writer.made)))
        elif writer.at == "put row":  # 5, and the acknowledgement
            after = _put(world, number, file._replace(own=writer.made))
            after = after._replace(acked=after.acked | {writer.made})
            yield _with(after, n, Writer("anchor", writer.made))
        else:  # after the write, never in it (§15)
            after = world._replace(anchored=world.anchored | {writer.seen})
            yield _with(after, n, Writer("announce", writer.seen))

    def _disk(self, world: World) -> Iterator[tuple[str, World]]:
        """Copies that are taken and put back, and a forger. A file that is open is not replaced; a lock store is."""
        limits = self.limits
        for number, file in enumerate(world.files):
            closed = not self._open(world, number)
            if limits.restores_file and world.kept_file is None:
                yield f"file {number} copied", world._replace(kept_file=file)
            elif closed and world.kept_file and world.kept_file != file and world.restored_file < limits.restores_file:
                back = _put(world, number, world.kept_file)
                yield f"file {number} put back", back._replace(restored_file=world.restored_file + 1)
            if limits.forger and closed and not world.forged and file.entries:
                for what, entries in (("added to", file.entries), ("rewritten", file.entries[:-1])):
                    forged = _put(world, number, file._replace(entries=(*entries, FORGED)))
                    yield f"file {number} {what}", forged._replace(forged=True)
        if limits.restores_lock and world.kept_lock is None:
            yield "lock store copied", world._replace(kept_lock=world.lock)
        elif world.kept_lock and world.kept_lock != world.lock and world.restored_lock < limits.restores_lock:
            back = world._replace(lock=world.kept_lock)
            yield "lock store put back", back._replace(restored_lock=world.restored_lock + 1)

    # ------------------------------------------------------------------ what must hold

    def _both_rolled_back(self, world: World) -> bool:
        """The lock store, and the file: by hand, or because a second copy of it was there from the start."""
        return bool(world.restored_lock and (world.restored_file or self.limits.copies > 1))

    def _opens_wrongly(self, world: World, act: str, after: World) -> str | None:
        """Nothing acknowledged is lost without being named; who met nothing but crashes is never refused."""
        n = int(act.partition(" ")[0])
        file = world.files[n % self.limits.copies]
        if after != world:
            whole = self._both_rolled_back(world) or all(_begins(file, note) for note in world.acked)
            return None if whole else "opened without what was acknowledged"
        untouched = not (world.restored_file or world.restored_lock or world.forged or world.faults)
        return "refused after nothing but crashes" if untouched and self.limits.copies == 1 else None

    def _wrong(self, world: World) -> str | None:
        for note in world.published:
            if FORGED in note:
                return "a tail that nobody announced was signed"
            if any(entry < 0 for entry in note):
                return "what a fault made was signed"
        known = sorted(world.published)
        apart = [(a, b) for k, a in enumerate(known) for b in known[k + 1 :] if not consistent(a, b)]
        if not apart:
            return None
        if not self._both_rolled_back(world):
            return "two signed checkpoints are inconsistent"
        self.inconsistent += 1
        self.unseen += not world.anchored
        for one in (note for pair in apart for note in pair if note in world.anchored):
            for file in world.files:  # whoever has the other history is seen by whoever asks the anchor
                holds_other = any(one in pair and _begins(file, note) for pair in apart for note in pair if note != one)
                if holds_other and not contradicted(file, world.anchored):
                    return "both were rolled back and the anchor does not show it"
        return None


def _with(world: World, n: int, writer: Writer) -> World:
    return world._replace(writers=(*world.writers[:n], writer, *world.writers[n + 1 :]))


def _put(world: World, number: int, file: File) -> World:
    return world._replace(files=(*world.files[:number], file, *world.files[number + 1 :]))


def _path(came: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    """The acts that led to a world."""
    acts: list[str] = []
    while (step := came[world]) is not None:
        world, act = step
        acts.insert(0, act)
    return acts
