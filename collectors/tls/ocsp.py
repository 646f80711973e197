"""Revocation of a certificate: stapled by the server, or asked of the responder that the certificate names.

An answer counts only when it is signed by the issuer or by a responder that the issuer appointed (RFC 6960 §4.2.2.2),
speaks about this certificate and is current: the question goes over plain HTTP, where anybody may answer "good".
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from compliance.collectors.tls.handshake import Target


@dataclass(frozen=True, slots=True)
class Status:
    """good, revoked, unknown or none; `value` None when it could not be asked, with the reason."""

    value: str | None
    why: str | None = None


def fetch_stapled(target: Target) -> bool | None:
    """Whether the server staples a status. Python cannot ask for it, so `openssl s_client` does; None without it."""
    binary = shutil.which("openssl")
    if binary is None:
        return None
    command = [binary, "s_client", "-connect", f"{_bracketed(target.host)}:{target.port}", "-status"]
    command += ["-servername", target.server_name] if target.server_name else ["-noservername"]
    target.throttle()
    try:
        done = subprocess.run(  # noqa: S603  -- fixed program, arguments from the configuration, no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=target.timeout_s, check=False
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    return rows_stapled(done.stdout.decode("utf-8", "replace"))


def rows_stapled(text: str) -> bool | None:
    """What `openssl s_client -status` printed about a stapled status."""
    if "OCSP Response Status: successful" in text:
        return True
    return False if "OCSP response: no response sent" in text else None


def issuer_of(leaf: x509.Certificate, candidates: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """The certificate among `candidates` whose key signed `leaf`."""
    for candidate in candidates:
        try:
            leaf.verify_directly_issued_by(candidate)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            continue
        return candidate
    return None


def fetch_status(
    leaf: x509.Certificate, issuer: x509.Certificate | None, urls: Sequence[str], timeout_s: float, now: datetime
) -> Status:
    """The status of `leaf` from the first responder over HTTP that it names."""
    if not urls:
        return Status("none")
    url = next((u for u in urls if u.startswith("http://")), None)
    if url is None:
        return Status(None, "the responder is not reached over HTTP")
    if issuer is None:
        return Status(None, "the issuer's certificate is neither sent nor in ca_file, so the responder cannot be asked")
    # RFC 6960 §4.1.1: the digest only identifies the issuer, and SHA-1 is what every responder understands
    request = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA1()).build()  # noqa: S303
    try:
        reply = httpx.post(
            url,
            content=request.public_bytes(serialization.Encoding.DER),
            headers={"Content-Type": "application/ocsp-request"},
            timeout=timeout_s,
            trust_env=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Status(None, f"{url}: {type(error).__name__}: {error}")
    if reply.status_code != httpx.codes.OK:
        return Status(None, f"{url}: HTTP status {reply.status_code}")
    return rows_status(reply.content, leaf, issuer, now)


def rows_status(der: bytes, leaf: x509.Certificate, issuer: x509.Certificate, now: datetime) -> Status:
    """The status in a responder's answer, once it is shown to be the issuer's, about `leaf`, and current."""
    try:
        answer = ocsp.load_der_ocsp_response(der)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return Status(None, f"the responder refuses: {answer.response_status.name.lower()}")
        if answer.serial_number != leaf.serial_number:
            return Status(None, "the responder speaks about another certificate")
        if answer.this_update_utc > now or (answer.next_update_utc is not None and answer.next_update_utc < now):
            return Status(None, "the responder's answer is not current")
        _check_signature(answer, issuer)
    except (InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound, ValueError, TypeError) as error:
        return Status(None, f"the responder's answer does not hold: {type(error).__name__} {error}".rstrip())
    return Status(answer.certificate_status.name.lower())


def _check_signature(answer: ocsp.OCSPResponse, issuer: x509.Certificate) -> None:
    signer = issuer
    for candidate in answer.certificates:
        if candidate == issuer:
            continue
        candidate.verify_directly_issued_by(issuer)
        usage = candidate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.OCSP_SIGNING not in usage:
            raise ValueError("signed with a certificate that may not sign statuses")
        signer = candidate
    key, algorithm = signer.public_key(), answer.signature_hash_algorithm
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(answer.signature, answer.tbs_response_bytes)
    elif algorithm is not None and isinstance(key, rsa.RSAPublicKey):
        key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), algorithm)
    elif algorithm is not None and isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(algorithm))
    else:
        raise ValueError("signed with a key type that is not supported")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
