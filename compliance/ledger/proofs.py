"""Proofs from stored tiles: that an entry is in the tree of a checkpoint, that one checkpoint extends another.

Format: schemas/ledger.md §12. A proof is made of few nodes, and those of few tiles: a query fetches each. What is
right of the full tiles comes from the edge. Nothing leaves here that was not recomputed first.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from compliance.ledger import restart
from compliance.ledger.note import Checkpoint, parse_checkpoint
from compliance.ledger.store import RECOVER, Store
from compliance.ledger.tree import BEFORE_FIRST, WIDTH, Edge, fold, split
from compliance.schemas.errors import IntegrityError, LedgerError

INCLUSION = "c2sp.org/tlog-proof@v1"
CONSISTENCY = "compliance-engine/consistency@v1"

_Node = tuple[int, int]  # a perfect subtree: its height, and its number among those of this height
_Range = tuple[int, int]  # leaves from the first to before the second


class Proof(NamedTuple):
    """An inclusion proof in text, and the line it is about."""

    text: str
    line: str


@contextmanager
def reading(path: Path, segments: Path | None = None) -> Iterator[tuple[Store, Edge]]:
    """The first two arguments of `inclusion` and `consistency`, for a ledger file that is only read.

    Raises:
        LedgerBusy: a writer holds it.
        IntegrityError: it cannot be read, or its newest entries do not give its tree head.
        LedgerError: it has no entries.
    """
    store = Store.read(path, segments)
    try:
        head = store.head()
        if head is None:
            raise LedgerError(f"ledger {path} has no entries")
        yield store, restart.load_edge(store, head)
    finally:
        store.close()


def inclusion(store: Store, edge: Edge, seq: int, size: int | None = None) -> Proof:
    """The proof that entry `seq` is in the tree of the newest stored checkpoint, or of that of `size` entries.

    Raises:
        LedgerError: there is no such entry, or no stored checkpoint of that size that covers it.
        IntegrityError: the stored line does not give its leaf, or the stored tiles not the signed root.
    """
    note, signed = _checkpoint(store, size)
    if not 0 <= seq < signed.size:
        raise LedgerError(
            f"the checkpoint covers {signed.size} entries; entry {seq} is not among them",
            remedy="name an entry below that size, or a later checkpoint",
        )
    ranges = path(seq, signed.size)
    leaves = [(seq, seq + 1)] + ([(seq - 1, seq)] if seq else [])
    tiles = _Tiles(store, edge, [*ranges, *leaves], seq)
    before = tiles.root(seq - 1, seq) if seq else BEFORE_FIRST
    leaf = sha256(b"\0" + before + tiles.line.encode()).digest()
    if leaf != tiles.root(seq, seq + 1):
        raise IntegrityError(
            f"ledger {store.path}: the line of entry {seq} does not give its leaf hash", seq=seq, remedy=RECOVER
        )
    nodes = [tiles.root(*span) for span in ranges]
    for (start, _), node in zip(ranges, nodes, strict=True):
        leaf = sha256(b"\1" + (node + leaf if start < seq else leaf + node)).digest()
    _same(store, leaf, signed)
    head = [INCLUSION, f"extra {_base64(before)}", f"index {seq}", *map(_base64, nodes)]
    return Proof("\n".join(head) + "\n\n" + note, tiles.line)


def consistency(store: Store, edge: Edge, size1: int, size2: int) -> str:
    """The proof that the checkpoint at `size2` entries extends the one at `size1`.

    Raises:
        LedgerError: the sizes are not 1 ≤ size1 ≤ size2, or one of them has no stored checkpoint.
        IntegrityError: the stored tiles do not give a signed root.
    """
    if not 1 <= size1 <= size2:
        raise LedgerError(f"there is no consistency proof from {size1} to {size2} entries", remedy="smaller size first")
    (note1, signed1), (note2, signed2) = _checkpoint(store, size1), _checkpoint(store, size2)
    ranges = extension(size1, size2)
    tiles = _Tiles(store, edge, [*ranges, (0, size1), (0, size2)], None)
    _same(store, tiles.root(0, size1), signed1)
    _same(store, tiles.root(0, size2), signed2)
    head = [CONSISTENCY, f"from {size1}", *(_base64(tiles.root(*span)) for span in ranges)]
    return "\n".join(head) + f"\n\n{note1}\n{note2}"


def path(index: int, size: int) -> list[_Range]:
    """What the nodes of an inclusion proof span, from the leaf up (RFC 9162 §2.1.3.1)."""
    low, high = 0, size
    found: list[_Range] = []
    while high - low > 1:
        middle = low + _half(high - low)
        if index < middle:
            found.append((middle, high))
            high = middle
        else:
            found.append((low, middle))
            low = middle
    return found[::-1]


def extension(size1: int, size2: int) -> list[_Range]:
    """What the nodes of a consistency proof span, in its order (RFC 9162 §2.1.4.1)."""
    low, high = 0, size2
    found: list[_Range] = []
    while high != size1:
        middle = low + _half(high - low)
        if size1 <= middle:
            found.append((middle, high))
            high = middle
        else:
            found.append((low, middle))
            low = middle
    if low:  # else the old tree is itself a node: whoever checks knows its root
        found.append((low, high))
    return found[::-1]


class _Tiles:
    """The nodes over some ranges of leaves, and the line of an entry, fetched from the store."""

    def __init__(self, store: Store, edge: Edge, ranges: Sequence[_Range], seq: int | None) -> None:
        self._edge = edge
        self.line = ""
        wanted = {_tile(node) for span in ranges for node in _perfect(*span)}
        stored = sorted(place for place in wanted if not self._at_edge(*place))
        self._tiles: dict[_Node, list[bytes]] = {}
        for level, n in stored:  # each by its own plain query: DuckDB plans those fastest
            rows = store.query("SELECT hashes FROM stored.tile WHERE level = ? AND n = ?", [level, n])
            torn = len(rows) != 1 or rows[0][0] is None or len(rows[0][0]) != 32 * WIDTH
            self._tiles[level, n] = [] if torn else split(bytes(rows[0][0]))
        if seq is not None:
            lines = store.query("SELECT line FROM whole.entry WHERE seq = ?", [seq])
            self.line = lines[-1][0] or "" if lines else ""
        for level, n in stored:
            if not self._tiles.get((level, n)):
                raise IntegrityError(
                    f"ledger {store.path}: tile {n} of level {level} is missing, double or torn",
                    seq=n * WIDTH ** (level + 1),
                    remedy=RECOVER,
                )

    def _at_edge(self, level: int, n: int) -> bool:
        return n == self._edge.size >> (8 * (level + 1))

    def root(self, low: int, high: int) -> bytes:
        """The node over a range that a proof may name."""
        nodes = [self._node(node) for node in _perfect(low, high)]
        found = nodes.pop()
        while nodes:
            found = sha256(b"\1" + nodes.pop() + found).digest()
        return found

    def _node(self, node: _Node) -> bytes:
        level, n = _tile(node)
        hashes = self._edge.levels[level] if self._at_edge(level, n) else self._tiles[level, n]
        height, number = node
        count = 1 << (height - 8 * level)
        start = number * count - n * WIDTH
        return fold(hashes[start : start + count])


def _perfect(low: int, high: int) -> Iterator[_Node]:
    """The perfect subtrees of a range, from the left: its node is that of the first over that of the rest."""
    while low < high:
        height = (high - low).bit_length() - 1
        yield height, low >> height
        low += 1 << height


def _tile(node: _Node) -> _Node:
    """Level and number of the tile that holds a node, or the hashes it is made of."""
    height, number = node
    level = height // 8
    return level, (number << (height - 8 * level)) // WIDTH


def _half(count: int) -> int:
    """The largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _checkpoint(store: Store, size: int | None) -> tuple[str, Checkpoint]:
    rows = (
        store.query("SELECT note FROM stored.checkpoint WHERE size = (SELECT max(size) FROM stored.checkpoint)")
        if size is None
        else store.query("SELECT note FROM stored.checkpoint WHERE size = ?", [size])
    )
    if not rows:
        what = "no stored checkpoint" if size is None else f"no stored checkpoint of {size} entries"
        raise LedgerError(f"ledger {store.path} has {what}", remedy="a checkpoint stands after every append: name one")
    note = str(rows[0][0])
    signed = parse_checkpoint(note.rpartition("\n\n")[0] + "\n")
    if size is not None and signed.size != size:
        raise IntegrityError(f"ledger {store.path}: checkpoint {size} is about {signed.size} entries", remedy=RECOVER)
    return note, signed


def _same(store: Store, root: bytes, signed: Checkpoint) -> None:
    if root != signed.root:
        raise IntegrityError(
            f"ledger {store.path}: its entries do not give the root that was signed at {signed.size} entries",
            remedy=RECOVER,
        )


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
