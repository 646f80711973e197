"""Signing keys by their public parts: of a key set (RFC 7517) and of the report, and when each was first seen.

A key is known by its RFC 7638 thumbprint, whatever name the key set gives it. Its age is known only from the second
reading of a place on: a key that was there at the first one may be as old as can be. So each new key is told with the
last reading before, in which it was not there. The position kept between runs holds when each place was read and the
keys seen so far; a key that comes back is not new.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from compliance.collectors.django_settings.report import value_of
from compliance.collectors.django_settings.settings import DjangoProjectSettings
from compliance.collectors.django_settings.shape import Report
from compliance.schemas.errors import Absent, Denied, Malformed, SourceError, TimedOut, Truncated, Unreachable
from compliance.schemas.kinds.signon import SigningKey, SigningKeySeen
from compliance.schemas.messages import Context, Request

SETTINGS = "settings"
_LIMIT = 1 << 20
_MOST_KEYS = 100
_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_BITS = {
    "P-256": 256,
    "P-384": 384,
    "P-521": 521,
    "secp256k1": 256,
    "Ed25519": 256,
    "Ed448": 456,
    "X25519": 256,
    "X448": 448,
}
_KTY = {"rsa": "RSA", "ec": "EC", "okp": "OKP"}


def fetch_key_set(ctx: Context[DjangoProjectSettings], url: str) -> tuple[bytes, Request]:
    """The key set as it came. Redirects are not followed: the organisation named the address. Raises SourceError."""
    import ssl

    ctx.throttle()
    ca = ctx.settings.jwks_ca_file
    try:
        verify = ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError) as error:
        raise Absent(f"jwks_ca_file {ca} cannot be read", remedy="name a file of PEM certificates") from error
    body = bytearray()
    try:
        with (
            httpx.Client(verify=verify, timeout=ctx.timeout_s, trust_env=False) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as reply,
        ):
            status = reply.status_code
            for part in reply.iter_bytes():
                body += part
                if len(body) > _LIMIT:
                    raise Truncated(f"{url}: longer than {_LIMIT} bytes", remedy="name the address of a key set")
    except httpx.TimeoutException as error:
        raise TimedOut(f"{url}: no answer within {ctx.timeout_s:g} s", remedy="find out why it is slow") from error
    except httpx.HTTPError as error:
        remedy = "start the server, or correct jwks_url and jwks_ca_file"
        raise Unreachable(f"{url}: {type(error).__name__}", remedy=remedy) from error
    if status != httpx.codes.OK:
        raise _refused(url, status)
    return bytes(body), Request("api", f"GET {url.partition('?')[0]}", hashlib.sha256(body).hexdigest())


def _refused(url: str, status: int) -> SourceError:
    message = f"{url}: status {status}"
    if status in (401, 403):
        return Denied(message, remedy="let the collecting machine read the key set; it is public by nature")
    if status in (404, 410):
        return Absent(message, remedy="correct jwks_url")
    if status >= 500 or status == 429:
        return Unreachable(message, remedy="see the server's log")
    return Malformed(message, remedy="correct jwks_url; redirects are not followed")


def rows_of_set(text: bytes, application: str, origin: str) -> list[SigningKey]:
    """The keys of a key set, each thumbprint once. Raises Malformed without repeating a value."""
    try:
        keys = json.loads(text)["keys"]
        if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
            raise TypeError
        rows = [_key(key, n, application, origin) for n, key in enumerate(keys, 1)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Malformed(f"{origin}: the answer is no key set (RFC 7517)", remedy="correct jwks_url") from error
    found: dict[str, SigningKey] = {}
    for row in rows:
        other = found.get(row.key_id)
        if other is None or (row.secret_published and not other.secret_published):
            found[row.key_id] = row
    return list(found.values())


def _key(key: Mapping[str, Any], number: int, application: str, origin: str) -> SigningKey:
    kty, kid = str(key["kty"]), key.get("kid")
    members = _MEMBERS.get(kty)
    if members:
        required = {name: _text(key[name]) for name in members}
        canonical = json.dumps(required, sort_keys=True, separators=(",", ":"))
        key_id = _coded(hashlib.sha256(canonical.encode("ascii")).digest())
    else:
        key_id = f"kid {kid}" if isinstance(kid, str) else f"key {number}"
    return SigningKey(
        application=application,
        origin=origin,
        key_id=key_id,
        kid=kid if isinstance(kid, str) else None,
        kty=kty,
        algorithm=_named(key, "alg"),
        use=_named(key, "use"),
        curve=_named(key, "crv"),
        bits=_bits(kty, key),
        secret_published=kty == "oct" or bool(_PRIVATE & set(key)),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    _bytes(value)
    return value


def _named(key: Mapping[str, Any], name: str) -> str | None:
    value = key.get(name)
    return value if isinstance(value, str) and len(value) <= 40 else None


def _bits(kty: str, key: Mapping[str, Any]) -> int | None:
    if kty == "RSA":
        return int.from_bytes(_bytes(key["n"]), "big").bit_length()
    if kty == "oct":
        return 8 * len(_bytes(key["k"])) if "k" in key else None
    return _BITS.get(str(key.get("crv")))


def _bytes(text: str) -> bytes:
    if text in _BITS or text in _MEMBERS:  # crv and kty are names
        return b""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no base64url") from error


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def rows_of_report(report: Report, application: str) -> list[SigningKey]:
    """The public keys that the settings hold; shared secrets have none."""
    found = {
        token.key_id: SigningKey(
            application=application,
            origin=SETTINGS,
            key_id=token.key_id,
            kty=_KTY.get(token.key_kind or ""),
            algorithm=token.algorithm,
            curve=token.curve,
            bits=token.key_bits,
            secret_published=False,
        )
        for token in value_of(report.sections.tokens, "tokens")
        if token.key_id is not None
    }
    return list(found.values())


def newly_seen(
    rows: Iterable[SigningKey], origins: Iterable[str], cursor: str | None, now: datetime
) -> tuple[list[SigningKeySeen], str]:
    """The keys that no earlier reading saw, and the position after this one. Raises Malformed."""
    read_at, known = _position(cursor)
    places: dict[str, list[SigningKey]] = {}
    for row in rows:
        if row.kty in _MEMBERS:
            places.setdefault(row.key_id, []).append(row)
    events = []
    for key_id, found in sorted(places.items()):
        if key_id in known:
            continue
        before = [read_at.get(row.origin) for row in found]
        absent = None if None in before else min(at for at in before if at is not None)
        events.append(
            SigningKeySeen(
                application=found[0].application,
                key_id=key_id,
                origin=found[0].origin,
                absent_at=absent,
                occurred_at=now,
            )
        )
    read = {**read_at, **dict.fromkeys(origins, now)}
    position = {
        "keys": sorted(known | places.keys()),
        "read": {origin: at.astimezone(UTC).isoformat() for origin, at in sorted(read.items())},
    }
    return events, json.dumps(position, sort_keys=True, separators=(",", ":"))


def _position(cursor: str | None) -> tuple[dict[str, datetime], set[str]]:
    if cursor is None:
        return {}, set()
    try:
        told = json.loads(cursor)
        return {str(o): datetime.fromisoformat(at) for o, at in told["read"].items()}, {str(k) for k in told["keys"]}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed("the position kept for signing_key_seen cannot be read", remedy="report it") from error
