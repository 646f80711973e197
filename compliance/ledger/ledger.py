"""The ledger: one writer appends entries, signs what it wrote, and reads it back. Format: schemas/ledger.md.

Order of a write (§6): one transaction of rows, tiles and head; read it back and hash it again; sign; swap the
checkpoint into the lock store; keep the checkpoint in the file. Only then is the append acknowledged. Opening and
writing share one file because they keep the same order: opening finishes what a write left undone.
"""

from __future__ import annotations

import gc
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from compliance.ledger import bulk, restart
from compliance.ledger.collections import (
    CollectionFields,
    StoredCollection,
    changes,
    collection_row,
    event_rows,
)
from compliance.ledger.drafts import Draft, draft_row
from compliance.ledger.keystore import KeyStore
from compliance.ledger.line import MAX_LINE, Row, Rows, build
from compliance.ledger.lockstore import LockStore
from compliance.ledger.note import Keys
from compliance.ledger.readable import Readable
from compliance.ledger.reading import Latest
from compliance.ledger.store import ENTRY, FORMAT, RECOVER, Head, Store
from compliance.ledger.tree import Tile, leaves
from compliance.schemas.canonical import instant
from compliance.schemas.errors import (
    ConfigError,
    EvidenceError,
    IntegrityError,
    LedgerError,
)
from compliance.schemas.kinds.engine import ClockStep, Genesis, KeyEvent
from compliance.schemas.messages import Record

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


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger(Readable):
    """An open ledger. Use `Ledger.open`; close it, or use it as a context manager. Calls from several threads are
    served one after the other."""

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        origin: str,
        keys: Path,
        lock_store: Path,
        keystore: Path,
        segments: Path | None = None,
        clock: Callable[[], datetime] = _now,
        wait_s: float = 30.0,
        on_wait: Callable[[str], None] | None = None,
    ) -> Ledger:
        """Open the ledger at `path` as its writer, making it when neither file nor lock store knows one.

        `keys` and `lock_store` are folders, `keystore` is a file, `segments` the folder of
        sealed months (beside the ledger when None). `on_wait` is told once whom we wait for.

        Raises:
            IntegrityError: file and lock store contradict each other, or the file is damaged.
            LedgerBusy: another process still writes it after `wait_s` seconds.
            LedgerTooNew: it was written by a newer engine.
            StorageFull: the disk is full or a folder cannot be written.
            ConfigError: it is the ledger of another origin, or its signing key is not there.
        """
        return cls._open(path, origin, keys, lock_store, keystore, segments, clock, wait_s, on_wait, adopt=False)

    @classmethod
    def adopt(
        cls,
        path: Path,
        *,
        origin: str,
        keys: Path,
        lock_store: Path,
        keystore: Path,
        reason: str,
        by: str,
        segments: Path | None = None,
        clock: Callable[[], datetime] = _now,
        wait_s: float = 30.0,
        on_wait: Callable[[str], None] | None = None,
    ) -> Ledger:
        """Open a ledger whose lock store was lost, start a new one, and record who did so and why.

        Raises:
            LedgerError: there is a lock store, or no ledger. One that is there but wrong is moved aside by hand first.
        """
        if LockStore(lock_store).read() is not None:
            raise LedgerError(
                f"lock store {lock_store} is not missing",
                remedy="move it aside, and keep it, before adopting a new one",
            )
        if not path.exists():
            raise LedgerError(f"there is no ledger at {path}", remedy="correct the path")
        ledger = cls._open(path, origin, keys, lock_store, keystore, segments, clock, wait_s, on_wait, adopt=True)
        try:
            event = KeyEvent(
                occurred_at=clock(),
                event=secrets.token_hex(8),
                action="adopt_lock_store",
                key_name=ledger._keys.vkey,
                old_key_name=None,
                reason=reason,
                by_person=by,
            )
            ledger.append([Draft("key_event", event)])
        except BaseException:
            ledger.close()
            raise
        return ledger

    @classmethod
    def _open(
        cls,
        path: Path,
        origin: str,
        keys: Path,
        lock_store: Path,
        keystore: Path,
        segments: Path | None,
        clock: Callable[[], datetime],
        wait_s: float,
        on_wait: Callable[[str], None] | None,
        *,
        adopt: bool,
    ) -> Ledger:
        lock = LockStore(lock_store)
        if lock.read() is not None and not path.exists():
            raise IntegrityError(
                f"there is no ledger at {path}, but its lock store {lock_store} knows one",
                remedy="correct the path, or restore the newest backup of the ledger",
            )
        if path.exists() and path.stat().st_size == 0 and lock.read() is None:
            path.unlink()  # a crash came while DuckDB made the file; nothing was ever in it
        store = Store.open(path, wait_s, on_wait, segments)
        opened: KeyStore | None = None
        try:
            note = lock.read()  # again: another writer may have moved on while we waited
            fresh = store.is_new()
            if fresh and note is not None:
                raise IntegrityError(
                    f"ledger {path} is empty, but its lock store {lock_store} knows entries", remedy=RECOVER
                )
            if fresh:
                store.create(origin)
            store.check_meta(origin)
            head = store.head()
            key = Keys.open(keys, origin, create=head is None)
            opened = KeyStore(keystore)
            ledger = cls(store, key, lock, opened, clock)
            if head is None:
                ledger._begin(note, adopt)
            else:
                ledger._resume(head, note, adopt)
        except BaseException:
            if opened:
                opened.close()
            with suppress(LedgerError):  # the first error is the one to tell
                store.close()
            raise
        return ledger

    def _begin(self, note: str | None, adopt: bool) -> None:
        if note is not None or adopt or self._store.query("SELECT count(*) FROM stored.entry") != [(0,)]:
            raise IntegrityError(
                f"ledger {self._store.path} has no head, but entries or a lock store", seq=0, remedy=RECOVER
            )
        genesis = Genesis(
            occurred_at=self._clock(),
            origin=self.origin,
            format=FORMAT,
            leaf="rfc6962-sha256-chained",
            vkey=self._keys.vkey,
            random=secrets.token_hex(32),
            engine_version=None,
        )
        self.append([Draft("genesis", genesis)])

    def _resume(self, head: Head, note: str | None, adopt: bool) -> None:
        first = self._reader.entries(None, 1)
        genesis = next(first, None)
        if genesis is None or genesis.kind != "genesis" or genesis.record.get("origin") != self.origin:
            raise IntegrityError(f"ledger {self._store.path} does not start with its genesis", seq=0, remedy=RECOVER)
        if genesis.record.get("vkey") != self._keys.vkey:
            raise ConfigError(
                f"the signing key of ledger {self._store.path} is {genesis.record.get('vkey')}, not {self._keys.vkey}",
                remedy="give the folder with this ledger's key",
            )
        self._edge = restart.load_edge(self._store, head)
        self._at = self._clock_seen = head.at
        unsigned = restart.resume(self._store, self._edge, note, self._keys.vkey, adopt=adopt)
        self._note = note
        if unsigned:
            self._sign()

    def close(self) -> None:
        """Close the file and the key store."""
        with self._mutex:
            self._broken = True
            self._keystore.close()
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        with suppress(LedgerError):  # the error inside the block is the one to tell
            self.close()

    # ------------------------------------------------------------------ writing

    def append(self, drafts: Sequence[Draft]) -> Appended:
        """Record drafts, all or none, in one transaction.

        Raises:
            EvidenceError: a record does not fit its kind, or its alias is not known; nothing was written.
            LedgerError: the file could not be written; open the ledger again to see what was committed.
        """
        if not drafts:
            raise EvidenceError("nothing was given to append")
        with self._writing():
            at = self._tick()
            return self._write(Rows.of([draft_row(draft, self._keystore) for draft in drafts]), at)

    def append_table(self, kind: str, source: str, table: pa.Table) -> Appended:
        """Record many events in one transaction. Columns of `table`: `record` (canonical JSON text of all columns of
        the kind), and optionally `observed_at` (timestamp) and `key` (canonical JSON text, checked against the record).

        Raises:
            EvidenceError: a record is not canonical, or not of the kind; nothing was written.
        """
        with self._writing(), _uncollected():
            at = self._tick()
            return self._write(bulk.rows(kind, source, table, self._keystore), at)

    def record_state(self, given: CollectionFields, records: Sequence[Record]) -> StoredCollection:
        """Record that a complete collection saw exactly `records`; only what changed since the last one is stored.

        Raises:
            EvidenceError: a record is of another kind, or two have the same key; nothing was written.
        """
        with self._writing():
            at = self._tick()
            seq = self._edge.size
            link = self._known_collections().get((given.of_source, given.of_kind))
            previous = link.link if link else None
            fresh = previous is None or (previous.at.year, previous.at.month) != (at.year, at.month)
            known = None if fresh or previous is None else self._reader.known(previous)
            change = changes(given, records, known, seq, self._keystore)
            head = collection_row(
                given,
                at,
                rows=len(records),
                stored=len(change.rows),
                base=seq if change.full or previous is None else previous.base,
                previous=previous.seq if previous else None,
                digest=change.digest,
            )
            return self._record([head, *change.rows], at)

    def record_events(
        self, given: CollectionFields, records: Sequence[Record], cursor: str | None, final: bool
    ) -> StoredCollection:
        """Record a batch of events and how far they reach, in one transaction: after a crash `cursor` says from where
        to go on. `final` closes the collection; batches before it have the outcome `partial`."""
        with self._writing():
            at = self._tick()
            link = self._known_collections().get((given.of_source, given.of_kind))
            last = link.newest if link else None
            again = last is not None and (last.run, last.attempt) == (given.run, given.attempt)
            rows = event_rows(given, records, self._edge.size, self._keystore)
            head = collection_row(
                given if final else replace(given, outcome="partial"),
                at,
                part=last.part + 1 if again and last else 0,
                rows=len(rows),
                stored=len(rows),
                cursor=cursor,
            )
            return self._record([head, *rows], at)

    def record_gap(self, given: CollectionFields) -> StoredCollection:
        """Record that a kind could not be read. What was known of it before stays as it is."""
        if given.outcome in ("complete", "partial"):
            raise EvidenceError(f"a gap cannot have the outcome {given.outcome}")
        with self._writing():
            at = self._tick()
            return self._record([collection_row(given, at)], at)

    def erase(self, alias: str, *, reason: str, by: str | None = None) -> bool:
        """Record the erasure of a subject, then destroy its key and mapping. The ledger still verifies; its personal
        columns read NULL from now on. False when nothing is known of the alias."""
        with self._mutex:
            self._usable()
            if self._keystore.key(alias) is None:
                return False
            event = KeyEvent(
                occurred_at=self._clock(),
                event=secrets.token_hex(8),
                action="erase_subject",
                key_name=alias,
                old_key_name=None,
                reason=reason,
                by_person=by,
            )
            self.append([Draft("key_event", event)])
            return self._keystore.erase(alias)

    def _record(self, rows: Sequence[Row], at: datetime) -> StoredCollection:
        appended = self._write(Rows.of(rows), at)
        line = self._store.query("SELECT line FROM stored.entry WHERE seq = ?", [appended.first])[0][0]
        stored = StoredCollection.of_line(line)
        where = (stored.of_source, stored.of_kind)
        known = self._known_collections()
        old = known.get(where)
        known[where] = Latest(
            stored if stored.base is not None else old.link if old else None,
            stored.cursor if stored.cursor is not None else old.cursor if old else None,
            stored,
        )
        return stored

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

    def _write(self, rows: Rows, at: datetime) -> Appended:
        first = self._edge.size
        built = build(rows, first, instant(at), self.origin)
        lines = [line.encode() for line in built.lines]
        if max(map(len, lines)) > MAX_LINE:
            n = next(n for n, line in enumerate(lines) if len(line) > MAX_LINE)
            raise EvidenceError(f"record {n} ({rows.kinds[n]}) makes a line longer than {MAX_LINE} bytes")
        edge = self._edge.copy()
        tiles = edge.extend(leaves(edge.last_leaf, lines))
        entries = bulk.entry_table(rows, built, first, at)
        personal = bulk.personal_table(built)
        self._broken = True  # until the whole order of the write was kept
        self._keystore.flush()
        head = Head(edge.size, edge.root(), edge.last_leaf, at)
        self._store.commit(entries, personal, tiles, head)
        self._read_back(first, entries, tiles, head)
        self._edge, self._at = edge, at
        self._sign()
        self._broken = False
        assert self._note is not None
        return Appended(first, edge.size, head.root, self._note)

    def _read_back(self, first: int, entries: pa.Table, tiles: Sequence[Tile], head: Head) -> None:
        """Hash what the file holds, not what we meant to write: a fault between the two must not be signed."""
        found = self._store.table("SELECT * FROM stored.entry WHERE seq >= ? ORDER BY seq", [first]).cast(ENTRY)
        again = leaves(self._edge.last_leaf, found["line"].cast(pa.binary()).to_pylist())
        same = (
            found.equals(entries)
            and again[-1] == head.last_leaf
            and self._store.head() == head
            and self._store.tiles_since(first) == list(tiles)
        )
        if not same:
            raise IntegrityError(
                f"ledger {self._store.path}: what was read back from entry {first} on is not what was written; "
                "nothing of it was signed",
                seq=first,
                remedy="test memory and disk of this machine, then open the ledger again",
            )

    def _sign(self) -> None:
        note = self._keys.sign(self._edge.size, self._edge.root())
        self._lock.swap(self._note, note, instant(self._at))
        self._note = note
        self._store.put_checkpoint(self._edge.size, note)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause the cycle collector: a large batch makes many objects and no cycles, and each pass would walk them all."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
