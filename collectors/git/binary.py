"""Runs the real `git`, read-only and deaf to what the repository wants it to execute.

A repository's own configuration and attributes can name programs (hooks, pagers, filters, text converters, signature
checkers, transports). A repository to audit is not trusted: every such door is shut on the command line, which wins
over the repository's files, and nothing on the network is reachable.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from compliance.collectors.git.redact import without_passwords
from compliance.schemas.errors import Absent, Denied, Malformed, SourceError, TimedOut
from compliance.schemas.messages import Request

_SHUT = {
    "safe.directory": "*",  # the clone may belong to another account; with every door below shut that is no danger
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.quotePath": "true",
    "core.sshCommand": "false",
    "core.alternateRefsCommand": "false",
    "core.commitGraph": "true",
    "credential.helper": "",
    "diff.external": "",
    "gpg.program": "gpg",
    "gpg.openpgp.program": "gpg",
    "gpg.x509.program": "gpgsm",
    "gpg.ssh.program": "ssh-keygen",
    "gpg.ssh.defaultKeyCommand": "",
    "gpg.ssh.revocationFile": "",
    "gpg.minTrustLevel": "undefined",
    "log.showSignature": "false",
    "log.showRoot": "true",
    "log.mailmap": "false",
    "protocol.allow": "never",
    "submodule.recurse": "false",
    "status.submoduleSummary": "false",
    "uploadpack.packObjectsHook": "",
}
_CHUNK = 1 << 16


class Binary:
    """`git` for one repository. Keeps what was asked (`requests`), without the fixed options above."""

    def __init__(
        self, path: Path, timeout_s: float, stop: threading.Event, allowed_signers: Path | None = None
    ) -> None:
        found = shutil.which("git")
        if found is None:
            raise Absent("the program git is not installed", remedy="install git on the machine that collects")
        self._git = found
        self.path = path
        self.timeout_s = timeout_s
        self.stop = stop
        self.requests: list[Request] = []
        options = {**_SHUT, "gpg.ssh.allowedSignersFile": str(allowed_signers or os.devnull)}
        self._options = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "GNUPGHOME") if name in os.environ},
            "LC_ALL": "C",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_ASKPASS": "false",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_CEILING_DIRECTORIES": str(path.parent),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_PAGER": "cat",
            "GIT_TERMINAL_PROMPT": "0",
            "SSH_ASKPASS": "false",
        }

    def note(self, *arguments: str) -> None:
        """Records a request once, however often it is put."""
        request = Request("command", without_passwords(" ".join(("git", "-C", str(self.path), *arguments))))
        if request not in self.requests:
            self.requests.append(request)

    def text(self, *arguments: str, ok: Sequence[int] = (0,)) -> str:
        """The output as text, without the last line end; '' for an exit status of `ok` that prints nothing."""
        with self.stream(*arguments, ok=ok) as pipe:
            return pipe.rest().decode("utf-8", "backslashreplace").rstrip("\n")

    @contextlib.contextmanager
    def stream(self, *arguments: str, ok: Sequence[int] = (0,), give: bytes | None = None) -> Iterator[Pipe]:
        """Runs git; its output is read through the Pipe. Checks the exit status when all of it was read.

        Raises:
            SourceError: with the cause that git's own words tell.
        """
        self.note(*arguments)
        with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as given:
            given.write(give or b"")
            given.seek(0)
            command = [self._git, "--no-pager", *self._options, "-C", str(self.path), *arguments]
            process = self._start(command, given, errors)
            pipe = Pipe(process, self)
            try:
                yield pipe
                if pipe.ended:
                    pipe.wait()
            finally:
                end(process)
            if pipe.ended and process.returncode not in ok:
                errors.seek(0)
                raise self.failure(errors.read(_CHUNK).decode("utf-8", "backslashreplace"), process.returncode)

    def interactive(self, *arguments: str) -> Pipe:
        """git, to be asked through `Pipe.tell`; the caller ends it with `close`."""
        self.note(*arguments)
        command = [self._git, "--no-pager", *self._options, "-C", str(self.path), *arguments]
        return Pipe(self._start(command, subprocess.PIPE, subprocess.DEVNULL), self)

    def _start(self, command: list[str], given: IO[bytes] | int, errors: IO[bytes] | int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 -- an argument list, fixed options first, paths never options
            command,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=self._environment,
            cwd="/",
            start_new_session=True,  # so that a signature checker it started ends with it
            bufsize=0,
        )

    def failure(self, said: str, status: int) -> SourceError:
        """What git's complaint means."""
        words = without_passwords(" ".join(said.split()))[:500]
        message = f"git in {self.path}: {words or f'exit status {status}'}"
        lower, hidden = said.lower(), None
        if "permission denied" in lower or "operation not permitted" in lower or (hidden := _unreadable(self.path)):
            which = f"; {hidden} cannot be read" if hidden else ""
            return Denied(message + which, remedy=f"let the collecting account read all of {self.path}")
        if "not a git repository" in lower:
            return Malformed(message, remedy="name the folder of a clone in paths, or remove it there")
        if "missing blob" in lower or "could not fetch" in lower or "promisor" in lower:
            return Absent(message, remedy="fetch what is missing (a partial clone?), or run `git fsck` and repair it")
        return Malformed(message, remedy=f"run `git -C {self.path} fsck` and repair the clone")


def _unreadable(path: Path) -> Path | None:
    """The first part of the object store that this account may not read: git itself calls such objects missing."""
    inner = path / ".git" if (path / ".git").is_dir() else path
    for part in (inner / "objects", *(inner / "objects").glob("*"), *(inner / "objects" / "pack").glob("*")):
        if not os.access(part, os.R_OK | (os.X_OK if part.is_dir() else 0)):
            return part
    return None


class Pipe:
    """A program's output, read with a time-out on each piece: one that hangs ends in TimedOut."""

    def __init__(self, process: subprocess.Popen[bytes], binary: Binary, who: str = "git") -> None:
        self._process = process
        self._binary = binary
        self._who = who
        self._buffer = bytearray()
        self.ended = False

    def tell(self, data: bytes) -> None:
        """Writes to the program's standard input. A program that already ended is noticed when it is read."""
        stream, rest = self._process.stdin, memoryview(data)
        while stream is not None and len(rest):
            try:
                rest = rest[stream.write(rest) or 0 :]
            except BrokenPipeError:
                return

    def until(self, mark: bytes) -> bytes | None:
        """The next piece up to `mark`, without it; None at the end."""
        start = 0
        while True:
            at = self._buffer.find(mark, start)
            if at >= 0:
                piece = bytes(self._buffer[:at])
                del self._buffer[: at + len(mark)]
                return piece
            start = max(0, len(self._buffer) - len(mark) + 1)
            if not self._more():
                rest = bytes(self._buffer)
                self._buffer.clear()
                return rest or None

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._buffer) < count:
            if not self._more():
                raise self._binary.failure("the answer ended early", self._process.poll() or 0)
        piece = bytes(self._buffer[:count])
        del self._buffer[:count]
        return piece

    def rest(self) -> bytes:
        """Everything there is."""
        while self._more():
            pass
        return bytes(self._buffer)

    def wait(self) -> None:
        """Waits for git to end."""
        try:
            self._process.wait(self._binary.timeout_s)
        except subprocess.TimeoutExpired as error:
            raise self._late() from error

    def close(self) -> None:
        """Ends git, wherever it is."""
        end(self._process)

    def _more(self) -> bool:
        if self.ended or self._process.stdout is None:
            return False
        ready = select.poll()
        ready.register(self._process.stdout, select.POLLIN | select.POLLHUP)
        deadline = time.monotonic() + self._binary.timeout_s
        while not ready.poll(200):
            if time.monotonic() >= deadline or self._binary.stop.is_set():
                raise self._late()
        data = os.read(self._process.stdout.fileno(), _CHUNK)
        self._buffer += data
        self.ended = not data
        return not self.ended

    def _late(self) -> TimedOut:
        return TimedOut(
            f"{self._who} in {self._binary.path} gave no answer within {self._binary.timeout_s:g} s",
            remedy="find out why (a dead network file system?), or raise request_timeout_s",
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and its children, and closes the pipes to it."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
