"""The control socket: answers of another shape, of another process, or none."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compliance.collectors.gunicorn.control import fetch_answers
from compliance.schemas.errors import Denied, Malformed, SourceError, TimedOut, Unreachable
from tests.collectors.gunicorn.conftest import OTHER, as_account
from tests.servers.gunicorn import GunicornServer


def framed(reply: object) -> bytes:
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return struct.pack(">I", len(body)) + body


@contextmanager
def answering(path: Path, *replies: bytes) -> Iterator[str]:
    """A Unix socket that answers each question with the next of `replies`, then closes."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                for reply in replies:
                    peer.recv(4096)
                    peer.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield str(path)
        thread.join(5)


GOOD = framed({"id": 1, "status": "ok", "data": {"workers": 3}})


@pytest.mark.parametrize(
    "second",
    [
        framed({"id": 2, "status": "error", "error": "no"}),
        framed({"id": 9, "status": "ok", "data": {}}),
        framed({"id": 2, "status": "ok", "data": []}),
        framed({"id": 2, "status": "ok"}),
        framed([]),
        framed(b"{"),
        framed({"id": 2, "status": "ok", "data": {}})[:-1],
        struct.pack(">I", 1 << 30),
        b"\0",
    ],
)
def test_a_half_answer_is_none(tmp_path: Path, second: bytes) -> None:
    with answering(tmp_path / "s", GOOD, second) as path, pytest.raises(Malformed):
        fetch_answers(path, os.getpid(), 5)


def test_a_whole_answer(tmp_path: Path) -> None:
    second = framed({"id": 2, "status": "ok", "data": {"workers_target": 2}})
    with answering(tmp_path / "s", GOOD, second) as path:
        assert fetch_answers(path, os.getpid(), 5)["show stats"] == {"workers_target": 2}


def test_another_process_is_not_the_master(good: GunicornServer) -> None:
    with pytest.raises(Malformed, match=f"not by the master {os.getpid()}"):
        fetch_answers(str(good.folder / "ctl"), os.getpid(), 5)


def test_a_socket_that_nobody_serves_or_that_is_silent(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        fetch_answers(str(tmp_path / "none"), os.getpid(), 1)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        with pytest.raises(TimedOut):
            fetch_answers(str(tmp_path / "s"), os.getpid(), 0.1)


@pytest.mark.root
def test_another_account_may_not_use_it(good: GunicornServer) -> None:
    def ask() -> str:
        try:
            fetch_answers(str(good.folder / "ctl"), good.pid, 5)
        except SourceError as error:
            return type(error).__name__
        return "answered"

    assert as_account(OTHER, ask) == Denied.__name__
