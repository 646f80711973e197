"""Key sets from a real server, and what is known of a key's age."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from compliance.collectors.django_settings import keys
from compliance.schemas.errors import Malformed
from compliance.schemas.kinds.signon import SigningKey
from tests.collectors.django_settings.conftest import Make, Read

T0 = datetime(2026, 1, 1, tzinfo=UTC)
# RFC 7638 section 3.1
_N = """
0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB
ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8
KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_
xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw
"""
VECTOR = {
    "kty": "RSA",
    "n": "".join(_N.split()),
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


class Issuer:
    """A server of one answer, which tests set."""

    def __init__(self) -> None:
        self.body = b'{"keys": []}'
        self.status = 200
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(issuer.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(issuer.body)))
                self.end_headers()
                self.wfile.write(issuer.body)

            def log_message(self, *args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/jwks.json"

    def publish(self, *given: dict[str, Any]) -> None:
        self.body = json.dumps({"keys": list(given)}).encode()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(5)


def jwk(key: Any, **more: Any) -> dict[str, Any]:
    algorithm = {"RSA": RSAAlgorithm, "ECP": ECAlgorithm, "ECC": ECAlgorithm, "Ed2": OKPAlgorithm}
    found = next(a for name, a in algorithm.items() if type(key).__name__.startswith(name))
    return {**json.loads(found.to_jwk(key)), **more}


def rows(*given: Any) -> list[SigningKey]:
    return keys.rows_of_set(json.dumps({"keys": list(given)}).encode(), "shop", "https://x/jwks")


def test_the_thumbprint_of_the_rfc() -> None:
    (row,) = rows(VECTOR)
    assert row.key_id == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert (row.kid, row.kty, row.algorithm, row.bits, row.secret_published) == (
        "2011-04-29",
        "RSA",
        "RS256",
        2048,
        False,
    )


def test_kinds_of_keys() -> None:
    found = rows(
        jwk(rsa.generate_private_key(65537, 1024).public_key(), kid="a", use="sig"),
        jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), kid="b"),
        jwk(ed25519.Ed25519PrivateKey.generate().public_key(), kid="c"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "d"},
    )
    told = [(r.kid, r.kty, r.bits, r.curve, r.secret_published) for r in found]
    assert told == [
        ("a", "RSA", 1024, None, False),
        ("b", "EC", 384, "P-384", False),
        ("c", "OKP", 256, "Ed25519", False),
        ("d", "oct", 48, None, True),
    ]
    assert found[3].key_id == "kid d"  # never a digest of a secret


def test_a_private_part_is_noticed_and_never_said() -> None:
    key = rsa.generate_private_key(65537, 2048)
    private = jwk(key)
    found = rows(jwk(key.public_key()), private)
    assert [row.secret_published for row in found] == [True]  # one key, published twice
    assert private["d"] not in repr(found)
    assert found[0].key_id == rows(jwk(key.public_key()))[0].key_id


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": [1]}',
        b'{"keys": [{}]}',
        b'{"keys": [{"kty": "RSA", "e": "AQAB"}]}',
        b'{"keys": [{"kty": "RSA", "e": "AQAB", "n": ""}]}',
        b'{"keys": [{"kty": "RSA", "e": "AQAB", "n": "a b"}]}',
        json.dumps({"keys": [{"kty": "oct"}] * 101}).encode(),
    ],
)
def test_answers_that_are_no_key_set(text: bytes) -> None:
    with pytest.raises(Malformed, match="no key set"):
        keys.rows_of_set(text, "shop", "https://x/jwks")


def test_keys_of_a_server(context: Make, issuer: Issuer, made_report: dict[str, Any]) -> None:
    issuer.publish(VECTOR)
    read = Read(context("signing_key", "signing_key_seen", jwks_url=issuer.url, **made_report))
    assert {row.origin for row in read.rows("signing_key")} == {"settings", issuer.url}
    assert len(read.rows("signing_key_seen")) == 2
    assert read.complete["signing_key"].requests[1].text == f"GET {issuer.url}"


@pytest.mark.parametrize(
    ("status", "cause"),
    [(301, "malformed"), (403, "denied"), (404, "absent"), (429, "unreachable"), (500, "unreachable")],
)
def test_a_server_that_gives_none(
    context: Make, issuer: Issuer, made_report: dict[str, Any], status: int, cause: str
) -> None:
    issuer.status = status
    read = Read(context(jwks_url=issuer.url, **made_report))
    assert {kind: gap.cause.value for kind, gap in read.gaps.items()} == {
        "signing_key": cause,
        "signing_key_seen": cause,
    }
    assert read.one("jwt_config").algorithm == "RS256"


def test_a_server_that_says_too_much_or_is_gone(context: Make, issuer: Issuer, made_report: dict[str, Any]) -> None:
    issuer.body = b" " * ((1 << 20) + 1)
    assert Read(context(jwks_url=issuer.url, **made_report)).gaps["signing_key"].cause.value == "truncated"
    gone = issuer.url.replace("127.0.0.1", "127.0.0.2").rpartition(":")[0] + ":1/jwks"
    assert Read(context(jwks_url=gone, **made_report)).gaps["signing_key"].cause.value == "unreachable"


# --- age ---------------------------------------------------------------------------------------------------------


def seen(found: list[SigningKey], cursor: str | None, now: datetime, *origins: str) -> tuple[dict[str, Any], str]:
    events, after = keys.newly_seen(found, origins or ("https://x/jwks",), cursor, now)
    return {event.key_id: event.absent_at for event in events}, after


def test_the_age_of_a_key_is_known_from_the_second_reading_on() -> None:
    old, new = rows(VECTOR), rows(jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))
    first, cursor = seen(old, None, T0)
    assert first == {old[0].key_id: None}
    nothing, cursor = seen(old, cursor, T0 + timedelta(days=1))
    assert nothing == {}
    second, cursor = seen([*old, *new], cursor, T0 + timedelta(days=9))
    assert second == {new[0].key_id: T0 + timedelta(days=1)}
    gone, cursor = seen(new, cursor, T0 + timedelta(days=10))
    assert gone == {}
    back, _ = seen([*old, *new], cursor, T0 + timedelta(days=400))
    assert back == {}  # a key that comes back is not new


def test_a_key_at_a_place_that_was_not_read_before_may_be_old() -> None:
    (key,) = rows(VECTOR)
    _, cursor = seen([], None, T0, "settings")
    found, cursor = seen([key], cursor, T0 + timedelta(days=1), "settings", "https://x/jwks")
    assert found == {key.key_id: None}


def test_a_key_at_two_places_is_as_new_as_the_earlier_reading_says() -> None:
    (one,) = rows(VECTOR)
    two = one.model_copy(update={"origin": "settings"})
    _, cursor = seen([], None, T0, "settings")
    _, cursor = seen([], cursor, T0 + timedelta(days=5), "https://x/jwks")
    found, _ = seen([one, two], cursor, T0 + timedelta(days=6), "settings", "https://x/jwks")
    assert found == {one.key_id: T0}


def test_shared_secrets_are_no_events() -> None:
    assert seen(rows({"kty": "oct", "k": "c2VjcmV0"}), None, T0)[0] == {}


def test_a_position_that_cannot_be_read_is_an_error() -> None:
    for cursor in ("", "{}", "[]", '{"keys": [], "read": {"a": 1}}', '{"keys": 1, "read": {}}'):
        with pytest.raises(Malformed, match="position"):
            seen(rows(VECTOR), cursor, T0)


def test_through_the_collector(context: Make, issuer: Issuer, made_report: dict[str, Any]) -> None:
    issuer.publish(VECTOR)
    first = Read(context("signing_key_seen", jwks_url=issuer.url, **made_report))
    cursor = first.complete["signing_key_seen"].cursor
    assert cursor is not None
    fresh = jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
    issuer.publish(VECTOR, fresh)
    again = context("signing_key_seen", jwks_url=issuer.url, cursors={"signing_key_seen": cursor}, **made_report)
    (event,) = Read(again).rows("signing_key_seen")
    assert event.absent_at is not None
    assert event.absent_at <= event.occurred_at


@pytest.fixture(scope="module")
def made_report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings that read a report file of the good state."""
    from tests.servers.django import DjangoProject

    path: Path = tmp_path_factory.mktemp("keys") / "report.json"
    with DjangoProject() as project:
        assert project.run("shop.good", "--output", str(path)).returncode == 0
    return {"command": None, "folder": None, "user": None, "pass_environment": None, "report": str(path)}
