"""The order in which entries are written, and what is checked before they are signed. Format: schemas/ledger.md §6.

Announce the write in the lock store; one transaction of rows, tiles and head; read it back and hash it again; sign;
swap the checkpoint into the lock store; keep the checkpoint in the file. Only then is the append acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from compliance.ledger import bulk, sheets
from compliance.ledger.drafts import Draft, draft_row
from compliance.ledger.keys import Keys
from compliance.ledger.line import MAX_LINE, Events, Rows, build
from compliance.ledger.note import Checkpoint, Signer, intent_text, parse_checkpoint, sign_text, split_note
from compliance.ledger.readable import Readable
from compliance.ledger.store import ENTRY, Head
from compliance.ledger.tree import Edge, Tile, leaves
from compliance.schemas.canonical import instant
from compliance.schemas.errors import EvidenceError, IntegrityError, LedgerError
from compliance.schemas.kinds.engine import ClockStep

# A clock that is disciplined in small steps is not news; a larger step back is recorded.
_STEP = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append gives back once it is signed: number of its first entry, the ledger's size and root after it,
    and the signed checkpoint."""

    first: int
    size: int
    root: bytes
    checkpoint: str


class Writer(Readable):
    """What writes into an open ledger; who calls it holds the mutex (`_writing`)."""

    def _tick(self) -> datetime:
        """The time of the next entry: the clock's, but never before the newest entry."""
        now = self._clock().astimezone(UTC)
        before, self._clock_seen = self._clock_seen, now
        if now + _STEP < before and self._edge.size:
            back = (before - now) // timedelta(microseconds=1)
            step = ClockStep(occurred_at=before, clock_at=now, back_us=back)
            self._write(Rows.of([draft_row(Draft("clock_step", step), self._keystore)]), max(now, self._at))
        return max(now, self._at)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time; what a failed write made in the key store is forgotten."""
        with self._mutex:
            self._usable()
            try:
                yield
            except BaseException:
                self._keystore.rollback()
                raise

    def _usable(self) -> None:
        if self._broken:
            raise LedgerError(
                f"ledger {self._store.path} is closed, or a write failed with its outcome unknown",
                remedy="open it again: it shows what was committed before anything is retried",
            )

    def _write(
        self,
        rows: Rows | Events,
        at: datetime,
        *,
        sheet: sheets.Sheet | None = None,
        incoming: Keys | None = None,
        action: str = "",
    ) -> Appended:
        first = self._edge.size
        self._check_memory()
        self._keystore.flush()  # before the lines are made: from there to their hashes nothing waits for a disk
        if isinstance(rows, Events):
            entries, personal = bulk.event_table(rows, first, at), None
        else:
            built = build(rows, first, instant(at), self.origin)
            entries, personal = bulk.entry_table(rows, built, first, at), bulk.personal_table(built)
        if sheet is not None:  # what belongs to the collection entry that `rows` is
            more, personal = sheet.tables(first + len(entries), instant(at), self.origin, self._keystore)
            entries = pa.concat_tables([entries, more]).combine_chunks()
            self._keystore.flush()  # a key that is lost with the machine would be an erasure that nobody asked for
        lengths = pc.binary_length(entries["line"])
        if pc.max(lengths).as_py() > MAX_LINE:
            n = pc.index(pc.greater(lengths, MAX_LINE), True).as_py()
            raise EvidenceError(f"record {n} ({entries['kind'][n]}) makes a line longer than {MAX_LINE} bytes")
        edge = self._edge.copy()
        self._broken = True  # until the whole order of the write was kept
        if incoming is not None:
            self._terms = self._terms.then(first + len(entries), incoming.vkey, action)
            self._outgoing, self._key = self._key, incoming

        def announced() -> tuple[Sequence[Tile], Head]:
            tiles = edge.extend(leaves(edge.last_leaf, bulk.lines(entries)))
            head = Head(edge.size, edge.root(), edge.last_leaf, at)
            point = Checkpoint(self.origin, head.size, head.root)
            self._lock.intend(self._note, sign_text(intent_text(point), self.origin, *self._signers(head.size)))
            return tiles, head

        tiles, head = self._store.commit(entries, personal, announced)
        self._read_back(first, entries, tiles, head, edge)
        self._edge, self._at = edge, at
        self._sign(head.size, head.root)
        self._broken = False
        assert self._note is not None
        return Appended(first, edge.size, head.root, self._note)

    def _check_memory(self) -> None:
        """Raise IntegrityError when the tree in memory is not the one that was signed last: a fault of memory while
        nothing was written would be signed with the next entry."""
        if self._note is not None and parse_checkpoint(split_note(self._note)[0]).root != self._edge.root():
            self._broken = True
            raise IntegrityError(
                f"ledger {self._store.path}: what memory holds of its {self._edge.size} entries is not what was "
                "signed; nothing was added",
                remedy="test memory of this machine, then open the ledger again",
            )

    def _read_back(self, first: int, entries: pa.Table, tiles: Sequence[Tile], head: Head, edge: Edge) -> None:
        """Hash what the file holds, not what we meant to write: a fault between the two must not be signed."""
        made, count = [self._edge.last_leaf], 0
        for batch in self._store.batches("SELECT * FROM stored.entry WHERE seq >= ?", [first]):
            found = pa.Table.from_batches([batch]).cast(ENTRY)
            if not found.equals(entries.slice(count, len(found))):
                break
            made = leaves(made[-1], bulk.lines(found)) or made
            count += len(found)
        same = (
            count == len(entries)
            and made[-1] == head.last_leaf
            and self._store.head() == head
            and self._store.tiles_since(first) == list(tiles)
            and (edge.size, edge.last_leaf, edge.root()) == (head.size, head.last_leaf, head.root)
        )
        if not same:
            raise IntegrityError(
                f"ledger {self._store.path}: what was read back from entry {first} on is not what was written; "
                "nothing of it was signed",
                seq=first,
                remedy="test memory and disk of this machine, then open the ledger again",
            )

    def _sign(self, size: int, root: bytes) -> None:
        point = Checkpoint(self.origin, size, root)
        note = sign_text(point.text, self.origin, *self._signers(point.size))
        self._lock.swap(self._note, note, instant(self._at))
        self._note = note
        self._store.put_checkpoint(point.size, note)

    def _signers(self, size: int) -> list[Signer]:
        """The private keys that sign at this size."""
        known = {key.vkey: key for key in (self._key, self._outgoing) if key is not None}
        return [(known.get(vkey) or self._ring.get(vkey)).private for vkey in self._terms.signers(size)]
