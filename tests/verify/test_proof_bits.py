"""Proofs of ledgers of any size hold, and with any single bit changed anywhere they do not: for both that check."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.ledger import proofs, tree
from compliance.ledger.note import Checkpoint, format_vkey, sign_text
from compliance.verify import BadProof, check_consistency, check_inclusion, standalone
from compliance.verify.tree import Growing
from tests.ledger.test_tree import by_definition

NAME = "example.org/evidence/bits"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VKEY = format_vkey(NAME, PRIVATE.public_key().public_bytes_raw())
KEYS = [standalone.Key(VKEY)]
MOST = 5_000


def line(seq: int) -> bytes:
    """The line of an entry; those of this test differ in their numbers alone."""
    return (
        '{"at":"2026-11-23T06:45:50.123456Z","collection":null,"gone":false,"key":null,"kind":"k","nonce":"'
        + "0" * 32
        + f'","observed_at":null,"personal":null,"record":{{"x":"é"}},"seq":{seq},"source":"engine","v":1}}'
    ).encode()


LEAVES = tree.leaves(tree.BEFORE_FIRST, [line(seq) for seq in range(MOST)])
NODES: dict[tuple[int, int], bytes] = {}


def node(low: int, high: int) -> bytes:
    """The recursive definition of RFC 9162 §2.1, remembering what it made."""
    if high - low == 1:
        return LEAVES[low]
    if (low, high) not in NODES:
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        NODES[low, high] = sha256(b"\1" + node(low, middle) + node(middle, high)).digest()
    return NODES[low, high]


def note(size: int) -> str:
    return sign_text(Checkpoint(NAME, size, node(0, size)).text, NAME, PRIVATE)


def encoded(spans: list[tuple[int, int]]) -> list[str]:
    return [base64.b64encode(node(*span)).decode() for span in spans]


def inclusion(seq: int, size: int) -> str:
    before = base64.b64encode(LEAVES[seq - 1] if seq else tree.BEFORE_FIRST).decode()
    head = [proofs.INCLUSION, f"extra {before}", f"index {seq}", *encoded(proofs.path(seq, size))]
    return "\n".join(head) + "\n\n" + note(size)


def consistency(size1: int, size2: int) -> str:
    head = [proofs.CONSISTENCY, f"from {size1}", *encoded(proofs.extension(size1, size2))]
    return "\n".join(head) + f"\n\n{note(size1)}\n{note(size2)}"


def held(proof: bytes, line_: bytes | None) -> list[bool]:
    """Whether the proof holds, by `compliance.verify` and by the stand-alone."""
    found = []
    for side in (0, 1):
        try:
            text = proof.decode()
            if line_ is None:
                check_consistency(text, [VKEY]) if side == 0 else standalone.check_consistency(text, KEYS)
            elif side == 0:
                check_inclusion(text, line_, [VKEY])
            else:
                standalone.check_inclusion(text, standalone.Entry(line_), KEYS)
            found.append(True)
        except (BadProof, ValueError):
            found.append(False)
    return found


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.one_of(st.integers(1, MOST), st.sampled_from([1, 2, 255, 256, 257, 4095, 4096, 4097, MOST])))
    return draw(st.integers(0, size - 1)), size


@settings(max_examples=60, deadline=None)
@given(places(), st.data())
def test_inclusion(place: tuple[int, int], data: st.DataObject) -> None:
    seq, size = place
    proof, about = inclusion(seq, size).encode(), line(seq)

    assert held(proof, about) == [True, True]
    for _ in range(12):
        bit = data.draw(st.integers(0, 8 * len(proof) - 1))
        assert held(flipped(proof, bit), about) == [False, False], bit
    bit = data.draw(st.integers(0, 8 * len(about) - 1))
    assert held(proof, flipped(about, bit)) == [False, False], bit


@settings(max_examples=60, deadline=None)
@given(places(), st.data())
def test_consistency(place: tuple[int, int], data: st.DataObject) -> None:
    size1, size2 = place[0] + 1, place[1]
    proof = consistency(size1, size2).encode()

    assert held(proof, None) == [True, True]
    for _ in range(12):
        bit = data.draw(st.integers(0, 8 * len(proof) - 1))
        assert held(flipped(proof, bit), None) == [False, False], bit


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_every_single_bit(kind: str) -> None:
    proof, about = (inclusion(2, 5).encode(), line(2)) if kind == "inclusion" else (consistency(3, 5).encode(), None)
    accepted = [bit for bit in range(8 * len(proof)) if any(held(flipped(proof, bit), about))]

    assert accepted == []


def flipped(data: bytes, bit: int) -> bytes:
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


@settings(max_examples=15, deadline=None)
@given(st.integers(1, MOST))
def test_every_way_to_the_root_gives_the_same(size: int) -> None:
    """The recursive definition, the writer's edge, the verifier's tiles and the stand-alone's."""
    edge = tree.Edge()
    edge.extend(LEAVES[:size])
    growing = Growing(lambda level, n, hashes: None)
    for start in range(0, size, 256):
        growing.add(b"".join(LEAVES[start : min(start + 256, size)]))
    alone = standalone.Tree(lambda level, n, hashes: None)
    for leaf in LEAVES[:size]:
        alone.add(leaf)

    assert edge.root() == growing.root(size) == alone.root() == node(0, size)
    assert size > 700 or node(0, size) == by_definition(LEAVES[:size])
