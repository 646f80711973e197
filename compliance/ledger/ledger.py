"""The ledger: one writer appends entries, signs what it wrote, and reads it back. Format: schemas/ledger.md.

How it writes is `writing`'s matter. Here it is opened, which finishes what a write left undone (`restart`), and told
what to write: entries, collections, changes of key.
"""

from __future__ import annotations

import gc
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import NotRequired, Self, TypedDict, Unpack

import orjson
import pyarrow as pa

from compliance.ledger import bulk, restart, sheets
from compliance.ledger.collections import (
    CollectionFields,
    StoredCollection,
    changes,
    collection_row,
    event_rows,
)
from compliance.ledger.drafts import Draft, draft_row
from compliance.ledger.keys import KeyRing, Keys
from compliance.ledger.keystore import KeyStore, is_empty
from compliance.ledger.line import Row, Rows, check_source
from compliance.ledger.lockstore import LockStore
from compliance.ledger.reading import Latest
from compliance.ledger.store import FORMAT, RECOVER, Head, Store, never_begun
from compliance.ledger.writing import Appended, Writer
from compliance.schemas.canonical import instant
from compliance.schemas.errors import (
    ConfigError,
    EvidenceError,
    IntegrityError,
    LedgerError,
)
from compliance.schemas.evidence import Evidence, kind_named
from compliance.schemas.kinds.engine import Genesis, KeyEvent
from compliance.schemas.messages import Record


def _now() -> datetime:
    return datetime.now(UTC)


class Opening(TypedDict):
    """Where what belongs to a ledger lies, and how it is opened.

    `keys` and `lock_store` are folders, `keystore` is a file, `segments` is the folder of sealed months (beside the
    ledger when None). `given_keys` are private keys that lie elsewhere, the one
    in force first. `on_wait` is told once whom we wait for, `wait_s` seconds at the most.
    """

    origin: str
    keys: Path
    lock_store: Path
    keystore: Path
    segments: NotRequired[Path | None]
    given_keys: NotRequired[Sequence[Keys]]
    clock: NotRequired[Callable[[], datetime]]
    wait_s: NotRequired[float]
    on_wait: NotRequired[Callable[[str], None] | None]


class Ledger(Writer):
    """An open ledger. Use `Ledger.open`; close it, or use it as a context manager. Calls from several threads are
    served one after the other."""

    @classmethod
    def open(cls, path: Path, **how: Unpack[Opening]) -> Ledger:
        """Open the ledger at `path` as its writer, making it when neither file nor lock store knows one.

        Raises:
            IntegrityError: file and lock store contradict each other, or the file is damaged.
            LedgerBusy: another process still writes it after `wait_s` seconds.
            LedgerTooNew: it was written by a newer engine.
            StorageFull: the disk is full or a folder cannot be written.
            ConfigError: it is the ledger of another origin, or its signing key is not there.
        """
        return cls._open(path, how)

    @classmethod
    def adopt(cls, path: Path, *, reason: str, by: str, replace_key: bool = False, **how: Unpack[Opening]) -> Ledger:
        """Open a ledger whose lock store was lost, start a new one, and record who did so and why.

        With `replace_key` the key in force is lost as well: a key at hand that never signed this ledger (else one made
        now) takes its place, as in `replace_key`. So it is with a file made of months from before a rotation.

        Raises:
            LedgerError: there is a lock store, or no ledger. One that is there but wrong is moved aside by hand first.
            ConfigError: the key in force is not at hand, and it was not said that it is to be replaced.
        """
        if LockStore(how["lock_store"]).read() is not None:
            raise LedgerError(
                f"lock store {how['lock_store']} is not missing",
                remedy="move it aside, and keep it, before adopting a new one",
            )
        if not path.exists():
            raise LedgerError(f"there is no ledger at {path}", remedy="correct the path")
        try:
            ledger = cls._open(path, how, adopt=True, without_key=replace_key)
        except ConfigError as error:
            if "signing key" not in error.message:
                raise
            raise ConfigError(
                error.message, remedy=f"{error.remedy}; lock store and key at once: `ledger adopt --replace-key`"
            ) from error
        try:
            adopted = Draft("key_event", ledger._key_event("adopt_lock_store", ledger.vkey, reason, by))
            if replace_key:
                ledger._refuse_key_at_hand()
                used = {term.vkey for term in ledger.terms.terms}
                unused = (key for key in ledger._ring.all() if key.vkey not in used)
                ledger._change_key("replace", next(unused, None) or ledger._ring.prepare(), reason, by, [adopted])
            else:
                ledger.append([adopted])
        except BaseException:
            ledger.close()
            raise
        return ledger

    @classmethod
    def replace_key(
        cls, path: Path, *, reason: str, by: str, key: Keys | None = None, **how: Unpack[Opening]
    ) -> Ledger:
        """Open a ledger whose private key is lost, put `key` (None: one made now) in its place, and record who did so
        and why. The old key vouches for nothing from there on: tell the new public key to all who have the old one.

        Raises:
            LedgerError: the key in force is at hand, or there is no ledger.
        """
        if not path.exists():
            raise LedgerError(f"there is no ledger at {path}", remedy="correct the path")
        ledger = cls._open(path, how, without_key=True)
        try:
            ledger._refuse_key_at_hand()
            ledger._change_key("replace", key or ledger._ring.prepare(), reason, by)
        except BaseException:
            ledger.close()
            raise
        return ledger

    def _refuse_key_at_hand(self) -> None:
        if self._ring.find(self._terms.vkey) is not None:
            raise LedgerError(
                f"the signing key in force, {self._terms.vkey}, is at hand",
                remedy="`compliance keys rotate` lets it vouch for the next one",
            )

    @classmethod
    def forget_lost(
        cls, path: Path, *, reason: str, by: str, agreed: Callable[[int], bool], **how: Unpack[Opening]
    ) -> int:
        """Record, as erased, every subject whose key is lost with the key store; gives their number. Their personal
        columns read NULL from now on, and the ledger says who decided so and why. `agreed` is asked first, with the
        number: what is recorded as erased is destroyed in any key store that is brought back later.

        Raises:
            LedgerError: there is no ledger, or it was not agreed; then nothing was recorded.
        """
        if not path.exists():
            raise LedgerError(f"there is no ledger at {path}", remedy="correct the path")
        with cls._open(path, how, forget=True) as ledger:
            return ledger._forget(reason, by, agreed)

    def _forget(self, reason: str, by: str, agreed: Callable[[int], bool]) -> int:
        recorded = {orjson.loads(line)["record"]["key_name"] for line in self._store.key_events()}
        rows = self._store.query("SELECT DISTINCT subject FROM whole.personal ORDER BY subject")
        lost = [alias for (alias,) in rows if alias not in recorded and self._keystore.key(alias) is None]
        if lost and not agreed(len(lost)):
            raise LedgerError(
                f"nothing was forgotten: {len(lost)} people would count as erased for good, and a key store that is "
                "brought back later would lose their keys",
                remedy="look for a backup of the key store first; then run it again with --yes",
            )
        if lost:
            self.append([Draft("key_event", self._key_event("erase_subject", alias, reason, by)) for alias in lost])
        return len(lost)

    @classmethod
    def _open(
        cls, path: Path, how: Opening, *, adopt: bool = False, without_key: bool = False, forget: bool = False
    ) -> Ledger:
        lock, origin = LockStore(how["lock_store"]), how["origin"]
        if lock.read() is not None and not path.exists():
            raise IntegrityError(
                f"there is no ledger at {path}, but its lock store {lock.folder} knows one",
                remedy="correct the path, or restore the newest backup of the ledger",
            )
        if lock.read() is None and never_begun(path):
            path.unlink()  # a crash came while DuckDB made the file; nothing was ever in it
        ring = KeyRing(how["keys"], origin, how.get("given_keys", ()))
        store = Store.open(path, how.get("wait_s", 30.0), how.get("on_wait"), how.get("segments"))
        opened: KeyStore | None = None
        try:
            note = lock.read()  # again: another writer may have moved on while we waited
            fresh = store.is_new()
            if fresh and note is not None:
                raise IntegrityError(
                    f"ledger {path} is empty, but its lock store {lock.folder} knows entries", remedy=RECOVER
                )
            if fresh:
                store.create(origin)
            store.check_meta(origin)
            head = store.head()
            terms = restart.terms(store, ring.create().vkey if head is None else None, origin)
            key = None if without_key else ring.get(terms.vkey)
            if not forget and is_empty(how["keystore"]):
                restart.check_no_personal(store, how["keystore"])
            opened = KeyStore(how["keystore"])
            ledger = cls(store, key, ring, terms, lock, opened, how.get("clock", _now))
            if head is None:
                ledger._begin(note, adopt)
            else:
                ledger._resume(head, note, adopt)
                restart.finish_erasures(store, opened)
        except BaseException:
            if opened:
                opened.close()
            with suppress(LedgerError):  # the first error is the one to tell
                store.abandon()
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
            vkey=self.vkey,
            random=secrets.token_hex(32),
            engine_version=None,
        )
        self.append([Draft("genesis", genesis)])

    def _resume(self, head: Head, note: str | None, adopt: bool) -> None:
        self._edge = restart.load_edge(self._store, head)
        self._at = self._clock_seen = head.at
        intent = self._lock.intent()
        unsigned = restart.resume(self._store, self._edge, note, intent, self._terms, self.origin, adopt=adopt)
        self._note = note
        if unsigned and self._key is not None:
            self._sign(head.size, head.root)
        if self._key is not None:
            self._ring.settle(self._terms.vkey, self._terms.former)

    def close(self) -> None:
        """Close the file and the key store. After a write that failed the log stays as it is: it says what was
        committed, and what memory holds may be what went wrong."""
        with self._mutex:
            if self._closed:
                return
            broken, self._broken, self._closed = self._broken, True, True
            self._keystore.close()
            if broken:
                self._store.abandon()
            else:
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
        return self.record_states([(given, records)])[0]

    def record_states(self, given: Sequence[tuple[CollectionFields, Sequence[Record]]]) -> list[StoredCollection]:
        """Record complete collections of several kinds or sources in one transaction, as `record_state` does one.

        Raises:
            EvidenceError: as there, or a kind of a source is given twice; nothing was written.
        """
        pairs = [(fields.of_source, fields.of_kind) for fields, _ in given]
        if len(set(pairs)) != len(pairs) or not pairs:
            raise EvidenceError("one transaction records each kind of a source once, and at least one")
        with self._writing():
            at = self._tick()
            rows: list[Row] = []
            heads = []
            for fields, records in given:
                heads.append(len(rows))
                rows += self._state_rows(fields, records, at, self._edge.size + len(rows))
            return self._record(rows, at, heads)

    def _state_rows(self, given: CollectionFields, records: Sequence[Record], at: datetime, seq: int) -> list[Row]:
        link = self._known_collections().get((given.of_source, given.of_kind))
        previous = link.link if link else None
        fresh = previous is None or (previous.at.year, previous.at.month) != (at.year, at.month)
        before = None if fresh or previous is None else previous
        known = (lambda: self._reader.known(before)) if before is not None else None
        change = changes(given, records, known, seq, self._keystore, before.snapshot_sha256 if before else None)
        head = collection_row(
            given,
            at,
            rows=len(records),
            stored=len(change.rows),
            base=seq if change.full or previous is None else previous.base,
            previous=previous.seq if previous else None,
            digest=change.digest,
        )
        return [head, *change.rows]

    def record_events(
        self, given: CollectionFields, records: Sequence[Record], cursor: str | None, final: bool
    ) -> StoredCollection:
        """Record a batch of events and how far they reach, in one transaction: after a crash `cursor` says from where
        to go on. `final` closes the collection; batches before it have the outcome `partial`."""
        with self._writing():
            at = self._tick()
            rows = event_rows(given, records, self._edge.size, self._keystore)
            head = collection_row(
                given if final else replace(given, outcome="partial"),
                at,
                part=self._part(given),
                rows=len(rows),
                stored=len(rows),
                cursor=cursor,
            )
            return self._record([head, *rows], at)[0]

    def record_event_table(
        self, given: CollectionFields, table: pa.Table, cursor: str, *, again: bool = False
    ) -> StoredCollection:
        """Record a batch of events that came as columns (`sheets.shape`), as `record_events` does for single ones; more
        follows, or the end. With `again` those whose key is recorded already are left out.

        Raises:
            EvidenceError: the table does not fit the kind; nothing was written.
        """
        with self._writing(), _uncollected():
            kind = kind_named(given.of_kind)
            table = sheets.conformed(kind, table)
            if again:
                table = self._without_recorded(given, kind, table)
            at = self._tick()
            head = collection_row(
                replace(given, outcome="partial"),
                at,
                part=self._part(given),
                rows=len(table),
                stored=len(table),
                cursor=cursor,
            )
            sheet = sheets.Sheet(kind, check_source(given.of_source), table) if len(table) else None
            return self._record([head], at, sheet=sheet)[0]

    def _without_recorded(self, given: CollectionFields, kind: type[Evidence], table: pa.Table) -> pa.Table:
        """The rows without an entry of this source and kind that has their key and time: a log that was emptied counts
        anew, and a number that comes again is another event."""
        keys = sheets.keys(kind, table)
        found = self._store.query(
            "SELECT DISTINCT key, line->>'$.record.occurred_at' FROM whole.entry WHERE kind = ? AND source = ? "
            "AND key IN (SELECT unnest(?::VARCHAR[]))",
            [kind.kind, given.of_source, keys.to_pylist()],
        )
        times = map(instant, table["occurred_at"].to_pylist())
        known = set(found)
        return table.filter(pa.array([pair not in known for pair in zip(keys.to_pylist(), times, strict=True)]))

    def _part(self, given: CollectionFields) -> int:
        """The number of the next batch of an attempt, from 0."""
        link = self._known_collections().get((given.of_source, given.of_kind))
        last = link.newest if link else None
        again = last is not None and (last.run, last.attempt) == (given.run, given.attempt)
        return last.part + 1 if again and last else 0

    def record_gap(self, given: CollectionFields) -> StoredCollection:
        """Record that a kind could not be read. What was known of it before stays as it is."""
        if given.outcome in ("complete", "partial"):
            raise EvidenceError(f"a gap cannot have the outcome {given.outcome}")
        with self._writing():
            at = self._tick()
            return self._record([collection_row(given, at)], at)[0]

    def erase(self, alias: str, *, reason: str, by: str | None = None) -> bool:
        """Record the erasure of a subject, then destroy its key and mapping. The ledger still verifies; its personal
        columns read NULL from now on. False when nothing is known of the alias."""
        with self._mutex:
            self._usable()
            if self._keystore.key(alias) is None:
                return False
            event = self._key_event("erase_subject", alias, reason, by)
            self.append([Draft("key_event", event)])
            return self._keystore.erase(alias)

    def rotate_key(self, *, reason: str, by: str, key: Keys | None = None) -> str:
        """Hand over to `key` (None: one made now) and give its public key. The entry that records it is covered by a
        checkpoint that both keys signed; the old private key in the key folder is destroyed."""
        with self._mutex:
            self._usable()
            self._change_key("rotate", key or self._ring.prepare(), reason, by)
            return self.vkey

    def _change_key(self, action: str, key: Keys, reason: str, by: str, before: Sequence[Draft] = ()) -> None:
        old = self._terms.vkey
        if key.vkey in {term.vkey for term in self._terms.terms}:
            raise ConfigError(f"{key.vkey} signed this ledger before", remedy="give a new key")
        event = self._key_event(action, key.vkey, reason, by, old)
        with self._writing():
            at = self._tick() if self._key is not None else max(self._clock().astimezone(UTC), self._at)
            rows = [draft_row(draft, self._keystore) for draft in (*before, Draft("key_event", event))]
            self._write(Rows.of(rows), at, incoming=key, action=action)
        self._ring.settle(key.vkey, self._terms.former)

    def _key_event(
        self, action: str, key_name: str, reason: str, by: str | None, old_key_name: str | None = None
    ) -> KeyEvent:
        return KeyEvent(
            occurred_at=self._clock(),
            event=secrets.token_hex(8),
            action=action,
            key_name=key_name,
            old_key_name=old_key_name,
            reason=reason,
            by_person=by,
        )

    def _record(
        self, rows: Sequence[Row], at: datetime, heads: Sequence[int] = (0,), sheet: sheets.Sheet | None = None
    ) -> list[StoredCollection]:
        """Write collection entries, which stand at `heads`, and what belongs to them."""
        appended = self._write(Rows.of(rows), at, sheet=sheet)
        written = [appended.first + place for place in heads]
        lines = self._store.query(
            "SELECT line FROM stored.entry WHERE seq IN (SELECT unnest(?::BIGINT[])) ORDER BY seq", [written]
        )
        stored = [StoredCollection.of_line(line) for (line,) in lines]
        known = self._known_collections()
        for one in stored:
            where = (one.of_source, one.of_kind)
            old = known.get(where)
            known[where] = Latest(
                one if one.base is not None else old.link if old else None,
                one.cursor if one.cursor is not None else old.cursor if old else None,
                one,
            )
        return stored


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
