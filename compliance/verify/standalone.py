"""Verifies what an auditor was given, with nothing but Python (3.9 or newer): no package, no network, no trust in us.

    python3 verify.py FOLDER --vkey KEY [--anchor SIZE:ROOT]    an export, a package, or a cited package
    python3 verify.py PROOF LINE --vkey KEY                     that an entry is in the ledger, by its proof and line
    python3 verify.py PROOF --vkey KEY                          that one checkpoint extends another

KEY is the organisation's public key, from where you trust it: its site, an earlier report, a letter. May be repeated.

Exit  0  everything was checked and holds
      2  it was called wrongly
      3  what was checked holds, but something was not checked; each such thing is named
      4  broken: the first file or entry that does not hold is named

Written from the page schemas/ledger.md alone (§ are its chapters), without code of the program that writes ledgers.
Read it from top to bottom. Nothing is skipped in silence: whatever does not hold raises an error, which ends the run.
"""

from __future__ import annotations

import argparse
import base64
import functools
import gzip
import hashlib
import heapq
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

LONGEST_LINE = 65_535  # bytes of the line of an entry (§2)
LONGEST_TEXT = 1 << 26  # of everything else that is read at once
PER_FILE = 100_000  # entries in one file (§13)


class Looking:
    """What is being looked at, in words: a ValueError that is raised meanwhile is about it."""

    at = ""


def check(holds: object, what: str) -> None:
    if not holds:
        raise ValueError(what)


def match(pattern: str, text: str, what: str) -> re.Match[str]:
    found = re.fullmatch(pattern, text, re.ASCII)
    if found is None:
        raise ValueError(f"{what}: {text[:80]!r}")
    return found


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def contents(path: str) -> bytes:
    check(os.path.isfile(path) and os.path.getsize(path) <= LONGEST_TEXT, f"{path} is missing, or too long")
    with open(path, "rb") as file:
        return file.read()


# ---------------------------------------------------------------------------------------------- 1 text forms: §2, §5

NAME = "[a-z][a-z0-9_]*"
NUMBER = "(?:0|[1-9][0-9]{0,15})"
INSTANT = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z"
LINE = (
    rf'\{{"at":"({INSTANT})","collection":(null|{NUMBER}),"gone":(true|false),'
    rf'"key":(null|\[(?:"(?:[^"\\]|\\.)*",?)*\]),"kind":"({NAME})","nonce":"[0-9a-f]{{32}}",'
    rf'"observed_at":(?:null|"{INSTANT}"),'
    r'"personal":(?:null|\{"alias":"(p_[0-9a-f]{32})","commitment":"([0-9a-f]{64})"\}),'
    rf'"record":(\{{.*\}}),"seq":({NUMBER}),"source":"([^"\\\x00-\x1f\x7f]{{1,200}})","v":1\}}'
)


def integer(text: str) -> int:
    check(re.fullmatch("-?[0-9]{1,16}", text) and abs(int(text)) < 2**53, f"{text[:20]} is no integer below 2^53")
    return int(text)


DECODER = json.JSONDecoder(parse_int=integer, parse_float=integer, parse_constant=integer)
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(text: str) -> Any:
    """The value of canonical JSON (§2). Writing it again must give the same text: so no other order, space, escape,
    number or doubled key can hide in it."""
    value = DECODER.raw_decode(text)[0]
    check(ENCODER.encode(value) == text, "it is not in canonical form")
    return value


def members(value: Any, **types: type) -> list[Any]:
    """The members of an object, which must be exactly these, each of its type."""
    right = type(value) is dict and value.keys() == types.keys()
    right = right and all(type(value[name]) is form for name, form in types.items())
    check(right, f"an object with the members {', '.join(types)} is expected, each of its type")
    return [value[name] for name in types]


class Entry:
    """What the line of an entry says (§2). `key` and `text` are its key and record as they stand there."""

    def __init__(self, line: bytes) -> None:
        check(len(line) <= LONGEST_LINE, f"its line is longer than {LONGEST_LINE} bytes")
        found = match(LINE, line.decode(), "it is not in the form of a line").groups()
        self.at, collection, gone, self.key, self.kind, self.alias, self.commitment, self.text, seq, self.source = found
        self.line = line
        self.seq, self.gone = int(seq), gone == "true"
        self.collection = None if collection == "null" else int(collection)
        _, self.record = canonical(f"[{self.key},{self.text}]")
        check(not self.gone or not self.record, "a tombstone has a record")


def unbase64(text: str, length: int | None = None) -> bytes:
    """The bytes behind base64 with padding and unused bits zero: no two texts mean the same."""
    raw = base64.b64decode(text, validate=True)
    good = base64.b64encode(raw).decode() == text and length in (None, len(raw))
    check(good, f"not base64 of {length or 'some'} bytes: {text[:60]!r}")
    return raw


# ------------------------------------------------------------------- 2 signatures: RFC 8032 (Ed25519), C2SP notes (§5)

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def add(p: Point, q: Point) -> Point:
    """The sum of two points of the curve, in extended coordinates (RFC 8032 §5.1.4)."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def products(s: int, p: Point, k: int, q: Point) -> Point:
    """s·p + k·q, doubled and added bit by bit."""
    total, choice = NEUTRAL, (NEUTRAL, p, q, add(p, q))
    for bit in reversed(range(256)):
        total = add(add(total, total), choice[(s >> bit & 1) + 2 * (k >> bit & 1)])
    return total


def decompress(data: bytes) -> Point:
    """The point behind 32 bytes (RFC 8032 §5.1.3); only its canonical encoding, and none of small order."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    check(y < P and x * x % P == square and (x or not sign), "the public key is not a point of the curve")
    x = P - x if x & 1 != sign else x
    point = (x, y, 1, x * y % P)
    check(products(8, point, 0, NEUTRAL)[0], "the public key is of small order")
    return point


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


class Key:
    """A public key of the form name+id+base64 (§5)."""

    def __init__(self, vkey: Any) -> None:
        found = match(r"([^\s+]+)\+([0-9a-f]{8})\+(.+)", str(vkey), "not a public key of the form name+id+key")
        raw = unbase64(found[3], 33)
        self.vkey, self.name, self.id = found[0], found[1], sha256(found[1].encode() + b"\n" + raw)[:4]
        check(raw[0] == 1 and self.id.hex() == found[2], f"not an Ed25519 key whose id belongs to it: {vkey[:200]!r}")
        self.public = raw[1:]
        x, y, z, t = decompress(self.public)
        self.minus = (P - x, y, z, P - t)

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature holds: S·B − k·A must be R, compared as bytes (RFC 8032 §5.1.7, without cofactor)."""
        r, s = signature[:32], int.from_bytes(signature[32:], "little")
        if len(signature) != 64 or s >= L:
            return False
        k = int.from_bytes(hashlib.sha512(r + self.public + text).digest(), "little") % L
        x, y, z, _ = products(s, BASE, k, self.minus)
        inverse = pow(z, P - 2, P)
        return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little") == r


NOTE = "(?:[^\x00-\x1f]+\n)+\n(?:\u2014 [^\x00-\x20+]+ [A-Za-z0-9+/=]+\n){1,100}"  # text, an empty line, signatures


def signers(note: str, *keys: Key) -> list[Key]:
    """Those of `keys` that signed a note, in the order of their signatures. Signatures of other keys do not count."""
    check(len(note) <= 1 << 20, "a note is longer than 1 MiB")
    text, _, signatures = match(NOTE, note, "it is not a signed note")[0].rpartition("\n\n")
    found = []
    for line in signatures[:-1].split("\n"):
        _, name, encoded = line.split(" ")
        signature = unbase64(encoded)
        for key in keys:
            if (name, signature[:4]) == (key.name, key.id):
                holds = key.signed(f"{text}\n".encode(), signature[4:])
                check(holds, f"the signature of {key.name}+{key.id.hex()} does not hold")
                found.append(key)
    return list(dict.fromkeys(found))


@functools.lru_cache(maxsize=16)
def checkpoint_of(note: str, *keys: Key) -> tuple[int, bytes, list[Key]]:
    """Size and root of a checkpoint (§5), and which of `keys` signed it: at least one, whose name is its origin."""
    found = match(rf"(.+)\n({NUMBER})\n(.+)\n(?:.+\n)*\n(?:.+\n)+", note, "it is not a checkpoint: origin, size, root")
    by = signers(note, *(key for key in keys if key.name == found[1]))
    wanted = " or ".join(f"{key.name}+{key.id.hex()}" for key in keys)
    check(by, f"the checkpoint is of {found[1][:200]!r}; it is not signed by {wanted}")
    return int(found[2]), unbase64(found[3], 32), by


# ------------------------------------------------------------------------------------ 3 tree and proofs: §3, §4, §12


NODES = "(?:[A-Za-z0-9+/=]+\n)*"  # of a proof, one per line


def fold(row: list[bytes]) -> bytes:
    """The node over a row of nodes: pairs are joined, one without a partner rises."""
    while len(row) > 1:
        pairs = [sha256(b"\x01" + left + right) for left, right in zip(row[::2], row[1::2])]
        row = pairs + row[2 * len(pairs) :]
    return row[0]


class Tree:
    """A tree that grows by leaves. `tile(level, n, hashes)` is called for every tile that becomes full (§4)."""

    def __init__(self, tile: Callable[[int, int, list[bytes]], None]) -> None:
        self.tile, self.size = tile, 0
        self.levels: list[list[bytes]] = [[]]  # the hashes of the unfinished tile of every level

    def add(self, node: bytes) -> None:
        self.size += 1
        for level, row in enumerate(self.levels):
            row.append(node)
            if len(row) < 256:
                return
            self.tile(level, (self.size >> 8 * (level + 1)) - 1, row)
            node, self.levels[level] = fold(row), []
        self.levels.append([node])

    def root(self) -> bytes:
        right: list[bytes] = []
        for row in self.levels:
            right = [fold(row + right)] if row or right else []
        return right[0] if right else sha256(b"")


def climb(count: int, size: int, start: bytes, nodes: list[bytes], from_leaf: bool) -> tuple[bytes, bytes]:
    """The nodes over the first `count` of `size` leaves, and over all of them: made of `start`, the node that ends the
    former (its last leaf, or else the largest that does), and of all `nodes` beside the way up, the nearest first."""
    if size == 1 or (count == size and not from_leaf):
        check(not nodes, "the proof has too many nodes")
        return start, start
    check(nodes, "the proof has too few nodes")
    half, beside = 1 << (size - 1).bit_length() - 1, nodes.pop()
    if count <= half:
        old, new = climb(count, half, start, nodes, from_leaf)
        return old, sha256(b"\x01" + new + beside)
    old, new = climb(count - half, size - half, start, nodes, from_leaf)
    return sha256(b"\x01" + beside + old), sha256(b"\x01" + beside + new)


def included(leaf: bytes, index: int, size: int, nodes: list[bytes]) -> bytes:
    """The root that a leaf and an inclusion proof give (RFC 9162 §2.1.3)."""
    check(0 <= index < size, f"entry {index} is not below the checkpoint's size {size}")
    return climb(index + 1, size, leaf, [*nodes], True)[1]


def extended(size1: int, root1: bytes, size2: int, nodes: list[bytes]) -> tuple[bytes, bytes]:
    """The roots at both sizes that a consistency proof gives (RFC 9162 §2.1.4)."""
    check(1 <= size1 <= size2, f"nothing is shown from {size1} to {size2} entries")
    if size1 == size2 or size1 & (size1 - 1) == 0:  # the earlier tree is itself a node of the later one
        nodes = [root1, *nodes]
    check(nodes, "the proof has too few nodes")
    return climb(size1, size2, nodes[0], nodes[1:], False)


def check_inclusion(proof: str, entry: Entry, keys: Iterable[Key]) -> str:
    """What an inclusion proof of an entry shows (§12), in words."""
    form = rf"c2sp\.org/tlog-proof@v1\nextra (.+)\nindex ({NUMBER})\n({NODES})\n({NOTE})"
    before, index, nodes, note = match(form, proof, "it is not in the form of an inclusion proof").groups()
    size, root, _ = checkpoint_of(note, *keys)
    check(entry.seq == int(index), f"the proof is about entry {index}, the line is that of another")
    leaf, path = sha256(b"\x00" + unbase64(before, 32) + entry.line), [unbase64(node, 32) for node in nodes.split()]
    check(
        included(leaf, entry.seq, size, path) == root, f"line and proof do not give the root signed at {size} entries"
    )
    return f"entry {index} is among the {size} entries of root {root.hex()}"


def check_consistency(proof: str, keys: Iterable[Key]) -> str:
    """What a consistency proof shows (§12), in words."""
    form = rf"compliance-engine/consistency@v1\nfrom ({NUMBER})\n({NODES})\n({NOTE})\n({NOTE})"
    start, nodes, *notes = match(form, proof, "it is not in the form of a consistency proof").groups()
    (size1, root1, _), (size2, root2, _) = (checkpoint_of(note, *keys) for note in notes)
    check(int(start) == size1, f"its earlier checkpoint has {size1} entries, not what the proof says")
    both = extended(size1, root1, size2, [unbase64(node, 32) for node in nodes.split()])
    check(both == (root1, root2), "the later checkpoint is not shown to extend the earlier one")
    return f"the {size2} entries of root {root2.hex()} begin with the {size1} entries of root {root1.hex()}"


# --------------------------------------------------------------------------------- 4 what follows from entries: §9, §11


class Keys:
    """The keys of the ledger over time (§11)."""

    def __init__(self, vkey: Any, origin: str) -> None:
        self.origin = origin
        self.list: list[tuple[Key, int, str]] = []  # (key, size from which on it signs, why)
        self.join(vkey, 0, "genesis")

    def join(self, vkey: Any, size: int, action: str) -> None:
        key = Key(vkey)
        check(key.name == self.origin, f"its key is that of {key.name!r}, not of {self.origin!r}")
        check(vkey not in [key.vkey for key, _, _ in self.list], "the key that is to sign from here on was so before")
        self.list.append((key, size, action))

    def root(self, note: str, size: int) -> bytes:
        """The root in a checkpoint of this size, which the key in force signed; all entries below it are known."""
        key, start, action = self.list[-1]
        wanted = [self.list[-2][0], key] if (size, action) == (start, "rotate") else [key]
        said, root, by = checkpoint_of(note, *wanted)
        check(by == wanted, "it is not signed by the old key, then by the new one")
        check(said == size, f"it is about {said} entries, not {size}")
        return root

    def vouch(self, given: list[str]) -> None:
        """One of the keys given must be ours; beyond it, none may sign that the one before it did not hand over to."""
        ours = [n for n, (key, _, _) in enumerate(self.list) if key.vkey in given]
        check(ours, "the ledger is not that of the key given: the key is not among its own")
        for key, start, action in self.list[ours[-1] + 1 :]:
            words = f"from here on {key.vkey} signs; the key given does not vouch for it: give that one too"
            check(action != "replace", f"entry {start - 1}: {words}")


class Collections:
    """Collections: their rows follow them, and every set rebuilt from change has the digest that was signed (§9)."""

    def __init__(self) -> None:
        self.chains: dict[str, dict[str, Any]] = {}  # of source and kind
        self.open: Entry | None = None  # the collection whose rows follow
        self.rows: list[Entry] = []

    def entry(self, entry: Entry) -> None:
        if self.open is None:
            check(entry.collection is None, "it says it belongs to a collection, but does not follow it")
            if entry.kind != "collection":
                return
            check(entry.source == "engine", "the collection is not the engine's")
            self.open, self.rows = entry, []
        else:
            self.rows.append(entry)
            of = self.open.record.get
            if (entry.collection, entry.kind, entry.source) != (self.open.seq, of("of_kind"), of("of_source")):
                Looking.at = f"entry {self.open.seq}: "
                raise ValueError(f"it says {of('stored')} entries of it follow; entry {entry.seq} is none of them")
        if len(self.rows) == self.open.record.get("stored"):
            if self.open.record.get("base") is not None:
                self.link(self.open, self.open.record.get)
            self.open = None

    def link(self, of: Entry, said: Callable[[str], Any]) -> None:
        """A complete collection: the next link of the chain of its source and kind."""
        where, month = f"{said('of_source')}\n{said('of_kind')}", of.at[:7]
        chain = self.chains.get(where, {"base": None, "last": None})
        Looking.at = f"entry {of.seq}: "
        check(said("previous") == chain["last"], f"it names {said('previous')} as the link before it")
        if said("base") == of.seq:
            chain = self.chains[where] = {"base": of.seq, "month": month, "rows": {}, "digest": None}
        check(said("base") == chain["base"], f"it builds on collection {said('base')}, not the base of its chain")
        check(month == chain["month"], "it is the first of its month and does not store the full set")
        chain["last"], rows = of.seq, chain["rows"]
        for row in self.rows:
            check(row.key in rows or not row.gone, f"entry {row.seq} ends a row that was not there")
            rows[row.key] = row.text
            if row.gone:
                del rows[row.key]
        if self.rows or chain["digest"] is None:
            lines = (f"{key}\0{rows[key]}\n".encode() for key in sorted(rows, key=str.encode))
            chain["digest"] = sha256(b"".join(lines)).hex()
        same = (said("rows"), said("snapshot_sha256")) == (len(rows), chain["digest"])
        check(same, "the set rebuilt from its chain has another digest, or other rows, than it says")


# ------------------------------------------------------------------------------------------------- 5 the folder: §13

SEALS = {"manifest.json", "manifest.note"}
KINDS = {"export": "", "package": "", "cited": "; nothing is said about entries that are not cited"}
Statement = tuple[int, str, str]  # (size, who says it, a checkpoint of this size or in hexadecimal its root)
END: Statement = (sys.maxsize, "", "")


def tile_path(level: int, n: int) -> str:
    """c2sp.org/tlog-tiles: the number in groups of three digits, all but the last with an x."""
    groups = f"{n:,}".split(",")
    return f"tile/{level}/" + "".join(f"x{group:0>3}/" for group in groups[:-1]) + f"{groups[-1]:0>3}"


class Folder:
    """An export or package. Its files are exactly those of its signed manifest, with their digests."""

    def __init__(self, path: str) -> None:
        self.path = path
        there = set(self.walk(""))
        self.unread = there - SEALS - {"README.txt", "verify.py"}  # what nothing was compared with so far
        self.cited: dict[int, str | None] = {}  # entries of cited.ndjson, and their commitments to personal content
        self.audits: set[Any] = set()  # the audits whose entries are among them
        self.good = self.anchored = 0  # size of the newest checkpoint that agreed; statements from outside that did
        Looking.at = "manifest.json: "
        manifest = self.read("manifest.json")
        value = canonical(manifest.decode())
        problems = isinstance(value, dict) and value.get("problems")
        check(not problems, f"it was exported although the ledger did not hold: {str(problems)[:2000]}")
        types = {"created_at": str, "files": dict, "format": int, "kind": str, "origin": str, "root": str, "size": int}
        made_at, self.files, version, self.kind, self.origin, root, self.size, vkey = members(value, **types, vkey=str)
        match(INSTANT, made_at, "its time is no instant")
        check(
            version == 1 and self.size > 0 and self.kind in KINDS, "it is not of format 1, or of no known kind or size"
        )
        self.root, self.key, self.keys = bytes.fromhex(root), Key(vkey), Keys(vkey, self.origin)
        Looking.at = "manifest.note: "
        note = self.text("manifest.note")
        said = f"compliance-engine/manifest/v1\n{self.origin}\n{sha256(manifest).hex()}\n\n"
        check(note.startswith(said) and signers(note, self.key), f"it is not manifest.json that {vkey} signed")
        Looking.at = ""
        for name in sorted(there ^ {*self.files, *SEALS}):
            raise ValueError(f"{name} is not in the manifest" if name in there else f"{name} is missing")
        for name, named in self.files.items():
            digest = hashlib.sha256()
            with open(os.path.join(path, name), "rb") as file:
                for part in iter(lambda: file.read(1 << 20), b""):
                    digest.update(part)
                same = named == {"bytes": file.tell(), "sha256": digest.hexdigest()}
            check(same, f"{name} is not what was signed: its digest differs")
        self.tokens = sorted(name for name in there if re.fullmatch("anchors/.+[.]tsr", name) and name[:-4] in there)
        self.unread -= {*self.tokens}

    def walk(self, below: str) -> Iterator[str]:
        """The names of all files. There may be nothing but files, and folders with something in them."""
        with os.scandir(os.path.join(self.path, below)) as found:
            items = sorted(found, key=lambda item: item.name)
        check(items, f"{below or 'the folder'} is empty")
        for item in items:
            check(not item.is_symlink(), f"{below}{item.name} is a link")
            check(item.is_file() or item.is_dir(), f"{below}{item.name} is not a file")
            yield from self.walk(f"{below}{item.name}/") if item.is_dir() else [below + item.name]

    def read(self, name: str) -> bytes:
        self.unread.discard(name)
        return contents(os.path.join(self.path, name))

    def text(self, name: str) -> str:
        return self.read(name).decode()

    def lines(self, name: str, most: int = LONGEST_TEXT) -> Iterator[bytes]:
        """The lines of a file, without their line feeds, in bounded memory."""
        Looking.at = place = f"{name}: "
        self.unread.discard(name)
        opened: Any = gzip.open if name.endswith(".gz") else open
        with opened(os.path.join(self.path, name), "rb") as file:
            while line := file.readline(most + 1):
                check(line.endswith(b"\n"), f"a line is longer than {most} bytes, or does not end")
                yield line[:-1]
                Looking.at = place

    def objects(self, name: str, optional: bool = False, **types: type) -> Iterator[list[Any]]:
        """The objects of an .ndjson file, with exactly these members; none when the file may be missing and is."""
        for line in self.lines(name) if name in self.files or not optional else ():
            yield members(canonical(line.decode()), **types)

    def outside(self, claims: list[tuple[int, str]]) -> list[Statement]:
        """What is said outside about roots, by size: claims that were given, and notes of anchors (§15)."""
        found = [(size, "--anchor", root) for size, root in claims]
        for name in self.files:
            if re.fullmatch("anchors/.+/[0-9]{20}-[0-9a-f]{64}", name):
                found.append((int(name[-85:-65]), name, ""))
        for size, who, _ in found:
            words = "some were lost, or this is an older copy"
            check(0 < size <= self.size, f"{who} is about {size or 'no'} entries, here are {self.size}: {words}")
        return sorted(found)

    def compare(self, statement: Statement, root: bytes) -> None:
        """Compare a statement with the root that the entries give."""
        size, who, said = statement
        Looking.at = f"{who} of {size} entries: "
        if who != "--anchor":
            said = self.keys.root(said or self.text(who), size).hex()
        words = f"among entries {self.good} to {size - 1} a line was changed, or history was rewritten"
        check(said == root.hex(), f"it names another root: {words}")
        if who == "the checkpoint":
            check(self.good < size, "it is there twice")
            self.good = size
        else:
            self.anchored += 1

    def verify(self, given: list[str], claims: list[tuple[int, str]]) -> tuple[list[str], list[str]]:
        """What holds, and what was not checked, in words: of all files, with keys and roots that were given."""
        outside, unchecked, self.note = self.outside(claims), [], self.text("checkpoint")
        if not given:
            words = "NO KEY WAS GIVEN: whoever made this folder could have made it all up. Its own key is"
            unchecked.append(f"{words} {self.key.vkey}")
        if self.kind != "export":
            self.cite()
        if self.kind != "cited":
            self.whole(given, outside)
        else:
            check(not given or self.key.vkey in given, "the package is signed by another key than the one given")
            for size, who, said in outside:
                if size == self.size:
                    self.compare((size, who, said), self.root)
                elif who == "--anchor":
                    unchecked.append(f"--anchor {size}: the root at this size is not known without all entries")
        Looking.at = "checkpoint: "
        signed = checkpoint_of(self.note, self.key)
        check(signed[:2] == (self.size, self.root), "it names another size or root than manifest.json")
        Looking.at = ""
        for name in sorted(self.unread):
            spare = name.startswith(("attachments/", "entries/", "proofs/", "reports/", "tile/"))
            check(not spare, f"{name} belongs to no entry that is here")
            unchecked.append(f"{name} is what was signed; what it says is compared with nothing")
        return [
            f"{self.kind} of {self.origin}: {self.size} entries, root {self.root.hex()}{KINDS[self.kind]}",
            f"{len(self.files)} files, {len(self.cited)} cited entries, {self.anchored} anchored statements",
            *(f"{name} is what was signed; the time in it is for openssl, see README.txt" for name in self.tokens),
        ], unchecked

    def cite(self) -> None:
        """The entries that reports rest on are there, each with its proof, and vouch for what is shown beside them."""
        wanted: set[Any] = set()
        for line in self.lines("cited.ndjson", LONGEST_LINE):
            entry = Entry(line)
            said = entry.record.get
            Looking.at = f"entry {entry.seq}: "
            proof = self.text(f"proofs/{entry.seq}.tlog-proof")
            check_inclusion(proof, entry, [self.key])
            check(proof.endswith(f"\n\n{self.note}"), "its proof is not about the newest checkpoint")
            self.cited[entry.seq] = entry.commitment
            if entry.kind == "finding":
                wanted.update([f"audit {said('audit')}", *entry.record["rests_on"]])
            elif entry.kind == "audit":
                self.audits.add(said("audit"))
                for report, recorded in (members(value, name=str, sha256=str) for value in said("reports") or ()):
                    name = f"reports/{said('audit')}/{report}"
                    same = name not in self.files or self.files[name]["sha256"] == recorded
                    check(same, f"{name} is not the report that it records")
                    self.unread.discard(name)
            elif entry.kind == "attestation":
                name = f"attachments/{said('document_sha256')}"
                same = name not in self.files or self.files[name]["sha256"] == said("document_sha256")
                check(same, f"{name} is not the document that it records")
                self.unread.discard(name)
        lacking = wanted - {*self.cited} - {f"audit {audit}" for audit in self.audits}
        check(not lacking, f"cited.ndjson lacks what findings in it rest on: {sorted(map(str, lacking))[:5]}")
        for clear, seq in self.objects("disclosed.ndjson", optional=True, clear=str, seq=int):
            same = sha256(clear.encode()).hex() == self.cited.get(seq)
            check(same, f"entry {seq} is not cited, or its line commits to other personal content")
            members(canonical(clear), salt=str, values=dict)

    def whole(self, given: list[str], outside: list[Statement]) -> None:
        """Every entry in order: form, chain, tiles, roots, signatures, and what follows from entries."""
        seq, leaf, at, tree, sets = 0, bytes(32), "", Tree(self.tile), Collections()
        checkpoints = self.objects("checkpoints.ndjson", note=str, size=int)
        statements = heapq.merge(outside, ((size, "the checkpoint", note) for note, size in checkpoints))
        due = next(statements, END)
        sealed = self.objects("personal.ndjson", optional=True, content=str, seq=int, subject=str)
        content = next(sealed, [])  # the personal content that comes next, whose it is
        missing: dict[str, int] = {}  # alias -> first entry whose personal content is not there
        self.erased: set[Any] = set()
        for first in range(0, self.size, PER_FILE):
            for line in self.lines(f"entries/{first:012}.ndjson.gz", LONGEST_LINE):
                Looking.at = f"entry {seq}: "
                entry = Entry(line)
                check(entry.seq == seq, "its line has the number of another entry")
                leaf = sha256(b"\x00" + leaf + line)
                tree.add(leaf)
                check(at <= entry.at, "its time lies before that of the entry before it")
                self.follow(entry)
                sets.entry(entry)
                if content[1:] == [seq, entry.alias]:
                    content = next(sealed, [])
                elif entry.alias is not None:
                    missing.setdefault(entry.alias, seq)
                seq, at = seq + 1, entry.at
                while due[0] <= seq:
                    self.compare(due, tree.root())
                    due = next(statements, END)
                if self.keys.list[-1][1] == seq:
                    Looking.at = f"entry {seq - 1}: "
                    check(self.good == seq, "the change of key has no checkpoint of exactly its size")
            Looking.at = ""
            check(seq == min(first + PER_FILE, self.size), f"there are {seq} entries; the manifest names {self.size}")
        check(sets.open is None, "rows of the last collection are missing")
        check(self.good == seq and due is END, f"not covered by a signed checkpoint: entries {self.good} to {seq - 1}")
        same = (tree.root(), self.keys.list[-1][0].vkey) == (self.root, self.key.vkey)
        check(same, "manifest.json names another root, or another key, than the entries give")
        for alias in missing if "personal.ndjson" in self.files else ():
            check(alias in self.erased, f"entry {missing[alias]}: personal content of {alias} is missing")
        check(not content, "personal.ndjson holds content that no line asks for")
        if given:
            self.keys.vouch(given)

    def follow(self, entry: Entry) -> None:
        """What the first entry, changes of key, erasures and findings say."""
        said = entry.record.get
        if entry.seq == 0:
            genesis = (entry.kind, entry.source, said("origin"), said("format"), said("leaf"))
            wanted = ("genesis", "engine", self.origin, 1, "rfc6962-sha256-chained")
            check(genesis == wanted, "it is not the genesis entry of this ledger")
            self.keys = Keys(said("vkey"), self.origin)
        elif entry.kind == "key_event" and said("action") in ("rotate", "replace"):
            check(said("old_key_name") == self.keys.list[-1][0].vkey, "the old key is not the one in force")
            self.keys.join(said("key_name"), entry.seq + 1, str(said("action")))
        elif entry.kind == "key_event" and said("action") == "erase_subject":
            self.erased.add(said("key_name"))
        elif entry.kind == "finding" and said("audit") in self.audits:
            check(entry.seq in self.cited, f"it is a finding of audit {said('audit')!r} that cited.ndjson leaves out")

    def tile(self, level: int, n: int, hashes: list[bytes]) -> None:
        """A tile that became full is the stored one."""
        name, made = tile_path(level, n), b"".join(hashes)
        stored = self.read(name)
        if level == 0 and stored != made and len(stored) == len(made):
            first = next(i for i in range(256) if stored[32 * i :][:32] != hashes[i])
            Looking.at = f"entry {256 * n + first}: "
            raise ValueError(f"its line does not give its leaf hash in {name}: one of the two was changed")
        check(stored == made, f"{name} is not what its entries give")


# ---------------------------------------------------------------------------------------------------- 6 the run


def main(argv: list[str] | None = None) -> int:
    """The exit code; see the top of this file."""
    usage = argparse.ArgumentParser("verify.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    usage.add_argument("what", nargs="+", help="a folder, or a proof, and the line it is about")
    usage.add_argument("--vkey", action="append", default=[], type=Key, help="public key, from where you trust it")
    usage.add_argument("--anchor", action="append", default=[], help="SIZE:ROOT from a report")
    given = usage.parse_args(argv)
    is_folder = os.path.isdir(given.what[0])
    claims = [re.fullmatch(f"({NUMBER}):([0-9a-f]{{64}})", text) for text in given.anchor]
    right = all(claims) and all(map(os.path.exists, given.what)) and len(given.what) <= 2 - is_folder
    if not right or not (is_folder or given.vkey) or (given.anchor and not is_folder):
        usage.error("give a folder, and SIZE:ROOT with --anchor; or a proof, with the line it is about, and --vkey")
    Looking.at = ""
    try:
        if is_folder:
            roots = [(int(found[1]), found[2]) for found in claims if found]
            told, unchecked = Folder(given.what[0]).verify([key.vkey for key in given.vkey], roots)
        else:
            proof, *line = map(contents, given.what)
            text, unchecked = proof.decode(), []
            entry = Entry(line[0].removesuffix(b"\n")) if line else None
            told = [check_inclusion(text, entry, given.vkey) if entry else check_consistency(text, given.vkey)]
        told += [f"NOT CHECKED: {what}" for what in unchecked]
        told.append("holds, but not everything was checked" if unchecked else "holds")
        code = 3 if unchecked else 0
    except Exception as error:  # noqa: BLE001 -- the last door: whatever a hostile file does here, it does not pass
        name = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        code, told = 4, [f"BROKEN: {Looking.at}{name}{error}"]
    for text in told:
        print(text.encode("unicode_escape").decode())  # names in a package must not drive the terminal
    return code


if __name__ == "__main__":
    sys.exit(main())
