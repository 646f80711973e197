"""Recomputing the tree from leaves: RFC 6962 roots at any size on the way. Format: schemas/ledger.md §3 and §4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from struct import Struct

TILE = 256
EMPTY = sha256(b"").digest()
_NODE = sha256(b"\x01")
_PAIRS = [Struct("64s" * width).unpack for width in (128, 64, 32, 16, 8, 4, 2, 1)]  # cuts the rows below the root


def join(left: bytes, right: bytes) -> bytes:
    """The node over two nodes."""
    return sha256(b"\x01" + left + right).digest()


def split(hashes: bytes) -> list[bytes]:
    """Hashes that were joined."""
    return [hashes[i : i + 32] for i in range(0, len(hashes), 32)]


def tile_root(hashes: bytes) -> bytes:
    """The root of a full tile, given as its hashes, joined."""
    node = _NODE.copy  # a third faster than a new object for each
    for pairs in _PAIRS:
        row = []
        for pair in pairs(hashes):
            made = node()
            made.update(pair)
            row.append(made.digest())
        hashes = b"".join(row)
    return hashes


def _rows(hashes: Sequence[bytes]) -> list[Sequence[bytes]]:
    """The nodes over the hashes of a tile, row by row; a node without partner is left out."""
    rows = [hashes]
    node = _NODE.copy
    while len(rows[-1]) > 1:
        pairs = iter(rows[-1])
        row = []
        for left, right in zip(pairs, pairs, strict=False):
            made = node()
            made.update(left)
            made.update(right)
            row.append(made.digest())
        rows.append(row)
    return rows


class Growing:
    """A tree that grows by whole tiles of leaves, then by one last part of a tile.

    `tile(level, n, hashes)` is called for every tile above level 0 that becomes full.
    """

    def __init__(self, tile: Callable[[int, int, Sequence[bytes]], None]) -> None:
        self._tile = tile
        self._full: list[tuple[int, bytes]] = []  # perfect trees left of the last tile: count of tiles, hash
        self._uppers: list[list[bytes]] = []  # unfinished tiles of levels 1, 2, …
        self._counts: list[int] = []
        self._leaves = b""
        self._root: bytes | None = None
        self._rows: list[Sequence[bytes]] | None = None
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
                    tree._full.append((width * TILE ** (level - 1), _rows(row[offset : offset + width])[-1][0]))
                    offset += width
        return tree

    def add(self, leaves: bytes, root: bytes | None = None) -> None:
        """Add up to 256 leaves, joined: a whole tile, except the last time. `root` is that of a whole tile."""
        if len(leaves) == 32 * TILE and root is None:
            root = tile_root(leaves)
        if self._root is not None:
            self._settle(self._root)
        self._leaves, self._root, self._rows = leaves, root, None
        if root is not None:
            self._raise(0, root)

    def _settle(self, node: bytes) -> None:
        """The last tile is full: join it to the perfect trees on its left."""
        width = 1
        while self._full and self._full[-1][0] == width:
            node = join(self._full.pop()[1], node)
            width *= 2
        self._full.append((width, node))
        self.tiles += 1
        self._leaves, self._root = b"", None

    def _raise(self, level: int, node: bytes) -> None:
        if level == len(self._uppers):
            self._uppers.append([])
            self._counts.append(0)
        upper = self._uppers[level]
        upper.append(node)
        if len(upper) == TILE:
            self._tile(level + 1, self._counts[level], upper)
            self._counts[level] += 1
            self._uppers[level] = []
            self._raise(level + 1, tile_root(b"".join(upper)))

    def _nodes(self, part: int) -> list[bytes]:
        """The perfect trees, from the left, over the first `part` leaves of the last tile."""
        if part == TILE and self._root is not None:
            return [self._root]
        if self._rows is None:  # few sizes that are asked for lie inside a tile
            self._rows = _rows(split(self._leaves))
        nodes = []
        offset = 0
        for height in range(8, -1, -1):
            if part >> height & 1:
                nodes.append(self._rows[height][offset >> height])
                offset += 1 << height
        return nodes

    def root(self, size: int) -> bytes:
        """The root at `size`, which lies in the tile added last: `tiles` × 256 < size ≤ its end, or 0."""
        nodes = [node for _, node in self._full] + self._nodes(size - self.tiles * TILE)
        if not nodes:
            return EMPTY
        acc = nodes.pop()
        while nodes:
            acc = join(nodes.pop(), acc)
        return acc
