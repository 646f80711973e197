"""One ClientHello and the server's first answer to it, written by hand.

A modern OpenSSL no longer contains SSLv3, RC4, 3DES or export suites, so with it alone a server that offers them
looks clean. A ClientHello is only bytes (RFC 5246 §7.4.1.2, RFC 8446 §4.1.2): the server's ServerHello names the
version and suite it accepts, which is all that has to be known, and no key is ever agreed on. For TLS 1.3 the hello
carries an empty key share, which makes the server name its suite in a HelloRetryRequest (RFC 8446 §4.1.4).
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from compliance.schemas.errors import Malformed, TimedOut, Truncated, Unreachable

VERSIONS = {"SSLv3": 0x0300, "TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}

# Suites that current libraries no longer offer, by their number in the IANA registry and OpenSSL's name for them.
_RETIRED = {
    0x0001: "NULL-MD5",
    0x0002: "NULL-SHA",
    0x0003: "EXP-RC4-MD5",
    0x0004: "RC4-MD5",
    0x0005: "RC4-SHA",
    0x0006: "EXP-RC2-CBC-MD5",
    0x0007: "IDEA-CBC-SHA",
    0x0008: "EXP-DES-CBC-SHA",
    0x0009: "DES-CBC-SHA",
    0x000A: "DES-CBC3-SHA",
    0x0011: "EXP-DHE-DSS-DES-CBC-SHA",
    0x0012: "DHE-DSS-DES-CBC-SHA",
    0x0013: "DHE-DSS-DES-CBC3-SHA",
    0x0014: "EXP-DHE-RSA-DES-CBC-SHA",
    0x0015: "DHE-RSA-DES-CBC-SHA",
    0x0016: "DHE-RSA-DES-CBC3-SHA",
    0x0017: "EXP-ADH-RC4-MD5",
    0x0018: "ADH-RC4-MD5",
    0x0019: "EXP-ADH-DES-CBC-SHA",
    0x001A: "ADH-DES-CBC-SHA",
    0x001B: "ADH-DES-CBC3-SHA",
    0x0096: "SEED-SHA",
    0x0099: "DHE-DSS-SEED-SHA",
    0x009A: "DHE-RSA-SEED-SHA",
    0x009B: "ADH-SEED-SHA",
    0xC002: "ECDH-ECDSA-RC4-SHA",
    0xC003: "ECDH-ECDSA-DES-CBC3-SHA",
    0xC004: "ECDH-ECDSA-AES128-SHA",
    0xC005: "ECDH-ECDSA-AES256-SHA",
    0xC007: "ECDHE-ECDSA-RC4-SHA",
    0xC008: "ECDHE-ECDSA-DES-CBC3-SHA",
    0xC00C: "ECDH-RSA-RC4-SHA",
    0xC00D: "ECDH-RSA-DES-CBC3-SHA",
    0xC00E: "ECDH-RSA-AES128-SHA",
    0xC00F: "ECDH-RSA-AES256-SHA",
    0xC011: "ECDHE-RSA-RC4-SHA",
    0xC012: "ECDHE-RSA-DES-CBC3-SHA",
    0xC016: "AECDH-RC4-SHA",
    0xC017: "AECDH-DES-CBC3-SHA",
}
_TLS13 = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0x1304: "TLS_AES_128_CCM_SHA256",
    0x1305: "TLS_AES_128_CCM_8_SHA256",
}
_GROUPS = (0x001D, 0x0017, 0x0018, 0x0019, 0x001E, 0x0100)  # x25519, P-256, P-384, P-521, x448, ffdhe2048
_SIGNATURES = (
    *(0x0403, 0x0503, 0x0603, 0x0807, 0x0808),  # ECDSA with SHA-2, Ed25519, Ed448
    *(0x0804, 0x0805, 0x0806, 0x0809, 0x0401, 0x0501, 0x0601),  # RSA-PSS, RSA PKCS #1 with SHA-2
    *(0x0203, 0x0201, 0x0402, 0x0202),  # with SHA-1, and DSA
)
_HANDSHAKE, _ALERT, _SERVER_HELLO = 22, 21, 2
_MORE = 8192

# Alerts that say no to what was offered: handshake_failure, protocol_version, insufficient_security.
REFUSALS = frozenset({40, 70, 71})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a version and suite, or an alert number, or nothing (`closed`)."""

    version: int | None = None
    suite: int | None = None
    alert: int | None = None
    closed: bool = False


@cache
def suites_before_13() -> dict[int, str]:
    """Every suite that can be asked for below TLS 1.3, number → OpenSSL name; without pre-shared keys and SRP."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:!PSK:!SRP:@SECLEVEL=0")
    known = {int(c["id"]) & 0xFFFF: str(c["name"]) for c in context.get_ciphers()}
    return {**{n: name for n, name in known.items() if n >> 8 != 0x13}, **_RETIRED}


def suites(version: str) -> dict[int, str]:
    """The suites that can be asked for in `version`."""
    return dict(_TLS13) if version == "TLSv1.3" else dict(suites_before_13())


def connect(host: str, port: int, timeout_s: float) -> socket.socket:
    """A connected TCP socket. Raises Unreachable or TimedOut, naming the endpoint."""
    try:
        return socket.create_connection((host, port), timeout=timeout_s)
    except TimeoutError as error:
        raise TimedOut(f"{host}:{port}: no connection within {timeout_s:g} s", remedy="open the path to it") from error
    except socket.gaierror as error:
        raise Unreachable(f"{host}: the name does not resolve ({error})", remedy="correct the host name") from error
    except OSError as error:
        raise Unreachable(f"{host}:{port}: {error}", remedy="start the server or open the path to it") from error


def ask(host: str, port: int, server_name: str, version: str, offer: Iterable[int], timeout_s: float) -> Answer:
    """Send one hello and return the first answer.

    Raises:
        Unreachable, TimedOut: no connection, or no answer on it.
        Malformed: the answer is not TLS.
        Truncated: the answer ended inside a record.
    """
    with connect(host, port, timeout_s) as sock:
        try:
            sock.sendall(client_hello(server_name, version, offer))
            return _answer(sock, f"{host}:{port}")
        except TimeoutError as error:
            raise TimedOut(
                f"{host}:{port} accepts connections and does not answer a {version} hello within {timeout_s:g} s",
                remedy="find out why it does not answer",
            ) from error
        except OSError:  # reset or broken pipe: how some servers refuse a version
            return Answer(closed=True)


def accepted_suites(send: Callable[[Iterable[int]], Answer], version: str) -> list[str] | None:
    """The suites a server accepts in `version`, by removal: offer all, note the chosen one, leave it out, repeat.

    None when nothing can be concluded: the server chose what was not offered, or stopped answering at all half-way
    (a rate limit must not look like a short list).
    """
    names = suites(version)
    left = dict(names)
    chosen: list[int] = []
    while left:
        answer = send(left)
        if answer.suite is None:
            if answer.alert in REFUSALS or not chosen:
                break
            again = send(chosen[:1])  # silence is a refusal only from a server that still talks
            if again.suite != chosen[0]:
                return None
            break
        if answer.version != VERSIONS[version]:
            break
        if answer.suite not in left:
            return None
        chosen.append(answer.suite)
        del left[answer.suite]
    return [names[code] for code in chosen]


def client_hello(server_name: str, version: str, offer: Iterable[int]) -> bytes:
    """The record that asks for exactly `version` with the suites of `offer`."""
    number = VERSIONS[version]
    legacy = min(number, 0x0303)  # RFC 8446 §4.1.2: TLS 1.3 hides behind 1.2 and says so in an extension
    codes = [*offer, 0x00FF]  # 0x00FF: secure renegotiation is understood (RFC 5746)
    body = struct.pack("!H", legacy) + os.urandom(32)
    body += bytes([32]) + os.urandom(32)
    body += _vector(b"".join(struct.pack("!H", code) for code in codes), 2) + b"\x01\x00"
    if number > VERSIONS["SSLv3"]:
        body += _vector(_extensions(server_name, number), 2)
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return struct.pack("!BH", _HANDSHAKE, min(number, 0x0301)) + _vector(message, 2)


def _extensions(server_name: str, number: int) -> bytes:
    parts = []
    if server_name:
        parts.append((0, _vector(b"\x00" + _vector(server_name.encode("idna"), 2), 2)))
    parts.append((10, _vector(b"".join(struct.pack("!H", g) for g in _GROUPS), 2)))
    parts.append((11, b"\x01\x00"))
    if number >= VERSIONS["TLSv1.2"]:
        parts.append((13, _vector(b"".join(struct.pack("!H", s) for s in _SIGNATURES), 2)))
    if number == VERSIONS["TLSv1.3"]:
        parts.append((43, b"\x02\x03\x04"))
        parts.append((51, b"\x00\x00"))
    return b"".join(struct.pack("!H", kind) + _vector(data, 2) for kind, data in parts)


def _vector(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _answer(sock: socket.socket, where: str) -> Answer:
    head = _read(sock, 5)
    if not head:
        return Answer(closed=True)
    if head[0] not in (_HANDSHAKE, _ALERT) or (len(head) > 1 and head[1] != 3):
        raise Malformed(f"{where} does not speak TLS: the answer starts with {head!r}", remedy="name a TLS port")
    if len(head) < 5:
        raise Truncated(f"{where}: the answer ended after {len(head)} bytes", remedy="try again")
    body = _read(sock, min(int.from_bytes(head[3:5], "big"), 2 * _MORE))
    if head[0] == _ALERT:
        return Answer(alert=body[1] if len(body) > 1 else None, closed=len(body) < 2)
    return _server_hello(body, where)


def _server_hello(body: bytes, where: str) -> Answer:
    try:
        if body[0] != _SERVER_HELLO:
            raise Malformed(f"{where}: message {body[0]} where a ServerHello was expected", remedy="report it")
        version = int.from_bytes(body[4:6], "big")
        at = 39 + body[38]
        suite = int.from_bytes(body[at : at + 2], "big")
        at += 3
        end = min(at + 2 + int.from_bytes(body[at : at + 2], "big"), len(body))
        at += 2
        while at + 4 <= end:
            kind, size = struct.unpack("!HH", body[at : at + 4])
            if kind == 43:
                version = int.from_bytes(body[at + 4 : at + 6], "big")
            at += 4 + size
    except IndexError as error:
        raise Truncated(f"{where}: the ServerHello ended after {len(body)} bytes", remedy="try again") from error
    return Answer(version=version, suite=suite)


def _read(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (part := sock.recv(count - len(data))):
        data += part
    return data
