"""Dates and sizes of certificates and keys, by their public parts. `cryptography` is there where it is needed: the
libraries for SAML and for asymmetric tokens bring it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import datetime, timezone
from typing import Any


def certificate(text: str) -> dict[str, Any]:
    """End, start, key size and digest of a certificate given as PEM or as bare base64. Raises ValueError."""
    from cryptography import x509

    body = re.sub(r"-----[A-Z ]+-----|\s", "", text)
    loaded = x509.load_der_x509_certificate(base64.b64decode(body, validate=True))
    return {
        "not_before": _utc(loaded, "not_valid_before"),
        "not_after": _utc(loaded, "not_valid_after"),
        "key_bits": getattr(loaded.public_key(), "key_size", None),
        "sha256": hashlib.sha256(base64.b64decode(body)).hexdigest(),
    }


def _utc(loaded: Any, name: str) -> str:
    """A date of a certificate; cryptography before 42 gives it without its zone, which is UTC."""
    aware = getattr(loaded, f"{name}_utc", None)
    return str((aware or getattr(loaded, name).replace(tzinfo=timezone.utc)).isoformat())


def public_key(text: Any) -> dict[str, Any]:
    """Kind, size, curve and RFC 7638 thumbprint of a PEM public key, or of the public part of a private one.
    Raises ValueError without repeating the text."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

    data = text.encode() if isinstance(text, str) else bytes(text)
    try:
        if b"PRIVATE KEY" in data:
            key: Any = serialization.load_pem_private_key(data, None).public_key()
        elif b"CERTIFICATE" in data:
            from cryptography import x509

            key = x509.load_pem_x509_certificate(data).public_key()
        else:
            key = serialization.load_pem_public_key(data)
    except (ValueError, TypeError) as error:
        raise ValueError("the key is no PEM key that can be read without a passphrase") from error
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        members = {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
        return {"kind": "rsa", "bits": key.key_size, "curve": None, "thumbprint": thumbprint(members)}
    if isinstance(key, ec.EllipticCurvePublicKey):
        size = (key.key_size + 7) // 8
        point = key.public_numbers()
        curve = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}.get(key.curve.name, key.curve.name)
        members = {"crv": curve, "kty": "EC", "x": _number(point.x, size), "y": _number(point.y, size)}
        return {"kind": "ec", "bits": key.key_size, "curve": curve, "thumbprint": thumbprint(members)}
    if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
        curve = "Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "Ed448"
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        members = {"crv": curve, "kty": "OKP", "x": _coded(raw)}
        bits = 256 if curve == "Ed25519" else 456
        return {"kind": "okp", "bits": bits, "curve": curve, "thumbprint": thumbprint(members)}
    raise ValueError(f"the key is of an unknown sort: {type(key).__name__}")


def thumbprint(members: dict[str, str]) -> str:
    """RFC 7638: SHA-256 over the required members in order, base64url without padding."""
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return _coded(hashlib.sha256(text.encode()).digest())


def _number(value: int, size: int = 0) -> str:
    return _coded(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def when(text: Any) -> str:
    """An XML date-time as ISO text with a zone; one without is UTC, as SAML says. Raises ValueError."""
    parsed = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).isoformat()
