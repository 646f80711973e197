"""The only door to the machine: files below a root, and commands given as argument lists.

Every question is noted as a `Request`, every refusal becomes a `SourceError` with the cause a Gap reports. Nothing
here writes, and nothing turns a refusal into an empty answer.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compliance.schemas.errors import Absent, Denied, Malformed, SourceError, TimedOut, Unreachable
from compliance.schemas.messages import Request

SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")
_REFUSED = re.compile(
    r"permission denied|operation not permitted|must be root|not authori[sz]ed|access denied|are you root",
    re.IGNORECASE,
)
_ROOT_REMEDY = "run the collector as root, or grant what the README of the host collector lists for this kind"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command answered: exit status, standard output and error as text."""

    status: int
    out: str
    err: str


Runner = Callable[[tuple[str, ...], float], Reply]


def run_command(argv: tuple[str, ...], timeout_s: float) -> Reply:
    """Run `argv` without a shell, in the C locale, in a process group of its own that a time-out ends as a whole.

    Raises:
        Absent: no such program. Denied: it may not be executed. TimedOut: no end within `timeout_s` seconds.
    """
    path = search_path()
    program = shutil.which(argv[0], path=path)
    if program is None:
        raise Absent(f"{argv[0]} is not installed on this machine", remedy=f"install the package that brings {argv[0]}")
    environment = {"PATH": path, "LC_ALL": "C", "LANG": "C", "TZ": os.environ.get("TZ", ""), "SYSTEMD_PAGER": ""}
    if not environment["TZ"]:
        del environment["TZ"]
    try:
        process = subprocess.Popen(  # noqa: S603 -- an argument list of ours, no shell, nothing from outside
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except PermissionError as error:
        raise Denied(f"{program} may not be executed: {error.strerror}", remedy=_ROOT_REMEDY) from error
    except OSError as error:
        raise Malformed(f"{program} cannot be executed: {error.strerror}", remedy=f"reinstall {argv[0]}") from error
    with process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            _end_group(process.pid)
            process.communicate()
            raise TimedOut(
                f"{' '.join(argv)} did not answer within {timeout_s:g} s",
                remedy="find out why it hangs, or raise the source's time-out",
            ) from error
    return Reply(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def _end_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def search_path() -> str:
    """PATH, with the administrator's folders that an ordinary user's PATH lacks."""
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    return os.pathsep.join([*folders, *(folder for folder in SBIN if folder not in folders)])


@dataclass(slots=True)
class Machine:
    """One machine as one kind's reader sees it. `requests` fills with what was asked; `answers` is shared between
    the readers of one collection, so that two kinds that rest on the same question rest on the same answer."""

    root: Path = Path("/")
    timeout_s: float = 30.0
    runner: Runner = run_command
    throttle: Callable[[], None] = lambda: None
    requests: list[Request] = field(default_factory=list)
    answers: dict[tuple[str, ...], Reply | SourceError] = field(default_factory=dict)

    def for_kind(self) -> Machine:
        """The same machine and the same answers, with an empty list of requests."""
        return Machine(self.root, self.timeout_s, self.runner, self.throttle, [], self.answers)

    def at(self, path: str) -> Path:
        """Where an absolute path of the machine lies for us."""
        return self.root / path.lstrip("/")

    def ask(self, *argv: str) -> Reply:
        """The reply of a command, whatever its exit status. Raises Absent, Denied, TimedOut."""
        known = self.answers.get(argv)
        if known is None:
            self.throttle()
            try:
                known = self.runner(argv, self.timeout_s)
            except SourceError as error:
                known = error
            self.answers[argv] = known
        if isinstance(known, SourceError):
            self._note("command", " ".join(argv), None)
            raise known
        self._note("command", " ".join(argv), known.out.encode())
        return known

    def run(self, *argv: str) -> str:
        """Standard output of a command that must succeed.

        Raises:
            Denied: it failed and says that rights are missing. Malformed: it failed for another reason.
        """
        reply = self.ask(*argv)
        if reply.status != 0:
            raise failed(argv, reply)
        return reply.out

    def has(self, program: str) -> bool:
        """Is the program there, by PATH and the administrator's folders?"""
        if self.root != Path("/"):
            return any(self.exists(f"{folder}/{program}") for folder in SBIN)
        return shutil.which(program, path=search_path()) is not None

    def read(self, path: str) -> str:
        """A file's text. Raises Absent or Denied."""
        return self.read_bytes(path).decode("utf-8", "replace")

    def read_bytes(self, path: str, limit: int = -1) -> bytes:
        """A file's bytes, the first `limit` of them if given. Raises Absent or Denied."""
        with self._refusals(path), self.at(path).open("rb") as stream:
            content = stream.read(limit)
        self._note("file", path, content if limit < 0 else None)
        return content

    def read_optional(self, path: str) -> str | None:
        """A file's text, None where there is no such file. Raises Denied: unreadable is not the same as missing."""
        try:
            return self.read(path)
        except Absent:
            self._note("file", path, None)
            return None

    def exists(self, path: str) -> bool:
        """Is there something at that path? Raises Denied when a folder above hides it."""
        return self.status(path) is not None

    def status(self, path: str) -> os.stat_result | None:
        """`stat` of the path, links followed; None where there is nothing. Raises Denied."""
        try:
            with self._refusals(path):
                return self.at(path).stat()
        except Absent:
            return None

    def names(self, folder: str) -> list[str]:
        """Sorted names in a folder, none when it does not exist. Raises Denied when it may not be listed."""
        try:
            with self._refusals(folder):
                found = sorted(os.fsencode(name).decode("utf-8", "replace") for name in os.listdir(self.at(folder)))
        except Absent:
            found = []
        self._note("file", folder.rstrip("/") + "/", None)
        return found

    def files(self, folder: str, suffix: str = "") -> list[str]:
        """Sorted absolute paths of the regular files in a folder whose names end with `suffix`. Raises Denied."""
        paths = (f"{folder.rstrip('/')}/{name}" for name in self.names(folder) if name.endswith(suffix))
        return [path for path in paths if (info := self.status(path)) is not None and stat.S_ISREG(info.st_mode)]

    def link(self, path: str) -> str | None:
        """What a symbolic link points to; None where there is none. Raises Denied."""
        try:
            with self._refusals(path):
                return os.readlink(self.at(path)) if self.at(path).is_symlink() else None
        except Absent:
            return None

    @contextmanager
    def _refusals(self, path: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError) as error:
            raise Absent(
                f"{path} does not exist on this machine", remedy=f"create {path} or install its owner"
            ) from error
        except PermissionError as error:
            raise Denied(f"{path} may not be read by this account", remedy=_ROOT_REMEDY) from error
        except OSError as error:
            raise Unreachable(f"{path} cannot be read: {error.strerror}", remedy="check the file system") from error

    def _note(self, method: str, text: str, content: bytes | None) -> None:
        digest = hashlib.sha256(content).hexdigest() if content is not None else None
        request = Request(method, text, digest)
        if request not in self.requests:
            self.requests.append(request)


def failed(argv: tuple[str, ...], reply: Reply) -> SourceError:
    """The error for a command that ended with a non-zero status, by what it says itself."""
    said = next((line.strip() for line in (reply.err + "\n" + reply.out).splitlines() if line.strip()), "nothing")
    message = f"{' '.join(argv[:4])} ended with status {reply.status}: {said[:200]}"
    if _REFUSED.search(reply.err + reply.out):
        return Denied(message, remedy=_ROOT_REMEDY)
    return Malformed(message, remedy=f"run `{' '.join(argv[:4])}` by hand and mend what it complains about")
