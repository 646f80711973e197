"""Runs the configured command: as the project's own account, for a limited time, with limited output.

What it says on standard error is looked at and never repeated: a traceback may quote a setting.
"""

from __future__ import annotations

import os
import pwd
import re
import threading
from collections.abc import Sequence
from pathlib import Path

from compliance.collectors import programs
from compliance.schemas.errors import Absent, Denied, Disabled, SourceError, Unreachable

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ")
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
        ended = programs.run(
            command,
            environment=given,
            folder=folder,
            identity=other,
            time_limit_s=time_limit_s,
            limit_bytes=limit_bytes,
            stop=stop,
        )
    except programs.NotStarted as error:
        remedy = f"let {account.pw_name} run it, and enter the folder"
        raise Denied(f"{command[0]} cannot be run as {account.pw_name}: {error}", remedy=remedy) from error
    if ended.status != 0:
        raise _failure(command, ended.status, ended.err.decode("utf-8", "replace"))
    return ended.out


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
