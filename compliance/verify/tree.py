"""Recomputing the tree from leaves: RFC 6962 roots at any size on the way. Format: schemas/ledger.md §3 and §4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

TILE = 256
EMPTY = sha256(b"").digest()


def join(left: bytes, right: bytes) -> bytes:
    """The node over two nodes."""
    return sha256(b"\x01" + left + right).digest()


def _fold(row: Sequence[bytes]) -> bytes:
    while len(row) > 1:
        row = [join(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


class Growing:
    """A tree that grows by whole tiles of leaves, then by one last part of a tile.

    `tile(level, n, hashes)` is called for every tile that becomes full.
    """

    def __init__(self, tile: Callable[[int, int, Sequence[bytes]], None]) -> None:
        self._tile = tile
        self._full: list[tuple[int, bytes]] = []  # perfect trees left of the last tile: count of tiles, hash
        self._uppers: list[list[bytes]] = []  # unfinished tiles of levels 1, 2, …
        self._counts: list[int] = []
        self._rows: list[list[bytes]] = [[]]
        self.tiles = 0  # full tiles of level 0 left of the last one

    @classmethod
    def after(
        cls, size: int, edge: Sequence[Sequence[bytes]], tile: Callable[[int, int, Sequence[bytes]], None]
    ) -> Growing:
        """A tree that has grown to the last whole tile before `size`. `edge` holds, for every level from the leaves
        up, the hashes of its unfinished tile; those of the leaves are to be added first."""
        tree = cls(tile)
        tree.tiles = size // TILE
        tree._uppers = [list(level) for level in edge[1:]]
        tree._counts = [size // TILE ** (level + 2) for level in range(len(tree._uppers))]
        for level in range(len(edge) - 1, 0, -1):
            row, offset = edge[level], 0
            for height in range(7, -1, -1):
                if len(row) >> height & 1:
                    width = 1 << height
                    tree._full.append((width * TILE ** (level - 1), _fold(row[offset : offset + width])))
                    offset += width
        return tree

    def add(self, leaves: Sequence[bytes]) -> None:
        """Add up to 256 leaves: a whole tile, except the last time."""
        if len(self._rows[0]) == TILE:
            self._settle()
        rows = [list(leaves)]
        make = sha256
        while len(rows[-1]) > 1:
            row = rows[-1]
            rows.append([make(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row) - 1, 2)])
        self._rows = rows
        if len(leaves) == TILE:
            self._tile(0, self.tiles, leaves)
            self._raise(0, rows[8][0])

    def _settle(self) -> None:
        """The last tile is full: join it to the perfect trees on its left."""
        width, node = 1, self._rows[8][0]
        while self._full and self._full[-1][0] == width:
            node = join(self._full.pop()[1], node)
            width *= 2
        self._full.append((width, node))
        self.tiles += 1
        self._rows = [[]]

    def _raise(self, level: int, node: bytes) -> None:
        if level == len(self._uppers):
            self._uppers.append([])
            self._counts.append(0)
        upper = self._uppers[level]
        upper.append(node)
        if len(upper) == TILE:
            self._tile(level + 1, self._counts[level], upper)
            self._counts[level] += 1
            row = upper
            while len(row) > 1:
                row = [join(row[i], row[i + 1]) for i in range(0, TILE if row is upper else len(row), 2)]
            self._uppers[level] = []
            self._raise(level + 1, row[0])

    def root(self, size: int) -> bytes:
        """The root at `size`, which lies in the tile added last: `tiles` × 256 < size ≤ its end, or 0."""
        part = size - self.tiles * TILE
        nodes = [node for _, node in self._full]
        offset = 0
        for height in range(8, -1, -1):
            if part >> height & 1:
                nodes.append(self._rows[height][offset >> height])
                offset += 1 << height
        if not nodes:
            return EMPTY
        acc = nodes.pop()
        while nodes:
            acc = join(nodes.pop(), acc)
        return acc
