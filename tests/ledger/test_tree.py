"""The tree against the published vectors of RFC 6962, and against its recursive definition."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.ledger import tree
from compliance.verify.tree import Growing, tile_root

# transparency-dev/merkle, testonly/constants.go (Apache-2.0): leaf inputs and roots for sizes 0 to 8
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [sha256(b"\0" + bytes.fromhex(text)).digest() for text in INPUTS]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\1" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    edge = tree.Edge()
    edge.extend(LEAVES[:size])
    growing = Growing(lambda level, n, hashes: None)
    growing.add(b"".join(LEAVES[:size]))

    assert edge.root().hex() == ROOTS[size]
    assert growing.root(size).hex() == ROOTS[size]


def test_the_leaf_is_the_chain() -> None:
    first = sha256(b"\0" + bytes(32) + b"one").digest()
    second = sha256(b"\0" + first + b"two").digest()

    assert tree.leaves(tree.BEFORE_FIRST, [b"one", b"two"]) == [first, second]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=4))
def test_any_batches_give_the_root_of_the_definition(batches: list[int]) -> None:
    edge, tiles, all_leaves = tree.Edge(), {}, []
    for number, count in enumerate(batches):
        new = [sha256(b"%d/%d" % (number, n)).digest() for n in range(count)]
        tiles |= {(tile.level, tile.n): tile.hashes for tile in edge.extend(new)}
        all_leaves += new

    assert edge.size == len(all_leaves)
    assert edge.root() == by_definition(all_leaves)
    assert sorted(n for level, n in tiles if level == 0) == list(range(len(all_leaves) // 256))
    for (level, n), hashes in tiles.items():
        assert level > 0 or hashes == b"".join(all_leaves[256 * n : 256 * n + 256])


def test_roots_at_every_size_of_two_levels_of_tiles() -> None:
    leaves = [sha256(b"%d" % n).digest() for n in range(66_000)]
    edge = tree.Edge()
    written = {(tile.level, tile.n): tile.hashes for tile in edge.extend(leaves)}
    seen: dict[tuple[int, int], bytes] = {}
    growing = Growing(lambda level, n, hashes: seen.__setitem__((level, n), b"".join(hashes)))
    for start in range(0, len(leaves), 256):
        growing.add(b"".join(leaves[start : start + 256]))
        if start in (0, 256, 65_280, 65_536, 65_792):
            for size in (start + 1, start + 100, min(start + 256, len(leaves))):
                assert growing.root(size) == by_definition(leaves[:size])

    assert seen == {place: hashes for place, hashes in written.items() if place[0]}
    assert tile_root(b"".join(leaves[:256])) == by_definition(leaves[:256])
    assert (1, 0) in written
    assert edge.root() == by_definition(leaves) == growing.root(len(leaves))
