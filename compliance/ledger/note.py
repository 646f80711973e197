"""Signed notes and checkpoints as C2SP specifies them (signed-note, tlog-checkpoint), and the key that signs them.

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

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from compliance.schemas.errors import ConfigError, IntegrityError, StorageFull

ED25519 = b"\x01"
_NAME = re.compile(r"[^\s+]+\Z")
_PRIVATE = "signing.pem"
_PUBLIC = "vkey"


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
    if len(raw) != 33 or raw[:1] != ED25519 or not _NAME.match(name) or key_id(name, raw[1:]).hex() != id_hex:
        raise ConfigError(f"public key {vkey!r} is not Ed25519, or its id does not belong to it")
    return name, raw[1:]


def open_note(note: str, vkey: str) -> Checkpoint:
    """The checkpoint in a note that `vkey` signed. Raises IntegrityError when it did not, or the form is another."""
    return parse_text(signed_text(note, vkey))


def signed_text(note: str, vkey: str) -> str:
    """The text of a note that `vkey` signed. Raises IntegrityError when it did not."""
    name, public = parse_vkey(vkey)
    text, blank, signatures = note.rpartition("\n\n")
    text += "\n"
    if not blank or not signatures.endswith("\n"):
        raise IntegrityError("not a signed note: text, empty line and signatures are expected")
    wanted = key_id(name, public)
    for line in signatures.splitlines():
        try:
            dash, signer, encoded = line.split(" ")
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as error:
            raise IntegrityError(f"malformed signature line in a note: {line!r}") from error
        if dash != "—" or len(raw) < 5:
            raise IntegrityError(f"malformed signature line in a note: {line!r}")
        if signer != name or raw[:4] != wanted:
            continue  # another key's signature, for example a witness: not ours to judge
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode())
        except InvalidSignature as error:
            raise IntegrityError(f"the signature of {name} under a checkpoint is wrong") from error
        return text
    raise IntegrityError(f"no signature by {name}+{wanted.hex()} under a checkpoint")


def sign_text(text: str, name: str, private: Ed25519PrivateKey) -> str:
    """`text`, which ends in a line feed, as a signed note."""
    signature = key_id(name, private.public_key().public_bytes_raw()) + private.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signature).decode()}\n"


def parse_text(text: str) -> Checkpoint:
    """What the text of a checkpoint says. Raises IntegrityError when it has another form."""
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


@dataclass(frozen=True, slots=True)
class Keys:
    """The signing key of one ledger. The private key lies in a folder of its own, never beside the ledger."""

    origin: str
    vkey: str
    private: Ed25519PrivateKey

    @classmethod
    def open(cls, folder: Path, origin: str, *, create: bool = True) -> Keys:
        """The key of `origin` in `folder`, made on first use (folder 0700, key 0600).

        Raises:
            ConfigError: the origin cannot be a key name, the key there belongs to another ledger or is not readable.
            StorageFull: the folder cannot be written.
        """
        if not _NAME.match(origin):
            raise ConfigError(
                f"origin {origin!r} has spaces or a plus sign, or is empty", remedy="use a name like a URL"
            )
        path = folder / _PRIVATE
        if not path.exists():
            if not create:
                raise ConfigError(
                    f"the signing key of {origin} is not in {folder}",
                    remedy=f"bring back {path} from its backup; without it nothing can be added to this ledger",
                )
            _make(folder, origin)
        try:
            private = serialization.load_pem_private_key(path.read_bytes(), password=None)
            recorded = (folder / _PUBLIC).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise ConfigError(f"signing key {path} cannot be read: {error}") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigError(f"signing key {path} is not an Ed25519 key")
        vkey = format_vkey(origin, private.public_key().public_bytes_raw())
        if recorded != vkey:
            raise ConfigError(
                f"{folder} holds the key of another ledger: {recorded}", remedy=f"give {origin} a key folder of its own"
            )
        return cls(origin, vkey, private)

    def export_public(self) -> str:
        """The public key to hand out (C2SP vkey): whoever has it can check every checkpoint."""
        return self.vkey

    def sign(self, size: int, root: bytes) -> str:
        """The signed checkpoint of this size and root."""
        return sign_text(Checkpoint(self.origin, size, root).text, self.origin, self.private)


def _make(folder: Path, origin: str) -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    vkey = format_vkey(origin, private.public_key().public_bytes_raw())
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(folder / _PUBLIC, vkey.encode() + b"\n")
        write_private(folder / _PRIVATE, pem)  # last: a key counts once this file is there
    except OSError as error:
        raise StorageFull(
            f"key folder {folder} cannot be written: {error}", remedy="free space or mend its rights"
        ) from error


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
