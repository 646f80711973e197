"""Which cipher suites are weak, by OpenSSL's name of the suite.

Strong is: keys agreed afresh for each session (ECDHE, DHE, every TLS 1.3 suite) with an authenticated server, and
authenticated encryption with a full tag (GCM, CCM, ChaCha20-Poly1305): the recommendation of RFC 9325 §4.2. All
else is weak: static RSA or DH key exchange, CBC, anonymous servers, no encryption, export strength, DES, 3DES, RC4,
RC2, IDEA, SEED, and CCM_8 with its tag of 64 bits.
"""

from __future__ import annotations

_FORWARD = ("TLS_", "ECDHE-", "DHE-")
_AUTHENTICATED = ("TLS_", "GCM", "CCM", "POLY1305")


def lacks_forward_secrecy(name: str) -> bool:
    """Whoever later learns the server's key can read what was recorded today."""
    return not name.startswith((*_FORWARD, "ADH-", "AECDH-"))


def is_weak(name: str) -> bool:
    """The suite should not be accepted any more, by the rule above."""
    strong = name.startswith(_FORWARD) and any(mark in name for mark in _AUTHENTICATED)
    return not strong or "CCM8" in name or "CCM_8" in name or "NULL" in name
