"""The hand-written hello: against real servers, and against a stub that speaks what no current server speaks."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from compliance.collectors.tls import hello
from compliance.collectors.tls.handshake import Target, fetch_ciphers, fetch_versions
from compliance.schemas.errors import Malformed
from tests.servers import nginx as servers


def test_real_server_answers_versions_it_accepts(bad: servers.Nginx) -> None:
    answers = {
        version: hello.ask("127.0.0.1", bad.https_port, "localhost", version, hello.suites(version), 10)
        for version in hello.VERSIONS
    }

    assert answers["TLSv1"].version == hello.VERSIONS["TLSv1"]
    assert answers["TLSv1.2"].version == hello.VERSIONS["TLSv1.2"]
    assert answers["TLSv1.3"].version != hello.VERSIONS["TLSv1.3"]
    assert answers["SSLv3"].version is None


def test_tls13_suites_are_enumerated_without_keys(good: servers.Nginx) -> None:
    target = Target("127.0.0.1", good.https_port, "localhost", 10)

    names = fetch_ciphers(target, ["TLSv1.3"])

    assert names is not None
    assert {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"} <= set(names)


@contextmanager
def retired_server(version: int, accepted: list[int], limit: int | None = None) -> Iterator[int]:
    """A stub: answers hellos for `version` with the first of `accepted` that is offered, then an alert.

    No server that still speaks SSLv3 or RC4 can be installed here. After `limit` answers it only hangs up.
    """
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    listener.settimeout(0.1)
    stop = threading.Event()
    answered = 0

    def answer(data: bytes) -> bytes:
        asked = int.from_bytes(data[9:11], "big")
        at = 44 + data[43]
        size = int.from_bytes(data[at : at + 2], "big")
        offered = struct.unpack(f"!{size // 2}H", data[at + 2 : at + 2 + size])
        suite = next((code for code in accepted if code in offered), None)
        if asked != version or suite is None:
            return b"\x15\x03\x00\x00\x02\x02\x28"
        body = struct.pack("!H", version) + bytes(32) + b"\x00" + struct.pack("!H", suite) + b"\x00"
        message = b"\x02" + len(body).to_bytes(3, "big") + body
        return struct.pack("!BHH", 22, version, len(message)) + message

    def serve() -> None:
        nonlocal answered
        while not stop.is_set():
            try:
                peer, _ = listener.accept()
            except TimeoutError:
                continue
            with peer:
                data = peer.recv(4096)
                if len(data) > 46 and (limit is None or answered < limit):
                    reply = answer(data)
                    answered += reply[0] == 22
                    peer.sendall(reply)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        stop.set()
        thread.join()
        listener.close()


def test_sslv3_and_rc4_are_seen_although_the_library_has_neither() -> None:
    with retired_server(0x0300, [0x0005, 0x000A]) as port:
        target = Target("127.0.0.1", port, "", 5)
        versions = fetch_versions(target)
        names = fetch_ciphers(target, versions.accepted)

    assert versions.accepted == ("SSLv3",)
    assert versions.hello_only == ("SSLv3",)
    assert versions.refused == ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
    assert names == ["RC4-SHA", "DES-CBC3-SHA"]


def test_version_is_not_refused_by_a_server_that_has_stopped_talking() -> None:
    with retired_server(0x0302, [0x0005], limit=1) as port:
        versions = fetch_versions(Target("127.0.0.1", port, "", 5))

    assert versions.accepted == ("TLSv1.1",)
    assert versions.not_tested == ("SSLv2", "TLSv1.2", "TLSv1.3")
    assert versions.refused == ("SSLv3", "TLSv1")


def test_server_that_stops_answering_half_way_gives_no_list() -> None:
    with retired_server(0x0303, [0x0005, 0x000A, 0xC02F], limit=2) as port:
        names = fetch_ciphers(Target("127.0.0.1", port, "", 5), ["TLSv1.2"])

    assert names is None


def test_answer_that_was_not_offered_concludes_nothing() -> None:
    def send(offer: Iterable[int]) -> hello.Answer:
        return hello.Answer(version=0x0303, suite=0x1234)

    assert hello.accepted_suites(send, "TLSv1.2") is None


def test_other_protocols_are_told_apart() -> None:
    with servers.babbling_port() as port, pytest.raises(Malformed, match="does not speak TLS"):
        hello.ask("127.0.0.1", port, "", "TLSv1.2", hello.suites("TLSv1.2"), 5)
