"""A server in the good state for the tests of this folder (per xdist worker), and readings as another account."""

from __future__ import annotations

import ctypes
import datetime as dt
import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from compliance.collectors.gunicorn import Gunicorn, GunicornSettings
from compliance.schemas.messages import Complete, Context, Gap, Record
from tests.servers.gunicorn import NOBODY, GunicornServer

ALL = frozenset(kind.kind for kind in Gunicorn.kinds)
OTHER = 65533
CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE = 2, 19
_PR_SET_KEEPCAPS, _NEW_MOUNTS, _PRIVATE = 8, 0x20000, 1 << 18 | 1 << 14
_CAPABILITY_VERSION_3 = 0x20080522

Said = dict[str, Any]


def read(wanted: frozenset[str] = ALL, **settings: Any) -> Said:
    """What the collector said: kind → rows, outcome ("complete" or the cause), message, requests, cursor."""
    made = GunicornSettings.model_validate({"samples": 2, "interval_s": 0.05, **settings})
    said: Said = {}
    context = Context("web", made, lambda: dt.datetime.now(dt.UTC), wanted, 10.0, stop=threading.Event())
    for message in Gunicorn().collect(context):
        if isinstance(message, Record):
            said.setdefault(message.evidence.kind, {"rows": []})["rows"].append(message.evidence.row())
        elif isinstance(message, Complete | Gap):
            here = said.setdefault(message.kind, {"rows": []})
            assert "outcome" not in here
            here["outcome"] = message.cause.value if isinstance(message, Gap) else "complete"
            here["message"] = message.message if isinstance(message, Gap) else ""
            here["requests"] = [f"{r.method} {r.text}" for r in message.requests]
    return said


def pool(**settings: Any) -> dict[str, Any]:
    """The one row about the pool."""
    said = read(frozenset({"worker_pool"}), **settings)["worker_pool"]
    assert said["outcome"] == "complete", said
    [row] = said["rows"]
    found: dict[str, Any] = row
    return found


def outcomes(said: Said) -> set[str]:
    """The different outcomes."""
    return {kind["outcome"] for kind in said.values()}


def as_account(uid: int, ask: Callable[[], Any], *, capabilities: tuple[int, ...] = (), hidden: bool = False) -> Any:
    """What `ask` gives, from a forked child that became `uid` with nothing but these capabilities. `hidden` mounts a
    /proc that shows each account its own processes only."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if hidden:
                _hide()
            _become(uid, capabilities)
            os.write(writer, json.dumps(ask(), default=str).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return json.loads(said)


def _become(uid: int, capabilities: tuple[int, ...]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_KEEPCAPS, 1 if capabilities else 0, 0, 0, 0)
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    if capabilities:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        bits = sum(1 << capability for capability in capabilities)
        data = (ctypes.c_uint32 * 6)(bits, bits, 0, 0, 0, 0)
        assert libc.capset(header, data) == 0, ctypes.get_errno()


def _hide() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(_NEW_MOUNTS) == 0, ctypes.get_errno()
    assert libc.mount(b"none", b"/", None, _PRIVATE, None) == 0, ctypes.get_errno()
    assert libc.mount(b"proc", b"/proc", b"proc", 0, b"hidepid=2") == 0, ctypes.get_errno()


@pytest.fixture(scope="session")
def good() -> Iterator[GunicornServer]:
    with GunicornServer() as server:
        read(bind=server.address)  # loads what the forked children of some tests could not load any more
        yield server


__all__ = ["ALL", "CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE", "NOBODY", "OTHER", "as_account", "outcomes", "pool", "read"]
