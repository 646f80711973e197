"""Signed notes and checkpoints as C2SP specifies them (signed-note, tlog-checkpoint).

Format: schemas/ledger.md §5. Key id = first four bytes of SHA-256(name || 0x0A || 0x01 || public key).
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from compliance.schemas.errors import ConfigError, IntegrityError

ED25519 = b"\x01"
NAME = re.compile(r"[^\s+]+\Z")


class Signer(Protocol):
    """An Ed25519 private key, in memory or in a token."""

    def public_key(self) -> Ed25519PublicKey:
        """Its public key."""

    def sign(self, data: bytes) -> bytes:
        """The signature of `data`, 64 bytes."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The statement "the ledger `origin` has `size` entries and this root", with the text that was signed."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The signed text, ending in a line feed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


INTENT = "compliance-engine/intent/v1"


def intent_text(point: Checkpoint) -> str:
    """The text that announces what a commit will make of the ledger. Its first line tells it from a checkpoint."""
    return f"{INTENT}\n{point.text}"


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes that name an Ed25519 key in signatures."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def format_vkey(name: str, public: bytes) -> str:
    """A public key as `name+id+key`."""
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(ED25519 + public).decode()}"


def parse_vkey(vkey: str) -> tuple[str, bytes]:
    """Name and public key. Raises ConfigError for anything but a well-formed Ed25519 key whose id is right."""
    try:
        name, id_hex, key64 = vkey.split("+", 2)
        raw = base64.b64decode(key64, validate=True)
    except (ValueError, binascii.Error) as error:
        raise ConfigError(f"not a public key of the form name+id+key: {vkey!r}") from error
    if len(raw) != 33 or raw[:1] != ED25519 or not NAME.match(name) or key_id(name, raw[1:]).hex() != id_hex:
        raise ConfigError(f"public key {vkey!r} is not Ed25519, or its id does not belong to it")
    return name, raw[1:]


def open_note(note: str, *vkeys: str) -> Checkpoint:
    """The checkpoint in a note that all of `vkeys` signed. Raises IntegrityError when one did not, or the form is
    another."""
    return parse_checkpoint(signed_text(note, *vkeys))


def signed_text(note: str, *vkeys: str) -> str:
    """The text of a note that all of `vkeys` (at least one) signed. Raises IntegrityError when one did not."""
    text, signatures = split_note(note)
    for vkey in vkeys:
        name, public = parse_vkey(vkey)
        wanted = key_id(name, public)
        # others are another key's signatures, for example a witness's: not ours to judge
        own = [raw[4:] for signer, raw in signatures if (signer, raw[:4]) == (name, wanted)]
        if not own:
            raise IntegrityError(f"no signature by {name}+{wanted.hex()} under a checkpoint")
        try:
            for signature in own:
                Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
        except InvalidSignature as error:
            raise IntegrityError(f"the signature of {name}+{wanted.hex()} under a checkpoint is wrong") from error
    return text


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note and its signatures as (name, id and signature); none is checked. Raises IntegrityError."""
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise IntegrityError("not a signed note: text, empty line and signatures are expected")
    found = []
    for line in signatures[:-1].split("\n"):
        try:
            dash, signer, encoded = line.split(" ")
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as error:
            raise IntegrityError(f"malformed signature line in a note: {line!r}") from error
        if dash != "—" or len(raw) < 5:
            raise IntegrityError(f"malformed signature line in a note: {line!r}")
        found.append((signer, raw))
    return text + "\n", found


def sign_text(text: str, name: str, *signers: Signer) -> str:
    """`text`, which ends in a line feed, as a note signed by all of `signers`, in this order."""
    lines = [text, "\n"]
    for signer in signers:
        signature = key_id(name, signer.public_key().public_bytes_raw()) + signer.sign(text.encode())
        lines.append(f"— {name} {base64.b64encode(signature).decode()}\n")
    return "".join(lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """What the text of a note says. Raises IntegrityError when it is no checkpoint."""
    lines = text.split("\n")
    if len(lines) < 4 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
        raise IntegrityError("a signed note is not a checkpoint: origin, size and root are expected")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except binascii.Error as error:
        raise IntegrityError("the root of a checkpoint is not base64") from error
    if len(root) != 32:
        raise IntegrityError("the root of a checkpoint is not 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 so that after a crash it is there in full or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.fchmod(handle, 0o600)
        with open(handle, "wb", closefd=False) as file:
            file.write(content)
        os.fsync(handle)
    finally:
        os.close(handle)
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename or a new file in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
