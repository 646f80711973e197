"""Proofs and notes against published values, on both sides that check them: `compliance.verify` and the stand-alone.

The known leaves, roots and proofs are data of transparency-dev/merkle (testonly/constants.go and the happy paths of
testdata/, Apache-2.0; see NOTICE). That repository publishes for each proof a family of cases with one thing wrong;
here the same families are made for every proof up to 16 leaves, from the recursive definition of RFC 9162 §2.1.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.ledger.note import format_vkey, sign_text
from compliance.verify import note, proof, standalone
from tests.ledger.test_tree import LEAVES, ROOTS, by_definition
from tests.verify.exporting import tile_path

MORE = [*LEAVES, *(sha256(b"\0%d" % n).digest() for n in range(8))]
SOME = sha256(b"some hash").digest()

INCLUSION = {  # index, size: nodes
    (0, 1): [],
    (0, 8): [
        "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
        "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
        "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
    ],
    (5, 8): [
        "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
        "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
        "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
    ],
    (2, 3): ["+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU="],
    (1, 5): [
        "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
        "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
        "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
    ],
}
CONSISTENCY = {  # earlier size, later size: nodes
    (1, 1): [],
    (1, 8): [
        "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
        "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
        "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
    ],
    (6, 8): [
        "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=",
        "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
        "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
    ],
    (2, 5): [
        "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
        "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
    ],
    (6, 7): [
        "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=",
        "sIaT7C5yFZcTBkHoIR5+7cy0wmQTlj7ubB4u0W/7Gl8=",
        "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
    ],
}


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162 §2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if index < k:
        return [*path(index, leaves[:k]), by_definition(leaves[k:])]
    return [*path(index - k, leaves[k:]), by_definition(leaves[:k])]


def extension(size: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """RFC 9162 §2.1.4.1."""
    if size == len(leaves):
        return [] if whole else [by_definition(leaves)]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if size <= k:
        return [*extension(size, leaves[:k], whole=whole), by_definition(leaves[k:])]
    return [*extension(size - k, leaves[k:], whole=False), by_definition(leaves[:k])]


def ours_included(leaf: bytes, index: int, size: int, nodes: list[bytes], root: bytes) -> bool:
    return proof.included(leaf, index, size, nodes) == root


def alone_included(leaf: bytes, index: int, size: int, nodes: list[bytes], root: bytes) -> bool:
    try:
        return standalone.included(leaf, index, size, nodes) == root
    except ValueError:
        return False


def alone_extends(size1: int, size2: int, root1: bytes, root2: bytes, nodes: list[bytes]) -> bool:
    try:
        return standalone.extended(size1, root1, size2, nodes) == (root1, root2)
    except ValueError:
        return False


included = pytest.mark.parametrize("holds", [ours_included, alone_included])
extends = pytest.mark.parametrize("holds", [proof.extends, alone_extends])


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    tree = standalone.Tree(lambda level, n, hashes: None)
    for leaf in LEAVES[:size]:
        tree.add(leaf)

    assert tree.root().hex() == ROOTS[size]


@included
@pytest.mark.parametrize("case", INCLUSION)
def test_published_inclusion_proofs(holds: Callable[..., bool], case: tuple[int, int]) -> None:
    index, size = case
    nodes = [base64.b64decode(node) for node in INCLUSION[case]]

    assert nodes == path(index, LEAVES[:size])
    assert holds(LEAVES[index], index, size, nodes, bytes.fromhex(ROOTS[size]))


@extends
@pytest.mark.parametrize("case", CONSISTENCY)
def test_published_consistency_proofs(holds: Callable[..., bool], case: tuple[int, int]) -> None:
    size1, size2 = case
    nodes = [base64.b64decode(node) for node in CONSISTENCY[case]]

    assert nodes == extension(size1, LEAVES[:size2])
    assert holds(size1, size2, bytes.fromhex(ROOTS[size1]), bytes.fromhex(ROOTS[size2]), nodes)


def damaged(nodes: list[bytes], *roots: bytes) -> Iterator[list[bytes]]:
    """A proof with a node too many, too few, cut short or with one bit flipped."""
    for extra in (b"", SOME, *roots):
        yield [*nodes, extra]
        yield [extra, *nodes]
    for n, node in enumerate(nodes):
        yield nodes[:n] + nodes[n + 1 :]
        yield [*nodes[:n], SOME, *nodes[n:]]
        yield [*nodes[:n], node[:-1], *nodes[n + 1 :]]
        for bit in (0, 100, 255):
            flipped = int.from_bytes(node, "big") ^ 1 << bit
            yield [*nodes[:n], flipped.to_bytes(32, "big"), *nodes[n + 1 :]]
    if nodes:
        yield []
    if len(set(nodes)) > 1:
        yield nodes[::-1]


@included
def test_every_wrong_inclusion_proof_is_refused(holds: Callable[..., bool]) -> None:
    count = 0
    for size in range(1, len(MORE) + 1):
        root = by_definition(MORE[:size])
        for index in range(size):
            leaf, nodes = MORE[index], path(index, MORE[:size])
            assert holds(leaf, index, size, nodes, root)
            wrong = [(leaf, other, size, nodes, root) for other in (index - 1, index + 1, index ^ 2, size, -1)]
            wrong += [(leaf, index, other, nodes, root) for other in (0, index, size // 2, size * 2, 2**53)]
            wrong += [(leaf, index, size, nodes, other) for other in (SOME, sha256(b"").digest(), b"")]
            wrong += [(other, index, size, nodes, root) for other in (SOME, b"", root) if other != leaf]
            wrong += [(leaf, index, size, other, root) for other in damaged(nodes, root)]
            for case in wrong:
                if case[1:3] != (index, size) and len(path_shape(*case[1:3])) == len(nodes):
                    continue  # a path of the same shape may be that of another entry of a tree of another size
                assert not holds(*case), case
                count += 1
    assert count > 5_000


def path_shape(index: int, size: int) -> list[int]:
    """On which side the nodes of a path lie; two places with one shape cannot be told apart by a proof alone."""
    if not 0 <= index < size:
        return [-1] * 99
    shape, last = [], size - 1
    while last:
        if index & 1 or index != last:
            shape.append(index & 1)
        index, last = index >> 1, last >> 1
    return shape


@extends
def test_every_wrong_consistency_proof_is_refused(holds: Callable[..., bool]) -> None:
    count = 0
    for size2 in range(1, len(MORE) + 1):
        root2 = by_definition(MORE[:size2])
        for size1 in range(1, size2 + 1):
            root1, nodes = by_definition(MORE[:size1]), extension(size1, MORE[:size2])
            assert holds(size1, size2, root1, root2, nodes)
            wrong = [(0, size2, root1, root2, nodes), (size2 + 1, size2, root1, root2, nodes)]
            wrong += [(-1, size2, root1, root2, nodes), (size1, 0, root1, root2, nodes)]
            wrong += [(size1, size2, other, root2, nodes) for other in (SOME, b"", root2) if other != root1]
            wrong += [(size1, size2, root1, other, nodes) for other in (SOME, b"", root1) if other != root2]
            wrong += [(size1, size2, root1, root2, other) for other in damaged(nodes, root1, root2)]
            for case in wrong:
                assert not holds(*case), case
                count += 1
    assert count > 2_000


@extends
def test_nothing_extends_the_empty_tree(holds: Callable[..., bool]) -> None:
    empty = sha256(b"").digest()
    for size2 in (0, 1, 8):
        for nodes in ([], [empty]):
            assert not holds(0, size2, empty, bytes.fromhex(ROOTS[size2]), nodes)


# c2sp.org/signed-note (CC BY 4.0): its example of a key and of a note
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)


def test_the_example_of_signed_note() -> None:
    key = standalone.Key(VKEY)

    assert key.id.hex() == "530d903a"
    assert standalone.signers(NOTE, key) == [key]
    assert note.Verifier(VKEY).text(NOTE) == "This is an example message.\n"


# A checkpoint of the Go checksum database, as it was published, and its well-known key
SUMDB_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SUMDB_NOTE = (
    "go.sum database tree\n65664258\nWVVNVD2qx+fTq31zkj6UAqxT5X6HvGphGM+o8Thnbsg=\n\n"
    "— sum.golang.org Az3grligJmgX7KGyGPKybykNTh3VgsbLvUuvOwrM5zLVlulmFp2wdvbxOw74/gcNxURShXEpb7RXcs3+BYflYN+w0gQ=\n"
)


def test_a_checkpoint_of_somebody_else() -> None:
    key = standalone.Key(SUMDB_VKEY)
    text = note.Verifier(SUMDB_VKEY).text(SUMDB_NOTE)

    assert standalone.signers(SUMDB_NOTE, key) == [key]
    assert note.parsed(text)[:2] == ("go.sum database tree", 65_664_258)
    with pytest.raises(ValueError, match="the checkpoint is of"):
        standalone.checkpoint_of(SUMDB_NOTE, key)  # its origin is not the name of its key


# c2sp.org/tlog-tiles: the numbers of its examples
@pytest.mark.parametrize(
    ("n", "path"), [(0, "000"), (67, "067"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")]
)
def test_tile_paths(n: int, path: str) -> None:
    assert standalone.tile_path(2, n) == tile_path(2, n) == f"tile/2/{path}"


def test_the_tiles_of_70000_entries() -> None:
    full: list[tuple[int, int]] = []
    tree = standalone.Tree(lambda level, n, hashes: full.append((level, n)))
    for n in range(70_000):
        tree.add(sha256(b"%d" % n).digest())

    assert (sum(level == 0 for level, _ in full), sum(level == 1 for level, _ in full)) == (273, 1)
    assert [len(row) for row in tree.levels] == [112, 17, 1]


# RFC 8032 §7.1, tests 1 to 3
ED25519 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


def vkey_of(public: bytes) -> str:
    raw = b"\x01" + public
    return f"k+{sha256(b'k' + chr(10).encode() + raw).digest()[:4].hex()}+{base64.b64encode(raw).decode()}"


@pytest.mark.parametrize("case", ED25519)
def test_published_signatures(case: tuple[str, str, str]) -> None:
    public, text, signature = (bytes.fromhex(part) for part in case)
    key = standalone.Key(vkey_of(public))

    assert key.signed(text, signature)
    assert not key.signed(text + b"x", signature)
    for bit in range(512):
        flipped = (int.from_bytes(signature, "little") ^ 1 << bit).to_bytes(64, "little")
        assert not key.signed(text, flipped), bit
    larger = int.from_bytes(signature[32:], "little") + standalone.L
    assert not key.signed(text, signature[:32] + larger.to_bytes(32, "little")), "S must be below the order"
    assert not key.signed(text, signature[:-1])
    assert not key.signed(text, signature + b"\0")


@pytest.mark.parametrize(
    "public",
    [
        bytes(32),  # of order 4
        (1).to_bytes(32, "little"),  # the neutral point
        (standalone.P - 1).to_bytes(32, "little"),  # of order 2
        (standalone.P + 1).to_bytes(32, "little"),  # the neutral point, not canonical
        (1 | 1 << 255).to_bytes(32, "little"),  # x is 0 and yet negative
        (2).to_bytes(32, "little"),  # not on the curve
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),  # of order 8
        b"\xff" * 32,
    ],
)
def test_keys_that_anybody_could_sign_for(public: bytes) -> None:
    with pytest.raises(ValueError, match="the public key is"):
        standalone.Key(vkey_of(public))


PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OURS, THEIRS = (format_vkey("log", key.public_key().public_bytes_raw()) for key in (PRIVATE, OTHER))
ENTRY = (
    b'{"at":"2026-11-23T06:45:50.123456Z","collection":null,"gone":false,"key":null,"kind":"k","nonce":"'
    + b"0" * 32
    + b'","observed_at":null,"personal":null,"record":{"x":""},"seq":7,"source":"engine","v":1}'
)
SIGNED = sign_text("log\n1\n" + base64.b64encode(SOME).decode() + "\n", "log", PRIVATE)


@pytest.mark.parametrize(
    ("vkey", "words"),
    [
        (OURS.replace("+", "+0", 1)[: len(OURS)], "not a public key"),
        (OURS.replace(OURS.split("+")[1], "00000000"), "id belongs to it"),
        (OURS.replace(OURS.split("+")[1], OURS.split("+")[1].upper()), "not a public key"),
        ("a log" + OURS[3:], "not a public key"),
        (None, "not a public key"),
    ],
)
def test_keys_that_are_not_written_as_keys_are(vkey: object, words: str) -> None:
    assert standalone.Key(OURS).vkey == OURS
    with pytest.raises(ValueError, match=words):
        standalone.Key(vkey)


def test_a_key_of_another_algorithm() -> None:
    raw = b"\x02" + PRIVATE.public_key().public_bytes_raw()
    with pytest.raises(ValueError, match="not an Ed25519 key"):
        standalone.Key(f"log+{sha256(b'log' + bytes([10]) + raw).hexdigest()[:8]}+{base64.b64encode(raw).decode()}")


def test_a_wrong_signature_of_a_known_key_fails_the_whole_note() -> None:
    key, text = standalone.Key(OURS), SIGNED.rpartition("\n\n")[0]
    wrong = sign_text(text.replace("log\n1", "log\n2") + "\n", "log", PRIVATE).rpartition("\n\n")[2]

    assert standalone.checkpoint_of(SIGNED, key) == (1, SOME, [key])
    for note_ in (SIGNED + wrong, f"{text}\n\n{wrong}"):
        with pytest.raises(ValueError, match="does not hold"):
            standalone.checkpoint_of(note_, key)
    with pytest.raises(ValueError, match="is not signed by"):
        standalone.checkpoint_of(SIGNED, standalone.Key(THEIRS))
    more = SIGNED + sign_text(f"{text}\n", "log", OTHER).rpartition("\n\n")[2]
    assert standalone.checkpoint_of(more, key)[2] == [key], "what others sign beside it does not count"


def test_notes_that_are_too_long() -> None:
    long = SIGNED.replace("\n\n", "\n" + "x" * (1 << 20) + "\n\n")
    with pytest.raises(ValueError, match="longer than 1 MiB"):
        standalone.signers(long, standalone.Key(OURS))
    many = SIGNED + SIGNED.rpartition("\n\n")[2] * 100
    with pytest.raises(ValueError, match="not a signed note"):
        standalone.signers(many, standalone.Key(OURS))


def test_a_key_does_not_come_back_and_does_not_change_its_name() -> None:
    keys = standalone.Keys(OURS, "log")
    keys.join(THEIRS, 5, "rotate")
    with pytest.raises(ValueError, match="was so before"):
        keys.join(OURS, 9, "rotate")
    with pytest.raises(ValueError, match="not of 'log'"):
        keys.join(SUMDB_VKEY, 9, "replace")
    with pytest.raises(ValueError, match="not of 'log'"):
        standalone.Keys(SUMDB_VKEY, "log")


def test_a_line_of_its_own_is_not_longer_than_one_in_a_folder() -> None:
    line = ENTRY.replace(b'"x":""', b'"x":"' + b"x" * 65_535 + b'"')
    assert standalone.Entry(ENTRY).seq == 7
    with pytest.raises(ValueError, match="longer than 65535 bytes"):
        standalone.Entry(line)
