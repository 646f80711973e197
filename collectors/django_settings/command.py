"""Runs the configured command: as the project's own account, for a limited time, with limited output.

What it says on standard error is looked at and never repeated: a traceback may quote a setting.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from compliance.schemas.errors import Absent, Denied, Disabled, SourceError, TimedOut, Truncated, Unreachable

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ")
_CHUNK = 1 << 16
_GRACE_S = 5.0
_STDERR_BYTES = 1 << 18
_RAISED = re.compile(
    r"^(?:[a-z_][\w.]*\.)?([A-Z]\w*(?:Error|Exception|Configured|Interrupt|Exit|DoesNotExist))\b", re.MULTILINE
)


def run(
    command: Sequence[str],
    *,
    folder: Path | None,
    user: str | None,
    environment: dict[str, str],
    time_limit_s: float,
    limit_bytes: int,
    stop: threading.Event,
) -> bytes:
    """What the command prints. `environment` is added to a bare one.

    Raises:
        Denied: this account may not run it, or it runs as root and names no account.
        Absent: command, folder or account do not exist.
        Disabled: the project lacks our application.
        TimedOut, Truncated: it took too long, or said too much.
        Unreachable: it ended with an error.
    """
    account = _account(user)
    given = {name: os.environ[name] for name in _KEPT if name in os.environ}
    given |= {"HOME": account.pw_dir, **environment}
    other = {} if account.pw_uid == os.geteuid() else _identity(account)
    try:
        process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603 -- an argument list from the configuration
            list(command),
            cwd=folder,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that what it started ends with it
            **other,
        )
    except FileNotFoundError as error:
        raise Absent(f"{error.filename} does not exist", remedy="correct command and folder") from error
    except OSError as error:
        remedy = f"let {account.pw_name} run it, and enter the folder"
        raise Denied(f"{command[0]} cannot be run as {account.pw_name}: {error.strerror}", remedy=remedy) from error
    try:
        out, err = _read(process, command, time_limit_s, limit_bytes, stop)
        try:
            status = process.wait(_GRACE_S)  # it has closed both pipes, and may go on for all that
        except subprocess.TimeoutExpired as error:
            raise _late(command, time_limit_s) from error
    finally:
        _end(process)
    if status != 0:
        raise _failure(command, status, err.decode("utf-8", "replace"))
    return out


def _account(user: str | None) -> pwd.struct_passwd:
    own = pwd.getpwuid(os.geteuid())
    if user is None or user == own.pw_name:
        if own.pw_uid == 0:
            raise Denied(
                "the engine runs as root, and a project's code is not run as root",
                remedy="set user to the account that the application runs as, or read a report file",
            )
        return own
    try:
        account = pwd.getpwnam(user)
    except KeyError as error:
        raise Absent(f"no account is called {user}", remedy="correct user") from error
    if own.pw_uid != 0:
        raise Denied(
            f"{own.pw_name} cannot run a command as {user}", remedy="leave user out, or run the engine as root"
        )
    return account


def _identity(account: pwd.struct_passwd) -> dict[str, object]:
    groups = os.getgrouplist(account.pw_name, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": groups}


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
                raise Truncated(f"{command[0]} printed more than {limit} bytes", remedy="raise max_report_mib")
    return bytes(said["out"]), bytes(said["err"])


def _late(command: Sequence[str], time_limit_s: float) -> TimedOut:
    return TimedOut(
        f"{command[0]} did not end within {time_limit_s:g} s",
        remedy="find out why the project starts so slowly, or raise time_limit_s",
    )


def _failure(command: Sequence[str], status: int, words: str) -> SourceError:
    if "Unknown command: 'compliance_report'" in words or "No module named 'compliance_django'" in words:
        return Disabled(
            "the project does not have the command compliance_report",
            remedy="install compliance-engine-django and add compliance_django to INSTALLED_APPS",
        )
    raised = _RAISED.findall(words)
    what = f"{command[0]} ended with status {status}" + (f" after {raised[-1]}" if raised else "")
    remedy = "run the command as that account: its words may hold settings and are not repeated here"
    return Denied(what, remedy=remedy) if "PermissionError" in raised else Unreachable(what, remedy=remedy)


def _end(process: subprocess.Popen[bytes]) -> None:
    # The session is ended also when its first process is over: what that left behind would go on unwatched.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
