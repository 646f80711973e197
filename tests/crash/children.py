"""Children that are forked, listened to, traced, and killed.

The process that forks never opens a ledger itself, so a child starts without threads and without start-up time.
Messages travel through a socket, not a pipe: a fault injected into write() must meet the ledger, not the harness.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import select
import signal
import socket
import subprocess
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Message = dict[str, Any]
# Every call by which SQLite, DuckDB, pyarrow and we ourselves change what is on the disk. An openat changes it when it
# makes a file: others are counted, because strace counts them, and left alone.
CHANGING = (
    "write,pwrite64,writev,pwritev,fsync,fdatasync,truncate,ftruncate,fallocate,rename,renameat,renameat2,unlink,"
    "unlinkat,mkdir,mkdirat,rmdir,link,linkat,chmod,fchmod,fchmodat,chown,openat"
)
_BY_NAME = ("rename", "unlink", "mkdir", "rmdir", "link", "chmod", "fchmodat", "chown", "openat")
PATIENCE_S = 120.0
_ANY_TRACER = ctypes.c_ulong(-1)
_SET_TRACER = 0x59616D61


class Channel:
    """The child's end: tell the parent something, wait for its word."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def say(self, **message: Any) -> None:
        """Tell the parent."""
        self._end.sendall(json.dumps(message).encode() + b"\n")

    def wait(self) -> None:
        """Return once the parent said go."""
        self._end.recv(1)


class Child:
    """The parent's end of a child: what it said, and its life."""

    def __init__(self, pid: int, end: socket.socket) -> None:
        self.pid = pid
        self._end = end
        self._rest = b""
        self._status: int | None = None
        self.said: list[Message] = []

    def go(self) -> None:
        """Let it go on."""
        self._end.sendall(b"g")

    def ended(self, within_s: float) -> bool:
        """Hear the rest for some time; whether the child ended in it."""
        with suppress(TimeoutError):
            return not self.hear("\0", within_s)
        return False

    def hear(self, word: str, within_s: float = PATIENCE_S) -> bool:
        """Read on until a message has `word`; False when the child ended first."""
        end = time.monotonic() + within_s
        while True:
            line, found, rest = self._rest.partition(b"\n")
            if found:
                self._rest = rest
                self.said.append(json.loads(line))
                if word in self.said[-1]:
                    return True
                continue
            left = None if within_s == math.inf else max(0.0, end - time.monotonic())
            if not select.select([self._end], [], [], left)[0]:
                raise TimeoutError(f"a child said nothing for {within_s:.0f} s; last: {self.said[-1:]}")
            try:
                more = self._end.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return False
            self._rest += more

    def kill(self) -> None:
        """End it as a power switch would end its process: no handler, no clean-up."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> int:
        """Hear the rest, wait for its end, and give its exit status (negative: the signal)."""
        if self._status is None:
            if not self.ended(PATIENCE_S):
                self.kill()
                raise TimeoutError(f"a child did not end in {PATIENCE_S:.0f} s; last: {self.said[-1:]}")
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self._end.close()
        return self._status


def fork(work: Callable[[Channel], None]) -> Child:
    """A child that does `work`; its exit status is 0 when that came to its end."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        return Child(pid, ours)
    status = 1
    try:
        ours.close()
        ctypes.CDLL(None).prctl(_SET_TRACER, _ANY_TRACER, 0, 0, 0)  # an ordinary user may trace it too
        work(Channel(theirs))
        status = 0
    except BaseException:  # noqa: BLE001 -- the border of the process
        traceback.print_exc()
    finally:
        os._exit(status)


def ask(work: Callable[[], Message]) -> Message:
    """What `work` gives, done in a child, so that nothing of it stays in this process."""
    child = fork(lambda channel: channel.say(answer=work()))
    if not child.hear("answer") or child.end() != 0:
        raise RuntimeError("a child that looked at a ledger failed; its traceback is above")
    answer: Message = child.said[-1]["answer"]
    return answer


class Tracer:
    """strace at work on a child. `calls` and `when` say which call meets `fault` (`signal=KILL`, `error=EIO`), counted
    from now on; without a fault the calls are only counted. A call that is met is not carried out."""

    def __init__(
        self,
        pid: int,
        log: Path,
        calls: str = CHANGING,
        fault: str | None = None,
        when: int = 1,
        *,
        signals: str = "none",
    ) -> None:
        self._pid, self._log = pid, log
        self.astray = False  # it met an openat that makes no file: how often others are made differs from run to run
        command = ["strace", "-f", "-y", "-o", str(log), "-p", str(pid), "-e", f"trace={calls}", "-e"]
        command.append(f"signal={signals}")
        if fault:
            command += ["-e", f"inject={calls}:{fault}:when={when}"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr
        said = self._process.stderr.readline()
        if "attached" not in said:
            self._process.wait()
            raise RuntimeError(f"strace cannot trace a child of this account: {said.strip()}")

    def end(self) -> list[str]:
        """Wait for the end of the child; the lines of the log."""
        assert self._process.stderr
        self._process.wait(timeout=PATIENCE_S)
        self._process.stderr.close()
        return self._log.read_text().splitlines()

    def met(self) -> str | None:
        """Wait for the end of the child; the call that met the fault, as `fdatasync ledger.duckdb.wal`, or None."""
        line = next((line for line in self.end() if "(INJECTED)" in line or line.endswith("= ?")), None)
        self.astray = line is not None and " openat(" in line and "O_CREAT" not in line
        return line and self.called(line)

    @staticmethod
    def called(line: str) -> str:
        """The call and the name of what it was about, from a line of the log."""
        return _call(line)

    def counts(self) -> list[tuple[str, int]]:
        """Wait for the end of the child; every call that it made, as name and number within its thread, in order.
        strace counts by thread, so one number can stand for the calls of several."""
        made: Counter[tuple[str, str]] = Counter()
        found: dict[tuple[str, int], None] = {}
        for line in self.end():
            thread, name = line.partition(" ")[0], _call(line).split(" ")[0]
            if "(" not in line or "resumed>" in line:
                continue
            made[thread, name] += 1
            if name != "openat" or (thread == str(self._pid) and "O_CREAT" in line):
                found[name, made[thread, name]] = None
        return list(found)


def _call(line: str) -> str:
    name, _, rest = line.partition(" ")[2].strip().partition("(")
    quoted = name.startswith(_BY_NAME)
    target = rest.partition('"' if quoted else "<")[2].partition('"' if quoted else ">")[0]
    return f"{name} {Path(target).name}"
