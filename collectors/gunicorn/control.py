"""The control socket of a running gunicorn (since 25.1): asked for its settings, and never told to do anything.

The protocol is a length of four bytes, most significant first, and as much JSON (gunicorn/ctl/protocol.py). Whoever may
connect may also stop the server, so the two questions asked are constants of this module.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

from compliance.schemas.errors import Denied, Malformed, SourceError, TimedOut, Unreachable

QUESTIONS = ("show config", "show stats")
_LIMIT = 1 << 20
_PEER = struct.Struct("3i")  # SO_PEERCRED: process, user, group


def fetch_answers(path: str, pid: int, timeout_s: float) -> dict[str, Mapping[str, Any]]:
    """The answers to both questions by the process `pid`. Raises SourceError, also when another process answers."""
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout_s)
            sock.connect(path)
            peer = _PEER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))[0]
            if peer != pid:
                raise Malformed(f"{path} is answered by process {peer}, not by the master {pid}", remedy="restart it")
            return {question: _ask(sock, path, number, question) for number, question in enumerate(QUESTIONS, 1)}
    except PermissionError as error:
        raise Denied(f"{path} may not be used by this account", remedy="run as gunicorn's own account") from error
    except TimeoutError as error:
        raise TimedOut(f"{path}: no answer within {timeout_s:g} s", remedy="find out why the master hangs") from error
    except OSError as error:
        raise Unreachable(f"{path}: {error.strerror or error}", remedy="restart gunicorn") from error


def _ask(sock: socket.socket, path: str, number: int, question: str) -> Mapping[str, Any]:
    body = json.dumps({"id": number, "command": question, "args": []}).encode()
    sock.sendall(struct.pack(">I", len(body)) + body)
    (length,) = struct.unpack(">I", _exactly(sock, 4, path))
    if length > _LIMIT:
        raise Malformed(f"{path}: an answer of {length} bytes", remedy="report it with gunicorn's release")
    try:
        reply = json.loads(_exactly(sock, length, path))
        found = reply["data"] if reply["status"] == "ok" and reply["id"] == number else None
    except (ValueError, KeyError, TypeError) as error:
        raise _shape(path, question) from error
    if not isinstance(found, dict):
        raise _shape(path, question)
    return found


def _exactly(sock: socket.socket, count: int, path: str) -> bytes:
    parts = b""
    while len(parts) < count:
        part = sock.recv(count - len(parts))
        if not part:
            raise Malformed(f"{path}: the answer ended early", remedy="report it with gunicorn's release")
        parts += part
    return parts


def _shape(path: str, question: str) -> SourceError:
    return Malformed(f"{path}: the answer to {question!r} has another shape", remedy="report it with its release")
