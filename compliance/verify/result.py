"""What verification says."""

from __future__ import annotations

from dataclasses import dataclass, field

LISTED = 200  # problems kept in full; beyond that they are counted


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not hold. `seq` is the entry, `last` the end of the range where it can only be narrowed to
    one; both None when it is not about entries. `derived`: it follows from entries that may be named themselves."""

    seq: int | None
    what: str
    last: int | None = None
    derived: bool = False

    def __str__(self) -> str:
        if self.seq is None:
            return self.what
        if self.last is None or self.last == self.seq:
            return f"entry {self.seq}: {self.what}"
        return f"entries {self.seq} to {self.last}: {self.what}"


@dataclass(frozen=True, slots=True)
class KeyTerm:
    """From `start` entries on, `vkey` signs. `action` is create, rotate or replace."""

    start: int
    vkey: str
    action: str


_WORSE = ("empty", "ok", "unreadable", "ahead", "differs")


@dataclass(slots=True)
class AnchorFound:
    """What one anchor's copies say. `state`: `empty`, `ok`, `unreadable` (a copy could not be compared), `ahead` (it
    knows more entries than the ledger has) or `differs`. `size` is the largest size named, `agreed` the largest whose
    root agrees."""

    name: str
    copies: int = 0
    state: str = "empty"
    size: int = 0
    agreed: int = 0

    def worsen(self, state: str) -> None:
        """Take the worse of two states."""
        self.state = max(self.state, state, key=_WORSE.index)


@dataclass(slots=True)
class Verification:
    """The outcome. `problems` are in the order of the ledger; `more` counts those beyond the first 200.

    `vkey` is the key given, else the ledger's first; `keys` are all of its keys, in order.
    `lock_store` is `not given`, `ok`, `missing`, `behind`, `ahead` or `differs`; `signed` is how many entries the
    newest checkpoint covers, `anchored` how many the lock store's newest note covers (0 without one). `anchors` has one
    item for each that was given.
    """

    origin: str = ""
    vkey: str = ""
    vkey_given: bool = False
    keys: list[KeyTerm] = field(default_factory=list)
    size: int = 0
    root: bytes = b""
    checkpoints: int = 0
    signed: int = 0
    anchored: int = 0
    lock_store: str = "not given"
    anchors: list[AnchorFound] = field(default_factory=list)
    personal_checked: int = 0
    personal_closed: int = 0  # contents whose key the key store given does not have, though nothing erased it
    unchecked: list[str] = field(default_factory=list)  # what was not given, so that nothing can be said of it
    problems: list[Problem] = field(default_factory=list)
    more: int = 0

    @property
    def ok(self) -> bool:
        """Everything that was checked holds; `unchecked` says what was not."""
        return not self.problems

    @property
    def lock_store_ok(self) -> bool | None:
        """The lock store agrees; None when none was given."""
        return None if self.lock_store == "not given" else self.lock_store == "ok"

    @property
    def unanchored(self) -> int:
        """Entries that no lock store vouches for."""
        return self.size - min(self.anchored, self.size)

    def add(self, seq: int | None, what: str, last: int | None = None, *, derived: bool = False) -> None:
        """Note a problem."""
        if len(self.problems) < LISTED:
            self.problems.append(Problem(seq, what, last, derived))
        else:
            self.more += 1

    def take(self, part: Verification) -> None:
        """Note the problems of a part, in its order."""
        for problem in part.problems:
            self.add(problem.seq, problem.what, problem.last, derived=problem.derived)
        self.more += part.more

    def sort(self) -> None:
        """Put the first bad entry first, then what follows from entries, then what concerns none."""
        self.problems.sort(key=lambda p: (p.seq is None, p.derived, p.seq or 0, -1 if p.last is None else p.last))
