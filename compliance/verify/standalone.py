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
ledgers. Read it from top to bottom: 1 text forms, 2 signatures, 3 tree and proofs, 4 the folder, 5 what follows from
entries, 6 the run. Nothing is skipped in silence: what does not hold raises ValueError, which ends the run.
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
from collections.abc import Callable, Iterable, Iterator
from typing import Any

LONGEST_LINE = 65_535  # bytes of a line (§2)
LONGEST_TEXT = 1 << 20  # of a note, proof or tile
LONGEST_JSON = 1 << 26  # of the manifest, or of one line of the other .ndjson files
PER_FILE = 100_000  # entries in one file (§13)


class Broken(ValueError):
    """Something does not hold; the message names it. `seq` is the entry it is about, where that is known."""

    def __init__(self, what: str, seq: int | None = None) -> None:
        super().__init__(what if seq is None else f"entry {seq}: {what}")
        self.seq = seq


def check(holds: object, what: str, seq: int | None = None) -> None:
    if not holds:
        raise Broken(what, seq)


class about:
    """Says where something inside is broken, unless it names an entry already."""

    def __init__(self, place: str, seq: int | None = None) -> None:
        self.place, self.seq = place, seq

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (ValueError, RecursionError)) and getattr(error, "seq", None) is None:
            raise Broken(f"{self.place}{error}", self.seq) from None


def match(pattern: str, text: str, what: str) -> re.Match[str]:
    found = re.fullmatch(pattern, text)
    if found is None:
        raise Broken(f"{what}: {text[:200]!r}")
    return found


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# ---------------------------------------------------------------------------------------------- 1 text forms: §2, §5

NAME = "[a-z][a-z0-9_]*"
NUMBER = "(?:0|[1-9][0-9]{0,15})"
HASH = re.compile("[0-9a-f]{64}")
INSTANT = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z"
)
PART = "[A-Za-z0-9_][A-Za-z0-9._-]*"  # of a path: never empty, hidden, above, or an option
ENTRY = {  # the members of a line, in the notation of `members`
    "at": INSTANT,
    "collection": (None, int),
    "gone": bool,
    "key": (None, [str]),
    "kind": re.compile(NAME),
    "nonce": re.compile("[0-9a-f]{32}"),
    "observed_at": (None, INSTANT),
    "personal": (None, {"alias": re.compile("p_[0-9a-f]{32}"), "commitment": HASH}),
    "record": dict,
    "seq": int,
    "source": re.compile(r'[^"\\\x00-\x1f\x7f]{1,200}'),
    "v": int,
}


def integer(text: str) -> int:
    if not re.fullmatch("-?[0-9]{1,16}", text) or abs(int(text)) >= 2**53:
        raise Broken(f"{text[:20]} is not an integer, or is out of range")
    return int(text)


DECODER = json.JSONDecoder(parse_int=integer, parse_float=integer, parse_constant=integer)
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


known: set[str] = set()  # keys that were seen to be of their form: few in practice


def canonical(data: bytes, depth: int = 8, named: bool = True) -> Any:
    """The value of canonical JSON (§2). Writing it again must give the same text: so no other order, space, escape,
    number or doubled key can hide in it. `depth`: how deep it may be nested; `named`: whether its keys are names."""
    with about("not canonical JSON: "):
        text = data.decode()
        value = DECODER.decode(text)
        check(ENCODER.encode(value) == text, "it is not in canonical form")
        check_levels([value], depth, named)
        return value


def check_levels(values: Iterable[Any], depth: int, named: bool) -> None:
    for value in values:
        if type(value) is dict and named and not known.issuperset(value):
            check(all(map(re.compile(NAME).fullmatch, value)), "a key is not of the form that keys have")
            known.update(key for key in value if len(key) < 100 and len(known) < 10_000)
        if type(value) in (dict, list):
            check(depth, "it is nested too deeply")
            check_levels(value.values() if type(value) is dict else value, depth - 1, named)


def fits(value: Any, form: Any) -> bool:
    """Whether a value is of a form: a type (int: from 0 on), a pattern, members, [what each is], (None, or what)."""
    if form is int:
        return type(value) is int and value >= 0
    if isinstance(form, type):
        return type(value) is form
    if isinstance(form, re.Pattern):
        return type(value) is str and form.fullmatch(value) is not None
    if isinstance(form, tuple):
        return value is None or fits(value, form[1])
    if isinstance(form, list):
        return type(value) is list and all(fits(item, form[0]) for item in value)
    return type(value) is dict and bool(members(value, **form))


def members(value: Any, **forms: Any) -> list[Any]:
    """The members of an object, which must be exactly these, each of its form."""
    if type(value) is not dict or value.keys() != forms.keys():
        raise Broken(f"an object with the members {', '.join(forms)} is expected")
    for name, form in forms.items():
        if not fits(value[name], form):
            raise Broken(f"member {name} is not of its form")
    return [value[name] for name in forms]


def entry_of(line: bytes) -> dict[str, Any]:
    """The members of the line of an entry (§2)."""
    check(len(line) <= LONGEST_LINE, f"its line is longer than {LONGEST_LINE} bytes")
    entry: dict[str, Any] = canonical(line, depth=9)
    members(entry, **ENTRY)
    check(entry["v"] == 1, "it is not of version 1")
    check(not entry["gone"] or entry["record"] == {}, "a tombstone has a record")
    return entry


def unbase64(text: str, length: int | None = None) -> bytes:
    """The bytes behind base64 with padding and unused bits zero: no two texts mean the same."""
    with about(f"not base64 of {length or 'some'} bytes: {text[:60]!r}: "):
        raw = base64.b64decode(text, validate=True)
        check(base64.b64encode(raw).decode() == text and length in (None, len(raw)), "another length or form")
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


def signed_text(note: str, *keys: Key, one: bool = False) -> str:
    """The text of a note that `keys` signed: all, in this order, or `one`. Signatures of other keys do not count."""
    end, found = note.rfind("\n\n"), []
    whole = end > 0 and note.endswith("\n") and len(note) <= LONGEST_TEXT
    check(whole and not re.search(r"[\x00-\x09\x0b-\x1f]", note), "it is not a signed note: text, then signatures")
    for n, line in enumerate(note[end + 2 : -1].split("\n")):
        parts = match("\u2014 ([^ +]+) ([^ ]+)", line, "a signature line is malformed")
        signature = unbase64(parts[2])
        check(len(signature) > 4 and n < 100, "a signature is too short, or there are too many")
        for key in keys:
            if (parts[1], signature[:4]) == (key.name, key.id):
                holds = key.signed(note[: end + 1].encode(), signature[4:])
                check(holds, f"the signature of {key.name}+{key.id.hex()} does not hold")
                found.append(key)
    wanted = ", then ".join(f"{key.name}+{key.id.hex()}" for key in keys)
    check(found if one else list(dict.fromkeys(found)) == list(keys), f"it is not signed by {wanted}")
    return note[: end + 1]


def checkpoint_of(note: str, *keys: Key, one: bool = False) -> tuple[int, bytes]:
    """Size and root of a checkpoint that `keys` signed (§5)."""
    origin = note.partition("\n")[0]
    mine = [key for key in keys if key.name == origin]
    check(mine if one else mine == list(keys), f"the checkpoint is of {origin[:200]!r}, the key of {keys[0].name!r}")
    _, *lines = signed_text(note, *mine, one=one).split("\n")
    check(len(lines) > 2 and "" not in lines[:-1], "it is not a checkpoint: origin, size and root are expected")
    return int(match(NUMBER, lines[0], "not a number")[0]), unbase64(lines[1], 32)


# ------------------------------------------------------------------------------------ 3 tree and proofs: §3, §4, §12


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


def climb(at: int, last: int, start: bytes, nodes: list[bytes]) -> tuple[bytes, bytes]:
    """The way up from node `at` of a level that ends with `last` (RFC 9162 §2.1.3.2, §2.1.4.2): the root of what lies
    left of it and itself, and the root of all, as the nodes beside the way give them."""
    old = new = start
    for node in nodes:
        check(last, "the proof has too many nodes")
        if at & 1 or at == last:
            old, new = sha256(b"\x01" + node + old), sha256(b"\x01" + node + new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = sha256(b"\x01" + new + node)
        at, last = at >> 1, last >> 1
    check(last == 0, "the proof has too few nodes")
    return old, new


def included(leaf: bytes, index: int, size: int, nodes: list[bytes]) -> bytes:
    """The root that a leaf and an inclusion proof give."""
    check(0 <= index < size, f"entry {index} is not below the checkpoint's size {size}")
    return climb(index, size - 1, leaf, nodes)[1]


def extended(size1: int, root1: bytes, size2: int, nodes: list[bytes]) -> tuple[bytes, bytes]:
    """The roots at both sizes that a consistency proof gives."""
    check(1 <= size1 <= size2, f"nothing is shown from {size1} to {size2} entries")
    at, last = size1 - 1, size2 - 1
    while at & 1 or 0 < at == last:  # up to the node that ends the earlier tree, or all of it where both are one
        at, last = at >> 1, last >> 1
    nodes = nodes if at else [root1, *nodes]
    check(nodes, "the proof has too few nodes")
    return climb(at, last, nodes[0], nodes[1:])


def proof_of(text: str, form: str, count: int) -> tuple[list[str], list[bytes], list[str]]:
    """What a proof whose head is of this form says, its nodes, and its `count` checkpoints."""
    head, *parts = text[:-1].split("\n\n")
    found = match(form + r"((?:\n.*)*)", head, "it is not in the form of such a proof")
    check(len(parts) == 2 * count and text[-1] == "\n" and len(text) <= LONGEST_TEXT, "the proof has no checkpoint")
    *said, nodes = found.groups()
    notes = [f"{body}\n\n{signatures}\n" for body, signatures in zip(parts[::2], parts[1::2])]
    return said, [unbase64(line, 32) for line in nodes.split("\n")[1:]], notes


def inclusion_of(text: str) -> tuple[bytes, int, list[bytes], str]:
    """(leaf before, index, nodes, checkpoint) of an inclusion proof."""
    (extra, index), nodes, (note,) = proof_of(text, rf"c2sp\.org/tlog-proof@v1\nextra (.*)\nindex ({NUMBER})", 1)
    return unbase64(extra, 32), int(index), nodes, note


def check_inclusion(text: str, line: bytes, keys: list[Key]) -> str:
    """What an inclusion proof shows about a line, in words."""
    before, index, nodes, note = inclusion_of(text)
    size, root = checkpoint_of(note, *keys, one=True)
    check(entry_of(line)["seq"] == index, f"the proof is about entry {index}, the line is that of another")
    made = included(sha256(b"\x00" + before + line), index, size, nodes)
    check(made == root, f"line and proof do not give the root that was signed at {size} entries")
    return f"entry {index} is among the {size} entries of root {root.hex()}"


def check_consistency(text: str, keys: list[Key]) -> str:
    """What a consistency proof shows, in words."""
    (start,), nodes, notes = proof_of(text, rf"compliance-engine/consistency@v1\nfrom ({NUMBER})", 2)
    (size1, root1), (size2, root2) = (checkpoint_of(note, *keys, one=True) for note in notes)
    check(int(start) == size1, f"its earlier checkpoint has {size1} entries, not what the proof says")
    both = extended(size1, root1, size2, nodes)
    check(both == (root1, root2), "the later checkpoint is not shown to extend the earlier one")
    return f"the {size2} entries of root {root2.hex()} begin with the {size1} entries of root {root1.hex()}"


# ------------------------------------------------------------------------------------------------- 4 the folder: §13

SEALS = ("manifest.json", "manifest.note")


def read(folder: str, name: str, most: int = LONGEST_TEXT) -> bytes:
    """The content of a file that must be there."""
    path = os.path.join(folder, name)
    check(os.path.isfile(path) and not os.path.islink(path), f"{name} is missing, or is not a file")
    with open(path, "rb") as file:
        data = file.read(most + 1)
    check(len(data) <= most, f"{name} is longer than {most} bytes")
    return data


def tile_path(level: int, n: int) -> str:
    """c2sp.org/tlog-tiles: the number in groups of three digits, all but the last with an x."""
    groups = [f"{n // 1000**power % 1000:03}" for power in reversed(range((len(str(n)) + 2) // 3))]
    return f"tile/{level}/" + "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


class Folder:
    """The files of an export or package, which are exactly those of its signed manifest, with their digests."""

    def __init__(self, path: str) -> None:
        self.path = path
        data = read(path, "manifest.json", LONGEST_JSON)
        with about("manifest.json: "):
            value = canonical(data, depth=4, named=False)
            if isinstance(value, dict) and "problems" in value:
                raise Broken(f"it was exported although the ledger did not hold: {str(value['problems'])[:2000]}")
            _, self.files, version, self.kind, self.origin, root, self.size, self.vkey = members(
                value, created_at=INSTANT, files=dict, format=int, kind=re.compile("export|package|cited"), origin=str,
                root=HASH, size=int, vkey=str,
            )  # fmt: skip
            self.root, key = bytes.fromhex(root), Key(self.vkey)
            check(version == 1 and self.size > 0, "it is not of format 1, or of no entries")
            check(key.name == self.origin, f"the ledger is called {self.origin!r}, its key {key.name!r}")
            for name, said in self.files.items():
                members(said, bytes=int, sha256=HASH)
                good = re.fullmatch(f"{PART}(?:/{PART})*", name) and len(name) <= 200 and name not in SEALS
                check(good, f"it names a file that may not be there: {name!r}")
        with about("manifest.note: "):
            signed = signed_text(self.text("manifest.note"), key)
            wanted = f"compliance-engine/manifest/v1\n{self.origin}\n{sha256(data).hex()}\n"
            check(signed == wanted, "it is not about manifest.json")
        self.compare()

    def text(self, name: str) -> str:
        with about(f"{name}: "):
            return read(self.path, name).decode()

    def compare(self) -> None:
        """Every file there is named and has its digest; every file named is there; nothing is a link."""
        missing, folders = set(self.files), [""]
        parents = {name[: slash.end()] for name in missing for slash in re.finditer("/", name)}
        for folder in folders:  # which grows
            with os.scandir(os.path.join(self.path, folder)) as found:
                for item in found:
                    name = folder + item.name
                    check(not item.is_symlink(), f"{name} is a link")
                    if item.is_dir(follow_symlinks=False):
                        check(f"{name}/" in parents, f"{name} is a folder that the manifest does not name")
                        folders.append(f"{name}/")
                        continue
                    check(item.is_file(follow_symlinks=False), f"{name} is not a file")
                    check(name in missing or name in SEALS, f"{name} is not in the manifest")
                    if name in missing:
                        missing.remove(name)
                        size, digest = self.files[name]["bytes"], self.files[name]["sha256"]
                        same = item.stat(follow_symlinks=False).st_size == size and self.digest(name) == digest
                        check(same, f"{name} is not what was signed: its digest differs")
        check(not missing, f"{min(missing, default='')} is missing")

    def digest(self, name: str) -> str:
        hashed = hashlib.sha256()
        with open(os.path.join(self.path, name), "rb") as file:
            while part := file.read(1 << 20):
                hashed.update(part)
        return hashed.hexdigest()

    def below(self, folder: str) -> list[str]:
        return sorted(name for name in self.files if name.startswith(f"{folder}/"))

    def objects(self, name: str, needed: bool = True, **forms: Any) -> Iterator[list[Any]]:
        """The objects of an .ndjson file, with exactly these members."""
        if not needed and name not in self.files:
            return
        check(name in self.files, f"{name} is missing")
        with open(os.path.join(self.path, name), "rb") as file:
            while line := file.readline(LONGEST_JSON):
                with about(f"{name}: "):
                    check(line.endswith(b"\n"), "a line is too long, or does not end")
                    found = members(canonical(line[:-1]), **forms)
                yield found

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a gzip file of one member, in bounded memory."""
        unpack, rest = zlib.decompressobj(31), b""
        with open(os.path.join(self.path, name), "rb") as file:
            while not unpack.eof:
                data = unpack.unconsumed_tail or file.read(1 << 16)
                try:
                    part = unpack.decompress(data, 1 << 18)
                except zlib.error as error:
                    raise Broken(f"{name} is not a gzip file: {error}") from None
                check(data or part or unpack.eof, f"{name} ends too early")
                *whole, rest = (rest + part).split(b"\n")
                yield from whole
                check(len(rest) <= LONGEST_LINE, f"{name}: a line is longer than {LONGEST_LINE} bytes")
            check(not (rest or unpack.unused_data or file.read(1)), f"{name} has more in it than whole lines")


# ------------------------------------------------------------------------- 5 what follows from entries: §9, §11, §13


class Keys:
    """The keys of the ledger over time (§11): each signs from the size after its entry on."""

    def __init__(self, vkey: Any, origin: str) -> None:
        self.list: list[tuple[Key, int, str]] = []  # (key, its entry, why)
        self.origin, self.awaited = origin, 0  # the size at which a change of key must have a checkpoint
        self.join(0, vkey, "genesis")

    def join(self, seq: int, vkey: Any, action: str) -> None:
        key = Key(vkey)
        check(key.name == self.origin, f"its key is that of {key.name!r}, not of {self.origin!r}")
        check(vkey not in [key.vkey for key, _, _ in self.list], "the key that is to sign from here on was so before")
        self.list.append((key, seq, action))

    def event(self, seq: int, record: dict[str, Any]) -> None:
        if record.get("action") in ("rotate", "replace"):
            in_force = record.get("old_key_name") == self.list[-1][0].vkey
            check(in_force, f"it is to {record['action']} a key that is not in force")
            self.join(seq, record.get("key_name"), record["action"])
            self.awaited = seq + 1

    def checkpoint(self, note: str, size: int) -> bytes:
        """The root in a checkpoint of this size, which the key in force signed; all entries below it are known."""
        key, seq, action = self.list[-1]
        both = [self.list[-2][0], key] if (size, action) == (seq + 1, "rotate") else [key]
        said, root = checkpoint_of(note, *both)
        check(said == size, f"it is about {said} entries, not {size}")
        return root

    def vouch(self, given: list[str]) -> None:
        """One of the keys given must be ours; beyond it, none may sign that the one before it did not hand over to."""
        known = [n for n, (key, _, _) in enumerate(self.list) if key.vkey in given]
        check(known, "the ledger is not that of the key given: the key is not among its own")
        for key, seq, action in self.list[known[-1] + 1 :]:
            words = f"from here on {key.vkey} signs; the key given does not vouch for it: give that one too"
            check(action != "replace", words, seq)


class Collections:
    """Collections: their rows follow them, and every set rebuilt from change has the digest that was signed (§9)."""

    def __init__(self) -> None:
        self.chains: dict[tuple[str, str], dict[str, Any]] = {}  # of source and kind
        self.open: tuple[int, str, dict[str, Any]] | None = None  # (number, month, record) whose rows follow
        self.rows: list[tuple[int, str, str]] = []  # (number, key, record or "" when it is gone)

    def entry(self, seq: int, entry: dict[str, Any]) -> None:
        record = entry["record"]
        if self.open is None:
            check(entry["collection"] is None, "it says it belongs to a collection, but does not follow it")
            if entry["kind"] != "collection":
                return
            forms = {"of_kind": str, "of_source": str, "stored": int, "snapshot_sha256": (None, str)}
            forms.update(dict.fromkeys(["base", "previous", "rows"], (None, int)))
            members({name: record.get(name, ...) for name in forms}, **forms)
            check(entry["source"] == "engine", "the collection is not the engine's")
            self.open, self.rows = (seq, entry["at"][:7], record), []
        else:
            of = self.open[2]
            if entry["collection"] != self.open[0]:
                self.finish()
            same = (entry["kind"], entry["source"]) == (of["of_kind"], of["of_source"])
            check(same, f"it is not of the kind and source of collection {self.open[0]}")
            content = "" if entry["gone"] else ENCODER.encode(record)
            self.rows.append((seq, ENCODER.encode(entry["key"]), content))
        if len(self.rows) == self.open[2]["stored"]:
            if self.open[2]["base"] is not None:
                self.link(*self.open)
            self.open = None

    def finish(self) -> None:
        if self.open is not None:
            seq, _, record = self.open
            raise Broken(f"it says {record['stored']} entries of it follow; {len(self.rows)} do", seq)

    def link(self, seq: int, month: str, record: dict[str, Any]) -> None:
        """A complete collection: the next link of the chain of its source and kind."""
        where, base = (record["of_source"], record["of_kind"]), record["base"]
        chain = self.chains.get(where, {"base": None, "last": None})
        check(record["previous"] == chain["last"], f"it names {record['previous']} as the link before it", seq)
        if base == seq:
            chain = self.chains[where] = {"base": seq, "month": month, "rows": {}, "digest": None}
        check(base == chain["base"], f"it builds on collection {base}, which is not the base of its chain", seq)
        check(month == chain["month"], "it is the first of its month and does not store the full set", seq)
        chain["last"], rows = seq, chain["rows"]
        for row, key, content in self.rows:
            check(content or key in rows, "it ends a row that was not there", row)
            rows[key] = content
            if not content:
                del rows[key]
        if self.rows or chain["digest"] is None:
            hashed = hashlib.sha256()
            for key in sorted(rows, key=str.encode):
                hashed.update(f"{key}\0{rows[key]}\n".encode())
            chain["digest"] = hashed.hexdigest()
        same = (record["rows"], record["snapshot_sha256"]) == (len(rows), chain["digest"])
        check(same, "the set rebuilt from its chain has another digest, or other rows, than it says", seq)


class Cited:
    """What the package cites and discloses, compared with the entries as they come by (§13)."""

    def __init__(self, folder: Folder) -> None:
        self.folder, self.count = folder, 0
        self.findings: dict[int, list[list[Any]]] = {}  # entry -> what citations say of it
        self.audits: tuple[set[str], set[str]] = set(), set()  # of citations; those whose entry is there
        self.named: set[int] = set()  # entries of citations
        self.entries: set[int] = set()  # all with a proof: these, and those of audits
        self.reports: dict[str, str] = {}  # path of a report -> digest that the entry of its audit records
        self.clear: dict[int, str] = {}  # entry -> digest of the personal content that is disclosed
        self.uncited: dict[Any, int] = {}  # audit -> its first finding that citations do not name
        if folder.kind == "export":
            return
        self.note = folder.text("checkpoint")
        forms = {"audit": str, "control": str, "entry": int, "finding": int, "rests_on": [int]}
        for audit, control, seq, finding, rests_on in folder.objects("citations.ndjson", True, **forms):
            below = max(seq, *rests_on, 0) < folder.size
            check(below, f"citations.ndjson names entries that are not numbers below {folder.size}")
            self.findings.setdefault(seq, []).append([audit, control, finding, rests_on])
            self.audits[0].add(audit)
            self.named.update([seq, *rests_on])
        for name in folder.below("proofs"):
            self.entries.add(int(match(rf"proofs/({NUMBER})\.tlog-proof", name, "not a proof of an entry")[1]))
        lacking = sorted(self.named - self.entries)[:5]
        check(not lacking, f"proofs/ lacks proofs of cited entries: {lacking}")
        for clear, seq in folder.objects("disclosed.ndjson", needed=False, clear=str, seq=int):
            new = seq in self.entries and seq not in self.clear
            check(new, f"disclosed.ndjson shows entry {seq}, which is not cited, or shows it twice")
            members(canonical(clear.encode()), salt=str, values=dict)
            self.clear[seq] = sha256(clear.encode()).hex()

    def entry(self, seq: int, entry: dict[str, Any], line: bytes, leaf: bytes | None) -> None:
        """Take an entry. `leaf` is what the chain gives; where it is None only the proof tells."""
        if entry["kind"] == "finding" and seq not in self.findings:
            self.uncited.setdefault(entry["record"].get("audit"), seq)
        if seq not in self.entries:
            return
        self.count += 1
        with about("its proof does not hold: "):
            before, index, nodes, note = inclusion_of(self.folder.text(f"proofs/{seq}.tlog-proof"))
            check(index == seq and note == self.note, "it is about another entry or another checkpoint")
            made = sha256(b"\x00" + before + line)
            root = included(made, index, self.folder.size, nodes)
            check(root == self.folder.root and leaf in (None, made), "with the line it does not give the root")
        record, audit = entry["record"], entry["record"].get("audit")
        said = [entry["kind"], *map(record.get, ("audit", "control", "number", "rests_on"))]
        same = all(["finding", *cited] == said for cited in self.findings.get(seq, []))
        check(same, "it does not say what citations.ndjson says of it")
        if entry["kind"] == "audit":
            self.audits[1].add(audit)
            for report in record.get("reports") or []:
                name, digest = members(report, name=str, sha256=HASH)
                self.reports[f"reports/{audit}/{name}"] = digest
        else:
            check(seq in self.named, "it is proven, but neither cited nor the entry of an audit")
        commitment = (entry["personal"] or {}).get("commitment")
        same = self.clear.get(seq, commitment) == commitment
        check(same, "the personal content that is disclosed is not what its line commits to")

    def finish(self) -> None:
        check(self.count == len(self.entries), f"{len(self.entries)} entries are cited, {self.count} of them are there")
        known = self.audits[0] <= self.audits[1]
        check(known, "the entry of an audit that citations.ndjson names is not among the cited ones")
        for audit in self.audits[1] & set(self.uncited) if self.folder.kind == "package" else ():
            check(False, f"it is a finding of audit {audit!r} that citations.ndjson leaves out", self.uncited[audit])
        for name in self.folder.below("reports"):
            same = self.reports.get(name) == self.folder.files[name]["sha256"]
            check(same, f"{name} is not the report that the entry of its audit records")


# ---------------------------------------------------------------------------------------------------- 6 the run


# The files that are compared with the ledger, or are words and a program for people (§13), by the kind of folder.
ALWAYS = r"README\.txt|verify\.py|checkpoint|checkpoints\.ndjson|anchors/.*"
WHOLE, CITING = r"entries/.*|tile/.*|personal\.ndjson", r"citations\.ndjson|disclosed\.ndjson|proofs/.*|reports/.*"
COMPARED = {
    "export": f"{ALWAYS}|{WHOLE}",
    "package": f"{ALWAYS}|{WHOLE}|{CITING}",
    "cited": rf"{ALWAYS}|{CITING}|cited\.ndjson",
}


class Run:
    """The verification of a folder."""

    def __init__(self, folder: Folder, given: list[str], anchors: list[tuple[int, bytes]]) -> None:
        self.folder, self.given, self.cites, self.sets = folder, given, Cited(folder), Collections()
        self.leaf, self.at, self.checkpoints, self.anchored = bytes(32), "", 0, 0
        self.tree, self.tiles = Tree(self.tile), set(folder.below("tile"))
        self.missing: dict[str, int] = {}  # alias -> first entry whose personal content is not there
        self.unchecked: list[str] = []
        if not given:
            words = "NO KEY WAS GIVEN: whoever made this folder could have made it all up. Its own key is"
            self.unchecked.append(f"{words} {folder.vkey}")
        self.marks = [(size, root, f"--anchor {size}", "") for size, root in anchors]  # what is said of roots outside
        for name in folder.below("anchors"):
            found = re.fullmatch(f"([0-9]{{20}})-({HASH.pattern})", name.rsplit("/", 1)[1])
            if found:
                self.marks.append((int(found[1]), bytes.fromhex(found[2]), name, folder.text(name)))
            else:
                self.unchecked.append(f"{name} was not checked: this verifier reads notes only")
        for name in sorted(name for name in folder.files if not re.fullmatch(COMPARED[folder.kind], name)):
            self.unchecked.append(f"{name} is what was signed; what it says is compared with nothing")
        for size, _, name, _ in sorted(self.marks):
            words = f"of the {folder.size} here some were lost, or this is an older copy"
            check(size > 0, f"{name} is about no entries: nothing can be compared with it")
            check(size <= folder.size, f"{name} names {size} entries: {words}")
        self.marks.sort(reverse=True)

    def run(self) -> list[str]:
        """What holds, in words. Raises ValueError where something does not."""
        folder, cites = self.folder, self.cites
        self.cited() if folder.kind == "cited" else self.whole()
        cites.finish()
        return [
            f"{folder.kind} of {folder.origin}: {folder.size} entries, root {folder.root.hex()}",
            f"{len(folder.files)} files, {self.checkpoints} checkpoints, {self.anchored} anchored statements",
            f"{len(cites.entries)} cited entries, {len(cites.clear)} disclosed",
            *(["nothing is said about entries that are not cited"] if folder.kind == "cited" else []),
        ]

    def outside(self, size: int, root: Callable[[], bytes]) -> None:
        """Compare what is said outside about the root at this size."""
        while self.marks and self.marks[-1][0] == size:
            _, said, name, note = self.marks.pop()
            with about(f"{name}: "):
                if name.startswith("anchors/"):
                    check(self.keys.checkpoint(note, size) == said, "it does not name the root of its file name")
                check(said == root(), "it names another root: history was rewritten")
            self.anchored += 1

    def cited(self) -> None:
        """Only what is cited is there: every line stands by its proof against the one checkpoint."""
        folder, last = self.folder, -1
        check(not self.given or folder.vkey in self.given, "the package is signed by another key than the one given")
        self.keys = Keys(folder.vkey, folder.origin)
        with about("checkpoint: "):
            root = self.keys.checkpoint(self.cites.note, folder.size)
            check(root == folder.root, "it names another root than manifest.json")
        self.outside(folder.size, lambda: folder.root)
        for _, _, name, _ in self.marks:
            self.unchecked.append(f"{name} was not checked: its root cannot be computed without all entries")
        for line, seq in folder.objects("cited.ndjson", line=str, seq=int):
            check(last < seq and seq in self.cites.entries, f"cited.ndjson: entry {seq} is out of order, or not cited")
            self.line(seq, line.encode())
            last = seq

    def whole(self) -> None:
        """Every entry in order: form, chain, tiles, roots, signatures, and what follows from entries."""
        folder, seq, good, newest = self.folder, 0, 0, ""
        notes = folder.objects("checkpoints.ndjson", note=str, size=int)
        due = next(notes, None)  # the next checkpoint
        self.erased: set[Any] = set()
        self.personal = folder.objects("personal.ndjson", needed=False, content=str, seq=int, subject=str)
        self.content = next(self.personal, None)
        names = folder.below("entries")
        wanted = [f"entries/{n * PER_FILE:012}.ndjson.gz" for n in range(len(names) or 1)]
        check(names == wanted, "entries/ is not there, or a file is missing or too many in it")
        for n, name in enumerate(names):
            check(seq == n * PER_FILE, f"entries/ has no file for entry {seq}")
            for line in folder.lines(name):
                self.line(seq, line)
                seq += 1
                check(seq <= min(folder.size, (n + 1) * PER_FILE), f"{name} has more entries than it may")
                while due is not None and due[1] <= seq:
                    note, size = due
                    with about(f"the checkpoint of {size} entries: "):
                        check(good < size == seq, "it is out of order")
                        words = f"among entries {good} to {size - 1} a line was changed, or it was: they do not agree"
                        check(self.keys.checkpoint(note, size) == self.tree.root(), words)
                    self.checkpoints, good, newest, due = self.checkpoints + 1, size, note, next(notes, None)
                self.outside(seq, self.tree.root)
                if self.keys.awaited == seq:
                    check(good == seq, "a change of key has no checkpoint of exactly its size", seq - 1)
        check(seq == folder.size, f"there are {seq} entries; manifest.json names {folder.size}")
        self.sets.finish()
        check(good == seq and due is None, f"not covered by a signed checkpoint: entries {good} to {seq - 1}")
        check(newest == folder.text("checkpoint"), "checkpoint is not the newest of checkpoints.ndjson")
        same = (self.tree.root(), self.keys.list[-1][0].vkey) == (folder.root, folder.vkey)
        check(same, "manifest.json names another root, or another key, than the entries give")
        check(not self.tiles, f"{min(self.tiles, default='')} lies beyond the entries")
        if "personal.ndjson" in folder.files:
            for alias, first in self.missing.items():
                check(alias in self.erased, f"personal content of {alias} is missing", first)
            check(self.content is None, "personal.ndjson holds more than lines ask for")
        if self.given:
            self.keys.vouch(self.given)

    def line(self, seq: int, line: bytes) -> None:
        """Take the line of an entry: in a cited package by its proof alone."""
        with about("", seq):
            entry, leaf = entry_of(line), None
            check(entry["seq"] == seq, "its line has the number of another entry")
            if self.folder.kind != "cited":
                self.leaf = leaf = sha256(b"\x00" + self.leaf + line)
                self.tree.add(leaf)
                self.follow(seq, entry)
            self.cites.entry(seq, entry, line, leaf)

    def follow(self, seq: int, entry: dict[str, Any]) -> None:
        """What an entry says after those before it: times, keys, sets, personal content (§8)."""
        check(self.at <= entry["at"], "its time lies before that of the entry before it")
        self.at, record, personal = entry["at"], entry["record"], entry["personal"]
        if seq == 0:
            said = (entry["kind"], entry["source"], *map(record.get, ("origin", "format", "leaf")))
            wanted = ("genesis", "engine", self.folder.origin, 1, "rfc6962-sha256-chained")
            check(said == wanted, "it is not the genesis entry of this ledger")
            self.keys = Keys(record.get("vkey"), self.folder.origin)
        elif entry["kind"] == "key_event":
            self.keys.event(seq, record)
            if record.get("action") == "erase_subject":
                self.erased.add(record.get("key_name"))
        self.sets.entry(seq, entry)
        if self.content is not None and self.content[1] <= seq:
            content, *whose = self.content
            asked = personal is not None and whose == [seq, personal["alias"]] and len(unbase64(content)) >= 28
            check(asked, "personal.ndjson holds content that its line does not ask for")
            self.content = next(self.personal, None)
        elif personal is not None:
            self.missing.setdefault(personal["alias"], seq)

    def tile(self, level: int, n: int, hashes: list[bytes]) -> None:
        name = tile_path(level, n)
        check(name in self.tiles, f"{name} is missing")
        self.tiles.remove(name)
        stored = read(self.folder.path, name)
        for i, made in enumerate(hashes if level == 0 and len(stored) == 8192 else []):
            words = f"its line does not give its leaf hash in {name}: one of the two was changed"
            check(stored[32 * i : 32 * i + 32] == made, words, 256 * n + i)
        check(stored == b"".join(hashes), f"{name} is not what its entries give")


def say(text: str) -> None:
    """Print, whatever the terminal can show; names in a package must not drive it."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    print(shown.encode("ascii", "backslashreplace").decode())


def anchor(text: str) -> tuple[int, bytes]:
    size, root = match(f"({NUMBER}):({HASH.pattern})", text, "SIZE:ROOT is expected").groups()
    return int(size), bytes.fromhex(root)


def arguments(argv: list[str] | None) -> argparse.Namespace:
    usage = argparse.ArgumentParser("verify.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    usage.add_argument("folder", nargs="?", type=os.path.realpath, help="an export or package")
    usage.add_argument("--vkey", action="append", default=[], type=Key, help="public key, from where you trust it")
    usage.add_argument("--anchor", action="append", default=[], type=anchor, help="SIZE:ROOT from a report")
    for name, words in ("proof", "an inclusion proof"), ("line", "what it is about"), ("consistency", "such a proof"):
        usage.add_argument(f"--{name}", metavar="FILE", type=os.path.realpath, help=words)
    given = usage.parse_args(argv)
    if [given.folder, given.proof, given.consistency].count(None) != 2:
        usage.error("give a folder, or --proof, or --consistency")
    if (given.proof is None) != (given.line is None) or (given.anchor and given.folder is None):
        usage.error("--line belongs to --proof, --anchor to a folder")
    if given.folder is None and not given.vkey:
        usage.error("a proof says nothing without --vkey: the public key, from where you trust it")
    files = [path for path in (given.proof, given.line, given.consistency) if path]
    if not all(map(os.path.isfile, files)) or not os.path.isdir(given.folder or "."):
        usage.error("what is to be verified is not there")
    return given


def main(argv: list[str] | None = None) -> int:
    """The exit code; see the top of this file."""
    given = arguments(argv)
    unchecked: list[str] = []
    try:
        if given.folder:
            run = Run(Folder(given.folder), [key.vkey for key in given.vkey], given.anchor)
            told, unchecked = run.run(), run.unchecked
        elif given.proof:
            line = read("", given.line, LONGEST_LINE + 1)
            line = line[:-1] if line.endswith(b"\n") else line
            told = [check_inclusion(read("", given.proof).decode(), line, given.vkey)]
        else:
            told = [check_consistency(read("", given.consistency).decode(), given.vkey)]
    except Exception as error:  # noqa: BLE001 -- the last door: whatever a hostile file does here, it does not pass
        named = isinstance(error, ValueError)
        say(f"BROKEN: {error}" if named else f"BROKEN: it could not be verified: {type(error).__name__}: {error}")
        return 4
    for text in [*told, *(f"NOT CHECKED: {what}" for what in unchecked)]:
        say(text)
    say("holds, but not everything was checked" if unchecked else "holds")
    return 3 if unchecked else 0


if __name__ == "__main__":
    sys.exit(main())
