"""Verifies what an auditor was given, with nothing but Python (3.9 or newer): no package, no network, no trust in us.

    python3 verify.py FOLDER --vkey KEY [--anchor SIZE:ROOT]    an export, a package, or a cited package
    python3 verify.py --proof FILE --line FILE --vkey KEY       one entry, from its proof
    python3 verify.py --consistency FILE --vkey KEY             that one checkpoint extends another

KEY is the organisation's public key, from where you trust it: its site, an earlier report, a letter. May be repeated.

Exit  0  everything was checked and holds
      2  it was called wrongly
      3  what was checked holds, but something was not checked; each such thing is named
      4  broken: the first file or entry that does not hold is named

It is written from the page schemas/ledger.md alone (§ are its chapters) and shares no code with the program that writes
ledgers. Read it from top to bottom: 1 text forms, 2 signatures, 3 tree, 4 proofs, 5 the folder, 6 entries, 7 what
follows from entries, 8 the run. Nothing is skipped in silence: what does not hold raises Broken, which ends the run.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

LONGEST_LINE = 65_535  # bytes of a line (§2)
LONGEST_TEXT = 1 << 20  # of a note or proof
LONGEST_JSON = 1 << 26  # of the manifest, or of one line of the other .ndjson files
PER_FILE = 100_000  # entries in one file (§13)
GREATEST = 2**53 - 1


class Broken(Exception):
    """Something does not hold; the message names it. `seq` is the entry it is about, where it is about one."""

    def __init__(self, what: str, seq: int | None = None) -> None:
        super().__init__(what if seq is None else f"entry {seq}: {what}")
        self.seq = seq


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# ---------------------------------------------------------------------------------------------- 1 text forms: §2, §5

NAME = r"[a-z][a-z0-9_]*"
STRING = r'"[^"\\\x00-\x1f]*(?:\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))[^"\\\x00-\x1f]*)*"'
SCALAR = rf"(?:{STRING}|null|true|false|0|-?[1-9][0-9]{{0,14}})"
INSTANT = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z"
NUMBER = r"(?:0|[1-9][0-9]{0,15})"

LINE = re.compile(
    rf'\{{"at":"(?P<at>{INSTANT})","collection":(?P<collection>null|{NUMBER}),"gone":(?P<gone>true|false)'
    rf',"key":(?P<key>null|\[(?:{STRING}(?:,{STRING})*)?\]),"kind":"(?P<kind>{NAME})","nonce":"[0-9a-f]{{32}}"'
    rf',"observed_at":(?:null|"{INSTANT}")'
    r',"personal":(?:null|\{"alias":"(?P<alias>p_[0-9a-f]{32})","commitment":"(?P<commitment>[0-9a-f]{64})"\})'
    rf',"record":(?P<record>\{{.*\}}),"seq":(?P<seq>{NUMBER}),"source":"(?P<source>[^"\\\x00-\x1f\x7f]{{1,200}})","v":1\}}'
)
FLAT = re.compile(rf'\{{(?:"{NAME}":{SCALAR}(?:,"{NAME}":{SCALAR})*)?\}}')  # a record without lists and objects
KEYS = re.compile(rf'"({NAME})":')  # in well-formed JSON nothing but the key of a member looks like this
PART = "[A-Za-z0-9_][A-Za-z0-9._-]*"  # of a path: never empty, hidden, above, or an option
PATH = re.compile(f"{PART}(?:/{PART})*")


def integer(text: str) -> int:
    value = int(text) if len(text) <= 17 else GREATEST + 1
    if not -GREATEST <= value <= GREATEST:
        raise ValueError(f"the number {text[:20]} is out of range")
    return value


def no_float(text: str) -> int:
    raise ValueError(f"the number {text[:20]} is not an integer")


DECODER = json.JSONDecoder(parse_int=integer, parse_float=no_float, parse_constant=no_float)
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(text: str, depth: int = 8, keys: re.Pattern[str] = re.compile(NAME)) -> Any:
    """The value of canonical JSON (§2). Writing it again must give the same text: so no other order, space, escape,
    number or doubled key can hide in it. `keys` is what keys must match; `depth` how deep it may be nested."""
    try:
        value = DECODER.decode(text)
        if ENCODER.encode(value) != text:
            raise ValueError("it is not in canonical form")
        level = [value]
        while level := [item for item in level if isinstance(item, (dict, list))]:
            depth -= 1
            if depth < 0:
                raise ValueError("it is nested too deeply")
            for item in level:
                if isinstance(item, dict) and not all(map(keys.fullmatch, item)):
                    raise ValueError("a key is not of the form that keys have")
            level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
        return value
    except (ValueError, RecursionError) as error:
        raise Broken(f"not canonical JSON: {error}") from None


def members(value: Any, **types: type) -> list[Any]:
    """The members of an object, which must be exactly these, of these types."""
    if not isinstance(value, dict) or set(value) != set(types):
        raise Broken(f"an object with the members {', '.join(types)} is expected")
    for name, wanted in types.items():
        if type(value[name]) is not wanted:
            raise Broken(f"member {name} is not of type {wanted.__name__}")
    return [value[name] for name in types]


def text_of(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Broken("it is not UTF-8") from None


def unbase64(text: str, length: int | None = None) -> bytes:
    """The bytes behind base64 with padding and unused bits zero: no two texts mean the same."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = None
    if raw is None or base64.b64encode(raw).decode() != text or (length is not None and len(raw) != length):
        raise Broken(f"not base64 of {length or 'some'} bytes: {text[:60]!r}")
    return raw


def number(text: str, word: str = "") -> int:
    """A decimal number, after `word` and a space where one is given."""
    start = f"{word} " if word else ""
    if not text.startswith(start) or not re.fullmatch(NUMBER, text[len(start) :]):
        raise Broken(f"{start}and a number is expected, not {text[:60]!r}" if word else f"not a number: {text[:60]!r}")
    return int(text[len(start) :])


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


def decompress(data: bytes) -> Point:
    """The point behind 32 bytes (RFC 8032 §5.1.3); only its canonical encoding, and none of small order."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        raise Broken("the public key is not a point of the curve")
    x = P - x if x & 1 != sign else x
    point = eighth = (x, y, 1, x * y % P)
    for _ in range(3):
        eighth = add(eighth, eighth)
    if eighth[0] % P == 0:
        raise Broken("the public key is of small order")
    return point


def table_of(point: Point) -> list[list[Point]]:
    """point · d · 16^i for every digit d of 0 to 15 and every i below 64: a product becomes 64 sums."""
    table = []
    for _ in range(64):
        row = [NEUTRAL]
        for _ in range(15):
            row.append(add(row[-1], point))
        table.append(row)
        point = add(row[-1], point)
    return table


def times(scalar: int, table: list[list[Point]]) -> Point:
    total = NEUTRAL
    for row in table:
        total = add(total, row[scalar & 15])
        scalar >>= 4
    return total


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = table_of(decompress(BASE_Y.to_bytes(32, "little")))


class Key:
    """A public key of the form name+id+base64 (§5)."""

    def __init__(self, vkey: str) -> None:
        parts = vkey.split("+", 2)
        if len(parts) != 3 or not parts[0] or len(parts[0].split()) != 1 or parts[0] != parts[0].strip():
            raise Broken(f"not a public key of the form name+id+key: {vkey[:200]!r}")
        raw = unbase64(parts[2], 33)
        self.vkey, self.name, self.id = vkey, parts[0], sha256(parts[0].encode() + b"\n" + raw)[:4]
        if raw[0] != 1 or self.id.hex() != parts[1]:
            raise Broken(f"not an Ed25519 key whose id belongs to it: {vkey[:200]!r}")
        self.public = raw[1:]
        x, y, z, t = decompress(self.public)
        self.minus = table_of((P - x, y, z, P - t))

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature holds: S·B − k·A must be R, compared as bytes (RFC 8032 §5.1.7, without cofactor)."""
        r, s = signature[:32], int.from_bytes(signature[32:], "little")
        if len(signature) != 64 or s >= L:
            return False
        k = int.from_bytes(hashlib.sha512(r + self.public + text).digest(), "little") % L
        x, y, z, _ = add(times(s, BASE), times(k, self.minus))
        inverse = pow(z, P - 2, P)
        return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little") == r


def note_of(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Text and signatures of a signed note: [(name, id, signature), …]."""
    end = note.rfind("\n\n")
    if end < 1 or not note.endswith("\n") or len(note) > LONGEST_TEXT or re.search(r"[\x00-\x09\x0b-\x1f]", note):
        raise Broken("it is not a signed note: text, an empty line and signatures are expected")
    signatures: list[tuple[str, bytes, bytes]] = []
    for line in note[end + 2 : -1].split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014" or not parts[1] or "+" in parts[1] or len(signatures) == 100:
            raise Broken(f"a signature line is malformed: {line[:80]!r}")
        raw = unbase64(parts[2])
        if len(raw) < 5:
            raise Broken(f"a signature line is malformed: {line[:80]!r}")
        signatures.append((parts[1], raw[:4], raw[4:]))
    return note[: end + 1], signatures


def signed_text(note: str, *keys: Key) -> str:
    """The text of a note that all of `keys` signed, in this order. Signatures of other keys are not ours to judge."""
    text, signatures = note_of(note)
    found = []
    for name, id_, signature in signatures:
        for key in keys:
            if (name, id_) == (key.name, key.id):
                if not key.signed(text.encode(), signature):
                    raise Broken(f"the signature of {key.name}+{key.id.hex()} does not hold")
                found.append(key)
    if [key for n, key in enumerate(found) if key not in found[:n]] != list(keys):
        raise Broken("it is not signed by " + ", then ".join(f"{key.name}+{key.id.hex()}" for key in keys))
    return text


def checkpoint_of(note: str, *keys: Key) -> tuple[int, bytes]:
    """Size and root of a checkpoint that `keys` signed (§5)."""
    lines = signed_text(note, *keys).split("\n")
    if len(lines) < 4 or "" in lines[:-1]:
        raise Broken("it is not a checkpoint: origin, size and root are expected")
    if lines[0] != keys[0].name:
        raise Broken(f"the checkpoint is of {lines[0][:200]!r}, the key of {keys[0].name!r}")
    return number(lines[1]), unbase64(lines[2], 32)


# --------------------------------------------------------------------------------------------------- 3 tree: §3, §4

ZERO = bytes(32)  # the leaf before the first


def leaf_of(before: bytes, line: bytes) -> bytes:
    return sha256(b"\x00" + before + line)


def fold(row: list[bytes]) -> bytes:
    """The node over a row of nodes: pairs are joined, one without a partner rises."""
    while len(row) > 1:
        joined = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(row[::2], row[1::2])]
        row = joined + row[len(joined) * 2 :]
    return row[0]


class Tree:
    """A tree that grows by leaves. `tile(level, n, hashes)` is called for every tile that becomes full (§4)."""

    def __init__(self, tile: Callable[[int, int, list[bytes]], None]) -> None:
        self.tile = tile
        self.levels: list[list[bytes]] = [[]]  # the hashes of the unfinished tile of every level
        self.counts = [0]  # full tiles of every level

    def add(self, node: bytes, level: int = 0) -> None:
        row = self.levels[level]
        row.append(node)
        if len(row) == 256:
            self.tile(level, self.counts[level], row)
            self.counts[level] += 1
            self.levels[level] = []
            if level + 1 == len(self.levels):
                self.levels.append([])
                self.counts.append(0)
            self.add(fold(row), level + 1)

    def root(self) -> bytes:
        right: list[bytes] = []
        for row in self.levels:
            if row or right:
                right = [fold(row + right)]
        return right[0] if right else sha256(b"")


# ----------------------------------------------------------------------------------------------------- 4 proofs: §12


def included(leaf: bytes, index: int, size: int, nodes: list[bytes]) -> bytes:
    """The root that a leaf and the nodes beside its way up give (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        raise Broken(f"entry {index} is not below the checkpoint's size {size}")
    at, last, root = index, size - 1, leaf
    for node in nodes:
        if last == 0:
            raise Broken("the proof has too many nodes")
        if at & 1 or at == last:
            root = sha256(b"\x01" + node + root)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            root = sha256(b"\x01" + root + node)
        at, last = at >> 1, last >> 1
    if last:
        raise Broken("the proof has too few nodes")
    return root


def extended(size1: int, root1: bytes, size2: int, nodes: list[bytes]) -> tuple[bytes, bytes]:
    """The roots at both sizes that the nodes of a consistency proof give (RFC 9162 §2.1.4.2)."""
    if not 1 <= size1 <= size2:
        raise Broken(f"nothing is shown from {size1} to {size2} entries")
    if size1 == size2:
        if nodes:
            raise Broken("the proof has too many nodes")
        return root1, root1
    nodes = list(nodes) if size1 & (size1 - 1) else [root1, *nodes]
    if not nodes:
        raise Broken("the proof has too few nodes")
    at, last = size1 - 1, size2 - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            raise Broken("the proof has too many nodes")
        if at & 1 or at == last:
            old, new = sha256(b"\x01" + node + old), sha256(b"\x01" + node + new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = sha256(b"\x01" + new + node)
        at, last = at >> 1, last >> 1
    if last:
        raise Broken("the proof has too few nodes")
    return old, new


def blocks_of(text: str, count: int, first: str) -> tuple[list[str], list[str]]:
    """The parts of a proof between its empty lines, the first one as lines."""
    blocks = text.split("\n\n")
    if len(text) > LONGEST_TEXT or len(blocks) != count or not text.startswith(first + "\n"):
        raise Broken(f"it is not in the form {first}")
    return blocks[0].split("\n"), blocks[1:]


def inclusion_of(text: str) -> tuple[bytes, int, list[bytes], str]:
    """(leaf before, index, nodes, checkpoint) of an inclusion proof."""
    head, rest = blocks_of(text, 3, "c2sp.org/tlog-proof@v1")
    if len(head) < 3 or not head[1].startswith("extra "):
        raise Broken("the proof has no lines extra and index")
    nodes = [unbase64(line, 32) for line in head[3:]]
    return unbase64(head[1][6:], 32), number(head[2], "index"), nodes, "\n\n".join(rest)


def any_checkpoint(note: str, keys: list[Key]) -> tuple[int, bytes]:
    """Size and root of a checkpoint that one of the keys signed."""
    problems = []
    for key in keys:
        try:
            return checkpoint_of(note, key)
        except Broken as error:
            problems.append(str(error))
    raise Broken("; ".join(problems))


def check_inclusion(text: str, line: bytes, keys: list[Key]) -> str:
    """What an inclusion proof shows about a line, in words."""
    before, index, nodes, note = inclusion_of(text)
    size, root = any_checkpoint(note, keys)
    if int(entry_of(line)["seq"]) != index:
        raise Broken(f"the proof is about entry {index}, the line is that of another")
    if included(leaf_of(before, line), index, size, nodes) != root:
        raise Broken(f"line and proof do not give the root that was signed at {size} entries")
    return f"entry {index} is among the {size} entries of root {root.hex()}"


def check_consistency(text: str, keys: list[Key]) -> str:
    """What a consistency proof shows, in words."""
    head, (text1, signatures1, text2, signatures2) = blocks_of(text, 5, "compliance-engine/consistency@v1")
    size1, root1 = any_checkpoint(f"{text1}\n\n{signatures1}\n", keys)
    size2, root2 = any_checkpoint(f"{text2}\n\n{signatures2}", keys)
    if len(head) < 2 or number(head[1], "from") != size1:
        raise Broken(f"its earlier checkpoint has {size1} entries, not what the proof says")
    if extended(size1, root1, size2, [unbase64(line, 32) for line in head[2:]]) != (root1, root2):
        raise Broken("the later checkpoint is not shown to extend the earlier one")
    return f"the {size2} entries of root {root2.hex()} begin with the {size1} entries of root {root1.hex()}"


# ------------------------------------------------------------------------------------------------- 5 the folder: §13


def read(path: str, most: int) -> bytes:
    with open(path, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Broken(f"{os.path.basename(path)} is longer than {most} bytes")
    return data


class Folder:
    """The files of an export or package, which are exactly those of its signed manifest, with their digests."""

    def __init__(self, path: str) -> None:
        self.path = path
        text = text_of(self.need("manifest.json", LONGEST_JSON))
        value = canonical(text, depth=4, keys=re.compile(rf"{NAME}|{PATH.pattern}"))
        if isinstance(value, dict) and "problems" in value:
            raise Broken(f"it was exported although the ledger did not hold: {str(value['problems'])[:2000]}")
        _, self.files, version, self.kind, self.origin, root, self.size, self.vkey = members(
            value, created_at=str, files=dict, format=int, kind=str, origin=str, root=str, size=int, vkey=str
        )
        self.root = bytes.fromhex(root) if re.fullmatch("[0-9a-f]{64}", root) else b""
        if version != 1 or self.kind not in ("export", "package", "cited") or self.size < 1 or not self.root:
            raise Broken("manifest.json is not of format 1, or of a kind that this verifier knows")
        self.key = Key(self.vkey)
        if self.key.name != self.origin:
            raise Broken(f"manifest.json: the ledger is called {self.origin!r}, its key {self.key.name!r}")
        said = signed_text(text_of(self.need("manifest.note")), self.key)
        if said != f"compliance-engine/manifest/v1\n{self.origin}\n{sha256(text.encode()).hex()}\n":
            raise Broken("manifest.note is not about manifest.json")
        for name, about in self.files.items():
            size, digest = members(about, bytes=int, sha256=str)
            if not PATH.fullmatch(name) or len(name) > 200 or name in ("manifest.json", "manifest.note"):
                raise Broken(f"manifest.json names a file that may not be there: {name!r}")
            self.files[name] = (size, digest)
        self.compare()

    def need(self, name: str, most: int = LONGEST_TEXT) -> bytes:
        """The content of a file that must be there."""
        where = os.path.join(self.path, *name.split("/"))
        if os.path.islink(where) or not os.path.isfile(where):
            raise Broken(f"{name} is missing, or is not a file")
        return read(where, most)

    def compare(self) -> None:
        """Every file there is named and has its digest; every file named is there; nothing is a link."""
        missing, folders = set(self.files), [""]
        parents = {name[:n] for name in missing for n, letter in enumerate(name) if letter == "/"}
        while folders:
            folder = folders.pop()
            with os.scandir(os.path.join(self.path, folder)) as found:
                for item in found:
                    name = f"{folder}{item.name}"
                    if item.is_symlink():
                        raise Broken(f"{name} is a link")
                    if item.is_dir(follow_symlinks=False):
                        if name not in parents:
                            raise Broken(f"{name} is a folder that the manifest does not name")
                        folders.append(name + "/")
                    elif not item.is_file(follow_symlinks=False):
                        raise Broken(f"{name} is not a file")
                    elif name in missing:
                        missing.remove(name)
                        self.digest(name)
                    elif name not in ("manifest.json", "manifest.note"):
                        raise Broken(f"{name} is not in the manifest")
        if missing:
            raise Broken(f"{min(missing)} is missing")

    def digest(self, name: str) -> None:
        size, digest = self.files[name]
        hashed, count = hashlib.sha256(), 0
        with open(os.path.join(self.path, *name.split("/")), "rb") as file:
            while count <= size and (part := file.read(1 << 20)):
                hashed.update(part)
                count += len(part)
        if (count, hashed.hexdigest()) != (size, digest):
            raise Broken(f"{name} is not what was signed: its digest differs")

    def below(self, folder: str) -> list[str]:
        return sorted(name for name in self.files if name.startswith(folder + "/"))

    def objects(self, name: str, **types: type) -> Iterator[list[Any]]:
        """The objects of an .ndjson file, with exactly these members."""
        if name not in self.files:
            raise Broken(f"{name} is missing")
        with open(os.path.join(self.path, *name.split("/")), "rb") as file:
            while line := file.readline(LONGEST_JSON):
                if not line.endswith(b"\n"):
                    raise Broken(f"{name}: a line is too long, or does not end")
                try:
                    yield members(canonical(text_of(line[:-1])), **types)
                except Broken as error:
                    raise Broken(f"{name}: {error}") from None


def unpacked(path: str) -> Iterator[bytes]:
    """The lines of a gzip file of one member, in bounded memory."""
    name = "entries/" + os.path.basename(path)
    unpack, rest = zlib.decompressobj(31), b""
    with open(path, "rb") as file:
        while not unpack.eof:
            data = unpack.unconsumed_tail or file.read(1 << 16)
            try:
                part = unpack.decompress(data, 1 << 18)
            except zlib.error as error:
                raise Broken(f"{name} is not a gzip file: {error}") from None
            if not data and not part and not unpack.eof:
                raise Broken(f"{name} ends too early")
            *whole, rest = (rest + part).split(b"\n")
            yield from whole
            if len(rest) > LONGEST_LINE:
                raise Broken(f"{name}: a line is longer than {LONGEST_LINE} bytes")
        if rest or unpack.unused_data or file.read(1):
            raise Broken(f"{name} has more in it than whole lines")


def tile_path(level: int, n: int) -> str:
    """c2sp.org/tlog-tiles: the number in groups of three digits, all but the last with an x."""
    digits = str(n)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return f"tile/{level}/" + "".join(f"x{group}/" for group in groups[:-1]) + groups[-1]


# --------------------------------------------------------------------------------------------------- 6 entries: §2

orders: set[tuple[str, ...]] = set()  # orders of keys that were seen to be sorted: few in practice


def entry_of(line: bytes) -> re.Match[str]:
    """The members of a line, as text. Raises Broken unless it is in canonical form and has exactly those of §2."""
    text = text_of(line)
    found = LINE.fullmatch(text)
    if len(line) > LONGEST_LINE:
        raise Broken(f"its line is longer than {LONGEST_LINE} bytes")
    if found is None:
        raise Broken("its line does not have the members of an entry, in their order")
    record, gone = found.group("record", "gone")
    keys = tuple(KEYS.findall(record)) if FLAT.fullmatch(record) else None
    if keys is None or keys not in orders:
        if keys is not None and all(a < b for a, b in zip(keys, keys[1:])):
            if len(orders) < 10_000:
                orders.add(keys)
        else:
            canonical(record)
    if gone == "true" and record != "{}":
        raise Broken("a tombstone has a record")
    return found


def check_form(path: str, first: int) -> tuple[int, str] | None:
    """The first line of a file that is not in form, as (number, what); None when all are. Runs in its own process."""
    seq = first
    try:
        for seq, line in enumerate(unpacked(path), first):
            if int(entry_of(line)["seq"]) != seq:
                return seq, "its line has the number of another entry"
    except Broken as error:
        return seq, str(error)
    return None


# ------------------------------------------------------------------------- 7 what follows from entries: §8, §9, §11


class Keys:
    """The keys of the ledger over time (§11), and every signature under the key of its size."""

    def __init__(self) -> None:
        self.list: list[
            tuple[int, Key, int, str]
        ] = []  # (size from which on it signs, key, entry, "rotate" or "replace")
        self.awaited: int | None = None  # the size at which a change of key must have a checkpoint

    def join(self, size: int, vkey: Any, origin: str, seq: int, action: str) -> None:
        try:
            key = Key(vkey if isinstance(vkey, str) else "")
        except Broken as error:
            raise Broken(str(error), seq) from None
        if key.name != origin:
            raise Broken(f"its key is that of {key.name!r}, not of {origin!r}", seq)
        self.list.append((size, key, seq, action))

    def event(self, record: dict[str, Any], seq: int) -> None:
        """Take a key_event entry."""
        action = record.get("action")
        if action in ("rotate", "replace"):
            now = self.list[-1][1]
            if record.get("old_key_name") != now.vkey:
                raise Broken(f"it is to {action} a key that is not in force", seq)
            if record.get("key_name") in [key.vkey for _, key, _, _ in self.list]:
                raise Broken("the key that is to sign from here on was in force before", seq)
            self.join(seq + 1, record.get("key_name"), now.name, seq, action)
            self.awaited = seq + 1

    def checkpoint(self, note: str, size: int) -> bytes:
        """The root in a checkpoint of this size, which the key in force signed; all entries below it are known."""
        first, key, _, action = self.list[-1]
        both = [self.list[-2][1], key] if size == first and action == "rotate" else [key]
        said, root = checkpoint_of(note, *both)
        if said != size:
            raise Broken(f"it is about {said} entries, not {size}")
        return root

    def vouched(self, given: list[str]) -> None:
        """One of the keys given must be ours; beyond it, none may sign that the one before it did not hand over to."""
        known = [n for n, (_, key, _, _) in enumerate(self.list) if key.vkey in given]
        if not known:
            raise Broken("the ledger is not that of the key given: the key is not among its own")
        for _, key, seq, action in self.list[known[-1] + 1 :]:
            if action == "replace":
                raise Broken(
                    f"from here on {key.vkey} signs; the key given does not vouch for it: give that one too", seq
                )


class Collections:
    """Collections: their rows follow them, and every set rebuilt from change has the digest that was signed (§9)."""

    def __init__(self) -> None:
        self.chains: dict[
            tuple[str, str], dict[str, Any]
        ] = {}  # (source, kind) -> {base, last, month, rows: key -> record, digest}
        self.open: tuple[int, str, dict[str, Any], list[tuple[int, str, str | None]]] | None = None

    def entry(self, seq: int, found: re.Match[str]) -> None:
        """Take the next entry."""
        if self.open is not None:
            self.row(seq, found)
        elif found["collection"] != "null":
            raise Broken("it says it belongs to a collection, but does not follow it", seq)
        elif found["kind"] == "collection":
            self.begin(seq, found)

    def begin(self, seq: int, found: re.Match[str]) -> None:
        record = canonical(found["record"])
        texts, numbers = {"of_source": "", "of_kind": ""}, {"stored": 0, "base": None, "previous": None, "rows": None}
        for name, null in {**texts, "snapshot_sha256": None, **numbers}.items():
            value = record.get(name, ...)
            if type(value) is not (int if name in numbers else str) and (value is not None or null is not None):
                raise Broken(f"the collection has no proper member {name}", seq)
        if found["source"] != "engine" or record["stored"] < 0:
            raise Broken("the collection is not the engine's, or says that less than nothing was stored", seq)
        self.end(seq, found["at"][:7], record, [])

    def row(self, seq: int, found: re.Match[str]) -> None:
        start, month, record, rows = self.open or (0, "", {}, [])
        if found["collection"] != str(start):
            raise Broken(f"it says {record['stored']} entries of it follow; {len(rows)} do", start)
        if (found["kind"], found["source"]) != (record["of_kind"], record["of_source"]):
            raise Broken(f"it is not of the kind and source of collection {start}", seq)
        rows.append((seq, found["key"], None if found["gone"] == "true" else found["record"]))
        self.end(start, month, record, rows)

    def end(self, seq: int, month: str, record: dict[str, Any], rows: list[tuple[int, str, str | None]]) -> None:
        """Close the collection once its rows are all there."""
        self.open = (seq, month, record, rows)
        if len(rows) == record["stored"]:
            self.open = None
            if record["base"] is not None:
                self.link(seq, month, record, rows)

    def link(self, seq: int, month: str, record: dict[str, Any], rows: list[tuple[int, str, str | None]]) -> None:
        where = (record["of_source"], record["of_kind"])
        chain = self.chains.get(where)
        if record["previous"] != (chain["last"] if chain else None):
            raise Broken(f"it names {record['previous']} as the link before it", seq)
        if record["base"] == seq:
            chain = self.chains[where] = {"base": seq, "month": month, "rows": {}, "digest": None}
        elif chain is None or record["base"] != chain["base"]:
            raise Broken(f"it builds on collection {record['base']}, which is not the base of its chain", seq)
        elif chain["month"] != month:
            raise Broken("it is the first of its month and does not store the full set", seq)
        chain["last"] = seq
        for number_, key, content in rows:
            if content is not None:
                chain["rows"][key] = content
            elif chain["rows"].pop(key, None) is None:
                raise Broken("it ends a row that was not there", number_)
        if rows or chain["digest"] is None:
            hashed = hashlib.sha256()
            for key, content in sorted((key.encode(), content) for key, content in chain["rows"].items()):
                hashed.update(key + b"\0" + content.encode() + b"\n")
            chain["digest"] = hashed.hexdigest()
        if (record["rows"], record["snapshot_sha256"]) != (len(chain["rows"]), chain["digest"]):
            raise Broken("the set rebuilt from its chain has another digest, or other rows, than it says", seq)


class Cited:
    """What the package cites and discloses, compared with the entries as they come by (§13)."""

    def __init__(self, folder: Folder, size: int, root: bytes) -> None:
        self.reports: dict[str, Any] = {}  # path of a report -> digest that the entry of its audit records
        self.audits: dict[bool, set[Any]] = {True: set(), False: set()}  # those whose entry is there; those cited
        self.others: set[int] = set()
        self.findings: dict[int, list[tuple[Any, ...]]] = defaultdict(list)  # entry -> what citations say of it
        self.entries: set[int] = set()
        self.clear: dict[int, str] = {}  # entry -> digest of the personal content that is disclosed
        self.count = 0
        self.uncited: dict[Any, int] = {}  # audit -> its first finding that citations.ndjson does not name
        self.folder, self.size, self.root = folder, size, root
        if folder.kind == "export":
            return
        self.note = text_of(folder.need("checkpoint"))
        for audit, control, entry, finding, rests_on in folder.objects(
            "citations.ndjson", audit=str, control=str, entry=int, finding=int, rests_on=list
        ):
            if any(type(n) is not int or not 0 <= n < size for n in [entry, *rests_on]):
                raise Broken(f"citations.ndjson names entries that are not numbers below {size}")
            self.audits[False].add(audit)
            self.findings[entry].append((audit, control, finding, rests_on))
            self.entries.update([entry, *rests_on])
        proofs = {
            int(name[7:-11]) for name in folder.below("proofs") if re.fullmatch(rf"proofs/{NUMBER}\.tlog-proof", name)
        }
        if len(proofs) != len(folder.below("proofs")) or not proofs >= self.entries:
            raise Broken(
                f"proofs/ lacks proofs of cited entries, or has other files: {sorted(self.entries - proofs)[:5]}"
            )
        self.others = proofs - self.entries  # may only be entries of audits
        self.entries = proofs
        if "disclosed.ndjson" in folder.files:
            for clear, seq in folder.objects("disclosed.ndjson", clear=str, seq=int):
                if seq not in self.entries or seq in self.clear:
                    raise Broken(f"disclosed.ndjson shows entry {seq}, which is not cited, or shows it twice")
                members(canonical(clear), salt=str, values=dict)
                self.clear[seq] = sha256(clear.encode()).hex()

    def entry(self, seq: int, found: re.Match[str], line: bytes, leaf: bytes | None = None) -> None:
        """Take a cited entry. `leaf` is what the chain gives; where it is None only the proof tells."""
        self.count += 1
        try:
            before, index, nodes, note = inclusion_of(text_of(self.folder.need(f"proofs/{seq}.tlog-proof")))
            if index != seq or note != self.note:
                raise Broken("it is about another entry or another checkpoint")
            made = leaf_of(before, line)
            if included(made, index, self.size, nodes) != self.root or leaf not in (None, made):
                raise Broken("with the line it does not give the root")
        except Broken as error:
            raise Broken(f"its proof does not hold: {error}", seq) from None
        if seq in self.findings:
            record = canonical(found["record"])
            said = tuple(record.get(name) for name in ("audit", "control", "number", "rests_on"))
            if found["kind"] != "finding" or any(cited != said for cited in self.findings[seq]):
                raise Broken("it does not say what citations.ndjson says of it", seq)
        if found["kind"] == "audit":
            record = canonical(found["record"])
            self.audits[True].add(record.get("audit"))
            for report in record.get("reports") or []:
                name, digest = members(report, name=str, sha256=str)
                self.reports[f"reports/{record.get('audit')}/{name}"] = digest
        elif seq in self.others:
            raise Broken("it is proven, but neither cited nor the entry of an audit", seq)
        if seq in self.clear and self.clear[seq] != found["commitment"]:
            raise Broken("the personal content that is disclosed is not what its line commits to", seq)

    def finding(self, seq: int, found: re.Match[str]) -> None:
        """Take an entry that records a finding, cited or not; where only cited entries are, none that is left out."""
        if seq not in self.findings:
            self.uncited.setdefault(canonical(found["record"]).get("audit"), seq)

    def finish(self) -> None:
        if self.count != len(self.entries):
            raise Broken(f"{len(self.entries)} entries are cited, {self.count} of them are there")
        for audit in sorted(self.audits[True] & set(self.uncited), key=self.uncited.__getitem__):
            raise Broken(f"it is a finding of audit {audit!r} that citations.ndjson leaves out", self.uncited[audit])
        if not self.audits[True] >= self.audits[False]:
            raise Broken("the entry of an audit that citations.ndjson names is not among the cited ones")
        for name in self.folder.below("reports"):
            if self.reports.get(name) != self.folder.files[name][1]:
                raise Broken(f"{name} is not the report that the entry of its audit records")


# ---------------------------------------------------------------------------------------------------- 8 the run


# The files that are compared with the ledger, or are words and a program for people (§13), by the kind of folder.
ALWAYS = r"README\.txt|verify\.py|checkpoint|checkpoints\.ndjson|anchors/.*"
ENTRIES = r"entries/.*|tile/.*|personal\.ndjson"
CITED = r"citations\.ndjson|disclosed\.ndjson|proofs/.*|reports/.*"
COMPARED = {
    "export": f"{ALWAYS}|{ENTRIES}",
    "package": f"{ALWAYS}|{ENTRIES}|{CITED}",
    "cited": rf"{ALWAYS}|{CITED}|cited\.ndjson",
}


class Run:
    """The verification of a folder."""

    def __init__(self, folder: Folder, given: list[str], anchors: list[tuple[int, bytes]]) -> None:
        self.folder, self.given = folder, given
        self.unchecked: list[str] = []
        self.checkpoints = self.anchored = 0
        self.marks: list[
            tuple[int, bytes, str, str | None]
        ] = []  # statements about roots from outside: (size, root, name, note or None)
        for size, root in anchors:
            self.marks.append((size, root, f"--anchor {size}", None))
        for name in folder.below("anchors"):
            found = re.fullmatch(r"([0-9]{20})-([0-9a-f]{64})", name.rsplit("/", 1)[1])
            if found is None:
                self.unchecked.append(f"{name} was not checked: this verifier reads notes only")
                continue
            note = text_of(folder.need(name))
            self.marks.append((int(found[1]), bytes.fromhex(found[2]), name, note))
        for name in sorted(name for name in folder.files if not re.fullmatch(COMPARED[folder.kind], name)):
            self.unchecked.append(f"{name} is what was signed; what it says is compared with nothing")
        self.marks.sort(key=lambda mark: mark[:3])
        if self.marks and self.marks[0][0] < 1:
            raise Broken(f"{self.marks[0][2]} is about no entries: nothing can be compared with it")
        if self.marks and self.marks[-1][0] > folder.size:
            size, _, name, _ = self.marks[-1]
            raise Broken(
                f"{name} names {size} entries: of the {folder.size} here some were lost, or this is an older copy"
            )

    def compare(self, size: int, root: bytes, keys: Keys, said: bytes, name: str, note: str | None) -> None:
        """A statement about the root at a size."""
        try:
            if note is not None and keys.checkpoint(note, size) != said:
                raise Broken("it does not name the root of its file name")
            if said != root:
                raise Broken("it names another root: history was rewritten")
        except Broken as error:
            raise Broken(f"{name}: {error}") from None

    # -- a cited package

    def cited(self) -> Cited:
        """Only what is cited is there: every line stands by its proof against the one checkpoint."""
        folder = self.folder
        if self.given and folder.vkey not in self.given:
            raise Broken("the package is signed by another key than the one given")
        keys = Keys()
        keys.join(1, folder.vkey, folder.origin, 0, "genesis")
        root = keys.checkpoint(text_of(folder.need("checkpoint")), folder.size)
        if root != folder.root:
            raise Broken("checkpoint names another root than manifest.json")
        for size, said, name, note in self.marks:
            if size == folder.size:
                self.compare(size, root, keys, said, name, note)
                self.anchored += 1
            else:
                self.unchecked.append(f"{name} was not checked: its root cannot be computed without all entries")
        cited, last = Cited(folder, folder.size, root), -1
        for line, seq in folder.objects("cited.ndjson", line=str, seq=int):
            if seq <= last or seq not in cited.entries:
                raise Broken(f"cited.ndjson: entry {seq} is out of order, or not cited")
            try:
                found = entry_of(line.encode())
                if int(found["seq"]) != seq:
                    raise Broken("its line has the number of another entry")
            except Broken as error:
                raise Broken(str(error), seq) from None
            cited.entry(seq, found, line.encode())
            last = seq
        cited.finish()
        return cited

    # -- a whole ledger

    def whole(self) -> Cited:
        """Every entry in order: form, chain, tiles, roots, signatures, and what follows from entries."""
        folder = self.folder
        self.tiles: set[str] = set()
        self.tree, self.keys, self.sets = Tree(self.tile), Keys(), Collections()
        self.cites = Cited(folder, folder.size, folder.root)
        self.missing: dict[str, int] = {}  # alias -> first entry whose personal content is not there
        self.erased: set[Any] = set()
        has_content = "personal.ndjson" in folder.files
        self.personal = (
            folder.objects("personal.ndjson", content=str, seq=int, subject=str) if has_content else iter(())
        )
        self.next_personal = next(self.personal, None)
        self.notes = folder.objects("checkpoints.ndjson", note=str, size=int)
        self.next_note = next(self.notes, None)
        self.good, self.leaf, self.at, self.newest = 0, ZERO, "", ""
        names = folder.below("entries")
        firsts = list(range(0, len(names) * PER_FILE, PER_FILE))
        if names != [f"entries/{first:012}.ndjson.gz" for first in firsts] or not names:
            raise Broken("entries/ is not there, or a file is missing or too many in it")
        paths = [os.path.join(folder.path, "entries", name[8:]) for name in names]
        pool = ProcessPoolExecutor() if len(paths) > 1 else None  # the form of lines is checked beside their hashes
        seq = 0
        try:
            forms = [
                pool.submit(check_form, *at).result if pool else partial(check_form, *at) for at in zip(paths, firsts)
            ]
            for path, first, form in zip(paths, firsts, forms):
                if first != seq:
                    raise Broken(f"entries/ has no file for entry {seq}")
                seq = self.file(path, seq, form())
        finally:
            if pool:
                pool.shutdown(cancel_futures=True)
        if seq != folder.size:
            raise Broken(f"there are {seq} entries; manifest.json names {folder.size}")
        self.finish()
        return self.cites

    def file(self, path: str, seq: int, bad: tuple[int, str] | None) -> int:
        first, size = seq, self.folder.size
        for line in unpacked(path):
            if bad is not None and seq == bad[0]:
                raise Broken(bad[1], seq)
            if seq >= size or seq - first >= PER_FILE:
                raise Broken(f"entries/{os.path.basename(path)} has more entries than it may")
            self.entry(seq, line)
            seq += 1
            while self.next_note is not None and self.next_note[1] <= seq:
                self.checkpoint(seq)
            while self.marks and self.marks[0][0] == seq:
                _, said, name, note = self.marks.pop(0)
                self.compare(seq, self.tree.root(), self.keys, said, name, note)
                self.anchored += 1
            if self.keys.awaited == seq:
                raise Broken("a change of key has no checkpoint of exactly its size", seq - 1)
        return seq

    def entry(self, seq: int, line: bytes) -> None:
        found = LINE.fullmatch(text_of(line))
        if found is None:
            raise Broken("its line does not have the members of an entry, in their order", seq)
        self.leaf = leaf_of(self.leaf, line)
        self.tree.add(self.leaf)
        if found["at"] < self.at:
            raise Broken("its time lies before that of the entry before it", seq)
        self.at = found["at"]
        kind = found["kind"]
        if seq == 0:
            self.genesis(found)
        elif kind == "key_event":
            record = canonical(found["record"])
            self.keys.event(record, seq)
            if record.get("action") == "erase_subject":
                self.erased.add(record.get("key_name"))
        if self.sets.open is not None or kind == "collection" or found["collection"] != "null":
            self.sets.entry(seq, found)
        if found["alias"] is not None or self.next_personal is not None:
            self.content(seq, found["alias"])
        if kind == "finding" and self.folder.kind == "package":
            self.cites.finding(seq, found)
        if seq in self.cites.entries:
            self.cites.entry(seq, found, line, self.leaf)

    def genesis(self, found: re.Match[str]) -> None:
        record = canonical(found["record"])
        said = (found["kind"], found["source"], record.get("origin"), record.get("format"), record.get("leaf"))
        if said != ("genesis", "engine", self.folder.origin, 1, "rfc6962-sha256-chained"):
            raise Broken("it is not the genesis entry of this ledger", 0)
        self.keys.join(1, record.get("vkey"), self.folder.origin, 0, "genesis")

    def tile(self, level: int, n: int, hashes: list[bytes]) -> None:
        name = tile_path(level, n)
        if name not in self.folder.files:
            raise Broken(f"{name} is missing")
        stored = self.folder.need(name, 1 << 20)
        self.tiles.add(name)
        if stored == b"".join(hashes):
            return
        if level == 0 and len(stored) == 8192:
            wrong = next(i for i in range(256) if stored[32 * i : 32 * i + 32] != hashes[i])
            raise Broken(f"its line does not give its leaf hash in {name}: one of the two was changed", 256 * n + wrong)
        raise Broken(f"{name} is not what its entries give")

    def checkpoint(self, size: int) -> None:
        note, said = self.next_note or ("", 0)
        if said != size or size == self.good:
            raise Broken(f"checkpoints.ndjson: the checkpoint of {said} entries is out of order")
        root = self.tree.root()
        name = f"the checkpoint of {size} entries"
        try:
            signed = self.keys.checkpoint(note, size)
        except Broken as error:
            raise Broken(f"{name}: {error}") from None
        if signed != root:
            raise Broken(
                f"among entries {self.good} to {size - 1} a line was changed, or {name} was: they do not agree"
            )
        self.checkpoints, self.good = self.checkpoints + 1, size
        self.newest = note
        if self.keys.awaited == size:
            self.keys.awaited = None
        self.next_note = next(self.notes, None)

    def content(self, seq: int, alias: str | None) -> None:
        """Personal content (§8): one row for each line that asks for it, unless its subject was erased."""
        here = self.next_personal
        if here is not None and here[1] <= seq:
            if (here[1], here[2]) != (seq, alias) or len(unbase64(here[0])) < 28:
                raise Broken("personal.ndjson holds content that its line does not ask for", seq)
            self.next_personal = next(self.personal, None)
        elif alias is not None:
            self.missing.setdefault(alias, seq)

    def finish(self) -> None:
        folder = self.folder
        if self.sets.open is not None:
            seq, _, record, rows = self.sets.open
            raise Broken(f"it says {record['stored']} entries of it follow; {len(rows)} do", seq)
        if self.marks:
            raise Broken(f"{self.marks[0][2]} was not compared")
        if self.next_note is not None or self.good != folder.size:
            raise Broken(f"not covered by a signed checkpoint: entries {self.good} to {folder.size - 1}")
        if self.newest != text_of(folder.need("checkpoint")):
            raise Broken("checkpoint is not the newest of checkpoints.ndjson")
        if self.tree.root() != folder.root or self.keys.list[-1][1].vkey != folder.vkey:
            raise Broken("manifest.json names another root, or another key, than the entries give")
        stray = set(folder.below("tile")) - self.tiles
        if stray:
            raise Broken(f"{min(stray)} lies beyond the entries")
        if "personal.ndjson" in folder.files:
            gone = {alias: seq for alias, seq in self.missing.items() if alias not in self.erased}
            if gone or self.next_personal is not None:
                alias = min(gone, key=lambda alias: gone[alias], default="")
                raise Broken(
                    f"personal content of {alias} is missing, or there is more than lines ask for", gone.get(alias)
                )
        self.cites.finish()
        if self.given:
            self.keys.vouched(self.given)

    def run(self) -> list[str]:
        folder = self.folder
        cited = self.cited() if folder.kind == "cited" else self.whole()
        if not self.given:
            self.unchecked.insert(
                0, f"NO KEY WAS GIVEN: whoever made this folder could have made it all up. Its own key is {folder.vkey}"
            )
        about = f"{len(folder.files)} files, {self.checkpoints} checkpoints, {self.anchored} anchored statements"
        if folder.kind == "cited":
            about += "; nothing is said about entries that are not cited"
        return [
            f"{folder.kind} of {folder.origin}: {folder.size} entries, root {folder.root.hex()}",
            f"{about}; {len(cited.entries)} cited entries, {len(cited.clear)} disclosed",
        ]


def say(text: str) -> None:
    """Print, whatever the terminal can show; names in a package must not drive it."""
    shown = "".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text)
    print(shown.encode("ascii", "backslashreplace").decode())


def anchor(text: str) -> tuple[int, bytes]:
    size, _, root = text.partition(":")
    if not re.fullmatch(NUMBER, size) or not re.fullmatch("[0-9a-f]{64}", root):
        raise argparse.ArgumentTypeError("SIZE:ROOT is expected, the root as 64 hexadecimal digits")
    return int(size), bytes.fromhex(root)


def arguments(argv: list[str] | None) -> tuple[argparse.Namespace, list[Key]]:
    parser = argparse.ArgumentParser(
        prog="verify.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", help="an export or package")
    parser.add_argument(
        "--vkey", action="append", default=[], metavar="KEY", help="public key, from where you trust it"
    )
    parser.add_argument("--anchor", action="append", default=[], type=anchor, metavar="SIZE:ROOT", help="from a report")
    parser.add_argument("--proof", metavar="FILE", help="an inclusion proof")
    parser.add_argument("--line", metavar="FILE", help="the line that it is about")
    parser.add_argument("--consistency", metavar="FILE", help="a consistency proof")
    given = parser.parse_args(argv)
    if sum(x is not None for x in (given.folder, given.proof, given.consistency)) != 1:
        parser.error("give a folder, or --proof, or --consistency")
    if (given.proof is None) != (given.line is None) or (given.anchor and given.folder is None):
        parser.error("--line belongs to --proof, --anchor to a folder")
    if given.folder is None and not given.vkey:
        parser.error("a proof says nothing without --vkey: the public key, from where you trust it")
    for path in (given.folder, given.proof, given.line, given.consistency):
        if path is not None and not (os.path.isdir(path) if path == given.folder else os.path.isfile(path)):
            parser.error(f"{path} is not there")
    try:
        keys = [Key(vkey) for vkey in given.vkey]
    except Broken as error:
        parser.error(str(error))
    return given, keys


def main(argv: list[str] | None = None) -> int:
    """The exit code; see the top of this file."""
    given, keys = arguments(argv)
    try:
        unchecked = []
        if given.folder is not None:
            run = Run(Folder(given.folder), given.vkey, given.anchor)
            told, unchecked = run.run(), run.unchecked
        elif given.proof is not None:
            line = read(given.line, LONGEST_LINE + 1)
            told = [
                check_inclusion(text_of(read(given.proof, LONGEST_TEXT)), line[: -line.endswith(b"\n") or None], keys)
            ]
        else:
            told = [check_consistency(text_of(read(given.consistency, LONGEST_TEXT)), keys)]
    except Broken as error:
        say(f"BROKEN: {error}")
        return 4
    except Exception as error:  # noqa: BLE001 -- the last door: whatever a hostile file does here, it does not pass
        say(f"BROKEN: it could not be verified: {type(error).__name__}: {error}")
        return 4
    for text in told:
        say(text)
    for text in unchecked:
        say(f"NOT CHECKED: {text}")
    say("holds, but not everything was checked" if unchecked else "holds")
    return 3 if unchecked else 0


if __name__ == "__main__":
    sys.exit(main())
