"""Checking proofs: from a line, a proof and a key alone. Format: schemas/ledger.md §12."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import orjson

from compliance.verify.note import BadNote, Signed, Verifier, decoded
from compliance.verify.tree import join

_INCLUSION = "c2sp.org/tlog-proof@v1"
_CONSISTENCY = "compliance-engine/consistency@v1"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_LONGEST = 64 * 1024  # no proof is longer: 63 nodes and two notes with room for witnesses


class BadProof(ValueError):
    """The proof does not hold; the message says why."""


class Extended(NamedTuple):
    """Two checkpoints of which the later extends the earlier."""

    earlier: Signed
    later: Signed


def check_inclusion(proof: str, line: bytes, vkeys: Sequence[str]) -> Signed:
    """The checkpoint in whose tree `line` is proven to be. One of `vkeys` must have signed it. Raises BadProof."""
    blocks = _blocks(proof, 3)
    head = blocks[0].split("\n")
    if len(head) < 3 or head[0] != _INCLUSION:
        raise BadProof(f"it does not start with {_INCLUSION}, extra and index")
    before, index = _hash(_after("extra ", head[1])), _number(_after("index ", head[2]))
    nodes = [_hash(text) for text in head[3:]]
    signed = _opened("\n\n".join(blocks[1:]), vkeys)
    try:
        stated = orjson.loads(line)["seq"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BadProof("the line is not that of an entry") from error
    if type(stated) is not int or stated != index:
        raise BadProof(f"the proof is about entry {index}, the line is that of entry {stated}")
    leaf = sha256(b"\0" + before + line).digest()
    if included(leaf, index, signed.size, nodes) != signed.root:
        raise BadProof(f"line and proof do not give the root that was signed at {signed.size} entries")
    return signed


def check_consistency(proof: str, vkeys: Sequence[str]) -> Extended:
    """The two checkpoints of a consistency proof, each signed by one of `vkeys`. Raises BadProof."""
    blocks = _blocks(proof, 5)
    head = blocks[0].split("\n")
    if len(head) < 2 or head[0] != _CONSISTENCY:
        raise BadProof(f"it does not start with {_CONSISTENCY} and from")
    nodes = [_hash(text) for text in head[2:]]
    earlier = _opened("\n\n".join(blocks[1:3]) + "\n", vkeys)
    later = _opened("\n\n".join(blocks[3:]), vkeys)
    if _number(_after("from ", head[1])) != earlier.size:
        raise BadProof(f"it says {head[1]!r}, its earlier checkpoint has {earlier.size} entries")
    if not extends(earlier.size, later.size, earlier.root, later.root, nodes):
        raise BadProof(f"the checkpoint at {later.size} entries is not shown to extend that at {earlier.size}")
    return Extended(earlier, later)


def included(leaf: bytes, index: int, size: int, nodes: Sequence[bytes]) -> bytes | None:
    """The root that a leaf and the nodes beside its path give (RFC 9162 §2.1.3.2); None when they do not fit."""
    if not 0 <= index < size:
        return None
    at, last, root = index, size - 1, leaf
    for node in nodes:
        if last == 0:
            return None
        if at & 1 or at == last:
            root = join(node, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = join(root, node)
        at, last = at >> 1, last >> 1
    return root if last == 0 else None


def extends(size1: int, size2: int, root1: bytes, root2: bytes, nodes: Sequence[bytes]) -> bool:
    """Whether the nodes give both roots (RFC 9162 §2.1.4.2). Nothing extends the empty tree: it would prove nothing."""
    if not 1 <= size1 <= size2:
        return False
    if size1 == size2:
        return not nodes and root1 == root2
    path = list(nodes)
    if size1 & (size1 - 1) == 0:
        path.insert(0, root1)
    if not path:
        return False
    at, last = size1 - 1, size2 - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = join(node, old), join(node, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = join(new, node)
        at, last = at >> 1, last >> 1
    return last == 0 and old == root1 and new == root2


def _blocks(text: str, count: int) -> list[str]:
    """The parts between empty lines. Neither head, text nor signatures have empty lines in them."""
    if len(text) > _LONGEST:
        raise BadProof("it is too long")
    blocks = text.split("\n\n")
    if len(blocks) != count or any(not block or block.startswith("\n") for block in blocks):
        raise BadProof("it is not in the form of a proof")
    return blocks


def _opened(note: str, vkeys: Sequence[str]) -> Signed:
    """The checkpoint, under the first of the keys that signed it."""
    problems = []
    for vkey in vkeys:
        verifier = Verifier(vkey)
        try:
            signed = verifier.open(note)
        except BadNote as error:
            problems.append(str(error))
            continue
        if signed.origin != verifier.name:
            raise BadProof(f"the checkpoint is of {signed.origin!r}, the key of {verifier.name!r}")
        return signed
    raise BadProof("the checkpoint does not hold: " + "; ".join(problems))


def _after(word: str, line: str) -> str:
    if not line.startswith(word):
        raise BadProof(f"{word.strip()!r} is expected, not {line[:40]!r}")
    return line[len(word) :]


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise BadProof(f"{text[:40]!r} is not a number")
    return int(text)


def _hash(text: str) -> bytes:
    try:
        raw = decoded(text)
    except ValueError as error:
        raise BadProof(f"{text[:60]!r} is not base64") from error
    if len(raw) != 32:
        raise BadProof(f"{text[:60]!r} is not a hash")
    return raw
