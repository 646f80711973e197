"""What an open ledger tells: its size and roots, entries, states and events of any time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from compliance.ledger import export, proofs, restart, rewrite
from compliance.ledger.collections import StoredCollection
from compliance.ledger.folder import NOTE_HEADER, Folder
from compliance.ledger.keys import KeyRing, Keys
from compliance.ledger.keystore import KeyStore
from compliance.ledger.lockstore import LockStore
from compliance.ledger.note import sign_text
from compliance.ledger.proofs import Proof
from compliance.ledger.reading import Entry, Latest, Reader
from compliance.ledger.store import Store
from compliance.ledger.terms import Terms
from compliance.ledger.tree import Edge
from compliance.schemas.errors import LedgerError


class Readable:
    """The reading half of a ledger, and what an open ledger holds."""

    def __init__(
        self,
        store: Store,
        key: Keys | None,
        ring: KeyRing,
        terms: Terms,
        lock: LockStore,
        keystore: KeyStore,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._key = key  # None: it is lost, and about to be replaced
        self._outgoing: Keys | None = None  # the one before it, while both sign
        self._ring = ring
        self._terms = terms
        self._lock = lock
        self._keystore = keystore
        self._clock = clock
        self._reader = Reader(store, keystore, ring.origin)
        self._edge = Edge()
        self._at = datetime.min.replace(tzinfo=UTC)  # time of the newest entry
        self._clock_seen = self._at
        self._note: str | None = None
        self._latest: dict[tuple[str, str], Latest] | None = None
        self._broken = False
        self._closed = False
        self._mutex = threading.RLock()

    @property
    def origin(self) -> str:
        """Name of the ledger, as it stands in every checkpoint."""
        return self._ring.origin

    @property
    def vkey(self) -> str:
        """The public key in force: it checks the checkpoint of whatever is appended next."""
        return self._terms.vkey

    @property
    def terms(self) -> Terms:
        """Which key signs at which size."""
        return self._terms

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self._edge.size

    @property
    def root(self) -> bytes:
        """The Merkle root over all of them."""
        return self._edge.root()

    @property
    def checkpoint(self) -> str:
        """The newest signed note."""
        if self._note is None:
            raise LedgerError(f"ledger {self._store.path} has no signed checkpoint")
        return self._note

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open connection; the ledger's tables lie in catalog `stored`. For verification in this process."""
        return self._store.connection

    @property
    def keystore(self) -> KeyStore:
        """The open key store: who stands behind an alias."""
        return self._keystore

    def root_at(self, size: int) -> bytes:
        """The root over the first `size` entries."""
        if not 0 <= size <= self.size:
            raise LedgerError(f"the ledger has {self.size} entries; there is no root at {size}")
        with self._mutex:
            return restart.edge_at(self._store, self._edge, size).root()

    def checkpoint_at(self, size: int) -> str:
        """The first signed note that covers the first `size` entries."""
        with self._mutex:
            rows = self._store.query("SELECT note FROM stored.checkpoint WHERE size >= ? ORDER BY size LIMIT 1", [size])
        if not rows:
            raise LedgerError(f"no checkpoint covers {size} entries; the ledger has {self.size}")
        return str(rows[0][0])

    def leaf(self, seq: int) -> bytes:
        """The leaf hash of an entry: it commits to its line and to all before it."""
        if not 0 <= seq < self.size:
            raise LedgerError(f"the ledger has {self.size} entries; there is no entry {seq}")
        with self._mutex:
            return restart.edge_at(self._store, self._edge, seq + 1).last_leaf

    def inclusion(self, seq: int, size: int | None = None) -> Proof:
        """The proof that an entry is in the tree of the newest checkpoint, or of that of `size` entries; see
        `proofs.inclusion`."""
        with self._mutex:
            return proofs.inclusion(self._store, self._edge, seq, size)

    def consistency(self, size1: int, size2: int) -> str:
        """The proof that the checkpoint at `size2` entries extends the one at `size1`; see `proofs.consistency`."""
        with self._mutex:
            return proofs.consistency(self._store, self._edge, size1, size2)

    def size_at(self, moment: datetime) -> int:
        """How many entries were recorded at or before `moment`."""
        naive = moment.astimezone(UTC).replace(tzinfo=None)
        with self._mutex:
            found = self._store.query('SELECT max(seq) + 1 FROM whole.entry WHERE "at" <= ?', [naive])[0][0]
        return int(found or 0)

    def collections(self, upto: int | None = None) -> list[StoredCollection]:
        """Every collection among the first `upto` entries (all when None), in order."""
        with self._mutex:
            return self._reader.collections(self.size if upto is None else upto)

    def collection(self, seq: int) -> StoredCollection:
        """The collection entry with this number. Raises LedgerError when it is another kind of entry."""
        found = self.entry(seq)
        if found.kind != "collection":
            raise LedgerError(f"entry {seq} is a {found.kind}, not a collection")
        return StoredCollection.of_line(found.line)

    def state(self, collection_seq: int) -> pa.Table:
        """The whole set that a collection saw: entry, source, observed_at (naive UTC; when the source gave none, the
        time of the entry), subject, record (JSON with personal columns, NULL where erased). Ordered by entry.

        Raises:
            LedgerError: the entry is not a complete collection of a state.
        """
        link = self.collection(collection_seq)
        if link.base is None:
            raise LedgerError(
                f"collection {collection_seq} ({link.of_kind} of {link.of_source}) holds no state: {link.outcome}"
            )
        with self._mutex:
            return self._reader.state(link)

    def events(self, kind: str, upto: int | None = None, source: str | None = None) -> pa.Table:
        """Entries of a kind among the first `upto`, in the columns of `state`, in order."""
        with self._mutex:
            return self._reader.events(kind, self.size if upto is None else upto, source)

    def event_batches(self, kind: str, upto: int | None = None, step: int = 50_000) -> Iterator[pa.Table]:
        """The rows of `events`, those of `step` entries at a time: a million events do not lie in memory at once."""
        end = self.size if upto is None else upto
        for first in range(0, end, step):
            with self._mutex:
                batch = self._reader.events(kind, min(first + step, end), None, first)
            if len(batch):
                yield batch

    def versions(self, kind: str, first: int = 0, upto: int | None = None) -> pa.Table:
        """Every stored row of a state kind from entry `first` on, in order: the columns of `state`, and `collection`,
        `key` (canonical JSON) and `gone`. Together with the collections they tell the set at any time."""
        with self._mutex:
            return self._reader.versions(kind, first, self.size if upto is None else upto)

    def entries(self, kind: str | None = None, upto: int | None = None) -> Iterator[Entry]:
        """Entries in order, of one kind or of all, among the first `upto`."""
        found = self._reader.entries(kind, self.size if upto is None else upto)
        while True:
            with self._mutex:  # never held while the caller works on what it got
                page = list(islice(found, 1_000))
            if not page:
                return
            yield from page

    def entry(self, seq: int) -> Entry:
        """One entry. Raises LedgerError when there is none of this number."""
        with self._mutex:
            rows = self._store.query(
                "SELECT line, content FROM whole.entry LEFT JOIN whole.personal p USING (seq) WHERE seq = ?", [seq]
            )
            if not rows:
                raise LedgerError(f"the ledger has {self.size} entries; there is no entry {seq}")
            return self._reader._entry(*rows[0])

    def copy(self, target: Path, *, check: rewrite.Check) -> None:
        """Write a ledger file of the entries so far to `target`, which must not be there; see `rewrite.copy`."""
        with self._mutex:
            rewrite.copy(self._store, target, check=check)

    def export(self, folder: Folder, *, personal: bool) -> export.Exported:
        """Write the lines, tiles and checkpoints so far into `folder`, and with `personal` what an import needs."""
        with self._mutex:
            written = export.entries(self._store, folder)
            export.tiles(self._store, folder)
            export.checkpoints(self._store, folder)
            if personal:
                export.personal(self._store, folder)
        return written

    def sign_manifest(self, text: str) -> str:
        """The text of a manifest's note as a signed note by the key in force."""
        if not text.startswith(NOTE_HEADER + "\n"):
            raise LedgerError("only the text of a manifest is signed here; checkpoints have their own order")
        if self._key is None:
            raise LedgerError(
                "the signing key is not at hand", remedy="`compliance keys list` says where it is looked for"
            )
        return sign_text(text, self.origin, self._key.private)

    def cursor(self, source: str, kind: str) -> str | None:
        """How far the events of a kind were recorded; None before the first."""
        with self._mutex:
            found = self._known_collections().get((source, kind))
        return found.cursor if found else None

    def _known_collections(self) -> dict[tuple[str, str], Latest]:
        if self._latest is None:
            self._latest = self._reader.latest()
        return self._latest
