"""What a certificate says, and whether it is valid for a name. No network."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID

from compliance.schemas.errors import Malformed


@dataclass(frozen=True, slots=True)
class Certificate:
    """The columns of a certificate."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    sha256: str
    serial: str
    key_type: str
    key_bits: int | None
    signature_algorithm: str
    self_signed: bool | None
    ocsp_urls: tuple[str, ...]


def load(der: bytes, where: str) -> x509.Certificate:
    """The certificate in `der`; raises Malformed naming `where`."""
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise Malformed(f"{where}: the certificate cannot be read: {error}", remedy="replace it") from error


def rows_certificate(der: bytes, where: str) -> Certificate:
    """All columns of the certificate in `der`; raises Malformed when it breaks the X.509 syntax."""
    cert = load(der, where)
    try:
        key_type, key_bits = _key(cert)
        return Certificate(
            subject=cert.subject.rfc4514_string(),
            issuer=cert.issuer.rfc4514_string(),
            names=_names(cert),
            not_before=cert.not_valid_before_utc,
            not_after=cert.not_valid_after_utc,
            sha256=hashlib.sha256(der).hexdigest(),
            serial=f"{cert.serial_number:x}",
            key_type=key_type,
            key_bits=key_bits,
            signature_algorithm=cert.signature_algorithm_oid._name,
            self_signed=_self_signed(cert),
            ocsp_urls=_ocsp_urls(cert),
        )
    except ValueError as error:  # extensions are decoded only when asked for
        raise Malformed(f"{where}: the certificate cannot be read: {error}", remedy="replace it") from error


def valid_for(names: tuple[str, ...], wanted: str) -> bool:
    """Whether a certificate with these subject alternative names is valid for `wanted` (RFC 6125 §6.4, RFC 9525).

    A wildcard stands for exactly one leftmost label. The common name does not count.
    """
    try:
        address = ipaddress.ip_address(wanted)
    except ValueError:
        host = wanted.rstrip(".").lower()
        return any(_matches(name.lower(), host) for name in names)
    return str(address) in names


def _matches(pattern: str, host: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == host
    label, dot, rest = host.partition(".")
    return bool(label and dot) and "." in rest and rest == pattern[2:]


def _key(cert: x509.Certificate) -> tuple[str, int | None]:
    try:
        key = cert.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return cert.public_key_algorithm_oid._name, None
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "ec", key.key_size
    if isinstance(key, dsa.DSAPublicKey):
        return "dsa", key.key_size
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519", 256
    if isinstance(key, ed448.Ed448PublicKey):
        return "ed448", 456
    return cert.public_key_algorithm_oid._name, None


def _names(cert: x509.Certificate) -> tuple[str, ...]:
    try:
        alternative = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    dns = alternative.get_values_for_type(x509.DNSName)
    addresses = alternative.get_values_for_type(x509.IPAddress)
    return tuple(sorted({*dns, *map(str, addresses)}))


def _ocsp_urls(cert: x509.Certificate) -> tuple[str, ...]:
    try:
        access = cert.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(
        str(entry.access_location.value)
        for entry in access
        if entry.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(entry.access_location, x509.UniformResourceIdentifier)
    )


def _self_signed(cert: x509.Certificate) -> bool | None:
    if cert.subject != cert.issuer:
        return False
    try:
        cert.verify_directly_issued_by(cert)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError, TypeError):
        return None
    return True
