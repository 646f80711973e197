"""The signing keys of a ledger that are at hand: in a folder of their own, or given from elsewhere.

A folder holds `signing.pem` and its `vkey`; while a rotation is under way also `next.pem` and `next.vkey`. `former` has
the public keys that signed before, one a line: months that were sealed under one are known by it when the file is lost.
Format: schemas/ledger.md §5 and §11.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.ledger.note import (
    NAME,
    Checkpoint,
    Signer,
    format_vkey,
    sign_text,
    split_note,
    sync_folder,
    write_private,
)
from compliance.schemas.errors import ConfigError, StorageFull

_CURRENT = ("signing.pem", "vkey")
_NEXT = ("next.pem", "next.vkey")
_FORMER = "former"


@dataclass(frozen=True, slots=True)
class Keys:
    """One key pair of a ledger. The private key lies in a folder of its own, never beside the ledger."""

    origin: str
    vkey: str
    private: Signer

    @classmethod
    def open(cls, folder: Path, origin: str, *, create: bool = True) -> Keys:
        """The key of `origin` in `folder`, made on first use (folder 0700, key 0600).

        Raises:
            ConfigError: the origin cannot be a key name, the key there belongs to another ledger or is not readable.
            StorageFull: the folder cannot be written.
        """
        check_origin(origin)
        path = folder / _CURRENT[0]
        if not path.exists():
            if not create:
                raise missing(folder, origin)
            _make(folder, origin, _CURRENT)
        return _read(folder, origin, _CURRENT)

    @classmethod
    def of_pem(cls, pem: bytes, origin: str, where: str) -> Keys:
        """The key in PEM form (PKCS #8, not encrypted) that was found at `where`. Raises ConfigError."""
        check_origin(origin)
        try:
            private = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:  # TypeError: it is encrypted
            # the text of the error may repeat what was given, and that is a secret
            raise ConfigError(
                f"signing key {where} is not a private key in PEM form without passphrase",
                remedy="openssl genpkey -algorithm ed25519 makes one",
            ) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigError(f"signing key {where} is not an Ed25519 key")
        return cls(origin, format_vkey(origin, private.public_key().public_bytes_raw()), private)

    def export_public(self) -> str:
        """The public key to hand out (C2SP vkey): whoever has it can check every checkpoint."""
        return self.vkey

    def sign(self, size: int, root: bytes) -> str:
        """The signed checkpoint of this size and root."""
        return sign_text(Checkpoint(self.origin, size, root).text, self.origin, self.private)


class KeyRing:
    """The private keys at hand for one ledger, by public key."""

    def __init__(self, folder: Path, origin: str, given: Sequence[Keys] = ()) -> None:
        """Keys in `folder` and those `given`, of which one may be a key that is yet to come into force.

        Raises:
            ConfigError: a key is not readable, or belongs to another ledger.
        """
        self.folder = folder
        self.origin = check_origin(origin)
        self._given = {key.vkey: key for key in given}

    def create(self) -> Keys:
        """The first key: the one given, else the one in the folder, made now if it has none."""
        return next(iter(self._given.values()), None) or Keys.open(self.folder, self.origin)

    def all(self) -> list[Keys]:
        """Every key at hand: those given, the one in the folder, the one that waits there."""
        folder = [
            _read(self.folder, self.origin, names) for names in (_CURRENT, _NEXT) if (self.folder / names[0]).exists()
        ]
        return [*self._given.values(), *folder]

    def find(self, vkey: str) -> Keys | None:
        """The private key of `vkey`, None when it is not at hand."""
        return next((key for key in self.all() if key.vkey == vkey), None)

    def last_signer(self, note: str) -> Keys | None:
        """The key at hand that made the last signature under a note, None when it is not one of these."""
        name, raw = split_note(note)[1][-1]
        return next((key for key in self.all() if (name, raw[:4].hex()) == tuple(key.vkey.split("+")[:2])), None)

    def get(self, vkey: str) -> Keys:
        """The private key of `vkey`. Raises ConfigError when it is not at hand."""
        found = self.find(vkey)
        if found is None:
            if not self._given and not (self.folder / _CURRENT[0]).exists():
                raise missing(self.folder, self.origin)
            raise ConfigError(
                f"the signing key in force is {vkey}; its private key is not in {self.folder}, nor configured",
                remedy="give the key of this ledger; if it is lost: `compliance keys replace`",
            )
        return found

    def former(self) -> list[str]:
        """The public keys that signed before the one in force, as far as this folder was told."""
        try:
            return (self.folder / _FORMER).read_text("utf-8").split()
        except (OSError, ValueError):
            return []  # it vouches for nothing then

    def prepare(self) -> Keys:
        """A new key that waits in the folder until it is in force. One that waits already never was: it goes."""
        try:
            for name in _NEXT:
                (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        _make(self.folder, self.origin, _NEXT)
        return _read(self.folder, self.origin, _NEXT)

    def settle(self, vkey: str, former: Collection[str]) -> None:
        """The key of `vkey` is in force, and those of `former` are no longer: a key that waits in the folder takes its
        place there, and the private half of a former one is destroyed. Does nothing when all that was done."""
        try:
            known = self.former()
            told = list(dict.fromkeys([*known, *former]))
            if told != known and self.folder.is_dir():
                write_private(self.folder / _FORMER, "".join(f"{line}\n" for line in told).encode())
            current = self.folder / _CURRENT[0]
            if current.exists() and _read(self.folder, self.origin, _CURRENT).vkey in former:
                current.unlink()
                (self.folder / _CURRENT[1]).unlink()
                sync_folder(self.folder)
            if not (self.folder / _NEXT[0]).exists() or _read(self.folder, self.origin, _NEXT).vkey != vkey:
                return
            write_private(self.folder / _CURRENT[1], vkey.encode() + b"\n")
            (self.folder / _NEXT[0]).replace(self.folder / _CURRENT[0])
            (self.folder / _NEXT[1]).unlink(missing_ok=True)
            sync_folder(self.folder)
        except OSError as error:
            raise _unwritable(self.folder, error) from error


def check_origin(origin: str) -> str:
    """The origin itself. Raises ConfigError when it cannot name a key (C2SP signed-note)."""
    if not NAME.match(origin):
        raise ConfigError(f"origin {origin!r} has spaces or a plus sign, or is empty", remedy="use a name like a URL")
    return origin


def missing(folder: Path, origin: str) -> ConfigError:
    """The error for a ledger whose private key is not there."""
    return ConfigError(
        f"the signing key of {origin} is not in {folder}",
        remedy=f"bring back {folder / _CURRENT[0]} from its backup; if it is lost: `compliance keys replace`",
    )


def _read(folder: Path, origin: str, names: tuple[str, str]) -> Keys:
    path = folder / names[0]
    try:
        pem = path.read_bytes()
        recorded = (folder / names[1]).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"signing key {path} cannot be read: {error}") from error
    key = Keys.of_pem(pem, origin, str(path))
    if recorded != key.vkey:
        raise ConfigError(
            f"{folder} holds the key of another ledger: {recorded}", remedy=f"give {origin} a key folder of its own"
        )
    return key


def _make(folder: Path, origin: str, names: tuple[str, str]) -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    vkey = format_vkey(origin, private.public_key().public_bytes_raw())
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(folder / names[1], vkey.encode() + b"\n")
        write_private(folder / names[0], pem)  # last: a key counts once this file is there
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> StorageFull:
    return StorageFull(f"key folder {folder} cannot be written: {error}", remedy="free space or mend its rights")
