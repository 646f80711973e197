"""A signing key that never leaves its PKCS #11 token (a smart card, a hardware security module).

Needs the optional library: `pip install compliance-engine[pkcs11]`. Ed25519 in tokens: PKCS #11 3.0, CKM_EDDSA.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from compliance.ledger.keys import Keys, check_origin
from compliance.ledger.note import format_vkey
from compliance.schemas.errors import ConfigError, LedgerError

_POINT = 32  # bytes of an Ed25519 public key; a token gives it bare or as a DER octet string


class _TokenKey:
    """An Ed25519 private key in an open token session."""

    def __init__(self, private: Any, public: Ed25519PublicKey, where: str) -> None:
        self._private = private
        self._public = public
        self._where = where

    def public_key(self) -> Ed25519PublicKey:
        """Its public key."""
        return self._public

    def sign(self, data: bytes) -> bytes:
        """The signature of `data`, 64 bytes. Raises LedgerError when the token does not give it."""
        from pkcs11 import Mechanism
        from pkcs11.exceptions import PKCS11Error

        try:
            return bytes(self._private.sign(data, mechanism=Mechanism.EDDSA))
        except PKCS11Error as error:
            raise LedgerError(
                f"{self._where} did not sign: {type(error).__name__}",
                remedy="plug the token in again; what was committed is signed at the next start",
            ) from error


def open_token(module: Path, token: str, key: str, pin: str, origin: str) -> Keys:
    """The key labelled `key` in the token labelled `token`, reached through the library `module`.

    Raises:
        ConfigError: the library, token or key is not there, the PIN is wrong, or the key is not Ed25519.
    """
    where = f"key {key!r} of token {token!r}"
    try:
        import pkcs11
        from pkcs11.exceptions import PKCS11Error, UserAlreadyLoggedIn
    except ImportError as error:
        raise ConfigError(
            "signing with a token needs the library python-pkcs11",
            remedy="pip install 'compliance-engine[pkcs11]'",
        ) from error
    try:
        slot = pkcs11.lib(str(module)).get_token(token_label=token)
        try:
            session = slot.open(user_pin=pin)
        except UserAlreadyLoggedIn:  # a process logs in once; its other sessions share that
            session = slot.open()
        kind = pkcs11.KeyType.EC_EDWARDS
        private = session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, key_type=kind, label=key)
        public = session.get_key(pkcs11.ObjectClass.PUBLIC_KEY, key_type=kind, label=key)
        point = bytes(public[pkcs11.Attribute.EC_POINT])
    except (PKCS11Error, RuntimeError, OSError) as error:  # the last two: the library cannot be loaded
        raise ConfigError(
            f"{where} cannot be used: {type(error).__name__} {error}".rstrip(),
            remedy=f"check [ledger.token] module, token, key and pin (`pkcs11-tool --module {module} --list-objects`)",
        ) from error
    if len(point) not in (_POINT, _POINT + 2):
        raise ConfigError(f"{where} is not an Ed25519 key")
    raw = Ed25519PublicKey.from_public_bytes(point[-_POINT:])
    return Keys(check_origin(origin), format_vkey(origin, raw.public_bytes_raw()), _TokenKey(private, raw, where))
