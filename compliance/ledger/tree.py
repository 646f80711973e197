"""The chained Merkle tree: RFC 6962 over `leaf(i-1) || line(i)`, kept as C2SP tiles of 256 hashes.

Format: schemas/ledger.md §3 and §4. Only full tiles are stored; what is right of them is the edge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

WIDTH = 256  # hashes in a tile
BEFORE_FIRST = bytes(32)  # leaf(-1)
EMPTY_ROOT = sha256(b"").digest()
_LEAF = sha256(b"\0")
_NODE = sha256(b"\1")


@dataclass(frozen=True, slots=True)
class Tile:
    """A full tile: `hashes` is 256 × 32 bytes, the `n`th of its level."""

    level: int
    n: int
    hashes: bytes

    @property
    def since(self) -> int:
        """The size of the ledger at which it became full."""
        return (self.n + 1) << 8 * (self.level + 1)


def leaves(previous: bytes, lines: Iterable[bytes]) -> list[bytes]:
    """The leaf of each line, chained from the leaf before the first."""
    out = []
    new = _LEAF.copy  # cheaper than a new hash, and the line need not be joined to what comes before it
    leaf = previous
    for line in lines:
        digest = new()
        digest.update(leaf)
        digest.update(line)
        leaf = digest.digest()
        out.append(leaf)
    return out


def fold(hashes: Sequence[bytes]) -> bytes:
    """The RFC 6962 root over at least one node: pairs are joined, a node without partner rises."""
    row = list(hashes)
    new = _NODE.copy
    while len(row) > 1:
        nodes = iter(row)
        paired = []
        for left, right in zip(nodes, nodes, strict=False):
            digest = new()
            digest.update(left)
            digest.update(right)
            paired.append(digest.digest())
        if len(row) % 2:
            paired.append(row[-1])
        row = paired
    return row[0]


def root_of(levels: Sequence[Sequence[bytes]]) -> bytes:
    """The root when `levels[k]` are the hashes of the unfinished tile of level k."""
    right: list[bytes] = []
    for hashes in levels:
        nodes = [*hashes, *right]
        right = [fold(nodes)] if nodes else []
    return right[0] if right else EMPTY_ROOT


@dataclass(slots=True)
class Edge:
    """The right edge of the tree: the unfinished tile of every level, and the last leaf."""

    size: int = 0
    last_leaf: bytes = BEFORE_FIRST
    levels: list[list[bytes]] = field(default_factory=lambda: [[]])

    def copy(self) -> Edge:
        """An independent edge, so that an append that fails leaves this one as it was."""
        return Edge(self.size, self.last_leaf, [list(level) for level in self.levels])

    def root(self) -> bytes:
        """The root over all entries so far."""
        return root_of(self.levels)

    def extend(self, new: Sequence[bytes]) -> list[Tile]:
        """Add leaves; gives the tiles that became full, in the order in which they did."""
        if not new:
            return []
        full: list[Tile] = []
        self._add(0, new, full)
        self.size += len(new)
        self.last_leaf = new[-1]
        return sorted(full, key=lambda tile: (tile.since, tile.level))

    def _add(self, level: int, hashes: Sequence[bytes], full: list[Tile]) -> None:
        if level == len(self.levels):
            self.levels.append([])
        pending = [*self.levels[level], *hashes]
        # the number of full tiles of this level before these hashes came
        first = self.size >> (8 * (level + 1))
        roots = []
        for n, start in enumerate(range(0, len(pending) - WIDTH + 1, WIDTH)):
            tile = pending[start : start + WIDTH]
            full.append(Tile(level, first + n, b"".join(tile)))
            roots.append(fold(tile))
        self.levels[level] = pending[len(roots) * WIDTH :]
        if roots:
            self._add(level + 1, roots, full)


def split(hashes: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [hashes[i : i + 32] for i in range(0, len(hashes), 32)]


def unfinished(size: int, tile: Callable[[int, int], Sequence[bytes]]) -> list[list[bytes]]:
    """The unfinished tiles of a tree of `size` entries, where `tile(level, n)` gives the (perhaps longer) tile."""
    levels: list[list[bytes]] = []
    level = 0
    while True:
        count = size >> (8 * level)
        if count == 0 and level:
            return levels
        part = count % WIDTH
        levels.append(list(tile(level, count // WIDTH)[:part]) if part else [])
        level += 1
