"""A program that is asked: run without a shell, for a limited time, with limited output, and never left behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compliance.schemas.errors import Absent, TimedOut, Truncated

_CHUNK = 1 << 16
_GRACE_S = 5.0
_STDERR_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: exit status (negative: the signal), what it printed, the end of what it complained."""

    status: int
    out: bytes
    err: bytes


class NotStarted(Exception):
    """The system refused to start the program; the text is its reason."""


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    time_limit_s: float,
    limit_bytes: int,
    stop: threading.Event,
    folder: Path | None = None,
    identity: Mapping[str, object] | None = None,
) -> Ended:
    """The end of a program, whatever its status. `identity` gives user and groups as `subprocess` takes them.

    Raises:
        Absent: program or folder do not exist.
        NotStarted: the system does not let this account run it.
        TimedOut, Truncated: it took too long, or said too much.
    """
    try:
        process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603 -- an argument list from the configuration
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that what it started ends with it
            **(identity or {}),
        )
    except FileNotFoundError as error:
        raise Absent(f"{error.filename} does not exist", remedy="correct command and folder") from error
    except OSError as error:
        raise NotStarted(error.strerror) from error
    try:
        out, err = _read(process, command, time_limit_s, limit_bytes, stop)
        try:
            status = process.wait(_GRACE_S)  # it has closed both pipes, and may go on for all that
        except subprocess.TimeoutExpired as error:
            raise _late(command, time_limit_s) from error
    finally:
        _end(process)
    return Ended(status, out, err)


def _read(
    process: subprocess.Popen[bytes], command: Sequence[str], time_limit_s: float, limit: int, stop: threading.Event
) -> tuple[bytes, bytes]:
    said = {"out": bytearray(), "err": bytearray()}
    deadline = time.monotonic() + time_limit_s
    with selectors.DefaultSelector() as selector:
        for stream, name in ((process.stdout, "out"), (process.stderr, "err")):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, name)
        while selector.get_map():
            if time.monotonic() >= deadline or stop.is_set():
                raise _late(command, time_limit_s)
            for key, _ in selector.select(0.2):
                data = os.read(key.fd, _CHUNK)
                if not data:
                    selector.unregister(key.fileobj)
                said[key.data] += data
            del said["err"][:-_STDERR_BYTES]
            if len(said["out"]) > limit:
                raise Truncated(f"{command[0]} printed more than {limit} bytes", remedy="raise its limit of output")
    return bytes(said["out"]), bytes(said["err"])


def _late(command: Sequence[str], time_limit_s: float) -> TimedOut:
    return TimedOut(
        f"{command[0]} did not end within {time_limit_s:g} s",
        remedy="find out why it takes so long, or raise its time limit",
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    # The session is ended also when its first process is over: what that left behind would go on unwatched.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
