"""Reading signed checkpoints (C2SP signed-note, tlog-checkpoint). Format: schemas/ledger.md §5."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from compliance.schemas.errors import ConfigError


class BadNote(ValueError):
    """The text is not a checkpoint that this key signed; the message says why."""


def decoded(text: str) -> bytes:
    """The bytes behind base64 in its one canonical form. Raises ValueError: else two texts could mean the same."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("not canonical base64")
    return raw


class Signed(NamedTuple):
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes


class Verifier:
    """Checks notes under one public key."""

    def __init__(self, vkey: str) -> None:
        """Raises ConfigError when `vkey` is not `name+id+key` with a matching id of an Ed25519 key."""
        try:
            self.name, id_hex, encoded = vkey.split("+", 2)
            raw = decoded(encoded)
            self.id = bytes.fromhex(id_hex)
        except ValueError as error:
            raise ConfigError(f"{vkey!r} is not a public key of the form name+id+key") from error
        if len(raw) != 33 or raw[0] != 1 or sha256(self.name.encode() + b"\n" + raw).digest()[:4] != self.id:
            raise ConfigError(f"{vkey!r} is not an Ed25519 key whose id fits")
        self.vkey = vkey
        self._key = Ed25519PublicKey.from_public_bytes(raw[1:])

    def open(self, note: str) -> Signed:
        """What the checkpoint says, once its signature holds. Raises BadNote."""
        return parsed(self.text(note))

    def text(self, note: str) -> str:
        """The text of a note that this key signed. Raises BadNote."""
        text, signatures = split(note)
        signed = False
        for name, raw in signatures:
            if (name, raw[:4]) != (self.name, self.id):
                continue  # a witness or another key: not known, not judged
            try:
                self._key.verify(raw[4:], text.encode())
            except InvalidSignature as error:
                raise BadNote(f"the signature of {self.name}+{self.id.hex()} does not hold") from error
            signed = True
        if not signed:
            raise BadNote(f"it is not signed by {self.name}+{self.id.hex()}")
        return text


def split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note, and its signatures, unchecked, as (name, id and signature). Raises BadNote."""
    end = note.rfind("\n\n")
    if end < 0 or not note.endswith("\n"):
        raise BadNote("it has no signatures")
    found = []
    for line in note[end + 2 : -1].split("\n"):
        try:
            dash, name, encoded = line.split(" ")
            raw = decoded(encoded)
        except ValueError as error:
            raise BadNote("a signature line is malformed") from error
        if dash != "\u2014":
            raise BadNote("a signature line is malformed")
        found.append((name, raw))
    return note[: end + 1], found


def parsed(text: str) -> Signed:
    """What the text of a note says. Raises BadNote when it is no checkpoint."""
    try:
        origin, size, root64, *_ = text.split("\n")
        root = decoded(root64)
    except ValueError as error:
        raise BadNote("it is not a checkpoint") from error
    plain = size.isascii() and size.isdigit() and (size == "0" or size[0] != "0") and len(size) < 19
    if not plain or len(root) != 32:
        raise BadNote("it is not a checkpoint")
    return Signed(origin, int(size), root)
